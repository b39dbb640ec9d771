"""A running local Azure Monitor for tests, and what it saw."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local.azure_monitor.config import STREAMS_PER_RULE, Config, StreamSpec, specs_from_routes
from local.azure_monitor.server import serve
from shared.routes import Routes

RULE = "dcr-" + "0" * 31 + "1"
"""The first rule of a server, and the only one unless it has over ten streams."""
SECRET = "made-up-for-tests"
WORKSPACE = "00000000-0000-0000-0000-000000000000"


class MonitorUnderTest:
    """Talks to the control interface, over HTTP like anybody."""

    def __init__(self, url: str, rules: tuple[str, ...]) -> None:
        self.url = url
        self.rules = rules

    def call(self, method: str, path: str, value: Any = None) -> Any:
        """A control request; its JSON answer."""
        data = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(
            self.url + path, data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request) as reply:
            text = reply.read()
        return json.loads(text) if text else None

    def faults(self, *faults: dict[str, Any]) -> None:
        """Script the next answers."""
        self.call("POST", "/local/faults", list(faults))

    def rows(self, kql: str) -> list[dict[str, Any]]:
        """Rows of a query."""
        (table,) = self.call("POST", f"/v1/workspaces/{WORKSPACE}/query", {"query": kql})["tables"]
        names = [column["name"] for column in table["columns"]]
        return [dict(zip(names, row, strict=True)) for row in table["rows"]]

    def losses(self) -> list[dict[str, Any]]:
        """What Azure would have lost in silence."""
        found = self.call("GET", "/local/losses")
        return found["losses"] if isinstance(found, dict) else found


@contextmanager
def identity_environment(url: str) -> Iterator[None]:
    """The environment in which azure-identity finds the local identity endpoint."""
    names = {"IDENTITY_ENDPOINT": f"{url}/msi/token", "IDENTITY_HEADER": SECRET, "NO_PROXY": "127.0.0.1"}
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def monitor(streams: Routes | tuple[StreamSpec, ...]) -> Iterator[MonitorUnderTest]:
    """A server for these streams, over as many rules as they take, with this process's identity pointing at it."""
    specs = streams if isinstance(streams, tuple) else specs_from_routes(streams)
    rules = tuple(f"dcr-{number:032x}" for number in range(1, 2 + (len(specs) - 1) // STREAMS_PER_RULE))
    with serve(Config(specs, rules, SECRET)) as running, identity_environment(running.url):
        yield MonitorUnderTest(running.url, rules)
