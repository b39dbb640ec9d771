"""A list in a record, a row each; and azure, which is built on it."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.formats import FORMATS, explode
from shared.formats.explode import Exploding, by_path
from shared.model import Block, Position
from tests.unit.formats.reading import blocks, parser, read


def _parser(path: str, start: Position | None = None, kind: str = "ndjson") -> Exploding:
    spec = FORMATS[kind]
    make = partial(spec.make, msgspec.convert({"type": kind}, spec.options))
    return Exploding(make, start or Position(), by_path(path))


def _lines(records: list[Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def _rows(path: str, *records: Any) -> list[Any]:
    return [row for block in blocks(_parser(path), [_lines(list(records))]) for row in block.dicts()]


def test_an_element_stands_in_the_place_of_its_list() -> None:
    """The key of the list has the element, beside the record's other fields in their order."""
    record = {"host": 1, "events": [{"a": 1}, "x", None, [2]], "end": 2}
    assert _rows("events", record) == [
        {"host": 1, "events": {"a": 1}, "end": 2},
        {"host": 1, "events": "x", "end": 2},
        {"host": 1, "events": None, "end": 2},
        {"host": 1, "events": [2], "end": 2},
    ]
    assert list(_rows("events", record)[0]) == ["host", "events", "end"]


def test_lists_on_the_way_are_exploded_too() -> None:
    """A path through lists gives a row for each innermost element, with the fields of all around it."""
    spans = [{"scope": "s1", "spans": [{"id": 1}, {"id": 2}]}, {"scope": "s2", "spans": []}]
    record = {"resource": {"name": "r", "scopes": spans}}
    assert _rows("resource.scopes.spans", record) == [
        {"resource": {"name": "r", "scopes": {"scope": "s1", "spans": {"id": 1}}}},
        {"resource": {"name": "r", "scopes": {"scope": "s1", "spans": {"id": 2}}}},
        {"resource": {"name": "r", "scopes": {"scope": "s2", "spans": []}}},
    ]


@pytest.mark.parametrize(
    "record", [{}, {"a": []}, {"a": 1}, {"a": None}, {"a": {}}, {"a": {"b": 1}}, {"a": {"b": []}}]
)
def test_what_has_no_such_list_is_a_row_itself(record: dict[str, Any]) -> None:
    """Nothing is lost where there is nothing to explode, and the row's bytes are the record's own."""
    source = _lines([record])
    (block,) = blocks(_parser("a.b"), [source])
    assert block.dicts() == [record]
    assert block.origin(0).raw == source.rstrip()


def test_a_key_with_dots_comes_before_a_path() -> None:
    """`a.b` is the key `a.b` where a record has one, as it is for columns."""
    assert _rows("a.b", {"a.b": [1, 2], "a": {"b": [3]}}) == [
        {"a.b": 1, "a": {"b": [3]}},
        {"a.b": 2, "a": {"b": [3]}},
    ]


def test_a_row_has_its_own_bytes_at_its_records_place() -> None:
    """Read again, the raw bytes of a row give that row and none of its siblings."""
    source = _lines([{"n": 0}, {"n": "\u20ac", "l": [1, {"b": 2}]}])
    (block,) = blocks(_parser("l"), [source])
    origins = [block.origin(index) for index in range(3)]
    assert [origin.line for origin in origins] == [1, 2, 2]
    assert [origin.offset for origin in origins] == [0, 9, 9]
    assert [json.loads(origin.raw) for origin in origins] == block.dicts()
    assert read("ndjson", origins[2].raw) == ([{"n": "\u20ac", "l": {"b": 2}}], [])


# -- blocks and ordinals ----------------------------------------------------------------------------

_VALUES = st.sampled_from([1, "x", None, {"c": 1}, []])
_RECORDS = st.lists(
    st.dictionaries(st.sampled_from(["a", "b"]), _VALUES | st.lists(_VALUES, max_size=7), max_size=2),
    max_size=9,
)


def _seen(block: Block) -> tuple[Any, ...]:
    origins = [block.origin(index) for index in range(len(block.records))]
    return block.start, block.dicts(), list(block.ordinals), block.end, block.rejects, origins


@settings(max_examples=150, deadline=None)
@given(_RECORDS, st.lists(st.integers(0, 9), max_size=3), st.integers(1, 60))
def test_any_chunks_and_any_beginning_give_the_same_rows(
    records: list[Any], bad: list[int], size: int
) -> None:
    """Rows and rejects have all ordinals, once each; a parser begun at any block's start gives the same tail."""
    lines: list[Any] = [json.dumps(record) for record in records]
    for place in bad:
        lines.insert(place, "{")
    source = "\n".join(lines).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explode, "ROWS", 3)
        patch.setattr(explode, "LARGEST_BLOCK", 40)
        whole = [_seen(block) for block in blocks(_parser("a"), [source])]
        chunks = [source[place : place + size] for place in range(0, len(source), size)]
        assert [_seen(block) for block in blocks(_parser("a"), chunks)] == whole
        for index, block in enumerate(whole):
            start = msgspec.json.decode(msgspec.json.encode(block[0]), type=Position)
            again = blocks(_parser("a", start), [source[start.offset :]])
            assert [_seen(found) for found in again] == whole[index:]
    rows = [row for block in whole for row in block[1]]
    assert rows == [row for record in records for row in _expected(record)]
    ordinals = [o for block in whole for o in (*block[2], *(reject.ordinal for reject in block[4]))]
    assert sorted(ordinals) == list(range(len(ordinals)))
    assert len(ordinals) == len(bad) + len(rows)


def _expected(record: dict[str, Any]) -> list[dict[str, Any]]:
    value = record.get("a")
    return [{**record, "a": element} for element in value] if isinstance(value, list) and value else [record]


# -- size -------------------------------------------------------------------------------------------


def _peak(found: Iterator[Block]) -> tuple[int, int, list[Any]]:
    tracemalloc.start()
    try:
        rows, rejects = 0, list[Any]()
        for block in found:
            rows += len(block.records)
            rejects += block.rejects
        return tracemalloc.get_traced_memory()[1], rows, rejects
    finally:
        tracemalloc.stop()


def test_many_elements_are_not_held_as_rows() -> None:
    """A record whose list has 300,000 elements gives its rows block by block."""
    record = b'{"a":"' + b"x" * 20 + b'","l":[' + b",".join([b"1"] * 300_000) + b"]}\n"
    reader = _parser("l")
    peak, rows, rejects = _peak(reader.feed(record + b" " * 300_000))
    assert rows == 300_000
    assert not rejects
    assert peak < 16 * 1024 * 1024


def test_rows_that_would_fill_a_disk_are_not_made() -> None:
    """A record of 2 MB beside a list of 100,000 would be 200 GB: its rows end at a limit, with one reject."""
    record = {"a": "x" * 2_000_000, "l": [1] * 100_000}
    peak, rows, rejects = _peak(iter(blocks(_parser("l"), [_lines([record, {"a": 1}])])))
    assert peak < 100 * 1024 * 1024
    assert 0 < rows < 100_000
    assert [reject.reason for reject in rejects] == ["ExplodesTooFar"]


def test_a_block_of_large_rows_has_few_of_them() -> None:
    """What is shaped at once is bounded in bytes, of one record's rows and of several records' rows."""
    records = [{"a": "x" * 60_000, "l": [1] * 700}] * 3
    found = blocks(_parser("l"), [_lines(records)])
    assert [row for block in found for row in block.dicts()] == [
        {**record, "l": 1} for record in records for _ in range(700)
    ]
    assert max(len(block.records) for block in found) * 60_000 <= explode.LARGEST_BLOCK


# -- azure ------------------------------------------------------------------------------------------


def _flow(number: int) -> str:
    return f"1795154403{number:03},10.0.0.6,192.0.2.180,{number},443,6,O,E,NX,3,767,2,1580"


def _vnet(tuples: list[Any]) -> dict[str, Any]:
    groups = [{"rule": "r", "flowTuples": tuples}]
    return {"time": "2026-11-20T06:00:52Z", "flowRecords": {"flows": [{"aclID": "a", "flowGroups": groups}]}}


def test_a_document_of_any_size_is_walked() -> None:
    """Records of a `records` list far larger than a record may be are read one window after another."""
    source = json.dumps({"records": [_vnet([_flow(i) for i in range(500)])] * 150}).encode()
    assert len(source) > 5_000_000
    _, rows, rejects = _peak(iter(blocks(parser("azure"), [source])))
    assert rows == 75_000
    assert not rejects


def test_a_malformed_tuple_costs_itself_and_has_its_own_bytes() -> None:
    """Its neighbours are rows; its reject points to the very text in the source."""
    source = json.dumps({"records": [_vnet([_flow(1), "1,2,3", _flow(2), "\n,\n", 5])]}).encode()
    (block,) = blocks(parser("azure"), [source])
    assert [row["src_port"] for row in block.dicts()] == ["1", "2"]
    assert list(block.ordinals) == [0, 2]
    assert [reject.ordinal for reject in block.rejects] == [1, 3, 4]
    assert {reject.reason for reject in block.rejects} == {"BadFlowTuple"}
    for reject in block.rejects:
        assert source[reject.offset : reject.offset + len(reject.raw)] == reject.raw
    assert block.rejects[0].raw == b'"1,2,3"'


def test_tuples_of_other_lengths_do_not_shift_their_neighbours() -> None:
    """One value too many here and one too few there are two rejects, whatever the surplus value is."""
    tuples = [_flow(1), _flow(2) + ",\n", _flow(3).removesuffix(",1580")]
    records, rejects = read("azure", json.dumps(_vnet(tuples)).encode())
    assert [row["src_port"] for row in records] == ["1"]
    assert [reject.ordinal for reject in rejects] == [1, 2]


def test_a_field_with_the_name_of_a_tuples_value_is_kept() -> None:
    """What the record itself calls `state` stands beside the flow's."""
    (row,) = read("azure", json.dumps({"state": "mine", **_vnet([_flow(1)])}).encode())[0]
    assert (row["state"], row["state_2"]) == ("E", "mine")


def test_json_lines_are_those_of_ndjson() -> None:
    """One record a line, with any line ends, gives what ndjson gives; lines that are none cost themselves."""
    records = [{"time": "2026-11-20T06:00:00Z", "n": i, "properties": {"l": [{}, {}]}} for i in range(5_000)]
    for end in ("\n", "\r\n"):
        lines = [json.dumps(record) for record in records]
        assert read("azure", end.join(lines).encode() + end.encode()) == (records, [])
        lines[2_000] = "{oops}"
        found, rejects = read("azure", end.join(lines).encode())
        assert found == records[:2_000] + records[2_001:]
        assert [reject.line for reject in rejects] == [2_001]


def test_records_over_several_lines_have_their_own_places() -> None:
    """Pretty-printed records one after another are no JSON lines; each has its own bytes."""
    source = b"\n".join(json.dumps({"n": i}, indent=1).encode() for i in range(50))
    (block,) = blocks(parser("azure"), [source])
    assert block.dicts() == [{"n": i} for i in range(50)]
    assert [json.loads(block.origin(i).raw) for i in range(50)] == block.dicts()
    assert [block.origin(i).line for i in range(50)] == [1 + 3 * i for i in range(50)]
