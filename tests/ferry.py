"""The app on real parts: Azurite, the local Azure Monitor, the real SDKs; a set of containers per test."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from shared import settings
from shared.app import App
from shared.handlers import blob, message, sweep, work
from shared.handlers.poison import BLOBS
from shared.ledger.claims import PREFIX
from shared.ledger.deadletter import DOCUMENT
from shared.ledger.entry import Entry, parse
from shared.routes import loads
from tests.azurite import Account
from tests.monitor import MonitorUnderTest, monitor

ROUTES = """
routes:
  lines:
    from: { blobs: ["lines/**"] }
    format: ndjson
    table: Lines_CL
    columns: { Name: {}, Size: { type: int } }
  rows:
    from: { blobs: ["rows/**"] }
    format: csv
    table: Rows_CL
    columns: { Name: { from: name }, Size: { type: int, from: size } }
    drop: { Name: [skip] }
  events:
    from: { messages: true }
    format: json
    table: Events_CL
    columns: { Name: { from: name } }
"""


class Ferry:
    """An App, and the storage around it."""

    def __init__(
        self, account: Account, root: Path, endpoint: str, server: MonitorUnderTest, **more: str
    ) -> None:
        key = uuid.uuid4().hex[:10]
        self.server = server
        self.environ = {
            "DropStorage": account.connection_string,
            "DATA_COLLECTION_ENDPOINT": endpoint,
            "LOGS_DCR_RULE_ID": ",".join(server.rules),
            "DROP_CONTAINER": f"drop-{key}",
            "STATE_CONTAINER": f"state-{key}",
            "DEADLETTER_CONTAINER": f"dead-{key}",
            "WORK_QUEUE": f"work-{key}",
            "RETRY_SECONDS": "0",
            "SWEEP_SETTLE_SECONDS": "0",
            **more,
        }
        self.root = root
        self.blobs = BlobServiceClient.from_connection_string(account.connection_string)
        self.queues = QueueServiceClient.from_connection_string(account.connection_string)
        self.drop_container = self.blobs.create_container(self.environ["DROP_CONTAINER"])
        self.work_queue = self.queues.create_queue(self.environ["WORK_QUEUE"])
        self.app = self.again()

    def again(self, **more: str) -> App:
        """A new App over the same storage, as another worker would make it."""
        self.app = App(settings.read({**self.environ, **more}), self.root)
        return self.app

    def drop(self, name: str, content: bytes) -> None:
        """Upload a blob; no event is raised."""
        self.drop_container.upload_blob(name, content, overwrite=True)

    def take(self, name: str) -> None:
        """What the blob trigger does."""
        blob.take(self.app, self.environ["DROP_CONTAINER"], name)

    def send(self, value: Any, key: str = "", tries: int = 1) -> None:
        """What the queue trigger does; `key` is the message's id, `tries` how often the queue has given it out."""
        text = value if isinstance(value, bytes) else json.dumps(value).encode()
        message.take(self.app, text, key or uuid.uuid4().hex, 1_795_500_000.0, tries)

    def sweep(self) -> int:
        """What the timer does."""
        return sweep.sweep(self.app)

    def queued(self) -> list[dict[str, Any]]:
        """Work messages, those not visible yet included; they are removed."""
        found = [json.loads(m.content) for m in self.work_queue.peek_messages(32)]
        count = self.work_queue.get_queue_properties().approximate_message_count or 0
        self.work_queue.clear_messages()
        return found if len(found) == count else [*found, *[{"do": "later"}] * (count - len(found))]

    def work(self, value: dict[str, Any]) -> None:
        """What the trigger of the app's own queue does."""
        work.take(self.app, json.dumps(value).encode())

    def entry(self, name: str) -> Entry:
        """A blob's entry in the ledger."""
        stored = self.app.state.read(f"{PREFIX}{self.environ['DROP_CONTAINER']}/{name}")
        assert stored is not None
        return parse(stored.document)

    def dead(self) -> list[dict[str, Any]]:
        """Everything in the dead letter."""
        container = self.blobs.get_container_client(self.environ["DEADLETTER_CONTAINER"])
        if not container.exists():
            return []
        names = [b.name for b in container.list_blobs() if b.name.endswith(DOCUMENT)]
        texts = [container.download_blob(name).readall() for name in names]
        return [json.loads(line) for text in texts for line in text.splitlines()]

    def forget_poison(self) -> None:
        """Remove the queue of blob events that hosts gave up: one for the account, whichever test filled it."""
        with suppress(ResourceNotFoundError):
            self.queues.delete_queue(BLOBS)

    def close(self) -> None:
        """Close the clients."""
        self.blobs.close()
        self.queues.close()


@contextmanager
def ferry(account: Account, root: Path, routes: str = ROUTES, **more: str) -> Iterator[Ferry]:
    """An App with a monitor that knows its routes."""
    (root / "routes.yaml").write_text(routes)
    with monitor(loads(routes)) as server:
        made = Ferry(account, root, server.url, server, **more)
        made.forget_poison()
        yield made
        made.close()
