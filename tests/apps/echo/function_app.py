"""A small app for testing the host: what each function saw is in the log.

Rule: every function logs `seen {json}`; a test reads what it needs from there. A
message that begins with "fail" fails, one that begins with "sleep N" takes N seconds.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import time
from typing import Any

import azure.functions as func
from azurefunctions.extensions.bindings import blob

app = func.FunctionApp()


def _seen(function: str, **what: Any) -> None:
    logging.info("seen %s", json.dumps({"function": function, **what}, default=str))


def _obey(text: str) -> None:
    word, _, rest = text.partition(" ")
    if word == "fail":
        raise RuntimeError(f"told to fail: {rest}")
    if word == "sleep":
        time.sleep(float(rest))
    if word == "die":
        os.kill(os.getpid(), signal.SIGKILL)


@app.queue_trigger(arg_name="message", queue_name="%ECHO_QUEUE%", connection="EchoStorage")
def on_message(message: func.QueueMessage, context: func.Context) -> None:
    """Everything that a message says of itself."""
    body = message.get_body().decode()
    _seen(
        "on_message",
        body=body,
        id=message.id,
        count=message.dequeue_count,
        inserted=message.insertion_time,
        expires=message.expiration_time,
        visible=message.time_next_visible,
        receipt=message.pop_receipt,
        invocation=context.invocation_id,
        name=context.function_name,
    )
    _obey(body)


@app.queue_trigger(arg_name="message", queue_name="echo-async", connection="EchoStorage")
async def on_async(message: func.QueueMessage) -> None:
    """An async one, on the worker's loop."""
    await asyncio.sleep(0)
    _seen("on_async", body=message.get_body().decode())


@app.queue_trigger(arg_name="text", queue_name="echo-copy", connection="EchoStorage")
@app.queue_output(arg_name="out", queue_name="echo-copied", connection="EchoStorage")
def copy(text: str, out: func.Out[str]) -> None:
    """Plain text in, a message out."""
    out.set(f"copy of {text}")


@app.queue_trigger(arg_name="message", queue_name="echo-returns", connection="EchoStorage")
def returns(message: func.QueueMessage) -> str:
    """Returns a value that has no $return binding, which is an error."""
    return "something"


@app.blob_trigger(
    arg_name="file", path="%ECHO_CONTAINER%/{name}", connection="EchoStorage", source="EventGrid"
)
def on_blob(file: blob.BlobClient) -> None:
    """A reference to a blob; the content is read here."""
    content = file.download_blob().readall().decode()
    _seen("on_blob", container=file.container_name, blob=file.blob_name, content=content)
    _obey(content)


@app.blob_trigger(arg_name="file", path="streams/{name}.txt", connection="EchoStorage", source="EventGrid")
def on_stream(file: func.InputStream) -> None:
    """A blob's content, handed over."""
    _seen("on_stream", name=file.name, length=file.length, uri=file.uri, content=file.read().decode())


@app.timer_trigger(arg_name="timer", schedule="%ECHO_SCHEDULE%", run_on_startup=False, use_monitor=True)
def tick(timer: func.TimerRequest) -> None:
    """Runs when it is time; fails if told so."""
    _seen("tick", past_due=timer.past_due, at=time.time())
    _obey(os.environ.get("ECHO_TICK", ""))
