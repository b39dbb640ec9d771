r"""W3C extended log format: space or tab between fields, named by a #Fields line.

Rule: a line is split at tabs, at single spaces or at runs of white space, whichever
first gives as many values as there are fields; a value in double quotes may hold
what separates fields. Invariant: what a line becomes depends on the line and the
header lines before it alone. Strategy: all lines of a section are split the same way
in one call; if one does not fit, line by line.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal
from urllib.parse import unquote

import msgspec
from msgspec import Meta

from ..model import Position
from .jsonvalue import Problem
from .lines import Columns
from .names import MOST_COLUMNS, unique
from .sections import SectionParser, cut

_HEADER = re.compile(r"#[ \t]*(fields|date)[ \t]*:(.*)", re.IGNORECASE | re.DOTALL)
_NONE = "-"
_TABS = re.compile(r'"((?:[^"]++|"")*+)"(?=\t|\Z)|([^\t]*+)')
_SPACES = re.compile(r'"((?:[^"]++|"")*+)"(?= |\Z)|([^ ]*+)')
_RUNS = re.compile(r'"((?:[^"]++|"")*+)"(?=[ \t]|\Z)|([^ \t]*+)')
_GAP = re.compile(r"[ \t]*+")

Decoding = Literal["plus", "percent"]
_DECODERS: dict[Decoding, Callable[[str], str]] = {
    "plus": lambda value: value.replace("+", " "),
    "percent": unquote,
}


class W3cOptions(
    msgspec.Struct, tag_field="type", tag="w3c", frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """W3C extended log format: IIS, CloudFront, proxies; fields are named by a `#Fields:` line.

    A record has the fields' names as they are written, such as `c-ip` or `cs(User-Agent)`, and every
    value is a string; `-` says that there is none. Fields stand between tabs or between spaces; a value
    in double quotes may hold both. Lines that begin with # are no records. A `#Fields:` line holds from
    there on and may come again with other fields, as when a server was set up anew.

    A date and a time are two fields here, and one column takes both: `join: [date, time]`. Where lines
    have a `time` but no `date`, they get the `date` of the last `#Date:` line. IIS and CloudFront write
    UTC; other servers may not: then the column's `zone` says which time it is.

    Rejected are lines before any `#Fields:` line (NoFields) and lines of more or fewer values than there
    are fields (RaggedRow).

    ```yaml
    format: { type: w3c, decode: { cs(User-Agent): plus } }
    columns:
      TimeGenerated: { type: datetime, join: [date, time] }
      ClientIP:      { type: string, from: c-ip }
      Path:          { type: string, from: cs-uri-stem }
      Status:        { type: int,    from: sc-status }
      UserAgent:     { type: string, from: cs(User-Agent) }
    ```
    """

    fields: Annotated[
        tuple[str, ...],
        Meta(
            description="The fields' names, for files without a #Fields line; used up to the first such line."
        ),
    ] = ()
    decode: Annotated[
        Mapping[str, Decoding],
        Meta(
            description="How fields are decoded, by name. plus: + becomes a space, as IIS writes user "
            "agents; a + that was there before becomes one too. percent: %20 and the like become what they "
            "stand for, as in CloudFront's fields. Others stay as they are."
        ),
    ] = {}

    def __post_init__(self) -> None:
        if any(not name for name in self.fields):
            raise ValueError("fields: '' is no name; give every field one")
        double = [name for name in self.fields if self.fields.count(name) > 1]
        if double:
            raise ValueError(f"fields: {double[0]!r} is there twice; give every field a name of its own")


class W3cParser(SectionParser):
    """See `Parser`. Records are tuples under the names of their section's fields."""

    def __init__(self, options: W3cOptions, start: Position, want: type | None = None) -> None:
        del want  # values have no types
        super().__init__(start)
        self._decode = options.decode
        self._fields: list[str] = start.state.get("fields", list(options.fields))
        self._date: str | None = start.state.get("date")
        self._know()

    def state(self) -> dict[str, Any]:
        """The fields, and the date of lines that have none."""
        return (
            {"fields": self._fields} if self._date is None else {"fields": self._fields, "date": self._date}
        )

    def header(self, line: str) -> None:
        """#Fields and #Date say something; the others do not."""
        found = _HEADER.match(line)
        if found is None:
            return
        if found[1].lower() == "fields":
            names = found[2].split()
            self._fields = unique(names) if len(names) <= MOST_COLUMNS else []
        else:
            self._date = next(iter(found[2].split()), None)
        self._know()

    def _know(self) -> None:
        fields = self._fields
        self._dated = self._date is not None and "time" in fields and "date" not in fields
        self.names = ("date", *fields) if self._dated else tuple(fields)
        known = [(index, self._decode[name]) for index, name in enumerate(fields) if name in self._decode]
        self._decoders = [(index, _DECODERS[how]) for index, how in known]

    def values(self, lines: Sequence[str]) -> list[Any]:
        """For each line its values, None for those that are not there, or why it is no record."""
        if not self._fields:
            return [_NO_FIELDS] * len(lines)
        rows = [self._row(line) for line in lines]
        for row in rows:
            if not isinstance(row, Problem):
                self._finish(row)
        return rows

    def taken(self, lines: Sequence[str]) -> Columns | list[Any]:
        """See TextParser."""
        return self._columns_of(lines) or self.values(lines)

    def _columns_of(self, lines: Sequence[str]) -> Columns | None:
        """Lines that are all split the same way."""
        width, separator = len(self._fields), "\t" if b"\t" in self.raw else " "
        if not width or (separator == "\t" and width == 1):
            return None
        columns: Sequence[Sequence[str]] | None
        if b'"' in self.raw:
            columns = _quoted_lines(lines, separator, width)
        else:
            columns = cut(lines, separator, width) or _without_last(cut(lines, separator, width + 1))
        return None if columns is None else self._finished(columns)

    def _finished(self, columns: Sequence[Sequence[str]]) -> Columns:
        size = len(columns[0])
        found: Columns = dict(zip(self._fields, map(_there, columns), strict=True))
        for index, decode in self._decoders:
            name = self._fields[index]
            found[name] = [None if value is None else decode(value) for value in found[name]]
        return {"date": [self._date] * size, **found} if self._dated else found

    def _row(self, line: str) -> list[Any] | Problem:
        width = len(self._fields)
        ways = (_tabs, _spaces, _runs) if "\t" in line else (_spaces, _runs)
        counts = []
        for way in ways:
            row = way(line)
            if len(row) == width + 1 and not row[-1]:
                del row[-1]
            if len(row) == width:
                return row
            counts.append(len(row))
        detail = f"the line has {counts[0]} values where #Fields names {width}"
        return Problem("RaggedRow", detail)

    def _finish(self, row: list[Any]) -> None:
        if _NONE in row:
            for index, value in enumerate(row):
                if value == _NONE:
                    row[index] = None
        for index, decode in self._decoders:
            if row[index] is not None:
                row[index] = decode(row[index])
        if self._dated:
            row.insert(0, self._date)


def _quoted_lines(lines: Sequence[str], separator: str, width: int) -> Sequence[Sequence[str]] | None:
    """The columns of lines with quotes; None if a quote or a number of values is odd."""
    try:
        rows = list(csv.reader(lines, delimiter=separator, strict=True))
    except csv.Error:
        return None
    widths = set(map(len, rows))
    if len(widths) > 1 or len(rows) != len(lines) or not widths <= {width, width + 1}:
        return None
    columns = list(zip(*rows, strict=True))
    return columns if widths == {width} else _without_last(columns)


def _without_last(columns: Sequence[Sequence[str]] | None) -> Sequence[Sequence[str]] | None:
    """Where a separator stands at the end of every line, and only then, the columns before it."""
    return None if columns is None or any(columns[-1]) else columns[:-1]


def _there(values: Sequence[str]) -> Sequence[str | None]:
    return [None if value == _NONE else value for value in values] if _NONE in values else values


def _tabs(line: str) -> list[Any]:
    return _quoted(_TABS, line) if '"' in line else line.split("\t")


def _spaces(line: str) -> list[Any]:
    return _quoted(_SPACES, line) if '"' in line else line.split(" ")


def _runs(line: str) -> list[Any]:
    found, place, size = [], _gap(line, 0), len(line)
    while place < size:
        value, place = _value(_RUNS, line, place)
        found.append(value)
        place = _gap(line, place)
    return found


def _quoted(pattern: re.Pattern[str], line: str) -> list[Any]:
    found, place, size = [], 0, len(line)
    while True:
        value, place = _value(pattern, line, place)
        found.append(value)
        if place >= size:
            return found
        place += 1


def _value(pattern: re.Pattern[str], line: str, place: int) -> tuple[str, int]:
    """A value that begins at `place`, and where it ends."""
    found = pattern.match(line, place)
    assert found is not None  # noqa: S101 - nothing at all matches too
    quoted = found[1]
    return (found[2] if quoted is None else quoted.replace('""', '"')), found.end()


def _gap(line: str, place: int) -> int:
    found = _GAP.match(line, place)
    return found.end() if found else place


_NO_FIELDS = Problem(
    "NoFields",
    f"no #Fields line of 1 to {MOST_COLUMNS:,} names comes before this one, so its values have no names; "
    "give the route's format `fields`",
)
