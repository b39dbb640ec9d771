"""`logferry drop` and `logferry send`: files and messages for local Azure.

Rule: they use the storage services as any client would. Invariant: a file whose
path no route takes is not uploaded without the user having been told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..routes import load
from .audit import Tail, show_audits
from .local import Local, Trouble, find
from .show import Show

WAIT_SECONDS = 60.0
_LONGEST_MESSAGE = 65_536
"""Bytes of a queue message. Source: Azure Queue Storage limits."""


def drop(files: list[Path], path: str, container: str, *, wait: bool) -> bool:
    """Upload files.

    Args:
        files: what to upload.
        path: where to, in the container; a folder if it ends in a slash; "" for the files' names.
        container: "" for the drop container.
        wait: whether to wait for the audit rows.

    Returns:
        Whether everything that was waited for is done.

    Raises:
        Trouble: no route takes a path, or local Azure does not answer.
    """
    local, show = find(), Show()
    names = {_name(file, path): file for file in files}
    container = container or local.drop_container
    if container == local.drop_container:
        _look_for_routes(local, list(names))
    tail, wanted = Tail(local.log), set()
    for name, file in names.items():
        etag = _upload(local, container, name, file)
        wanted.add((f"{container}/{name}", etag))
        show.line(f"{file} is {container}/{name} now.")
    if wait and container != local.drop_container:
        show.line(f"Files in {container} raise no event; send a message that names one.")
        return True
    return not wait or _wait(show, tail, wanted)


def send(text: str, *, wait: bool) -> bool:
    """Put a message on the ingest queue; whether what was waited for is done. Raises Trouble."""
    local, show = find(), Show()
    size = len(text.encode())
    if size > _LONGEST_MESSAGE:
        raise Trouble(
            f"The message has {size:,} bytes; a queue takes {_LONGEST_MESSAGE:,}. Drop a file instead."
        )
    tail = Tail(local.log)
    with _reached(local):
        from azure.storage.queue import QueueClient  # noqa: PLC0415

        queue = QueueClient.from_connection_string(local.connection_string, local.ingest_queue, retry_total=0)
        with queue:
            identity = queue.send_message(text).id
    show.line(f"Message {identity} is on the queue {local.ingest_queue}.")
    named = {(source, "") for source in local.sources_of(text)}
    return not wait or _wait(show, tail, named or {(identity, identity)})


def _name(file: Path, path: str) -> str:
    return path + file.name if path.endswith("/") or not path else path


def _look_for_routes(local: Local, names: list[str]) -> None:
    routes = load(local.routes)
    for name in names:
        if routes.for_blob(name) is None:
            there = ", ".join(pattern for r in routes.by_name.values() for pattern in r.takes.blobs)
            raise Trouble(f"No route takes {name}; nothing was uploaded. Say --as PATH. Routes take: {there}")


def _upload(local: Local, container: str, name: str, file: Path) -> str:
    """The ETag of the new blob, as audit rows write it."""
    with _reached(local):
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415
        from azure.storage.blob import BlobClient  # noqa: PLC0415

        client = BlobClient.from_connection_string(local.connection_string, container, name, retry_total=0)
        try:
            with client, file.open("rb") as data:
                answer = client.upload_blob(data, overwrite=True)
        except ResourceNotFoundError as error:
            raise Trouble(f"There is no container {container}.") from error
        except OSError as error:
            raise Trouble(f"{file}: {error.strerror}.") from error
    return str(answer["etag"]).strip('"')


@contextmanager
def _reached(local: Local) -> Iterator[None]:
    from azure.core.exceptions import AzureError, ServiceRequestError  # noqa: PLC0415

    try:
        yield
    except ServiceRequestError as error:
        raise Trouble(
            f"Nothing answers at {local.blob_url}; start local Azure again with: make run"
        ) from error
    except AzureError as error:
        first = str(error.message).partition("\n")[0]
        raise Trouble(f"The local storage account refused it: {first}") from error


def _show_dead(show: Show, names: set[str]) -> None:
    """Why records of these sources are in the dead letter, and where to look."""
    if not names:
        return
    from .deadletters_find import Wanted  # noqa: PLC0415
    from .deadletters_find import find as documents  # noqa: PLC0415
    from .storage import place  # noqa: PLC0415

    found: dict[str, Counter[str]] = {}
    folders: dict[str, None] = {}
    for document in documents(place(), Wanted()):
        if document.source in names:
            whole = {f"{reason}, as a whole": 0 for reason in document.reasons}
            found.setdefault(document.source, Counter()).update(whole if document.whole else document.reasons)
            folders[document.name.rpartition("/")[0]] = None
    for source, reasons in found.items():
        told = ", ".join(f"{reason} {n:,}" if n else reason for reason, n in reasons.most_common())
        show.line(f"{source}: dead letter: {told}", "red")
    for folder in folders:
        show.line(f"Look at it: logferry deadletters show {folder}", "dim")


def _wait(show: Show, tail: Tail, wanted: set[tuple[str, str]]) -> bool:
    rows = tail.wait(wanted, WAIT_SECONDS)
    show_audits(show, rows)
    _show_dead(show, {row.source for row in rows if row.dead_lettered or row.outcome == "dead"})
    ends = {row.source: row.outcome for row in rows}
    for name in sorted({name for name, _ in wanted} - ends.keys()):
        show.line(
            f"{name}: no audit row within {WAIT_SECONDS:.0f} s. What is done already is not done again.",
            "red",
        )
    return all(ends.get(name) == "done" for name, _ in wanted)
