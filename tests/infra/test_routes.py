"""routes.yaml means to Bicep what it means to the app."""

from __future__ import annotations

from typing import Any

import pytest

from shared.routes import Routes
from shared.routes.auditing import audit_columns

from .cases import GROUP, STREAMS
from .snapshot import Snapshot

PAIRS = [("own", "own_routes"), ("corners", "corner_routes")]


@pytest.fixture(params=PAIRS, ids=["own", "corners"])
def pair(request: pytest.FixtureRequest) -> tuple[Snapshot, Routes]:
    """What Azure would be asked for, and what the app reads."""
    deployed, routes = request.param
    return request.getfixturevalue(deployed), request.getfixturevalue(routes)


def test_columns_of_streams(pair: tuple[Snapshot, Routes]) -> None:
    """Every custom stream declares exactly the effective columns and types that the app sends."""
    deployed, routes = pair
    expected = {
        route.stream: {name: column.type for name, column in route.columns.items()}
        for route in routes.in_order()
        if route.stream.startswith("Custom-")
    }
    assert deployed.declared() == expected


def test_columns_of_tables(pair: tuple[Snapshot, Routes]) -> None:
    """A custom table has the columns of all routes that fill it, one of Azure's own those that are added to it."""
    deployed, routes = pair
    expected: dict[str, dict[str, str]] = {}
    for route in routes.in_order():
        custom = route.table.endswith("_CL")
        types = {
            name: column.type.replace("datetime", "dateTime")
            for name, column in route.columns.items()
            if custom or name.endswith("_CF")
        }
        if types:
            expected.setdefault(route.table, {}).update(types)
    found = {
        table: {name: c["type"] for name, c in columns.items()}
        for table, columns in deployed.tables().items()
    }
    assert found == expected
    assert all(
        table["name"].endswith(f"/{table['properties']['schema']['name']}") for table in _tables(deployed)
    )


def test_flows(pair: tuple[Snapshot, Routes]) -> None:
    """Every stream has one data flow, with its route's transform, into its route's table."""
    deployed, routes = pair
    expected = {}
    for route in routes.in_order():
        owner = "Custom" if route.table.endswith("_CL") else "Microsoft"
        expected[route.stream] = (route.transform or "source", f"{owner}-{route.table}")
    flows = deployed.flows()
    assert {
        stream: (flow["transformKql"], flow["outputStream"]) for stream, flow in flows.items()
    } == expected
    assert sum(len(rule["properties"]["dataFlows"]) for rule in deployed.rules()) == len(expected)


def test_rules(pair: tuple[Snapshot, Routes]) -> None:
    """Every rule is Direct, holds at most ten streams, declares its own, and writes to the workspace."""
    deployed, _ = pair
    workspace = deployed.one("Microsoft.OperationalInsights/workspaces")
    for rule in deployed.rules():
        properties = rule["properties"]
        streams = [stream for flow in properties["dataFlows"] for stream in flow["streams"]]
        (destination,) = properties["destinations"]["logAnalytics"]
        assert rule["kind"] == "Direct"
        assert 1 <= len(streams) <= 10
        assert set(properties["streamDeclarations"]) == {s for s in streams if s.startswith("Custom-")}
        assert destination["workspaceResourceId"] == workspace["id"]
        assert all(flow["destinations"] == [destination["name"]] for flow in properties["dataFlows"])


def test_thirty_seven_streams(corners: Snapshot) -> None:
    """37 streams are four rules: three full ones and one with seven."""
    assert len(corners.flows()) == STREAMS
    assert [len(rule["properties"]["dataFlows"]) for rule in corners.rules()] == [10, 10, 10, 7]


def test_audit_table(own: Snapshot) -> None:
    """The table of audit rows is made with the columns of the file that the app reads, and what they mean."""
    columns = own.tables()["LogferryAudit_CL"]
    assert {name: column["description"] for name, column in columns.items()} == {
        name: column.description for name, column in audit_columns().items()
    }
    assert own.rules()[-1]["properties"]["dataFlows"][-1]["streams"] == ["Custom-LogferryAudit"]


def test_order_of_streams(pair: tuple[Snapshot, Routes]) -> None:
    """Stream k in the order of the routes' names, hyphen before digits before letters, is in rule k // 10.

    The stream of audit rows comes after all of them, so that asking for it moves none.
    """
    deployed, routes = pair
    ordered = list(dict.fromkeys(routes.by_name[name].stream for name in sorted(routes.by_name)))
    assert routes.audit is not None
    assert list(deployed.flows()) == [*ordered, routes.audit.stream]


def test_app_finds_rules(pair: tuple[Snapshot, Routes]) -> None:
    """The app looks for every stream in the rule that has it."""
    deployed, routes = pair
    found = {
        flow["streams"][0]: k
        for k, rule in enumerate(deployed.rules())
        for flow in rule["properties"]["dataFlows"]
    }
    assert found == {stream: k // 10 for k, stream in enumerate(routes.streams())}


def test_settings_name_every_rule_in_order(corners: Snapshot) -> None:
    """The app is told one endpoint and one immutable id for each rule, in the rules' order."""
    for setting, property_ in (
        ("DATA_COLLECTION_ENDPOINT", "endpoints.logsIngestion"),
        ("LOGS_DCR_RULE_ID", "immutableId"),
    ):
        references = ", ".join(
            f"reference('{rule['id']}', '2024-03-11').{property_}" for rule in corners.rules()
        )
        assert corners.settings()[setting] == f"[join(createArray({references}), ',')]"
        assert corners.outputs[setting] == corners.settings()[setting]


def test_no_audit_table_unless_asked_for(small: Snapshot) -> None:
    """A file without `audit:` makes neither the stream nor the table."""
    assert list(small.flows()) == ["Custom-A"]
    assert list(small.tables()) == ["A_CL"]


def test_descriptions(corners: Snapshot) -> None:
    """A column's description is kept in its table, and only where there is one."""
    columns = corners.tables()["Types_CL"]
    assert columns["Text"]["description"] == "What it says."
    assert [name for name, column in columns.items() if "description" in column] == ["Text"]


def test_tables_of_azures_own_keep_their_plan(corners: Snapshot) -> None:
    """A table of the file's own is on the Analytics plan; one of Azure's gets columns, and no plan that is not its own."""
    plans = {table["name"].rsplit("/", 1)[-1]: table["properties"]["plan"] for table in _tables(corners)}
    assert {plan for name, plan in plans.items() if name.endswith("_CL")} == {"Analytics"}
    assert [plan for name, plan in plans.items() if not name.endswith("_CL")] == [None]


def test_rules_and_tables_are_together(own: Snapshot) -> None:
    """Rules and tables are in one group and one workspace, so that a rule finds its tables."""
    workspace = own.one("Microsoft.OperationalInsights/workspaces")
    assert workspace["id"].startswith(GROUP)
    assert all(table["id"].startswith(f"{workspace['id']}/tables/") for table in _tables(own))
    assert {rule["location"] for rule in own.rules()} == {workspace["location"]}


def _tables(deployed: Snapshot) -> list[dict[str, Any]]:
    return deployed.of("Microsoft.OperationalInsights/workspaces/tables")
