"""The Bicep compiler: found, and run on a copy of infra/ beside a routes.yaml of the test's own.

Rule: `bicep snapshot` evaluates loops, functions and loaded files, so tests read what
Azure would be asked for, never the source text. Invariant: the repository is not written to.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
MISSING = (
    "no Bicep compiler: put bicep on PATH or name it in BICEP. It is one file, "
    "https://github.com/Azure/bicep/releases (or: az bicep install)"
)


def find() -> Path | None:
    """BICEP, else PATH, else the copy that may lie beside the repository."""
    beside = REPOSITORY.parent / "shared" / "tools" / "bicep" / "bicep"
    for name in (os.environ.get("BICEP"), shutil.which("bicep"), str(beside)):
        if name and os.access(name, os.X_OK):
            return Path(name)
    return None


class Compiler:
    """Runs of one compiler."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        """One run; the caller looks at the exit code."""
        # Without this the compiler wants ICU, which small images do not have.
        environment = os.environ | {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}
        return subprocess.run(
            [self.path, *arguments],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def snapshot(
        self, folder: Path, routes: str, parameters: Mapping[str, Any], template: str = "main"
    ) -> Snapshot:
        """Evaluate a copy of infra/ made below `folder` for these routes and parameters."""
        infra = folder / "infra"
        shutil.copytree(REPOSITORY / "infra", infra, ignore=shutil.ignore_patterns("*.snapshot.json"))
        (folder / "routes.yaml").write_text(routes, encoding="utf-8")
        beside = Path("shared", "routes")
        (folder / beside).mkdir(parents=True)
        for loaded in ("builtin.json", "audit.json"):
            shutil.copy(REPOSITORY / beside / loaded, folder / beside / loaded)
        lines = [f"param {name} = {_literal(value)}" for name, value in parameters.items()]
        (infra / "test.bicepparam").write_text(
            "\n".join([f"using '{template}.bicep'", *lines]), encoding="utf-8"
        )
        place = ["--subscription-id", SUBSCRIPTION, "--resource-group", "rg", "--location", "westeurope"]
        done = self.run("snapshot", "test.bicepparam", "--mode", "Overwrite", *place, cwd=infra)
        assert done.returncode == 0, done.stdout + done.stderr
        return Snapshot(json.loads((infra / "test.snapshot.json").read_text(encoding="utf-8")))


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


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_literal(item) for item in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}'" if isinstance(value, str) else str(value)
