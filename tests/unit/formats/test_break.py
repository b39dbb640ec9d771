"""Where an input breaks off: what came whole before it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.formats.reading import parser


@pytest.mark.parametrize(
    ("kind", "source", "options"),
    [
        ("csv", b"a,b\n1,2\n3,4\n5,", {}),
        ("csv", b'a,b\r\n1,2\r\n3,4\r\n"5\n6', {}),
        ("csv", b"of today\n# begin\na,b\n1,2\n3,4\n5", {"skip_lines": 1, "comment": "#"}),
        ("tsv", b"a\tb\n1\t2\n3\t4\n5", {}),
        ("ndjson", b'{"a":"1","b":"2"}\n{"a":"3","b":"4"}\n{"a":', {}),
        ("json", b'[{"a":"1","b":"2"},{"a":"3","b":"4"},{"a":', {}),
        ("json", b'{"value":[{"a":"1","b":"2"},{"a":"3","b":"4"},{"a":', {"path": "value"}),
        ("json", b'{"a":"1","b":"2"}{"a":"3","b":"4"}{"a":', {}),
    ],
)
def test_records_before_a_break_are_given(kind: str, source: bytes, options: dict[str, Any]) -> None:
    """However small the input, every record that is whole before the break is given, and the rest is the one cut."""
    reader = parser(kind, **options)
    blocks = [*reader.feed(source), *reader.complete()]
    assert [record for block in blocks for record in block.dicts()] == [
        {"a": "1", "b": "2"},
        {"a": "3", "b": "4"},
    ]
    rest = reader.rest()
    assert rest.raw == source[rest.offset :]
    assert len(rest.raw) < 6


def test_a_header_that_breaks_off_is_the_rest() -> None:
    """A header row that is not whole gives no record and no column names."""
    reader = parser("csv")
    assert [*reader.feed(b'a,"b'), *reader.complete()] == []
    assert reader.rest().raw == b'a,"b'
