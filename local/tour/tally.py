"""Whether everything adds up.

Rule: three independent books are compared: the app's own audit rows, what the
ingestion endpoint received, and what KQL counts in the tables. Invariant: a record
that is in none of them, or in one and not in the next, is a problem with a
sentence; no problems means that every record is accounted for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.audit import Audit


@dataclass(frozen=True, slots=True)
class Landed:
    """One table, in three books."""

    table: str
    stream: str
    accepted: int
    """Rows that the app was told are accepted (204), by its audit rows."""
    received: int
    """Rows that the endpoint took."""
    dropped: int
    """Rows that the rule's transform left out."""
    rows: int
    """Rows in the table, as KQL counts them."""

    def problems(self) -> Iterator[str]:
        """What does not add up."""
        if self.accepted != self.received:
            yield (
                f"{self.stream}: the app counted {self.accepted:,} accepted rows, the endpoint received "
                f"{self.received:,}."
            )
        if self.rows != self.received - self.dropped:
            yield (
                f"{self.table}: {self.received:,} rows received, {self.dropped:,} left out by the transform, "
                f"but {self.rows:,} in the table."
            )


def landed(
    streams: Mapping[str, str],
    audits: Iterable[Audit],
    received: Mapping[str, int],
    dropped: Mapping[str, int],
    rows: Mapping[str, int],
) -> list[Landed]:
    """The three books side by side.

    Args:
        streams: stream to table.
        audits: every audit row of the tour.
        received: rows by stream.
        dropped: rows by stream.
        rows: rows by table.
    """
    accepted: Counter[str] = Counter()
    for audit in audits:
        accepted[audit.table] += audit.accepted
    return [
        Landed(table, stream, accepted[table], received.get(stream, 0), dropped.get(stream, 0), rows[table])
        for stream, table in streams.items()
    ]


def problems(
    audits: Sequence[Audit], tables: Sequence[Landed], dead_letter: int, losses: Mapping[str, int]
) -> list[str]:
    """Everything that does not add up, a sentence each.

    Args:
        audits: every audit row of the tour.
        tables: see `landed`.
        dead_letter: records that the dead-letter container holds.
        losses: what the endpoint saw that Azure would lose, by kind.
    """
    found = [
        f"{row.source}: {row.read:,} read, but {row.accepted:,} accepted + {row.filtered:,} filtered + "
        f"{row.dead_lettered:,} dead-lettered."
        for row in audits
        if row.read != row.accepted + row.filtered + row.dead_lettered
    ]
    for table in tables:
        found.extend(table.problems())
    counted = sum(row.dead_lettered for row in audits)
    if counted != dead_letter:
        found.append(f"{counted:,} records counted as dead-lettered, {dead_letter:,} in the dead letter.")
    found.extend(
        f"{count:,} x {kind}: Azure would have lost or changed this." for kind, count in losses.items()
    )
    return found
