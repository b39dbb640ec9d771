"""What is committed is what infra/ says, and the compiler has nothing to say against it."""

from __future__ import annotations

import json
import re

from .__main__ import PORTAL, SOURCES, make, sources, stale
from .cases import CASES, REPOSITORY
from .compiler import Compiler
from .snapshot import FOLDER

FILES = {path.name: path.read_text(encoding="utf-8") for path in (REPOSITORY / "infra").glob("*.bicep")}


def test_sources() -> None:
    """No file that the compiler reads was changed since the snapshots were made: `python -m tests.infra` makes them.

    So wrong Bicep is seen where there is no compiler too.
    """
    assert SOURCES.read_text(encoding="utf-8") == sources()


def test_committed(compiler: Compiler) -> None:
    """The portal's template and every case's snapshot are those that infra/ and routes.yaml make today."""
    made = make(compiler)
    assert stale(made) == []
    assert set(FOLDER.iterdir()) <= set(made)


def test_silent(compiler: Compiler) -> None:
    """The subscription and its linter have nothing to say; for the main template, making it asks the same."""
    _, said = compiler.compile("subscription")
    assert said == []


def test_order() -> None:
    """Tables are made before rules, containers before the app, and the app before its roles."""
    resources = json.loads(PORTAL.read_text(encoding="utf-8"))["resources"]
    assert isinstance(resources, dict), "symbolic names"
    waits = {name: set(resource.get("dependsOn", [])) for name, resource in resources.items()}
    assert {"tables", "monitoring"} <= waits["rules"]
    assert {"rules", "containers", "monitoring", "network"} <= waits["app"]
    assert {"rules", "app"} <= waits["roles"]
    assert {"app"} <= waits["storageRoles"]
    assert {"storage"} <= waits["containers"]
    assert {"events", "containers"} <= waits["eventRoles"]
    assert {"network", "monitoring"} <= waits["monitorLink"]
    assert {"storage"} <= waits["network"]
    assert {"containers"} <= waits["events"]
    assert {"rules", "events", "monitoring"} <= waits["watch"]


def test_the_private_link_changes_one_by_one() -> None:
    """The link scope gets its members one after another, and its endpoint when they are there."""
    link = json.loads(PORTAL.read_text(encoding="utf-8"))["resources"]["monitorLink"]
    waits = {
        resource["name"]: " ".join(resource.get("dependsOn", []))
        for resource in link["properties"]["template"]["resources"]
    }
    for name, before in (
        ("telemetry", "workspace"),
        ("collection", "telemetry"),
        ("pe-monitor-", "collection"),
    ):
        (waiting,) = (waits[found] for found in waits if f"'{name}" in found and "'default'" not in found)
        assert f"scopedResources', format('ampls-{{0}}', parameters('suffix')), '{before}'" in waiting


def test_defaults_name_no_variable() -> None:
    """No parameter's default uses a variable, which Azure does not take and the compiler does not see."""
    assert "variables(" not in json.dumps(json.loads(PORTAL.read_text(encoding="utf-8"))["parameters"])


def test_every_module_is_used() -> None:
    """Every Bicep file is a template that a case evaluates, or a part of one."""
    used = {name for name in FILES if any(f"'{name}'" in text for text in FILES.values())}
    assert set(FILES) - used == {f"{case.template}.bicep" for case in CASES.values()}


def test_what_is_made_is_not_told() -> None:
    """No output has the name of a variable that a parameter is read from: azd keeps both in one place."""
    text = (REPOSITORY / "infra" / "main.bicepparam").read_text(encoding="utf-8")
    read = re.findall(r"^param (\w+) = .*readEnvironmentVariable\('(\w+)'", text, re.MULTILINE)
    outputs = re.findall(r"^output (\w+) ", FILES["main.bicep"], re.MULTILINE)
    assert not {variable for _, variable in read} & set(outputs)
    left = set(re.findall(r"^param (\w+) ", FILES["main.bicep"], re.MULTILINE)) - {name for name, _ in read}
    assert left == {"location", "routesFile", "cloud"}


def test_parameters_have_the_templates_defaults(compiler: Compiler) -> None:
    """Where azd has no variable set, each parameter has the default that it has in the template."""
    told = json.loads(PORTAL.read_text(encoding="utf-8"))["parameters"]
    given = compiler.parameters()
    assert given.pop("environmentName") == "logferry"
    assert {name: told[name]["defaultValue"] for name in given} == given


def test_names_in_the_page_exist() -> None:
    """Every LOGFERRY_ name in docs/deploy.md is read by main.bicepparam or is an output of main.bicep."""
    page = (REPOSITORY / "docs" / "deploy.md").read_text(encoding="utf-8")
    parameters = (REPOSITORY / "infra" / "main.bicepparam").read_text(encoding="utf-8")
    known = set(re.findall(r"LOGFERRY_\w+", parameters + FILES["main.bicep"]))
    named = set(re.findall(r"LOGFERRY_\w+", page))
    assert named
    assert named <= known
