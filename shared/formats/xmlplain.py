"""References in plain elements, and what is said of elements that are not plain.

Rule: XML's five entities and characters by their numbers are replaced; whatever else
begins with & makes an element doubtful. Invariant: Doubtful never leaves the modules
that read plain elements: it is expat that says what is wrong with an element, or that
nothing is.
"""

from __future__ import annotations

import re

_REFERENCE = re.compile(r"&(?:#([0-9]{1,7})|#x([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos));|&")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


class Doubtful(Exception):  # noqa: N818 - never leaves the modules that read plain elements
    """Not plain elements."""


class Unclosed(Doubtful):
    """They may be plain, but the text ends inside one."""


def unescaped(text: str) -> str:
    """A text or an attribute's value with its references replaced.

    Raises:
        Doubtful: what one of them refers to is no character, or is not known.
    """
    if "&#" not in text:
        less = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&apos;", "'")
        if less.count("&") == less.count("&amp;"):
            return less.replace("&amp;", "&")
    return _REFERENCE.sub(_referred, text)


def _referred(found: re.Match[str]) -> str:
    decimal, hexadecimal, name = found.groups()
    if name:
        return _NAMED[name]
    if not (decimal or hexadecimal):
        raise Doubtful
    code = int(decimal) if decimal else int(hexadecimal, 16)
    if (
        code in {9, 10, 13}
        or 0x20 <= code <= 0xD7FF
        or 0xE000 <= code <= 0xFFFD
        or 0x10000 <= code <= 0x10FFFF
    ):
        return chr(code)
    raise Doubtful
