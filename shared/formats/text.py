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
    r"""Plain text: every line, or run of lines, is a record with the one key `message`.

    Blank lines are skipped. A line that is no valid UTF-8 is rejected (InvalidUtf8; see the route's charset).

    Where messages span lines, as stack traces do, say how to tell:

    - `start`: a pattern that the first line of a message begins with, mostly its time. Best where it can be
      said: all other lines belong to the message before.
    - `indented: true`: lines that begin with a space or a tab belong to the message before.
    - `continuation`: a pattern; lines that begin with it belong to the message before. With `indented: true`,
      those as well as indented ones.

    Patterns are RE2, as for the format regex, and are matched at the beginning of a line; write `.*` first
    for what may stand anywhere in it. The lines of a message are joined by newlines. Blank lines inside a
    message belong to it, those after it do not. Lines before the first message of a file are a record of
    their own. A message of over 4 MB is rejected (RecordTooLong) with all its lines.

    ```yaml
    # 2026-11-20 06:00:01 ERROR payment failed
    # java.lang.IllegalStateException: no route to bank
    #         at shop.Pay.charge(Pay.java:41)
    format: { type: text, start: '\d{4}-\d\d-\d\d ' }

    # payment failed: no route to bank
    #     at shop.Pay.charge(Pay.java:41)
    # Caused by: timed out
    format: { type: text, indented: true, continuation: 'Caused by: ' }
    ```

    To have the time, the level and the rest as columns, use the format regex, which takes the same options.
    """


class TextFormatParser(RecordParser):
    """See `Parser`. Every record is a tuple of one text."""

    names = ("message",)

    def __init__(self, options: TextOptions, start: Position, want: type | None = None) -> None:
        del want  # text has no types
        super().__init__(options, start)

    def found(self, records: Sequence[str]) -> list[Any]:
        """Each record as it is."""
        return list(zip(records))
