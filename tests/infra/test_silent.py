"""The compiler has nothing to say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .compiler import REPOSITORY, Compiler


@pytest.fixture(scope="module")
def built(compiler: Compiler, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the compiled templates."""
    return tmp_path_factory.mktemp("built")


@pytest.mark.parametrize("template", ["main", "subscription"])
@pytest.mark.parametrize("command", ["lint", "build"])
def test_silent(compiler: Compiler, command: str, template: str, built: Path) -> None:
    """Lint and build print no error and no warning for any template or module.

    Newer API versions are announced at the level of information: which ones there
    are depends on the day, and a test must not.
    """
    out: list[str | Path] = [] if command == "lint" else ["--outfile", built / f"{template}.json"]
    done = compiler.run(command, REPOSITORY / "infra" / f"{template}.bicep", *out, cwd=built)
    lines = (done.stdout + done.stderr).splitlines()
    said = [line for line in lines if " : Info use-recent-api-versions" not in line]
    assert (done.returncode, said) == (0, [])


def test_order(compiler: Compiler, built: Path) -> None:
    """Tables are made before rules, containers before the app, and the app before its roles."""
    if not (built / "main.json").exists():
        test_silent(compiler, "build", "main", built)
    resources = json.loads((built / "main.json").read_text(encoding="utf-8"))["resources"]
    waits = {r["name"]: {after.split("'")[-2] for after in r.get("dependsOn", [])} for r in resources}
    assert waits["rules"] == {"tables", "monitoring"}
    assert waits["function-app"] == {"rules", "storage", "monitoring"}
    assert waits["roles"] == {"rules", "function-app"}
    assert waits["events"] == {"storage"}


def test_every_module_is_used() -> None:
    """Every Bicep file is a template that is deployed, or a part of one that the compiler has seen."""
    files = {path.name: path.read_text(encoding="utf-8") for path in (REPOSITORY / "infra").glob("*.bicep")}
    used = {name for name in files if any(f"'{name}'" in text for text in files.values())}
    assert set(files) - used == {"main.bicep", "subscription.bicep"}
