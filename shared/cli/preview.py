"""`logferry preview`: what would become of a file, before it is dropped.

Rule: rows, losses and rejects are those of the app's own rooms (trial.py) and of the
rule's transform as local Azure runs it. Invariant: every record of the file is in one
of the figures; nothing is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from .. import trial
from ..model import Rows
from ..routes import Route, load
from ..routes.choose import choose
from ..trial import KEPT, LOSSES, Trial
from .explain import count
from .show import Show

if TYPE_CHECKING:
    from ..transform.run import Transform

_LARGE = 8_000_000
"""Bytes; reading a larger file shows how far it is."""
_PLACES = 5
"""Lines named of each kind of thing that happens to records."""


def preview(file: Path, routes: Path, name: str, path: str, *, rows: int, as_json: bool) -> bool:
    """Show what would become of a file; whether nothing of it would be lost or rejected.

    Args:
        file: the file.
        routes: the routes file.
        name: of the route; "" for the one that takes the file's path.
        path: the path that the file would have in the drop container; "" to go by its own.
        rows: how many rows to show.
        as_json: for programs.
    """
    route, path = choose(load(routes), file, name, path)
    show = Show()
    transformed = _Transformed(route, rows)
    with _progress(file, enabled=show.pretty and not as_json) as progress:
        found = trial.run(
            route, file, name=path, keep=max(rows, _PLACES), sink=transformed.take, progress=progress
        )
    if as_json:
        show.raw(_json(file, path, route, found, transformed, rows))
    else:
        _Page(show, route, found, transformed, rows=rows).write(f"{file} as {path}")
    return found.lost == 0 and transformed.errors == 0


class _Transformed:
    """The rows after the rule's transform.

    Args:
        route: its transform may be none.
        keep: how many rows to keep.
    """

    def __init__(self, route: Route, keep: int) -> None:
        self.rows: list[dict[str, Any]] = []
        self.filtered = 0
        self.errors = 0
        self.note: str | None = None
        self._keep = keep
        self._transform = self._made(route) if route.transform is not None else None

    @property
    def runs(self) -> bool:
        """Whether there is a transform that can be run here."""
        return self._transform is not None

    def _made(self, route: Route) -> Transform | None:
        from ..transform.run import Transform, TransformError  # noqa: PLC0415 - few routes have one

        columns = {name: column.type for name, column in route.columns.items()}
        try:
            made = Transform(str(route.transform), columns)
        except TransformError as error:
            raise TransformError(f"route {route.name}, its transform, {error}") from error
        if made.note is not None:
            self.note = made.note
            return None
        return made

    def take(self, rows: Rows) -> None:
        """Run the transform on a block's rows."""
        if self._transform is None or not rows.ordinals:
            return
        found = self._transform.run(b"[" + rows.text[:-1].replace(b"\n", b",") + b"]")
        self.filtered += found.filtered
        self.errors += found.errors
        self.rows += found.rows[: max(0, self._keep - len(self.rows))]


@contextmanager
def _progress(file: Path, *, enabled: bool) -> Iterator[Callable[[int], None] | None]:
    """A bar, for a large file on a terminal."""
    size = file.stat().st_size
    if not enabled or size < _LARGE:
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn  # noqa: PLC0415

    with Progress(TextColumn(file.name), BarColumn(), DownloadColumn(), transient=True) as bar:
        task = bar.add_task("", total=size)
        yield lambda read: bar.advance(task, read)


class _Page:
    """The answer for a person."""

    def __init__(
        self, show: Show, route: Route, found: Trial, transformed: _Transformed, *, rows: int
    ) -> None:
        self._show = show
        self._most = rows
        self._route = route
        self._found = found
        self._transformed = transformed

    def write(self, title: str) -> None:
        """All of it."""
        show, route = self._show, self._route
        show.line(f"{title}: {route.name} -> {route.stream} -> {route.table}", "bold")
        show.line()
        self._rows()
        self._records()
        self._happened("Put right (nothing of it is lost)", KEPT, "yellow")
        self._happened("Lost, as the route says", LOSSES, "red")
        self._rejects()
        self._sum()

    def _rows(self) -> None:
        rows = (self._transformed.rows if self._transformed.runs else self._found.rows)[: self._most]
        names = list(dict.fromkeys(name for row in rows for name in row))
        if rows:
            self._show.table(names, [[_cell(row.get(name)) for name in names] for row in rows])
        landed = self._found.accepted - self._transformed.filtered
        if landed > len(rows):
            self._show.line(f"... and {count(landed - len(rows), 'more row')}.", "dim")
        self._show.line()

    def _records(self) -> None:
        found, after = self._found, self._transformed
        rest = f"{found.filtered:,} filtered + {found.rejected.total():,} for the dead letter"
        self._show.line(
            f"{count(found.read, 'record')} read = {count(found.accepted, 'row')} + {rest}.", "bold"
        )
        if after.runs:
            gone = f"The transform leaves {after.filtered:,} of the rows out"
            errors = f", and fails on {after.errors:,}" if after.errors else ""
            self._show.line(
                f"{gone}{errors}: {found.accepted - after.filtered:,} land.", "red" if errors else ""
            )
        if after.note is not None:
            self._show.prose(after.note, "yellow")

    def _happened(self, heading: str, kinds: dict[str, str], style: str) -> None:
        changed = [(kind, self._found.changed[kind]) for kind in kinds if self._found.changed[kind]]
        if not changed:
            return
        self._show.heading(heading)
        rows = [(f"{count:,}", (kinds[kind], style), self._lines(kind, count)) for kind, count in changed]
        self._show.table(("Times", "What", "Where"), rows, right=("Times",))

    def _lines(self, kind: str, count: int) -> str:
        notes = [note for note in self._found.notes if note.kind == kind][:_PLACES]
        places = [f"{note.line}" if note.line else f"record {note.ordinal + 1}" for note in notes]
        word = "line " if notes and notes[0].line else ""
        return f"{word}{', '.join(places)}{', ...' if count > len(places) else ''}"

    def _rejects(self) -> None:
        if not self._found.rejects:
            return
        self._show.heading("For the dead letter")
        shown = self._found.rejects[: self._most]
        rows = [(_place(r.line, r.ordinal), (r.reason, "red"), r.detail) for r in shown]
        if rows:
            self._show.table(("Where", "Reason", "Detail"), rows)
        more = self._found.rejected.total() - len(rows)
        if more > 0:
            self._show.line(f"... and {more:,} more.", "dim")

    def _sum(self) -> None:
        self._show.line()
        if self._found.lost or self._transformed.errors:
            self._show.line("Not everything would land as it is.", "red")
        else:
            self._show.line("Nothing would be lost.", "green")


def _place(line: int | None, ordinal: int) -> str:
    return f"line {line}" if line else f"record {ordinal + 1}"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _text(name: str) -> str:
    """A file's name; bytes of it that are no text as escapes."""
    return name.encode(errors="backslashreplace").decode()


def _json(file: Path, path: str, route: Route, found: Trial, after: _Transformed, most: int) -> str:
    answer = {
        "file": _text(str(file)),
        "path": _text(path),
        "route": route.name,
        "table": route.table,
        "read": found.read,
        "accepted": found.accepted,
        "filtered": found.filtered,
        "rejected": found.rejected,
        "changed": found.changed,
        "lost": found.lost,
        "transform": {"filtered": after.filtered, "errors": after.errors, "note": after.note}
        if route.transform
        else None,
        "rows": (after.rows if after.runs else found.rows)[:most],
        "rejects": [
            {"ordinal": r.ordinal, "line": r.line, "offset": r.offset, "reason": r.reason, "detail": r.detail}
            for r in found.rejects[:most]
        ],
        "notes": [note._asdict() for note in found.notes],
    }
    return msgspec.json.format(msgspec.json.encode(answer), indent=2).decode() + "\n"
