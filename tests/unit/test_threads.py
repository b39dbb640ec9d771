"""A cold start with many events at once: the host calls from a pool of threads."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared import app

ROOT = Path(__file__).resolve().parents[2]

_FIRST_USE = """
import sys, threading
sys.setswitchinterval(1e-6)
from shared.ledger.entry import parse
from shared.sources.work import parse_work
document = b'{"source":"a","version":"b","size":1,"route":"r","state":"done","received":1.0,"position":{},"counts":{}}'
together = threading.Barrier(12)
def first():
    together.wait()
    parse(document)
    parse_work(b'{"do":"blob","container":"a","name":"b"}')
threads = [threading.Thread(target=first) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.fixture
def afresh() -> Iterator[None]:
    app._made.cache_clear()
    yield
    app._made.cache_clear()


@pytest.mark.usefixtures("afresh")
def test_one_app_however_many_ask_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One set of turns, pauses and clients in a process: the first call makes the App, the others wait."""
    made, gate = [], threading.Barrier(8)

    def make(*_: object) -> object:
        made.append(object())
        threading.Event().wait(0.05)
        return made[-1]

    def ask() -> object:
        gate.wait()
        return app.app()

    monkeypatch.setattr(app, "App", make)
    monkeypatch.setattr(app.settings, "read", lambda _: None)
    monkeypatch.setattr(app, "settle", lambda: None)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: ask(), range(8)))
    assert len(made) == 1
    assert set(found) == set(made)


def test_first_use_by_many_threads_ends_no_process() -> None:
    """msgspec learns a type at its first use, and not safely: entries and work are known before any thread asks."""
    for _ in range(6):
        run = subprocess.run([sys.executable, "-c", _FIRST_USE], cwd=ROOT, capture_output=True, check=False)
        assert run.returncode == 0, run.stderr.decode()


def test_types_are_not_met_in_a_handler() -> None:
    """What handlers and the ledger read is decoded by decoders that an import made, not by `type=`."""
    by_type = re.compile(r"msgspec\.(?:json\.decode|convert)\([^)\n]*(?:type=)?[A-Z]\w+\)")
    for room in ("handlers", "ledger", "sources", "formats", "upload"):
        for file in sorted((ROOT / "shared" / room).rglob("*.py")):
            assert not by_type.search(file.read_text()), file
