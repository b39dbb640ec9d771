"""host.json, as numbers.

Rule: the defaults are the real host's; the environment overrides a value as it does
there (`AzureFunctionsJobHost__extensions__queues__batchSize`). A value that cannot
be used is an error that names it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TIMEOUT_EXIT = 124
"""Exit code after a function ran into functionTimeout; the supervisor starts the host again."""

OVERRIDE = "AzureFunctionsJobHost__"

_TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2}(?:\.\d+)?))?")


class HostError(Exception):
    """The app or its configuration cannot be run here; the message says what and why."""


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """How a queue is polled. Times in seconds."""

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    visibility_timeout: float = 0.0
    """After a failure, until the next try."""
    max_polling_interval: float = 60.0
    encoding: str = "base64"
    """base64 or none."""


@dataclass(frozen=True, slots=True)
class BlobOptions:
    """How blob events are worked on."""

    max_parallel: int = 8
    poison_threshold: int = 5

    def as_queue(self) -> QueueOptions:
        """The host's own queue of blob events takes its limits from these."""
        threshold = self.max_parallel // 2
        return QueueOptions(
            batch_size=min(32, max(1, self.max_parallel - threshold)),
            new_batch_threshold=threshold,
            max_dequeue_count=self.poison_threshold,
            max_polling_interval=2.0,  # the real host is told of new messages; a short poll comes near
        )


@dataclass(frozen=True, slots=True)
class HostConfig:
    """What host.json says."""

    timeout: float | None = 1800.0
    """Seconds an invocation may take; None: no limit."""
    queues: QueueOptions = field(default_factory=QueueOptions)
    blobs: BlobOptions = field(default_factory=BlobOptions)
    levels: Mapping[str, str] = field(default_factory=dict)
    """logging.logLevel: category to level."""


def load(app: Path, environment: Mapping[str, str]) -> HostConfig:
    """Read host.json of an app folder; a missing file means defaults.

    Raises:
        HostError: the file is not JSON, or a value cannot be used.
    """
    path = app / "host.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except ValueError as error:
        raise HostError(f"{path} is not JSON: {error}") from error
    _override(raw, environment)
    extensions = raw.get("extensions", {})
    return HostConfig(
        timeout=_timeout(raw.get("functionTimeout", "00:30:00")),
        queues=_queues(extensions.get("queues", {})),
        blobs=_blobs(extensions.get("blobs", {})),
        levels=raw.get("logging", {}).get("logLevel", {}),
    )


def seconds(value: Any, name: str) -> float:
    """A .NET TimeSpan ("00:00:30", "1.02:03:04.5") in seconds.

    Raises:
        HostError: it is none.
    """
    match = _TIME_SPAN.fullmatch(str(value))
    if match is None:
        raise HostError(f'host.json: {name} is {value!r}, not a time span such as "00:00:30".')
    days, hours, minutes, rest = match.groups(default="0")
    return int(days) * 86400 + int(hours) * 3600 + int(minutes) * 60 + float(rest)


def _override(raw: dict[str, Any], environment: Mapping[str, str]) -> None:
    for name, value in environment.items():
        if not name.startswith(OVERRIDE):
            continue
        *above, last = name[len(OVERRIDE) :].split("__")
        place = raw
        for key in above:
            place = place.setdefault(key, {})
        place[last] = value


def _timeout(value: Any) -> float | None:
    return None if str(value) == "-1" else seconds(value, "functionTimeout")


def _queues(raw: Mapping[str, Any]) -> QueueOptions:
    size = _count(raw, "queues.batchSize", 16, 1, 32)
    encoding = str(raw.get("messageEncoding", "base64")).lower()
    if encoding not in {"base64", "none"}:
        raise HostError(
            f'host.json: extensions.queues.messageEncoding is {encoding!r}, not "base64" or "none".'
        )
    return QueueOptions(
        batch_size=size,
        new_batch_threshold=_count(raw, "queues.newBatchThreshold", size // 2, 0, 1000),
        max_dequeue_count=_count(raw, "queues.maxDequeueCount", 5, 1, 1000),
        visibility_timeout=seconds(raw.get("visibilityTimeout", "00:00:00"), "queues.visibilityTimeout"),
        max_polling_interval=seconds(raw.get("maxPollingInterval", "00:01:00"), "queues.maxPollingInterval"),
        encoding=encoding,
    )


def _blobs(raw: Mapping[str, Any]) -> BlobOptions:
    return BlobOptions(
        max_parallel=_count(raw, "blobs.maxDegreeOfParallelism", 8, 1, 1000),
        poison_threshold=_count(raw, "blobs.poisonBlobThreshold", 5, 1, 1000),
    )


def _count(raw: Mapping[str, Any], name: str, default: int, least: int, most: int) -> int:
    value = raw.get(name.rpartition(".")[2], default)
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = least - 1
    if not least <= number <= most:
        raise HostError(f"host.json: extensions.{name} is {value!r}, not a number from {least} to {most}.")
    return number
