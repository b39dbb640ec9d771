"""Where columns come from besides a record's own keys, and that a block's form changes nothing."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.model import Block, SourceFacts
from shared.routes import Route
from shared.shape.facts import Context
from shared.shape.shaper import Shaper
from shared.shape.window import window
from tests.build import FRESH, NOW, block, route

BLOB = SourceFacts("blob", "drop/logs/web-1/app.log", "0x1", NOW - 60, NOW)


def rows(made: Route, source: Block, context: Context | None = None) -> list[dict[str, Any]]:
    shaper = Shaper(made, window(NOW, NOW), context or Context(BLOB))
    return [json.loads(line) for line in shaper.shape(source).text.splitlines()]


def test_facts_of_the_source() -> None:
    """A column can say where a record came from: blob, path and its captured parts, times, line, ordinal."""
    names = ["source", "container", "path", "file", "version", "member", "route", "path.host"]
    columns: dict[str, Any] = {f"F{number}": {"fact": name} for number, name in enumerate(names)}
    columns["Line"] = {"type": "int", "fact": "line"}
    columns["Nth"] = {"type": "long", "fact": "ordinal"}
    columns["Written"] = {"type": "datetime", "fact": "modified"}
    made = route(columns=columns, **{"from": {"blobs": ["logs/{host}/*.log"]}})
    context = Context(BLOB, {"host": "web-1"}, member="inner.csv")
    (row,) = rows(made, block([{"TimeGenerated": FRESH}], base=7), context)
    path = "logs/web-1/app.log"
    expected = [BLOB.name, "drop", path, "app.log", "0x1", "inner.csv", "test", "web-1"]
    assert [row[f"F{number}"] for number in range(len(names))] == expected
    assert (row["Line"], row["Nth"], row["Written"]) == (8, 7, "2026-11-24T05:59:00Z")


def test_a_record_id_names_one_record_for_ever() -> None:
    """It is the same when a record is read again, and another one in another version or another blob."""
    made = route(columns={"RecordId": {"fact": "record_id"}})

    def ids(facts: SourceFacts, base: int = 0) -> list[str]:
        source = block([{"TimeGenerated": FRESH}] * 3, base=base)
        return [row["RecordId"] for row in rows(made, source, Context(facts))]

    first = ids(BLOB)
    assert ids(replace(BLOB, received=NOW + 5)) == first
    assert ids(BLOB, base=1)[0] == first[1]
    others = [*ids(replace(BLOB, version="0x2")), *ids(replace(BLOB, name="drop/other"))]
    assert len({*first, *others}) == 9


def test_constants_and_joined_keys() -> None:
    """A constant is in every row; joined keys make one value, and none where one of them is missing."""
    made = route(
        columns={
            "TimeGenerated": {"type": "datetime", "join": ["date", "time"], "format": "%Y-%m-%d %H:%M:%S"},
            "Site": {"value": "Berlin"},
            "Level": {"type": "int", "value": 3},
        }
    )
    date, time = FRESH[:10], FRESH[11:19]
    first, second = rows(made, block([{"date": date, "time": time}, {"date": date, "time": None}]))
    assert first == {"TimeGenerated": FRESH, "Site": "Berlin", "Level": 3}
    rest = {"date": date}
    assert second == {"TimeGenerated": "2026-11-24T06:00:00Z", "Site": "Berlin", "Level": 3, "Extra": rest}


def test_a_bad_joined_time_is_kept() -> None:
    """What was joined and could not be read is kept under the keys' names."""
    made = route(columns={"TimeGenerated": {"type": "datetime", "join": ["d", "t"]}})
    (row,) = rows(made, block([{"d": "x", "t": "y"}]))
    assert row["Extra"] == {"d": "x y"}


def test_a_time_from_a_fact_leaves_the_record_its_own() -> None:
    """An old time that is none of the record's is kept beside a field that has the column's name."""
    made = route(columns={"TimeGenerated": {"type": "datetime", "fact": "modified"}})
    old = Context(replace(BLOB, modified=0.0))
    (row,) = rows(made, block([{"TimeGenerated": "mine"}]), old)
    assert row["Extra"] == {"TimeGenerated": "mine", "TimeGenerated_2": "1970-01-01T00:00:00Z"}


def test_zones_and_years() -> None:
    """A time without a zone is in the column's; one without a year is in the year of the file."""
    made = route(
        columns={
            "TimeGenerated": {
                "type": "datetime",
                "from": "a",
                "format": "%d.%m.%Y %H:%M",
                "zone": "Europe/Berlin",
            },
            "Logged": {"type": "datetime", "from": "b", "format": "syslog"},
        }
    )
    (row,) = rows(made, block([{"a": "24.11.2026 06:30", "b": "Nov 24 05:00:01"}]))
    assert (row["TimeGenerated"], row["Logged"]) == ("2026-11-24T05:30:00Z", "2026-11-24T05:00:01Z")


def test_json_in_a_text_and_pairs() -> None:
    """A dynamic column can read JSON out of a text; a text column can take the rest as pairs."""
    made = route(
        columns={
            "More": {"type": "dynamic", "format": "json"},
            "AdditionalExtensions": {"from": "*", "format": "pairs"},
        }
    )
    good, bad, twice, empty, odd = rows(
        made,
        block(
            [
                {"TimeGenerated": FRESH, "More": '{"a":[1]}', "x": 1, "y": "z"},
                {"TimeGenerated": FRESH, "More": "{a"},
                {"TimeGenerated": FRESH, "More": '{"a":{"b":1,"b":2}}'},
                {"TimeGenerated": FRESH, "More": ""},
                {"TimeGenerated": FRESH, "x": math.nan, "y": {"a": "\ud800", "b": [None, math.inf]}},
            ]
        ),
    )
    assert (good["More"], good["AdditionalExtensions"]) == ({"a": [1]}, "x=1;y=z")
    assert bad == {"TimeGenerated": FRESH, "AdditionalExtensions": "More={a"}
    assert twice == {"TimeGenerated": FRESH, "AdditionalExtensions": 'More={"a":{"b":1,"b":2}}'}
    assert empty == {"TimeGenerated": FRESH}
    assert odd["AdditionalExtensions"] == 'x=NaN;y={"a":"\\ud800","b":[null,Infinity]}'


def test_what_is_put_right_can_be_watched() -> None:
    """A watcher is told of each loss that was kept from being one, with its record."""
    shaper = Shaper(route(columns={"Size": {"type": "int"}}), window(NOW, NOW))
    seen: list[tuple[int, str]] = []
    shaper.watch = lambda source, index, kind: seen.append((source.ordinals[index], kind))
    shaper.shape(block([{"TimeGenerated": FRESH}, {"Size": "x"}, {"TimeGenerated": FRESH, "o": 1}], base=5))
    assert sorted(seen) == [(6, "bad_value_kept"), (6, "time_missing"), (7, "undeclared_kept")]


NAMES = ("ts", "name", "status", "share", "flag", "other")
_VALUES = st.tuples(
    st.sampled_from([FRESH, "2026-11-24T05:00:00+01:00", "2001-01-01T00:00:00Z", "soon", "", None]),
    st.sampled_from(["a", "", None, 5, {"x": 1}]),
    st.sampled_from(["1", "-7", " 8", "1_0", "99999999999", "", "x", 3, 2.0, True, None]),
    st.sampled_from(["1.5", "1e3", "nan", "1e999", ".", "", 2, 2.5, None]),
    st.sampled_from(["true", "FALSE", "1", "2", "", True, 0, None]),
    st.sampled_from(["o", None, 2**70, math.nan, {"x": [math.inf]}, {"x": "\ud800", "\udc00": None}]),
)
MADE = route(
    columns={
        "TimeGenerated": {"type": "datetime", "from": "ts"},
        "Name": {"from": "name"},
        "Again": {"from": ["missing", "name"]},
        "Inner": {"type": "int", "from": "name.x"},
        "Status": {"type": "int", "from": "status"},
        "Long": {"type": "long", "from": "status"},
        "Share": {"type": "real", "from": "share"},
        "Flag": {"type": "boolean", "from": "flag"},
        "Either": {"from": ["flag", "other"]},
        "Size": {"type": "int", "from": ["status", "share"]},
        "Both": {"join": ["name", "other"]},
    },
    drop={"Status": [3]},
)


@given(st.lists(_VALUES, max_size=6))
def test_named_rows_give_the_rows_of_dicts(values: list[tuple[Any, ...]]) -> None:
    """Rows of a delimited format and the same records as dicts come out the same, rejects and counts too."""
    dicts = oddly([{k: v for k, v in zip(NAMES, row, strict=True) if v is not None} for row in values])
    named = replace(dicts, records=list(values), names=NAMES)
    one, other = Shaper(MADE, window(NOW, NOW)), Shaper(MADE, window(NOW, NOW))
    first, second = one.shape(dicts), other.shape(named)
    assert first.text == second.text
    assert list(first.ordinals) == list(second.ordinals)
    assert [(r.ordinal, r.reason) for r in first.rejects] == [(r.ordinal, r.reason) for r in second.rejects]
    assert one.changed == other.changed


@given(st.lists(_VALUES, min_size=1, max_size=6))
def test_neighbours_change_nothing(values: list[tuple[Any, ...]]) -> None:
    """What becomes of a record does not depend on the other records of its block."""
    records = [{k: v for k, v in zip(NAMES, row, strict=True) if v is not None} for row in values]
    shaper = Shaper(MADE, window(NOW, NOW))
    together = shaper.shape(oddly(records))
    shapers = [Shaper(MADE, window(NOW, NOW)) for _ in records]
    alone = [shaper.shape(oddly([record])) for shaper, record in zip(shapers, records, strict=True)]
    assert together.text == b"".join(rows.text for rows in alone)
    assert len(together.rejects) == sum(len(rows.rejects) for rows in alone)
    assert shaper.changed == sum((one.changed for one in shapers), Counter())


@given(st.lists(_VALUES, min_size=1, max_size=6))
def test_every_field_is_somewhere(values: list[tuple[Any, ...]]) -> None:
    """A field that has a value is taken by a column that has one, or is in the "*" column, and not in both."""
    records = [{k: v for k, v in zip(NAMES, row, strict=True) if v is not None} for row in values]
    made = route(columns={"Either": {"from": ["flag", "other"]}, "Both": {"join": ["name", "status"]}})
    for record, row in zip(records, rows(made, oddly(records)), strict=True):
        taken = {"name", "status"} if "Both" in row else set()
        if "Either" in row:
            taken.add("flag" if "flag" in record else "other")
        assert set(row.get("Extra", {})) == record.keys() - taken


def oddly(records: list[dict[str, Any]]) -> Block:
    """A block that says whether JSON can carry its records, as parsers do."""
    text = repr(records)
    return replace(block(records), odd="nan" in text or "inf" in text or "\\ud" in text)
