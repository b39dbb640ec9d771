"""One nursery for the whole package: it imports everything once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash.stage import Nursery, nursery


@pytest.fixture(scope="package")
def hosts() -> Iterator[Nursery]:
    """Where hosts come from."""
    with nursery() as made:
        yield made
