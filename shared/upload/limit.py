"""How many posts a rule may have in flight: what its answers say.

Rule: doubled until the first sign of trouble, then one more at a time; halved by
trouble (429, 408, 5xx, no answer), once for all posts that were in flight together.
Invariant: 1 <= level <= most. No clock, no threads: it is told the time.

Strategy: a level grows only if it was used up, and keeps what it grew by only if
that paid. Above `FIRST` a new level is on trial: where the round trip became longer
by over half of what the level grew by, the posts only wait in a longer queue, and
hold memory meanwhile; then the level goes back, and the next trial comes later and
later. Only posts of `LARGE` bytes are compared: small ones share posts and need no
more of them, and a round trip depends on the size.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

FIRST = 4
"""Level to begin with; up to here nothing is on trial, since it holds so little."""
LARGE = 250_000
"""Raw bytes of a post whose round trip is compared."""
_LONGEST_REST = 64

Answer = Literal["accepted", "trouble", "other"]
"""`other`: the service answered, but its answer says nothing of its load (a refused body, no role)."""


class Ticket(NamedTuple):
    """A post in flight."""

    serial: int
    level: int
    full: bool
    """Whether it took the last place of its level."""
    began: float


class Limit:
    """The limit of one rule. Not thread-safe.

    Args:
        most: the level never gets higher.
        first: level to begin with.
    """

    def __init__(self, most: int, first: int = FIRST) -> None:
        self._most = most
        self.level = min(first, most)
        self.flying = 0
        self._serial = 0
        self._decreased_at = 0
        self._doubling = True
        self._before: tuple[int, float] | None = None
        self._rest = self._rests = 0
        self._begin_round()

    def _begin_round(self) -> None:
        self._posts, self._seconds = 0, 0.0

    def begin(self, now: float) -> Ticket:
        """A post sets out; the caller sees to it that there is room."""
        self.flying += 1
        self._serial += 1
        return Ticket(self._serial, self.level, self.flying >= self.level, now)

    def end(self, ticket: Ticket, now: float, answer: Answer, size: int) -> None:
        """It came back.

        Args:
            ticket: what `begin` gave.
            now: seconds, by the clock that `begin` was told.
            answer: what the service said.
            size: raw bytes of the post.
        """
        self.flying -= 1
        if answer == "trouble":
            self._trouble(ticket)
        elif answer == "accepted" and ticket.full and ticket.level == self.level:
            self._accepted(now - ticket.began, size)

    def _trouble(self, ticket: Ticket) -> None:
        if ticket.serial <= self._decreased_at:
            return  # in flight together with one that has told already
        self._decreased_at = self._serial
        self._doubling = False
        self._go_to(max(self.level // 2, 1))
        self._before, self._rest, self._rests = None, 0, 0

    def _go_to(self, level: int) -> None:
        self.level = level
        self._begin_round()

    def _accepted(self, seconds: float, size: int) -> None:
        if self.level >= FIRST and size < LARGE:
            return
        self._posts += 1
        self._seconds += seconds
        if self._posts >= self._needed():
            self._round_is_over(self._seconds / self._posts)

    def _needed(self) -> int:
        """Posts that tell enough: one round while the level doubles, else two, for the means to be steady."""
        return self.level if self._doubling or self.level < FIRST else max(2 * self.level, 8)

    def _round_is_over(self, mean: float) -> None:
        before, self._before = self._before, None
        if before is not None and not self._paid(before, mean):
            self._doubling = False
            self._rest = self._rests = min(2 * self._rests or 1, _LONGEST_REST)
            self._go_to(before[0])
            return
        if before is not None:
            self._rests //= 2
        if self._rest:
            self._rest -= 1
            self._begin_round()
        else:
            self._grow(mean)

    def _paid(self, before: tuple[int, float], mean: float) -> bool:
        level, seconds = before
        return mean <= seconds * (1 + (self.level / level - 1) / 2)

    def _grow(self, mean: float) -> None:
        step = self.level if self._doubling else 1
        level = min(self.level + step, self._most)
        if level == self.level:
            self._begin_round()
            return
        if level > FIRST:
            self._before = (self.level, mean)
        self._go_to(level)
