"""A format under some options, and the pieces that its inputs are made of.

A format has a module in cases/, with CASES by name and, where it has limits of its
own besides BLOCK_BYTES, MAX_RECORD_BYTES and RAW_BYTES, SMALL: (module, name, value)
to make small. The property tests find them there.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import msgspec

from shared.formats import FORMATS, Parser
from shared.model import Position


class Want(msgspec.Struct):
    """What a route may ask for: most records fit, some do not."""

    a: int | str | None = None


class Case(NamedTuple):
    """A format under some options."""

    kind: str
    options: dict[str, Any]
    pieces: list[bytes]
    """What inputs are strung together from: whole records, halves of them, and what breaks them."""
    want: type | None = None
    exact: bool = True
    """Whether the raw bytes of a record are those of the source at its offset (not of a binary format)."""

    def parser(self, start: Position) -> Parser:
        """A parser from `start` on."""
        spec = FORMATS[self.kind]
        options = msgspec.convert({"type": self.kind, **self.options}, spec.options)
        return spec.make(options, start, self.want)


def modules() -> list[ModuleType]:
    """The modules in cases/."""
    folder = Path(__file__).parent / "cases"
    names = sorted(found.name for found in pkgutil.iter_modules([str(folder)]))
    return [importlib.import_module(f"tests.property.cases.{name}") for name in names]


def cases() -> dict[str, Case]:
    """Every case by its name."""
    return {name: case for module in modules() for name, case in module.CASES.items()}
