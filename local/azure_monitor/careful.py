"""The careful check: record by record, with a reason for everything that is lost.

Rule: takes any bytes, raises nothing, and gives the rows as Azure would keep them.
Invariant: whatever differs between what came and what is given back is in the
findings. Where Azure's own treatment is not documented the worst is assumed: a
body that a strict JSON reader refuses anywhere is lost as a whole.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .losses import Findings

OLDEST = dt.timedelta(days=2)
YOUNGEST = dt.timedelta(days=1)
MAX_VALUE = 64 * 1024
"""Bytes of one field value; Azure cuts what is longer."""

_NOT_A_NUMBER = object()
_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,40}\s*")
_REAL = re.compile(r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?\s*")
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?([Zz]|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


class _Changed(Exception):  # noqa: N818 - not an error: the value that Azure keeps instead, and why
    def __init__(self, kind: str, why: str, kept: Any = None) -> None:
        super().__init__(why)
        self.kind, self.why, self.kept = kind, why, kept


class _Repeats(dict[str, Any]):
    """An object of which a key came more than once; `repeated` has those keys."""

    repeated: frozenset[str] = frozenset()


def check_carefully(
    columns: Mapping[str, str], body: bytes, received: dt.datetime, findings: Findings
) -> tuple[int, list[dict[str, Any]]]:
    """The number of elements in a post, and the rows of it that Azure would keep.

    Args:
        columns: the stream's, name to type.
        body: the decompressed bytes, whatever they are.
        received: time of receipt.
        findings: takes what is lost.
    """
    elements = _read(body, findings)
    if elements is None:
        return 0, []
    if b"\\u" in body and _surrogates(elements, findings):
        return len(elements), []
    rows = []
    for index, element in enumerate(elements):
        if isinstance(element, dict):
            rows.append(_row(columns, element, index, received, findings))
        else:
            why = f"the element is {_name(element)}, not an object; it becomes no row."
            findings.add("NotAnObject", why, record=index)
    return len(elements), rows


def _read(body: bytes, findings: Findings) -> list[Any] | None:
    """The elements of the array, or None when the whole post is lost."""
    constants: list[str] = []

    def constant(word: str) -> Any:
        constants.append(word)
        return _NOT_A_NUMBER

    try:
        value = json.loads(body.decode(), parse_constant=constant, object_pairs_hook=_object)
    except UnicodeDecodeError as error:
        findings.add("InvalidUtf8", f"byte {error.start} of the body is not UTF-8: accepted, and gone.")
    except (ValueError, RecursionError) as error:
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        gzip = "; it is gzip, but the request had no Content-Encoding" if body[:2] == b"\x1f\x8b" else ""
        findings.add("MalformedJson", f"the body is no JSON{where}{gzip}: accepted, and gone.")
    else:
        if not isinstance(value, list):
            findings.add(
                "NotAnArray", f"the body is {_name(value)}, not an array of objects: accepted, and gone."
            )
        elif constants:
            _say_constants(value, findings)
        else:
            return value
    return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    repeats, seen = _Repeats(found), set()
    repeats.repeated = frozenset(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return repeats


def _say_constants(elements: list[Any], findings: Findings) -> None:
    why = "NaN and Infinity are no JSON: the whole post is accepted, and gone."
    for index, element in enumerate(elements):
        for column, value in element.items() if isinstance(element, dict) else ((None, element),):
            if any(part is _NOT_A_NUMBER for part in _parts(value)):
                findings.add("NotANumber", why, record=index, column=column)


def _surrogates(elements: list[Any], findings: Findings) -> bool:
    why = "half of a surrogate pair is no text: the whole post is accepted, and gone."
    found = False
    for index, element in enumerate(elements):
        for column, value in element.items() if isinstance(element, dict) else ((None, element),):
            if not (_encodable(column or "") and _encodable(value)):
                findings.add(
                    "LoneSurrogate", why, record=index, column=column if _encodable(column or "") else None
                )
                found = True
    return found


def _row(
    columns: Mapping[str, str], element: dict[str, Any], index: int, received: dt.datetime, findings: Findings
) -> dict[str, Any]:
    for key in getattr(element, "repeated", ()):
        findings.add(
            "DuplicateKey", "the key came more than once; the last value is kept.", record=index, column=key
        )
    row = {}
    for name, value in element.items():
        if name not in columns:
            findings.add(
                "UndeclaredField", "the stream does not declare it: discarded.", record=index, column=name
            )
            continue
        try:
            row[name] = None if value is None else _CASTS[columns[name]](value)
        except _Changed as changed:
            findings.add(changed.kind, changed.why, record=index, column=name)
            row[name] = changed.kept
    if columns.get("TimeGenerated") == "datetime":
        _time_of(row, index, received, findings)
    return row


def _time_of(row: dict[str, Any], index: int, received: dt.datetime, findings: Findings) -> None:
    """Azure Monitor's rule for TimeGenerated: filled when missing, replaced when far off."""
    text = row.get("TimeGenerated")
    if text is None:
        kind, why = "TimeMissing", "missing or unreadable; the time of receipt is put there."
    else:
        time = dt.datetime.fromisoformat(text)
        if received - OLDEST <= time <= received + YOUNGEST:
            return
        side = "more than 2 days old" if time < received else "more than 1 day ahead"
        kind, why = "TimeReplaced", f"{side}; the time of receipt is put there instead."
    findings.add(kind, why, record=index, column="TimeGenerated")
    row["TimeGenerated"] = received.isoformat()


# -- one value to its column's type: gives what Azure keeps, or raises _Changed --------------------


def _string(value: Any) -> str:
    text = value if isinstance(value, str) else as_text(value)
    size = len(text.encode())
    if size > MAX_VALUE:
        kept = text.encode()[:MAX_VALUE].decode(errors="ignore")
        raise _Changed("ValueCut", f"the value has {size} bytes; it is cut at {MAX_VALUE}.", kept)
    return text


def _whole(bits: int) -> Callable[[Any], int]:
    limit, name = 2 ** (bits - 1), f"{bits}-bit whole number"

    def cast(value: Any) -> int:
        if isinstance(value, str) and _WHOLE.fullmatch(value):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int):
            raise _Changed("BadValue", f"{_name(value)} does not become a {name}: null.")
        if not -limit <= value < limit:
            raise _Changed("OutOfRange", f"the number is outside a {name}: null.")
        return int(value)

    return cast


def _real(value: Any) -> float | int:
    if isinstance(value, str) and _REAL.fullmatch(value):
        value = float(value)
    if not isinstance(value, int | float):
        raise _Changed("BadValue", f"{_name(value)} does not become a real: null.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        raise _Changed("OutOfRange", "the number is larger than a real can be: null.")
    return number


def _boolean(value: Any) -> bool:
    if isinstance(value, str):
        value = _BOOLEANS.get(value.strip().lower(), value)
    if not isinstance(value, int):
        raise _Changed("BadValue", f"{_name(value)} does not become a boolean: null.")
    return bool(value)


def _datetime(value: Any) -> str:
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _Changed("BadTime", f"{_name(value)} is not an ISO 8601 time: null.")
    year, month, day, hour, minute, second, fraction, zone = match.groups("0")
    try:
        date = dt.date(int(year), int(month), int(day))
        clock = dt.time(int(hour), int(minute), int(second), int((fraction + "00000")[:6]), _zone(zone))
        time = dt.datetime.combine(date, clock)
        return time.astimezone(dt.UTC).isoformat()
    except (ValueError, OverflowError):
        raise _Changed("BadTime", "there is no such date or time: null.") from None


def _zone(text: str) -> dt.timezone:
    if text in {"0", "Z", "z"}:
        return dt.UTC
    offset = dt.timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return dt.timezone(-offset if text[0] == "-" else offset)


def _dynamic(value: Any) -> Any:
    if any(isinstance(part, float) and math.isinf(part) for part in _parts(value)):
        raise _Changed("OutOfRange", "it holds a number larger than a real can be: null.")
    text = as_text(value).encode()
    if len(text) > MAX_VALUE:
        kept = text[:MAX_VALUE].decode(errors="ignore")
        raise _Changed(
            "ValueCut", f"the value has {len(text)} bytes; it is cut at {MAX_VALUE}, and is text then.", kept
        )
    return value


_CASTS: dict[str, Callable[[Any], Any]] = {
    "string": _string,
    "int": _whole(32),
    "long": _whole(64),
    "real": _real,
    "boolean": _boolean,
    "datetime": _datetime,
    "dynamic": _dynamic,
}


def as_text(value: Any) -> str:
    """JSON without spaces; numbers keep all their digits."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _encodable(value: Any) -> bool:
    try:
        (value if isinstance(value, str) else as_text(value)).encode()
    except UnicodeEncodeError:
        return False
    return True


def _parts(value: Any) -> Iterator[Any]:
    """A value and everything inside it; keys left out."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _name(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "text", bool: "true or false", type(None): "null"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "a number")
