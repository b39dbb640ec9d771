"""Turns: what is in work together fits, who comes first goes first, and nobody waits for nothing."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.turns import FREE_BYTES, TURN_BYTES, Turns


def test_what_is_in_work_together_fits() -> None:
    """Whatever comes at once, its weight together never exceeds the turns, and everything gets its turn."""
    turns, lock, there, most = Turns(2), threading.Lock(), [0], [0]
    dice = random.Random(1)
    sizes = [dice.choice((FREE_BYTES + 1, TURN_BYTES // 3, TURN_BYTES, 50 * TURN_BYTES)) for _ in range(200)]

    def work(size: int) -> bool:
        weight = min(size, TURN_BYTES)
        with turns.take(size, 30) as got:
            with lock:
                there[0] += weight
                most[0] = max(most[0], there[0])
            time.sleep(0.001)
            with lock:
                there[0] -= weight
        return got

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(work, sizes))
    assert TURN_BYTES < most[0] <= 2 * TURN_BYTES


def test_a_large_one_is_not_passed_by_smaller_ones() -> None:
    """Smaller ones that come later wait behind it, though there would be room for them."""
    turns, order = Turns(1), list[str]()
    waiting = {name: threading.Thread(target=_take, args=(turns, size, name, order)) for name, size in
               (("large", TURN_BYTES), ("later", TURN_BYTES // 4))}  # fmt: skip
    with turns.take(TURN_BYTES // 2, 1) as got:
        assert got
        for thread in waiting.values():
            thread.start()
            _until_in_line(turns, thread)
        assert order == []
    for thread in waiting.values():
        thread.join(10)
    assert order == ["large", "later"]


def _take(turns: Turns, size: int, name: str, order: list[str]) -> None:
    with turns.take(size, 10):
        order.append(name)


def _until_in_line(turns: Turns, thread: threading.Thread) -> None:
    before = time.monotonic()
    while len(turns._line) < 1 or time.monotonic() < before + 0.05:
        assert thread.is_alive()
        time.sleep(0.005)


def test_who_gives_up_holds_up_nobody() -> None:
    """One that waited too long is told so, and who is behind it has its turn as soon as there is room."""
    turns = Turns(1)
    with turns.take(TURN_BYTES // 2, 1), ThreadPoolExecutor(1) as pool:
        late = pool.submit(_got, turns, TURN_BYTES, 0.2)
        _until(lambda: len(turns._line) == 1)
        began = time.monotonic()
        assert _got(turns, TURN_BYTES // 2, 10)
        assert time.monotonic() - began < 5
        assert not late.result()
    assert _got(turns, TURN_BYTES, 0.1)


@pytest.mark.parametrize("size", [0, FREE_BYTES])
def test_a_small_one_never_waits(size: int) -> None:
    """Small sources pass a full house."""
    turns = Turns(1)
    with turns.take(TURN_BYTES, 1):
        assert _got(turns, size, 0.0)
        assert not _got(turns, FREE_BYTES + 1, 0.0)


def _got(turns: Turns, size: int, seconds: float) -> bool:
    with turns.take(size, seconds) as got:
        return got


def _until(condition: object) -> None:
    assert callable(condition)
    while not condition():
        time.sleep(0.005)
