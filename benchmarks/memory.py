"""Peak memory of one process with many blobs at once: `python -m benchmarks.memory [TURNS ...]`.

TURNS are values of CONCURRENT_BLOBS to compare (default 1 4 12), each in a process of its
own over the same blobs: twelve of 12 MB, and as many compressed ones as host.json lets run
at once, of 2.7 MB of text each.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from azure.storage.blob import BlobServiceClient

from . import corridor
from .data import ndjson
from .ferry import begin
from .peak import peak_mb

LARGE, SIZE = 12, 12_000_000
PACKED, TEXT = 32, 2_700_000


def take_all(names: list[str]) -> int:
    """Take the blobs, all at once, as a host would; the process's peak memory in MB."""
    from concurrent.futures import ThreadPoolExecutor

    from shared.handlers import blob

    app = begin()
    with ThreadPoolExecutor(len(names)) as pool:
        for done in [pool.submit(blob.take, app, "drop", name) for name in names]:
            done.result()
    return peak_mb()


def main() -> None:
    """Measure each number of turns."""
    if sys.argv[1:2] == ["--here"]:
        print(take_all(sys.argv[2:]))
        return
    with tempfile.TemporaryDirectory() as text, corridor.parts(Path(text)) as (connection, url):
        environment = corridor.environment(connection, url, Path(text))
        cases = {
            f"{LARGE} blobs of {SIZE / 1e6:.0f} MB": _large(connection),
            f"{PACKED} compressed blobs, {TEXT / 1e6:.1f} MB of text each": _packed(connection),
        }
        for title, names in cases.items():
            for turns in sys.argv[1:] or ["1", "4", "12"]:
                print(
                    f"{title}, CONCURRENT_BLOBS={turns}: peak {_peak(names, turns, environment)} MB",
                    flush=True,
                )


def _large(connection: str) -> list[str]:
    names = [f"bench/{number}.ndjson" for number in range(LARGE)]
    for name in names:
        corridor.upload(connection, name, SIZE)
    return names


def _packed(connection: str) -> list[str]:
    data = gzip.compress(b"".join(ndjson(TEXT)))
    container = BlobServiceClient.from_connection_string(connection).get_container_client("drop")
    names = [f"bench/{number}.ndjson.gz" for number in range(PACKED)]
    for name in names:
        container.upload_blob(name, data)
    return names


def _peak(names: list[str], turns: str, environment: dict[str, str]) -> int:
    more = {"CONCURRENT_BLOBS": turns, "STATE_CONTAINER": f"state-{os.urandom(6).hex()}"}
    command = [sys.executable, "-m", "benchmarks.memory", "--here", *names]
    run = subprocess.run(
        command, cwd=corridor.ROOT, env={**environment, **more}, stdout=subprocess.PIPE, text=True, check=True
    )
    return int(run.stdout)


if __name__ == "__main__":
    main()
