"""Records that know themselves, and the files and messages made of them.

Rule: a record's `check` is over all of its other fields, so a row that was changed
anywhere on its way shows, whoever looks at it. Invariant: everything follows from the
dice that are given; the same dice give the same bytes.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import random
import re
import zipfile
from collections.abc import Iterable
from typing import Any, NamedTuple

COLUMNS = ("Record", "Body", "Number", "Keep", "Check", "TimeGenerated")
"""What a row of every stream of the harness has, and nothing else."""
FIELDS = ("id", "body", "number", "keep", "check", "time")
ID = re.compile(r"[a-z]\w*-\d{6}")

_PIECES = (
    "plain words ",
    'a "quoted" one',
    "comma, semicolon; ",
    "line\nbreak",
    "back\\slash",
    "ünïcödé ✓ 日本",
    "😀",
    "tab\there",
    "{}[]:",
    "0123456789abcdef" * 3,
)


class Made(NamedTuple):
    """Bytes of a source, and what must become of the records in them."""

    data: bytes
    accepted: list[str]
    filtered: list[str]
    bad: list[str]
    """Ids of those that can be no row: in the dead letter, by their bytes."""


class Drawn(NamedTuple):
    """Records of a source before they are written in a format."""

    records: list[dict[str, Any] | str]
    """A text stands for a record that is none; it holds the id."""
    accepted: list[str]
    filtered: list[str]
    bad: list[str]


def check(identity: str, number: int, body: str, keep: str) -> str:
    """A record's check."""
    return hashlib.sha256(f"{identity}|{number}|{keep}|{body}".encode()).hexdigest()[:16]


def record(dice: random.Random, identity: str, now: int, *, keep: bool = True) -> dict[str, Any]:
    """One record; its time is within the last hour, since Azure would replace an older one in time."""
    body = "x" + "".join(dice.choice(_PIECES) for _ in range(dice.randrange(1, 9))) + "x"
    number, word = now - dice.randrange(3_600), "yes" if keep else "no"
    time = json.dumps(number)
    return dict(
        zip(FIELDS, (identity, body, number, word, check(identity, number, body, word), time), strict=True)
    )


def draw(
    dice: random.Random, source: str, count: int, now: int, *, first: int = 0, bad: float = 0.03
) -> Drawn:
    """Records of a source: most to land, some to be filtered, some that are none.

    Args:
        dice: what they follow from.
        source: first part of their ids.
        count: how many.
        now: epoch seconds.
        first: number of the first.
        bad: share of those that are none.
    """
    drawn = Drawn([], [], [], [])
    for place in range(first, first + count):
        identity = f"{source}-{place:06d}"
        luck = dice.random()
        if luck < bad:
            drawn.records.append(identity)
            drawn.bad.append(identity)
            continue
        kept = luck > bad + 0.08
        drawn.records.append(record(dice, identity, now, keep=kept))
        (drawn.accepted if kept else drawn.filtered).append(identity)
    return drawn


def _made(data: bytes, drawn: Drawn) -> Made:
    return Made(data, drawn.accepted, drawn.filtered, drawn.bad)


def ndjson(drawn: Drawn) -> Made:
    """A line a record; what is none is a line that breaks off."""
    lines = [f'{{"id": "{r}", "body": ' if isinstance(r, str) else json.dumps(r) for r in drawn.records]
    return _made("".join(line + "\n" for line in lines).encode(), drawn)


def csv_file(drawn: Drawn) -> Made:
    """A header; quoted newlines; what is none is a row with a field too many."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    for one in drawn.records:
        fields = [one, *["?"] * len(FIELDS)] if isinstance(one, str) else list(one.values())
        writer.writerow(fields)
    return _made(text.getvalue().encode(), drawn)


def array(drawn: Drawn) -> Made:
    """One JSON array; what is none is a text."""
    return _made(json.dumps(drawn.records, indent=1).encode(), drawn)


def gzipped(drawn: Drawn) -> Made:
    """ndjson in gzip, of two members."""
    made = ndjson(drawn)
    half = len(made.data) // 2
    return made._replace(data=gzip.compress(made.data[:half], 1) + gzip.compress(made.data[half:], 1))


def zipped(drawn: Drawn) -> Made:
    """ndjson files in a zip."""
    out = io.BytesIO()
    third = len(drawn.records) // 3
    parts = (drawn.records[:third], drawn.records[third : 2 * third], drawn.records[2 * third :])
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, part in enumerate(parts):
            archive.writestr(f"part-{number}.ndjson", ndjson(drawn._replace(records=part)).data)
    return _made(out.getvalue(), drawn)


def wrong(rows: Iterable[dict[str, Any]]) -> list[str]:
    """What is wrong with rows as they arrived: a sentence each; empty if every one is what was sent."""
    found = []
    for row in rows:
        if sorted(row) != sorted(COLUMNS):
            found.append(f"columns {sorted(row)}")
        elif row["Check"] != check(row["Record"], row["Number"], row["Body"], row["Keep"]):
            found.append(f"{row['Record']}: the content is not what was sent")
        elif not isinstance(row["Number"], int) or not _same_time(row["TimeGenerated"], row["Number"]):
            found.append(f"{row['Record']}: TimeGenerated {row['TimeGenerated']} is not {row['Number']}")
    return found


def _same_time(text: Any, number: int) -> bool:
    from datetime import datetime  # noqa: PLC0415 - beside its only use

    return isinstance(text, str) and datetime.fromisoformat(text).timestamp() == number


def ids_in(raw: str) -> set[str]:
    """Ids that a dead-lettered record's bytes hold."""
    return set(ID.findall(raw))


ROUTES = """
audit: { table: Audit_CL }
routes:
  lines:
    from: { blobs: ["lines/**"] }
    format: ndjson
    table: Lines_CL
    columns: &columns
      TimeGenerated: { type: datetime, from: time, format: epoch }
      Record: { from: id }
      Body: { from: body }
      Number: { type: long, from: number }
      Keep: { from: keep }
      Check: { from: check }
    drop: &drop { Keep: ["no"] }
    on_undeclared: dead_letter
  rows:
    from: { blobs: ["rows/**"] }
    format: csv
    table: Rows_CL
    columns: *columns
    drop: *drop
    on_undeclared: dead_letter
  lists:
    from: { blobs: ["lists/**"] }
    format: json
    table: Lists_CL
    columns: *columns
    drop: *drop
    on_undeclared: dead_letter
  mended:
    from: { blobs: ["mended/**"] }
    format: ndjson
    table: Mended_CL
    columns: *columns
    drop: *drop
    on_undeclared: dead_letter
  events:
    from: { messages: true }
    format: json
    table: Events_CL
    columns: *columns
    drop: *drop
    on_undeclared: dead_letter
"""
BROKEN = ROUTES.replace(
    """table: Mended_CL
    columns: *columns
    drop: *drop
""",
    """table: Mended_CL
    columns:
      TimeGenerated: { type: datetime, from: time, format: epoch }
      Record: { from: id }
""",
)
"""The route `mended` as it was first: it lacks columns, so every record of it is dead-lettered."""
AUDITS = "Custom-Audit"
STREAMS = frozenset({"Custom-Lines", "Custom-Rows", "Custom-Lists", "Custom-Mended", "Custom-Events", AUDITS})


def wrong_audits(rows: Iterable[dict[str, Any]]) -> list[str]:
    """What is wrong with audit rows: a sentence each."""
    found = []
    for row in rows:
        counted = row["RowsAccepted"] + row["RecordsFiltered"] + row["RecordsDeadLettered"]
        if not row.get("RowId") or row["RecordsRead"] != counted:
            found.append(f"an audit row that does not add up: {row}")
    return found
