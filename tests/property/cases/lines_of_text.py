"""regex and text, a line a record and several: pieces that inputs are made of."""

from __future__ import annotations

from tests.property.case import Case

PIECES = [
    b"x 1\n",
    b"x 22\n",
    b"xx\n",
    b"y and more\n",
    b"y a\r\n",
    b"- start\n",
    b"- start\n",
    b"-\r\n",
    b"  indented\n",
    b"\tindented \n",
    b"\\ goes on\n",
    b"Caused by: y\n",
    b"\n",
    b"\n",
    b"\r\n",
    b" \t\r\n",
    b" \n" * 40,
    b"\r",
    b" ",
    b"x",
    b"- ",
    b"  i\n" * 120,
    b"\n" * 450,
    b"\xff",
    b"x \xff\n",
    b" \xe2\x82\n",
    b"\x00",
    b"- \x00\n",
    b"y" * 70 + b"\n",
    b"- " + b"z" * 450,
    b"  " + b"z" * 450 + b"\n",
    b"x " + b"w" * 390 + b"\n",
    "é ü\n".encode(),
    "- €\n  é\n".encode(),
    b"\xe2\x80\xa8",
]

PATTERN = r"(?P<kind>[xy]+)( (?P<value>\S*))?"
SEVERAL = [PATTERN, r"(?s)- *(?P<rest>.*)", r"(?i)(?P<Word>\pL+)\n?\s+(?P<value>(?s:.*))"]

CASES = {
    "regex": Case("regex", {"pattern": PATTERN}, PIECES),
    "regex-several": Case("regex", {"pattern": SEVERAL, "trim": True}, PIECES),
    "regex-start": Case("regex", {"pattern": SEVERAL, "start": "- ?"}, PIECES),
    "regex-indented": Case("regex", {"pattern": SEVERAL, "indented": True, "trim": True}, PIECES),
    "text": Case("text", {}, PIECES),
    "text-trim": Case("text", {"trim": True}, PIECES),
    "text-start": Case("text", {"start": "^-|x$"}, PIECES),
    "text-start-blank": Case("text", {"start": r"\s*-|.?$"}, PIECES),
    "text-continuation": Case("text", {"continuation": r"\\|\s*[a-z]* by"}, PIECES),
    "text-indented": Case("text", {"indented": True, "continuation": "Caused"}, PIECES),
}
