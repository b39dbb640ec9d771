"""The simulation of workers that share one rule's limits: a short one, and how its figures are put together."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.share import Plan, Result, Tally, batches, jain, simulate, table

SHORT = Plan(
    workers=2,
    sources=2,
    seconds=2,
    post_bytes=100_000,
    delay=0.01,
    limit_bytes=500_000,
    minute=60,
)


def test_a_short_simulation_adds_up() -> None:
    """Two real workers: what they count is what the endpoint counted, and the rule takes its limit and no more."""
    found = simulate(SHORT)
    assert found.problems() == []
    assert len(found.tallies) == 2
    assert found.total("measured") <= SHORT.limit_bytes
    assert found.total("refused") > 0
    assert found.total("other") == 0
    assert found.total("rows") == found.rows > found.total("accepted") > 0
    assert table(found).count("\n") > 4


def test_counts_that_differ_are_named() -> None:
    """A worker that counts what the endpoint did not see is no result."""
    tallies = [Tally(accepted=3, refused=1, rows=30), Tally(accepted=2, refused=0, other=1, rows=20)]
    assert Result(SHORT, tallies, Counter({"204": 5, "429": 1, "503": 1}), 50).problems() == []
    wrong = Result(SHORT, tallies, Counter({"204": 6, "429": 1}), 60).problems()
    assert [problem.partition(":")[0] for problem in wrong] == ["accepted", "other", "rows"]


@pytest.mark.parametrize(
    ("shares", "index"), [((5, 5, 5, 5), 1), ((8, 0, 0, 0), 0.25), ((3, 1), 0.8), ((0, 0), 1), ((7,), 1)]
)
def test_fairness_by_jain(shares: tuple[float, ...], index: float) -> None:
    """One where all have the same, one part of n where one has all."""
    assert jain(shares) == pytest.approx(index)


def test_the_table_says_what_the_rule_was_used_for() -> None:
    """Throughput of all against the rule's ceiling, shares of each, refusals for all posts."""
    plan = Plan(workers=2, seconds=10, limit_bytes=20_000_000, minute=1)
    tallies = [Tally(accepted=60, refused=3, measured=60_000_000), Tally(accepted=37, measured=40_000_000)]
    text = table(Result(plan, tallies, Counter(), 0))
    assert "| 1 | 6.00 | 60.0% | 60 | 3 |" in text
    assert (
        "Of the rule's 20.0 MB/s: 50.0%. Jain's index 0.9615; the smallest share is 66.7% of the largest."
        in text
    )
    assert "429: 3.00% of all posts, 0.1 a worker and minute of the rule." in text


def test_posts_settle_rows_one_after_the_other() -> None:
    """A batch begins where the last one ended, and holds what it says."""
    made = batches(20_000)
    first, second = next(made), next(made)
    assert first.end == second.start
    assert first.text[0].count(b"\n") == first.rows
    assert first.size == sum(map(len, first.text)) + 1
    assert 20_000 <= first.size < 21_000
