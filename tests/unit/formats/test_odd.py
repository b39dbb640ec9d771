"""What is no JSON, or repeats itself, and is read all the same."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.formats.jsonodd import Odd, read_oddly
from shared.twice import DUPLICATES, maybe_twice
from tests.unit.formats.reading import blocks, parser


class Ab(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A route's own type."""

    a: int | None = None
    b: str | None = None


def test_nan_and_infinity_are_read() -> None:
    """They come as floats, in a record that says that it is odd."""
    record = read_oddly(b'{"a":NaN,"b":[-Infinity,Infinity]}')
    assert isinstance(record, Odd)
    assert math.isnan(record["a"])
    assert record["b"] == [-math.inf, math.inf]


@pytest.mark.parametrize(
    "raw",
    [b'{"a":nan}', b'{"a":NaN', b"NaN", b"[NaN]", b'{"a":NaN,"b":1e999}', b'{"a":\xff,"b":NaN}', b'{"a":1}'],
)
def test_nothing_else_gets_through(raw: bytes) -> None:
    """What is wrong for another reason, or not odd at all, is not read here."""
    assert read_oddly(raw) is None


def test_a_key_that_comes_twice_keeps_its_earlier_values() -> None:
    """At every level of a record the last value counts; the earlier ones are in the record, under their path."""
    record = read_oddly(b'{"a":1,"a":2,"b":{"c":1,"c":2,"c":3}}')
    assert record == {"a": 2, "b": {"c": 3}, DUPLICATES: {"a": [1], "b.c": [1, 2]}}
    record = read_oddly(b'{"a":[{"b":1,"b":2},{"b":3,"b":4}],"c":{"d":1,"d":2},"c":5}')
    assert record == {
        "a": [{"b": 2}, {"b": 4}],
        "c": 5,
        DUPLICATES: {"c": [{"d": 2}], "a.b": [1, 3], "c.d": [1]},
    }


def test_a_key_of_the_same_name_is_kept_too() -> None:
    """A record that has a `_duplicate_keys` of its own keeps it among the earlier values."""
    record = read_oddly(b'{"_duplicate_keys":7,"a":1,"a":2}')
    assert record == {"a": 2, DUPLICATES: {DUPLICATES: [7], "a": [1]}}


@pytest.mark.parametrize("kind", ["ndjson", "json"])
@pytest.mark.parametrize("want", [None, Ab])
@pytest.mark.parametrize(
    "record", ['{"a":1,"a":2}', '{"a" :1,"a":2}', '{"b":"\\u0022","a":1,"a":2}', '{"a":null,"a":2}']
)
def test_a_repeated_key_is_seen_in_any_block(kind: str, want: type | None, record: str) -> None:
    """Among records that are all right, typed or not, on lines or in a list, it is found."""
    good = ['{"a":1,"b":"x"}'] * 20
    text = "\n".join([*good, record, *good]) if kind == "ndjson" else f"[{','.join([*good, record, *good])}]"
    records = [r for b in blocks(parser(kind, want), [text.encode()]) if not b.typed for r in b.records]
    earlier = None if "null" in record else 1
    assert [r[DUPLICATES] for r in records if DUPLICATES in r] == [{"a": [earlier]}]


_OBJECTS = st.recursive(
    st.none() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(st.tuples(st.sampled_from("abc"), inner), max_size=4).map(lambda pairs: ("object", pairs))
    ),
    max_leaves=8,
)


def _text(value: Any, ascii_only: bool) -> str:
    if isinstance(value, tuple):
        return "{" + ",".join(f'"{k}": {_text(v, ascii_only)}' for k, v in value[1]) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_text(v, ascii_only) for v in value) + "]"
    return json.dumps(value, ensure_ascii=ascii_only)


def _repeats(value: Any) -> bool:
    if isinstance(value, tuple):
        keys = [key for key, _ in value[1]]
        return len(set(keys)) < len(keys) or any(_repeats(inner) for _, inner in value[1])
    return isinstance(value, list) and any(map(_repeats, value))


@given(st.lists(st.tuples(st.sampled_from("abc"), _OBJECTS), max_size=4), st.booleans())
def test_a_no_is_sure(pairs: list[tuple[str, Any]], ascii_only: bool) -> None:
    """Whatever an object holds, a key that comes twice anywhere in it is never missed."""
    value = ("object", pairs)
    text = _text(value, ascii_only).encode()
    if _repeats(value):
        assert maybe_twice(text, [msgspec.json.decode(text)])
        assert DUPLICATES in str(read_oddly(text))
