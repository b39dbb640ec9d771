"""csv and tsv: pieces that inputs are made of."""

from __future__ import annotations

from tests.property.case import Case

PIECES = [
    b"a,b\n",
    b"a,b\n",
    b"1,2\n",
    b"1,2\r\n",
    b"x\ty\n",
    b'"',
    b'"',
    b",",
    b"\t",
    b"\n",
    b"\n",
    b"\r\n",
    b"\r",
    b"#",
    b"# c\n",
    b"\\",
    b"\\\n",
    b'""',
    b'"a\nb",2\n',
    b'"a,""b""",c\n',
    b"\xff",
    b"1,\xff\n",
    b"\x00",
    b" ",
    b"1,2,3\n",
    b"1\n",
    b"x" * 70 + b",y\n",
    b"z" * 450,
    b'x","\n' * 3,
    b'"' + b"q\n" * 50,
    b"~~~\n",
    "é,€\n".encode(),
    b"\xe2\x80\xa8",
]

CASES = {
    "csv": Case("csv", {}, PIECES),
    "csv-pad": Case("csv", {"on_ragged": "pad", "comment": "#", "trim": True, "skip_lines": 1}, PIECES),
    "csv-escape": Case("csv", {"escape": "\\", "names": ["a", "b"], "header": False}, PIECES),
    "tsv-bare": Case("tsv", {"quote": "", "comment": "#", "header": False, "names": ["a", "b"]}, PIECES),
}
