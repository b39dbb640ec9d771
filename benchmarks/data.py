"""Records for benchmarks: shaped like an application's log, fresh enough to pass unchanged."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

ROUTES = """\
routes:
  bench:
    from: { blobs: ["bench/**"] }
    format: { type: ndjson }
    table: Bench_CL
    columns:
      TimeGenerated: { type: datetime }
      Computer:      { type: string }
      ClientIP:      { type: string }
      Method:        { type: string }
      Path:          { type: string }
      Status:        { type: int }
      DurationMs:    { type: real }
      Bytes:         { type: long }
      UserAgent:     { type: string }
  mapped:
    from: { blobs: ["mapped/**"] }
    format: { type: ndjson }
    table: Mapped_CL
    columns:
      TimeGenerated: { type: datetime }
      Host:          { type: string, from: Computer }
      ClientIP:      { type: string }
      Verb:          { type: string, from: Method }
      Path:          { type: string }
      Status:        { type: int }
      Ms:            { type: real, from: DurationMs }
      Bytes:         { type: long }
      UserAgent:     { type: string }
    drop: { Status: [204] }
"""


def ndjson(size: int, piece: int = 8_000_000) -> Iterator[bytes]:
    """About `size` bytes of JSON lines in pieces; the same records every time but for their times."""
    dice = random.Random(7)
    start = datetime.now(UTC) - timedelta(hours=2)
    sent, number, lines, held = 0, 0, [], 0
    while sent < size:
        line = json.dumps(_record(number, start, dice)).encode() + b"\n"
        lines.append(line)
        held += len(line)
        number += 1
        if held >= piece or sent + held >= size:
            yield b"".join(lines)
            sent, lines, held = sent + held, [], 0


def _record(number: int, start: datetime, dice: random.Random) -> dict[str, object]:
    when = start + timedelta(milliseconds=number)
    return {
        "TimeGenerated": when.isoformat().replace("+00:00", "Z"),
        "Computer": f"web-{number % 200:03d}",
        "ClientIP": f"10.{number % 255}.{number // 255 % 255}.{dice.randrange(255)}",
        "Method": dice.choice(["GET", "GET", "GET", "POST", "PUT"]),
        "Path": f"/api/v1/items/{dice.randrange(10**6)}?page={number % 50}",
        "Status": dice.choice([200, 200, 200, 204, 304, 404, 500]),
        "DurationMs": round(dice.random() * 400, 3),
        "Bytes": dice.randrange(10**6),
        "UserAgent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101",
    }
