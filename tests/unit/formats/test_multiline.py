"""Records of several lines: where they end, and how long they may be."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from shared.formats import MAX_RECORD_BYTES, RAW_BYTES
from tests.unit.formats.reading import blocks, parser, read

LINE = b"  " + b"x" * 97 + b"\n"
FITS = MAX_RECORD_BYTES // len(LINE)
WAYS = [{"start": r"\w"}, {"indented": True}, {"continuation": r"\s"}]


@pytest.mark.parametrize("options", WAYS)
@pytest.mark.parametrize("kind", ["text", "regex"])
def test_a_record_of_too_many_lines_costs_itself(kind: str, options: dict[str, object]) -> None:
    """Its neighbours are read; one reject has its beginning, its whole length and its place."""
    needed = {"pattern": r"(?P<message>(?s:.*))"} if kind == "regex" else {}
    large = b"large\n" + LINE * (FITS + 10)
    source = b"before\n  1\n" + large + b"\n\n" + b"after\n  2\n" * 60_000
    records, (reject,) = read(kind, source, **needed, **options)
    assert [r["message"] for r in records] == ["before\n  1"] + ["after\n  2"] * 60_000
    assert (reject.ordinal, reject.offset, reject.line) == (1, 11, 3)
    assert (reject.reason, reject.length) == ("RecordTooLong", len(large) - 1)
    assert reject.raw == large[:RAW_BYTES]


@pytest.mark.parametrize(("longer", "rejected"), [(-1, 0), (0, 0), (1, 1)])
@pytest.mark.parametrize("end", [b"", b"\n", b"\n\nnext\n", b"\n \n\t\n" + b"\n" * 600_000 + b"next\n"])
def test_the_limit_is_what_is_in_the_record(longer: int, rejected: int, end: bytes) -> None:
    """Exactly MAX_RECORD_BYTES are a record still; the line end and blank lines after it do not count."""
    first = b"a" * 100 + b"\n"
    rest = MAX_RECORD_BYTES + longer - len(first)
    lines = [LINE] * (rest // len(LINE) - 1)
    lines.append(b"  " + b"y" * (rest - sum(map(len, lines)) - 2))
    source = first + b"".join(lines)
    records, rejects = read("text", source + end, indented=True)
    assert len(rejects) == rejected
    assert [r["message"] for r in records if r["message"] != "next"] == [source.decode()] * (1 - rejected)
    assert len(records) + len(rejects) == 1 + end.endswith(b"next\n")


def test_a_line_that_is_too_long_takes_its_record_with_it() -> None:
    """Lines before and after it in the same record are part of the one reject; other records are not."""
    long = b"  " + b"z" * (MAX_RECORD_BYTES + 5)
    source = b"a\n b\nbad\n c\n" + long + b"\n d\n\n e\nf\n g\n"
    records, (reject,) = read("text", source, indented=True)
    assert [r["message"] for r in records] == ["a\n b", "f\n g"]
    assert (reject.ordinal, reject.offset, reject.line, reject.reason) == (1, 5, 3, "RecordTooLong")
    assert reject.length == len(b"bad\n c\n" + long + b"\n d\n\n e")
    assert source[5:].startswith(reject.raw)


def test_a_record_may_begin_with_a_line_that_is_too_long() -> None:
    """It is one reject with the lines that belong to it."""
    long = b"z" * (MAX_RECORD_BYTES + 5)
    records, (reject,) = read("text", b"a\n" + long + b"\n d\nf\n", indented=True)
    assert [r["message"] for r in records] == ["a", "f"]
    assert (reject.offset, reject.length) == (2, len(long) + 3)


def test_lines_after_which_no_record_begins_are_not_held() -> None:
    """Sixty megabytes that belong to one record take a few records' memory, and are one reject."""
    reader, found = parser("text", start="never"), []

    def chunks() -> Iterator[bytes]:
        yield b"first\n"
        for _ in range(60):
            yield LINE * (1024 * 1024 // len(LINE))

    tracemalloc.start()
    try:
        found = [reject for block in blocks(reader, chunks()) for reject in block.rejects]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    (reject,) = found
    assert peak < 6 * MAX_RECORD_BYTES
    assert reject.length == len(b"first\n") + 60 * (1024 * 1024 // len(LINE)) * len(LINE) - 1


def test_what_is_held_of_a_long_record_is_the_rest() -> None:
    """Where the input breaks off inside a record that spans windows, its beginning is what is left."""
    source = b"a\nlong\n" + LINE * (FITS + 10)
    reader = parser("text", indented=True)
    assert [r for b in reader.feed(source) for r in b.dicts()] == [{"message": "a"}]
    assert list(reader.complete()) == []
    rest = reader.rest()
    assert rest.offset == 2
    assert source[2:].startswith(rest.raw)
    assert rest.raw.startswith(b"long\n")


def test_the_last_record_waits_for_its_end() -> None:
    """While lines may follow that belong to it, a record is not given."""
    reader = parser("text", start="-")
    assert list(reader.feed(b"- a\n b\n- c\n")) == []
    assert [b.dicts() for b in reader.complete()] == [[{"message": "- a\n b"}]]
    assert reader.rest().raw == b"- c\n"


def test_blanks_around_a_record_stay_unless_they_are_trimmed() -> None:
    """Indentation of the first line and blanks after the last are the source's; trim takes both."""
    source = b"  a \n\tb \n\n"
    assert read("text", source, start="  ")[0] == [{"message": "  a \n\tb "}]
    assert read("text", source, start="  ", trim=True)[0] == [{"message": "a \n\tb"}]
