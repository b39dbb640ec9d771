"""What indexing the functions costs at a cold start: `python -m benchmarks.import_time [--check]`.

The time of `import function_app`, as a ratio to importing azure.functions,
azure.storage.blob and azure.monitor.ingestion alone; both in new processes, in
turn. With --check the exit code is 1 when the ratio is over the budget.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
AIM = 1.1
BUDGET = 1.25
"""Above the aim by what a busy machine adds; what is imported is held exactly by tests/unit/test_cold_start.py."""
RUNS = 7
_BASELINE = "import azure.functions, azure.storage.blob, azure.monitor.ingestion"


def _seconds(statement: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], cwd=ROOT, check=True)
    return time.perf_counter() - began


def measure() -> tuple[float, float, float]:
    """Median seconds of the app's import and of the baseline's, and the median of their ratios."""
    pairs = [(_seconds("import function_app"), _seconds(_BASELINE)) for _ in range(RUNS + 1)][1:]
    apps, bases = zip(*pairs, strict=True)
    ratio = statistics.median(app / base for app, base in pairs)
    return statistics.median(apps), statistics.median(bases), ratio


def main() -> int:
    """Measure and say."""
    app, base, ratio = measure()
    print(
        f"import function_app: {app:.2f} s, the SDKs alone: {base:.2f} s, ratio {ratio:.2f} (aim {AIM}, budget {BUDGET})"
    )
    return 1 if "--check" in sys.argv and ratio > BUDGET else 0


if __name__ == "__main__":
    sys.exit(main())
