"""Microsoft's Kusto analyser: found, asked, and put together with our own check."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from shared.transform.allowed import RESULTS
from shared.transform.analyser import (
    HOW,
    PACKAGE,
    VARIABLE,
    Analyser,
    AnalyserError,
    Analysis,
    Finding,
    analyse,
    find,
)
from shared.transform.check import check_transform
from shared.transform.face import Table
from shared.transform.run import Transform, TransformError
from shared.transform.together import Asked, check_all, together
from shared.transform.words import NOT_GIVEN, NOT_USED

ROOT = Path(__file__).resolve().parents[3]
COLUMNS = {
    "TimeGenerated": "datetime",
    "Text": "string",
    "Whole": "long",
    "Small": "int",
    "Yes": "boolean",
    "Bag": "dynamic",
}
TABLE = {**COLUMNS, "Level": "string", "Host": "string"}


@pytest.fixture(scope="module")
def analyser() -> Analyser:
    """Microsoft's analyser, from node_modules."""
    found = find(os.environ, [ROOT])
    if found is None:
        pytest.skip(f"Microsoft's Kusto analyser was not found: {HOW}")
    return found


def package(folder: Path, script: str) -> Path:
    """A package of that name, with this script in it."""
    folder.mkdir(parents=True)
    for name in ("bridge.min.js", "Kusto.Language.Bridge.min.js"):
        (folder / name).write_text(script)
    return folder


def copied(analyser: Analyser, folder: Path) -> Path:
    """The package as npm would put it there."""
    folder.mkdir(parents=True)
    for name in ("bridge.min.js", "Kusto.Language.Bridge.min.js"):
        shutil.copyfile(analyser.package / name, folder / name)
    return folder


def test_it_is_found_where_it_is_said_to_be(
    tmp_path: Path, analyser: Analyser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked for where the variable says and nowhere else, or in the node_modules of Logferry and the folders."""
    named = package(tmp_path / "named", "")
    monkeypatch.chdir(tmp_path)
    path = {"PATH": os.environ["PATH"]}
    assert find(path).package == analyser.package
    assert find({**path, VARIABLE: str(named)}).package == named.resolve()
    monkeypatch.setattr("shared.transform.analyser.__file__", str(tmp_path / "lib" / "x" / "y" / "z.py"))
    there = copied(analyser, tmp_path / "a" / PACKAGE)
    assert find(path) is None
    assert find(path, [tmp_path / "a"]).package == there.resolve()
    monkeypatch.chdir(tmp_path / "a")
    assert find(path).package == there.resolve()
    assert find({**path, VARIABLE: str(tmp_path)}) is None
    assert find({"PATH": str(tmp_path)}, [tmp_path / "a"]) is None


def test_no_script_is_run_that_only_bears_the_name(
    tmp_path: Path, analyser: Analyser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that somebody else has made cannot have `logferry check` run its node_modules: one byte is enough."""
    monkeypatch.setattr("shared.transform.analyser.__file__", str(tmp_path / "lib" / "x" / "y" / "z.py"))
    there = copied(analyser, tmp_path / PACKAGE)
    monkeypatch.chdir(tmp_path)
    assert find(os.environ) is not None
    with (there / "bridge.min.js").open("a") as script:
        script.write(" ")
    assert find(os.environ, [tmp_path]) is None


def test_errors_have_places_and_columns_have_types(analyser: Analyser) -> None:
    """Each transform gets its own answer, in order; places count characters, also behind emojis."""
    texts = [
        "source | extend Level = 1.5, Yes = not(Yes)",
        "source | where Text == '😀é' and Zzz == 1",
        "source | summarize n = count()",
    ]
    first, second, third = analyse(analyser, [(text, COLUMNS) for text in texts])
    assert (first.findings, first.columns) == ([], {**COLUMNS, "Level": "real"})
    assert [(texts[1][f.start : f.end], f.code) for f in second.findings] == [("Zzz", "KS142")]
    assert third.columns == {"n": "long"}


def test_a_broken_package_is_an_error_with_a_reason(tmp_path: Path) -> None:
    """A package that does not load, says nothing, or says something else is an AnalyserError with the reason."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js was not found")
    for number, (script, words) in enumerate(
        {
            "throw new RangeError('no such thing')": "RangeError: no such thing",
            "process.exit(0)": "truncated",
            "process.stdout.write('[]'); process.exit(0)": "other transforms",
        }.items()
    ):
        folder = package(tmp_path / str(number), script)
        with pytest.raises(AnalyserError, match=words):
            analyse(Analyser(node, folder), [("source", COLUMNS)])


def test_what_breaks_the_analyser_costs_no_other_transform(analyser: Analyser) -> None:
    """One that the analyser throws at has no answer of it, and our check alone; the others have theirs."""
    texts = ["source | where countof(Text, 'a', 1h) == Zzz", "source | where Whole has 1"]
    nothing, answer = analyse(analyser, [(text, COLUMNS) for text in texts])
    assert nothing is None
    assert answer is not None
    assert answer.findings != []
    first, second = check_all([Asked(text, COLUMNS) for text in texts], analyser)
    assert [problem.sentence for problem in first.problems] == [
        "there is no column Zzz: declare it under columns."
    ]
    assert len(second.problems) == 1


def test_what_would_take_the_analyser_for_ever_is_not_given_to_it(tmp_path: Path) -> None:
    """A text of brackets in brackets, or of more than the limit, has our problems and starts no analyser."""
    nowhere = Analyser(str(tmp_path / "node"), tmp_path)
    texts = ["(" * 15_360, f"source | where {'(' * 101}Yes{')' * 101}", "source".ljust(15_361)]
    texts.append("source | where Text == '\ud83d'")
    found = check_all([Asked(text, COLUMNS) for text in texts], nowhere)
    assert [problem.kind for problem in found[1].problems] == ["syntax"]
    assert [problem.kind for problem in found[2].problems] == ["length"]
    assert found[0].problems[0].sentence == "this ( is never closed."
    assert [problem.offset for problem in found[3].problems] == [24]


ONCE = [
    ("source | where Zzz == 1", "there is no column Zzz: declare it under columns."),
    ("source | wher Yes", "a rule has no operator `wher`; did you mean where?"),
    (
        "source | extend Level = tostrin(Whole)",
        "tostrin() is not among the functions that a rule takes; did you mean tostring?",
    ),
    ("source | where Whole = 1", "to compare, write =="),
    ('source | where (Text == "a"', "this ( is never closed."),
    ('source | where Text == "a', "this string has no end."),
    ('source | where Text == "\\d"', "\\d is no escape of a string"),
    ("source | where Yes AND Yes", "operators are in lower case"),
    ("source | where not Yes", "write not(...)."),
    ("source | extend Bag = [1, 2]", "a list or an object is written parse_json('...')."),
    ("source | | where Yes", "an operator is missing after the pipe"),
    ("source where Yes", "after source comes a pipe"),
    ("Zzz | where Yes", "a query begins with source or print, not with Zzz."),
    ("source | extend Level = 'a', Host = Level", "Level is made in this same step"),
    ("source | project-away Zzz", "there is no column Zzz"),
    ("source | where Text", "where takes a condition, and this is string"),
    ("source | summarize count() by Text", "a rule does not take `summarize`"),
    (
        "source | extend Whole = strlen(Whole)",
        "the expression must have one of the types: string or dynamic.",
    ),
    ('source | parse Text with "a" Level Host', "the column name must follow a string literal."),
    ("source | extend Small = Small + 1", "Small comes out as long, and Web_CL has it as int"),
    ("source | extend strlen(Text)", "Web_CL has no column strlen_Text"),
    ("source | where Bag.time == 1", "time is a word of KQL itself: as a name it is written ['time']."),
    ("source | extend Level = tostring(Bag.int)", "int is a word of KQL itself"),
    ("source | extend Level = 'a', Level = 'b'", "a column with the name 'Level' is already declared."),
]


def test_one_mistake_is_told_once(analyser: Analyser) -> None:
    """What our check and the analyser both find is one problem; what only one of them finds is there too."""
    found = check_all([Asked(text, COLUMNS, Table(TABLE, True, "Web_CL")) for text, _ in ONCE], analyser)
    for (text, words), checked in zip(ONCE, found, strict=True):
        assert len(checked.problems) == 1, (text, checked.problems)
        assert words in checked.problems[0].sentence, text


def test_the_analysers_columns_are_what_comes_out(analyser: Analyser) -> None:
    """Names that Azure makes up and types that only it works out are in the result."""
    (checked,) = check_all(
        [Asked("source | project TimeGenerated, Bag.a, Level = iif(Yes, Small, 1)", COLUMNS)], analyser
    )
    assert checked.columns == {"TimeGenerated": "datetime", "Bag_a": "dynamic", "Level": "long"}


def test_a_column_that_parse_writes_over_is_one_column(analyser: Analyser) -> None:
    """Parsing into columns that are there already, with a step behind it, gives no further columns."""
    text = "source | parse Text with 'a=' Whole:long ' b=' Level | extend Host = Level"
    (checked,) = check_all([Asked(text, TABLE, Table(TABLE, True))], analyser)
    assert checked.problems == ()
    assert checked.columns == TABLE


def test_the_analysers_word_wins() -> None:
    """A name or a type that the analyser knows is no problem, whatever our check thinks of it."""
    asked = Asked("source | where Zzz == 1 and Whole has_any ('a')", COLUMNS)
    ours = check_transform(asked.text, asked.columns, None)
    assert {p.kind for p in ours.problems} == {"name", "subset"}
    silent = together(asked, ours, Analysis([], COLUMNS))
    assert {p.kind for p in silent.problems} == {"subset"}
    agrees = together(asked, ours, Analysis([Finding(15, 18, "KS142", "The name 'Zzz' ...")], COLUMNS))
    assert agrees.problems == ours.problems
    odd = Asked("source | where Yes ? Yes", COLUMNS)
    assert together(odd, check_transform(odd.text, odd.columns), Analysis([], COLUMNS)).problems == ()


def test_what_is_too_deep_for_the_analyser_has_a_remedy(analyser: Analyser) -> None:
    """A chain that the analyser gives up on is said in words that help."""
    text = f"source | where Whole > {'+'.join(['Small'] * 2000)}"
    (checked,) = check_all([Asked(text, COLUMNS)], analyser)
    assert [problem.sentence for problem in checked.problems] == [
        "is nested too deep: make a part of it a column in a step of its own."
    ]


def test_what_follows_a_syntax_error_is_left_out() -> None:
    """Behind the analyser's first syntax error only our own findings count."""
    text = "source | extend Level = 1 ? 2 : Zzz | where Yyy"
    findings = [
        Finding(26, 27, "KS198", "The incomplete fragment is unexpected."),
        Finding(32, 35, "KS142", "The name 'Zzz' does not refer to any known column."),
        Finding(44, 47, "KS141", "The expression must have the type bool."),
    ]
    asked = Asked(text, COLUMNS)
    found = together(asked, check_transform(text, COLUMNS, None), Analysis(findings, None))
    assert [(p.column, p.kind) for p in found.problems] == [(27, "syntax"), (45, "name")]


def test_seconds_of_a_timespan_may_have_a_fraction(analyser: Analyser) -> None:
    """make_timespan takes 55.123 seconds, as in Kusto's reference, though the analyser wants a whole number."""
    texts = [
        "source | where make_timespan(1, 12, 30, 55.123) > 1d",
        "source | where make_timespan(1.5, 1) > 1d",
    ]
    found = check_all([Asked(text, COLUMNS) for text in texts], analyser)
    assert [checked.problems for checked in found] == [(), ()]


def test_kqls_own_words_are_those_of_the_analyser(analyser: Analyser) -> None:
    """Each word that our check wants in brackets is one that the analyser wants so, and in brackets both take it."""
    words = sorted(NOT_USED)
    asked = [
        (text, {**COLUMNS, word: "long"})
        for word in words
        for text in (f"source | where isnotnull({word})", f"source | where isnotnull(['{word}'])")
    ]
    found = analyse(analyser, asked)
    assert [word for word, one in zip(words, found[::2], strict=True) if not one.findings] == []
    assert [word for word, one in zip(words, found[1::2], strict=True) if one.findings] == []
    for (text, columns), one in zip(asked, found, strict=True):
        assert len(
            together(Asked(text, columns), check_transform(text, columns, None), one).problems
        ) == bool(one.findings), text
    given = [f"source | extend {word} = 1 | project TimeGenerated" for word in sorted(NOT_GIVEN | NOT_USED)]
    for text, one in zip(given, analyse(analyser, [(text, COLUMNS) for text in given]), strict=True):
        assert bool(check_transform(text, COLUMNS, None).problems) == bool(one.findings), text


def test_without_columns_it_is_not_asked(tmp_path: Path) -> None:
    """A transform whose source is not known, or that is empty, does not start the analyser."""
    nowhere = Analyser(str(tmp_path / "node"), tmp_path)
    found = check_all([Asked("source | take 1", None, None), Asked(" ", COLUMNS)], nowhere)
    assert [p.kind for checked in found for p in checked.problems] == ["subset", "head"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("source | where strlen() > 1", "strlen() takes 1 argument, and there are 0."),
        ("source | extend Level = tostring(abs(Bag.a))", "abs() takes a number here, and this is dynamic"),
        ("source | where Text == 1", "string and long are not compared: convert one of them."),
        ("source | where Text matches regex '('", "the pattern is not one that RE2 takes: missing )"),
        ("source | project TimeGenerated, Level = 'a', Level = 'b'", "two columns would be called 'Level'."),
    ],
)
def test_what_does_not_compile_is_a_problem_without_the_analyser(text: str, words: str) -> None:
    """Where nothing else is wrong, the first thing that cannot be run as it stands is said at its place."""
    (checked,) = check_all([Asked(text, COLUMNS, Table(TABLE, True))], None)
    (problem,) = checked.problems
    assert words in problem.sentence
    assert problem.offset > len("source | ")


def test_types_are_known_without_the_analyser() -> None:
    """A column that comes out with another type than the table's is said, whatever gives it its type."""
    text = "source | extend Level = bin(iif(Yes, Small, 1), Whole), Host = Bag.a"
    (checked,) = check_all([Asked(text, COLUMNS, Table(TABLE, True))], None)
    assert [problem.sentence.partition(",")[0] for problem in checked.problems] == [
        "Level comes out as long",
        "Host comes out as dynamic",
    ]
    assert checked.columns == {**COLUMNS, "Level": "long", "Host": "dynamic"}


def test_what_cannot_be_run_here_is_no_problem() -> None:
    """A function that only Azure has, and brackets that are too deep for here, may be right there."""
    deep = f"source | where {'(' * 90}Yes{')' * 90}"
    for text in ("source | where isnotnull(geo_location(Text))", deep):
        (checked,) = check_all([Asked(text, COLUMNS)], None)
        assert checked.problems == ()


_KINDS = (
    *("Text", "Whole", "Small", "Yes", "TimeGenerated", "Bag"),
    *("'a'", "1", "1.5", "1h", "(1h + 1d)", "parse_json('[1]')", "toguid(Text)"),
)
"""A value of each type, of the row and constant."""


def test_what_compiles_the_analyser_takes(analyser: Analyser) -> None:
    """Whatever types a function or an operator is given: what runs here passes there, and gives the same type."""
    values = [
        f"{name}({kind})"
        for name in RESULTS
        if name not in {"columnifexists", "geo_location"}
        for kind in _KINDS
    ]
    signs = ("==", "<", "+", "-", "/", "and", "has", "=~", "matches regex")
    values += [f"{one} {sign} {two}" for sign in signs for one in _KINDS for two in _KINDS]
    texts = [f"source | project X = {value}" for value in values]
    wrong = []
    for text, answer in zip(texts, analyse(analyser, [(text, COLUMNS) for text in texts]), strict=True):
        try:
            made = Transform(text, COLUMNS)
        except TransformError:
            continue
        if answer is None or answer.findings or answer.columns != dict(made.columns):
            wrong.append((text, answer, made.columns))
    assert wrong == []
