"""Audit rows in a table of their own: one for every end, whatever happens on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from docs.audit_page import QUERIES
from shared.ledger.claims import Claim
from shared.model import Reject, SourceFacts
from tests.azurite import Azurite
from tests.build import lines
from tests.ferry import ROUTES, Ferry, ferry

AUDITED = "audit: { table: LogferryAudit_CL }\n" + ROUTES
STREAM = {"stream": "Custom-LogferryAudit"}
NOW = datetime.now(UTC).isoformat().replace("+00:00", "Z")


@pytest.fixture
def app(azurite: Azurite, tmp_path: Path) -> Iterator[Ferry]:
    with ferry(azurite, tmp_path, AUDITED) as made:
        yield made


def audited(app: Ferry, columns: str = "Outcome") -> list[Any]:
    found = app.server.rows(f"LogferryAudit_CL | sort by EndTime asc | project {columns}")
    return [tuple(row.values()) if "," in columns else row[columns] for row in found]


def held(app: Ferry) -> list[dict[str, Any]]:
    """Work for each row that is put aside; their messages are not to be seen for a while."""
    names = [listed.name for listed in app.app.state.listing("held/")]
    assert len(app.queued()) == len(names)
    return [{"do": "held", "id": name.removeprefix("held/")} for name in names]


def named(count: int) -> list[dict[str, Any]]:
    return [{"TimeGenerated": NOW, "Name": f"n{i}", "Size": i} for i in range(count)]


def test_every_end_has_a_row(app: Ferry) -> None:
    """Done, gone, unrouted and dead, of blobs and of messages: each is a row of its kind, and Azure loses nothing of it."""
    app.drop("rows/a", b"name,size\na,1\nskip,2\nb,many\n")
    app.take("rows/a")
    app.take("rows/none")
    app.drop("elsewhere/a", b"x")
    app.take("elsewhere/a")
    app.send([{"name": "one"}, {"name": "two"}])
    app.send(b"no message at all")
    kinds = audited(
        app, "SourceKind, Outcome, RouteName, TableName, RecordsRead, RowsAccepted, RecordsFiltered"
    )
    assert kinds == [
        ("blob", "done", "rows", "Rows_CL", 3, 2, 1),
        ("blob", "gone", "", "", 0, 0, 0),
        ("blob", "unrouted", "", "", 0, 0, 0),
        ("message", "done", "events", "Events_CL", 2, 2, 0),
        ("message", "dead", "", "", 0, 0, 0),
    ]
    (row,) = app.server.rows("LogferryAudit_CL | where RouteName == 'rows'")
    assert row["Source"] == f"{app.environ['DROP_CONTAINER']}/rows/a"
    assert row["SourceBytes"] == 28
    assert (row["Posts"], row["PostAttempts"]) == (1, 1)
    assert json.loads(row["Changed"])["bad_value_kept"] == 1
    assert row["SourceTime"][:19] <= row["EndTime"][:19]
    assert row["EndTime"] == row["TimeGenerated"]
    assert app.server.losses() == []
    assert app.queued() == []


def test_what_goes_on_has_no_row_yet(app: Ferry) -> None:
    """Continued and deferred runs are in the log; the table has the source once it is over."""
    app.again(BATCH_BYTES="2000", READ_BYTES="65536", UPLOAD_WINDOW="4")
    app.app.budget = -1.0
    app.drop("lines/a", lines(named(8_000)))
    app.server.faults({"match": {"stream": "Custom-Lines"}, "status": 503})
    app.take("lines/a")
    assert app.entry("lines/a").state == "deferred"
    assert audited(app) == []
    app.again()
    app.take("lines/a")
    assert audited(app, "Outcome, RecordsRead, RowsAccepted") == [("done", 8_000, 8_000)]


def test_a_row_that_azure_does_not_take_goes_out_later(app: Ferry) -> None:
    """No role on the audit stream's rule yet: the source is done all the same, and its row lands when there is one."""
    app.drop("lines/a", lines(named(2)))
    app.server.faults({"match": STREAM, "status": 403, "times": 2})
    app.take("lines/a")
    assert app.entry("lines/a").state == "done"
    (again,) = held(app)
    app.work(again)
    assert held(app) == [again]
    assert audited(app) == []
    for _ in range(2):  # the second finds nothing to do
        app.work(again)
        assert audited(app) == ["done"]
        assert held(app) == []


def test_a_held_row_whose_message_is_lost_is_found_by_the_sweep(
    app: Ferry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is put aside is in the state container; the sweep queues it again."""
    app.server.faults({"match": STREAM, "status": 503})
    app.send([{"name": "one"}])
    (lost,) = held(app)
    monkeypatch.setattr("shared.handlers.sweep.LEFT_BEHIND", -60.0)
    app.sweep()
    assert app.queued() == [lost]
    app.work(lost)
    assert audited(app) == ["done"]


def test_a_row_that_is_never_taken_is_in_the_dead_letter(app: Ferry) -> None:
    """After the time that a source may be deferred for, the row is dead-lettered, and nothing else is."""
    app.again(DEFER_SECONDS="0")
    app.server.faults({"match": STREAM, "status": 404, "times": 2})
    app.drop("lines/a", lines(named(1)))
    app.take("lines/a")
    assert app.dead() == []
    (again,) = held(app)
    app.work(again)
    (dead,) = app.dead()
    assert (dead["kind"], dead["route"], dead["reason"]) == ("audit", "_audit", "NotReady")
    assert json.loads(dead["raw"])["outcome"] == "done"
    assert held(app) == []


def test_a_row_in_the_dead_letter_is_replayed(app: Ferry) -> None:
    """A row that could not be sent, or that Azure refused, is in the table after a replay, once."""
    app.drop("lines/a.ndjson", lines(named(1)))
    app.take("lines/a.ndjson")
    (row,) = app.server.rows("LogferryAudit_CL | project RowId")
    store = app.app.dead_letter.store
    facts = SourceFacts("audit", "audit-x", "audit-x", 1_795_500_000.0, 1_795_500_000.0)
    app.app.dead_letter.source(facts, "_audit", "NotReady", "", b'{"row_id": "whole", "outcome": "dead"}')
    refused = Reject(0, 0, None, "RefusedByService", "no", b'{"RowId": "refused"}', form="row")
    app.app.dead_letter.records(facts, "_audit", 0, [refused])
    for document in [found.name for found in store.listing("_audit/")]:
        app.work({"do": "replay", "document": document})
    for work in app.queued():
        app.work(work)
    ids = sorted(found["RowId"] for found in app.server.rows("LogferryAudit_CL | project RowId"))
    assert ids == sorted([row["RowId"], "refused", "whole"])
    assert list(store.listing("_audit/")) == []


def test_storage_that_fails_too_costs_the_row_and_not_the_source(
    app: Ferry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where a row can be neither sent nor put aside, that is said, and the message is settled."""

    def fails(*_: Any) -> None:
        raise OSError("no storage")

    app.server.faults({"match": STREAM, "status": 503})
    monkeypatch.setattr(app.app.state, "put", fails)
    app.send([{"name": "one"}])
    assert "its audit row is in the log only" in caplog.text
    assert len(app.server.rows("Events_CL")) == 1


def test_a_worker_that_dies_after_the_row_repeats_it_with_its_id(
    app: Ferry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the row and the ledger's last word: no record is sent again, and the row's repeat is known."""

    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    app.drop("lines/a", lines(named(5)))
    with monkeypatch.context() as patch:
        patch.setattr(Claim, "finish", dies)
        with pytest.raises(KeyboardInterrupt):
            app.take("lines/a")
    assert app.entry("lines/a").state == "running"
    app.app.ledger._claim_seconds = 0  # the claim is stale at once
    app.take("lines/a")
    assert app.entry("lines/a").state == "done"
    assert len(app.server.rows("Lines_CL")) == 5
    assert audited(app, "Outcome, RecordsRead, RowsAccepted") == [("done", 5, 5)] * 2
    assert len(set(audited(app, "RowId"))) == 1


def test_rows_of_a_blob_that_grows_can_be_summed(app: Ferry) -> None:
    """Each row counts what came since the last one; the ledger has the whole."""
    client = app.drop_container.get_blob_client("lines/growing")
    client.create_append_blob()
    for _ in range(3):
        client.append_block(lines(named(10)))
        app.take("lines/growing")
    assert audited(app, "RecordsRead, RowsAccepted") == [(10, 10)] * 3
    assert len(set(audited(app, "RowId"))) == 3
    assert app.entry("lines/growing").counts.read == 30


def test_a_blob_in_parts_has_one_row(app: Ferry) -> None:
    """A large blob that is read in parts is one source: one row with the sum, when all of them are done."""
    app.again(PART_BYTES="1000000")
    app.drop("lines/large", lines([{**row, "Pad": "x" * 400} for row in named(6_000)]))
    app.take("lines/large")
    work = app.queued()
    assert len(work) > 1
    for part in work:
        assert audited(app) == []
        app.work(part)
    assert audited(app, "SourceKind, Outcome, RecordsRead, RowsAccepted, SourceBytes") == [
        ("blob", "done", 6_000, 6_000, app.entry("lines/large").size)
    ]
    (row,) = app.server.rows("LogferryAudit_CL")
    assert row["SourceTime"] is not None


def test_a_blob_that_goes_away_has_a_row_of_what_was_read(app: Ferry) -> None:
    """Removed before all of it was read: what had landed by then is in its row, and in no later one."""
    app.again(BATCH_BYTES="2000", READ_BYTES="65536", UPLOAD_WINDOW="4")
    app.app.budget = -1.0
    app.drop("lines/a", lines(named(8_000)))
    app.take("lines/a")
    read = app.entry("lines/a").counts.read
    app.drop_container.delete_blob("lines/a")
    for _ in range(2):
        app.take("lines/a")
    assert 0 < read < 8_000
    assert audited(app, "Outcome, RecordsRead") == [("gone", read), ("gone", 0)]
    assert len(set(audited(app, "RowId"))) == 2


def test_without_a_table_nothing_is_sent_and_nothing_more_is_written(
    azurite: Azurite, tmp_path: Path
) -> None:
    """Who does not ask for the table pays nothing for it: two writes to the ledger, and no post but the rows'."""
    with ferry(azurite, tmp_path) as app:
        writes: list[str] = []
        store = app.app.state
        for name in ("create", "replace", "put"):
            real = getattr(store, name)
            setattr(store, name, lambda *a, _real=real, _name=name: writes.append(_name) or _real(*a))
        app.drop("lines/a", lines(named(5)))
        app.take("lines/a")
        assert writes == ["create", "replace"]
        metrics = app.server.call("GET", "/local/metrics")
        assert [(m["InputStreamId"], m["RowsReceived_Count"]) for m in metrics] == [("Custom-Lines", 5)]


@pytest.mark.parametrize("question", QUERIES)
def test_the_queries_of_the_docs_run(app: Ferry, question: str) -> None:
    """Each query of docs/audit.md runs as it stands there, and answers its question."""
    app.drop("rows/a", b"name,size\na,1\nskip,2\nb,3,4\n")
    app.take("rows/a")
    app.drop("elsewhere/a", b"x")
    app.take("elsewhere/a")
    app.send([{"name": "one"}])  # queued long ago
    rows = app.server.rows(QUERIES[question])
    source = f"{app.environ['DROP_CONTAINER']}/rows/a"
    if question == "Did everything add up?":
        assert [(row["TableName"], row["Read"], row["Missing"]) for row in rows] == [
            ("", 0, 0),
            ("Events_CL", 1, 0),
            ("Rows_CL", 3, 0),
        ]
    elif question == "What is late?":
        assert [row["RouteName"] for row in rows] == ["events"]
    else:
        found = {row["Source"]: (row["DeadLettered"], row["Whole"]) for row in rows}
        assert found == {source: (1, 0), f"{app.environ['DROP_CONTAINER']}/elsewhere/a": (0, 1)}
