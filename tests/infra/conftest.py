"""The deployments that the tests read; each is evaluated once, as every compiler run takes seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.routes import Routes, load

from .compiler import MISSING, REPOSITORY, Compiler, Snapshot, find

STREAMS = 37
LONGEST_NAME = "_Very.Long(Name)-" + "x" * 47
"""64 characters, the most that azd takes, with every kind of character that it takes."""
ON_CALL = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Insights/actionGroups/on-call"
"""An action group that there is already."""


@pytest.fixture(scope="session")
def compiler() -> Compiler:
    """The Bicep compiler; without one these tests cannot run."""
    path = find()
    if path is None:
        pytest.skip(MISSING)
    return Compiler(path)


@pytest.fixture(scope="session")
def own(compiler: Compiler, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The repository's own routes, with default parameters."""
    routes = (REPOSITORY / "routes.yaml").read_text(encoding="utf-8")
    return compiler.snapshot(tmp_path_factory.mktemp("own"), routes, {"environmentName": "prod"})


@pytest.fixture(scope="session")
def own_routes() -> Routes:
    """The same routes as the app reads them."""
    return load(REPOSITORY / "routes.yaml")


@pytest.fixture(scope="session")
def corners_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corner cases of the grammar, filled up to 37 streams."""
    path = tmp_path_factory.mktemp("corners") / "routes.yaml"
    text = (Path(__file__).parent / "fixtures" / "corners.yaml").read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    for k in reversed(range(STREAMS - len(set(load(path).streams())))):
        text += f"  m{k}:\n    from: {{ blobs: ['m{k}/*'] }}\n    format: ndjson\n    table: M{k}_CL\n"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def corners(compiler: Compiler, corners_file: Path) -> Snapshot:
    """Those routes, the longest environment name, small instances, files that are deleted, all that alerts can be told."""
    parameters = {
        "environmentName": LONGEST_NAME,
        "instanceMemoryMB": 512,
        "keepDays": 7,
        "deadLetterDays": 90,
        "alertEmail": "ops@example.com",
        "alertActionGroupId": ON_CALL,
        "alertDeadLetterRecords": 7,
        "alertSweepSilence": "P1D",
        "alertExpectRoutes": ["m0", "m1"],
        "alertExpectWithin": "PT2H",
    }
    return compiler.snapshot(corners_file.parent, corners_file.read_text(encoding="utf-8"), parameters)


@pytest.fixture(scope="session")
def small(compiler: Compiler, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """One route, no audit table and no alerts; only the dead letter is ever deleted."""
    routes = "routes: { a: { from: { blobs: ['a/*'] }, format: ndjson, table: A_CL } }"
    parameters = {"environmentName": "small", "deadLetterDays": 30, "alerts": False}
    return compiler.snapshot(tmp_path_factory.mktemp("small"), routes, parameters)


@pytest.fixture(scope="session")
def corner_routes(corners_file: Path) -> Routes:
    """The same routes as the app reads them."""
    return load(corners_file)
