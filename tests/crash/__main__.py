"""Kill the host, again and again: `python -m tests.crash [--seed N] [--kills N] [--only SEGMENT]`.

Exit code 0 if every promise holds, every commit point was met and a repeat was seen;
else 1, with what to run to see it again.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import Queue

from tests.azurite import start_azurite
from tests.crash.campaign import ANY_MOMENT, Result, Segment, named, run, scattered
from tests.crash.points import POINTS
from tests.crash.stage import Nursery, nursery

_COUNTED = (
    ("sources", "files and messages"),
    ("records", "records put in"),
    ("due", "rows due"),
    ("landed", "rows landed"),
    ("missing", "missing"),
    ("spurious", "there though they should not be"),
    ("corrupted", "changed, or posts that broke a rule"),
    ("dead", "bad records, in the dead letter"),
    ("posts", "posts taken"),
    ("repeats", "posts that came again after a kill"),
    ("most_repeats", "most of one source for one kill"),
    ("repeats_deferred", "posts that came again after a deferral"),
    ("cut", "files cut in parts"),
    ("shared", "posts with rows of several sources"),
    ("dead_twice", "bad records under two versions of a blob"),
    ("audit_table", "rows in the audit table"),
    ("audit_overlaps", "sources of which rows in it overlap"),
    ("audit_missing", "sources whose last row in the log a kill took"),
)


def main() -> int:
    """Run the campaign; see the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="default: the time")
    parser.add_argument("--kills", type=int, default=1_000, help="random ones, beside those at commit points")
    parser.add_argument("--only", default="", help="one segment, by its name")
    parser.add_argument("--jobs", type=int, default=2, help="segments at once")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else time.time_ns() % 10**6
    segments = [s for s in (*named(seed), *scattered(seed, options.kills)) if options.only in {"", s.name}]
    print(f"seed {seed}: {sum(len(s.kills) for s in segments):,} kills in {len(segments)} segments")
    began = time.monotonic()
    results = list(_all(segments, options.jobs, seed))
    unmet = _unmet(results) if not options.only else []
    _summary(results, time.monotonic() - began)
    repeats = sum(result.verdict.counts["repeats"] for result in results)
    if unmet:
        print(f"Commit points that no life died at: {', '.join(unmet)}", file=sys.stderr)
    if not repeats and not options.only:
        print("No post came again at all: the kills have met nothing.", file=sys.stderr)
    broken = [result for result in results if result.verdict.broken]
    return 1 if broken or unmet or not (repeats or options.only) else 0


def _all(segments: list[Segment], jobs: int, seed: int) -> Iterable[Result]:
    with ExitStack() as stack, ThreadPoolExecutor(max(jobs, 1)) as pool:
        hosts: Queue[Nursery] = Queue()
        for _ in range(max(jobs, 1)):
            hosts.put(stack.enter_context(nursery()))
        waiting = [pool.submit(_one, segment, hosts) for segment in segments]
        for number, future in enumerate(waiting, 1):
            result = future.result()
            _say(result, number, len(segments), seed)
            yield result


def _one(segment: Segment, hosts: Queue[Nursery]) -> Result:
    """With an Azurite of its own: after ten minutes one in memory collects garbage, and answers nothing meanwhile."""
    mine, azurite = hosts.get(), start_azurite()
    try:
        return run(segment, azurite.connection_string, mine)
    finally:
        azurite.close()
        hosts.put(mine)


def _say(result: Result, number: int, of: int, seed: int) -> None:
    counts, name = result.verdict.counts, result.segment.name
    print(
        f"{number:>4}/{of}  {name:<11} {sum(result.died.values()):>3} kills  {counts['landed']:>6,} rows  "
        f"{counts['missing']} missing  {counts['repeats']:>3} repeats  {result.seconds:5.1f} s, {result.settling:.1f} of it settling",
        flush=True,
    )
    if result.verdict.broken:
        log = Path(f"crash-{seed}-{name}.log")
        log.write_text(result.log)
        print(f"{result.verdict}\nThe hosts' log: {log}", file=sys.stderr)
        print(f"To repeat it: python -m tests.crash --seed {seed} --only {name}", file=sys.stderr, flush=True)


def _died(results: list[Result]) -> Counter[str]:
    return sum((result.died for result in results), Counter())


def _unmet(results: list[Result]) -> list[str]:
    died = _died(results)
    return [f"{side} {p.name}" for p in POINTS for side in p.sides if not died[f"{side} {p.name}"]]


def _summary(results: list[Result], seconds: float) -> None:
    died, counts = _died(results), Counter[str]()
    for result in results:
        most = max(counts["most_repeats"], result.verdict.counts["most_repeats"])
        counts += result.verdict.counts
        counts["most_repeats"] = most
    print(f"\n{'commit point':<18} {'before':>7} {'after':>7}")
    for point in POINTS:
        print(f"{point.name:<18} {died[f'before {point.name}']:>7} {died[f'after {point.name}']:>7}")
    print(f"{ANY_MOMENT:<18} {died[ANY_MOMENT]:>15}\n")
    for name, meaning in _COUNTED:
        print(f"{meaning:<42} {counts[name]:>9,}")
    faults = sum((result.faults for result in results), Counter())
    print(f"{'posts that met a fault':<42} {sum(faults.values()):>9,}")
    print(f"\n{sum(died.values()):,} kills in {seconds:,.0f} s.")


if __name__ == "__main__":
    sys.exit(main())
