"""What no input may do: take memory, time, or other records with it."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Iterator

import pytest

from shared.formats import FORMATS, MAX_RECORD_BYTES, RAW_BYTES, arrowvalues
from shared.formats.names import MOST_COLUMNS, unique
from shared.model import Reject
from tests.unit.formats.reading import NEEDED, blocks, parser, read

MB = 1024 * 1024
SOME = MB // 4


def _peak(kind: str, chunks: Iterator[bytes], **options: object) -> tuple[int, list[Reject], int]:
    """Peak memory in bytes while a source is read, its rejects, and how many records it gave."""
    reader, rejects, count = parser(kind, **options), [], 0
    tracemalloc.start()
    try:
        for chunk in chunks:
            for block in reader.feed(chunk):
                rejects += block.rejects
                count += len(block.records)
        for block in reader.flush():
            rejects += block.rejects
            count += len(block.records)
        return tracemalloc.get_traced_memory()[1], rejects, count
    finally:
        tracemalloc.stop()


def _x(begin: bytes) -> Iterator[bytes]:
    yield begin
    for _ in range(50):
        yield b"x" * MB


@pytest.mark.parametrize(
    ("kind", "begin"),
    [
        ("ndjson", b'{"a":"'),
        ("json", b'[{"a":"'),
        ("json", b'{"a":"'),
        ("csv", b'a,b\n"'),
        ("csv", b"a,b\n"),
        ("tsv", b""),
    ],
)
def test_fifty_megabytes_without_a_newline_are_not_held(kind: str, begin: bytes) -> None:
    """A record without an end takes a few records' memory at most, and is one reject with its beginning."""
    peak, rejects, count = _peak(kind, _x(begin))
    assert peak < 6 * MAX_RECORD_BYTES
    assert count == 0
    assert rejects[-1].length >= 50 * MB
    assert all(len(reject.raw) <= RAW_BYTES for reject in rejects)


def test_an_array_of_any_length_is_not_held() -> None:
    """A list of 60 MB inside an object is read window by window."""
    element = json.dumps({"a": "x" * 200}).encode()

    def chunks() -> Iterator[bytes]:
        yield b'{"n":' + b"[1,[2]]" * 1 + b',"records":['
        for _ in range(60):
            yield (element + b",") * (MB // len(element))
        yield element + b"]}"

    peak, rejects, count = _peak("json", chunks(), path="records")
    assert peak < 4 * MAX_RECORD_BYTES
    assert not rejects
    assert count == 60 * (MB // len(element)) + 1


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("ndjson", b'{"a":1}\n', b'\n{"a":2}\n'),
        ("json", b'[{"a":1},', b',{"a":2}]'),
        ("csv", b"a\n1\n", b"\n2\n"),
    ],
)
def test_a_record_that_is_too_long_costs_itself(kind: str, before: bytes, after: bytes) -> None:
    """Its neighbours are read; the reject has its first 64 KiB, its whole length and its place."""
    large = b'{"a":"' + b"x" * MAX_RECORD_BYTES + b'"}'
    records, rejects = read(kind, before + large + after)
    assert [int(r["a"]) for r in records] == [1, 2]
    (reject,) = rejects
    assert (reject.reason, reject.length, reject.offset) == ("RecordTooLong", len(large), len(before))
    assert reject.raw == large[:RAW_BYTES]


def test_the_longest_record_is_a_record() -> None:
    """MAX_RECORD_BYTES are not too many, whatever the format."""
    value = "x" * (MAX_RECORD_BYTES - len('{"a":""}'))
    record = b'{"a":"' + value.encode() + b'"}'
    assert read("ndjson", record + b"\n") == ([{"a": value}], [])
    assert read("json", b"[" + record + b"]") == ([{"a": value}], [])
    records, rejects = read("csv", b"a\n" + b"x" * MAX_RECORD_BYTES + b"\n")
    assert len(records[0]["a"]) == MAX_RECORD_BYTES
    assert not rejects


def test_a_long_line_behind_an_open_quote_in_any_chunks() -> None:
    """Where both limits meet, the chunks change nothing: the open quote and the long line are a reject each."""
    source = b'a,b\n"' + b"x" * 300_000 + b",y\n" + b"z" * (MAX_RECORD_BYTES + MB) + b"\n1,2\n"
    starts = []
    for size in (len(source), MB, 100_000):
        found = blocks(parser("csv"), [source[i : i + size] for i in range(0, len(source), size)])
        assert [r.reason for b in found for r in b.rejects] == ["UnclosedQuote", "RecordTooLong"]
        assert [r for b in found for r in b.dicts()] == [{"a": "1", "b": "2"}]
        starts.append([b.start for b in found])
    assert starts[0] == starts[1] == starts[2]


@pytest.mark.parametrize("kind", ["ndjson", "json"])
def test_deep_nesting_costs_one_record(kind: str) -> None:
    """A record nested a hundred thousand deep is one reject (TooDeep)."""
    deep = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    records, rejects = read(kind, b'{"a":1}\n' + deep + b'\n{"a":2}\n')
    assert records == [{"a": 1}, {"a": 2}]
    assert [reject.reason for reject in rejects] == ["TooDeep"]


def test_an_open_quote_costs_its_line() -> None:
    """A stray quote that nothing closes rejects its line; the rows after it are read."""
    row = b"1," + b"x" * 97 + b"\n"
    records, rejects = read("csv", b'a,b\n1,2\n"open,3\n' + row * 50_000)
    assert len(records) == 1 + 50_000
    assert [(r.reason, r.line, r.raw) for r in rejects] == [("UnclosedQuote", 3, b'"open,3')]


def test_a_long_open_quote_at_the_end_costs_its_line() -> None:
    """Rows after an open quote near the end are read if the dead letter could not hold them."""
    rows = b"1,2\n" * RAW_BYTES
    records, rejects = read("csv", b'a,b\n"open,3\n' + rows)
    assert len(records) == RAW_BYTES
    assert [r.reason for r in rejects] == ["UnclosedQuote"]


@pytest.mark.parametrize("row", [b"," * (MAX_RECORD_BYTES - 2), b"a," * MOST_COLUMNS])
def test_a_header_without_end_is_not_held(row: bytes) -> None:
    """A header row of more columns than anything has is one reject, and so is every row that it would name."""
    peak, rejects, count = _peak("csv", iter([b"\n# first\n" + row + b"\n", b"1,2\n"]), comment="#")
    assert peak < 24 * MAX_RECORD_BYTES
    assert [(r.reason, r.line, r.offset) for r in rejects] == [
        ("TooManyFields", 3, 9),
        ("RaggedRow", 4, 10 + len(row)),
    ]
    assert rejects[0].raw == row
    assert count == 0


def test_a_header_that_is_too_long_for_names_of_the_route() -> None:
    """Where the route names the columns, how many names the header row has is of no matter."""
    header = b"a," * MOST_COLUMNS + b"\n"
    assert read("csv", header + b"1,2\n", names=["x", "y"]) == ([{"x": "1", "y": "2"}], [])


def test_the_same_name_over_and_over_takes_linear_time() -> None:
    """Each of many equal names gets a suffix of its own, without a search from the beginning for each."""
    many = ["a"] * 100_000
    wanted = ["a", *(f"a_{number}" for number in range(2, 100_001))]
    begun = time.process_time()
    assert unique(many) == arrowvalues.unique(many) == wanted
    assert unique(["a", "a_2", "a", "a_2", "", ""]) == ["a", "a_2", "a_3", "a_2_2", "column_5", "column_6"]
    assert arrowvalues.unique(["a", "a", "a_2", "a"]) == ["a", "a_3", "a_2", "a_4"]
    assert time.process_time() - begun < 20


def test_hostile_quotes_take_linear_time() -> None:
    """A quote left open by every line (each would be looked for through 4 MiB) is looked for once."""
    begun = time.process_time()
    _, rejects = read("csv", b"a,b\n" + b'x","\n' * (SOME // 5))
    assert {reject.reason for reject in rejects} == {"UnclosedQuote"}
    assert time.process_time() - begun < 20


def test_hostile_brackets_take_linear_time() -> None:
    """Closing brackets that match nothing, and a string of nothing but escapes, are passed over quickly."""
    begun = time.process_time()
    for bad in (
        b"{" * SOME + b"]" * SOME,
        b'{"a":' + b"[{" * SOME,
        b'{"a":"' + b'\\"' * SOME,
        b"]" * SOME + b"}" * SOME,
    ):
        blocks(parser("json"), [bad])
        blocks(parser("json"), [b"[" + bad])
    assert time.process_time() - begun < 20


def test_no_detail_holds_a_value() -> None:
    """A reject's words never repeat what the record says."""
    secret = "hunter2"
    texts = [
        f'{{"{secret}":{secret}}}',
        f'{{"a":"{secret}"',
        f'"{secret}"',
        f'{{"a":"{secret}\\ud800"}}',
        f"{secret}\xff",
    ]
    for kind in FORMATS:
        for text in texts:
            _, rejects = read(kind, b"a,b\n" + text.encode("latin-1"), **NEEDED.get(kind, {}))
            assert all(secret not in reject.detail for reject in rejects)
