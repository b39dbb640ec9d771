"""The app as a process of its own has it: `begin` is what function_app.py and the first invocation do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.app import App


def begin() -> App:
    """An App by the settings in the environment, of the folder BENCH_ROOT."""
    from shared.heap import settle, share_arenas

    share_arenas()
    from shared import settings
    from shared.app import App

    made = App(settings.read(os.environ), Path(os.environ["BENCH_ROOT"]))
    settle()
    return made
