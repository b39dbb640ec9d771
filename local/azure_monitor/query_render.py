"""How a query says that its result should be drawn.

Rule: `render` changes no row; it is read from the end of the query's text. Invariant:
a text in a query that looks like one is none, since a text ends in a quote.

Source of the form: Azure Monitor, Prefer options of the query API (include-render).
"""

from __future__ import annotations

import re
from typing import Any

_VALUE = r"(?:\"[^\"]*\"|'[^']*'|[^\s,()\"']+)"
_PAIR = rf"\w+\s*=\s*{_VALUE}"
_RENDER = re.compile(
    rf"\|\s*render\s+(\w+)((?:\s+with\s*\(\s*(?:{_PAIR}[\s,]*)*\))|(?:\s+{_PAIR})*)\s*;?\s*\Z"
)
_PAIRS = re.compile(rf"(\w+)\s*=\s*({_VALUE})")


def rendering(query: str) -> dict[str, Any] | None:
    """The `render` of an answer; None where a query asks for no drawing."""
    found = _RENDER.search(query)
    if found is None:
        return None
    usual = {
        "title": "",
        "accumulate": False,
        "isQuerySorted": False,
        "kind": "default",
        "annotation": "",
        "by": None,
    }
    asked = {name: _value(text) for name, text in _PAIRS.findall(found[2])}
    return {"visualization": found[1], **usual, **asked}


def _value(text: str) -> Any:
    return {"true": True, "false": False}.get(text, text.strip("\"'"))
