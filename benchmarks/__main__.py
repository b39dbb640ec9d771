"""Run every benchmark and write docs/performance.md: `python -m benchmarks [--mb N] [--runs N]`."""

from __future__ import annotations

import argparse

from . import corridor


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--mb", type=int, default=420, help="size of the blob in MB (default 420)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each side, in turn (default 3)")
    parser.add_argument("--no-page", action="store_true", help="do not write docs/performance.md")
    options = parser.parse_args()
    page = corridor.measure(options.mb * 1_000_000, options.runs)
    print(page)
    if not options.no_page:
        corridor.write_page(page)


if __name__ == "__main__":
    main()
