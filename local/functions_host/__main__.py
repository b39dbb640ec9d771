"""python -m local.functions_host: one line of JSON on stdout when ready, the log on stderr or in a file.

Rule: exit codes: 0 after SIGTERM or SIGINT, 2 when the app cannot be run (a sentence
on stderr), 124 after a function ran into functionTimeout.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from . import config, loader, log, settings
from .host import Host


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until told to stop."""
    wanted = _arguments(arguments)
    app = wanted.app.resolve()
    try:
        if wanted.settings:
            settings.apply_file(wanted.settings.resolve(), os.environ)
        told = config.load(app, os.environ)
        log.set_up(wanted.log.resolve() if wanted.log else None, told.levels)
        functions = loader.load(app)
        return asyncio.run(_run(app, functions, told, wanted))
    except config.HostError as error:
        sys.stderr.write(f"{error}\n")
    except Exception:  # the app's own, while it is imported, or a port that is taken
        sys.stderr.write(traceback.format_exc())
    return 2


async def _run(
    app: Path, functions: list[loader.Function], told: config.HostConfig, wanted: argparse.Namespace
) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    host = Host(app, functions, told, lock_seconds=wanted.lock_seconds, key=wanted.key)
    runner, url = await host.start(wanted.port)
    sys.stdout.write(json.dumps({"ready": True, "url": url, "functions": sorted(host.functions)}) + "\n")
    sys.stdout.flush()
    log.HOST.info("Ready at %s", url)
    await stop.wait()
    log.HOST.info("Stopping: nothing new is taken.")
    await runner.cleanup()
    if await host.stop(wanted.grace):
        log.HOST.info("Stopped.")
        return 0
    log.HOST.warning("Stopped with invocations still running; their messages come back.")
    logging.shutdown()
    os._exit(0)  # a thread that still runs cannot be stopped otherwise


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.functions_host", description="Run a function app on this machine."
    )
    add = parser.add_argument
    add("--app", type=Path, required=True, help="folder of function_app.py and host.json")
    add("--port", type=int, default=0, help="0 picks a free one")
    add("--settings", type=Path, help="local.settings.json; the environment wins over it")
    add("--log", type=Path, help="file for the log; stderr without it")
    add(
        "--key",
        default=os.environ.get("BLOBS_EXTENSION_KEY"),
        help="the webhook's key; none is asked for without it",
    )
    add("--lock-seconds", type=int, default=600, help="how long a message stays hidden while it runs")
    add("--grace", type=float, default=5.0, help="seconds that running invocations have at the end")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
