"""Makes the files of samples/ and flawed/: `python -m samples.make`.

Rule: seeded, with fixed times, so that the files are the same wherever they are
made; every bad record is put in on purpose, at a place that flawed/README.md names,
and there is none in samples/.
Invariant: everything here is invented. Addresses are those that documentation may
use (RFC 5737), names are of example.com.

Compressed files are the same once unpacked; how zlib packs them differs from
machine to machine.
"""

# ruff: noqa: S311 - random numbers make examples here, and hide nothing

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import random
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

START = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
HERE = Path(__file__).resolve().parent
FLAWED_HERE = HERE.parent / "flawed"

Values = dict[str, Any]

PATHS = ["/", "/cart", "/search", "/login", "/api/orders", "/api/prices", "/static/app.js", "/products/{}"]
AGENTS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) Mobile/15E148",
    "curl/8.14.1",
    'shop-monitor/2.4 (contact: ops@example.com, "night shift")',
]
WEB_COLUMNS = ["ts", "host", "client_ip", "method", "path", "status", "bytes", "duration_ms", "user_agent"]
OPERATIONS = [
    ("Add member to role", "RoleManagement"),
    ("Reset password", "UserManagement"),
    ("Sign in", "Access"),
]
PEOPLE = ["ana.silva", "b.okafor", "chen.wei", "dora.maar", "e.lindqvist"]


def times(rng: random.Random, count: int, step: float) -> Iterator[datetime]:
    """`count` rising times, `step` seconds apart on average."""
    when = START
    for _ in range(count):
        when += timedelta(milliseconds=rng.randint(1, int(step * 2000)))
        yield when


def iso(when: datetime) -> str:
    """UTC, with milliseconds."""
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def public_ip(rng: random.Random) -> str:
    """One of the addresses for documentation."""
    return f"{rng.choice(['192.0.2', '198.51.100', '203.0.113'])}.{rng.randint(1, 254)}"


def hexes(rng: random.Random, length: int) -> str:
    """An id of `length` hexadecimal digits."""
    return f"{rng.getrandbits(length * 4):0{length}x}"


# -- web: CSV -----------------------------------------------------------------------------------


def web_row(rng: random.Random, when: datetime, host: str) -> list[str]:
    """One request; every ninth or so is a health check."""
    if rng.random() < 0.11:
        probe = rng.choice(["/healthz", "/readyz"])
        return [iso(when), host, "10.0.0.9", "GET", probe, "200", "2", "0.4", "kube-probe/1.33"]
    path = rng.choice(PATHS).format(rng.randint(1000, 9999))
    status = rng.choices(["200", "302", "404", "500"], [88, 6, 5, 1])[0]
    method = "POST" if path == "/api/orders" else "GET"
    size, took = str(rng.randint(180, 90_000)), f"{rng.lognormvariate(3, 1):.1f}"
    return [iso(when), host, public_ip(rng), method, path, status, size, took, rng.choice(AGENTS)]


def csv_bytes(columns: list[str], rows: list[list[str]]) -> bytes:
    """A header and its rows, quoted where needed."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue().encode()


def web_first(rng: random.Random) -> bytes:
    """1,500 requests; two rows that are none, and two values that do not fit."""
    rows = [web_row(rng, when, "web-01.example.com") for when in times(rng, 1500, 4)]
    quiet = [index for index, row in enumerate(rows) if not row[4].endswith("z")]
    rows[quiet[100]][5] = "OK"
    rows[quiet[200]][7] = "slow"
    rows[quiet[400]] = [*rows[quiet[400]], "one", "two", "too many"]
    rows[quiet[700]][8] = "LATIN-1"
    return csv_bytes(WEB_COLUMNS, rows).replace(b"LATIN-1", "Caf\u00e9-Crawler/1.0".encode("latin-1"))


def web_second(rng: random.Random) -> bytes:
    """1,200 requests of a newer server, which writes a column that the route does not declare."""
    rows = [[*web_row(rng, when, "web-02.example.com"), "TLSv1.3"] for when in times(rng, 1200, 5)]
    return packed(csv_bytes([*WEB_COLUMNS, "tls"], rows))


def web_archive(rng: random.Random) -> bytes:
    """A zip of two servers' days: 500 requests as CSV, and 400 that were gzipped before."""
    days = [
        csv_bytes(
            WEB_COLUMNS, [web_row(rng, when, f"web-{host:02}.example.com") for when in times(rng, count, 60)]
        )
        for host, count in ((3, 500), (4, 400))
    ]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in (("web-03/access.csv", days[0]), ("web-04/access.csv.gz", packed(days[1]))):
            file.writestr(zipfile.ZipInfo(name, START.timetuple()[:6]), content, zipfile.ZIP_DEFLATED)
    return archive.getvalue()


def edge(rng: random.Random) -> bytes:
    """40 requests in a folder that no route takes; a message says which route it is for."""
    return csv_bytes(WEB_COLUMNS, [web_row(rng, when, "edge-07.example.com") for when in times(rng, 40, 60)])


# -- apps: JSON lines ---------------------------------------------------------------------------


def app_event(rng: random.Random, when: datetime, service: str, messages: list[str]) -> Values:
    """One line of an application's log, with the table's own names."""
    level = rng.choices(["Information", "Warning", "Error"], [90, 8, 2])[0]
    return {
        "TimeGenerated": iso(when),
        "Level": level,
        "Service": service,
        "Message": rng.choice(messages),
        "TraceId": hexes(rng, 32),
        "DurationMs": round(rng.lognormvariate(3.5, 1), 3),
        "Properties": {"order": f"A-{rng.randint(10_000, 99_999)}", "items": rng.randint(1, 9)},
    }


def lines(records: list[Values]) -> list[bytes]:
    """A JSON object a line."""
    return [json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() for record in records]


def checkout(rng: random.Random) -> bytes:
    """1,200 events; two lines that are none, a value that does not fit, a field that nobody declared."""
    said = ["Order placed", "Basket priced", "Stock reserved", "Caf\u00e9 cr\u00e8me \u2615 added"]
    records = [app_event(rng, when, "checkout", said) for when in times(rng, 1200, 3)]
    records[249]["DurationMs"] = "about 40"
    records[499]["Region"] = "westeurope"
    text = lines(records)
    text[749] = text[749][:-40]
    text[899] = text[899].replace(b'"Level"', b'"Le\xffel"')
    return b"\n".join(text) + b"\n"


def payments(rng: random.Random) -> bytes:
    """900 events in two gzip members, as when rotated logs are joined."""
    said = ["Card authorised", "Transfer booked", "3-D Secure asked for"]
    text = lines([app_event(rng, when, "payments", said) for when in times(rng, 900, 4)])
    first, second = (b"\n".join(part) + b"\n" for part in (text[:600], text[600:]))
    return packed(first) + packed(second)


def refunds(rng: random.Random) -> bytes:
    """300 events, but the upload broke off: only the first 60 % of the file's bytes are there."""
    said = ["Refund asked for", "Refund paid"]
    text = lines([app_event(rng, when, "refunds", said) for when in times(rng, 300, 9)])
    whole = packed(b"\n".join(text) + b"\n")
    return whole[: len(whole) * 6 // 10]


def search(rng: random.Random) -> bytes:
    """800 events, as a collector wrote them: zstd."""
    from backports.zstd import compress  # noqa: PLC0415

    said = ["Query answered", "Nothing found", "Index refreshed"]
    return compress(
        b"\n".join(lines([app_event(rng, when, "search", said) for when in times(rng, 800, 4)])) + b"\n"
    )


# -- audit, inventory, events: JSON -------------------------------------------------------------


def audit_record(rng: random.Random, when: datetime) -> Values:
    """One entry of an audit trail, by a person or by an app."""
    operation, category = rng.choice(OPERATIONS)
    person = {"userPrincipalName": f"{rng.choice(PEOPLE)}@example.com", "ipAddress": public_ip(rng)}
    app = {"appDisplayName": "Nightly provisioning", "ipAddress": "10.0.4.20"}
    return {
        "id": hexes(rng, 16),
        "createdDateTime": iso(when),
        "activity": {"name": operation, "category": category},
        "actor": person if rng.random() < 0.8 else app,
        "result": {"success": rng.random() < 0.93},
        "target": {"type": "User", "name": f"{rng.choice(PEOPLE)}@example.com"},
    }


def audit(rng: random.Random) -> bytes:
    """350 records inside an envelope; one says "yes" where a boolean belongs."""
    records = [audit_record(rng, when) for when in times(rng, 350, 60)]
    records[120]["result"]["success"] = "yes"
    envelope = {"@odata.context": "https://directory.example.com/v1/$metadata#audit", "value": records}
    return json.dumps(envelope, indent=1).encode() + b"\n"


def audit_archive(rng: random.Random) -> bytes:
    """200 records of last month's export, put away with bzip2."""
    records = [audit_record(rng, when) for when in times(rng, 200, 60)]
    return bz2.compress(json.dumps({"value": records}).encode() + b"\n")


def machine(rng: random.Random, number: int) -> Values:
    """One machine of the inventory."""
    system, version = rng.choice([("Ubuntu", "24.04"), ("Debian", "13"), ("Windows Server", "2025")])
    names = rng.sample(["openssl", "nginx", "python3", "postgresql", "dotnet-runtime", "curl"], 3)
    packages = [{"name": name, "version": f"{rng.randint(1, 9)}.{rng.randint(0, 30)}"} for name in names]
    return {
        "scannedAt": "2026-11-20T02:00:00Z",
        "hostname": f"node-{number:03}.example.com",
        "os": {"name": system, "version": version},
        "cpus": rng.choice([2, 4, 8, 16]),
        "memoryGb": rng.choice([3.75, 7.5, 15.5, 31.0]),
        "packages": packages,
    }


def inventory(rng: random.Random) -> bytes:
    """180 machines in one array; one does not know its memory, one writes its processors as a word."""
    machines = [machine(rng, number) for number in range(1, 181)]
    machines[40]["memoryGb"] = "unknown"
    machines[77]["cpus"] = "eight"
    return json.dumps(machines, indent=1).encode() + b"\n"


def deploy(_: random.Random) -> bytes:
    """One object: a deployment's news."""
    done = {
        "time": "2026-11-20T07:30:00Z",
        "source": "pipeline",
        "name": "deployment finished",
        "severity": 1,
        "version": "2026.11.3",
        "environment": "production",
    }
    return json.dumps(done, indent=2).encode() + b"\n"


# -- firewall: TSV, and DNS in Zeek's shape ------------------------------------------------------

FIREWALL_COLUMNS = ["time", "action", "proto", "src", "sport", "dst", "dport", "sent", "rule"]


def firewall_row(rng: random.Random, when: datetime) -> list[str]:
    """One connection; three in four are allowed, and the rule's transform leaves those out."""
    action = rng.choices(["allow", "deny", "drop", "reset"], [75, 15, 8, 2])[0]
    port = str(rng.choice([22, 53, 80, 443, 3389, 8443]))
    sent = str(rng.randint(60, 60_000)) if action == "allow" else "0"
    rule = "web-in" if action == "allow" else rng.choice(["default-deny", "geo-block", "scan-guard"])
    here = f"10.0.{rng.randint(1, 8)}.{rng.randint(2, 250)}"
    proto = rng.choice(["tcp", "tcp", "udp"])
    source = str(rng.randint(1025, 65_000))
    return [f"{when.timestamp():.3f}", action, proto, public_ip(rng), source, here, port, sent, rule]


def firewall(rng: random.Random) -> bytes:
    """1,400 connections; one row is cut short, one port is a name."""
    rows = [firewall_row(rng, when) for when in times(rng, 1400, 2)]
    rows[300][6] = "https"
    rows[800] = rows[800][:4]
    return "".join("\t".join(row) + "\n" for row in [FIREWALL_COLUMNS, *rows]).encode()


def firewall_archive(rng: random.Random) -> bytes:
    """500 connections of another firewall, put away with xz."""
    rows = [firewall_row(rng, when) for when in times(rng, 500, 2)]
    return lzma.compress("".join("\t".join(row) + "\n" for row in [FIREWALL_COLUMNS, *rows]).encode())


def dns_record(rng: random.Random, when: datetime) -> Values:
    """One question and its answer. AA, rejected and TTLs are fields that the route does not declare."""
    kind = rng.choices(["A", "AAAA", "TXT"], [70, 25, 5])[0]
    domain = rng.choice(["example.com", "example.org", "shop.test"])
    found = rng.random() < 0.9
    record = {
        "ts": when.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "uid": "C" + hexes(rng, 16),
        "id.orig_h": f"10.0.2.{rng.randint(2, 250)}",
        "id.orig_p": rng.randint(1025, 65_000),
        "id.resp_h": "10.0.0.53",
        "id.resp_p": 53,
        "proto": "udp",
        "trans_id": rng.randint(1, 65_535),
        "query": f"{rng.choice(['www', 'api', 'mail', 'cdn', 'login'])}.{domain}",
        "qtype_name": kind,
        "rcode_name": "NOERROR" if found else "NXDOMAIN",
        "AA": rng.random() < 0.3,
        "rejected": False,
    }
    if found:
        record |= {"rtt": round(rng.uniform(0.0005, 0.05), 6), "answers": [public_ip(rng)], "TTLs": [300.0]}
    return record


def dns(rng: random.Random) -> bytes:
    """1,100 questions; every one has fields besides those that the route declares."""
    return b"\n".join(lines([dns_record(rng, when) for when in times(rng, 1100, 3)])) + b"\n"


# -- text: a service's log, a console, logfmt, a gateway's pairs -----------------------------------

TRACE = """\
shop.billing.RefusedException: bank answered {code}
\tat shop.billing.Bank.charge(Bank.java:{line})
\tat shop.billing.Worker.run(Worker.java:88)

Caused by: java.net.SocketTimeoutException: read timed out
\t... 14 more"""


def billing_entry(rng: random.Random, when: datetime) -> str:
    """One entry, some with a stack trace."""
    time = f"{when:%Y-%m-%d %H:%M:%S},{when.microsecond // 1000:03}"
    order = f"A-{rng.randint(10_000, 99_999)}"
    level, logger, said = rng.choices(
        [
            ("INFO", "shop.billing.Cart", f"order {order} priced"),
            ("INFO", "shop.billing.Bank", f"order {order} paid: {rng.randint(5, 300)}.00 EUR"),
            ("WARN", "shop.billing.Bank", f"order {order}: bank is slow [{rng.randint(900, 4000)} ms]"),
            ("ERROR", "shop.billing.Worker", f"order {order} failed"),
        ],
        [50, 40, 8, 2],
    )[0]
    trace = "\n" + TRACE.format(code=rng.randint(500, 504), line=rng.randint(20, 200))
    thread = rng.choice(["main", "worker-1", "worker-2", "bank client 3"])
    return f"{time} {level:<5} [{thread}] {logger} - {said}{trace if level == 'ERROR' else ''}\n"


def billing(rng: random.Random) -> bytes:
    """900 entries; lines of stack traces belong to the entry before."""
    return "".join(billing_entry(rng, when) for when in times(rng, 900, 3)).encode()


def billing_first(rng: random.Random) -> bytes:
    """The same, 300 entries; the file begins inside a stack trace, and one line is of another program."""
    entries = [billing_entry(rng, when) for when in times(rng, 300, 3)]
    entries[149] = f"{START:%Y-%m-%d} rotated by logrotate\n"
    return b"\tat shop.billing.Worker.run(Worker.java:88)\n\t... 14 more\n" + "".join(entries).encode()


def console(rng: random.Random) -> bytes:
    """A nightly job's console: 240 messages without times, some of several indented lines, with CRLF."""
    said = []
    for number in range(1, 241):
        table = rng.choice(["orders", "customers", "stock"])
        said.append(f"step {number}: copying {table}, {rng.randint(100, 90_000)} rows")
        if rng.random() < 0.1:
            said += ["    retry after 30 s", "", f"    partition {rng.randint(1, 12)} was locked"]
    return "".join(line + "\r\n" for line in said).encode()


def api_entry(rng: random.Random, when: datetime) -> str:
    """One request of an API, as logfmt."""
    status = rng.choices([200, 201, 404, 500], [80, 12, 6, 2])[0]
    failed = '"handler failed: \\"stock\\" is locked"'
    said = {200: "ok", 201: "created", 404: '"no such thing"', 500: failed}[status]
    level = "error" if status == 500 else "info"
    method, path = rng.choice(["GET", "POST"]), f"/v2/orders/{rng.randint(1, 9999)}"
    entry = f"ts={iso(when)} level={level} msg={said} method={method} path={path} status={status}"
    entry += f" took_ms={rng.lognormvariate(3, 1):.2f}"
    return f"{entry} cached" if status == 200 and rng.random() < 0.2 else entry


def api(rng: random.Random) -> bytes:
    """1,000 requests; some have the word `cached` alone."""
    return "".join(api_entry(rng, when) + "\n" for when in times(rng, 1000, 3)).encode()


def api_first(rng: random.Random) -> bytes:
    """300 requests; a quote is not closed, and a panic wrote two lines without any pair."""
    entries = [api_entry(rng, when) + "\n" for when in times(rng, 300, 3)]
    entries[99] = entries[99].replace(" method=", ' user="anna method=')
    entries[199] = "panic: index out of range\n" + "goroutine 17 [running]:\n"
    return "".join(entries).encode()


def gateway_row(rng: random.Random, when: datetime) -> str:
    """One connection through a gateway, as pairs, in local time."""
    action = rng.choices(["accept", "deny"], [85, 15])[0]
    return (
        f'date={when:%Y-%m-%d} time={when:%H:%M:%S} devname="gw 07" type="traffic" level="notice" '
        f"srcip={public_ip(rng)} srcport={rng.randint(1025, 65_000)} dstip=10.0.3.{rng.randint(2, 250)} "
        f'dstport={rng.choice([22, 443, 8443])} action="{action}" sentbyte={rng.randint(0, 90_000)} '
        f'app="{rng.choice(["HTTPS", "SSH", "Web Mail"])}"\n'
    )


def gateway(rng: random.Random) -> bytes:
    """800 connections, key=value."""
    return "".join(gateway_row(rng, when) for when in times(rng, 800, 4)).encode()


# -- hosts: syslog; gates and proxies: CEF and LEEF -----------------------------------------------


def syslog_time(when: datetime) -> str:
    """As RFC 3164 has it: no year, no zone."""
    return f"{when:%b} {when.day:>2} {when:%H:%M:%S}"


def host_line(rng: random.Random, when: datetime, host: str) -> str:
    """A line of a machine's log as rsyslog writes it; every eighth or so came from an app by RFC 5424."""
    if rng.random() < 0.12:
        data = f'[order@32473 id="A-{rng.randint(10_000, 99_999)}" items="{rng.randint(1, 9)}"]'
        priority = 8 * 16 + rng.choice([4, 6, 6, 6])
        return (
            f"<{priority}>1 {iso(when)} {host} checkout {rng.randint(900, 999)} ORDER {data} order accepted"
        )
    person, address, process = rng.choice(PEOPLE), public_ip(rng), rng.randint(1000, 30_000)
    said = rng.choice(
        [
            f"sshd[{process}]: Accepted publickey for {person} from {address} port 50122 ssh2",
            f"sshd[{process}]: Failed password for invalid user admin from {address} port 40022 ssh2",
            f"CRON[{process}]: (root) CMD (run-parts /etc/cron.hourly)",
            f"systemd[1]: session-{rng.randint(1, 999)}.scope: Deactivated successfully.",
            "kernel: [1048576.004711] nf_conntrack: table full, dropping packet",
            "sudo: pam_unix(sudo:session): session closed for user root",
        ]
    )
    return f"{syslog_time(when)} {host} {said}"


def host_log(rng: random.Random) -> bytes:
    """700 lines of a machine's log, rotated and gzipped."""
    lines_ = [host_line(rng, when, "web-01") for when in times(rng, 700, 6)]
    return packed("".join(line + "\n" for line in lines_).encode())


def host_log_flawed(rng: random.Random) -> bytes:
    """90 lines; a stack trace without headers, a priority that there is none of, a line in Latin-1."""
    lines_ = [host_line(rng, when, "web-02").encode() for when in times(rng, 90, 6)]
    lines_[19] += b"\njava.lang.IllegalStateException: stock is locked\n\tat shop.Stock.take(Stock.java:61)"
    lines_[39] = b"<999>" + lines_[39]
    lines_[59] += b" caf\xe9"
    return b"\n".join(lines_) + b"\n"


def gate_event(rng: random.Random, when: datetime) -> str:
    """A connection as a security gateway reports it: CEF in a syslog message."""
    allowed = rng.random() < 0.8
    name, severity = ("Connection allowed", 2) if allowed else ("Connection denied", 6)
    pairs = {
        "rt": int(when.timestamp() * 1000),
        "act": "Allow" if allowed else "Deny",
        "src": public_ip(rng),
        "spt": rng.randint(1025, 65_000),
        "dst": f"10.0.3.{rng.randint(2, 250)}",
        "dpt": rng.choice([22, 443, 8443]),
        "proto": "TCP",
        "deviceDirection": 0,
        "suser": rng.choice(PEOPLE),
        "request": f"https://shop.example.com/cart?item\\={rng.randint(1, 99)}",
        "cs1Label": "Rule",
        "cs1": rng.choice(["web in", "partner networks", "default deny"]),
        "cn1Label": "Flow",
        "cn1": rng.getrandbits(40),
        "in": rng.randint(60, 90_000),
        "out": rng.randint(60, 9_000_000),
        "exampleZone": rng.choice(["dmz", "office"]),
    }
    extension = " ".join(f"{key}={value}" for key, value in pairs.items())
    header = f"CEF:0|Example|Security Gateway|9.2|{100 + (not allowed)}|{name}|{severity}"
    return f"<134>{syslog_time(when)} gate-01 {header}|{extension}"


def gate_log(rng: random.Random) -> bytes:
    """200 events in CEF."""
    return packed("".join(gate_event(rng, when) + "\n" for when in times(rng, 200, 9)).encode())


def gate_log_flawed(rng: random.Random) -> bytes:
    """25 events; one breaks off in its header, one has a port that is a name, one line is no event."""
    events = [gate_event(rng, when) for when in times(rng, 25, 9)]
    events[4] = events[4][:70]
    events[9] = events[9].replace("dpt=", "dpt=p")
    events[14] = f"<134>{syslog_time(START)} gate-01 ntpd[812]: clock stepped by 0.4 s"
    return "".join(event + "\n" for event in events).encode()


def proxy_log(rng: random.Random) -> bytes:
    """180 requests through a proxy, in LEEF 2.0."""
    events = []
    for when in times(rng, 180, 12):
        blocked = rng.random() < 0.1
        pairs = [
            f"devTime={when:%b %d %Y %H:%M:%S}",
            f"src=10.0.5.{rng.randint(2, 250)}",
            f"dst={public_ip(rng)}",
            "dstPort=443",
            f"usrName={rng.choice(PEOPLE)}",
            f"url=https://{rng.choice(['news', 'mail', 'files'])}.example.org/?q={rng.randint(1, 99)}",
            f"srcBytes={rng.randint(200, 9000)}",
            f"dstBytes={rng.randint(200, 900_000)}",
            f"policy={'uncategorised sites' if blocked else 'default'}",
        ]
        event_id = "REQUEST_BLOCKED" if blocked else "REQUEST_ALLOWED"
        events.append(f"LEEF:2.0|Example|Web Proxy|4.1|{event_id}|^|{'^'.join(pairs)}\n")
    return packed("".join(events).encode())


# -- sales: Parquet -----------------------------------------------------------------------------

PRODUCTS = [("T-100", "Tea", 475), ("C-200", "Coffee", 620), ("M-310", "Mug", 1190), ("S-020", "Sugar", 210)]


def sale(rng: random.Random, when: datetime, number: int) -> Values:
    """One receipt; prices have two decimals and no rounding."""
    bought = rng.sample(PRODUCTS, rng.randint(1, 3))
    items = [
        {"sku": sku, "name": name, "count": rng.randint(1, 4), "price": Decimal(price) / 100}
        for sku, name, price in bought
    ]
    return {
        "receipt": 7_000_000 + number,
        "event_time": when,
        "store": rng.choice(["Lisbon", "Gen\u00e8ve", "Malm\u00f6"]),
        "customer": {"id": f"c-{rng.randint(1, 400):04}", "member": rng.random() < 0.4},
        "items": items,
        "total": sum((item["price"] * item["count"] for item in items), Decimal(0)),
        "card": rng.random() < 0.8,
        "note": rng.choice(["gift", "returned later"]) if rng.random() < 0.1 else None,
    }


def sales_file(records: list[Values]) -> bytes:
    """Row groups of 250; checksums, so that a flipped bit shows."""
    import pyarrow as pa  # noqa: PLC0415 - only who makes samples needs it
    import pyarrow.parquet as pq  # noqa: PLC0415

    price = pa.decimal128(10, 2)
    item = pa.struct([("sku", pa.string()), ("name", pa.string()), ("count", pa.int32()), ("price", price)])
    columns: dict[str, Any] = {
        "receipt": pa.int64(),
        "event_time": pa.timestamp("us", "UTC"),
        "store": pa.string(),
        "customer": pa.struct([("id", pa.string()), ("member", pa.bool_())]),
        "items": pa.list_(item),
        "total": price,
        "card": pa.bool_(),
        "note": pa.string(),
    }
    table = pa.table({name: pa.array([r[name] for r in records], kind) for name, kind in columns.items()})
    out = io.BytesIO()
    pq.write_table(table, out, row_group_size=250, compression="snappy", write_page_checksum=True)
    return out.getvalue()


def sales(rng: random.Random) -> bytes:
    """900 receipts."""
    return sales_file([sale(rng, when, number) for number, when in enumerate(times(rng, 900, 5))])


def sales_damaged(rng: random.Random) -> bytes:
    """600 receipts in three row groups; a byte in the second is not what was written."""
    records = [sale(rng, when, number) for number, when in enumerate(times(rng, 600, 5))]
    whole = bytearray(sales_file(records))
    whole[len(whole) * 2 // 5] ^= 0x10
    return bytes(whole)


# -- capture: Avro, as Event Hubs writes it ------------------------------------------------------

VALUES = ["long", "double", "string", "bytes"]
CAPTURE: Values = {
    "type": "record",
    "name": "EventData",
    "namespace": "Microsoft.ServiceBus.Messaging",
    "fields": [
        {"name": "SequenceNumber", "type": "long"},
        {"name": "Offset", "type": "string"},
        {"name": "EnqueuedTimeUtc", "type": "string"},
        {"name": "SystemProperties", "type": {"type": "map", "values": VALUES}},
        {"name": "Properties", "type": {"type": "map", "values": [*VALUES, "null"]}},
        {"name": "Body", "type": ["null", "bytes"]},
    ],
}
SYNC = b"freezer telemetr"


def reading(rng: random.Random, when: datetime) -> Values:
    """What a sensor says."""
    return {
        "device": f"freezer-{rng.randint(1, 24):02}",
        "time": iso(when),
        "temperature": round(rng.gauss(-18, 1.5), 2),
        "door": {"open": rng.random() < 0.05, "seconds": rng.randint(0, 40)},
    }


def captured(rng: random.Random, number: int, when: datetime) -> Values:
    """One event; every eighth holds three readings that the gateway had kept."""
    readings = [reading(rng, when) for _ in range(3 if number % 8 == 7 else 1)]
    body: Any = readings if len(readings) > 1 else readings[0]
    hour = when.hour % 12 or 12
    return {
        "SequenceNumber": 48_200 + number,
        "Offset": str(9_663_676_416 + number * 288),
        "EnqueuedTimeUtc": f"{when.month}/{when.day}/{when.year} {hour}:{when:%M:%S %p}",
        "SystemProperties": {"x-opt-enqueued-time": int(when.timestamp() * 1000)},
        "Properties": {"gateway": rng.choice(["gw-north", "gw-south"])},
        "Body": json.dumps(body, separators=(",", ":")).encode(),
    }


def capture_file(events: list[Values]) -> bytes:
    """A container of blocks of some 16 kB, with a marker that is always the same."""
    import fastavro  # noqa: PLC0415 - only who makes samples needs it

    out = io.BytesIO()
    fastavro.writer(out, CAPTURE, events, codec="null", sync_marker=SYNC)
    return out.getvalue()


def capture(rng: random.Random) -> bytes:
    """640 events with 800 readings."""
    return capture_file([captured(rng, number, when) for number, when in enumerate(times(rng, 640, 2))])


def capture_damaged(rng: random.Random) -> bytes:
    """400 events; one is a note and no JSON, the second block has a wrong size, the last is cut off."""
    events = [captured(rng, number, when) for number, when in enumerate(times(rng, 400, 2))]
    events[3]["Body"] = b"gateway restarted"
    whole = bytearray(capture_file(events))
    second = whole.index(SYNC, whole.index(SYNC) + len(SYNC)) + len(SYNC)
    whole[second + 2] ^= 0x04
    return bytes(whole[:-2000])


# -- IIS, Zeek's tab-separated logs, Windows events, Azure's flow logs ---------------------------

IIS_FIELDS = "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent)"
IIS_FIELDS += " sc-status time-taken"


def iis_header(when: datetime, fields: str) -> list[str]:
    """What IIS writes when it begins a file, and when its service starts again."""
    return [
        "#Software: Microsoft Internet Information Services 10.0",
        "#Version: 1.0",
        f"#Date: {when:%Y-%m-%d %H:%M:%S}",
        f"#Fields: {fields}",
    ]


def iis_line(rng: random.Random, when: datetime, host: str = "") -> str:
    """One request; spaces in a user agent are written as +."""
    path = rng.choice(PATHS).format(rng.randint(1000, 9999))
    query = f"page={rng.randint(1, 9)}" if path == "/search" else "-"
    user = rf"EXAMPLE\{rng.choice(PEOPLE)}" if rng.random() < 0.2 else "-"
    agent = rng.choice(AGENTS[:3]).replace(" ", "+")
    status = rng.choices([200, 304, 404, 500], [85, 8, 6, 1])[0]
    front = f"{when:%Y-%m-%d %H:%M:%S} 10.0.4.10 GET {path} {query} 443 {user} {public_ip(rng)} {agent}"
    return f"{front} {status} {rng.randint(1, 900)}{host}"


def iis(rng: random.Random) -> bytes:
    """300 requests; after 200 of them the server was set up anew, with one field more."""
    moments = list(times(rng, 300, 6))
    text = [*iis_header(START, IIS_FIELDS), *(iis_line(rng, when) for when in moments[:200])]
    text += iis_header(moments[200], f"{IIS_FIELDS} cs-host")
    text += [iis_line(rng, when, " www.example.com") for when in moments[200:]]
    return "".join(f"{line}\r\n" for line in text).encode()


def iis_flawed(rng: random.Random) -> bytes:
    """60 requests without a header at first; one is cut short."""
    text = [iis_line(rng, when) for when in times(rng, 60, 6)]
    text[40] = text[40].rsplit(" ", 4)[0]
    text[2:2] = iis_header(START, IIS_FIELDS)
    return "".join(f"{line}\r\n" for line in text).encode()


CONN_FIELDS = {
    "ts": "time",
    "uid": "string",
    "id.orig_h": "addr",
    "id.orig_p": "port",
    "id.resp_h": "addr",
    "id.resp_p": "port",
    "proto": "enum",
    "service": "string",
    "duration": "interval",
    "orig_bytes": "count",
    "resp_bytes": "count",
    "conn_state": "string",
    "local_orig": "bool",
    "tunnel_parents": "set[string]",
}


def conn_row(rng: random.Random, when: datetime) -> str:
    """One connection; a third of them was never answered."""
    front = [f"{when.timestamp():.6f}", "C" + hexes(rng, 16), f"10.0.2.{rng.randint(2, 250)}"]
    front += [str(rng.randint(1025, 65_000)), public_ip(rng), rng.choice(["22", "53", "443"]), "tcp"]
    parents = rng.choice(["(empty)", "(empty)", f"C{hexes(rng, 16)},C{hexes(rng, 16)}"])
    if rng.random() < 0.33:
        return "\t".join([*front, "-", "-", "-", "-", "S0", "T", parents])
    counts = [f"{rng.uniform(0.01, 90):.6f}", str(rng.randint(0, 90_000)), str(rng.randint(0, 900_000))]
    return "\t".join([*front, rng.choice(["ssl", "ssh", "dns"]), *counts, "SF", "T", parents])


def conn(rng: random.Random) -> bytes:
    """300 connections in two logs, one after the other as they were rotated."""
    header = ["#separator \\x09", "#set_separator\t,", "#empty_field\t(empty)", "#unset_field\t-"]
    header += ["\t".join(["#fields", *CONN_FIELDS]), "\t".join(["#types", *CONN_FIELDS.values()])]
    rows = [conn_row(rng, when) for when in times(rng, 300, 5)]
    first = [*header, *rows[:200], "#close\t2026-11-20-06-15-00"]
    text = [*first, *header, *rows[200:], "#close\t2026-11-20-06-30-00"]
    return "".join(f"{line}\n" for line in text).encode()


def windows_event(rng: random.Random, number: int, when: datetime) -> str:
    """A sign-in or a service that started, as wevtutil writes them."""
    signed_in = rng.random() < 0.8
    provider = "Microsoft-Windows-Security-Auditing" if signed_in else "Service Control Manager"
    if signed_in:
        named = {
            "SubjectUserSid": "S-1-5-18",
            "TargetUserName": rng.choice(PEOPLE),
            "TargetDomainName": "EXAMPLE",
            "TargetLogonId": f"0x{rng.getrandbits(28):x}",
            "LogonType": str(rng.choice([2, 3, 10])),
            "WorkstationName": "-",
            "IpAddress": public_ip(rng),
            "IpPort": str(rng.randint(1025, 65_000)),
        }
        code, channel = "<EventID>4624</EventID>", "Security"
        data = "".join(f"<Data Name='{name}'>{value}</Data>" for name, value in named.items())
    else:
        code, channel = "<EventID Qualifiers='16384'>7036</EventID>", "System"
        data = f"<Data>{rng.choice(['Print Spooler', 'R&amp;D Agent'])}</Data><Data>running</Data>"
    clock = f"{when:%Y-%m-%dT%H:%M:%S}.{rng.randint(0, 9_999_999):07}Z"
    return (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
        f"<Provider Name='{provider}'/>{code}<Version>2</Version><Level>0</Level>"
        f"<Keywords>0x8020000000000000</Keywords><TimeCreated SystemTime='{clock}'/>"
        f"<EventRecordID>{number}</EventRecordID><Execution ProcessID='652' ThreadID='84'/>"
        f"<Channel>{channel}</Channel><Computer>dc01.example.com</Computer><Security/></System>"
        f"<EventData>{data}</EventData></Event>"
    )


def windows_events(rng: random.Random) -> bytes:
    """250 events in the file that Event Viewer saves, gzipped."""
    events = [windows_event(rng, number, when) for number, when in enumerate(times(rng, 250, 5), 81_000)]
    begin = '<?xml version="1.0" encoding="utf-8" standalone="yes"?>\r\n<Events>'
    return packed((begin + "".join(events) + "</Events>\r\n").encode())


def windows_events_flawed(rng: random.Random) -> bytes:
    """20 events; one is not closed, one holds an entity that is none, one a character that XML forbids."""
    events = [windows_event(rng, number, when) for number, when in enumerate(times(rng, 20, 5), 90_000)]
    events[7] = events[7].removesuffix("</EventData></Event>")
    events[11] = events[11].replace("dc01", "&dc;")
    events[15] = events[15].replace("<Security/>", "<Note>\x07</Note>")
    return "".join(f"{event}\r\n" for event in events).encode()


def flow_tuple(rng: random.Random, when: datetime) -> str:
    """A flow of a virtual network; one that has just begun has no counts."""
    state = rng.choices(["B", "C", "E", "D"], [40, 10, 40, 10])[0]
    counts = [str(rng.randint(1, 90)) for _ in range(4)] if state in {"C", "E"} else [""] * 4
    ends = [f"10.0.0.{rng.randint(4, 250)}", public_ip(rng), str(rng.randint(1025, 65_000)), "443"]
    moment = str(int(when.timestamp() * 1000) - rng.randint(0, 59_999))
    return ",".join([moment, *ends, "6", "O", state, rng.choice(["X", "NX"]), *counts])


def flow_record(rng: random.Random, when: datetime) -> Values:
    """What one network interface saw in a minute."""
    rule = rng.choice(["DefaultRule_AllowInternetOutBound", "UserRule_web"])
    group = {"rule": rule, "flowTuples": [flow_tuple(rng, when) for _ in range(rng.randint(3, 15))]}
    return {
        "time": iso(when),
        "flowLogVersion": 4,
        "macAddress": rng.choice(["00224871C205", "00224871C206"]),
        "category": "FlowLogFlowEvent",
        "targetResourceID": "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop"
        "/providers/Microsoft.Network/virtualNetworks/shop",
        "operationName": "FlowLogFlowEvent",
        "flowRecords": {"flows": [{"aclID": "00000000-1234-abcd-ef00-c1c2c3c4c5c6", "flowGroups": [group]}]},
    }


def flow_log(rng: random.Random) -> bytes:
    """What two network interfaces saw: 25 records, each with some flows."""
    records = [flow_record(rng, when) for when in times(rng, 25, 60)]
    return json.dumps({"records": records}, separators=(",", ":")).encode()


def flow_log_flawed(rng: random.Random) -> bytes:
    """5 records of an hour that is not over, so that the list is open; one flow is cut short."""
    records = [flow_record(rng, when) for when in times(rng, 5, 60)]
    tuples = records[2]["flowRecords"]["flows"][0]["flowGroups"][0]["flowTuples"]
    tuples[1] = ",".join(tuples[1].split(",")[:5])
    return json.dumps({"records": records}, separators=(",", ":")).removesuffix("]}").encode()


# -- all of it ----------------------------------------------------------------------------------


def note(_: random.Random) -> bytes:
    """A file that no route takes."""
    return b"Shift handover, 20 November: web-02 runs the new release; watch its memory.\n"


def event(name: str, severity: int, minute: int) -> Values:
    """One event of the kind that goes into a message."""
    return {"time": f"2026-11-20T09:{minute:02}:00Z", "source": "door-3", "name": name, "severity": severity}


def messages(rng: random.Random) -> dict[str, Any]:
    """One message of each accepted form, and one that is none. {blobs} is the blob service's address."""
    records = [app_event(rng, when, "mailer", ["Mail sent", "Mail deferred"]) for when in times(rng, 5, 30)]
    url = "{blobs}/archive/events/door-4.json"
    created = {
        "id": "5f6d2c9e-0000-4000-8000-000000000001",
        "topic": "/subscriptions/00000000-0000-0000-0000-000000000000",
        "subject": "/blobServices/default/containers/archive/blobs/events/door-4.json",
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "2026-11-20T09:30:00Z",
        "dataVersion": "",
        "metadataVersion": "1",
        "data": {"api": "PutBlob", "contentType": "application/json", "blobType": "BlockBlob", "url": url},
    }
    return {
        "1-array.json": [event("opened", 1, 1), event("closed", 1, 2), event("forced", 4, 5)],
        "2-one-record.json": event("battery low", 2, 7),
        "3-envelope.json": {"route": "app-events", "records": records},
        "4-blob.json": {"blob": "drop/exports/edge-07.csv", "route": "web-access"},
        "5-blob-url.json": {"blob": "{blobs}/archive/firewall/fw00.tsv"},
        "6-event-grid.json": created,
        "7-bad.json": "please restart fw02",
    }


def archived_firewall(rng: random.Random) -> bytes:
    """60 older connections, in a container whose blobs raise no event."""
    rows = [firewall_row(rng, when) for when in times(rng, 60, 30)]
    return "".join("\t".join(row) + "\n" for row in [FIREWALL_COLUMNS, *rows]).encode()


def archived_events(_: random.Random) -> bytes:
    """Three events, in the same container."""
    events = [event("opened", 1, 11), event("closed", 1, 12), event("battery low", 2, 13)]
    return json.dumps(events).encode() + b"\n"


def packed(data: bytes) -> bytes:
    """Gzipped, without the time of packing."""
    return gzip.compress(data, mtime=0)


FILES: dict[str, Callable[[random.Random], bytes]] = {
    "web/access-2.csv.gz": web_second,
    "web/2026/access-3.zip": web_archive,
    "apps/payments.ndjson.gz": payments,
    "apps/search.ndjson.zst": search,
    "audit/export.json": audit,
    "audit/october.json.bz2": audit_archive,
    "firewall/fw02.tsv.xz": firewall_archive,
    "inventory/2026-11-20.json": inventory,
    "zeek/dns.ndjson": dns,
    "billing/billing-2.log": billing,
    "batch/nightly.log": console,
    "api/api-2.log": api,
    "gateway/gw-07.log": gateway,
    "hosts/web-01.log.gz": host_log,
    "security/gate-01.cef.gz": gate_log,
    "proxy/proxy-03.leef.gz": proxy_log,
    "sales/2026-11-20.parquet": sales,
    "capture/shop/freezers/0/2026/11/20/06/00/00.avro": capture,
    "iis/W3SVC1/u_ex261120.log": iis,
    "zeek/conn.log": conn,
    "windows/dc01-security.xml.gz": windows_events,
    "flows/y=2026/m=11/d=20/h=06/PT1H.json": flow_log,
    "events/deploy.json": deploy,
    "exports/edge-07.csv": edge,
    "notes/handover.txt": note,
    "archive/firewall/fw00.tsv": archived_firewall,
    "archive/events/door-4.json": archived_events,
}
"""Path below samples/ to what makes it; a file's numbers depend on nothing but its own name."""

FLAWED: dict[str, Callable[[random.Random], bytes]] = {
    "web/2026/11/access-1.csv": web_first,
    "apps/checkout.ndjson": checkout,
    "apps/refunds.ndjson.gz": refunds,
    "firewall/fw01.tsv": firewall,
    "billing/billing-1.log": billing_first,
    "api/api-1.log": api_first,
    "hosts/web-02.log": host_log_flawed,
    "security/gate-02.cef": gate_log_flawed,
    "iis/W3SVC1/u_ex261119.log": iis_flawed,
    "windows/dc02-security.xml": windows_events_flawed,
    "flows/y=2026/m=11/d=20/h=07/PT1H.json": flow_log_flawed,
    "sales/2026-11-21.parquet": sales_damaged,
    "capture/shop/freezers/0/2026/11/20/07/00/00.avro": capture_damaged,
}
"""The same below flawed/."""


def flawed() -> dict[str, bytes]:
    """Every file by its path below flawed/."""
    return {name: make(random.Random(name)) for name, make in FLAWED.items()}


def files() -> dict[str, bytes]:
    """Every file by its path below samples/."""
    made = {name: make(random.Random(name)) for name, make in FILES.items()}
    for name, value in messages(random.Random("messages")).items():
        made[f"messages/{name}"] = json.dumps(value, indent=2).encode() + b"\n"
    return made


def main() -> None:
    """Write them."""
    for folder, made in ((HERE, files()), (FLAWED_HERE, flawed())):
        for name, content in made.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


if __name__ == "__main__":
    main()
