"""`stack.json`: where everything of a running local Azure is, for other tools.

Rule: it is there, whole, exactly while local Azure is ready. One stack a state
folder: a lock that the kernel drops with the process says whether one runs.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TextIO

import msgspec

from .process import StackError

FILE = "stack.json"


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything is."""

    connection_string: str
    blob_url: str
    """Of the storage account: the URLs of its blobs begin with it."""
    queue_url: str
    host_url: str
    webhook_url: str
    """Where blob events are posted."""
    monitor_url: str
    query_url: str
    identity_endpoint: str
    identity_header: str
    rules: tuple[str, ...]
    """Immutable ids of the data collection rules, in order."""
    log: str
    """The functions host's log, which has the audit rows."""
    logs: dict[str, str]
    """Every part's log."""
    routes: str
    drop_container: str
    allowed_containers: tuple[str, ...]
    state_container: str
    deadletter_container: str
    ingest_queue: str
    work_queue: str
    pids: dict[str, int]
    supervisor: int


def write(folder: Path, state: State) -> None:
    """Write the file; nobody ever sees half of it."""
    part = folder / f"{FILE}.part"
    part.write_bytes(msgspec.json.format(msgspec.json.encode(state), indent=2) + b"\n")
    part.replace(folder / FILE)


def read(folder: Path) -> State:
    """What is running in a state folder.

    Raises:
        StackError: nothing is.
    """
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=State)
    except (OSError, msgspec.DecodeError) as error:
        raise StackError(f"No local Azure is running in {folder}.") from error


def lock(folder: Path) -> TextIO:
    """Claim a state folder, until the file that is given is closed or the process ends.

    Raises:
        StackError: another stack has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        pid = file.read().strip() or "unknown"
        file.close()
        raise StackError(
            f"Local Azure is running in {folder} already (process {pid}); "
            "stop it first, or give this one a folder of its own with --state-dir."
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
