"""`logferry doctor`, and that `push` says the same of the same failure."""

from __future__ import annotations

import grp
import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import requests
from typer.testing import CliRunner, Result

from local.azure_monitor import Config, Running, serve
from local.azure_monitor.config import specs_from_routes
from shared import doctor
from shared.cli import push as cli_push
from shared.cli.main import app
from shared.errors import LogferryError
from shared.routes import loads
from shared.upload import denied, identity
from tests.hosts import HOSTS, become
from tests.monitor import RULE, SECRET

ROUTES = """
routes:
  lines: { from: { blobs: ["*.ndjson"] }, format: ndjson, table: Lines_CL, columns: { Name: {} } }
  other: { from: { blobs: ["*.other"] }, format: ndjson, table: Other_CL, columns: { Name: {} } }
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with serve(Config(specs_from_routes(loads(ROUTES)), (RULE,), SECRET)) as server:
        yield server


@pytest.fixture
def here(tmp_path: Path, running: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    become("vm", running, monkeypatch, tmp_path / "tokens")
    (tmp_path / "routes.yaml").write_text(ROUTES)
    (tmp_path / "a.ndjson").write_text('{"Name": "a"}\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli_push, "_prepare", lambda: None)  # this process's memory is the whole suite's
    monkeypatch.setenv("DATA_COLLECTION_ENDPOINT", running.url)
    monkeypatch.setenv("LOGS_DCR_RULE_ID", RULE)
    yield tmp_path
    running.monitor.faults.clear()
    running.monitor.roles.granted = True


def examine(*arguments: str, code: int = 0) -> dict[str, dict[str, Any]]:
    """The checks by name; of several with one name, the last."""
    done = CliRunner().invoke(app, ["doctor", "--json", *arguments])
    assert done.exit_code == code, done.output
    return {check["check"]: check for check in json.loads(done.stdout)}


def push() -> str:
    """All that a push of a file says."""
    done: Result = CliRunner().invoke(app, ["push", "a.ndjson", "--state", "state"])
    assert done.exit_code == 1
    assert done.exception is None or isinstance(done.exception, LogferryError | SystemExit)
    return f"{done.output}\n{done.exception}"


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.usefixtures("here")
def test_all_is_well(host: str, running: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each kind of host is named with what led there; the token says what it is for and whose, and is never shown."""
    become(host, running, monkeypatch, tmp_path / "tokens")
    given: list[str] = []
    issue = running.monitor.tokens.issue

    def remembered(resource: str) -> tuple[str, int, int]:
        found = issue(resource)
        given.append(found[0])
        return found

    monkeypatch.setattr(running.monitor.tokens, "issue", remembered)
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 0, done.output
    assert "files can be pushed" in done.output.lower()
    assert {"app": "IDENTITY_HEADER", "vm": "AZURE_POD_IDENTITY", "arc": "IMDS_ENDPOINT"}[host] in done.output
    assert "one for https://monitor.azure.com" in done.output
    assert "principal 22222222-" in done.output
    assert given
    assert not [token for token in given if token in done.output]
    assert running.monitor.tables.counts() == {"Lines_CL": 0, "Other_CL": 0}


_KEY = re.compile(r"[0-9a-f-]{36}\.key")
"""The agent's name for it is another one each time."""


def _audience(running: Running, patch: pytest.MonkeyPatch, _: Path) -> None:
    patch.setattr(identity, "_PUBLIC", "https://storage.azure.com/.default")


def _key(running: Running, patch: pytest.MonkeyPatch, root: Path) -> None:
    become("arc", running, patch, root / "tokens")
    running.monitor.arc.folder = root


def _unreachable(running: Running, patch: pytest.MonkeyPatch, _: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        patch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://127.0.0.1:{free.getsockname()[1]}")


def _role(running: Running, *_: object) -> None:
    running.monitor.roles.granted = False


@pytest.mark.parametrize(
    ("breaks", "check", "says", "remedy"),
    [
        (_audience, "rule", "refuses the managed identity's token", "has to be in the identity's own cloud"),
        (_key, "token", "key file is missing", "azcmagent show"),
        (
            _unreachable,
            "token",
            "does not answer: nothing listens there",
            "any other machine has no managed identity",
        ),
        (
            _role,
            "rule",
            "does not have access to ingest data",
            "the role Monitoring Metrics Publisher on the rule",
        ),
    ],
)
def test_doctor_and_push_say_the_same(
    here: Path,
    running: Running,
    monkeypatch: pytest.MonkeyPatch,
    breaks: Callable[..., None],
    check: str,
    says: str,
    remedy: str,
) -> None:
    """A wrong audience, a missing key file, an unreachable metadata service and a 403: one sentence and its remedy, in both."""
    breaks(running, monkeypatch, here)
    found = examine("--route", "lines", code=1)[check]
    assert found["state"] == "failed"
    assert says in found["says"]
    assert remedy in found["remedy"]
    said = _KEY.sub("KEY", push())
    assert _KEY.sub("KEY", found["says"]) in said
    assert found["remedy"] in said


@pytest.mark.usefixtures("here")
def test_a_proxy_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found before anything is asked, with what NO_PROXY must hold."""
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name)
    found = examine(code=1)
    assert found["proxy"]["state"] == "failed"
    assert "169.254.169.254" in found["proxy"]["remedy"]
    assert found["endpoint"]["state"] == "failed"
    assert "through the proxy http://127.0.0.1:9" in found["endpoint"]["says"]


@pytest.mark.usefixtures("here")
def test_an_endpoint_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a name that leads nowhere nor a closed port is a traceback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found = examine("--endpoint", f"http://127.0.0.1:{free.getsockname()[1]}", code=1)["endpoint"]
    assert (found["state"], found["says"][:13]) == ("failed", "No connection")
    monkeypatch.setattr(doctor.socket, "getaddrinfo", _nowhere)
    found = examine("--endpoint", "https://x.ingest.monitor.azure.com", code=1)["endpoint"]
    assert "leads nowhere" in found["says"]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("url", ["https://a..b.monitor.azure.com", "https://127.0.0.1:99999", "https://[::1"])
def test_an_address_that_is_none(url: str) -> None:
    """A name, a port or brackets that cannot be: the setting is at fault, and nothing is asked."""
    found = examine("--endpoint", url, code=1)
    assert f"DATA_COLLECTION_ENDPOINT is {url!r}" in found["settings"]["says"]


@pytest.mark.usefixtures("here")
def test_an_endpoint_that_speaks_no_tls(running: Running) -> None:
    """A plain port is not called a certificate that nobody trusts."""
    found = examine("--endpoint", running.url.replace("http:", "https:"), code=1)["endpoint"]
    assert "does not speak TLS" in found["says"]
    failed = requests.exceptions.SSLError(
        "(Caused by X('[SSL] certificate verify failed: self-signed (_ssl.c:1)'))"
    )
    assert "does not trust: self-signed." in doctor._unreached("https://x", "", failed).says


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("url", ["http://[::1", "nothing", "http://127.0.0.1:99999/x"])
def test_an_identity_endpoint_that_is_no_address(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment says of it may be anything; it is a failed check, with what led there."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", url)
    monkeypatch.setenv("IDENTITY_HEADER", "x")
    found = examine(code=1)["token"]
    assert url.removesuffix("/x") in found["says"]
    assert "IDENTITY_ENDPOINT and IDENTITY_HEADER are set" in found["remedy"]


def _nowhere(*_: object, **__: object) -> None:
    raise socket.gaierror(-2, "Name or service not known")


@pytest.mark.usefixtures("here")
def test_one_cause_is_told_once(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """A role that is missing is one line for all streams of its rule; what needs something that failed is skipped."""
    running.monitor.roles.granted = False
    done = CliRunner().invoke(app, ["doctor"])
    assert done.output.count("failed   ") == 1
    assert "1 failed" in done.output
    assert examine("--endpoint", "http://127.0.0.1:9", code=1)["rule"]["state"] == "skipped"
    running.monitor.faults.add(json.dumps({"status": 500, "times": 9}).encode())
    running.monitor.roles.granted = True
    assert examine(code=1)["rule"]["remedy"] == "Ask again in a minute."
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name)
    assert [examine(code=1)[name]["state"] for name in ("token", "rule")] == ["skipped", "skipped"]


@pytest.mark.usefixtures("here")
def test_a_rule_that_is_another_and_a_stream_that_it_lacks(running: Running) -> None:
    """404 and InvalidStream, each with its own remedy."""
    found = examine("--rule", "dcr-" + "9" * 32, code=1)["rule"]
    assert "must belong to the same rule" in found["remedy"]
    (Path.cwd() / "routes.yaml").write_text(ROUTES.replace("Other_CL", "Odd_CL"))
    found = examine(code=1)["rule"]
    assert "after an edit of the rule" in found["remedy"]
    assert running.url


@pytest.mark.usefixtures("here")
def test_settings_and_routes_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is named, and what needs it is skipped and not failed once more."""
    (Path.cwd() / "routes.yaml").write_text("routes: 1")
    found = examine(code=1)
    assert (found["routes"]["state"], found["rule"]["state"]) == ("failed", "skipped")
    assert examine("--routes", "nowhere.yaml", code=1)["routes"]["state"] == "failed"
    monkeypatch.delenv("LOGS_DCR_RULE_ID")
    found = examine(code=1)
    assert "LOGS_DCR_RULE_ID" in found["settings"]["says"]
    assert found["token"]["state"] == "skipped"


@pytest.mark.usefixtures("here")
def test_a_rule_that_does_not_like_an_empty_array_still_takes_the_identity(running: Running) -> None:
    """400 to the body comes from a service that has let the identity in."""
    running.monitor.faults.add(json.dumps({"status": 400, "times": 9}).encode())
    assert examine()["rule"]["state"] == "ok"


@pytest.mark.parametrize(
    ("seconds", "state"), [(0, "ok"), (90, "warning"), (-90, "warning"), (600, "failed")]
)
def test_the_clock(seconds: float, state: str) -> None:
    """It is held against the endpoint's; a minute is no matter, five are."""
    now = time.time()
    found = doctor._clock({"Date": formatdate(now - seconds, usegmt=True)}, now)
    assert found.state == state
    assert ("ahead" in found.says) == (seconds > 0) or not seconds


def test_the_group_that_may_read_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is neither root nor in himds is told how to get in."""

    class Group:
        gr_gid = 4_242

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(grp, "getgrnam", lambda _: Group)
    monkeypatch.setattr(os, "getgroups", lambda: [4_242])
    assert doctor._group().state == "ok"
    monkeypatch.setattr(os, "getgroups", lambda: [1000])
    assert "usermod -aG himds" in doctor._group().remedy
    monkeypatch.setattr(grp, "getgrnam", _no_group)
    assert "no group himds" in doctor._group().says
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert doctor._group().state == "ok"


def _no_group(name: str) -> None:
    raise KeyError(name)


def test_a_token_that_is_none_that_can_be_read() -> None:
    """What is in a token is shown where it is there, and nothing is made up."""
    assert doctor._claims("x") == {}
    assert doctor._claims("a.%%%.c") == {}
    assert doctor._claims("a.W10.c") == {}
    assert doctor._until(10**15) == "of no end that a clock can show"


def test_a_proxy_is_shown_as_it_is_meant() -> None:
    """Without a scheme it is one of HTTP; a password is never shown, and what is no address is none."""
    assert denied.bare("proxy:3128") == "http://proxy:3128"
    assert denied.bare("http://user:word@proxy:3128") == "http://proxy:3128"
    assert "word" not in denied.bare("http://user:word@proxy:port")
