"""Inputs for the fuzzer: fixtures and property pieces of every format, mutated.

Rule: an input follows from its dice alone, so that a seed repeats it.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from backports import zstd

from shared.formats import FORMATS
from tests.property.case import cases

FIXTURES = Path(__file__).parents[1] / "fixtures" / "formats"
LONGEST = 200_000
"""Bytes of an input before it is packed."""


class Input(NamedTuple):
    """Bytes, and the format that they are taken for."""

    kind: str
    options: dict[str, Any]
    charset: str
    data: bytes


class Inputs:
    """Makes inputs.

    Args:
        kinds: the formats; none for all.
    """

    def __init__(self, kinds: list[str]) -> None:
        self.kinds = kinds or list(FORMATS)
        self.seeds = [seed for seed in _seeds() if seed.kind in self.kinds]

    def next(self, dice: random.Random) -> Input:
        """Another input."""
        seed = dice.choice(self.seeds)
        data = seed.data
        for _ in range(dice.choice([0, 1, 1, 2, 3, 8])):
            data = dice.choice(_MUTATIONS)(data, dice, dice.choice(self.seeds).data)[:LONGEST]
        charset = dice.choice(["utf-8"] * 8 + ["utf-16", "utf-16-be", "latin-1", "windows-1252"])
        for _ in range(dice.choice([0, 0, 0, 1, 1, 2])):
            data = dice.choice(_PACKERS)(data, dice)
            if dice.random() < 0.3:
                data = dice.choice(_MUTATIONS)(data, dice, data)
        return seed._replace(data=data, charset=charset if FORMATS[seed.kind].text else "utf-8")


def _seeds() -> list[Input]:
    found = []
    for path in sorted(FIXTURES.glob("*/*.input")):
        options = json.loads(path.with_suffix(".json").read_text())["options"]
        found.append(Input(path.parent.name, options, "utf-8", path.read_bytes()))
    for case in cases().values():
        found += [Input(case.kind, case.options, "utf-8", b"".join(case.pieces[start:])) for start in (0, 7)]
    return found


def _flip(data: bytes, dice: random.Random, _: bytes) -> bytes:
    if not data:
        return b"\0"
    changed = bytearray(data)
    for _i in range(dice.choice([1, 1, 4, 32])):
        changed[dice.randrange(len(changed))] = dice.choice(
            [0, 10, 13, 34, 92, 123, 255, dice.randrange(256)]
        )
    return bytes(changed)


def _cut(data: bytes, dice: random.Random, _: bytes) -> bytes:
    start = dice.randrange(len(data) + 1)
    return data[:start] if dice.random() < 0.5 else data[:start] + data[start + dice.randrange(60) :]


def _repeat(data: bytes, dice: random.Random, _: bytes) -> bytes:
    start = dice.randrange(len(data) + 1)
    piece = data[start : start + dice.choice([1, 5, 60, 2000])]
    return data[:start] + piece * dice.choice([2, 10, 400]) + data[start:]


def _splice(data: bytes, dice: random.Random, other: bytes) -> bytes:
    start, end = dice.randrange(len(data) + 1), dice.randrange(len(other) + 1)
    return data[:start] + other[end : end + dice.choice([20, 400, 9000])] + data[start:]


def _noise(data: bytes, dice: random.Random, _: bytes) -> bytes:
    start = dice.randrange(len(data) + 1)
    return data[:start] + dice.randbytes(dice.choice([1, 8, 300])) + data[start:]


_MUTATIONS: tuple[Callable[[bytes, random.Random, bytes], bytes], ...] = (
    _flip,
    _cut,
    _repeat,
    _splice,
    _noise,
)


_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def _zipped(data: bytes, dice: random.Random) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", dice.choice(_METHODS)) as file:
        for number in range(dice.choice([1, 2, 3])):
            file.writestr(zipfile.ZipInfo(f"{number}.log"), data)
    return out.getvalue()


_PACKERS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    lambda data, _: gzip.compress(data, 1),
    lambda data, _: bz2.compress(data, 1),
    lambda data, _: lzma.compress(data, preset=0),
    lambda data, _: zstd.compress(data),
    _zipped,
)
