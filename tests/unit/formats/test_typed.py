"""Records decoded to a type, and the text that may pass on as it is."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.decode import make_decoder
from shared.formats.jsonvalue import needs_a_look, read_object
from tests.unit.formats.reading import blocks, parser, read

ZEEK = Path(__file__).parents[4] / "shared" / "data" / "zeek" / "dns.json.gz"


class Row(msgspec.Struct):
    """A record with one field of its own; the others are skipped."""

    a: int = 0


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    """A record with one field and no other."""

    a: int


def test_lines_pass_on_as_they_are() -> None:
    """Where every line fits, `text` is the source's own bytes, the last line's newline added."""
    (block,) = blocks(parser("ndjson", Strict), [b'{"a":1}\n{ "a" : 2 }\r\n{"a":3}'])
    assert block.typed
    assert block.records == [Strict(1), Strict(2), Strict(3)]
    assert block.text == b'{"a":1}\n{ "a" : 2 }\r\n{"a":3}\n'


def test_blank_lines_do_not_pass_on() -> None:
    """Blank lines are left out of `text`, so that it has a line for each record."""
    (block,) = blocks(parser("ndjson", Strict), [b'\n{"a":1}\n \n{"a":2}\n\n'])
    assert block.text == b'{"a":1}\n{"a":2}\n'
    assert [block.origin(i).line for i in (0, 1)] == [2, 4]


def test_elements_pass_on_one_a_line() -> None:
    """Elements of a list, pretty-printed or not, come out one a line."""
    records = [{"a": i} for i in range(5)]
    for source in (
        json.dumps(records),
        json.dumps(records, indent=3),
        '{"a":0}\n{\n"a":1}{"a":2}\n{"a":3} {"a":4}',
    ):
        found = blocks(parser("json", Strict), [source.encode()])
        assert all(block.typed for block in found)
        lines = b"".join(block.text or b"" for block in found).splitlines()
        assert [json.loads(line) for line in lines] == records


@pytest.mark.parametrize(
    ("lines", "records", "lines_rejected"),
    [
        (b'{"a":1}{"a":2}\n{"a":\n3}\n', 0, [1, 2, 3]),
        (b'{"a":1} {"a":2}\n\n', 0, [1]),
        (b'{"a":1}\n{"a":2} {"a":3}\n{"a":4\n}\n', 1, [2, 3, 4]),
    ],
)
def test_a_line_is_a_line(lines: bytes, records: int, lines_rejected: list[int]) -> None:
    """As many values as lines is not enough: each line must be one value, which msgspec does not ask."""
    for want in (None, Row):
        found = blocks(parser("ndjson", want), [lines])
        assert sum(len(b.records) for b in found) == records
        assert [r.line for b in found for r in b.rejects] == lines_rejected


@pytest.mark.parametrize("kind", ["ndjson", "json"])
@pytest.mark.parametrize("odd", [b'{"b":1}', b'{"a":"x"}', b'{"a":1,"b":2}'])
def test_one_record_that_does_not_fit_makes_dicts(kind: str, odd: bytes) -> None:
    """Its whole block comes as dicts, without text and without a reject."""
    (block,) = blocks(parser(kind, Strict), [b'{"a":1}\n' + odd + b"\n"])
    assert not block.typed
    assert block.text is None
    assert block.records == [{"a": 1}, json.loads(odd)]
    assert not block.rejects


@pytest.mark.parametrize("kind", ["ndjson", "json"])
@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b'{"z":"\xff"}', "InvalidUtf8"),
        (b'{"z":1e400}', "NumberOutOfRange"),
        (b'{"z":-1E+0400 }', "NumberOutOfRange"),
        (b'{"z":[' + b"9" * 309 + b".0]}", "NumberOutOfRange"),
    ],
)
def test_what_msgspec_skips_is_looked_at(kind: str, bad: bytes, reason: str) -> None:
    """In fields that the type does not name, too, bytes and numbers that are none are rejected."""
    found = blocks(parser(kind, Row), [b'{"a":1}\n' + bad + b'\n{"a":2}\n'])
    assert [r.reason for b in found for r in b.rejects] == [reason]
    assert [r for b in found for r in b.dicts()] == [{"a": 1}, {"a": 2}]


def test_msgspec_is_as_the_parsers_take_it_to_be() -> None:
    """The facts about msgspec that jsonvalue.py and jsonrun.py rely on."""
    row = msgspec.json.Decoder(Row)
    assert row.decode(b'{"z":"\xff"}') == row.decode(b'{"z":1e400}') == Row()
    assert row.decode_lines(b'{"a":1} {"a":\n2}') == [Row(1), Row(2)]
    with pytest.raises(msgspec.DecodeError, match="truncated"):
        row.decode(b'{"z":"\\ud800"}')
    with pytest.raises(msgspec.DecodeError, match=r"^JSON is malformed: trailing characters \(byte 10\)$"):
        row.decode(b'{"a":1}  ,{"a":2}')
    with pytest.raises(msgspec.ValidationError, match="Expected `object`, got `array`"):
        row.decode(b"[1]")
    kept = b'{"a":1e400,"b":"\\u00e9\\/","c":1.0,"d":12345678901234567890123,"e":-0.0}'
    assert msgspec.json.format(b" " + kept.replace(b",", b" ,\n "), indent=-1) == kept


@pytest.mark.parametrize(
    ("text", "odd"),
    [
        (b'{"id":"4e123-7e456","t":"see e1234"}', False),
        (b'{"a":1.5e10,"b":1e-400,"c":12345678901234567890}', False),
        (b'{"a":1e309}', True),
        (b"\xc3\xa9", False),
        (b"\xc3", True),
    ],
)
def test_a_look_is_asked_for_when_it_is_needed(text: bytes, odd: bool) -> None:
    """Hexadecimal ids and small numbers do not slow a block; what may be out of range does."""
    assert needs_a_look(text) is odd


def test_half_a_surrogate_pair_is_told_from_a_text_that_was_cut() -> None:
    """A record with half a pair is read; one that really was cut is none."""
    assert read_object(b'{"a":"\\ud800"}') == {"a": "\ud800"}
    assert read_object(b'{"\\udfff":1}') == {"\udfff": 1}
    assert read_object(b'{"a":"\\ud800')[0] == "InvalidJson"
    assert read_object(b'{"a":"\\\\ud800"}') == {"a": "\\ud800"}
    assert read_object(b'{"a":"\\ud83d\\ude00"}') == {"a": "\U0001f600"}


@pytest.mark.skipif(not ZEEK.is_file(), reason="the Zeek logs are not beside the repository")
def test_a_real_log_is_read_as_json_loads_reads_it() -> None:
    """53,615 records of Zeek's DNS log, gzipped, are those of gzip and json.loads."""
    compressed = ZEEK.read_bytes()
    decoder, reader = make_decoder(), parser("ndjson")
    found: list[Any] = []
    for chunk in [*decoder.feed(compressed), *decoder.flush()]:
        for block in reader.feed(chunk):
            found += block.records
    for block in reader.flush():
        found += block.records
    assert len(found) == 53_615
    assert found == [json.loads(line) for line in gzip.decompress(compressed).split(b"\n") if line]


@pytest.mark.skipif(not ZEEK.is_file(), reason="the Zeek logs are not beside the repository")
def test_a_real_log_as_one_array() -> None:
    """The same log as one array, compact or pretty, gives the same records."""
    lines = gzip.decompress(ZEEK.read_bytes()).splitlines()[:5_000]
    expected = [json.loads(line) for line in lines]
    assert read("json", b"[" + b",".join(lines) + b"]") == (expected, [])
    assert read("json", json.dumps({"x": 1, "records": expected}, indent=1).encode(), path="records") == (
        expected,
        [],
    )
