"""One long life under load: `python -m tests.crash.soak [--seconds N] [--kills N]`.

Rule: first the full speed is measured (as many files as it takes), then files come at
80 % of it, with faults in 1 % of the posts. Invariants: at the end nothing is left; each
record of each file that is due has landed, and no other; as many rows came again as had
their reply kept back, or more (deferrals, kills); the host's memory in the last third of
the time is what it was in the first.

Files are copies of a few, made beforehand; a column says which file a row is of, so
the endpoint counts every record of every file in a byte.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.azurite import LastingAzurite
from tests.crash import records
from tests.crash.endpoint import Endpoint
from tests.crash.records import Made
from tests.crash.stage import Nursery, Stage, nursery, stage
from tests.crash.verdict import left

SHARE = 0.8
FAULTS = 0.01
AT_ONCE = 12
"""Files on their way while the full speed is measured."""
SETTLE_SECONDS = 120.0
CHECKED = 10
"""Every n-th row's content is looked at."""
GROWTH = 1.10, 8.0
"""What the last third's memory may be of the first's: times, and MB more."""
SETTINGS = {
    "UPLOAD_WINDOW": "8",
    "BATCH_BYTES": "1000000",
    "READ_BYTES": "4194304",
    "CLAIM_SECONDS": "20",
    "RETRY_SECONDS": "60",
    "SWEEP_SCHEDULE": "*/20 * * * * *",
    "SWEEP_SETTLE_SECONDS": "10",
}
ROUTES = records.ROUTES.replace("      Record:", "      File: { fact: file }\n      Record:")
_DONE = re.compile(rb'"source":"[^/"]+/lines/([^"]+)".*?"outcome":"done"')


class Counting(Endpoint):
    """Counts each record of each file, and how many rows had their reply kept back."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__(dice)
        self.files: dict[str, bytearray] = {}
        self.rows = self.lost_rows = 0

    def keep(self, life: int, rows: list[dict[str, Any]], *, lost: bool) -> None:
        """See Endpoint."""
        del life
        for row in rows:
            self.files[row["File"]][int(row["Record"][-6:])] += 1
        self.rows += len(rows)
        self.lost_rows += len(rows) if lost else 0

    def wrong(self, rows: list[dict[str, Any]]) -> list[str]:
        """Some of the rows; every row has its file."""
        some = [dict(row) for row in rows[::CHECKED]]
        said = [f"no such file: {row.pop('File', None)}" for row in some if row.get("File") not in self.files]
        for row in some:
            row.pop("File", None)
        return said + records.wrong(some)


@dataclass
class Soak:
    """What a soak has measured."""

    full: float = 0.0
    """Bytes of records a second, before compression."""
    pace: float = 0.0
    files: int = 0
    memory: list[tuple[float, float]] = field(default_factory=list)
    """Seconds, and MB of the host."""
    broken: list[str] = field(default_factory=list)
    rows: int = 0
    again: int = 0
    lost: int = 0
    faults: int = 0
    kills: int = 0
    seconds: float = 0.0

    def thirds(self) -> list[float]:
        """Median MB of each third of the time."""
        size = max(len(self.memory) // 3, 1)
        parts = (self.memory[:size], self.memory[size : 2 * size], self.memory[2 * size :] or self.memory)
        return [statistics.median(mb for _, mb in part) if part else 0.0 for part in parts]


@dataclass
class Payload:
    """A file to copy."""

    suffix: str
    made: Made
    size: int
    """Bytes of its records, before compression."""
    due: bytes
    """1 for each record that is to land, else 0."""


class Producer:
    """Drops copies, and knows from the host's log which are done."""

    def __init__(self, there: Stage, endpoint: Counting, now: int) -> None:
        self._there, self._endpoint = there, endpoint
        self._payloads = _payloads(now)
        self._read = 0
        self._untold: deque[str] = deque()
        self.due: dict[str, Payload] = {}
        self.open: dict[str, Payload] = {}
        self.done_bytes = 0

    def drop(self) -> int:
        """Drop the next copy; its size."""
        payload = self._payloads[len(self.due) % len(self._payloads)]
        name = f"file-{len(self.due):06d}{payload.suffix}"
        self._endpoint.files[name] = bytearray(len(payload.due))
        self.due[name] = self.open[name] = payload
        self._there.drop.upload_blob(f"lines/{name}", payload.made.data)
        self._untold.append(f"lines/{name}")
        self.tell()
        return payload.size

    def tell(self) -> None:
        """Events; those that a host does not take are told to the next."""
        while self._untold and self._there.announce(self._untold[0]):
            self._untold.popleft()

    def look(self) -> None:
        """Read on in the host's log; what is done is removed from storage."""
        with self._there.log.open("rb") as log:
            log.seek(self._read)
            text = log.read()
        whole = text.rfind(b"\n") + 1
        self._read += whole
        for found in _DONE.finditer(text[:whole]):
            payload = self.open.pop(found[1].decode(), None)
            if payload is not None:
                self.done_bytes += payload.size
                self._there.drop.delete_blob(f"lines/{found[1].decode()}")

    def broken(self) -> list[str]:
        """Files with a record that is missing, or there though it should not be."""
        said = []
        for name, payload in self.due.items():
            there = self._endpoint.files[name]
            wrong = sum((count > 0) != due for count, due in zip(there, payload.due, strict=True))
            said += [f"{name}: {wrong} records are missing, or should not be there"] if wrong else []
        return said


def _payloads(now: int) -> list[Payload]:
    made = []
    for number, (count, pack) in enumerate(
        ((1_500, records.gzipped), (6_000, records.gzipped), (300, records.ndjson), (12_000, records.gzipped))
    ):
        drawn = records.draw(random.Random(number), f"copy{number}", count, now, bad=0.0)
        due, accepted = bytearray(count), set(drawn.accepted)
        for place, record in enumerate(drawn.records):
            due[place] = not isinstance(record, str) and record["id"] in accepted
        size = len(records.ndjson(drawn).data)
        suffix = ".ndjson.gz" if pack is records.gzipped else ".ndjson"
        made.append(Payload(suffix, pack(drawn), size, bytes(due)))
    return made


def soak(
    connection_string: str,
    hosts: Nursery,
    seconds: float,
    kills: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> Soak:
    """Run one.

    Args:
        connection_string: of an Azurite.
        hosts: where the host comes from.
        seconds: how long, measuring included.
        kills: how many times the host is killed meanwhile.
        say: takes a line now and then.
    """
    found, endpoint = Soak(), Counting(random.Random(1))
    with stage(connection_string, hosts, endpoint, SETTINGS, ROUTES) as there:
        producer = Producer(there, endpoint, int(time.time()))
        began = time.monotonic()
        there.begin()
        there.up()
        _measure(found, producer, max(4.0, min(30.0, seconds * 0.15)))
        say(f"full speed {found.full / 1e6:.1f} MB/s; {SHARE:.0%} of it for the rest")
        endpoint.rate = FAULTS
        _hold(found, there, producer, began + seconds, kills, say)
        endpoint.rate = 0.0
        _settle(there, producer)
        found.seconds = time.monotonic() - began
        found.broken = producer.broken() + left(there) + endpoint.problems
        there.nursery.stop(there.pid)
        there.ended()
    _count(found, producer, endpoint)
    return found


def _measure(found: Soak, producer: Producer, seconds: float) -> None:
    """As many files as it takes; the first third warms up."""
    began = time.monotonic()
    at, before = began, 0
    while (now := time.monotonic()) < began + seconds:
        if before == 0 and now > began + seconds / 3:
            at, before = now, producer.done_bytes
        if len(producer.open) < AT_ONCE:
            producer.drop()
        else:
            time.sleep(0.02)
        producer.look()
    found.full = (producer.done_bytes - before) / (time.monotonic() - at)
    found.pace = SHARE * found.full


def _hold(
    found: Soak, there: Stage, producer: Producer, until: float, kills: int, say: Callable[[str], None]
) -> None:
    began = time.monotonic()
    deaths = deque(began + (until - began) * (n + 1) / (kills + 1) for n in range(kills))
    sent, sampled, told = 0, 0.0, began
    while (now := time.monotonic()) < until:
        if sent <= found.pace * (now - began):
            sent += producer.drop()
        else:
            time.sleep(0.02)
        if now - sampled >= 0.5:
            sampled = now
            producer.look()
            found.memory.append((now - began, resident_mb(there.pid)))
        if deaths and now >= deaths[0]:
            deaths.popleft()
            found.kills += 1
            there.nursery.kill(there.pid)
            there.ended()
            there.begin()
            there.up()
        if now - told >= 60:
            told = now
            say(
                f"{now - began:5.0f} s  {found.memory[-1][1]:5.0f} MB  {len(producer.open)} files on their way"
            )


def _settle(there: Stage, producer: Producer) -> None:
    until = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < until and (producer.open or left(there)):
        producer.tell()
        producer.look()
        time.sleep(0.5)


def _count(found: Soak, producer: Producer, endpoint: Counting) -> None:
    due = sum(sum(payload.due) for payload in producer.due.values())
    found.files, found.rows = len(producer.due), endpoint.rows
    found.again, found.lost = endpoint.rows - due, endpoint.lost_rows
    found.faults = sum(endpoint.faults.values())
    if found.again < found.lost:
        found.broken.append(f"{found.lost} rows had a lost reply, and {found.again} came again")


def resident_mb(pid: int) -> float:
    """Memory of a process in MB (resident set)."""
    file = Path(f"/proc/{pid}/status")
    if file.exists():
        found = re.search(r"VmRSS:\s+(\d+) kB", file.read_text())
        return int(found[1]) / 1024 if found else 0.0
    run = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return int(run.stdout.strip() or 0) / 1024


def chart(found: Soak, lines: int = 12) -> str:
    """Memory over time: a bar a line, for the median of its stretch."""
    size = max(-(-len(found.memory) // lines), 1)
    rows = []
    for start in range(0, len(found.memory), size):
        part = found.memory[start : start + size]
        mb = statistics.median(value for _, value in part)
        rows.append(f"{part[0][0]:>7.0f} s {mb:>6.0f} MB  {'#' * round(mb / 4)}")
    return "\n".join(rows)


def is_flat(found: Soak) -> bool:
    """Whether the last third of the time took no more memory than the first."""
    first, _, last = found.thirds()
    return last <= first * GROWTH[0] + GROWTH[1]


def _run(seconds: float, kills: int) -> Soak:
    """One on an Azurite that keeps its data on disk: in memory it stands still when it collects garbage."""
    with TemporaryDirectory(prefix="logferry-soak-") as folder, nursery() as hosts:
        azurite = LastingAzurite(Path(folder))
        try:
            return soak(azurite.connection_string, hosts, seconds, kills, lambda s: print(s, flush=True))
        finally:
            azurite.stop()


def main() -> int:
    """Run one, print what came of it; 1 if a promise is broken or memory grew."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1_200.0)
    parser.add_argument("--kills", type=int, default=0, help="how many times the host is killed meanwhile")
    options = parser.parse_args()
    found = _run(options.seconds, options.kills)
    print(f"\nMemory of the host\n{chart(found)}")
    print("thirds: " + ", ".join(f"{mb:.0f} MB" for mb in found.thirds()))
    print(
        f"\n{found.files:,} files, {found.rows:,} rows at {found.pace / 1e6:.1f} MB/s ({SHARE:.0%} of {found.full / 1e6:.1f}); "
        f"{found.faults} posts met a fault, {found.lost:,} rows had a lost reply, {found.again:,} came again; "
        f"{found.kills} kills; {found.seconds:,.0f} s."
    )
    for sentence in found.broken[:20]:
        print(sentence, file=sys.stderr)
    if not found.kills and not is_flat(found):
        print("Memory grew.", file=sys.stderr)
        return 1
    return 1 if found.broken else 0


if __name__ == "__main__":
    sys.exit(main())
