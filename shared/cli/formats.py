"""`logferry formats`: what can be read, and how a route says so.

Rule: everything comes from the registry and the options' own words; a format that is
added shows up here by itself.
"""

from __future__ import annotations

import inspect
from typing import Any

import msgspec

from ..decode import CHARSETS, COMPRESSIONS
from ..formats import FORMATS
from .local import Trouble
from .show import Show


def formats(name: str, *, as_json: bool) -> None:
    """List the formats, or explain one."""
    if name and name not in FORMATS:
        raise Trouble(f"there is no format {name!r}; there are: {', '.join(FORMATS)}.")
    show = Show()
    if as_json:
        answer = [_described(kind) for kind in ([name] if name else FORMATS)]
        show.raw(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode() + "\n")
    elif name:
        _explain(show, name)
    else:
        _list(show)


def _list(show: Show) -> None:
    show.table(("Format", "What it is"), [((kind, "bold"), spec.summary) for kind, spec in FORMATS.items()])
    show.line()
    taken = [name for name, row in COMPRESSIONS.items() if row.make is not None]
    show.prose(f"Compressed with {', '.join(taken)}: known by the content, whatever a file is called.")
    show.prose(f"charset: {', '.join(CHARSETS)}.")
    show.prose("logferry formats NAME tells a format's options.", "dim")


def _explain(show: Show, name: str) -> None:
    options = FORMATS[name].options
    show.line(name, "bold")
    show.raw(inspect.cleandoc(options.__doc__ or "") + "\n")
    rows = [(key, _default(part), part.get("description", "")) for key, part in _options(name).items()]
    if rows:
        show.heading("Options")
        show.table(("Option", "Default", "Meaning"), rows)


def _options(name: str) -> dict[str, dict[str, Any]]:
    (_,), components = msgspec.json.schema_components([FORMATS[name].options])
    properties: dict[str, dict[str, Any]] = components[FORMATS[name].options.__name__]["properties"]
    return {key: part for key, part in properties.items() if key != "type"}


def _default(part: dict[str, Any]) -> str:
    default = part.get("default")
    return "" if default in (None, [], {}, "") else msgspec.json.encode(default).decode()


def _described(name: str) -> dict[str, Any]:
    return {"format": name, "summary": FORMATS[name].summary, "options": _options(name)}
