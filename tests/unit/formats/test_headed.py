"""w3c and zeek: lines under header lines."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.formats import FORMATS
from tests.unit.formats.reading import blocks, parser, read

ZEEK = Path(__file__).parents[4] / "shared" / "data" / "zeek"
W3C_HEADERS = [b"#Fields: a\n", b"#Fields: a b\n", b"#Fields: a b c\n"]
ZEEK_HEADER = b"#separator \\x09\n#fields\ta\tb\tc\n#types\t%b\t%b\t%b\n"


@pytest.mark.skipif(not ZEEK.is_dir(), reason="the Zeek logs are not beside the repository")
def test_both_forms_of_a_zeek_log_give_the_same_records() -> None:
    """53,615 records of the tab-separated log are those of the JSON log, field by field, to the microsecond."""
    records, rejects = read("zeek", gzip.decompress((ZEEK / "dns.log.gz").read_bytes()), times="iso")
    assert not rejects
    expected = [
        json.loads(line) for line in gzip.decompress((ZEEK / "dns.json.gz").read_bytes()).splitlines()
    ]
    assert len(records) == len(expected) == 53_615
    for record in expected:
        del record["_path"], record["_write_ts"]  # of the stream, not of the traffic
        if "rtt" in record:  # the tab-separated form has six digits of an interval
            record["rtt"] = round(record["rtt"], 6)
    assert records == expected


@pytest.mark.skipif(not ZEEK.is_dir(), reason="the Zeek logs are not beside the repository")
def test_times_of_a_zeek_log_keep_their_digits() -> None:
    """As it is by default, a time is the text in the file."""
    source = gzip.decompress((ZEEK / "dns.log.gz").read_bytes())
    records, _ = read("zeek", source)
    lines = [line for line in source.decode().splitlines() if not line.startswith("#")]
    assert [record["ts"] for record in records] == [line.split("\t")[0] for line in lines]


_W3C_LINES = st.lists(
    st.text(st.sampled_from('ab"- \t+"'), min_size=1, max_size=14).filter(str.strip), min_size=1, max_size=12
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(W3C_HEADERS), _W3C_LINES)
@example(W3C_HEADERS[0], ["a b", "a\tb", "\ta"])
def test_w3c_lines_together_are_lines_alone(header: bytes, lines: list[str]) -> None:
    """What a line becomes does not depend on the lines beside it."""
    together = _outcomes("w3c", header, lines)
    alone = [outcome for line in lines for outcome in _outcomes("w3c", header, [line])]
    assert together == alone


_TYPES = [
    "count",
    "double",
    "interval",
    "bool",
    "time",
    "string",
    "set[count]",
    "vector[interval]",
    "set[string]",
]
_VALUES = [
    "1",
    "-",
    "",
    "(empty)",
    "1,2",
    "1.5",
    "null",
    "-,1",
    "a,-",
    "(empty),x",
    "]",
    "1],[2",
    "T",
    "F",
    " 1",
    "\\x2d",
]
_ROWS = st.lists(st.lists(st.sampled_from(_VALUES), min_size=2, max_size=4), min_size=1, max_size=8)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(_TYPES), min_size=3, max_size=3), _ROWS)
def test_zeek_lines_together_are_lines_alone(types: list[str], rows: list[list[str]]) -> None:
    """What a value becomes does not depend on the others of its column."""
    header = ZEEK_HEADER % tuple(kind.encode() for kind in types)
    lines = [line for row in rows if (line := "\t".join(row)).strip()]
    together = _outcomes("zeek", header, lines)
    alone = [outcome for line in lines for outcome in _outcomes("zeek", header, [line])]
    assert together == alone


def _outcomes(kind: str, header: bytes, lines: list[str]) -> list[Any]:
    """Of each line its record, or the reason why it is none."""
    found: dict[int, Any] = {}
    for block in blocks(parser(kind), [header + "\n".join(lines).encode() + b"\n"]):
        found.update(zip(block.ordinals, map(tuple, block.records), strict=True))
        found.update((reject.ordinal, reject.reason) for reject in block.rejects)
    return [repr(found[ordinal]) for ordinal in sorted(found)]


@pytest.mark.parametrize("kind", ["w3c", "zeek"])
def test_header_lines_cost_no_window(kind: str) -> None:
    """A header line after every record is read as well: each record under the fields before it."""
    if kind == "w3c":
        source = b"".join(b"#Fields: k%d\nv%d\n" % (i, i) for i in range(500))
    else:
        source = b"#separator \\x09\n" + b"".join(b"#fields\tk%d\nv%d\n" % (i, i) for i in range(500))
    records, rejects = read(kind, source)
    assert records == [{f"k{i}": f"v{i}"} for i in range(500)]
    assert not rejects


@pytest.mark.parametrize("kind", ["w3c", "zeek"])
@pytest.mark.parametrize(
    "piece", [b'"', b' "', b'"a" ', b'"" ', b'"\t', b"-,", b"\\x", b"\\xff", b"#", b"  "]
)
def test_a_hostile_line_is_read_in_one_go(kind: str, piece: bytes) -> None:
    """A megabyte of what has a meaning costs no more than other lines: it ends."""
    header = b"#Fields: a b\n" if kind == "w3c" else b"#fields\ta\tb\n#types\tstring\tset[string]\n"
    source = header + b"x\t" + piece * (1_000_000 // len(piece)) + b"y\n"
    records, rejects = read(kind, source)
    assert len(records) + len(rejects) == 1


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("w3c", {"fields": ["a", ""]}, "give every field one"),
        ("w3c", {"fields": ["a", "a"]}, "'a' is there twice"),
        ("w3c", {"decode": {"a": "base64"}}, "Invalid enum value"),
        ("zeek", {"fields": ["a", "a"]}, "'a' is there twice"),
        ("zeek", {"fields": [""]}, "give every field one"),
        ("zeek", {"fields": ["a"], "types": ["count", "count"]}, "there are 2 for 1 fields"),
    ],
)
def test_options_that_cannot_work_are_refused(kind: str, options: dict[str, Any], message: str) -> None:
    """A mistake in the route is found when the route is read, and says what is wrong."""
    with pytest.raises(msgspec.ValidationError, match=message):
        msgspec.convert({"type": kind, **options}, FORMATS[kind].options)


@pytest.mark.parametrize(
    ("kind", "line", "between"), [("w3c", "#Fields: ", " "), ("zeek", "#separator \\x09\n#fields\t", "\t")]
)
def test_a_header_of_many_names_takes_no_time_and_one_of_too_many_is_none(
    kind: str, line: str, between: str
) -> None:
    """10,000 equal names are read; of 10,001 names none counts, and the records under them are rejected."""
    for size, reasons in ((10_000, set()), (10_001, {"NoFields"})):
        header = line + between.join(["a"] * size)
        records, rejects = read(kind, f"{header}\n{between.join(['x'] * size)}\n".encode())
        assert {reject.reason for reject in rejects} == reasons
        assert [len(record) for record in records] == [10_000][: 1 - len(rejects)]
