"""avro: pieces that inputs are made of."""

from __future__ import annotations

import io
from typing import Any

import fastavro

from shared.formats import avrocodecs, avrofile, avrorecords
from tests.property.case import Case

SYNC = bytes(range(16))
FIELDS: list[Any] = [
    {"name": "n", "type": "long"},
    {"name": "t", "type": ["null", "string"]},
    {"name": "f", "type": {"type": "array", "items": "double"}},
    {"name": "Body", "type": ["null", "bytes"]},
]
SCHEMA = {"type": "record", "name": "R", "fields": FIELDS}
NESTED: Any = {"type": "record", "name": "N", "fields": [{"name": "next", "type": ["null", "N"]}]}


def _file(schema: Any, records: list[Any], codec: str = "null") -> tuple[bytes, bytes]:
    """A header, and one block."""
    out = io.BytesIO()
    fastavro.writer(out, schema, records, codec=codec, sync_marker=SYNC, sync_interval=2**30)
    header = out.getvalue().index(SYNC) + len(SYNC)
    return out.getvalue()[:header], out.getvalue()[header:]


def _record(n: int, text: str | None = None, body: bytes | None = None, f: tuple[float, ...] = ()) -> Any:
    return {"n": n, "t": text, "f": list(f), "Body": body}


def _chain(length: int) -> Any:
    chain = None
    for _ in range(length):
        chain = {"next": chain}
    return chain


HEADER, ONE = _file(SCHEMA, [_record(1, "one")])
DEFLATE, PACKED = _file(SCHEMA, [_record(n, "x" * 30) for n in range(5)], "deflate")
_, SEVERAL = _file(SCHEMA, [_record(n, "t" * n, b'{"a":%d}' % n) for n in range(12)])
_, LARGE = _file(SCHEMA, [_record(n, "l" * 60) for n in range(8)])
_, LONG = _file(SCHEMA, [_record(1), _record(2, "y" * 450), _record(3)])
_, BODIES = _file(
    SCHEMA, [_record(1, None, b) for b in (b"[{},{}]", b'{"a":1}\n{"b":2}', b"\xff", b"x", b"")]
)
_, ODD = _file(SCHEMA, [_record(1, None, b'{"a":Infinity}', (0.5, float("inf")))])
_, BOMB = _file(SCHEMA, [_record(1, "z" * 4000)], "deflate")
SHORT = b"\x02" + SEVERAL[1:]
NESTED_HEADER, NESTED_BLOCK = _file(NESTED, [_chain(3), _chain(1)])
DEEP = b"\x02\x84\x01" + b"\x02" * 65 + b"\x00" + SYNC

PIECES = [
    HEADER,
    HEADER + ONE,
    HEADER + SEVERAL,
    HEADER + SEVERAL.replace(b"\x06ttt", b"\x06t\xfft"),
    HEADER + SEVERAL.replace(b"\x06ttt", b"\x7attt"),
    HEADER + LARGE,
    HEADER + LARGE + ONE,
    HEADER + LARGE.replace(b"llll", b"ll\xff\xff"),
    HEADER + LONG,
    HEADER + BODIES,
    HEADER + ODD,
    HEADER + SHORT,
    HEADER + b"\x02\xd0\x0f" + bytes(500),
    HEADER + (b"\x00\x00" + SYNC) * 3,
    DEFLATE + PACKED,
    DEFLATE + BOMB,
    DEFLATE + PACKED.replace(PACKED[5:8], b"\x00\x00\x00"),
    NESTED_HEADER + NESTED_BLOCK,
    NESTED_HEADER + DEEP,
    ONE,
    SEVERAL,
    LARGE,
    BODIES,
    b"\x04" + ONE[1:],
    ONE[:10],
    ONE[10:],
    b"\x00\x04ab" + SYNC,
    b"\x02\x00" + SYNC,
    b"\xff" * 12,
    b"\x02\xff\xff\xff\xff\x0f",
    SYNC,
    SYNC[:9],
    b"Obj\x01",
    b"Ob",
    HEADER[:40],
    HEADER.replace(b"long", b"lung"),
    HEADER.replace(b"null", b"lz77"),
    b"z" * 90,
]

CASES = {
    "avro": Case("avro", {}, PIECES, exact=False),
    "avro-json": Case("avro", {"body": "json", "binary": "text"}, PIECES, exact=False),
}

SMALL = [
    (avrorecords, "AT_ONCE", 256),
    (avrofile, "MAX_BLOCK", 2000),
    (avrofile, "MAX_HEADER", 1000),
    (avrocodecs, "MAX_UNPACKED", 3000),
]
