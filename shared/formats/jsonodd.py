r"""JSON that msgspec refuses, or reads with a loss, and that need not be lost.

Rule: NaN, Infinity and halves of surrogate pairs are no JSON, but many programs
write them; and of a key that comes twice in an object msgspec keeps the last value
without a word. Such records are read here by the standard library, which sees all
of it; what becomes of them is the route's choice (shape/odd.py, shape/rest.py).
Invariant: nothing else gets through that msgspec refuses.
"""

from __future__ import annotations

import json
import math
import re
from collections import deque
from typing import Any

from ..twice import DUPLICATES

_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class Odd(dict[str, Any]):
    """A record with a value that JSON cannot carry."""


def read_oddly(raw: bytes) -> dict[str, Any] | None:
    """A record with NaN, Infinity, half of a surrogate pair or a key that comes twice; else None.

    Earlier values of a key that comes twice in an object are in the record's member `_duplicate_keys`,
    a mapping of the key to the list of them; that of an inner object is a dotted path.
    """
    found = _Reading()
    try:
        text = raw.decode()
        record = json.loads(
            text, parse_constant=found.constant, parse_float=found.number, object_pairs_hook=found.members
        )
    except (ValueError, RecursionError, UnicodeDecodeError):
        return None
    if not isinstance(record, dict):
        return None
    if found.twice:
        found.gather(record)
    if found.odd or (_ESCAPED_SURROGATE.search(text) and _has_half_a_pair(record)):
        return Odd(record)
    return record if found.twice else None


class _Reading:
    """What came up while one record was read."""

    def __init__(self) -> None:
        self.odd = False
        self._earlier: dict[int, tuple[dict[str, Any], dict[str, list[Any]]]] = {}

    @property
    def twice(self) -> bool:
        """Whether a key comes twice in an object."""
        return bool(self._earlier)

    def constant(self, word: str) -> float:
        """NaN, Infinity or -Infinity."""
        self.odd = True
        return float(word)

    @staticmethod
    def number(text: str) -> float:
        """A number that fits a real."""
        value = float(text)
        if math.isinf(value):
            raise ValueError("too large")
        return value

    def members(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """An object; what would be lost of it is kept here."""
        members = dict(pairs)
        if len(members) == len(pairs):
            return members
        earlier: dict[str, list[Any]] = {}
        seen: dict[str, Any] = {}
        for key, value in pairs:
            if key in seen:
                earlier.setdefault(key, []).append(seen[key])
            seen[key] = value
        self._earlier[id(members)] = (members, earlier)  # held, so that its id stays its own
        return members

    def gather(self, record: dict[str, Any]) -> None:
        """Put into a record all that was kept of it and of the objects in it."""
        gathered: dict[str, list[Any]] = {}
        if DUPLICATES in record:
            gathered[DUPLICATES] = [record[DUPLICATES]]
        inside: deque[tuple[Any, str]] = deque([(record, "")])
        while inside:
            value, path = inside.popleft()
            if isinstance(value, list):
                inside += [(item, path) for item in value]
            elif isinstance(value, dict):
                start = f"{path}." if path else ""
                inside += [(item, f"{start}{key}") for key, item in value.items()]
                for key, values in self._earlier.get(id(value), (value, {}))[1].items():
                    gathered.setdefault(f"{start}{key}", []).extend(values)
                    inside += [(item, f"{start}{key}") for item in values]
        record[DUPLICATES] = gathered


def _has_half_a_pair(value: Any) -> bool:
    return _SURROGATE.search(json.dumps(value, ensure_ascii=False)) is not None
