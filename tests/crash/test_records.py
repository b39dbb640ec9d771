"""The harness's records: what goes in is what must come out."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.routes import loads
from shared.trial import run
from tests.crash import records
from tests.crash.records import Drawn, Made

MAKERS = [
    ("lines", records.ndjson),
    ("rows", records.csv_file),
    ("lists", records.array),
    ("lines", records.gzipped),
    ("lines", records.zipped),
]


@pytest.mark.parametrize(("route", "make"), MAKERS, ids=[make.__name__ for _, make in MAKERS])
def test_every_kind_of_file_is_what_it_says(
    tmp_path: Path, route: str, make: Callable[[Drawn], Made]
) -> None:
    """Through the rooms, without a fault: rows, filtered and rejects are the very ids that were drawn."""
    made = make(records.draw(random.Random(7), "s1", 600, int(time.time())))
    file = tmp_path / "file"
    file.write_bytes(made.data)
    trial = run(loads(records.ROUTES).by_name[route], file, keep=10_000)
    assert [row["Record"] for row in trial.rows] == made.accepted
    assert records.wrong(trial.rows) == []
    assert trial.filtered == len(made.filtered) > 0
    assert sorted(i for r in trial.rejects for i in records.ids_in(r.raw.decode())) == made.bad != []


@pytest.mark.parametrize(
    ("column", "value"), [("Body", "xy"), ("Number", 5), ("Keep", "no"), ("Record", "s1-2")]
)
def test_a_changed_row_shows(column: str, value: object) -> None:
    """Whatever is changed in a row, its check tells."""
    record = records.record(random.Random(1), "s1-000001", int(time.time()))
    names = dict(
        zip(records.FIELDS, ("Record", "Body", "Number", "Keep", "Check", "TimeGenerated"), strict=True)
    )
    row = {names[key]: field for key, field in record.items()}
    assert records.wrong([{**row, column: value}])
