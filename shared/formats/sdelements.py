r"""RFC 5424's structured data: `[id name="value" ...][id ...]`.

Rule: inside a value `\"`, `\\` and `\]` stand for the second character; any other
backslash is itself. Invariant: what does not follow the grammar is left in the
message as it stands, so nothing is lost.
"""

from __future__ import annotations

import re

Elements = dict[str, dict[str, str | list[str]]]
"""Parameters by the element's id; of a name that comes twice, the list of its values."""

_NAME = r'[^\s="\]]++'
_VALUE = r'"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+"'
DATA = rf"(?:\[{_NAME}(?: ++{_NAME}={_VALUE})*+ *+\])++"
"""All elements of a line, none of them escaping the line."""

_DATA = re.compile(rf"{DATA}(?= |\Z)")
IS_DATA = re.compile(DATA).fullmatch
_ELEMENT = re.compile(rf"\[({_NAME})((?: ++{_NAME}={_VALUE})*+) *+\]")
_PARAMETER = re.compile(rf"({_NAME})=({_VALUE})")
_PLAIN_PARAMETER = re.compile(rf' ({_NAME})="([^"]*+)"')
_ESCAPED = re.compile(r'\\(["\\\]])')


def split_data(text: str) -> tuple[Elements | None, str]:
    """The structured data that `text` begins with (None for `-`, or none), and what comes after it."""
    if text == "-" or text.startswith("- "):
        return None, text[2:]
    found = _DATA.match(text) if text.startswith("[") else None
    if found is None:
        return None, text
    return elements(found[0]), text[found.end() + 1 :]


def elements(text: str) -> Elements:
    """What `text`, which follows the grammar, says."""
    if "\\" not in text and text.find("[", 1) < 0:
        pairs = _PLAIN_PARAMETER.findall(text)
        parameters = dict(pairs)
        if len(parameters) == len(pairs):
            return {text[1:-1].partition(" ")[0]: parameters}
    found: dict[str, dict[str, list[str]]] = {}
    for name, inside in _ELEMENT.findall(text):
        element = found.setdefault(name, {})
        for key, quoted in _PARAMETER.findall(inside):
            element.setdefault(key, []).append(_ESCAPED.sub(r"\1", quoted[1:-1]))
    return {
        name: {key: values if len(values) > 1 else values[0] for key, values in element.items()}
        for name, element in found.items()
    }
