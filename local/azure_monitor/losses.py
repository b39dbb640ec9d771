"""What Azure would lose or change without an error.

Rule: every loss has a kind, a place and a sentence that says what Azure does;
never a value. Invariant: `counts` is complete however many there are; the list of
single losses is cut to a handful for each kind and column of a post.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

PER_POST = 20
"""Single losses of one kind and column that a post lists; the rest are only counted."""

POST_LOST = frozenset(
    {
        "CorruptGzip",
        "DoublyGzipped",
        "TooLargeDecompressed",
        "InvalidUtf8",
        "MalformedJson",
        "NotAnArray",
        "NotANumber",
        "LoneSurrogate",
    }
)
"""Nothing of the post arrives."""

ROW_LOST = frozenset({"NotAnObject", "TransformationError"})
WARNINGS = frozenset({"NearLimit", "OverLimit", "TransformNotRun"})
"""Nothing is lost yet."""


def severity(kind: str) -> str:
    """post, row, value or warning: how much a loss of this kind costs."""
    if kind in POST_LOST:
        return "post"
    if kind in ROW_LOST:
        return "row"
    return "warning" if kind in WARNINGS else "value"


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing that Azure would not keep as it was sent."""

    kind: str
    explanation: str
    record: int | None = None
    """Index into the posted array."""
    column: str | None = None
    count: int = 1

    def to_json(self) -> dict[str, Any]:
        """As the control API shows it."""
        return {**asdict(self), "severity": severity(self.kind)}


class Findings:
    """The losses of one post."""

    def __init__(self) -> None:
        self.losses: list[Loss] = []
        self.counts: Counter[str] = Counter()
        self._listed: Counter[tuple[str, str | None]] = Counter()

    def add(
        self,
        kind: str,
        explanation: str,
        *,
        record: int | None = None,
        column: str | None = None,
        count: int = 1,
    ) -> None:
        """Count a loss, and list it if few of its kind and column are listed yet."""
        self.counts[kind] += count
        self._listed[kind, column] += 1
        if self._listed[kind, column] <= PER_POST:
            self.losses.append(Loss(kind, explanation, record, column, count))

    def __bool__(self) -> bool:
        return bool(self.counts)
