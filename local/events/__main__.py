"""python -m local.events: one line of JSON on stdout when subscribed, a log on stderr.

Rule: the connection string is in EVENTS_STORAGE, never on the command line. Exit
codes: 0 after SIGTERM or SIGINT, 2 when the webhook does not shake hands.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueClient

from . import CONNECTION
from .access_log import parse
from .deliver import Deliveries, NotTakenError, RefusedError, StorageQueue, Target, Webhook, head
from .event import SCHEMAS, pauses, subject
from .tail import Tail

HANDSHAKES = 15


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until told to stop."""
    wanted = _arguments(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("azure").setLevel(logging.WARNING)
    try:
        return asyncio.run(_run(wanted))
    except RefusedError as error:
        sys.stderr.write(f"No subscription: {error}\n")
        return 2


async def _run(wanted: argparse.Namespace) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as opened:
        blobs = await opened.enter_async_context(
            BlobServiceClient.from_connection_string(os.environ[CONNECTION], retry_total=1, initial_backoff=0)
        )
        # From before the handshake on: what is written while it goes on is not missed.
        tail = Tail(wanted.log, from_start=wanted.from_start)
        target = await _target(wanted, opened)
        make = partial(SCHEMAS[wanted.schema], endpoint=wanted.blob_endpoint)
        copies = 2 if wanted.twice else 1
        deliveries = Deliveries(target, make, partial(head, blobs), copies=copies, late=wanted.late)
        following = asyncio.create_task(_follow(tail, deliveries, wanted))
        sys.stdout.write(json.dumps({"ready": True, "url": wanted.webhook or wanted.queue}) + "\n")
        sys.stdout.flush()
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({stopping, following}, return_when=asyncio.FIRST_COMPLETED)
        if following.done():  # it only ends by an exception
            following.result()
        following.cancel()
    return 0


async def _follow(tail: Tail, deliveries: Deliveries, wanted: argparse.Namespace) -> None:
    account_path = urlsplit(wanted.blob_endpoint).path
    begins = wanted.subject_begins_with or f"/blobServices/default/containers/{wanted.container}/"
    async for line in tail.lines():
        written = parse(line, account_path)
        if written is not None and subject(written).startswith(begins):
            await deliveries.add(written)


async def _target(wanted: argparse.Namespace, opened: AsyncExitStack) -> Target:
    if wanted.queue:
        queue = QueueClient.from_connection_string(os.environ[CONNECTION], wanted.queue)
        return StorageQueue(await opened.enter_async_context(queue))
    timeout = aiohttp.ClientTimeout(total=30)  # Event Grid's
    webhook = Webhook(
        await opened.enter_async_context(aiohttp.ClientSession(timeout=timeout)), wanted.webhook
    )
    waits = pauses()
    for attempt in range(1, HANDSHAKES + 1):
        try:
            await webhook.subscribe()
        except NotTakenError as error:
            if attempt == HANDSHAKES:
                raise RefusedError(f"no handshake in {HANDSHAKES} tries: {error}") from error
            await asyncio.sleep(next(waits))
        else:
            break
    return webhook


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.events", description="Event Grid on one machine.")
    add = parser.add_argument
    add("--log", type=Path, required=True, help="Azurite's access log")
    add("--blob-endpoint", required=True, help="http://127.0.0.1:PORT/devstoreaccount1")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--webhook", help="URL that takes the events")
    where.add_argument("--queue", help="or a storage queue of the same account")
    add("--container", default="drop", help="whose blobs are told of")
    add("--subject-begins-with", help="the subscription's filter; the container's by default")
    add("--schema", choices=sorted(SCHEMAS), default="eventgrid")
    add("--from-start", action="store_true", help="tell of what the log holds already, too")
    add("--twice", action="store_true", help="deliver every event twice")
    add(
        "--late",
        type=float,
        default=0.0,
        help="hold each event back for up to so many seconds",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
