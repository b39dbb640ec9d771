"""What Azure loses without an error, against an endpoint that sees it: nothing is lost in silence.

Each kind of loss is sent through the whole app under each choice that a route has.
The strict endpoint must find no loss in what was posted, and every record is a row
or in the dead letter, with its count.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple, get_args

import pytest

from shared.routes import declare
from tests.azurite import Azurite
from tests.ferry import Ferry, ferry

NOW = datetime.now(UTC).isoformat().replace("+00:00", "Z")
JOIN = "{ Name: {}, Both: { join: [x, y] } }"
PAIRS = '{ Name: {}, Rest: { type: string, from: "*", format: pairs } }'
COLUMNS = "{ Name: {}, Size: { type: int }, Share: { type: real }, More: { type: dynamic } }"


class Case(NamedTuple):
    """A record that Azure would not keep as it is, and what a choice makes of it."""

    choice: str
    fields: str
    """Members of the JSON object, besides its time."""
    row: dict[str, Any] | None
    """Columns of the row that lands; None if it is dead-lettered."""
    word: str
    """The count in the ledger's `changed`, or the dead letter's reason."""
    columns: str = COLUMNS


LONG = "x" * 70_000
CASES = {
    "undeclared": Case("", '"Other":{"a":1}', {"Extra": {"Other": {"a": 1}}}, "undeclared_kept"),
    "undeclared-drop": Case("on_undeclared: drop", '"Other":1', {"Name": "n"}, "undeclared_dropped"),
    "undeclared-dead": Case("on_undeclared: dead_letter", '"Other":1', None, "UndeclaredField"),
    "bad-value": Case("", '"Size":"many"', {"Size": None, "Extra": {"Size": "many"}}, "bad_value_kept"),
    "bad-value-null": Case("on_bad_value: null", '"Size":"many"', {"Size": None}, "bad_value_null"),
    "bad-value-dead": Case("on_bad_value: dead_letter", '"Size":1.5', None, "BadValue"),
    "too-big": Case("", '"Size":4294967296', {"Extra": {"Size": 4294967296}}, "bad_value_kept"),
    "old-time": Case(
        "", '"T":1', {"Extra": {"T": 1, "TimeGenerated": "2001-01-01T00:00:00Z"}}, "time_replaced"
    ),
    "old-time-dead": Case("on_old_time: dead_letter", '"T":1', None, "TimeOutsideWindow"),
    "no-time": Case("", '"Size":1', {"Size": 1}, "time_missing"),
    "long-value": Case("", f'"Name":"{LONG}"', None, "ValueTooLong"),
    "long-value-cut": Case("on_long_value: cut", f'"Name":"{LONG}"', {"Name": LONG[:65_536]}, "value_cut"),
    "long-object": Case("", f'"More":{{"a":"{LONG}"}}', None, "ValueTooLong"),
    "long-object-cut": Case(
        "on_long_value: cut",
        f'"More":{{"a":"{LONG}"}}',
        {"More": '{"a":"' + LONG[: 65_536 - 11]},
        "value_cut",
    ),
    "nan": Case("", '"Share":NaN', {"Share": None, "Extra": {"Share": "NaN"}}, "bad_value_kept"),
    "nan-null": Case("on_not_a_number: null", '"Share":-Infinity', {"Share": None}, "bad_value_null"),
    "nan-dead": Case("on_not_a_number: dead_letter", '"Share":NaN', None, "BadValue"),
    "nan-inside": Case("", '"More":{"a":[NaN]}', {"More": {"a": ["NaN"]}}, "not_a_number_text"),
    "nan-inside-null": Case(
        "on_not_a_number: null", '"More":{"a":[Infinity]}', {"More": {"a": [None]}}, "not_a_number_null"
    ),
    "nan-inside-dead": Case("on_not_a_number: dead_letter", '"More":[NaN]', None, "NotANumber"),
    "nan-text": Case("", '"Name":NaN', {"Name": "NaN"}, "not_a_number_text"),
    "nan-text-null": Case("on_not_a_number: null", '"Name":NaN', {"Name": None}, "not_a_number_null"),
    "nan-text-inside": Case("", '"Name":{"a":NaN}', {"Name": '{"a":"NaN"}'}, "not_a_number_text"),
    "nan-text-dead": Case("on_not_a_number: dead_letter", '"Name":{"a":NaN}', None, "NotANumber"),
    "nan-join": Case("", '"x":NaN,"y":1', {"Both": "NaN 1"}, "not_a_number_text", JOIN),
    "nan-join-null": Case(
        "on_not_a_number: null",
        '"x":NaN,"y":1',
        {"Both": None, "Extra": {"y": 1}},
        "not_a_number_null",
        JOIN,
    ),
    "nan-join-dead": Case("on_not_a_number: dead_letter", '"x":NaN,"y":1', None, "NotANumber", JOIN),
    "nan-pairs": Case("", '"a":NaN,"b":[1]', {"Rest": "a=NaN;b=[1]"}, "not_a_number_text", PAIRS),
    "nan-pairs-null": Case(
        "on_not_a_number: null", '"a":NaN,"b":1', {"Rest": "b=1"}, "not_a_number_null", PAIRS
    ),
    "nan-pairs-dead": Case("on_not_a_number: dead_letter", '"a":[NaN]', None, "NotANumber", PAIRS),
    "big": Case("", f'"More":[{2**70}]', {"More": [str(2**70)]}, "big_integer_text"),
    "big-null": Case("on_big_integer: null", f'"More":[{2**70}]', {"More": [None]}, "big_integer_null"),
    "big-dead": Case("on_big_integer: dead_letter", f'"More":[{2**70}]', None, "NumberOutOfRange"),
    "big-column": Case("", f'"Size":{2**70}', {"Extra": {"Size": str(2**70)}}, "bad_value_kept"),
    "surrogate": Case("", '"Name":"a\\ud800b"', {"Name": "a\\ud800b"}, "surrogate_escaped"),
    "surrogate-inside": Case(
        "", '"Name":{"a":"\\ud800"}', {"Name": '{"a":"\\\\ud800"}'}, "surrogate_escaped"
    ),
    "surrogate-key": Case("", '"More":{"\\udc00":1}', {"More": {"\\udc00": 1}}, "surrogate_escaped"),
    "surrogate-replace": Case(
        "on_lone_surrogate: replace", '"Name":"a\\ud800b"', {"Name": "a\ufffdb"}, "surrogate_replaced"
    ),
    "surrogate-dead": Case("on_lone_surrogate: dead_letter", '"Name":"\\ud800"', None, "LoneSurrogate"),
    "twice": Case(
        "",
        '"Size":1,"Size":2',
        {"Size": 2, "Extra": {"_duplicate_keys": {"Size": [1]}}},
        "duplicate_key_kept",
    ),
    "twice-inside": Case(
        "",
        '"More":{"a":[{"b":1,"b":2}]}',
        {"More": {"a": [{"b": 2}]}, "Extra": {"_duplicate_keys": {"More.a.b": [1]}}},
        "duplicate_key_kept",
    ),
    "twice-inside-last": Case(
        "on_duplicate_key: last", '"More":{"a":1,"a":2}', {"More": {"a": 2}}, "duplicate_key_last"
    ),
    "twice-inside-dead": Case("on_duplicate_key: dead_letter", '"More":{"a":1,"a":2}', None, "DuplicateKey"),
    "twice-last": Case("on_duplicate_key: last", '"Size":1,"Size":2', {"Size": 2}, "duplicate_key_last"),
    "twice-dead": Case("on_duplicate_key: dead_letter", '"Size":1,"Size":2', None, "DuplicateKey"),
}
LARGE = ", ".join(f"C{number:02d}: {{}}" for number in range(18))
LARGE_RECORD = json.dumps({f"C{number:02d}": "y" * 60_000 for number in range(18)})[1:-1]


def _routes() -> str:
    parts = ["routes:"]
    for name, case in CASES.items():
        parts.append(
            f'  {name}:\n    from: {{ blobs: ["{name}"] }}\n    format: ndjson\n    table: {_table(name)}'
        )
        parts.append(f"    columns: {case.columns}")
        parts += [f"    {case.choice}"] if case.choice else []
    for how in ("dead_letter", "cut"):
        name = f"large-{how.replace('_', '-')}"
        parts.append(
            f'  {name}:\n    from: {{ blobs: ["{name}"] }}\n    format: ndjson\n    table: {_table(name)}'
        )
        parts.append(f"    columns: {{ {LARGE} }}\n    on_large_record: {how}")
    return "\n".join(parts) + "\n"


def _table(name: str) -> str:
    return "".join(part.title() for part in name.split("-")) + "_CL"


def _record(name: str, fields: str) -> str:
    if name == "no-time":
        return "{" + fields + "}"
    time = "2001-01-01T00:00:00Z" if name.startswith("old-time") else NOW
    head = "" if '"Name"' in fields else '"Name":"n",'
    return f'{{"TimeGenerated":"{time}",{head}{fields}}}'


@pytest.fixture(scope="module")
def app(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ferry]:
    with ferry(azurite, tmp_path_factory.mktemp("app"), _routes()) as made:
        yield made


def _take(app: Ferry, name: str, record: str) -> list[dict[str, Any]]:
    """Send a record between two good ones; the rows that land."""
    good = f'{{"TimeGenerated":"{NOW}","Name":"good"}}'.replace("Name", "C00" if "large" in name else "Name")
    app.drop(name, f"{good}\n{record}\n{good}".encode())
    app.take(name)
    counts = app.entry(name).counts
    assert counts.adds_up()
    assert counts.read == 3
    return app.server.rows(_table(name))


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_lost_in_silence(app: Ferry, name: str) -> None:
    """A record that Azure would damage lands in a form that it keeps, or is dead-lettered, as the route says, and is counted."""
    case = CASES[name]
    before = len(app.server.losses())
    rows = _take(app, name, _record(name, case.fields))
    assert app.server.losses()[before:] == []
    counts = app.entry(name).counts
    if case.row is None:
        assert len(rows) == 2
        assert [dead["reason"] for dead in app.dead() if dead["source"].endswith(f"/{name}")] == [case.word]
        return
    assert counts.changed.get(case.word) == 1
    (row,) = [row for row in rows if row["Name"] != "good"] if len(rows) == 3 else []
    for column, value in case.row.items():
        found = json.loads(row[column]) if column in {"More", "Extra"} and row[column] else row[column]
        assert found == value, column


@pytest.mark.parametrize("how", ["dead-letter", "cut"])
def test_a_row_over_the_limit_of_a_post(app: Ferry, how: str) -> None:
    """It is dead-lettered with its neighbours landing, or cut until it fits and counted."""
    name = f"large-{how}"
    rows = _take(app, name, f'{{"TimeGenerated":"{NOW}",{LARGE_RECORD}}}')
    counts = app.entry(name).counts
    if how == "cut":
        assert len(rows) == 3
        assert counts.changed == {"row_cut": 1}
    else:
        assert len(rows) == 2
        assert counts.dead_lettered == 1


def test_every_choice_has_its_case() -> None:
    """Each value that a route can choose for a loss is tried here."""
    choices = {
        "on_undeclared": declare.OnUndeclared,
        "on_bad_value": declare.OnBadValue,
        "on_old_time": declare.OnOldTime,
        "on_not_a_number": declare.OnNoNumber,
        "on_big_integer": declare.OnBigInteger,
        "on_lone_surrogate": declare.OnSurrogate,
        "on_duplicate_key": declare.OnDuplicateKey,
        "on_long_value": declare.OnLong,
    }
    tried = {case.choice for case in CASES.values()}
    defaults = {"keep_in_extra", "text", "escape"}
    for key, values in choices.items():
        for value in (
            set(get_args(values)) - defaults - ({"dead_letter"} if key == "on_long_value" else set())
        ):
            assert f"{key}: {value}" in tried
