"""local.settings.json, %SETTING% in bindings, and connections to storage.

Rule: settings are environment variables, as in Azure; one that is in the environment
already wins over the file, as with Core Tools. A connection `X` is the connection
string in X, or `X__queueServiceUri` / `X__blobServiceUri` / `X__serviceUri` with the
managed identity.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from azure.identity.aio import ManagedIdentityCredential
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from .config import HostError

# The loops that call have their own patience; the SDK's default can sit for a minute on one call.
_RETRIES: dict[str, Any] = {
    "retry_total": 2,
    "initial_backoff": 0,
    "increment_base": 1,
    "random_jitter_range": 0,
}

_SETTING = re.compile(r"%([^%]+)%")


def apply_file(path: Path, environment: MutableMapping[str, str]) -> None:
    """Put the file's Values into the environment, where they are not set yet.

    Raises:
        HostError: the file is missing, encrypted or not of the form {"Values": {name: text}}.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HostError(f"The settings file {path} cannot be read: {error}") from error
    if raw.get("IsEncrypted"):
        raise HostError(f"The settings file {path} is encrypted; run `func settings decrypt` first.")
    values = raw.get("Values", {})
    for name, value in values.items():
        if not isinstance(value, str):
            raise HostError(f"{path}: the value of {name} is {type(value).__name__}; put it in quotes.")
        environment.setdefault(name, value)


def resolve(text: str, function: str) -> str:
    """Replace every %SETTING% of a binding.

    Raises:
        HostError: a setting that does not exist.
    """

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if found is None:
            raise HostError(f"Function {function}: the setting {match[1]} (in {text!r}) does not exist.")
        return found

    return _SETTING.sub(value, text)


def blob_service(connection: str) -> BlobServiceClient:
    """Client of a connection's blobs."""
    target = _target(connection, "blob")
    if "://" in target and "=" not in target:
        return BlobServiceClient(target, credential=ManagedIdentityCredential(), **_RETRIES)
    return BlobServiceClient.from_connection_string(target, **_RETRIES)


def queue_service(connection: str) -> QueueServiceClient:
    """Client of a connection's queues."""
    target = _target(connection, "queue")
    if "://" in target and "=" not in target:
        return QueueServiceClient(target, credential=ManagedIdentityCredential(), **_RETRIES)
    return QueueServiceClient.from_connection_string(target, **_RETRIES)


def _target(connection: str, service: str, environment: Mapping[str, str] = os.environ) -> str:
    names = (connection, f"{connection}__{service}ServiceUri", f"{connection}__serviceUri")
    for name in names:
        if value := environment.get(name):
            return value
    if account := environment.get(f"{connection}__accountName"):
        return f"https://{account}.{service}.core.windows.net"
    raise HostError(f"The connection {connection} is not set: none of {', '.join(names)} is in the settings.")
