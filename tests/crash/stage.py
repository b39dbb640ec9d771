"""Storage, endpoint, nursery and settings together; one life of the host after the other.

Rule: the host is started with app settings and host.json overrides alone; times that
decide how long a test waits are short, all else is the default or smaller. Invariant:
when `close` returns, nothing that was started here is left.
"""

from __future__ import annotations

import http.client
import json
import os
import select
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from urllib.parse import quote

import msgspec
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local.stack import environment
from local.stack.host import free_port
from shared.sources.work import Work
from tests.crash import records
from tests.crash.endpoint import RULE, Endpoint, Side, serve
from tests.crash.points import BY_NAME, ENDPOINT, Trap

ROOT = Path(__file__).resolve().parents[2]
WINDOW = 3
CLAIM_SECONDS = 5
LOCK_SECONDS = 8
SETTLE_SECONDS = 6
PART_BYTES = 100_000
SETTINGS = {
    "UPLOAD_WINDOW": str(WINDOW),
    "BATCH_BYTES": "4000",
    "READ_BYTES": "65536",
    "CLAIM_SECONDS": str(CLAIM_SECONDS),
    "RETRY_SECONDS": "2",
    "SWEEP_SETTLE_SECONDS": str(SETTLE_SECONDS),
    "PART_BYTES": str(PART_BYTES),
    "PYTHON_THREADPOOL_THREAD_COUNT": "12",
    "SWEEP_SCHEDULE": "*/4 * * * * *",
    "AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:01",
    "AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:00.3",
    "AzureFunctionsJobHost__extensions__queues__maxDequeueCount": "1000",
    "AzureFunctionsJobHost__extensions__blobs__poisonBlobThreshold": "1000",
}
"""What a campaign runs with. A message is never given up for the hosts that died on it."""


class Nursery:
    """The process that forks hosts, and the one life that it has."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # a line at a time: select must see what is there
            cwd=ROOT,
            env=environment.clean(),
            start_new_session=True,
        )
        self._answer()

    def begin(self, **life: Any) -> int:
        """Begin a life; its pid."""
        self._tell({"life": life})
        return int(self._answer()["began"])

    def kill(self, pid: int) -> None:
        """End that life now, if it is not over; `ended` tells when it is."""
        self._tell({"kill": pid})

    def stop(self, pid: int) -> None:
        """Ask it to end."""
        self._tell({"stop": pid})

    def ended(self, seconds: float | None = None) -> dict[str, Any] | None:
        """Wait for the life's end, so long at most; None if it lives on."""
        readable, _, _ = select.select([self._process.stdout], [], [], seconds)
        return self._answer() if readable else None

    def close(self) -> None:
        """End everything."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _tell(self, value: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(value).encode() + b"\n")
        self._process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the nursery ended with {self._process.wait()}")
        return dict(json.loads(line))


class Stage:
    """Containers and queues of their own, an endpoint, and hosts that come and go.

    Args:
        connection_string: of an Azurite.
        endpoint: one that listens.
        nursery: where hosts come from.
        folder: for logs.
        more: further settings; they win.
        routes: what the routes file says; `mend` writes another.
    """

    def __init__(
        self,
        connection_string: str,
        endpoint: Endpoint,
        nursery: Nursery,
        folder: Path,
        more: Mapping[str, str],
        routes: str = records.ROUTES,
    ) -> None:
        self.endpoint, self.nursery = endpoint, nursery
        self.key = uuid.uuid4().hex[:10]
        self.log = folder / f"{self.key}.log"
        self._words = folder / f"{self.key}.words"
        self._port = free_port()
        self._routes = folder / "routes.yaml"
        self._routes.write_text(routes)
        self.mended = routes == records.ROUTES
        self.life = self.pid = 0
        self.settings = {
            "AzureWebJobsStorage": connection_string,
            "DropStorage": connection_string,
            "DATA_COLLECTION_ENDPOINT": endpoint.url,
            "LOGS_DCR_RULE_ID": RULE,
            "AzureFunctionsWebHost__hostid": self.key,
            **{
                name: f"{word}-{self.key}"
                for name, word in (
                    ("DROP_CONTAINER", "drop"),
                    ("STATE_CONTAINER", "state"),
                    ("DEADLETTER_CONTAINER", "dead"),
                    ("INGEST_QUEUE", "ingest"),
                    ("WORK_QUEUE", "work"),
                )
            },
            "ROUTES_FILE": str(self._routes),
            **SETTINGS,
            **more,
        }
        self.blobs = BlobServiceClient.from_connection_string(connection_string)
        self.queues = QueueServiceClient.from_connection_string(connection_string)
        self.drop = self.blobs.create_container(self.settings["DROP_CONTAINER"])
        # There before the first file, as where infra/ made it: the sweep leaves files from before it alone.
        self.state = self.blobs.create_container(self.settings["STATE_CONTAINER"])
        self.dead = self.blobs.get_container_client(self.settings["DEADLETTER_CONTAINER"])
        self.ingest = self.queues.create_queue(self.settings["INGEST_QUEUE"])
        self.work = self.queues.create_queue(self.settings["WORK_QUEUE"])
        self.poison = self.queues.create_queue(f"{self.settings['INGEST_QUEUE']}-poison")
        self.events = self.queues.get_queue_client(f"azure-webjobs-blobtrigger-{self.key}")

    # -- lives --------------------------------------------------------------------------------

    def begin(self, trap: Trap | None = None, seconds: float | None = None) -> None:
        """Begin a life.

        Args:
            trap: where it ends.
            seconds: when it ends, whatever it is at.
        """
        self.life += 1
        self.endpoint.disarm()
        self._note(f"life {self.life}: {trap}, {seconds} s")
        side = BY_NAME[trap.point].target.partition(f"{ENDPOINT}:")[2] if trap and trap.point else ""
        self.pid = self.nursery.begin(
            environment=self._environment(),
            arguments=[
                *("--app", str(ROOT), "--port", str(self._port)),
                *("--log", str(self.log), "--lock-seconds", str(LOCK_SECONDS)),
            ],
            log=str(self.log),
            words=str(self._words),
            trap=None if side else trap,
            seconds=seconds,
        )
        if trap is not None and side:
            self.endpoint.arm(cast("Side", side), trap.nth, partial(self.nursery.kill, self.pid))

    def ended(self, seconds: float | None = None) -> str | None:
        """Wait for the life's end: where it died ("after checkpoint"), "" where no trap was met.

        Args:
            seconds: so long at most; then None, if it lives on.
        """
        over = self.nursery.ended(seconds)
        if over is None:
            return None
        fired = self.endpoint.fired()
        self.endpoint.disarm()
        if over["ended"] != -9 and over["ended"] != 0:
            output = Path(f"{self.log}.out").read_text(encoding="utf-8", errors="replace")
            raise RuntimeError(f"the host ended with {over['ended']}:\n{output[-60_000:]}")
        return str(over["words"] or fired)

    def mend(self) -> None:
        """The routes file as it should be, for the lives that begin from now on."""
        self._routes.write_text(records.ROUTES)
        self.mended = True

    def put_work(self, work: Work) -> None:
        """Put work on the app's own queue, as the command line does."""
        self.work.send_message(msgspec.json.encode(work).decode(), time_to_live=-1)

    def ledger(self) -> dict[str, dict[str, str]]:
        """State, version and route of every entry, by path in the drop container: from one listing."""
        prefix = f"blobs/{self.settings['DROP_CONTAINER']}/"
        rows = self.state.list_blobs(name_starts_with=prefix, include=["metadata"])
        return {row.name.removeprefix(prefix): row.metadata for row in rows}

    def over(self) -> set[str]:
        """Files that are done, by the ledger."""
        return {name for name, told in self.ledger().items() if told["state"] == "done"}

    def _environment(self) -> dict[str, str]:
        return {**environment.clean(os.environ), **self.settings, **self.endpoint.identity(self.life)}

    def _note(self, text: str) -> None:
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"=== {text}\n")

    def log_text(self) -> str:
        """What all lives have logged."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    # -- the host's face ----------------------------------------------------------------------

    def announce(self, name: str) -> bool:
        """Post BlobCreated to the host, as Event Grid does; whether it said yes."""
        container = self.settings["DROP_CONTAINER"]
        event = {
            "eventType": "Microsoft.Storage.BlobCreated",
            "subject": f"/blobServices/default/containers/{container}/blobs/{name}",
            "data": {"url": f"{self.blobs.url}{container}/{quote(name)}"},
        }
        path = "/runtime/webhooks/blobs?functionName=Host.Functions.on_blob"
        return self._post(path, [event], {"aeg-event-type": "Notification"}) == 202

    def sweep(self) -> bool:
        """Run the sweep now, beside whatever the timer does."""
        return self._post("/admin/functions/sweep", {}, {}) == 202

    def _post(self, path: str, value: Any, headers: Mapping[str, str]) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            body = json.dumps(value)
            connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0  # it is not up yet, or not any more
        finally:
            connection.close()

    def up(self, seconds: float = 30.0) -> bool:
        """Wait until the host listens."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self._post("/admin/functions/none", {}, {}):
                return True
            time.sleep(0.01)
        return False

    def close(self) -> None:
        """Remove what is in storage; clients too."""
        for container in (self.drop, self.state, self.dead):
            if container.exists():
                container.delete_container()
        self.blobs.close()
        self.queues.close()


@contextmanager
def nursery() -> Iterator[Nursery]:
    """A nursery, ended with all that it has."""
    made = Nursery()
    try:
        yield made
    finally:
        made.close()


@contextmanager
def stage(
    connection_string: str,
    hosts: Nursery,
    endpoint: Endpoint,
    more: Mapping[str, str] | None = None,
    routes: str = records.ROUTES,
) -> Iterator[Stage]:
    """A stage with this endpoint; see Stage."""
    with (
        serve(endpoint),
        TemporaryDirectory(prefix="logferry-crash-") as folder,
    ):
        made = Stage(connection_string, endpoint, hosts, Path(folder), more or {}, routes)
        try:
            yield made
        finally:
            made.close()
