"""`logferry verify`, through the app on real storage: what is sent is found, or it is told where it stands."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from shared.cli.main import app as logferry
from shared.cli.verify_record import WORD, message
from shared.handlers import message as message_handler
from shared.routes import load, loads
from tests.azurite import Azurite
from tests.ferry import Ferry, ferry
from tests.monitor import WORKSPACE, monitor

ROOT = Path(__file__).resolve().parents[2]
ROUTES = """
routes:
  rows:
    from: { blobs: ["rows/**"] }
    format: csv
    table: Rows_CL
    columns: { Name: { from: name }, Size: { type: int, from: size } }
    drop: { Name: [skip] }
  events:
    from: { messages: true }
    format: json
    table: Events_CL
    columns: { Severity: { type: int, from: severity }, Name: { from: name } }
    transform: "source | extend Level = strcat('level ', tostring(Severity))"
  loud:
    from: { blobs: ["loud/**"] }
    format: json
    table: Loud_CL
    columns: { Severity: { type: int, from: severity }, Name: { from: name } }
    transform: "source | where tostring(Severity) endswith '7'"
"""


class Host(threading.Thread):
    """Calls the app for messages and new files, as the Functions host does."""

    def __init__(self, app: Ferry) -> None:
        super().__init__(daemon=True)
        self._app = app
        self._over = threading.Event()
        self._known: set[str] = set()
        self.trouble: Exception | None = None

    def run(self) -> None:
        try:
            while not self._over.wait(0.02):
                self._messages()
                self._files()
        except Exception as error:  # shown by the test
            self.trouble = error

    def end(self) -> None:
        self._over.set()
        self.join()
        assert self.trouble is None, self.trouble

    def _messages(self) -> None:
        queue = self._app.queues.get_queue_client(self._app.environ["INGEST_QUEUE"])
        for found in queue.receive_messages(visibility_timeout=30):
            message_handler.take(self._app.app, found.content.encode(), found.id, time.time())
            queue.delete_message(found)

    def _files(self) -> None:
        for name in {blob.name for blob in self._app.drop_container.list_blobs()} - self._known:
            self._known.add(name)
            self._app.take(name)


@pytest.fixture(scope="module")
def app(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ferry]:
    """The app, with an ingest queue of its own."""
    with ferry(azurite, tmp_path_factory.mktemp("verify"), ROUTES) as made:
        made.environ["INGEST_QUEUE"] = f"in-{made.environ['WORK_QUEUE']}"
        made.queues.create_queue(made.environ["INGEST_QUEUE"])
        yield made


@pytest.fixture
def host(app: Ferry) -> Iterator[Host]:
    """Somebody who calls it."""
    made = Host(app)
    made.start()
    yield made
    made.end()


def verify(app: Ferry, *arguments: str, endpoint: str = "") -> Result:
    whither = ["--settings", "env", "--workspace", WORKSPACE, "--endpoint", endpoint or app.server.url]
    routes = ["--routes", str(app.root / "routes.yaml")] if "--routes" not in arguments else []
    return CliRunner().invoke(logferry, ["verify", *arguments, *whither, *routes], env=app.environ)


def answer(app: Ferry, *arguments: str) -> dict[str, Any]:
    done = verify(app, *arguments, "--json")
    assert not done.exception or isinstance(done.exception, SystemExit), repr(done.exception)
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.exit_code == (0 if found["found"] else 1)
    return found


@pytest.mark.usefixtures("host")
def test_a_message_is_found_with_its_lag(app: Ferry) -> None:
    """Without a word the route of messages is taken; each stage has its seconds, and the row its mark."""
    found = answer(app)
    assert (found["route"], found["table"], found["found"]) == ("events", "Events_CL", True)
    seconds = found["seconds"]
    assert list(seconds) == ["taken", "received", "found"]
    assert 0 <= max(seconds["taken"], seconds["received"]) <= seconds["found"] < 60
    (row,) = app.server.rows(found["query"])
    assert row[found["column"]] == found["mark"]
    assert found["mark"].startswith(f"{WORD}-")


@pytest.mark.usefixtures("host")
def test_a_file_goes_the_way_of_files(app: Ferry, tmp_path: Path) -> None:
    """The user's own sample is dropped under a name of its own, with the mark in it, and the ledger says done."""
    sample = tmp_path / "a.csv"
    sample.write_text(f"name,size\nother,1\n{WORD},2\n")
    app.drop("rows/a.csv", b"name,size\nmine,1\n")
    found = answer(app, "--file", str(sample), "--as", "rows/a.csv")
    assert (found["route"], found["found"], "done" in found["seconds"]) == ("rows", True, True)
    assert found["source"].endswith(f"/rows/{found['mark']}.csv")
    assert app.drop_container.download_blob("rows/a.csv").readall() == b"name,size\nmine,1\n"
    assert [row["Size"] for row in app.server.rows(found["query"])] == [2]


@pytest.mark.usefixtures("host")
def test_what_a_transform_asks_for_can_be_given(app: Ferry) -> None:
    """A record that the rule's transform would leave out is not sent; with --set it passes and is found."""
    refused = verify(app, "loud")
    assert "the transform leaves it out. Give values that pass with --set" in str(refused.exception)
    assert answer(app, "loud", "--set", "Severity=17")["found"]


@pytest.mark.usefixtures("host")
def test_people_read_the_stages(app: Ferry) -> None:
    """A line a stage, and a last sentence."""
    lines = verify(app).stdout.splitlines()
    assert [line.split()[0] for line in lines] == [
        "Route",
        "sent",
        "taken",
        "received",
        "found",
        "It",
        "Queries",
    ]


def test_nobody_takes_it(app: Ferry) -> None:
    """A message that stays on the queue is told so, and which settings to look at."""
    found = answer(app, "--wait", "0.3")
    assert (found["found"], found["seconds"]) == (False, {})
    assert f"still on the queue {app.environ['INGEST_QUEUE']}" in found["reason"]
    app.queues.get_queue_client(app.environ["INGEST_QUEUE"]).clear_messages()


def test_no_event_comes(app: Ferry, tmp_path: Path) -> None:
    """A file that the ledger does not know is told so, and what may be missing."""
    sample = tmp_path / "a.csv"
    sample.write_text(f"name,size\n{WORD},2\n")
    found = answer(app, "--file", str(sample), "--as", "rows/a.csv", "--wait", "0.3")
    assert "is there an Event Grid subscription" in found["reason"]


@pytest.mark.usefixtures("host")
def test_no_role_on_the_rule(app: Ferry) -> None:
    """A message that is put aside because Azure says no names the role, and that the app goes on by itself."""
    app.server.call("POST", "/local/roles", {"granted": False})
    try:
        found = answer(app, "--wait", "1")
    finally:
        app.server.call("POST", "/local/roles", {"granted": True})
    assert found["reason"].startswith("It is put aside, tried")
    assert "Monitoring Metrics Publisher" in found["reason"]


@pytest.mark.usefixtures("host")
def test_dead_lettered(app: Ferry, tmp_path: Path) -> None:
    """What the app refuses is told at once with its reason, and how to look at it."""
    (tmp_path / "routes.yaml").write_text(ROUTES.replace("  rows:", "  lines:"))
    found = answer(app, "lines", "--routes", str(tmp_path / "routes.yaml"))
    assert "in the dead letter: BadMessage: there is no route 'lines'" in found["reason"]
    assert "logferry deadletters show none/" in found["reason"]


@pytest.mark.usefixtures("host")
def test_accepted_and_not_found(app: Ferry) -> None:
    """Rows that no query finds yet: new tables take their time, and where else to look."""
    empty = json.dumps({"tables": [{"name": "PrimaryResult", "columns": [], "rows": []}]})
    app.server.faults({"on": "query", "status": 200, "body": empty, "times": 1_000})
    try:
        found = answer(app, "--wait", "1")
    finally:
        app.server.call("DELETE", "/local/faults")
    assert list(found["seconds"]) == ["taken"]
    assert "The first rows of a new table take 5 to 15 minutes" in found["reason"]


def test_nothing_is_sent_that_could_not_be_looked_for(app: Ferry) -> None:
    """A workspace without the table, or that one may not read, is told before anything is sent."""
    with monitor(loads(ROUTES.replace("Events_CL", "Others_CL"))) as other:
        said = str(verify(app, endpoint=other.url).exception)
    assert "is it the workspace that the rule writes to" in said
    app.server.faults({"on": "query", "status": 403})
    assert "Log Analytics Reader" in str(verify(app).exception)
    assert app.queues.get_queue_client(app.environ["INGEST_QUEUE"]).peek_messages() == []


def test_throttled_while_it_waits(app: Ferry, host: Host) -> None:
    """Once it was let in, a query that is refused is asked again."""
    app.server.faults({"on": "query", "match": {"contains": WORD}, "delay": 0})
    app.server.faults({"on": "query", "status": 429, "times": 2})
    assert answer(app)["found"]
    assert host.is_alive()


@pytest.mark.usefixtures("host")
def test_where_it_is_looked_for_has_to_be_said(app: Ferry) -> None:
    """Storage of its own needs a workspace, and a workspace the storage."""
    alone = CliRunner().invoke(logferry, ["verify", "--settings", "env"], env=app.environ)
    assert "Say with --workspace" in str(alone.exception)


def test_every_route_of_the_sample_carries_a_mark(azurite: Azurite, tmp_path: Path) -> None:
    """For each route of the routes.yaml that comes with Logferry, whatever its format, a marked record lands."""
    routes = load(ROOT / "routes.yaml")
    with ExitStack() as stack:
        text = (ROOT / "routes.yaml").read_text()
        made = stack.enter_context(ferry(azurite, tmp_path, text, REDACT_SALT="sixteen characters"))
        for name in routes.by_name:
            marked = message(routes, name, {})
            made.send(marked.content)
            assert len(made.server.rows(marked.kql)) == 1, name
        assert made.dead() == []
        assert [loss for loss in made.server.losses() if loss["kind"] != "TimeReplaced"] == []
