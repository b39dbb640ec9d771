"""Azurite: blobs and queues on this machine.

Rule: in memory unless it is given a folder, on ports that the system picks unless
they are given too, and every request written to its log, a line each; the events
part lives on those lines. Azurite prints its ports when it listens; nothing is
guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .process import Part, StackError

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "node_modules" / ".bin" / "azurite"

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The account and key that every Azurite has; published by Microsoft, no secret."""

_LISTENS = re.compile(
    r"^Azurite (Blob|Queue) service is successfully listening at http://127\.0\.0\.1:(\d+)", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where an Azurite listens, on 127.0.0.1."""

    blob: int
    queue: int

    @property
    def blob_endpoint(self) -> str:
        """Base URL of the account's blobs."""
        return f"http://127.0.0.1:{self.blob}/{ACCOUNT}"

    @property
    def queue_endpoint(self) -> str:
        """Base URL of the account's queues."""
        return f"http://127.0.0.1:{self.queue}/{ACCOUNT}"

    @property
    def connection_string(self) -> str:
        """For every storage SDK."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
            f"BlobEndpoint={self.blob_endpoint};QueueEndpoint={self.queue_endpoint};"
        )


def begin(
    log_path: Path,
    environment: Mapping[str, str],
    *,
    folder: Path | None = None,
    ports: Ports | None = None,
) -> Part:
    """Start one.

    Args:
        log_path: its access log.
        environment: all of it.
        folder: where its data is kept, if it is kept; written for sure only when it is asked to end.
        ports: those of an earlier one whose place it takes.

    Raises:
        StackError: it is not installed.
    """
    if not PROGRAM.exists():
        raise StackError(f"Azurite is not installed ({PROGRAM} is missing): run `npm ci` in {ROOT}.")
    # No --location beside --inMemoryPersistence: Azurite refuses that, and writes nothing to disk anyway.
    kept = ["--location", str(folder)] if folder else ["--inMemoryPersistence"]
    wanted = {"blob": ports.blob if ports else 0, "queue": ports.queue if ports else 0, "table": 0}
    listen = [word for service, port in wanted.items() for word in (f"--{service}Port", str(port))]
    command = [str(PROGRAM), *kept, "--skipApiVersionCheck", "--disableTelemetry", *listen]
    return Part("azurite", command, environment=environment, log_path=log_path)


def ready(printed: str) -> Ports | None:
    """The ports, as soon as both services listen."""
    found = {service: int(port) for service, port in _LISTENS.findall(printed)}
    return Ports(found["Blob"], found["Queue"]) if len(found) == 2 else None
