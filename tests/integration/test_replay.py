"""Replays on real storage and a strict endpoint: what was missing lands once, and what cannot stays."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared import settings
from shared.app import App
from shared.errors import Forbidden, Unexpected
from shared.ledger.deadletter import TRACES, parse, read_tags
from shared.ledger.store import Listed
from tests.azurite import Azurite
from tests.ferry import ROUTES, Ferry, ferry

STRICT = ROUTES.replace("drop: { Name: [skip] }", "drop: { Name: [skip] }\n    on_bad_value: dead_letter")
CSV = b"name,size\nn0,0\nn1,much\nskip,more\nn3,3\nn4,lots\nbad\n"


@pytest.fixture
def app(azurite: Azurite, tmp_path: Path) -> Iterator[Ferry]:
    with ferry(azurite, tmp_path, STRICT) as made:
        yield made


def documents(app: Ferry) -> list[Listed]:
    return [row for row in app.app.dead_letter.store.listing("") if not row.name.startswith(TRACES)]


def traces(app: Ferry) -> list[dict[str, Any]]:
    store = app.app.dead_letter.store
    found = [store.read(row.name) for row in store.listing(TRACES)]
    return [json.loads(stored.document) for stored in found if stored is not None]


def mend(app: Ferry, routes: str = ROUTES, **more: str) -> None:
    """A new deployment with other routes, over the same storage."""
    (app.root / "routes.yaml").write_text(routes)
    app.again(**more)


def replay(app: Ferry, **more: Any) -> None:
    for row in documents(app):
        app.work({"do": "replay", "document": row.name, "by": "somebody", **more})


def names(app: Ferry, table: str = "Rows_CL") -> list[str]:
    return sorted(row["Name"] for row in app.server.rows(f"{table} | project Name"))


@pytest.mark.parametrize("file", ["rows/a.csv", "rows/a.csv.gz"])
def test_a_replay_lands_what_was_missing(app: Ferry, file: str) -> None:
    """After the route is mended: the missing rows land once, filters work, and what is still bad stays with its tries."""
    app.drop(file, gzip.compress(CSV) if file.endswith("gz") else CSV)
    app.take(file)
    assert names(app) == ["n0", "n3"]
    assert app.entry(file).counts.dead_lettered == 4
    mend(app)
    replay(app)
    assert names(app) == ["n0", "n1", "n3", "n4"]
    (left,) = app.dead()
    assert (left["reason"], left["raw"], left["tries"], left["line"]) == ("RaggedRow", "bad", 1, 7)
    assert [
        (t["outcome"], t["read"], t["accepted"], t["filtered"], t["dead_lettered"]) for t in traces(app)
    ] == [("done", 4, 2, 1, 1)]
    assert (traces(app)[0]["gone"], traces(app)[0]["back"], traces(app)[0]["by"]) == (
        "1-2,4",
        "5",
        "somebody",
    )
    assert "much" not in json.dumps(traces(app))
    replay(app)
    assert names(app) == ["n0", "n1", "n3", "n4"]
    assert app.dead()[0]["tries"] == 2
    assert app.server.losses() == []


def test_the_same_work_message_twice_lands_nothing_twice(app: Ferry) -> None:
    """A document that is settled is gone: the message that comes again finds nothing."""
    app.drop("rows/a.csv", b"name,size\nn1,much\n")
    app.take("rows/a.csv")
    mend(app)
    (row,) = documents(app)
    for _ in range(2):
        app.work({"do": "replay", "document": row.name})
    assert names(app) == ["n1"]
    assert documents(app) == []
    assert list(app.app.state.listing("replays/")) == []


def test_a_replay_that_another_worker_is_on_is_looked_at_later(app: Ferry) -> None:
    """Two workers never replay one document at once; the second looks again later."""
    app.drop("rows/a.csv", b"name,size\nn1,much\n")
    app.take("rows/a.csv")
    (row,) = documents(app)
    mend(app)
    app.app.state.put(f"replays/{row.name}", b"another")
    replay(app)
    assert len(app.queued()) == 1
    assert names(app) == []
    app.again(CLAIM_SECONDS="5").ledger._claim_seconds = 0
    assert len(documents(app)) == 1


def test_while_azure_is_not_ready_the_records_stay(app: Ferry) -> None:
    """No role yet: the document stays as it is, the work is queued again, and lands when the role is there."""
    app.drop("rows/a.csv", b"name,size\nn1,much\n")
    app.take("rows/a.csv")
    mend(app)
    app.server.faults({"status": 403, "times": 1})
    before = app.dead()
    replay(app)
    assert app.dead() == before
    assert [t["outcome"] for t in traces(app)] == ["deferred"]
    assert len(app.queued()) == 1
    replay(app)
    assert names(app) == ["n1"]
    assert documents(app) == []


def test_after_defer_seconds_a_replay_is_given_up(app: Ferry) -> None:
    """What Azure is not ready for in all that time stays in the dead letter, and no message goes round for ever."""
    app.drop("rows/a.csv", b"name,size\nn1,much\n")
    app.take("rows/a.csv")
    mend(app, DEFER_SECONDS="1")
    app.server.faults({"status": 403, "times": 1})
    replay(app, since=1.0, tries=3)
    assert [t["outcome"] for t in traces(app)] == ["dead"]
    assert (len(app.dead()), app.queued()) == (1, [])


def test_a_route_that_is_not_there_any_more(app: Ferry) -> None:
    """Without its route a record stays, and the trace says why."""
    app.drop("rows/a.csv", b"name,size\nn1,much\n")
    app.take("rows/a.csv")
    mend(app, ROUTES.replace("  rows:", "  others:"))
    replay(app)
    assert len(app.dead()) == 1
    assert [(t["outcome"], t["left"]) for t in traces(app)] == [("unrouted", 1)]
    assert "there is no route 'rows'" in traces(app)[0]["reason"]


def test_a_document_that_was_changed_meanwhile_is_not_written_over(
    app: Ferry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who edits a document while it is replayed finds their edit there."""
    app.drop("rows/a.csv", b"name,size\nn1,much\n")
    app.take("rows/a.csv")
    (row,) = documents(app)
    mend(app)
    store = app.app.dead_letter.store
    run = app.app.corridor.run

    def edited(*args: Any, **more: Any) -> Any:
        found = run(*args, **more)
        store.put(row.name, b'{"edited": true}\n')
        return found

    monkeypatch.setattr(app.app.corridor, "run", edited)
    replay(app)
    stored = store.read(row.name)
    assert stored is not None
    assert stored.document == b'{"edited": true}\n'


def test_a_message_s_records_are_replayed(app: Ferry) -> None:
    """Records of a message, in an envelope or an array, come back one by one."""
    declared = STRICT.replace(
        "columns: { Name: { from: name } }",
        "columns: { Name: { from: name } }\n    on_undeclared: dead_letter",
    )
    mend(app, declared)
    app.send({"route": "events", "records": [{"name": "a"}, {"name": "b", "x": 1}, {"name": "c", "y": [1]}]})
    app.send([{"name": "d", "x": 2}])
    assert names(app, "Events_CL") == ["a"]
    mend(app)
    replay(app)
    assert names(app, "Events_CL") == ["a", "b", "c", "d"]
    assert documents(app) == []


def test_a_message_that_was_dead_as_a_whole_is_taken_again(app: Ferry) -> None:
    """A message for a route that was not there lands once there is one; one that is nonsense stays dead."""
    mend(app, STRICT.replace("  events:", "  elsewhere:"))
    app.send({"route": "events", "records": [{"name": "late"}]})
    app.send(b"nonsense")
    assert [d["reason"] for d in app.dead()] == ["BadMessage", "BadMessage"]
    mend(app)
    replay(app)
    assert names(app, "Events_CL") == ["late"]
    assert [d["raw"] for d in app.dead()] == ["nonsense"]


def test_a_blob_that_was_dead_as_a_whole_goes_on(app: Ferry) -> None:
    """A blob that was given up while the role was missing is taken up again, from its checkpoint."""
    app.drop("lines/a.ndjson", b'{"Name":"a"}\n')
    app.again(DEFER_SECONDS="0")
    app.server.faults({"status": 403, "times": 2})
    app.take("lines/a.ndjson")
    app.take("lines/a.ndjson")
    assert app.entry("lines/a.ndjson").state == "dead"
    assert [d["reason"] for d in app.dead()] == ["NotReady"]
    app.queued()
    replay(app)
    assert app.entry("lines/a.ndjson").state == "deferred"
    for work in app.queued():
        app.work(work)
    assert names(app, "Lines_CL") == ["a"]
    assert app.entry("lines/a.ndjson").state == "done"
    assert documents(app) == []


def test_a_blob_outside_of_the_allowed_containers_is_not_looked_at(app: Ferry) -> None:
    """A document that names a blob elsewhere leads nowhere; it stays."""
    line = {"time": "t", "route": "lines", "kind": "blob", "source": "secret/a", "version": "1"}
    text = json.dumps({**line, "reason": "Forged", "detail": ""}).encode()
    app.app.dead_letter.store.put("lines/2026-11-24/k/source.ndjson", text)
    replay(app)
    assert len(documents(app)) == 1
    assert app.queued() == []
    assert "ALLOWED_CONTAINERS" in traces(app)[0]["reason"]


@pytest.mark.parametrize(
    ("kind", "source", "raw"),
    [
        ("blob", "{drop}/../secret/a", ""),
        ("message", "../secret/a", '{"name": "x"}'),
        ("audit", "../../../secret/a", "{}"),
        ("work", "id", '{"do": "blob", "container": "secret", "name": "a"}'),
        ("work", "id", '{"do": "blob", "container": "{drop}", "name": "../secret/a"}'),
        ("work", "id", '{"do": "held", "id": "../../secret/a"}'),
    ],
)
def test_no_document_leads_out_of_its_containers(app: Ferry, kind: str, source: str, raw: str) -> None:
    """Whoever edits a document gets nothing read or written elsewhere by it: it stays, and the trace says why."""
    drop = app.environ["DROP_CONTAINER"]
    line = {"time": "t", "route": "", "kind": kind, "source": source.replace("{drop}", drop), "version": "1"}
    text = json.dumps({**line, "reason": "Forged", "detail": "", "raw": raw.replace("{drop}", drop)})
    app.app.dead_letter.store.put("none/2026-11-24/k/source.ndjson", text.encode())
    replay(app)
    assert len(documents(app)) == 1
    assert app.queued() == []
    (trace,) = traces(app)
    assert (trace["outcome"], trace["left"]) == ("dead", 1)
    assert "ALLOWED_CONTAINERS" in trace["reason"] or ".." in trace["reason"]


def test_no_work_message_names_a_document_elsewhere(app: Ferry) -> None:
    """A name with dots in it is not asked of the storage, which would look into another container."""
    with pytest.raises(Forbidden):
        app.work({"do": "replay", "document": f"../{app.environ['DROP_CONTAINER']}/a.ndjson"})
    assert (traces(app), app.queued()) == ([], [])


def test_a_document_that_is_none_is_left_alone(app: Ferry) -> None:
    """Bytes that are no dead letter are neither sent nor removed."""
    app.app.dead_letter.store.put("lines/2026-11-24/k/000000000000.ndjson", b"what\n")
    replay(app)
    assert len(documents(app)) == 1


def test_a_refused_row_is_posted_as_it_was(app: Ferry) -> None:
    """A row that the service refused is in the dead letter as posted, and lands when the service takes it."""
    app.drop("lines/a.ndjson", b'{"Name":"a"}\n')
    app.server.faults({"status": 400, "times": 1})
    app.take("lines/a.ndjson")
    (line,) = app.dead()
    assert (line["form"], json.loads(line["raw"])["Name"]) == ("row", "a")
    replay(app)
    assert names(app, "Lines_CL") == ["a"]
    assert documents(app) == []


def test_a_listing_downloads_nothing(app: Ferry) -> None:
    """Route, records, reasons and source are in a document's metadata, whatever the names are."""
    app.drop("rows/Straße 1.csv", CSV)
    app.take("rows/Straße 1.csv")
    (row,) = documents(app)
    tags = read_tags(row.metadata)
    assert (tags["route"], tags["records"]) == ("rows", "4")
    assert tags["reasons"] == "BadValue=3,RaggedRow=1"
    assert tags["source"].endswith("/rows/Straße 1.csv")


def test_a_worker_that_dies_in_a_replay_loses_nothing(app: Ferry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dead after the post and before the document is written: the records are still there, and the next try settles them."""
    app.drop("rows/a.csv", b"name,size\nn1,much\n")
    app.take("rows/a.csv")
    mend(app, CLAIM_SECONDS="5")
    store = app.app.dead_letter.store

    def dies(*_: Any, **__: Any) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(store, "remove", dies)
        with pytest.raises(Unexpected, match="MemoryError"):
            replay(app)
    assert len(app.dead()) == 1
    app.again()
    replay(app)
    assert documents(app) == []
    assert set(names(app)) == {"n1"}


def _app(app: Ferry) -> App:
    return App(settings.read(app.environ), app.root)


def test_every_line_can_be_read_back(app: Ferry) -> None:
    """What is written is what is read: lines know their state."""
    app.drop("rows/a.csv", CSV)
    app.take("rows/a.csv")
    (row,) = documents(app)
    stored = _app(app).dead_letter.store.read(row.name)
    assert stored is not None
    assert [line.state for line in parse(stored.document)] == [{"header": ["name", "size"]}] * 4
