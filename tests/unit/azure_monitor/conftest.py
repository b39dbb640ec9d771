"""Servers for the tests of the local Azure Monitor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from local.azure_monitor import StreamSpec, serve
from tests.unit.azure_monitor.client import Client, config

Start = Callable[..., Client]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts servers, with a client each, and stops them."""
    with ExitStack() as stack:

        def begin(*streams: StreamSpec, **settings: Any) -> Client:
            server = stack.enter_context(serve(config(*streams, **settings)))
            client = Client(server)
            stack.callback(client.close)
            return client

        yield begin


@pytest.fixture
def client(start: Start) -> Client:
    """A server with one stream of every type, and no transform."""
    return start()
