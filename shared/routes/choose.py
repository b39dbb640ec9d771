"""The route for a file of this machine: by name, or by the path that it has here.

Rule: its folders here may be such as there are in the drop container, so a/b/c.csv is
tried as it is, then as b/c.csv, then as c.csv. Invariant: what is chosen is one route
and one path, or one sentence.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath

from ..errors import Unrouted
from .declare import Route, Routes


def choose(routes: Routes, file: Path, name: str, path: str) -> tuple[Route, str]:
    """The route, and the path that the file has, or would have, in the drop container.

    Args:
        routes: all there are.
        file: the file.
        name: of the route; "" for the one that takes the path.
        path: the path; "" to go by the file's own.

    Raises:
        Unrouted: there is no such route, or none takes the path.
    """
    if name:
        if name not in routes.by_name:
            raise Unrouted(f"there is no route {name!r}; there are: {', '.join(routes.by_name)}.")
        return routes.by_name[name], path or _tail(routes.by_name[name], file) or file.name
    for tail in [path] if path else _tails(file):
        found = routes.for_blob(tail)
        if found is not None:
            return found, tail
    raise Unrouted(
        f"no route takes {path or file}. Say which with --route ({', '.join(routes.by_name)}), or with --as "
        "the path that it would have in the drop container."
    )


def _tails(file: Path) -> Iterator[str]:
    parts = [part for part in PurePath(file).parts if part not in {file.anchor, "/", ".", ".."}]
    for start in range(len(parts)):
        yield "/".join(parts[start:])


def _tail(route: Route, file: Path) -> str | None:
    only = Routes({route.name: route})
    return next((tail for tail in _tails(file) if only.for_blob(tail)), None)
