"""`logferry check`: routes.yaml, its transforms and the app settings, with every problem, or explained.

Rule: it says what the app will do, with every default worked out; it reads the
same code as the app, so the two cannot differ. Invariant: every problem of the file
is told at once, in the file's order; Microsoft's analyser is asked where it is there,
and that it is not is no problem.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ..errors import RoutesError
from ..routes import STREAMS_PER_RULE, Routes, document
from ..routes.check import check as check_routes
from ..transform.analyser import HOW, find
from ..transform.face import Checked
from ..transform.file import FileChecked, check_file
from .explain import count, explain
from .settings import settings_problems
from .show import Show

_INDENT = 4
_PLACED = re.compile(r":(\d+):(\d+): (?:routes\.([^.:]+))?")


class Problem(NamedTuple):
    """One thing that is wrong."""

    file: str
    line: int | None
    column: int | None
    route: str | None
    message: str
    """Whole, as it is shown: place, key and sentence."""


def check(path: Path, *, as_json: bool, settings: str | None = None) -> bool:
    """Look at a routes file and say what was found; whether it can be used.

    Args:
        path: the routes file.
        as_json: for programs.
        settings: also the app settings: a file such as local.settings.json, or `env` for the environment.
            None looks at the environment if it is an app's: one with a drop storage account.
    """
    show = Show()
    found = _look(path)
    of_an_app = any(name.startswith("DropStorage") for name in os.environ)
    if settings is None and of_an_app and os.environ.get("DATA_COLLECTION_ENDPOINT"):
        settings = "env"
    if settings is not None:
        file = "environment" if settings == "env" else settings
        said = settings_problems(settings, found.routes)
        found = found._replace(
            problems=[*found.problems, *(Problem(file, None, None, None, p) for p in said)]
        )
    if as_json:
        show.raw(_json(path, found))
    elif found.problems or found.routes is None:
        _problems(show, found)
    else:
        explain(show, found.routes, found.transforms)
        _all_well(show, path, found.routes, settings)
    if found.without and not as_json:
        show.line(found.without, "dim")
    return not found.problems


class _Found(NamedTuple):
    problems: list[Problem]
    routes: Routes | None
    transforms: Mapping[str, Checked] = {}
    without: str = ""
    """Why Microsoft's analyser had no part in it."""
    lines: Sequence[str] = ()
    """Of the routes file."""


def _look(path: Path) -> _Found:
    """The routes file: its problems, its routes, its transforms."""
    routes: Routes | None = None
    said: Sequence[str] = ()
    try:
        read = document(path)
    except RoutesError as error:
        return _Found([_problem(path, sentence) for sentence in error.problems], None)
    try:
        routes = check_routes(read)
    except RoutesError as error:
        said = error.problems
    analyser = find(os.environ, [path.resolve().parent]) if read.scalars else None
    transforms = check_file(read, analyser)
    problems = [_problem(path, sentence) for sentence in said]
    problems += [_problem(path, _transform_sentence(path, found)) for found in transforms.problems]
    problems.sort(key=lambda found: (found.line or 0, found.column or 0))
    without = _without(transforms, asked=analyser is not None)
    return _Found(problems, routes, transforms.by_route, without, read.text.splitlines())


def _transform_sentence(path: Path, found: Any) -> str:
    return f"{path}:{found.line}:{found.column}: routes.{found.route}.transform: {found.sentence}"


def _without(transforms: FileChecked, *, asked: bool) -> str:
    """A sentence where the transforms were checked without Microsoft's analyser."""
    alone = "transforms were checked without it"
    if not transforms.by_route:
        return ""
    if transforms.failed is not None:
        return f"Microsoft's Kusto analyser did not answer ({transforms.failed}); {alone}."
    if asked:
        return ""
    return f"Microsoft's Kusto analyser was not found; {alone}. To have it: {HOW}."


def _problem(path: Path, message: str) -> Problem:
    """A sentence that begins with its place, taken apart."""
    match = _PLACED.match(message, len(str(path))) if message.startswith(str(path)) else None
    if match is None:
        return Problem(str(path), None, None, None, message)
    return Problem(str(path), int(match[1]), int(match[2]), match[3], message)


def _json(path: Path, found: _Found) -> str:
    problems = [_without_place(problem) for problem in found.problems]
    answer = {
        "file": str(path),
        "ok": not problems,
        "problems": problems,
        "routes": list(found.routes.by_name.values()) if found.routes and not problems else [],
        "audit": found.routes.audit if found.routes and not problems else None,
        "outputs": {name: checked.columns for name, checked in found.transforms.items()},
        "note": found.without,
    }
    return msgspec.json.format(msgspec.json.encode(answer), indent=2).decode() + "\n"


def _without_place(problem: Problem) -> dict[str, Any]:
    message = problem.message
    if problem.line is not None:
        message = message[len(f"{problem.file}:{problem.line}:{problem.column}: ") :]
    return {**problem._asdict(), "message": message}


def _problems(show: Show, found: _Found) -> None:
    for problem in found.problems:
        show.prose(problem.message, "red")
        if show.pretty and problem.line is not None and problem.column is not None:
            for line in _excerpt(found.lines, problem.line, problem.column, show.console.width - _INDENT):
                show.line(" " * _INDENT + line, "dim")
    show.line()
    show.line(f"{count(len(found.problems), 'problem')}.", "bold")


def _excerpt(lines: Sequence[str], line: int, column: int, width: int) -> tuple[str, ...]:
    """The line of the file and a mark below the column, or nothing where there is no such line."""
    if not 0 < line <= len(lines):
        return ()
    text = "".join(sign if sign.isprintable() else " " for sign in lines[line - 1].rstrip())
    start = len(text) - len(text.lstrip())
    if column - start > width:
        start = column - width // 2
    return text[start : start + width], " " * max(column - 1 - start, 0) + "^"


def _all_well(show: Show, path: Path, routes: Routes, settings: str | None) -> None:
    streams = len(routes.streams())
    rules = -(-streams // STREAMS_PER_RULE)
    told = f", settings of {settings}" if settings else ""
    show.line(
        f"{path}: {count(len(routes.by_name), 'route')}, {count(streams, 'stream')} in "
        f"{count(rules, 'rule')}{told}. No problems.",
        "green",
    )
