"""Where requests go, and the token with them: to the services that the settings name, and nowhere else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from azure.core.credentials import AccessToken

from local.stack.azurite import ACCOUNT, KEY
from shared import settings
from shared.cli.local import Trouble
from shared.cli.storage import place
from shared.errors import ServiceUnavailable, SettingsError
from shared.ledger.store import Store
from shared.settings import Connection
from shared.sources.storage import Storage
from shared.upload.service import Service


@contextmanager
def server(location: str = "") -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Sends everybody on to `location`; its URL, and the path and authorization of who came."""
    seen: list[tuple[str, str]] = []

    class Answers(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            seen.append((self.path, self.headers.get("Authorization", "")))
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(307 if location else 500)
            self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=running.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_address[1]}", seen
    finally:
        running.shutdown()
        thread.join()
        running.server_close()


class Token:
    """A credential that has a token."""

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken("a-token", 9_999_999_999)


def test_a_storage_service_cannot_send_requests_elsewhere() -> None:
    """A redirect of what answers in the storage service's place is not followed."""
    with server() as (other, seen), server(f"{other}/x") as (first, asked):
        text = f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={first}/a;QueueEndpoint={first}/a;"
        storage = Storage(Connection("x", text, None, None), 65_536, retries=0)
        with pytest.raises(ServiceUnavailable):
            Store(storage.blobs.get_container_client("c")).read("d")
        with pytest.raises(ServiceUnavailable):
            Store(storage.blobs.get_container_client("c")).put("d", b"secret")
        assert len(asked) >= 2
        assert seen == []


def test_an_ingestion_endpoint_cannot_send_rows_elsewhere() -> None:
    """A redirect is a set-up that is wrong: neither the rows nor the token go where it points."""
    with server() as (other, seen), server(f"{other}/x") as (first, asked):
        service = Service(first, Token)  # type: ignore[arg-type]
        with pytest.raises(ServiceUnavailable, match="redirect"):
            service.post("dcr-1", "Custom-A", b"{}")
        assert len(asked) == 1
        assert seen == []


@pytest.mark.parametrize(
    "key", ["DropStorage__blobServiceUri", "DropStorage__queueServiceUri", "DATA_COLLECTION_ENDPOINT"]
)
@pytest.mark.parametrize(
    "url", ["http://a.example", "ftp://a.example", "a.example", "https://", "//a.example", "https://["]
)
def test_no_token_goes_out_without_tls(key: str, url: str) -> None:
    """A service that the settings name by anything but https is a sentence that says so, before there is a token."""
    good = {
        "DropStorage__blobServiceUri": "https://a.blob.core.windows.net",
        "DropStorage__queueServiceUri": "https://a.queue.core.windows.net/",
        "DATA_COLLECTION_ENDPOINT": "https://a.ingest.monitor.azure.com",
        "LOGS_DCR_RULE_ID": "dcr-1",
    }
    assert settings.read(good).drop_storage.connection_string is None
    with pytest.raises(SettingsError, match=f"{key}.*https://"):
        settings.read({**good, key: url})


@pytest.mark.parametrize(
    "account",
    [
        "https://x.blob.evil.example",
        "https://acct.blob.core.windows.net.evil.example",
        "https://evil.example/.blob.core.windows.net",
        "https://user@acct.blob.core.windows.net",
        "https://acct.blob.core.windows.net:8443",
        "http://acct.blob.core.windows.net",
        "acct.blob.core.windows.net@evil.example",
    ],
)
def test_an_operators_token_goes_to_storage_accounts_only(account: str) -> None:
    """`--account` takes Azure's own hosts: nobody can be talked into sending a token to another one."""
    with pytest.raises(Trouble, match="is no storage account"):
        place(account=account)


@pytest.mark.parametrize(
    "account",
    [
        "acct",
        "https://acct.blob.core.usgovcloudapi.net",
        "acct.z12.blob.storage.azure.net",
        "acct.blob.core.chinacloudapi.cn/",
    ],
)
def test_accounts_of_all_clouds_are_taken(account: str) -> None:
    """Names, sovereign clouds and DNS zones."""
    assert ".blob." in place(account=account).where
