"""Every text format through parse, shape and encode on one core, beside what a competent user writes.

`python -m benchmarks.formats [--mb N] [--runs N] [FORMAT ...]` prints a table. Input is made
here, fresh, in memory; nothing is sent. The other side reads the same lines with the standard
library and lets the SDK's own code make its gzipped requests of them; it checks nothing.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import shlex
import statistics
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from azure.monitor.ingestion._helpers import _create_gzip_requests

from benchmarks.corridor import cores
from shared.encode import Encoder, body
from shared.heap import settle
from shared.model import Counts, Position, SourceFacts
from shared.pipeline import Limits, Start, front
from shared.routes import loads

CEILING = 33.3
"""MB/s: what one data collection rule takes, 2 GB/min."""

Line = Callable[[datetime, int], str]
Other = Callable[[str], Iterable[dict[str, Any]]]


class Case(NamedTuple):
    """A format: its route, a line (or element) of input, and the other side's reading of it."""

    route: str
    line: Line
    other: Other
    before: str = ""
    after: str = ""


def _z(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


def _event(when: datetime, n: int) -> dict[str, Any]:
    return {
        "time": _z(when), "host": f"web-{n % 90:02d}", "client": f"10.{n % 250}.{n // 250 % 250}.{n % 199}",
        "method": ("GET", "POST", "PUT")[n % 3], "path": f"/api/v1/items/{n * 7919 % 10**6}?page={n % 50}",
        "status": (200, 200, 204, 404, 500)[n % 5], "bytes": n * 31 % 100_000, "ms": n % 977 + 0.25,
        "agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101",
    }  # fmt: skip


COLUMNS = """
    columns:
      TimeGenerated: { type: datetime, from: time }
      Host: { from: host }
      Client: { from: client }
      Method: { from: method }
      Path: { from: path }
      Status: { type: int, from: status }
      Bytes: { type: long, from: bytes }
      Ms: { type: real, from: ms }
      Agent: { from: agent }
"""


def _ndjson(when: datetime, n: int) -> str:
    return json.dumps(_event(when, n)) + "\n"


def _csv(when: datetime, n: int) -> str:
    return ",".join(map(str, _event(when, n).values())) + "\n"


def _w3c(when: datetime, n: int) -> str:
    e = _event(when, n)
    return (
        f"{when:%Y-%m-%d} {when:%H:%M:%S} 10.0.0.4 {e['method']} /api/v1/items/{n} page={n % 50} 443 - {e['client']} "
        f"Mozilla/5.0+(X11;+Linux+x86_64) - {e['status']} 0 0 {e['bytes']} {n % 977}\n"
    )


def _zeek(when: datetime, n: int) -> str:
    e = _event(when, n)
    return (
        f"{when.timestamp():.6f}\tCB{n:010d}\t{e['client']}\t{n % 60_000}\t10.0.0.53\t53\tudp\t{n % 65_536}\t0.000{n % 900}\t"
        f"host-{n % 999}.example.com\t1\tC_INTERNET\t1\tA\t0\tNOERROR\tF\tF\tT\tT\t0\t192.0.2.{n % 250}\t60.000000\tF\n"
    )


def _syslog(when: datetime, n: int) -> str:
    return (
        f"<{n % 191}>{when:%b} {when.day:2d} {when:%H:%M:%S} web-{n % 90:02d} sshd[{n % 32_000}]: Failed password for "
        f"invalid user admin{n % 999} from 10.{n % 250}.4.{n % 199} port {n % 60_000} ssh2\n"
    )


def _syslog5424(when: datetime, n: int) -> str:
    return (
        f'<{n % 191}>1 {_z(when)} web-{n % 90:02d} checkout {n % 32_000} ID{n % 99} [origin@32473 ip="10.1.2.{n % 250}" '
        f'software="checkout"][meta sequenceId="{n}"] order {n} accepted after {n % 7} tries\n'
    )


_CEF_FIELDS = (
    "rt={rt} src=10.{a}.4.{b} spt={p} dst=192.0.2.{b} dpt=443 proto=TCP act=blocked app=https "
    "request=https://shop.example.com/items/{n}?page\\={p} requestMethod=GET suser=user{a} cs1Label=Policy cs1=Default "
    "cn1Label=Score cn1={b} msg=Signature matched in request body deviceDirection=0 cat=Web Attack"
)


def _cef(when: datetime, n: int) -> str:
    fields = _CEF_FIELDS.format(rt=int(when.timestamp() * 1000), a=n % 250, b=n % 199, p=n % 60_000, n=n)
    return f"CEF:0|Example|WAF|4.{n % 9}|{1000 + n % 99}|SQL injection attempt|{n % 10}|{fields}\n"


def _leef(when: datetime, n: int) -> str:
    fields = f"devTime={int(when.timestamp() * 1000)}\tsrc=10.{n % 250}.4.{n % 199}\tdst=192.0.2.{n % 250}\tsev={n % 10}\t"
    return f"LEEF:1.0|Example|IPS|2.1|{n % 99}|{fields}cat=Intrusion\tusrName=user{n % 250}\turl=https://shop.example.com/{n}\n"


def _logfmt(when: datetime, n: int) -> str:
    return (
        f'time={_z(when)} level=info service=checkout host=web-{n % 90:02d} msg="order {n} accepted after {n % 7} tries" '
        f"status={200 + n % 5} duration_ms={n % 977}.5 trace={n:032x}\n"
    )


def _combined(when: datetime, n: int) -> str:
    e = _event(when, n)
    return (
        f'{e["client"]} - - [{when:%d/%b/%Y:%H:%M:%S} +0000] "{e["method"]} {e["path"]} HTTP/1.1" {e["status"]} {e["bytes"]} '
        f'"https://shop.example.com/" "{e["agent"]}"\n'
    )


def _text(when: datetime, n: int) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S} INFO  [worker-{n % 16}] checkout - order {n} accepted after {n % 7} tries for customer {n}\n"


def _stack(when: datetime, n: int) -> str:
    frames = "".join(
        f"    at com.example.shop.Checkout.step{k}(Checkout.java:{n % 900 + k})\n" for k in range(4)
    )
    return f"{when:%Y-%m-%d %H:%M:%S} ERROR [worker-{n % 16}] checkout - order {n} failed\n{frames}"


def _xml(when: datetime, n: int) -> str:
    data = "".join(
        f'<Data Name="{name}">{value}</Data>'
        for name, value in {
            "SubjectUserSid": "S-1-5-18", "SubjectUserName": f"WEB-{n % 90:02d}$", "SubjectDomainName": "EXAMPLE",
            "SubjectLogonId": "0x3e7", "TargetUserSid": f"S-1-5-21-{n}", "TargetUserName": f"user{n % 999}",
            "TargetDomainName": "EXAMPLE", "TargetLogonId": f"0x{n:x}", "LogonType": n % 11, "LogonProcessName": "Advapi",
            "AuthenticationPackageName": "Negotiate", "WorkstationName": f"WEB-{n % 90:02d}", "IpAddress": f"10.1.{n % 250}.9",
            "IpPort": n % 60_000, "ProcessName": "C:\\Windows\\System32\\services.exe",
        }.items()
    )  # fmt: skip
    return (
        '<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System><Provider Name="Microsoft-Windows-'
        'Security-Auditing" Guid="{54849625-5478-4994-a5ba-3e3b0328c30d}"/><EventID>4624</EventID><Version>2</Version>'
        "<Level>0</Level><Task>12544</Task><Opcode>0</Opcode><Keywords>0x8020000000000000</Keywords>"
        f'<TimeCreated SystemTime="{_z(when)}"/><EventRecordID>{n}</EventRecordID><Correlation/>'
        f'<Execution ProcessID="{n % 9999}" ThreadID="{n % 8888}"/><Channel>Security</Channel>'
        f"<Computer>web-{n % 90:02d}.example.com</Computer><Security/></System><EventData>{data}</EventData></Event>\n"
    )


# -- the other side: the standard library ------------------------------------------------------


def _by_lines(read: Callable[[str], dict[str, Any]]) -> Other:
    return lambda text: (read(line) for line in text.splitlines() if line and not line.startswith("#"))


def _dict_reader(text: str) -> Iterable[dict[str, Any]]:
    return csv.DictReader(io.StringIO(text))


def _split(names: str, delimiter: str | None) -> Other:
    keys = names.split()
    return _by_lines(lambda line: dict(zip(keys, line.split(delimiter), strict=False)))


def _by_pattern(pattern: str) -> Other:
    compiled = re.compile(pattern)
    return _by_lines(lambda line: found.groupdict() if (found := compiled.match(line)) else {"line": line})


def _cef_by_hand(line: str) -> dict[str, Any]:
    head = line.split("|", 7)
    pairs = re.findall(r"(\w+)=(.*?)(?=\s\w+=|$)", head[7])
    return {"vendor": head[1], "product": head[2], "name": head[5], "severity": head[6], **dict(pairs)}


def _leef_by_hand(line: str) -> dict[str, Any]:
    head = line.split("|", 5)
    return {"vendor": head[1], **dict(pair.split("=", 1) for pair in head[5].split("\t"))}


def _logfmt_by_hand(line: str) -> dict[str, Any]:
    return dict(pair.split("=", 1) for pair in shlex.split(line))


def _elements(text: str) -> Iterable[dict[str, Any]]:
    for _, element in ET.iterparse(io.StringIO(text)):
        if element.tag.endswith("}Event"):
            yield {child.get("Name") or child.tag: child.text or child.attrib for child in element.iter()}
            element.clear()


_IIS = "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status sc-bytes time-taken"
_DNS = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto trans_id rtt query qclass qclass_name qtype qtype_name rcode rcode_name AA TC RD RA Z answers TTLs rejected"
_DNS_TYPES = "time string addr port addr port enum count interval string count string count string count string bool bool bool bool count vector[string] vector[interval] bool"
_COMBINED = r'(?P<client>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] "(?P<request>[^"]*)" (?P<status>\d+) (?P<bytes>\d+|-) "(?P<referer>[^"]*)" "(?P<agent>[^"]*)"'

CASES = {
    "ndjson": Case(f"format: ndjson{COLUMNS}", _ndjson, _by_lines(json.loads)),
    "json": Case(
        f"format: json{COLUMNS}", lambda w, n: f"{_ndjson(w, n)[:-1]},\n", json.loads, before="[\n", after="{}]\n"
    ),
    "csv": Case(f"format: csv{COLUMNS}", _csv, _dict_reader, before=",".join(_event(datetime.now(UTC), 0)) + "\n"),
    "tsv": Case(
        f"format: tsv{COLUMNS}", lambda w, n: _csv(w, n).replace(",", "\t"),
        lambda text: csv.DictReader(io.StringIO(text), delimiter="\t"), before="\t".join(_event(datetime.now(UTC), 0)) + "\n",
    ),
    "w3c": Case(
        "format: w3c\n    columns:\n      TimeGenerated: { type: datetime, join: [date, time] }\n      Client: { from: c-ip }\n"
        "      Method: { from: cs-method }\n      Stem: { from: cs-uri-stem }\n      Status: { type: int, from: sc-status }\n"
        "      Bytes: { type: long, from: sc-bytes }\n      Taken: { type: int, from: time-taken }\n",
        _w3c, _split(_IIS, " "), before=f"#Fields: {_IIS}\n",
    ),
    "zeek": Case(
        "format: zeek\n    columns:\n      TimeGenerated: { type: datetime, from: ts, format: epoch }\n      Uid: { from: uid }\n"
        "      Orig: { from: id.orig_h }\n      Query: { from: query }\n      QType: { from: qtype_name }\n"
        "      RCode: { from: rcode_name }\n      Answers: { type: dynamic, from: answers }\n",
        _zeek, _split(_DNS, "\t"),
        before="#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n"
         "#fields\t" + _DNS.replace(" ", "\t") + "\n#types\t" + _DNS_TYPES.replace(" ", "\t") + "\n",
    ),
    "syslog": Case(
        "format: syslog\n    columns:\n      TimeGenerated: { type: datetime, from: timestamp, format: syslog }\n",
        _syslog, _by_pattern(r"<(?P<pri>\d+)>(?P<time>.{15}) (?P<host>\S+) (?P<tag>[^\[:]+)\[(?P<pid>\d+)\]: (?P<message>.*)"),
    ),
    "syslog 5424": Case(
        "format: syslog\n    columns:\n      TimeGenerated: { type: datetime, from: timestamp, format: syslog }\n",
        _syslog5424,
        _by_pattern(r"<(?P<pri>\d+)>1 (?P<time>\S+) (?P<host>\S+) (?P<app>\S+) (?P<pid>\S+) (?P<id>\S+) (?P<sd>(?:\[.*?\])+) (?P<message>.*)"),
    ),
    "cef": Case("format: cef\n", _cef, _by_lines(_cef_by_hand)),
    "leef": Case("format: leef\n", _leef, _by_lines(_leef_by_hand)),
    "logfmt": Case(
        "format: logfmt\n    columns:\n      TimeGenerated: { type: datetime, from: time }\n      Level: { from: level }\n"
        "      Service: { from: service }\n      Message: { from: msg }\n      Status: { type: int, from: status }\n",
        _logfmt, _by_lines(_logfmt_by_hand),
    ),
    "regex": Case(
        f"format: {{ type: regex, pattern: '{_COMBINED}' }}\n    columns:\n"
        "      TimeGenerated: { type: datetime, from: time, format: '%d/%b/%Y:%H:%M:%S %z' }\n      Client: { from: client }\n"
        "      Request: { from: request }\n      Status: { type: int, from: status }\n      Bytes: { type: long, from: bytes }\n",
        _combined, _by_pattern(_COMBINED),
    ),
    "text": Case("format: text\n    columns: { Message: { from: message } }\n", _text, _by_lines(lambda line: {"message": line})),
    "text, records of 5 lines": Case(
        "format: { type: text, start: '^\\d{4}-' }\n    columns: { Message: { from: message } }\n", _stack,
        lambda text: ({"message": part} for part in re.split(r"\n(?=\d{4}-)", text)),
    ),
    "xml": Case(
        "format: { type: xml, element: Event }\n    columns:\n"
        "      TimeGenerated: { type: datetime, from: System.TimeCreated.SystemTime }\n      EventID: { type: int, from: System.EventID }\n"
        "      Computer: { from: System.Computer }\n      EventData: { type: dynamic, from: EventData }\n",
        _xml, _elements, before="<Events>\n", after="</Events>\n",
    ),
}  # fmt: skip


def source(case: Case, size: int) -> bytes:
    """About `size` bytes of fresh input."""
    start = datetime.now(UTC) - timedelta(hours=1)
    lines, held, number = [case.before], 0, 0
    while held < size:
        lines.append(case.line(start + timedelta(milliseconds=number * 7), number))
        held += len(lines[-1])
        number += 1
    return "".join([*lines, case.after]).encode()


def ours(case: Case, data: bytes) -> tuple[float, int, int]:
    """Seconds from decompressed bytes to gzipped bodies, rows, and rejects."""
    route = loads(
        f'routes:\n  bench:\n    from: {{ blobs: ["**"] }}\n    table: Bench_CL\n    {case.route}'
    ).by_name["bench"]
    facts = SourceFacts("blob", "drop/bench", "0x1", time.time(), time.time())
    began = time.perf_counter()
    rooms = front(route, facts, Start(Position(), Counts(), seekable=False), Limits())
    encoder, rows, rejects = Encoder(route.stream, Position()), 0, 0
    pieces = (data[place : place + 4_194_304] for place in range(0, len(data), 4_194_304))
    for found in rooms.rows(pieces):
        rows, rejects = rows + len(found.ordinals), rejects + len(found.rejects)
        for batch in encoder.add(found):
            body(batch.text)
    for batch in encoder.flush():
        body(batch.text)
    return time.perf_counter() - began, rows, rejects


def theirs(case: Case, data: bytes) -> float:
    """Seconds from decompressed bytes to the SDK's gzipped requests."""
    began = time.perf_counter()
    for _ in _create_gzip_requests(list(case.other(data.decode()))):
        pass
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.formats", description=__doc__)
    parser.add_argument("formats", nargs="*", help="which ones (default: all)")
    parser.add_argument("--mb", type=int, default=20, help="size of each input in MB (default 20)")
    parser.add_argument(
        "--runs", type=int, default=7, help="rounds over all of them; the median counts (default 7)"
    )
    parser.add_argument("--default-gc", action="store_true", help="with the collector as Python sets it")
    options = parser.parse_args()
    if not options.default_gc:
        settle()
    print(table(options.formats or list(CASES), options.mb * 1_000_000, options.runs))


def measure(size: int, runs: int) -> str:
    """Measure and give the page's section."""
    settle()
    with cores():
        found = table(list(CASES), size, runs)
    return f"""## Every text format

{size / 1e6:.0f} MB of each, made in memory, through decode, parse, shape, encode and gzip on one core; nothing is sent.
The other side reads a quarter as much with the standard library and has the SDK make its gzipped requests of it; it checks
nothing. Round after round over all of them, median of {runs} rounds. One data collection rule takes at most {CEILING} MB/s (2 GB a minute).

{found}"""


def table(names: list[str], size: int, runs: int) -> str:
    """The figures as Markdown."""
    lines = [
        "| format | bytes a record | stdlib and SDK, MB/s | Logferry, MB/s | ratio |",
        "| --- | --- | --- | --- | --- |",
    ]
    inputs = {name: (source(CASES[name], size), source(CASES[name], size // 4)) for name in names}
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    rows: dict[str, int] = {}
    for _ in range(
        runs
    ):  # round after round, so that a moment in which the machine is busy is one run of many
        for name, (data, part) in inputs.items():
            taken, rows[name], rejects = ours(CASES[name], data)
            assert not rejects, f"{name}: {rejects} rejects"
            seconds[name].append((taken, theirs(CASES[name], part)))
    for name, (data, part) in inputs.items():
        ours_took, theirs_took = map(statistics.median, zip(*seconds[name], strict=True))
        fast, slow = len(data) / ours_took / 1e6, len(part) / theirs_took / 1e6
        lines.append(
            f"| {name} | {len(data) // rows[name]} | {slow:.1f} | {fast:.1f} | {fast / slow:.1f} × |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
