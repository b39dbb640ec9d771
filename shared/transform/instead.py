"""What to write instead of what a rule does not take.

Rule: every sentence says why in a few words, then what to do: another spelling,
another way to the same value, or where else it is done. Words that are not here
get a sentence all the same, with the nearest allowed word.
"""

from __future__ import annotations

from ..routes.words import did_you_mean
from .allowed import OPERATORS, RESULTS

_ONE_ROW = "a rule sees one row at a time"
_QUERY = "do it in the query that reads the table"

_OPERATORS: dict[str, str] = {
    **dict.fromkeys(
        ("summarize", "count", "top-nested", "top-hitters", "make-series", "distinct"),
        f"{_ONE_ROW}, so nothing can be counted or grouped; aggregate in a query, or with a summary rule.",
    ),
    **dict.fromkeys(
        ("take", "limit", "top", "sample", "sample-distinct"),
        f"{_ONE_ROW}, so it cannot choose among rows; leave rows out with where, or with the route's keep and drop.",
    ),
    **dict.fromkeys(("sort", "order", "serialize"), f"{_ONE_ROW}, so rows have no order; {_QUERY}."),
    **dict.fromkeys(
        ("join", "lookup", "union", "graph-match", "make-graph", "find", "search", "externaldata"),
        "a rule reads source alone; bring the tables together in a query, or look values up with case(...) or in (...).",
    ),
    **dict.fromkeys(
        ("mv-expand", "mvexpand", "mv-apply", "mvapply"),
        "a rule makes at most one row of a row; the route's `explode: KEY` makes a row of each element of a list before the rows are sent.",
    ),
    "parse-where": "write parse, and then | where isnotempty(COLUMN).",
    "parse-kv": "write parse, or extract(...) for each key; a route of a key=value format does it before the rows are sent.",
    "project-keep": "name the columns in project.",
    "project-reorder": "the table has an order of its own; name the columns in project.",
    "project-smart": "name the columns in project.",
    "project-by-names": "name the columns in project.",
    "filter": "write where.",
    "evaluate": "plug-ins do not run in a rule; bag_unpack: write extend NAME = COLUMN.key for each key.",
    "invoke": "functions of a workspace do not run in a rule; write the steps here, or a `let` function of scalars.",
    "render": "a rule draws nothing; render in the query that reads the table.",
    "reduce": f"{_ONE_ROW}; {_QUERY}.",
    "partition": f"{_ONE_ROW}; {_QUERY}.",
    "scan": f"{_ONE_ROW}; {_QUERY}.",
    "fork": "a rule has one output; give the route another stream, or another route.",
    "facet": "a rule has one output; give the route another stream, or another route.",
    "as": "bind the step with `let NAME = ...;` instead.",
    "getschema": "leave it out; `logferry check` shows the columns that come out.",
    "consume": "leave it out.",
    "range": "a query begins with source; constants come from print or datatable.",
    "print": "print begins a query; to add a column write extend.",
    "datatable": "datatable begins a query, or stands in a `let`.",
    "columnifexists": 'it is a function: extend NAME = columnifexists("COLUMN", default).',
    "assert-schema": "leave it out; `logferry check` compares the columns with the table's.",
}

_STRING_OPERATORS: dict[str, str] = {
    "in~": "write tolower(TEXT) in (...), with the values in lower case.",
    "!in~": "write tolower(TEXT) !in (...), with the values in lower case.",
    "has_any": 'write (TEXT has "a" or TEXT has "b").',
    "has_all": 'write (TEXT has "a" and TEXT has "b").',
    "between": "write (VALUE >= LOW and VALUE <= HIGH).",
    "!between": "write (VALUE < LOW or VALUE > HIGH).",
    "like": "write matches regex, contains, startswith or endswith.",
    "notlike": "write not(TEXT matches regex ...), !contains, !startswith or !endswith.",
    "likecs": "write matches regex, contains_cs, startswith_cs or endswith_cs.",
    "notlikecs": "write not(TEXT matches regex ...), !contains_cs, !startswith_cs or !endswith_cs.",
    **{f"{no}hasprefix{cs}": f'write {no and "not("}TEXT matches regex @"\\bWORD"{no and ")"}, or {no}startswith{cs}.' for no in ("", "!") for cs in ("", "_cs")},
    **{f"{no}hassuffix{cs}": f'write {no and "not("}TEXT matches regex @"WORD\\b"{no and ")"}, or {no}endswith{cs}.' for no in ("", "!") for cs in ("", "_cs")},
    "notcontains": "write !contains.",
    "containscs": "write contains_cs.",
    "notcontainscs": "write !contains_cs.",
}  # fmt: skip

_REPLACE = "a rule spells it replace, with the arguments in the order replace(REGEX, REWRITE, TEXT)"
_MERGE = "build the object with pack(KEY, VALUE, ...)."
_ARRAYS = "take an element by its place, LIST[0] or LIST[-1], or look into tostring(LIST)."
_NO_REGEX_TRIM = '(@"(?s)^\\s*(.*?)\\s*$", 1, TEXT)'
_HASH = "write hash_sha256(...), or let the route redact the column with hash."
_URL = 'take the part you need with extract, such as extract(@"^\\w+://([^/:?]+)", 1, URL) for the host.'
_IP = "compare text: startswith for a whole octet, or matches regex."
_BASE64 = "a rule spells it {}."

_FUNCTIONS: dict[str, str] = {
    "replace_string": f"{_REPLACE}.",
    "replace_regex": f"{_REPLACE}.",
    "replace_strings": f"{_REPLACE}, once for each text.",
    "regex_replace": f"{_REPLACE}.",
    "strrep": "write the text as often as it is needed.",
    "translate": f"{_REPLACE}.",
    "column_ifexists": "a rule spells it columnifexists.",
    "iscolumnexists": "write columnifexists(NAME, default).",
    "base64_encode_tostring": _BASE64.format("base64_encodestring"),
    "base64_decode_tostring": _BASE64.format("base64_decodestring"),
    **dict.fromkeys(("hash_md5", "hash_sha1", "hash", "hash_xxhash64", "hash_combine", "hash_many", "sha256"), _HASH),
    **dict.fromkeys(("todynamic", "parsejson", "toobject"), "write parse_json(TEXT)."),
    **dict.fromkeys(("extractjson", "extract_json"), "write parse_json(TEXT).KEY, and tostring or another conversion around it."),
    "extractall": "a rule spells it extract_all.",
    "array_strcat": "write strcat_delim(SEPARATOR, LIST[0], LIST[1], ...).",
    "strcat_array": "write strcat_delim(SEPARATOR, LIST[0], LIST[1], ...).",
    "arraylength": "a rule spells it array_length.",
    **dict.fromkeys(("bag_pack", "pack_dictionary"), "a rule spells it pack."),
    **dict.fromkeys(("pack_all", "bag_pack_columns"), "name the columns: pack(NAME, COLUMN, ...)."),
    **dict.fromkeys(("bag_merge", "bag_set_key", "bag_zip", "dynamic_to_json"), _MERGE),
    "bag_remove_keys": _MERGE,
    "bag_has_key": "write isnotnull(OBJECT.key).",
    "bag_keys": "name the keys: OBJECT.key.",
    "treepath": "name the keys: OBJECT.key.",
    **dict.fromkeys(
        ("array_sum", "array_sort_asc", "array_sort_desc", "array_reverse", "array_slice", "array_split", "array_iff", "array_iif", "array_index_of", "array_shift_left", "array_shift_right", "array_rotate_left", "array_rotate_right"),
        _ARRAYS,
    ),
    "set_has_element": 'write tostring(LIST) has "VALUE".',
    **dict.fromkeys(("set_union", "set_intersect", "set_difference", "set_equals", "jaccard_index"), _ARRAYS),
    "coalesce": "write iif(isnotnull(A), A, B), for text iif(isnotempty(A), A, B).",
    "notempty": "a rule spells it isnotempty.",
    "notnull": "a rule spells it isnotnull.",
    "toboolean": "a rule spells it tobool.",
    "totime": "a rule spells it totimespan.",
    "todecimal": "a stream has no decimal; write toreal.",
    "tohex": "leave the number as it is; convert it in a query.",
    "datepart": "a rule spells it datetime_part.",
    "week_of_year": "a rule spells it weekofyear.",
    "bin_at": "write bin(VALUE, SIZE).",
    "bin_auto": "write bin(VALUE, SIZE).",
    "sqrt": "write pow(VALUE, 0.5).",
    "format_datetime": 'write tostring(TIME), or strcat(getyear(TIME), "-", getmonth(TIME), ...).',
    "format_timespan": "write tostring(SPAN).",
    "unixtime_seconds_todatetime": "write datetime(1970-01-01) + VALUE * 1s; or give the column `format: epoch`.",
    "unixtime_milliseconds_todatetime": "write datetime(1970-01-01) + VALUE * 1ms; or give the column `format: epoch_ms`.",
    "unixtime_microseconds_todatetime": "write datetime(1970-01-01) + VALUE * 1microsecond; or give the column `format: epoch_us`.",
    "unixtime_nanoseconds_todatetime": "write datetime(1970-01-01) + VALUE / 100 * 1tick; or give the column `format: epoch_ns`.",
    "datetime_utc_to_local": 'tables hold UTC; shift by hours with datetime_add("hour", N, TIME).',
    "datetime_local_to_utc": "give the column its `zone:` in the route, which then sends UTC.",
    **dict.fromkeys(("trim", "trim_start", "trim_end"), f"write extract{_NO_REGEX_TRIM}."),
    "strcmp": "compare with == or !=.",
    "reverse": "a rule cannot turn text round; do it in the query that reads the table.",
    "indexof_regex": "write indexof(TEXT, PART), or extract.",
    "has_any_index": "write case(TEXT has A, 0, TEXT has B, 1, -1).",
    **dict.fromkeys(("parse_url", "parseurl"), _URL),
    **dict.fromkeys(("parse_urlquery", "parseurlquery"), 'write extract(@"[?&]KEY=([^&]*)", 1, URL).'),
    "url_decode": f"{_REPLACE}, once for each %XX.",
    "parse_csv": 'write split(TEXT, ","); a route of the format csv does it before the rows are sent.',
    "parse_path": 'write extract(@"([^/\\\\]+)$", 1, PATH) for the last part.',
    "parse_user_agent": "take the part you need with extract.",
    "parse_version": 'write split(TEXT, ".").',
    "parse_command_line": 'write split(TEXT, " ").',
    **dict.fromkeys(("parse_ipv4", "ipv4_is_private", "ipv4_is_match", "ipv4_is_in_range", "ipv4_is_in_any_range", "ipv4_compare", "has_ipv4", "has_any_ipv4", "has_ipv4_prefix", "has_any_ipv4_prefix", "ipv6_is_match", "ipv6_compare", "parse_ipv6", "ipv6_is_in_range"), _IP),
    "geo_info_from_ip_address": "a rule spells it geo_location.",
    "toscalar": f"{_ONE_ROW}; write the value itself.",
    "materialize": "leave it out.",
    "new_guid": "declare a column with `fact: record_id`, which names each record for good.",
    "ingestion_time": "write now().",
    "rand": "a rule cannot draw lots; leave rows out by their own values, such as where hash_sha256(KEY) startswith \"0\".",
    **dict.fromkeys(("row_number", "row_cumsum", "row_rank", "row_rank_dense", "row_rank_min", "row_window_session", "prev", "next"), f"{_ONE_ROW}; {_QUERY}."),
    **dict.fromkeys(
        ("count", "countif", "dcount", "dcountif", "sum", "sumif", "avg", "avgif", "min", "max", "minif", "maxif", "percentile", "percentiles", "stdev", "variance", "arg_max", "arg_min", "take_any", "any", "make_list", "make_set", "make_bag", "makelist", "makeset"),
        f"{_ONE_ROW}, so nothing can be aggregated; do that in a query, or with a summary rule.",
    ),
    **dict.fromkeys(("table", "database", "cluster", "workspace", "app", "externaldata", "external_table", "materialized_view"), "a rule reads source alone."),
    "todate": "write todatetime.",
    "boolean": "write bool(true), or tobool(VALUE).",
    "string": "write tostring(VALUE).",
    "char": "write tostring(VALUE).",
    "uuid": "write guid(...), or toguid(VALUE).",
    "ceil": "a rule spells it ceiling.",
    "len": "write strlen for text, array_length for a list.",
    "length": "write strlen for text, array_length for a list.",
    "lower": "a rule spells it tolower.",
    "upper": "a rule spells it toupper.",
    "substr": "a rule spells it substring.",
    "concat": "a rule spells it strcat.",
    "if": "a rule spells it iif.",
    "ifnull": "write iif(isnull(A), B, A).",
    "typeof": "typeof(...) stands as the last argument of extract only; for the type of a value write gettype.",
    "regex_quote": "write the pattern out, with a backslash before each sign.",
    "isascii": 'write TEXT matches regex @"^[\\x00-\\x7F]*$".',
    "isutf8": "rows are UTF-8 already; leave it out.",
}  # fmt: skip


def operator(name: str) -> str:
    """A sentence for an operator after a pipe."""
    remedy = _OPERATORS.get(name)
    if remedy:
        return f"a rule does not take `{name}`: {remedy}"
    guess = did_you_mean(name.lower(), list(OPERATORS))
    return f"a rule has no operator `{name}`{guess or '.'} There are: {', '.join(OPERATORS)}."


def infix(name: str) -> str | None:
    """A sentence for an operator between two values, or None where the word is none."""
    remedy = _STRING_OPERATORS.get(name)
    return f"a rule does not take `{name}`: {remedy}" if remedy else None


def function(name: str, bound: list[str]) -> str:
    """A sentence for a function.

    Args:
        name: as it is written.
        bound: functions that `let` has made.
    """
    if name.lower() != name and name.lower() in RESULTS:
        return f"function names are in lower case: write {name.lower()}."
    remedy = _FUNCTIONS.get(name)
    if remedy:
        return f"a rule does not take {name}(): {remedy}"
    guess = did_you_mean(name.lower(), [*bound, *RESULTS])
    return f"{name}() is not among the functions that a rule takes{guess or '.'}"


def is_operator(name: str) -> bool:
    """Whether KQL has an operator or a source of this name that a rule does not take."""
    return name in _OPERATORS


TOO_MANY = (
    "a rule's parse makes at most {most} columns: end the pattern with * before {name}, and parse the rest in "
    "another step."
)
TOO_DEEP = (
    "here brackets are nested more than {most} deep: make the inner part a column in a step of its own, or "
    "give it a name with let."
)
TOO_LONG_A_CHAIN = "is nested too deep: make a part of it a column in a step of its own."
DYNAMIC = "a rule does not take a dynamic(...) literal: write parse_json('...')."
