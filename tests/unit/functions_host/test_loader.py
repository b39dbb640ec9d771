"""Functions and their bindings, as azure-functions declares them."""

from __future__ import annotations

from typing import Any

import azure.functions as func
import pytest
from azurefunctions.extensions.bindings import blob

from local.functions_host.bindings import Data, decode, encode_queue, is_deferred
from local.functions_host.config import HostError
from local.functions_host.loader import Function, index


def indexed(app: func.FunctionApp) -> Function:
    """The one function of an app."""
    return index(app.get_functions()[0])


def queue_function(app: func.FunctionApp, **more: Any) -> Any:
    """The decorator of a queue trigger."""
    return app.queue_trigger(arg_name="message", queue_name="q", connection="C", **more)


def test_http_trigger_is_refused_by_name() -> None:
    """A trigger that this host lacks is named with its function, and Core Tools as the way out."""
    app = func.FunctionApp()

    @app.route(route="x")
    def page(req: func.HttpRequest) -> str:
        return ""

    with pytest.raises(HostError, match=r"Function page: this host has no httpTrigger.*Core Tools"):
        indexed(app)


def test_polling_blob_trigger_is_refused() -> None:
    """A blob trigger without source EventGrid is refused, as Flex Consumption has none."""
    app = func.FunctionApp()

    @app.blob_trigger(arg_name="file", path="drop/{name}", connection="C")
    def on_blob(file: blob.BlobClient) -> None: ...

    with pytest.raises(HostError, match='needs source="EventGrid"'):
        indexed(app)


def test_other_bindings_are_refused() -> None:
    """An output that is no queue is named with its parameter and type."""
    app = func.FunctionApp()

    @queue_function(app)
    @app.blob_output(arg_name="out", path="c/x", connection="C")
    def copy(message: str, out: func.Out[str]) -> None: ...

    with pytest.raises(HostError, match=r"Function copy: this host has no out binding of type blob \(out\)"):
        indexed(app)


def test_parameters_and_bindings_must_agree() -> None:
    """A parameter without a binding, or an output not annotated Out, does not load, as in the worker."""
    app = func.FunctionApp()

    @queue_function(app)
    def more(message: str, other: str) -> None: ...

    with pytest.raises(HostError, match="parameters without a binding: other"):
        indexed(app)
    app = func.FunctionApp()

    @queue_function(app)
    @app.queue_output(arg_name="out", queue_name="q2", connection="C")
    def wrong(message: str, out: str) -> None: ...

    with pytest.raises(HostError, match=r"not a subclass of azure\.functions\.Out"):
        indexed(app)


def test_queue_message_in_each_annotation() -> None:
    """QueueMessage, str, bytes and no annotation each get what the worker gives them."""
    data = Data("ä", "string", {"Id": "1", "DequeueCount": 3, "InsertionTime": "2026-01-02T03:04:05+00:00"})

    def as_message(message: func.QueueMessage) -> None: ...
    def as_str(message: str) -> None: ...
    def as_bytes(message: bytes) -> None: ...
    def as_it_is(message) -> None: ...  # type: ignore[no-untyped-def]

    values = []
    for function in (as_message, as_str, as_bytes, as_it_is):
        app = func.FunctionApp()
        queue_function(app)(function)
        values.append(decode(indexed(app), data))
    assert values[0].get_body() == values[3].get_body() == "ä".encode()
    assert (values[0].id, values[0].dequeue_count, values[0].insertion_time.hour) == ("1", 3, 3)
    assert values[1:3] == ["ä", "ä".encode()]


def test_sdk_types_are_deferred() -> None:
    """A BlobClient parameter is made from a reference; an InputStream is not."""
    assert is_deferred(blob.BlobClient)
    assert not is_deferred(func.InputStream)
    assert not is_deferred(None)


def test_queue_outputs() -> None:
    """Text, bytes, a message and a list become messages; anything else is an error."""
    assert encode_queue("ä", str) == ["ä".encode()]
    assert encode_queue(b"x", bytes) == [b"x"]
    assert encode_queue(func.QueueMessage(body="y"), None) == [b"y"]
    assert encode_queue(["a", "b"], None) == [b"a", b"b"]
    with pytest.raises(TypeError, match="does not take a int"):
        encode_queue(3, None)
