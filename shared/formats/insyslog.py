r"""Events inside syslog messages: what stands before them, and keys that come twice.

Rule: an event's own keys come first; what the syslog header says is beside them
under keys that begin with `syslog_`. Invariant: no value takes the place of another:
a key that an event has twice is under `_duplicate_keys`, as it is for JSON, and one
that the event's header has already gets the suffix `_2`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from ..model import Record
from ..twice import DUPLICATES
from .eventlines import MOST_FIELDS
from .jsonvalue import Problem
from .lines import Columns
from .sysloghead import DAY, FACILITY, ISO, PLAIN_HOST, PRIORITY, SEVERITY, Message, read_line

SURPLUS = "_surplus"
"""Where text of an event is kept that belongs to no key."""

TOO_MANY = Problem(
    "TooManyFields",
    f"the event has over {MOST_FIELDS:,} fields; that is no event, or its delimiter is another",
)

# Narrower than `read_line`, and gives the same.
_USUAL = re.compile(rf"(?:{PRIORITY})?+({DAY} \d\d:\d\d:\d\d|{ISO}) {PLAIN_HOST} ++", re.ASCII)
_USUAL_LINES = re.compile(f"(?m)^(?:{_USUAL.pattern})$", re.ASCII)
_KEYS = tuple(f"syslog_{name}" for name in Message._fields)


def header_of(text: str) -> Record:
    """What stands before an event. Text that is no syslog header is `syslog_message`."""
    usual = _USUAL.fullmatch(text)
    if usual is not None:
        priority, time, host = usual.groups()
        if priority is None:
            return {"syslog_timestamp": time, "syslog_host": host}
        return {
            "syslog_timestamp": time,
            "syslog_host": host,
            "syslog_facility": FACILITY[priority],
            "syslog_severity": SEVERITY[priority],
        }
    found = read_line(text)
    if found is None:
        text = text.strip()
        return {_KEYS[Message._fields.index("message")]: text} if text else {}
    return {key: value for key, value in zip(_KEYS, found, strict=True) if value}


def headers_of(texts: Sequence[str]) -> Columns:
    """What stands before each of some events, None for what is not there."""
    if not any(texts):
        return {}
    rows = _USUAL_LINES.findall("\n".join(texts))
    if len(rows) == len(texts):
        priorities, times, hosts = zip(*rows, strict=True)
        return {
            "syslog_timestamp": times,
            "syslog_host": hosts,
            "syslog_facility": list(map(FACILITY.__getitem__, priorities)),
            "syslog_severity": list(map(SEVERITY.__getitem__, priorities)),
        }
    found = [header_of(text) for text in texts]
    names = dict.fromkeys(name for header in found for name in header)
    return {name: [header.get(name) for header in found] for name in names}


def with_doubles(head: Record, pairs: Iterable[Sequence[str]]) -> Record:
    """A record of an event's header and its pairs, where a key may come twice."""
    own: Record = {}
    earlier: dict[str, list[Any]] = {}
    for name, value in pairs:
        key = name
        number = 2
        while key in head or key == DUPLICATES:
            key, number = f"{name}_{number}", number + 1
        if key in own:
            earlier.setdefault(key, []).append(own[key])
        own[key] = value
    return {**head, **own, DUPLICATES: earlier} if earlier else {**head, **own}
