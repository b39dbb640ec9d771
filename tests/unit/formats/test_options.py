"""What a route can say of its format."""

from __future__ import annotations

import csv
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from shared.formats import FORMATS
from tests.unit.formats.reading import parser, read


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"delimiter": "::"}, "delimiter: '::' has 2 characters; write exactly one"),
        ({"delimiter": ""}, "delimiter: '' has 0 characters"),
        ({"delimiter": "\n"}, "delimiter: '\\n' cannot be used"),
        ({"quote": "''"}, "quote: \"''\" has 2 characters"),
        ({"quote": ","}, "quote: ',' is the delimiter already"),
        ({"escape": '"'}, "escape: '\"' is the quote already"),
        ({"comment": " "}, "comment: ' ' cannot be used"),
        ({"delimiter": " ", "trim": True}, "leave trim out"),
        ({"header": False}, "header: false needs names"),
        ({"names": ["a", "b", "a"]}, "names: 'a' is there twice"),
        ({"names": ["a", ""]}, "give every column one"),
        ({"skip_lines": -1}, ">= 0"),
        ({"on_ragged": "drop"}, "Invalid enum value 'drop'"),
        ({"separator": ","}, "unknown field `separator`"),
    ],
)
def test_an_option_that_cannot_work_is_refused(options: dict[str, Any], says: str) -> None:
    """The message names the key, the value and what to write."""
    with pytest.raises(msgspec.ValidationError) as refused:
        parser("csv", **options)
    assert says in str(refused.value)


def test_an_empty_key_in_a_path_is_refused() -> None:
    """`a..b` is a slip of the pen."""
    with pytest.raises(msgspec.ValidationError, match="one dot between two"):
        parser("json", path="a..b")


def test_the_tab_can_be_written_as_a_word() -> None:
    """`delimiter: tab` is what YAML makes hard to see otherwise."""
    assert read("csv", b"a\tb\n1\t2\n", delimiter="tab") == ([{"a": "1", "b": "2"}], [])


def test_every_option_is_documented() -> None:
    """The reference page is made of descriptions: each option and each format has one."""
    for name, spec in FORMATS.items():
        assert spec.name == name == spec.options.__struct_config__.tag
        assert spec.summary.endswith(".")
        assert spec.options.__doc__
        info = inspect.type_info(spec.options)
        assert isinstance(info, inspect.StructType)
        for field in info.fields:
            assert isinstance(field.type, inspect.Metadata), f"{name}.{field.name}"
            assert "description" in (field.type.extra_json_schema or {}), f"{name}.{field.name}"


def test_a_row_that_csv_cannot_read_costs_itself() -> None:
    """csv.Error (here: the process-wide field limit, lowered by someone else) becomes one reject."""
    reader = parser("csv")
    before = csv.field_size_limit(10)
    try:
        found = [*reader.feed(b'a,b\n1,2\n"' + b"x" * 11 + b'",3\n4,5\n'), *reader.flush()]
    finally:
        csv.field_size_limit(before)
    assert [r for b in found for r in b.dicts()] == [{"a": "1", "b": "2"}, {"a": "4", "b": "5"}]
    assert [(r.reason, r.line) for b in found for r in b.rejects] == [("InvalidCsv", 3)]


def test_invalid_bytes_in_a_header_are_replaced() -> None:
    """A column's name is always text."""
    assert read("csv", b"a\xff,b\n1,2\n") == ([{"a\ufffd": "1", "b": "2"}], [])
