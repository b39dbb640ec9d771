"""ndjson and json: pieces that inputs are made of."""

from __future__ import annotations

from shared.formats import jsondoc
from tests.property.case import Case, Want

PIECES = [
    b'{"a":1}',
    b'{"a":"x"}',
    b'{"a":1.5,"b":[{},{}]}',
    b'{"a":[{"b":1},{"b":2}]}',
    b'{"a":{"b":[{"a":1},{"a":2}]}}',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b",",
    b":",
    b'"',
    b"\\",
    b"\n",
    b"\n",
    b"\r\n",
    b" ",
    b"  ",
    b'"a":',
    b'"b":',
    b'{"a":[',
    b'{"a":{"b":[',
    b"1",
    b"-",
    b"1e400",
    b"NaN",
    b"null",
    b"\xff",
    b'{"a":"\xff"}',
    b'{"a":"\\ud800"}',
    b"\xe2\x80\xa8",
    b'{"a":"' + b"x" * 70 + b'"}',
    b'{"a":"' + b"y" * 450 + b'"}',
    b'{"z":1e999}',
    b'"x' * 40,
    b"[" * 30,
    b" " * 90,
    b'{"a":"\\"]}{["}',
    b'},{"a":',
    b"\x00",
    b"tru",
    b'{"b":{"c":"}"},"a":',
    b'{"a" : \n 1 , "b":\n"z"}',
]

CASES = {
    "ndjson": Case("ndjson", {}, PIECES),
    "ndjson-typed": Case("ndjson", {}, PIECES, Want),
    "json": Case("json", {}, PIECES),
    "json-typed": Case("json", {}, PIECES, Want),
    "json-path": Case("json", {"path": "a"}, PIECES),
    "json-deep-path": Case("json", {"path": "a.b"}, PIECES, Want),
}

SMALL = [(jsondoc, "_LONGEST_KEY", 80)]
