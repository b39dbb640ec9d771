"""Records of formats that are no text: what is to be rejected, and the bytes that stand for one.

Rule: such a record has no bytes of its own that anybody could read, so the dead
letter gets it as JSON. Invariant: `as_json` gives bytes for any record.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from typing import Any, NamedTuple

from .jsonvalue import Problem

_UNWRITABLE = (ValueError, OverflowError, RecursionError, TypeError)


class Bad(NamedTuple):
    """A record that is to be rejected."""

    record: Any
    problem: Problem


def as_json(names: Sequence[str] | None, record: Any) -> bytes:
    """A record as JSON.

    Args:
        names: of the values, where the record is a sequence of them.
        record: a dict, or values in the order of `names`.
    """
    if names is not None and not isinstance(record, dict):
        record = dict(zip(names, record, strict=True))
    for ascii_only in (False, True):  # halves of surrogate pairs are no UTF-8, but their escapes are
        try:
            text = json.dumps(record, default=_other, ensure_ascii=ascii_only, separators=(",", ":"))
            return text.encode()
        except _UNWRITABLE:
            continue
    return b""


def _other(value: Any) -> str:
    return b64encode(value).decode("ascii") if isinstance(value, bytes) else str(value)
