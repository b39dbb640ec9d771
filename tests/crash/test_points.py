"""The table of commit points, and what it does to a process."""

from __future__ import annotations

import asyncio
import inspect
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.points import BY_NAME, ENDPOINT, POINTS, SHORTER, Point, Shorter, Spy, Trap, find

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reliability.md"

_DIES = """
import sys
from pathlib import Path
from tests.crash.points import Spy, Trap
from shared import audit
Spy(Trap(2, "audit row", sys.argv[2]), Path(sys.argv[1])).wrap()
row = audit.Audit(kind="blob", source="s", version="v", route="r", table="t", outcome="done")
for number in (1, 2, 3):
    print("before", number, flush=True)
    audit.write(row)
"""


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_every_point_is_there(point: Point) -> None:
    """What the table names exists and can be called: a function that was renamed shows here, not in a campaign."""
    if not point.target.startswith(f"{ENDPOINT}:"):
        assert callable(find(point.target)[2])


@pytest.mark.parametrize("shorter", SHORTER, ids=lambda shorter: shorter.target)
def test_every_shortened_wait_is_there(shorter: Shorter) -> None:
    """So do the waits that a campaign shortens, and each is of the kind that stands in for it."""
    owner, name, real = find(shorter.target)
    stand_in = shorter.value
    assert hasattr(owner, name)
    assert callable(real) == callable(stand_in)
    if callable(real):
        assert len(inspect.signature(real).parameters) == len(inspect.signature(stand_in).parameters)


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_trap_kills_at_its_passage(tmp_path: Path, side: str) -> None:
    """SIGKILL, at the second passage, on the side that was asked for; the process says where."""
    words = tmp_path / "words"
    run = subprocess.run(
        [sys.executable, "-c", _DIES, str(words), side], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == -signal.SIGKILL
    assert run.stdout.split() == ["before", "1", "before", "2"]
    assert words.read_text() == f"{side} audit row"


def test_the_real_function_runs(tmp_path: Path) -> None:
    """Arguments, results and errors pass through, of plain functions and of coroutines; without a trap nobody dies."""
    spy = Spy(Trap(1, "claim", "before"), tmp_path / "words")
    points = [BY_NAME["audit row"]]

    async def later(value: int, *, more: int) -> int:
        return value + more

    assert spy._around(lambda value, *, more: value + more, points)(1, more=2) == 3
    assert asyncio.run(spy._around(later, points)(1, more=2)) == 3
    with pytest.raises(ZeroDivisionError):
        spy._around(lambda: 1 / 0, points)()


def test_the_page_has_the_table() -> None:
    """docs/reliability.md names every commit point with its meaning, and no other."""
    rows = [line.split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    told = {row[0].removeprefix("| "): row[1].removesuffix(" |") for row in rows if len(row) == 2}
    for point in POINTS:
        assert told.get(point.name) == point.meaning
