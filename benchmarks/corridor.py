"""The whole corridor against the SDK's own path: a blob in Azurite to the local endpoint.

Rule: both sides are processes of their own, pinned to one core, in turn, in the
same run, on the same blob; Azurite and the endpoint (which checks and counts, and
keeps nothing) have the other core. What is quoted is the ratio of medians.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from azure.storage.blob import BlobBlock, BlobClient, BlobServiceClient

from local.stack import azurite
from local.stack.process import Part

from .data import ROUTES, ndjson

ROOT = Path(__file__).resolve().parents[1]
RULE = "dcr-" + "0" * 31 + "b"
SECRET = "benchmark"
_CASES = (("bench", "Custom-Bench", "unchanged"), ("mapped", "Custom-Mapped", "renamed, typed, filtered"))


@contextmanager
def cores() -> Iterator[tuple[set[int], set[int]]]:
    """(for the measured side, for everything else, this process too); the same core twice where there is only one."""
    before = os.sched_getaffinity(0)
    numbers = sorted(before)
    os.sched_setaffinity(0, {numbers[-1]})  # inherited by Azurite and the endpoint
    try:
        yield {numbers[0]}, {numbers[-1]}
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def parts(folder: Path) -> Iterator[tuple[str, str]]:
    """Azurite's connection string and the endpoint's URL."""
    (folder / "routes.yaml").write_text(ROUTES)
    storage = azurite.begin(folder / "azurite.log", os.environ)
    try:
        ports = storage.wait_for(azurite.ready, 60)
        with endpoint(folder, "--limits", "off") as url:
            yield ports.connection_string, url
    finally:
        storage.stop()


@contextmanager
def endpoint(folder: Path, *options: str) -> Iterator[str]:
    """The URL of an endpoint that checks and counts, and keeps nothing; routes.yaml lies in the folder."""
    command = [sys.executable, "-m", "local.azure_monitor", "--routes", str(folder / "routes.yaml")]
    command += ["--rule", RULE, "--keep", "none", "--identity-header", SECRET, *options]
    running = Part(
        "azure-monitor", command, environment=os.environ, log_path=folder / "monitor.log", cwd=ROOT
    )
    try:
        yield running.wait_for(_url, 60)
    finally:
        running.stop()


def _url(printed: str) -> str | None:
    for line in printed.splitlines():
        if line.startswith("{"):
            return str(json.loads(line)["url"])
    return None


def upload(connection: str, name: str, size: int) -> int:
    """Drop about `size` bytes of JSON lines; the exact size."""
    container = BlobServiceClient.from_connection_string(connection).get_container_client("drop")
    if not container.exists():
        container.create_container()
    blob: BlobClient = container.get_blob_client(name)
    blocks, total = [], 0
    for number, piece in enumerate(ndjson(size)):
        blocks.append(BlobBlock(block_id=f"{number:06d}"))
        blob.stage_block(f"{number:06d}", piece)
        total += len(piece)
    blob.commit_block_list(blocks)
    return total


def run(kind: str, name: str, stream: str, environment: dict[str, str], core: set[int]) -> dict[str, Any]:
    """One side in a process of its own; its figures."""
    command = [sys.executable, "-m", "benchmarks.side", kind, f"drop/{name}"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**environment, "BENCH_STREAM": stream, "STATE_CONTAINER": f"state-{os.urandom(6).hex()}"},
        stdout=subprocess.PIPE,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, core),
    )
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def environment(connection: str, url: str, folder: Path) -> dict[str, str]:
    """The app settings, for both sides alike."""
    return {
        **os.environ,
        "DropStorage": connection,
        "DATA_COLLECTION_ENDPOINT": url,
        "LOGS_DCR_RULE_ID": RULE,
        "IDENTITY_ENDPOINT": f"{url}/msi/token",
        "IDENTITY_HEADER": SECRET,
        "NO_PROXY": "127.0.0.1",
        "BENCH_ROOT": str(folder),
    }


def measure(size: int, runs: int) -> str:
    """Measure and give the page's section."""
    with tempfile.TemporaryDirectory() as text, cores() as (core, _rest):
        folder = Path(text)
        with parts(folder) as (connection, url):
            given = environment(connection, url, folder)
            return _section(size, runs, [_case(c, size, runs, connection, given, core) for c in _CASES])


def _case(
    case: tuple[str, str, str],
    size: int,
    runs: int,
    connection: str,
    environment: dict[str, str],
    core: set[int],
) -> dict[str, Any]:
    folder, stream, title = case
    total = upload(connection, f"{folder}/big.ndjson", size)
    seen: dict[str, list[dict[str, Any]]] = {"sdk": [], "logferry": []}
    for number in range(runs):
        for kind in ("sdk", "logferry"):
            target = "Custom-Bench" if kind == "sdk" else stream
            found = run(kind, f"{folder}/big.ndjson", target, environment, core)
            seen[kind].append(found)
            rate = total / found["seconds"] / 1e6
            print(f"{title}, run {number + 1}, {kind}: {rate:.1f} MB/s", file=sys.stderr)
    row: dict[str, Any] = {"title": title}
    for kind, found in seen.items():
        row[kind] = total / statistics.median(f["seconds"] for f in found) / 1e6
        row[f"{kind}_peak"] = max(f["peak"] for f in found) / 1e6
    row["ratio"] = row["logferry"] / row["sdk"]
    return row


def _section(size: int, runs: int, rows: list[dict[str, Any]]) -> str:
    lines = [
        "## From end to end",
        "",
        f"An NDJSON blob of {size / 1e6:.0f} MB in Azurite, read, parsed, shaped, encoded and accepted by the local "
        "ingestion endpoint. Each side is a process of its own on one core, in turn, in the same run; Azurite and the "
        f"endpoint have the other core. Median of {runs} runs. The SDK side is what a competent user writes: "
        "`json.loads` for each line and `LogsIngestionClient.upload(list)`.",
        "",
        "| NDJSON | SDK alone, MB/s | Logferry, MB/s | ratio | Logferry, peak memory |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {r['title']} | {r['sdk']:.1f} | {r['logferry']:.1f} | {r['ratio']:.1f} × | {r['logferry_peak']:.0f} MB |"
        for r in rows
    ]
    lines += ["", "The SDK side sends the records as they are in both rows; it neither renames nor filters."]
    return "\n".join(lines)
