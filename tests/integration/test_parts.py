"""Large blobs in parts: every record once, whoever reads which part, and one blob in the end."""

from __future__ import annotations

import gzip
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.cli.audit import audit_of
from shared.formats import FORMATS
from shared.handlers import sweep, work
from shared.ledger.claims import PARTS, PREFIX, Claim, Ledger, entry_name, metadata
from shared.ledger.entry import Entry
from shared.model import Position
from shared.sources.work import LEFT_BEHIND, PartWork, Work, WorkQueue
from shared.turns import TURN_BYTES
from tests.azurite import Azurite
from tests.ferry import ROUTES, Ferry, ferry

PART = 150_000
MORE = """
  numbered:
    from: { blobs: ["numbered/**"] }
    format: ndjson
    table: Numbered_CL
    columns: { Name: {}, Line: { type: int, fact: line } }
  ids:
    from: { blobs: ["ids/**"] }
    format: ndjson
    table: Ids_CL
    columns: { Name: {}, RecordId: { fact: record_id } }
"""


@pytest.fixture
def app(azurite: Azurite, tmp_path: Path) -> Iterator[Ferry]:
    with ferry(
        azurite, tmp_path, ROUTES + MORE, PART_BYTES=str(PART), READ_BYTES="65536", BATCH_BYTES="100000"
    ) as made:
        yield made


def content(size: int, *, pad: int = 300, bad_every: int = 0) -> bytes:
    """Lines with names n0, n1, ...; every `bad_every`-th is no JSON."""
    dice, made, length = random.Random(7), [], 0
    while length < size:
        number = len(made)
        if bad_every and number % bad_every == 0:
            made.append(b"no json %d" % number)
        else:
            made.append(json.dumps({"Name": f"n{number}", "Pad": "x" * dice.randrange(pad)}).encode())
        length += len(made[-1]) + 1
    return b"\n".join(made) + b"\n"


def names(data: bytes) -> Counter[str]:
    return Counter(json.loads(line)["Name"] for line in data.splitlines() if line.startswith(b"{"))


def landed(app: Ferry, table: str = "Lines_CL") -> Counter[str]:
    return Counter(row["Name"] for row in app.server.rows(f"{table} | project Name"))


def taken_from_queue(app: Ferry) -> list[bytes]:
    """The work messages that can be seen, taken off the queue."""
    found = []
    for message in app.work_queue.receive_messages(messages_per_page=32, visibility_timeout=60):
        found.append(message.content.encode())
        app.work_queue.delete_message(message)
    return found


def work_off(app: Ferry, *, order: random.Random | None = None) -> int:
    """Do the work on the queue until there is none; how many messages that took."""
    done = 0
    while messages := taken_from_queue(app):
        if order is not None:
            order.shuffle(messages)
        for message in messages:
            work.take(app.app, message)
            done += 1
    return done


def parts_of(app: Ferry, name: str) -> list[dict[str, Any]]:
    return [row.metadata for row in app.app.ledger.parts(app.entry(name))]


def test_a_large_blob_lands_in_parts_and_is_one_blob_in_the_end(app: Ferry) -> None:
    """Every record lands once whatever the order of the parts; the counts are those of the whole."""
    data = content(700_000, bad_every=100)
    app.drop("lines/a", data)
    app.take("lines/a")
    entry = app.entry("lines/a")
    assert entry.state == "split"
    assert len(entry.parts) >= 4
    assert all(data[start - 1 : start] == b"\n" for start in entry.parts[1:])
    assert work_off(app, order=random.Random(1)) == len(entry.parts)
    assert landed(app) == names(data)
    entry = app.entry("lines/a")
    lines = data.count(b"\n")
    assert (entry.state, entry.counts.read, entry.counts.adds_up()) == ("done", lines, True)
    bad = [line for line in data.splitlines() if not line.startswith(b"{")]
    dead = app.dead()
    assert sorted(line["raw"].encode() for line in dead) == sorted(bad)
    assert all(data[line["offset"] :].startswith(line["raw"].encode() + b"\n") for line in dead)
    assert len({line["ordinal"] for line in dead}) == len(bad)
    assert parts_of(app, "lines/a") == []


def test_line_numbers_are_not_guessed(app: Ferry) -> None:
    """In the first part a reject has its line; in others, where nobody has counted, it has none."""
    data = content(450_000, bad_every=100)
    app.drop("lines/a", data)
    app.take("lines/a")
    second = app.entry("lines/a").parts[1]
    work_off(app)
    for line in app.dead():
        expected = data.count(b"\n", 0, line["offset"]) + 1 if line["offset"] < second else None
        assert line.get("line") == expected


def test_parts_are_taken_by_many_at_once(app: Ferry) -> None:
    """Eight workers, each message three times: every record once, and the blob is closed once."""
    data = content(900_000)
    app.drop("lines/a", data)
    app.take("lines/a")
    messages = taken_from_queue(app) * 3
    with ThreadPoolExecutor(8) as workers:
        list(workers.map(lambda message: work.take(app.app, message), messages))
    work_off(app)
    assert landed(app) == names(data)
    assert app.entry("lines/a").counts.accepted == names(data).total()


def test_the_same_event_again_while_parts_are_in_work(app: Ferry) -> None:
    """An event for a blob that is cut already queues what nobody has taken, and begins nothing anew."""
    data = content(450_000)
    app.drop("lines/a", data)
    app.take("lines/a")
    first, *_ = taken_from_queue(app)  # the others are lost
    work.take(app.app, first)
    app.take("lines/a")
    work_off(app)
    app.take("lines/a")
    assert work_off(app) == 0
    assert landed(app) == names(data)
    assert app.entry("lines/a").state == "done"


def test_the_sweep_finds_parts_that_nobody_took(azurite: Azurite, tmp_path: Path) -> None:
    """Where all messages are lost, the sweep has the blob looked after until it is done."""
    with ferry(azurite, tmp_path, PART_BYTES=str(PART), CLAIM_SECONDS="5") as app:
        data = content(450_000)
        app.drop("lines/a", data)
        app.take("lines/a")
        taken_from_queue(app)
        assert app.sweep() == 0  # it may still be on its way
        old = time.time() + LEFT_BEHIND + 1
        queued = [sweep._is_missed(app.app, blob, entry, born=0, now=old) for blob, entry in _rows(app)]
        assert queued == [True]
        before = app.app.state.read(f"{PREFIX}{app.entry('lines/a').source}")
        app.take("lines/a")
        after = app.app.state.read(f"{PREFIX}{app.entry('lines/a').source}")
        assert before is not None
        assert after is not None
        assert before.etag != after.etag  # so the next sweep does not queue them all once more
        work_off(app)
        assert landed(app) == names(data)


@pytest.mark.parametrize(("spare", "tries", "left"), [(True, 1, 0), (True, 2, 1), (False, 1, 1)])
def test_a_spare_message_for_a_part_in_work_ends(app: Ferry, *, spare: bool, tries: int, left: int) -> None:
    """While a part is in work its worker's own message is enough; that one, given out again, stays."""
    data = content(450_000)
    app.drop("lines/a", data)
    app.take("lines/a")
    first, *_ = taken_from_queue(app)
    parent = app.entry("lines/a")
    claim = app.app.ledger.claim(msgspec.structs.replace(parent, part=0, state="running"))
    assert isinstance(claim, Claim)
    work.take(app.app, json.dumps({**json.loads(first), "spare": spare}).encode(), tries=tries)
    again = app.queued()
    assert len(again) == left
    assert not [one for one in again if one.get("spare")]
    claim.finish("deferred")
    for part in range(len(parent.parts)):
        app.work({**json.loads(first), "part": part})
    assert landed(app) == names(data)


def _rows(app: Ferry) -> Iterator[tuple[Any, Any]]:
    yield from zip(app.drop_container.list_blobs(), app.app.state.listing(PREFIX), strict=True)


def test_a_part_whose_worker_died_goes_on_from_its_checkpoint(app: Ferry) -> None:
    """A part is taken over like any source, where its checkpoint is."""
    data = content(450_000)
    app.drop("lines/a", data)
    app.take("lines/a")
    messages = taken_from_queue(app)
    app.server.faults({"status": 503, "times": 1})
    app.again(RETRY_SECONDS="0", UPLOAD_WINDOW="1")
    work.take(app.app, messages[1])
    assert app.queued() != []
    app.again()
    for message in messages:
        work.take(app.app, message)
    assert landed(app) == names(data)
    assert app.entry("lines/a").counts.read == names(data).total()


def test_a_blob_that_is_replaced_while_its_parts_are_read(
    app: Ferry, caplog: pytest.LogCaptureFixture
) -> None:
    """Parts of the old version end, with a row that counts them; the new one is taken by whichever finds it."""
    caplog.set_level("INFO", "logferry.audit")
    old, new = content(450_000), content(400_000, pad=200).replace(b'"n', b'"m')
    app.drop("lines/a", old)
    app.take("lines/a")
    first, *rest = taken_from_queue(app)
    work.take(app.app, first)
    before = landed(app).total()
    app.drop("lines/a", new)
    for message in rest:
        work.take(app.app, message)
    work_off(app)
    found = landed(app)
    assert all(found[name] == 1 for name in names(new))
    audits = [row for record in caplog.records if (row := audit_of(record.getMessage()))]
    (ended,) = [row for row in audits if row.outcome == "changed"]
    assert ended.accepted == before > 0
    assert app.entry("lines/a").state == "done"
    assert app.entry("lines/a").counts.read == names(new).total()


def test_a_blob_that_is_removed_while_its_parts_are_read(app: Ferry) -> None:
    """The entry says that it is gone, and what had landed until then."""
    app.drop("lines/a", content(450_000))
    app.take("lines/a")
    first, *rest = taken_from_queue(app)
    work.take(app.app, first)
    app.drop_container.delete_blob("lines/a")
    for message in rest:
        work.take(app.app, message)
    assert work_off(app) == 0
    entry = app.entry("lines/a")
    assert (entry.state, entry.counts.accepted) == ("gone", landed(app).total())
    assert entry.counts.accepted > 0


def test_a_part_that_azure_never_takes_makes_the_blob_dead(app: Ferry) -> None:
    """When DEFER_SECONDS are over the part is dead, and the blob with it, with the reason in the dead letter."""
    app.drop("lines/a", content(400_000))
    app.take("lines/a")
    messages = taken_from_queue(app)
    app.server.faults({"status": 403, "times": 500})
    app.again(DEFER_SECONDS="0")
    for message in messages * 2:
        work.take(app.app, message)
    entry = app.entry("lines/a")
    assert entry.state == "dead"
    assert "Monitoring Metrics Publisher" in entry.reason
    (dead,) = app.dead()
    assert (dead["reason"], dead["source"]) == ("PartDead", entry.source)


def test_who_waits_for_its_turn_repeats_nothing(
    azurite: Azurite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part's message that waited while another worker did all parts and closed the blob does nothing."""
    monkeypatch.setattr("shared.turns.FREE_BYTES", 1_000)
    with ferry(azurite, tmp_path, PART_BYTES=str(PART), CONCURRENT_BLOBS="1") as app:
        data = content(700_000)
        app.drop("lines/a", data)
        app.take("lines/a")
        messages = taken_from_queue(app)
        late, asked = app.app, threading.Event()
        room_for = late.room_for
        monkeypatch.setattr(late, "room_for", lambda size: (asked.set(), room_for(size))[1])
        with ThreadPoolExecutor(1) as pool:
            with room_for(TURN_BYTES):
                waiting = pool.submit(work.take, late, messages[0])
                asked.wait()
                app.again()
                for message in messages:
                    work.take(app.app, message)
                assert app.entry("lines/a").state == "done"
            waiting.result()
        assert landed(app) == names(data)
        assert list(app.app.state.listing(PARTS)) == []


def test_entries_of_parts_do_not_stay(app: Ferry) -> None:
    """Whoever closes a blob and dies before its parts' entries are removed leaves them to the sweep, and no others."""
    app.drop("lines/a", content(400_000))
    app.drop("lines/b", content(400_000))
    for name in ("lines/a", "lines/b"):
        app.take(name)
    messages = taken_from_queue(app)
    state, in_work = app.app.state, app.entry("lines/b")
    for message in messages:
        if b"lines/a" in message or messages.index(message) == len(messages) - 1:
            work.take(app.app, message)
    entry = app.entry("lines/a")
    assert entry.state == "done"
    for part in range(len(entry.parts)):
        left = msgspec.structs.replace(entry, part=part)
        state.create(entry_name(left), left.dump(), metadata(left))
    kept = [row.name for row in app.app.ledger.parts(in_work)]
    assert len(kept) == 1
    app.sweep()
    assert [row.name for row in state.listing(PARTS)] == kept


@pytest.fixture
def given_up(azurite: Azurite, tmp_path: Path) -> Iterator[Ferry]:
    """A blob of which some parts landed and the others were given up, so that it is dead; the role is back."""
    with ferry(azurite, tmp_path, PART_BYTES=str(PART), BATCH_BYTES="100000") as app:
        app.drop("lines/a", content(700_000, bad_every=100))
        app.take("lines/a")
        first, *rest = taken_from_queue(app)
        work.take(app.app, first)
        app.server.call("POST", "/local/roles", {"granted": False})
        app.again(DEFER_SECONDS="0")
        for message in rest * 2:
            work.take(app.app, message)
        assert app.entry("lines/a").state == "dead"
        app.queued()
        app.server.call("POST", "/local/roles", {"granted": True})
        yield app


def _all_landed(app: Ferry) -> None:
    data = content(700_000, bad_every=100)
    assert landed(app) == names(data)
    entry = app.entry("lines/a")
    assert (entry.state, entry.counts.adds_up()) == ("done", True)
    assert (entry.counts.read, entry.counts.accepted) == (data.count(b"\n"), names(data).total())
    dead = app.dead()
    assert len(dead) == entry.counts.dead_lettered > 0
    assert not [line for line in dead if "ordinal" not in line]
    assert parts_of(app, "lines/a") == []


def _whole(app: Ferry) -> str:
    rows = app.app.dead_letter.store.listing("lines/")
    (name,) = [row.name for row in rows if row.metadata["records"] == "source"]
    return name


@pytest.mark.parametrize("at_once", [False, True], ids=["one worker", "another worker takes parts at once"])
def test_dead_parts_are_replayed_as_a_whole(
    given_up: Ferry, monkeypatch: pytest.MonkeyPatch, *, at_once: bool
) -> None:
    """A blob that died of its parts is replayed: what was missing lands once, all adds up, nothing waits."""
    document = _whole(given_up)
    put = WorkQueue.put

    def eager(queue: WorkQueue, what: Work, delay: float = 0) -> None:
        if isinstance(what, PartWork):
            work.take(given_up.app, msgspec.json.encode(what))
        else:
            put(queue, what, delay)

    with monkeypatch.context() as patch:
        if at_once:
            patch.setattr(WorkQueue, "put", eager)
        given_up.work({"do": "replay", "document": document})
    work_off(given_up)
    _all_landed(given_up)


@pytest.mark.parametrize("after", range(4))
def test_a_replay_of_parts_that_dies_is_done_by_the_next(
    given_up: Ferry, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Wherever the worker dies, the document is still there, and the same message once more lands all of it."""
    document, left = _whole(given_up), [after * 3]
    amend, put = Ledger.amend, WorkQueue.put

    def step() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt

    def amended(ledger: Ledger, seen: Entry, change: Any) -> Entry | None:
        step()
        return amend(ledger, seen, change)

    def queued(queue: WorkQueue, what: Work, delay: float = 0) -> None:
        step()
        put(queue, what, delay)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "amend", amended)
        patch.setattr(WorkQueue, "put", queued)
        with pytest.raises(KeyboardInterrupt):
            given_up.work({"do": "replay", "document": document})
    given_up.work({"do": "replay", "document": document})
    work_off(given_up)
    _all_landed(given_up)


def test_record_ids_are_all_different(app: Ferry) -> None:
    """No two records of a blob in parts have the same id."""
    data = content(450_000)
    app.drop("ids/a", data)
    app.take("ids/a")
    work_off(app)
    ids = [row["RecordId"] for row in app.server.rows("Ids_CL | project RecordId")]
    assert len(set(ids)) == len(ids) == names(data).total()


def test_what_is_added_behind_parts_lands_alone(app: Ferry) -> None:
    """A blob that was cut, and is written anew with more lines, goes on behind its old end."""
    data, more = content(450_000), b'{"Name":"added"}\n'
    app.drop("lines/a", data)
    app.take("lines/a")
    work_off(app)
    app.drop("lines/a", data + more)
    app.take("lines/a")
    work_off(app)
    assert landed(app) == names(data + more)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("lines/a.gz", gzip.compress(content(600_000), 0)),
        ("rows/a", b"name,size\n" + b"row,1\n" * 70_000),
        ("numbered/a", content(450_000)),
        ("lines/one", b'{"Name":"' + b"x" * 900_000),
    ],
    ids=["compressed", "csv", "line numbers", "one line"],
)
def test_what_cannot_be_cut_is_read_as_a_whole(app: Ferry, name: str, data: bytes) -> None:
    """Compressed input, formats with headers, columns with line numbers, lines over 4 MB: no parts."""
    app.drop(name, data)
    app.take(name)
    entry: Entry = app.entry(name)
    assert (entry.state, entry.parts) == ("done", [])
    assert entry.counts.adds_up()


def test_a_cut_is_never_made_in_a_long_line(app: Ferry) -> None:
    """Where the place to cut lies in a line that is longer than any record, the part before takes it whole."""
    app.again(READ_BYTES="2097152")
    long = b'{"Name":"' + b"x" * 6_000_000 + b'"}\n'
    data = content(250_000) + long + content(250_000).replace(b'"n', b'"m')
    app.drop("lines/a", data)
    app.take("lines/a")
    assert app.entry("lines/a").state == "split"
    work_off(app)
    counts = app.entry("lines/a").counts
    assert (counts.dead_lettered, counts.read) == (1, data.count(b"\n"))
    (dead,) = app.dead()
    assert dead["reason"] == "RecordTooLong"


@pytest.mark.parametrize("form", ["ndjson", "cef", "leef", "logfmt", "kv", "regex", "text", "syslog"])
def test_a_format_that_can_be_cut_reads_the_same_from_any_newline(form: str) -> None:
    """Records of the pieces, one after another, are the records of the whole."""
    spec = FORMATS[form]
    options = spec.options(**({"pattern": r"(?P<a>\S+) (?P<b>.*)"} if form == "regex" else {}))
    assert spec.splittable(options)
    text = _sample(form)
    starts = [0, *(place + 1 for place, byte in enumerate(text[:-1]) if byte == 10)]
    whole = _read(spec, options, text, 0)
    for cut in starts[1 :: max(1, len(starts) // 12)]:
        assert _read(spec, options, text[:cut], 0) + _read(spec, options, text[cut:], cut) == whole


def _read(spec: Any, options: Any, text: bytes, offset: int) -> list[Any]:
    parser = spec.make(options, Position(offset=offset, base=offset, ordinal=offset))
    blocks = [*parser.feed(text), *parser.flush()]
    found: list[Any] = []
    for block in blocks:
        assert not block.start.state
        found += [(block.origin(index).offset, record) for index, record in enumerate(block.dicts())]
        found += [(reject.offset, reject.reason) for reject in block.rejects]
    return sorted(found, key=lambda item: item[0])


def _sample(form: str) -> bytes:
    lines = {
        "ndjson": '{"a": %d, "b": "x"}',
        "cef": "CEF:0|v|p|1|%d|name|5|src=10.0.0.1 msg=hello world",
        "leef": "LEEF:1.0|v|p|1|%d|src=10.0.0.1\tmsg=hello",
        "logfmt": 'level=info msg="order %d" took=3ms',
        "kv": "a=%d b=2",
        "regex": "%d message text",
        "text": "%d message text",
        "syslog": "<34>Oct 11 22:14:15 host su[%d]: failed",
    }
    return "".join(
        lines[form] % number + ("\n\n" if number % 7 == 0 else "\n") for number in range(60)
    ).encode()
