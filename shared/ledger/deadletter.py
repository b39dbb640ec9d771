"""Where records go that can become no row: kept, with their reasons and all that a replay takes.

Rule: a document a span, a line a record, so a million bad lines make a few
documents. Invariants: a document is durable before a checkpoint passes its span;
its name follows from the source and the span, so a repeat writes over it instead
of beside it; whatever the bytes were, they are there; what its metadata says (see
`tags`) is true of its lines, so that a listing downloads nothing.

    <route>/<day>/<source hash>/<first ordinal>.ndjson     records of a source
    <route>/<day>/<source hash>/source.ndjson              a source as a whole
    replayed/<document>/<time>.json                        what a replay did to a document; see `trace`

Every document is a line `dead letter {json}` in the log once it is written: its name, source and
reasons with their numbers, never a record's content. infra/ counts these lines (alerts, workbook).

Strategy: every line says by itself what it is, why it is here and what its bytes
are. What is the same for many lines and may be large (a header of thousands of
names, a record with a list of which many elements are bad) is in the first of them,
and the others say in which one: `state_of`, `parent_of`, an ordinal.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from .. import logs
from ..errors import writable
from ..model import Form, Reject, SourceFacts
from .store import Store

logger = logs.logger("logferry.deadletter")

TRACES = "replayed/"
"""Prefix of the traces; a route of that name has documents that end in .ndjson, and no trace does."""

DOCUMENT = ".ndjson"

_WHOLE = f"source{DOCUMENT}"
_NOBODY = "none"
"""Folder of what no route took."""
_LONGEST_TAG = 2_000
"""Characters; all metadata of a blob has 8 KB at most. Source: Azure Storage, blob metadata limits."""

_encoder = msgspec.json.Encoder()


class Line(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One record of the dead letter, or one source."""

    time: str
    """UTC: when it was written down."""
    route: str
    kind: str
    """What the source is: blob, message or work."""
    source: str
    version: str
    reason: str
    detail: str
    member: str = ""
    modified: float = 0.0
    received: float = 0.0
    ordinal: int | None = None
    """None for a source as a whole."""
    offset: int | None = None
    line: int | None = None
    form: Form = "source"
    raw: str | None = None
    raw_base64: str | None = None
    length: int | None = None
    """Of the original in bytes, where `raw` is only its beginning."""
    state: Mapping[str, Any] | None = None
    state_of: int | None = None
    parent: str | None = None
    parent_base64: str | None = None
    parent_of: int | None = None
    row: int | None = None
    tries: int = 0
    """How often it was replayed and came back."""

    @property
    def content(self) -> bytes:
        """The bytes, whatever they were."""
        return _bytes(self.raw, self.raw_base64)

    @property
    def whole(self) -> bool:
        """Whether it stands for a source as a whole."""
        return self.ordinal is None

    @property
    def facts(self) -> SourceFacts:
        """The source, as it was when the record was read."""
        return SourceFacts(self.kind, self.source, self.version, self.modified, self.received)


_decoder = msgspec.json.Decoder(Line)
"""Made by the import, as in entry.py."""


class DeadLetter:
    """The dead-letter container."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def records(self, source: SourceFacts, route: str, first: int, rejects: list[Reject]) -> str:
        """Write the rejects of a span; the document's name. Raises ServiceUnavailable."""
        name, lines = span(source, route, first, rejects)
        self.store.put(name, *document(lines))
        _say(name, lines)
        return name

    def source(self, source: SourceFacts, route: str, reason: str, detail: str, raw: bytes = b"") -> str:
        """Write down a source that could not be read; the document's name. Raises ServiceUnavailable."""
        name = f"{_folder(source, route)}/{_WHOLE}"
        line = Line(
            time=_now(), route=route, **_where(source), reason=reason, detail=detail, **_text("raw", raw)
        )
        self.store.put(name, *document([line]))
        _say(name, [line])
        return name


def span(source: SourceFacts, route: str, first: int, rejects: list[Reject]) -> tuple[str, Sequence[Line]]:
    """The name of the document for the rejects of a span, and its lines."""
    now = _now()
    lines = [line_of(source, route, reject, now) for reject in rejects]
    return f"{_folder(source, route)}/{first:012d}{DOCUMENT}", shared(lines, rejects)


def line_of(source: SourceFacts, route: str, reject: Reject, now: str, tries: int = 0) -> Line:
    """The line of a reject; without what it may share with others (see `shared`)."""
    return Line(
        time=now,
        route=route,
        **_where(source),
        member=reject.member,
        ordinal=reject.ordinal,
        offset=reject.offset,
        line=reject.line,
        reason=reject.reason,
        detail=reject.detail,
        form=reject.form,
        **_text("raw", reject.raw),
        length=reject.length if reject.length >= 0 else None,
        row=None if reject.parent is None else reject.row,
        tries=tries,
    )


def shared(lines: Sequence[Line], rejects: Sequence[Reject]) -> Sequence[Line]:
    """The lines with state and parent of their rejects: whole in the first one, named by the others."""
    states: list[tuple[Mapping[str, Any], int]] = []
    parents: dict[bytes, int] = {}
    for line, reject in zip(lines, rejects, strict=True):
        line.state = line.state_of = line.parent = line.parent_base64 = line.parent_of = None
        if reject.state:
            # Of the same block it is the same object, of another it is mostly equal; few are different.
            found = next((o for s, o in reversed(states) if s is reject.state or s == reject.state), None)
            line.state, line.state_of = (reject.state, None) if found is None else (None, found)
            if found is None:
                states.append((reject.state, reject.ordinal))
        if reject.parent is not None:
            first = parents.setdefault(reject.parent, reject.ordinal)
            if first != reject.ordinal:
                line.parent_of = first
            else:
                text = _text("parent", reject.parent)
                line.parent, line.parent_base64 = text.get("parent"), text.get("parent_base64")
    return lines


def parse(text: bytes) -> list[Line]:
    """The lines of a document, each with its own state and parent.

    Raises:
        ValueError: a line is none; says which, and never what is in it.
    """
    lines: list[Line] = []
    for number, one in enumerate(text.split(b"\n"), 1):
        if one.strip():
            try:
                lines.append(_decoder.decode(one))
            except (msgspec.DecodeError, UnicodeError) as error:
                raise ValueError(f"line {number} is no line of the dead letter: {error}") from error
    by_ordinal = {line.ordinal: line for line in lines}
    for line in lines:
        if line.state_of is not None and line.state_of in by_ordinal:
            line.state = by_ordinal[line.state_of].state
        if line.parent_of is not None and line.parent_of in by_ordinal:
            other = by_ordinal[line.parent_of]
            line.parent, line.parent_base64 = other.parent, other.parent_base64
    return lines


def reject_of(line: Line) -> Reject:
    """What a line was made from. Its ordinal is 0 if it stands for a source."""
    return rejects_of([line])[0]


def rejects_of(lines: Iterable[Line]) -> list[Reject]:
    """What lines were made from; those of one parent, which may be large, have the same bytes object."""
    parents: dict[tuple[str | None, str | None], bytes] = {}
    rejects = []
    for line in lines:
        text = line.parent, line.parent_base64
        if text != (None, None) and text not in parents:
            parents[text] = _bytes(*text)
        rejects.append(_reject(line, parents.get(text)))
    return rejects


def _reject(line: Line, parent: bytes | None) -> Reject:
    return Reject(
        line.ordinal or 0,
        line.offset or 0,
        line.line,
        line.reason,
        line.detail,
        line.content,
        -1 if line.length is None else line.length,
        line.form,
        line.state or {},
        line.member,
        parent,
        line.row or 0,
    )


def document(lines: Iterable[Line]) -> tuple[bytes, dict[str, str]]:
    """A document of at least one line, and its metadata."""
    lines = list(lines)
    return b"".join(_encoded(line) + b"\n" for line in lines), tags(lines)


def _say(name: str, lines: Sequence[Line]) -> None:
    """One line in the log for a document; a repeat of it says the same again."""
    first, reasons = lines[0], Counter(line.reason for line in lines)
    said = {
        "document": name,
        "route": first.route,
        "kind": first.kind,
        "source": first.source,
        "records": 0 if first.whole else len(lines),
        "reasons": [{"reason": reason, "records": count} for reason, count in reasons.most_common()],
    }
    logger.warning("dead letter %s", _encoded(said).decode())


def _encoded(value: Any) -> bytes:
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:  # a key that is half of a surrogate pair, in the detail or in the state
        return _encoder.encode(_writable(msgspec.to_builtins(value)))


def _writable(value: Any) -> Any:
    if isinstance(value, str):
        return writable(value)
    if isinstance(value, Mapping):
        return {_writable(key): _writable(item) for key, item in value.items()}
    return [_writable(item) for item in value] if isinstance(value, list | tuple) else value


def tags(lines: Sequence[Line]) -> dict[str, str]:
    """What a listing shows of a document: ASCII, percent-encoded, and under 8 KB in all."""
    first = lines[0]
    reasons = Counter(line.reason for line in lines)
    found = ",".join(f"{reason}={count}" for reason, count in reasons.most_common(40))
    return {
        "route": _tag(first.route or _NOBODY),
        "records": "source" if first.whole else str(len(lines)),
        "reasons": _tag(found),
        "kind": _tag(first.kind),
        "source": _tag(first.source),
        "time": _tag(min(line.time for line in lines)),
        "tries": str(max(line.tries for line in lines)),
    }


def read_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The metadata of a document as it was before `tags` made it ASCII."""
    return {key: unquote(value) for key, value in tags.items()}


def trace_prefix(name: str) -> str:
    """Where the traces of a document are."""
    return f"{TRACES}{name}/"


def _tag(text: str) -> str:
    encoded = quote(text, safe="/,=:+@ ")
    if len(encoded) <= _LONGEST_TAG:
        return encoded
    cut = encoded[: _LONGEST_TAG - 3]
    return quote(unquote(cut, errors="ignore"), safe="/,=:+@ ")[: _LONGEST_TAG - 3] + "..."


def _folder(source: SourceFacts, route: str) -> str:
    # Of a file the ledger knows when it was first received; of a message, only the queue knows when it came.
    is_message = source.kind == "message" and source.modified > 0
    moment = source.modified if is_message else source.received
    day = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
    key = hashlib.sha256(f"{source.name}\n{source.version}".encode()).hexdigest()[:24]
    return f"{route or _NOBODY}/{day}/{key}"


def _where(source: SourceFacts) -> dict[str, Any]:
    return {
        "kind": source.kind,
        "source": source.name,
        "version": source.version,
        "modified": source.modified,
        "received": source.received,
    }


def _text(key: str, raw: bytes) -> dict[str, Any]:
    """The bytes as text where they are text, else in base64."""
    try:
        return {key: raw.decode()}
    except UnicodeDecodeError:
        return {f"{key}_base64": base64.b64encode(raw).decode()}


def _bytes(text: str | None, encoded: str | None) -> bytes:
    if encoded is not None:
        return base64.b64decode(encoded)
    return (text or "").encode("utf-8", "surrogatepass")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
