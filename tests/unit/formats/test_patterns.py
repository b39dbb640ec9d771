"""What users may write as a pattern, and that it means the same wherever it runs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import re2
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.formats import arrowmatch
from shared.formats.onepath import one_path
from shared.formats.patterns import checked
from tests.unit.formats.reading import parser, read


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("", "pattern: the pattern is empty"),
        (r"\w+", "pattern: no group of the pattern has a name; write (?P<name>...)"),
        ("(?P<a>x", "pattern: RE2 refuses the pattern: missing ): (?P<a>x"),
        ("(?P<a>[x)", "missing ]: [x)"),
        ("(?P<a>x)(?=y)", "invalid perl operator: (?=; RE2 has no look-around"),
        ("(?P<a>x)(?!y)", "RE2 has no look-around"),
        ("(?<=x)(?P<a>y)", "RE2 has no look-around"),
        ("(?<!x)(?P<a>y)", "RE2 has no look-around"),
        (r"(?P<a>x)\1", r"invalid escape sequence: \1; RE2 has no references to groups"),
        ("(?P<a>x)(?P=a)", "RE2 has no references to groups"),
        (r"(?P<a>x)\k<a>", "RE2 has no references to groups"),
        ("(?>(?P<a>x))", "RE2 has no atomic groups"),
        ("(?P<a>x++)", "leave the last + out"),
        ("(?x)(?P<a>x)", "neither the x flag"),
        ("(?|(?P<a>x))", "write a list of patterns"),
        (r"(?P<a>x)\Z", r"write \z or $"),
        (r"(?P<a>\h)", r"write [ \t]"),
        (r"(?P<a>\u00e9)", r"write \x{00e9}"),
        ("(?P<a>x{1001})", "RE2 repeats up to 1,000 times"),
        ("(?P<a-b>x)", "a name has letters, digits and _"),
        ("(?P<>x)", "a name has letters, digits and _"),
        ("(?P<a>x)|(?P<a>y)", "two groups are called a; call them differently, or write a list of patterns"),
        ("%{IP:client} (?P<a>x)", "%{IP:client} is Grok, which is not known here"),
        ("%{NUMBER:n:int}", "%{NUMBER:n:int} is Grok"),
        (r"(?P<a>x)\Qabc", r"end each \Q with \E"),
        ([], "pattern: the list is empty"),
        (["(?P<a>x)", "y"], "pattern[1]: no group of the pattern has a name"),
        (["(?P<a>x)", "("], "pattern[1]: RE2 refuses the pattern: missing )"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused(pattern: Any, says: str) -> None:
    """The message names the key, what RE2 says, and what to write instead where RE2's words do not."""
    with pytest.raises(msgspec.ValidationError) as refused:
        parser("regex", pattern=pattern)
    assert says in str(refused.value)


def test_half_of_a_surrogate_pair_is_refused() -> None:
    """A pattern that is no text is told apart from one that RE2 refuses."""
    with pytest.raises(ValueError, match="start: the pattern holds half of a surrogate pair"):
        checked("start", "\ud800")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"start": "("}, "start: RE2 refuses the pattern: missing )"),
        ({"continuation": "a(?!b)"}, "continuation: RE2 refuses the pattern"),
        ({"start": "a", "continuation": "b"}, "start and continuation cannot go together"),
        ({"start": "a", "indented": True}, "start and indented cannot go together"),
        ({"multiline": True}, "unknown field `multiline`"),
    ],
)
@pytest.mark.parametrize("kind", ["text", "regex"])
def test_where_records_begin_is_said_in_one_way(kind: str, options: dict[str, Any], says: str) -> None:
    """What cannot go together, or cannot be read, is refused with the keys' names."""
    needed = {"pattern": "(?P<a>.*)"} if kind == "regex" else {}
    with pytest.raises(msgspec.ValidationError) as refused:
        parser(kind, **needed, **options)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        (r"(?P<a>x)(?<b>y)(z)(?:w)((?i)v)", ("a", "b")),
        (r"\((?P<a>[(](x)[)])\)\Q(y)(?P<c>\E(?P<b>\\)", ("a", "b")),
        (r"[](](?P<a>[^](])[[:alpha:](](?P<b>[\](])", ("a", "b")),
        ("(?P<1>x)(?P<_>y)(?P<größe>z)", ("1", "_", "größe")),
    ],
)
def test_groups_are_told_from_parentheses(pattern: str, names: tuple[str, ...]) -> None:
    """Only what captures counts: not an escaped one, one in a class or one that is quoted."""
    assert checked("pattern", pattern).names == names


def test_the_newline_of_a_yaml_block_is_no_part_of_the_pattern() -> None:
    """`pattern: |` ends in a newline, which no record does."""
    assert read("regex", b"x 1\n", pattern="(?P<a>x) (?P<b>.)\n") == ([{"a": "x", "b": "1"}], [])


def test_a_pattern_matches_the_whole_record() -> None:
    """Text before or after a match is no match; the detail says so, and what to add."""
    options = {"pattern": ["(?P<a>x)", "(?P<b>yy)"]}
    _, rejects = read("regex", b"x\n x\nx \nyyy\nz\n", **options)
    part = "a pattern matches a part of the record but not all of it; add .* where other text may stand"
    none = "no pattern of the route matches the record"
    assert [(r.line, r.detail) for r in rejects] == [(2, part), (3, part), (4, part), (5, none)]


def test_a_record_of_several_lines_that_does_not_match_says_why() -> None:
    """The dot takes no newline unless it is told to; the detail says how."""
    _, (reject,) = read("regex", b"x\n y\n", pattern="(?P<a>.*)", indented=True)
    assert reject.reason == "NoMatch"
    assert reject.detail.endswith(". matches no newline unless the pattern begins with (?s)")


_PARTS = [
    "(?P<a>x+)", "(?<b>[^ ]*)", "(?P<c>.*?)", "(?P<d>\\w+)?", "(y|z)", "((?P<e>é)|€)", " +", "\\s*", ".", "x*",
    "(?i)Y", "(?s).", "(?:x|(?P<f>y))*", "\\PL", "[^\\n]", "(?m)^", "$", "\\b", "\\x{e9}", "(?U)x+", "\\Q.(\\E",
]  # fmt: skip
_TEXTS = st.text(st.sampled_from("xyzXY é€\n\t.(\0\u2028\U0001f600"), max_size=12)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(_PARTS), min_size=1, max_size=6, unique=True), st.lists(_TEXTS, max_size=8))
def test_both_engines_find_the_same(parts: list[str], texts: list[str]) -> None:
    """A pattern as the user wrote it, in google-re2, and as it is run: the same texts match, with the same groups."""
    written = "".join(parts)
    pattern = checked("pattern", written)
    one = re2.compile(written)
    expected = [one.fullmatch(text) for text in texts]
    found = arrowmatch.extract(texts, pattern)
    assert list(found.hits) == [index for index, match in enumerate(expected) if match]
    assert sorted([*found.hits, *found.misses]) == list(range(len(texts)))
    assert not pattern.names or found.rows == [
        tuple(match[name] or "" for name in pattern.names) for match in expected if match
    ]
    assert arrowmatch.contain(texts, pattern) == [one.search(text) is not None for text in texts]


ONE_PATH = [
    r"(?P<a>\S+) (?P<b>\d{4}-\d\d) +(?P<c>[^] \[]*)\[(?P<d>.*)",
    r"^(?P<a>\w+)(?:\[(?P<b>\d+)\])?: (?P<c>.*)$",
    r"(?P<a>\d+|-|x) (?P<b>[a-f0-9]{2,4})\z",
    r'(?P<a>"[^"]*"|[^" -]+)(?:-(?P<b>.*))?',
    r"(?P<a>\w+): *(?P<c>.*)(?:\n(?P<d>(?s:.*)))?",
    r"(?P<a>[^\n]*)(?:\n(?P<b>(?s:.*)))?",
    r"(?s)(?P<a>\w*): *(?P<b>.*)",
    r"(?P<a>x)?(?P<b>y)?z+?\.",
    r"(?P<a>[+\-.a]+),(?P<b>[]x-]?)",
    r"a(?P<a>b)c|d(?P<b>e)",
]
FIRST_PATH = [
    r"(?P<a>.*?): (?P<b>.*)",
    r"(?P<a>.*?) - (?P<b>.*?) \[(?P<c>.*?)\] (?P<d>\d+)",
    r"(?P<a>.*?)(?P<b>\d{2}) (?P<c>.*)",
    r"(?P<a>[^:]+?) +-(?P<b>.*)",
    r"(?:(?P<a>.{1,3}?)(?:(?P<b>x)))z",
]
SEVERAL_PATHS = [
    r"(?P<a>.*?)(?P<b>x?) (?P<c>.*)",
    r"(?P<a>.*?)(?:x|y)(?P<c>.*)",
    r"(?P<a>.*) (?P<b>.*)",
    r"(?P<a>\w+)\d(?P<b>x)",
    r"(?P<a>(?:x+x+)+)y",
    r"(?P<a>x?)(?P<b>x?)y",
    r"(?P<a>x+)(?P<b>y?)x",
    r"(?P<a>x|xy)z",
    r"(?P<a>x*|y)z",
    r"(?:(?P<a>x) )?(?P<b>.*)",
    r"(?P<a>x*?)(?P<b>.*)",
    r"(?i)(?P<a>x)",
    r"(?P<a>\bx)",
    r"(?P<a>é)",
    r"(?P<a>\pL)",
    r"(?P<a>[[:alpha:]])",
    r"(?P<a>x){2}",
    r"(?P<a>x{,2})",
    r"(?P<a>\Qx\E)",
    r"(?P<a>x)$y",
]


@pytest.mark.parametrize("newlines", [True, False])
def test_patterns_of_one_path_are_told_from_others(newlines: bool) -> None:
    """Only where the next characters always say how to go on is a pattern written for `re`."""
    one = [one_path(checked("pattern", t), newlines=newlines) for t in ONE_PATH]
    assert [t for t, path in zip(ONE_PATH, one, strict=True) if path is None or not path.is_sure] == []
    first = [one_path(checked("pattern", t), newlines=newlines) for t in FIRST_PATH]
    assert [t for t, path in zip(FIRST_PATH, first, strict=True) if path is None or path.is_sure] == []
    assert [t for t in SEVERAL_PATHS if one_path(checked("pattern", t), newlines=newlines) is not None] == []


def test_the_dot_takes_the_rest_of_a_line_but_not_of_a_record() -> None:
    """` +.*` has one path where no newline can come."""
    pattern = checked("pattern", "(?P<a>x) +(?P<b>.*)")
    assert one_path(pattern, newlines=False) is not None
    assert one_path(pattern, newlines=True) is None


@pytest.mark.parametrize(
    "kind", ["\\d", "\\w", "\\s", "\\D", "\\W", "\\S", ".", "[^a-c]", "\\t", "\\v", "[\\]x-]"]
)
def test_a_class_has_the_characters_that_re2_gives_it(kind: str) -> None:
    """Every character below 300 is in it for both or for none."""
    pattern = checked("pattern", f"(?P<a>{kind})")
    one, other = one_path(pattern, newlines=True), re2.compile(pattern.text)
    assert one is not None
    for character in map(chr, range(300)):
        assert bool(one.record(character)) is bool(other.fullmatch(character)), hex(ord(character))


_STEPS = [
    "(?P<a>x+)", "(?P<b>[^ ]*)", "(?P<c>\\d+|-)", "(?P<d>\\w{2})", "(?P<e>[^y]*?)", "(?P<f>(?s:.*))", "(?P<g>.*)", "(?:(?P<h>y+)z)?",
    "(?P<i>\\S+ \\S+)?", "(?P<j>.*?)", "(?P<k>[^x]+?)", "(?P<l>\\S{1,2}?)z", "x", "y?", " ", " +", "\\s*", "\\n", "\\W", "(?:x|y|-1)", "[x-z]{1,2}", "\\[", ".", "[^\\n1]+", "\\D{0}",
]  # fmt: skip
_LINES = st.text(st.sampled_from("xyz1- \t[é\0\u2028\U0001f600"), min_size=1, max_size=10).filter(str.strip)


@settings(deadline=None, max_examples=500)
@given(
    st.lists(st.sampled_from(_STEPS), min_size=1, max_size=5, unique=True),
    st.lists(_LINES, max_size=6),
    st.lists(_TEXTS, max_size=4),
)
def test_a_pattern_of_one_path_finds_what_re2_finds(
    parts: list[str], lines: list[str], texts: list[str]
) -> None:
    """Record by record, and all lines at once: the same texts match, with the same groups."""
    written = "".join(parts)
    pattern = checked("pattern", written)
    other = re2.compile(written)
    for newlines in (True, False):
        one = one_path(pattern, newlines=newlines)
        for text in [*lines, *(texts if newlines else [])] if one else []:
            expected, match = other.fullmatch(text), one.record(text)
            groups = expected and tuple(expected[name] or "" for name in pattern.names)
            assert (match and match.groups("")) == groups or (match is None and not one.is_sure)
    if one is None or not pattern.names:
        return
    if not one.is_sure:
        lines = [line for line in lines if one.record(line) or not other.fullmatch(line)]
    found = [other.fullmatch(line) for line in lines]
    groups = [tuple(match[name] or "" for name in pattern.names) for match in found if match]
    rows = one.lines("\n".join(lines)) if lines else []
    assert [row if isinstance(row, tuple) else (row,) for row in rows] == groups
    every = one.every_line("\n".join(lines)) if lines else []
    assert [row[:-1] for row in every if not row[-1]] == groups
    assert [row[-1] for row in every if row[-1]] == [
        line for line, match in zip(lines, found, strict=True) if not match
    ]


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.sampled_from([*_STEPS, ": ", "-1"]), min_size=1, max_size=6, unique=True),
    st.lists(_LINES, min_size=1, max_size=8),
)
def test_a_pattern_finds_in_a_log_what_re2_finds_in_its_lines(parts: list[str], lines: list[str]) -> None:
    """Whatever runs it: of a line that matches the groups, and of no other."""
    written = "".join(parts)
    assume("(?P<" in written)
    other, names = re2.compile(written), checked("pattern", written).names
    found = [other.fullmatch(line.strip("\r")) for line in lines]
    records, rejects = read("regex", "\n".join(lines).encode(), pattern=written)
    assert records == [{name: match[name] or "" for name in names} for match in found if match]
    assert len(rejects) == found.count(None)


@pytest.mark.parametrize("text", [*ONE_PATH, *FIRST_PATH])
@pytest.mark.parametrize(
    "line", ["x" * 1_000_000, "1 " * 500_000, "[" * 1_000_000, '"' * 999_999, "a-" * 500_000]
)
def test_a_pattern_of_one_path_takes_any_line_soon(text: str, line: str) -> None:
    """The time that a line takes grows with its length alone, whether it matches or not."""
    records, rejects = read("regex", line.encode(), pattern=text)
    assert len(records) + len(rejects) == 1


def test_a_pattern_that_others_go_back_in_for_ever_takes_no_time() -> None:
    """Nested repetition over a megabyte that does not match in the end is one reject, soon."""
    _, (reject,) = read("regex", b"x" * 1_000_000 + b"!\n", pattern="(?P<a>(?:x+x+)+)y")
    assert reject.reason == "NoMatch"
