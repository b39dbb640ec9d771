"""Audit rows, read back from a log that is still being written."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec
import pytest

from shared import audit
from shared.audit import Audit
from shared.cli.audit import Tail, audit_of

ROW = Audit(
    kind="blob", source="drop/a {b}.csv", version="0x1", route="r", table="T_CL", outcome="done", read=1
)


def test_what_is_logged_can_be_read_back(caplog: pytest.LogCaptureFixture) -> None:
    """An audit row comes back from its log line, also from one that does not add up."""
    caplog.set_level(logging.INFO, "logferry.audit")
    audit.write(ROW)
    said = caplog.messages[-1]
    assert said.endswith("(does not add up)")
    assert audit_of(f"2026-11-23T10:00:00Z [error] {said}") == ROW


@pytest.mark.parametrize(
    "line", ["", "audit {", 'audit {"kind": 1}', "an audit of nothing", 'audit {"kind": "\udcff"}']
)
def test_other_lines_give_none(line: str) -> None:
    """A line without an audit row is no error, and no row."""
    assert audit_of(line) is None


def test_a_line_in_two_pieces_is_one_row(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A row whose line is half written is seen once, when it is whole."""
    caplog.set_level(logging.INFO, "logferry.audit")
    audit.write(ROW)
    line = caplog.messages[-1].encode() + b"\n"
    log = tmp_path / "host.log"
    log.write_bytes(b"before\n" + line[:9])
    tail = Tail(log, from_start=True)
    assert list(tail.audits()) == []
    with log.open("ab") as out:
        out.write(line[9:] + line)
    assert list(tail.audits()) == [ROW, ROW]
    assert list(tail.audits()) == []


def test_only_what_is_new(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A tail begins at the end of what is there already."""
    caplog.set_level(logging.INFO, "logferry.audit")
    audit.write(ROW)
    log = tmp_path / "host.log"
    log.write_text(caplog.messages[-1] + "\n")
    assert list(Tail(log).audits()) == []
    assert list(Tail(tmp_path / "none.log").audits()) == []


def test_waiting_ends_when_a_source_has_ended(tmp_path: Path) -> None:
    """A continued source is waited for until it is done; another version does not count."""
    log = tmp_path / "host.log"
    tail = Tail(log)
    rows = [
        Audit(kind="blob", source="drop/x", version=version, route="", table="", outcome=outcome)
        for version, outcome in (("0x9", "done"), ("0x1", "continued"), ("0x1", "done"))
    ]
    log.write_text("".join(f"audit {msgspec.json.encode(row).decode()}\n" for row in rows))
    assert tail.wait({("drop/x", "0x1")}, 5) == rows[1:]
    assert tail.wait({("drop/x", "0x1")}, 0.1) == []
