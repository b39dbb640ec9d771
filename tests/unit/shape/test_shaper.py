"""Records in, rows out: nothing that Azure would lose is lost."""

from __future__ import annotations

import gc
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import Block, Position, Rows
from shared.routes import Route
from shared.shape.shaper import Shaper
from shared.shape.typed import LONGEST_VALUE, too_long
from shared.shape.window import window
from tests.build import FRESH, NOW, block, lines, route
from tests.unit.formats.reading import blocks, parser


def shaped(made: Route, records: list[Any]) -> tuple[Rows, Shaper]:
    shaper = Shaper(made, window(NOW, NOW))
    return shaper.shape(block(records)), shaper


def rows_of(made: Route, *records: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in shaped(made, list(records))[0].text.splitlines()]


def test_columns_come_from_keys_paths_and_candidates() -> None:
    """A column takes its own key, a key with dots, a path, or the first candidate that is there."""
    made = route(
        columns={
            "TimeGenerated": {"type": "datetime", "from": "t"},
            "Host": {"from": "id.host"},
            "Path": {"from": "id.host"},
            "Total": {"type": "real", "from": ["timing.total", "duration"]},
        }
    )
    first, second = rows_of(
        made,
        {"t": FRESH, "id.host": "a", "duration": 2.5},
        {"t": FRESH, "id": {"host": "b"}, "timing": {"total": 1}},
    )
    assert (first["Host"], first["Path"], first["Total"]) == ("a", "a", 2.5)
    assert (second["Host"], second["Path"], second["Total"]) == ("b", "b", 1)


def test_what_a_candidate_gave_is_not_left_over() -> None:
    """A value under the first of several names is taken, be all values of a block there or not."""
    made = route(columns={"Name": {"from": ["a", "b"]}}, on_undeclared="dead_letter")
    assert rows_of(made, {"TimeGenerated": FRESH, "a": "x"}) == [{"TimeGenerated": FRESH, "Name": "x"}]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("ndjson", b'{"Host":"a"}\n'),  # instances of the type that the route wants
        ("ndjson", b'{"Host":"a","more":1}\n'),  # dicts
        ("csv", b"Host,more\na,b\n"),  # named rows
        ("syslog", b"<13>Nov 20 06:00:01 a app: text\n"),  # columns
    ],
)
def test_a_block_goes_when_it_is_let_go(kind: str, data: bytes) -> None:
    """Nothing keeps a block but its users: no cycle that waits for the collector while more blocks come."""
    shaper = Shaper(route(columns={"Host": {"from": ["Host", "id.host"]}}), window(NOW, NOW))

    def shape() -> None:
        for found in blocks(parser(kind, shaper.want), [data]):
            shaper.shape(found)

    shape()  # what is made once, and kept, is made
    gc.collect()
    gc.disable()
    try:
        shape()
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_an_empty_text_leaves_the_next_candidate_its_turn() -> None:
    """Where an empty text says nothing the next name is looked at, and it is not left over; a string may be empty."""
    columns = {"Size": {"type": "int", "from": ["a", "x.b"]}, "Name": {"from": ["c", "d"]}}
    made = route(columns=columns, on_undeclared="dead_letter")
    records: list[dict[str, Any]] = [
        {"TimeGenerated": FRESH, "a": "", "x": {"b": "7"}},
        {"TimeGenerated": FRESH, "a": "6"},
        {"TimeGenerated": FRESH, "a": "", "x": {"b": ""}, "c": ""},
    ]
    found = [{k: v for k, v in row.items() if k != "TimeGenerated"} for row in rows_of(made, *records)]
    assert found == [{"Size": 7}, {"Size": 6}, {"Name": ""}]


def test_an_empty_text_behind_the_value_is_left_over_whatever_is_beside() -> None:
    """Of candidates only those before the one that has a value are taken, with or without a record that has none."""
    made = route(columns={"Size": {"type": "int", "from": ["a", "b"]}})
    records: list[dict[str, Any]] = [{"TimeGenerated": FRESH, "a": "6", "b": ""}, {"TimeGenerated": FRESH}]
    for beside in ([], records[1:]):
        (row, *_) = rows_of(made, records[0], *beside)
        assert (row["Size"], row["Extra"]) == (6, {"b": ""})


@pytest.mark.parametrize("columns", [2, 12])
def test_what_is_null_is_not_left_over(columns: int) -> None:
    """A field without a value is no undeclared field, be few keys taken or many."""
    names = [f"Column{number}" for number in range(columns)]
    made = route(columns={name: {} for name in names}, on_undeclared="dead_letter")
    record = {"TimeGenerated": FRESH, **dict.fromkeys(names, "x")}
    assert rows_of(made, {**record, "other": None}) == [record]
    kept = route(columns={name: {} for name in names})
    assert rows_of(kept, {**record, "other": None, "more": 1}) == [{**record, "Extra": {"more": 1}}]


def test_fields_that_no_column_takes_are_kept() -> None:
    """What is not declared lands in the dynamic column, the leaves of nested objects too."""
    made = route(columns={"Aa": {"from": "a.x"}, "Bb": {"from": "b"}})
    (row,) = rows_of(made, {"TimeGenerated": FRESH, "a": {"x": "1", "y": 2}, "b": "3", "c": [4]})
    assert row == {"TimeGenerated": FRESH, "Aa": "1", "Bb": "3", "Extra": {"a": {"y": 2}, "c": [4]}}


def test_undeclared_fields_follow_the_route() -> None:
    """drop leaves them out and counts; dead_letter rejects the record and names the keys."""
    rows, shaper = shaped(route(on_undeclared="drop"), [{"TimeGenerated": FRESH, "x": 1}])
    assert json.loads(rows.text) == {"TimeGenerated": FRESH}
    assert shaper.changed == {"undeclared_dropped": 1}
    rows, _ = shaped(route(on_undeclared="dead_letter"), [{"TimeGenerated": FRESH, "x": 1}])
    assert rows.text == b""
    assert [(r.reason, r.detail) for r in rows.rejects] == [("UndeclaredField", "no column takes x")]


def test_a_value_of_the_wrong_type_is_never_lost() -> None:
    """It is kept under its key, rejected, or made null, as the route says; the record's other values stand."""
    columns = {"Status": {"type": "int", "from": "status"}}
    record = {"TimeGenerated": FRESH, "status": "n/a"}
    (row,) = rows_of(route(columns=columns), record)
    assert row == {"TimeGenerated": FRESH, "Extra": {"status": "n/a"}}
    rows, _ = shaped(route(columns=columns, on_bad_value="dead_letter"), [record])
    assert [(r.reason, r.detail) for r in rows.rejects] == [("BadValue", "Status: status (str) is no int")]
    assert rows.rejects[0].raw == lines([record])[:-1]
    assert rows_of(route(columns=columns, on_bad_value="null"), record) == [{"TimeGenerated": FRESH}]


def test_casts_lose_nothing() -> None:
    """Text of delimited files becomes its type; what would not survive is refused."""
    made = route(
        columns={
            "Ii": {"type": "int"},
            "Ll": {"type": "long"},
            "Rr": {"type": "real"},
            "Bb": {"type": "boolean"},
            "Ss": {"type": "string"},
        }
    )
    good = {
        "TimeGenerated": FRESH,
        "Ii": "7",
        "Ll": "-9223372036854775808",
        "Rr": "1e3",
        "Bb": "TRUE",
        "Ss": {"a": 1},
    }
    assert rows_of(made, good) == [
        {"TimeGenerated": FRESH, "Ii": 7, "Ll": -(2**63), "Rr": 1000.0, "Bb": True, "Ss": '{"a":1}'}
    ]
    bad = {"Ii": 2**31, "Ll": 2**63, "Rr": "1e999", "Bb": "yes"}
    (row,) = rows_of(made, {"TimeGenerated": FRESH, **bad})
    assert row == {
        "TimeGenerated": FRESH,
        "Extra": {"Ii": 2**31, "Ll": str(2**63), "Rr": "1e999", "Bb": "yes"},
    }


def test_empty_text_is_no_value_but_for_strings() -> None:
    """A delimited file's empty field is null in a column of another type and an empty string in a string."""
    made = route(columns={"Nn": {"type": "int"}, "Ss": {"type": "string"}})
    assert rows_of(made, {"TimeGenerated": FRESH, "Nn": "", "Ss": ""}) == [{"TimeGenerated": FRESH, "Ss": ""}]


def test_a_time_that_azure_would_replace_is_put_right_and_kept() -> None:
    """The row gets the time of receipt; the record's own time stays in Extra, or in a column made from the same key."""
    old = "2018-03-24T17:15:20.865716Z"
    made = route(columns={"TimeGenerated": {"type": "datetime", "from": "ts"}})
    rows, shaper = shaped(made, [{"ts": old}])
    assert json.loads(rows.text) == {"TimeGenerated": "2026-11-24T06:00:00Z", "Extra": {"ts": old}}
    assert shaper.changed == {"time_replaced": 1}
    made = route(
        columns={
            "TimeGenerated": {"type": "datetime", "from": "ts"},
            "EventTime": {"type": "datetime", "from": "ts"},
        }
    )
    assert rows_of(made, {"ts": old}) == [{"TimeGenerated": "2026-11-24T06:00:00Z", "EventTime": old}]
    rows, _ = shaped(route(on_old_time="dead_letter"), [{"TimeGenerated": old}])
    assert [r.reason for r in rows.rejects] == ["TimeOutsideWindow"]


def test_a_missing_or_unreadable_time_is_put_right() -> None:
    """No time: the time of receipt; no readable time: the same, and what was there is kept."""
    rows, shaper = shaped(route(), [{"a": 1}, {"TimeGenerated": "yesterday"}])
    missing, unreadable = [json.loads(line) for line in rows.text.splitlines()]
    assert missing == {"TimeGenerated": "2026-11-24T06:00:00Z", "Extra": {"a": 1}}
    assert unreadable["Extra"] == {"TimeGenerated": "yesterday"}
    assert shaper.changed["time_missing"] == 2


def test_filters_count_what_they_leave_out() -> None:
    """keep and drop look at the column's value after its cast; what they leave out is listed."""
    made = route(columns={"Status": {"type": "int"}}, drop={"Status": [204, 304]})
    rows, _ = shaped(made, [{"TimeGenerated": FRESH, "Status": s} for s in (200, "204", 304, 500)])
    assert [json.loads(line)["Status"] for line in rows.text.splitlines()] == [200, 500]
    assert (list(rows.ordinals), list(rows.filtered)) == ([0, 3], [1, 2])
    made = route(columns={"Level": {}}, keep={"Level": "error"})
    rows, _ = shaped(made, [{"TimeGenerated": FRESH, "Level": v} for v in ("error", "info", None)])
    assert list(rows.ordinals) == [0]


def test_values_over_64_kb_are_rejected_not_cut() -> None:
    """Azure cuts a field over 64 KB without a word; such a record is dead-lettered, its neighbours land."""
    made = route(columns={"Text": {}})
    rows, _ = shaped(made, [{"TimeGenerated": FRESH, "Text": "x" * n} for n in (10, 65_537, 20)])
    assert list(rows.ordinals) == [0, 2]
    assert [(r.ordinal, r.reason) for r in rows.rejects] == [(1, "ValueTooLong")]


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30])
def test_integers_beyond_64_bits_go_as_text(number: int) -> None:
    """Azure would lose or round them: they land as text, by the short way's routes too, and are counted."""
    record = {"TimeGenerated": FRESH, "More": {"n": [number, 7]}}
    for columns in (PLAIN, {}):
        made = route(columns=columns)
        blocks = [block([record])] + ([typed(made, [record])] if columns else [])
        for source in blocks:
            shaper = Shaper(made, window(NOW, NOW))
            row = json.loads(shaper.shape(source).text)
            assert (row.get("More") or row["Extra"]["More"]) == {"n": [str(number), 7]}
            assert shaper.changed["big_integer_text"] == 1


def typed(made: Route, records: list[Any]) -> Block:
    want = Shaper(made, window(NOW, NOW)).want
    assert want is not None
    text = lines(records)
    found = msgspec.json.Decoder(want).decode_lines(text)
    plain = block(records)
    return Block(Position(), found, plain.ordinals, len(records), plain.origin, [], typed=True, text=text)


PLAIN = {"Level": {}, "Status": {"type": "int"}, "Ms": {"type": "real"}, "More": {"type": "dynamic"}}


def test_records_that_need_no_change_pass_as_text() -> None:
    """A route that changes nothing sends the source's own bytes."""
    made = route(columns=PLAIN)
    source = typed(made, [{"TimeGenerated": FRESH, "Level": "a", "Status": 1, "More": {"b": [1]}}] * 3)
    rows = Shaper(made, window(NOW, NOW)).shape(source)
    assert rows.text is source.text


def test_one_old_time_keeps_its_block_from_passing_as_text() -> None:
    """The short way never lets a time through that Azure would replace, nor a value that it would cut."""
    made = route(columns=PLAIN)
    records = [{"TimeGenerated": FRESH}, {"TimeGenerated": "2020-01-01T00:00:00Z"}]
    rows = Shaper(made, window(NOW, NOW)).shape(typed(made, records))
    times = [json.loads(line)["TimeGenerated"] for line in rows.text.splitlines()]
    assert times == [FRESH, "2026-11-24T06:00:00Z"]
    rows = Shaper(made, window(NOW, NOW)).shape(
        typed(made, [{"TimeGenerated": FRESH, "Level": "x" * 70_000}])
    )
    assert [r.reason for r in rows.rejects] == ["ValueTooLong"]


def test_both_ways_give_the_same_rows() -> None:
    """Passing text and building rows agree on every value."""
    made = route(columns=PLAIN)
    records = [
        {"TimeGenerated": FRESH, "Level": "é", "Status": -5, "Ms": 1.5, "More": None},
        {"TimeGenerated": FRESH},
    ]
    short = [
        json.loads(x) for x in Shaper(made, window(NOW, NOW)).shape(typed(made, records)).text.splitlines()
    ]
    for row in short:
        row.pop("More", None)
    assert short == rows_of(made, *records)


MAPPED: dict[str, Any] = {
    "columns": {
        "TimeGenerated": {"type": "datetime", "from": "ts", "format": "epoch"},
        "EventTime": {"type": "datetime", "from": "ts", "format": "epoch"},
        "Name": {"from": "id.name"},
        "Status": {"type": "int", "from": "status"},
        "More": {"type": "dynamic", "from": "more"},
    },
    "drop": {"Status": [204], "More": [None]},
}

odd_records = st.fixed_dictionaries(
    {},
    optional={
        "ts": st.one_of(st.just(NOW), st.just(NOW - 90_000), st.just(1.5), st.just("x"), st.none()),
        "id.name": st.one_of(st.text(max_size=3), st.integers()),
        "status": st.one_of(st.sampled_from([200, 204]), st.just(2**40), st.just("7"), st.none()),
        "more": st.one_of(st.lists(st.integers(0, 9), max_size=2), st.none(), st.just(2**70)),
        "other": st.booleans(),
    },
)


@given(st.lists(odd_records, max_size=8))
def test_typed_records_give_the_rows_of_dicts(records: list[dict[str, Any]]) -> None:
    """For a route that renames, filters and reads times: whatever a block is made of, its rows are the same."""
    made = route(**MAPPED)
    shaper = Shaper(made, window(NOW, NOW))
    assert shaper.want is not None
    try:
        found = msgspec.json.Decoder(shaper.want).decode_lines(lines(records))
    except msgspec.ValidationError:
        return  # the parser would not call the block typed
    plain = block(records)
    source = Block(
        Position(), found, plain.ordinals, len(records), plain.origin, [], typed=True, text=lines(records)
    )
    short, long = shaper.shape(source), shaper.shape(plain)
    assert [json.loads(x) for x in short.text.splitlines()] == [json.loads(x) for x in long.text.splitlines()]
    assert list(short.ordinals) == list(long.ordinals)
    assert list(short.filtered) == list(long.filtered)
    assert [r.ordinal for r in short.rejects] == [r.ordinal for r in long.rejects]


def test_an_old_time_of_a_typed_record_is_kept() -> None:
    """A route that renames keeps the time that Azure would replace, whatever the parser made of the record."""
    made = route(columns={"TimeGenerated": {"type": "datetime", "from": "ts"}, "Name": {"from": "n"}})
    old = "2020-01-01T00:00:00Z"
    (row,) = Shaper(made, window(NOW, NOW)).shape(typed(made, [{"ts": old, "n": "a"}])).text.splitlines()
    assert json.loads(row)["Extra"] == {"ts": old}


def test_a_column_with_candidates_asks_for_no_type() -> None:
    """Where a value may come from several keys, no type can be asked for."""
    made = route(columns={"Aa": {"from": ["a", "b"]}})
    assert Shaper(made, window(NOW, NOW)).want is None


@given(st.lists(st.integers(65_530, 65_540) | st.integers(0, 200_000), max_size=4))
def test_a_long_line_is_found_wherever_it_stands(sizes: list[int]) -> None:
    """The quick look finds a line over the limit if and only if there is one."""
    text = b"".join(b"x" * size + b"\n" for size in sizes)
    assert too_long(text) is any(size > LONGEST_VALUE for size in sizes)
