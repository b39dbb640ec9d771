"""A large blob in parts, so that many instances read it at once.

Rule: whoever has the claim on the blob decides once where it is cut, right after
newlines, and writes that into the blob's entry before anybody is told of a part.
Every part then has an entry, a claim and checkpoints of its own. Invariants: the
parts cover every byte of one version once; ordinals in a part begin at its first
byte's offset, so no two records of a blob have the same; the blob is done when all
parts are, and its counts are their sum. Strategy: no part knows of the others;
whoever finds that all are settled closes the blob, and the sweep sees to blobs that
nobody closed and to parts that nobody took.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import msgspec

from .. import audit, logs
from ..app import App
from ..decode import make_decoder
from ..errors import SourceBusy
from ..formats import FORMATS, MAX_RECORD_BYTES
from ..ledger.claims import Claim
from ..ledger.entry import Entry, State
from ..ledger.store import Listed
from ..model import Counts, Position, SourceFacts
from ..routes import Route
from ..sources.blob import BlobSource, open_blob
from ..sources.marks import MARK_BYTES
from ..sources.work import LEFT_BEHIND, LONGEST_DELAY, PartWork
from . import audits
from .blob import look_again, named_route
from .taken import Job, Taken

logger = logs.logger("logferry.blob")

_LOOK = 65_536
_SETTLED = frozenset({"done", "dead"})


# -- cutting ------------------------------------------------------------------------------------


def cut(app: App, source: BlobSource, route: Route, claim: Claim) -> bool:
    """Cut a claimed blob in parts, and put each of them on the work queue.

    Returns:
        Whether it was cut; one that cannot be is still claimed.

    Raises:
        SourceChanged, ServiceUnavailable: it cannot be read.
        ClaimLost: somebody else has it.
    """
    if not _can_be(route) or not _is_plain(source, route):
        return False
    starts = [0, *_cuts(source, app.settings.part_bytes)]
    if len(starts) == 1:
        return False
    entry = claim.entry
    entry.parts, entry.marks = starts, source.marked()
    claim.finish("split")
    logger.info("%s: cut in %d parts", source.name, len(starts))
    for part in range(len(starts)):
        app.work.put(_work(entry, part))
    return True


def _can_be(route: Route) -> bool:
    """Whether its records can be told apart from anywhere on, and none of its columns counts lines."""
    spec = FORMATS[route.format.__struct_config__.tag]
    counts_lines = any(column.fact == "line" for column in route.columns.values())
    return spec.splittable(route.format) and route.explode is None and not counts_lines


def _is_plain(source: BlobSource, route: Route) -> bool:
    """Whether an offset into the blob is one into its text."""
    decoder = make_decoder(route.charset)
    for _ in decoder.feed(source.read(0, min(source.size, MARK_BYTES))):
        pass
    return decoder.transparent


def _cuts(source: BlobSource, part_bytes: int) -> Iterator[int]:
    """Where all parts but the first begin: behind the first newline after each wanted place.

    None begins in the middle of a line that is too long to be a record.
    """
    count = round(source.size / part_bytes)
    last = 0
    for number in range(1, count):
        found, last = _after_newline(source, max(source.size * number // count, last))
        if found and last < source.size:
            yield last


def _after_newline(source: BlobSource, place: int) -> tuple[bool, int]:
    """The place behind the next newline; or how far was looked in vain, where the next line is no record."""
    limit = min(place + MAX_RECORD_BYTES, source.size)
    look = _LOOK
    while place < limit:
        data = source.read(place, min(place + look, limit))
        found = data.find(b"\n") + 1
        if found:
            return True, place + found
        place += len(data)
        look *= 4
    return False, limit


# -- working on a part --------------------------------------------------------------------------


def take(app: App, work: PartWork, tries: int = 1) -> None:
    """Take a part.

    Args:
        app: the app.
        work: which one.
        tries: how often the host has given the message out, this time included.

    Raises:
        ServiceUnavailable: storage does not answer; the message should come again.
    """
    began, parent = time.monotonic(), _in_work(app, work)
    if parent is None:
        return
    if parent.route not in app.routes.by_name:
        logger.error(
            "%s: its route %s is not in the routes file any more; put it back", parent.source, parent.route
        )
        app.work.put(work, LONGEST_DELAY)
        return
    client = app.storage.blobs.get_blob_client(work.container, work.name)
    source = open_blob(client, app.settings.read_bytes)
    if source is None or source.version != work.version:
        _replaced(app, parent)
        return
    try:
        with app.room_for(app.settings.part_bytes) as there_is_room:
            if there_is_room:
                _go_on(app, source, parent, work, began)
            else:
                look_again(app, work, f"{_label(parent, work.part)}: other blobs are in work")
    except SourceBusy:
        _busy(app, parent, work, tries)


def _busy(app: App, parent: Entry, work: PartWork, tries: int) -> None:
    """A spare message ends here: the worker has one of its own, which comes again if it dies.

    Unless this is that very one, and its worker was too slow to keep it.
    """
    label = _label(parent, work.part)
    if work.spare and tries == 1:
        logger.info("%s: another worker is on it, with a message of its own", label)
    else:
        look_again(app, _own(work), f"{label}: another worker is on it")


def _own(work: PartWork) -> PartWork:
    """The message as one that must not end before the part is settled."""
    return msgspec.structs.replace(work, spare=False)


def _in_work(app: App, work: PartWork) -> Entry | None:
    """The entry of the blob as a whole, if this version of it is in work."""
    parent = app.ledger.read(f"{work.container}/{work.name}")
    if parent is not None and (parent.version, parent.state) == (work.version, "split"):
        return parent
    logger.info("%s/%s: this version is not in work any more", work.container, work.name)
    return None


def _replaced(app: App, parent: Entry) -> None:
    """The blob is another version by now, or gone: it is looked at as a whole, and its parts are over."""
    container, _, name = parent.source.partition("/")
    from .blob import take as take_blob  # noqa: PLC0415 - it knows this module too

    logger.warning("%s was replaced or removed while its parts were read", parent.source)
    take_blob(app, container, name, named_route(app, name, parent.route), again=True)


def end(app: App, parent: Entry, outcome: audit.Result, reason: str) -> None:
    """Write down that there is no such version any more, and what had landed. Raises ServiceUnavailable."""
    entries = [entry for row in app.ledger.parts(parent) if (entry := app.ledger.part(row)) is not None]

    def over(entry: Entry) -> None:
        entry.state, entry.reason, entry.counts = "gone", reason, _sum(entries)

    closing = msgspec.structs.replace(parent)
    over(closing)
    row = msgspec.structs.replace(_row(app, closing), outcome=outcome)
    audits.post(app, row, parent.audited)
    if app.ledger.amend(parent, over) is not None:
        audit.write(row)
        app.ledger.forget_parts(parent)


def _go_on(app: App, source: BlobSource, parent: Entry, work: PartWork, began: float) -> None:
    claim = app.ledger.claim(_fresh(parent, work.part))
    if isinstance(claim, Entry):
        _close(app, parent)
        return
    if _in_work(app, work) is None:
        _too_late(claim)
        return
    route = app.corridor.route(parent.route)
    Taken(app, claim, _job(app, source, parent, claim.entry, work), began).go_on(route)


def _too_late(claim: Claim) -> None:
    """The blob was closed while this one waited for its turn; what was known of the part stays."""
    if claim.entry.attempts > 1:
        claim.finish("deferred", "the blob was closed")
    else:
        claim.withdraw()


def _fresh(parent: Entry, part: int) -> Entry:
    start, end = _span(parent, part)
    return Entry(
        source=parent.source,
        version=parent.version,
        size=end - start,
        route=parent.route,
        state="running",
        received=parent.received,
        position=Position(offset=start, base=start, ordinal=start),
        seekable=True,
        part=part,
    )


def _span(parent: Entry, part: int) -> tuple[int, int]:
    ends = [*parent.parts[1:], parent.size]
    return parent.parts[part], ends[part]


def _job(app: App, source: BlobSource, parent: Entry, entry: Entry, work: PartWork) -> Job:
    _, end = _span(parent, work.part)
    return Job(
        label=_label(parent, work.part),
        facts=SourceFacts("blob", source.name, source.version, source.modified, entry.received),
        work=_own(work),
        read=lambda offset: source.chunks(offset, end),
        marks=lambda before: before,
        final=True,
        dead=lambda _reason, _detail: None,
        ended=lambda _state: _close(app, parent),
        kind="part",
        lines=work.part == 0,
    )


def _label(parent: Entry, part: int) -> str:
    return f"{parent.source} (part {part + 1} of {len(parent.parts)})"


def _work(parent: Entry, part: int, *, spare: bool = False) -> PartWork:
    container, _, name = parent.source.partition("/")
    return PartWork(container, name, parent.version, part, spare)


# -- all parts together -------------------------------------------------------------------------


def look_after(app: App, parent: Entry) -> None:
    """Queue the parts that nobody works on; close the blob if all are settled. Raises ServiceUnavailable."""
    taken = {int(row.name.rpartition("/")[2]): row for row in app.ledger.parts(parent)}
    now = app.state.now()
    left = [
        part
        for part in range(len(parent.parts))
        if (row := taken.get(part)) is None or _is_left(row, now, app.settings.claim_seconds)
    ]
    for part in left:
        app.work.put(_work(parent, part, spare=True))
    if left:  # a new date, so that the sweep does not queue those that only wait for their turn again
        app.ledger.amend(parent, lambda _: None)
    _close(app, parent)


def _is_left(row: Listed, now: float, claim_seconds: float) -> bool:
    quiet = now - row.modified
    return quiet > {"running": claim_seconds, "deferred": LEFT_BEHIND}.get(
        row.metadata.get("state", ""), quiet
    )


def _close(app: App, parent: Entry) -> None:
    """Write down what became of the blob, if all of its parts are settled."""
    rows = list(app.ledger.parts(parent))
    if len(rows) < len(parent.parts) or any(row.metadata.get("state") not in _SETTLED for row in rows):
        return
    entries = [entry for row in rows if (entry := app.ledger.part(row)) is not None]
    if len(entries) < len(parent.parts):
        return  # somebody has closed it and removed them meanwhile
    dead = next((entry for entry in entries if entry.state == "dead"), None)
    if dead is not None:
        facts = SourceFacts("blob", parent.source, parent.version, parent.received, parent.received)
        app.dead_letter.source(facts, parent.route, "PartDead", f"{_label(parent, dead.part)}: {dead.reason}")
    _tell(app, parent, entries, dead)
    closed = app.ledger.amend(parent, lambda entry: _summed(app, entry, entries, dead))
    if closed is None:
        return
    audit.write(_row(app, closed))
    if closed.state == "done":
        app.ledger.forget_parts(closed)


def _tell(app: App, parent: Entry, entries: list[Entry], dead: Entry | None) -> None:
    """The audit table comes first: a crash in between repeats a row and loses none."""
    closing = msgspec.structs.replace(parent)
    _summed(app, closing, entries, dead)
    audits.post(app, _row(app, closing), parent.audited)


def _summed(app: App, parent: Entry, entries: list[Entry], dead: Entry | None) -> None:
    state: State = "done" if dead is None else "dead"
    parent.state, parent.reason = state, "" if dead is None else dead.reason
    parent.position = Position(offset=parent.size, base=parent.size, ordinal=parent.size)
    parent.seekable = True
    parent.counts = _sum(entries)
    if app.routes.audit is not None:
        parent.audited = parent.counts


def _sum(entries: list[Entry]) -> Counts:
    counts = Counts()
    for entry in entries:
        _add(counts, entry.counts)
    return counts


def _add(total: Counts, more: Counts) -> None:
    for name in Counts.__struct_fields__:
        if name != "changed":
            setattr(total, name, getattr(total, name) + getattr(more, name))
    for kind, count in more.changed.items():
        total.changed[kind] = total.changed.get(kind, 0) + count


def _row(app: App, closed: Entry) -> audit.Audit:
    route = app.routes.by_name.get(closed.route)  # it may be gone from the routes file by then
    row = audit.Audit(
        kind="blob",
        source=closed.source,
        version=closed.version,
        route=closed.route,
        table=route.table if route else "",
        outcome="dead" if closed.state == "dead" else "done",
        ms=round((time.time() - closed.received) * 1000),
        reason=closed.reason,
        modified=audit.when(closed.modified),
        size=closed.size,
    )
    return audit.with_counts(row, closed.counts)
