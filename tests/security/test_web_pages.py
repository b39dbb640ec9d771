"""Local Azure listens on loopback, where a browser on the same machine can reach it: no web page may use it."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from local.azure_monitor import Config, Running, StreamSpec, serve
from local.functions_host.web import build
from tests.azurite import Azurite

ROOT = Path(__file__).resolve().parents[2]
RULE = "dcr-" + "a" * 32
PAGE = {"Origin": "https://evil.example"}


@pytest.fixture(scope="module")
def monitor() -> Iterator[Running]:
    with serve(
        Config((StreamSpec("Custom-A", "A_CL", {"TimeGenerated": "datetime"}),), (RULE,), "s")
    ) as running:
        yield running


class _Host:
    """What the host's web face asks of a host."""

    id = "x"
    blob_triggers = frozenset({"on_blob"})

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.functions = {"sweep": SimpleNamespace(name="sweep", bindings=[])}

    def run_now(self, name: str, _given: str) -> None:
        self.ran.append(name)

    async def take_event(self, name: str, _event: Any) -> bool:
        self.ran.append(name)
        return True


async def _asked(host: _Host, path: str, **more: Any) -> int:
    face: Any = host
    app: web.Application = build(face, None)
    async with TestClient(TestServer(app)) as client:
        answer = await client.post(path, **more)
        return answer.status


EVENT = "/runtime/webhooks/blobs?functionName=Host.Functions.on_blob"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 202),
        (PAGE, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
    ],
)
@pytest.mark.parametrize("path", ["/admin/functions/sweep", EVENT])
def test_no_page_runs_a_function(headers: dict[str, str], status: int, path: str) -> None:
    """A page of another origin, or one whose name was pointed at this machine, cannot run functions or post events."""
    host = _Host()
    kind = {"aeg-event-type": "Notification"}
    found = asyncio.run(
        _asked(host, path, data="[{}]" if path == EVENT else "{}", headers={**kind, **headers})
    )
    assert found == status
    assert bool(host.ran) == (status == 202)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/workspaces/w/query"),
        ("POST", "/local/faults"),
        ("DELETE", "/local/faults"),
        ("GET", "/local/posts"),
        ("GET", "/"),
        ("POST", f"/dataCollectionRules/{RULE}/streams/Custom-A"),
    ],
)
def test_no_page_asks_the_monitor(monitor: Running, method: str, path: str) -> None:
    """Not the query API, not the control interface, not the ingestion endpoint."""
    for headers, status in ((PAGE, 403), ({"Host": "evil.example"}, 421)):
        answer = requests.request(method, monitor.url + path, headers=headers, data="{}", timeout=10)
        assert answer.status_code == status
        assert "evil" not in answer.text


def test_no_answer_lets_other_origins_read(monitor: Running) -> None:
    """No CORS header is ever sent, so what a page gets is closed to it."""
    for path in ("/", "/local/posts", "/nowhere"):
        answer = requests.get(monitor.url + path, timeout=10)
        assert not any(name.lower().startswith("access-control") for name in answer.headers)


def test_nothing_listens_beyond_this_machine(monitor: Running, azurite: Azurite) -> None:
    """Azurite, the monitor and the host take connections at 127.0.0.1 alone, not at every address that leads here."""
    ports = [azurite.blob_port, azurite.queue_port, int(monitor.url.rpartition(":")[2])]
    for port in ports:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        with pytest.raises(OSError):  # noqa: PT011 - refused, or no such address
            socket.create_connection(("127.0.0.2", port), timeout=5)
    sites = (ROOT / "local" / "functions_host" / "host.py").read_text(encoding="utf-8")
    assert re.findall(r"web\.TCPSite\((.*?)\)", sites) == ['runner, "127.0.0.1", port']


def test_its_own_page_still_works(monitor: Running) -> None:
    """The page that local Azure itself serves may ask."""
    answer = requests.get(f"{monitor.url}/?query=A_CL", headers={"Origin": monitor.url}, timeout=10)
    assert answer.status_code == 200
