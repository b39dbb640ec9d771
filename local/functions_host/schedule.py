"""NCRONTAB: second minute hour day month day-of-week, in UTC.

Rule: what NCRONTAB understands and nothing more, so that a schedule that runs here
runs in Azure. cronsim does the arithmetic; it takes seconds first too, and differs in
two ways, put right here: where day and day-of-week are both restricted, NCRONTAB
wants both; and cronsim's L, LW and # are refused.
"""

from __future__ import annotations

from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

from .config import HostError


class Schedule:
    """When a timer runs.

    Raises:
        HostError: an expression that NCRONTAB does not have.
    """

    def __init__(self, expression: str, function: str) -> None:
        self.expression = expression
        fields = expression.split()
        days = "".join(fields[-3:]).upper().replace("JUL", "")
        if len(fields) not in {5, 6} or "#" in days or "L" in days:
            raise HostError(
                f"Function {function}: the schedule {expression!r} is not NCRONTAB: "
                "second minute hour day month day-of-week."
            )
        try:
            self.after(datetime.now(UTC))
        except (CronSimError, StopIteration) as error:
            raise HostError(
                f"Function {function}: the schedule {expression!r} never runs: {error}."
            ) from error

    def after(self, moment: datetime) -> datetime:
        """The first run after a moment (UTC)."""
        runs = CronSim(self.expression, moment)
        runs.day_and = True
        return next(runs)
