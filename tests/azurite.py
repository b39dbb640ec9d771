"""A real Azurite on free ports, for tests: in memory, or with its data kept while it is down.

Rule: the same start as local.stack's own, so that tests meet what users run. It
dies with the process that started it, also when that is killed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from local.stack import azurite
from local.stack.process import Part

START_SECONDS = 60.0


class Account(Protocol):
    """What tests need to know of a storage account."""

    @property
    def connection_string(self) -> str:
        """Blobs and queues of the one account."""
        ...


@dataclass(frozen=True, slots=True)
class Azurite:
    """A running Azurite."""

    part: Part
    ports: azurite.Ports

    @property
    def blob_port(self) -> int:
        """On 127.0.0.1."""
        return self.ports.blob

    @property
    def queue_port(self) -> int:
        """On 127.0.0.1."""
        return self.ports.queue

    @property
    def blob_endpoint(self) -> str:
        """Base URL of the account's blobs."""
        return self.ports.blob_endpoint

    @property
    def connection_string(self) -> str:
        """Blobs and queues of the one account."""
        return self.ports.connection_string

    @property
    def log_path(self) -> Path:
        """The access log: one line a request."""
        return self.part.log_path

    def close(self) -> None:
        """End it and remove its log."""
        self.part.stop()
        shutil.rmtree(self.log_path.parent, ignore_errors=True)


def start_azurite() -> Azurite:
    """Start one and wait until it answers."""
    folder = Path(tempfile.mkdtemp(prefix="azurite-"))
    part = azurite.begin(folder / "azurite.log", os.environ)
    try:
        return Azurite(part, part.wait_for(azurite.ready, START_SECONDS))
    except BaseException:
        part.stop()
        shutil.rmtree(folder, ignore_errors=True)
        raise


class LastingAzurite:
    """One that can be down for a while: its data and its ports are the same afterwards.

    Args:
        folder: where its data is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._part = azurite.begin(folder / "azurite.log", os.environ, folder=folder)
        self.ports = self._part.wait_for(azurite.ready, START_SECONDS)

    @property
    def connection_string(self) -> str:
        """Blobs and queues of the one account."""
        return self.ports.connection_string

    def stop(self) -> None:
        """End it; it writes down what it has. Calling it again does nothing."""
        self._part.stop()

    def start(self) -> None:
        """Start it again."""
        self._part = azurite.begin(
            self._folder / "azurite.log", os.environ, folder=self._folder, ports=self.ports
        )
        self._part.wait_for(azurite.ready, START_SECONDS)
