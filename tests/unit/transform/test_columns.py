"""The columns of a transform, from step to step and into the table."""

from __future__ import annotations

import pytest

from shared.transform.check import check_transform
from shared.transform.face import Checked, Table

SOURCE = {
    "TimeGenerated": "datetime",
    "Text": "string",
    "Status": "int",
    "Whole": "long",
    "Bag": "dynamic",
}
TABLE = {**SOURCE, "Level": "string", "Ratio": "real", "Yes": "boolean", "Rule": "string"}


def look(text: str, table: dict[str, str] | None = None) -> Checked:
    return check_transform(text, SOURCE, None if table is None else Table(table, True, "Web_CL"))


def said(text: str, table: dict[str, str] | None = None) -> list[tuple[str, str]]:
    """Where each problem is, as the text from there on, and its sentence."""
    return [(text[p.offset :].split(maxsplit=1)[0], p.sentence) for p in look(text, table).problems]


@pytest.mark.parametrize(
    ("step", "columns"),
    [
        ("extend Level = tostring(Status)", {**SOURCE, "Level": "string"}),
        ("extend Whole = Text", {**SOURCE, "Whole": "string"}),
        ("project TimeGenerated, Level = Text", {"TimeGenerated": "datetime", "Level": "string"}),
        ("project-away Text, W*", {n: SOURCE[n] for n in ("TimeGenerated", "Status", "Bag")}),
        ("project-away St*tatus", SOURCE),
        ("project-away *t*", {n: SOURCE[n] for n in ("Whole", "Bag")}),
        ("project-away *e*t*d", {n: SOURCE[n] for n in SOURCE if n != "TimeGenerated"}),
        ("project-rename Level = Text", {("Level" if n == "Text" else n): t for n, t in SOURCE.items()}),
        ('parse Text with "a=" Level ";" Ratio:real *', {**SOURCE, "Level": "string", "Ratio": "real"}),
        ("where Status > 1", SOURCE),
        ('extend ["Level"] = 1d', {**SOURCE, "Level": "timespan"}),
        ("extend Level = Bag.a, Rule = max_of(Whole, 1)", {**SOURCE, "Level": "dynamic", "Rule": None}),
    ],
)
def test_each_step_leaves_its_columns(step: str, columns: dict[str, str | None]) -> None:
    """The columns after a step, their order and their types are those of Kusto's reference."""
    found = look(f"source | {step}").columns
    assert (
        list((found or {}).items()) == list(columns.items()) if "project-rename" in step else found == columns
    )


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("source | where Statsu == 1", "Statsu", "did you mean Status?"),
        ("source | where status == 1", "status", "case-sensitive, and it is Status"),
        ("source | extend Level = toupper(Zzz)", "Zzz)", "there is no column Zzz"),
        ("source | project-away Text | where Text == 'a'", "Text", "left out by an earlier step"),
        ("source | project TimeGenerated | extend Level = Text", "Text", "left out by an earlier step"),
        ("source | project-rename Level = Text | where Text == 'a'", "Text", "left out by an earlier step"),
        ("source | extend Level = 'a', Rule = Level", "Level", "made in this same step"),
        ("source | project-away Zzz", "Zzz", "there is no column Zzz"),
        ("source | project-rename Level = Zzz", "Zzz", "there is no column Zzz"),
        ("source | parse Zzz with 'a' Level", "Zzz", "there is no column Zzz"),
        ("let least = 5; source | where Whole > leest", "leest", "did you mean least?"),
        ("print TimeGenerated = now(), Level = Text", "Text", "there is no column Text"),
        ("source | where Text in ((source | project Zzz))", "Zzz))", "there is no column Zzz"),
    ],
)
def test_an_unknown_column_is_named_in_place(text: str, place: str, words: str) -> None:
    """A name that is no column at that step is said where it stands, with the name that was meant."""
    ((where, sentence),) = said(text)
    assert where == place
    assert words in sentence


@pytest.mark.parametrize(
    "text",
    [
        "source | extend strlen(Text) | where strlen_Text > 1",
        "source | project Bag.a.b, TimeGenerated | where Bag_a_b == 1",
        "let f = (x: string) { strcat(x, Later) }; source | extend Level = f(Text)",
        "source | extend Level = Bag.Status.whatever",
        "source | where Text == 'Statsu' // and Statsu",
        "let Zzz = 5; source | where Whole > Zzz",
        "let t = source | extend Zzz = 1; t | where Zzz == 1",
        "source | extend Zzz = 1 | extend Yyy = Zzz | project-away Zzz, Yyy",
        "source | project Text | extend TimeGenerated = now()",
        "source | project-away Text | extend Text = 'a' | where Text == 'a'",
    ],
)
def test_no_name_is_called_unknown_that_may_be_known(text: str) -> None:
    """A key of an object, a name that Azure makes, a name bound by let, a word in a string: no problem."""
    assert said(text) == []


def test_without_columns_no_name_is_judged() -> None:
    """Where the stream's columns are not known, only the language is held to a rule's."""
    checked = check_transform("source | where Anything == 1 | extend X1 = hash_md5(Y)", None, None)
    assert [p.kind for p in checked.problems] == ["subset"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("source | where Whole > 1 | project Text, Status", "project"),
        ("source | project-away TimeGenerated", "TimeGenerated"),
        ("source | project-away Time*, Text", "Time*,"),
        ("source | project-rename Level = TimeGenerated", "Level"),
        ("print Level = 1", "print"),
        ("print Level = 'a' | where Level in ((source | project Text))", "where"),
        ("source | project Timegenerated = now(), Text | where Text == 'a'", "project"),
    ],
)
def test_an_output_without_the_time_is_named(text: str, place: str) -> None:
    """TimeGenerated that does not come out is said where it was left out, with or without a known table."""
    for table in (None, TABLE):
        found = [
            where for where, sentence in said(text, table) if "the output has no TimeGenerated" in sentence
        ]
        assert found == [place]


def test_the_time_of_another_type_is_named() -> None:
    """TimeGenerated must come out as a datetime."""
    ((where, sentence),) = said("source | extend TimeGenerated = tostring(now())", TABLE)
    assert where == "TimeGenerated"
    assert (
        sentence
        == "TimeGenerated comes out as string; it must be datetime: write TimeGenerated = todatetime(...)."
    )


@pytest.mark.parametrize(
    ("step", "place", "words"),
    [
        ("extend Status = tolong(Text)", "Status", "comes out as long, and Web_CL has it as int"),
        ("extend Whole = Status", "Whole", "write Whole = tolong(...)"),
        ("extend Yes = 1", "Yes", "write Yes = tobool(...)"),
        ("extend Bag = tostring(Bag)", "Bag", "write Bag = parse_json(...)"),
        ("extend Level = 5 | extend Level = 6", "Level", "comes out as long"),
        ("extend Helper = 1", "Helper", "Web_CL has no column Helper, so its values would be lost"),
        ("extend Levle = 'a'", "Levle", "did you mean Level?"),
        ("extend level = 'a'", "level", "Web_CL spells it Level"),
        ("extend Type = 'a'", "Type", "one of Azure Monitor's own columns"),
        ("extend _ResourceId = 'a'", "_ResourceId", "one of Azure Monitor's own columns"),
        ("extend ['a b'] = 'a'", "['a", "is no name of a column"),
        ("project-rename Levle = Text", "Levle", "did you mean Level?"),
        ('parse Text with "a" Status:long', "Status:long", "comes out as long"),
    ],
)
def test_a_column_that_the_table_cannot_take_is_named(step: str, place: str, words: str) -> None:
    """A column of another type or name than the table's is said where it was made last."""
    text = f"source | {step}"
    ((where, sentence),) = said(text, TABLE)
    assert (where, look(text, TABLE).problems[0].offset) == (place, text.index(place, text.rindex("|")))
    assert words in sentence


@pytest.mark.parametrize(
    "step",
    [
        "extend Level = 'a', Ratio = toreal(Text), Yes = Status > 1, Rule = tostring(Bag.rule)",
        "extend Helper = parse_json(Text) | extend Level = tostring(Helper.a) | project-away Helper",
        "extend Whole = max_of(Whole, 1), Ratio = bin(Whole, 5)",
        "project TimeGenerated",
    ],
)
def test_an_output_that_fits_is_no_problem(step: str) -> None:
    """Columns of the table with its types, helpers that were taken out, and types not known for certain pass."""
    assert said(f"source | {step}", TABLE) == []


def test_a_table_that_is_not_known_takes_any_column() -> None:
    """Of a built-in table's columns nothing is said but what no table can have."""
    assert said("source | extend CollectorHostName = 'a', Whole = 'text'") == []
    assert [place for place, _ in said("source | extend Type = 'a', ['a b'] = 1")] == ["Type", "['a"]


def test_of_a_table_that_is_known_in_part_types_are_said() -> None:
    """Of a table with further columns, a known one's type and spelling are held to it, and any other name passes."""
    table = Table({"Text": "string", "LogSeverity": "string"}, whole=False, name="CommonSecurityLog")
    text = "source | extend Text = 1, SimplifiedAction = 'a', logSeverity = 'b'"
    sentences = [p.sentence for p in check_transform(text, SOURCE, table).problems]
    assert len(sentences) == 2
    assert sentences[0].startswith("Text comes out as long, and CommonSecurityLog has it as string")
    assert sentences[1].startswith("CommonSecurityLog spells it LogSeverity")
