r"""IBM's Log Event Extended Format, versions 1.0 and 2.0, bare or inside syslog.

Rule: an event begins with `LEEF:` and a version; four fields follow, each ended by a
bar, in version 2.0 perhaps a fifth that says what stands between two attributes, and
then the attributes, each a key, an equals sign and a value. There are no escapes.
Invariant: text that is no attribute and keys that come twice are kept. Strategy: the
attributes of all usual lines are cut at what stands between them, and each at its
first equals sign; lines that are odd are read alone.

Source: IBM QRadar, LEEF event components.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ..model import Position, Record
from ..twice import DUPLICATES
from .eventlines import LONG, MARK, MOST_FIELDS, Events, read_together
from .insyslog import SURPLUS, TOO_MANY, header_of, headers_of, with_doubles
from .jsonvalue import Problem
from .lines import Columns, TextParser
from .sysloghead import BLANKS

_START = "LEEF:"
_HEADER = ("deviceVendor", "deviceProduct", "deviceVersion", "eventId")
_EVENT = re.compile(r"LEEF: ?(\d{1,9}(?:\.\d{1,9})?)\|", re.ASCII)
_USUAL_1 = ("LEEF:1.0", "LEEF: 1.0")
_USUAL_2 = ("LEEF:2.0", "LEEF: 2.0")
_ODD_SEPARATORS = frozenset({" ", "=", MARK})
_CODE = re.compile(r"(?:0?[xX])([0-9A-Fa-f]{1,4})")
_KEY = re.compile(r" ([\w.\[\]-]++)=")

_NO_EVENT = Problem("InvalidLeef", "the line holds no LEEF: with a version after it, such as LEEF:2.0")
_SHORT = Problem(
    "InvalidLeef", "the header of a LEEF event has five fields with a bar between them; this one has fewer"
)


class LeefOptions(
    msgspec.Struct, tag_field="type", tag="leef", frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """IBM's Log Event Extended Format 1.0 and 2.0, an event a line, bare or inside a syslog message.

    A record has the header's fields as `deviceVendor`, `deviceProduct`, `deviceVersion` and `eventId` (the
    version of LEEF is not kept), and every attribute under its own key: `src`, `dstPort`, `usrName`, `cat`,
    `sev`, ... All values are text; the route's columns give them their types. `devTime` is read by
    `format: cef` (seconds or milliseconds since 1970, or `Jun 06 2015 16:07:36`), unless `devTimeFormat`
    says something else: then write that pattern as the column's format.

    Between two attributes stands what the header of LEEF 2.0 says (a character, or its code such as `x5E` or
    `0x09`), else a tab. Text that is no attribute is kept under `_surplus`. Of a key that comes twice the
    last value counts and the others are kept under `_duplicate_keys`; a key that is one of the header's gets
    the suffix `_2`. What stands before the event is there as for cef: `syslog_timestamp`, `syslog_host`, ...
    A line without an event is rejected (InvalidLeef), and so is one of over 10,000 attributes
    (TooManyFields).

    ```yaml
    format: { type: leef }
    table: CommonSecurityLog
    ```
    """

    delimiter: Annotated[
        str | None,
        Meta(
            description="What stands between two attributes where the header does not say: a character, or "
            "the word tab or space. Default: tab. With space, a value goes up to the space before the next "
            "key."
        ),
    ] = None

    def __post_init__(self) -> None:
        given = self.delimiter
        if given is None or given in {"tab", "space"}:
            return
        if len(given) != 1 or given in "=|\n\r":
            raise ValueError(f"delimiter: {given!r} cannot be used here; write one character, tab or space")

    @property
    def separator(self) -> str:
        """The delimiter as a character."""
        return {"tab": "\t", "space": " ", None: "\t"}.get(self.delimiter, self.delimiter or "\t")


class LeefParser(TextParser):
    """See `Parser`. Records are dicts, or columns."""

    def __init__(self, options: LeefOptions, start: Position, want: type | None = None) -> None:
        del want  # LEEF has no types
        super().__init__(start)
        self._separator = options.separator

    def taken(self, lines: Sequence[str]) -> Columns | list[Any]:
        """See TextParser."""
        rows = list(map(self._usual, lines))
        separator = next((row[-1] for row in rows if row is not None), "")
        rows = [row if row is not None and row[-1] == separator else None for row in rows]
        return read_together(lines, rows, _cut, self._event)

    def values(self, lines: Sequence[str]) -> list[Any]:
        """Each line's event."""
        return [self._event(line) for line in lines]

    def _usual(self, line: str) -> list[str] | None:
        """A line up to its event's version, the header's fields, the attributes and what is between them."""
        fields = line.split("|", 5)
        if len(fields) < 6 or len(line) > LONG:
            return None
        separator = self._separator
        if fields[0].endswith(_USUAL_2):
            separator, fields[5] = _separator(fields[5], separator)
        elif not fields[0].endswith(_USUAL_1):
            return None
        fields[5] = fields[5].strip(BLANKS)
        return [*fields, separator] if fields[5] and separator not in _ODD_SEPARATORS else None

    def _event(self, line: str) -> Record | Problem:
        found = _EVENT.search(line)
        if found is None:
            return _NO_EVENT
        fields = line[found.end() :].split("|", 4)
        if len(fields) < 4:
            return _SHORT
        separator, attributes = self._separator, fields[4] if len(fields) == 5 else ""
        if found[1][0] == "2":
            separator, attributes = _separator(attributes, separator)
        record: Record = dict(zip(_HEADER, fields[:4], strict=True))
        if found.start():
            record.update(header_of(line[: found.start()]))
        return _with(record, attributes.strip(BLANKS), separator)


def _cut(rows: Sequence[Sequence[str]]) -> Events:
    """Lines with the same separator."""
    starts, *head, attributes, separators = zip(*rows, strict=True)
    heads: Columns = dict(zip(_HEADER, head, strict=True))
    heads.update(headers_of([start[: start.rindex(_START)] for start in starts]))
    between = separators[0]
    # Between two lines stands what looks like an attribute whose key is MARK.
    end = f"{between}{MARK}={between}"
    return Events(heads, *_pairs(f"{end.join(attributes)}{end}", between))


def _pairs(text: str, between: str) -> tuple[list[str], list[str], list[int]]:
    """Keys, values and places of what is no attribute, of attributes that are each followed by `between`."""
    found = text.replace(between, f"={MARK}=").split("=")
    if len(found) % 3 == 1 and set(found[2::3]) == {MARK}:  # no value has an equals sign
        return found[:-1:3], found[1::3], []
    pairs = re.findall(f"([^={re.escape(between)}]*+)=([^{re.escape(between)}]*+){re.escape(between)}", text)
    parts = text.split(between)[:-1]
    wrong = [place for place, part in enumerate(parts) if "=" not in part] if len(pairs) < len(parts) else []
    for place in wrong:
        pairs.insert(place, ("", ""))
    return [key for key, _ in pairs], [value for _, value in pairs], wrong


def _separator(text: str, default: str) -> tuple[str, str]:
    """What stands between the attributes, and the attributes, of what follows the header of version 2.0."""
    given, bar, attributes = text.partition("|")
    if not bar or len(given) > 6:
        return default, text
    if not given:
        return default, attributes
    if len(given) == 1:
        return given, attributes
    code = _CODE.fullmatch(given)
    return (chr(int(code[1], 16)), attributes) if code else (default, text)


def _with(record: Record, text: str, separator: str) -> Record | Problem:
    """The record with its attributes."""
    if not text:
        return record
    if separator == " ":
        before, *pieces = _KEY.split(f" {text}", MOST_FIELDS + 1)
        if len(pieces) > 2 * MOST_FIELDS:
            return TOO_MANY
        return _odd(record, zip(pieces[::2], pieces[1::2], strict=True), before.strip(BLANKS))
    parts = [part.split("=", 1) for part in text.split(separator, MOST_FIELDS)]
    if len(parts) > MOST_FIELDS:
        return TOO_MANY
    size = len(record)
    try:
        whole = record | dict(parts)
    except ValueError:  # a part has no equals sign
        whole = {}
    if len(whole) == size + len(parts) and DUPLICATES not in whole:
        return whole
    others = [part[0] for part in parts if len(part) == 1 and part[0].strip(BLANKS)]
    return _odd(record, (part for part in parts if len(part) == 2), separator.join(others))


def _odd(record: Record, pairs: Iterable[Sequence[str]], others: str) -> Record:
    if others:
        record[SURPLUS] = others
    return with_doubles(record, pairs)
