"""Trigger data to Python values, and outputs back.

Rule: azure-functions' own converters do it (Datum and the registry in
azure.functions.meta; azurefunctions.extensions.base for SDK types such as
BlobClient), so a function sees the very objects that it sees in Azure. Parameters
annotated str or bytes get the plain text, as from the worker's generic binding.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from azure.functions import meta

from .loader import Function

_registry: Any = meta.get_binding_registry  # not typed there
_CONVERTERS: Any = _registry()


@dataclass(frozen=True, slots=True)
class Data:
    """What a listener hands over: the value, and the trigger's metadata as JSON values."""

    value: Any
    kind: str
    """string, bytes, json or model_binding_data."""
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelBindingData:
    """The message of the same name, by which the host hands over a reference."""

    content: str
    source: str = "AzureStorageBlobs"
    version: str = "1.0"
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Always empty here."""

    trace_parent: str = ""
    trace_state: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RetryContext:
    """Retry policies do not apply to blob, queue and timer triggers here: always the first try."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: Any = None


@dataclass(frozen=True, slots=True)
class Context:
    """What a parameter named `context` gets; the fields of azure.functions.Context."""

    function_name: str
    function_directory: str
    invocation_id: str
    thread_local_storage: threading.local
    trace_context: TraceContext = field(default_factory=TraceContext)
    retry_context: RetryContext = field(default_factory=RetryContext)


class Out:
    """What an output parameter gets."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, value: Any) -> None:
        """Write this when the function returns."""
        self._value = value

    def get(self) -> Any:
        """What was set last."""
        return self._value


def is_deferred(annotation: Any) -> bool:
    """Whether a parameter takes an SDK type, made from a reference."""
    base = sys.modules.get("azurefunctions.extensions.base")
    return base is not None and bool(base.get_binding_registry().check_supported_type(annotation))


def decode(function: Function, data: Data) -> Any:
    """The value of the trigger's parameter. It may go to the network for nothing; clients are lazy."""
    trigger = str(function.trigger["type"])
    if is_deferred(function.annotation):
        base = sys.modules["azurefunctions.extensions.base"]
        datum = base.Datum(data.value, data.kind)
        converter = base.get_binding_registry().get(trigger)
        return converter.decode(datum, trigger_metadata={}, pytype=function.annotation)
    if function.annotation in {str, bytes}:
        return _plain(data.value, function.annotation)
    metadata = {key: meta.Datum(json.dumps(value), "json") for key, value in data.metadata.items()}
    converter = _CONVERTERS.get(trigger)
    return converter.decode(meta.Datum(data.value, data.kind), trigger_metadata=metadata)


def encode_queue(value: Any, annotation: Any) -> list[bytes]:
    """The messages that an output value makes.

    Raises:
        TypeError: a value that a queue does not take.
    """
    try:
        datum = _CONVERTERS.get("queue").encode(value, expected_type=annotation)
    except NotImplementedError as error:
        raise TypeError(f"a queue output does not take a {type(value).__name__}") from error
    if datum.type == "bytes":
        return [datum.value]
    if datum.type == "string":
        return [datum.value.encode()]
    content = json.loads(datum.value)
    items = content if isinstance(content, list) else [content]
    return [(item["body"] if isinstance(item, dict) else item).encode() for item in items]


def _plain(value: Any, wanted: type) -> Any:
    if wanted is bytes:
        return value.encode() if isinstance(value, str) else value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
