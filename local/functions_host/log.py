"""One readable log for the host and the app.

Rule: a line is `[time] Level  place: text`; what an app logs while a function runs
has the function's name and the invocation's id as its place. Levels are those of
host.json's logging.logLevel; libraries of the SDK are at Warning unless named there.
"""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

HOST = logging.getLogger("host")

place: contextvars.ContextVar[str] = contextvars.ContextVar("place", default="")
"""`<function> <invocation id>` while a function runs."""

thread_place = threading.local()
"""For threads that an app starts: `context.thread_local_storage.invocation_id`, as in the real worker."""

_LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 10,
}
_NAMES = {
    "WARNING": "Warning",
    "INFO": "Information",
    "ERROR": "Error",
    "CRITICAL": "Critical",
    "DEBUG": "Debug",
}
_QUIET = ("azure", "msal", "urllib3", "aiohttp", "asyncio")


class Line(logging.Formatter):
    """`[2026-01-02T03:04:05.678Z] Information  on_blob 1f2e...: text`."""

    def format(self, record: logging.LogRecord) -> str:
        """One record; a traceback follows on lines of its own."""
        when = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        where = place.get() or getattr(thread_place, "invocation_id", None) or record.name
        text = (
            f"[{when}Z] {_NAMES.get(record.levelname, record.levelname):<11} {where}: {record.getMessage()}"
        )
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return text


def set_up(path: Path | None, levels: Mapping[str, str]) -> None:
    """Send everything to the file, or to stderr without one."""
    handler: logging.Handler = (
        logging.FileHandler(path, encoding="utf-8") if path else logging.StreamHandler()
    )
    handler.setFormatter(Line())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    named = {name.lower(): _LEVELS.get(level.lower(), logging.INFO) for name, level in levels.items()}
    root.setLevel(named.get("default", logging.INFO))
    for library in _QUIET:
        logging.getLogger(library).setLevel(named.get(library, logging.WARNING))
