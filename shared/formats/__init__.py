"""Bytes in, records out.

Rule: a parser is fed UTF-8 bytes in chunks of any size and gives Blocks; what
cannot be a record becomes a typed Reject with its position and reason. It raises
nothing on any input. Invariants: how the input is cut into chunks never changes
the blocks: their records, ordinals and rejects; one bad record costs one record;
a parser begun again at a Block's start gives that block again; memory is bounded
by MAX_RECORD_BYTES, not by the input.

A new format is one module with an options Struct (its tag is the name in
routes.yaml) and a parser class, one row in FORMATS, one fixture folder, one sample
and one module of property cases. A detail of a reject never holds a value.
"""

from __future__ import annotations

from .face import BLOCK_BYTES, MAX_RECORD_BYTES, RAW_BYTES, FormatSpec, MakeParser, Parser

__all__ = [
    "BLOCK_BYTES",
    "FORMATS",
    "MAX_RECORD_BYTES",
    "RAW_BYTES",
    "FormatSpec",
    "MakeParser",
    "Parser",
]

FORMATS: dict[str, FormatSpec] = {
    spec.name: spec
    for spec in (
        FormatSpec("ndjson", "ndjson:NdjsonOptions:NdjsonParser", lines=True),
        FormatSpec("json", "jsondoc:JsonOptions:JsonParser"),
        FormatSpec("csv", "delimited:CsvOptions:DelimitedParser"),
        FormatSpec("tsv", "delimited:TsvOptions:DelimitedParser"),
        FormatSpec("w3c", "w3c:W3cOptions:W3cParser"),
        FormatSpec("zeek", "zeek:ZeekOptions:ZeekParser"),
        FormatSpec("xml", "xmldoc:XmlOptions:XmlParser"),
        FormatSpec("azure", "azurelogs:AzureOptions:AzureParser"),
        FormatSpec("syslog", "syslog:SyslogOptions:SyslogParser"),
        FormatSpec("cef", "cef:CefOptions:CefParser", lines=True),
        FormatSpec("leef", "leef:LeefOptions:LeefParser", lines=True),
        FormatSpec("logfmt", "kv:LogfmtOptions:KvParser", lines=True),
        FormatSpec("kv", "kv:KvOptions:KvParser", lines=True),
        FormatSpec("regex", "regex:RegexOptions:RegexParser"),
        FormatSpec("text", "text:TextOptions:TextFormatParser"),
        FormatSpec("parquet", "parquet:ParquetOptions:ParquetParser", text=False),
        FormatSpec("avro", "avro:AvroOptions:AvroParser", text=False),
    )
}
"""Every format by its name in routes.yaml, in the order of the docs."""
