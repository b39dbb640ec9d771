"""A running server: its own thread and loop, for tests and for the command line.

Rule: 127.0.0.1 and nothing else. Invariant: when `serve` returns the server
answers; when `close` returns the port is free and the database is written.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from threading import Thread
from types import TracebackType
from typing import Any

from aiohttp import web

from .app import Monitor
from .config import Config
from .control import make_app

HOST = "127.0.0.1"
_BUFFER = 1024 * 1024


class Running:
    """A server that answers; close it, or use it as a context manager."""

    def __init__(self, monitor: Monitor) -> None:
        self.monitor = monitor
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._started: Future[None] = Future()
        self._stop = asyncio.Event()
        self._thread = Thread(target=self._run, name="azure-monitor", daemon=True)

    def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port is taken.
        """
        self._thread.start()
        try:
            self._started.result()
        except BaseException:
            self._thread.join()
            raise

    def close(self) -> None:
        """Finish the requests under way, write what was accepted, and stop. May be called twice."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def describe(self) -> dict[str, Any]:
        """The start-up line."""
        return self.monitor.describe(self.url)

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self.monitor.tables.close()
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _serve(self) -> None:
        # auto_decompress=False: lengths are counted on the wire, and output is capped
        runner = web.AppRunner(
            make_app(self.monitor),
            access_log=None,
            auto_decompress=False,
            read_bufsize=_BUFFER,
            shutdown_timeout=5.0,
        )
        try:
            await runner.setup()
            site = web.TCPSite(runner, HOST, self.monitor.config.port)
            await site.start()
        except BaseException as error:
            await runner.cleanup()
            self._started.set_exception(error)
            return
        self.url = f"http://{HOST}:{runner.addresses[0][1]}"
        self._started.set_result(None)
        await self._stop.wait()
        await runner.cleanup()


def serve(config: Config) -> Running:
    """Start a server and come back when it answers.

    Raises:
        ValueError: the configuration cannot be used.
        OSError: the port is taken.
    """
    running = Running(Monitor(config))
    running.start()
    return running
