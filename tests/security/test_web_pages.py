"""Local Azure listens on loopback, where a browser on the same machine can reach it: no web page may use it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from local.azure_monitor import Config, Running, StreamSpec, serve
from local.functions_host.web import build

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


def test_its_own_page_still_works(monitor: Running) -> None:
    """The page that local Azure itself serves may ask."""
    answer = requests.get(f"{monitor.url}/?query=A_CL", headers={"Origin": monitor.url}, timeout=10)
    assert answer.status_code == 200
