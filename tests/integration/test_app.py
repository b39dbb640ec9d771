"""The handlers on real storage and a strict endpoint: everything lands once, or is where it should be."""

from __future__ import annotations

import gzip
import json
import random
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared import settings
from shared.app import budget_seconds
from shared.errors import ConfigError, RoutesError, SettingsError, SourceChanged, Unexpected
from shared.handlers import taken
from shared.heap import Spare
from shared.sources.blob import open_blob
from shared.turns import FREE_BYTES, TURN_BYTES
from tests.azurite import Azurite
from tests.build import lines
from tests.ferry import ROUTES, Ferry, ferry

NOW = datetime.now(UTC).isoformat().replace("+00:00", "Z")


@pytest.fixture
def app(azurite: Azurite, tmp_path: Path) -> Iterator[Ferry]:
    with ferry(azurite, tmp_path) as made:
        yield made


def named(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"TimeGenerated": NOW, "Name": f"n{i}", "Size": i, **more} for i in range(count)]


def landed(app: Ferry, table: str = "Lines_CL") -> list[str]:
    return sorted(row["Name"] for row in app.server.rows(f"{table} | project Name"))


def test_a_blob_lands_and_adds_up(app: Ferry) -> None:
    """Every record of a dropped file is a row; the ledger says done, with counts that add up."""
    app.drop("lines/a.ndjson", lines(named(100)))
    app.take("lines/a.ndjson")
    assert len(landed(app)) == 100
    entry = app.entry("lines/a.ndjson")
    assert (entry.state, entry.counts.read, entry.counts.accepted) == ("done", 100, 100)
    assert app.server.losses() == []


def test_the_same_event_twice_lands_once(app: Ferry) -> None:
    """An event that comes again finds the work done, and nothing is sent."""
    app.drop("lines/a.ndjson", lines(named(10)))
    for _ in range(3):
        app.take("lines/a.ndjson")
    assert len(landed(app)) == 10


def test_large_blobs_wait_their_turn(app: Ferry) -> None:
    """No more is in work at once than the setting says; small blobs pass; who waited long looks again later.

    What a compressed blob holds counts, not its size.
    """
    app.again(CONCURRENT_BLOBS="1", CLAIM_SECONDS="5")
    app.drop("lines/large", lines(named(5_000, Pad="x" * 200)))
    app.drop("lines/small", lines([{"Name": "small"}]))
    pads = [random.Random(seed).randbytes(15_000).hex() for seed in range(4)]
    packed = gzip.compress(lines([{"Name": f"packed{n}", "Pad": pad} for n, pad in enumerate(pads)]))
    assert 25_000 < len(packed) < FREE_BYTES
    app.drop("lines/packed", packed)
    with app.app.room_for(TURN_BYTES) as got:
        assert got
        app.take("lines/small")
        app.take("lines/large")
        app.take("lines/packed")
    assert landed(app) == ["small"]
    assert len(app.queued()) == 2
    for name in ("large", "packed"):
        app.work({"do": "blob", "container": app.environ["DROP_CONTAINER"], "name": f"lines/{name}"})
    assert len(landed(app)) == 5_005


def test_memory_is_given_back_after_a_source(app: Ferry, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a source is done, whether it landed or not, it is time to give back what the C library keeps."""
    given: list[str] = []
    monkeypatch.setattr(Spare, "give_back", lambda _spare: given.append("back"))
    app.drop("lines/a.ndjson", lines(named(1)))
    app.take("lines/a.ndjson")
    assert given == ["back"]
    with pytest.raises(RuntimeError), app.app.room_for(TURN_BYTES):
        raise RuntimeError("a bug")
    assert given == ["back", "back"]


def test_ten_events_at_once_land_once(app: Ferry) -> None:
    """Ten workers that get the same event at the same moment send its rows once."""
    app.drop("lines/a.ndjson", lines(named(10)))
    with ThreadPoolExecutor(10) as pool:
        for done in [pool.submit(app.take, "lines/a.ndjson") for _ in range(10)]:
            done.result()
    assert len(landed(app)) == 10


def test_a_new_version_of_a_blob_is_a_new_source(app: Ferry) -> None:
    """A blob that is written over lands again, as a whole."""
    app.drop("lines/a.ndjson", lines(named(2)))
    app.take("lines/a.ndjson")
    app.drop("lines/a.ndjson", lines([{"TimeGenerated": NOW, "Name": "new"}]))
    app.take("lines/a.ndjson")
    assert landed(app) == ["n0", "n1", "new"]


def test_a_blob_that_is_replaced_while_it_is_read_gives_no_byte_of_the_new_one(app: Ferry) -> None:
    """Reading is of one version: once the blob is another one, or gone, the next range is refused."""
    for change in (
        lambda: app.drop("lines/a", b"b" * 300_000),
        lambda: app.drop_container.delete_blob("lines/a"),
    ):
        app.drop("lines/a", b"a" * 300_000)
        source = open_blob(app.drop_container.get_blob_client("lines/a"), 65_536)
        assert source is not None
        chunks = source.chunks()
        read = next(chunks)
        change()
        with pytest.raises(SourceChanged):
            for chunk in chunks:
                read += chunk
        assert set(read) == {ord("a")}


def test_csv_in_gzip_is_shaped_and_filtered(app: Ferry) -> None:
    """Compression goes by content, types are cast, filtered rows are counted."""
    app.drop("rows/a", gzip.compress(b"name,size\na,1\nskip,2\nb,3\n"))
    app.take("rows/a")
    assert app.server.rows("Rows_CL | project Name, Size | sort by Size asc") == [
        {"Name": "a", "Size": 1},
        {"Name": "b", "Size": 3},
    ]
    counts = app.entry("rows/a").counts
    assert (counts.read, counts.accepted, counts.filtered) == (3, 2, 1)


def test_a_truncated_gzip_gives_what_it_has(app: Ferry) -> None:
    """All whole records before the break land; the rest is one dead letter that says where it broke."""
    whole = gzip.compress(b"".join(b'{"Name":"n%d","Pad":"%x"}\n' % (i, hash(str(i))) for i in range(2000)))
    app.drop("lines/a.gz", whole[: len(whole) * 2 // 3])
    app.take("lines/a.gz")
    counts = app.entry("lines/a.gz").counts
    assert 500 < counts.accepted == len(landed(app)) < 2000
    (dead,) = app.dead()
    assert dead["reason"] == "BrokenInput"
    assert "gzip" in dead["detail"]
    assert f"byte {len(whole) * 2 // 3:,}" in dead["detail"]
    assert counts.dead_lettered == 1
    assert counts.adds_up()


def test_a_truncated_csv_row_is_not_taken_for_a_whole_one(app: Ferry) -> None:
    """The row that a break cut in two is dead-lettered, even if it still looks like a row."""
    text = b"name,size\n" + b"".join(b"n%d,%d\n" % (i, i * 700_001) for i in range(3000))
    app.drop("rows/a.gz", gzip.compress(text)[:-3000])
    app.take("rows/a.gz")
    landed = app.server.rows("Rows_CL | project Name, Size")
    assert len(landed) > 1000
    assert all(row["Size"] == int(row["Name"][1:]) * 700_001 for row in landed)
    assert [d["reason"] for d in app.dead()] == ["BrokenInput"]


def test_invalid_utf8_costs_one_record(app: Ferry) -> None:
    """A line that is no UTF-8 is dead-lettered with its bytes; its neighbours land."""
    app.drop("lines/a.ndjson", lines(named(2)) + b'{"Name":"\xff"}\n' + lines([{"Name": "after"}]))
    app.take("lines/a.ndjson")
    assert landed(app) == ["after", "n0", "n1"]
    (dead,) = app.dead()
    assert (dead["reason"], dead["line"], dead["ordinal"]) == ("InvalidUtf8", 3, 2)
    assert "raw_base64" in dead


def test_a_record_of_1_5_mb_is_dead_lettered_whole(app: Ferry) -> None:
    """A record that no post can hold is kept with its bytes; its neighbours land."""
    large = {"Name": "large", "Extras": ["x" * 60_000] * 25}
    app.drop("lines/a.ndjson", lines([*named(1), large, {"Name": "after"}]))
    app.take("lines/a.ndjson")
    assert landed(app) == ["after", "n0"]
    (dead,) = app.dead()
    assert dead["reason"] in {"RecordTooLarge", "ValueTooLong"}
    assert json.loads(dead["raw"]) == large


def test_a_blob_that_no_route_takes_is_said(app: Ferry, caplog: pytest.LogCaptureFixture) -> None:
    """An unrouted blob stays where it is, is marked in the ledger, and lands once a route takes it."""
    app.drop("nowhere/a.ndjson", lines(named(1)))
    app.take("nowhere/a.ndjson")
    assert app.entry("nowhere/a.ndjson").state == "unrouted"
    assert "routes.yaml" in caplog.text
    (app.root / "routes.yaml").write_text(ROUTES.replace('["lines/**"]', '["lines/**", "nowhere/**"]'))
    app.again()
    assert app.sweep() == 1
    app.work({"do": "blob", "container": app.environ["DROP_CONTAINER"], "name": "nowhere/a.ndjson"})
    assert landed(app) == ["n0"]


def test_a_blob_that_is_gone_is_no_error(app: Ferry) -> None:
    """An event for a blob that was removed meanwhile is answered, and audited as gone."""
    app.take("lines/none.ndjson")
    assert app.queued() == []


def test_an_unknown_stream_defers_and_loses_nothing(azurite: Azurite, tmp_path: Path) -> None:
    """A rule that does not have the stream: deferred, queued, not dead-lettered; it lands once the rule is right."""
    with ferry(azurite, tmp_path) as app:
        other = ROUTES.replace("table: Lines_CL", "table: Lines_CL\n    stream: Custom-Elsewhere")
        (tmp_path / "routes.yaml").write_text(other)
        app.again()
        app.drop("lines/a.ndjson", lines(named(3)))
        app.take("lines/a.ndjson")
        entry = app.entry("lines/a.ndjson")
        assert (entry.state, entry.counts.accepted) == ("deferred", 0)
        assert "Custom-Elsewhere" in entry.reason
        assert len(app.queued()) == 1
        assert app.dead() == []
        (tmp_path / "routes.yaml").write_text(ROUTES)
        app.again()
        app.take("lines/a.ndjson")
        assert len(landed(app)) == 3


def test_a_wrong_rule_defers(app: Ferry) -> None:
    """A rule that is not there: deferred, with the two settings to look at; after the time allowed, dead-lettered."""
    app.again(LOGS_DCR_RULE_ID="dcr-" + "e" * 32)
    app.drop("lines/a.ndjson", lines(named(1)))
    app.take("lines/a.ndjson")
    assert "DATA_COLLECTION_ENDPOINT" in app.entry("lines/a.ndjson").reason
    assert app.dead() == []
    app.again(LOGS_DCR_RULE_ID="dcr-" + "e" * 32, DEFER_SECONDS="0")
    app.take("lines/a.ndjson")
    assert app.entry("lines/a.ndjson").state == "dead"
    assert [d["reason"] for d in app.dead()] == ["NotReady"]


def test_an_endpoint_that_is_down_defers(app: Ferry) -> None:
    """Nobody answers: deferred however long it takes, and it lands when somebody does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        app.again(DATA_COLLECTION_ENDPOINT=f"http://127.0.0.1:{free.getsockname()[1]}", DEFER_SECONDS="0")
        app.drop("lines/a.ndjson", lines(named(1)))
        for _ in range(2):
            app.take("lines/a.ndjson")
    assert app.entry("lines/a.ndjson").state == "deferred"
    assert app.dead() == []
    app.again()
    app.take("lines/a.ndjson")
    assert landed(app) == ["n0"]


def test_what_does_not_fit_in_one_invocation_goes_on(app: Ferry) -> None:
    """Out of time: a checkpoint and a work message; the next invocations finish, and no row comes twice."""
    app.again(BATCH_BYTES="2000", READ_BYTES="65536", UPLOAD_WINDOW="4")
    app.app.budget = -1.0
    app.drop("lines/a.ndjson", lines(named(8_000, Pad="x" * 100)))
    rounds = 0
    app.take("lines/a.ndjson")
    while app.entry("lines/a.ndjson").state != "done":
        (again,) = app.queued()
        app.work(again)
        rounds += 1
    assert rounds > 1
    assert len(landed(app)) == len(set(landed(app))) == 8_000
    assert app.entry("lines/a.ndjson").counts.adds_up()


def test_a_source_whose_rows_are_all_filtered_keeps_its_claim(
    app: Ferry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing is sent for long, checkpoints are still written while the source is read."""
    monkeypatch.setattr(taken.Progress, "save", _counted(taken.Progress.save, saved := []))
    app.again(CLAIM_SECONDS="5")
    app.app.settings = replace(app.app.settings, claim_seconds=0)  # a sign of life is always due
    app.drop("rows/a.gz", gzip.compress(b"name,size\n" + b"skip,1\n" * 400_000, 1))
    app.take("rows/a.gz")
    assert app.entry("rows/a.gz").counts.filtered == 400_000
    assert len(saved) >= 2


def _counted(function: Callable[..., None], calls: list[int]) -> Callable[..., None]:
    def counted(*arguments: Any) -> None:
        calls.append(1)
        function(*arguments)

    return counted


def test_a_compressed_source_goes_on_too(app: Ferry) -> None:
    """Where no seek is possible the source is read again up to the checkpoint, and nothing is sent again."""
    app.again(BATCH_BYTES="20000", UPLOAD_WINDOW="4")
    app.app.budget = -1.0
    text = b"name,size\n" + b"".join(b"n%d,%d\n" % (i, i) for i in range(60_000))
    app.drop("rows/a.csv.gz", gzip.compress(text, 1))
    app.take("rows/a.csv.gz")
    while app.entry("rows/a.csv.gz").state != "done":
        (again,) = app.queued()
        app.work(again)
    assert app.server.rows("Rows_CL | summarize N = count(), S = sum(Size)") == [
        {"N": 60_000, "S": sum(range(60_000))}
    ]


def test_messages_of_every_form_land(app: Ferry) -> None:
    """An array, one record, an envelope, a blob by path and by URL, both Event Grid schemas, base64."""
    drop, url = app.environ["DROP_CONTAINER"], app.blobs.url.rstrip("/")
    for n in range(5):
        app.drop(f"lines/{n}.ndjson", lines([{"Name": f"blob{n}"}]))
    app.send([{"name": "array1"}, {"name": "array2"}])
    app.send({"name": "one"})
    app.send({"route": "events", "records": [{"name": "envelope"}]})
    app.send({"blob": f"{drop}/lines/0.ndjson"})
    app.send({"blob": f"{url}/{drop}/lines/1.ndjson", "route": "lines"})
    grid = {"eventType": "Microsoft.Storage.BlobCreated", "data": {"url": f"{url}/{drop}/lines/2.ndjson"}}
    app.send([grid])
    cloud = {"specversion": "1.0", "type": "Microsoft.Storage.BlobCreated"}
    app.send({**cloud, "data": {"url": f"{url}/{drop}/lines/3.ndjson"}})
    app.send(b"eyJuYW1lIjoiYmFzZTY0In0=")
    assert landed(app, "Events_CL") == ["array1", "array2", "base64", "envelope", "one"]
    assert landed(app) == ["blob0", "blob1", "blob2", "blob3"]


def test_the_same_path_on_another_host_is_forbidden(app: Ferry) -> None:
    """A URL must be the drop account's own: the same container and path elsewhere are never read."""
    app.drop("lines/a.ndjson", lines(named(1)))
    here = f"{app.blobs.url.rstrip('/')}/{app.environ['DROP_CONTAINER']}/lines/a.ndjson"
    port = app.blobs.url.split(":")[2].split("/")[0]
    for elsewhere in (
        here.replace("127.0.0.1", "127.0.0.2"),
        here.replace(port, "1"),
        here.replace("http:", "https:"),
        here.replace("http://", "http://user@"),
        here + "?sig=x",
    ):
        app.send({"blob": elsewhere})
    assert [dead["reason"] for dead in app.dead()] == ["Forbidden"] * 5
    assert landed(app) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"hello", "BadMessage"),
        (b"42", "BadMessage"),
        (b"\xff\xfe", "BadMessage"),
        (b'{"route": "nope", "records": [{"a": 1}]}', "BadMessage"),
        (b'{"blob": "secrets/passwords.txt"}', "Forbidden"),
        (b'{"blob": "https://elsewhere.example/drop/a.csv"}', "Forbidden"),
        (b'{"blob": "http://169.254.169.254/metadata/identity"}', "Forbidden"),
    ],
)
def test_a_message_that_cannot_be_taken_is_dead_lettered(app: Ferry, text: bytes, reason: str) -> None:
    """It is kept whole with its reason, not tried to death, and never reads what the settings do not allow."""
    app.send(text)
    (dead,) = app.dead()
    assert dead["reason"] == reason
    kept = dead.get("raw", "").encode() if "raw" in dead else dead["raw_base64"]
    assert kept
    assert app.queued() == []


def test_a_message_survives_an_outage(app: Ferry) -> None:
    """Azure is not ready: the message is put aside whole, and lands from the work queue."""
    app.server.call("POST", "/local/roles", {"granted": False})
    app.send({"name": "kept"})
    assert app.dead() == []
    assert len(app.queued()) == 1
    (held,) = list(app.app.state.listing("held/"))
    work = {"do": "held", "id": held.name.removeprefix("held/")}
    app.work(work)
    assert len(app.queued()) == 1
    app.server.call("POST", "/local/roles", {"granted": True})
    app.again()
    app.work(work)
    assert landed(app, "Events_CL") == ["kept"]
    assert list(app.app.state.listing("held/")) == []
    app.work(work)
    assert landed(app, "Events_CL") == ["kept"]


def test_the_sweep_takes_what_raised_no_event(app: Ferry) -> None:
    """Blobs without an entry are queued once; blobs that are done are left alone."""
    app.app.state.put("meta/x", b"")  # the app is set up before the files come
    for name in ("lines/a.ndjson", "lines/b/ü #.ndjson", "lines/z"):
        app.drop(name, lines([{"Name": name}]))
    app.take("lines/z")
    assert app.sweep() == 2
    for work in app.queued():
        app.work(work)
    assert landed(app) == ["lines/a.ndjson", "lines/b/ü #.ndjson", "lines/z"]
    assert app.sweep() == 0


def test_the_sweep_leaves_blobs_from_before_the_app(app: Ferry) -> None:
    """What was there before the app is taken only when asked for."""
    app.drop("lines/old.ndjson", lines(named(1)))
    app.app.state.put("meta/born", b"99999999999")
    assert app.sweep() == 0
    app.again(SWEEP_EXISTING="true")
    assert app.sweep() == 1


def test_a_worker_that_dies_again_and_again_ends_in_the_dead_letter(app: Ferry) -> None:
    """A source that keeps killing its worker is dead-lettered after five deaths instead of going round for ever."""
    app.again(CLAIM_SECONDS="5")
    app.app.ledger._claim_seconds = 0
    app.drop("lines/a.ndjson", lines(named(1)))
    from shared.handlers import blob as handler  # noqa: PLC0415

    source = handler.open_blob(app.drop_container.get_blob_client("lines/a.ndjson"), 65_536)
    assert source is not None
    for _ in range(6):
        assert app.app.ledger.claim(handler._fresh(source, app.app.routes.by_name["lines"])) is not None
    app.take("lines/a.ndjson")
    assert app.entry("lines/a.ndjson").state == "dead"
    assert [d["reason"] for d in app.dead()] == ["WorkerDied"]


def test_wrong_settings_are_named_all_at_once() -> None:
    """Every setting that is missing or wrong is in one message, with its remedy."""
    with pytest.raises(SettingsError) as caught:
        settings.read({"UPLOAD_WINDOW": "lots", "DATA_COLLECTION_ENDPOINT": "http://example.com"})
    text = str(caught.value)
    assert "UPLOAD_WINDOW is 'lots'; it should be a whole number from 1 to 64" in text
    assert "https:// address" in text
    with pytest.raises(SettingsError, match="https:// address"):
        settings.read({"DATA_COLLECTION_ENDPOINT": "http://localhost.elsewhere.example"})
    assert "LOGS_DCR_RULE_ID is not set" in text
    assert "DropStorage__blobServiceUri" in text


def test_broken_routes_stop_the_app_with_the_line(app: Ferry) -> None:
    """A routes file that cannot be used is refused with the line; nothing is sent or written."""
    (app.root / "routes.yaml").write_text(ROUTES.replace("format: csv", "format: cvs"))
    with pytest.raises(RoutesError, match=r"routes.yaml:10:\d+: routes.rows.format.*did you mean csv"):
        app.again()


def test_more_streams_than_rules_is_refused(app: Ferry) -> None:
    """Eleven streams need two rules; with one the app says so instead of losing the eleventh."""
    routes = "routes:\n" + "".join(
        f"  r{n}: {{ from: {{ blobs: [x] }}, format: csv, table: T{n}_CL }}\n" for n in range(11)
    )
    (app.root / "routes.yaml").write_text(routes)
    with pytest.raises(ConfigError, match="2 are needed"):
        app.again()


def test_the_time_budget_follows_host_json(tmp_path: Path) -> None:
    """functionTimeout less a margin; half of a short one; 30 minutes where there is none."""
    for text, seconds in (("00:10:00", 510.0), ("00:01:00", 30.0), ("1.00:00:00", 86_310.0), ("", 1_710.0)):
        (tmp_path / "host.json").write_text(json.dumps({"functionTimeout": text} if text else {}))
        assert budget_seconds(tmp_path / "host.json") == seconds
    assert budget_seconds(tmp_path / "none.json") == 1_710.0


def test_an_error_that_nobody_expected_is_not_tried_for_ever(
    app: Ferry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After five of them in a row the blob is dead, with type and place of the error and none of its text."""

    def broken(*_: Any, **__: Any) -> None:
        raise KeyError("4111-1111-1111-1111")

    app.drop("lines/a.ndjson", lines(named(3)))
    with monkeypatch.context() as patch:
        patch.setattr("shared.pipeline.Corridor.run", broken)
        for _ in range(taken.MAX_CRASHES):
            with pytest.raises(Unexpected, match=r"^KeyError at test_app\.py:\d+$"):
                app.take("lines/a.ndjson")
        assert "KeyError at test_app.py:" in app.entry("lines/a.ndjson").reason
        app.take("lines/a.ndjson")
    assert app.entry("lines/a.ndjson").state == "dead"
    (dead,) = app.dead()
    assert dead["reason"] == "UnexpectedError"
    assert "KeyError at test_app.py:" in dead["detail"]
    assert "4111" not in json.dumps(dead) + app.entry("lines/a.ndjson").dump().decode()


IDENTIFIED = ROUTES.replace("Size: { type: int } }", "Size: { type: int }, Key: { fact: record_id } }", 1)


def test_records_of_a_growing_blob_keep_their_names(azurite: Azurite, tmp_path: Path) -> None:
    """What is appended changes no record before it: ids begin alike, and rejects go into one folder of documents.

    A worker that dies may send again what another has sent before the blob grew: the same id, the same document.
    """
    with ferry(azurite, tmp_path, IDENTIFIED) as app:
        growing = app.drop_container.get_blob_client("lines/growing")
        growing.create_append_blob()
        for number in range(3):
            growing.append_block(lines(named(2)) + b"{ broken\n")
            app.take("lines/growing")
            assert app.entry("lines/growing").counts.read == 3 * (number + 1)
        keys = [row["Key"].rpartition("-") for row in app.server.rows("Lines_CL | project Key")]
        assert len({key[0] for key in keys}) == 1
        assert len({key[2] for key in keys}) == 6
        names = [
            b.name for b in app.blobs.get_container_client(app.environ["DEADLETTER_CONTAINER"]).list_blobs()
        ]
        assert len(names) == 3
        assert len({name.rpartition("/")[0] for name in names}) == 1
