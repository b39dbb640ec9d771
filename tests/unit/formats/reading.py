"""Runs a parser over bytes, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from shared.formats import FORMATS, Parser
from shared.model import Block, Position, Reject

NEEDED: dict[str, dict[str, Any]] = {"regex": {"pattern": r"(?P<a>\w+),(?P<b>\w+)"}}
"""Options without which a format says nothing."""


def parser(kind: str, want: type | None = None, **options: Any) -> Parser:
    """A parser as a route with these options would have it."""
    spec = FORMATS[kind]
    return spec.make(msgspec.convert({"type": kind, **options}, spec.options), Position(), want)


def blocks(parser: Parser, chunks: Iterable[bytes]) -> list[Block]:
    """All blocks of a source."""
    return [*(block for chunk in chunks for block in parser.feed(chunk)), *parser.flush()]


def read(kind: str, data: bytes, **options: Any) -> tuple[list[Any], list[Reject]]:
    """Records and rejects of `data`."""
    found = blocks(parser(kind, **options), [data])
    return [r for block in found for r in block.dicts()], [r for block in found for r in block.rejects]
