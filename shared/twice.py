"""Keys that come twice in an object of JSON, which readers of JSON lose without a word.

Rule: what parsers find of them and what shaping makes of it meet under one key,
DUPLICATES; both rooms have it from here, and know nothing of each other. Strategy: a
key that comes twice shows in the number of quotes: what is decoded and written again
has fewer of them than the text had.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

DUPLICATES = "_duplicate_keys"
"""Key of a record's member with the earlier values of the keys that come twice in one of its objects."""

_UNWRITABLE = (ValueError, OverflowError, RecursionError)
_encode = msgspec.json.Encoder().encode_lines


def maybe_twice(text: bytes, records: Sequence[Any]) -> bool:
    """Whether a key may come twice in an object of `text`; a no is sure.

    Args:
        text: JSON values, with anything but quotes between them.
        records: what they were decoded to: dicts, or instances of a type that omits defaults
            (of another type the answer is always yes).
    """
    if (b"\\" in text and b"\\u0022" in text) or not _tells_all(records):
        return True
    try:
        return text.count(b'"') != _encode(records).count(b'"')
    except _UNWRITABLE:
        return True


def _tells_all(records: Sequence[Any]) -> bool:
    """Whether records written again have no key that was not there."""
    config = getattr(records[0], "__struct_config__", None) if records else None
    return config is None or config.omit_defaults


def repeats(text: str) -> bool:
    """Whether a key comes twice in an object of a JSON text; False of what is none."""
    lost = 0

    def count(pairs: list[tuple[str, Any]]) -> None:
        nonlocal lost
        lost += len(pairs) - len(dict(pairs))

    try:
        json.loads(text, object_pairs_hook=count)
    except (ValueError, RecursionError):
        return False
    return lost > 0
