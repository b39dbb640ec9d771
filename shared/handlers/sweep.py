"""The sweep: what raised no event, and what was left behind.

Rule: it only looks and queues; the work itself is done where all work is done.
Invariants: a blob that is done is never queued; a blob without an entry is queued
once it has settled; memory does not grow with the number of blobs. Strategy: the
container and the ledger list in the same order, so one pass over both finds the
differences; what that pass cannot tell for sure is queued, and costs one look.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from ..app import App
from ..ledger.claims import PREFIX
from ..ledger.store import Listed, guarded, name_of
from ..sources.work import LEFT_BEHIND, BlobWork
from . import orphans, poison
from .blob import named_route

logger = logging.getLogger("logferry.sweep")

BORN = "meta/born"


def sweep(app: App) -> int:
    """Queue what was missed; how many blobs that was.

    Raises:
        ServiceUnavailable: storage does not answer; the next run begins again.
    """
    config = app.settings
    born = _born(
        app
    )  # a look at the service's clock, too: it has whole seconds, and an older one lies behind
    since = 0.0 if config.sweep_existing else born
    now = app.state.now()
    container = app.storage.blobs.get_container_client(config.drop_container)
    prefix = f"{PREFIX}{config.drop_container}/"
    queued = 0
    for blob, entry in _joined(_blobs(container), app.state.listing(prefix), prefix):
        if _is_missed(app, blob, entry, born=since, now=now):
            app.work.put(BlobWork(config.drop_container, blob.name, _named_route(app, blob, entry)))
            queued += 1
    for held in app.state.listing("held/"):
        if now - held.modified > LEFT_BEHIND:
            _requeue_held(app, held)
            queued += 1
    orphans.remove(app)
    poison.drain(app)
    logger.info("sweep: %d queued", queued)
    return queued


def _named_route(app: App, blob: Any, entry: Listed | None) -> str | None:
    """The route that a message had named for this version, where its path leads to another or to none."""
    tags = entry.metadata if entry is not None else {}
    route = tags.get("route", "")
    if tags.get("version") != blob.etag.strip('"') or route not in app.routes.by_name:
        return None
    return named_route(app, blob.name, route)


def _requeue_held(app: App, held: Listed) -> None:
    from ..sources.work import HeldWork  # noqa: PLC0415 - seldom needed

    app.work.put(HeldWork(held.name.removeprefix("held/")))


def _born(app: App) -> float:
    """When the app was set up: blobs from before that are nobody's news unless asked for."""
    stored = app.state.read(BORN)
    if stored is not None:
        return float(stored.document)
    born = app.state.made()
    app.state.put(BORN, str(born).encode())
    return born


def _blobs(container: Any) -> Iterator[Any]:
    rows = iter(container.list_blobs())
    while (row := guarded(lambda: next(rows, None))) is not None:
        yield row


def _joined(
    blobs: Iterable[Any], entries: Iterable[Listed], prefix: str
) -> Iterator[tuple[Any, Listed | None]]:
    """Each blob with its entry, both listings read once, side by side."""
    rows = iter(entries)
    entry = next(rows, None)
    for blob in blobs:
        wanted = name_of(prefix, blob.name)
        while entry is not None and entry.name.encode() < wanted.encode():
            entry = next(rows, None)
        yield blob, entry if entry is not None and entry.name == wanted else None


def _is_missed(app: App, blob: Any, entry: Listed | None, *, born: float, now: float) -> bool:
    modified = blob.last_modified.timestamp()
    # An append blob may never come to rest, and what is added to it raises no event.
    settled = blob.blob_type == "AppendBlob" or now - modified >= app.settings.settle_seconds
    if entry is None:
        return bool(settled and modified >= born)
    if entry.metadata.get("version") != blob.etag.strip('"'):
        return bool(settled)
    state, quiet = entry.metadata.get("state"), now - entry.modified
    if state == "running":
        return quiet > app.settings.claim_seconds
    if state in {"deferred", "split"}:
        return quiet > LEFT_BEHIND
    return state == "unrouted" and app.routes.for_blob(blob.name) is not None
