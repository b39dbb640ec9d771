"""From one instance to 100 TB a day, on paper: `python -m benchmarks.scale [--tb-a-day N ...] [--file-mb N ...]`.

Rule: arithmetic and nothing else; every figure follows from an input that can be
given on the command line, from a documented limit of Azure, or from a constant of
the app itself. Invariant: an input that makes no sense is refused.

Sources of limits: Azure Monitor's service limits for the Logs Ingestion API,
scalability targets of standard storage accounts, Flex Consumption's regional quota.
Sources of prices: see `Prices`. A TB is 10^12 bytes and a GB 10^9, as Azure bills.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.routes import STREAMS_PER_RULE

from .requests_of import Requests, Sizes, defaults, of_file

DAY = 86_400
RULE_BYTES = 2_000_000_000 / 60
"""Bytes a second that a data collection rule takes: 2 GB a minute; a soft limit."""
RULE_REQUESTS = 12_000 / 60
"""Requests a second that it takes; a soft limit."""
ACCOUNT_REQUESTS = 20_000
"""Requests a second that a standard storage account takes by default, in most regions."""
REGION_MEMORY = 512_000
"""MB that all Flex Consumption instances of a subscription have in one region, unless raised by support."""
PAGE_ROWS = 5_000
"""Blobs that a page of a listing has."""
RUN_MINUTES = 30
"""The longest that an invocation may take: functionTimeout in host.json."""
ENTRY_DAYS = 30
"""A ledger entry outlives its file by so many days (infra/storage.bicep)."""


_SEVERAL = frozenset({"tb_a_day", "file_mb"})
_MAY_BE_NOTHING = frozenset({"cut", "round_trip", "keep_days", "page_seconds"})


def _input(default: float, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be carried, and what carries it. Every field is an option of the command."""

    tb_a_day: float = _input(100, "rows as JSON, which is what a rule counts, in TB a day")
    file_mb: float = _input(64, "size of a dropped file in MB")
    json_per_byte: float = _input(
        1, "bytes of JSON that come of one byte of a file: 1 for NDJSON, about 10 for gzip"
    )
    cut: int = _input(1, "1 where large files can be cut in parts, 0 where they cannot (compressed, CSV)")
    streams: int = _input(1, "streams that the rows are spread over evenly")
    rule_share: float = _input(0.7, "share of its limits that a rule is planned for; the rest is for peaks")
    post_fill: float = _input(0.95, "how full posts are")
    round_trip: float = _input(0.1, "seconds from a post to its answer")
    instance_mb_s: float = _input(30, "MB a second that one instance carries; measure yours")
    instance_mb: int = _input(2048, "memory of an instance in MB")
    keep_days: float = _input(7, "days that dropped files are kept (keepDays)")
    sweep_minutes: float = _input(5, "minutes from one sweep to the next (SWEEP_SCHEDULE)")
    page_seconds: float = _input(0.1, "seconds that one page of a listing takes; measure yours")

    def __post_init__(self) -> None:
        for one in dataclasses.fields(self):
            value = getattr(self, one.name)
            if value < 0 or (value == 0 and one.name not in _MAY_BE_NOTHING):
                raise ValueError(f"{one.name} is {value:g}; it should be more than 0.")


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars, East US, list prices without free grants. Every field is an option of the command.

    Sources, 2026: analytics logs, pay as you go, as quoted from Azure Monitor's price list (monitoringcost.com);
    Flex Consumption on demand, block blobs (general purpose v2, hot, LRS) and queues v2 as quoted from the
    Azure Retail Prices API; Event Grid as in Microsoft's IoT Hub documentation.
    """

    price_ingest_gb: float = _input(
        2.30, "a GB ingested: analytics logs; basic logs were 0.50, auxiliary logs 0.05"
    )
    billed_share: float = _input(1, "GB billed for a GB of JSON; Microsoft says about 0.75 on average")
    price_gb_second: float = _input(0.000026, "a GB-second of an instance")
    price_million_executions: float = _input(0.40, "a million executions")
    price_10k_writes: float = _input(0.05, "10,000 writes of blobs")
    price_10k_reads: float = _input(0.004, "10,000 reads of blobs")
    price_10k_lists: float = _input(0.05, "10,000 pages of listings")
    price_10k_others: float = _input(0.004, "10,000 other requests for blobs")
    price_10k_queue: float = _input(0.004, "10,000 requests to queues")
    price_million_events: float = _input(0.60, "a million Event Grid operations")
    price_gb_month: float = _input(0.0208, "a GB of files kept for a month")


# -- what it takes --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Needs:
    """What a load takes."""

    load: Load
    prices: Prices
    sizes: Sizes = field(default_factory=defaults)

    @property
    def rate(self) -> float:
        """Bytes of JSON a second."""
        return self.load.tb_a_day * 1e12 / DAY

    @property
    def files(self) -> float:
        """Files a day."""
        return self.load.tb_a_day * 1e12 / self.load.json_per_byte / (self.load.file_mb * 1e6)

    @property
    def posts(self) -> float:
        """Posts a second."""
        return self.rate / (self.sizes.batch * self.load.post_fill)

    @property
    def rules(self) -> int:
        """Data collection rules, by bytes and by requests."""
        by_bytes = self.rate / RULE_BYTES
        return math.ceil(max(by_bytes, self.posts / RULE_REQUESTS) / self.load.rule_share)

    @property
    def apps(self) -> int:
        """Deployments: in one, a stream goes through one rule, and a rule has ten streams."""
        return math.ceil(self.rules / math.ceil(self.load.streams / STREAMS_PER_RULE))

    @property
    def instances(self) -> int:
        """Instances that are busy on average; at least one an app."""
        return max(math.ceil(self.rate / (self.load.instance_mb_s * 1e6)), self.apps)

    @property
    def in_flight(self) -> float:
        """Posts in flight, all together."""
        return self.posts * self.load.round_trip

    @property
    def busy(self) -> float:
        """GB-seconds a day."""
        return self.load.tb_a_day * 1e6 / self.load.instance_mb_s * self.load.instance_mb / 1024

    @property
    def pages(self) -> float:
        """Pages that all sweeps of one round list: the files, and their entries."""
        days = self.load.keep_days + (self.load.keep_days + ENTRY_DAYS)
        return max(self.files * days / PAGE_ROWS, 2 * self.apps)

    @property
    def sweep_minutes(self) -> float:
        """How long one sweep takes."""
        return self.pages / self.apps * self.load.page_seconds / 60

    @property
    def requests(self) -> Requests:
        """Requests to storage a day."""
        load, size = self.load, round(self.load.file_mb * 1e6)
        one = of_file(size, round(size * load.json_per_byte), self.sizes, cut=bool(load.cut))
        each = max(load.sweep_minutes, self.sweep_minutes)  # none begins before the last one has ended
        sweeps = Requests(lists=self.pages * 1440 / each)
        return one.times(self.files).plus(sweeps)

    @property
    def events(self) -> float:
        """Event Grid operations a day: a file comes and is delivered, and what is written to the ledger comes too.

        The ledger is in the same account. Whether what no subscription asks for is billed is not
        documented clearly, so it is counted.
        """
        return 2 * self.files + self.requests.writes

    @property
    def stored(self) -> float:
        """GB of files that are kept."""
        return self.files * self.load.file_mb * self.load.keep_days / 1e3

    def costs(self) -> dict[str, float]:
        """Dollars a day by what they are for."""
        price, done = self.prices, self.requests
        return {
            "ingestion": self.load.tb_a_day * 1e3 * price.billed_share * price.price_ingest_gb,
            "files kept": self.stored * price.price_gb_month * 12 / 365,
            "instances": self.busy * price.price_gb_second,
            "executions": done.executions / 1e6 * price.price_million_executions,
            "reads and other requests": (
                done.reads * price.price_10k_reads + done.others * price.price_10k_others
            )
            / 1e4,
            "writes": done.writes / 1e4 * price.price_10k_writes,
            "listings": done.lists / 1e4 * price.price_10k_lists,
            "queues": done.queue / 1e4 * price.price_10k_queue,
            "events": self.events / 1e6 * price.price_million_events,
        }

    def warnings(self) -> list[str]:
        """What this load goes beyond."""
        found, load = [], self.load
        room = REGION_MEMORY // load.instance_mb
        if self.instances > room:
            found.append(
                f"{self.instances} instances: a region's quota holds {room} of {load.instance_mb} MB"
            )
        done = self.requests
        busiest = (done.reads + done.writes + done.lists + done.others) / DAY / self.apps
        if busiest > ACCOUNT_REQUESTS:
            found.append(
                f"{busiest:,.0f} requests a second to one storage account: by default it takes {ACCOUNT_REQUESTS:,}"
            )
        if self.sweep_minutes > min(RUN_MINUTES, load.sweep_minutes):
            runs = math.ceil(self.sweep_minutes / RUN_MINUTES)
            found.append(
                f"a sweep takes {self.sweep_minutes:,.0f} minutes (runs of the timer: {runs}): what raised no event "
                "is found that late"
            )
        return found


_OPTIONS = (*dataclasses.fields(Load), *dataclasses.fields(Prices))


# -- the table ------------------------------------------------------------------------------------

_ROWS: tuple[tuple[str, Callable[[Needs], str]], ...] = (
    ("files a day", lambda n: f"{n.files:,.0f}"),
    ("MB a second", lambda n: f"{n.rate / 1e6:,.1f}"),
    ("data collection rules", lambda n: f"{n.rules:,}"),
    ("deployments of the app", lambda n: f"{n.apps:,}"),
    ("instances at work", lambda n: f"{n.instances:,}"),
    ("posts a second", lambda n: f"{n.posts:,.1f}"),
    ("posts in flight", lambda n: f"{n.in_flight:,.1f}"),
    ("reads of blobs a day", lambda n: f"{n.requests.reads:,.0f}"),
    ("writes of blobs a day", lambda n: f"{n.requests.writes:,.0f}"),
    ("pages listed a day", lambda n: f"{n.requests.lists:,.0f}"),
    ("other requests for blobs a day", lambda n: f"{n.requests.others:,.0f}"),
    ("requests to queues a day", lambda n: f"{n.requests.queue:,.0f}"),
    ("Event Grid operations a day", lambda n: f"{n.events:,.0f}"),
    ("executions a day", lambda n: f"{n.requests.executions:,.0f}"),
)


def table(cases: Sequence[Needs]) -> str:
    """A column a case; what a case goes beyond stands below."""
    heads = [f"{c.load.tb_a_day:g} TB a day, files of {c.load.file_mb:g} MB" for c in cases]
    lines = ["| | " + " | ".join(heads) + " |", "| --- |" + " ---: |" * len(cases)]
    lines += [_row(name, [show(case) for case in cases]) for name, show in _ROWS]
    costs = [case.costs() for case in cases]
    lines += [
        _row(
            f"{name}, $ a TB",
            [_dollars(c[name] / n.load.tb_a_day) for c, n in zip(costs, cases, strict=True)],
        )
        for name in costs[0]
    ]
    ours = [sum(c.values()) - c["ingestion"] for c in costs]
    lines.append(
        _row(
            "**all but ingestion, $ a TB**",
            [_dollars(o / n.load.tb_a_day) for o, n in zip(ours, cases, strict=True)],
        )
    )
    lines.append(_row("**all, $ a day**", [_dollars(sum(c.values())) for c in costs]))
    notes = [
        f"- {head}: {warning}."
        for head, case in zip(heads, cases, strict=True)
        for warning in case.warnings()
    ]
    return "\n".join([*lines, *(["", "Beyond a limit:", "", *notes] if notes else [])])


def _row(name: str, values: Sequence[str]) -> str:
    return f"| {name} | " + " | ".join(values) + " |"


def _dollars(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:,.2f}" if value >= 0.01 else f"{value:.4f}"


def _plain(value: float) -> str:
    return f"{value:f}".rstrip("0").rstrip(".")


def inputs() -> str:
    """Every input with its default."""
    lines = [
        f"| `--{one.name.replace('_', '-')}` | {_plain(float(str(one.default)))} | {one.metadata['meaning']} |"
        for one in _OPTIONS
    ]
    return "\n".join(["| option | default | meaning |", "| --- | ---: | --- |", *lines])


def cases(arguments: Sequence[str] | None = None) -> list[Needs]:
    """What the command line asks for: each volume with each size of file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    for one in _OPTIONS:
        more: dict[str, Any] = (
            {"nargs": "+", "default": [one.default]} if one.name in _SEVERAL else {"default": one.default}
        )
        parser.add_argument(
            f"--{one.name.replace('_', '-')}", type=float, help=one.metadata["meaning"], **more
        )
    given = vars(parser.parse_args(arguments))
    try:
        return _cases(given)
    except ValueError as error:
        parser.error(str(error))


def _cases(given: dict[str, Any]) -> list[Needs]:
    prices = Prices(**{one.name: given[one.name] for one in dataclasses.fields(Prices)})
    load = Load(**{one.name: given[one.name] for one in dataclasses.fields(Load) if one.name not in _SEVERAL})
    return [
        Needs(dataclasses.replace(load, tb_a_day=volume, file_mb=size), prices)
        for volume in given["tb_a_day"]
        for size in given["file_mb"]
    ]


def main() -> None:
    """Print the table and what it was made from."""
    print(table(cases()))


if __name__ == "__main__":
    main()
