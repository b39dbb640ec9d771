"""The tour's books: anything that does not add up is said."""

from __future__ import annotations

import pytest

from local.tour.tally import Landed, landed, problems
from shared.audit import Audit

GOOD = Landed("T_CL", "Custom-T", accepted=9, received=9, dropped=4, rows=5)


def audit(**numbers: int) -> Audit:
    """A row that is done."""
    return Audit(
        kind="blob", source="drop/x", version="1", route="t", table="T_CL", outcome="done", **numbers
    )


FINE = audit(read=12, accepted=9, filtered=2, dead_lettered=1)


def test_books_that_agree_are_no_problem() -> None:
    """Where every record is accounted for, nothing is said."""
    assert problems([FINE], [GOOD], 1, {}) == []


@pytest.mark.parametrize(
    ("audits", "tables", "dead", "losses", "words"),
    [
        ([audit(read=13, accepted=9, filtered=2, dead_lettered=1)], [GOOD], 1, {}, "13 read"),
        ([FINE], [Landed("T_CL", "Custom-T", 9, 8, 4, 4)], 1, {}, "received 8"),
        ([FINE], [Landed("T_CL", "Custom-T", 9, 9, 4, 6)], 1, {}, "6 in the table"),
        ([FINE], [GOOD], 0, {}, "0 in the dead letter"),
        ([FINE], [GOOD], 1, {"BadValue": 2}, "2 x BadValue"),
    ],
)
def test_every_gap_is_said(
    audits: list[Audit], tables: list[Landed], dead: int, losses: dict[str, int], words: str
) -> None:
    """A record missing between two books, or a loss that the endpoint saw, is one problem with numbers."""
    found = problems(audits, tables, dead, losses)
    assert len(found) == 1
    assert words in found[0]


def test_streams_are_counted_by_table() -> None:
    """Inputs of one table are summed, and a table without inputs is there with zeros."""
    streams = {"Custom-T": "T_CL", "Custom-U": "U_CL"}
    made = landed(streams, [FINE, FINE], {"Custom-T": 18}, {"Custom-T": 8}, {"T_CL": 10, "U_CL": 0})
    assert made == [Landed("T_CL", "Custom-T", 18, 18, 8, 10), Landed("U_CL", "Custom-U", 0, 0, 0, 0)]
