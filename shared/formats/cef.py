r"""ArcSight's Common Event Format, bare or inside syslog.

Rule: an event begins with `CEF:` and a version; seven fields end with a bar each (the
last bar may be missing), and pairs of key and value follow, a space between two of
them. A value goes up to the space before the next key. Invariant: what follows the
format comes out as it was meant; what does not is kept too: text before the first
key, and keys that come twice. Strategy: the extension is cut by one expression that
finds the keys; escapes are looked at only where there is a backslash.

Source: ArcSight Common Event Format implementation standard, versions 0.1 and 1.2.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from ..model import Position, Record
from .insyslog import MOST_FIELDS, SURPLUS, TOO_MANY, header_of, with_doubles
from .jsonodd import DUPLICATES
from .jsonvalue import Problem
from .lines import TextParser
from .sysloghead import BLANKS

_START = "CEF:"
_HEADER = ("deviceVendor", "deviceProduct", "deviceVersion", "deviceEventClassId", "name", "severity")
_USUAL = frozenset({"0", "1"})
_EVENT = re.compile(r"CEF: ?\d{1,9}(?:\.\d{1,9})?\|", re.ASCII)
_KEY = re.compile(r" ([\w.\[\]-]++)=")
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
    """See `Parser`. Records are dicts."""

    def __init__(self, options: CefOptions, start: Position, want: type | None = None) -> None:
        del options, want  # there are none; CEF has no types
        super().__init__(start)

    def values(self, lines: Sequence[str]) -> list[Any]:
        """Each line's event."""
        return [_event(line) for line in lines]


def _event(line: str) -> Record | Problem:
    """A line's event; the usual kind in a few calls, see `_odd_event` for the others."""
    start = line.find(_START)
    fields = line[start + len(_START) :].split("|", 7)
    if start < 0 or len(fields) != 8 or fields[0] not in _USUAL:
        return _odd_event(line)
    record: Record = dict(zip(_HEADER, fields[1:7], strict=True))
    if start:
        record.update(header_of(line[:start]))
    size = len(record)
    pieces = _KEY.split(f" {fields[7]}", MOST_FIELDS)
    pieces[-1] = pieces[-1].rstrip(BLANKS)
    if "\\" in line:
        if "\\" in "".join(fields[:7]):
            return _odd_event(line)
        pieces = [_unescaped(piece) if "\\" in piece else piece for piece in pieces]
    record.update(zip(pieces[1::2], pieces[2::2], strict=True))
    if (
        len(record) != size + len(pieces) // 2
        or len(pieces) > MOST_FIELDS
        or pieces[0].strip(BLANKS)
        or DUPLICATES in record
    ):
        return _odd_event(line)
    return record


def _odd_event(line: str) -> Record | Problem:
    """The event of a line in which something has to be looked at twice."""
    found = _EVENT.search(line)
    if found is None:
        return _NO_EVENT
    fields, extension = _header(line, found.end())
    if len(fields) < len(_HEADER):
        return _SHORT
    head: Record = dict(zip(_HEADER, fields, strict=True))
    head.update(header_of(line[: found.start()]))
    before, *pieces = _KEY.split(f" {extension}".rstrip(BLANKS), MOST_FIELDS)
    if len(pieces) == 2 * MOST_FIELDS:
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
    return _ESCAPE.sub(lambda found: _MEANS[found[1]], value)
