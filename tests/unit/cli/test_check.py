"""`logferry check`, and what all commands have in common."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shared.cli.check import check
from shared.cli.main import app

ROOT = Path(__file__).resolve().parents[3]
BAD = """routes:
  web:
    from: { blobs: ["web/*.csv"] }
    format: { type: csb }
    table: Web_CL
    columns: { Id: { type: guid } }
"""
GOOD = """routes:
  web:
    from: { blobs: ["web/*.csv"] }
    format: csv
    table: Web_CL
    columns:
      TimeGenerated: { type: datetime }
      Text: { type: string }
      Level: { type: string }
    transform: |
      source
      | where Level == "a" and Level != "b"
      | extend Level = toupper(Text)
      | project-away Text
"""
SETTINGS = {
    "DATA_COLLECTION_ENDPOINT": "https://one.ingest.monitor.azure.com",
    "LOGS_DCR_RULE_ID": "dcr-1",
    "DropStorage__blobServiceUri": "https://one.blob.core.windows.net",
    "DropStorage__queueServiceUri": "https://one.queue.core.windows.net",
}
MAIN = "from logferry.cli.main import main; main()"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Microsoft's analyser: what it adds has tests of its own, and starting it takes a second."""
    monkeypatch.setenv("KUSTO_LANGUAGE_SERVICE", "nowhere")


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
    assert re.search(r"routes.yaml: \d+ routes, \d+ streams in \d+ rules?\. No problems\.\n$", answer.output)


def test_every_problem_is_shown_with_its_line(tmp_path: Path) -> None:
    """A bad file gives every problem with file, line and column, and exit code 1."""
    (tmp_path / "r.yaml").write_text(BAD)
    answer = CliRunner().invoke(app, ["check", str(tmp_path / "r.yaml")])
    assert answer.exit_code == 1
    assert f"{tmp_path}/r.yaml:4:" in answer.output
    assert f"{tmp_path}/r.yaml:6:" in answer.output
    assert answer.output.endswith("2 problems.\n")


@pytest.mark.usefixtures("alone")
def test_json_says_the_same(tmp_path: Path) -> None:
    """--json is valid JSON for a good and for a bad file, with the same exit codes."""
    good = CliRunner().invoke(app, ["check", str(ROOT / "routes.yaml"), "--json"])
    said = json.loads(good.output)
    assert (good.exit_code, said["ok"], said["problems"]) == (0, True, [])
    assert [route["name"] for route in said["routes"]][:2] == ["web-access", "app-events"]
    extra = said["routes"][0]["columns"]["Extra"]
    assert (extra["type"], extra["from"], extra["format"]) == ("dynamic", "*", None)
    (tmp_path / "r.yaml").write_text(BAD)
    bad = CliRunner().invoke(app, ["check", str(tmp_path / "r.yaml"), "--json"])
    said = json.loads(bad.output)
    assert (bad.exit_code, said["ok"], len(said["problems"])) == (1, False, 2)
    assert said["problems"][0] == {
        "file": str(tmp_path / "r.yaml"),
        "line": 4,
        "column": 15,
        "route": "web",
        "message": said["problems"][0]["message"],
    }
    assert said["problems"][0]["message"].startswith(
        "routes.web.format.type: no format 'csb'; did you mean csv?"
    )


@pytest.mark.usefixtures("alone")
def test_transforms_are_checked_with_the_rest(tmp_path: Path) -> None:
    """What a rule refuses is told with its line and column in the file, between the other problems, in text and JSON."""
    text = BAD.replace("    columns: {", "    transform: |\n      source\n      | take 5\n    columns: {")
    (tmp_path / "r.yaml").write_text(text)
    answer = CliRunner().invoke(app, ["check", str(tmp_path / "r.yaml")])
    lines = answer.output.splitlines()
    assert [line.split(": ")[1] for line in lines[:3]] == [
        "routes.web.format.type",
        "routes.web.transform",
        "routes.web.columns.Id.type",
    ]
    assert lines[1].startswith(f"{tmp_path}/r.yaml:8:9: routes.web.transform: a rule does not take `take`: ")
    said = json.loads(CliRunner().invoke(app, ["check", str(tmp_path / "r.yaml"), "--json"]).output)
    (found,) = [problem for problem in said["problems"] if "transform" in problem["message"]]
    assert (found["line"], found["column"], found["route"]) == (8, 9, "web")
    assert found["message"].startswith("routes.web.transform: a rule does not take `take`: ")


@pytest.mark.usefixtures("alone")
def test_what_a_transform_makes_of_the_columns_is_shown(tmp_path: Path) -> None:
    """Where a transform changes the columns, those that come out are listed, and those that do not."""
    (tmp_path / "r.yaml").write_text(GOOD)
    answer = CliRunner().invoke(app, ["check", str(tmp_path / "r.yaml")])
    assert answer.exit_code == 0, answer.output
    listed = [line.split() for line in answer.output.split("After the transform")[1].splitlines()]
    assert ["Level", "string", "made", "by", "the", "transform"] in listed
    assert ["Text", "left", "out:", "null", "in", "the", "table"] in listed
    said = json.loads(CliRunner().invoke(app, ["check", str(tmp_path / "r.yaml"), "--json"]).output)
    assert said["outputs"] == {"web": {"TimeGenerated": "datetime", "Level": "string", "Extra": "dynamic"}}


def test_without_the_analyser_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Node.js is not there, transforms are checked all the same, and a last line says how to have the analyser."""
    monkeypatch.setenv("PATH", str(tmp_path))
    for text, code in ((GOOD, 0), (GOOD.replace("project-away", "project-keep"), 1)):
        (tmp_path / "r.yaml").write_text(text)
        answer = CliRunner().invoke(app, ["check", str(tmp_path / "r.yaml")])
        assert answer.exit_code == code
        assert answer.output.splitlines()[-1].startswith("Microsoft's Kusto analyser was not found; ")
        assert "npm install @kusto/language-service-next" in answer.output
    (tmp_path / "r.yaml").write_text(GOOD.partition("    transform:")[0])
    assert "Kusto" not in CliRunner().invoke(app, ["check", str(tmp_path / "r.yaml")]).output


@pytest.mark.usefixtures("alone")
def test_a_terminal_is_shown_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal each problem has its line of the file below it, and a mark below the column."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys, "stdout", Terminal())
    long = 'Level != "' + "x" * 120 + '" and Statsu == 1'
    (tmp_path / "r.yaml").write_text(GOOD.replace('Level != "b"', long))
    assert not check(tmp_path / "r.yaml", as_json=False)
    shown = sys.stdout.getvalue().splitlines()
    (mark,) = [index for index, line in enumerate(shown) if line.strip() == "^"]
    assert shown[mark - 1][shown[mark].index("^") :].startswith("Statsu == 1")
    assert len(shown[mark - 1]) <= 100


@pytest.mark.usefixtures("alone")
def test_settings_are_checked_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--settings takes a file or env, and tells every missing and wrong setting; a salt that routes need is one."""
    (tmp_path / "r.yaml").write_text(GOOD)
    values = {"DATA_COLLECTION_ENDPOINT": "http://example.com", "UPLOAD_WINDOW": "many"}
    (tmp_path / "s.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    arguments = ["check", str(tmp_path / "r.yaml"), "--settings"]
    answer = CliRunner().invoke(app, [*arguments, str(tmp_path / "s.json")])
    assert answer.exit_code == 1
    told = [line.split(": ")[1].split()[0] for line in answer.output.splitlines() if "s.json" in line]
    assert told == [
        "DATA_COLLECTION_ENDPOINT",
        "LOGS_DCR_RULE_ID",
        "UPLOAD_WINDOW",
        "DropStorage__blobServiceUri",
    ]
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    good = CliRunner().invoke(app, [*arguments, "env"])
    assert (good.exit_code, "settings of env" in good.output) == (0, True)
    (tmp_path / "r.yaml").write_text(
        GOOD.replace("    transform:", "    redact: { Text: hash }\n    transform:")
    )
    for source in ("env", str(tmp_path / "s.json")):  # where nothing else is wrong, and where much is
        answer = CliRunner().invoke(app, [*arguments, source])
        said = " ".join(answer.output.split())
        assert answer.exit_code == 1
        assert "REDACT_SALT is not set, but the route web has redact: hash." in said


@pytest.mark.usefixtures("alone")
def test_settings_of_the_environment_are_checked_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With DATA_COLLECTION_ENDPOINT in the environment its settings are checked unasked; eleven streams need two rules."""
    routes = GOOD.partition("routes:\n")[2]
    many = "".join(routes.replace("web", f"web{n}").replace("Web_CL", f"Web{n}_CL") for n in range(11))
    (tmp_path / "r.yaml").write_text(f"routes:\n{many}")
    assert CliRunner().invoke(app, ["check", str(tmp_path / "r.yaml")]).exit_code == 0
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    answer = CliRunner().invoke(app, ["check", str(tmp_path / "r.yaml"), "--json"])
    (problem,) = json.loads(answer.output)["problems"]
    assert (problem["file"], problem["line"], problem["route"]) == ("environment", None, None)
    assert "names 1 rules, but the routes have 11 streams" in problem["message"]


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("[]", 'of the form {"Values"'),
        ('{"IsEncrypted": true, "Values": {}}', "func settings decrypt"),
        ('{"Values": {"A": 1}}', "the value of A is no text"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_settings_file_that_is_none_is_a_sentence(tmp_path: Path, text: str | None, words: str) -> None:
    """A settings file that is missing, encrypted or of another form is one problem with its remedy."""
    (tmp_path / "r.yaml").write_text(GOOD)
    if text is not None:
        (tmp_path / "s.json").write_text(text)
    answer = CliRunner().invoke(
        app, ["check", str(tmp_path / "r.yaml"), "--settings", str(tmp_path / "s.json")]
    )
    assert (answer.exit_code, words in answer.output) == (1, True), answer.output
    assert "\n1 problem.\n" in answer.output


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
    answer = run(installed, code="import logferry.cli.main, sys; print(*sorted(sys.modules))")
    loaded = {name.split(".")[0] for name in answer.stdout.split()}
    assert not loaded & {"azure", "yaml", "re2", "isal", "duckdb", "aiohttp"}


@pytest.mark.parametrize("command", ["check", "query", "drop", "send"])
def test_every_command_has_examples(command: str) -> None:
    """Every command's help has examples that keep their lines."""
    answer = CliRunner().invoke(app, [command, "--help"])
    assert answer.exit_code == 0
    assert f"  logferry {command}" in answer.output.split("Examples:\n")[1].splitlines()[0]


def test_the_routes_file_is_an_argument_or_an_option(tmp_path: Path) -> None:
    """`check FILE` and `check --routes FILE` say the same; two different files are a call gone wrong."""
    path = tmp_path / "routes.yaml"
    path.write_text(GOOD)
    said = [
        CliRunner().invoke(app, ["check", *called, "--json"])
        for called in ([str(path)], ["--routes", str(path)], [str(path), "--routes", str(path)])
    ]
    assert [answer.exit_code for answer in said] == [0, 0, 0]
    assert {answer.stdout for answer in said} == {said[0].stdout}
    assert json.loads(said[0].stdout)["file"] == str(path)
    both = CliRunner().invoke(app, ["check", str(path), "--routes", str(tmp_path / "other.yaml")])
    assert both.exit_code == 2
    assert "one routes file" in both.stderr


def test_the_version_is_that_of_the_distribution() -> None:
    """`logferry --version` says the version that was installed, on standard output, without a command."""
    answer = CliRunner().invoke(app, ["--version"])
    assert (answer.exit_code, answer.stdout) == (0, f"logferry {metadata.version('logferry')}\n")


def test_a_reader_that_leaves_is_no_error(installed: Path) -> None:
    """`logferry check | head` prints no traceback when head has seen enough."""
    code = (
        f"import os, sys\nos.close(1)\nr, w = os.pipe()\nos.close(r)\nsys.stdout = os.fdopen(w, 'w')\n{MAIN}"
    )
    answer = run(installed, "check", str(ROOT / "routes.yaml"), code=code)
    assert "Traceback" not in answer.stderr


@pytest.mark.usefixtures("alone")
def test_what_a_settings_file_misspells(tmp_path: Path) -> None:
    """A name that is nearly a setting's, and a rule's name or resource id in the place of its immutable id, are told."""
    (tmp_path / "r.yaml").write_text(GOOD)
    rule = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Insights/dataCollectionRules/dcr-web"
    values = {
        **SETTINGS,
        "LOGS_DCR_RULE_ID": rule,
        "RETYR_SECONDS": "3",
        "FUNCTIONS_WORKER_RUNTIME": "python",
    }
    (tmp_path / "s.json").write_text(json.dumps({"Values": values}))
    answer = CliRunner().invoke(
        app, ["check", str(tmp_path / "r.yaml"), "--settings", str(tmp_path / "s.json")]
    )
    assert "RETYR_SECONDS is no setting; did you mean RETRY_SECONDS?" in answer.output
    assert "it should be the rule's immutable id, dcr-..." in answer.output
    assert "\n2 problems.\n" in answer.output
