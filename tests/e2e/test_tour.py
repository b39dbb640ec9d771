"""`make run`: the tour over the whole of local Azure, as a newcomer starts it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120.0
CLI = "from shared.cli.main import main; main()"


def start(state_dir: Path, *options: str) -> subprocess.Popen[str]:
    """The tour in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "local.tour", "--state-dir", str(state_dir), *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def logferry(folder: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """The command line, in a folder where local Azure runs."""
    return subprocess.run(
        [sys.executable, "-c", CLI, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input=given,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def left_behind(state_dir: Path) -> list[str]:
    """Command lines of processes that still know the state folder."""
    found = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in found.splitlines() if str(state_dir) in line]


def row(output: str, name: str) -> list[str]:
    """The words of a table's line that begins with `name`."""
    return next(line for line in output.splitlines() if line.startswith(name)).removeprefix(name).split()


def test_once_lands_everything_and_leaves_nothing(tmp_path: Path) -> None:
    """`make run ONCE=1` shows totals that add up and the dead letter, exits 0 and leaves nothing."""
    state_dir = tmp_path / ".logferry"
    tour = start(state_dir, "--once")
    output, errors = tour.communicate(timeout=SECONDS)
    assert (tour.returncode, errors) == (0, ""), output + errors
    totals = re.search(r"^(\d+) inputs +([\d,]+) +([\d,]+) +([\d,]+) +([\d,]+)", output, re.MULTILINE)
    assert totals is not None, output
    inputs, read, accepted, filtered, dead_lettered = (int(text.replace(",", "")) for text in totals.groups())
    assert inputs > 30
    assert read == accepted + filtered + dead_lettered > 10_000
    assert row(output, "web/2026/11/access-1.csv")[:6] == [
        "web-access",
        "WebAccess_CL",
        "1,500",
        "1,357",
        "141",
        "2",
    ]
    assert row(output, "Firewall_CL") == ["1,959", "1,959", "1,481", "478", "adds", "up"]
    assert output.count("adds up") > 10
    dead = re.findall(r"^(\S+) +line (\d+) +(\w+)", output, re.MULTILINE)
    assert set(dead) >= {
        ("apps/checkout.ndjson", "750", "InvalidJson"),
        ("apps/checkout.ndjson", "900", "InvalidUtf8"),
        ("apps/refunds.ndjson.gz", "178", "BrokenInput"),
        ("firewall/fw01.tsv", "802", "RaggedRow"),
        ("web/2026/11/access-1.csv", "439", "RaggedRow"),
        ("web/2026/11/access-1.csv", "777", "InvalidUtf8"),
    }
    assert (
        f"{read:,} records read = {accepted:,} accepted + {filtered:,} filtered + {dead_lettered:,}" in output
    )
    assert all(character.isprintable() or character == "\n" for character in output)
    assert not (state_dir / "stack.json").exists()
    assert left_behind(state_dir) == []


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder where local Azure is up after its tour; Ctrl-C ends it."""
    folder = tmp_path_factory.mktemp("tour")
    tour = start(folder / ".logferry")
    assert tour.stdout is not None
    said = ""
    for line in tour.stdout:
        said += line
        if "every other log" in line:
            break
    assert tour.poll() is None, said
    yield folder
    tour.send_signal(signal.SIGINT)
    output, errors = tour.communicate(timeout=SECONDS)
    assert (tour.returncode, errors) == (0, ""), said + output + errors
    assert output.endswith("Stopped; nothing is left running.\n")
    assert left_behind(folder) == []


def test_a_dropped_file_is_followed_to_its_end(here: Path) -> None:
    """`logferry drop --wait` gives the audit row of that very version."""
    answer = logferry(
        here, "drop", str(ROOT / "samples/web/access-2.csv.gz"), "--as", "web/again.csv.gz", "--wait"
    )
    assert answer.returncode == 0, answer.stderr
    assert row(answer.stdout, "drop/web/again.csv.gz")[:6] == [
        "web-access",
        "WebAccess_CL",
        "done",
        "1,200",
        "1,059",
        "141",
    ]


def test_a_path_that_no_route_takes_is_said_first(here: Path) -> None:
    """`logferry drop` uploads nothing that no route takes, and says what routes take."""
    answer = logferry(here, "drop", str(ROOT / "samples/notes/handover.txt"))
    assert answer.returncode == 1
    assert answer.stderr.startswith("No route takes handover.txt; nothing was uploaded.")
    assert "web/**/*.csv" in answer.stderr


def test_a_message_is_followed_to_its_end(here: Path) -> None:
    """`logferry send --wait` gives the audit row of the message, and 1 where it is dead."""
    good = logferry(here, "send", '{"name": "door opened", "severity": 1}', "--wait")
    assert (good.returncode, "  events  Events_CL  done " in good.stdout) == (0, True), good.stdout
    bad = logferry(here, "send", "-", "--wait", given='"nothing of the kind"')
    assert bad.returncode == 1
    assert "the message is a JSON string" in bad.stdout


def test_a_query_in_all_its_forms(here: Path) -> None:
    """`logferry query` gives a table, CSV or JSON of the same rows, and a wrong query is one sentence."""
    kql = "Firewall_CL | summarize Rows = count() by Action | order by Action asc"
    table, csv, as_json = (logferry(here, "query", kql, *how) for how in ([], ["--csv"], ["--json"]))
    assert csv.stdout.splitlines()[0] == "Action,Rows"
    rows = [line.split(",") for line in csv.stdout.splitlines()[1:]]
    assert [name for name, _ in rows] == ["deny", "drop", "reset"]
    assert [[r["Action"], str(r["Rows"])] for r in json.loads(as_json.stdout)] == rows
    assert table.stdout.splitlines()[1].split() == rows[0]
    wrong = logferry(here, "query", "Firewall_CL | where Acton == 1")
    assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (1, "", 1)
    assert "did you mean 'Action'?" in wrong.stderr


def test_a_record_is_verified_on_the_whole_way(here: Path) -> None:
    """`logferry verify` finds the file that it dropped, by event, app, rule and query of local Azure."""
    now = datetime.now(UTC).isoformat()
    (here / "sample.ndjson").write_text(
        json.dumps({"TimeGenerated": now, "Message": "logferry-verify"}) + "\n"
    )
    answer = logferry(here, "verify", "--file", "sample.ndjson", "--as", "apps/sample.ndjson")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    stages = {line.split()[0] for line in answer.stdout.splitlines()}
    assert stages >= {"Route", "sent", "taken", "received", "done", "found", "It"}


def test_the_page_about_queries_runs(here: Path) -> None:
    """docs/query.md: the last version of its detection passes its test, on rows that went all the way."""
    page = (ROOT / "docs/query.md").read_text()
    for name, body in re.findall(r"^`([\w/.]+)`:\n\n```\w+\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).write_text(body)
    (here / "logferry").write_text(f"#!{sys.executable}\n{CLI}\n")
    (here / "logferry").chmod(0o755)
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_detections.py"],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{here}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert "4 passed" in tested.stdout, tested.stdout + tested.stderr


def test_one_local_azure_a_folder(here: Path) -> None:
    """A second tour in the same folder says that one runs there, and harms it not."""
    second = start(here / ".logferry", "--once")
    _, errors = second.communicate(timeout=SECONDS)
    assert second.returncode == 1
    assert "is running in" in errors
    assert "Traceback" not in errors
    assert logferry(here, "query", "Events_CL | count").returncode == 0


def test_ctrl_c_while_it_starts(tmp_path: Path) -> None:
    """Ctrl-C before the end of the tour is exit code 130 and leaves nothing."""
    tour = start(tmp_path)
    until = time.monotonic() + SECONDS
    while not (tmp_path / "logs" / "azurite.log").exists() and time.monotonic() < until:
        time.sleep(0.02)
    tour.send_signal(signal.SIGINT)
    output, errors = tour.communicate(timeout=SECONDS)
    assert (tour.returncode, errors) == (130, ""), output + errors
    assert left_behind(tmp_path) == []
