r"""All syslog lines of a window at once.

Rule: gives what `sysloghead.read_line` gives for each of the lines. Strategy: one
expression runs over the window and takes lines of the usual forms apart, RFC 3164's
and RFC 5424's; any other line is read on its own. What follows goes column by column,
and names that no line has a value for are left out. Invariant: an expression here is
narrower than its counterpart there: whatever both match, they take apart alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import repeat
from operator import itemgetter
from typing import Any

from .jsonvalue import Problem
from .lines import BLANK
from .sdelements import DATA, elements
from .sysloghead import BLANKS, DAY, FACILITY, ISO, PLAIN_HOST, PRIORITY, SEVERITY, Message, read_line

NAMES: tuple[str, ...] = Message._fields
Other = Callable[[str], Message | Problem]
"""What to make of a line that has no header."""

_LOCAL = {
    host: rf"(?:{PRIORITY})?+({DAY} \d\d:\d\d:\d\d|{ISO}) {f'{PLAIN_HOST} ' if host else '()'}"
    r"([^\s:\[\]\d][^\s:\[\]]*+)(?:\[(\d*+)\])?+: ++([^\n]*+)"
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
Columns = dict[str, Sequence[Any]]


def read_text(text: str, *, host: bool, other: Other) -> tuple[tuple[str, ...], list[Any]]:
    """Names, and for each line that is not blank the values of these names, or a Problem.

    Args:
        text: lines, each ended by a newline, the last one perhaps not.
        host: whether a header of RFC 3164 has a host.
        other: what a line without a header is.
    """
    rows = _LINE[host].findall("\n" + text.removesuffix("\n"))
    if all(map(itemgetter(_LOCAL_TIME), rows)):
        columns = _local(rows)
    elif all(map(itemgetter(_IETF_TIME), rows)):
        columns = _ietf(rows)
    else:
        rows = [row for row in rows if row[_LOCAL_TIME] or row[_IETF_TIME] or row[_END].strip(BLANK)]
        return _mixed(rows, host=host, other=other)
    return tuple(columns), list(zip(*columns.values(), strict=True))


def _mixed(rows: Sequence[Row], *, host: bool, other: Other) -> tuple[tuple[str, ...], list[Any]]:
    """Lines of several forms, none of them blank."""
    parts: list[tuple[list[int], Columns]] = []
    for place, columns_of in ((_LOCAL_TIME, _local), (_IETF_TIME, _ietf)):
        where = [index for index, row in enumerate(rows) if row[place]]
        if where:
            parts.append((where, columns_of([rows[index] for index in where])))
    odd = {
        index: read_line(row[_END], host=host) or other(row[_END])
        for index, row in enumerate(rows)
        if row[_END]
    }
    messages = [value for value in odd.values() if type(value) is Message]
    kept = [
        index
        for index, name in enumerate(NAMES)
        if any(name in columns for _, columns in parts)
        or any(message[index] is not None for message in messages)
    ]
    values: list[Any] = [None] * len(rows)
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
