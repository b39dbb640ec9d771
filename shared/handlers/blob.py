"""A blob: claim it, ship it or have it shipped in parts, and write down how far it came.

Invariants: the same version of a blob lands once, however often it is announced; a
version that begins with what was read of an older one goes on where that stopped.
"""

from __future__ import annotations

import time

from .. import logs
from ..app import App
from ..decode.compression import HEAD_BYTES, is_packed
from ..errors import ClaimLost, SourceBusy, SourceChanged, Transient
from ..formats import FORMATS
from ..ledger.claims import Claim
from ..ledger.entry import Entry
from ..model import SourceFacts
from ..routes import Route
from ..sources.blob import BlobSource, open_blob
from ..sources.message import check
from ..sources.work import BlobWork, Work
from .taken import Job, Taken

logger = logs.logger("logferry.blob")

SMALL_BLOB = 1_000_000
"""Bytes; the rows of a blob up to this size may share posts with others'."""

_UNPACKED = 10
"""How many times its size a compressed blob holds, about: logs are compressed to a tenth."""

_LOOKS = 3
"""How often a blob is looked at that is written again before it can be taken; then it has to wait."""


def take(app: App, container: str, name: str, route_name: str | None = None, *, again: bool = False) -> None:
    """Take a blob as it is now.

    Args:
        app: the app.
        container: its container.
        name: its path in the container.
        route_name: the route to use, if not the first whose patterns match.
        again: whether it is known to have been looked at before.

    Raises:
        ServiceUnavailable: storage does not answer; the event should come again.
        BadMessage: there is no route of that name, or there can be no such blob.
        Forbidden: the settings do not allow it. The host knows its container, but not what a path of dots is.
    """
    check(container, name, app.settings.allowed_containers)
    began, why = time.monotonic(), ""
    work = BlobWork(container, name, route_name)
    for look in range(_LOOKS):
        try:
            _take(app, work, began, new=not again and not look)
        except SourceChanged as changed:
            why = str(changed)
        except SourceBusy as busy:
            look_again(app, work, str(busy))
            return
        else:
            return
    look_again(app, work, why)


def _take(app: App, work: BlobWork, began: float, *, new: bool) -> None:
    client = app.storage.blobs.get_blob_client(work.container, work.name)
    source = open_blob(client, app.settings.read_bytes, ahead=True)
    if source is None:
        from . import gone  # noqa: PLC0415 - seldom needed

        gone.take(app, f"{work.container}/{work.name}")
        return
    route = app.corridor.route(work.route) if work.route else app.routes.for_blob(work.name)
    with app.room_for(_text_bytes(source, route)) as there_is_room:
        if there_is_room:
            _claim_and_go_on(app, source, route, work, began, new=new)
        else:
            look_again(app, work, f"{source.name}: other blobs are in work (CONCURRENT_BLOBS)")


def named_route(app: App, name: str, route: str) -> str | None:
    """The route by name, where a message had named another than the one that the path leads to."""
    matched = app.routes.for_blob(name)
    return None if not route or (matched is not None and matched.name == route) else route


def look_again(app: App, work: Work, why: str) -> None:
    """Somebody else is on it, or it is not its turn: look again later. Raises ServiceUnavailable."""
    logger.info("%s; looking again later", why)
    app.work.put(work, delay=app.settings.claim_seconds / 2)


def _text_bytes(source: BlobSource, route: Route | None) -> int:
    """About how many bytes of text it holds."""
    is_text = route is None or FORMATS[route.format.__struct_config__.tag].text
    packed = not is_text or is_packed(source.read(0, min(source.size, HEAD_BYTES)))
    return source.size * (_UNPACKED if packed else 1)


def _claim_and_go_on(
    app: App, source: BlobSource, route: Route | None, work: BlobWork, began: float, *, new: bool
) -> None:
    fresh = _fresh(source, route)
    claim = app.ledger.claim(fresh, lambda old: _goes_on(app, source, route, old), new=new)
    if isinstance(claim, Entry):
        _look_after(app, claim)
        return
    taken = Taken(app, claim, _job(app, source, claim.entry, work), began)
    if route is None:
        taken.unrouted()
    elif not _cut(app, source, route, claim):
        taken.go_on(route)


def _look_after(app: App, entry: Entry) -> None:
    if entry.state != "split":
        logger.info("%s is %s already", entry.source, entry.state)
        return
    from . import parts  # noqa: PLC0415 - only large blobs have parts

    parts.look_after(app, entry)


def _cut(app: App, source: BlobSource, route: Route, claim: Claim) -> bool:
    """Cut it in parts, if it is large enough and has not been begun."""
    begun = claim.entry.position.ordinal or claim.entry.crashes
    if begun or source.grows or source.size <= 2 * app.settings.part_bytes:
        return False
    from . import parts  # noqa: PLC0415 - only large blobs have parts

    try:
        return parts.cut(app, source, route, claim)
    except ClaimLost:
        raise
    except Transient as error:
        claim.finish("deferred", str(error))
        raise


def _goes_on(app: App, source: BlobSource, route: Route | None, old: Entry) -> bool:
    """Whether this version only adds to the one that the entry is about.

    A blob that was written anew goes on behind a newline only: what was taken for the last record of
    the old version may be the beginning of a longer one.

    Raises:
        SourceChanged: the entry may be about a newer version than this one.
    """
    in_parts = old.state == "split" or (bool(old.parts) and old.state == "dead")  # some of which did not land
    adds = route is not None and not in_parts and source.begins_with(old.marks)
    if source.grows and adds:
        return True
    if not source.is_latest():
        raise SourceChanged(f"{source.name} was written again before it could be taken")
    if old.state == "split":
        from . import parts  # noqa: PLC0415 - only large blobs have parts

        parts.end(app, old, "changed", f"{old.source} was replaced while its parts were read")
        return False
    if route is None or not adds:
        return False
    text = FORMATS[route.format.__struct_config__.tag].text
    return text and old.seekable and (old.marks.newline or old.state != "done")


def _fresh(source: BlobSource, route: Route | None) -> Entry:
    return Entry(
        source=source.name,
        version=source.version,
        size=source.size,
        route=route.name if route else "",
        state="running",
        received=time.time(),
        modified=source.modified,
    )


def _job(app: App, source: BlobSource, entry: Entry, work: BlobWork) -> Job:
    # However much is appended behind it, a record keeps its id and its place in the dead letter.
    version = entry.first or source.version
    facts = SourceFacts("blob", source.name, version, source.modified, entry.received)
    return Job(
        label=source.name,
        facts=facts,
        work=work,
        read=source.chunks,
        marks=source.marks,
        final=not source.grows or source.age >= app.settings.settle_seconds,
        dead=lambda reason, detail: _bury(app, facts, entry, reason, detail),
        small=source.size <= SMALL_BLOB,
    )


def _bury(app: App, facts: SourceFacts, entry: Entry, reason: str, detail: str) -> None:
    app.dead_letter.source(facts, entry.route, reason, detail)
