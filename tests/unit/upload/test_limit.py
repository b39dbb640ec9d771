"""How many posts are in flight: scenarios on a simulated service, with a clock that is only counted."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from typing import NamedTuple

import pytest

from shared.upload.limit import FIRST, Answer, Limit, Ticket


class Reply(NamedTuple):
    """What the service says to a post."""

    seconds: float
    answer: Answer = "accepted"


class Scenario:
    """A source that always has a post ready, or as many as `wanted`, and a service of our making.

    The service is told the time and how many posts are in flight, this one included.
    """

    def __init__(
        self,
        service: Callable[[float, int], Reply],
        *,
        most: int = 16,
        wanted: int = 99,
        size: int = 1_000_000,
    ) -> None:
        self.limit = Limit(most)
        self.now = 0.0
        self.levels: list[tuple[float, int]] = []
        self.done = self.failed = 0
        self._service = service
        self._wanted = wanted
        self._size = size
        self._flying: list[tuple[float, int, Ticket, Answer]] = []

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            while self.limit.flying < min(self.limit.level, self._wanted):
                self._begin()
            self.now, _, ticket, answer = heapq.heappop(self._flying)
            self.limit.end(ticket, self.now, answer, self._size)
            self.done += answer == "accepted"
            self.failed += answer == "trouble"
            self.levels.append((self.now, self.limit.level))

    def _begin(self) -> None:
        ticket = self.limit.begin(self.now)
        reply = self._service(self.now, self.limit.flying)
        heapq.heappush(self._flying, (self.now + reply.seconds, ticket.serial, ticket, reply.answer))

    def between(self, first: float, last: float) -> list[int]:
        """Levels in that time."""
        return [level for when, level in self.levels if first <= when < last]


def steady(now: float, flying: int) -> Reply:
    return Reply(0.25)


def test_a_steady_service_gets_all_that_is_allowed() -> None:
    """Far away and never tired: the level doubles up to the most, in a second or so."""
    scenario = Scenario(steady)
    scenario.run(10)
    assert min(scenario.between(2, 10)) == 16
    assert scenario.done / 10 > 0.9 * 16 / 0.25


@pytest.mark.parametrize("seed", range(5))
def test_a_steady_service_of_uneven_answers_too(seed: int) -> None:
    """A round trip that varies by a third is no longer queue."""
    dice = random.Random(seed)
    scenario = Scenario(lambda now, flying: Reply(0.2 + dice.random() * 0.1))
    scenario.run(60)
    assert scenario.between(50, 60)[-1] >= 14


@pytest.mark.parametrize("seed", range(5))
def test_a_service_with_a_limit_of_5(seed: int) -> None:
    """429 above five in flight: the level stays about there, and few posts are refused."""
    dice = random.Random(seed)
    scenario = Scenario(
        lambda now, flying: Reply(0.01, "trouble") if flying > 5 else Reply(0.2 + dice.random() * 0.05)
    )
    scenario.run(60)
    assert set(scenario.between(5, 60)) <= set(range(1, 8))
    assert scenario.failed < scenario.done / 10
    assert scenario.done / 60 > 0.5 * 5 / 0.225


def test_a_service_that_gets_slow_loses_nothing_of_its_level() -> None:
    """A round trip that grows by itself is no reason for fewer posts; those are needed all the more."""
    scenario = Scenario(lambda now, flying: Reply(0.1 if now < 10 else 0.5))
    scenario.run(60)
    assert min(scenario.between(8, 60)) >= 8


@pytest.mark.parametrize("seed", range(5))
def test_a_service_that_takes_one_after_another_gets_no_longer_queue(seed: int) -> None:
    """More in flight that only wait for each other hold memory for nothing: the level stays low."""
    dice = random.Random(seed)
    free = [0.0]

    def one_after_another(now: float, flying: int) -> Reply:
        free[0] = max(free[0], now) + 0.009 + dice.random() * 0.002
        return Reply(free[0] - now)

    scenario = Scenario(one_after_another)
    scenario.run(30)
    assert max(scenario.between(0, 30)) <= 8
    settled = scenario.between(5, 30)
    assert sum(settled) / len(settled) < 6
    assert scenario.done / 30 > 90


def test_a_service_that_fails_for_a_while_and_recovers() -> None:
    """An outage brings the level down to one, whatever it was; afterwards it comes back by itself."""
    scenario = Scenario(lambda now, flying: Reply(0.25, "trouble" if 10 <= now < 15 else "accepted"))
    scenario.run(60)
    assert min(scenario.between(8, 10)) == 16
    assert scenario.between(12, 15)[-1] == 1
    assert scenario.between(55, 60)[-1] >= 12


def test_one_round_of_failures_halves_once() -> None:
    """Posts in flight together that fail together are one sign of trouble, not one each."""
    limit = Limit(64, first=16)
    tickets = [limit.begin(0.0) for _ in range(16)]
    for ticket in tickets:
        limit.end(ticket, 1.0, "trouble", 1_000_000)
    assert limit.level == 8
    limit.end(limit.begin(1.0), 2.0, "trouble", 1_000_000)
    assert limit.level == 4


def test_it_grows_only_when_it_is_used_up() -> None:
    """A source that never has more than two posts ready leaves the level as it is."""
    scenario = Scenario(steady, wanted=2)
    scenario.run(30)
    assert set(scenario.between(0, 30)) == {FIRST}


def test_small_posts_do_not_raise_it() -> None:
    """Small posts share rows; what they need is fewer of them."""
    scenario = Scenario(steady, size=10_000)
    scenario.run(30)
    assert set(scenario.between(0, 30)) == {FIRST}


def test_it_comes_back_from_one_by_small_posts_too() -> None:
    """Whoever only sends small posts gets back to where it began."""
    scenario = Scenario(lambda now, flying: Reply(0.1, "trouble" if now < 2 else "accepted"), size=10_000)
    scenario.run(30)
    assert scenario.between(1, 2)[-1] == 1
    assert scenario.between(20, 30)[-1] == FIRST


def test_answers_that_say_nothing_of_load_change_nothing() -> None:
    """A refused body or a missing role is no sign of trouble, and none of ease."""
    scenario = Scenario(lambda now, flying: Reply(0.1, "other"))
    scenario.run(10)
    assert set(scenario.between(0, 10)) == {FIRST}
