"""NCRONTAB schedules."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from local.functions_host.config import HostError
from local.functions_host.schedule import Schedule

MOMENT = datetime(2026, 1, 31, 23, 59, 58, 500_000, tzinfo=UTC)  # a Saturday


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("* * * * * *", "2026-01-31 23:59:59"),
        ("*/5 * * * * *", "2026-02-01 00:00:00"),
        ("0 */5 * * * *", "2026-02-01 00:00:00"),
        ("30 15 10 * * 1-5", "2026-02-02 10:15:30"),
        ("0 0 0 1 Jul *", "2026-07-01 00:00:00"),
        ("0 0 12 * * Sun", "2026-02-01 12:00:00"),
        ("*/10 * * * *", "2026-02-01 00:00:00"),
    ],
)
def test_seconds_come_first(expression: str, expected: str) -> None:
    """Six fields begin with seconds; five fields run at second 0, as in Azure."""
    assert f"{Schedule(expression, 'f').after(MOMENT):%Y-%m-%d %H:%M:%S}" == expected


def test_day_and_weekday_must_both_fit() -> None:
    """Friday the 13th, not every Friday and every 13th: NCRONTAB's rule, not cron's."""
    assert Schedule("0 0 0 13 * 5", "f").after(MOMENT).date().isoformat() == "2026-02-13"
    assert Schedule("0 0 0 13 * 1", "f").after(MOMENT).date().isoformat() == "2026-04-13"


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "every minute",
        "* * * *",
        "60 * * * * *",
        "0 0 0 L * *",
        "0 0 0 * * 5#2",
        "0 0 0 30 2 *",
        "00:05:00",
    ],
)
def test_what_azure_refuses_is_refused(expression: str) -> None:
    """An expression that NCRONTAB does not have, or that never comes, is an error that names the function."""
    with pytest.raises(HostError, match="Function f: the schedule"):
        Schedule(expression, "f")
