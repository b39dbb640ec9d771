"""Many small messages and files against one upload each: `python -m benchmarks.small [--messages N] [--files N]`.

Rule: both sides are processes of their own on one core, in turn, in the same run,
with as many threads as the app's own worker has; Azurite and the endpoint have the
other core, and the endpoint waits before each answer as a service far away does.
The SDK side is what a competent user writes: a function that calls
`LogsIngestionClient.upload` with the records of its message or file, one client
for all.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from azure.storage.blob import BlobServiceClient

from . import corridor
from .data import ndjson
from .ferry import begin
from .peak import peak_mb

THREADS = 128
"""PYTHON_THREADPOOL_THREAD_COUNT of the app as it is deployed."""
FILE_BYTES = 2_000


def records(count: int) -> list[bytes]:
    """One record each."""
    lines: list[bytes] = []
    for piece in ndjson(count * 300):
        lines += piece.splitlines()
    return lines[:count]


def _client() -> Any:
    from azure.identity import ManagedIdentityCredential
    from azure.monitor.ingestion import LogsIngestionClient

    return LogsIngestionClient(os.environ["DATA_COLLECTION_ENDPOINT"], ManagedIdentityCredential())


def sdk_messages(count: int) -> Callable[[int], object]:
    """An upload for each message."""
    client, rule, bodies = _client(), os.environ["LOGS_DCR_RULE_ID"], records(count)

    def one(number: int) -> None:
        client.upload(rule, "Custom-Bench", [json.loads(bodies[number])], enforce_https=False)

    return one


def sdk_files(_count: int) -> Callable[[int], object]:
    """An upload for each file."""
    client, rule = _client(), os.environ["LOGS_DCR_RULE_ID"]
    container = BlobServiceClient.from_connection_string(os.environ["DropStorage"]).get_container_client(
        "drop"
    )

    def one(number: int) -> None:
        text = container.download_blob(_name(number)).readall()
        client.upload(
            rule, "Custom-Bench", [json.loads(line) for line in text.splitlines()], enforce_https=False
        )

    return one


def logferry_messages(count: int) -> Callable[[int], object]:
    """What the queue trigger does."""
    from shared.handlers import message

    app, now = begin(), time.time()
    bodies = [b'{"route":"bench","records":[%s]}' % body for body in records(count)]
    return lambda number: message.take(app, bodies[number], f"m{number}", now)


def logferry_files(_count: int) -> Callable[[int], object]:
    """What the blob trigger does."""
    from shared.handlers import blob

    app = begin()
    return lambda number: blob.take(app, "drop", _name(number))


SIDES = {f"{side.__name__}": side for side in (sdk_messages, sdk_files, logferry_messages, logferry_files)}


def _name(number: int) -> str:
    return f"bench/{number // 100}/{number}.ndjson"


def here(kind: str, count: int, threads: int) -> None:
    """Run one side and print its figures."""
    one = SIDES[kind](count)
    one(0)  # the token, and what is imported when first used
    began, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        for done in pool.map(one, range(1, count)):
            assert not done, done
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak_mb()}))


def upload_files(connection: str, count: int) -> None:
    """Drop them."""
    container = BlobServiceClient.from_connection_string(connection).get_container_client("drop")
    if not container.exists():
        container.create_container()
    text = b"".join(line + b"\n" for line in records(FILE_BYTES // 240))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: container.upload_blob(_name(n), text, overwrite=True), range(count)))


def call(url: str, path: str, value: Any = None, method: str | None = None) -> Any:
    """Ask the endpoint's control interface."""
    data = None if value is None else json.dumps(value).encode()
    request = urllib.request.Request(url + path, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request) as reply:
        return json.loads(reply.read())


def _posts(url: str) -> int:
    return sum(sum(metric["ApiCallReceived_Count"].values()) for metric in call(url, "/local/metrics"))


def run(kind: str, count: int, threads: int, environment: dict[str, str], core: set[int]) -> dict[str, Any]:
    """One side in a process of its own; its figures and its posts."""
    url = environment["DATA_COLLECTION_ENDPOINT"]
    before = _posts(url)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.small", "--here", kind, str(count), str(threads)],
        cwd=corridor.ROOT,
        env={**environment, "STATE_CONTAINER": f"state-{os.urandom(6).hex()}"},
        stdout=subprocess.PIPE,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, core),
    )
    found: dict[str, Any] = json.loads(done.stdout)
    found["posts"], found["rate"] = _posts(url) - before, count / found["seconds"]
    print(
        f"{kind}: {found['rate']:.0f}/s, {found['posts']} posts, {found['cpu'] / count * 1e3:.2f} ms of processor each, "
        f"peak {found['peak']} MB",
        file=sys.stderr,
    )
    return found


def measure(messages: int, files: int, runs: int, delay: float, threads: int = THREADS) -> str:
    """Measure and give the page's section."""
    with tempfile.TemporaryDirectory() as text, corridor.cores() as (core, _rest):
        folder = Path(text)
        with corridor.parts(folder) as (connection, url):
            call(url, "/local/faults", {"delay": delay, "times": 100_000_000})
            environment = corridor.environment(connection, url, folder)
            rows = []
            if files:
                upload_files(connection, files)
            for title, what, count in (
                ("messages of one record", "messages", messages),
                ("files of 2 KB", "files", files),
            ):
                if count:
                    rows.append(_row(title, what, count, runs, threads, environment, core))
            return _section(rows, delay, threads, runs)


def _row(
    title: str, what: str, count: int, runs: int, threads: int, environment: dict[str, str], core: set[int]
) -> str:
    seen: dict[str, list[dict[str, Any]]] = {"sdk": [], "logferry": []}
    for _ in range(runs):
        for side, found in seen.items():
            found.append(run(f"{side}_{what}", count, threads, environment, core))
    sdk, own = (statistics.median(f["rate"] for f in seen[side]) for side in ("sdk", "logferry"))
    posts = statistics.median(f["posts"] for f in seen["logferry"])
    return f"| {count:,} {title} | {sdk:,.0f} | {own:,.0f} | {own / sdk:.1f} × | {posts:,.0f} | {count / posts:.0f} |"


def _section(rows: list[str], delay: float, threads: int, runs: int) -> str:
    lines = [
        "## Many small ones",
        "",
        f"Each message or file is an invocation; {threads} of them run at once, on both sides, in a process of its own on one "
        f"core; the endpoint answers after {delay * 1000:.0f} ms. The SDK side makes one `upload` for each. Median of {runs} runs.",
        "",
        "| | one upload each, a second | Logferry, a second | ratio | Logferry's posts | to a post |",
        "| --- | --- | --- | --- | --- | --- |",
        *rows,
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, or be one side."""
    if sys.argv[1:2] == ["--here"]:
        here(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks.small", description=__doc__)
    parser.add_argument("--messages", type=int, default=5_000)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--delay", type=float, default=0.1)
    parser.add_argument("--threads", type=int, default=THREADS)
    options = parser.parse_args()
    print(measure(options.messages, options.files, options.runs, options.delay, options.threads))


if __name__ == "__main__":
    main()
