"""Bytes in, records out.

Rule: a parser is fed UTF-8 bytes in chunks of any size and gives Blocks; what
cannot be a record becomes a typed Reject with its position and reason. It raises
nothing on any input. Invariants: how the input is cut into chunks never changes
the blocks: their records, ordinals and rejects; one bad record costs one record;
a parser begun again at a Block's start gives that block again; memory is bounded
by MAX_RECORD_BYTES, not by the input.

A new format is one module with an options Struct (its tag is the name in
routes.yaml) and a parser class, one row in FORMATS, and one fixture folder.

Reasons that the parsers give: InvalidJson, InvalidUtf8, InvalidCsv, NotAnObject,
LoneSurrogate, NumberOutOfRange, TooDeep, RecordTooLong, TruncatedInput,
PathNotFound, RaggedRow, UnclosedQuote, NulByte. A detail never holds a value.
"""

from __future__ import annotations

from .delimited import CsvOptions, DelimitedParser, TsvOptions
from .face import (
    BLOCK_BYTES,
    MAX_RECORD_BYTES,
    RAW_BYTES,
    FormatSpec,
    MakeParser,
    Parser,
    ParserFactory,
)
from .jsondoc import JsonOptions, JsonParser
from .ndjson import NdjsonOptions, NdjsonParser

__all__ = [
    "BLOCK_BYTES",
    "FORMATS",
    "MAX_RECORD_BYTES",
    "RAW_BYTES",
    "FormatSpec",
    "MakeParser",
    "Parser",
    "ParserFactory",
]

FORMATS: dict[str, FormatSpec] = {
    spec.name: spec
    for spec in (
        FormatSpec(
            "ndjson",
            NdjsonOptions,
            NdjsonParser,
            splittable=True,
            summary="One JSON object a line (JSON Lines).",
        ),
        FormatSpec(
            "json",
            JsonOptions,
            JsonParser,
            splittable=False,
            summary="JSON documents: an array of objects, a list inside an object, or objects in a row.",
        ),
        FormatSpec(
            "csv",
            CsvOptions,
            DelimitedParser,
            splittable=False,
            summary="Rows of fields between delimiters, quoted where need be, with or without a header row.",
        ),
        FormatSpec(
            "tsv",
            TsvOptions,
            DelimitedParser,
            splittable=False,
            summary="csv with the tab as its delimiter.",
        ),
    )
}
"""Every format by its name in routes.yaml."""
