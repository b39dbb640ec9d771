"""What the whole suite shares: one real Azurite a session, and properties that no clock decides."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest
import typer.testing
from hypothesis import HealthCheck, settings

from tests.azurite import Azurite, start_azurite

# A busy machine is no failure: an example may take as long as it takes.
settings.register_profile("logferry", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("logferry")

# typer's runner makes all commands anew for each call, which takes longer than most of them do.
typer.testing._get_command = functools.cache(typer.testing._get_command)


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """A real Azurite on free ports, in memory."""
    running = start_azurite()
    yield running
    running.close()
