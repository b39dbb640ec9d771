"""One row for every run over a source, as a structured log line.

Rule: counts and names only, never a record's content. Invariant: for a source that
is done, read = accepted + filtered + dead_lettered; a row that does not add up is
logged as an error, since it would be a bug here. The rows of sources that came to
their end can go to a table as well: handlers/audits.py.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from . import logs
from .model import Counts

logger = logs.logger("logferry.audit")

Result = Literal["done", "continued", "deferred", "dead", "unrouted", "gone", "changed", "growing"]
ENDS: frozenset[Result] = frozenset({"done", "dead", "unrouted", "gone", "changed"})
"""After these nothing more is to come of the source as it is now; `changed` is the end of a version."""


class Audit(msgspec.Struct, kw_only=True):
    """What became of one source in one run."""

    kind: Annotated[
        str,
        Meta(
            description="blob, message; part, of a blob that was cut in parts and has a row of its own; or "
            "replay, of a document of the dead letter."
        ),
    ]
    source: Annotated[str, Meta(description="container/path, or the message's id.")]
    version: Annotated[str, Meta(description="ETag of the blob, or the message's id.")]
    route: Annotated[str, Meta(description="The route that took it; empty if none did.")]
    table: Annotated[str, Meta(description="The table its rows go to.")]
    outcome: Annotated[
        Result,
        Meta(
            description="done; continued (out of time, goes on from its checkpoint); deferred (Azure was not "
            "ready, goes on later); dead (dead-lettered as a whole); unrouted; gone (removed before it was "
            "read); changed (replaced while it was read); growing (its last record is not ended yet, goes on "
            "when there is more)."
        ),
    ]
    read: Annotated[int, Meta(description="Records read so far, rejects included.")] = 0
    accepted: Annotated[int, Meta(description="Rows that Azure accepted (204).")] = 0
    filtered: Annotated[int, Meta(description="Records that keep or drop left out.")] = 0
    dead_lettered: Annotated[int, Meta(description="Records in the dead letter.")] = 0
    maybe_repeated: Annotated[int, Meta(description="Rows whose reply was lost once.")] = 0
    batches: Annotated[
        int,
        Meta(description="Posts accepted; one that several sources shared counts with the first of them."),
    ] = 0
    raw_bytes: Annotated[int, Meta(description="JSON sent, before gzip.")] = 0
    sent_bytes: Annotated[
        int, Meta(description="JSON sent, gzipped; of shared posts, this source's share.")
    ] = 0
    attempts: Annotated[int, Meta(description="Posts tried; shared ones count with their first source.")] = 0
    changed: Annotated[dict[str, int], Meta(description="What shaping kept from being lost, by kind.")] = {}
    ms: Annotated[int, Meta(description="Milliseconds of this run.")] = 0
    reason: Annotated[str, Meta(description="Why it is not done.")] = ""
    modified: Annotated[
        str, Meta(description="When the blob was last modified, or the message queued, in UTC.")
    ] = ""
    size: Annotated[int, Meta(description="Bytes of the blob as it is stored; 0 for a message.")] = 0


def write(row: Audit) -> None:
    """Log one row as `audit {json}`."""
    text = msgspec.json.encode(row).decode()
    if row.outcome == "done" and row.read != row.accepted + row.filtered + row.dead_lettered:
        logger.error("audit %s (does not add up)", text)
    else:
        logger.info("audit %s", text)


def when(moment: float) -> str:
    """Epoch seconds as text in UTC; "" for none."""
    if not moment:
        return ""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def with_counts(row: Audit, counts: Counts) -> Audit:
    """The row with a source's counts in it."""
    return msgspec.structs.replace(row, **msgspec.structs.asdict(counts))
