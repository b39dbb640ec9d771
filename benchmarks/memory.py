"""Peak memory of one process with twelve blobs at once: `python -m benchmarks.memory [TURNS ...]`.

TURNS are values of CONCURRENT_BLOBS to compare (default 1 4 12), each in a process
of its own over the same twelve blobs of 12 MB.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from . import corridor
from .peak import peak_mb

BLOBS = 12
SIZE = 12_000_000


def take_all() -> int:
    """Take the blobs, all at once, as a host would; the process's peak memory in MB."""
    from concurrent.futures import ThreadPoolExecutor

    from shared import settings
    from shared.app import App
    from shared.handlers import blob

    app = App(settings.read(os.environ), Path(os.environ["BENCH_ROOT"]))
    with ThreadPoolExecutor(BLOBS) as pool:
        for done in [pool.submit(blob.take, app, "drop", f"bench/{n}.ndjson") for n in range(BLOBS)]:
            done.result()
    return peak_mb()


def main() -> None:
    """Measure each number of turns."""
    if sys.argv[1:] == ["--here"]:
        print(take_all())
        return
    with tempfile.TemporaryDirectory() as text, corridor.parts(Path(text)) as (connection, url):
        environment = corridor.environment(connection, url, Path(text))
        for number in range(BLOBS):
            corridor.upload(connection, f"bench/{number}.ndjson", SIZE)
        for turns in sys.argv[1:] or ["1", "4", "12"]:
            more = {"CONCURRENT_BLOBS": turns, "STATE_CONTAINER": f"state-{os.urandom(6).hex()}"}
            command = [sys.executable, "-m", "benchmarks.memory", "--here"]
            run = subprocess.run(
                command,
                cwd=corridor.ROOT,
                env={**environment, **more},
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            print(f"{BLOBS} blobs of {SIZE // 1_000_000} MB, {turns} at a time: peak {run.stdout.strip()} MB")


if __name__ == "__main__":
    main()
