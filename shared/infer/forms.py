"""Which formats a text may be in.

Rule: each guess is a format with its options as routes.yaml has them, the likeliest
first; it is cheap and may be wrong, because draft.py tries it. Invariant: the last
guess reads anything: plain text, a line a record.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from .catalog import LEVEL, LEVELS, PATTERNS, STARTS, TIMED, TRACE
from .sample import Sample

Form = dict[str, Any]
"""A route's `format`."""

_SAMPLE = 400
_MOST = 0.9
_ROWS = 5
"""Rows that have to agree where no header says that they are rows."""
_PAIR = re.compile(r"(?:^|\s)[A-Za-z_][\w.\-@/]*=")
_SYSLOG = re.compile(r"(?:<\d{1,3}>|[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d{2}:\d{2}:\d{2} \S)")
_ISO_SYSLOG = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\S* \S+ [\w./()-]+(?:\[\d+\])?: ")
_ELEMENT = re.compile(r"<([A-Za-z_][\w.:-]*)[\s/>]")


def forms(found: Sample) -> Iterator[Form]:
    """The formats to try, the likeliest first."""
    if found.raw.startswith(b"PAR1"):
        yield {"type": "parquet"}
        return
    if found.raw.startswith(b"Obj\x01"):
        yield {"type": "avro"}
        return
    lines = found.lines[:_SAMPLE]
    yield from _marked(found, lines)
    yield from _lines(lines)
    tables = list(_delimited(found))
    yield from (form for form in tables if form.get("header", True))
    yield from _patterns(lines, PATTERNS)
    yield from (form for form in tables if not form.get("header", True))
    yield from _patterns(lines, TIMED)
    yield from _multiline(found, lines)
    yield {"type": "text"}


# -- by how the file begins -------------------------------------------------------------------


def _marked(found: Sample, lines: list[str]) -> Iterator[Form]:
    head = found.text.lstrip("\ufeff \t\r\n")
    if head.startswith(("{", "[")):
        yield from _json(head, lines)
    if head.startswith("<") and _ELEMENT.search(head):
        yield from _xml(head)
    if head.startswith("#separator") or re.match(r"#(?:fields|types)\t", head):
        yield {"type": "zeek"}
    if re.search(r"^#Fields:", head[:20_000], re.MULTILINE):
        yield {"type": "w3c"}


def _json(head: str, lines: list[str]) -> Iterator[Form]:
    first = _value(lines[0]) if lines else None
    document = first if isinstance(first, dict) and len(lines) == 1 else _first_document(head)
    if isinstance(document, dict):
        path = _list_in(document)
        if path == "records" and _is_azure(document["records"]):
            yield {"type": "azure"}
        if path:
            yield {"type": "json", "path": path}
    if isinstance(first, dict):
        yield {"type": "ndjson"}
    yield {"type": "json"}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _first_document(head: str) -> Any:
    try:
        return json.JSONDecoder().raw_decode(head)[0]
    except ValueError:
        found = re.match(r'\{\s*"([^"]+)"\s*:\s*\[\s*\{', head)  # a list too long for the sample
        return {found[1]: [{}]} if found else None


def _list_in(document: dict[str, Any], depth: int = 3) -> str:
    """Dotted path of the longest list of objects in a document; "" if there is none."""
    best, longest = "", 0
    for key, value in document.items():
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            if len(value) > longest and "." not in key:
                best, longest = key, len(value)
        elif isinstance(value, dict) and depth > 1 and not best and "." not in key:
            inner = _list_in(value, depth - 1)
            best = f"{key}.{inner}" if inner else best
    scalars = sum(not isinstance(value, list | dict) for value in document.values())
    return best if best and (longest > 1 or scalars <= 4) else ""


def _is_azure(records: list[Any]) -> bool:
    keys = {key.lower() for record in records[:5] for key in record}
    return bool(keys & {"resourceid", "operationname", "flowrecords"}) and "time" in keys


def _xml(head: str) -> Iterator[Form]:
    names = Counter(_ELEMENT.findall(head[:200_000]))
    first = _ELEMENT.search(head)
    root = first[1] if first else ""
    local = {name.rpartition(":")[2] for name in names}
    if "Event" in local and "System" in local:
        yield {"type": "xml", "element": "Event"}
    repeated = [name for name, count in names.items() if count > 1 and name != root]
    if repeated:
        yield {"type": "xml", "element": repeated[0].rpartition(":")[2]}
    yield {"type": "xml"}
    if root:
        yield {"type": "xml", "element": root.rpartition(":")[2]}


# -- by what most lines look like -------------------------------------------------------------


def _lines(lines: list[str]) -> Iterator[Form]:
    if _most(lines, lambda line: "CEF:" in line):
        yield {"type": "cef"}
    if _most(lines, lambda line: "LEEF:" in line):
        yield {"type": "leef"}
    if _most(lines, lambda line: _SYSLOG.match(line) is not None):
        yield {"type": "syslog"}
    if _most(lines, lambda line: _ISO_SYSLOG.match(line) is not None):
        yield {"type": "syslog"}
    if _most(lines, _is_pairs):
        yield {"type": "logfmt"}


def _most(lines: list[str], test: Any) -> bool:
    return bool(lines) and sum(map(bool, map(test, lines))) >= _MOST * len(lines)


def _is_pairs(line: str) -> bool:
    found = len(_PAIR.findall(line))
    return found >= 2 and bool(re.match(r"\s*[A-Za-z_][\w.\-@/]*=", line))


def _delimited(found: Sample) -> Iterator[Form]:
    text = found.text if found.whole else found.text[: found.text.rfind("\n") + 1]
    scored = []
    for delimiter in ("\t", ",", ";", "|"):
        rows = _rows(text, delimiter, '"')
        width = len(rows[0]) if rows else 0
        enough = len(rows) >= _ROWS or (len(rows) > 1 and _is_header(rows))
        if width > 1 and enough and all(len(row) == width for row in rows):
            scored.append((width, delimiter, rows))
    for _, delimiter, rows in sorted(scored, key=lambda score: -score[0]):
        form: Form = {"type": "tsv"} if delimiter == "\t" else {"type": "csv"}
        if delimiter not in "\t,":
            form["delimiter"] = delimiter
        if not _is_header(rows):
            form |= {"header": False, "names": [f"column_{number}" for number in range(1, len(rows[0]) + 1)]}
        yield form
        if delimiter == "\t":
            yield {**form, "quote": ""}


def _rows(text: str, delimiter: str, quote: str) -> list[list[str]]:
    try:
        reader = csv.reader(text[:400_000].splitlines(keepends=True), delimiter=delimiter, quotechar=quote)
        rows = [row for row in reader if row]
    except csv.Error:
        return []
    return rows if len(text) <= 400_000 else rows[:-1]


def _is_header(rows: list[list[str]]) -> bool:
    first = rows[0]
    if len(set(first)) < len(first) or not all(first):
        return False
    names = all(re.fullmatch(r"[^\d\W][\w .:()\[\]/#%-]{0,40}", cell) for cell in first)
    return names and not any(re.search(r"\d{4}-\d{2}-\d{2}|\d{2}:\d{2}", cell) for cell in first)


def _patterns(lines: list[str], patterns: tuple[str, ...]) -> Iterator[Form]:
    for pattern in patterns:
        compiled = re.compile(pattern.replace(LEVEL, LEVELS))  # RE2's words for groups are Python's here
        if lines and all(compiled.fullmatch(line.rstrip()) for line in lines):
            yield {"type": "regex", "pattern": pattern}


def _multiline(found: Sample, lines: list[str]) -> Iterator[Form]:
    """Records of several lines: where some lines begin with a time, and the others do not."""
    for start in STARTS:
        begins = sum(re.match(start, line) is not None for line in lines)
        if lines and re.match(start, lines[0]) and 1 < begins < len(lines):
            firsts = [line for line in lines if re.match(start, line)]
            for form in _patterns(firsts, (*PATTERNS, *TIMED)):
                yield form | {"start": start, "pattern": form["pattern"] + TRACE}
            yield {"type": "text", "start": start}
            return
    indented = sum(line[:1] in " \t" for line in lines)
    if lines and lines[0][:1] not in " \t" and 0 < indented < len(lines) * 0.9 and "Traceback" in found.text:
        yield {"type": "text", "indented": True}
