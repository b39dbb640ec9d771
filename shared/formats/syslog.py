r"""Syslog as it is found in files: RFC 3164 and RFC 5424, in any mixture.

Rule: a line is a message; what its header says are its values, and what is no header
is its text. Invariant: no line is refused unless the route asks for it, because any
text is a syslog message. Strategy: tuples, of the names that occur in a block and of
no others, so that the shaper has nothing to do for values that a file never has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from ..model import Block, Position
from .jsonvalue import Problem
from .lines import Columns, Lines, block_of, table_of
from .multiline import RecordOptions, RecordParser
from .sysloghead import BLANKS, Message
from .syslogtext import NAMES, read_lines

_BEGINNING = (
    r"(?:\d{1,7} )?<\d{1,3}>|\d{1,7}: [*.]?[A-Z]|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d"
    r"|[*.]?(?:\d{4} )?[A-Z][a-z]{2} [ \d]?\d .{0,5}\d\d:\d\d:\d\d"
)
"""What a line with a header begins with, for RE2."""

_OTHER = Problem(
    "InvalidSyslog",
    "the line has no syslog header: no priority such as <34>, and no time such as Jun 14 15:16:01; "
    "on_other: message would take it as it is, join would add it to the message before",
)


class SyslogOptions(
    msgspec.Struct, tag_field="type", tag="syslog", frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """Syslog messages, a line each: RFC 3164 and RFC 5424, mixed as they come.

    The priority (`<34>`) may be missing, as it is in files that rsyslog, syslog-ng or journalctl write; the
    time may be in ISO 8601, or with a year, a fraction or a zone. Cisco's forms are read (a sequence number,
    a mark for a clock that is not set, no host), and a frame's length before a message is left out. A record
    has those of these keys that its line says something of:

    - `timestamp`: the time as it stands; a datetime column reads it with `format: syslog`.
    - `host`
    - `app_name`: the tag, or APP-NAME.
    - `proc_id`, `msg_id`
    - `structured_data`: an object of objects, such as `{"origin": {"ip": "192.0.2.1"}}`; of a name that
      comes twice, the list of its values.
    - `facility`: kern, user, mail, daemon, auth, syslog, lpr, news, uucp, cron, authpriv, ftp, ntp, audit,
      alert, clock, local0 to local7.
    - `severity`: emerg, alert, crit, err, warning, notice, info, debug.
    - `message`: without the blanks around it and without a byte order mark.
    - `context`: what macOS writes in parentheses after the process id.
    - `sequence`: Cisco's number of the message.

    All values but `structured_data` are text. No line is rejected, unless on_other says so.

    ```yaml
    format: { type: syslog }
    columns:
      TimeGenerated: { type: datetime, from: timestamp, format: syslog, zone: Europe/Berlin }
      Host:          { type: string,   from: host }
      Program:       { type: string,   from: app_name }
      ProcessId:     { type: int,      from: proc_id }
      Message:       { type: string,   from: message }
    ```
    """

    host: Annotated[
        bool,
        Meta(
            description="Whether the header of RFC 3164 names a host after the time. Where a tag (`su:`, "
            "`sshd[77]:`) follows the time at once, that is seen without being told."
        ),
    ] = True
    on_other: Annotated[
        Literal["message", "join", "reject"],
        Meta(
            description="What to do with a line that has no header, such as the second line of a stack "
            "trace. message: it is a record with no key but message. join: it belongs to the message before, "
            "after a newline. reject: it goes to the dead letter (InvalidSyslog)."
        ),
    ] = "message"

    def each_line(self) -> bool:
        """Whether every line is a record."""
        return self.on_other != "join"


class SyslogParser(RecordParser):
    """See `Parser`. Records are columns or tuples, named by what occurs in their block."""

    names = NAMES

    def __init__(self, options: SyslogOptions, start: Position, want: type | None = None) -> None:
        del want  # syslog has no types
        super().__init__(RecordOptions(start=_BEGINNING if options.on_other == "join" else None), start)
        self._host = options.host
        self._joins = options.on_other == "join"
        self._other = _problem if options.on_other == "reject" else _message

    def read(self, source: Lines) -> Iterator[Block]:
        """The blocks of a window."""
        lines = None if self._joins else source.texts()
        if not lines:
            yield from super().read(source)
            return
        found = self._read(lines)
        yield table_of(source, found) if isinstance(found, dict) else block_of(source, found[1], found[0])

    def _read(self, lines: Sequence[str]) -> Columns | tuple[tuple[str, ...], list[Any]]:
        return read_lines(lines, host=self._host, other=self._other)

    def found(self, records: Sequence[str]) -> list[Any]:
        """The values of each record; its first line has the header, and the others belong to its message."""
        parts = [record.partition("\n") for record in records]
        found = self._read([first for first, _, _ in parts])
        if isinstance(found, dict):
            found = tuple(found), list(zip(*found.values(), strict=True))
        # Names are the block's own: they are looked up right after this.
        self.names, values = found
        if not any(newline for _, newline, _ in parts):
            return values
        place = self.names.index("message")
        return [
            _longer(value, place, rest) if newline and type(value) is not Problem else value
            for value, (_, newline, rest) in zip(values, parts, strict=True)
        ]


def _longer(values: tuple[Any, ...], place: int, rest: str) -> tuple[Any, ...]:
    """The same with more lines in its message."""
    return *values[:place], f"{values[place]}\n{rest.rstrip(BLANKS)}", *values[place + 1 :]


def _message(line: str) -> Message:
    return Message(message=line.rstrip(BLANKS))


def _problem(_: str) -> Problem:
    return _OTHER
