"""Which formats a text may be in.

Rule: each guess is a format with its options as routes.yaml has them, the likeliest
first; it is cheap and may be wrong, because draft.py tries it. Invariant: the last
guess reads anything: plain text, a line a record.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from .catalog import LEVEL, LEVELS, PAIRED, PATTERNS, REST, STARTS, TIMED, TRACE
from .sample import Sample
from .tables import Form, delimited

_SAMPLE = 400
_MOST = 0.9
_NEARLY = 0.95
"""Share of lines that a pattern takes where the others may be kept as they stand."""
_PRIORITY_AND_PAIR = re.compile(r"<\d{1,3}>[A-Za-z_]\w*=")
_PAIR = re.compile(r"(?:^|\s)[A-Za-z_][\w.\-@/]*=")
_SYSLOG = re.compile(
    r"<\d{1,3}>(?!\w+=)|[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d{2}:\d{2}:\d{2} \S"
    r"|\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\S* \S+ [\w./()-]+(?:\[\d+\])?: "
)
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
    tables = list(delimited(found))
    yield from (form for form in tables if form.get("header", True))
    yield from _patterns(lines, PATTERNS)
    yield from (form for form in tables if not form.get("header", True))
    yield from _patterns(lines, TIMED)
    yield from _multiline(found, lines)
    yield from _patterns(lines, (*PATTERNS, *TIMED), most=_NEARLY)
    yield {"type": "text"}


def lenient(form: Form) -> Form | None:
    """The same form, with what is not of this form kept as it stands; None if there is no such way."""
    if form["type"] == "regex" and isinstance(form["pattern"], str):
        return {**form, "pattern": [form["pattern"], REST]}
    return None


# -- by how the file begins -------------------------------------------------------------------


def _marked(found: Sample, lines: list[str]) -> Iterator[Form]:
    head = found.text.lstrip("\ufeff \t\r\n")
    if head.startswith(("{", "[")):
        yield from _json(head, lines)
    if head.startswith("<") and _ELEMENT.search(head):
        yield from _xml(head)
    if head.startswith("#separator") or re.match(r"#(?:fields|types)\t", head):
        yield {"type": "zeek"}
    fields = re.search(r"^#Fields: *([^\s,]+,\S+)\s*$", head[:20_000], re.MULTILINE)
    if fields is not None:  # Exchange: a table whose header is a comment
        yield {"type": "csv", "comment": "#", "header": False, "names": fields[1].split(",")}
    elif re.search(r"^#Fields:", head[:20_000], re.MULTILINE):
        yield {"type": "w3c"}


def _json(head: str, lines: list[str]) -> Iterator[Form]:
    first = _value(lines[0]) if lines else None
    several = isinstance(first, dict) and len(lines) > 1
    document = first if isinstance(first, dict) and not several else _first_document(head)
    if isinstance(document, dict):
        path = _list_in(document)
        if path == "records" and _is_azure(document["records"]):
            yield {"type": "azure"}
        if path and not (several and _holds_more(document, path)):
            yield {"type": "json", "path": path}
    if isinstance(first, dict):
        yield {"type": "ndjson"}
    yield {"type": "json"}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _first_document(head: str) -> Any:
    try:
        return json.JSONDecoder().raw_decode(head)[0]
    except (ValueError, RecursionError):
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


def _holds_more(document: dict[str, Any], path: str) -> bool:
    """Whether a document says something beside the list under this path, which would be lost with it."""
    for key in path.split("."):
        if len(document) > 1:
            return True
        document = document[key]
    return False


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
    if _most(lines, lambda line: _PRIORITY_AND_PAIR.match(line) is not None):
        yield {"type": "kv"}
    if _most(lines, lambda line: _SYSLOG.match(line) is not None):
        yield {"type": "syslog"}
    yield from _patterns(lines, PAIRED)
    if _most(lines, _is_pairs):
        if any("='" in line for line in lines):
            yield {"type": "kv", "quotes": "\"'"}
        yield {"type": "logfmt"}


def _most(lines: list[str], test: Any) -> bool:
    return bool(lines) and sum(map(bool, map(test, lines))) >= _MOST * len(lines)


def _is_pairs(line: str) -> bool:
    found = len(_PAIR.findall(line))
    return found >= 2 and bool(re.match(r"\s*[A-Za-z_][\w.\-@/]*=", line))


def _patterns(lines: list[str], patterns: tuple[str, ...], most: float = 1.0) -> Iterator[Form]:
    """The patterns that take all of the lines, or most of them."""
    spare = int(len(lines) * (1 - most))
    for pattern in patterns:
        compiled = re.compile(pattern.replace(LEVEL, LEVELS))  # RE2's words for groups are Python's here
        others = (line for line in lines if not compiled.fullmatch(line.rstrip()))
        if lines and len(list(islice(others, spare + 1))) <= spare:
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
    most = len(lines) * (0.9 if "Traceback" in found.text else 0.5)
    if lines and lines[0][:1] not in " \t" and 0 < indented < most:
        yield {"type": "text", "indented": True}
