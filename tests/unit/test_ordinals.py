"""The ordinals of a batch: as a list of them, and smaller."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import Ordinals

_PARTS = st.lists(
    st.one_of(
        st.builds(range, st.integers(0, 9), st.integers(0, 30)),
        st.lists(st.integers(0, 1 << 60)),
        st.lists(st.integers(0, 1 << 60)).map(tuple),
    )
)


@given(_PARTS)
def test_they_are_what_was_added(parts: list[list[int]]) -> None:
    """Length, order, every place, slices and the ends are those of one list of all parts."""
    made, plain = Ordinals(), [number for part in parts for number in part]
    for part in parts:
        made.add(part)
    assert (len(made), list(made), bool(made)) == (len(plain), plain, bool(plain))
    assert [made[index] for index in range(-len(plain), len(plain))] == plain + plain
    assert list(made[1:-1]) == plain[1:-1]
    for index in (len(plain), -len(plain) - 1):
        with pytest.raises(IndexError):
            made[index]


@pytest.mark.parametrize("part", [range(10**6, 10**6 + 400), list(range(10**6, 10**6 + 1_200, 3))])
def test_a_row_takes_few_bytes(part: range | list[int]) -> None:
    """A batch of thousands of rows takes at most nine bytes for the ordinal of each, filtered ones between or not."""
    made = Ordinals()
    tracemalloc.start()
    try:
        for _ in range(50):
            made.add(part)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held / len(made) < 9
