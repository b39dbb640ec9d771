"""What `logferry infer` sees in lines of text that programs are known to write."""

from __future__ import annotations

import re
from pathlib import Path

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
