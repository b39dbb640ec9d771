"""The parts that fail: an app whose waits are short, alone or behind a storage account that can fail."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from shared.sources import storage
from shared.upload import uploader
from tests.azurite import Azurite
from tests.ferry import Ferry, ferry
from tests.proxy import StorageProxy

from .rig import ROUTES, SMALL


class Faulty(NamedTuple):
    """An app, and the account between it and its storage."""

    app: Ferry
    account: StorageProxy


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Clients that are cut off leave connections to the garbage collector, which says so whenever it comes."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"))


@pytest.fixture(autouse=True, scope="module")
def _collected() -> Iterator[None]:
    """It comes before another module's tests begin."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Same waits, other seconds: before a post is sent again, and before the storage client asks again."""
    monkeypatch.setattr(uploader, "FIRST_WAIT", 0.02)
    monkeypatch.setattr(uploader, "LONGEST_WAIT", 0.1)
    monkeypatch.setitem(storage.Storage.__init__.__kwdefaults__, "retries", 1)
    monkeypatch.setattr(
        storage,
        "_RETRIES",
        {"initial_backoff": 0, "increment_base": 0, "random_jitter_range": 0},
    )


@pytest.fixture
def app(azurite: Azurite, tmp_path: Path) -> Iterator[Ferry]:
    """An app that retries in one invocation, as it does in Azure."""
    with ferry(azurite, tmp_path, ROUTES, **SMALL, RETRY_SECONDS="30") as made:
        yield made


@pytest.fixture
def faulty(azurite: Azurite, tmp_path: Path) -> Iterator[Faulty]:
    """The same, on storage that can fail."""
    account = StorageProxy(azurite.ports)
    with ferry(account, tmp_path, ROUTES, **SMALL, RETRY_SECONDS="30") as made:
        for container in ("STATE_CONTAINER", "DEADLETTER_CONTAINER"):  # else the first writes make them
            made.blobs.create_container(made.environ[container])
        yield Faulty(made, account)
    account.close()
