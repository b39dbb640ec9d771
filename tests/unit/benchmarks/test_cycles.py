"""What a block is made into goes when the block goes."""

from __future__ import annotations

import gc

import pytest

from benchmarks.formats import CASES, ours, source


def _left_over(name: str, size: int) -> int:
    """How many objects only the collector could find after a run."""
    data = source(CASES[name], size)
    gc.collect()
    gc.disable()
    try:
        ours(CASES[name], data)
        return gc.collect()
    finally:
        gc.enable()


@pytest.mark.parametrize("name", CASES)
def test_no_block_is_left_to_the_collector(name: str) -> None:
    """Nothing of a block is in a cycle: a run over many blocks leaves no more behind than one over few."""
    few, many = (_left_over(name, size) for size in (300_000, 1_500_000))
    assert many < few + 8, "about 9 more blocks have left something behind"
