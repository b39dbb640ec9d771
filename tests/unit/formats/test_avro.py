"""Avro: what the fixtures do not show."""

from __future__ import annotations

import json
import math
import tracemalloc
from typing import Any

import msgspec
import pytest
from isal import isal_zlib

from shared.formats import FORMATS
from shared.formats.avrobody import MOST_REPEATED
from shared.formats.avrocodecs import CODECS, MAX_UNPACKED, unpack
from shared.formats.avrofile import MAX_BLOCK, MAX_HEADER
from shared.formats.avrorecords import AT_ONCE
from shared.formats.face import MAX_RECORD_BYTES
from shared.formats.jsonvalue import Problem
from shared.formats.moments import day, moments, time_of_day
from shared.model import Block, Position
from shared.twice import DUPLICATES
from tests.fixtures.binary import EVENT, PLAIN, SYNC, avro, event
from tests.unit.formats.reading import blocks, parser, read

NODE: dict[str, Any] = {
    "type": "record",
    "name": "Node",
    "fields": [{"name": "next", "type": ["null", "Node"]}],
}


def seen(block: Block) -> tuple[Any, ...]:
    """What a block says, in a form that can be compared."""
    return block.start, block.dicts(), list(block.ordinals), block.end, block.rejects


def with_block(schema: Any, count: int, content: bytes) -> bytes:
    """A file of one block of any content."""
    text = json.dumps(schema).encode()
    header = (
        b"Obj\x01" + number(1) + number(11) + b"avro.schema" + number(len(text)) + text + number(0) + SYNC
    )
    return header + number(count) + number(len(content)) + content + SYNC


def number(value: int) -> bytes:
    """As Avro writes it."""
    out, value = bytearray(), value << 1
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_is_read(codec: str) -> None:
    """The records are the same whatever the file is packed with."""
    records = [{"n": n, "text": "line " * n} for n in range(50)]
    assert read("avro", avro(PLAIN, records, codec, per_block=20)) == (records, [])


@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec != "null"])
def test_a_block_that_unpacks_to_too_much_is_refused(codec: str) -> None:
    """One reject for a block of zeros that would take more memory than it may, and the next one is read."""
    large = {"n": 1, "text": "\0" * (MAX_UNPACKED + 1)}
    data = avro(PLAIN, [large, {"n": 2, "text": "a"}], codec, per_block=1)
    records, rejects = read("avro", data)
    assert records == [{"n": 2, "text": "a"}]
    assert [reject.reason for reject in rejects] == ["BlockTooLarge"]


@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec != "null"])
def test_a_block_that_cannot_be_unpacked_costs_itself(codec: str) -> None:
    """Damage in packed bytes is one reject, whatever the codec, and the next block is read."""
    data = bytearray(avro(PLAIN, [{"n": n, "text": "a" * 99} for n in range(9)], codec, per_block=3))
    first = data.index(SYNC) + 20
    data[first : first + 8] = b"\xff" * 8
    records, rejects = read("avro", bytes(data))
    assert [record["n"] for record in records] == [3, 4, 5, 6, 7, 8]
    assert [reject.reason for reject in rejects] == ["CorruptBlock"]


def test_no_more_is_unpacked_than_may_be() -> None:
    """A block of 200 MB of zeros is refused before it is 200 MB."""
    packer = isal_zlib.compressobj(1, isal_zlib.DEFLATED, -15)
    packed = b"".join(packer.compress(bytes(2**20)) for _ in range(200)) + packer.flush()
    tracemalloc.start()
    try:
        found = unpack("deflate", packed)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(found, Problem)
    assert peak < 3 * MAX_UNPACKED


@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec not in {"null", "snappy"}])
def test_a_stream_without_its_end_is_damaged(codec: str) -> None:
    """Packed bytes that stop before their end give no part of a block."""
    data = avro(PLAIN, [{"n": 1, "text": "".join(map(str, range(2000)))}], codec)
    content = data[data.index(SYNC) + 16 : -16]
    head = 1 + len(number(len(content)))
    assert not isinstance(unpack(codec, content[head:]), Problem)
    cut = unpack(codec, content[head : len(content) // 2])
    assert isinstance(cut, Problem)
    assert cut.reason == "CorruptBlock"


def test_a_checksum_that_does_not_match_is_damage() -> None:
    """Snappy's checksum is looked at."""
    data = bytearray(avro(PLAIN, [{"n": 1, "text": "a"}], "snappy"))
    data[-17] ^= 1
    assert [reject.reason for reject in read("avro", bytes(data))[1]] == ["CorruptBlock"]


def test_bytes_behind_the_last_record_are_told() -> None:
    """A block with more in it than its records gives these, and a reject for the rest."""
    data = with_block(PLAIN, 1, b"\x02\x02a" + b"\x00\x00")
    records, rejects = read("avro", data)
    assert records == [{"n": 1, "text": "a"}]
    assert [(r.reason, "2 bytes after its last record" in r.detail) for r in rejects] == [
        ("CorruptBlock", True)
    ]


def test_rejects_do_not_pile_up_in_one_block() -> None:
    """A file of nothing but damage is as many blocks as one of records."""
    data = avro(PLAIN, []) + (b"\x01" + SYNC) * 100_000
    found = blocks(parser("avro"), [data])
    assert sum(len(block.rejects) for block in found) == 100_000
    assert max(len(block.rejects) for block in found) < 20_000


def test_a_logical_type_that_does_not_belong_is_none() -> None:
    """A uuid of five bytes is bytes, and so is a decimal of a scale that makes no sense."""
    odd = {"type": "fixed", "name": "F", "size": 5, "logicalType": "uuid"}
    scaled = {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 10**9}
    fields = [{"name": "a", "type": odd}, {"name": "b", "type": scaled}]
    data = with_block({"type": "record", "name": "R", "fields": fields}, 1, b"\0\0\0\0\0" + b"\x02\x01")
    assert read("avro", data) == ([{"a": "AAAAAAA=", "b": "AQ=="}], [])


def test_a_schema_nested_too_deep_is_refused() -> None:
    """A list of lists of lists ... is one reject for the file."""
    schema: Any = "int"
    for _ in range(100):
        schema = {"type": "array", "items": schema}
    assert [r.reason for r in read("avro", with_block(schema, 1, b"\x00"))[1]] == ["UnsupportedSchema"]


def test_a_large_block_comes_in_pieces_that_can_be_begun_again() -> None:
    """A block that is not read at once becomes several of ours, and each of them is a place to go on from."""
    records = [{"n": n, "text": "x" * 1000} for n in range(5 * AT_ONCE // 1000)]
    last = [{"n": -1, "text": ""}]
    data = avro(PLAIN, records + last, per_block=len(records))
    found = [seen(block) for block in blocks(parser("avro"), [data])]
    assert len(found) > 10
    assert [record for block in found for record in block[1]] == records + last
    assert len(found[-1][1]) > 1  # a small block goes with the last piece
    for index in (1, 5, len(found) - 1):
        start = msgspec.json.decode(msgspec.json.encode(found[index][0]), type=Position)
        spec = FORMATS["avro"]
        again = spec.make(msgspec.convert({"type": "avro"}, spec.options), start)
        assert [seen(block) for block in blocks(again, [data[start.offset :]])] == found[index:]


def test_a_record_that_is_too_long_is_told() -> None:
    """A record over the limit is a reject of its own reason, and what came before it in its block is kept."""
    long = {"n": 2, "text": "x" * (MAX_RECORD_BYTES + 1)}
    records, rejects = read("avro", avro(PLAIN, [{"n": 1, "text": ""}, long]))
    assert records == [{"n": 1, "text": ""}]
    assert [reject.reason for reject in rejects] == ["RecordTooLong"]


def test_a_record_nested_without_end_is_rejected() -> None:
    """A value of a schema that contains itself, nested 100,000 levels deep, is a reject and no crash."""
    data = with_block(NODE, 1, b"\x02" * 100_000 + b"\x00")
    records, rejects = read("avro", data)
    assert records == []
    assert [reject.reason for reject in rejects] == ["TooDeep"]


def test_a_schema_that_contains_itself_is_read() -> None:
    """Records that hold records of their own type come out as objects in objects."""
    chain = {"next": {"next": {"next": None}}}
    assert read("avro", avro(NODE, [chain])) == ([chain], [])


def test_fields_of_records_in_records_of_their_type() -> None:
    """A logical type, and bytes, are converted in a record that another one of its type holds, too."""
    fields = [
        {"name": "t", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "Body", "type": "bytes"},
        {"name": "next", "type": ["null", "N"]},
    ]
    data = with_block({"type": "record", "name": "N", "fields": fields}, 1, b"\x02\x02a\x02\x04\x02b\x00")
    inner = {"t": "1970-01-01T00:00:00.002Z", "Body": "Yg==", "next": None}
    records, rejects = read("avro", data)
    assert records == [{"t": "1970-01-01T00:00:00.001Z", "Body": "YQ==", "next": inner}]
    assert rejects == []


def test_fields_that_may_be_null() -> None:
    """A field that is null or of a logical type is converted where it is there."""
    decimal = {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 1}
    fields = [
        {"name": "d", "type": ["null", decimal]},
        {"name": "f", "type": ["null", "float", "double"]},
        {"name": "t", "type": [{"type": "int", "logicalType": "date"}, "null"]},
    ]
    content = b"\x02\x02\x05\x02\x00\x00\x00\x3f\x00\x02" + b"\x00\x00\x02"
    data = with_block({"type": "record", "name": "R", "fields": fields}, 2, content)
    assert read("avro", data) == ([{"d": "0.5", "f": 0.5, "t": "1970-01-02"}, {}], [])


@pytest.mark.parametrize(
    "schema",
    [
        "null",
        {"type": "record", "name": "R", "fields": []},
        {"type": "fixed", "name": "F", "size": 0},
        {
            "type": "record",
            "name": "R",
            "fields": [{"name": "a", "type": {"type": "array", "items": "null"}}],
        },
        {
            "type": "array",
            "items": {"type": "record", "name": "N", "fields": [{"name": "n", "type": "null"}]},
        },
    ],
)
def test_values_that_take_no_bytes_are_refused(schema: Any) -> None:
    """A few bytes cannot make a billion values: a schema that would let them is one reject for the file."""
    records, rejects = read("avro", with_block(schema, 2**60, b""))
    assert records == []
    assert [reject.reason for reject in rejects] == ["UnsupportedSchema"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'"int"', b'"ont"', "InvalidSchema"),
        (b'"record"', b'"recorf"', "InvalidSchema"),
        (b'"text"', b'"n"   ', "InvalidSchema"),
        (b"null", b"lzma", "UnsupportedCodec"),
        (b"avro.schema", b"afro.schema", "InvalidHeader"),
    ],
)
def test_a_header_that_cannot_be_used_is_one_reject(old: bytes, new: bytes, reason: str) -> None:
    """A file whose header is wrong is one reject for all of its bytes, with the reason."""
    data = avro(PLAIN, [{"n": n, "text": "a"} for n in range(9)])
    assert old in data
    _, rejects = read("avro", data.replace(old, new, 1))
    assert [(reject.reason, reject.offset, reject.raw[:4]) for reject in rejects] == [(reason, 0, b"Obj\x01")]


def test_a_header_that_never_ends_is_not_held() -> None:
    """Of a header over its limit no more than that is kept, and the file is one reject."""
    taken = parser("avro")
    start = b"Obj\x01\x02\x02a" + number(10**9)
    assert not [b for chunk in [start, *[b"x" * 2**20] * 4] for b in taken.feed(chunk)]
    assert len(taken.rest().raw) < MAX_HEADER
    found = list(taken.flush())
    assert [(r.reason, r.length) for b in found for r in b.rejects] == [
        ("InvalidHeader", len(start) + 4 * 2**20)
    ]


def test_a_block_over_the_limit_is_passed_over() -> None:
    """A block of more bytes than may be held is one reject, and the next one is read."""
    large = {"n": 1, "text": "\0" * (MAX_BLOCK + 1)}
    records, rejects = read("avro", avro(PLAIN, [large, {"n": 2, "text": "a"}], per_block=1))
    assert records == [{"n": 2, "text": "a"}]
    assert [reject.reason for reject in rejects] == ["BlockTooLarge"]
    assert rejects[0].length > MAX_BLOCK > len(rejects[0].raw)


def test_a_size_that_reaches_beyond_the_end_costs_one_block() -> None:
    """A block's size that points behind the end of the file does not cost the blocks that follow it."""
    data = avro(PLAIN, [{"n": n, "text": "a"} for n in range(9)], per_block=3)
    first = data.index(SYNC) + 16
    data = data[: first + 1] + number(10**6) + data[first + 2 :]
    records, rejects = read("avro", data)
    assert [record["n"] for record in records] == [3, 4, 5, 6, 7, 8]
    assert [reject.reason for reject in rejects] == ["CorruptBlock"]


def test_records_of_a_schema_without_fields() -> None:
    """A map is a record by its keys, and any other value stands under `value`."""
    assert read("avro", avro({"type": "map", "values": "int"}, [{"a": 1}])) == ([{"a": 1}], [])  # type: ignore[list-item]
    strings: Any = ["x", "y"]
    assert read("avro", avro({"type": "string"}, strings)) == ([{"value": "x"}, {"value": "y"}], [])


def test_numbers_that_are_none_are_marked() -> None:
    """NaN and Infinity come out as they are, in a block that says so; a block without them does not."""
    schema = {"type": "record", "name": "R", "fields": [{"name": "f", "type": ["null", "double"]}]}
    odd = blocks(parser("avro"), [avro(schema, [{"f": 1.5}, {"f": math.nan}, {"f": math.inf}])])
    assert [block.odd for block in odd] == [True]
    assert math.isnan(odd[0].records[1][0])
    assert odd[0].records[2] == [math.inf]
    assert [b.odd for b in blocks(parser("avro"), [avro(schema, [{"f": 1.5}, {"f": None}])])] == [False]
    body = blocks(parser("avro"), [avro(EVENT, [event(1, b'{"n":NaN}')])])
    assert [block.odd for block in body] == [True]


@pytest.mark.parametrize(
    ("body", "how", "expected"),
    [
        (b'{"a":{"b":1}}', "json", {"a": {"b": 1}}),
        (b" 12 ", "json", 12),
        (b" 12 ", "auto", " 12 "),
        (b'{"a":', "auto", '{"a":'),
        (b'{"a":1}\nno', "auto", '{"a":1}\nno'),
        (b"\xef\xbb\xbfx", "text", "x"),
        (b"{}", "text", "{}"),
        (b"{}", "base64", "e30="),
    ],
)
def test_a_body_is_read_as_the_route_says(body: bytes, how: str, expected: Any) -> None:
    """`body` decides what becomes of a message's bytes."""
    records, rejects = read("avro", avro(EVENT, [event(1, body)]), body=how)
    assert [record["Body"] for record in records] == [expected]
    assert rejects == []


def test_a_key_that_comes_twice_in_a_body_loses_nothing() -> None:
    """Of a body with a key twice the earlier value is kept too, whether bodies are read one by one or at once."""
    records, rejects = read("avro", avro(EVENT, [event(1, b'{"a":1,"a":2}'), event(2, b'{"a":3}')]))
    assert [record["Body"] for record in records] == [{"a": 2, DUPLICATES: {"a": [1]}}, {"a": 3}]
    assert rejects == []


def test_a_small_body_cannot_fill_the_memory() -> None:
    """Other fields that a body of thousands of objects would repeat without end cost the message; no other."""
    large = event(1, b"{}\n" * 2000, filler="x" * (MOST_REPEATED // 2000))
    several, one = event(2, b'[{"a":1},{"a":2}]', filler="x" * 100_000), event(3, b'{"a":3}')
    records, rejects = read("avro", avro(EVENT, [large, several, one], per_block=3))
    assert [record["Body"] for record in records] == [{"a": 1}, {"a": 2}, {"a": 3}]
    (reject,) = rejects
    assert (reject.reason, reject.ordinal) == ("ExplodesTooFar", 0)
    assert json.loads(reject.raw)["Properties"] == large["Properties"]


def test_a_field_named_body_that_is_no_bytes_is_a_field() -> None:
    """Only bytes are read as a message's body."""
    schema = {"type": "record", "name": "R", "fields": [{"name": "Body", "type": "string"}]}
    assert read("avro", avro(schema, [{"Body": '{"a":1}'}])) == ([{"Body": '{"a":1}'}], [])


def test_bytes_as_text() -> None:
    """With `binary: text` bytes are text where they are UTF-8, and base64 where not."""
    schema = {"type": "record", "name": "R", "fields": [{"name": "b", "type": "bytes"}]}
    data = avro(schema, [{"b": "\u00e9".encode()}, {"b": b"\xff"}])
    assert read("avro", data, binary="text") == ([{"b": "\u00e9"}, {"b": "/w=="}], [])
    assert read("avro", data) == ([{"b": "w6k="}, {"b": "/w=="}], [])


def test_times_have_the_digits_of_their_unit() -> None:
    """Nothing is rounded, and what has no text stays a number."""
    assert moments(3, "Z")(-1) == "1969-12-31T23:59:59.999Z"
    assert moments(0, "")(1_795_154_400) == "2026-11-20T06:00:00"
    assert moments(9, "Z")(100) == "1970-01-01T00:00:00.0000001Z"
    assert moments(9, "Z")(1) == "1970-01-01T00:00:00.000000001Z"
    assert moments(0, "Z")(-62_135_596_801) == -62_135_596_801
    assert time_of_day(86_399_999, 3) == "23:59:59.999"
    assert time_of_day(86_400_000, 3) == 86_400_000
    assert day(-719_162) == "0001-01-01"
    assert day(10**9) == 10**9
