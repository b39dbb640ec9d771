"""One input through the rooms, and every promise that must hold whatever it is.

Rule: any bytes give rows, filtered records or typed rejects, never another exception;
every ordinal once; and what would be posted is such that the strict endpoint finds no
loss in it.
"""

from __future__ import annotations

import datetime as dt
import random
import time
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec

from local.azure_monitor.checks import Checker
from local.azure_monitor.config import StreamSpec
from local.azure_monitor.losses import WARNINGS
from shared.encode import Encoder
from shared.model import Batch, Counts, Position, SourceFacts
from shared.pipeline import Limits, Start, front
from shared.routes import Route, loads
from tests.fuzz.inputs import Input

COLUMNS = {
    "TimeGenerated": {"type": "datetime", "from": ["time", "ts", "timestamp", "datetime", "a"]},
    "Aa": {"type": "int", "from": "a"},
    "Bb": {"type": "real", "from": "b"},
    "Name": {"from": ["name", "message", "host"]},
    "Flag": {"type": "boolean", "from": "c"},
    "Parsed": {"type": "dynamic", "from": "d", "format": "json"},
    "Both": {"join": ["a", "b"]},
}


class Broken(Exception):  # noqa: N818 - what was broken is a promise
    """A promise that did not hold."""


@lru_cache(maxsize=512)
def _route(kind: str, options: str, charset: str, explode: str) -> Route:
    declared: dict[str, Any] = {
        "from": {"blobs": ["**"]},
        "format": {"type": kind, **msgspec.json.decode(options)},
        "table": "Fuzz_CL",
        "charset": charset,
        "columns": COLUMNS,
        "redact": {"Flag": "remove", "e": "mask", "d.e": "mask"},
        **({"explode": explode} if explode else {}),
    }
    return loads(msgspec.json.encode({"routes": {"fuzz": declared}}).decode()).by_name["fuzz"]


def through(case: Input, dice: random.Random) -> Counter[str]:
    """Run an input; how many rows and rejects it gave.

    Raises:
        Broken: something that must hold does not.
    """
    options = msgspec.json.encode(case.options).decode()
    route = _route(case.kind, options, case.charset, dice.choice(["", "", "", "b", "a.b"]))
    try:
        return _checked(case, route, dice)
    except Broken:
        raise
    except Exception as error:
        raise Broken(f"{type(error).__name__}: {error}") from error


def _checked(case: Input, route: Route, dice: random.Random) -> Counter[str]:
    now = time.time()
    facts = SourceFacts("blob", "drop/fuzz", "0x1", now, now)
    rooms = front(route, facts, Start(Position(), Counts(), seekable=False), Limits())
    encoder, found, expected = Encoder(route.stream, Position()), Counter[str](), 0
    columns = {name: column.type for name, column in route.columns.items()}
    strict = Checker(StreamSpec(route.stream, route.table, columns))
    for rows in rooms.rows(_pieces(rooms, case.data, dice)):
        block = rows.block
        if block.start.base != expected:
            raise Broken(f"a block begins at {block.start.base}, not {expected}")
        seen = sorted([*rows.ordinals, *rows.filtered, *(reject.ordinal for reject in rows.rejects)])
        if seen != list(range(expected, block.end)):
            raise Broken("a record is missing, or there twice")
        expected = block.end
        found["rows"] += len(rows.ordinals)
        found["rejects"] += len(rows.rejects)
        for batch in encoder.add(rows):
            _accepted(strict, batch)
    for batch in encoder.flush():
        _accepted(strict, batch)
    return found


def _accepted(strict: Checker, batch: Batch) -> None:
    if not batch.rows:
        return
    body = b"[" + b"".join(batch.text)[:-1].replace(b"\n", b",") + b"]"
    losses = strict.check(body, dt.datetime.now(dt.UTC)).findings
    bad = {kind: count for kind, count in losses.counts.items() if kind not in WARNINGS}
    if bad:
        raise Broken(f"the strict endpoint would find {bad}")


def _pieces(rooms: Any, data: bytes, dice: random.Random) -> Iterator[Any]:
    place, size = 0, dice.choice([1 << 20, 4096, 50])
    while place < len(data):
        yield from rooms.decoder.feed(data[place : place + size])
        place += size
    yield from rooms.decoder.flush()
