"""What a data collection rule takes of KQL, as data.

Rule: what is not here is refused by Azure when the rule is deployed. Spelled as a
rule wants it: `replace`, `columnifexists`, `base64_encodestring`.

Source: Azure Monitor's reference "Supported KQL features in Azure Monitor
transformations" (15 May 2026). Two functions are not in its lists but stand in
Microsoft's own transforms: `iff` (the same page, parse_cef_dictionary) and `not`
(Application Insights, filtering). `and` and `or` are what `where` is made of.
"""

from __future__ import annotations

from typing import Final

MAX_CHARACTERS: Final = 15_360
MAX_PARSED: Final = 10
"""Columns that one parse may make."""

MAX_DEPTH: Final = 100
"""Brackets in brackets. Kusto has a limit and does not say which; that of its analyser is a little higher."""

SOURCE: Final = "source"
HEADS: Final = ("source", "print", "datatable")
"""What a query can begin with, besides a table that `let` has bound."""

OPERATORS: Final = ("extend", "project", "project-away", "project-rename", "where", "parse")
"""What can stand after a pipe; print and datatable begin a query, columnifexists is called."""

STRING_OPERATORS: Final = (
    *("==", "!=", "=~", "!~"),
    *("contains", "!contains", "contains_cs", "!contains_cs"),
    *("has", "!has", "has_cs", "!has_cs"),
    *("startswith", "!startswith", "startswith_cs", "!startswith_cs"),
    *("endswith", "!endswith", "endswith_cs", "!endswith_cs"),
    *("matches regex", "in", "!in"),
)
NUMBER_OPERATORS: Final = ("+", "-", "*", "/", "%", "<", ">", "<=", ">=", "<>")
LOGICAL_OPERATORS: Final = ("and", "or")

FUNCTIONS: Final[dict[str, dict[str, str]]] = {
    "bitwise": dict.fromkeys(
        (
            *("binary_and", "binary_or", "binary_xor", "binary_not"),
            *("binary_shift_left", "binary_shift_right"),
        ),
        "long",
    ),
    "conversion": {
        "tobool": "boolean",
        "todatetime": "datetime",
        "todouble": "real",
        "toreal": "real",
        "toguid": "guid",
        "toint": "int",
        "tolong": "long",
        "tostring": "string",
        "totimespan": "timespan",
    },
    "type": {"gettype": "string", "isnull": "boolean", "isnotnull": "boolean"},
    "time": {
        "ago": "datetime",
        "datetime_add": "datetime",
        "datetime_diff": "long",
        "datetime_part": "int",
        "dayofmonth": "int",
        "dayofweek": "timespan",
        "dayofyear": "int",
        **dict.fromkeys(("endofday", "endofweek", "endofmonth", "endofyear"), "datetime"),
        **dict.fromkeys(("startofday", "startofweek", "startofmonth", "startofyear"), "datetime"),
        **dict.fromkeys(("getmonth", "monthofyear", "getyear", "hourofday", "weekofyear"), "int"),
        "make_datetime": "datetime",
        "make_timespan": "timespan",
        "now": "datetime",
    },
    "dynamic": {
        "array_concat": "dynamic",
        "array_length": "long",
        "pack": "dynamic",
        "pack_array": "dynamic",
        "parse_json": "dynamic",
        "parse_xml": "dynamic",
        "zip": "dynamic",
    },
    "mathematics": {
        **dict.fromkeys(("abs", "bin", "floor", "ceiling", "round", "sign"), ""),
        **dict.fromkeys(("exp", "exp2", "exp10", "log", "log2", "log10", "pow"), "real"),
        **dict.fromkeys(("isfinite", "isinf", "isnan"), "boolean"),
    },
    "choice": dict.fromkeys(("case", "iif", "iff", "max_of", "min_of"), "") | {"not": "boolean"},
    "text": {
        "base64_encodestring": "string",
        "base64_decodestring": "string",
        "countof": "long",
        "extract": "",
        "extract_all": "dynamic",
        "hash_sha256": "string",
        "indexof": "long",
        "isempty": "boolean",
        "isnotempty": "boolean",
        "replace": "string",
        "split": "dynamic",
        "strcat": "string",
        "strcat_delim": "string",
        "strlen": "long",
        "substring": "string",
        "tolower": "string",
        "toupper": "string",
    },
    "only in transforms": {
        "columnifexists": "",
        "geo_location": "dynamic",
        "parse_cef_dictionary": "dynamic",
    },
}
"""Functions by subject: name and type of the result, "" where that follows from the arguments."""

RESULTS: Final = {name: kind for group in FUNCTIONS.values() for name, kind in group.items()}
"""Every function, with the type of its result or ""."""

TYPED_LITERALS: Final = {
    "bool": "boolean",
    "date": "datetime",
    "datetime": "datetime",
    "decimal": "decimal",
    "double": "real",
    "dynamic": "dynamic",
    "guid": "guid",
    "int": "int",
    "long": "long",
    "real": "real",
    "time": "timespan",
    "timespan": "timespan",
}
"""`datetime(2026-01-31)` and the like: the word, and the type. A rule takes all but dynamic(...)."""
