"""logfmt and kv: pieces that inputs are made of."""

from __future__ import annotations

from shared.formats import kvpairs, kvshapes
from tests.property.case import Case

PIECES = [
    b"a=1 b=2\n",
    b"a=1 b=2\n",
    b'a=22 b="x y"\n',
    b'a=22 b="x y"\n',
    b"a=1, b=2\n",
    b"a=1,b=2\n",
    b"a: 1, b: 2\n",
    b"k=v||l=w\n",
    b"one=two\n",
    b"a=1 ",
    b"a=",
    b"b=",
    b"=",
    b",",
    b", ",
    b" ,",
    b":",
    b"|",
    b'"',
    b'"',
    b"'",
    b'"q r"',
    b"'q r'",
    b'"\\""',
    b"\\",
    b'\\"',
    b" ",
    b"  ",
    b"\t",
    b"\x1d",
    b" \x1da=",
    b"word ",
    b"word",
    b"_text=1 ",
    b"\n",
    b"\n",
    b"\r\n",
    b"\r",
    b"\xff",
    b"\x00",
    b"\\u00e9",
    b'"\\ud83d\\ude00\\n"',
    "é=ü ".encode(),
    b"a=" + b"x" * 70 + b" ",
    b"b=" + b"y" * 450,
    b"c " * 60,
    b"\xe2\x80\xa8",
]

CASES = {
    "logfmt": Case("logfmt", {}, PIECES),
    "logfmt-text": Case("logfmt", {"bare": "text"}, PIECES),
    "kv": Case("kv", {}, PIECES),
    "kv-commas": Case("kv", {"pair": ",", "quotes": "\"'"}, PIECES),
    "kv-colons": Case("kv", {"pair": ", ", "value": ":", "bare": "flag"}, PIECES),
    "kv-long": Case("kv", {"pair": "||", "value": "="}, PIECES),
    "kv-bare": Case("kv", {"quotes": "", "escape": ""}, PIECES),
}

SMALL = [(kvshapes, "_OFTEN", 1), (kvshapes, "_SHARE", 100), (kvpairs, "_LONG", 40)]
