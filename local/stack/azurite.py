"""Azurite: blobs and queues on this machine.

Rule: in memory, on ports that the system picks, and every request written to its
log, a line each; the events part lives on those lines. Azurite prints its ports
when it listens; nothing is guessed.
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


def begin(log_path: Path, environment: Mapping[str, str]) -> Part:
    """Start one.

    Raises:
        StackError: it is not installed.
    """
    if not PROGRAM.exists():
        raise StackError(f"Azurite is not installed ({PROGRAM} is missing): run `npm ci` in {ROOT}.")
    # No --location: with --inMemoryPersistence Azurite refuses it, and writes nothing to disk anyway.
    options = ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"]
    ports = [word for service in ("blob", "queue", "table") for word in (f"--{service}Port", "0")]
    return Part("azurite", [str(PROGRAM), *options, *ports], environment=environment, log_path=log_path)


def ready(printed: str) -> Ports | None:
    """The ports, as soon as both services listen."""
    found = {service: int(port) for service, port in _LISTENS.findall(printed)}
    return Ports(found["Blob"], found["Queue"]) if len(found) == 2 else None
