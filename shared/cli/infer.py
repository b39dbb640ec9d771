"""`logferry infer`: a ready route for files that nobody has described yet.

Rule: the route goes to standard output, what there is to say about it to standard
error, so that it can be redirected into a file. Invariant: a file that is appended to
is one that `logferry check` takes afterwards, or is as it was.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ..errors import DecodeError, RoutesError
from ..infer.draft import Draft, draft
from ..routes import load
from ..routes.read import read
from ..trial import KEPT, LOSSES
from .explain import count
from .local import Trouble
from .show import Show

_LARGE = 8_000_000


def infer(files: Sequence[Path], *, name: str, table: str, append: Path | None, as_json: bool) -> None:
    """Propose a route for files of one kind, and say what would become of them with it."""
    if not any(path.stat().st_size for path in files):
        raise Trouble(f"{files[0]} is empty: a route is made from what stands in a file.")
    with _progress(files, enabled=sys.stderr.isatty()) as progress:
        try:
            made = draft(files, name=name, table=table, progress=progress)
        except DecodeError as error:
            raise Trouble(f"{files[0]}: {error}.") from error
        except OSError as error:
            raise Trouble(f"{error.filename}: {error.strerror}.") from error
        except RoutesError as error:
            raise Trouble(f"no route could be made: {error}") from error
    if as_json:
        Show().raw(_json(made))
        return
    if append is not None:
        _append(append, made)
    else:
        Show().raw(f"routes:\n{made.text}")
    _say(Show(sys.stderr), files, made, append)


def _append(path: Path, made: Draft) -> None:
    """Add the route at the end of a file's routes."""
    try:
        before = path.read_bytes() if path.exists() else b""
        path.write_bytes(_longer(before.decode(), made.text).encode())
    except UnicodeDecodeError as error:
        raise Trouble(f"{path} is not UTF-8 text.") from error
    except OSError as error:
        raise Trouble(f"{path}: {error.strerror}.") from error
    try:
        load(path)
    except RoutesError as error:
        path.write_bytes(before)
        raise Trouble(
            f"{path} is as it was, because with the route it would not be right: {error}"
        ) from error


def _longer(before: str, route: str) -> str:
    """A routes file and a route behind its last one, with the file's own line ends."""
    routes, after = _parted(before)
    start = routes.rstrip() or "routes:"
    gap = "\n" if start != "routes:" else ""
    end = f"\n{gap}{route}" + ("\n" if after else "")
    return start + (end.replace("\n", "\r\n") if "\r\n" in before else end) + after


def _parted(text: str) -> tuple[str, str]:
    """A routes file up to the end of its routes, and what other keys stand behind them."""
    try:
        marks = read(text, "").marks
    except RoutesError:
        return text, ""  # it will be said when it is read back
    routes, _ = marks.get(("routes",), (0, 0))
    behind = min((line for path, (line, _) in marks.items() if len(path) == 1 and line > routes), default=0)
    lines = text.splitlines(keepends=True)
    if not routes or not behind:
        return text, ""
    while behind > 1 and lines[behind - 2].startswith("#"):
        behind -= 1  # a comment belongs to the key below it
    return "".join(lines[: behind - 1]), "".join(lines[behind - 1 :])


def _say(show: Show, files: Sequence[Path], made: Draft, append: Path | None) -> None:
    for path, found in zip(files, made.trials, strict=True):
        kind = made.declaration["format"]["type"]
        dead = f"{found.rejected.total():,} of them for the dead letter"
        show.line(f"{path}: {kind}, {count(found.read, 'record')}, {dead}.")
        for kinds, style in ((KEPT, ""), (LOSSES, "red")):
            for word, meaning in kinds.items():
                if found.changed[word]:
                    show.line(f"  {count(found.changed[word], 'time')}: {meaning}.", style)
        for reason, rejected in found.rejected.items():
            show.line(f"  {count(rejected, 'time')}: {reason}.", "red")
    where = f" --routes {append}" if append is not None and str(append) != "routes.yaml" else ""
    if append is not None:
        show.line(
            f"{made.name} is in {append} now. See its rows: logferry preview {files[0]}{where}", "green"
        )
    else:
        then = f"logferry preview {files[0]}"
        show.line(f"Put it into routes.yaml (--append routes.yaml does), and see its rows: {then}", "green")


def _json(made: Draft) -> str:
    answer = {
        "name": made.name,
        "route": made.declaration,
        "yaml": f"routes:\n{made.text}",
        "files": [
            {"read": t.read, "rejected": t.rejected, "changed": t.changed, "lost": t.lost, "whole": t.whole}
            for t in made.trials
        ],
    }
    return msgspec.json.format(msgspec.json.encode(answer), indent=2).decode() + "\n"


@contextmanager
def _progress(files: Sequence[Path], *, enabled: bool) -> Iterator[Callable[[int], None] | None]:
    """A bar, for large files on a terminal."""
    size = 2 * sum(path.stat().st_size for path in files)
    if not enabled or size < _LARGE:
        yield None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn  # noqa: PLC0415

    columns = (TextColumn("reading"), BarColumn(), DownloadColumn())
    with Progress(*columns, transient=True, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=size)
        yield lambda read: bar.advance(task, read)
