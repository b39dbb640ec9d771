"""A sample of `make crash`: the same segments, few kills, a fixed seed."""

from __future__ import annotations

from tests.azurite import Azurite
from tests.crash.campaign import TRAP_SECONDS, TRIES, Kill, Segment, named, run, scattered
from tests.crash.points import POINTS, Trap
from tests.crash.stage import Nursery

SAMPLE = ("after claim", "after post taken", "after dead records", "before entry finished", "after work queued",
          "after held written", "before message deleted")  # fmt: skip


def test_nothing_is_lost_where_state_changes(azurite: Azurite, hosts: Nursery) -> None:
    """Killed at seven commit points, among faults: all rows land, all bad records are kept, little comes twice."""
    traps = [Trap(1, *reversed(where.split(" ", 1))) for where in SAMPLE]
    kills = tuple(Kill(trap, TRAP_SECONDS, TRIES) for trap in traps)
    result = run(Segment("sample", "sample-1", kills, 0.15), azurite.connection_string, hosts)
    assert not result.verdict.broken, f"{result.verdict}\n{result.log[-5_000:]}"
    assert all(result.died[where] for where in SAMPLE), result.died
    assert result.verdict.counts["repeats"] > 0
    assert result.verdict.counts["due"] == result.verdict.counts["landed"] > 100


def test_nothing_is_lost_at_any_moment(azurite: Azurite, hosts: Nursery) -> None:
    """Killed six times at random moments and passages."""
    (segment,) = scattered(7, 6)
    result = run(segment, azurite.connection_string, hosts)
    assert not result.verdict.broken, f"{result.verdict}\n{result.log[-5_000:]}"
    assert sum(result.died.values()) == 6
    assert result.verdict.counts["due"] == result.verdict.counts["landed"] > 0


def test_every_point_has_its_kills() -> None:
    """The named half of a campaign sets a trap at both sides of every point, whatever the seed."""
    traps = {(k.trap.point, k.trap.side) for segment in named(1) for k in segment.kills if k.trap}
    assert traps == {(point.name, side) for point in POINTS for side in point.sides}


def test_a_seed_is_a_plan() -> None:
    """The same seed gives the same segments: that is what the command to repeat one rests on."""
    assert list(scattered(3, 50)) == list(scattered(3, 50)) != list(scattered(4, 50))
    assert sum(len(segment.kills) for segment in scattered(3, 50)) == 50
