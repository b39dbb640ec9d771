"""azure-identity's own credential, as the app has it, on each kind of host: tokens, retries, challenge and failures."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from azure.core.pipeline.policies import RetryPolicy

from local.azure_monitor import Config, Running, StreamSpec, serve
from shared.errors import NotReady, ServiceUnavailable, Transient
from shared.upload import denied, identity
from shared.upload.service import Service
from shared.upload.whence import whence
from tests.hosts import HOSTS, become
from tests.monitor import RULE, SECRET

MONITOR = "https://monitor.azure.com//.default"
CHINA = "https://monitor.azure.cn//.default"
STREAM = "Custom-A"


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    spec = StreamSpec(STREAM, "A_CL", {"TimeGenerated": "datetime"})
    with serve(Config((spec,), (RULE,), SECRET)) as server:
        yield server


@pytest.fixture
def server(running: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A server as it was when it started; the SDK's retries wait for nothing."""
    monkeypatch.setattr(RetryPolicy, "get_backoff_time", lambda *_: 0.0)
    yield running
    running.monitor.faults.clear()
    running.monitor.tokens.lifetime = 86_400.0
    running.monitor.metadata.assigned = running.monitor.arc.assigned = True


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "tokens"


@pytest.fixture(params=HOSTS)
def host(request: pytest.FixtureRequest, server: Running, monkeypatch: pytest.MonkeyPatch, keys: Path) -> str:
    become(request.param, server, monkeypatch, keys)
    return str(request.param)


@pytest.fixture
def arc(server: Running, monkeypatch: pytest.MonkeyPatch, keys: Path) -> Running:
    become("arc", server, monkeypatch, keys)
    return server


@pytest.fixture
def vm(server: Running, monkeypatch: pytest.MonkeyPatch, keys: Path) -> Running:
    become("vm", server, monkeypatch, keys)
    return server


def fault(server: Running, **what: object) -> None:
    answer = requests.post(f"{server.url}/local/faults", json=[{"on": "token", **what}], timeout=30)
    assert answer.status_code == 200, answer.text


def told(scope: str = MONITOR) -> Transient:
    """Why there is no token."""
    with pytest.raises(Transient) as caught:
        identity.credential().get_token(scope)
    return caught.value


def test_each_kind_of_host_gives_a_token_that_opens_azure_monitor(
    host: str, server: Running, keys: Path
) -> None:
    """The SDK finds the endpoint by the environment, answers its challenge, and the token is for what was asked."""
    token = identity.credential().get_token(MONITOR)
    assert server.monitor.tokens.problem(f"Bearer {token.token}", "https://monitor.azure.com") is None
    assert abs(token.expires_on - time.time() - 86_400) < 60
    assert whence(os.environ).kind == host
    assert not list(keys.glob("*"))  # a key is good once


@pytest.mark.parametrize("status", [429, 500, 503])
def test_each_is_asked_again_when_it_is_busy(host: str, server: Running, status: int) -> None:
    """429 and 5xx are no failure while the SDK still asks again."""
    fault(server, status=status, times=2)
    assert identity.credential().get_token(MONITOR).token
    assert host in HOSTS


@pytest.mark.parametrize("status", [404, 410])
def test_a_vm_that_is_being_updated_is_asked_again(vm: Running, status: int) -> None:
    """404 and 410 come while the metadata service is updated; the SDK waits that out."""
    fault(vm, status=status, times=3)
    assert identity.credential().get_token(MONITOR).token


def test_an_endpoint_that_stays_down_is_one_sentence(host: str, server: Running) -> None:
    """An endpoint that answers 500 for good gives a Transient that names the identity and where it was asked."""
    fault(server, status=500, times=1000)
    error = told()
    assert error.what.startswith("The managed identity gave no token")
    assert server.url in error.remedy or "DATA_COLLECTION_ENDPOINT" in error.remedy
    assert host in HOSTS


def test_a_service_that_the_directory_does_not_know(host: str, server: Running) -> None:
    """A token for another cloud is refused by each in its own way, and the sentence says which endpoint to check."""
    error = told(CHINA)
    assert isinstance(error, NotReady)
    assert "DATA_COLLECTION_ENDPOINT has to be in the identity's own cloud" in error.remedy
    assert server.monitor.tokens.problem("Bearer x", "") is not None
    if host != "app":
        assert "https://monitor.azure.cn" in error.what


def test_a_machine_without_an_identity(vm: Running) -> None:
    """The metadata service that knows no identity leads to the command that switches it on."""
    vm.monitor.metadata.assigned = False
    error = told()
    assert "no system-assigned identity" in error.what
    assert "az vm identity assign" in error.remedy


def test_a_key_file_that_is_not_there(arc: Running, tmp_path: Path) -> None:
    """The agent names a file, and there is none: the file, and what to do with the agent."""
    arc.monitor.arc.folder = tmp_path
    error = told()
    assert isinstance(error, NotReady)
    assert "key file is missing" in error.what
    assert str(tmp_path / "tokens") in error.what
    assert "azcmagent show" in error.remedy


def test_a_key_file_that_is_too_large_is_not_read(arc: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """msal reads no key of over 4 KB, and what it says is in the sentence."""
    monkeypatch.setattr(secrets, "token_urlsafe", lambda *_: "k" * 4_097)
    error = told()
    assert "larger than 4KB" in error.what
    assert "IDENTITY_ENDPOINT" in error.remedy


def test_a_challenge_without_a_file(arc: Running) -> None:
    """A 401 that names no key file is no Arc agent's."""
    fault(arc, status=401, headers={"WWW-Authenticate": "Bearer"})
    assert "challenge is none that can be answered" in told().what


def test_a_key_is_good_once_and_only_if_it_is_one(arc: Running, keys: Path) -> None:
    """Whoever cannot read the file gets no token; a key that was used opens nothing."""
    url, query = (
        os.environ["IDENTITY_ENDPOINT"],
        {"api-version": "2020-06-01", "resource": "https://monitor.azure.com"},
    )
    headers = {"Metadata": "true"}
    challenge = requests.get(url, query, headers=headers, timeout=30)
    realm = challenge.headers["WWW-Authenticate"].removeprefix("Basic realm=")
    assert (challenge.status_code, Path(realm).parent) == (401, keys)
    key = Path(realm).read_text()
    ask = [
        requests.get(url, query, headers={**headers, "Authorization": f"Basic {text}"}, timeout=30)
        for text in ("x", key, key)
    ]
    assert [answer.status_code for answer in ask] == [403, 200, 403]
    assert arc.monitor.arc.folder == keys


@pytest.mark.parametrize(
    ("headers", "query", "said"),
    [
        ({}, {"api-version": "2018-02-01", "resource": "https://monitor.azure.com"}, "metadata header"),
        (
            {"Metadata": "true", "X-Forwarded-For": "1.2.3.4"},
            {"api-version": "2018-02-01", "resource": "https://monitor.azure.com"},
            "X-Forwarded-For",
        ),
        ({"Metadata": "true"}, {"resource": "https://monitor.azure.com"}, "api-version"),
        ({"Metadata": "true"}, {"api-version": "2018-02-01"}, "audience"),
    ],
)
def test_the_metadata_service_refuses_who_does_not_ask_right(
    server: Running, headers: dict[str, str], query: dict[str, str], said: str
) -> None:
    """Without its header, through a proxy, without version or resource there is no token, as at the real one."""
    answer = requests.get(f"{server.url}/metadata/identity/oauth2/token", query, headers=headers, timeout=30)
    assert answer.status_code == 400
    assert said in answer.json()["error_description"]


def test_something_else_answers(vm: Running) -> None:
    """Another cloud's metadata service, or a proxy's page, is told from Azure's."""
    fault(vm, status=200, body="<html>latest</html>", headers={"Content-Type": "text/html"})
    error = told()
    assert error.what.endswith("/metadata/identity/oauth2/token is not the metadata service of an Azure VM.")
    assert "Azure Arc" in error.remedy


def test_nothing_listens(vm: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address where nobody listens is said at once, and the SDK's own failure after its retries the same way."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", url)
        with pytest.raises(ServiceUnavailable) as caught:
            identity.first_token(vm.url, os.environ)
        late = told()
    for error in (caught.value, late):
        assert error.what.startswith(
            f"The managed identity's endpoint, {url} (the metadata service of an Azure VM), does not answer"
        )
        assert "any other machine has no managed identity" in error.remedy
    assert "nothing listens there" in caught.value.what


def test_a_proxy_in_the_way(vm: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that is asked for tokens is named without its password, and so is what NO_PROXY must hold."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        proxy = f"127.0.0.1:{free.getsockname()[1]}"
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, f"http://user:secret@{proxy}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, "example.com")
        with pytest.raises(NotReady) as caught:
            identity.first_token(vm.url, os.environ)
        late = told()
    for error in (caught.value, late):
        assert f"the proxy http://{proxy} instead of 127.0.0.1" in error.what
        assert "169.254.169.254" in error.remedy
        assert "secret" not in str(error)


def test_a_token_of_another_audience_is_refused(vm: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoint that wants another cloud's token says so, and the sentence names the setting."""
    monkeypatch.setattr(identity, "_PUBLIC", "https://storage.azure.com/.default")
    with pytest.raises(NotReady) as caught:
        Service(vm.url).post(RULE, STREAM, b"")
    assert (
        "The token is for https://storage.azure.com, not for https://monitor.azure.com" in caught.value.what
    )
    assert "DATA_COLLECTION_ENDPOINT" in caught.value.remedy


def test_a_token_that_is_expired_when_it_comes(vm: Running) -> None:
    """A clock that is wrong shows as a token that is refused, and the remedy says it."""
    vm.monitor.tokens.lifetime = -3_600.0
    with pytest.raises(NotReady) as caught:
        Service(vm.url).post(RULE, STREAM, b"")
    assert "expired" in caught.value.what
    assert "a clock that is wrong" in caught.value.remedy


@pytest.mark.usefixtures("arc")
def test_a_key_file_that_may_not_be_read() -> None:
    """Who is not in the group himds is told of it."""
    error = denied.trouble(PermissionError(13, "Permission denied", "/x/y.key"), "r", os.environ)
    assert error is not None
    assert "may not be read by this user: /x/y.key" in error.what
    assert "himds" in error.remedy


def test_what_is_no_failure_of_the_identity_is_not_hidden() -> None:
    """A bug stays a bug."""
    assert denied.trouble(KeyError("x"), "r", {}) is None
