"""Where a command finds the app's storage."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from shared.cli.local import Trouble
from shared.cli.storage import place, reached

_KEY = "c2VjcmV0LWtleS1vZi1uby1vbmU="


def _settings(folder: Path, **values: str) -> str:
    file = folder / "local.settings.json"
    file.write_text(json.dumps({"Values": values}))
    return str(file)


def _connection(port: int) -> str:
    url = f"http://127.0.0.1:{port}/someone"
    return f"AccountName=someone;AccountKey={_KEY};BlobEndpoint={url};QueueEndpoint={url}"


@contextmanager
def _answering(status: int, code: str) -> Iterator[int]:
    """A service that gives one answer to all; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("x-ms-error-code", code)
            self.send_header("Content-Type", "application/xml")
            self.end_headers()
            self.wfile.write(f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_only_the_storage_settings_need_be_there(tmp_path: Path) -> None:
    """Settings without a rule or an endpoint are enough to find the dead letter."""
    there = {
        "DropStorage__blobServiceUri": "https://a.blob.x",
        "DropStorage__queueServiceUri": "https://a.queue.x",
    }
    found = place(_settings(tmp_path, **there, DEADLETTER_CONTAINER="dead"))
    assert found.names.deadletter_container == "dead"
    assert found.names.allowed_containers == ()
    assert found.where == "https://a.blob.x"


def test_settings_without_storage_say_what_is_missing(tmp_path: Path) -> None:
    """The sentence names the settings and the file."""
    with pytest.raises(Trouble, match=r"local.settings.json: DropStorage__blobServiceUri and"):
        place(_settings(tmp_path))


@pytest.mark.parametrize(
    ("account", "url"),
    [
        ("contoso1", "https://contoso1.blob.core.windows.net"),
        ("https://contoso.blob.core.usgovcloudapi.net/", "https://contoso.blob.core.usgovcloudapi.net"),
        ("contoso.z12.blob.storage.azure.net", "https://contoso.z12.blob.storage.azure.net"),
    ],
)
def test_an_account_is_a_name_or_a_url(account: str, url: str) -> None:
    """The queue service is the same account's."""
    found = place(account=account)
    assert found.where == url
    assert found.storage._connection.queue_uri == url.replace(".blob.", ".queue.")


@pytest.mark.parametrize(
    "account",
    ["http://contoso.blob.core.windows.net", "contoso.example", "a@b.blob.x", "https://c.blob.x/y", "Con"],
)
def test_no_account_is_a_sentence(account: str) -> None:
    """A credential is sent to nothing that is no blob service over TLS."""
    with pytest.raises(Trouble, match="is no storage account"):
        place(account=account)


def test_no_local_azure_says_how_to_start_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a word of where, and nothing running here, the remedy is named."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Trouble, match="make run"):
        place()


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (403, "AuthorizationPermissionMismatch", "takes the roles Storage Blob Data Contributor and"),
        (403, "AuthorizationFailure", "from this network"),
        (401, "InvalidAuthenticationInfo", "az login --tenant"),
        (409, "AccountIsDisabled", "refused it"),
    ],
)
def test_a_no_of_the_service_says_what_helps(tmp_path: Path, status: int, code: str, sentence: str) -> None:
    """A missing role, the account's network rules and a foreign sign-in are each told; the key never is."""
    with _answering(status, code) as port:
        found = place(_settings(tmp_path, DropStorage=_connection(port)))
        with pytest.raises(Trouble, match=sentence) as said, reached(found):
            list(found.dead_letter.listing(""))
    assert _KEY not in str(said.value)
    assert "\n" not in str(said.value)


def test_nothing_answers(tmp_path: Path) -> None:
    """An account that nobody answers for is a sentence with its address."""
    found = place(_settings(tmp_path, DropStorage=_connection(1)))
    with pytest.raises(Trouble, match=r"Nothing answers at http://127.0.0.1:1/"), reached(found):
        found.state.read("x")


def test_not_signed_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Who is not signed in is told to run `az login`; nothing was asked of the account."""
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "AzureCliCredential")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = place(account="contoso")
    with pytest.raises(Trouble, match="Not signed in to Azure: run `az login`"), reached(found):
        found.state.read("x")
