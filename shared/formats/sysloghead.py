r"""One syslog line: RFC 3164, RFC 5424, and what devices make of them.

Rule: a header is read only as far as it is sure; what is not belongs to the message.
Invariant: every character of a line is in one of the values, but for the punctuation
and the blanks between them, the version of RFC 5424 and a frame's length. Strategy:
one expression for each form; a line fits one at most. All of them are linear: every
repeat is possessive, bounded, or has one place to stop at.

    <34>Jun 14 15:16:01 host app[123]: message           RFC 3164, the priority left out in files
    2024-05-01T12:00:00.123+02:00 host app[123]: message   rsyslog and journalctl, in files
    <34>1 2024-05-01T10:00:00Z host app 123 ID47 [a@1 b="c"] message         RFC 5424
    <189>123: *Mar  1 18:46:11.123 UTC: %SYS-5-CONFIG_I: message             Cisco IOS
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from .sdelements import Elements, split_data

FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7",
)  # fmt: skip
"""By their numbers; the words of Azure Monitor's data collection rules and of its table Syslog."""

SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
"""By their numbers; the words of the table Syslog."""

BLANKS = " \t"
"""What is removed at the end of a message."""

_PRIORITIES = [(number, digits) for number in range(192) for digits in {str(number), f"{number:02}"}]
FACILITY: dict[str | None, str | None] = {None: None, "": None}
FACILITY.update((digits, FACILITIES[number // 8]) for number, digits in _PRIORITIES)
SEVERITY: dict[str | None, str | None] = {None: None, "": None}
SEVERITY.update((digits, SEVERITIES[number % 8]) for number, digits in _PRIORITIES)
"""What a priority says, by its digits; of no priority, None."""


class Message(NamedTuple):
    """What a line says; None for what it does not say."""

    timestamp: str | None = None
    host: str | None = None
    app_name: str | None = None
    proc_id: str | None = None
    msg_id: str | None = None
    structured_data: Elements | None = None
    facility: str | None = None
    severity: str | None = None
    message: str = ""
    context: str | None = None
    """What macOS writes in parentheses after the process id."""
    sequence: str | None = None
    """Cisco's number of the message."""


PRIORITY = r"<(19[01]|1[0-8]\d|\d\d?)>"
CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d{1,9}+)?+"
DAY = r"[A-Z][a-z][a-z] [ \d]?\d"
# Names of zones that are seldom names of hosts.
ZONE = r"(?:UTC|GMT|Z|[ECMP][SD]T|CEST|BST|IST|JST|AE[SD]T|[+-]\d\d:?\d\d)"
PLAIN_HOST = rf"(?!(?:\d{{4}}|{ZONE}) )([^\s:\[\]]++)"
"""A host after a time, that cannot be its year, its zone or a tag."""
ISO = rf"\d{{4}}-\d\d-\d\d[T ]{CLOCK}(?:Z| ?[+-]\d\d:?\d\d)?+"

TAG_CHARACTER = r'[^\s:\[\]{}"]'
"""Of a program's name; a message that is JSON begins with none."""

_AFTER = rf"(?: {ZONE}(?=[ :]))?+"
_TIME = rf"(?:{DAY} (?:\d{{4}} )?+{CLOCK}(?: \d{{4}}(?= ))?+{_AFTER}|{ISO}|\d{{4}} {DAY} {CLOCK}{_AFTER})"
# A token that ends in a colon is a tag and no host; so is one with brackets. " : " is Cisco ASA's.
_HOST = r"(?:([^\s\[\]]*[^\s\[\]:]) +(?:: +)?+)?+"
_NO_HOST = r"()"
# A word before a colon and a blank, with a version perhaps (`syslogd 1.4.1:`); or any words before a
# number in brackets (`Google Chrome[77]:`).
_TAG = (
    rf"(?:((?!\d++:){TAG_CHARACTER}++(?: \d+(?:\.\d+)++(?=:))?+"
    r"(?=:(?:[ \[]|\Z)|\[\d*+\][: ]|\[[^\s\[\]]*+\]:)"
    r"|[^:\[\]]{1,64}+(?=\[\d++\](?::| \()))"
    r"(?:\[([^\s\[\]]*+)\](?: \(([^()]{1,128}+)\)(?=:))?+)?+:?+)?+ *+"
)
_FLAGS = re.DOTALL | re.ASCII

_LOCAL = {
    host: re.compile(rf"(?:{PRIORITY})?+({_TIME}):?+ ++{_HOST if host else _NO_HOST}{_TAG}(.*)", _FLAGS)
    for host in (True, False)
}
_IETF = re.compile(
    rf"{PRIORITY}\d\d? (-|\d{{4}}-\d\d-\d\dT\S++) (\S++) (\S++) (\S++) (\S++)(?: (.*))?+", _FLAGS
)
_CISCO = re.compile(
    rf"(?:{PRIORITY})?+(?:(\d{{0,12}}+): ?+)?+(?:([\w.-]++): )?+([*.]?+{_TIME}): (%[\w-]++):? ?+(.*)", _FLAGS
)
# Meraki, and headers of RFC 5424 that break off after the host.
_SHORT_IETF = re.compile(
    rf"{PRIORITY}\d (\d{{10}}(?:\.\d{{1,9}}+)?+|\d{{4}}-\d\d-\d\dT\S++) (\S++)(?: (.*))?+", _FLAGS
)
_NO_TIME = re.compile(rf"{PRIORITY} ?+{_TAG}(.*)", _FLAGS)
_FRAME = re.compile(r"\d{1,7} (?=<)")


def read_line(line: str, *, host: bool = True) -> Message | None:
    """What a line says; None if it has no header.

    Args:
        line: without its end.
        host: whether a header of RFC 3164 has a host.
    """
    found = _LOCAL[host].match(line)
    if found is not None:
        priority, time, where, tag, process, context, text = found.groups()
        return _said(
            priority,
            text,
            timestamp=time,
            host=where or None,
            app_name=tag,
            proc_id=process or None,
            context=context,
        )
    found = _IETF.match(line)
    if found is not None:
        return _ietf(*found.groups())
    found = _CISCO.match(line)
    if found is not None:
        priority, number, where, time, tag, text = found.groups()
        return _said(priority, text, timestamp=time, host=where, app_name=tag, sequence=number or None)
    return _odd(line, host=host)


def _odd(line: str, *, host: bool) -> Message | None:
    """A line with its length before it, or with a priority and little else."""
    frame = _FRAME.match(line)
    if frame is not None:
        return read_line(line[frame.end() :], host=host)
    found = _SHORT_IETF.match(line)
    if found is not None:
        priority, time, where, text = found.groups()
        return _said(priority, text or "", timestamp=time, host=where)
    found = _NO_TIME.match(line)
    if found is None:
        return None
    priority, tag, process, context, text = found.groups()
    return _said(priority, text, app_name=tag, proc_id=process or None, context=context)


def _ietf(
    priority: str, time: str, host: str, app: str, process: str, message_id: str, rest: str | None
) -> Message:
    data, text = split_data(rest or "")
    said = {"timestamp": time, "host": host, "app_name": app, "proc_id": process, "msg_id": message_id}
    return _said(
        priority,
        text.removeprefix("\ufeff"),
        structured_data=data,
        **{name: None if value == "-" else value for name, value in said.items()},
    )


def _said(priority: str | None, text: str, **said: Any) -> Message:
    text = text.lstrip(" ").rstrip(BLANKS)
    return Message(facility=FACILITY[priority], severity=SEVERITY[priority], message=text, **said)
