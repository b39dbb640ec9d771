"""What the whole suite shares: one real Azurite a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.azurite import Azurite, start_azurite


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """A real Azurite on free ports, in memory."""
    running = start_azurite()
    yield running
    running.close()
