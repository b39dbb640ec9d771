"""Forms of lines that are everywhere, as patterns of the format `regex`.

Rule: the closest form stands first; a form is taken only if it matches every line of
the sample. Times that a column reads are one group, called `time`.
"""

from __future__ import annotations

LEVEL = r"(?P<level>[A-Za-z]+)"
"""As a route has it; a line only counts as one of these forms if the word is a level's."""

LEVELS = (
    r"(?P<level>(?i:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|CRIT|CRITICAL|FATAL|SEVERE|FINE|FINER|FINEST"
    r"|CONFIG|ALERT|EMERG|VERBOSE|INFORMATION|PANIC|TRC|VRB|DBG|INF|WRN|CRT|FTL|[VDIWEF]))"
)
_ISO = r"(?P<time>\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?: ?(?:Z|[+-]\d{2}:?\d{2}))?)"
_SLASHED = r"(?P<time>\d{1,4}/\d{1,2}/\d{2,4} \d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?(?: [AP]M)?)"
_CLF = r"(?P<time>\d{2}/\w{3}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4})"
_QUOTED = r'(?:[^"\\]|\\.)*'
_REQUEST = (
    rf'(?P<client>\S+) (?P<ident>\S+) (?P<user>\S+) \[{_CLF}\] "(?P<request>{_QUOTED})" (?P<status>\d{{3}}) '
    r"(?P<bytes>\d+|-)"
)
_EPOCH = r"(?P<time>[1-4]\d{9}(?:\.\d{1,9})?)"
_ANDROID = r"(?P<time>\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d+)"
_DB2 = r"(?P<local>\d{4}-\d\d-\d\d-\d\d\.\d\d\.\d\d\.\d+)"
_DAY = r"(?P<day>\d{4}\.\d\d\.\d\d)"
_DMY = r"(?P<time>\d{2}-\w{3}-\d{4} \d{2}:\d{2}:\d{2}(?:\.\d+)?)"
_PID = r"(?P<pid>\d+)"
_REST = r" *(?P<message>.*)"
_ZONE = "(?:UTC|GMT|CES?T|EES?T|WES?T|E[SD]T|M[SD]T|JST)"  # names that a time is read with
_ZONED = rf"(?P<time>\d{{4}}-\d{{2}}-\d{{2}} \d{{2}}:\d{{2}}:\d{{2}}(?:\.\d{{1,9}})? {_ZONE})"
_ELB = (
    r"(?P<balancer>\S+) (?P<client>\S+) (?P<target>\S+) (?P<request_seconds>-?[\d.]+) "
    r"(?P<target_seconds>-?[\d.]+) (?P<response_seconds>-?[\d.]+) (?P<status>\S+) (?P<target_status>\S+) "
    rf'(?P<received_bytes>\d+) (?P<sent_bytes>\d+) "(?P<request>{_QUOTED})"'
)
_CTIME = r"(?P<time>\w{3} \w{3} [ \d]\d \d{2}:\d{2}:\d{2}(?:\.\d+)? \d{4})"

PATTERNS: tuple[str, ...] = (
    # Apache and nginx: combined, then common
    rf'{_REQUEST} "(?P<referer>{_QUOTED})" "(?P<user_agent>{_QUOTED})"(?P<more>.*)',
    _REQUEST,
    rf'(?P<site>\S+) {_REQUEST} "(?P<referer>{_QUOTED})" "(?P<user_agent>{_QUOTED})"(?P<more>.*)',
    # Apache's error log
    rf"\[{_CTIME}\] \[(?P<level>[\w:]+)\] (?P<message>.*)",
    # nginx's error log
    rf"{_SLASHED} \[(?P<level>\w+)\] (?P<pid>\d+)#(?P<tid>\d+): (?P<message>.*)",
    # Hadoop, ZooKeeper, Spark, HDFS; OpenStack, with the file before the time or without it
    rf"{_ISO} +{LEVEL} +\[(?P<thread>[^\]]*)\] +(?P<logger>[\w.$/-]+):{_REST}",
    rf"{_ISO} - +{LEVEL} +\[(?P<thread>.*):(?P<logger>[^:@]+)@(?P<line>\d+)\] -{_REST}",
    rf"{_SLASHED} +{LEVEL} +(?P<logger>[\w.$/-]+):{_REST}",
    rf"(?P<time>\d{{6}} \d{{6}}) +{_PID} +{LEVEL} +(?P<logger>[^: ]+):{_REST}",
    rf"(?P<file>\S+) {_ISO} +{_PID} +{LEVEL} +(?P<logger>\S+) +\[(?P<request>[^\]]*)\]{_REST}",
    rf"{_ISO} +{_PID} +{LEVEL} +(?P<logger>\S+) +\[(?P<request>[^\]]*)\]{_REST}",
    # containers; Kubernetes' own programs
    rf"{_ISO} (?P<stream>stdout|stderr) (?P<flag>[FP]) (?P<message>.*)",
    (
        r"(?P<level>[IWEF])(?P<time>\d{4} \d{2}:\d{2}:\d{2}\.\d+) +(?P<thread>\d+) (?P<source>[^\] ]+:\d+)\] "
        r"?(?P<message>.*)"
    ),
    # databases: PostgreSQL, MySQL (its slow log too), Redis; Elasticsearch
    (
        rf"{_ZONED} \[{_PID}\](?:-\d+)?(?: (?P<user>[^@\s]*)@(?P<database>\S*))? (?P<level>[A-Z]{{3,}}\d?):"
        r" +(?P<message>.*)"
    ),
    rf"{_ISO} (?P<thread>\d+) \[(?P<level>\w+)\] \[(?P<code>[\w-]+)\] \[(?P<part>\w+)\]{_REST}",
    rf"# Time: {_ISO}",
    (
        rf"{_PID}:(?P<role>[A-Z]) (?P<time>\d{{2}} \w{{3}} \d{{4}} \d{{2}}:\d{{2}}:\d{{2}}\.\d+) "
        r"(?P<level>[.*#-]) (?P<message>.*)"
    ),
    rf"\[{_ISO}\]\[{LEVEL} *\]\[(?P<logger>[^\]]*?) *\] *(?:\[(?P<node>[^\]]*)\])?{_REST}",
    # Amazon's load balancers, the classic ones and the others; S3; the flows of a network
    (
        rf'(?P<kind>\w+) {_ISO} {_ELB} "(?P<user_agent>{_QUOTED})" (?P<cipher>\S+) (?P<tls>\S+) '
        rf'(?P<target_group>\S+) "(?P<trace>{_QUOTED})"(?P<more>.*)'
    ),
    rf'{_ISO} {_ELB}(?: "(?P<user_agent>{_QUOTED})" (?P<cipher>\S+) (?P<tls>\S+))?',
    (
        rf"(?P<owner>\S+) (?P<bucket>\S+) \[{_CLF}\] (?P<client>\S+) (?P<requester>\S+) (?P<request_id>\S+) "
        rf'(?P<operation>\S+) (?P<key>\S+) (?:"(?P<request>{_QUOTED})"|-) (?P<status>\S+) (?P<error>\S+) '
        r"(?P<bytes>\S+) (?P<object_bytes>\S+) (?P<total_ms>\S+) (?P<turnaround_ms>\S+) "
        rf'(?:"(?P<referer>{_QUOTED})"|-) (?:"(?P<user_agent>{_QUOTED})"|-) (?P<version_id>\S+)(?P<more>.*)'
    ),
    (
        r"(?P<version>2) (?P<account>\d{12}|unknown) (?P<interface>\S+) (?P<source>\S+) (?P<target>\S+) "
        r"(?P<source_port>\S+) (?P<target_port>\S+) (?P<protocol>\S+) (?P<packets>\S+) (?P<bytes>\S+) "
        rf"{_EPOCH} (?P<end>\d+) (?P<action>\S+) (?P<log_status>\S+)"
    ),
    # HAProxy; Snort and Suricata
    (
        r"(?P<client>\S+) \[(?P<time>\d{2}/\w{3}/\d{4}:\d{2}:\d{2}:\d{2}\.\d{3})\] (?P<frontend>\S+) "
        r"(?P<backend>[^/ ]+)/(?P<server>\S+) (?P<timers>[\d/+-]+) (?:(?P<status>-?\d+) )?(?P<bytes>\+?\d+) "
        r"(?P<more>.*)"
    ),
    (
        r"(?P<time>\d{2}/\d{2}(?:/\d{2,4})?-\d{2}:\d{2}:\d{2}\.\d+) +(?:\[(?P<action>\w+)\] +)?\[\*\*\] "
        r"\[(?P<generator>\d+):(?P<rule>\d+):(?P<revision>\d+)\] (?P<message>.*?) \[\*\*\] "
        r"(?:\[Classification: (?P<classification>[^\]]*)\] )?(?:\[Priority: (?P<priority>\d+)\] )?"
        r"\{(?P<protocol>[^}]*)\} (?P<source>\S+) -> (?P<target>\S+)"
    ),
    # Android; Windows' servicing; phones; Proxifier
    rf"{_ANDROID} +{_PID} +(?P<tid>\d+) +(?P<level>[VDIWEFS]) +(?P<tag>.*?) *:{_REST}",
    rf"{_ISO}, {LEVEL} +(?P<component>\w+) {{2,}}(?P<message>.*)",
    rf"(?P<time>\d{{8}}-\d{{1,2}}:\d{{1,2}}:\d{{1,2}}:\d{{1,3}})\|(?P<component>[^|]*)\|{_PID}\|(?P<message>.*)",
    rf"\[(?P<time>\d{{2}}\.\d{{2}} \d{{2}}:\d{{2}}:\d{{2}})\] +(?P<program>.*?) +-{_REST}",
    # squid; supercomputers, whose lines say twice when
    (
        rf"{_EPOCH} +(?P<took_ms>\d+) +(?P<client>\S+) +(?P<result>\w+/\d+) +(?P<bytes>\d+) +(?P<method>\S+) "
        r"+(?P<url>\S+) +(?P<user>\S+) +(?P<peer>\S+) +(?P<content_type>\S+)(?P<more>.*)"
    ),
    (
        rf"(?P<label>\S+) {_EPOCH} {_DAY} (?P<node>\S+) {_DB2} (?P<node_repeat>\S+) "
        rf"(?P<kind>\S+) (?P<component>\S+) +(?P<level>\S+){_REST}"
    ),
    (
        rf"(?P<label>\S+) {_EPOCH} {_DAY} (?P<node>\S+) (?P<local>\w{{3}} +\d+ [\d:]+) "
        rf"(?P<location>\S+) +(?P<program>[^:\[]+)(?:\[{_PID}\])?:{_REST}"
    ),
    rf"(?P<number>\d+) (?P<node>\S+) (?P<component>\S+) (?P<state>\S+) {_EPOCH} (?P<flag>\d+){_REST}",
    # Tomcat; BIND; Cassandra; Python's servers and queues; PHP; Rust; what loggers write in brackets
    rf"{_DMY} +{LEVEL} +\[(?P<thread>[^\]]*)\] +(?P<logger>\S+) +(?P<message>.*)",
    rf"{_DMY} (?:(?P<category>[\w-]+): )?(?P<level>\w+): +(?P<message>.*)",
    rf"{LEVEL} +\[(?P<thread>[^\]]*)\] +{_ISO} +(?P<source>\S+) - +(?P<message>.*)",
    rf"\[{_ISO}\] +\[{_PID}\] +\[{LEVEL}\]{_REST}",
    rf"\[{_ISO}: {LEVEL}/(?P<process>[^\]]*)\]{_REST}",
    rf"\[{_ISO}\] (?P<channel>[\w-]+)\.{LEVEL}:{_REST}",
    rf"\[{_ISO} {LEVEL} +(?P<logger>[^\]]*)\]{_REST}",
    rf"\[{_ISO}\] +\[{LEVEL} *\] +(?:\[(?P<logger>[^\]]*)\])?{_REST}",
    rf"\[{_ISO}\] +{LEVEL} +(?P<message>.*)",
    # Spring Boot; Ruby
    (
        rf"{_ISO} +{LEVEL} +{_PID} --- (?:\[(?P<application>[^\]]*)\] )?\[ *(?P<thread>[^\]]*)\] "
        rf"+(?P<logger>\S+) *:{_REST}"
    ),
    rf"[A-Z], \[{_ISO} #{_PID}\] +{LEVEL} -- (?P<program>[^:]*):{_REST}",
    # time, level and the rest, in the orders that logging libraries write
    rf"{_ISO},? +\[?{LEVEL}\]?:? +(?P<logger>[\w.$/-]+(?:\[\d+\])?) *(?:- |: )(?P<message>.*)",
    rf"{_ISO},? +\[?{LEVEL}\]? +\[(?P<thread>[^\]]*)\] +(?P<logger>\S+) *(?:- |: )(?P<message>.*)",
    rf"{_ISO} - (?P<logger>[\w.$/-]+) - {LEVEL} - (?P<message>.*)",
    rf"{_ISO},? +\[(?P<thread>[^\]]*)\] +{LEVEL} +(?P<logger>\S+) *(?:- |: )(?P<message>.*)",
    rf"{_ISO},? +\[?{LEVEL}\]?:? +(?P<message>.*)",
    rf"{_SLASHED},? +\[?{LEVEL}\]?:? +(?P<message>.*)",
    # SQL Server
    rf"{_ISO} (?P<source>\w+) {{2,}}(?P<message>.*)",
)
"""Forms that say more than where their time is."""

PAIRED: tuple[str, ...] = (
    rf"(?:node=(?P<node>\S+) )?type=(?P<type>\S+) msg=audit\({_EPOCH}:(?P<serial>\d+)\):{_REST}",
)
"""Pairs of keys and values, with a time that only a pattern finds: Linux' audit log."""

TIMED: tuple[str, ...] = (
    rf"{_ISO},? +\[?{LEVEL}\]?[:,]? +(?P<message>.*)",
    rf"{_SLASHED},? +\[?{LEVEL}\]?[:,]? +(?P<message>.*)",
    rf"\[?{_ISO}\]?[:,]? +(?P<message>.*)",
    rf"\[?{_SLASHED}\]?[:,]? +(?P<message>.*)",
    rf"\[?{_DMY}\]?[:,]? +(?P<message>.*)",
    rf"\[?{_EPOCH}\]?[:,]? +(?P<message>.*)",
    rf"\[?{_ANDROID}\]?[:,]? +(?P<message>.*)",
)
"""A time and the rest, of which little else is known; a table of such rows goes first."""

TRACE = r"(?:\n(?P<trace>(?s:.*)))?"
"""What follows the first line of a record, after the pattern of that line."""

STARTS: tuple[str, ...] = (
    r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}",
    r"^\[\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}",
    r"^\d{2,4}/\d{2}/\d{2,4} \d{2}:\d{2}",
    r"^\w{3} [ \d]\d \d{2}:\d{2}:\d{2}",
    r"^\d{2}:\d{2}:\d{2}",
    r"^\d{2}-\w{3}-\d{4} \d{2}:\d{2}",
    r"^[A-Z]+ +\[[^\]]*\] +\d{4}-\d{2}-\d{2} \d{2}:",
    r"^####<",
    r"^# Time: \d",
    r"^(?:DEBUG|INFO|WARNING|ERROR|CRITICAL):",
    r"^Traceback \(most recent call last\)",
)
"""How a record of several lines begins: mostly with its time."""

REST = r"(?P<message>(?s:.*))"
"""What takes a record that no other pattern does."""
