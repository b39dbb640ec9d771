r"""ArcSight's Common Event Format, bare or inside syslog.

Rule: an event begins with `CEF:` and a version; seven fields end with a bar each (the
last bar may be missing), and pairs of key and value follow, a space between two of
them. A value goes up to the space before the next key. Invariant: what follows the
format comes out as it was meant; what does not is kept too: text before the first
key, and keys that come twice. Strategy: the extensions of all usual lines are cut at
once by one expression that finds the keys; lines that are odd are read alone.

Source: ArcSight Common Event Format implementation standard, versions 0.1 and 1.2.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import repeat
from typing import Any

import msgspec

from ..model import Position, Record
from .eventlines import LONG, MARK, MOST_FIELDS, Events, read_together
from .insyslog import SURPLUS, TOO_MANY, header_of, headers_of, with_doubles
from .jsonvalue import Problem
from .lines import Columns, TextParser
from .sysloghead import BLANKS

_START = "CEF:"
_HEADER = ("deviceVendor", "deviceProduct", "deviceVersion", "deviceEventClassId", "name", "severity")
_USUAL = ("CEF:0", "CEF:1", "CEF: 0", "CEF: 1")
_EVENT = re.compile(r"CEF: ?\d{1,9}(?:\.\d{1,9})?\|", re.ASCII)
_KEY = re.compile(r" ([\w.\[\]-]++)=")
_KEY_OR_MARK = re.compile(rf" ([\w.\[\]-]++|{MARK})=")
_FIRST_KEY = re.compile(r" *+[\w.\[\]-]++=").match
_FIELD = re.compile(r"(?:[^\\|]++|\\.?+)*+", re.DOTALL)
_HEADER_ESCAPE = re.compile(r"\\([\\|])")
_ESCAPE = re.compile(r"\\([\\=|nr])")
_MEANS = {"\\": "\\", "=": "=", "|": "|", "n": "\n", "r": "\r"}

_NO_EVENT = Problem("InvalidCef", "the line holds no CEF: with a version after it, such as CEF:0")
_SHORT = Problem(
    "InvalidCef", "the header of a CEF event has seven fields with a bar between them; this one has fewer"
)


class CefOptions(
    msgspec.Struct, tag_field="type", tag="cef", frozen=True, forbid_unknown_fields=True, kw_only=True
):
    r"""ArcSight's Common Event Format, an event a line, bare or inside a syslog message. No options.

    A record has the header's fields as `deviceVendor`, `deviceProduct`, `deviceVersion`,
    `deviceEventClassId`, `name` and `severity` (the version of CEF is not kept), and every pair of the
    extension under its own key: `src`, `dpt`, `cs1`, `cs1Label`, ... All values are text; the route's columns
    give them their types. `rt`, `start` and `end` are read by `format: cef` (milliseconds since 1970, or `Jun
    14 2024 15:16:01`).

    Escapes are resolved: `\|` and `\\` in the header, `\=`, `\\`, `\n` and `\r` in the extension. An equals
    sign that is not escaped belongs to the value unless a space and a word stand before it. Blanks at the end
    of the line are removed. Text before the first key is kept under `_surplus`. Of a key that comes twice the
    last value counts and the others are kept under `_duplicate_keys`; a key that is one of the header's gets
    the suffix `_2`.

    What a syslog header before the event says is there as `syslog_timestamp`, `syslog_host`,
    `syslog_facility`, `syslog_severity`, `syslog_app_name`, ...; text before the event that is no syslog
    header as `syslog_message`. A line without an event is rejected (InvalidCef),
    and so is one of over 10,000 pairs (TooManyFields).

    ```yaml
    format: { type: cef }
    table: CommonSecurityLog
    ```
    """


class CefParser(TextParser):
    """See `Parser`. Records are dicts, or columns."""

    def __init__(self, options: CefOptions, start: Position, want: type | None = None) -> None:
        del options, want  # there are none; CEF has no types
        super().__init__(start)

    def taken(self, lines: Sequence[str]) -> Columns | list[Any]:
        """See TextParser."""
        return read_together(lines, list(map(_usual, lines)), _cut, _event)

    def values(self, lines: Sequence[str]) -> list[Any]:
        """Each line's event."""
        return [_event(line) for line in lines]


def _usual(line: str) -> list[str] | None:
    """A line up to its event's version, the header's fields and the extension; None if something is odd."""
    fields = line.split("|", 7)
    if len(fields) < 8 or len(line) > LONG or not fields[0].endswith(_USUAL):
        return None
    if "\\" in line and "\\" in "".join(fields[:7]):
        return None
    return fields if _FIRST_KEY(fields[7]) else None


def _cut(rows: Sequence[Sequence[str]]) -> Events:
    """The usual lines."""
    starts, *head, extensions = zip(*rows, strict=True)
    heads: Columns = dict(zip(_HEADER, head, strict=True))
    heads.update(headers_of([start[: start.rindex(_START)] for start in starts]))
    # Between two lines stands what looks like a pair whose key is MARK.
    text = f" {f' {MARK}= '.join(map(str.rstrip, extensions, repeat(BLANKS)))} {MARK}="
    pieces = _KEY_OR_MARK.split(text)
    values = pieces[2::2]
    if "\\" in text:
        values = [_unescaped(value) if "\\" in value else value for value in values]
    return Events(heads, pieces[1::2], values)


def _event(line: str) -> Record | Problem:
    """A line's event, whatever it is like."""
    found = _EVENT.search(line)
    if found is None:
        return _NO_EVENT
    fields, extension = _header(line, found.end())
    if len(fields) < len(_HEADER):
        return _SHORT
    head: Record = dict(zip(_HEADER, fields, strict=True))
    head.update(header_of(line[: found.start()]))
    before, *pieces = _KEY.split(f" {extension}".rstrip(BLANKS), MOST_FIELDS + 1)
    if len(pieces) > 2 * MOST_FIELDS:
        return TOO_MANY
    if before.strip(BLANKS):
        head[SURPLUS] = _unescaped(before.strip(BLANKS))
    return with_doubles(head, zip(pieces[::2], map(_unescaped, pieces[1::2]), strict=True))


def _header(line: str, place: int) -> tuple[list[str], str]:
    """The fields of a header after the version, and the extension."""
    fields: list[str] = []
    while len(fields) < len(_HEADER) and place <= len(line):
        found = _FIELD.match(line, place)
        assert found is not None  # noqa: S101 - it matches nothing too
        fields.append(_HEADER_ESCAPE.sub(r"\1", found[0]))
        place = found.end() + 1
    return fields, line[place:]


def _unescaped(value: str) -> str:
    plain = value.replace(r"\=", "=")
    if "\\" not in plain:
        return plain
    return _ESCAPE.sub(lambda found: _MEANS[found[1]], value)
