"""Run the fuzzer: `python -m tests.fuzz [--seconds N] [--seed N] [FORMAT ...]`."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter

from benchmarks.peak import peak_mb
from tests.fuzz.inputs import Inputs
from tests.fuzz.rooms import Broken, through


def main() -> int:
    """Feed mutated inputs for a while; exit 1 and say how to repeat it at the first broken promise."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("formats", nargs="*", help="which formats (default: all)")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument(
        "--seed", type=int, default=None, help="where to begin; each input has a seed of its own"
    )
    parser.add_argument("--inputs", type=int, default=None, help="stop after so many")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else time.time_ns() % 10**9
    inputs = Inputs(options.formats)
    ends, counts, done = time.monotonic() + options.seconds, Counter[str](), 0
    print(f"seed {seed}, {len(inputs.seeds)} inputs to begin with, {', '.join(inputs.kinds)}")
    while time.monotonic() < ends and done != options.inputs:
        dice = random.Random(seed + done)
        case = inputs.next(dice)
        try:
            counts += through(case, dice)
        except Broken as broken:
            print(
                f"{case.kind} {case.options}: {broken}\nTo repeat it: python -m tests.fuzz --seed {seed + done}",
                file=sys.stderr,
            )
            print(f"Its bytes: {case.data!r}"[:20_000], file=sys.stderr)
            return 1
        done += 1
    print(
        f"{done:,} inputs: {counts['rows']:,} rows, {counts['rejects']:,} rejects; peak memory {peak_mb()} MB."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
