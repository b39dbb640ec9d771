"""`logferry push`: files of this machine to Azure Monitor, with its managed identity.

Rule: what is done is push/'s; here it is asked for and shown. Invariants: every file
that was named is a row of the table, those that were not begun too; Ctrl-C ends at a
checkpoint and says how to go on.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from glob import glob
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from .. import settings
from ..errors import SettingsError, writable
from ..heap import settle, share_arenas
from ..ledger.folder import Folder
from ..model import Counts
from ..push import How, Push, Pushed, is_stream
from ..routes import Route, Routes, load
from ..routes.choose import choose
from .bar import transfer
from .settings import values_of
from .show import Cell, Show

STDIN = "-"
_ENDED_BY_SIGNAL = 130
_BEGUN_BY = (signal.SIGINT, signal.SIGTERM)


class Asked(NamedTuple):
    """What the command was asked for."""

    files: list[str]
    routes: Path
    route: str
    path: str
    values: Mapping[str, str]
    state: Path | None
    how: How


class _File(NamedTuple):
    """A file that was named, and where it goes."""

    name: str
    route: Route
    path: str


def values(source: str | None, endpoint: str, rule: str) -> dict[str, str]:
    """The settings of a file or of the environment, with what was said on the command line in their place.

    Raises:
        SettingsError: the file cannot be used.
    """
    try:
        found = dict(values_of(source or "env"))
    except SettingsError as error:
        raise SettingsError("\n".join(f"{source}: {line}" for line in str(error).splitlines())) from error
    said = {"DATA_COLLECTION_ENDPOINT": endpoint, "LOGS_DCR_RULE_ID": rule}
    return {**found, **{name: value for name, value in said.items() if value}}


@cache
def _prepare() -> None:
    """Have this process keep its memory as the app does; once."""
    share_arenas()
    settle()


def quiet() -> None:
    """Have the log say nothing: every reason is shown once, in its place."""
    for name in ("logferry", "azure", "msal", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def push(asked: Asked, *, as_json: bool) -> bool:
    """Push files; whether all of every file is in Azure.

    Raises:
        SettingsError, RoutesError, ConfigError, Unrouted: what has to be put right.
        Transient: there is no token, or the state folder cannot be written.
    """
    _prepare()
    quiet()
    began, show = time.monotonic(), Show()
    routes = load(asked.routes)
    wanted = [_file(routes, asked, name) for given in asked.files for name in _meant(given)]
    config = settings.sending(asked.values)
    folder = Folder(asked.state or settings.state_folder(os.environ))
    with _stoppable() as stop:
        made = Push(routes, config, folder, stopped=stop)
        made.sign_in()
        done = list(_pushed(made, wanted, asked.how, stop, shown=show.pretty and not as_json))
    rest = wanted[len(done) :]
    if as_json:
        show.raw(_json(done, rest))
    else:
        _page(show, done, rest, time.monotonic() - began)
        if rest or any(row.state in {"stopped", "not ready", "busy"} for row in done):
            but = " without --again" if asked.how.again else ""
            show.prose(f"To go on, say the same again{but}: what is settled is not sent twice.", "yellow")
    return not rest and all(row.good_for(asked.how) for row in done)


def _meant(given: str) -> list[str]:
    """The files that a pattern stands for, where no shell has looked: Windows, systemd, cron's own lines."""
    if given == STDIN or Path(given).exists():
        return [given]
    return sorted(glob(given, recursive=True)) or [given]  # noqa: PTH207 - absolute patterns too


def _file(routes: Routes, asked: Asked, name: str) -> _File:
    path = Path("stdin" if name == STDIN else name)
    under = f"{asked.path}{path.name}" if asked.path.endswith("/") else asked.path
    return _File(name, *choose(routes, path, asked.route, under))


def _pushed(made: Push, wanted: list[_File], how: How, stop: _Stop, *, shown: bool) -> Iterator[Pushed]:
    """One after the other, until somebody asked to stop or Azure takes nothing."""
    for file in wanted:
        if stop():
            return
        path = Path(file.name)
        if file.name == STDIN:
            row = _with_bar(made.stream, sys.stdin.buffer, file, 0, shown=shown)
        elif is_stream(path):
            with path.open("rb") as stream:
                row = _with_bar(made.stream, stream, file, 0, shown=shown)
        else:
            size = path.stat().st_size if path.is_file() else 0
            row = _with_bar(made.file, path, file, size, how, shown=shown)
        yield row.named(file.name)
        if row.state == "not ready":
            return


def _with_bar(take: Any, source: Any, file: _File, size: int, *how: How, shown: bool) -> Pushed:
    with transfer(writable(file.name), size, shown=shown) as progress:
        pushed: Pushed = take(source, file.route, file.path, *how, progress=progress)
    return pushed


# -- stopping -----------------------------------------------------------------------------------


class _Stop:
    """Whether somebody asked to stop."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        return self.asked

    def ask(self, *_: object) -> None:
        """Stop at a checkpoint; the second time, at once: then what is in flight may land twice."""
        if self.asked:
            os.write(
                sys.stderr.fileno(), b"\x1b[?25h\nEnded at once.\n" if sys.stderr.isatty() else b"Ended.\n"
            )
            os._exit(_ENDED_BY_SIGNAL)
        self.asked = True
        os.write(sys.stderr.fileno(), b"\nStopping at a checkpoint; once more ends at once.\n")


@contextmanager
def _stoppable() -> Iterator[_Stop]:
    """Ctrl-C and SIGTERM ask to stop, while the context is open."""
    stop = _Stop()
    before = {number: signal.signal(number, stop.ask) for number in _BEGUN_BY}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# -- the answer ---------------------------------------------------------------------------------

_HEADINGS = ("File", "Route", "Table", "Read", "Accepted", "Filtered", "Dead", "State")
_NUMBERS = ("Read", "Accepted", "Filtered", "Dead")


def _page(show: Show, done: list[Pushed], rest: list[_File], seconds: float) -> None:
    rows: list[list[Cell]] = [_row(row) for row in done]
    rows += [
        [writable(file.name), file.route.name, file.route.table, "", "", "", "", ("not begun", "yellow")]
        for file in rest
    ]
    show.table(_HEADINGS, rows, right=_NUMBERS)
    _reasons(show, done)
    for row in done:
        if row.counts.maybe_repeated:
            show.prose(
                f"{writable(row.file)}: {row.counts.maybe_repeated:,} rows may have landed twice.", "yellow"
            )
        if row.dead_letter:
            show.line(f"{writable(row.file)}: dead letter: {row.dead_letter}", "red")
        if row.kept:
            show.line(
                f"What came is kept: logferry push {row.kept} --final --route {row.route} --as {row.path}",
                "yellow",
            )
    show.line()
    show.line(_sum(done, seconds), "bold")


def _row(row: Pushed) -> list[Cell]:
    counts = row.counts
    dead: Cell = (f"{counts.dead_lettered:,}", "red") if counts.dead_lettered else "0"
    style = "green" if row.good else "yellow" if row.state == "unfinished" else "red"
    return [
        writable(row.file),
        row.route,
        row.table,
        f"{counts.read:,}",
        f"{counts.accepted:,}",
        f"{counts.filtered:,}",
        dead,
        (row.state, style),
    ]


def _reasons(show: Show, done: list[Pushed]) -> None:
    told = [row for row in done if row.reason]
    if told:
        show.line()
    for row in told:
        show.prose(
            f"{writable(row.file)}: {row.reason}",
            "yellow" if row.state in {"unfinished", "stopped"} else "red",
        )


def _sum(done: list[Pushed], seconds: float) -> str:
    total = Counts()
    for row in done:
        total.read += row.counts.read
        total.accepted += row.counts.accepted
        total.filtered += row.counts.filtered
        total.dead_lettered += row.counts.dead_lettered
    return (
        f"{total.read:,} records read = {total.accepted:,} accepted + {total.filtered:,} filtered + "
        f"{total.dead_lettered:,} dead-lettered, in {seconds:.1f} s."
    )


def _json(done: list[Pushed], rest: list[_File]) -> str:
    answer = [
        {
            "file": writable(row.file),
            "path": writable(row.path),
            "route": row.route,
            "table": row.table,
            "state": row.state,
            **msgspec.structs.asdict(row.counts),
            "reason": row.reason,
            "dead_letter": row.dead_letter,
            "kept": row.kept,
        }
        for row in done
    ]
    answer += [
        {
            "file": writable(file.name),
            "path": writable(file.path),
            "route": file.route.name,
            "state": "not begun",
        }
        for file in rest
    ]
    return msgspec.json.format(msgspec.json.encode(answer), indent=2).decode() + "\n"
