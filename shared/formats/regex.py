r"""Text taken apart by patterns with named groups.

Rule: a record is matched from its beginning to its end, by the first of the patterns
that matches; its keys are the groups of that pattern. Strategy: `patterns` checks
them; `onepath` runs them over whole windows and, where a pattern has several paths,
`arrowmatch`; only records that the first of these does not take are looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Annotated, Any, NamedTuple

from msgspec import Meta

from ..model import Position
from .jsonvalue import Problem
from .multiline import RecordOptions, RecordParser
from .onepath import OnePath, one_path
from .patterns import Pattern, checked

_Rows = tuple[list[Any], Sequence[int], Sequence[int]]
"""Values of the texts that match, and which texts match and which do not."""


class _Run(NamedTuple):
    """A pattern, and what runs it over texts."""

    pattern: Pattern
    extract: Callable[[Sequence[str]], _Rows]


class RegexOptions(
    RecordOptions, tag_field="type", tag="regex", frozen=True, forbid_unknown_fields=True, kw_only=True
):
    r"""Lines of any form, taken apart by patterns with named groups.

    A pattern says what a whole record looks like. Each named group, `(?P<name>...)` or `(?<name>...)`, is a
    key of the record; what it matches is the value, as text, and the route's columns give it a type. A group
    that took no part in the match is an empty string. What is matched outside of the named groups is not
    kept, so put a group around all that is worth keeping. Parentheses without a name only group.

    `pattern` may be a list: a record is taken apart by the first pattern of the list that matches it, and has
    the keys of that one. With `(?P<message>.*)` as the last, no line is left over.

    A record that no pattern matches from its beginning to its end is rejected (NoMatch): it goes to the dead
    letter as it stands, and the reason says if a pattern matches a part of it. `trim: true` takes blanks off
    both ends of a record first. Every line is a record, unless `start`, `continuation` or `indented` makes
    records of several lines, as for the format text; there, `.` takes no newline, and `(?s:.*)` does.

    #### From a line to a route

    ```text
    2026-11-20 06:00:01,123 WARN  [worker-3] shop.Billing - card refused: order 17
    ```

    Replace the line by patterns, from left to right: a named group for each value, and between them the text
    that is always there, with a backslash before `. [ ( { * + ? | ^ $ \` where they are meant as they stand.

    | in the line | pattern |
    | --- | --- |
    | `2026-11-20 06:00:01,123` | `(?P<time>\S+ \S+)`: two words and the blank between them |
    | `WARN` and some blanks | `(?P<level>\w+) +`: letters, then one or more blanks |
    | `[worker-3]` | `\[(?P<thread>[^\]]*)\]`: all up to the closing bracket |
    | `shop.Billing` | `(?P<logger>\S+)` |
    | ` - ` | ` - ` |
    | `card refused: order 17` | `(?P<message>.*)`: all that is left |

    A blank in a pattern is one blank, and what a group matches is kept with the blanks in it. Where there may
    be more of them, or some at the end of a line, write ` +` (one or more) or ` *` (any number, none as well)
    and put `trim: true` beside the pattern: then no value begins or ends with blanks. Where tabs stand as well,
    write `\s` for the blank.

    ```yaml
    billing:
      from: { blobs: ["billing/**/*.log"] }
      format:
        type: regex
        pattern: '(?P<time>\S+ \S+) (?P<level>\w+) +\[(?P<thread>[^\]]*)\] (?P<logger>\S+) - (?P<message>.*)'
      table: Billing_CL
      columns:
        TimeGenerated: { type: datetime, from: time, zone: Europe/Berlin }
        Level:         { type: string, from: level }
        Thread:        { type: string, from: thread }
        Logger:        { type: string, from: logger }
        Message:       { type: string, from: message }
    ```

    Single quotes leave a pattern as it stands in YAML; a single quote inside is written twice. `logferry check`
    says what RE2 does not take. `logferry preview FILE --route billing` shows the rows, and each line that no
    pattern takes, with its number; it sends nothing. Where stack traces follow some of the lines, let records
    begin with a time and put what follows the first line into a value of its own:

    ```yaml
    format:
      type: regex
      start: '\d{4}-\d\d-\d\d '
      pattern: '(?P<time>\S+ \S+) (?P<level>\w+) +(?P<message>.*)(?:\n(?P<trace>(?s:.*)))?'
    ```

    #### From a layout to a pattern

    Where there is a layout with names for the values, such as a logging library's, replace its parts:

    | in the layout | pattern |
    | --- | --- |
    | `<Level>` (or `%level`, `${level}`) | `(?P<Level>.*?)`: up to where that first stands which comes next |
    | `<Content>`, the last one | `(?P<Content>.*)` |
    | blanks | `\s+`: one or more blanks or tabs |
    | `[ ] ( )` and the like | with a backslash: `\[` |
    | a part that may be missing: the process id in brackets | `(?:\[(?P<PID>.*?)\])?` |

    With `trim: true` beside it. The layout in the first line takes the second line apart as the third one says:

    ```text
    <Month> <Date> <Time> - <Level> [<Node>:<Component>@<Line>] <Program>[<PID>]: <Content>
    Nov  2 06:00:01 - WARN [worker:17:Listener@493] door control: opened: yes
    (?P<Month>.*?)\s+(?P<Date>.*?)\s+(?P<Time>.*?)\s+-\s+(?P<Level>.*?)\s+\[(?P<Node>.*?):(?P<Component>.*?)@(?P<Line>.*?)\]\s+(?P<Program>.*?)(?:\[(?P<PID>.*?)\])?:\s+(?P<Content>.*)
    ```

    `Node` is `worker` here, up to the first colon, and `Component` is `17:Listener`; with `(?P<Node>.*):` it would be
    `worker:17`, up to the last colon. Where nothing may follow, as after the colon of `door control:`, put the
    blanks and the value in a part that may be missing: `:(?:\s+(?P<Content>.*))?`.

    #### Building blocks

    | for | write |
    | --- | --- |
    | a word, up to the next blank | `\S+` |
    | a whole number; any number | `\d+`; `-?[\d.]+` |
    | blanks, however many; perhaps none | ` +`; ` *` |
    | blanks or tabs, however many; perhaps none | `\s+`; `\s*` |
    | all up to a colon, a bracket, a quote | `[^:]*`; `[^\]]*`; `[^"]*` |
    | all up to the last colon that lets the rest match | `(?P<thread>.*):` |
    | a value in quotes | `"(?P<agent>[^"]*)"` |
    | a level | `(?P<level>\w+)` |
    | a time such as `2026-11-20 06:00:01,123` or `2026-11-20T06:00:01Z` | `(?P<time>\d{4}-\d\d-\d\d[T ]\S+)` |
    | a time such as `Nov  2 06:00:01` | `(?P<time>\w{3} +\d+ [\d:]+)` |
    | a date and a time as two values | `(?P<date>\S+) (?P<time>\S+)`, and in the column `join: [date, time]` |
    | a program, perhaps with its process id | `(?P<program>[^:\[]+)(?:\[(?P<pid>\d+)\])?: ` |
    | a part that may be missing | `(?:...)?` around it |
    | letters of any case; of any language | `(?i)` before them; `\pL` |
    | as little as possible, up to what comes next | `.*?` |
    | the rest of the line | `(?P<message>.*)` |
    | the rest of a record, its lines included | `(?P<message>(?s:.*))` |

    One of several words is `(?:GET|PUT|POST)`, in any case `(?i:get|put|post)`.

    `\d`, `\w` and `\s` are ASCII digits, letters and blanks. `^` and `$` are the record's ends and may be left
    out. A pattern is about three times as fast if the next character always says how to go on: `[^\]]*\]` does
    where `.*?\]` does not.

    #### What RE2 does not have

    Patterns are [RE2](https://github.com/google/re2/wiki/Syntax), which needs time in proportion to the text,
    whatever the pattern: a line cannot make it hang. For that it has no look-ahead and look-behind
    (`(?=...)`, `(?!...)`, `(?<=...)`), no references to groups (`\1`), no atomic groups and possessive
    repetition (`(?>...)`, `a++`), no `\Z` (write `$`), `\h`, `\R`, `\K`, and no repetition over 1,000. Grok's
    `%{WORD:name}` is written as `(?P<name>\w+)`. A name can be used once; where a value may stand in two
    places, write a list of two patterns.

    #### Forms that are often met

    A line, a pattern for it, and the `format` of a datetime column for its time:

    ```text
    192.0.2.7 - ana [20/Nov/2026:06:00:01 +0100] "GET /a HTTP/1.1" 200 512 "-" "curl/8.14.1"
    (?P<client>\S+) \S+ (?P<user>\S+) \[(?P<time>[^\]]+)\] "(?P<request>[^"]*)" (?P<status>\d+) (?P<bytes>\S+) *(?P<more>.*)
    %d/%b/%Y:%H:%M:%S %z

    [Fri Nov 20 06:00:01 2026] [error] [client 192.0.2.7] File does not exist: /var/www/a
    \[(?P<time>[^\]]+)\] +\[(?P<level>[^\]]+)\] *(?P<message>.*)
    %a %b %d %H:%M:%S %Y

    2026/11/20 06:00:01 [warn] 311#12: *4 an upstream response is buffered
    (?P<time>\S+ \S+) \[(?P<level>\w+)\] (?P<pid>\d+)#(?P<tid>\d+): *(?P<message>.*)
    %Y/%m/%d %H:%M:%S

    2026-11-20 06:00:01,123 INFO [IPC Server handler 7] org.example.Listener: progress is : 0.5
    (?P<time>\S+ \S+) +(?P<level>\w+) +\[(?P<thread>[^\]]*)\] +(?P<logger>[^: ]+): *(?P<message>.*)
    iso

    2026-11-20 06:00:01,123 - WARN  [/192.0.2.7:3888:Connections$Listener@493] - closed
    (?P<time>\S+ \S+) - (?P<level>\w+) +\[(?P<thread>.*):(?P<logger>[^:@]+)@(?P<line>\d+)\] - *(?P<message>.*)
    iso

    2026-11-20 06:00:01, Info                  CBS    Session 4711 started
    (?P<time>[\d-]+ [\d:]+), (?P<level>\w+) +(?P<component>\w+) +(?P<message>.*)
    iso

    26/11/20 06:00:01 INFO executor.Backend: connected
    (?P<time>\S+ \S+) +(?P<level>\w+) +(?P<logger>[^: ]+): *(?P<message>.*)
    %y/%m/%d %H:%M:%S

    261120 060001 148 INFO dfs.DataNode$Receiver: received block 7
    (?P<time>\d{6} \d{6}) +(?P<pid>\d+) +(?P<level>\w+) +(?P<logger>[^: ]+): *(?P<message>.*)
    %y%m%d %H%M%S

    Nov  2 06:00:01 web-01 sshd[4711]: session opened for user ana
    (?P<time>\w{3} +\d+ [\d:]+) (?P<host>\S+) +(?P<program>[^:\[]+)(?:\[(?P<pid>\d+)\])?: *(?P<message>.*)
    syslog

    11-20 06:00:01.123  1702  2395 D WindowManager: window added
    (?P<time>\S+ \S+) +(?P<pid>\d+) +(?P<tid>\d+) (?P<level>[VDIWEF]) (?P<tag>.*?) *:(?:\s+(?P<message>.*))?
    %m-%d %H:%M:%S.%f

    20261120-6:0:1:123|Step_Counter|30002312|step 3579
    (?P<time>[^|]*)\|(?P<component>[^|]*)\|(?P<pid>\d+)\|(?P<message>.*)
    %Y%m%d-%H:%M:%S:%L

    [11.20 06:00:01] mail client.exe - imap.example.com:993 close, 1070 bytes sent
    \[(?P<time>[^\]]+)\] +(?P<program>.*?) +- *(?P<message>.*)
    %m.%d %H:%M:%S

    - 1795154401 node-7 R01-M0 2026-11-20-06.00.01.123456 KERNEL INFO error corrected
    (?P<label>\S+) (?P<time>\d+) (?P<node>\S+) (?P<place>\S+) \S+ (?P<component>\S+) +(?P<level>\S+) *(?P<message>.*)
    epoch

    nova-api.log.2 2026-11-20 06:00:01.008 25746 INFO nova.api.server [req-38101a0b - - -] 192.0.2.7 status: 200
    (?P<file>\S+) (?P<time>\S+ \S+) +(?P<pid>\d+) +(?P<level>\w+) +(?P<logger>\S+) +\[(?P<request>[^\]]*)\] *(?P<message>.*)
    iso

    134681 node-7 unix.hw state_change.unavailable 1795154401 1 Component is in the unavailable state (HWID=17)
    (?P<number>\d+) (?P<node>\S+) (?P<component>\S+) (?P<state>\S+) (?P<time>\d+) (?P<flag>\d+)(?: +(?P<message>.*))?
    epoch

    - 1795154401 2026.11.20 node-7 Nov 20 06:00:01 local@node-7 crond(pam_unix)[4711]: session opened
    (?P<label>\S+) (?P<time>\d+) (?P<day>\S+) (?P<node>\S+) (?P<local>\w{3} +\d+ [\d:]+) (?P<place>\S+) (?P<program>[^:\[]+)(?:\[(?P<pid>\d+)\])?: *(?P<message>.*)
    epoch

    Nov  2 06:00:01 mac-7 com.example.launchd[1] (com.example.mail[4711]): Service exited
    (?P<time>\w{3} +\d+ [\d:]+) (?P<host>\S+) (?P<program>[^\[]+)\[(?P<pid>\d+)\](?: \((?P<context>.*?)\))?: *(?P<message>.*)
    syslog

    2026-11-20T06:00:01.123456789Z stderr F payment failed
    (?P<time>\S+) (?P<stream>stdout|stderr) (?P<flag>[FP]) (?P<message>.*)
    iso

    type=USER_AUTH msg=audit(1795154401.123:4711): pid=17 uid=0 res=success
    (?:node=(?P<node>\S+) )?type=(?P<type>\S+) msg=audit\((?P<time>[\d.]+):(?P<serial>\d+)\): *(?P<message>.*)
    epoch

    11/20/2026-06:00:01.123456  [**] [1:2100498:7] id check returned root [**] [Priority: 2] {TCP} 192.0.2.7:80 -> 192.0.2.8:4711
    (?P<time>[\d/:.-]+) +\[\*\*\] \[(?P<rule>[\d:]+)\] (?P<message>.*?) \[\*\*\] *(?P<more>.*?) *\{(?P<protocol>\w+)\} (?P<source>\S+) -> (?P<target>\S+)
    %m/%d/%Y-%H:%M:%S.%f

    1795154401.586    921 192.0.2.7 TCP_MISS/200 507 GET http://example.com/ - DIRECT/192.0.2.8 text/html
    (?P<time>[\d.]+) +(?P<took>\d+) +(?P<client>\S+) +(?P<result>\S+) +(?P<bytes>\d+) +(?P<method>\S+) +(?P<url>\S+) *(?P<more>.*)
    epoch
    ```

    Columns may be called as the groups are, which then need no `from`, but for the names that Azure keeps to
    itself, such as `Id` and `Type`: `IdValue: { from: Id }`.

    Times are read as UTC unless the column has a `zone`; a year that is not written is taken from when the file
    was last written. `%f` is a fraction of a second and `%L` a count of milliseconds: of `6:0:1:7`, `%L` makes
    7 ms and `%f` seven tenths of a second. For lines of syslog there is the format syslog, which needs no pattern.
    """  # noqa: E501 - a pattern is one line

    pattern: Annotated[
        str | tuple[str, ...],
        Meta(
            description="What a whole record looks like, with a named group `(?P<name>...)` for every "
            "value; or a list of such patterns, of which the first that matches a record is taken."
        ),
    ]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.patterns():
            raise ValueError("pattern: the list is empty; write what a record looks like")

    def patterns(self) -> list[Pattern]:
        """The patterns, ready to run.

        Raises:
            ValueError: one of them cannot be used.
        """
        if isinstance(self.pattern, str):
            return [_with_names("pattern", self.pattern)]
        return [_with_names(f"pattern[{index}]", text) for index, text in enumerate(self.pattern)]


class RegexParser(RecordParser):
    """See `Parser`. Records are tuples with a value for each group of any pattern, None where it has none."""

    def __init__(self, options: RegexOptions, start: Position, want: type | None = None) -> None:
        del want  # text has no types
        super().__init__(options, start)
        self._patterns = options.patterns()
        self._runs = [run for pattern in self._patterns for run in self._runs_of(pattern)]
        self._keys = tuple(dict.fromkeys(name for pattern in self._patterns for name in pattern.names))
        self.names = self._keys

    def _runs_of(self, pattern: Pattern) -> Iterator[_Run]:
        """What runs a pattern; what `re` does not match, but RE2 may, is then for RE2."""
        one = one_path(pattern, newlines=self.spans_lines)
        if one is not None:
            yield _Run(pattern, partial(self._by_re, one))
        if one is None or not one.is_sure:
            yield _Run(pattern, partial(_by_arrow, pattern))

    def found(self, records: Sequence[str]) -> list[Any]:
        """Pattern by pattern, each over the records that none before it has taken."""
        found: list[Any] = [None] * len(records)
        left: Sequence[int] = range(len(records))
        for pattern, extract in self._runs:
            if not left:
                return found
            texts = records if len(left) == len(records) else [records[index] for index in left]
            rows, hits, misses = extract(texts)
            rows = self._under_keys(pattern, rows)
            if len(rows) == len(records):
                return rows
            for index, row in zip(hits, rows, strict=True):
                found[left[index]] = row
            left = [left[index] for index in misses]
        texts = [records[index] for index in left]
        for index, problem in zip(left, self._problems(texts), strict=True):
            found[index] = problem
        return found

    def _by_re(self, one: OnePath, texts: Sequence[str]) -> _Rows:
        if self.spans_lines:
            matches = list(map(one.record, texts))
            hits = [index for index, match in enumerate(matches) if match]
            misses = [index for index, match in enumerate(matches) if not match]
            return [match.groups("") for match in matches if match], hits, misses
        text = "\n".join(texts)
        rows = one.lines(text)
        if len(rows) == len(texts):
            return (
                rows if rows and type(rows[0]) is tuple else [(value,) for value in rows],
                range(len(rows)),
                (),
            )
        every = one.every_line(text)
        hits = [index for index, row in enumerate(every) if not row[-1]]
        misses = [index for index, row in enumerate(every) if row[-1]]
        return [every[index][:-1] for index in hits], hits, misses

    def _under_keys(self, pattern: Pattern, rows: list[Any]) -> list[Any]:
        """The same rows with a value for every key of the parser."""
        if pattern.names == self._keys or not rows:
            return rows
        columns = dict(zip(pattern.names, zip(*rows, strict=True), strict=True))
        nothing = (None,) * len(rows)
        return list(zip(*(columns.get(name, nothing) for name in self._keys), strict=True))

    def _problems(self, texts: Sequence[str]) -> list[Problem]:
        """Why no pattern takes these texts, as far as that can be said."""
        from . import arrowmatch  # noqa: PLC0415 - Arrow is loaded where it is used

        partly = [False] * len(texts)
        for pattern in self._patterns:
            found = arrowmatch.contain(texts, pattern)
            partly = [a or b for a, b in zip(partly, found, strict=True)]
        return [_problem(part, "\n" in text) for part, text in zip(partly, texts, strict=True)]


def _by_arrow(pattern: Pattern, texts: Sequence[str]) -> _Rows:
    from . import arrowmatch  # noqa: PLC0415 - Arrow is loaded where it is used

    return arrowmatch.extract(texts, pattern)


def _problem(partly: bool, several_lines: bool) -> Problem:
    detail = "no pattern of the route matches the record"
    if partly:
        detail = "a pattern matches a part of the record but not all of it; add .* where other text may stand"
    if several_lines:
        detail += "; it has several lines, and . matches no newline unless the pattern begins with (?s)"
    return Problem("NoMatch", detail)


def _with_names(key: str, text: str) -> Pattern:
    pattern = checked(key, text)
    if not pattern.names:
        raise ValueError(
            f"{key}: no group of the pattern has a name; write (?P<name>...) around every part that "
            "is to be a value"
        )
    return pattern
