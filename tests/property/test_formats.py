"""Every parser against any bytes in any chunks.

The windows are made small here, so that short inputs cross every boundary that
large files cross.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.formats import FORMATS, Parser
from shared.model import Block, Position
from tests.property.case import Case, cases, modules

WINDOW, LONGEST, RAW = 64, 400, 100


@pytest.fixture(autouse=True, scope="module")
def small_windows() -> Iterator[None]:
    """Windows of 64 bytes, records of at most 400."""
    sizes = {"BLOCK_BYTES": WINDOW, "MAX_RECORD_BYTES": LONGEST, "RAW_BYTES": RAW}
    for spec in FORMATS.values():
        spec.make  # noqa: B018 - so that its modules are there to be made small
    with pytest.MonkeyPatch.context() as patch:
        for name, module in list(sys.modules.items()):
            if not name.startswith("shared.formats.") or name.endswith((".face", ".csvrows")):
                continue
            for size, value in sizes.items():
                if hasattr(module, size):
                    patch.setattr(module, size, value)
        for module in modules():
            for place, name, value in getattr(module, "SMALL", []):
                patch.setattr(place, name, value)
        yield


CASES = cases()
_JSON_PIECES = CASES["json"].pieces

_CHUNKS = st.lists(st.integers(1, 90), min_size=1, max_size=8)


def _inputs(pieces: list[bytes]) -> st.SearchStrategy[bytes]:
    return st.one_of(st.lists(st.sampled_from(pieces), max_size=30).map(b"".join), st.binary(max_size=300))


def _chunked(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    place = 0
    for size in itertools.cycle(sizes):
        if place >= len(data):
            return
        yield data[place : place + size]
        place += size


def _blocks(parser: Parser, chunks: Iterator[bytes] | list[bytes]) -> list[Block]:
    blocks = [block for chunk in chunks for block in parser.feed(chunk)]
    return [*blocks, *parser.flush()]


def _seen(block: Block) -> tuple[Any, ...]:
    """All that a block says, in a form that can be compared."""
    origins = [block.origin(index) for index in range(len(block.records))]
    return (
        block.start,
        block.records if block.typed else block.dicts(),
        list(block.ordinals),
        block.end,
        block.rejects,
        block.typed,
        block.text,
        origins,
    )


@pytest.mark.parametrize("name", CASES)
@settings(deadline=None, max_examples=60)
@given(st.data())
def test_chunks_never_change_the_blocks(name: str, data: st.DataObject) -> None:
    """However the input is cut into chunks, the blocks are the same, places and all."""
    source = data.draw(_inputs(CASES[name].pieces))
    whole = [_seen(b) for b in _blocks(CASES[name].parser(Position()), [source])]
    cut = [_seen(b) for b in _blocks(CASES[name].parser(Position()), _chunked(source, data.draw(_CHUNKS)))]
    assert cut == whole


@pytest.mark.parametrize("name", CASES)
@settings(deadline=None, max_examples=60)
@given(st.data())
def test_every_record_is_counted_and_has_its_place(name: str, data: st.DataObject) -> None:
    """Any bytes give blocks whose records and rejects have all ordinals, once each, and their own bytes."""
    source = data.draw(_inputs(CASES[name].pieces))
    expected = 0
    for block in _blocks(CASES[name].parser(Position()), [source]):
        assert block.start.base == block.start.ordinal == expected
        found = sorted([*block.ordinals, *(reject.ordinal for reject in block.rejects)])
        assert found == list(range(block.start.base, block.end))
        assert len(block.records) == len(block.ordinals)
        origins = [block.origin(index) for index in range(len(block.records))]
        places = [*(origin[:3] for origin in origins), *((r.offset, r.line, r.raw) for r in block.rejects)]
        for offset, line, raw in places if CASES[name].exact else []:
            assert source[offset : offset + len(raw)] == raw
            assert line == 1 + source.count(b"\n", 0, offset)
        expected = block.end


@pytest.mark.parametrize("name", CASES)
@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_parser_begun_again_gives_the_same_tail(name: str, data: st.DataObject) -> None:
    """A parser begun at any block's start gives that block and all after it again."""
    source = data.draw(_inputs(CASES[name].pieces))
    blocks = [_seen(b) for b in _blocks(CASES[name].parser(Position()), [source])]
    for index, block in enumerate(blocks):
        start = msgspec.json.decode(msgspec.json.encode(block[0]), type=Position)
        again = _blocks(CASES[name].parser(start), _chunked(source[start.offset :], [50]))
        assert [_seen(b) for b in again] == blocks[index:]


@pytest.mark.parametrize("name", CASES)
@settings(deadline=None, max_examples=60)
@given(st.data())
def test_what_is_complete_and_the_rest_are_all(name: str, data: st.DataObject) -> None:
    """Where the input breaks off, `complete` gives records as `flush` would, and never an exception."""
    source = data.draw(_inputs(CASES[name].pieces))
    parser = CASES[name].parser(Position())
    broken = [_seen(b) for chunk in _chunked(source, data.draw(_CHUNKS)) for b in parser.feed(chunk)]
    broken += [_seen(b) for b in parser.complete()]
    rest = parser.rest()
    assert rest.offset <= len(source)
    assert source[rest.offset : rest.offset + len(rest.raw)] == rest.raw
    expected = 0
    for block in broken:
        assert block[0].base == expected
        expected = block[3]


def test_the_rest_of_a_member_that_is_skipped() -> None:
    """A break inside a member that no path leads through: the rest is what is held, at its own place."""
    parser = CASES["json-deep-path"].parser(Position())
    source = b'{"a":["\\'
    for byte in source:
        assert list(parser.feed(bytes([byte]))) == []
    assert list(parser.complete()) == []
    rest = parser.rest()
    assert source[rest.offset :] == rest.raw


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(_JSON_PIECES), max_size=30).map(b"".join))
def test_a_wanted_type_changes_no_record(source: bytes) -> None:
    """With or without a wanted type the same records come out, and `text` holds them a line each."""
    for kind in ("ndjson", "json"):
        plain = _blocks(CASES[kind].parser(Position()), [source])
        typed = _blocks(CASES[f"{kind}-typed"].parser(Position()), [source])
        assert [b.rejects for b in typed] == [b.rejects for b in plain]
        for one, other in zip(plain, typed, strict=True):
            assert list(one.ordinals) == list(other.ordinals)
            if not other.typed:
                assert other.text is None
                assert other.records == one.records
                continue
            assert other.text is not None
            lines = other.text.split(b"\n")
            assert lines.pop() == b""
            assert [json.loads(line) for line in lines] == one.records


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_RECORDS = st.lists(
    st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), _VALUES, max_size=4), max_size=12
)


def _records(case: Case, source: bytes) -> list[Any]:
    blocks = _blocks(case.parser(Position()), [source])
    assert not [reject for block in blocks for reject in block.rejects if reject.reason != "RecordTooLong"]
    return [record for block in blocks for record in block.dicts()]


def _fits(record: dict[str, Any]) -> bool:
    return len(json.dumps(record, indent=4)) < LONGEST / 2


@settings(deadline=None, max_examples=60)
@given(_RECORDS, st.booleans())
def test_the_same_records_in_every_form(records: list[dict[str, Any]], ascii_only: bool) -> None:
    """Lines, a list, a list inside an object and objects in a row give what json.loads gives."""
    records = [record for record in json.loads(json.dumps(records)) if _fits(record)]
    one_a_line = "\n".join(json.dumps(record, ensure_ascii=ascii_only) for record in records)
    pretty = json.dumps(records, indent=2, ensure_ascii=ascii_only)
    assert _records(CASES["ndjson"], one_a_line.encode()) == records
    assert _records(CASES["json"], one_a_line.encode()) == records
    assert _records(CASES["json"], pretty.encode()) == records
    assert _records(CASES["json"], json.dumps(records, ensure_ascii=ascii_only).encode()) == records
    wrapped = f'{{"n": {{"a": []}}, "a": {pretty}, "next": "]}}"}}'
    assert _records(CASES["json-path"], f"{wrapped}\n{wrapped}".encode()) == records * 2


_FIELDS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=20)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(_FIELDS, _FIELDS), max_size=20), st.sampled_from(["\n", "\r\n"]))
def test_rows_that_were_written_are_read(rows: list[tuple[str, str]], end: str) -> None:
    """What csv.writer writes comes back as it was, whatever is quoted and wherever a window ends."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=end)
    writer.writerow(["a", "b"])
    writer.writerows(rows)
    assert _records(CASES["csv"], out.getvalue().encode()) == [{"a": a, "b": b} for a, b in rows]
