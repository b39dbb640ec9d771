"""The deployments that infra/ is looked at with: parameters, routes, and what each is there to show.

Rule: a case is evaluated by the compiler (`python -m tests.infra`) and committed under
snapshots/; the tests and docs/deploy.md read it from there. Invariant: every optional part
of main.bicep is switched on in one of them, and every template is evaluated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
ELSEWHERE = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups"
"""Of what was there before, in another subscription."""

STREAMS = 37
LONGEST_NAME = "_Very.Long(Name)-" + "x" * 47
"""64 characters, the most that azd takes, with every kind of character that it takes."""

ON_CALL = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Insights/actionGroups/on-call"
"""An action group that there is already."""
ONE_ROUTE = "routes: { a: { from: { blobs: ['a/*'] }, format: ndjson, table: A_CL } }\n"
PUBLIC = {"name": "AzureCloud", "suffixes": {"storage": "core.windows.net"}}
"""What environment() is in Azure; the compiler leaves it as it is written."""
GOVERNMENT = {"name": "AzureUSGovernment", "suffixes": {"storage": "core.usgovcloudapi.net"}}
WORKSPACE = f"{ELSEWHERE}/logs/providers/Microsoft.OperationalInsights/workspaces/central"
STORAGE = f"{ELSEWHERE}/data/providers/Microsoft.Storage/storageAccounts/stlanding"
TOPIC = f"{ELSEWHERE}/data/providers/Microsoft.EventGrid/systemTopics/landing-events"


@dataclass(frozen=True)
class Case:
    """One deployment: its title in the docs, the routes and the parameters."""

    title: str
    routes: str
    parameters: Mapping[str, Any]
    template: str = field(default="main")


def own_routes() -> str:
    """The repository's own routes."""
    return (REPOSITORY / "routes.yaml").read_text(encoding="utf-8")


@cache
def corner_routes() -> str:
    """The corner cases of the grammar, filled up to 37 streams in four rules; every second of these filters."""
    text = (HERE / "fixtures" / "corners.yaml").read_text(encoding="utf-8")
    file = yaml.safe_load(text)
    tables = [route.get("stream", route["table"]) for route in file["routes"].values()]
    missing = STREAMS - len({*tables, file["audit"]["table"]})
    for k in reversed(range(missing)):
        text += f"  m{k}:\n    from: {{ blobs: ['m{k}/*'] }}\n    format: ndjson\n    table: M{k}_CL\n"
        text += "    transform: source | where isnotnull(TimeGenerated)\n" if k % 2 else ""
    return text


_SUBSCRIPTION = {
    "appName": "func-a",
    "functionName": "on_blob",
    "topicName": "evgt-a",
    "storageId": f"{GROUP}/providers/Microsoft.Storage/storageAccounts/sta",
    "dropContainer": "drop",
    "undeliveredContainer": "logferry-undelivered",
}


def _cases() -> dict[str, Case]:
    small = {"environmentName": "small"}
    return {
        "default": Case("the sample routes", own_routes(), {"environmentName": "prod"}),
        "one-route": Case("one route, no alerts", ONE_ROUTE, small | {"deadLetterDays": 30, "alerts": False}),
        "37-routes": Case(
            "37 routes, the longest name, files that are deleted, all that alerts can be told",
            corner_routes(),
            {
                "environmentName": LONGEST_NAME,
                "instanceMemoryMB": 512,
                "maximumInstanceCount": 100,
                "retentionDays": 90,
                "sweepSchedule": "0 0 * * * *",
                "keepDays": 7,
                "deadLetterDays": 90,
                "alertEmail": "ops@example.com",
                "alertActionGroupId": ON_CALL,
                "alertDeadLetterRecords": 7,
                "alertSweepSilence": "P1D",
                "alertExpectRoutes": ["m0", "m1"],
                "alertExpectWithin": "PT2H",
            },
        ),
        "workspace": Case("one route, existing workspace", ONE_ROUTE, small | {"workspaceId": WORKSPACE}),
        "storage": Case(
            "one route, existing storage account",
            ONE_ROUTE,
            small
            | {
                "storageId": STORAGE,
                "dropContainer": "landing",
                "ingestQueue": "rows",
                "moreSettings": {"SWEEP_EXISTING": "true", "WORK_QUEUE": "another"},
                "keepDays": 7,
            },
        ),
        "topic": Case(
            "one route, existing account with a topic",
            ONE_ROUTE,
            small | {"storageId": STORAGE, "topicId": TOPIC},
        ),
        "private": Case(
            "one route, private networking", ONE_ROUTE, small | {"privateNetworking": True, "cloud": PUBLIC}
        ),
        "government": Case(
            "one route, private networking, Azure Government",
            ONE_ROUTE,
            small | {"privateNetworking": True, "cloud": GOVERNMENT},
        ),
        "private-existing": Case(
            "one route, private networking, workspace, account and topic existing",
            ONE_ROUTE,
            small
            | {
                "privateNetworking": True,
                "cloud": PUBLIC,
                "workspaceId": WORKSPACE,
                "storageId": STORAGE,
                "topicId": TOPIC,
            },
        ),
        "subscription": Case("the subscription, after the code", "routes: {}", _SUBSCRIPTION, "subscription"),
        "subscription-queue": Case(
            "the subscription in a private network",
            "routes: {}",
            _SUBSCRIPTION | {"functionName": "", "eventQueue": "ingest"},
            "subscription",
        ),
    }


CASES: dict[str, Case] = _cases()
MAIN = [name for name, case in CASES.items() if case.template == "main"]
