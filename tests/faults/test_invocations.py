"""Invocations: too short for their source, tried five times in vain, without a disk."""

from __future__ import annotations

import io
import os
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from local.stack import environment
from local.stack.process import Part
from local.stack.stack import ready_url
from tests.azurite import Azurite
from tests.ferry import Ferry, ferry

from .rig import NAME, ROUTES, SMALL, dropped, ids, mixed, nothing_left, rounds, sound

ROOT = Path(__file__).resolve().parents[2]


def test_a_short_function_timeout_takes_several_invocations(azurite: Azurite, tmp_path: Path) -> None:
    """functionTimeout of a second: each invocation goes on where the last one stopped, and without a fault nothing repeats."""
    (tmp_path / "host.json").write_text('{"version": "2.0", "functionTimeout": "00:00:01"}')
    with ferry(azurite, tmp_path, ROUTES, **SMALL) as app:
        app.again(BATCH_BYTES="20000")
        source = dropped(app, mixed(3500))
        app.server.faults({"delay": 0.4, "times": 60})
        assert rounds(app) > 1
        sound(app, source)
        assert app.entry(NAME).counts.maybe_repeated == 0


FRAMES = "frames/a.parquet"


def _frames(app: Ferry, count: int = 300) -> set[str]:
    wanted = {f"p{number}" for number in range(count)}
    out = io.BytesIO()
    pq.write_table(pa.table({"Key": sorted(wanted), "Pad": [os.urandom(300) for _ in range(count)]}), out)
    app.drop(FRAMES, out.getvalue())
    return wanted


def _landed(app: Ferry, wanted: set[str]) -> None:
    rounds(app, FRAMES)
    assert ids(app, "Frames_CL") == dict.fromkeys(wanted, 1)
    assert (app.entry(FRAMES).state, app.entry(FRAMES).counts.accepted) == ("done", len(wanted))
    nothing_left(app)


def test_a_full_disk_defers_what_is_needed_as_a_whole(app: Ferry) -> None:
    """No room for a Parquet file: deferred with the reason, other blobs pass, and it lands once there is room."""
    wanted = _frames(app)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        app.take(FRAMES)
        source = dropped(app, mixed(40))
        app.take(NAME)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    entry = app.entry(FRAMES)
    assert (entry.state, "temporary folder" in entry.reason) == ("deferred", True)
    sound(app, source)
    _landed(app, wanted)


def test_a_temporary_folder_that_cannot_be_written_defers(
    app: Ferry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No temporary folder at all: the same, with its path in the reason."""
    wanted = _frames(app)
    (tmp_path / "file").write_text("no folder")
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
        app.take(FRAMES)
    entry = app.entry(FRAMES)
    assert (entry.state, str(tmp_path / "file") in entry.reason) == ("deferred", True)
    assert len(app.queued()) == 1
    _landed(app, wanted)


def test_a_message_that_fails_five_times_is_kept_whole(azurite: Azurite, tmp_path: Path) -> None:
    """Through the Functions host: five tries, then the dead letter has it as it was; its neighbours are worked on."""
    with ferry(azurite, tmp_path, ROUTES, **SMALL) as app:
        source = dropped(app, mixed(60))
        poison = '{"do": "what nobody knows"}'
        app.work_queue.send_message(poison)
        app.work_queue.send_message(
            f'{{"do": "blob", "container": "{app.environ["DROP_CONTAINER"]}", "name": "{NAME}"}}'
        )
        host = _host(app, azurite, tmp_path)
        try:
            host.wait_for(ready_url, 60)
            kept = host.wait_for(lambda _: _kept(app), 60)
            assert (kept["raw"], kept["reason"]) == (poison, "BadMessage")
            assert "failed 5 times" in kept["detail"]
            host.wait_for(lambda _: True if _done(app) else None, 60)
        finally:
            host.stop()
        sound(app, source)
        assert app.queued() == []


def _kept(app: Ferry) -> dict[str, Any] | None:
    """The message in the dead letter, where bad lines of the blob may have come before it."""
    return next((line for line in app.dead() if line["kind"] == "work"), None)


def _done(app: Ferry) -> bool:
    stored = app.app.state.read(f"blobs/{app.environ['DROP_CONTAINER']}/{NAME}")
    return stored is not None and b'"done"' in stored.document


def _host(app: Ferry, azurite: Azurite, folder: Path) -> Part:
    given = {
        **environment.clean(),
        **app.environ,
        "AzureWebJobsStorage": azurite.connection_string,
        "IDENTITY_ENDPOINT": os.environ["IDENTITY_ENDPOINT"],
        "IDENTITY_HEADER": os.environ["IDENTITY_HEADER"],
        "INGEST_QUEUE": app.environ["WORK_QUEUE"].replace("work", "ingest"),
        "SWEEP_SCHEDULE": "0 0 0 1 1 *",
        "ROUTES_FILE": str(folder / "routes.yaml"),
        "AzureFunctionsWebHost__hostid": app.environ["WORK_QUEUE"],
        "AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:00",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "local.functions_host", "--app", str(ROOT)]
    return Part("host", command, environment=given, log_path=folder / "host.log", cwd=ROOT)
