"""The ledger on real storage: one worker at a time, and progress that survives."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator

import pytest
from azure.storage.blob import BlobServiceClient

from shared.errors import ClaimLost, SourceBusy
from shared.ledger.claims import PREFIX, Claim, Ledger
from shared.ledger.entry import Entry, parse
from shared.ledger.store import Conflict, Store, name_of
from shared.model import Counts, Position
from tests.azurite import Azurite


@pytest.fixture
def store(azurite: Azurite) -> Iterator[Store]:
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        yield Store(service.get_container_client(f"state-{uuid.uuid4().hex[:12]}"))


def fresh(source: str = "drop/a.csv", *, version: str = "0x1", size: int = 10) -> Entry:
    return Entry(source=source, version=version, size=size, route="web", state="running", received=1.0)


def taken(ledger: Ledger, **parts: object) -> Claim:
    claim = ledger.claim(fresh(**parts))  # type: ignore[arg-type]
    assert isinstance(claim, Claim)
    return claim


def test_a_document_is_written_only_over_the_version_that_was_seen(store: Store) -> None:
    """create fails on a document that is there, replace on one that somebody else has written."""
    etag = store.create("a", b"1", {})
    with pytest.raises(Conflict):
        store.create("a", b"2", {})
    second = store.replace("a", b"2", {}, etag)
    with pytest.raises(Conflict):
        store.replace("a", b"3", {}, etag)
    found = store.read("a")
    assert found is not None
    assert (found.document, found.etag) == (b"2", second)
    assert 0 <= found.age < 60


def test_the_container_is_made_when_it_is_missing(store: Store) -> None:
    """A first write, read and listing work on an account that has no state container yet."""
    assert store.read("nothing") is None
    assert list(store.listing("")) == []
    store.put("there", b"{}")
    assert [row.name for row in store.listing("th")] == ["there"]


def test_the_same_version_is_done_once(store: Store) -> None:
    """After done, a claim on the same version says so; on a new version work begins anew."""
    ledger = Ledger(store, 60)
    claim = taken(ledger)
    claim.save(Position(ordinal=5), Counts(read=5, accepted=5), seekable=True)
    claim.finish("done")
    found = ledger.claim(fresh())
    assert isinstance(found, Entry)
    assert found.state == "done"
    again = taken(ledger, version="0x2")
    assert again.entry.position == Position()


def test_one_worker_at_a_time(store: Store) -> None:
    """Eight workers that want one source at once: one has it, seven are told that it is busy."""
    ledger, got, busy = Ledger(store, 60), [], []
    gate = threading.Barrier(8)

    def worker() -> None:
        gate.wait()
        try:
            got.append(ledger.claim(fresh()))
        except SourceBusy:
            busy.append(1)

    threads = [threading.Thread(target=worker) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(got), len(busy)) == (1, 7)


def test_a_silent_worker_is_replaced_and_cannot_write_any_more(store: Store) -> None:
    """A claim without a sign of life is taken over with its checkpoint; the old holder gets ClaimLost."""
    old = taken(Ledger(store, 60))
    old.save(Position(offset=100, ordinal=7), Counts(read=7, accepted=7), seekable=True)
    new = taken(Ledger(store, 0))
    assert (new.entry.position.ordinal, new.entry.counts.accepted, new.entry.crashes) == (7, 7, 1)
    with pytest.raises(ClaimLost):
        old.save(Position(ordinal=9), Counts(), seekable=True)
    new.finish("done")
    with pytest.raises(ClaimLost):
        old.finish("done")


def test_a_write_whose_answer_was_lost_is_no_lost_claim(store: Store) -> None:
    """A checkpoint that was written though its answer never came is known again by its owner."""
    claim = taken(Ledger(store, 60))
    before = claim._etag
    claim.save(Position(ordinal=1), Counts(read=1, accepted=1), seekable=True)
    claim._etag = before  # as if the answer had been lost
    claim.save(Position(ordinal=2), Counts(read=2, accepted=2), seekable=True)
    claim._etag = before
    claim.finish("done")
    assert isinstance(Ledger(store, 60).claim(fresh()), Entry)


def test_a_deferred_source_goes_on_from_its_checkpoint(store: Store) -> None:
    """Deferred work is taken up at once by whoever comes, where it stopped."""
    ledger = Ledger(store, 60)
    claim = taken(ledger)
    claim.save(Position(offset=50, ordinal=3), Counts(read=3, accepted=3), seekable=True)
    claim.finish("deferred", "403")
    again = taken(ledger)
    assert (again.entry.position.offset, again.entry.attempts, again.entry.crashes) == (50, 2, 0)
    assert again.entry.deferred_since > 0


def test_another_version_goes_on_only_where_the_caller_says_so(store: Store) -> None:
    """What was settled of one version counts for another where the caller has seen that it begins with it."""
    ledger = Ledger(store, 60)
    claim = taken(ledger, size=100)
    claim.save(Position(offset=90, ordinal=9), Counts(read=9, accepted=9), seekable=True)
    claim.finish("done")
    asked: list[Entry] = []

    def yes(old: Entry) -> bool:
        asked.append(old)
        return True

    grown = ledger.claim(fresh(version="0x2", size=150), yes)
    assert isinstance(grown, Claim)
    assert (grown.entry.position.ordinal, grown.entry.version, grown.entry.size) == (9, "0x2", 150)
    assert (claim.entry.first, grown.entry.first) == ("", claim.entry.version)
    assert [old.version for old in asked] == ["0x1"]
    grown.finish("done")
    more = ledger.claim(fresh(version="0x25", size=160), yes)
    assert isinstance(more, Claim)
    assert more.entry.first == claim.entry.version
    more.finish("done")
    another = ledger.claim(fresh(version="0x3", size=200), lambda _: False)
    assert isinstance(another, Claim)
    assert (another.entry.position.ordinal, another.entry.first) == (0, "")


def test_an_unrouted_source_is_looked_at_again_when_a_route_takes_it(store: Store) -> None:
    """Unrouted is the end only as long as the routes are the same."""
    ledger = Ledger(store, 60)
    none = Entry(source="drop/x", version="0x1", size=1, route="", state="running", received=1.0)
    claim = ledger.claim(none)
    assert isinstance(claim, Claim)
    claim.finish("unrouted", "no route")
    assert isinstance(ledger.claim(none), Entry)
    taken(ledger, source="drop/x")


def test_entries_are_readable_and_found_by_their_path(store: Store) -> None:
    """An entry's document is indented JSON under the blob's own path; paths too long for that have a hash."""
    taken(Ledger(store, 60), source="drop/ü folder/a.csv")
    found = store.read(f"{PREFIX}drop/ü folder/a.csv")
    assert found is not None
    assert b'\n  "source"' in found.document
    assert parse(found.document).source == "drop/ü folder/a.csv"
    long = "drop/" + "x" * 1_020
    assert len(name_of(PREFIX, long)) <= 1_024
    assert name_of(PREFIX, long) != name_of(PREFIX, long[:-1] + "y")
    taken(Ledger(store, 60), source=long)


def test_a_listing_is_what_the_sdk_gives(azurite: Azurite) -> None:
    """Names of every kind, metadata or none, over several pages: the same rows as the SDK's own."""
    service = BlobServiceClient.from_connection_string(azurite.connection_string)
    container = service.create_container(f"listing-{uuid.uuid4().hex[:10]}")
    names = ["a b", "a&b<c>", "ä/ö", "100%", "a%20b", "x" * 900, "dir/", "日本", "quote'\""]
    for number, name in enumerate(names):
        told = {"state": "done", "route": ""} if number % 2 else None
        container.upload_blob(name, b"x", metadata=told)
    for number in range(40):
        container.upload_blob(f"many/{number}", b"")
    wanted = [
        (
            blob.name,
            {key: value or "" for key, value in (blob.metadata or {}).items()},
            blob.last_modified.timestamp(),
        )
        for blob in container.list_blobs(include=["metadata"])
    ]
    assert [tuple(row) for row in Store(container).listing("")] == wanted
    assert [row.name for row in Store(container).listing("many/1")] == [
        blob.name for blob in container.list_blobs(name_starts_with="many/1")
    ]
    assert list(Store(service.get_container_client("nowhere")).listing("")) == []
    service.close()
