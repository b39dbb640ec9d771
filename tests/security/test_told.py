"""What is told and what never is: files and messages full of one word, with everything wrong that can be."""

from __future__ import annotations

import gzip
import io
import json
import logging
import traceback
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import fastavro
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from local.azure_monitor.identity import TokenBook
from shared.formats import FORMATS
from shared.handlers import work
from shared.sources.storage import Storage
from tests.azurite import Azurite
from tests.ferry import Ferry, ferry
from tests.monitor import SECRET

WORD = "Xq7Marker9Zw"
"""In every value of what is sent; no name of a file, a route or a column has it."""
KEY = "Kq7Keyname5Zw"
"""In keys of what is sent."""
SALT = "a-salt-that-nobody-should-ever-read"
AT = 1_795_500_000.0

_OPTIONS = {"regex": ", pattern: '(?P<time>\\S+) (?P<n>\\S+) (?P<s>.*)'"}
ROUTES = (
    "audit: { table: LogferryAudit_CL }\nroutes:\n"
    + "".join(
        f"""
  {name}:
    from: {{ blobs: ["{name}/**"] }}
    format: {{ type: {name}{_OPTIONS.get(name, "")} }}
    table: T{number}_CL
    columns:
      TimeGenerated: {{ type: datetime, from: [time, date, ts] }}
      NN: {{ type: int, from: n }}
      SS: {{ from: s }}
      HH: {{ from: [h, word, msg, message] }}
      DD: {{ type: dynamic, from: d }}
    redact: {{ HH: hash, SS: mask }}
    on_bad_value: dead_letter
    on_undeclared: dead_letter
    on_old_time: dead_letter
    on_duplicate_key: dead_letter
    on_lone_surrogate: dead_letter
    on_not_a_number: dead_letter
    on_big_integer: dead_letter
    on_long_value: dead_letter
"""
        for number, name in enumerate(FORMATS)
    )
    + """
  events:
    from: { messages: true }
    format: json
    table: Events_CL
    columns: { NN: { type: int, from: n } }
    on_bad_value: dead_letter
    on_undeclared: dead_letter
"""
)

W = WORD.encode()
K = KEY.encode()
JSON_LINES = [
    b'{"n":"%b","s":"%b"}' % (W, W),
    b'{"n":1,"s":"%b","%b":"%b"}' % (W, K, W),
    b'{"n":1,"s":"%b","s":"%b"}' % (W, W),
    b'{"n":1,"s":"%b","d":{"%b":NaN}}' % (W, K),
    b'{"n":123456789012345678901234567890,"s":"%b"}' % W,
    b'{"time":"1999-01-01T00:00:00Z","s":"%b"}' % W,
    b'{"time":"%b","s":"%b"}' % (W, W),
    b'{"s":"%b\\ud800","%b\\ud800":1}' % (W, K),
    b'{"s":"%b\xff\xfe"}' % W,
    b'{"s":"%b' % W,
    b'["%b"]' % W,
    b'"%b"' % W,
    b"%b" % W,
    b'{"d":%b"%b"%b}' % (b"[" * 1200, W, b"]" * 1200),
    b'{"d":"%b"}' % (W * 6_000),
]
LINES = [
    b"%b" % W,
    b"2026-11-20T06:00:00Z %b %b" % (W, W),
    b"<34>1 %b %b %b - - [%b %b] %b" % (W, W, W, W, W, W),
    b"<999>%b" % W,
    b"CEF:0|%b|%b|1|2|3|4|%b=%b n=%b s=%b" % (W, W, K, W, W, W),
    b"CEF:%b" % W,
    b"LEEF:2.0|%b|%b|1|2|^|n=%b^s=%b" % (K, K, W, W),
    b"LEEF:%b" % W,
    b'n=%b s="%b %b=%b' % (W, W, K, W),
    b"#Fields: date time %b\n1999-01-01 %b" % (K, W),
    b"#fields\tts\tn\t%b\n#types\ttime\tcount\tstring\n%b\t%b" % (K, W, W),
    b"time,n,s,%b\n%b,%b,%b\n%b" % (K, W, W, W, W),
    b'"%b,%b' % (W, W),
    b"time\tn\ts\n%b\t%b" % (W, W),
    b"%b \xff\xfe \x00\x1b[31m%b" % (W, W),
]
XML = [
    b"<r><e n='%b'><s>%b</s><%b>%b</%b></e></r>" % (W, W, K, W, K),
    b"<!DOCTYPE r [<!ENTITY x '%b'>]><r><e><s>&x;%b</s></e></r>" % (W, W),
    b"<r><e><s>%b</e></r>" % W,
    b"<r><e %b=%b/></r><%b" % (K, W, W),
]
HEADED = {"csv": b"time,n,s\n", "tsv": b"time\tn\ts\n"}
"""What stands before the lines of all formats, so that none of these is taken for a header."""


def files() -> Iterator[tuple[str, bytes]]:
    """Path and content."""
    text = b"\n".join([*LINES, *JSON_LINES]) + b"\n"
    for name in FORMATS:
        yield f"{name}/all", HEADED.get(name, b"") + text
    yield "csv/cut.gz", gzip.compress(HEADED["csv"] + text[:4_000] * 8)[:-40]
    yield "ndjson/long", b'{"s":"%b"}\n%b\n' % (W * 120_000, W * 400_000)
    yield "csv/long", b'time,n,s\n,,"%b"\n%b\n' % (W * 120_000, W * 400_000)
    yield "json/list", b"[%b]" % b",".join(JSON_LINES[:9])
    yield "json/cut", b'[{"n":1,"s":"%b"},{"n"' % W
    for number, one in enumerate(XML):
        yield f"xml/{number}", one
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/one.json", JSON_LINES[0])
        archive.writestr("../two.json", JSON_LINES[9])
    yield "ndjson/two.zip", packed.getvalue()
    yield "ndjson/broken.zip", packed.getvalue()[:60] + W * 20
    for name, content in {**_avro(), **_parquet()}.items():
        yield name, content
        yield f"{name}-cut", content[: len(content) // 2]
        yield f"{name}-bad", content[:-40] + W[:8] + content[-32:]


def _avro() -> dict[str, bytes]:
    fields = [
        {"name": name, "type": kind} for name, kind in {"n": "string", "s": "bytes", "d": "double"}.items()
    ]
    made = io.BytesIO()
    rows = [{"n": WORD, "s": W + b"\xff", "d": float("nan")}, {"n": WORD * 9_000, "s": W, "d": 1.0}] * 5
    fastavro.writer(made, {"type": "record", "name": "r", "fields": fields}, rows)
    return {"avro/word": made.getvalue()}


def _parquet() -> dict[str, bytes]:
    made = io.BytesIO()
    bad = pa.array([W + b"\xff", W]).cast(pa.string(), safe=False)
    pq.write_table(pa.table({"n": [WORD, WORD], "s": bad, KEY: [WORD * 9_000, WORD]}), made)
    return {"parquet/word": made.getvalue()}


MESSAGES = [*JSON_LINES[:14], b'{"records":[{"n":"%b"}],"route":"events"}' % W, b'[{"n":"%b"},"%b"]' % (W, W)]


class Heard(logging.Handler):
    """Everything that anybody logs, as text."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(logging.Formatter("%(name)s %(message)s %(exc_text)s").format(record))
        self.lines.append(repr(record.args))

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture(scope="module")
def heard() -> Iterator[Heard]:
    """All logs of all libraries, down to the last detail."""
    handler, root, names = Heard(), logging.getLogger(), ["", "azure", "azure.identity", "urllib3", "msal"]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield handler
    root.removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture(scope="module")
def issued() -> Iterator[list[str]]:
    """Every token that the identity endpoint hands out."""
    tokens: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        issue = TokenBook.issue

        def keep(book: TokenBook, resource: str) -> tuple[str, int, int]:
            issued = issue(book, resource)
            tokens.append(issued[0])
            return issued

        patch.setattr(TokenBook, "issue", keep)
        yield tokens


@pytest.fixture(scope="module")
def done(
    azurite: Azurite, tmp_path_factory: pytest.TempPathFactory, heard: Heard, issued: list[str]
) -> Iterator[Ferry]:
    """An app that has been through all of it."""
    root = tmp_path_factory.mktemp("told")
    with ferry(azurite, root, ROUTES, REDACT_SALT=SALT) as app:
        assert issued == []
        for number, (name, content) in enumerate(files()):
            app.drop(name, content)
            if number % 9 == 5:
                app.server.faults({"status": 400, "times": 3}, {"status": 413})
            app.take(name)
        for number, message in enumerate(MESSAGES):
            app.send(message, f"m{number}")
        app.server.faults({"status": 403, "times": 2}, {"status": 500}, {"status": 429})
        for number, message in enumerate(MESSAGES[:4]):
            app.send(message, f"late{number}")
        app.queued()
        app.work({"do": "held", "id": "late0"})
        for row in list(app.app.dead_letter.store.listing("ndjson/"))[:3]:
            app.work({"do": "replay", "document": row.name})
        yield app


def stored(app: Ferry, container: str) -> Iterator[tuple[str, str]]:
    """Name and metadata, and content, of every document."""
    client = app.blobs.get_container_client(app.environ[container])
    for blob in client.list_blobs(include=["metadata"]):
        content = client.download_blob(blob.name).readall().decode()
        yield f"{blob.name} {json.dumps(blob.metadata)}", content


def raised(call: Callable[[], object]) -> str:
    """What the host would log of an error, if there is one."""
    try:
        call()
    except Exception as error:
        return "".join(traceback.format_exception(error))
    return ""


def test_no_log_line_has_a_record_in_it(done: Ferry, heard: Heard) -> None:
    """Whatever is wrong with a record, no logger of ours, of the SDKs or of HTTP says a part of it, even at DEBUG."""
    assert "audit {" in heard.text
    assert "deferred" in heard.text
    assert WORD not in heard.text
    assert KEY not in heard.text


def test_no_audit_row_has_a_record_in_it(done: Ferry) -> None:
    """The table of audit rows tells of files and messages by name and number."""
    rows = json.dumps(done.server.rows("LogferryAudit_CL"))
    assert rows.count('"done"') > 30
    assert WORD not in rows
    assert KEY not in rows


def test_only_the_dead_letter_has_it(done: Ferry) -> None:
    """The dead letter has the bytes, for that is what it is for: in `raw`, and in what a replay needs, nowhere else.

    Not in its documents' names or tags, not in the sentence that says why (which may name a key), and not in the
    traces of replays.
    """
    documents = list(stored(done, "DEADLETTER_CONTAINER"))
    assert sum(WORD in content for _, content in documents) > 30
    for named, content in documents:
        assert WORD not in named
        if named.startswith("replayed/"):
            assert WORD not in content
            continue
        for line in map(json.loads, content.splitlines()):
            kept = {"raw", "raw_base64", "parent", "parent_base64", "state"}
            assert WORD not in json.dumps({key: value for key, value in line.items() if key not in kept})


def test_no_secret_is_anywhere(done: Ferry, heard: Heard, issued: list[str]) -> None:
    """Tokens, the identity endpoint's secret and the salt of hashes are in no log line and in no document."""
    assert issued
    kept = "".join(
        name + content
        for c in ("STATE_CONTAINER", "DEADLETTER_CONTAINER")
        for name, content in stored(done, c)
    )
    for secret in (*issued, SECRET, SALT):
        assert secret not in heard.text
        assert secret not in kept
        assert secret not in repr(done.app.settings)


def test_a_token_that_cannot_be_sent_is_not_told(done: Ferry, heard: Heard) -> None:
    """An identity endpoint that answers with a line break in its token: an error, without the token."""
    answer = {
        "access_token": f"{WORD}\nX: y",
        "expires_on": "9999999999",
        "resource": "r",
        "token_type": "Bearer",
    }
    done.server.faults({"on": "token", "status": 200, "body": json.dumps(answer), "times": 4})
    done.again()
    assert WORD not in raised(lambda: done.send({"n": 1}, "unsendable"))
    done.server.call("DELETE", "/local/faults")
    assert WORD not in heard.text
    assert all(WORD not in line["detail"] for line in done.dead())


@pytest.mark.parametrize("tries", [1, 5])
@pytest.mark.parametrize("way", ["message", "work", "blob"])
def test_a_bug_tells_nobody_what_the_record_was(
    done: Ferry, heard: Heard, monkeypatch: pytest.MonkeyPatch, way: str, tries: int
) -> None:
    """An error that nobody expected, with a record in its text and in its cause's: the host gets type and place alone."""

    def broken(*_: Any, **__: Any) -> None:
        try:
            int(WORD)
        except ValueError as error:
            raise KeyError(WORD) from error

    monkeypatch.setattr(done.app.corridor, "run", broken)
    done.drop(f"ndjson/bug-{way}{tries}", b'{"n":1}\n')
    named = {"do": "blob", "container": done.environ["DROP_CONTAINER"], "name": f"ndjson/bug-{way}{tries}"}
    body = json.dumps(named).encode()
    call = {
        "message": lambda: done.send({"n": 1}, f"bug{tries}", tries),
        "blob": lambda: done.take(named["name"]),
        "work": lambda: work.take(done.app, body, f"bug{tries}", AT, tries),
    }
    told = raised(call[way])
    assert ("KeyError at test_told.py:" in told) == (tries == 1 or way == "blob")
    assert WORD not in told + heard.text


def test_a_repr_of_the_settings_shows_no_secret(done: Ferry) -> None:
    """Settings and connections can be logged by mistake: the salt and the connection string are not in them."""
    assert "AccountKey" not in repr(done.app.settings)
    assert SALT not in repr(done.app.settings)
    assert "AccountKey" not in repr(Storage(done.app.settings.drop_storage, 65_536).__dict__["_connection"])


def test_the_fixture_is_what_it_says() -> None:
    """Every format has files of its own here."""
    assert {name.partition("/")[0] for name, _ in files()} == set(FORMATS)
    assert all(
        WORD.encode() in content or b"\x1f\x8b" in content[:2]
        for _, content in files()
        if b"PK" not in content
    )
    assert msgspec.json.decode(JSON_LINES[0])["s"] == WORD
