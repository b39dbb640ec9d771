"""One large blob to an endpoint that is far away: `python -m benchmarks.far [--mb N] [--delay S ...] [--window N ...]`.

The endpoint waits before each answer, for as long as a round trip takes. One data
collection rule takes 33.3 MB/s; a window of W posts of 1 MB gives W / delay at most.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from . import corridor
from .small import call


def main() -> None:
    """Measure each window at each delay."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.far", description=__doc__)
    parser.add_argument("--mb", type=int, default=420)
    parser.add_argument("--delay", type=float, nargs="*", default=[0.0, 0.25])
    parser.add_argument("--window", type=int, nargs="*", default=[8, 16])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as text, corridor.cores() as (core, _rest):
        folder = Path(text)
        with corridor.parts(folder) as (connection, url):
            given = corridor.environment(connection, url, folder)
            size = corridor.upload(connection, "bench/big.ndjson", options.mb * 1_000_000)
            for delay in options.delay:
                call(url, "/local/faults", {"delay": delay, "times": 10_000_000})
                for window in options.window:
                    settings = {**given, "UPLOAD_WINDOW": str(window)}
                    found = corridor.run("logferry", "bench/big.ndjson", "Custom-Bench", settings, core)
                    rate, peak = size / found["seconds"] / 1e6, found["peak"] >> 20
                    print(
                        f"delay {delay:.2f} s, window {window}: {rate:.1f} MB/s, peak {peak} MB", flush=True
                    )
                call(url, "/local/faults", method="DELETE")


if __name__ == "__main__":
    main()
