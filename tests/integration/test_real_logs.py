"""Logs that real machines wrote, against what others made of them.

The files are not part of the project: without them beside it, these tests are skipped.
loghub's logs come with the same lines taken apart into columns, Zeek's in two forms of
the same traffic. The routes are as a user would write them.
"""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from shared.model import Rows
from shared.routes import Route, load, loads
from shared.trial import Trial, run

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"the real logs are not beside the project, in {DATA}"
)

LINES = 2_000
ROUTES = r"""
routes:
  apache:
    from: { blobs: ["apache/**"] }
    format:
      type: regex
      trim: true
      pattern: '\[(?P<time>[^\]]+)\] \[(?P<level>[^\]]+)\] (?P<message>.*)'
    table: Apache_CL
    columns:
      TimeGenerated: { type: datetime, from: time, format: "%a %b %d %H:%M:%S %Y" }
      EventTime:     { type: datetime, from: time, format: "%a %b %d %H:%M:%S %Y" }
      LineId:        { type: int,      fact: line }
      Time:          { type: string,   from: time }
      Level:         { type: string,   from: level }
      Content:       { type: string,   from: message }

  openssh:
    from: { blobs: ["openssh/**"] }
    format:
      type: regex
      trim: true
      pattern: '(?P<month>\w{3}) +(?P<day>\d+) (?P<time>[\d:]+) (?P<host>\S+) sshd\[(?P<pid>\d+)\]: (?P<message>.*)'
    table: OpenSsh_CL
    columns:
      TimeGenerated: { type: datetime, join: [month, day, time], format: syslog, zone: America/Los_Angeles }
      EventTime:     { type: datetime, join: [month, day, time], format: syslog, zone: America/Los_Angeles }
      LineId:        { type: int,      fact: line }
      Date:          { type: string,   from: month }
      Day:           { type: int,      from: day }
      Time:          { type: string,   from: time }
      Component:     { type: string,   from: host }
      Pid:           { type: int,      from: pid }
      Content:       { type: string,   from: message }

  openssh-as-syslog:
    from: { blobs: ["openssh-as-syslog/**"] }
    format: { type: syslog }
    table: OpenSshSyslog_CL
    columns:
      TimeGenerated: { type: datetime, from: timestamp, format: syslog, zone: America/Los_Angeles }
      EventTime:     { type: datetime, from: timestamp, format: syslog, zone: America/Los_Angeles }
      LineId:        { type: int,      fact: line }
      Stamp:         { type: string,   from: timestamp }
      Component:     { type: string,   from: host }
      Program:       { type: string,   from: app_name }
      Pid:           { type: int,      from: proc_id }
      Content:       { type: string,   from: message }

  linux:
    from: { blobs: ["linux/**"] }
    format:
      type: regex
      trim: true
      pattern: '(?P<month>\w{3}) +(?P<day>\d+) (?P<time>[\d:]+) (?P<host>\S+) +(?P<program>.*?)(?:\[(?P<pid>\d+)\])?: *(?P<message>.*)'
    table: Linux_CL
    columns:
      TimeGenerated: { type: datetime, join: [month, day, time], format: syslog }
      EventTime:     { type: datetime, join: [month, day, time], format: syslog }
      LineId:        { type: int,      fact: line }
      Month:         { type: string,   from: month }
      Date:          { type: int,      from: day }
      Time:          { type: string,   from: time }
      Level:         { type: string,   from: host }
      Component:     { type: string,   from: program }
      PID:           { type: int,      from: pid }
      Content:       { type: string,   from: message }

  linux-as-syslog:
    from: { blobs: ["linux-as-syslog/**"] }
    format: { type: syslog }
    table: LinuxSyslog_CL
    columns:
      TimeGenerated: { type: datetime, from: timestamp, format: syslog }
      EventTime:     { type: datetime, from: timestamp, format: syslog }
      LineId:        { type: int,      fact: line }
      Stamp:         { type: string,   from: timestamp }
      Level:         { type: string,   from: host }
      Component:     { type: string,   from: app_name }
      PID:           { type: int,      from: proc_id }
      Content:       { type: string,   from: message }

  windows:
    from: { blobs: ["windows/**"] }
    format:
      type: regex
      trim: true
      pattern: '(?P<date>[\d-]+) (?P<time>[\d:]+), (?P<level>\w+) +(?P<component>\w+) +(?P<message>.*)'
    table: Windows_CL
    columns:
      TimeGenerated: { type: datetime, join: [date, time] }
      EventTime:     { type: datetime, join: [date, time] }
      LineId:        { type: int,      fact: line }
      Date:          { type: string,   from: date }
      Time:          { type: string,   from: time }
      Level:         { type: string,   from: level }
      Component:     { type: string,   from: component }
      Content:       { type: string,   from: message }
"""


class Log(NamedTuple):
    """One of loghub's logs, and what its structured form says of a line's time."""

    name: str
    written: datetime
    """When the file was last written, where lines have no year: it names the year."""
    time: str
    """Columns whose texts are the time, put together."""
    pattern: str
    hours: int = 0
    """How far local time is behind UTC."""


SSH = Log(
    "OpenSSH", datetime(2015, 12, 10, 23, tzinfo=UTC), "{year} {Date} {Day} {Time}", "%Y %b %d %H:%M:%S", 8
)
LINUX = Log("Linux", datetime(2005, 12, 1, tzinfo=UTC), "{year} {Month} {Date} {Time}", "%Y %b %d %H:%M:%S")
LOGS = {
    "apache": Log("Apache", datetime(2024, 1, 1, tzinfo=UTC), "{Time}", "%a %b %d %H:%M:%S %Y"),
    "openssh": SSH,
    "openssh-as-syslog": SSH,
    "linux": LINUX,
    "linux-as-syslog": LINUX,
    "windows": Log("Windows", datetime(2024, 1, 1, tzinfo=UTC), "{Date} {Time}", "%Y-%m-%d %H:%M:%S"),
}
MINED = {"EventId", "EventTemplate"}
"""What loghub found out about lines; no line says it."""


@pytest.mark.parametrize("name", LOGS)
def test_loghubs_logs_become_the_rows_of_their_structured_form(name: str, tmp_path: Path) -> None:
    """Of every line of a real log each column lands as others took it apart, with the right time and nothing lost."""
    log = LOGS[name]
    wanted = _structured(log.name)
    found = _tried(loads(ROUTES).by_name[name], DATA / "loghub" / f"{log.name}_2k.log", log.written, tmp_path)

    assert (found.read, found.accepted, found.lost, found.rejected.total()) == (LINES, LINES, 0, 0)
    assert set(found.changed) <= {"time_replaced"}, (
        "no field that no column takes, no value that does not fit"
    )
    assert len(wanted) == LINES
    for row, want in zip(found.rows, wanted, strict=True):
        got = _with_parts_of_the_time(row, set(want))
        assert {key: _text(got.get(key)) for key in want} == want, f"line {want['LineId']}"
        assert row["EventTime"] == _time(log, want), f"line {want['LineId']}"
        assert set(row) - set(want) <= {"TimeGenerated", "EventTime", "Stamp", "Program"}


def _structured(name: str) -> list[dict[str, str]]:
    path = DATA / "loghub" / f"{name}_2k.log_structured.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return [{k: v for k, v in row.items() if k not in MINED} for row in csv.DictReader(file)]


def _tried(route: Route, path: Path, written: datetime, folder: Path) -> Trial:
    copy = folder / path.name
    shutil.copyfile(path, copy)
    os.utime(copy, (written.timestamp(), written.timestamp()))
    return run(route, copy, keep=10_000)


def _with_parts_of_the_time(row: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """A row that has the time as one text, also with the parts that the structured form has."""
    if "Stamp" not in row:
        return row
    month, day, time = row["Stamp"].split()
    return (
        row
        | ({"Month": month, "Date": day} if "Month" in names else {"Date": month, "Day": day})
        | {"Time": time}
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _time(log: Log, want: dict[str, str]) -> str:
    text = log.time.format(year=log.written.year, **want)
    moment = datetime.strptime(text, log.pattern).replace(tzinfo=UTC).timestamp() + log.hours * 3600
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


ZEEK_RECORDS = 53_615


def test_zeeks_two_forms_give_the_same_rows(tmp_path: Path) -> None:
    """The same traffic, written by Zeek with tabs and as JSON, becomes the same rows from one list of columns."""
    as_json = load(ROOT / "routes.yaml").by_name["zeek-dns"]
    as_tabs = _with_format(tmp_path, "{ type: zeek, times: iso }")
    assert as_tabs.columns == as_json.columns

    seen = 0
    pairs = zip(_rows(as_tabs, "dns.log.gz"), _rows(as_json, "dns.json.gz"), strict=True)
    for number, (tabs, json) in enumerate(pairs):
        assert _comparable(tabs) == _comparable(json), f"record {number}"
        seen += 1
    assert seen == ZEEK_RECORDS


def _with_format(folder: Path, written: str) -> Route:
    """The route zeek-dns with another format, and nothing else changed."""
    text = (ROOT / "routes.yaml").read_text(encoding="utf-8")
    head, name, rest = text.partition("  zeek-dns:\n")
    assert name
    path = folder / "routes.yaml"
    path.write_text(head + name + rest.replace("{ type: ndjson }", written, 1), encoding="utf-8")
    return load(path).by_name["zeek-dns"]


def _rows(route: Route, name: str) -> Iterator[dict[str, Any]]:
    """All rows of a file; every record is one, and nothing of it is lost."""
    blocks: list[Rows] = []
    found = run(route, DATA / "zeek" / name, keep=0, sink=blocks.append)
    assert (found.read, found.accepted, found.lost) == (ZEEK_RECORDS, ZEEK_RECORDS, 0)
    assert set(found.changed) <= {"time_replaced", "undeclared_kept"}
    lines = chain.from_iterable(block.text.splitlines() for block in blocks)
    return map(msgspec.json.decode, lines)


def _comparable(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what the two files themselves say differently.

    The time of receipt is each file's own. The JSON log says by whom and when a record
    was written. Where the tab-separated log has microseconds of an interval, it has all
    digits of the difference of two doubles.
    """
    extra = {
        key: value for key, value in (row.get("Extra") or {}).items() if key not in {"_path", "_write_ts"}
    }
    row = {key: value for key, value in row.items() if key != "TimeGenerated"} | {"Extra": extra}
    if row.get("RttSeconds") is not None:
        row["RttSeconds"] = round(row["RttSeconds"], 6)
    return row
