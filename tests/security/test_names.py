"""Names that somebody outside has chosen: of blobs, of documents, of routes."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from shared.errors import BadMessage, Forbidden
from shared.handlers import blob, work
from shared.ledger.store import name_of
from shared.logs import logger
from tests.azurite import Azurite
from tests.build import lines
from tests.ferry import Ferry, ferry

AT = 1_795_500_000.0


@pytest.fixture(scope="module")
def app(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ferry]:
    with ferry(azurite, tmp_path_factory.mktemp("names")) as made:
        made.blobs.create_container("secret-" + made.environ["DROP_CONTAINER"])
        yield made


def hidden(app: Ferry) -> str:
    """A container of the account that is none of the app's business."""
    return "secret-" + app.environ["DROP_CONTAINER"]


@pytest.mark.parametrize(
    "asked",
    [
        {"do": "blob", "container": "{hidden}", "name": "a.ndjson", "route": "lines"},
        {"do": "blob", "container": "{drop}", "name": "../{hidden}/a.ndjson", "route": "lines"},
        {"do": "blob", "container": "{drop}/../{hidden}", "name": "a.ndjson", "route": "lines"},
        {"do": "blob", "container": "{state}", "name": "blobs/x", "route": "lines"},
        {"do": "part", "container": "{drop}", "name": "../{hidden}/a.ndjson", "version": "v", "part": 0},
        {"do": "part", "container": "{hidden}", "name": "a.ndjson", "version": "v", "part": 0},
        {"do": "held", "id": "../../{hidden}/held.json"},
        {"do": "held", "id": "audit/../../../{hidden}/held.json"},
        {"do": "replay", "document": "../{hidden}/dead.ndjson"},
        {"do": "held", "id": "x" * 1_200},
        {"do": "held", "id": ""},
        {"do": "replay", "document": "a\0.ndjson"},
        {"do": "blob", "container": "{drop}", "name": "x" * 1_025},
        {"do": "blob", "container": "{drop}", "name": ""},
    ],
)
def test_whoever_writes_on_the_work_queue_gets_at_nothing_else(app: Ferry, asked: dict[str, Any]) -> None:
    """A work message made by hand cannot have the app read, send, replay or delete what is elsewhere in the account.

    It ends in the dead letter, with its text and the reason.
    """
    secret = app.blobs.get_container_client(hidden(app))
    secret.upload_blob("a.ndjson", lines([{"Name": "secret"}]), overwrite=True)
    held = {"id": "x", "text": '[{"name":"secret"}]', "inserted": 0.0, "since": 0.0}
    secret.upload_blob("held.json", json.dumps(held), overwrite=True)
    secret.upload_blob("dead.ndjson", b"{}", overwrite=True)
    names = {
        "drop": app.environ["DROP_CONTAINER"],
        "state": app.environ["STATE_CONTAINER"],
        "hidden": hidden(app),
    }
    body = json.dumps({k: v.format(**names) if isinstance(v, str) else v for k, v in asked.items()}).encode()
    key = uuid.uuid4().hex
    with pytest.raises((Forbidden, BadMessage)):
        work.take(app.app, body, key, AT, 1)
    work.take(app.app, body, key, AT, 5)
    (line,) = [line for line in app.dead() if line["source"] == key]
    assert line["reason"] in {"Forbidden", "BadMessage"}
    assert json.loads(line["raw"]) == json.loads(body)
    assert app.server.rows("union Lines_CL, Events_CL | where Name == 'secret'") == []
    assert {b.name for b in secret.list_blobs()} == {"a.ndjson", "held.json", "dead.ndjson"}
    assert app.queued() == []


@pytest.mark.parametrize(
    "name", ["../{hidden}/a.ndjson", "lines/../../{hidden}/a.ndjson", "lines/..\\..\\{hidden}\\a"]
)
def test_an_event_with_a_forged_path_opens_no_other_container(app: Ferry, name: str) -> None:
    """Who has the key of the blob webhook may post any event: a path of dots is refused before storage is asked."""
    with pytest.raises(Forbidden):
        blob.take(app.app, app.environ["DROP_CONTAINER"], name.format(hidden=hidden(app)))


ODD = [
    "lines/a\nERROR [2026-11-28] forged line",
    "lines/\x1b[2J\x1b]0;title\x07.ndjson",
    "lines/\u202ecod.exe",
    "lines/%2e%2e/%2e%2e/x.ndjson",
    "lines/a b+c#d?e&f=g;h,i'j\"k.ndjson",
    "lines/" + "ä" * 300 + ".ndjson",
    "lines/" + "x" * 1_018,
    "lines/~" + "%00" * 20,
    "lines/…/ .ndjson",
]


@pytest.mark.parametrize("name", ODD, ids=range(len(ODD)))
def test_a_name_is_a_name_and_nothing_else(app: Ferry, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """A file of any name that storage takes lands once; what the log says of it is one line a sentence."""
    caplog.set_level(logging.DEBUG, "logferry")
    app.drop(name, lines([{"Name": "odd"}]) + b"{broken\n")
    before = len(app.dead())
    app.take(name)
    app.take(name)
    entry = app.app.ledger.read(f"{app.environ['DROP_CONTAINER']}/{name}")
    assert entry is not None
    assert (entry.state, entry.counts.accepted, entry.counts.dead_lettered) == ("done", 1, 1)
    assert len(app.dead()) == before + 1
    assert any(line["source"].endswith(name) for line in app.dead())
    ours = [record for record in caplog.records if record.name.startswith("logferry")]
    assert ours
    for record in ours:
        assert record.getMessage().isprintable()


@pytest.mark.parametrize("text", ["a\nb", "a\r\x1b[2Jb", "\u2028\u202e\x85"])
def test_no_name_begins_a_line_of_the_log(text: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is put into a sentence of the log, as text or as an error, stays on its line; JSON stays JSON."""
    log = logger("logferry.test")
    log.error("%s: %s", text, ValueError(text))
    log.error("audit %s", json.dumps({"source": text}, ensure_ascii=False))
    for record in caplog.records:
        assert record.getMessage().isprintable()
    assert json.loads(caplog.records[1].getMessage()[6:])["source"] in {
        text,
        *[text.encode("unicode_escape").decode()],
    }


def test_a_message_that_names_a_route_with_a_line_break_forges_nothing(
    app: Ferry, caplog: pytest.LogCaptureFixture
) -> None:
    """What a message says its route is, however long, is quoted in part and on one line."""
    app.send({"route": "x\naudit {}" + "y" * 50_000, "records": [{"name": "a"}]}, "forged")
    assert all(
        "\n" not in record.getMessage() for record in caplog.records if record.name.startswith("logferry")
    )
    (line,) = [line for line in app.dead() if line["source"] == "forged"]
    assert len(line["detail"]) < 500


def test_no_path_has_the_entry_of_another() -> None:
    """The ledger keys a path that is too long by a hash; a path made to look like such a key gets one of its own."""
    victim = "drop/" + "v" * 1_015
    forged = name_of("blobs/", victim).removeprefix("blobs/")
    assert len(forged) < 1_000
    assert name_of("blobs/", forged) != name_of("blobs/", victim)
    assert name_of("blobs/", "drop/a~b") == "blobs/drop/a~b"


def test_no_url_leads_to_another_account(app: Ferry) -> None:
    """An envelope can name blobs in the drop account and its allowed containers only, whatever the URL looks like."""
    account = app.app.storage.blobs.url
    for url in (
        account.replace("://", "://user:pass@") + f"/{app.environ['DROP_CONTAINER']}/x",
        f"{account}/{app.environ['DROP_CONTAINER']}/x?sv=2026&sig=abc",
        f"{account}.evil.example/{app.environ['DROP_CONTAINER']}/x",
        "http://169.254.169.254/metadata/identity/oauth2/token",
        "file:///etc/passwd",
        f"{account.replace('127.0.0.1', '127.0.0.2')}/{app.environ['DROP_CONTAINER']}/x",
    ):
        key = uuid.uuid4().hex
        app.send({"blob": url}, key)
        (line,) = [line for line in app.dead() if line["source"] == key]
        assert line["reason"] == "Forbidden", url
        assert "sig=" not in line["detail"]
