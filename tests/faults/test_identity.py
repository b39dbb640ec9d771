"""The managed identity: tokens that are refused or run out, and an endpoint that gives none."""

from __future__ import annotations

import threading

import pytest
from azure.core.pipeline.policies import RetryPolicy

from tests.ferry import Ferry

from .rig import NAME, WINDOW, dropped, mixed, rounds, sound


def test_tokens_that_are_revoked_in_mid_run_are_replaced(app: Ferry) -> None:
    """401 for all that is in flight: one new credential, the same invocation, nothing lost or doubled."""
    source = dropped(app, mixed())
    app.server.faults({"times": 4}, {"delay": 0.6, "times": 4})
    worker = threading.Thread(target=app.take, args=(NAME,))
    worker.start()
    while len(app.server.call("GET", "/local/posts")) < 4:
        worker.join(0.02)
    assert app.server.call("POST", "/local/tokens", {"revoke": True})["revoked"] > 0
    worker.join()
    sound(app, source)
    assert app.entry(NAME).attempts == 1
    assert 1 <= _statuses(app).count(401) <= WINDOW


def _statuses(app: Ferry) -> list[int]:
    return [post["status"] for post in app.server.call("GET", "/local/posts")]


def test_a_token_that_runs_out_under_way_is_replaced(app: Ferry) -> None:
    """A post so slow that its token is old when it is looked at: 401, a new credential, and it lands once."""
    source = dropped(app, mixed(100))
    app.server.call("POST", "/local/tokens", {"lifetime": 3})
    app.server.faults({"times": 2}, {"delay": 4.1, "times": 2})
    assert rounds(app) == 1
    sound(app, source)
    assert 401 in _statuses(app)


@pytest.mark.parametrize("fault", [{"status": 400}, {"status": 500}, {"reset": "before"}])
def test_an_identity_endpoint_that_gives_no_token_defers(
    app: Ferry, monkeypatch: pytest.MonkeyPatch, fault: dict[str, object]
) -> None:
    """No token: deferred with a reason that names the identity, never dead-lettered early; it lands later."""
    monkeypatch.setattr(RetryPolicy, "get_backoff_time", lambda *_: 0.0)
    app.again(RETRY_SECONDS="0")
    source = dropped(app, mixed(60))
    app.server.faults({"on": "token", **fault, "times": 1000})
    app.take(NAME)
    assert app.entry(NAME).state == "deferred"
    assert "managed identity" in app.entry(NAME).reason
    assert app.dead() == []
    app.server.call("DELETE", "/local/faults")
    app.again()  # Microsoft's library answers from memory, in one credential, for five seconds after a 5xx
    rounds(app)
    sound(app, source)
    assert app.entry(NAME).counts.maybe_repeated == 0


def test_a_slow_identity_endpoint_is_waited_for(app: Ferry) -> None:
    """A token that takes its time is a wait and nothing else."""
    source = dropped(app, mixed(60))
    app.server.faults({"on": "token", "delay": 1.0, "times": 8})
    assert rounds(app) == 1
    sound(app, source)
