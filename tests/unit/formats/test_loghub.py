"""Logs that others have taken apart before: loghub's, and lines of the forms of its other logs."""

from __future__ import annotations

import csv
import inspect
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.formats.regex import RegexOptions
from shared.shape.times import time_reader
from tests.unit.formats.reading import read

LOGHUB = Path(__file__).parents[4] / "shared" / "data" / "loghub"

FORMATS = yaml.safe_load(r"""
Apache:
  type: regex
  pattern: '\[(?P<Time>[^\]]+)\] \[(?P<Level>\w+)\] (?P<Content>.*)'

OpenSSH:
  type: regex
  trim: true
  pattern: '(?P<Date>\w{3}) +(?P<Day>\d+) (?P<Time>[\d:]+) (?P<Component>\S+) sshd\[(?P<Pid>\d+)\]: (?P<Content>.*)'

Linux:
  type: regex
  trim: true
  pattern: '(?P<Month>\w{3}) +(?P<Date>\d+) (?P<Time>[\d:]+) (?P<Level>\S+) +(?P<Component>[^:\[]+)(?:\[(?P<PID>\d+)\])?: +(?P<Content>.*)'

Windows:
  type: regex
  pattern: '(?P<Date>[\d-]+) (?P<Time>[\d:]+), (?P<Level>\w+) +(?P<Component>\w+) +(?P<Content>.*)'
""")


def parsed(form: dict[str, Any], source: bytes) -> list[dict[str, str]]:
    """The records of a source, none of which is rejected."""
    records, rejects = read(form["type"], source, **{k: v for k, v in form.items() if k != "type"})
    assert rejects == []
    return records


@pytest.mark.skipif(not LOGHUB.is_dir(), reason="loghub's files are not beside the repository")
@pytest.mark.parametrize("name", FORMATS)
def test_a_log_of_loghub_is_taken_apart_as_loghub_did(name: str) -> None:
    """All 2,000 lines give the columns of the log's _structured.csv, value by value."""
    with (LOGHUB / f"{name}_2k.log_structured.csv").open(encoding="utf-8", newline="") as file:
        expected = list(csv.DictReader(file))
    records = parsed(FORMATS[name], (LOGHUB / f"{name}_2k.log").read_bytes())
    columns = expected[0].keys() - {
        "LineId",
        "EventId",
        "EventTemplate",
    }  # the last two are no part of a line
    assert len(records) == len(expected) == 2000
    assert records[0].keys() == columns
    for record, row in zip(records, expected, strict=True):
        assert record == {column: row[column] for column in columns}, f"LineId {row['LineId']}"


LIKE = [
    (
        "Android",
        r"(?P<Date>\S+) (?P<Time>\S+) +(?P<Pid>\d+) +(?P<Tid>\d+) (?P<Level>[VDIWEF]) (?P<Component>.*?) *: (?P<Content>.*)",
        """\
11-20 06:00:01.123  1702  2395 D WindowManager: adding window Window{9f4e u0 Door}
11-20 06:00:01.124  1702  2395 I ActivityManager: Start proc 4711:door.app/u0a55 for activity
11-20 06:00:01.130  4711  4711 W art     : Suspending all threads took: 5.2ms
11-20 06:00:02.001 14711 14800 E Net/Http: timeout: http://192.0.2.7:80/
11-20 06:00:02.002  1702  1702 V StatusBar:
""".replace("StatusBar:\n", "StatusBar: \n"),
        {"Date": "11-20", "Time": "06:00:01.130", "Pid": "4711", "Tid": "4711", "Level": "W", "Component": "art",
         "Content": "Suspending all threads took: 5.2ms"},
    ),
    (
        "BGL",
        r"(?P<Label>\S+) (?P<Timestamp>\d+) (?P<Date>[\d.]+) (?P<Node>\S+) (?P<Time>\S+) (?P<NodeRepeat>\S+) (?P<Type>\S+) (?P<Component>\S+) (?P<Level>\S+) (?P<Content>.*)",
        """\
- 1795154401 2026.11.20 R01-M0-N1-C:J02-U03 2026-11-20-06.00.01.123456 R01-M0-N1-C:J02-U03 RAS KERNEL INFO cache parity error corrected
- 1795154402 2026.11.20 R01-M0-N1-C:J02-U04 2026-11-20-06.00.02.123456 R01-M0-N1-C:J02-U04 RAS KERNEL INFO generating core.17
APPREAD 1795154403 2026.11.20 R02-M1-N0-I:J18-U11 2026-11-20-06.00.03.000001 R02-M1-N0-I:J18-U11 RAS APP FATAL ciod: failed to read: 7
KERNDTLB 1795154404 2026.11.20 R30-M0-N9-C:J16-U01 2026-11-20-06.00.04.000002 R30-M0-N9-C:J16-U01 RAS KERNEL FATAL data TLB error interrupt
- 1795154405 2026.11.20 UNKNOWN_LOCATION 2026-11-20-06.00.05.000003 UNKNOWN_LOCATION NULL DISCOVERY WARNING Node card is not fully functional
""",
        {"Label": "APPREAD", "Timestamp": "1795154403", "Date": "2026.11.20", "Node": "R02-M1-N0-I:J18-U11",
         "Time": "2026-11-20-06.00.03.000001", "NodeRepeat": "R02-M1-N0-I:J18-U11", "Type": "RAS",
         "Component": "APP", "Level": "FATAL", "Content": "ciod: failed to read: 7"},
    ),
    (
        "Hadoop",
        r"(?P<Date>\S+) (?P<Time>\S+) (?P<Level>\w+) \[(?P<Process>[^\]]*)\] (?P<Component>[^: ]+): (?P<Content>.*)",
        """\
2026-11-20 06:00:01,123 INFO [main] org.example.mapreduce.AppMaster: Created master for attempt_1795154401_0020_000001
2026-11-20 06:00:01,124 INFO [main] org.example.mapreduce.AppMaster: Executing with tokens:
2026-11-20 06:00:02,001 WARN [AsyncDispatcher event handler] org.example.mapreduce.JobImpl: job_1795_0020 is slow
2026-11-20 06:00:02,002 ERROR [RMCommunicator Allocator] org.example.mapreduce.RMAllocator: ERROR IN CONTACTING RM.
2026-11-20 06:00:02,003 INFO [IPC Server handler 7 on 62270] org.example.mapred.Listener: Progress of TaskAttempt [a] is : 0.1
""",
        {"Date": "2026-11-20", "Time": "06:00:02,001", "Level": "WARN", "Process": "AsyncDispatcher event handler",
         "Component": "org.example.mapreduce.JobImpl", "Content": "job_1795_0020 is slow"},
    ),
    (
        "HDFS",
        r"(?P<Date>\d{6}) (?P<Time>\d{6}) (?P<Pid>\d+) (?P<Level>\w+) (?P<Component>[^: ]+): (?P<Content>.*)",
        """\
261120 060001 148 INFO dfs.DataNode$PacketResponder: PacketResponder 1 for block blk_38865049064139660 terminating
261120 060001 222 INFO dfs.DataNode$PacketResponder: Received block blk_-6952295868487656571 of size 67108864 from /192.0.2.7
261120 060002 35 INFO dfs.FSNamesystem: BLOCK* NameSystem.addStoredBlock: blockMap updated: 192.0.2.8:50010 is added
261120 060003 13 WARN dfs.DataBlockScanner: Verification failed for blk_-5009020203888190378
261120 060004 31 INFO dfs.FSNamesystem: BLOCK* NameSystem.allocateBlock: /user/root/part-00742. blk_2529569
""",
        {"Date": "261120", "Time": "060002", "Pid": "35", "Level": "INFO", "Component": "dfs.FSNamesystem",
         "Content": "BLOCK* NameSystem.addStoredBlock: blockMap updated: 192.0.2.8:50010 is added"},
    ),
    (
        "HealthApp",
        r"(?P<Time>[^|]+)\|(?P<Component>[^|]+)\|(?P<Pid>\d+)\|(?P<Content>.*)",
        """\
20261120-6:0:1:123|Step_Counter|30002312|onStandStepChanged 3579
20261120-6:0:1:379|Step_Counter|30002312|onExtend:1514038530000 14 0 4
20261120-6:0:2:1|Step_StandReport|30002312|onReceive action: android.intent.action.SCREEN_ON
20261120-6:0:2:5|Step_Ext|30002312|calculateCalories|total=126775
20261120-6:0:3:7|HiH_HiSync|30002312|
""",
        {"Time": "20261120-6:0:2:5", "Component": "Step_Ext", "Pid": "30002312", "Content": "calculateCalories|total=126775"},
    ),
    (
        "HPC",
        r"(?P<LogId>\d+) (?P<Node>\S+) (?P<Component>\S+) (?P<State>\S+) (?P<Time>\d+) (?P<Flag>\d+) (?P<Content>.*)",
        r"""134681 node-246 unix.hw state_change.unavailable 1795154401 1 Component State Change: Component \042alt0\042 is in the unavailable state
350766 node-109 unix.hw state_change.unavailable 1795154402 1 Component State Change: Component \042alt0\042 is in the unavailable state
344518 node-246 unix.hw net.niff.up 1795154403 1 NIFF: node node-246 has detected an available network connection
2547 node-D1 node status 1795154404 1 configured out
181 gige7 action error 1795154405 1 risBoot (command 3690) Error: node-71 did not start
""",
        {"LogId": "344518", "Node": "node-246", "Component": "unix.hw", "State": "net.niff.up", "Time": "1795154403",
         "Flag": "1", "Content": "NIFF: node node-246 has detected an available network connection"},
    ),
    (
        "Mac",
        r"(?P<Month>\w{3}) +(?P<Date>\d+) (?P<Time>[\d:]+) (?P<User>\S+) (?P<Component>.+?)\[(?P<PID>\d+)\](?: \((?P<Address>[^)]*)\))?: (?P<Content>.*)",
        """\
Nov  2 06:00:01 visitor-10-0-4-20 kernel[0]: AirPort: Link Up on awdl0
Nov 20 06:00:02 visitor-10-0-4-20 com.example.CDScheduler[43]: Thermal pressure state: 1 Memory pressure state: 0
Nov 20 06:00:03 visitor-10-0-4-20 com.example.xpc.launchd[1] (com.example.quicklook[4711]): Service exited [with 1]: 2
Nov 20 06:00:04 visitor-10-0-4-20 QQ[10018]: tcp_connection_destination_perform_socket_connect 19110 failed: [51] unreachable
Nov 20 06:00:05 visitor-10-0-4-20 Mail Helper[3764]: syncing
""",
        {"Month": "Nov", "Date": "20", "Time": "06:00:03", "User": "visitor-10-0-4-20", "Component": "com.example.xpc.launchd",
         "PID": "1", "Address": "com.example.quicklook[4711]", "Content": "Service exited [with 1]: 2"},
    ),
    (
        "OpenStack",
        r"(?P<Logrecord>\S+) (?P<Date>\S+) (?P<Time>\S+) (?P<Pid>\d+) (?P<Level>\w+) (?P<Component>\S+) \[(?P<ADDR>[^\]]*)\] (?P<Content>.*)",
        """\
nova-api.log.1.2026-11-20_06:53:08 2026-11-20 06:00:00.008 25746 INFO nova.osapi_compute.wsgi.server [req-3810 113d 54fa - - -] 10.0.4.1 "GET /v2/54fa/servers/detail HTTP/1.1" status: 200 len: 1893 time: 0.2477829
nova-compute.log.1.2026-11-20_06:55:31 2026-11-20 06:00:00.272 2931 INFO nova.compute.manager [-] [instance: b9000564] VM Started (Lifecycle Event)
nova-compute.log.1.2026-11-20_06:55:31 2026-11-20 06:00:01.551 2931 WARNING nova.virt.libvirt.imagecache [req-addc - - - - -] Unknown base file: /var/lib/nova/instances/_base/a489
nova-scheduler.log.1.2026-11-20_06:52:04 2026-11-20 06:00:05.185 25998 INFO nova.scheduler.host_manager [req-addc - - - - -] The instance sync for host 'cp-1' did not match.
nova-api.log.1.2026-11-20_06:53:08 2026-11-20 06:00:06.500 25746 INFO nova.api.compute.wsgi [req-3811 113d 54fa - - -] HTTP exception thrown: No instances found for any event
""",
        {"Logrecord": "nova-compute.log.1.2026-11-20_06:55:31", "Date": "2026-11-20", "Time": "06:00:01.551", "Pid": "2931",
         "Level": "WARNING", "Component": "nova.virt.libvirt.imagecache", "ADDR": "req-addc - - - - -",
         "Content": "Unknown base file: /var/lib/nova/instances/_base/a489"},
    ),
    (
        "Proxifier",
        r"\[(?P<Time>[^\]]+)\] (?P<Program>.*?) - (?P<Content>.*)",
        """\
[11.20 06:00:01] browser.exe - proxy.example.com:5070 open through proxy proxy.example.com:5070 HTTPS
[11.20 06:00:02] browser.exe - proxy.example.com:5070 close, 0 bytes sent, 0 bytes received, lifetime <1 sec
[11.20 06:00:02] mail client.exe *64 - imap.example.com:993 close, 1070 bytes (1.04 KB) sent, lifetime 00:01
[11.20 06:00:03] browser.exe - proxy.example.com:5070 error : Could not connect through proxy - Reading control line
[11.20 06:00:04] sync.exe *64 - open
""",
        {"Time": "11.20 06:00:02", "Program": "mail client.exe *64",
         "Content": "imap.example.com:993 close, 1070 bytes (1.04 KB) sent, lifetime 00:01"},
    ),
    (
        "Spark",
        r"(?P<Date>[\d/]+) (?P<Time>[\d:]+) (?P<Level>\w+) (?P<Component>[^: ]+): (?P<Content>.*)",
        """\
26/11/20 06:00:01 INFO executor.CoarseGrainedExecutorBackend: Registered signal handlers for [TERM, HUP, INT]
26/11/20 06:00:01 INFO spark.SecurityManager: Changing view acls to: ana,dora
26/11/20 06:00:02 WARN storage.BlockManager: Block rdd_2_1 already exists: replacing
26/11/20 06:00:03 INFO util.Utils: Successfully started service 'sparkExecutorActorSystem' on port 55904.
26/11/20 06:00:04 ERROR executor.Executor: Exception in task 3.0 in stage 1.0 (TID 7)
""",
        {"Date": "26/11/20", "Time": "06:00:02", "Level": "WARN", "Component": "storage.BlockManager",
         "Content": "Block rdd_2_1 already exists: replacing"},
    ),
    (
        "Thunderbird",
        r"(?P<Label>\S+) (?P<Timestamp>\d+) (?P<Date>[\d.]+) (?P<User>\S+) (?P<Month>\w{3}) +(?P<Day>\d+) (?P<Time>[\d:]+) (?P<Location>\S+) (?P<Component>[^:\[]+)(?:\[(?P<PID>\d+)\])?: (?P<Content>.*)",
        """\
- 1795154401 2026.11.20 dn228 Nov 20 06:00:01 dn228/dn228 crond(pam_unix)[2915]: session closed for user root
- 1795154402 2026.11.20 dn731 Nov 2 06:00:01 dn731/dn731 crond[2916]: (root) CMD (run-parts /etc/cron.hourly)
- 1795154403 2026.11.20 tbird-admin1 Nov 20 06:00:02 local@tbird-admin1 ftpd: connection from 192.0.2.7: user ana
VAPI 1795154404 2026.11.20 aadmin1 Nov 20 06:00:03 src@aadmin1 kernel: scsi0: Unexpected busfree
- 1795154405 2026.11.20 en257 Nov 20 06:00:04 en257/en257 ntpd[1978]: synchronized to 10.0.4.22, stratum 3
""",
        {"Label": "-", "Timestamp": "1795154403", "Date": "2026.11.20", "User": "tbird-admin1", "Month": "Nov", "Day": "20",
         "Time": "06:00:02", "Location": "local@tbird-admin1", "Component": "ftpd", "PID": "",
         "Content": "connection from 192.0.2.7: user ana"},
    ),
    (
        "Zookeeper",
        r"(?P<Date>\S+) (?P<Time>\S+) - (?P<Level>\w+) +\[(?P<Node>.*):(?P<Component>[^:@]+)@(?P<Id>\d+)\] - (?P<Content>.*)",
        """\
2026-11-20 06:00:01,747 - INFO  [QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181:FastLeaderElection@774] - Notification time out: 3200
2026-11-20 06:00:01,748 - INFO  [/192.0.2.9:3888:QuorumCnxManager$Listener@493] - Received connection request /192.0.2.8:58018
2026-11-20 06:00:02,001 - WARN  [SendWorker:188978561024:QuorumCnxManager$SendWorker@679] - Interrupted while waiting for message on queue
2026-11-20 06:00:02,002 - ERROR [LearnerHandler-/192.0.2.8:52225:LearnerHandler@562] - Unexpected exception causing shutdown while sock still open
2026-11-20 06:00:03,003 - INFO  [main:QuorumPeer@913] - tickTime set to 2000
""",
        {"Date": "2026-11-20", "Time": "06:00:01,747", "Level": "INFO", "Node": "QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181",
         "Component": "FastLeaderElection", "Id": "774", "Content": "Notification time out: 3200"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "pattern", "lines", "one"), LIKE, ids=[case[0] for case in LIKE])
def test_one_pattern_takes_lines_of_this_form(
    name: str, pattern: str, lines: str, one: dict[str, str]
) -> None:
    """Invented lines in the form of another log of loghub: every one matches, and the values are where they belong."""
    records = parsed({"type": "regex", "pattern": pattern}, lines.encode())
    assert len(records) == lines.count("\n") == 5
    assert one in records


def _documented() -> list[list[str]]:
    """Line, pattern and time format of each form in the docs of `regex`."""
    text = inspect.cleandoc(RegexOptions.__doc__ or "").partition("#### Forms that are often met")[2]
    block = text.partition("```text\n")[2].partition("\n```")[0]
    return [form.split("\n") for form in block.split("\n\n")]


@pytest.mark.parametrize(("line", "pattern", "time"), _documented())
def test_a_form_in_the_docs_is_what_the_docs_say(line: str, pattern: str, time: str) -> None:
    """The pattern takes the line, and the time format its time."""
    (record,) = parsed({"type": "regex", "pattern": pattern}, line.encode())
    read_at = time_reader(time, None, datetime(2026, 11, 24, tzinfo=UTC)).one(record["time"])
    assert read_at.startswith(("2026-11-20T0", "2026-11-02T0"))
    assert record[list(record)[-1]]


def test_a_layout_becomes_a_pattern_as_the_docs_say() -> None:
    """The layout's names are the pattern's, the line gives the values that the docs name, and nothing may follow."""
    text = inspect.cleandoc(RegexOptions.__doc__ or "").partition("#### From a layout to a pattern")[2]
    layout, line, pattern = text.partition("```text\n")[2].partition("\n```")[0].split("\n")
    (record,) = parsed({"type": "regex", "trim": True, "pattern": pattern}, line.encode())
    assert list(record) == re.findall(r"<(\w+)>", layout)
    assert record == {
        "Month": "Nov", "Date": "2", "Time": "06:00:01", "Level": "WARN", "Node": "worker",
        "Component": "17:Listener", "Line": "493", "Program": "door control", "PID": "", "Content": "opened: yes",
    }  # fmt: skip
    optional = pattern.replace(r":\s+(?P<Content>.*)", r":(?:\s+(?P<Content>.*))?")
    short = line.removesuffix("opened: yes")
    (record,) = parsed({"type": "regex", "trim": True, "pattern": optional}, short.encode())
    assert (record["Program"], record["Content"]) == ("door control", "")
    last = pattern.replace("(?P<Node>.*?):", "(?P<Node>.*):")
    (record,) = parsed({"type": "regex", "pattern": last}, line.encode())
    assert record["Node"] == "worker:17"


LAYOUTS = [
    (r"<Date> <Time>  <Pid>  <Tid> <Level> <Component>: <Content>", "Android"),
    (r"<Label> <Timestamp> <Date> <Node> <Time> <NodeRepeat> <Type> <Component> <Level> <Content>", "BGL"),
    (r"<Date> <Time> <Level> \[<Process>\] <Component>: <Content>", "Hadoop"),
    (r"<Date> <Time> <Pid> <Level> <Component>: <Content>", "HDFS"),
    (r"<Time>\|<Component>\|<Pid>\|<Content>", "HealthApp"),
    (r"<LogId> <Node> <Component> <State> <Time> <Flag> <Content>", "HPC"),
    (r"<Month>  <Date> <Time> <User> <Component>\[<PID>\]( \(<Address>\))?: <Content>", "Mac"),
    (r"<Logrecord> <Date> <Time> <Pid> <Level> <Component> \[<ADDR>\] <Content>", "OpenStack"),
    (r"\[<Time>\] <Program> - <Content>", "Proxifier"),
    (r"<Date> <Time> <Level> <Component>: <Content>", "Spark"),
    (r"<Label> <Timestamp> <Date> <User> <Month> <Day> <Time> <Location> <Component>(\[<PID>\])?: <Content>", "Thunderbird"),
    (r"<Date> <Time> - <Level>  \[<Node>:<Component>@<Id>\] - <Content>", "Zookeeper"),
]  # fmt: skip


@pytest.mark.parametrize(("layout", "name"), LAYOUTS, ids=[name for _, name in LAYOUTS])
def test_a_layout_takes_lines_apart_as_loghub_does(layout: str, name: str) -> None:
    """What the docs make of a layout gives what loghub's own regular expressions make of it, to the blank."""
    lines = next(case[2] for case in LIKE if case[0] == name).splitlines()
    theirs = re.compile(
        "".join(
            f"(?P{part}.*?)" if part[0] == "<" else re.sub(" +", r"\\s+", part)
            for part in re.split("(<[^<>]+>)", layout)
            if part
        )
    )
    ours = re.sub(r"<(\w+)>$", r"(?P<\1>.*)", layout)
    ours = re.sub(r" +", r"\\s+", re.sub(r"(?<!P)<(\w+)>", r"(?P<\1>.*?)", ours))
    found = [theirs.fullmatch(line.strip()) for line in lines]
    taken = [line for line, match in zip(lines, found, strict=True) if match]
    assert len(taken) >= 4
    records = parsed({"type": "regex", "trim": True, "pattern": ours}, "\n".join(taken).encode())
    assert records == [match.groupdict("") for match in found if match]


def test_the_example_in_the_docs_is_what_the_docs_say() -> None:
    """The line that is taken apart step by step gives the values of the steps."""
    text = inspect.cleandoc(RegexOptions.__doc__ or "")
    line = text.partition("```text\n")[2].partition("\n")[0]
    route = yaml.safe_load(text.partition("```yaml\n")[2].partition("\n```")[0])["billing"]
    assert parsed(route["format"], line.encode()) == [
        {
            "time": "2026-11-20 06:00:01,123",
            "level": "WARN",
            "thread": "worker-3",
            "logger": "shop.Billing",
            "message": "card refused: order 17",
        }
    ]
