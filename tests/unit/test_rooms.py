"""The walls between the rooms."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

_SANS_IO = ["shared.decode", "shared.formats", "shared.shape.shaper", "shared.encode"]
_PROBE = """
import importlib, pkgutil, sys
import pyarrow.parquet  # Arrow loads socket and ssl for file systems that nobody here asks it for
before = set(sys.modules)
name = {name!r}
module = importlib.import_module(name)
if hasattr(module, "__path__"):
    for found in pkgutil.walk_packages(module.__path__, name + "."):
        importlib.import_module(found.name)
bad = sorted(m for m in set(sys.modules) - before if m.split(".")[0] in {{"azure", "azurefunctions", "requests", "msal", "socket", "ssl", "http"}})
print(",".join(bad))
"""


@pytest.mark.parametrize("name", _SANS_IO)
def test_sans_io_rooms_import_no_azure_and_no_socket(name: str) -> None:
    """decode, formats, shape and encode load no Azure package, no socket and no HTTP."""
    run = subprocess.run(
        [sys.executable, "-c", _PROBE.format(name=name)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == ""


_ROOMS = ["decode", "formats", "shape", "encode.py"]


@pytest.mark.parametrize("room", _ROOMS)
def test_sans_io_rooms_name_no_azure_and_no_socket(room: str) -> None:
    """No file of these rooms imports an Azure package, a socket or HTTP, whatever a library has loaded already."""
    word = re.compile(
        r"^\s*(?:import|from) (?:azure|azurefunctions|requests|msal|socket|ssl|http)\b", re.MULTILINE
    )
    place = ROOT / "shared" / room
    for file in [place] if place.is_file() else sorted(place.rglob("*.py")):
        assert not word.search(file.read_text()), file.name


@pytest.mark.parametrize("room", _ROOMS)
def test_sans_io_rooms_read_no_clock_and_no_environment(room: str) -> None:
    """The same input gives the same output: no clock, no environment, no randomness in these rooms."""
    place = ROOT / "shared" / room
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    assert files
    for file in files:
        text = file.read_text()
        for word in ("import os", "import time\n", "datetime.now", "utcnow", "import random", "environ"):
            assert word not in text, f"{file.name}: {word}"


_WALLS = [
    ("decode", {"formats", "shape", "upload", "ledger", "sources", "routes"}),
    ("formats", {"shape", "upload", "ledger", "sources", "routes"}),
    ("shape", {"decode", "formats", "upload", "ledger", "sources"}),
    ("encode.py", {"decode", "formats", "shape", "upload", "ledger", "sources", "routes"}),
    ("upload", {"decode", "formats", "shape", "ledger", "sources", "routes"}),
    ("ledger", {"decode", "formats", "shape", "upload", "sources", "routes"}),
]


@pytest.mark.parametrize(("room", "others"), _WALLS)
def test_a_room_knows_nothing_of_the_others(room: str, others: set[str]) -> None:
    """Data goes one way, and only the pipeline knows all rooms."""
    place = ROOT / "shared" / room
    found = re.compile(r"^\s*from \.{1,2}([a-z]\w*)[.\w]* import", re.MULTILINE)
    for file in [place] if place.is_file() else sorted(place.rglob("*.py")):
        above = {m[1] for m in found.finditer(file.read_text()) if m[0].lstrip().startswith("from ..")}
        beside = {m[1] for m in found.finditer(file.read_text())} if place.is_file() else set()
        assert not (above | beside) & others, file.name
