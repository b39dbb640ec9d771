"""What the whole suite shares: one real Azurite a session, and properties that no clock decides."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Iterator

import pytest
import typer.testing
from hypothesis import HealthCheck, settings

from tests.azurite import Azurite, start_azurite

# A busy machine is no failure: an example may take as long as it takes. EXAMPLES=1000 looks deeper.
settings.register_profile(
    "logferry",
    deadline=None,
    max_examples=int(os.environ.get("EXAMPLES", "25")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("logferry")

# typer's runner makes all commands anew for each call, which takes longer than most of them do.
typer.testing._get_command = functools.cache(typer.testing._get_command)

_QUIETED = ("logferry", "azure", "azure.identity", "msal", "urllib3")


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """A real Azurite on free ports, in memory."""
    running = start_azurite()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def _as_loud_as_before() -> Iterator[None]:
    """A command has the log of its process say nothing; the next test's log is as it was."""
    before = [(logger, logger.level) for logger in map(logging.getLogger, _QUIETED)]
    yield
    for logger, level in before:
        logger.setLevel(level)
