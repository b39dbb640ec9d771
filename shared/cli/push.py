"""`logferry push`: files of this machine to Azure Monitor, with its managed identity.

Rule: what is done is push/'s; here it is asked for and shown. Invariants: every file
that was named is a row of the table, those that were not begun too; Ctrl-C ends at a
checkpoint and says how to go on.
"""

from __future__ import annotations

import logging
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from glob import glob
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from .. import settings
from ..errors import SettingsError, Transient, writable
from ..heap import settle, share_arenas
from ..ledger.folder import Folder
from ..model import Counts
from ..push import How, Push, Pushed
from ..routes import Route, Routes, load
from ..routes.choose import choose
from ..sources.file import is_stream
from .bar import transfer
from .settings import values_of
from .show import Cell, Show

STDIN = "-"
_ENDED_BY_SIGNAL = 130
_AGAIN = frozenset({"stopped", "not ready", "busy"})
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

    @property
    def once(self) -> bool:
        """Whether it can be read once only."""
        return self.name == STDIN or is_stream(Path(self.name))


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
        _tell_left(made, wanted, asked, folder)
        refused = _sign_in(made, wanted)
        found = list(_pushed(made, wanted, asked.how, stop, refused, shown=show.pretty and not as_json))
    done = [row for row in found if row is not None]
    rest = [file for file, row in zip_longest(wanted, found) if row is None]
    if as_json:
        show.raw(_json(done, rest))
    else:
        _page(show, done, rest, time.monotonic() - began)
        for row in done:
            if row.kept:
                command = _go_on(row.kept, row.route, asked, folder)
                show.line(
                    f"What came is kept. To go on with it: {command} --as {shlex.quote(row.path)}", "yellow"
                )
        if rest or any(row.state in _AGAIN and not row.kept for row in done):
            but = " without --again" if asked.how.again else ""
            show.prose(f"To go on, say the same again{but}: what is settled is not sent twice.", "yellow")
    return not rest and all(row.good_for(asked.how) for row in done)


def _meant(given: str) -> list[str]:
    """The files that a pattern stands for, where no shell has looked: Windows, systemd, cron's own lines."""
    if given == STDIN or os.path.exists(given):  # noqa: PTH110 - Path's raises where one may not look
        return [given]
    return sorted(glob(given, recursive=True)) or [given]  # noqa: PTH207 - absolute patterns too


def _file(routes: Routes, asked: Asked, name: str) -> _File:
    path = Path("stdin" if name == STDIN else name)
    under = f"{asked.path}{path.name}" if asked.path.endswith("/") else asked.path
    return _File(name, *choose(routes, path, asked.route, under))


def _sign_in(made: Push, wanted: list[_File]) -> Transient | None:
    """Why there is no token; raised where no stream has to be kept for all that."""
    try:
        made.sign_in()
    except Transient as error:
        if not any(file.once for file in wanted):
            raise
        return error
    return None


def _pushed(
    made: Push, wanted: list[_File], how: How, stop: _Stop, refused: Transient | None, *, shown: bool
) -> Iterator[Pushed | None]:
    """One after the other, until somebody asked to stop or Azure takes nothing; then streams are kept."""
    for file in wanted:
        if stop():
            return
        if refused is not None and not file.once:
            yield None
            continue
        if file.name == STDIN:
            row = _with_bar(made.stream, sys.stdin.buffer, file, 0, shown=shown, refused=refused)
        else:
            path = Path(file.name)
            row = _with_bar(made.path, path, file, _size(path), how, shown=shown, refused=refused)
        yield row.named(file.name)
        refused = refused or row.refused


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # who opens it says why
        return 0


def _with_bar(
    take: Any, source: Any, file: _File, size: int, *how: How, shown: bool, refused: Transient | None
) -> Pushed:
    with transfer(writable(file.name), size, shown=shown) as progress:
        pushed: Pushed = take(source, file.route, file.path, *how, progress=progress, refused=refused)
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
    show.line()
    show.line(_sum(done, seconds), "bold")


def _go_on(file: str, route: str, asked: Asked, folder: Folder) -> str:
    """The command for what a stream brought: said again as it was, all of it would be sent again."""
    where = ["--routes", str(asked.routes.absolute()), "--state", str(folder.root.absolute())]
    return shlex.join(["logferry", "push", file, "--final", "--route", route, *where])


def _tell_left(made: Push, wanted: list[_File], asked: Asked, folder: Folder) -> None:
    """What earlier pushes had from streams and did not come to the end of, on standard error."""
    named = {Path(file.name).absolute() for file in wanted}
    for path, route in made.kept.left().items():
        if path not in named:
            command = _go_on(str(path), route, asked, folder)
            Show(sys.stderr).line(f"An earlier push did not come to the end of a stream: {command}", "yellow")


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
