"""Forms of lines that are everywhere, as patterns of the format `regex`.

Rule: the closest form stands first; a form is taken only if it matches every line of
the sample. Times that a column reads are one group, called `time`.
"""

from __future__ import annotations

LEVEL = r"(?P<level>[A-Za-z]+)"
"""As a route has it; a line only counts as one of these forms if the word is a level's."""

LEVELS = (
    r"(?P<level>(?i:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|CRIT|CRITICAL|FATAL|SEVERE|FINE|FINER|FINEST"
    r"|CONFIG|ALERT|EMERG|VERBOSE|INFORMATION|[VDIWEF]))"
)
_ISO = r"(?P<time>\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?: ?(?:Z|[+-]\d{2}:?\d{2}))?)"
_SLASHED = r"(?P<time>\d{2,4}/\d{2}/\d{2,4} \d{2}:\d{2}:\d{2}(?:[.,]\d+)?)"
_CLF = r"(?P<time>\d{2}/\w{3}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4})"
_QUOTED = r'(?:[^"\\]|\\.)*'
_REQUEST = (
    rf'(?P<client>\S+) (?P<ident>\S+) (?P<user>\S+) \[{_CLF}\] "(?P<request>{_QUOTED})" (?P<status>\d{{3}}) '
    r"(?P<bytes>\d+|-)"
)
_CTIME = r"(?P<time>\w{3} \w{3} [ \d]\d \d{2}:\d{2}:\d{2}(?:\.\d+)? \d{4})"

PATTERNS: tuple[str, ...] = (
    # Apache and nginx: combined, then common
    rf'{_REQUEST} "(?P<referer>{_QUOTED})" "(?P<user_agent>{_QUOTED})"(?P<more>.*)',
    _REQUEST,
    # Apache's error log
    rf"\[{_CTIME}\] \[(?P<level>[\w:]+)\] (?P<message>.*)",
    # nginx's error log
    rf"{_SLASHED} \[(?P<level>\w+)\] (?P<pid>\d+)#(?P<tid>\d+): (?P<message>.*)",
    # time, level and the rest, in the orders that logging libraries write
    rf"{_ISO},? +\[?{LEVEL}\]?:? +(?P<logger>[\w.$/-]+(?:\[\d+\])?) *(?:- |: )(?P<message>.*)",
    rf"{_ISO},? +\[(?P<thread>[^\]]*)\] +{LEVEL} +(?P<logger>\S+) *(?:- |: )(?P<message>.*)",
    rf"{_ISO},? +\[?{LEVEL}\]?[:,]? +(?P<message>.*)",
    rf"{_SLASHED},? +\[?{LEVEL}\]?[:,]? +(?P<message>.*)",
    rf"\[?{_ISO}\]?[:,]? +(?P<message>.*)",
    rf"\[?{_SLASHED}\]?[:,]? +(?P<message>.*)",
    # a time with letters, or of digits alone
    r"(?P<time>\d{6} \d{6}) (?P<pid>\d+) (?P<level>\w+) (?P<logger>\S+): (?P<message>.*)",
    r"(?P<time>\d{8}-\d{1,2}:\d{1,2}:\d{1,2}:\d{1,3})\|(?P<component>[^|]*)\|(?P<pid>\d+)\|(?P<message>.*)",
)

STARTS: tuple[str, ...] = (
    r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}",
    r"^\[\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}",
    r"^\d{2,4}/\d{2}/\d{2,4} \d{2}:\d{2}",
    r"^\w{3} [ \d]\d \d{2}:\d{2}:\d{2}",
    r"^\d{2}:\d{2}:\d{2}",
)
"""How a record of several lines begins, where it does with its time."""
