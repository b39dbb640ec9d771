"""Triggers and bindings, and nothing else: each function hands its event to shared/handlers.

What a handler needs is imported when it first runs, so that a cold start loads
only what indexing the functions takes. App settings in %percent signs% are
resolved by the host.
"""

import azure.functions as func
from azurefunctions.extensions.bindings import blob

from shared.heap import share_arenas

share_arenas()  # before there are threads: those that a thread has by then stay

app = func.FunctionApp()


@app.blob_trigger(
    arg_name="file", path="%DROP_CONTAINER%/{name}", connection="DropStorage", source="EventGrid"
)
def on_blob(file: blob.BlobClient) -> None:
    """A file was dropped. Only a reference arrives; the app reads the content itself."""
    from shared.app import app as ferry
    from shared.handlers import blob as handler

    handler.take(ferry(), file.container_name, file.blob_name)


@app.queue_trigger(arg_name="message", queue_name="%INGEST_QUEUE%", connection="DropStorage")
def on_message(message: func.QueueMessage) -> None:
    """Somebody put a message on the queue: records, or the name of a blob."""
    from shared.app import app as ferry
    from shared.handlers import message as handler

    inserted = message.insertion_time.timestamp() if message.insertion_time else 0.0
    handler.take(ferry(), message.get_body(), message.id or "", inserted, message.dequeue_count or 1)


@app.queue_trigger(arg_name="message", queue_name="%WORK_QUEUE%", connection="DropStorage")
def on_work(message: func.QueueMessage) -> None:
    """The app's own work: continuations, deferred sources, what the sweep found."""
    from shared.app import app as ferry
    from shared.handlers import work as handler

    inserted = message.insertion_time.timestamp() if message.insertion_time else 0.0
    handler.take(ferry(), message.get_body(), message.id or "", inserted, message.dequeue_count or 1)


@app.timer_trigger(arg_name="timer", schedule="%SWEEP_SCHEDULE%", run_on_startup=False, use_monitor=True)
def sweep(timer: func.TimerRequest) -> None:
    """Look for blobs that raised no event, and for work that was left behind."""
    from shared.app import app as ferry
    from shared.handlers import sweep as handler

    handler.sweep(ferry())
