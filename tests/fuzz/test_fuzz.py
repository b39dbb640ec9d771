"""A minute of the fuzzer; `make fuzz` runs it for longer."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from shared.formats import FORMATS
from tests.fuzz.inputs import Inputs

SECONDS = 60
INPUTS = 2_000
"""The same ones every time: what fails here is a change, and no luck. `make fuzz` looks for new ones."""
PEAK_MB = 400


@pytest.mark.slow
def test_any_bytes_give_rows_or_rejects() -> None:
    """Whatever bytes come, each record is a row that the strict endpoint keeps or a reject, and memory has a bound."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.fuzz",
            "--seconds",
            str(SECONDS),
            "--seed",
            "77",
            "--inputs",
            str(INPUTS),
        ],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=SECONDS * 4,
        check=False,
    )
    assert done.returncode == 0, done.stderr[:5_000]
    rows, rejects, peak = (
        int(n.replace(",", ""))
        for n in re.findall(
            r"([\d,]+) (?:rows|rejects|MB)", re.sub(r"peak memory (\d+) MB", r"\1 MB", done.stdout)
        )
    )
    assert rows > 100
    assert rejects > 100
    assert peak < PEAK_MB


def test_every_format_is_fuzzed() -> None:
    """The inputs to begin with have every format of the registry."""
    assert {seed.kind for seed in Inputs([]).seeds} == set(FORMATS)
