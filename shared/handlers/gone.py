"""A blob that is not there any more.

Invariant: the ledger and the audit say what had landed of it; whoever still works on it
is left to find out by itself.
"""

from __future__ import annotations

from .. import audit
from ..app import App
from ..ledger.claims import Claim
from ..ledger.entry import Entry
from . import audits

_REMOVED = "the blob was removed before all of it was read"


def take(app: App, name: str) -> None:
    """There is no such blob; what was not read of it is nobody's any more.

    Args:
        app: the app.
        name: container/path.

    Raises:
        SourceBusy: somebody works on it, or did a moment ago.
        ServiceUnavailable: storage does not answer; the event should come again.
    """
    entry = app.ledger.read(name)
    if entry is not None and entry.state == "split":
        from . import parts  # noqa: PLC0415 - only large blobs have parts

        parts.end(app, entry, "gone", _REMOVED)
    elif entry is not None and entry.state in {"running", "deferred"}:
        claim = app.ledger.claim(entry)
        if isinstance(claim, Claim):
            _close(app, claim)
    else:
        row = _row(name, entry)
        audits.post(app, row, entry.audited if entry else None)
        audit.write(row)


def _close(app: App, claim: Claim) -> None:
    entry = claim.entry
    row = _row(entry.source, entry)
    audits.post(app, row, entry.audited)
    if app.routes.audit is not None:
        entry.audited = entry.counts
    claim.finish("gone", _REMOVED)
    audit.write(row)


def _row(name: str, entry: Entry | None) -> audit.Audit:
    row = audit.Audit(
        kind="blob",
        source=name,
        version=entry.version if entry else "",
        route=entry.route if entry else "",
        table="",
        outcome="gone",
        reason="there is no such blob",
    )
    return row if entry is None else audit.with_counts(row, entry.counts)
