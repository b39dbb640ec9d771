"""Our check, Microsoft's analyser and our compiler, put together.

Rule: the analyser's word wins for syntax, names and types; what a rule takes of the
language, and what the table takes of the columns, is ours. What neither finds wrong is
compiled, so that nothing passes that local Azure could not run. One mistake is told once,
in our words where we have some. Invariant: without the analyser, or where it was not
asked, the result is our check's, and our compiler's. Strategy: what the analyser says behind
its first syntax error follows from that error and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .allowed import MAX_CHARACTERS, MAX_DEPTH
from .analyser import Analyser, Analysis, Finding, analyse
from .check import HALF, UNSHAPED, check_transform
from .face import UNKNOWN, Checked, Kind, Problem, Table, problem
from .instead import TOO_LONG_A_CHAIN
from .output import output_problems
from .words import bracketed

_SYNTAX = frozenset({"KS001", "KS002", "KS003", "KS004", "KS005", "KS006", "KS174", "KS176", "KS198"})
_NAMES = frozenset({"KS109", "KS110", "KS142", "KS204", "KS211"})
_STRUCTURE: frozenset[Kind] = frozenset({"bracket", "syntax"})
_JUDGED: frozenset[Kind] = frozenset({"name", "type"})
_OPENINGS = {
    "Missing: ": "{} is missing here.",
    "Expected: ": "{} is expected here.",
    "Unexpected: ": "{} is not expected here.",
    "Missing expression": "a value is missing here.",
    "Query syntax depth": TOO_LONG_A_CHAIN,
    "The incomplete fragment is unexpected": "this is not expected here.",
}
_IN_TIMESPAN = re.compile(r"\bmake_timespan\s*\([^()]*$")
_WORD = re.compile(r"(?:If the keyword|^The name) '(\w+)' .*bracket")
_NO_TYPE = frozenset({"unknown", "error", "null", "void"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A transform, its source and its table."""

    text: str
    columns: Mapping[str, str] | None
    """Of the stream; None where they are not known."""
    table: Table = UNKNOWN


def check_all(asked: Sequence[Asked], analyser: Analyser | None) -> list[Checked]:
    """Check transforms, all with one process of the analyser.

    Raises:
        AnalyserError: the analyser is there and did not answer.
    """
    checked = [check_transform(one.text, one.columns, one.table) for one in asked]
    known = [
        (index, one.columns)
        for index, one in enumerate(asked)
        if one.columns is not None and one.text.strip() and _readable(checked[index], one.text)
    ]
    answers: dict[int, Analysis | None] = {}
    if analyser is not None and known:
        found = analyse(analyser, [(asked[index].text, columns) for index, columns in known])
        answers = {index: answer for (index, _), answer in zip(known, found, strict=True)}
    return [_judged(one, checked[index], answers.get(index)) for index, one in enumerate(asked)]


def _judged(asked: Asked, ours: Checked, analysis: Analysis | None) -> Checked:
    """With the analyser's answer, if there is one, and then with what only compiling shows."""
    checked = ours if analysis is None else together(asked, ours, analysis)
    if asked.columns is None or any(found.kind != "output" for found in checked.problems):
        return checked  # compiling stops at the first mistake, and one is known
    from .run import Transform, TransformError  # noqa: PLC0415 - heavy, and nothing else here compiles

    try:
        made = Transform(asked.text, asked.columns)
    except TransformError as error:
        if error.at is None:  # nested deeper than can be run here, which Azure may well do
            return checked
        return checked.saying([*checked.problems, problem(asked.text, error.at, error.sentence, "type")])
    if analysis is not None or made.note is not None:
        return checked
    return together(asked, ours, Analysis([], dict(made.columns)))


def _readable(ours: Checked, text: str) -> bool:
    """Whether the analyser can read it: the time that it takes grows with the depth, without bounds."""
    return ours.deepest <= MAX_DEPTH and len(text) <= MAX_CHARACTERS and not HALF.search(text)


def together(asked: Asked, ours: Checked, analysis: Analysis) -> Checked:
    """What is wrong with a transform by both, and the columns that come out."""
    problems = _problems(asked.text, ours, analysis.findings)
    columns = _columns(ours, analysis)
    if columns is not None and not UNSHAPED & {found.kind for found in problems}:
        problems += output_problems(asked.text, columns, ours, asked.table)
    return replace(ours, columns=columns).saying(problems)


def _columns(ours: Checked, analysis: Analysis) -> Mapping[str, str | None] | None:
    """What comes out: the analyser's columns.

    Unless ours are known for certain and are others: where parse writes over a column and an extend follows,
    the analyser keeps the old one and calls the new one Name1.
    """
    if analysis.columns is None:
        return ours.columns
    if ours.columns is not None and set(ours.columns) < set(analysis.columns):
        return ours.columns
    return {name: None if kind in _NO_TYPE else kind for name, kind in analysis.columns.items()}


def _problems(text: str, ours: Checked, findings: Sequence[Finding]) -> list[Problem]:
    broken = min((f.start for f in findings if f.code in _SYNTAX), default=len(text) + 1)
    kept = [p for p in ours.problems if _stands(text, p, findings, broken)]
    structure = min((p.offset for p in kept if p.kind in _STRUCTURE), default=len(text) + 1)
    told: set[int] = set()
    findings = [found for found in findings if not _mistaken(text, found)]
    for found in sorted(
        findings, key=lambda f: (f.code not in _SYNTAX, f.start, f.code in {"KS109", "KS110"})
    ):
        repeats = any(_at(text, found, p.offset) for p in kept) or found.start in told
        follows = found.start > broken or (found.code in _SYNTAX and found.start >= structure)
        if not repeats and not follows and not _same_step(text, found, kept):
            told.add(found.start)
            kept.append(problem(text, found.start, _sentence(found.message), _kind(found)))
    return kept


def _mistaken(text: str, found: Finding) -> bool:
    """The analyser wants whole seconds in make_timespan; Kusto's reference has 55.123 in its example."""
    return found.code == "KS134" and _IN_TIMESPAN.search(text[: found.start]) is not None


def _same_step(text: str, found: Finding, kept: Sequence[Problem]) -> bool:
    """Whether a wrong type, or a name read on from there, follows from how the same step is written."""
    kind = _kind(found)
    for at in (p.offset for p in kept if p.kind in _STRUCTURE):
        judged = kind == "type" or (kind == "name" and at < found.start)
        if judged and "|" not in text[min(at, found.start) : max(at, found.start)]:
            return True
    return False


def _stands(text: str, problem: Problem, findings: Sequence[Finding], broken: int) -> bool:
    """Whether a problem of ours is one, the analyser having looked."""
    if problem.kind == "output":
        return False  # looked at again, with the analyser's columns
    if problem.kind in _STRUCTURE:
        return bool(findings)
    if problem.kind in _JUDGED:
        return problem.offset >= broken or any(_at(text, found, problem.offset) for found in findings)
    return True


def _at(text: str, found: Finding, offset: int) -> bool:
    """Whether a finding is about this place; one of no length is about what comes next."""
    if found.start == found.end:
        return found.start <= offset and not text[found.start : offset].strip()
    return found.start <= offset < found.end


def _kind(found: Finding) -> Kind:
    if found.code in _SYNTAX:
        return "syntax"
    return "name" if found.code in _NAMES else "type"


def _sentence(message: str) -> str:
    """The analyser's words, as a sentence."""
    word = _WORD.search(message)
    if word:
        return bracketed(word[1])
    for opening, sentence in _OPENINGS.items():
        if message.startswith(opening):
            return sentence.format(message[len(opening) :].rstrip("."))
    message = message[:1].lower() + message[1:]
    return message if message.endswith(".") else f"{message}."
