r"""Zeek's tab-separated logs: lines under #separator, #fields and #types.

Rule: a value is what #types says it is; one that is not stays the text it is, so
that nothing is lost and the column decides. Invariant: with `times: iso` a record
is that of Zeek's JSON log of the same traffic, but for digits of intervals that
only one of the two has. Strategy: values are converted column by column; numbers of
a column are read in one call, as the JSON that they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from ..model import Position
from .jsonvalue import Problem
from .lines import Columns
from .names import MOST_COLUMNS, unique
from .sections import SectionParser, cut
from .zeekvalues import Header, Held, columns_of


class ZeekOptions(
    msgspec.Struct, tag_field="type", tag="zeek", frozen=True, forbid_unknown_fields=True, kw_only=True
):
    r"""Zeek's tab-separated logs (`#separator`, `#fields`, `#types`).

    A record has the names in `#fields`, dots and all (`from: id.orig_h` finds them), and values of the types
    in `#types`: count, int and port are integers, double and interval (seconds) numbers, bool true or false,
    sets and vectors lists; everything else is text with its `\x` escapes undone. What `#unset_field` says
    (`-`) is no value, `(empty)` is an empty text or list. A value that is not of its type stays text.

    A `time` is seconds since 1970 as text, with all its digits: `format: epoch` reads it. With `times: iso`
    it is as in Zeek's JSON logs with ISO 8601 times, so that one list of columns serves both.

    Header lines are no records and hold from there on: rotated logs may be joined into one file. Rejected are
    lines before any `#fields` line (NoFields) and lines of more or fewer values than there are fields
    (RaggedRow). Zeek's JSON logs are `ndjson`.

    ```yaml
    format: { type: zeek }
    columns:
      TimeGenerated: { type: datetime, from: ts, format: epoch }
      OrigHost:      { type: string,   from: id.orig_h }
      OrigPort:      { type: int,      from: id.orig_p }
      Answers:       { type: dynamic,  from: answers }
    ```
    """

    times: Annotated[
        Literal["epoch", "iso"],
        Meta(
            description="How values of the type time are given: as they are written, seconds since 1970 "
            "(epoch), or as ISO 8601 in UTC (iso)."
        ),
    ] = "epoch"
    fields: Annotated[
        tuple[str, ...],
        Meta(
            description="The fields' names, for files without header lines; used up to the first #fields "
            "line."
        ),
    ] = ()
    types: Annotated[
        tuple[str, ...],
        Meta(description="The types that go with `fields`, such as time, port or vector[string]."),
    ] = ()

    def __post_init__(self) -> None:
        if any(not name for name in self.fields):
            raise ValueError("fields: '' is no name; give every field one")
        double = [name for name in self.fields if self.fields.count(name) > 1]
        if double:
            raise ValueError(f"fields: {double[0]!r} is there twice; give every field a name of its own")
        if self.types and len(self.types) != len(self.fields):
            raise ValueError(
                f"types: there are {len(self.types)} for {len(self.fields)} fields; give every field one"
            )


class ZeekParser(SectionParser):
    """See `Parser`. Records are tuples under the names of their section's fields."""

    def __init__(self, options: ZeekOptions, start: Position, want: type | None = None) -> None:
        del want  # the log has its own types
        super().__init__(start)
        self._iso = options.times == "iso"
        given = Header(fields=list(options.fields), types=list(options.types))
        self._header = Header(**start.state["header"]) if start.state else given
        self._know()

    def state(self) -> dict[str, Any]:
        """What the header lines said."""
        return {"header": msgspec.to_builtins(self._header)}

    def header(self, line: str) -> None:
        """A header line; those that say nothing of how to read on are passed over."""
        self._header = self._header.after(line)
        self._know()

    def _know(self) -> None:
        self.names: tuple[str, ...] = tuple(unique(self._header.fields))
        self._columns = columns_of(self._header, iso=self._iso)

    def taken(self, lines: Sequence[str]) -> Columns | list[Any]:
        """See TextParser."""
        return self._columns_of(lines) or self.values(lines)

    def _columns_of(self, lines: Sequence[str]) -> Columns | None:
        """Lines that all have as many values as there are fields."""
        columns = cut(lines, self._header.separator, len(self.names)) if self.names else None
        return None if columns is None else self._typed(columns)

    def values(self, lines: Sequence[str]) -> list[Any]:
        """For each line its values, None for those that are not there, or why it is no record."""
        if not self.names:
            return [_NO_FIELDS] * len(lines)
        width = len(self.names)
        rows = [line.split(self._header.separator) for line in lines]
        good = [row for row in rows if len(row) == width]
        typed = zip(*self._typed(zip(*good, strict=True)).values(), strict=True)
        return [next(typed) if len(row) == width else _ragged(len(row), width) for row in rows]

    def _typed(self, columns: Iterable[Sequence[str]]) -> Columns:
        raw = self.raw
        held = Held(b"\\" in raw, b"null" in raw, self._header.empty.encode() in raw)
        columns_of_names = zip(self.names, self._columns, columns, strict=False)
        return {name: column(texts, held) for name, column, texts in columns_of_names}


def _ragged(found: int, expected: int) -> Problem:
    return Problem("RaggedRow", f"the line has {found} values where #fields names {expected}")


_NO_FIELDS = Problem(
    "NoFields",
    f"no #fields line of 1 to {MOST_COLUMNS:,} names comes before this one, so its values have no names; "
    "give the route's format `fields`",
)
