"""Run every benchmark and write docs/performance.md: `python -m benchmarks [--mb N] [--runs N]`."""

from __future__ import annotations

import argparse
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from . import corridor, formats

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--mb", type=int, default=420, help="size of the blob in MB (default 420)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each side, in turn (default 3)")
    parser.add_argument("--no-page", action="store_true", help="do not write docs/performance.md")
    options = parser.parse_args()
    size = options.mb * 1_000_000
    sections = [corridor.measure(size, options.runs), formats.measure(size // 40, 2 * options.runs + 1)]
    page = "\n\n".join(["# Performance", *sections, _footer(options.mb, options.runs)]) + "\n"
    print(page)
    if not options.no_page:
        PAGE.write_text(page, encoding="utf-8")


def _footer(mb: int, runs: int) -> str:
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    return (
        f"Measured {when} with Python {platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores. "
        f"To repeat it: `make bench` (this page: `python -m benchmarks --mb {mb} --runs {runs}`)."
    )


if __name__ == "__main__":
    main()
