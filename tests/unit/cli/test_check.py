"""`logferry check`, and what all commands have in common."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shared.cli import app

ROOT = Path(__file__).resolve().parents[3]
BAD = """routes:
  web:
    from: { blobs: ["web/*.csv"] }
    format: { type: csb }
    table: Web_CL
    columns: { Id: { type: guid } }
"""
MAIN = "from logferry.cli import main; main()"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder where the package goes by the name that it installs under."""
    (tmp_path / "logferry").symlink_to(ROOT / "shared")
    return tmp_path


def run(installed: Path, *arguments: str, code: str = MAIN) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, as the entry point runs it."""
    env = {**os.environ, "PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        cwd=installed,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_good_file_is_explained() -> None:
    """Every route is explained with its columns, its defaults worked out, and the exit code is 0."""
    answer = CliRunner().invoke(app, ["check", str(ROOT / "routes.yaml")])
    assert answer.exit_code == 0
    assert "web-access: csv -> Custom-WebAccess -> WebAccess_CL" in answer.output
    assert "drop       Path is /healthz or /readyz" in answer.output
    assert "Actor          string    actor.userPrincipalName, else actor.appDisplayName" in answer.output
    assert "the original is in EventTime" in answer.output  # zeek-dns
    assert 'transform  source | where Action in ("deny", "drop", "reset")' in answer.output
    assert answer.output.endswith("7 routes, 7 streams in 1 rule. No problems.\n")


def test_every_problem_is_shown_with_its_line(tmp_path: Path) -> None:
    """A bad file gives every problem with file, line and column, and exit code 1."""
    (tmp_path / "r.yaml").write_text(BAD)
    answer = CliRunner().invoke(app, ["check", str(tmp_path / "r.yaml")])
    assert answer.exit_code == 1
    assert f"{tmp_path}/r.yaml:4:" in answer.output
    assert f"{tmp_path}/r.yaml:6:" in answer.output
    assert answer.output.endswith("2 problems.\n")


def test_json_says_the_same(tmp_path: Path) -> None:
    """--json is valid JSON for a good and for a bad file, with the same exit codes."""
    good = CliRunner().invoke(app, ["check", str(ROOT / "routes.yaml"), "--json"])
    said = json.loads(good.output)
    assert (good.exit_code, said["ok"], said["problems"]) == (0, True, [])
    assert [route["name"] for route in said["routes"]][:2] == ["web-access", "app-events"]
    assert said["routes"][0]["columns"]["Extra"] == {
        "type": "dynamic",
        "from": "*",
        "format": None,
        "description": None,
    }
    (tmp_path / "r.yaml").write_text(BAD)
    bad = CliRunner().invoke(app, ["check", str(tmp_path / "r.yaml"), "--json"])
    said = json.loads(bad.output)
    assert (bad.exit_code, said["ok"], len(said["problems"])) == (1, False, 2)


def test_wrong_usage_is_2(installed: Path) -> None:
    """An unknown command or option is exit code 2 and no traceback."""
    for arguments in (["chekc"], ["check", "--jsno"], ["query"], ["drop", "no-such-file"]):
        answer = run(installed, *arguments)
        assert answer.returncode == 2, arguments
        assert "Traceback" not in answer.stderr


def test_a_missing_file_is_a_sentence(installed: Path) -> None:
    """A routes file that is not there is said in one line, with exit code 1."""
    answer = run(installed, "check", "nowhere.yaml")
    assert answer.returncode == 1
    assert "nowhere.yaml: cannot be read" in answer.stdout
    assert "Traceback" not in answer.stderr


def test_without_local_azure_there_is_one_sentence(installed: Path) -> None:
    """query, drop and send say how to start local Azure when it is not running, with exit code 1."""
    (installed / "a.csv").write_text("x\n")
    for arguments in (["query", "T"], ["drop", "a.csv"], ["send", "{}"]):
        answer = run(installed, *arguments)
        assert (answer.returncode, answer.stdout) == (1, ""), answer.stderr
        assert answer.stderr.count("\n") == 1
        assert "make run" in answer.stderr


def test_it_is_logferry_alone(installed: Path) -> None:
    """Installed, the command line imports nothing by the name `shared`."""
    look = "print([m for m in sys.modules if m.split('.')[0] == 'shared'])"
    code = f"import sys; sys.argv = ['logferry', '--help']\ntry:\n    {MAIN}\nfinally:\n    {look}"
    answer = run(installed, code=code)
    assert answer.returncode == 0
    assert answer.stdout.endswith("[]\n")


def test_start_up_imports_little(installed: Path) -> None:
    """The command line starts without the storage libraries, YAML and rich's tables."""
    answer = run(installed, code="import logferry.cli, sys; print(*sorted(sys.modules))")
    loaded = {name.split(".")[0] for name in answer.stdout.split()}
    assert not loaded & {"azure", "yaml", "wcmatch", "isal", "duckdb", "aiohttp"}


@pytest.mark.parametrize("command", ["check", "query", "drop", "send"])
def test_every_command_has_examples(command: str) -> None:
    """Every command's help has examples that keep their lines."""
    answer = CliRunner().invoke(app, [command, "--help"])
    assert answer.exit_code == 0
    assert f"  logferry {command}" in answer.output.split("Examples:\n")[1].splitlines()[0]


def test_a_reader_that_leaves_is_no_error(installed: Path) -> None:
    """`logferry check | head` prints no traceback when head has seen enough."""
    code = (
        f"import os, sys\nos.close(1)\nr, w = os.pipe()\nos.close(r)\nsys.stdout = os.fdopen(w, 'w')\n{MAIN}"
    )
    answer = run(installed, "check", str(ROOT / "routes.yaml"), code=code)
    assert "Traceback" not in answer.stderr
