"""Everything that Azure lists for transforms is accepted, by our check and by Microsoft's analyser."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from docs.transforms_page import cases, columns
from shared.transform.allowed import (
    LOGICAL_OPERATORS,
    NUMBER_OPERATORS,
    OPERATORS,
    RESULTS,
    STRING_OPERATORS,
)
from shared.transform.analyser import HOW, Analyser, analyse, find
from shared.transform.check import check_transform
from shared.transform.together import Asked, check_all

ROOT = Path(__file__).resolve().parents[3]
COLUMNS = {
    "TimeGenerated": "datetime",
    "Text": "string",
    "Other": "string",
    "Whole": "long",
    "Small": "int",
    "Ratio": "real",
    "Yes": "boolean",
    "Bag": "dynamic",
}
VALUES = {
    "abs": "abs(Ratio)",
    "ago": "ago(1d)",
    "array_concat": "array_concat(Bag, pack_array(1, 2))",
    "array_length": 'array_length(split(Text, " "))',
    "base64_decodestring": "base64_decodestring(Text)",
    "base64_encodestring": "base64_encodestring(Text)",
    "bin": "bin(TimeGenerated, 1h)",
    "binary_and": "binary_and(Whole, 0xFF)",
    "binary_not": "binary_not(Whole)",
    "binary_or": "binary_or(Whole, 1)",
    "binary_shift_left": "binary_shift_left(Whole, 2)",
    "binary_shift_right": "binary_shift_right(Whole, 2)",
    "binary_xor": "binary_xor(Whole, 1)",
    "case": 'case(Whole > 5, "many", Whole > 0, "some", "none")',
    "ceiling": "ceiling(Ratio)",
    "columnifexists": 'columnifexists("NotThere", "default")',
    "countof": 'countof(Text, "a", "regex")',
    "datetime_add": 'datetime_add("day", 1, TimeGenerated)',
    "datetime_diff": 'datetime_diff("minute", TimeGenerated, now())',
    "datetime_part": 'datetime_part("hour", TimeGenerated)',
    "dayofmonth": "dayofmonth(TimeGenerated)",
    "dayofweek": "dayofweek(TimeGenerated)",
    "dayofyear": "dayofyear(TimeGenerated)",
    "endofday": "endofday(TimeGenerated, -1)",
    "endofmonth": "endofmonth(TimeGenerated)",
    "endofweek": "endofweek(TimeGenerated)",
    "endofyear": "endofyear(TimeGenerated)",
    "exp": "exp(Ratio)",
    "exp10": "exp10(Ratio)",
    "exp2": "exp2(Ratio)",
    "extract": r'extract(@"(\d+)", 1, Text, typeof(long))',
    "extract_all": r"extract_all(@'(\w)(\w+)', Text)",
    "floor": "floor(Ratio, 0.5)",
    "geo_location": 'geo_location("1.0.0.5")',
    "getmonth": "getmonth(TimeGenerated)",
    "gettype": "gettype(Bag.key)",
    "getyear": "getyear(TimeGenerated)",
    "hash_sha256": "hash_sha256(Text)",
    "hourofday": "hourofday(TimeGenerated)",
    "iff": "iff(Yes, 1, 2)",
    "iif": "iif(Yes, Text, Other)",
    "indexof": 'indexof(Text, "a")',
    "isempty": "isempty(Text)",
    "isfinite": "isfinite(Ratio)",
    "isinf": "isinf(Ratio)",
    "isnan": "isnan(Ratio)",
    "isnotempty": "isnotempty(Text)",
    "isnotnull": "isnotnull(Whole)",
    "isnull": "isnull(Whole)",
    "log": "log(Ratio)",
    "log10": "log10(Ratio)",
    "log2": "log2(Ratio)",
    "make_datetime": "make_datetime(2026, 1, 31)",
    "make_timespan": "make_timespan(1, 30)",
    "max_of": "max_of(Whole, 3)",
    "min_of": "min_of(Whole, 3)",
    "monthofyear": "monthofyear(TimeGenerated)",
    "not": "not(Yes)",
    "now": "now(-1d)",
    "pack": 'pack("a", Text, "b", Whole)',
    "pack_array": "pack_array(Text, Whole)",
    "parse_cef_dictionary": 'parse_cef_dictionary(Text)["Extension"]',
    "parse_json": """parse_json('{"a": [1, 2]}').a[0]""",
    "parse_xml": "parse_xml(Text)",
    "pow": "pow(Ratio, 2)",
    "replace": 'replace(";", " ", Text)',
    "round": "round(Ratio, 2)",
    "sign": "sign(Ratio)",
    "split": 'split(Text, ",")[0]',
    "startofday": "startofday(TimeGenerated)",
    "startofmonth": "startofmonth(TimeGenerated)",
    "startofweek": "startofweek(TimeGenerated)",
    "startofyear": "startofyear(TimeGenerated)",
    "strcat": 'strcat(Text, "-", Whole)',
    "strcat_delim": 'strcat_delim(",", Text, Other)',
    "strlen": "strlen(Text)",
    "substring": "substring(Text, 1, 2)",
    "tobool": "tobool(Text)",
    "todatetime": 'todatetime(["Text"])',
    "todouble": "todouble(Text)",
    "toguid": "toguid(Text)",
    "toint": "toint(Text)",
    "tolong": "tolong(Text)",
    "tolower": "tolower(Text)",
    "toreal": "toreal(Text)",
    "tostring": "tostring(Bag.a['b c'][0].d)",
    "totimespan": "totimespan(Text)",
    "toupper": "toupper(Text)",
    "weekofyear": "weekofyear(TimeGenerated)",
    "zip": "zip(Bag.a, Bag.b)",
}
LISTED = {
    name: f'Text {name} ("a", "b")' if name in {"in", "!in"} else f'Text {name} "a.*"'
    for name in STRING_OPERATORS
}
CONDITIONS = {
    **LISTED,
    **{sign: f"(Whole {sign} 2) == 4" for sign in "+-*/%"},
    **{sign: f"Whole {sign} 2" for sign in ("<", ">", "<=", ">=", "<>")},
    **{word: f"Yes {word} (Whole > 1)" for word in LOGICAL_OPERATORS},
}
STEPS = {
    "extend": "source | extend Text = toupper(Text), Whole = Whole + 1",
    "project": 'source | project TimeGenerated, Text, ["Whole"], Ratio = Ratio * 2',
    "project-away": "source | project-away Oth*, Whole",
    "project-rename": "source | project-away Other | project-rename Other = Text",
    "where": "source | where Yes",
    "parse": 'source | parse kind=regex flags=Ui Text with * "a=" Whole:long @"\\s+b=" Other',
    "print": "print TimeGenerated = now(), x = 2 + 2, y = 5 | extend z = exp2(x) + exp2(y)",
    "datatable": """datatable(TimeGenerated: datetime, Text: string) [datetime(2026-01-31), "a"] | where Text == "a" """,
}
FORMS = {
    "let of a scalar": "let least = 5; let span = 2 * 1h; source | where Whole > least and TimeGenerated > ago(span)",
    "let of a table": "let big = source | where Whole > 5; big | extend Text = tolower(Text)",
    "let of a function": "let f = (x: string, y: long = 5) { let z = strcat(x, y); toupper(z) }; source | extend Text = f(Text), Other = f(Text, 2)",
    "let of a function without arguments": "let f = () { now() }; source | extend TimeGenerated = f()",
    "let of a list": """let names = datatable(Name: string) ["a", "b"]; source | where Text in (names)""",
    "query in brackets": "(source | where Yes) | extend Whole = 1",
    "query in a list": """source | where Text in ((datatable(Name: string) ["a", "b"] | where Name != "a"))""",
    "comments": "// first\nsource // the rows\n| where Yes // summarize take\n",
    "strings": """source | where Text in ("summarize", 'mv-expand |', @"c:\\take", h"join", h@'x', ```\n| count\n```, ~~~dynamic([])~~~)""",
    "strings side by side": """source | where Text == "a" 'b' """,
    "columns named like operators": "source | extend count = 1, take = 2, ['summarize'] = 3, top = 4 | where count > take - top | project TimeGenerated, count",
    "numbers": "source | where Ratio in (1, 1.5, 1e3, 2.5e-3, -1, 0x1F) and Whole > +1",
    "spans": "source | where TimeGenerated - now() > 1d + 1.5h - 10m * 2 / 3 or 10m / 3s > 2.5 or 1ms < 1tick or 1microsecond > 2hours",
    "typed literals": "source | extend A1 = datetime(2026-01-31 10:00:00.123Z), A2 = time(1.02:03:04), A3 = guid(74be27de-1e4e-49d9-b579-fe0b331d3642), A4 = real(nan), A5 = int(null), A6 = long(5), A7 = bool(true), A8 = double(1.5), A9 = timespan(1d) | project TimeGenerated",
    "paths": """source | extend Text = tostring(Bag.a.b[0]["c d"].['e'][-1]), Other = tostring(Bag[Text])""",
    "nested calls": """source | extend Text = iif(isempty(tostring(parse_json(Text).a)), strcat("x", tolower(substring(Other, 0, 3))), case(Yes, "1", Small == 2, "2", "3"))""",
    "Microsoft's example for CEF": """source | extend Text = iff(Text contains_cs ";", replace(";", " ", Text), Text) | extend Bag = parse_cef_dictionary(Text) | extend Bag = Bag["Extension"] | project TimeGenerated, Text, Bag""",
    "Microsoft's example for filtering": "source | where not(Text contains 'OperationCanceledException' or Text contains 'TaskCanceledException')",
    "a semicolon at the end": "source | where Yes;",
    "source alone": "source",
}
ODD = (
    'replace(Text, "_", ".")',  # the arguments of replace_string; the analyser wants the pattern first
    "Bag.time",  # a word of KQL's own, after a dot
    "project-rename Int = Text, Text = Int",
    'extend columnifexists("Word", "none")',  # a column without a name of its own
)
"""What runs, and the analyser does not take."""
QUERIES = {
    **{name: f"source | extend Made = {value} | project TimeGenerated" for name, value in VALUES.items()},
    **{f"where {name}": f"source | where {text}" for name, text in CONDITIONS.items()},
    **STEPS,
    **FORMS,
}


@pytest.fixture(scope="module")
def analyser() -> Analyser:
    """Microsoft's analyser, from node_modules."""
    found = find(os.environ, [ROOT])
    if found is None:
        pytest.skip(f"Microsoft's Kusto analyser was not found: {HOW}")
    return found


def test_nothing_of_the_list_is_without_a_case() -> None:
    """Every function, string operator, number operator and tabular operator of the list has a query here."""
    assert VALUES.keys() == RESULTS.keys()
    assert set(STRING_OPERATORS) | set(NUMBER_OPERATORS) | set(LOGICAL_OPERATORS) == CONDITIONS.keys()
    assert set(OPERATORS) | {"print", "datatable"} == STEPS.keys()


@pytest.mark.parametrize("name", QUERIES)
def test_what_is_listed_is_accepted(name: str) -> None:
    """Our own check finds nothing wrong with a legal use of anything that Azure lists."""
    assert check_transform(QUERIES[name], COLUMNS, None).problems == ()


def test_the_analyser_agrees(analyser: Analyser) -> None:
    """Put together with Microsoft's analyser, no legal use of anything that Azure lists is a problem."""
    asked = [Asked(text, COLUMNS) for text in QUERIES.values()]
    found = dict(zip(QUERIES, check_all(asked, analyser), strict=True))
    assert {name: checked.problems for name, checked in found.items() if checked.problems} == {}


def test_the_analyser_agrees_with_the_table_of_cases(analyser: Analyser) -> None:
    """Every case that local Azure runs is clean with the analyser too, but for those that only an engine takes."""
    asked = [Asked(case.text, columns()) for case in cases()]
    found = {
        one.text: [problem.sentence for problem in checked.problems if problem.kind != "output"]
        for one, checked in zip(asked, check_all(asked, analyser), strict=True)
    }
    assert {text: said for text, said in found.items() if said and not any(odd in text for odd in ODD)} == {}


def test_types_are_those_of_the_analyser(analyser: Analyser) -> None:
    """Where our check gives the type of a column, Microsoft's analyser gives the same one."""
    texts = [f"source | extend Made = {value}" for value in (*VALUES.values(), *CONDITIONS.values())]
    texts += [*STEPS.values(), *FORMS.values()]
    for text, analysis in zip(texts, analyse(analyser, [(text, COLUMNS) for text in texts]), strict=True):
        ours = check_transform(text, COLUMNS, None).columns
        assert ours is not None, text
        assert analysis.columns is not None, text
        assert list(ours) == list(analysis.columns), text
        wrong = {
            n: (kind, analysis.columns[n])
            for n, kind in ours.items()
            if kind not in {None, analysis.columns[n]}
        }
        assert wrong == {}, text
