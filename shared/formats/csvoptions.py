"""What a route can say of its CSV, and how that is said to the csv module.

Rule: an option that cannot work is refused when routes.yaml is read, with its key,
its value and the remedy.
"""

from __future__ import annotations

import csv
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

_LINE_ENDS = ("\n", "\r")


class CsvOptions(
    msgspec.Struct, tag_field="type", tag="csv", frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """Rows of fields (RFC 4180 and its relatives).

    Every value is a string; the route's columns give it its type. An empty field
    is an empty string. Blank lines are skipped. Fields in quotes may hold
    delimiters, doubled quotes and newlines. A header row of over 10,000 fields is
    rejected (TooManyFields), and so are its rows, since there are no columns then.

    A header of syslog before each row, as firewalls send it, is a part of the first field: give that a name
    of its own. With `delimiter: " "` every blank is one; rows with runs of blanks want the format regex.

    ```yaml
    format: { type: csv }                                           # the first row has the names
    format: { type: csv, delimiter: ";", skip_lines: 1 }            # a line sep=; before it
    format: { type: csv, delimiter: " " }
    format: { type: csv, comment: "#", header: false, names: [date-time, client-ip, event-id] }   # Exchange
    format: { type: csv, header: false, names: [header, time, serial, kind, source], on_ragged: pad }
    ```
    """

    delimiter: Annotated[
        str, Meta(description="What stands between two fields: one character, or the word tab.")
    ] = ","
    header: Annotated[
        bool,
        Meta(
            description="Whether the first row holds the names of the columns. A name that is there already "
            "gets the suffix _2, _3, ...; an empty one becomes column_<number>."
        ),
    ] = True
    names: Annotated[
        tuple[str, ...],
        Meta(
            description="The columns' names: needed without a header row, in the place of its names with one."
        ),
    ] = ()
    quote: Annotated[
        str, Meta(description='What encloses a field that holds a delimiter or a newline; "" for nothing.')
    ] = '"'
    escape: Annotated[
        str | None,
        Meta(description="A character that takes the meaning from the one after it, inside quotes too."),
    ] = None
    comment: Annotated[str | None, Meta(description="A character: lines that begin with it are skipped.")] = (
        None
    )
    skip_lines: Annotated[
        int, Meta(ge=0, description="How many lines to skip at the beginning, before the header row.")
    ] = 0
    trim: Annotated[bool, Meta(description="Whether to remove spaces and tabs around every field.")] = False
    on_ragged: Annotated[
        Literal["reject", "pad"],
        Meta(
            description="What to do with a row of more or fewer fields than there are columns. reject: it "
            "goes to the dead letter (RaggedRow). pad: what is missing is null, the surplus a list "
            "under _surplus."
        ),
    ] = "reject"

    def __post_init__(self) -> None:
        for key in ("delimiter", "quote", "escape", "comment"):
            _one_character(key, getattr(self, key))
        _distinct(
            {"delimiter": self.separator, "quote": self.quote, "escape": self.escape, "comment": self.comment}
        )
        if self.trim and self.separator == " ":
            raise ValueError("trim: true cannot go with the delimiter ' '; leave trim out")
        _check_names(self)

    @property
    def separator(self) -> str:
        """The delimiter as a character."""
        return "\t" if self.delimiter == "tab" else self.delimiter

    def dialect(self) -> dict[str, Any]:
        """The same as keyword arguments of csv.reader."""
        return {
            "delimiter": self.separator,
            "quotechar": self.quote or None,
            "quoting": csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            "escapechar": self.escape,
            "skipinitialspace": self.trim,
        }


class TsvOptions(CsvOptions, tag="tsv", frozen=True, forbid_unknown_fields=True, kw_only=True):
    """csv with the tab as its delimiter; the other options are csv's.

    A tab-separated file that was written without any quoting, as many tools do,
    wants `quote: ""`.
    """

    delimiter: Annotated[
        str, Meta(description="What stands between two fields: one character, or the word tab.")
    ] = "\t"


def _one_character(key: str, value: str | None) -> None:
    if value is None or (key == "quote" and not value) or (key == "delimiter" and value == "tab"):
        return
    if len(value) != 1:
        raise ValueError(f"{key}: {value!r} has {len(value)} characters; write exactly one")
    if value in _LINE_ENDS or value == "\0" or (key != "delimiter" and value == " "):
        raise ValueError(f"{key}: {value!r} cannot be used here; write a visible character")


def _distinct(characters: dict[str, str | None]) -> None:
    seen: dict[str, str] = {}
    for key, value in characters.items():
        if not value:
            continue
        if value in seen:
            raise ValueError(f"{key}: {value!r} is the {seen[value]} already; write another character")
        seen[value] = key


def _check_names(options: CsvOptions) -> None:
    if not options.header and not options.names:
        raise ValueError("header: false needs names: the list of the columns' names, in order")
    if any(not name for name in options.names):
        raise ValueError("names: '' is no name; give every column one")
    double = [name for name in options.names if options.names.count(name) > 1]
    if double:
        raise ValueError(f"names: {double[0]!r} is there twice; give every column a name of its own")
