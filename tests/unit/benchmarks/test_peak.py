"""The peak that figures and tests speak of is the program's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.peak import peak_mb

SMALL = "from benchmarks.peak import peak_mb; print(peak_mb())"


def test_a_child_does_not_take_over_its_parents_peak() -> None:
    """A small program that a large one starts is small."""
    large = b"1" * (300 << 20)
    run = subprocess.run(
        [sys.executable, "-c", SMALL],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert peak_mb() >= len(large) >> 20
    assert int(run.stdout) < 100
