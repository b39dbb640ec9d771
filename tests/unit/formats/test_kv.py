"""key=value: what the fixtures do not show."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.formats.kv import KvOptions, LogfmtOptions
from shared.formats.kvpairs import Pairs
from tests.unit.formats.reading import blocks, parser, read


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"pair": ""}, "pair: '' cannot separate anything"),
        ({"pair": "\n"}, "pair: '\\n' cannot separate anything"),
        ({"value": ""}, "value: '' cannot separate anything"),
        ({"value": "  "}, "value: '  ' is blank"),
        ({"pair": "="}, "value: '=' cannot be told from the pair separator '='"),
        ({"pair": "==", "value": "="}, "value: '=' cannot be told from"),
        ({"pair": ",", "value": " , "}, "value: ' , ' cannot be told from"),
        ({"quotes": "'="}, "quotes: '=' is a blank or part of a separator"),
        ({"quotes": " "}, "quotes: ' ' is a blank"),
        ({"pair": "|", "escape": "|"}, "escape: '|' is a blank or part of a separator"),
        ({"escape": "\\\\"}, "escape: '\\\\\\\\' has 2 characters"),
        ({"escape": '"'}, "escape: '\"' is a quote already"),
        ({"bare": "drop"}, "Invalid enum value 'drop'"),
        ({"separator": ","}, "unknown field `separator`"),
    ],
)
def test_an_option_that_cannot_work_is_refused(options: dict[str, Any], says: str) -> None:
    """The message names the key and the value."""
    with pytest.raises(msgspec.ValidationError) as refused:
        parser("kv", **options)
    assert says in str(refused.value)


GRAMMARS = {
    "logfmt": LogfmtOptions(),
    "kv": KvOptions(),
    "commas": KvOptions(pair=",", quotes="\"'"),
    "colons": KvOptions(pair=", ", value=": "),
    "long": KvOptions(pair="||", value="=>", bare="flag"),
    "bare": KvOptions(quotes="", escape=""),
    "spaced": KvOptions(value=" = "),
    "tabs": KvOptions(pair="\t"),
}
_LINES = st.lists(
    st.sampled_from(
        ["a", "b", "ab", "=", "=", "=>", ": ", ":", " ", "  ", "\t", ",", ", ", "||", "|", '"', '"', "'", "\\", "é", "_text", "\r", "<9>"]
    ),
    min_size=1,
    max_size=16,
).map("".join)  # fmt: skip


@pytest.mark.parametrize("name", GRAMMARS)
@settings(deadline=None, max_examples=250)
@given(st.data())
def test_a_line_read_quickly_is_read_the_same_way_token_by_token(name: str, data: st.DataObject) -> None:
    """The two ways give the same record, or the same reason."""
    pairs = Pairs(GRAMMARS[name].grammar())
    line = data.draw(_LINES)
    assert pairs.read(line) == pairs.by_tokens(line)


@pytest.mark.parametrize("name", GRAMMARS)
@settings(deadline=None, max_examples=100)
@given(st.data())
def test_lines_that_are_alike_are_read_as_if_they_were_not(name: str, data: st.DataObject) -> None:
    """A shape learned from some lines gives for others what reading them pair by pair gives."""
    options = GRAMMARS[name]
    like = data.draw(_LINES)
    others = data.draw(st.lists(_LINES, max_size=5))
    lines = [line for line in [like] * 40 + others + [like] * 3 if line.strip(" \t\r")]
    kind = "logfmt" if name == "logfmt" else "kv"
    records, rejects = read(kind, "\n".join(lines * 2).encode(), **msgspec.structs.asdict(options))
    pairs = Pairs(options.grammar())
    expected = [pairs.by_tokens(line.removesuffix("\r")) for line in lines * 2]
    assert records == [found for found in expected if isinstance(found, dict)]
    assert [(r.reason, r.detail) for r in rejects] == [
        found for found in expected if not isinstance(found, dict)
    ]


@pytest.mark.parametrize(
    "line",
    [
        "a=1 b=2 a=3",
        'a="x" b="y\\"z"',
        '"a"=1 b=2',
        "a=1  b=2",
        " a=1 b=2 ",
        " a=1",
        "a=1 ",
        'a="x y" b',
        "a=1 b",
        "_text=1 b=2",
        "words first a=1 b=2",
        "words first _text=1 b=2",
        "a=1, b=2 , c=3",
        "a=1,b=2,a=3",
        "a = 1,b = 2",
        "a=,b=1",
        "Nov  2 x:  a=1 DF b=2 SYN",
        "a=1 b b c=2 b",
        "a=1 b b=2",
        'x a=1 y "z',
        'a="p\\"1" b c="\\\\1"',
        'a="\\u00e9 1" _text',
    ],
)
@pytest.mark.parametrize("name", GRAMMARS)
def test_what_many_lines_have_in_common_changes_no_record(name: str, line: str) -> None:
    """Lines that come again and again, with other values, are read as each of them alone."""
    options = GRAMMARS[name]
    lines = [line.replace("1", str(number)) for number in range(50)]
    kind = "logfmt" if name == "logfmt" else "kv"
    records, rejects = read(kind, "\n".join(lines * 2).encode(), **msgspec.structs.asdict(options))
    pairs = Pairs(options.grammar())
    expected = [pairs.by_tokens(each) for each in lines * 2]
    assert records == [found for found in expected if isinstance(found, dict)]
    assert [(r.reason, r.detail) for r in rejects] == [
        found for found in expected if not isinstance(found, dict)
    ]


def test_windows_of_lines_that_are_alike_are_rows() -> None:
    """Where all lines of a block have the same keys, the block has their names and a tuple a line."""
    source = b"".join(b'level=info msg="number %d" path=/a/%d\n' % (i, i) for i in range(20_000))
    found = blocks(parser("logfmt"), [source])
    assert found[0].names is None
    assert all(block.names == ("level", "msg", "path") for block in found[1:])
    numbers = [record["msg"] for block in found for record in block.dicts()]
    assert numbers == [f"number {i}" for i in range(20_000)]


def test_one_key_is_a_row_too() -> None:
    """A shape of one key gives tuples of one value."""
    found = blocks(parser("logfmt"), [b"n=1\n" * 200_000])
    assert found[-1].names == ("n",)
    assert found[-1].records[0] == ("1",)


@pytest.mark.parametrize(
    "line",
    [
        b'a="' + b"x" * 1_000_000,
        b'a="' * 300_000,
        b'a="\\' * 200_000,
        b'"\\' * 400_000,
        b"a='\"" * 200_000,
        b"word " * 200_000,
        b"," * 1_000_000,
        b"a=" * 500_000,
        b" " * 999_999 + b"a",
        b"a \t" * 300_000 + b"=",
        b"|" * 1_000_000,
    ],
)
@pytest.mark.parametrize("name", GRAMMARS)
def test_a_megabyte_of_anything_is_read_soon(name: str, line: bytes) -> None:
    """The time that a line takes grows with its length, not with its square."""
    kind = "logfmt" if name == "logfmt" else "kv"
    records, rejects = read(kind, line + b"\n", **msgspec.structs.asdict(GRAMMARS[name]))
    assert len(records) + len(rejects) == 1


@settings(max_examples=100)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\n\r")))
@example('C:\\new "x" \\u00e9 \x00\x1b \u2028 \U0001f600')
def test_what_json_escapes_is_read_back(text: str) -> None:
    """A value written with JSON's escapes is the text it was."""
    for written in (msgspec.json.encode(text).decode(), json.dumps(text)):
        assert read("logfmt", f"a={written} b=1\n".encode())[0] == [{"a": text, "b": "1"}]
