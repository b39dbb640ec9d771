"""python -m local.azure_monitor: one line of JSON on stdout when ready, a log on stderr.

Rule: stdout carries the start-up line and nothing else. Exit codes: 0 after SIGTERM
or SIGINT, 2 when the arguments or the routes cannot be used.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from shared.errors import ConfigError
from shared.routes import load

from .config import Config, specs_from_routes
from .server import serve
from .throttle import BYTES_PER_MINUTE, MINUTE, REQUESTS_PER_MINUTE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until told to stop."""
    wanted = _arguments(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        running = serve(_config(wanted))
    except (ConfigError, ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with running:
        described = running.describe()
        sys.stdout.write(msgspec.json.encode(described).decode() + "\n")
        sys.stdout.flush()
        for warning in described["warnings"]:
            logging.getLogger("local.azure_monitor").warning("%s", warning)
        stop.wait()
    return 0


def _config(wanted: argparse.Namespace) -> Config:
    return Config(
        streams=specs_from_routes(load(wanted.routes)),
        rules=tuple(wanted.rule),
        identity_header=wanted.identity_header,
        port=wanted.port,
        database=wanted.database,
        keep=wanted.keep == "all",
        limits=wanted.limits == "on",
        limit_bytes=wanted.limit_bytes,
        limit_requests=wanted.limit_requests,
        limit_minute=wanted.limit_minute,
        retry_after=wanted.retry_after == "on",
        token_lifetime=wanted.token_lifetime,
        arc_keys=wanted.arc_keys,
    )


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.azure_monitor", description="Azure Monitor on one machine."
    )
    add = parser.add_argument
    add("--routes", type=Path, required=True, help="routes.yaml: streams, tables and transforms")
    add(
        "--rule",
        action="append",
        required=True,
        help="immutable id of a data collection rule; one per ten streams",
    )
    add("--port", type=int, default=0, help="0 picks a free one")
    add("--database", default=":memory:", help="DuckDB file to keep the tables in")
    add("--keep", choices=["all", "none"], default="all", help="none: check and count only")
    add("--identity-header", required=True, help="what X-IDENTITY-HEADER must say")
    add("--limits", choices=["on", "off"], default="on", help="the limits per minute of a rule")
    add("--limit-bytes", type=int, default=BYTES_PER_MINUTE, help="raw bytes that a rule takes a minute")
    add("--limit-requests", type=int, default=REQUESTS_PER_MINUTE, help="requests that a rule takes a minute")
    add("--limit-minute", type=float, default=MINUTE, help="seconds of such a minute, for simulations")
    add("--retry-after", choices=["on", "off"], default="on", help="whether 429 says how long to wait")
    add("--token-lifetime", type=float, default=86_400.0, help="seconds that a token is good for")
    add("--arc-keys", type=Path, help="folder for the keys of Azure Arc's identity endpoint")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
