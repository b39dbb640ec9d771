"""python -m local.tour: local Azure, the samples through it, and what became of them.

Rule: exit codes: 0 after Ctrl-C, or with --once when everything landed and adds up;
1 when something did not, or local Azure cannot start; 130 when it was interrupted
before the end of the tour. Invariant: however it ends, nothing is left running.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from azure.core.exceptions import AzureError

from local.stack import Options, Stack, StackError, StoppedError
from local.stack.state import FILE
from shared.cli import local as cli_local
from shared.cli.show import Show
from shared.errors import ConfigError

from .drive import Drive
from .inputs import ARCHIVE
from .report import invitation, report

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Take the tour."""
    given = _arguments(arguments)
    options = Options(state_dir=given.state_dir, host=given.host, settings={"ALLOWED_CONTAINERS": ARCHIVE})
    show, stopped = Show(), threading.Event()
    stack = Stack(options, say=lambda line: show.line(f"  {line}", "dim"))

    def stop(*_: object) -> None:
        stopped.set()
        stack.ask_to_stop()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        return _tour(stack, stopped, show, given)
    except StoppedError:
        show.line("Stopped before the end; nothing is left running.")
        return 130
    except (StackError, ConfigError, AzureError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _tour(stack: Stack, stopped: threading.Event, show: Show, given: argparse.Namespace) -> int:
    """Start, drive, report; stay unless asked not to."""

    def pulse() -> None:
        if stopped.is_set():
            raise StoppedError
        stack.check()

    show.line("Starting Azure on this machine ...", "bold")
    with stack:
        local = cli_local.read(given.state_dir / FILE)
        show.line("Dropping the samples, sending the messages, running the timer ...", "bold")
        result = Drive(local, given.timeout, pulse).run()
        report(show, result)
        if result.problems:
            show.line(f"What the app said: {local.log}")
        if not given.once:
            invitation(show, local, given.state_dir)
            stack.watch()
            show.line()
            show.line("Stopping ...")
    if not given.once:
        show.line("Stopped; nothing is left running.")
    return 1 if result.problems else 0


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.tour", description="Local Azure, and a tour of it with the samples."
    )
    add = parser.add_argument
    add("--once", action="store_true", help="leave after the table; 0 if everything landed and adds up")
    add("--host", choices=["python", "func"], default="python", help="func: Azure Functions Core Tools")
    add("--state-dir", type=Path, default=ROOT / ".logferry", help="logs and stack.json; one stack a folder")
    add("--timeout", type=float, default=60.0, help="seconds to wait for audit rows")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
