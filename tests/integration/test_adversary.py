"""What somebody who means harm, or is careless, can write: it ends in a row or in the dead letter, with a reason."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.errors import BadMessage, Forbidden, RoutesError, ServiceUnavailable
from shared.formats import FORMATS
from shared.model import Batch, Position
from shared.routes import loads
from shared.shape.shaper import Shaper
from shared.shape.times import time_reader
from shared.shape.values import CASTS
from shared.shape.window import window
from shared.sources.message import Records, asked
from shared.upload.gate import Gate
from shared.upload.uploader import Uploader

ACCOUNT = "https://account.blob.core.windows.net"

ROUTE = """
routes:
  lines:
    from: { blobs: ["lines/**"] }
    format: ndjson
    table: Lines_CL
    drop: { Any1: [1] }
    columns:
      Name: {}
      Size: { type: long }
      Any1: { type: dynamic }
"""
JOINED = "      Both: { join: [part, part] }\n"
PAIRS = "      Rest: { from: '*', format: pairs }\n"


@pytest.mark.parametrize(
    "name",
    [
        "drop/../state/x",
        "drop/a/../../state/x",
        "drop/./x",
        "drop/..\\state\\x",
        f"{ACCOUNT}/drop/%2e%2e/state/x",
    ],
)
def test_dots_in_a_path_lead_to_no_other_container(name: str) -> None:
    """A message cannot leave the allowed containers by dot segments, which HTTP clients resolve."""
    with pytest.raises(Forbidden):
        asked(f'{{"blob": "{name}"}}'.replace("\\", "\\\\"), ACCOUNT, ("drop",))


@pytest.mark.parametrize("name", ["http://[::1/drop/x", "drop/" + "x" * 1025, "drop/a\\u0000b"])
def test_a_name_that_no_blob_can_have_is_a_bad_message(name: str) -> None:
    """A message that names an impossible blob is refused for good, not tried again and again."""
    with pytest.raises(BadMessage):
        asked(f'{{"blob": "{name}"}}', ACCOUNT, ("drop",))


@pytest.mark.parametrize("key", ["Name", "Size", "Any1", "TimeGenerated", "other", "part"])
@pytest.mark.parametrize(
    "leaf", [b"1", b"123456789012345678901234567890", b"null", b"NaN", b'"\\ud800"', b'{"a":1,"a":2}']
)
@pytest.mark.parametrize("more", ["", JOINED, JOINED + PAIRS])
def test_deep_nesting_stops_no_block(key: str, leaf: bytes, more: str) -> None:
    """However deep a value is nested, its record is a row or a reject, and its neighbour is a row."""
    route = loads(ROUTE + more).by_name["lines"]
    for depth in (400, 600, *range(960, 1000)):
        deep = b'{"%b":' % key.encode() + b"[" * depth + leaf + b"]" * depth + b"}\n"
        shaper = Shaper(route, window(time.time(), time.time()))
        parser = FORMATS["ndjson"].make(route.format, Position(), shaper.want)
        blocks = [*parser.feed(deep + b'{"Name":"after"}\n'), *parser.flush()]
        found = [shaper.shape(block) for block in blocks]
        rows = b"".join(rows.text for rows in found)
        assert rows.count(b"\n") + sum(len(rows.rejects) for rows in found) == 2
        assert b'"after"' in rows


@pytest.mark.parametrize("text", ["2026-W48-1T10:00:00Z", "2026-11-23T10:00:00,5Z"])
def test_a_time_that_only_python_reads_is_written_as_azure_does(text: str) -> None:
    """A week date, or a comma before the fraction, becomes the usual form and is not passed on as it is."""
    assert time_reader("iso", None, datetime.now(UTC)).one(text).startswith("2026-11-23T10:00:00")
    assert "," not in time_reader("iso", None, datetime.now(UTC)).one(text)


@pytest.mark.parametrize(
    "lines",
    [
        "routes: &r\n  a: *r\n",
        f"routes: {'[' * 3000}{']' * 3000}\n",
        ROUTE + "    charset: !!int abc\n",
        ROUTE + "    charset: !!bool maybe\n",
        ROUTE + "    charset: !!timestamp x\n",
        ROUTE + "    keep: { Size: [" + "9" * 5000 + "] }\n",
        ROUTE.replace("ndjson", "{ type: [csv] }"),
        ROUTE.replace("ndjson", "{ type: { a: b } }"),
        ROUTE.replace("Name: {}", "Name: { from: [] }"),
        ROUTE.replace("Name: {}", 'Name: { from: "" }'),
        ROUTE.replace("Name: {}", 'Name: { type: datetime, format: "%Q" }'),
        ROUTE.replace("Name: {}", 'Name: { type: datetime, format: "%Y %Y" }'),
    ],
)
def test_every_mistake_in_routes_is_a_sentence_with_its_line(lines: str) -> None:
    """No text makes the routes' reader fail in another way than with sentences that say where."""
    with pytest.raises(RoutesError, match=r"^routes\.yaml:\d+:\d+: .+\."):
        loads(lines)


def test_a_whole_number_beyond_64_bits_is_a_number_in_a_real_column() -> None:
    """A real column gets a number, never the text that stands in for such a number elsewhere."""
    assert CASTS["real"](10**23) == 1e23
    assert isinstance(CASTS["real"](10**23), float)


class Busy:
    """A service that says "come back at once" and never takes anything."""

    posts = 0

    def gate(self, rule: str) -> Gate:
        return Gate(rule)

    def post(self, rule: str, stream: str, body: bytes) -> None:
        self.posts += 1
        raise ServiceUnavailable("busy", retry_after=0.0)


def test_retry_after_zero_is_no_hammer() -> None:
    """A service that is busy and names no time is left alone for longer with each attempt."""
    service: Any = Busy()
    batch = Batch("Custom-Lines", 0, [b"{}\n"], [0], 4, Position(), Position(ordinal=1), 0, [])
    with pytest.raises(ServiceUnavailable):
        Uploader(service, "dcr", retry_seconds=1.0).send(batch)
    assert service.posts < 200


@pytest.mark.parametrize("value", ["NaN", '[1,-Infinity,"\\ud800"]'])
@pytest.mark.parametrize(("form", "path"), [("%s", None), ("[%s]", None), ('{"records":[%s]}', "records")])
def test_records_in_a_message_may_be_odd(value: str, form: str, path: str | None) -> None:
    """What no JSON can carry is the route's to settle in a message too; it never names a blob or a route."""
    record = f'{{"a":{value}}}'
    assert asked(form % record, ACCOUNT, ("drop",)) == Records(None, path)
    for other in (f'{{"blob":"drop/a","route":{value}}}', '{"blob":"drop/\\ud800"}', "NaN"):
        try:
            found = asked(other, ACCOUNT, ("drop",))
        except BadMessage:
            continue
        assert found == Records(None, None)
