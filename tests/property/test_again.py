"""What was rejected, through a route that has been mended: what it would have been the first time.

Rule of these tests: a source is taken by a route that rejects every record with a field
(`on_undeclared: dead_letter`), its rejects go through the dead letter's own text and back, and
then through the same route mended. That must give, record by record, what the mended route
gives of the source itself.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import again
from shared.encode import Encoder
from shared.formats import FORMATS
from shared.ledger.deadletter import document, line_of, parse, reject_of, rejects_of, shared
from shared.model import Counts, Position, Reject, SourceFacts
from shared.pipeline import Front, Limits, Start, front
from shared.routes import Route, loads
from tests.property.case import cases
from tests.unit.decode.packing import zipped

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "formats"
NOW = float(int(time.time()))
FACTS = SourceFacts("blob", "drop/a/b.log", "0x1", NOW, NOW)
FACT_COLUMNS = {
    "TimeGenerated": {"type": "datetime", "fact": "modified"},
    "Record": {"fact": "record_id"},
    "Line": {"type": "long", "fact": "line"},
    "Member": {"fact": "member"},
}


def _route(kind: str, options: dict[str, Any], **more: Any) -> Route:
    declared = {
        "from": {"blobs": ["**"]},
        "format": {"type": kind, **options},
        "table": "Again_CL",
        "columns": FACT_COLUMNS,
        **more,
    }
    return loads(json.dumps({"routes": {"again": declared}})).by_name["again"]


@dataclass
class Taken:
    """What a run gave, by the ordinal in the source."""

    rows: dict[int, Any] = field(default_factory=dict)
    rejects: dict[int, Reject] = field(default_factory=dict)


def _take(rooms: Front, route: Route, pieces: Any) -> Taken:
    encoder, taken = Encoder(route.stream, Position()), Taken()
    for rows in rooms.rows(pieces):
        texts = rows.text.split(b"\n")[:-1]
        taken.rows |= {o: json.loads(text) for o, text in zip(rows.ordinals, texts, strict=True)}
        for batch in encoder.add(rows):
            taken.rejects |= {r.ordinal: r for r in batch.rejects}
    for batch in encoder.flush():
        taken.rejects |= {r.ordinal: r for r in batch.rejects}
    return taken


def _first(route: Route, data: bytes) -> Taken:
    rooms = front(route, FACTS, Start(Position(), Counts(), seekable=False), Limits())
    return _take(rooms, route, _pieces(rooms, data))


def _pieces(rooms: Front, data: bytes) -> Iterator[Any]:
    yield from rooms.decoder.feed(data)
    yield from rooms.decoder.flush()


def _kept(rejects: list[Reject]) -> list[Reject]:
    """Rejects as they come back from a document."""
    lines = [line_of(FACTS, "again", reject, "2026-11-24T06:00:00Z") for reject in rejects]
    return rejects_of(parse(document(shared(lines, rejects))[0]))


def _again(route: Route, rejects: list[Reject]) -> Taken:
    rooms = again.made(route, rejects, FACTS, Limits())
    taken = _take(rooms, route, ())
    _, back = rooms.outcome(taken.rejects.values(), len(rejects))
    return Taken({rooms.ordinals[o]: row for o, row in taken.rows.items()}, {r.ordinal: r for _, r in back})


def _holds(kind: str, options: dict[str, Any], data: bytes, **more: Any) -> Taken:
    """Hold a mended route's second try against its first."""
    strict, mended = (
        _route(kind, options, on_undeclared=how, **more) for how in ("dead_letter", "keep_in_extra")
    )
    expected, before = _first(mended, data), _first(strict, data)
    rejects = [before.rejects[ordinal] for ordinal in sorted(before.rejects)]
    found = _again(mended, _kept(rejects)) if rejects else Taken()
    if kind == "azure" and not _plain(data):
        # Documents in records of documents: what looks like one may be taken for one, and lands as several.
        assert found.rows.keys() | found.rejects.keys() >= before.rejects.keys()
        return found
    assert found.rows.keys() | found.rejects.keys() == before.rejects.keys()
    assert before.rows | found.rows == expected.rows
    assert {o: r.reason for o, r in found.rejects.items()} == {
        o: r.reason for o, r in expected.rejects.items()
    }
    assert found.rejects.keys() & found.rows.keys() == set()
    for ordinal, reject in found.rejects.items():
        assert reject == dataclasses.replace(before.rejects[ordinal], detail=reject.detail)
    return found


def _plain(data: bytes) -> bool:
    """Whether documents of an Azure log are whole, and none stands in another one's record."""
    if data.count(b'"records"') > 1:
        return False
    try:
        json.loads(data)
    except ValueError:
        return b'"records"' not in data
    return True


def _fixtures() -> list[Any]:
    return [
        pytest.param(path.parent.name, path, id=f"{path.parent.name}-{path.stem}")
        for path in sorted(FIXTURES.glob("*/*.input"))
    ]


def _options(path: Path) -> dict[str, Any]:
    found = json.loads(path.with_suffix(".json").read_text())
    return {key: value for key, value in found.get("options", {}).items() if key != "type"}


@pytest.mark.parametrize(("kind", "path"), _fixtures())
def test_a_second_try_gives_what_the_first_would_have(kind: str, path: Path) -> None:
    """Every format, every fixture: the rows that were missing, with the same columns and record_id, and no other."""
    _holds(kind, _options(path), path.read_bytes())


def test_every_format_has_a_second_try() -> None:
    """Of every format some record has come back from the dead letter as a row."""
    found = dict.fromkeys(FORMATS, 0)
    for parameter in _fixtures():
        kind, path = parameter.values
        found[kind] += len(_holds(kind, _options(path), path.read_bytes()).rows)
    assert [kind for kind, rows in found.items() if not rows] == []


CASES = cases()


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=15)
@given(data=st.data())
def test_a_second_try_of_anything(name: str, data: st.DataObject) -> None:
    """Whatever pieces a source is made of, its rejects lead to the rows that the mended route makes of it."""
    case = CASES[name]
    content = data.draw(st.lists(st.sampled_from(case.pieces), max_size=12).map(b"".join))
    _holds(case.kind, case.options, content)


def test_a_carriage_return_of_the_record_itself_stays() -> None:
    """A line that ends in two carriage returns keeps the first one the second time, too."""
    case = CASES["kv"]
    _holds(case.kind, case.options, b"a=1 \r\r\n")


def test_the_header_of_each_file_of_an_archive_goes_with_its_records() -> None:
    """Files in a zip, and gzip in it, have headers of their own; a second try knows which, and the file's name."""
    csv = b"a,b\n1,2\n3,4\n"
    other = b"b,c\n5,6\n7\n"
    w3c = b"#Fields: date time x\n2026-11-20 06:00:00 1\n"
    import gzip  # noqa: PLC0415

    found = _holds(
        "csv", {}, zipped({"one.csv": csv, "in/two.csv.gz": gzip.compress(other)}, zipfile.ZIP_DEFLATED)
    )
    assert [row["Member"] for row in found.rows.values()] == ["one.csv", "one.csv", "in/two.csv.gz"]
    assert [row["Extra"] for row in found.rows.values()] == [
        {"a": "1", "b": "2"},
        {"a": "3", "b": "4"},
        {"b": "5", "c": "6"},
    ]
    found = _holds("w3c", {}, gzip.compress(w3c + b"#Fields: y\n7\n" + w3c))
    assert [row["Extra"].get("y") for row in found.rows.values()] == [None, "7", None]


def test_elements_of_a_list_are_tried_again_each_by_itself() -> None:
    """Of a record whose list was exploded, a second try brings the rows that were missing and none of their neighbours."""
    data = b'{"h":1,"e":[{"x":1},{"x":2},[3,4]]}\n{"h":2}\nbad\n{"h":3,"e":[{"x":5}]}\n'
    found = _holds("ndjson", {}, data, explode="e")
    assert [row["Extra"]["e"] for row in found.rows.values() if "e" in row["Extra"]] == [
        {"x": 1},
        {"x": 2},
        [3, 4],
        {"x": 5},
    ]


def test_what_no_element_could_be_keeps_its_record() -> None:
    """A flow tuple that is none has the record around it, once a document; a second try repeats no good tuple."""
    record = {
        "records": [
            {
                "time": "2026-11-20T06:00:00Z",
                "category": "NetworkSecurityGroupFlowEvent",
                "properties": {
                    "Version": 2,
                    "flows": [
                        {
                            "rule": "r",
                            "flows": [
                                {
                                    "mac": "m",
                                    "flowTuples": [
                                        "1795154401,10.0.0.4,10.0.0.5,1,2,T,I,A,B,,,,",
                                        "cut",
                                        "1795154402,10.0.0.4,10.0.0.5,1,2,T,I,A,B,,,,",
                                        "short",
                                    ],
                                }
                            ],
                        }
                    ],
                },
            }
        ]
    }
    route = _route("azure", {})
    first = _first(route, json.dumps(record).encode())
    assert (len(first.rows), [r.raw for r in first.rejects.values()]) == (2, [b'"cut"', b'"short"'])
    rejects = list(first.rejects.values())
    lines = shared([line_of(FACTS, "again", r, "now") for r in rejects], rejects)
    assert [(line.parent is None, line.parent_of, line.row) for line in lines] == [
        (False, None, 1),
        (True, rejects[0].ordinal, 3),
    ]
    found = _again(route, _kept(rejects))
    assert not found.rows
    assert {o: (r.reason, r.raw) for o, r in found.rejects.items()} == {
        o: (r.reason, r.raw) for o, r in first.rejects.items()
    }
    mended = [msgspec.structs.replace(line) for line in lines]
    mended[0].parent = (mended[0].parent or "").replace("cut", "1795154403,10.0.0.9,10.0.0.5,1,2,T,I,A,B,,,,")
    back = [reject_of(line) for line in parse(document(mended)[0])]
    rows = _again(route, back[:1]).rows
    assert [row["Extra"]["src_ip"] for row in rows.values()] == ["10.0.0.9"]


def _flows(*groups: list[str]) -> dict[str, Any]:
    flows = [{"rule": f"r{n}", "flows": [{"mac": "m", "flowTuples": t}]} for n, t in enumerate(groups)]
    return {"time": "2026-11-20T06:00:00Z", "properties": {"Version": 2, "flows": flows}}


def _tuple(source: str) -> str:
    return f"1795154401,{source},10.0.0.5,1,2,T,I,A,B,,,,"


def test_a_record_is_read_once_for_all_its_elements(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many elements of two records are tried again, both are read once, and held once in memory."""
    document = {"records": [_flows([f"{n}-bad" for n in range(300)]), _flows([f"{n}!" for n in range(300)])]}
    route = _route("azure", {})
    first = _first(route, json.dumps(document).encode())
    rejects = _kept(list(first.rejects.values()))
    assert (len(rejects), len({id(reject.parent) for reject in rejects})) == (600, 2)
    read, blocks = [], again.formats.blocks

    def counted(*given: Any, **more: Any) -> Any:
        read.append(given)
        return blocks(*given, **more)

    monkeypatch.setattr(again.formats, "blocks", counted)
    found = _again(route, rejects)
    assert {o: (r.reason, r.raw) for o, r in found.rejects.items()} == {
        o: (r.reason, r.raw) for o, r in first.rejects.items()
    }
    assert len(read) == 2


def test_an_element_is_the_same_whatever_was_read_before_it() -> None:
    """Put right by hand, over several blocks and in any order, each lands with its own ordinal and line."""
    text = json.dumps({"records": [_flows([f"bad {n}" for n in range(5_000)], ["bad"] * 3)]}, indent=1)
    route = _route("azure", {})
    rejects = _kept(list(_first(route, text.encode()).rejects.values()))
    mended = (rejects[0].parent or b"").replace(b"bad", _tuple("10.0.0.4").encode())
    rejects = [dataclasses.replace(reject, parent=mended) for reject in rejects]
    assert len(rejects) == 5_003
    alone = {}
    for reject in rejects[::97]:
        alone |= _again(route, [reject]).rows
    together = _again(route, rejects).rows
    assert {ordinal: together[ordinal] for ordinal in alone} == alone
    assert together.keys() == {reject.ordinal for reject in rejects}
    assert len({row["Line"] for row in alone.values()}) > 1
    backwards = _again(route, rejects[::-97]).rows
    assert {o: row for o, row in backwards.items() if o in together} == {o: together[o] for o in backwards}


def test_a_charset_that_the_route_learns_later() -> None:
    """Lines that were no UTF-8 land as the text that they are in the charset that the route has by then."""
    first = _first(_route("csv", {}), "a,b\nx,y\nGrün,Ö\n".encode("latin-1"))
    assert [reject.reason for reject in first.rejects.values()] == ["InvalidUtf8"]
    found = _again(_route("csv", {}, charset="latin-1"), _kept(list(first.rejects.values())))
    assert [row["Extra"] for row in found.rows.values()] == [{"a": "Grün", "b": "Ö"}]


def test_bytes_that_were_put_right_by_hand() -> None:
    """Edited bytes are taken as they are now; where they have become several records, all land, each with an id of its own."""
    first = _first(_route("ndjson", {}), b'{"a":1}\n{"a":2 {"a":3}\n{"a":4}\n')
    (line,) = [line_of(FACTS, "again", reject, "now") for reject in first.rejects.values()]
    line.raw = '{"a":2}\n{"a":3}\n{"a":"x'
    found = _again(_route("ndjson", {}), [reject_of(line)])
    assert [row["Extra"] for row in found.rows.values()] == [{"a": 2}, {"a": 3}]
    assert (
        len({row["Record"] for row in found.rows.values()} | {row["Record"] for row in first.rows.values()})
        == 4
    )
    assert [(o, r.raw) for o, r in found.rejects.items()] == [(1 + 2 * again.AT_ONCE, b'{"a":"x')]


def test_a_body_that_the_route_reads_otherwise_by_then() -> None:
    """An Event Hubs message whose body was no JSON lands as text, once the route says so."""
    path = FIXTURES / "avro" / "capture-json.input"
    first = _first(_route("avro", {"body": "json"}), path.read_bytes())
    rejects = list(first.rejects.values())
    assert {reject.reason for reject in rejects} == {"InvalidBody"}
    found = _again(_route("avro", {"body": "auto"}), _kept(rejects))
    expected = _first(_route("avro", {"body": "auto"}), path.read_bytes())
    assert found.rows
    assert {o: row["Extra"]["Body"] for o, row in found.rows.items() if o < again.AT_ONCE}
    assert all(row["Extra"] in [r["Extra"] for r in expected.rows.values()] for row in found.rows.values())


def test_a_row_that_the_service_refused_is_sent_as_it_is() -> None:
    """What was a row already is not shaped a second time; one that was edited into no object stays."""
    row = Reject(7, 0, None, "RefusedByService", "no", b'{"TimeGenerated":"x","Own":1}', form="row")
    found = _again(_route("csv", {}), _kept([row]))
    assert found.rows == {7: {"TimeGenerated": "x", "Own": 1}}
    bad = Reject(7, 0, None, "RefusedByService", "no", b"[1]", form="row")
    assert [(r.reason, r.form) for r in _again(_route("csv", {}), _kept([bad])).rejects.values()] == [
        ("InvalidJson", "row")
    ]


def test_what_is_only_a_part_stays() -> None:
    """Of what broke off there is no record to try again: it stays, as it is."""
    reject = Reject(3, 10, 2, "BrokenInput", "cut", b'{"a":1}', form="part")
    assert _again(_route("ndjson", {}), _kept([reject])).rejects == {3: reject}


def test_many_bad_lines_make_few_documents() -> None:
    """Two hundred thousand bad lines are a document for each ten thousand, about, and none holds a million bytes more."""
    route = _route("ndjson", {})
    rooms = front(route, FACTS, Start(Position(), Counts(), seekable=False), Limits())
    encoder, sizes = Encoder(route.stream, Position()), []
    for rows in rooms.rows(_pieces(rooms, b"no json\n" * 200_000)):
        sizes += [len(batch.rejects) for batch in encoder.add(rows)]
    sizes += [len(batch.rejects) for batch in encoder.flush()]
    assert sum(sizes) == 200_000
    assert len(sizes) <= 20
    assert max(sizes) < 25_000


def test_a_large_header_is_once_in_a_document() -> None:
    """Ten thousand names and a thousand bad rows: each line knows the header, and the document holds it once."""
    header = ",".join(f"name{number}" for number in range(10_000))
    first = _first(_route("csv", {}), f"{header}\n".encode() + b"1,2\n" * 1_000)
    rejects = list(first.rejects.values())
    text, tags = document(shared([line_of(FACTS, "again", r, "now") for r in rejects], rejects))
    assert text.count(b'"name9999"') == 1
    assert len(text) < 1_000_000
    assert all(len(reject.state["header"]) == 10_000 for reject in map(reject_of, parse(text)))
    assert (tags["records"], tags["reasons"]) == ("1000", "RaggedRow=1000")


def test_lines_say_by_themselves_what_they_are() -> None:
    """Source, reason, position and bytes are in every line, in words of JSON alone; any bytes come back as they were."""
    first = _first(_route("ndjson", {}), b'{"a":1}\nbad\n\xff\xfe\n')
    rejects = list(first.rejects.values())
    text, _ = document(shared([line_of(FACTS, "again", r, "now") for r in rejects], rejects))
    said = [json.loads(line) for line in text.splitlines()]
    assert [(s["source"], s["reason"], s["ordinal"], s["line"]) for s in said] == [
        ("drop/a/b.log", "InvalidJson", 1, 2),
        ("drop/a/b.log", "InvalidUtf8", 2, 3),
    ]
    assert said[0]["raw"] == "bad"
    assert base64.b64decode(said[1]["raw_base64"]) == b"\xff\xfe"


def test_metadata_is_ascii_and_small_whatever_the_names_are() -> None:
    """A source's name of a thousand signs of any kind, and many reasons, fit into a blob's metadata."""
    facts = SourceFacts("blob", "drop/" + "日\n" * 500, "0x1", NOW, NOW)
    rejects = [Reject(n, 0, None, f"Reason{n:04d}Ü", "d", b"") for n in range(3_000)]
    _, tags = document([line_of(facts, "again", reject, "now") for reject in rejects])
    assert sum(len(key) + len(value) for key, value in tags.items()) < 8_000
    assert all(value.isascii() and value.isprintable() for value in tags.values())
