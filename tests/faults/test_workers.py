"""Several workers and one source: at once, one after the other, one instead of another; and blobs that change meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.handlers import sweep
from tests.ferry import Ferry

from .conftest import Faulty
from .rig import NAME, WINDOW, again, dropped, held, ids, mixed, nothing_left, rounds, sound

ROOT = Path(__file__).resolve().parents[2]


def worker(app: Ferry, do: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Another process with the same settings."""
    command = [sys.executable, "-m", "tests.faults.worker", str(app.root), do, *arguments]
    given = {**os.environ, **app.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=given, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_the_same_event_ten_times_at_once_lands_once(app: Ferry) -> None:
    """Ten invocations of one process get the same event at the same moment: one works, nine look again later."""
    source = dropped(app, mixed())
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(app.take, [NAME] * 10))
    assert len(app.queued()) <= 9
    rounds(app)
    sound(app, source)
    assert app.entry(NAME).attempts == 1


def test_eight_processes_on_one_blob_land_it_once(app: Ferry) -> None:
    """Eight workers that share nothing but the account begin at the same moment; the rows are there once."""
    source = dropped(app, mixed())
    workers = worker(app, "blob", NAME, "8")
    assert workers.stdout is not None
    assert [workers.stdout.readline() for _ in range(8)] == [b"ready\n"] * 8
    assert workers.communicate()[0] == b"returned\n" * 8
    rounds(app)
    sound(app, source)
    assert app.entry(NAME).attempts == 1


def test_a_worker_that_lost_its_claim_writes_no_more(faulty: Faulty) -> None:
    """The first is stuck, a second takes over and finishes; the first, awake again, changes nothing and posts no further."""
    app, account = faulty
    source = dropped(app, mixed())
    stuck = threading.Event()
    with account.trouble("PUT", "/state-", hold=stuck, after=1, times=1) as trouble:
        first = threading.Thread(target=app.take, args=(NAME,))
        first.start()
        assert trouble.happened.wait(60)
        app.again()
        again(app)
        done = app.app.state.read(_entry_name(app))
        stuck.set()
        first.join()
    now = app.app.state.read(_entry_name(app))
    assert done is not None
    assert now is not None
    assert (now.document, now.etag) == (done.document, done.etag)
    sound(app, source, repeats=WINDOW)


def _entry_name(app: Ferry) -> str:
    return f"blobs/{app.environ['DROP_CONTAINER']}/{NAME}"


def test_a_blob_that_is_written_over_while_it_is_read_begins_anew(faulty: Faulty) -> None:
    """No record of the old version after the change, every record of the new one, none of either twice."""
    app, account = faulty
    app.again(BATCH_BYTES="20000")
    old, new = dropped(app, mixed(2500, bad=False)), mixed(2600, prefix="n")
    go_on = threading.Event()
    with account.trouble("GET", "account1/drop-", hold=go_on, after=2, times=1) as trouble:
        first = threading.Thread(target=app.take, args=(NAME,))
        first.start()
        assert trouble.happened.wait(60)
        app.drop(NAME, new.content)
        go_on.set()
        first.join()
    before = ids(app)
    assert set(before) < old.accepted
    rounds(app)
    landed = ids(app)
    assert max(landed.values()) == 1
    assert set(landed) - set(before) == new.accepted
    entry = app.entry(NAME)
    assert (entry.state, entry.counts.read, entry.counts.adds_up()) == ("done", new.count, True)
    nothing_left(app)


def test_a_blob_that_is_deleted_while_it_is_read_is_said_to_be_gone(
    faulty: Faulty, caplog: pytest.LogCaptureFixture
) -> None:
    """What was read has landed, once; the rest went with the blob, and the audit says gone, not done."""
    caplog.set_level("INFO")
    app, account = faulty
    app.again(BATCH_BYTES="20000")
    source = dropped(app, mixed(2500, bad=False))
    go_on = threading.Event()
    with account.trouble("GET", "account1/drop-", hold=go_on, after=2, times=1) as trouble:
        first = threading.Thread(target=app.take, args=(NAME,))
        first.start()
        assert trouble.happened.wait(60)
        app.drop_container.delete_blob(NAME)
        go_on.set()
        first.join()
    for work in app.queued():
        app.work(work)
    landed, entry = ids(app), app.entry(NAME)
    assert set(landed) < source.accepted
    assert max(landed.values()) == 1
    assert (entry.counts.accepted, entry.counts.adds_up(), entry.owner) == (len(landed), True, "")
    assert entry.state != "done"
    said = [
        json.loads(r.getMessage().partition(" ")[2]) for r in caplog.records if r.name == "logferry.audit"
    ]
    assert [row["outcome"] for row in said] == ["changed", "gone"]
    assert app.queued() == []


def test_a_worker_killed_while_a_message_is_put_aside_repeats_nothing(
    faulty: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the two writes: the queue gives the message out again, and it lands once, from where it was put."""
    app, account = faulty
    app.server.call("POST", "/local/roles", {"granted": False})
    with account.trouble("POST", "/work-", hold=threading.Event()) as trouble:
        one = worker(app, "message", "m1", json.dumps([{"Key": "m0"}, {"Key": "m1"}]))
        assert one.stdin is not None
        one.stdin.close()
        one.stdin = None
        assert trouble.happened.wait(60)
        one.send_signal(signal.SIGKILL)
        one.communicate()
    assert held(app) == ["m1"]
    app.queued()
    app.server.call("POST", "/local/roles", {"granted": True})
    app.send([{"Key": "m0"}, {"Key": "m1"}], key="m1", tries=2)
    assert ids(app, "Events_CL") == {}
    monkeypatch.setattr(sweep, "LEFT_BEHIND", -1.0)
    app.sweep()  # both say the same of it
    for _ in range(2):
        app.work({"do": "held", "id": "m1"})
    assert ids(app, "Events_CL") == {"m0": 1, "m1": 1}
    nothing_left(app)


def test_two_workers_on_one_held_message_land_it_once(faulty: Faulty) -> None:
    """While one ships what was put aside another sees that, and looks again later."""
    app, _ = faulty
    app.server.call("POST", "/local/roles", {"granted": False})
    app.send([{"Key": "m0"}], key="m1")
    app.server.call("POST", "/local/roles", {"granted": True})
    app.server.faults({"delay": 1.0})
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(app.work, [{"do": "held", "id": "m1"}] * 4))
    assert ids(app, "Events_CL") == {"m0": 1}
    nothing_left(app)
