"""The command of the functions host: ours, or Azure Functions Core Tools.

Rule: one that is started again listens where it did before. Settings travel in the
environment.
"""

from __future__ import annotations

import json
import shutil
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .process import StackError

_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(kind: str, app: Path, port: int, options: tuple[str, ...] = ()) -> list[str]:
    """Program and arguments.

    Args:
        kind: python (local.functions_host) or func (Core Tools).
        app: the app's folder.
        port: where to listen.
        options: further arguments.

    Raises:
        StackError: Core Tools are not on the PATH.
    """
    if kind == "func":
        program = shutil.which("func")
        if program is None:
            raise StackError(
                "Azure Functions Core Tools (func) are not on the PATH: install them, "
                "or take the other host, which is the default."
            )
        return [program, "start", "--port", str(port), *options]
    own = [sys.executable, "-m", "local.functions_host", "--app", str(app), "--port", str(port)]
    file = app / "local.settings.json"
    return [*own, *(["--settings", str(file)] if file.exists() else []), *options]


def answers(url: str) -> Callable[[str], str | None]:
    """The URL, as soon as the host there says at /admin/host/status that it runs."""

    def find(_: str) -> str | None:
        try:
            return url if get(f"{url}/admin/host/status").get("state") == "Running" else None
        except (OSError, ValueError):
            return None

    return find


def webhook(url: str) -> str:
    """Where events of the app's blob function are posted.

    Raises:
        StackError: the app has no blob function.
    """
    for function in get(f"{url}/admin/functions"):
        kinds = {binding.get("type") for binding in function.get("config", {}).get("bindings", [])}
        if "blobTrigger" in kinds:
            return f"{url}/runtime/webhooks/blobs?functionName=Host.Functions.{function['name']}"
    raise StackError("The app has no function with a blob trigger.")


def get(url: str) -> Any:
    """GET JSON from loopback, never by a proxy."""
    with _open(url, timeout=10) as reply:
        return json.load(reply)
