"""`logferry query` of a real workspace, as a user runs it: over a query endpoint on loopback."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import azure.identity
import pytest
import requests

from local.azure_monitor import Config, StreamSpec, serve
from shared.cli.main import main
from shared.cli.query import _text
from shared.cli.sign_in import operator
from shared.cli.workspace import span
from tests.monitor import RULE, SECRET, WORKSPACE, identity_environment

COLUMNS = {"TimeGenerated": "datetime", "Name": "string", "Size": "int", "Extra": "dynamic"}
ROWS = "range Size from 1 to 2 step 1 | extend Name = strcat('n', Size), Extra = dynamic({'a': 1}), No = int(null)"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A query endpoint, with this process's identity pointing at it; nobody is signed in to a CLI."""
    config = Config((StreamSpec("Custom-Things", "Things_CL", COLUMNS),), (RULE,), SECRET, result_rows=50)
    before = os.environ["PATH"]
    with serve(config) as running, identity_environment(running.url):
        os.environ["PATH"] = ""
        try:
            yield running.url
        finally:
            os.environ["PATH"] = before


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line; gives exit code, output and errors."""

    def ran(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["logferry", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return int(end.value.code or 0), said.out, said.err

    return ran


@pytest.fixture(autouse=True)
def no_fault_is_left(url: str) -> Iterator[None]:
    yield
    requests.delete(f"{url}/local/faults", timeout=30)


def query(run: Run, url: str, kql: str, *options: str) -> tuple[int, str, str]:
    return run("query", kql, "--workspace", WORKSPACE, "--endpoint", url, *options)


def fault(url: str, **fault: Any) -> None:
    answer = requests.post(f"{url}/local/faults", json={"on": "query", **fault}, timeout=30)
    assert answer.status_code == 200, answer.text


def test_a_table_csv_and_json_of_the_same_rows(run: Run, url: str) -> None:
    """Every form has every value; a null is empty in a table and in CSV, null in JSON."""
    code, table, errors = query(run, url, ROWS)
    assert (code, errors) == (0, "")
    assert table.splitlines() == [
        "Size  Name  Extra    No",
        '   1  n1    {"a":1}',
        '   2  n2    {"a":1}',
        "2 rows",
    ]
    assert query(run, url, ROWS, "--csv")[1].splitlines()[:2] == ["Size,Name,Extra,No", '1,n1,"{""a"":1}",']
    first, _ = json.loads(query(run, url, ROWS, "--json")[1])
    assert first == {"Size": 1, "Name": "n1", "Extra": '{"a":1}', "No": None}


def test_an_empty_result_shows_its_columns(run: Run, url: str) -> None:
    """No rows are no error."""
    code, table, _ = query(run, url, "Things_CL | project Name, Size")
    assert (code, table.splitlines()) == (0, ["Name  Size", "0 rows"])


def test_a_partial_result_is_shown_and_told(run: Run, url: str) -> None:
    """The rows that came are on standard output, that they are not all on standard error, and the exit code is 1."""
    code, output, errors = query(run, url, "range x from 1 to 51 step 1", "--csv")
    assert (code, len(output.splitlines())) == (1, 51)
    assert errors.startswith(
        "This is not all of it: The results of this query exceed the set limit of 50 records"
    )


def test_a_bad_query_says_where(run: Run, url: str) -> None:
    """Code, line and character of a syntax error, from 1; and what a wrong name should be."""
    code, output, errors = query(run, url, "Things_CL\n| where Name == 'x' oops")
    assert (code, output) == (1, "")
    assert errors.startswith("SyntaxError at line 2, character 21: Query could not be parsed at 'oops'")
    assert query(run, url, "Things_CL | count Nmae")[0] == 1
    assert "did you mean 'Name'?" in query(run, url, "Things_CL | where Nmae == 1")[2]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 401}, "az login --tenant"),
        ({"status": 403}, "takes the role Log Analytics Reader on the workspace"),
        ({"status": 403, "code": "InvalidTokenError"}, "may be in another cloud (--endpoint)"),
        ({"status": 403, "code": "NspValidationFailedError"}, "network isolation"),
        ({"status": 404}, f"There is no workspace {WORKSPACE}"),
        ({"status": 429, "retry_after": "7"}, "asked too often; ask again in 7 s"),
        ({"status": 429}, "ask again in a minute"),
        ({"status": 504}, "took too long"),
        ({"status": 500}, "answered 500: InternalServerError"),
        ({"status": 502, "body": "<html>"}, "is a proxy in the way?"),
        ({"status": 200, "body": "<html>"}, "is a proxy in the way?"),
        ({"status": 200, "body": '{"tables": []}'}, "is a proxy in the way?"),
        ({"reset": "before", "times": 3}, "Nothing answers at http://127.0.0.1"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_each_no_is_one_sentence_with_the_remedy(
    run: Run, url: str, answer: dict[str, Any], words: str
) -> None:
    """Whatever the service answers, or does not, is one line on standard error and exit code 1."""
    fault(url, **answer)
    code, output, errors = query(run, url, "print 1")
    assert (code, output, errors.count("\n")) == (1, "", 1), errors
    assert words in errors


def test_nobody_there(run: Run, url: str) -> None:
    """An endpoint that nobody answers at is a sentence with its address."""
    assert "Nothing answers at http://127.0.0.1:1" in query(run, "http://127.0.0.1:1", "print 1")[2]


def test_not_signed_in(run: Run, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not signed in is told how."""
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "AzureCliCredential")
    code, _, errors = query(run, url, "print 1")
    assert (code, errors.startswith("Not signed in to Azure: run `az login`")) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--workspace", "my-workspace"], "is no workspace id"),
        (["--workspace", WORKSPACE, "--endpoint", "http://api.loganalytics.io"], "is no query endpoint"),
        (["--workspace", WORKSPACE, "--endpoint", "https://api.loganalytics.io/x/y"], "is no query endpoint"),
        (["--workspace", WORKSPACE, "--endpoint", "mars"], "say public, usgov, china"),
        (["--endpoint", "usgov"], "--endpoint goes with --workspace"),
        (["--workspace", WORKSPACE, "--timespan", "yesterday"], "write 1h, 30m or 7d"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anybody_is(run: Run, arguments: list[str], words: str) -> None:
    """A token goes to no address but one over TLS, or on this machine."""
    code, _, errors = run("query", "print 1", *arguments)
    assert (code, words in errors) == (1, True), errors


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("1h", "PT1H"),
        ("30m", "PT30M"),
        ("7d", "P7D"),
        ("90s", "PT90S"),
        ("P1D", "P1D"),
        ("a/b", "a/b"),
        (None, None),
    ],
)
def test_time_spans_as_people_write_them(text: str | None, iso: str | None) -> None:
    """So many seconds, minutes, hours or days until now; anything ISO 8601 goes to the service as it is."""
    assert span(text) == iso


def test_a_time_span_narrows(run: Run, url: str) -> None:
    """The service gets the span, and says so if it is none."""
    assert query(run, url, "Things_CL | count", "--timespan", "1h", "--csv")[:2] == (0, "Count\n0\n")
    assert "is no ISO 8601" in query(run, url, "Things_CL | count", "--timespan", "P1M")[2]


def test_who_is_signed_in_to_the_cli_comes_before_the_machine(
    run: Run, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine with an identity, a user who has run `az login` asks as themselves."""
    asked = {"api-version": "2019-08-01", "resource": url}
    given = requests.get(f"{url}/msi/token", asked, headers={"X-IDENTITY-HEADER": SECRET}, timeout=30).json()
    token = {
        "accessToken": given["access_token"],
        "expiresOn": "2099-01-01 00:00:00.000000",
        "expires_on": 4_070_908_800,
    }
    az = tmp_path / "az"
    az.write_text(f"#!/bin/sh\necho '{json.dumps(token)}'\n")
    az.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setenv("IDENTITY_HEADER", "the machine's own would be refused")
    assert query(run, url, "print x = 1", "--csv")[:2] == (0, "x\n1\n")


def test_the_environment_may_choose_the_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """AZURE_TOKEN_CREDENTIALS works as in Azure's own tools; without it a person comes before the machine."""
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "dev")
    assert isinstance(operator(), azure.identity.DefaultAzureCredential)
    monkeypatch.delenv("AZURE_TOKEN_CREDENTIALS")
    names = [type(one).__name__ for one in operator().credentials]
    assert names.index("AzureCliCredential") < names.index("ManagedIdentityCredential") == len(names) - 1


def test_a_screen_gets_the_beginning_of_a_long_value_and_a_pipe_all_of_it(run: Run, url: str) -> None:
    """A value of thousands of characters does not push the rest of an answer off a screen."""
    assert _text("x" * 500, 400) == "x" * 400 + "... (100 more)"
    assert query(run, url, f"print x = '{'ab' * 300}'")[1].splitlines()[1] == "ab" * 300
