"""The queries of alerts and workbook, run over what the app really says and sends.

The app runs on Azurite and the local Azure Monitor, well and badly; its log lines and audit rows are
put in a workspace, and each alert is asked whether it fires.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError

from shared import audit
from tests.azurite import Azurite
from tests.build import lines
from tests.ferry import ROUTES, Ferry, ferry

from .cases import REPOSITORY
from .snapshot import Snapshot
from .watching import QUERIES, alerts, workbook_queries
from .workspace import Workspace

COMPONENT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Insights/components/appi-Test"
HOUR = 3_600.0
Said = list[logging.LogRecord]

FIRED_BY_HAND: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "invocations-fail": (
        "AppRequests",
        [{"Name": "on_blob", "Success": success} for success in [True] * 40 + [False] * 5],
    ),
    "workspace-limits": (
        "_LogOperation",
        [
            {
                "Category": "Ingestion",
                "Operation": "Data collection Status",
                "Level": "Warning",
                "Detail": "Data collection stopped due to daily limit of free data reached. Ingestion status = OverQuota",
            }
        ],
    ),
}
"""Rows that only Azure writes, in the form that its documentation shows."""
QUIET_BY_HAND: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "invocations-fail": (
        "AppRequests",
        [{"Name": "on_blob", "Success": success} for success in [True] * 41 + [False] * 4],
    ),
    "workspace-limits": (
        "_LogOperation",
        [
            {
                "Category": "Ingestion",
                "Operation": "Data collection Status",
                "Level": "Info",
                "Detail": "Data collection started. Ingestion status = RespectQuota",
            }
        ],
    ),
}


@contextmanager
def listening() -> Iterator[Said]:
    """What the app logs meanwhile, from Information on, as host.json says."""
    said: Said = []
    handler = logging.Handler()
    handler.emit = said.append  # type: ignore[method-assign]
    logger = logging.getLogger("logferry")
    before = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


@pytest.fixture(scope="module")
def app(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ferry]:
    """The app, with a table of audit rows."""
    routes = "audit: { table: LogferryAudit_CL }\n" + ROUTES
    with ferry(azurite, tmp_path_factory.mktemp("watch"), routes) as made:
        made.environ["INGEST_QUEUE"] = f"ingest-{made.environ['WORK_QUEUE']}"
        made.again()
        yield made
        with suppress(ResourceNotFoundError):
            made.queues.delete_queue(f"{made.environ['INGEST_QUEUE']}-poison")


def _named(count: int) -> list[dict[str, Any]]:
    return [{"Name": f"n{i}", "Size": i} for i in range(count)]


@pytest.fixture(scope="module")
def well(app: Ferry) -> Said:
    """A sweep at night, two files, some bad records in one, a message, another sweep."""
    with listening() as said:
        app.sweep()
        app.drop("lines/a.ndjson", lines(_named(3)))
        app.take("lines/a.ndjson")
        app.drop("rows/b.csv", b"name,size\na,1\nskip,2\nb,2,3\nc,\xff\n")
        app.take("rows/b.csv")
        app.send([{"name": "x"}])
        app.sweep()
    return said


def _no_role(app: Ferry) -> None:
    app.again()  # a process says once a minute what a rule lacks
    app.server.faults(
        {"match": {"stream": "Custom-Lines"}, "status": 403, "code": "OperationFailed", "times": 4}
    )
    for name in ("lines/c.ndjson", "lines/d.ndjson"):
        app.drop(name, lines(_named(3)))
        app.take(name)
    app.server.call("DELETE", "/local/faults")
    app.queued()


def _bad_file(app: Ferry) -> None:
    app.drop("rows/bad.csv", b"name,size\n" + b"s3cret,1,2\n" * 101)
    app.take("rows/bad.csv")


def _bad_message(app: Ferry) -> None:
    app.send(b"no message at all")


def _poison(app: Ferry) -> None:
    queue = app.queues.create_queue(f"{app.environ['INGEST_QUEUE']}-poison")
    queue.send_message('[{"name": "p"}]')
    app.sweep()


def _wrong_sum(_app: Ferry) -> None:
    audit.write(
        audit.Audit(
            kind="blob",
            source="drop/a",
            version="1",
            route="lines",
            table="Lines_CL",
            outcome="done",
            read=2,
            accepted=1,
        )
    )


BADLY = {
    "does-not-add-up": _wrong_sum,
    "dead-letter-grows": _bad_file,
    "nothing-lands": _no_role,
    "poison": _poison,
    "waits-for-setup": _no_role,
}


@pytest.fixture(scope="module")
def badly(app: Ferry, well: Said) -> dict[str, Said]:
    """What the app says in each case in which an alert should fire, and, as `whole`, of a message that is none."""
    found = {}
    for name, happens in {**BADLY, "whole": _bad_message}.items():
        with listening() as said:
            happens(app)
        found[name] = said
    return found


@pytest.fixture(scope="module")
def queries(own: Snapshot) -> dict[str, tuple[str, str]]:
    """Alert -> its KQL, for the component that the log lines are from, and how far it looks back."""
    component = own.one("Microsoft.Insights/components")["id"]
    return {
        alert.name: (alert.query.replace(component, COMPONENT), alert.properties["windowSize"])
        for alert in alerts(own, QUERIES)
    }


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    """An empty one."""
    made = Workspace(COMPONENT)
    yield made
    made.close()


def test_all_is_well(workspace: Workspace, queries: dict[str, tuple[str, str]], well: Said) -> None:
    """Files that land, a few bad records and sweeps that find nothing fire no alert."""
    workspace.log(well)
    for table, rows in QUIET_BY_HAND.values():
        workspace.add(table, rows)
    assert {name: workspace.ask(*query) for name, query in queries.items()} == {name: [] for name in queries}


def test_a_quiet_night(workspace: Workspace, queries: dict[str, tuple[str, str]], well: Said) -> None:
    """An app that is given nothing, and sweeps, pages nobody."""
    workspace.log(record for record in well if record.getMessage().startswith("sweep: "))
    assert {name: workspace.ask(*query) for name, query in queries.items()} == {name: [] for name in queries}


@pytest.mark.parametrize("name", sorted(BADLY))
def test_what_fires(
    workspace: Workspace, queries: dict[str, tuple[str, str]], well: Said, badly: dict[str, Said], name: str
) -> None:
    """Each alert fires by what the app says in its case, and no longer once that is older than its window."""
    workspace.log(badly[name])
    assert workspace.ask(*queries[name])
    later = Workspace(COMPONENT)
    later.log(badly[name], ago=2 * HOUR)
    later.log(well)
    assert later.ask(*queries[name]) == []
    later.close()


@pytest.mark.parametrize("name", sorted(FIRED_BY_HAND))
def test_what_azure_writes_fires(
    workspace: Workspace, queries: dict[str, tuple[str, str]], name: str
) -> None:
    """Failed invocations, and a workspace that takes no more, fire their alerts."""
    table, rows = FIRED_BY_HAND[name]
    workspace.add(table, rows)
    assert len(workspace.ask(*queries[name])) == 1


def test_every_alert_is_tried(queries: dict[str, tuple[str, str]]) -> None:
    """No alert is without a case here in which it fires."""
    assert set(queries) == {*BADLY, *FIRED_BY_HAND, "sweep-silent"}


def test_a_silent_sweep_fires(workspace: Workspace, queries: dict[str, tuple[str, str]], well: Said) -> None:
    """Files land, but no sweep has ended for an hour; nor is there one if nothing is said at all."""
    query = queries["sweep-silent"]
    assert workspace.ask(*query) == [{"Sweeps": 0}]
    workspace.log(well, ago=2 * HOUR)
    workspace.log(record for record in well if not record.getMessage().startswith("sweep: "))
    assert workspace.ask(*query) == [{"Sweeps": 0}]


def test_the_role_is_named(
    workspace: Workspace, queries: dict[str, tuple[str, str]], badly: dict[str, Said]
) -> None:
    """What waits for a role is one row, which names the role and the rule."""
    workspace.log(badly["waits-for-setup"])
    (row,) = workspace.ask(*queries["waits-for-setup"])
    assert "Monitoring Metrics Publisher" in row["Message"]
    assert "dcr-" in row["Message"]


def test_a_source_as_a_whole_counts_at_once(
    workspace: Workspace, queries: dict[str, tuple[str, str]], badly: dict[str, Said]
) -> None:
    """One message that is none fires, while a hundred bad records of a route do not."""
    workspace.log(badly["whole"])
    assert workspace.ask(*queries["dead-letter-grows"]) == [{"Route": "", "Records": 0, "Whole": 1}]
    workspace.log(badly["dead-letter-grows"])
    assert {r["Route"]: r["Records"] for r in workspace.ask(*queries["dead-letter-grows"])} == {
        "": 0,
        "rows": 101,
    }


def test_a_document_that_is_written_twice_counts_once(
    workspace: Workspace, queries: dict[str, tuple[str, str]], badly: dict[str, Said]
) -> None:
    """A repeat after a crash writes the same document, and is not twice as many records."""
    workspace.log([*badly["dead-letter-grows"], *badly["dead-letter-grows"]])
    (row,) = workspace.ask(*queries["dead-letter-grows"])
    assert row["Records"] == 101


def test_the_line_of_a_document(app: Ferry, badly: dict[str, Said]) -> None:
    """It names a document that is there, with its reasons, and holds nothing of the records."""
    (line,) = [r.getMessage() for r in badly["dead-letter-grows"] if r.name == "logferry.deadletter"]
    letter = json.loads(line.removeprefix("dead letter "))
    document = letter.pop("document")
    assert letter == {
        "route": "rows",
        "kind": "blob",
        "source": f"{app.environ['DROP_CONTAINER']}/rows/bad.csv",
        "records": 101,
        "reasons": [{"reason": "RaggedRow", "records": 101}],
    }
    assert app.app.dead_letter.store.read(document) is not None
    assert "s3cret" not in "".join(record.getMessage() for said in badly.values() for record in said)


def test_others_in_the_workspace_do_not_matter(
    queries: dict[str, tuple[str, str]], badly: dict[str, Said]
) -> None:
    """What another app of the workspace says fires nothing, and its sweeps are not ours."""
    other = Workspace(COMPONENT.replace("appi-Test", "appi-other"))
    for said in badly.values():
        other.log(said)
    found = {name: other.ask(*queries[name]) for name in (*BADLY, "sweep-silent")}
    assert found == {**{name: [] for name in BADLY}, "sweep-silent": [{"Sweeps": 0}]}
    other.close()


def test_a_silent_route_fires(workspace: Workspace, well: Said) -> None:
    """Of the routes that are expected, those without a row are named."""
    text = (REPOSITORY / "infra" / "queries" / "route-silent.kql").read_text(encoding="utf-8")
    query = text.replace("{component}", COMPONENT).replace("{routes}", "'lines', 'nightly', 'rows'")
    workspace.log(well)
    assert workspace.ask(query, "PT1H") == [{"Route": "nightly"}]


# -- the workbook -------------------------------------------------------------------------------


def _filled(deployed: Snapshot, route: str = "*") -> dict[str, str]:
    """The workbook's queries, but for the one that asks when rows arrived, which only Azure knows."""
    component = deployed.one("Microsoft.Insights/components")["id"]
    found = workbook_queries(deployed, route)
    return {name: query.replace(component, COMPONENT) for name, query in found.items() if name != "azure-lag"}


@pytest.fixture(scope="module")
def seen(app: Ferry, well: Said, badly: dict[str, Said], own: Snapshot) -> Iterator[Workspace]:
    """A workspace with everything: log lines, audit rows, errors of a rule and usage."""
    made = Workspace(COMPONENT)
    for said in (well, *(said for name, said in badly.items() if name != "does-not-add-up")):
        made.log(said)
    made.add(
        "LogferryAudit_CL", app.server.rows("LogferryAudit_CL | project-away TenantId, Type, _TimeReceived")
    )
    rule = own.rules()[0]["id"]
    error = {"InputStreamId": "Custom-Lines", "OperationName": "Transformation", "Message": "no"}
    made.add("DCRLogErrors", [{**error, "_ResourceId": rule.lower()}, {**error, "_ResourceId": "another"}])
    hour = datetime.now(UTC) - timedelta(hours=1)
    usage = [("WebAccess_CL", True, 500.0), ("WebAccess_CL", True, 700.0), ("AppTraces", True, 100.0)]
    usage += [("Usage", False, 9.0), ("Others_CL", True, 9.0)]
    made.add(
        "Usage",
        [{"DataType": t, "IsBillable": billed, "Quantity": q, "EndTime": hour} for t, billed, q in usage],
    )
    yield made
    made.close()


def test_rows_by_route(seen: Workspace, own: Snapshot) -> None:
    """Read, accepted, filtered and dead-lettered of every route, as they were, and nothing missing."""
    rows = {row["Route"]: row for row in seen.ask(_filled(own)["rows-by-route"])}
    assert set(rows) == {"", "events", "lines", "rows"}
    assert [rows["rows"][key] for key in ("Sources", "Read", "Accepted", "Filtered", "DeadLettered")] == [
        2,
        105,
        1,
        1,
        103,
    ]
    assert rows["lines"]["Accepted"] == 3
    assert {row["Missing"] for row in rows.values()} == {0}


def test_one_route(seen: Workspace, own: Snapshot) -> None:
    """With a route chosen, every query that knows routes is about that one."""
    for name, query in _filled(own, "rows").items():
        for row in seen.ask(query):
            assert row.get("Route", "rows") == "rows", name


def test_without_an_audit_table(seen: Workspace, small: Snapshot, own: Snapshot) -> None:
    """Where routes.yaml asks for no table of audit rows, the log says the same."""
    mine, logged = _filled(own), _filled(small)
    for name in ("rows-by-route", "not-done", "cost-by-route"):
        assert _without_times(seen.ask(logged[name])) == _without_times(seen.ask(mine[name])), name


def _without_times(rows: list[dict[str, Any]]) -> list[Any]:
    return sorted(sorted((k, str(v)) for k, v in row.items() if k != "EndTime") for row in rows)


def test_every_item_has_something_to_show(seen: Workspace, own: Snapshot) -> None:
    """Each query of the workbook runs, and gives rows when there is something to see."""
    assert [name for name, query in _filled(own).items() if not seen.ask(query)] == []


def test_dead_letters_by_reason(seen: Workspace, own: Snapshot) -> None:
    """Records of the dead letter by route and reason, sources as a whole among them."""
    found = {
        (row["Route"], row["Reason"]): row["Records"] for row in seen.ask(_filled(own)["dead-by-reason"])
    }
    assert found == {
        ("rows", "RaggedRow"): 102,
        ("rows", "InvalidUtf8"): 1,
        ("", "BadMessage"): 1,
        ("", "Poison"): 1,
    }


def test_what_waits(seen: Workspace, own: Snapshot) -> None:
    """Deferred sources are there with the reason."""
    rows = seen.ask(_filled(own)["waiting"])
    assert {row["Source"].partition("/")[2] for row in rows} == {"lines/c.ndjson", "lines/d.ndjson"}
    assert all("Monitoring Metrics Publisher" in row["Reason"] for row in rows)


def test_cost_by_table(seen: Workspace, own: Snapshot) -> None:
    """Billed gigabytes of the routes' tables and of the app's telemetry; nobody else's, and nothing that is free."""
    found = {row["Table"]: row["GB"] for row in seen.ask(_filled(own)["cost-by-table"])}
    assert found == {"WebAccess_CL": 1.2, "AppTraces": 0.1}


def test_errors_of_rules(seen: Workspace, own: Snapshot) -> None:
    """Errors of these rules are counted, and not those of others that write to the same workspace."""
    (row,) = seen.ask(_filled(own)["rule-errors"])
    assert (row["Stream"], row["Times"]) == ("Custom-Lines", 1)
