"""python -m local.stack: local Azure until Ctrl-C.

Rule: one line a part when it is ready. Exit codes: 0 after Ctrl-C or SIGTERM, 1 when
it cannot start or a part ended on its own, with the reason on stderr.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from .process import StackError, StoppedError
from .stack import ROOT, SWEEP_SCHEDULE, Options, Stack


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until told to stop."""
    stack = Stack(_options(arguments), say=_say)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stack.ask_to_stop())
    try:
        with stack:
            _say(f"Local Azure is ready; see {stack.options.state_dir}/stack.json. Ctrl-C ends it.")
            stack.watch()
            _say("Stopping.")
    except StoppedError:
        return 0
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _options(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m local.stack", description="Azure on this machine.")
    add = parser.add_argument
    add("--host", choices=["python", "func"], default="python", help="func: Azure Functions Core Tools")
    add("--app", type=Path, default=ROOT, help="folder of function_app.py")
    add("--routes", type=Path, help="routes.yaml of the app by default")
    add("--state-dir", type=Path, default=ROOT / ".logferry", help="logs and stack.json; one stack a folder")
    add("--sweep-schedule", default=SWEEP_SCHEDULE, help="NCRONTAB, six fields")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="a further app setting")
    given = parser.parse_args(arguments)
    return Options(
        app=given.app.resolve(),
        routes=given.routes,
        state_dir=given.state_dir,
        host=given.host,
        sweep_schedule=given.sweep_schedule,
        settings=dict(pair.split("=", 1) for pair in given.set),
    )


if __name__ == "__main__":
    sys.exit(main())
