"""A cold start loads what indexing the functions takes, and nothing more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_indexing_the_functions_loads_nothing_of_the_app() -> None:
    """`import function_app` leaves the rooms, their libraries and the ingestion client for the first invocation.

    Of the app it loads what must be set before threads begin.
    """
    code = "import function_app, sys; print('\\n'.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    late = {"msgspec", "isal", "yaml", "re2", "azure.monitor", "azure.storage.queue"}
    assert loaded & late == set()
    assert {name for name in loaded if name.partition(".")[0] == "shared"} == {"shared", "shared.heap"}
