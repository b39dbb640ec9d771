"""The deployments that the tests read, and the compiler where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.routes import Routes, load

from .cases import CASES, REPOSITORY
from .compiler import MISSING, OLDEST, Compiler, find
from .snapshot import Snapshot, committed


@pytest.fixture(scope="session")
def compiler() -> Iterator[Compiler]:
    """The Bicep compiler; without one, what is committed is not compared with infra/."""
    path = find()
    if path is None:
        pytest.skip(MISSING)
    with Compiler(path) as running:
        if running.version() < OLDEST:
            pytest.skip(f"{path} is older than {OLDEST}")
        yield running


@pytest.fixture(scope="session")
def own() -> Snapshot:
    """The repository's own routes, with default parameters."""
    return committed("default")


@pytest.fixture(scope="session")
def own_routes() -> Routes:
    """The same routes as the app reads them."""
    return load(REPOSITORY / "routes.yaml")


@pytest.fixture(scope="session")
def corners() -> Snapshot:
    """Corner cases up to 37 streams, the longest environment name, small instances, files that are deleted."""
    return committed("37-routes")


@pytest.fixture(scope="session")
def corner_routes(tmp_path_factory: pytest.TempPathFactory) -> Routes:
    """The same routes as the app reads them."""
    path: Path = tmp_path_factory.mktemp("corners") / "routes.yaml"
    path.write_text(CASES["37-routes"].routes, encoding="utf-8")
    return load(path)


@pytest.fixture(scope="session")
def small() -> Snapshot:
    """One route and no audit table; only the dead letter is ever deleted."""
    return committed("one-route")


@pytest.fixture(scope="session")
def private() -> Snapshot:
    """The same in a network of its own."""
    return committed("private")
