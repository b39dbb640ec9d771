"""What must not be sent as it is, is not sent."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.routes.declare import Redaction, Replace
from shared.shape import redact
from shared.shape.redact import redactor

SALT = b"a long text that nobody can guess"

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(), inside, max_size=4),
    max_leaves=8,
)


def hashed(text: str) -> str:
    return hmac.new(SALT, text.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()


def replaced(pattern: str, template: str, texts: list[str]) -> list[Any]:
    return redactor(Replace(pattern, template), None)(texts)


# -- remove, hash ----------------------------------------------------------------------------------


def test_remove_leaves_nothing() -> None:
    """Every value becomes None."""
    assert redactor("remove", None)(["a", 5, {"a": 1}, None]) == [None] * 4


@given(st.lists(values))
def test_a_hash_is_that_of_the_text(column: list[Any]) -> None:
    """A hash is HMAC-SHA-256 in hex of the text, or of the JSON text of another value; None stays None."""
    for found, value in zip(redactor("hash", SALT)(column), column, strict=True):
        if value is None:
            assert found is None
        elif isinstance(value, str):
            assert found == hashed(value)
        else:
            assert re.fullmatch("[0-9a-f]{64}", found)


def test_a_hash_of_an_object_does_not_depend_on_its_order() -> None:
    """The same object gives the same hash, however its keys are ordered."""
    hash_ = redactor("hash", SALT)
    assert (
        hash_([{"a": 1, "b": [1.5, None]}, {"b": [1.5, None], "a": 1}])
        == [hashed('{"a":1,"b":[1.5,null]}')] * 2
    )
    assert hash_([5, True, 2**70, "5"]) == [hashed("5"), hashed("true"), hashed(str(2**70)), hashed("5")]


def test_what_a_hash_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many values go by, few are remembered, none of them long, and all are hashed right."""
    monkeypatch.setattr(redact, "_REMEMBERED", 10)
    hash_ = redactor("hash", SALT)
    texts = [f"user{i % 37}" for i in range(100)] + ["x" * 1000]
    assert hash_(texts) == [hashed(text) for text in texts]
    known = hash_._known  # type: ignore[attr-defined]
    assert len(known) <= 10
    assert max(map(len, known)) < 1000


@pytest.mark.parametrize("salt", [None, b""])
def test_a_hash_needs_a_salt(salt: bytes | None) -> None:
    """Without a salt, a hash is refused; the sentence names the app setting."""
    with pytest.raises(ValueError, match="REDACT_SALT"):
        redactor("hash", salt)


# -- mask ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("4111-1111-1111-1234", "****-****-****-1234"),
        ("12345678", "********"),
        ("123456789", "*****6789"),
        ("1234-5678", "****-****"),
        ("anna@example.org", "****@******e.org"),
        ("secret", "******"),
        ("Jürgen Groß", "****** Groß"),
        ("-- //", "-- //"),
        ("", ""),
        ("क्षत्रिय", "********"),
        ("*1*2*3", "******"),
    ],
)
def test_a_mask_leaves_the_shape(text: str, masked: str) -> None:
    """Letters and digits become stars, all but the last four of more than eight; punctuation stays."""
    assert redactor("mask", None)([text]) == [masked]


@given(st.text())
def test_a_mask_hides_all_but_the_last_four(text: str) -> None:
    """A mask has its text's length, hides every letter, digit and character beyond ASCII, and shows four of them at most."""
    (masked,) = redactor("mask", None)([text])
    hidden = [i for i, c in enumerate(text) if c.isalnum() or not c.isascii()]
    shown = hidden[-4:] if len(hidden) > 8 else []
    assert masked == "".join("*" if i in hidden and i not in shown else c for i, c in enumerate(text))


@given(st.text(min_size=5), st.sampled_from(["remove", "hash", "mask"]))
def test_a_redacted_text_does_not_hold_the_original(text: str, how: Redaction) -> None:
    """A text of five characters or more with a letter or digit in it is nowhere in what is sent instead."""
    (found,) = redactor(how, SALT)([text])
    assert found is None or text not in found or not any(c.isalnum() for c in text)


# -- replace ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "template", "text", "found"),
    [
        ("token=[^&]+", "token=…", "/a?token=abc&b=1&token=x", "/a?token=…&b=1&token=…"),
        (r"(\w+)@(\w+)", r"\2 at \1", "a@b, c@d", "b at a, d at c"),
        ("b", r"[\0\\]", "abc", r"a[b\]c"),
        ("b", "", "abc", "ac"),
        ("x*", "-", "abxd", "-a-b--d-"),
        ("x*", "-", "ü", "-ü-"),
        ("$", "!", "a", "a!"),
        ("^a", "b", "aaa", "baa"),
        (r"\ba", "b", "aaa a", "baa b"),
        ("(a)|b", r"<\1>", "ab", "<a><>"),
        ("(?i)SECRET", "*", "a Secret", "a *"),
        (r"\n", " ", "a\nb", "a b"),
        ("a.c", "x", "a\nc", "a\nc"),
        ("(?s)a.c", "x", "a\nc", "x"),
        ("^b$", "x", "a\nb", "a\nb"),
        ("(?m)^b$", "x", "a\nb", "a\nx"),
        (r"\Ab", "x", "bb", "xb"),
        ("b", "\n", "abc", "a\nc"),
        ("é", "e", "café", "cafe"),
        ("a", "b", "\ud800a", "\ud800b"),
    ],
)
def test_every_match_is_replaced(pattern: str, template: str, text: str, found: str) -> None:
    """Matches are replaced from left to right, groups put in, alone and in a column."""
    assert replaced(pattern, template, [text]) == [found]
    assert replaced(pattern, template, [text, "", text, "?"])[::2] == [found, found]


PATTERNS = ["a", "a+", "a*", "b$", "^a", r"\b", r"\B", r"\s", r"\S+", r"\W", r"[^a]", r"[^a]*", ".", ".*", "(?s).*", r"\D+",
            "a|$", "^", "$", "^$", "(?m)^", "(?m)$", "(?-m)$", r"\Aa", r"a\z", r"[[:space:]]+", r"[^\S]", r"\pL", r"\PL+",
            r"\Q$\E", "(a)(b)?", "(?i)A", "a*?", "(?U)a+", r"[\x00-\x{10FFFF}]", r"(?s:.)b", r"\x0a", "[\n]", "a{2,3}"]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
@given(texts=st.lists(st.text("ab\nA é$") | st.text(), max_size=8))
@settings(max_examples=25)
def test_a_column_is_replaced_as_each_of_its_texts(pattern: str, texts: list[str]) -> None:
    """What a pattern replaces in a text does not depend on the texts beside it."""
    assert replaced(pattern, r"<\0>", texts) == [
        replaced(pattern, r"<\0>", [text, "\n"])[0] for text in texts
    ]


@pytest.mark.parametrize(
    "pattern", ["a", "a+", "a*", "b$", "^a", r"\b", "[^a]", ".", "a|$", "^$", "(a)(b)?", "a{2,3}"]
)
@given(texts=st.lists(st.text("ab -"), max_size=8))
@settings(max_examples=25)
def test_matches_are_those_of_python(pattern: str, texts: list[str]) -> None:
    """Where RE2 and Python's re mean the same, they replace the same."""
    assert replaced(pattern, r"<\0>", texts) == [re.sub(pattern, r"<\g<0>>", text) for text in texts]


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a+)+$", "a" * 60_000 + "!"),
        ("(a|aa)+$", "a" * 60_000 + "!"),
        ("(.*)*=x", "=" * 60_000),
        ("(a?){50}a{50}", "a" * 49),
        ("((a*)*)*b", "a" * 60_000),
    ],
)
def test_no_text_makes_a_pattern_go_back(pattern: str, text: str) -> None:
    """Text that makes other engines try for years is searched at once, and stays as it is."""
    assert replaced(pattern, "", [text] * 3) == [text] * 3


@pytest.mark.parametrize(
    ("pattern", "template", "said"),
    [
        ("(a", "", "missing ): (a"),
        ("a(?=b)", "", "at character 2: invalid perl operator: (?=. RE2 has no look-around"),
        (
            r"(a)\1",
            "",
            r"at character 4: invalid escape sequence: \1. RE2 has no look-around and no references",
        ),
        ("a**", "", "at character 2: bad repetition operator: **"),
        ("a{9999}", "", "invalid repetition size"),
        ("((a{100}){100}){100}", "", "invalid repetition size"),
        ("é(", "", "missing ): é("),
        ("", "", "not empty"),
        (r"\C", "", "single byte"),
        ("(a)", r"\2", r"`with` has \2; there are \0 to \1"),
        ("a", r"\1", "the pattern has no group"),
        ("a", r"\g<1>", r"`with` has \g"),
        ("a", "b\\", "`with` has \\;"),
    ],
)
def test_a_wrong_pattern_is_explained(
    pattern: str, template: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """What RE2 does not read is refused with its own words and the place, and nothing is written to the log by it."""
    with pytest.raises(ValueError, match=re.escape(said)):
        redactor(Replace(pattern, template), None)
    assert capfd.readouterr() == ("", "")


# -- within values ---------------------------------------------------------------------------------


def test_mask_and_replace_go_into_values() -> None:
    """Texts and numbers in objects and arrays are redacted, None and keys stay, and the record's own objects are not touched."""
    value = {"card": 4111111111111234, "names": ["anna", {"anna": None}], "ok": True}
    before = msgspec.json.encode(value)
    column = ["anna", value, None, 12, []]
    masked = {"card": "************1234", "names": ["****", {"anna": None}], "ok": "****"}
    assert redactor("mask", None)(column) == ["****", masked, None, "**", []]
    found = redactor(Replace("anna|12", "x"), None)(column)
    assert found == [
        "x",
        {"card": "411111111111x34", "names": ["x", {"anna": None}], "ok": True},
        None,
        "x",
        [],
    ]
    assert msgspec.json.encode(value) == before


@given(st.lists(values), st.sampled_from(["remove", "hash", "mask", Replace("[a-z0-9]", "#")]))
def test_a_column_stays_as_long_as_it_is(column: list[Any], how: Redaction) -> None:
    """A redactor gives a value for each value, and None for None."""
    found = redactor(how, SALT)(column)
    assert len(found) == len(column)
    assert all(after is None for before, after in zip(column, found, strict=True) if before is None)


@pytest.mark.parametrize("how", ["mask", Replace("a", "b")])
def test_deep_values_are_redacted(how: Redaction) -> None:
    """A value that is nested deeper than calls may go is redacted all the same."""
    value: Any = "aaa"
    for _ in range(5000):
        value = [value]
    (found,) = redactor(how, None)([value])
    while isinstance(found, list):
        (found,) = found
    assert found in {"***", "bbb"}


def test_other_types_are_redacted_by_their_json() -> None:
    """What columnar formats give besides JSON types is redacted as it would be written."""
    when = datetime(2026, 11, 20, tzinfo=UTC)
    assert redactor("hash", SALT)([when]) == [hashed("2026-11-20T00:00:00Z")]
    assert redactor("mask", None)([b"abc"]) == ["****"]
