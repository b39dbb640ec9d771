"""`logferry doctor`: a line a check, and what helps below it.

Rule: the checks are doctor.py's; each is shown as soon as it is done.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ..doctor import Check, examine
from .push import quiet
from .show import Show, clean

_STYLES = {"ok": "green", "warning": "yellow", "failed": "red", "skipped": "dim"}
_WIDTH = 9


def doctor(values: Mapping[str, str], routes: Path, route: str, *, as_json: bool) -> bool:
    """Check, and show what was found; whether nothing failed.

    Args:
        values: app settings.
        routes: the routes file.
        route: the one whose rule is asked; "" for all.
        as_json: for programs.
    """
    quiet()
    show, found = Show(), []
    for check in examine(values, routes, route, os.environ):
        found.append(check)
        if not as_json:
            _line(show, check)
    if as_json:
        show.raw(_json(found))
    else:
        _sum(show, found)
    return all(check.state != "failed" for check in found)


def _line(show: Show, check: Check) -> None:
    show.prose(f"{check.state.ljust(_WIDTH)}{check.name.ljust(_WIDTH)}{check.says}", _STYLES[check.state])
    if check.remedy:
        show.prose(f"{' ' * 2 * _WIDTH}-> {check.remedy}")


def _sum(show: Show, found: list[Check]) -> None:
    counts = Counter(check.state for check in found)
    show.line()
    if counts["failed"]:
        show.line(f"{counts['failed']} failed: nothing can be pushed as it is.", "red")
    elif counts["warning"]:
        show.line(f"Files can be pushed; {counts['warning']} to look at.", "yellow")
    else:
        show.line("All is well: files can be pushed.", "green")


def _json(found: list[Check]) -> str:
    answer = [
        {"check": c.name, "state": c.state, "says": clean(c.says), "remedy": clean(c.remedy)} for c in found
    ]
    return msgspec.json.format(msgspec.json.encode(answer), indent=2).decode() + "\n"
