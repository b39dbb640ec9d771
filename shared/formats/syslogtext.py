r"""All syslog lines of a window at once.

Rule: gives what `sysloghead.read_line` gives for each of the lines. Strategy: where
the first line is RFC 5424's, such lines are cut together (`syslogietf`); one expression
runs over the others and takes those of the usual forms apart, RFC 3164's and RFC
5424's; any other line is read on its own. What follows goes column by column, and
names that no line has a value for are left out. Invariant: an expression here is
narrower than its counterpart there: whatever both match, they take apart alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import compress, repeat
from operator import itemgetter
from typing import Any

from .jsonvalue import Problem
from .lines import Columns
from .sdelements import DATA, elements
from .sysloghead import (
    BLANKS,
    DAY,
    FACILITY,
    ISO,
    PLAIN_HOST,
    PRIORITY,
    SEVERITY,
    TAG_CHARACTER,
    Message,
    read_line,
)
from .syslogietf import is_ietf, read_ietf

NAMES: tuple[str, ...] = Message._fields
Other = Callable[[str], Message | Problem]
"""What to make of a line that has no header."""

_LOCAL = {
    host: rf"(?:{PRIORITY})?+({DAY} \d\d:\d\d:\d\d|{ISO}) {f'{PLAIN_HOST} ' if host else '()'}"
    rf"((?!\d){TAG_CHARACTER}++)(?:\[(\d*+)\])?+: ++([^\n]*+)"
    for host in (True, False)
}
_IETF = (
    rf"{PRIORITY}\d\d? (-|\d{{4}}-\d\d-\d\dT\S++) (\S++) (\S++) (\S++) (\S++) "
    rf"(?:-|({DATA}))(?: \ufeff?+ *+([^\n]*+)|(?=\n|\Z))"
)
_LINE = {host: re.compile(rf"\n(?:{_LOCAL[host]}|{_IETF}|([^\n]*+))", re.ASCII) for host in (True, False)}
_LOCAL_TIME, _IETF_TIME, _END = 1, 7, 14
"""Places in what _LINE gives: the times of either form, which are never empty, and the end of both."""

Row = tuple[str, ...]
_Part = tuple[Sequence[int], Columns]
"""Places of some of the lines, and what these say."""


def read_lines(
    lines: Sequence[str], *, host: bool, other: Other
) -> Columns | tuple[tuple[str, ...], list[Any]]:
    """What lines say: columns if all are of one form, else names and for each line its values or a Problem.

    Args:
        lines: none of them blank.
        host: whether a header of RFC 3164 has a host.
        other: what a line without a header is.
    """
    parts: list[_Part] = []
    left: Sequence[int] = range(len(lines))
    ietf = read_ietf(lines) if lines and is_ietf(lines[0]) else None
    if ietf is not None:
        parts.append(ietf)
        left = sorted(set(left).difference(ietf.places)) if len(ietf.places) < len(lines) else ()
    rows: Sequence[Row] = []
    if left:
        rows = _LINE[host].findall("\n" + "\n".join([lines[place] for place in left]))
        parts += _forms(left, rows)
    if len(parts) == 1 and len(parts[0][0]) == len(lines):
        return parts[0][1]
    odd = {
        place: read_line(row[_END], host=host) or other(row[_END])
        for place, row in zip(left, rows, strict=True)
        if row[_END]
    }
    return _mixed(len(lines), parts, odd)


def _forms(places: Sequence[int], rows: Sequence[Row]) -> Iterator[_Part]:
    """Those of some lines that are of a usual form, by their forms."""
    for time, columns_of in ((_LOCAL_TIME, _local), (_IETF_TIME, _ietf)):
        there = list(map(itemgetter(time), rows))
        if all(there):
            yield places, columns_of(rows)
        elif any(there):
            yield list(compress(places, there)), columns_of(list(compress(rows, there)))


def _mixed(
    size: int, parts: Sequence[_Part], odd: Mapping[int, Message | Problem]
) -> tuple[tuple[str, ...], list[Any]]:
    """Lines of several forms."""
    messages = [value for value in odd.values() if type(value) is Message]
    kept = [
        index
        for index, name in enumerate(NAMES)
        if any(name in columns for _, columns in parts)
        or any(message[index] is not None for message in messages)
    ]
    values: list[Any] = [None] * size
    for where, columns in parts:
        nothing = [None] * len(where)
        taken = zip(*(columns.get(NAMES[index], nothing) for index in kept), strict=True)
        for place, value in zip(where, taken, strict=True):
            values[place] = value
    for place, found in odd.items():
        values[place] = tuple(found[index] for index in kept) if type(found) is Message else found
    return tuple(NAMES[index] for index in kept), values


def _local(rows: Sequence[Row]) -> Columns:
    """Lines of RFC 3164 as columns, without those that have no value."""
    priorities, times, hosts, tags, processes, texts, *_ = zip(*rows, strict=True)
    columns: Columns = {"timestamp": times}
    if hosts[0]:  # all of them, or none
        columns["host"] = hosts
    columns["app_name"] = tags
    if any(processes):
        columns["proc_id"] = [process or None for process in processes]
    if any(priorities):
        columns["facility"] = list(map(FACILITY.__getitem__, priorities))
        columns["severity"] = list(map(SEVERITY.__getitem__, priorities))
    columns["message"] = list(map(str.rstrip, texts, repeat(BLANKS)))
    return columns


def _ietf(rows: Sequence[Row]) -> Columns:
    """Lines of RFC 5424 as columns, without those that have no value."""
    priorities, times, hosts, apps, processes, ids, data, texts = list(zip(*rows, strict=True))[6:_END]
    columns: Columns = {}
    for name, said in zip(NAMES, (times, hosts, apps, processes, ids), strict=False):
        if "-" not in said:
            columns[name] = said
        elif any(value != "-" for value in said):
            columns[name] = [None if value == "-" else value for value in said]
    if any(data):
        columns["structured_data"] = [elements(text) if text else None for text in data]
    columns["facility"] = list(map(FACILITY.__getitem__, priorities))
    columns["severity"] = list(map(SEVERITY.__getitem__, priorities))
    columns["message"] = list(map(str.rstrip, texts, repeat(BLANKS)))
    return columns
