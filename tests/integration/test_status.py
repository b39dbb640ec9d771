"""`logferry status` over a real storage account: what is there is shown, whatever it is."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from shared.cli import status_read as cli_status_read
from shared.cli.main import app as logferry
from shared.cli.status_read import Wanted, alarms, read
from shared.cli.storage import Place, place
from shared.ledger.claims import PREFIX, metadata
from shared.ledger.entry import Entry
from shared.ledger.store import Listed, name_of
from shared.model import Counts, Position, SourceFacts
from tests.azurite import Azurite
from tests.build import lines
from tests.ferry import ROUTES, Ferry, ferry

AUDITED = "audit: { table: LogferryAudit_CL }\n" + ROUTES


@pytest.fixture
def app(azurite: Azurite, tmp_path: Path) -> Iterator[Ferry]:
    with ferry(azurite, tmp_path, AUDITED) as made:
        yield made


def environment(app: Ferry) -> dict[str, str]:
    return {**app.environ, "INGEST_QUEUE": f"in-{app.environ['WORK_QUEUE']}"}


def status(app: Ferry, *arguments: str, code: int = 0) -> Any:
    """What `logferry status --json` says."""
    answer = CliRunner().invoke(
        logferry, ["status", "--settings", "env", "--json", *arguments], env=environment(app)
    )
    assert answer.exit_code == code, answer.output
    return json.loads(answer.stdout)


def text(app: Ferry, *arguments: str) -> str:
    answer = CliRunner().invoke(logferry, ["status", "--settings", "env", *arguments], env=environment(app))
    return answer.output


def here(app: Ferry, monkeypatch: pytest.MonkeyPatch) -> Place:
    for name, value in environment(app).items():
        monkeypatch.setenv(name, value)
    return place("env")


def put(app: Ferry, path: str, **fields: Any) -> None:
    """An entry as a worker would have left it."""
    source = f"{app.environ['DROP_CONTAINER']}/{path}"
    given: dict[str, Any] = {"version": "0x1", "size": 1_000, "route": "lines", "received": time.time()}
    entry = Entry(source=source, **{**given, **fields})
    app.app.state.put(name_of(PREFIX, source), entry.dump(), metadata(entry))


def sources(answer: Any) -> dict[str, str]:
    return {row["source"].partition("/")[2]: row["state"] for row in answer["sources"]}


def _seconds(written: str) -> float:
    return datetime.fromisoformat(written).timestamp()


def test_what_the_app_did_is_there(app: Ferry) -> None:
    """Sources that are done are summed up by route; one that is deferred says why, since when, and until when."""
    app.drop("rows/a", b"name,size\na,1\nskip,2\nb,3,4\n")
    app.drop("lines/a", lines([{"Name": "x"}]))
    app.server.faults(
        {"match": {"stream": "Custom-Lines"}, "status": 403},
        {"match": {"stream": "Custom-Events"}, "status": 503},
    )
    app.take("rows/a")
    app.take("lines/a")
    app.send([{"name": "one"}])
    app.send(b"no message")
    found = status(app, code=1)
    assert found["alarms"] == ["1 in the dead letter as a whole: logferry deadletters list"]
    assert found["states"] == {"done": 1, "deferred": 1}
    assert found["routes"]["rows"]["last_24_hours"] == {
        "sources": 1, "read": 3, "accepted": 1, "filtered": 1, "dead_lettered": 1,
    }  # fmt: skip
    assert found["routes"]["rows"]["dead_letter"] == {"records": 1, "sources": 0}
    assert found["routes"][""]["dead_letter"] == {"records": 0, "sources": 1}
    (row,) = found["sources"]
    assert row["source"].endswith("/lines/a")
    assert "Monitoring Metrics Publisher" in row["reason"]
    assert abs(_seconds(row["written"]) - _seconds(row["deferred_since"])) <= 2  # both in whole seconds
    assert _seconds(row["written"]) < _seconds(row["next_look"])
    assert found["held"]["messages"] == 1
    assert found["queues"] == {app.environ["WORK_QUEUE"]: 2}
    said = text(app)
    assert "Deferred: goes on by itself (1)" in said
    assert "within " in said


def test_every_state_is_shown_known_or_not(app: Ferry) -> None:
    """Running with its share and its age, dead, unrouted, and a state of a later version, which stops nothing."""
    put(
        app,
        "lines/half",
        state="running",
        seekable=True,
        position=Position(500, 0, 1, 20),
        counts=Counts(20, 20),
    )
    put(app, "lines/gz", state="running", counts=Counts(7, 7))
    put(app, "lines/dead", state="dead", reason="5 workers died on it")
    put(app, "none/a", state="unrouted", route="")
    put(app, "lines/new", state="resting")
    facts = SourceFacts("blob", f"{app.environ['DROP_CONTAINER']}/lines/dead", "0x1", 0.0, time.time())
    name = app.app.dead_letter.source(facts, "lines", "WorkerDied", "5 workers died on it")
    found = status(app, code=1)
    assert sources(found) == {
        "lines/half": "running", "lines/gz": "running", "lines/dead": "dead", "none/a": "unrouted", "lines/new": "resting",
    }  # fmt: skip
    progress = {row["source"].rpartition("/")[2]: row["progress"] for row in found["sources"]}
    assert (progress["half"], progress["gz"]) == (0.5, None)
    assert found["alarms"] == ["1 in the dead letter as a whole: logferry deadletters list"]
    assert status(app, "--source", "rows/**")["alarms"] == []
    said = text(app)
    for words in ("In work (2)", "50%", "5 workers died on it", "Unrouted", "resting (1)"):
        assert words in said
    app.app.dead_letter.store.remove(name)  # somebody has looked at it, and purged it
    assert status(app)["alarms"] == []


def test_a_blob_in_parts_says_how_many_are_done(app: Ferry) -> None:
    """A large blob that is read in parts: how many of them are done, and when one of them was last alive."""
    app.again(PART_BYTES="1000000")
    app.drop("lines/large", lines([{"Name": "x" * 400}] * 8_000))
    app.take("lines/large")
    first, *others = app.queued()
    app.work(first)
    (row,) = status(app)["sources"]
    assert (row["state"], row["parts"]) == ("split", {"done": 1})
    assert f"1 of {len(others) + 1} done" in text(app)


def test_an_entry_that_cannot_be_read_is_listed_all_the_same(app: Ferry) -> None:
    """Metadata that is missing and a document that is none: a row with what is known, and no error."""
    name = f"{PREFIX}{app.environ['DROP_CONTAINER']}/lines/odd"
    app.app.state.put(name, b"no json", {"state": "running"})
    app.app.state.put(f"{name}2", b"{}", {})
    app.app.state.put(
        f"{name}3", b'{"counts": 3, "position": [], "size": "x", "seekable": true}', {"state": "done"}
    )
    found = status(app)
    assert sources(found) == {"lines/odd": "running", "lines/odd2": "unknown"}
    assert found["uncounted"] == 1
    assert "lines/odd3" in text(app, "--state", "done")


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--state", "dead"], {"lines/a/x", "rows/x"}),
        (["--route", "rows"], {"rows/x"}),
        (["--source", "lines/**"], {"lines/a/x", "lines/y"}),
        (["--source", "lines/*"], {"lines/y"}),
        (["--source", "*/x"], {"rows/x"}),
        (["--state", "dead", "--source", "lines/**"], {"lines/a/x"}),
        (["--state", "done"], {"done"}),
        (["--rows", "0"], set()),
        (["--route", "nothing"], set()),
    ],
)
def test_only_what_is_asked_for(app: Ferry, arguments: list[str], names: set[str]) -> None:
    """Route, state and path choose what is listed and summed; those that are done are listed if asked for."""
    put(app, "lines/a/x", state="dead")
    put(app, "lines/y", state="running")
    put(app, "done", state="done", route="other")
    put(app, "rows/x", state="dead", route="rows")
    answer = CliRunner().invoke(
        logferry, ["status", "--settings", "env", "--json", *arguments], env=environment(app)
    )
    assert set(sources(json.loads(answer.stdout))) == names


def test_nothing_is_written(app: Ferry) -> None:
    """An account in which nothing was ever done is no error, and stays as it was."""
    before = sorted(found.name for found in app.blobs.list_containers())
    found = status(app)
    assert (found["states"], found["alarms"]) == ({}, [])
    assert "No source yet" in text(app)
    assert sorted(found.name for found in app.blobs.list_containers()) == before


def test_a_state_that_there_is_not_is_told(app: Ferry) -> None:
    """A slip in --state is wrong usage, and no empty page that looks well."""
    answer = CliRunner().invoke(
        logferry, ["status", "--settings", "env", "--state", "daed"], env=environment(app)
    )
    assert answer.exit_code == 2
    assert "deferred" in answer.output


def test_what_nobody_mends_is_an_alarm(app: Ferry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that lies untouched, what is put aside and never tried, and a poison queue: 1, and a sentence each."""
    where = here(app, monkeypatch)
    put(app, "lines/a", state="running")
    put(app, "lines/b", state="deferred")
    app.server.faults({"match": {"stream": "Custom-Events"}, "status": 503})
    app.send([{"name": "one"}])
    poison = app.queues.create_queue(f"{app.environ['WORK_QUEUE']}-poison")
    poison.send_message("x")
    assert [alarm.partition(":")[0] for alarm in alarms(read(where, Wanted()))] == [
        f"1 on {app.environ['WORK_QUEUE']}-poison"
    ]
    monkeypatch.setattr(cli_status_read, "QUIET", -1.0)
    found = alarms(read(where, Wanted()))
    assert len(found) == 4
    assert "is the app running" in " ".join(found)
    status(app, code=1)


def test_only_what_is_shown_is_read(app: Ferry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of hundreds of sources in a state, as many entries are read as are shown."""
    where = here(app, monkeypatch)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: put(app, f"lines/{n:04d}", state="dead" if n % 2 else "running"), range(400)))
    reads: list[str] = []
    real = type(where.state).read
    monkeypatch.setattr(
        type(where.state), "read", lambda store, name: reads.append(name) or real(store, name)
    )
    found = read(where, Wanted(rows=5))
    assert (found.states["running"], found.states["dead"]) == (200, 200)
    assert len(reads) == 10
    assert all(row.entry["state"] == state for state, rows in found.rows.items() for row in rows)


def test_memory_does_not_grow_with_entries(app: Ferry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred thousand entries take no more memory than a thousand; shown are the longest untouched, and the latest dead."""
    where = here(app, monkeypatch)
    now = time.time()

    def peak(count: int) -> int:
        def listing(prefix: str) -> Iterator[Listed]:
            for n in range(count if prefix.startswith(PREFIX) else 0):
                tags = {
                    "state": ("dead", "running", "done")[n % 3],
                    "route": f"r{n % 7}",
                    "counts": "4,1,2,1",
                }
                yield Listed(f"{PREFIX}drop/{n:06d}", tags, now - n % 1_000)

        monkeypatch.setattr(where.state, "listing", listing)
        tracemalloc.start()
        found = read(where, Wanted())
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert sum(found.states.values()) == count
        ages = {state: [round(now - row.written) for row in rows] for state, rows in found.rows.items()}
        assert ages["running"] == sorted(ages["running"], reverse=True)
        assert ages["dead"] == sorted(ages["dead"])
        assert (max(ages["running"]) > 90, min(ages["dead"])) == (True, 0)
        return size

    peak(100)
    assert peak(100_000) < peak(1_000) + 5_000_000  # fifty bytes an entry, other threads of the test included
