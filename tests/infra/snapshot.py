"""What Azure would be asked for, as the compiler worked it out.

Rule: read from snapshots/, so that no compiler is needed; `python -m tests.infra` makes
those. Invariant: what is read here is what is committed, and a test holds it to what the
compiler says today.
"""

from __future__ import annotations

import json
from typing import Any

from .cases import GROUP, HERE

FOLDER = HERE / "snapshots"


def committed(case: str) -> Snapshot:
    """The snapshot of a case."""
    return Snapshot(json.loads((FOLDER / f"{case}.json").read_text(encoding="utf-8")))


class Snapshot:
    """What Azure would be asked for."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.resources: list[dict[str, Any]] = data["predictedResources"]
        self.outputs: dict[str, Any] = data["outputs"]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Every resource of one type, in the order that the template makes them."""
        return [resource for resource in self.resources if resource["type"] == kind]

    def one(self, kind: str) -> dict[str, Any]:
        """The only resource of a type."""
        (resource,) = self.of(kind)
        return resource

    def rules(self) -> list[dict[str, Any]]:
        """The data collection rules, first to last."""
        rules = self.of("Microsoft.Insights/dataCollectionRules")
        return sorted(rules, key=lambda rule: int(rule["name"].rsplit("-", 1)[1]))

    def flows(self) -> dict[str, dict[str, Any]]:
        """Stream -> its data flow, over all rules."""
        return {flow["streams"][0]: flow for rule in self.rules() for flow in rule["properties"]["dataFlows"]}

    def declared(self) -> dict[str, dict[str, str]]:
        """Declared stream -> column -> type, over all rules."""
        found: dict[str, dict[str, str]] = {}
        for rule in self.rules():
            for stream, declaration in rule["properties"]["streamDeclarations"].items():
                found[stream] = {column["name"]: column["type"] for column in declaration["columns"]}
        return found

    def tables(self) -> dict[str, dict[str, dict[str, str]]]:
        """Table -> column -> its declaration."""
        tables = self.of("Microsoft.OperationalInsights/workspaces/tables")
        schemas = [table["properties"]["schema"] for table in tables]
        return {
            schema["name"]: {column["name"]: column for column in schema["columns"]} for schema in schemas
        }

    def settings(self) -> dict[str, str]:
        """The app's settings."""
        site = self.one("Microsoft.Web/sites")["properties"]["siteConfig"]["appSettings"]
        return {setting["name"]: setting["value"] for setting in site}

    def roles(self) -> set[tuple[str, str, str]]:
        """Every role assignment: whose, which role, on what (both ids without their common parts)."""
        found = set()
        for assignment in self.of("Microsoft.Authorization/roleAssignments"):
            properties = assignment["properties"]
            whose = properties["principalId"].split("/providers/")[1].split("'")[0]
            role = properties["roleDefinitionId"].rsplit("/", 1)[1]
            scope = assignment["id"].removeprefix(GROUP).rsplit("/providers/Microsoft.Authorization", 1)[0]
            found.add((whose, role, scope.removeprefix("/providers/")))
        return found


def compact(data: dict[str, Any]) -> str:
    """A snapshot as a file: a line for each resource and output, so that a change shows where it is.

    The compiler gives resources in the template's order, and outputs in any.
    """
    parts = []
    for key, value in data.items():
        if isinstance(value, list):
            lines = ",\n".join(_line(item) for item in value)
            parts.append(f"{_line(key)}: [\n{lines}\n]")
        elif isinstance(value, dict):
            lines = ",\n".join(f"{_line(name)}: {_line(item)}" for name, item in sorted(value.items()))
            parts.append(f"{_line(key)}: {{\n{lines}\n}}")
        else:
            parts.append(f"{_line(key)}: {_line(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def unsigned(value: Any) -> Any:
    """A template without the compiler's signatures: its version, and a hash that follows from it."""
    if isinstance(value, dict):
        return {
            name: unsigned(item)
            for name, item in value.items()
            if not (name == "_generator" and "templateHash" in item)
        }
    return [unsigned(item) for item in value] if isinstance(value, list) else value
