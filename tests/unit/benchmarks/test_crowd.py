"""Many workers on one rule, in virtual time: what the app's own limit makes of it."""

from __future__ import annotations

import pytest

from benchmarks.crowd import measure, table


@pytest.mark.parametrize(
    ("workers", "refused", "least"), [(1, 0.03, 1.0), (4, 0.06, 0.75), (10, 0.1, 0.7), (40, 0.2, 0.6)]
)
def test_workers_use_up_a_rule_and_share_it(workers: int, refused: float, least: float) -> None:
    """However many there are: all that the rule takes is used, few posts are refused, and nobody is left far behind."""
    found = measure(workers, round_trip=0.1, minutes=10)
    assert found.used == pytest.approx(1, abs=0.01)
    assert 0 < found.refused < refused
    assert found.least >= least
    assert found.fairness > 0.95


def test_the_same_crowd_gives_the_same_figures() -> None:
    """Nothing in it depends on the machine."""
    assert table([measure(3, 0.2, 2)]) == table([measure(3, 0.2, 2)])
