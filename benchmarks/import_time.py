"""What indexing the functions costs at a cold start: `python -m benchmarks.import_time [--check]`.

`import function_app` against importing azure.functions, azure.storage.blob and
azure.monitor.ingestion alone, each in new processes. Without options: seconds, in
turn, and the median of their ratios. With --check, for `make check`: the number of
modules, which is the same however busy the machine is; exit code 1 when it is over
the budget. What must not be among them at all is in tests/unit/test_cold_start.py.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUDGET = 1.2
"""Modules, as a ratio. The blob binding brings azure.identity, which the baseline does not have."""
RUNS = 7
_APP = "import function_app"
_BASELINE = "import azure.functions, azure.storage.blob, azure.monitor.ingestion"


def _run(statement: str) -> str:
    command = [sys.executable, "-c", f"{statement}; import sys; print(len(sys.modules))"]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def _seconds(statement: str) -> float:
    began = time.perf_counter()
    _run(statement)
    return time.perf_counter() - began


def check() -> int:
    """Compare the number of modules; the exit code."""
    app, base = int(_run(_APP)), int(_run(_BASELINE))
    print(
        f"import function_app: {app} modules, the SDKs alone: {base}, ratio {app / base:.2f} (budget {BUDGET})"
    )
    return 0 if app <= BUDGET * base else 1


def measure() -> int:
    """Compare the seconds; the exit code."""
    pairs = [(_seconds(_APP), _seconds(_BASELINE)) for _ in range(RUNS + 1)][1:]
    apps, bases = zip(*pairs, strict=True)
    ratio = statistics.median(app / base for app, base in pairs)
    app, base = statistics.median(apps), statistics.median(bases)
    print(f"import function_app: {app:.2f} s, the SDKs alone: {base:.2f} s, ratio {ratio:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(check() if "--check" in sys.argv else measure())
