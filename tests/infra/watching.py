"""Alerts and workbook, as Azure would be asked for them.

Rule: read from a snapshot, never from the source text. Invariant: an alert's name here is the end of its
resource's name, which is its heading in docs/operate.md.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from .snapshot import Snapshot

QUERIES = "Microsoft.Insights/scheduledQueryRules"
METRICS = "Microsoft.Insights/metricAlerts"
_PREFIX = re.compile(r"logferry-[a-z0-9]+-[a-z0-9]{13}-")


@dataclass(frozen=True)
class Alert:
    """One alert."""

    name: str
    properties: dict[str, Any]

    @property
    def query(self) -> str:
        """Its KQL."""
        return str(self.criterion["query"])

    @property
    def criterion(self) -> dict[str, Any]:
        """Its only one."""
        (found,) = self.properties["criteria"]["allOf"]
        return dict(found)


def alerts(deployed: Snapshot, kind: str) -> list[Alert]:
    """The alerts of a kind."""
    return [Alert(_name(found["name"]), found["properties"]) for found in deployed.of(kind)]


def _name(resource: str) -> str:
    """Without what names the deployment, and without the number of a rule."""
    return re.sub(r"-\d+$", "", _PREFIX.sub("", resource))


def workbook(deployed: Snapshot) -> dict[str, Any]:
    """The content of the workbook."""
    text = deployed.one("Microsoft.Insights/workbooks")["properties"]["serializedData"]
    found: dict[str, Any] = json.loads(text)
    return found


def workbook_queries(deployed: Snapshot, route: str = "*", grain: str = "5m") -> dict[str, str]:
    """The name of each of its items that asks something -> its KQL, with the parameters filled in as the portal does."""
    items = [item for item in workbook(deployed)["items"] if item["type"] == 3]
    return {
        item["name"]: item["content"]["query"]
        .replace("{Route}", f"'{route}'")
        .replace("{TimeRange:grain}", grain)
        for item in items
    }
