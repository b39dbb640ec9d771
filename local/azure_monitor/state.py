"""What a server remembers of its posts: metrics, the latest posts, losses.

Rule: counters are complete, lists are bounded. Invariant: memory does not grow
with the number of posts. Everything may be called from any thread.

Metric names and dimensions: Azure Monitor's data collection rule metrics.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import Any

from .losses import Findings, severity

MAX_STREAMS = 1000
"""Metrics are kept for so many pairs of rule and stream; made-up names share one entry after that."""

log = logging.getLogger("local.azure_monitor")


@dataclass(slots=True)
class StreamMetrics:
    """Of one stream of one rule."""

    calls: Counter[str] = field(default_factory=Counter)
    """By response code; Reset where the connection was dropped by a fault."""
    bytes: int = 0
    rows: int = 0
    dropped: int = 0
    transformation_errors: int = 0

    def to_json(self) -> dict[str, Any]:
        """Under Azure's names."""
        return {
            "ApiCallReceived_Count": dict(self.calls),
            "BytesReceived_Count": self.bytes,
            "RowsReceived_Count": self.rows,
            "RowsDropped_Count": self.dropped,
            "TransformationErrors_Count": self.transformation_errors,
        }


@dataclass(frozen=True, slots=True)
class Post:
    """One request to the ingestion endpoint."""

    request_id: str
    rule: str
    stream: str
    status: int
    """0 where the connection was dropped."""
    rows: int
    raw_bytes: int
    wire_bytes: int
    time: str


class State:
    """Everything that is counted, behind one lock."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._metrics: dict[tuple[str, str], StreamMetrics] = {}
        self._posts: deque[Post] = deque(maxlen=1000)
        self._losses: deque[dict[str, Any]] = deque(maxlen=10_000)
        self._by_kind: Counter[str] = Counter()
        self._sequence = 0

    def post(self, post: Post) -> None:
        """A request was answered."""
        with self._lock:
            metrics = self._of(post.rule, post.stream)
            metrics.calls[str(post.status) if post.status else "Reset"] += 1
            if post.raw_bytes:
                metrics.bytes += post.raw_bytes
                metrics.rows += post.rows
            self._posts.append(post)

    def transformed(self, rule: str, stream: str, *, dropped: int = 0, errors: int = 0) -> None:
        """Rows that a transform did not let through, and runs that failed."""
        with self._lock:
            metrics = self._of(rule, stream)
            metrics.dropped += dropped
            metrics.transformation_errors += errors

    def lost(self, rule: str, stream: str, request_id: str, findings: Findings) -> None:
        """Write down, and log, what a post lost."""
        if not findings:
            return
        time = now_text()
        with self._lock:
            self._by_kind.update(findings.counts)
            for loss in findings.losses:
                self._sequence += 1
                place = {"sequence": self._sequence, "time": time, "rule": rule, "stream": stream}
                self._losses.append({**place, "request_id": request_id, **loss.to_json()})
        counts = ", ".join(f"{count} {kind}" for kind, count in findings.counts.items())
        log.warning(
            "%s: Azure would lose or change this in silence: %s (request %s)", stream, counts, request_id
        )

    def metrics(self) -> list[dict[str, Any]]:
        """Per rule and stream."""
        with self._lock:
            return [
                {"rule": rule, "InputStreamId": stream, **found.to_json()}
                for (rule, stream), found in self._metrics.items()
            ]

    def posts(self) -> list[dict[str, Any]]:
        """The latest first."""
        with self._lock:
            return [asdict(post) for post in reversed(self._posts)]

    def losses(self, since: int = 0) -> dict[str, Any]:
        """Single losses after sequence number `since`, oldest first, and complete counts by kind."""
        with self._lock:
            found = [loss for loss in self._losses if loss["sequence"] > since]
            kinds = {
                kind: {"count": n, "severity": severity(kind)} for kind, n in self._by_kind.most_common()
            }
            return {"next": self._sequence, "counts": kinds, "losses": found}

    def _of(self, rule: str, stream: str) -> StreamMetrics:
        key = (rule, stream)
        if key not in self._metrics and len(self._metrics) >= MAX_STREAMS:
            key = ("other", "other")
        return self._metrics.setdefault(key, StreamMetrics())


def now_text() -> str:
    """The time, for people."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
