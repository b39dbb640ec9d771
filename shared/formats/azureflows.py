"""Flow logs of network security groups and virtual networks: tuples become rows.

Rule: a tuple is text with commas in the order that Microsoft documents for its kind
of log; its values stay the text that they are. Invariant: a row has the fields of
the record, of the lists that the tuple is in, and of the tuple; nothing of a record
is left out. Strategy: tuples of one list are split in one go, and rows are tuples of
values under the names of all.

    network security group   properties.flows[].flows[].flowTuples[]
    virtual network          flowRecords.flows[].flowGroups[].flowTuples[]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

from ..model import Record
from .explode import ROWS, Bad, Rows
from .jsonvalue import Problem
from .names import unique

_ENDS = ("flow_time", "src_ip", "dst_ip", "src_port", "dst_port", "protocol", "direction")
_COUNTS = ("packets_sent", "bytes_sent", "packets_received", "bytes_received")
_GROUP = {8: (*_ENDS, "decision"), 13: (*_ENDS, "decision", "state", *_COUNTS)}
"""Version 1 and 2."""
_NETWORK = {13: (*_ENDS, "state", "encryption", *_COUNTS)}

_Fields = dict[str, Any]
_Layouts = Mapping[int, tuple[str, ...]]


def flow_rows(record: Record) -> Iterator[Rows | Bad] | None:
    """The rows of a record of a flow log; None of any other."""
    flows = _inside(record, "flowRecords")
    if flows is not None:
        return _rows(record, "flowRecords", "flowGroups", flows, _NETWORK)
    flows = _inside(record, "properties")
    if flows is not None:
        return _rows(record, "properties", "flows", flows, _GROUP)
    return None


def _inside(record: Record, key: str) -> list[Any] | None:
    """The flows under a key, if there are any and they are those of a flow log."""
    found = record.get(key)
    flows = found.get("flows") if isinstance(found, dict) else None
    if not isinstance(flows, list) or not flows:
        return None
    inner = "flowGroups" if key == "flowRecords" else "flows"
    return (
        flows if all(isinstance(flow, dict) and isinstance(flow.get(inner), list) for flow in flows) else None
    )


def _rows(record: Record, key: str, inner: str, flows: list[Any], layouts: _Layouts) -> Iterator[Rows | Bad]:
    for flow in flows:
        around = _without(record, key, "flows") | _but(flow, inner)
        if not flow[inner]:
            yield Rows([around])
        for group in flow[inner]:
            tuples = group.get("flowTuples") if isinstance(group, dict) else None
            if not isinstance(tuples, list):
                yield Rows([{**around, inner: group}])
                continue
            fields = around | _but(group, "flowTuples")
            if not tuples:
                yield Rows([fields])
            for first in range(0, len(tuples), ROWS):
                yield from _tuples(fields, tuples[first : first + ROWS], layouts)


def _without(record: Record, key: str, inner: str) -> _Fields:
    """The record's fields but for `key.inner`."""
    rest = _but(record[key], inner)
    return {**_but(record, key), key: rest} if rest else _but(record, key)


def _but(fields: _Fields, key: str) -> _Fields:
    return {name: value for name, value in fields.items() if name != key}


def _tuples(fields: _Fields, tuples: Sequence[Any], layouts: _Layouts) -> Iterator[Rows | Bad]:
    """The rows of some tuples: all at once if they are of one length."""
    found = _at_once(fields, tuples, layouts)
    if found is not None:
        yield found
        return
    for element in tuples:
        found = _at_once(fields, [element], layouts)
        yield Bad(_problem(element, layouts), element) if found is None else found


def _at_once(fields: _Fields, tuples: Sequence[Any], layouts: _Layouts) -> Rows | None:
    """Tuples of one length, cut by one split of them all; None if they are not."""
    if set(map(type, tuples)) != {str}:
        return None
    width = tuples[0].count(",") + 1
    layout, step = layouts.get(width), width + 1
    split = ",\n,".join([*tuples, ""]).split(",")[:-1]
    if layout is None or len(split) != step * len(tuples) or split.count("\n") != len(tuples):
        return None
    if set(split[width::step]) != {"\n"}:
        return None
    columns: list[Any] = [split[place::step] for place in range(width)]
    for place, column in enumerate(columns):
        if "" in column:
            columns[place] = [value or None for value in column]
    rows = list(zip(*columns, *map(repeat, fields.values()), strict=False))
    return Rows(rows, tuple(unique((*layout, *fields))))


def _problem(element: Any, layouts: _Layouts) -> Problem:
    if not isinstance(element, str):
        return Problem("BadFlowTuple", "a flow tuple is a text with commas; this one is no text")
    expected = " or ".join(str(count) for count in layouts)
    found = element.count(",") + 1
    return Problem("BadFlowTuple", f"the flow tuple has {found} values where {expected} were expected")
