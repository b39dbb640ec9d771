"""A transform runs on rows as Azure would run it, whatever the rows hold."""

from __future__ import annotations

import datetime as dt
import json
import re
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docs.transforms_page import cases, columns
from shared.errors import ConfigError
from shared.transform.run import Failure, Transform, TransformError

COLUMNS = {"TimeGenerated": "datetime", "Text": "string", "Status": "int", "Extra": "dynamic"}
NOW = dt.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC)


def run(text: str, *rows: dict[str, Any]) -> Any:
    return Transform(text, COLUMNS).run(json.dumps(rows).encode(), NOW)


def test_columns_are_known_before_there_is_a_row() -> None:
    """Names, order and types of what comes out follow from the text alone."""
    made = Transform(
        "source | project Status, Day = startofday(TimeGenerated), Age = now() - TimeGenerated", COLUMNS
    )
    assert dict(made.columns) == {"Status": "int", "Day": "datetime", "Age": "timespan"}
    assert made.kept == {"Status"}


def test_what_is_not_changed_goes_through_as_it_came() -> None:
    """A column that nothing makes anew keeps its very text: digits, order of keys, escapes."""
    row = b'{"TimeGenerated":"2026-01-02T03:04:05+01:00","Extra":{"b":1.50,"a":1e2},"Text":"\\u00e9"}'
    found = Transform("source | where isnotempty(Text) | extend N = 1", COLUMNS).run(b"[" + row + b"]", NOW)
    assert found.text == (
        b'[{"TimeGenerated":"2026-01-02T03:04:05+01:00","Text":"\xc3\xa9","Status":null,'
        b'"Extra":{"b":1.50,"a":1e2},"N":1}]'
    )


def test_rows_that_are_left_out_are_counted() -> None:
    """Of the rows that were given, each is in the result, filtered, or failed."""
    found = run("source | where Status >= 400", {"Status": 200}, {"Status": 500}, {})
    assert (found.count, found.filtered, found.errors) == (1, 2, 0)


def test_a_row_that_fails_takes_no_other_with_it() -> None:
    """The row is named by its place, with a reason that shows nothing of it."""
    rows = [{"Text": "a", "Extra": "a"}, {"Text": "a", "Extra": "secret("}, {"Text": "b", "Extra": "a"}]
    found = run("source | where Text matches regex tostring(Extra) | project Text", *rows)
    assert found.rows == [{"Text": "a"}]
    assert (found.filtered, found.errors) == (1, 1)
    assert found.failures == [Failure(1, "a pattern is not one that RE2 takes.")]


def test_now_is_the_time_that_is_given() -> None:
    """One transform, run twice, has the time of each run."""
    made = Transform("source | project Then = now(), Before = ago(1s)", COLUMNS)
    for moment in (NOW, NOW + dt.timedelta(hours=1)):
        (row,) = made.run(b"[{}]", moment).rows
        assert row["Then"] == moment.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
        assert row["Before"] < row["Then"]


def test_what_only_azure_can_run_is_said_and_the_rows_are_kept() -> None:
    """geo_location() is not guessed: the transform has a note, and gives back what it gets."""
    made = Transform("source | where Status > 1 | extend Place = geo_location(Text)", COLUMNS)
    assert made.note is not None
    assert "geo_location() asks a service in Azure" in made.note
    assert made.run(b'[{"Text":"1.0.0.5"}]', NOW).rows[0]["Text"] == "1.0.0.5"
    assert dict(made.columns) == COLUMNS


def test_values_that_do_not_fit_their_column_are_null() -> None:
    """A value of a wrong type is null to the transform, as it is to Azure."""
    found = run(
        "source | project A = isnull(Status), B = isnull(TimeGenerated)", {"Status": "x", "TimeGenerated": 5}
    )
    assert found.rows == [{"A": True, "B": True}]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "source\n| where Statu == 1",
            "line 2, column 9: there is no column 'Statu'; did you mean Status?",
        ),
        ("source | where status == 1", "'status'; names are case-sensitive, and it is 'Status'"),
        ("source | take 1", "take is no operator of a transform"),
        ("source | extend A = strlne(Text)", "there is no function strlne(); did you mean strlen?"),
        ("source | extend A = strlen()", "strlen() takes 1 argument, and there are 0"),
        ("source | extend A = substring(Text)", "substring() takes 2 to 3 arguments"),
        ("source | extend A = Text + 1", "there is no string + long"),
        ("source | where Text == 1", "string and long are not compared"),
        ("source | where Text > 'a'", "texts have no order"),
        ("source | where Extra.a == Extra.b", "two dynamic values are not compared"),
        ("source | where Status", "where takes a condition here, and this is int"),
        ("source | extend A = Text.b", "only a dynamic has parts"),
        (
            "source | extend A = max_of(1, 'a')",
            "max_of() takes values of one type, and these are long, string",
        ),
        (
            "source | extend A = strlen(1)",
            "strlen() takes string here, and this is long: take tostring() of it.",
        ),
        (
            "source | extend A = dayofyear(Extra)",
            "takes datetime here, and this is dynamic: take todatetime()",
        ),
        ("source | extend A = dayofyear('2026-01-02')", "takes datetime here, and this is string"),
        ("source | extend A = abs(Extra.a)", "abs() takes a number here, and this is dynamic: take toreal()"),
        ("source | extend A = hash_sha256(Extra)", "takes string here, and this is dynamic: take tostring()"),
        ("source | extend A = round(1.5, Status)", "round() takes a constant here"),
        (
            "source | extend A = not(Status)",
            "not() takes boolean here, and this is int: take tobool() of it.",
        ),
        ("source | where Extra.a", "where takes a condition here, and this is dynamic: take tobool() of it."),
        ("source | where TimeGenerated > '2026-01-02'", "texts have no order: > is for numbers and times"),
        ("source | where TimeGenerated > Extra.a", "datetime > dynamic is not compared"),
        ("source | where Text in ((source | project Text))", "takes values, or a table that reads no source"),
        ("source | parse Text with * A:long *", "a text belongs before the column A"),
        ("source | extend A = extract('(', 1, Text)", "the pattern is not one that RE2 takes"),
        ("source | extend A = extract(Text, 1, Text)", "extract() takes a constant here"),
        ("source | extend A = 1, A = 2", "two columns would be called 'A'"),
        ("source | project-rename Text = Status", "two columns would be called 'Text'"),
        ("source | project-away Nope", "there is no column 'Nope'"),
        ("source | parse Text with 'a' A *", "could begin anywhere"),
        ("source | parse Text with A B", "a text belongs before the column B"),
        ("source | extend A = (1", ") belongs here before the end"),
        ("source | extend A = 1 B", "the transform should end here, not B"),
        ("let f = (n:long) { f(n) }; source | extend A = f(1)", "f() calls itself"),
        ("source | extend A = " + "(" * 500 + "1" + ")" * 500, "nested too deeply"),
        ("source | where Text in (source)", "in (...) takes values, or a table that reads no source"),
        ("datatable(A:int)[1, 2, Status]", "there is no column 'Status'"),
        ("source | where Status == " + "9" * 5000, "column 26: " + "9" * 40 + "... is no literal"),
        ("", "a name belongs here"),
    ],
)
def test_a_mistake_is_said_with_its_place(text: str, sentence: str) -> None:
    """What Azure would not deploy is a sentence with line and column, that an operator can act on."""
    with pytest.raises(TransformError) as error:
        Transform(text, COLUMNS)
    assert sentence in str(error.value)
    assert isinstance(error.value, ConfigError)


@pytest.mark.parametrize(
    ("first", "next_", "last", "words"),
    [
        ("'0123456789'", "strcat({0}, {0})", "{0}", "strcat() gives a constant of more than 1 MB"),
        (
            "pack_array(1, 2)",
            "pack_array({0}, {0})",
            "{0}",
            "pack_array() gives a constant of more than 1 MB",
        ),
        ("now()", "iif({0} > {0}, {0}, ago(1h))", "{0}", "more than 100,000 operations a row"),
        (
            "(n: long) {{ n + n }}",
            "(n: long) {{ {0}(n) + {0}(n) }}",
            "{0}(Status)",
            "more than 100,000 operations",
        ),
        (
            "(n: long) {{ n + n }}",
            "(n: long) {{ {0}(n + n) }}",
            "{0}(Status)",
            "more than 100,000 operations",
        ),
    ],
)
def test_a_short_text_is_no_endless_work(first: str, next_: str, last: str, words: str) -> None:
    """Values that double with every let are refused before they take the memory or the day."""
    lets = [f"let a0 = {first.format()};"]
    lets += [f"let a{n} = {next_.format(f'a{n - 1}')};" for n in range(1, 40)]
    with pytest.raises(TransformError, match=re.escape(words)):
        Transform(f"{' '.join(lets)} source | extend X = {last.format('a39')}", COLUMNS)


def test_a_long_chain_is_no_deep_one() -> None:
    """Hundreds of conditions in a row run; they are not nested."""
    conditions = " or ".join(f"Status == {number}" for number in range(700))
    assert run(f"source | where {conditions}", {"Status": 699}, {"Status": 700}).count == 1


# -- any row ----------------------------------------------------------------------------------

_WHOLE = st.integers(-(2**63), 2**63 - 1) | st.integers(-70, 70)
_TEXT = st.text(max_size=12) | st.sampled_from(
    [
        "2020-02-29",
        "1.5",
        "0x10",
        '{"a":[1]}',
        "CEF:0|a|b|c|d|e|1|x=y",
        "<a b='c'>d</a>",
        "1.02:03:04",
        "é_ß",
        "a b",
    ]
)
_REAL = st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    st.none() | st.booleans() | _WHOLE | _REAL | _TEXT,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["word", "list", "number"]), inner)
    ),
    max_leaves=5,
)
_MOMENT = st.datetimes().map(lambda one: one.isoformat() + "Z")
_VALUES = {
    "string": _TEXT,
    "int": st.integers(-(2**31), 2**31 - 1) | st.integers(-70, 70),
    "long": _WHOLE,
    "real": _REAL,
    "boolean": st.booleans(),
    "datetime": _MOMENT | st.sampled_from(["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z"]),
    "dynamic": _JSON,
}
_ROWS = st.fixed_dictionaries({name: st.none() | _VALUES[kind] for name, kind in columns().items()})
_MORE = [
    "substring(Text, Int, Minus)",
    "substring(Text, Minus)",
    "indexof(Text, Empty, Int, Minus, 2)",
    "split(Text, Empty, Int)",
    "countof(Text, Empty)",
    'extract("(.)(.)?", Int, Text)',
    "datetime_add('month', Int, At)",
    "datetime_add('nanosecond', Long, NoAt)",
    "datetime_diff('week', At, NoAt)",
    "make_datetime(Int, Minus, NoInt, Int, Minus, Real)",
    "make_timespan(Int, Minus, NoInt, Real)",
    "bin(At, totimespan(Long))",
    "bin(Long, Int)",
    "bin(Real, NoReal)",
    "startofyear(At, Long)",
    "endofmonth(NoAt, Int)",
    "endofweek(At, Long)",
    "pow(Real, NoReal)",
    "exp10(Real)",
    "log2(Real)",
    "round(Real, -2)",
    "round(Long, -2)",
    "Real % NoReal",
    "Real / NoReal",
    "Long * Long / Int % Minus",
    "At + totimespan(Long) - (At - NoAt) * Int / Minus",
    "totimespan(Long) / Real",
    "binary_shift_left(Long, Int)",
    "Bag + NoBag",
    "Bag.number * Real",
    "Bag[Text]",
    "NoBag[Int]",
    "toint(NoReal)",
    "toint(Bag)",
    "tolong(NoBag.word)",
    "todatetime(Text)",
    "totimespan(Text)",
    "todouble(Empty)",
    "tobool(Bag.word)",
    "toguid(Text)",
    "parse_json(Text)",
    "parse_xml(Text)",
    "parse_cef_dictionary(Text)",
    "zip(Bag, NoBag)",
    "max_of(toreal(Bag), Real)",
    "tostring(pack(Text, Bag, Empty, At))",
    "Text has Empty",
    "Bag.word == Text",
    "Bag.number >= Real",
    "hash_sha256(tostring(Bag))",
    "base64_decodestring(Text)",
    "gettype(Bag)",
    "ceiling(Real)",
]


@cache
def _everything() -> list[Transform]:
    texts = [case.text for case in cases() if not case.cannot]
    texts += [f"source | project x = {value}" for value in _MORE]
    return [
        made for made in (Transform(text, columns()) for text in texts) if made._pipeline.constants is None
    ]


@given(st.lists(_ROWS, min_size=1, max_size=3))
def test_no_row_makes_a_transform_fail(rows: list[dict[str, Any]]) -> None:
    """Whatever the columns hold, every function gives a value or null, and what comes out is JSON."""
    body = json.dumps(rows).encode()
    for made in _everything():
        found = made.run(body, NOW)
        assert found.errors == 0, made.text
        assert found.count + found.filtered == len(rows)
        json.dumps(found.rows, allow_nan=False)
