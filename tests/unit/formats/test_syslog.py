"""syslog, CEF and LEEF: what their fixtures do not show."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.formats.leef import LeefOptions
from shared.formats.sysloghead import FACILITIES, SEVERITIES, read_line
from tests.unit.formats.reading import blocks, parser, read

LOGHUB = Path(__file__).parents[4] / "shared" / "data" / "loghub"
NOT_HERE = pytest.mark.skipif(not LOGHUB.is_dir(), reason="the loghub files are not beside the repository")


def loghub(name: str) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """The records of a log, and its lines as they were taken apart by others."""
    records, rejects = read("syslog", (LOGHUB / f"{name}_2k.log").read_bytes())
    assert rejects == []
    with (LOGHUB / f"{name}_2k.log_structured.csv").open(newline="") as file:
        return records, list(csv.DictReader(file))


@NOT_HERE
def test_the_linux_log_equals_its_columns() -> None:
    """All 2,000 lines of loghub's Linux log say what its structured file says, column by column."""
    records, expected = loghub("Linux")
    assert len(records) == len(expected) == 2000
    for record, line in zip(records, expected, strict=True):
        month, day, time = record["timestamp"].split()
        found = [month, day, time, record["host"], record["app_name"], record.get("proc_id", "")]
        assert [*found, record["message"]] == [
            line[name] for name in ("Month", "Date", "Time", "Level", "Component", "PID", "Content")
        ]


@NOT_HERE
def test_the_openssh_log_equals_its_columns() -> None:
    """All 2,000 lines of loghub's OpenSSH log say what its structured file says, column by column."""
    records, expected = loghub("OpenSSH")
    assert len(records) == len(expected) == 2000
    for record, line in zip(records, expected, strict=True):
        month, day, time = record["timestamp"].split()
        found = [month, day, time, record["host"], record["proc_id"], record["message"]]
        assert record["app_name"] == "sshd"
        assert found == [line[name] for name in ("Date", "Day", "Time", "Component", "Pid", "Content")]


def test_every_priority_has_its_words() -> None:
    """Priorities 0 to 191 are 24 facilities times 8 severities, in the order of the RFC."""
    for number in range(192):
        found = read_line(f"<{number}>text")
        assert found is not None
        assert (found.facility, found.severity) == (FACILITIES[number // 8], SEVERITIES[number % 8])
    assert (FACILITIES[4], FACILITIES[10], FACILITIES[16]) == ("auth", "authpriv", "local0")
    assert (SEVERITIES[0], SEVERITIES[3], SEVERITIES[7]) == ("emerg", "err", "debug")
    assert read_line("<192>text") is None


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b"Jun 14 15:16:01 host app: text\n", "timestamp host app_name message"),
        (b"<7>Jun 14 15:16:01 host app[1]: t\n", "timestamp host app_name proc_id facility severity message"),
        (b"<7>1 - - - - - - text\nno header\n", "facility severity message"),
        (
            b"Jun 14 15:16:01 host app: text\n<7>1 - - - - ID - t\n",
            "timestamp host app_name msg_id facility severity message",
        ),
    ],
)
def test_a_block_has_the_names_that_occur_in_it(data: bytes, names: str) -> None:
    """A value that no line of a block has costs nothing: its name is not there."""
    (found,) = blocks(parser("syslog"), [data])
    assert found.names == tuple(names.split())


def test_windows_may_have_names_of_their_own() -> None:
    """A block's records have their block's names, whatever came before."""
    first = b"Jun 14 15:16:01 host app: text\n" * 10_000
    records, _ = read("syslog", first + b'<34>1 - - - - - [a b="c"] text\n' + first)
    assert len(records) == 20_001
    assert records[10_000] == {
        "facility": "auth",
        "severity": "crit",
        "structured_data": {"a": {"b": "c"}},
        "message": "text",
    }


MILLION = 1_000_000
HOSTILE = [
    b"Jun 14 15:16:01 " + b":" * MILLION,
    b"Jun 14 15:16:01 " + b" " * MILLION + b"x",
    b"Jun 14 15:16:01 h " + b"a " * (MILLION // 2),
    b"Jun 14 15:16:01 h " + b"1." * (MILLION // 2) + b"[",
    b"Jun 14 15:16:01 h a[1] (" + b"(" * MILLION,
    b"<34>1 - - - - - " + b"[a" * (MILLION // 2),
    b"<34>1 - - - - - [a" + b' b="c"' * (MILLION // 6),
    b"<34>1 - - - - - [a" + b' b="c"' * (MILLION // 6) + b"] x",
    b'<34>1 - - - - - [a b="' + b"\\" * MILLION,
    b"1 <" * (MILLION // 3),
    b"CEF:" * (MILLION // 4),
    b"CEF:0|a|b|c|d|e|5|" + b" " * MILLION + b"x",
    b"CEF:0|a|b|c|d|e|5|" + b" a" * (MILLION // 2),
    b"CEF:0|a|b|c|d|e|5|" + b" a=" * (MILLION // 3),
    b"CEF:0|a\\|" + b"\\" * MILLION + b"|b|c|d|e|5|\\",
    b"LEEF:2.0|a|b|c|d|^|" + b"^" * MILLION,
    b"LEEF:1.0|a|b|c|d|" + b" a=" * (MILLION // 3),
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["syslog", "cef", "leef"])
@pytest.mark.parametrize("line", HOSTILE, ids=range(len(HOSTILE)))
def test_no_line_is_looked_at_again_and_again(kind: str, line: bytes) -> None:
    """A line of a million characters, made to be hard, is read all the same."""
    records, rejects = read(kind, line + b"\n")
    assert len(records) + len(rejects) == 1


@pytest.mark.parametrize("kind", ["cef", "leef"])
def test_an_event_has_ten_thousand_fields_at_most(kind: str) -> None:
    """What has more is rejected, so that one line cannot fill the memory with its fields."""
    between = " " if kind == "cef" else "\t"
    head = "CEF:0|V|P|1|7|name|5|" if kind == "cef" else "LEEF:1.0|V|P|1|7|"
    for count, rejected in ((9_999, 0), (10_001, 1)):
        line = head + between.join(f"k{number}=v" for number in range(count))
        records, rejects = read(kind, line.encode())
        assert (len(records), [reject.reason for reject in rejects]) == (
            1 - rejected,
            ["TooManyFields"] * rejected,
        )


@pytest.mark.parametrize("delimiter", ["", "=", "|", "::", "\n"])
def test_a_delimiter_that_cannot_work_is_refused(delimiter: str) -> None:
    """LEEF's delimiter is one character that is not part of the header or of an attribute."""
    with pytest.raises(msgspec.ValidationError, match="delimiter"):
        msgspec.convert({"type": "leef", "delimiter": delimiter}, LeefOptions)


def test_a_delimiter_of_the_route() -> None:
    """Where the header does not say what stands between attributes, the route may."""
    records, _ = read("leef", b"LEEF:1.0|V|P|1|7|src=1;dst=2\n", delimiter=";")
    assert (records[0]["src"], records[0]["dst"]) == ("1", "2")
