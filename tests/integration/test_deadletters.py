"""`logferry deadletters` on real storage: what it shows, what it asks of the app, what it removes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from shared.cli.deadletters_find import moment
from shared.cli.local import Trouble
from shared.cli.main import app as cli
from shared.cli.put import _show_dead
from shared.cli.show import Show
from tests.azurite import Azurite
from tests.ferry import ROUTES, Ferry, ferry
from tests.integration.test_replay import CSV, STRICT, documents, mend, names


class Operator:
    """Somebody at a command line."""

    def __init__(self, app: Ferry, folder: Path) -> None:
        self.app = app
        self.settings = folder / "local.settings.json"
        self.settings.write_text(json.dumps({"Values": app.environ}))

    def runs(self, command: str, *arguments: str, code: int = 0) -> Result:
        found = CliRunner().invoke(
            cli,
            ["deadletters", command, "--settings", str(self.settings), *arguments],
            catch_exceptions=False,
        )
        assert found.exit_code == code, found.output
        return found

    def json(self, command: str, *arguments: str, code: int = 0) -> object:
        return json.loads(self.runs(command, "--json", *arguments, code=code).stdout)


@pytest.fixture
def by(azurite: Azurite, tmp_path: Path) -> Iterator[Operator]:
    """An operator of an app with six records of two files and one message in the dead letter."""
    with ferry(azurite, tmp_path, STRICT) as app:
        app.drop("rows/a.csv", CSV)
        app.take("rows/a.csv")
        app.drop("lines/b.ndjson", b'bad\n{"Name":"b"}\n\x1b[31mworse\xff\n')
        app.take("lines/b.ndjson")
        app.send(b"nonsense")
        yield Operator(app, tmp_path)


@contextmanager
def working(app: Ferry) -> Iterator[None]:
    """The host: whatever is on the work queue is done, until the end."""
    ends = threading.Event()

    def run() -> None:
        while not ends.wait(0.05):
            for message in app.work_queue.receive_messages():
                app.work(json.loads(message.content))
                app.work_queue.delete_message(message)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()


def test_list_groups_by_route_and_reason(by: Operator) -> None:
    """A line for each route and reason, with how many records, and a total that adds up."""
    lines = by.runs("list").output.splitlines()
    assert [line.split()[:3] for line in lines[1:-3]] == [
        ["lines", "InvalidJson", "1"],
        ["lines", "InvalidUtf8", "1"],
        ["none", "BadMessage", "whole"],
        ["rows", "BadValue", "3"],
        ["rows", "RaggedRow", "1"],
    ]
    assert "6 records and 1 source as a whole in 3 documents, of 3 sources." in lines


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--route", "rows"], ["rows"]),
        (["--source", "*/b.ndjson"], ["lines"]),
        (["--source", "rows/*"], ["rows"]),
        (["--reason", "BadValue"], ["rows"]),
        (["--since", "1h"], ["lines", "none", "rows"]),
        (["--until", "1h"], []),
        (["--limit", "1"], ["lines"]),
        (["lines/", "rows/"], ["lines", "rows"]),
    ],
)
def test_what_is_looked_for(by: Operator, arguments: list[str], found: list[str]) -> None:
    """Route, pattern of the source, reason, time, number and the beginning of a name each narrow it down."""
    answer = by.json("list", *arguments)
    assert isinstance(answer, dict)
    assert [document["route"] for document in answer["documents"]] == found


def test_nothing_found_is_said(by: Operator) -> None:
    """An empty dead letter is good news, in words."""
    said = by.runs("list", "--route", "no-such").output
    assert "Nothing that matches is in the dead letter" in said
    assert "nothing of a route no-such; there is of: lines, none, rows." in said


def test_show_tells_where_why_and_what(by: Operator) -> None:
    """Place, reason, detail and bytes of each record; what is no text cannot write to a terminal."""
    text = by.runs("show", "--route", "lines").output
    assert "line 1: InvalidJson" in text
    assert "line 3: InvalidUtf8" in text
    assert "\\x1b[31mworse\\xff" in text
    assert "\x1b" not in text
    assert "line 3: InvalidUtf8" not in by.runs("show", "--reason", "InvalidJson").output
    assert "... and 6 more" in by.runs("show", "--limit", "1").output


def test_show_raw_gives_the_bytes_back(by: Operator) -> None:
    """--raw writes what came, byte for byte, a newline after each."""
    assert by.runs("show", "--route", "lines", "--raw").stdout_bytes == b"bad\n\x1b[31mworse\xff\n"
    (line,) = by.runs("show", "--reason", "RaggedRow", "--json").output.splitlines()
    assert json.loads(line)["raw"] == "bad"


def test_a_dry_run_says_what_would_become_and_sends_nothing(by: Operator) -> None:
    """With the mended routes file: rows, filtered and what would stay, with its place; the dead letter is as before."""
    mended = by.settings.parent / "mended.yaml"
    mended.write_text(ROUTES)
    before = by.app.dead()
    text = by.runs("replay", "--dry-run", "--routes", str(mended), code=1).output
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines()[1:4]}
    assert rows == {
        "lines": ["2", "0", "0", "2", "0"],
        "none": ["0", "0", "0", "0", "1"],
        "rows": ["4", "2", "1", "1", "0"],
    }
    assert "line 7  RaggedRow" in text
    assert (by.app.dead(), by.app.queued(), names(by.app)) == (before, [], ["n0", "n3"])
    by.runs("replay", "--dry-run", "--routes", str(mended), "--reason", "BadValue")


def test_a_replay_is_waited_for_and_told(by: Operator) -> None:
    """The app does it; the command says what landed, what came back, and leaves with 1 if anything did."""
    mend(by.app)
    with working(by.app):
        text = by.runs("replay", "--route", "rows", code=1).output
        assert text.splitlines()[-2].split() == ["rows", "1", "2", "1", "1", "0"]
        assert names(by.app) == ["n0", "n1", "n3", "n4"]
        answer = by.json("replay", "--route", "rows", code=1)
        assert isinstance(answer, list)
        assert [(one["trace"]["accepted"], one["trace"]["dead_lettered"]) for one in answer] == [(0, 1)]


def test_only_records_with_the_reason_are_replayed(by: Operator) -> None:
    """Others of the same document stay as they are, and are not tried."""
    mend(by.app)
    with working(by.app):
        by.runs("replay", "--route", "rows", "--reason", "BadValue")
    left = [line for line in by.app.dead() if line["route"] == "rows"]
    assert [(line["reason"], line.get("tries", 0)) for line in left] == [("RaggedRow", 0)]


def test_a_replay_that_nobody_waits_for(by: Operator) -> None:
    """--no-wait only puts it on the queue, a document later than the other where a rate was named."""
    by.runs("replay", "--no-wait", "--rate", "0.01")
    times = [m.next_visible_on for m in by.app.work_queue.receive_messages()]
    assert len(times) == 1  # the other two are to be seen in some minutes
    assert (by.app.work_queue.get_queue_properties().approximate_message_count or 0) == 3


def test_purge_wants_to_know_what(by: Operator) -> None:
    """Without a filter or --all, and without somebody who agrees, nothing goes."""
    by.runs("purge", code=2)
    with pytest.raises(Trouble, match="Say --yes"):
        by.runs("purge", "--route", "rows")
    by.runs("purge", "--all", "--dry-run")
    assert len(documents(by.app)) == 3


def test_purge_removes_what_it_says(by: Operator) -> None:
    """By reason only records with it go, and the others stay whole; then all of it."""
    assert (
        "4 records in 1 document, of 1 source (of these 3 with BadValue)"
        in by.runs("purge", "--reason", "BadValue", "--yes").output
    )
    left = [line for line in by.app.dead() if line["route"] == "rows"]
    assert [(line["reason"], line["state"]) for line in left] == [("RaggedRow", {"header": ["name", "size"]})]
    by.runs("purge", "--older-than", "1d", "--yes")
    assert len(documents(by.app)) == 3
    by.runs("purge", "--all", "--yes")
    assert documents(by.app) == []


def test_times_as_operators_write_them() -> None:
    """Dates, times with and without a zone, and so long ago; anything else is a sentence."""
    now = datetime(2026, 11, 24, 6, tzinfo=UTC)
    assert moment("2d", now) == now - timedelta(days=2)
    assert moment("2026-11-20") == datetime(2026, 11, 20, tzinfo=UTC)
    assert moment("2026-11-20T06:00:00+02:00") == datetime(2026, 11, 20, 4, tzinfo=UTC)
    assert moment("") is None
    for text in ("yesterday", "2026-13-40", "999999w", "0001-01-01T00:00+14:00"):
        with pytest.raises(Trouble, match="is no time"):
            moment(text)


def test_drop_says_why_records_are_dead(
    by: Operator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each reason with its count, and the command that shows the records; other sources are not named."""
    folder = by.settings.parent / ".logferry"
    folder.mkdir()
    environ = by.app.environ
    stack = {
        "connection_string": environ["DropStorage"],
        "blob_url": by.app.blobs.url,
        "host_url": "",
        "monitor_url": "",
        "query_url": "",
        "log": "host.log",
        "routes": "routes.yaml",
        "drop_container": environ["DROP_CONTAINER"],
        "allowed_containers": [],
        "ingest_queue": "ingest",
        "work_queue": environ["WORK_QUEUE"],
        "state_container": environ["STATE_CONTAINER"],
        "deadletter_container": environ["DEADLETTER_CONTAINER"],
    }
    (folder / "stack.json").write_text(json.dumps(stack))
    monkeypatch.chdir(by.settings.parent)
    source = f"{environ['DROP_CONTAINER']}/rows/a.csv"
    _show_dead(Show(), {source})
    reasons, look = capsys.readouterr().out.splitlines()
    assert reasons == f"{source}: dead letter: BadValue 3, RaggedRow 1"
    command = look.removeprefix("Look at it: logferry deadletters show ")
    assert "line 7: RaggedRow" in by.runs("show", command).output
