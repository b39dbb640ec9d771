"""What `logferry infer` sees in lines of text that programs are known to write."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from shared.infer.catalog import PATTERNS, TIMED
from shared.infer.draft import Draft, draft

FORMS = {
    "hadoop": (
        (
            "2026-11-20 06:00:01,123 INFO [main] org.example.Master: created, at once\n"
            "2026-11-20 06:00:02,001 WARN [LeaseRenewer:ana@node-1:9000] org.example.Lease: is late, again\n"
        ),
        "iso",
        "level thread logger message",
    ),
    "zookeeper": (
        (
            "2026-11-20 06:00:01,123 - INFO  [QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181:Election@774] - timed out\n"
            "2026-11-20 06:00:02,001 - WARN  [main:Config@101] - \n"
        ),
        "iso",
        "level thread logger line message",
    ),
    "spark": (
        "26/11/20 06:00:01 INFO executor.Backend: connected\n26/11/20 06:00:02 WARN Remoting: slow: 7 s\n",
        "%y/%m/%d %H:%M:%S",
        "level logger message",
    ),
    "hdfs": (
        "261120 060001 148 INFO dfs.DataNode$Receiver: received\n261120 060002 7 WARN dfs.Scanner:  late\n",
        "%y%m%d %H%M%S",
        "pid level logger message",
    ),
    "openstack": (
        (
            "nova-api.log.1 2026-11-20 06:00:01.008 25746 INFO nova.api [req-1 - - -] status: 200\n"
            "nova-api.log.1 2026-11-20 06:00:02.001 25746 ERROR nova.api [-] no context\n"
        ),
        "iso",
        "file pid level logger request message",
    ),
    "openstack-bare": (
        "2026-11-20 06:00:01.008 25746 INFO nova.api [req-1 - - -] status: 200\n",
        "iso",
        "pid level logger request message",
    ),
    "android": (
        (
            "11-20 06:00:01.123  1702  2395 D WindowManager: added\n"
            "11-20 06:00:02.001 11702 12395 I chatty  : uid=10036 größer\n"
        ),
        "%m-%d %H:%M:%S.%f",
        "pid tid level tag message",
    ),
    "windows": (
        (
            "2026-11-20 06:00:01, Info                  CBS    Session 4711 started\n"
            "2026-11-20 06:00:02, Info                  CSI    00000001@2026 called\n"
        ),
        "iso",
        "level component message",
    ),
    "phone": (
        "20261120-6:0:1:7|Step_Counter|30002312|step 3579\n20261120-16:10:11:123|Step|30002312|a|b\n",
        "%Y%m%d-%H:%M:%S:%L",
        "component pid message",
    ),
    "proxifier": (
        "[11.20 06:00:01] mail client.exe *64 - imap.example.com:993 close\n[11.20 06:00:02] a.exe - [::1]:80 open - x\n",
        "%m.%d %H:%M:%S",
        "program message",
    ),
    "squid": (
        "1795154401.586    921 192.0.2.7 TCP_MISS/200 507 GET http://example.com/ - DIRECT/192.0.2.8 text/html\n",
        "epoch",
        "took_ms client result bytes method url user peer content_type more",
    ),
    "blue-gene": (
        (
            "- 1795154401 2026.11.20 R02-M1 2026-11-20-06.00.01.675872 R02-M1 RAS KERNEL INFO error corrected\n"
            "APPREAD 1795154402 2026.11.20 R04-M1 2026-11-20-06.00.02.432192 R04-M1 RAS APP FATAL\n"
        ),
        "epoch",
        "label day node local node_repeat kind component level message",
    ),
    "thunderbird": (
        (
            "- 1795154401 2026.11.20 dn228 Nov 20 06:00:01 dn228/dn228 crond(pam_unix)[2915]: session closed\n"
            "VAPI 1795154402 2026.11.20 dn7 Nov 20 06:00:02 dn7/dn7 kernel:  ticks lost\n"
        ),
        "epoch",
        "label day node local location program pid message",
    ),
    "cluster": (
        (
            "134681 node-246 unix.hw state_change.unavailable 1795154401 1 Component State Change\n"
            "46 gige7 gige temperature 1795154402 1 ambient=29\n"
        ),
        "epoch",
        "number node component state flag message",
    ),
    "nginx-error": (
        "2026/11/20 06:00:01 [warn] 311#12: *4 buffered\n2026/11/20 06:00:02 [emerg] 1#1: no port\n",
        "%Y/%m/%d %H:%M:%S",
        "level pid tid message",
    ),
    "sites": (
        (
            'www.example.com:443 192.0.2.7 - - [20/Nov/2026:06:00:01 +0100] "GET /a HTTP/1.1" 200 512 "-" "curl"\n'
            'example.com 192.0.2.8 - ana [20/Nov/2026:06:00:02 +0100] "POST /b" 404 - "https://a.example/" "x" 17\n'
        ),
        "%d/%b/%Y:%H:%M:%S %z",
        "site client ident user request status bytes referer user_agent more",
    ),
    "containers": (
        (
            "2026-11-20T06:00:01.123456789Z stdout F started\n"
            "2026-11-20T06:00:02.123456789+01:00 stderr P  a long line\n"
        ),
        "iso",
        "stream flag message",
    ),
    "klog": (
        (
            'I1120 06:00:01.123456    4711 server.go:415] "version" build="v1"\n'
            "E1120 06:00:02.123456       1 kubelet.go:2347] not ready: a.go:7] x\n"
        ),
        "%m%d %H:%M:%S.%f",
        "level thread source message",
    ),
    "mysql": (
        (
            "2026-11-20T06:00:01.123456Z 0 [System] [MY-010116] [Server] starting as process 1\n"
            "2026-11-20T06:00:02.123456Z 17 [Warning] [MY-010068] [InnoDB] late\n"
        ),
        "iso",
        "thread level code part message",
    ),
    "redis": (
        "4711:M 20 Nov 2026 06:00:01.123 * Ready\n4711:C 20 Nov 2026 06:00:02.123 # oOo starting\n",
        "%d %b %Y %H:%M:%S.%f",
        "pid role level message",
    ),
    "balancer": (
        (
            "https 2026-11-20T06:00:01.123456Z app/web/50dc 192.0.2.7:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 "
            '"GET https://www.example.com:443/ HTTP/1.1" "curl/8" ECDHE TLSv1.2 arn:aws:group/1 "Root=1-5" "-" "-" 0\n'
            "http 2026-11-20T06:00:02.123456Z app/web/50dc 192.0.2.8:2817 - -1 -1 -1 503 - 34 366 "
            '"GET http://www.example.com:80/a b HTTP/1.1" "a \\"b\\"" - - - "-" "-" "-" 0\n'
        ),
        "iso",
        (
            "kind balancer client target request_seconds target_seconds response_seconds status target_status "
            "received_bytes sent_bytes request user_agent cipher tls target_group trace more"
        ),
    ),
    "classic-balancer": (
        (
            "2026-11-20T06:00:01.123456Z web 192.0.2.7:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "
            '"GET http://www.example.com:80/ HTTP/1.1" "curl/8" - -\n'
            "2026-11-20T06:00:02.123456Z web 192.0.2.7:2817 10.0.0.1:80 0.000086 0.001048 0.001337 200 200 0 57 "
            '"GET https://www.example.com:443/ HTTP/1.1"\n'
        ),
        "iso",
        (
            "balancer client target request_seconds target_seconds response_seconds status target_status "
            "received_bytes sent_bytes request user_agent cipher tls"
        ),
    ),
    "bucket": (
        (
            "79a5 shop-files [20/Nov/2026:06:00:38 +0000] 192.0.2.3 79a5 3E57 REST.GET.VERSIONING - "
            '"GET /shop-files?versioning HTTP/1.1" 200 - 113 - 7 - "-" "console/0.4" - s9lz= SigV4 - TLSv1.2\n'
            "79a5 shop-files [20/Nov/2026:06:00:39 +0000] - 79a5 3E58 S3.EXPIRE.OBJECT a%20b.txt - - - - - - - - - -\n"
        ),
        "%d/%b/%Y:%H:%M:%S %z",
        (
            "owner bucket client requester request_id operation key request status error bytes object_bytes total_ms "
            "turnaround_ms referer user_agent version_id more"
        ),
    ),
    "network": (
        (
            "2 123456789010 eni-17 10.0.0.7 10.0.0.8 20641 22 6 20 4249 1795154401 1795154461 ACCEPT OK\n"
            "2 123456789010 eni-17 - - - - - - - 1795154402 1795154462 - NODATA\n"
        ),
        "epoch",
        (
            "version account interface source target source_port target_port protocol packets bytes end action "
            "log_status"
        ),
    ),
    "haproxy": (
        (
            "192.0.2.7:56789 [20/Nov/2026:06:00:01.123] web~ app/app1 0/0/1/2/3 200 512 - - ---- 1/1/0/0/0 0/0 "
            '"GET /a HTTP/1.1"\n'
            "192.0.2.8:56789 [20/Nov/2026:06:00:02.123] mail app/<NOSRV> -1/-1/0 0 SC 0/0/0/0/0 0/0\n"
        ),
        "%d/%b/%Y:%H:%M:%S.%f",
        "client frontend backend server timers status bytes more",
    ),
    "snort": (
        (
            "11/20-06:00:01.123456  [**] [1:408:5] echo [x] reply [**] [Classification: Misc] [Priority: 3] {ICMP} "
            "192.0.2.7 -> 192.0.2.8\n"
            "11/20-06:00:02.123456  [Drop] [**] [1:409:5] y [**] [Priority: 3] {TCP} 192.0.2.7:80 -> 192.0.2.8:4711\n"
        ),
        "%m/%d-%H:%M:%S.%f",
        "action generator rule revision message classification priority protocol source target",
    ),
    "suricata": (
        (
            "11/20/2026-06:00:01.123456  [**] [1:2100498:7] root [**] [Classification: (null)] [Priority: 2] {TCP} "
            "192.0.2.7:80 -> 192.0.2.8:4711\n"
        ),
        "%m/%d/%Y-%H:%M:%S.%f",
        "action generator rule revision message classification priority protocol source target",
    ),
    "audit": (
        (
            'type=SYSCALL msg=audit(1795154401.123:4711): arch=c000003e syscall=59 comm="sudo"\n'
            "type=USER_AUTH msg=audit(1795154402.123:4712): pid=17 msg='op=login acct=\"root\" res=success'\n"
            "node=web-01 type=EOE msg=audit(1795154403.123:4713): \n"
        ),
        "epoch",
        "node type serial message",
    ),
    "python": (
        "2026-11-20 06:00:01,123 - shop.pay - INFO - at last - done\n2026-11-20 06:00:02,123 - root - ERROR - no\n",
        "iso",
        "logger level message",
    ),
    "log4j": (
        (
            "2026-11-20 06:00:01,123 INFO  [main] shop.Pay - started\n"
            "2026-11-20 06:00:02,123 ERROR [worker 3] shop.Pay - card refused - order 17\n"
        ),
        "iso",
        "level thread logger message",
    ),
    "tomcat": (
        (
            "20-Nov-2026 06:00:01.123 INFO [main] org.example.Listener.log started\n"
            "20-Nov-2026 06:00:02.123 SEVERE [http-nio-8080-exec-1] org.example.Valve.invoke failed: x\n"
        ),
        "%d-%b-%Y %H:%M:%S.%f",
        "level thread logger message",
    ),
    "bind": (
        (
            "20-Nov-2026 06:00:01.123 queries: info: client 192.0.2.7#53: query: a.example IN A\n"
            "20-Nov-2026 06:00:02.123 general: error: zone x/IN: loading failed\n"
        ),
        "%d-%b-%Y %H:%M:%S.%f",
        "category level message",
    ),
    "cassandra": (
        (
            "INFO  [main] 2026-11-20 06:00:01,123 Daemon.java:17 - started\n"
            "WARN  [GossipStage:1] 2026-11-20 06:00:02,123 Gossiper.java:7 - slow - very\n"
        ),
        "iso",
        "level thread source message",
    ),
    "gunicorn": (
        "[2026-11-20 06:00:01 +0000] [7] [INFO] started\n[2026-11-20 06:00:02 +0000] [8] [ERROR] failed\n",
        "%Y-%m-%d %H:%M:%S %z",
        "pid level message",
    ),
    "celery": (
        "[2026-11-20 06:00:01,123: INFO/MainProcess] up\n[2026-11-20 06:00:02,123: ERROR/Pool-1] Task x\n",
        "iso",
        "level process message",
    ),
    "laravel": (
        "[2026-11-20 06:00:01] production.ERROR: no: x\n[2026-11-20 06:00:02] local.INFO: fine\n",
        "iso",
        "channel level message",
    ),
    "rust": (
        "[2026-11-20T06:00:01Z INFO  app::server] up\n[2026-11-20T06:00:02Z ERROR app] failed\n",
        "iso",
        "level logger message",
    ),
    "brackets": (
        "[2026-11-20 06:00:01.123] [INFO ] [app] up\n[2026-11-20 06:00:02.123] [ERROR] failed\n",
        "iso",
        "level logger message",
    ),
    "kafka": (
        "[2026-11-20 06:00:01,123] INFO up (kafka.Log)\n[2026-11-20 06:00:02,123] WARN [Fetcher 1] slow (a)\n",
        "iso",
        "level message",
    ),
    "sql-server": (
        "2026-11-20 06:00:01.12 Server      started\n2026-11-20 06:00:02.12 spid7s      Starting up 'master'.\n",
        "iso",
        "source message",
    ),
    "spring": (
        (
            "2026-11-20T06:00:01.123+01:00  INFO 4711 --- [shop] [           main] c.e.shop.Shop      : started\n"
            "2026-11-20T06:00:02.123+01:00 ERROR 4711 --- [nio-8080-exec-1] o.a.c.c.C.[.[/].[servlet] : a : b\n"
        ),
        "iso",
        "level pid application thread logger message",
    ),
    "ruby": (
        (
            "I, [2026-11-20T06:00:01.123456 #4711]  INFO -- : started\n"
            "E, [2026-11-20T06:00:02.123456 #4711] ERROR -- shop: failed: x\n"
        ),
        "iso",
        "pid level program message",
    ),
    "dotnet": (
        "2026-11-20 06:00:01.123 +01:00 [INF] started\n2026-11-20 06:00:02.123 +01:00 [ERR] failed\n",
        "%Y-%m-%d %H:%M:%S.%f %z",
        "level message",
    ),
    "american": (
        "11/20/2026 6:00:01 AM 0E5C PACKET received\n11/20/2026 12:00:02 PM 0E5C PACKET sent\n",
        "%m/%d/%Y %I:%M:%S %p",
        "message",
    ),
    "epoch": ("1795154401 started\n1795154402.25 ready, all of it\n", "epoch", "message"),
    "day": ("11-20 06:00:01.123 started\n11-20 06:00:02.001 ready\n", "%m-%d %H:%M:%S.%f", "message"),
}


def _drafted(text: str, folder: Path) -> Draft:
    path = folder / "a.log"
    path.write_text(text, encoding="utf-8")
    made = draft([path])
    assert [trial.lost for trial in made.trials] == [0]
    assert not made.trials[0].changed["time_missing"]
    return made


@pytest.mark.parametrize("name", FORMS)
def test_a_known_form_of_lines_is_taken_apart(name: str, tmp_path: Path) -> None:
    """Lines that a known program writes get a column for each of their parts, and their time."""
    text, time_format, parts = FORMS[name]
    form = _drafted(text, tmp_path).declaration
    columns = form["columns"]
    assert form["format"]["type"] == "regex"
    assert columns["TimeGenerated"] == {"type": "datetime", "from": "time"} | (
        {} if time_format == "iso" else {"format": time_format}
    )
    groups = re.findall(r"\(\?P<(\w+)>", form["format"]["pattern"])
    assert [group for group in groups if group != "time"] == parts.split()
    assert {column.get("from", name) for name, column in columns.items()} == {"time", *parts.split()}


def test_lines_after_a_known_first_line_are_a_column_of_their_own(tmp_path: Path) -> None:
    """Of records with stack traces, the first line is taken apart and the rest of the lines kept beside it."""
    text = (
        "2026-11-20 06:00:01,123 ERROR [main] shop.Pay: failed\n"
        "java.lang.IllegalStateException: no route\n        at shop.Pay.charge(Pay.java:41)\n"
        "2026-11-20 06:00:02,001 INFO [main] shop.Pay: again\n"
    )
    made = _drafted(text, tmp_path)
    assert made.trials[0].read == 2
    first, second = made.trials[0].rows
    assert (first["Level"], first["Thread"], first["Logger"]) == ("ERROR", "main", "shop.Pay")
    assert first["Message"] == "failed"
    assert (
        first["Trace"] == "java.lang.IllegalStateException: no route\n        at shop.Pay.charge(Pay.java:41)"
    )
    assert (second["Message"], second["Trace"]) == ("again", "")


TRACED: dict[str, tuple[str, dict[str, Any]]] = {
    "postgresql": (
        (
            '2026-11-20 06:00:01.123 UTC [17] ana@shop ERROR:  relation "x" does not exist\n'
            "2026-11-20 06:00:02.123 UTC [17] ana@shop STATEMENT:  select *\n\tfrom x\n"
            "2026-11-20 06:00:03.000 UTC [1] LOG:  ready\n"
        ),
        {"Pid": 17, "User": "ana", "Database": "shop", "Level": "STATEMENT", "Message": "select *", "Trace": "\tfrom x"},
    ),
    "elasticsearch": (
        (
            "[2026-11-20T06:00:01,123][INFO ][o.e.n.Node         ] [node-1] starting\n"
            "[2026-11-20T06:00:02,123][ERROR][o.e.b.Bootstrap    ] [node-1] failed\njava.lang.Error: x\n"
        ),
        {"Level": "ERROR", "Logger": "o.e.b.Bootstrap", "Node": "node-1", "Message": "failed",
         "Trace": "java.lang.Error: x"},
    ),
    "tomcat": (
        (
            "20-Nov-2026 06:00:01.123 INFO [main] a.B.log started\n"
            "20-Nov-2026 06:00:02.123 SEVERE [exec-1] a.C.invoke failed\n\tjava.lang.Error: x\n"
        ),
        {"Level": "SEVERE", "Logger": "a.C.invoke", "Message": "failed", "Trace": "\tjava.lang.Error: x"},
    ),
    "cassandra": (
        (
            "INFO  [main] 2026-11-20 06:00:01,123 Daemon.java:17 - started\n"
            "ERROR [main] 2026-11-20 06:00:02,123 Daemon.java:18 - failed\njava.lang.Error: x\n"
        ),
        {"Level": "ERROR", "Message": "failed", "Trace": "java.lang.Error: x"},
    ),
    "mysql-slow": (
        (
            "# Time: 2026-11-20T06:00:01.123456Z\n# User@Host: ana[ana] @ localhost []\nselect 1;\n"
            "# Time: 2026-11-20T06:00:02.123456Z\n# Query_time: 2.000123\nselect 2;\n"
        ),
        {"Trace": "# Query_time: 2.000123\nselect 2;"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TRACED)
def test_a_known_form_of_several_lines_is_taken_apart(name: str, tmp_path: Path) -> None:
    """Records of several lines that known programs write have their parts and the lines after the first."""
    text, values = TRACED[name]
    row = _drafted(text, tmp_path).trials[0].rows[1]
    assert {key: row[key] for key in values} == values
    assert row["EventTime" if "EventTime" in row else "TimeGenerated"].startswith("2026-11-20T06:00:02")


@pytest.mark.parametrize(
    ("text", "records"),
    [
        ("INFO:root:up\nERROR:shop:no\nTraceback (most recent call last):\nValueError: x\nINFO:root:on\n", 3),
        ("Traceback (most recent call last):\n  File a\nValueError: x\n" * 2, 2),
    ],
    ids=["python-basic", "only-traces"],
)
def test_stack_traces_without_times_stay_whole(text: str, records: int, tmp_path: Path) -> None:
    """Lines that go on with a record are told by how records begin, where there is no time to tell them by."""
    path = tmp_path / "a.log"
    path.write_text(text)
    made = draft([path]).trials[0]
    assert (made.accepted, made.lost) == (records, 0)


@pytest.mark.parametrize("late", [False, True])
def test_a_line_of_another_form_costs_neither_it_nor_the_form(tmp_path: Path, *, late: bool) -> None:
    """A few lines that a pattern does not take are kept whole, wherever they stand, and the others are taken apart."""
    line = '192.0.2.7 - - [20/Nov/2026:06:00:01 +0100] "GET /{} HTTP/1.1" 200 512\n'
    known = [line.format(number if not late else "x" * 80) for number in range(25_000 if late else 40)]
    made = _other(tmp_path, [*known, "--- rotated ---\n"])
    assert made.declaration["columns"]["Status"]["type"] == "int"
    assert made.trials[0].accepted == len(known) + 1 or not made.trials[0].whole
    assert made.trials[0].lost == 0


def test_many_lines_of_another_form_are_text(tmp_path: Path) -> None:
    """A pattern that leaves out more than a few lines is not the file's form."""
    line = '192.0.2.7 - - [20/Nov/2026:06:00:01 +0100] "GET / HTTP/1.1" 200 512\n'
    assert _other(tmp_path, [*[line] * 9, "other\n"]).declaration["format"] == {"type": "text"}


def _other(folder: Path, lines: list[str]) -> Draft:
    path = folder / "a.log"
    path.write_text("".join(lines))
    return draft([path])


def test_both_ways_to_write_syslog_in_one_file(tmp_path: Path) -> None:
    """A log in which rsyslog was told of ISO times midway is one of syslog still."""
    text = "Nov 20 06:00:01 mail postfix[7]: a\n2026-11-20T06:00:02.5+00:00 mail postfix[7]: b\n"
    assert _drafted(text, tmp_path).declaration["format"] == {"type": "syslog"}


def test_fortinet_behind_a_priority_has_its_time(tmp_path: Path) -> None:
    """Pairs whose date and time follow a priority at once are no syslog message without a time."""
    text = '<189>date=2026-11-20 time=06:00:01 devname="FG-1"\n<189>date=2026-11-20 time=06:00:02 devname="FG-1"\n'
    columns = _drafted(text, tmp_path).declaration["columns"]
    assert columns["TimeGenerated"] == {"type": "datetime", "join": ["date", "time"]}
    assert columns["Devname"] == {"type": "string", "from": "devname"}


def test_values_in_single_quotes_stay_whole(tmp_path: Path) -> None:
    """Pairs with blanks between single quotes are read by the format that knows them."""
    text = "ts=2026-11-20T06:00:01Z msg='a b=c' n=1\nts=2026-11-20T06:00:02Z msg='d' n=2\n"
    made = _drafted(text, tmp_path)
    assert made.declaration["format"]["type"] == "kv"
    assert made.trials[0].rows[0]["Msg"] == "a b=c"


@pytest.mark.parametrize(
    "row", ["06:00:0{},7,oven,1.5", "06:00:0{}, INFO, oven, 1.5", "06:00:0{},INFO,oven,hot"]
)
def test_a_table_is_no_line_of_text(row: str, tmp_path: Path) -> None:
    """Rows with a time first and a comma between all their values stay a table."""
    rows = "".join(f"2026-11-20 {row.format(second)}\n" for second in range(8))
    assert _drafted(rows, tmp_path).declaration["format"]["type"] == "csv"


def test_every_pattern_names_its_time() -> None:
    """Each pattern of the catalog has one group for its time, so that a drafted route has one too."""
    assert all(pattern.count("(?P<time>") == 1 for pattern in (*PATTERNS, *TIMED))
