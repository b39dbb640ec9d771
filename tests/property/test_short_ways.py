"""A record comes out the same, whichever way its block went through parsing and shaping."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.formats import FORMATS
from shared.model import Position
from shared.routes import Route
from shared.shape.shaper import Shaper
from shared.shape.window import window
from tests.build import FRESH, NOW, route

COLUMNS: dict[str, dict[str, Any]] = {
    "TimeGenerated": {"type": "datetime"},
    "When": {"type": "datetime"},
    "Name": {},
    "Size": {"type": "int"},
    "Long": {"type": "long"},
    "Share": {"type": "real"},
    "Flag": {"type": "boolean"},
    "More": {"type": "dynamic"},
}
ROUTES = {
    "as it is": route(columns=COLUMNS),
    "renamed": route(columns={name: {"from": name.lower(), **column} for name, column in COLUMNS.items()}),
    "strict": route(columns=COLUMNS, on_undeclared="drop", on_not_a_number="dead_letter"),
    "filtered": route(columns=COLUMNS, drop={"Size": [7]}, redact={"Name": "mask"}),
}
_TEXTS = ['"a"', '""', '"\\u00e9\\n"', '"\\ud800"', '"\\ud83d\\ude00"', '"7"', '"NaN"', '"1e3"', '"\\u0022"']
_NUMBERS = [
    "0",
    "-0",
    "7",
    "1.0",
    "1e2",
    "-0.0",
    "1e-400",
    "1e400",
    str(2**31),
    str(2**63),
    str(-(2**63)),
    "NaN",
]
_TIMES = [
    f'"{FRESH}"',
    '"2026-11-24T05:00:00.123456789Z"',
    '"2026-11-24 06:00:00+01:00"',
    '"2026-11-24t05:00:00z"',
    '"2026-11-24T05:00:00"',
    '"2001-01-01T00:00:00Z"',
    "1795500000",
]
_OTHER = ["null", "true", "[]", "{}", '{"a":{"b":1,"b":2}}', "[NaN,1]", f"[{2**64}]", '{"\\udc00":"\\ud800"}']
_VALUES = st.sampled_from([*_TEXTS, *_NUMBERS, *_TIMES, *_OTHER])
_FITTING: dict[str, st.SearchStrategy[str]] = {
    "TimeGenerated": st.sampled_from(_TIMES[:4]),
    "When": st.sampled_from(_TIMES[:4]),
    "Name": st.sampled_from(['"a"', '""', '"\\u00e9\\n"', '"\\ud83d\\ude00"', '"7"', "null"]),
    "Size": st.sampled_from(["7", "0", "-0", "null"]),
    "Share": st.sampled_from(["0", "1e2", "-0.0", "1e-400", "null"]),
    "More": st.sampled_from(["7", '"a"', "null", "[1]", '{"a":{"b":1}}', f"[{2**63 - 1}]"]),
}
_LIKELY: dict[str, st.SearchStrategy[str]] = {
    "TimeGenerated": st.sampled_from(_TIMES),
    "When": st.sampled_from(_TIMES),
    "Name": st.sampled_from(_TEXTS),
    "Size": st.sampled_from(["7", "0", "null"]),
    "Long": st.sampled_from(["7", "0", "null"]),
    "Share": st.sampled_from(_NUMBERS),
    "Flag": st.sampled_from(["true", "false", "null"]),
    "More": _VALUES,
    "Undeclared": _VALUES,
}
_MEMBERS = st.sampled_from(sorted(_LIKELY)).flatmap(
    lambda key: st.tuples(st.just(key), st.one_of(_LIKELY[key], _LIKELY[key], _LIKELY[key], _VALUES))
)

_RECORDS = st.one_of(
    st.lists(
        st.sampled_from(sorted(_FITTING)).flatmap(lambda key: st.tuples(st.just(key), _FITTING[key])),
        max_size=5,
        unique_by=lambda member: member[0],
    ),
    st.lists(_MEMBERS, max_size=5),
)


def text_of(members: list[tuple[str, str]], *, lower: bool) -> str:
    """A record with a time, unless it has five members."""
    timed = len(members) == 5 or any(key == "TimeGenerated" for key, _ in members)
    named = members if timed else [("TimeGenerated", f'"{FRESH}"'), *members]
    return "{" + ",".join(f'"{key.lower() if lower else key}":{value}' for key, value in named) + "}"


def through(made: Route, lines: list[str]) -> tuple[dict[int, Any], dict[int, str], list[int], list[Any]]:
    """Rows, reasons of rejects, what is filtered, and what was put right, all by ordinal."""
    shaper = Shaper(made, window(NOW, NOW), salt=b"salt")
    seen: list[Any] = []
    shaper.watch = lambda block, index, kind: seen.append((block.ordinals[index], kind))
    parser = FORMATS["ndjson"].make(made.format, Position(), shaper.want)
    done = [
        shaper.shape(block)
        for block in [*parser.feed("".join(line + "\n" for line in lines).encode()), *parser.flush()]
    ]
    rows = {
        ordinal: plain(json.loads(line))
        for part in done
        for ordinal, line in zip(part.ordinals, part.text.splitlines(), strict=True)
    }
    rejects = {reject.ordinal: reject.reason for part in done for reject in part.rejects}
    return rows, rejects, [ordinal for part in done for ordinal in part.filtered], sorted(seen)


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what says nothing, and times as instants; 7 digits of a second are all that Azure keeps."""
    found = {key: value for key, value in row.items() if value is not None}
    for key in ("TimeGenerated", "When"):
        if key in found:
            found[key] = datetime.fromisoformat(found[key].upper()).timestamp()
    return found


@pytest.mark.parametrize("name", ROUTES)
@settings(max_examples=300)
@given(st.lists(_RECORDS, min_size=1, max_size=4))
def test_a_record_among_others_is_as_it_is_alone(name: str, records: list[list[tuple[str, str]]]) -> None:
    """Text that passes, typed records, dicts, and lines one by one give the same rows, rejects and counts."""
    lines = [text_of(members, lower=name == "renamed") for members in records]
    together = through(ROUTES[name], lines)
    rows, rejects, filtered, seen = together
    for ordinal, line in enumerate(lines):
        alone = through(ROUTES[name], [line])
        own = [kind for place, kind in seen if place == ordinal]
        assert (rows.get(ordinal), rejects.get(ordinal)) == (alone[0].get(0), alone[1].get(0)), line
        assert (ordinal in filtered, own) == (bool(alone[2]), [kind for _, kind in alone[3]]), line
