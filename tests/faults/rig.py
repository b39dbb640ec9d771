"""What every fault is tried on: a source with records of all three fates, and the count at the end.

Rule: the app, the account and the service are the real parts of tests/ferry.py;
what fails is scripted there (local Azure Monitor's faults, tests/proxy.py). `sound`
is the promise: every record accepted, filtered or dead-lettered, none twice but for
as many batches as a test allows, and nothing left behind.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.handlers.message import HELD
from tests.ferry import Ferry

ROUTES = """
routes:
  mixed:
    from: { blobs: ["mixed/**"] }
    format: ndjson
    table: Mixed_CL
    columns: { Key: {}, Kind: {}, Pad: {} }
    drop: { Kind: [skip] }
  frames:
    from: { blobs: ["frames/**"] }
    format: parquet
    table: Frames_CL
    columns: { Key: {} }
  events:
    from: { messages: true }
    format: json
    table: Events_CL
    columns: { Key: {} }
"""

WINDOW = 4
SMALL = {"BATCH_BYTES": "2000", "UPLOAD_WINDOW": str(WINDOW), "READ_BYTES": "65536"}
"""Settings under which a few hundred records are dozens of batches."""
NAME = "mixed/a.ndjson"
ROUNDS = 60


@dataclass
class Source:
    """A blob's content, and what has to become of its records."""

    content: bytes = b""
    accepted: set[str] = field(default_factory=set)
    filtered: set[str] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)

    @property
    def count(self) -> int:
        """Its records."""
        return len(self.accepted) + len(self.filtered) + len(self.dead)


def mixed(count: int = 240, *, prefix: str = "r", bad: bool = True) -> Source:
    """Records of all fates: every tenth is filtered, and every 25th is no JSON unless `bad` is False."""
    made, lines = Source(), []
    for number in range(count):
        key = f"{prefix}{number}"
        record = json.dumps({"Key": key, "Kind": "skip" if number % 10 == 3 else "keep", "Pad": "x" * 60})
        if bad and number % 25 == 7:
            made.dead.add(key)
            record = record[:-5]
        elif number % 10 == 3:
            made.filtered.add(key)
        else:
            made.accepted.add(key)
        lines.append(record.encode() + b"\n")
    made.content = b"".join(lines)
    return made


def dropped(app: Ferry, source: Source, name: str = NAME) -> Source:
    """The source, in the drop container."""
    app.drop(name, source.content)
    return source


def rounds(app: Ferry, name: str = NAME, between: Callable[[], object] = lambda: None) -> int:
    """Invocations until the blob is settled: what the host does with work messages, without their delays."""
    for number in range(ROUNDS):
        app.take(name)
        app.queued()
        if app.entry(name).state in {"done", "dead"}:
            return number + 1
        between()
    raise AssertionError(f"not settled after {ROUNDS} invocations: {app.entry(name)}")


def again(app: Ferry, name: str = NAME) -> int:
    """The same, after a worker has died or could not write: its claim is stale at once."""
    app.app.ledger._claim_seconds = 0
    return rounds(app, name)


def ids(app: Ferry, table: str = "Mixed_CL") -> Counter[str]:
    """How often each record landed."""
    return Counter(row["Key"] for row in app.server.rows(f"{table} | project Key"))


def dead_ids(app: Ferry) -> Counter[str]:
    """How often each record stands in the dead letter."""
    return Counter(
        found[1] for line in app.dead() if (found := re.search(r'"Key": ?"([^"]+)"', line.get("raw", "")))
    )


def largest_post(app: Ferry) -> int:
    """Rows of the largest post so far."""
    return max((post["rows"] for post in app.server.call("GET", "/local/posts")), default=0)


def held(app: Ferry) -> list[str]:
    """Messages that are put aside."""
    return [row.name.removeprefix(HELD) for row in app.app.state.listing(HELD)]


def nothing_left(app: Ferry) -> None:
    """No message is put aside, and Azure lost nothing of what was sent."""
    assert held(app) == []
    assert app.server.losses() == []


def sound(app: Ferry, source: Source, name: str = NAME, *, repeats: int = 0) -> None:
    """Every record has the fate that it should have; at most the rows of so many batches landed twice."""
    landed, dead, entry = ids(app), dead_ids(app), app.entry(name)
    assert set(landed) == source.accepted
    assert dead == Counter(source.dead)
    assert landed.total() - len(landed) <= repeats * largest_post(app)
    assert max(landed.values()) <= 1 + repeats
    assert (entry.state, entry.owner, entry.counts.read) == ("done", "", source.count)
    assert entry.counts.adds_up()
    assert entry.counts.accepted == len(source.accepted)
    assert entry.counts.dead_lettered == len(source.dead)
    nothing_left(app)
