"""Segments: lives that end in a kill, then one that settles everything, then the verdict.

Rule: a segment is a number and follows from the campaign's seed and that number: its
inputs, its faults, its traps; so one command repeats it. What threads and clocks decide
(which post meets which fault) is not the seed's. Invariant: everything is judged only
when it is settled, or when it has had SETTLE_SECONDS for that.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.crash import records
from tests.crash.endpoint import Endpoint
from tests.crash.inputs import Inputs
from tests.crash.points import POINTS, SIDES, Trap
from tests.crash.stage import Nursery, Stage, stage
from tests.crash.verdict import Verdict, judge, left, undone

SETTLE_SECONDS = 300.0
TRAP_SECONDS = 8.0
"""A trap that is not met by then: the life ends there."""
KILLS_A_SEGMENT = 20
PASSAGES = (1, 2, 4)
"""Of each commit point, on each side: the n-th passages at which the host is killed."""
RARE: dict[str, Callable[[Inputs], object]] = {
    "dead source": lambda inputs: inputs.send("wrong"),
    "post shared": lambda inputs: inputs.send_many(12),
    **dict.fromkeys(
        ("parts decided", "part queued", "part finished", "parts closed", "parts forgotten"),
        Inputs.drop_large,
    ),
    **dict.fromkeys(("held written", "held taken", "held removed"), lambda inputs: inputs.send_many(3)),
    **dict.fromkeys(("audit put aside", "audit settled"), lambda inputs: inputs.send_many(3)),
    **dict.fromkeys(
        ("replay begun", "replay written", "replay removed", "trace written"),
        Inputs.drop_and_replay,
    ),
    **dict.fromkeys(("poison buried", "poison deleted"), Inputs.poison),
}
"""Points that few sources pass, and what has them passed; not killed at the fourth passage."""
FAULTY = ("held", "audit put", "audit settled")
"""Half of the posts meet a fault where the host is to be killed at one of these."""
FIRST_ONLY = "sweep born"
ANY_MOMENT = "at any moment"


OFTEN: tuple[tuple[float, Callable[[Inputs], object]], ...] = (
    (0.2, Inputs.begin_growing),
    (0.03, Inputs.drop_large),
    (0.04, lambda inputs: inputs.send_many(16)),
    (0.08, Inputs.poison),
    (0.15, Inputs.replay),
)
"""What goes in beside files and messages, and in which share of the turns."""
TRIES = 4
"""Lives that a trap is set in until one dies at it; only those of the table's points are tried again."""


class Kill(NamedTuple):
    """How a life is to end: at a trap, or after some seconds at the latest."""

    trap: Trap | None
    seconds: float
    tries: int = 1


class Segment(NamedTuple):
    """What is to be done."""

    name: str
    seed: str
    kills: tuple[Kill, ...]
    faults: float
    """Share of posts that meet a fault."""


@dataclass
class Result:
    """What came of it."""

    segment: Segment
    verdict: Verdict
    died: Counter[str] = field(default_factory=Counter)
    """Where lives ended: "after checkpoint", or ANY_MOMENT."""
    faults: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    settling: float = 0.0
    """Seconds of it after the last kill."""
    log: str = ""


def named(seed: int) -> Iterator[Segment]:
    """Segments for every commit point, both sides of it, at several passages."""
    kills = [
        Kill(Trap(nth, point.name, side), TRAP_SECONDS, TRIES)
        for nth in PASSAGES
        for point in POINTS
        for side in point.sides
        if point.name != FIRST_ONLY and not (point.name in RARE and nth > 2)
    ]
    once = [Kill(Trap(1, FIRST_ONLY, side), TRAP_SECONDS) for side in SIDES]
    size = -(-len(kills) // -(-len(kills) // KILLS_A_SEGMENT))
    for number, start in enumerate(range(0, len(kills), size)):
        mine = sorted(kills[start : start + size], key=_is_of_replay)  # by then something is there to replay
        name = f"point-{number}"
        yield Segment(name, f"{seed}/{name}", (*once[number : number + 1], *mine), 0.15)


def _is_of_replay(kill: Kill) -> bool:
    return kill.trap is not None and kill.trap.point.startswith(("replay", "trace"))


def scattered(seed: int, count: int) -> Iterator[Segment]:
    """Segments of `count` kills together, at random moments and random passages."""
    for number, start in enumerate(range(0, count, KILLS_A_SEGMENT)):
        name = f"random-{number}"
        dice = random.Random(f"{seed}/{name}")
        kills = tuple(_anywhere(dice) for _ in range(min(KILLS_A_SEGMENT, count - start)))
        yield Segment(name, f"{seed}/{name}", kills, 0.08)


def _anywhere(dice: random.Random) -> Kill:
    luck = dice.random()
    if luck < 0.4:
        return Kill(None, dice.uniform(0.15, 1.6))
    if luck < 0.8:
        return Kill(Trap(dice.randrange(1, 80)), 1.6)
    point = dice.choice(POINTS)
    return Kill(Trap(dice.randrange(1, 6), point.name, dice.choice(point.sides)), 1.6)


def run(segment: Segment, connection_string: str, hosts: Nursery) -> Result:
    """Do it, and judge."""
    began = time.monotonic()
    dice = random.Random(segment.seed)
    endpoint = Endpoint(random.Random(dice.getrandbits(32)))
    with stage(connection_string, hosts, endpoint, routes=records.BROKEN) as there:
        inputs = Inputs(there, dice)
        died: Counter[str] = Counter()
        inputs.drop_for_replays(2 * sum(map(_is_of_replay, segment.kills)))
        for number, kill in enumerate(segment.kills):
            if number == len(segment.kills) // 3:
                there.mend()
            for _ in range(kill.tries):
                where = _life(there, inputs, dice, segment.faults, kill)
                died[where] += 1
                if where != ANY_MOMENT:
                    break
        killed = time.monotonic()
        settle(there, inputs)
        settling = time.monotonic() - killed
        verdict = judge(there, inputs.sources)
        faults = Counter(there.endpoint.faults)
        log = there.log_text() if verdict.broken else ""
    return Result(segment, verdict, died, faults, time.monotonic() - began, settling, log)


def _life(there: Stage, inputs: Inputs, dice: random.Random, faults: float, kill: Kill) -> str:
    """One life to its end; where that was."""
    point = kill.trap.point if kill.trap else ""
    feed = RARE.get(point)
    there.endpoint.rate = 0.5 if point.startswith(FAULTY) else faults
    _feed(inputs, dice, feed)
    there.begin(kill.trap, kill.seconds)
    if there.up(kill.seconds):
        inputs.tell()
        _feed(inputs, dice)
        inputs.tell()
        if dice.random() < 0.3 or point.startswith("poison"):
            there.sweep()
            there.sweep()
    while (where := there.ended(1.0)) is None:  # what the trap waits for may be still to come
        if inputs.few_are_open():
            _feed(inputs, dice, feed)
        inputs.tell()
    return where or ANY_MOMENT


def _feed(inputs: Inputs, dice: random.Random, feed: Callable[[Inputs], object] | None = None) -> None:
    if feed is not None:
        feed(inputs)
    for _ in range(dice.randrange(0, 3)):
        inputs.drop()
    for _ in range(dice.randrange(0, 3)):
        inputs.send()
    inputs.grow()
    for share, act in OFTEN:
        if dice.random() < share:
            act(inputs)


def settle(there: Stage, inputs: Inputs) -> None:
    """A life without faults, until nothing is left to do; it is asked to end, and must."""
    there.mend()
    there.endpoint.rate = 0.0
    there.begin()
    there.up()
    until, quiet, looked = time.monotonic() + SETTLE_SECONDS, 0, 0.0
    while quiet < 4 and time.monotonic() < until:
        inputs.grow()
        inputs.tell()
        quiet = quiet + 1 if inputs.told and not left(there) and not undone(there) else 0
        if quiet and time.monotonic() > looked + 2 and inputs.replay_due():
            quiet, looked = 0, time.monotonic()
        time.sleep(0.25)
    there.nursery.stop(there.pid)
    there.ended()
