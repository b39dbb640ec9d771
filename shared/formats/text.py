r"""Plain text: a line, or a run of lines, is a record as it stands.

Rule: a record has one key, `message`. What makes several lines one record is in
`multiline`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..model import Position
from .multiline import RecordOptions, RecordParser


class TextOptions(
    RecordOptions, tag_field="type", tag="text", frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """Plain text: every line, or run of lines, is a record with the one key `message`."""


class TextFormatParser(RecordParser):
    """See `Parser`. Every record is a tuple of one text."""

    names = ("message",)

    def __init__(self, options: TextOptions, start: Position, want: type | None = None) -> None:
        del want  # text has no types
        super().__init__(options, start)

    def found(self, records: Sequence[str]) -> list[Any]:
        """Each record as it is."""
        return list(zip(records))
