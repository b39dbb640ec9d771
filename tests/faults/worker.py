"""Workers in processes of their own: `python -m tests.faults.worker ROOT blob NAME COUNT | message ID TEXT`.

Each says "ready", waits for standard input to end, does what it was asked, and says
"returned". Several are made by fork, before anything but modules is there.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import azure.identity
import azure.monitor.ingestion
import azure.storage.blob
import azure.storage.queue  # noqa: F401 - imported once, before the forks

from shared import settings
from shared.app import App
from shared.handlers import blob, message


def main(root: str, do: str, first: str, second: str) -> None:
    """Make an App from the environment and take one thing."""
    count = int(second) if do == "blob" else 1
    children: list[int] = []
    for _ in range(count - 1):
        child = os.fork()
        if not child:
            children = []
            break
        children.append(child)
    app = App(settings.read(os.environ), Path(root))
    os.write(1, b"ready\n")
    while os.read(0, 1):
        pass
    if do == "blob":
        blob.take(app, app.settings.drop_container, first)
    else:
        message.take(app, second.encode(), first, 1_795_500_000.0)
    os.write(1, b"returned\n")
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
