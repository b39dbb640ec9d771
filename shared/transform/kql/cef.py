"""parse_cef_dictionary(): a CEF message as a bag.

Rule: `Extension` holds the message's own keys, as Azure Monitor documents it; the
names of the header's parts are those of the CommonSecurityLog table, as no reference
gives them. A text that is no CEF message is null.
"""

from __future__ import annotations

import re
from typing import Any, Final

HEADER: Final = (
    "CefVersion",
    "DeviceVendor",
    "DeviceProduct",
    "DeviceVersion",
    "DeviceEventClassID",
    "Activity",
    "LogSeverity",
)
_START = re.compile(r"CEF:\s*(?=\d)")
_PIPE = re.compile(r"(?<!\\)((?:\\\\)*)\|")
_KEY = re.compile(r"(?:^|(?<=\s))([^\s=\\]+)=")
_ESCAPED = re.compile(r"\\([\\|=nr])")
_MEANING = {"n": "\n", "r": "\r"}


def parse_cef(text: str) -> dict[str, Any] | None:
    """A CEF message's header and its extension."""
    start = _START.search(text)
    if start is None:
        return None
    parts, at = [], start.end()
    for found in _PIPE.finditer(text, at):
        parts.append(text[at : found.end() - 1])
        at = found.end()
        if len(parts) == len(HEADER):
            break
    if len(parts) < len(HEADER):
        return None
    header = {name: _plain(part.strip()) for name, part in zip(HEADER, parts, strict=True)}
    return {**header, "Extension": _extension(text[at:])}


def _extension(text: str) -> dict[str, str]:
    """key=value pairs; a value goes on to the next key, spaces and all."""
    keys = list(_KEY.finditer(text))
    ends = [found.start() for found in keys[1:]] + [len(text)]
    return {found[1]: _plain(text[found.end() : end].strip()) for found, end in zip(keys, ends, strict=True)}


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda found: _MEANING.get(found[1], found[1]), text)
