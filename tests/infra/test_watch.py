"""Alerts, workbook and the rules' own errors: what Azure would be asked for."""

from __future__ import annotations

import json
import os
import re
from typing import Any

import pytest

from shared.routes import Routes
from shared.transform import analyser

from .cases import ON_CALL, REPOSITORY, WORKSPACE
from .snapshot import Snapshot, committed
from .watching import METRICS, QUERIES, alerts, workbook, workbook_queries
from .workspace import analyse

OPERATE = REPOSITORY / "docs" / "operate.md"
TEMPLATE = REPOSITORY / "infra" / "azuredeploy.json"
MINUTES = {"PT5M": 5, "PT15M": 15, "PT30M": 30, "PT1H": 60, "PT2H": 120, "P1D": 1440}


def test_errors_of_every_rule_are_kept(corners: Snapshot) -> None:
    """Each of the four rules sends its errors to the workspace, and nothing else."""
    workspace = corners.one("Microsoft.OperationalInsights/workspaces")["id"]
    found = {
        setting["id"].rsplit("/providers/Microsoft.Insights/diagnosticSettings", 1)[0]: setting["properties"]
        for setting in corners.of("Microsoft.Insights/diagnosticSettings")
    }
    expected = {"workspaceId": workspace, "logs": [{"category": "LogErrors", "enabled": True}]}
    assert found == {rule["id"]: expected for rule in corners.rules()}


def test_every_rule_has_its_alerts(corners: Snapshot) -> None:
    """Dropped rows, transform errors, refusals and throttling: an alert each for each rule, on that rule alone."""
    names = ["rows-dropped", "transform-errors", "refused", "throttled"]
    for rule in corners.rules():
        found = [alert for alert in alerts(corners, METRICS) if alert.properties["scopes"] == [rule["id"]]]
        assert [alert.name for alert in found] == names


def test_metrics_of_a_rule(corners: Snapshot, own: Snapshot) -> None:
    """Each metric has a name, an aggregation and dimensions that Azure lists for rules.

    Source: Azure Monitor, supported metrics for Microsoft.Insights/datacollectionrules.
    """
    listed = {
        "ApiCallReceived_Count": ("Count", {"InputStreamId", "ResponseCode"}),
        "RowsDropped_Count": ("Total", {"InputStreamId"}),
        "TransformationErrors_Count": ("Count", {"InputStreamId", "ErrorType"}),
    }
    for alert in (*alerts(corners, METRICS), *alerts(own, METRICS)):
        criterion = alert.criterion
        if criterion["metricNamespace"] == "Microsoft.Insights/dataCollectionRules":
            aggregation, dimensions = listed[criterion["metricName"]]
            assert criterion["timeAggregation"] == aggregation
            assert {dimension["name"] for dimension in criterion["dimensions"]} <= dimensions
        else:
            assert (criterion["metricName"], criterion["timeAggregation"]) == ("DeadLetteredCount", "Total")


def test_when_metrics_fire(own: Snapshot, corners: Snapshot) -> None:
    """Every alert fires over its own count in its own time: one dropped row is enough, a few 429 are not."""
    fires = {
        "rows-dropped": (0, "PT15M"),
        "transform-errors": (0, "PT15M"),
        "refused": (0, "PT15M"),
        "throttled": (100, "PT30M"),
        "events-undelivered": (0, "PT1H"),
    }
    for deployed in (own, corners):
        found = alerts(deployed, METRICS)
        assert {alert.name for alert in found} == set(fires)
        for alert in found:
            criterion = alert.criterion
            assert (criterion["threshold"], alert.properties["windowSize"]) == fires[alert.name]
            assert criterion["operator"] == "GreaterThan"
            assert alert.properties["enabled"]
    assert "answers 429 over 100 times in half an hour" in OPERATE.read_text(encoding="utf-8")


def test_times_are_those_that_azure_takes(own: Snapshot, corners: Snapshot) -> None:
    """Pauses and windows are among those of Azure's lists, for every value that a parameter may have.

    Source: the properties of a metric alert, and of a log search alert rule, in their resource references.
    """
    metric = {f"PT{minutes}M" for minutes in (1, 5, 15, 30)} | {"PT1H", "PT6H", "PT12H", "P1D"}
    query = {f"PT{minutes}M" for minutes in (1, 5, 10, 15, 30, 45)} | {f"PT{hours}H" for hours in range(1, 7)}
    query |= {"P1D", "P2D"}
    for deployed in (own, corners):
        for kind, listed in ((METRICS, metric), (QUERIES, query)):
            for alert in alerts(deployed, kind):
                pause, window = (alert.properties[key] for key in ("evaluationFrequency", "windowSize"))
                assert {pause, window} <= listed
                assert MINUTES[pause] <= MINUTES[window]
    told = json.loads(TEMPLATE.read_text(encoding="utf-8"))["parameters"]
    for name in ("alertSweepSilence", "alertExpectWithin"):
        assert set(told[name]["allowedValues"]) <= query


def test_a_new_workspace_has_no_tables_yet(own: Snapshot) -> None:
    """Queries are not tried when they are made, since a table is not there before its first row."""
    assert all(alert.properties["skipQueryValidation"] for alert in alerts(own, QUERIES))


def test_undelivered_events_are_those_of_the_topic(own: Snapshot) -> None:
    """The alert watches the account's topic; there is none for a topic in another subscription."""
    (alert,) = (alert for alert in alerts(own, METRICS) if alert.name == "events-undelivered")
    assert alert.properties["scopes"] == [own.one("Microsoft.EventGrid/systemTopics")["id"]]
    for case in ("storage", "topic"):
        assert "events-undelivered" not in {alert.name for alert in alerts(committed(case), METRICS)}


def test_alerts_are_where_the_workspace_is() -> None:
    """Alerts that ask an existing workspace are in its region, and ask it."""
    deployed = committed("workspace")
    for rule in deployed.of(QUERIES):
        assert f"reference('{WORKSPACE}', '2025-07-01', 'full'), 'location')" in rule["location"]
        assert rule["properties"]["scopes"] == [WORKSPACE]


def test_answers_that_are_counted(own: Snapshot) -> None:
    """401 and 403 are refusals, 429 is throttling, and no other answer is either."""
    codes = {
        alert.name: [d["values"] for d in alert.criterion["dimensions"]]
        for alert in alerts(own, METRICS)
        if alert.criterion["metricName"] == "ApiCallReceived_Count"
    }
    assert codes == {"refused": [["401", "403"]], "throttled": [["429"]]}


@pytest.mark.parametrize(("deployment", "routes"), [("own", "own_routes"), ("corners", "corner_routes")])
def test_rows_that_a_transform_filters_are_no_alarm(
    deployment: str, routes: str, request: pytest.FixtureRequest
) -> None:
    """Streams of a rule whose transform has a `where` are left out of its alert, and no other stream is."""
    deployed: Snapshot = request.getfixturevalue(deployment)
    read: Routes = request.getfixturevalue(routes)
    filtering = {r.stream for r in read.in_order() if re.search(r"\|\s*where\b", r.transform or "")}
    assert filtering
    left_out = {}
    for alert in alerts(deployed, METRICS):
        if alert.name == "rows-dropped":
            (rule,) = alert.properties["scopes"]
            left_out[rule] = [
                (d["name"], d["operator"], sorted(d["values"])) for d in alert.criterion["dimensions"]
            ]
    expected = {}
    for rule in deployed.rules():
        streams = sorted(
            s for flow in rule["properties"]["dataFlows"] for s in flow["streams"] if s in filtering
        )
        expected[rule["id"]] = [("InputStreamId", "Exclude", streams)] if streams else []
    assert left_out == expected


def test_queries_look_back_further_than_their_pause(own: Snapshot, corners: Snapshot) -> None:
    """A row that arrives minutes late is seen by the next run, and an alert goes when its reason does."""
    for deployed in (own, corners):
        for alert in alerts(deployed, QUERIES):
            pause, window = (MINUTES[alert.properties[key]] for key in ("evaluationFrequency", "windowSize"))
            assert window >= pause + 15
            assert alert.properties["autoMitigate"]
        assert all(alert.properties["autoMitigate"] for alert in alerts(deployed, METRICS))


def test_a_query_fires_by_its_rows(own: Snapshot) -> None:
    """An alert of a query fires when there is a row: what it is about is in the query, which tests run."""
    for alert in alerts(own, QUERIES):
        criterion = {key: alert.criterion[key] for key in ("timeAggregation", "operator", "threshold")}
        assert criterion == {"timeAggregation": "Count", "operator": "GreaterThan", "threshold": 0}
        assert alert.properties["scopes"] == [own.one("Microsoft.OperationalInsights/workspaces")["id"]]


def test_nobody_is_told_unless_named(own: Snapshot) -> None:
    """Without an address and a group the alerts are there, and call nobody."""
    assert own.of("Microsoft.Insights/actionGroups") == []
    assert {str(alert.properties["actions"]) for alert in alerts(own, METRICS)} == {"[]"}
    assert [alert.properties["actions"] for alert in alerts(own, QUERIES)] == [
        {"actionGroups": []} for _ in alerts(own, QUERIES)
    ]


def test_who_is_told(corners: Snapshot) -> None:
    """With an address and a group, every alert calls both."""
    people = corners.one("Microsoft.Insights/actionGroups")
    assert [r["emailAddress"] for r in people["properties"]["emailReceivers"]] == ["ops@example.com"]
    groups = [people["id"], ON_CALL]
    for alert in alerts(corners, METRICS):
        assert [action["actionGroupId"] for action in alert.properties["actions"]] == groups
    for alert in alerts(corners, QUERIES):
        assert alert.properties["actions"] == {"actionGroups": groups}


def test_parameters_of_alerts(corners: Snapshot, own: Snapshot) -> None:
    """The dead letter's allowance, the sweep's silence and the routes that are expected are where they belong."""
    by_name = {alert.name: alert for alert in alerts(corners, QUERIES)}
    assert "Records > 7" in by_name["dead-letter-grows"].query
    assert by_name["sweep-silent"].properties["windowSize"] == "P1D"
    assert "['m0', 'm1']" in by_name["route-silent"].query
    assert by_name["route-silent"].properties["windowSize"] == "PT2H"
    assert "route-silent" not in {alert.name for alert in alerts(own, QUERIES)}


def test_alerts_can_be_left_out(small: Snapshot) -> None:
    """With alerts=false there is none, and errors are kept and the workbook is there all the same."""
    assert small.of(QUERIES) == small.of(METRICS) == []
    assert small.of("Microsoft.Insights/diagnosticSettings")
    assert small.one("Microsoft.Insights/workbooks")


def test_the_page_has_every_alert(own: Snapshot, corners: Snapshot) -> None:
    """Each alert has its section in docs/operate.md, which its description names, and there is no other section."""
    found = [a for deployed in (own, corners) for kind in (QUERIES, METRICS) for a in alerts(deployed, kind)]
    for alert in found:
        assert alert.properties["description"].endswith(f"What to do: docs/operate.md#{alert.name}")
    part = OPERATE.read_text(encoding="utf-8").split("\n## Alerts\n")[1].split("\n## ")[0]
    assert set(re.findall(r"^### (\S+)$", part, re.MULTILINE)) == {alert.name for alert in found}


def test_the_page_has_the_severity(own: Snapshot, corners: Snapshot) -> None:
    """The page says of each alert the severity that it has."""
    text = OPERATE.read_text(encoding="utf-8")
    for deployed in (own, corners):
        for alert in (*alerts(deployed, QUERIES), *alerts(deployed, METRICS)):
            section = text.split(f"\n### {alert.name}\n")[1].lstrip()
            assert section.startswith(f"Severity {alert.properties['severity']}")


def test_the_workbook_is_one(own: Snapshot, corners: Snapshot, small: Snapshot) -> None:
    """Its content is JSON of the form that the portal reads, nothing in it is left to be filled in, and it is the workspace's."""
    for deployed in (own, corners, small):
        resource, content = deployed.one("Microsoft.Insights/workbooks"), workbook(deployed)
        workspace = deployed.one("Microsoft.OperationalInsights/workspaces")["id"]
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", resource["name"])
        assert content["version"] == "Notebook/1.0"
        assert content["fallbackResourceIds"] == [workspace] == [resource["properties"]["sourceId"]]
        assert "{{" not in resource["properties"]["serializedData"]
        assert {item["type"] for item in content["items"]} == {1, 3, 9}
        names = [item["name"] for item in content["items"]]
        assert len(names) == len(set(names))
        for item in content["items"]:
            if item["type"] == 3:
                assert item["content"]["version"] == "KqlItem/1.0"
                assert item["content"]["crossComponentResources"] == [workspace]
                assert item["content"]["timeContextFromParameter"] == "TimeRange"


def test_a_workbook_without_errors_shows_none(own: Snapshot) -> None:
    """The table of the rules' errors, which is not there before its first row, is asked for where it is."""
    query = workbook_queries(own)["rule-errors"]
    assert query.startswith("union isfuzzy=true DCRLogErrors, (datatable(")
    assert "DCRLogErrors" not in "".join(a.query for a in alerts(own, QUERIES))


def test_the_workbook_offers_every_route(own: Snapshot, own_routes: Routes) -> None:
    """A time range and the routes of the file can be chosen; at first it shows all routes."""
    (parameters,) = [item for item in workbook(own)["items"] if item["type"] == 9]
    time_range, route = parameters["content"]["parameters"]
    assert (time_range["name"], time_range["type"]) == ("TimeRange", 4)
    assert (route["name"], route["type"], route["value"]) == ("Route", 2, ["value::all"])
    offered: list[Any] = json.loads(route["jsonData"])
    assert sorted(offered) == sorted(own_routes.by_name)


def _page() -> list[str]:
    """The queries of docs/operate.md: in blocks, on the command line, and in the text."""
    text = OPERATE.read_text(encoding="utf-8")
    found = re.findall(r"```kusto\n(.*?)```", text, re.DOTALL)
    found += re.findall(r'^\$ logferry query "(.*?)"$', text, re.DOTALL | re.MULTILINE)
    return found + re.findall(r"`([A-Z]\w+\s+\|[^`]*)`", text)


def _made(deployed: Snapshot) -> dict[str, dict[str, str]]:
    """The tables that are made, in the types of a query."""
    kusto = {"dateTime": "datetime", "boolean": "bool"}
    return {
        table: {"_BilledSize": "real", **{n: kusto.get(c["type"], c["type"]) for n, c in columns.items()}}
        for table, columns in deployed.tables().items()
    }


def test_every_query_is_right(own: Snapshot, corners: Snapshot, small: Snapshot) -> None:
    """Microsoft's analyser finds nothing wrong with any query, those of the page included, given Azure's columns."""
    found = analyser.find(os.environ, (REPOSITORY,))
    if found is None:
        pytest.skip(f"no Kusto analyser: {analyser.HOW}")
    queries = {alert.name: alert.query for alert in (*alerts(own, QUERIES), *alerts(corners, QUERIES))}
    queries |= {f"{name}, from the log": query for name, query in workbook_queries(small).items()}
    queries |= workbook_queries(own)
    page = {f"page: {query}": query for query in _page()}
    assert len(page) == 11
    queries |= page
    answers = analyse(found, list(queries.values()), _made(own))
    assert {name: a["errors"] for name, a in zip(queries, answers, strict=True) if a["errors"]} == {}
    assert all(answer["columns"] for answer in answers)
