"""What a rule refuses is named, with its place and what to do instead."""

from __future__ import annotations

import pytest

from shared.transform.allowed import RESULTS
from shared.transform.check import check_transform
from shared.transform.instead import function, infix, operator

COLUMNS = {
    "TimeGenerated": "datetime",
    "Text": "string",
    "Other": "string",
    "Whole": "long",
    "Yes": "boolean",
    "Bag": "dynamic",
}
REFUSED = [
    ("source | summarize count() by Text", "summarize", "summary rule"),
    ("source | mv-expand Bag", "mv-expand", "`explode: KEY`"),
    ("source | mv-apply x = Bag on (where x > 1)", "mv-apply", "`explode: KEY`"),
    ("source | join kind=inner (source) on Text", "join", "reads source alone"),
    ("source | lookup other on Text", "lookup", "case(...)"),
    ("source | union source", "union", "reads source alone"),
    ("union source, source", "union", "reads source alone"),
    ("source | take 5", "take", "where"),
    ("source | limit 5", "limit", "keep and drop"),
    ("source | top 5 by Whole", "top", "one row at a time"),
    ("source | sort by Whole desc", "sort", "no order"),
    ("source | order by Whole desc nulls last", "order", "no order"),
    ("source | distinct Text", "distinct", "one row at a time"),
    ("source | count", "count", "one row at a time"),
    ("source | make-series n = count() on TimeGenerated step 1h", "make-series", "aggregate in a query"),
    ("source | evaluate bag_unpack(Bag)", "evaluate", "NAME = COLUMN.key"),
    ("source | invoke f()", "invoke", "`let` function"),
    ("source | render timechart", "render", "draws nothing"),
    ('source | parse-where Text with "a" Other', "parse-where", "isnotempty"),
    ('source | parse-kv Text as (a: string) with (pair_delimiter=";")', "parse-kv", "extract(...)"),
    ("source | project-keep Text", "project-keep", "project"),
    ("source | project-reorder Text", "project-reorder", "project"),
    ("source | filter Yes", "filter", "write where"),
    ("source | serialize", "serialize", "no order"),
    ("source | sample 5", "sample", "where"),
    ("source | as T", "as", "let"),
    ("search Text", "search", "reads source alone"),
    (
        'source | extend Other = replace_string(Text, "a", "b")',
        "replace_string",
        "replace(REGEX, REWRITE, TEXT)",
    ),
    (
        'source | extend Other = replace_regex(Text, "a", "b")',
        "replace_regex",
        "replace(REGEX, REWRITE, TEXT)",
    ),
    ("source | extend Other = hash_md5(Text)", "hash_md5", "hash_sha256"),
    ("source | extend Other = hash_sha1(Text)", "hash_sha1", "redact"),
    ('source | extend Other = column_ifexists("a", "b")', "column_ifexists", "columnifexists"),
    ("source | extend Other = base64_encode_tostring(Text)", "base64_encode_tostring", "base64_encodestring"),
    ("source | extend Other = base64_decode_tostring(Text)", "base64_decode_tostring", "base64_decodestring"),
    ("source | extend Other = coalesce(Text, Other)", "coalesce", "iif(isnotempty(A), A, B)"),
    ('source | extend Bag = bag_pack("a", 1)', "bag_pack", "pack"),
    ("source | extend Bag = bag_keys(Bag)", "bag_keys", "OBJECT.key"),
    ("source | extend Bag = array_sort_asc(Bag)", "array_sort_asc", "LIST[0]"),
    ("source | extend Bag = todynamic(Text)", "todynamic", "parse_json"),
    ("source | extend Other = tostring(parse_url(Text).Host)", "parse_url", "extract"),
    ('source | extend Other = trim(" ", Text)', "trim", "extract"),
    ('source | extend Other = format_datetime(now(), "yyyy")', "format_datetime", "tostring(TIME)"),
    (
        "source | extend TimeGenerated = unixtime_seconds_todatetime(Whole)",
        "unixtime_seconds_todatetime",
        "1970-01-01",
    ),
    ("source | where ipv4_is_private(Text)", "ipv4_is_private", "startswith"),
    ("source | where rand() < 0.1", "rand", "hash_sha256"),
    ("source | extend Whole = row_number()", "row_number", "one row at a time"),
    ("source | extend Whole = toscalar(source | count)", "toscalar", "one row at a time"),
    ("source | extend Other = new_guid()", "new_guid", "record_id"),
    ("source | extend Bag = dynamic([1, 2])", "dynamic", "parse_json('...')"),
    ('source | where Text has_any ("a", "b")', "has_any", 'TEXT has "a" or'),
    ('source | where Text has_all ("a", "b")', "has_all", 'TEXT has "a" and'),
    ("source | where Whole between (1 .. 5)", "between", "VALUE >= LOW"),
    ("source | where Whole !between (1 .. 5)", "!between", "VALUE < LOW"),
    ('source | where Text in~ ("a")', "in~", "tolower"),
    ('source | where Text !in~ ("a")', "!in~", "tolower"),
    ('source | where Text hasprefix "a"', "hasprefix", "startswith"),
    ('source | where Text like "a%"', "like", "matches regex"),
    ("set notruncation; source", "set", "let statements only"),
    ("let f = (T: (a: string)) { T }; source", "T", "functions of scalars only"),
    ("source; source", "; source", "one query"),
]


@pytest.mark.parametrize(
    ("text", "word", "remedy"), REFUSED, ids=[f"{n}-{row[1]}" for n, row in enumerate(REFUSED)]
)
def test_what_is_refused_is_said_once_with_its_place(text: str, word: str, remedy: str) -> None:
    """One problem, at the word that a rule refuses, and its sentence says what to do."""
    (problem,) = check_transform(text, COLUMNS, None).problems
    assert text[problem.offset :].startswith(word.removeprefix("; "))
    assert (problem.line, problem.column) == (1, problem.offset + 1)
    assert remedy in problem.sentence
    assert problem.kind == "subset"


def test_a_remedy_is_itself_accepted() -> None:
    """KQL that a sentence tells to write is KQL that a rule takes."""
    for text in (
        'source | where Text has "a" or Text has "b"',
        'source | where tolower(Text) !in ("a", "b")',
        'source | where not(Text matches regex @"\\bWORD")',
        "source | extend Other = iif(isnotempty(Text), Text, Other), Whole = iif(isnotnull(Whole), Whole, 1)",
        'source | extend Other = extract(@"^\\s*(.*?)\\s*$", 1, Text)',
        'source | extend Other = extract(@"^\\w+://([^/:?]+)", 1, Text)',
        "source | extend TimeGenerated = datetime(1970-01-01) + Whole / 100 * 1tick",
        'source | where hash_sha256(Text) startswith "0"',
        """source | extend Bag = parse_json('{"a": [1, 2]}')""",
        "source | extend Other = tostring(parse_json(Text).KEY)",
    ):
        assert check_transform(text, COLUMNS, None).problems == (), text


def test_unknown_words_get_the_nearest_one() -> None:
    """A word that KQL does not know is answered with the one that was meant."""
    assert "did you mean where?" in operator("wher")
    assert "did you mean project-rename?" in operator("project-renam")
    assert "did you mean tostring?" in function("tostrin", [])
    assert "did you mean cleaned?" in function("cleand", ["cleaned"])
    assert function("ToString", []) == "function names are in lower case: write tostring."
    assert function("zzz", []) == "zzz() is not among the functions that a rule takes."
    assert infix("has") is None


def test_no_listed_function_has_a_sentence_against_it() -> None:
    """What a rule takes is never answered with something else to write."""
    assert not [name for name in RESULTS if "does not take" in function(name, [])]


@pytest.mark.parametrize(
    ("text", "words", "column"),
    [
        ("", "is empty", 1),
        ("// nothing\n", "is empty", 1),
        ("Syslog | where Yes", "begins with source or print, not with Syslog", 1),
        ("Source | where Yes", "called source, in lower case", 1),
        ("| where Yes", "begins with source", 1),
        ("where Yes", "source | where", 1),
        ("source where Yes", "after source comes a pipe", 8),
        ("let x = 5;", "the query is missing", 11),
        ("source | ", "an operator is missing after the pipe", 9),
        ("source | | where Yes", "an operator is missing after the pipe", 9),
        ("source | where Whole = 1", "to compare, write ==", 22),
        ("source | where Yes && Yes", "write and", 20),
        ("source | where Yes || Yes", "write or", 20),
        ("source | where Yes AND Yes", "lower case: write and", 20),
        ("source | where !Yes", "not(...)", 16),
        ("source | where ! Yes", "not(...)", 16),
        ("source | where not Yes", "write not(...)", 16),
        ('source | where (Text == "a"', "this ( is never closed", 16),
        ('source | where Text == "a")', "this ) closes nothing", 27),
        ('source | where Text == "a', "this string has no end", 24),
        ('source | where Text == "a\nb"', "this string has no end", 24),
        ("source | extend Bag = [1, 2]", "parse_json", 23),
        ('source | extend Other = "\\d"', "\\d is no escape", 26),
        ("source | extend New == 1", "write New = ...", 17),
        ("source | extend Whole = toint(Text,)", "a value is missing here", 36),
        ("source | extend Whole = 1 Other = 2", "an operator or a comma is missing", 27),
        ("source | where Text", "this is string", 16),
        ("source | where time > ago(1d)", "as a name it is written ['time']", 16),
        ("source | extend date = now()", "as a name it is written ['date']", 17),
        ("source | extend kind = 'a'", "as a name it is written ['kind']", 17),
        ("source | project-rename long = Whole", "as a name it is written ['long']", 25),
        ("source | parse Text with 'a' time", "as a name it is written ['time']", 30),
        ("source | where and Yes", "a value is missing before and", 16),
        ("source | where Text matches 'a'", "matches regex", 29),
        ("source | where Text in 'a'", "in is followed by values in brackets", 24),
    ],
)
def test_slips_of_the_pen_are_said_in_place(text: str, words: str, column: int) -> None:
    """A mistake of habit or typing is said at its column, with what was meant."""
    said = check_transform(text, COLUMNS, None).problems
    assert [(p.sentence, p.line, p.column) for p in said if words in p.sentence and p.column == column], said


def test_every_problem_is_told_at_once() -> None:
    """Mistakes of different kinds in different steps are all found, each at its line and column."""
    text = 'source\n| where Statu == 1\n  and Text has_any ("x")\n| extend Whole = hash_md5(Text)\n| take 5\n| where sum(1) > 2'
    said = [(p.line, p.column) for p in check_transform(text, COLUMNS, None).problems]
    assert said == [(2, 9), (3, 12), (4, 18), (5, 3), (6, 9)]


def test_a_bracket_without_its_end_hides_no_refused_word() -> None:
    """What follows an open bracket is no reason for a claim, but what a rule refuses is still named."""
    text = "source | where (Whole > 1 | extend Other = hash_md5(Text) | summarize count()"
    assert [p.kind for p in check_transform(text, COLUMNS, None).problems] == ["bracket", "subset", "subset"]


def test_a_text_over_the_limit_is_named() -> None:
    """A transform of 15,360 characters is taken, one more is said with both numbers."""
    text = "source | where Yes".ljust(15_360)
    assert check_transform(text, COLUMNS, None).problems == ()
    (problem,) = check_transform(text + " ", COLUMNS, None).problems
    assert problem.sentence == "has 15361 characters; a rule takes 15360."


def test_a_parse_of_eleven_columns_is_named() -> None:
    """Ten columns in one parse are taken; the eleventh is said at its place, in each parse on its own."""
    ten = " ".join(f'"{n}" C{n}:long' for n in range(10))
    assert check_transform(f"source | parse Text with {ten} *", COLUMNS, None).problems == ()
    assert (
        check_transform(f"source | parse Text with {ten} | parse Other with {ten}", COLUMNS, None).problems
        == ()
    )
    text = f'source | parse kind=regex Text with {ten} "x" C10 "y" C11:long'
    (problem,) = check_transform(text, COLUMNS, None).problems
    assert text[problem.offset :].startswith("C10 ")
    assert "at most 10 columns" in problem.sentence


@pytest.mark.parametrize(("opening", "closing"), [("(", ")"), ("toupper(", ")"), ("Bag[", "]"), ("-", "")])
def test_a_text_that_is_nested_too_deep_is_a_problem(opening: str, closing: str) -> None:
    """Whatever the depth, the check ends with a sentence, not with an exception."""
    deep = check_transform(f"source | where Text == {opening * 3000}Text{closing * 3000}", COLUMNS, None)
    (problem,) = [problem for problem in deep.problems if "nested" in problem.sentence]
    assert "make " in problem.sentence
    assert problem.offset == (0 if opening == "-" else 23 + 100 * len(opening) + len(opening) - 1)


def test_a_hundred_brackets_in_one_another_are_none_too_many() -> None:
    """What is read without trouble is no problem."""
    text = f"source | where {'(' * 100}Yes{')' * 100}"
    assert check_transform(text, COLUMNS, None).problems == ()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_any_piece_of_a_transform_is_looked_at_without_an_exception(size: int) -> None:
    """Whatever is cut off or left out of a text, the check ends with problems or without, never an exception."""
    text = """let f = (x: string) { toupper(x) }; source | where Text in ("a", 'b') and not(Yes) // c
| parse kind=regex Text with * "a" Whole:long | project-away Oth*, ["Text"] | project A1 = Bag['x'][0].y, f(Text)"""
    for start in range(0, len(text), size):
        for piece in (text[:start], text[start:], text[:start] + text[start + size :], text[start] * size):
            check_transform(piece, COLUMNS, {"TimeGenerated": "datetime"})
