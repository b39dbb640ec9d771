"""host.json, settings and connections."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.functions_host import config, settings


def test_defaults_are_the_real_hosts(tmp_path: Path) -> None:
    """Without host.json: batches of 16, five tries, base64, polls up to a minute, half an hour a run."""
    told = config.load(tmp_path, {})
    assert told.timeout == 1800
    assert told.queues == config.QueueOptions(16, 8, 5, 0.0, 60.0, "base64")
    assert told.blobs == config.BlobOptions(8, 5)


def test_values_are_read_and_the_environment_wins(tmp_path: Path) -> None:
    """Every value that is used is read from host.json, and AzureFunctionsJobHost__ overrides one."""
    queues = {"batchSize": 4, "visibilityTimeout": "00:00:30", "messageEncoding": "none"}
    raw = {
        "functionTimeout": "-1",
        "extensions": {"queues": queues},
        "logging": {"logLevel": {"default": "Debug"}},
    }
    (tmp_path / "host.json").write_text(json.dumps(raw))
    told = config.load(tmp_path, {"AzureFunctionsJobHost__extensions__queues__batchSize": "32"})
    assert told.timeout is None
    assert told.queues == config.QueueOptions(32, 16, 5, 30.0, 60.0, "none")
    assert told.levels == {"default": "Debug"}


@pytest.mark.parametrize(
    ("text", "seconds"), [("00:00:30", 30), ("1.02:03:04", 93784), ("00:00:00.2", 0.2), ("00:05", 300)]
)
def test_time_spans(text: str, seconds: float) -> None:
    """A .NET time span is read with days and fractions."""
    assert config.seconds(text, "x") == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("queues", "named"),
    [
        ({"batchSize": 33}, "queues.batchSize"),
        ({"maxDequeueCount": "many"}, "queues.maxDequeueCount"),
        ({"visibilityTimeout": 30}, "queues.visibilityTimeout"),
        ({"messageEncoding": "utf8"}, "messageEncoding"),
    ],
)
def test_wrong_value_is_named(tmp_path: Path, queues: dict[str, object], named: str) -> None:
    """A value that the real host would refuse is refused, by its name."""
    (tmp_path / "host.json").write_text(json.dumps({"extensions": {"queues": queues}}))
    with pytest.raises(config.HostError, match=named):
        config.load(tmp_path, {})


def test_broken_host_json_is_said(tmp_path: Path) -> None:
    """A host.json that is not JSON is an error with its path."""
    (tmp_path / "host.json").write_text("{")
    with pytest.raises(config.HostError, match=r"host\.json is not JSON"):
        config.load(tmp_path, {})


def test_settings_file_never_overrides(tmp_path: Path) -> None:
    """Values go where the environment says nothing."""
    file = tmp_path / "local.settings.json"
    file.write_text(json.dumps({"Values": {"A": "file", "B": "file"}}))
    environment = {"A": "environment"}
    settings.apply_file(file, environment)
    assert environment == {"A": "environment", "B": "file"}


@pytest.mark.parametrize("content", ["[", '{"IsEncrypted": true}', '{"Values": {"A": 1}}'])
def test_unusable_settings_file_is_said(tmp_path: Path, content: str) -> None:
    """No JSON, an encrypted file and a value that is no text are errors."""
    file = tmp_path / "local.settings.json"
    file.write_text(content)
    with pytest.raises(config.HostError, match=r"local\.settings\.json"):
        settings.apply_file(file, {})


def test_percent_settings_are_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """%NAME% becomes the setting, anywhere in the text; one that is missing is named with its function."""
    monkeypatch.setenv("CONTAINER", "drop")
    assert settings.resolve("%CONTAINER%/in/{name}", "f") == "drop/in/{name}"
    with pytest.raises(config.HostError, match="Function f: the setting NOWHERE"):
        settings.resolve("%NOWHERE%", "f")


def test_missing_connection_is_named() -> None:
    """A connection that no setting gives is an error with the names that were looked for."""
    with pytest.raises(config.HostError, match="NoSuch__queueServiceUri"):
        settings.queue_service("NoSuch")
