"""Azure resource logs, as diagnostic settings and Network Watcher write them to storage.

Rule: a record is an element of a document's `records`, or a document that has none.
Invariant: documents of any size are walked, never loaded, where `records` is their
first key, as it is in all that Azure writes; others are held whole. Strategy: the
json format walks; only where a document begins it is looked at which of the two it
is. Flow logs are taken apart by azureflows.py, in explode.py's blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from ..model import Block, Origin, Position, Record
from ..twice import maybe_twice
from .azureflows import flow_rows
from .explode import Bad, Exploding, Rows
from .face import BLOCK_BYTES
from .jsondoc import JsonOptions, JsonParser
from .jsonvalue import FAILED
from .lines import Lines

_RECORDS = "records"
_ENVELOPE = re.compile(rb'\{[ \t\r\n]*"records"[ \t\r\n]*:[ \t\r\n]*\[')
_LINES = msgspec.json.Decoder(list[dict[str, Any]])
_NOTHING = b" \t\r\n,"


class AzureOptions(
    msgspec.Struct, tag_field="type", tag="azure", frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """Azure resource logs: `{"records": [...]}`, JSON lines, and flow logs a row a flow.

    What diagnostic settings write to a storage account or an event hub: documents with a list `records`, one
    or many, or one record a line as in PT1H.json, or an array of records. A record is as it stands there. A
    `records` list that is still open at the end is no error, because blobs are appended to.

    Records of flow logs become a row for each flow tuple. A row has the record's fields (`time`,
    `macAddress`, `category`, `resourceId` or `targetResourceID`, ...), those around the tuple (`rule`, and
    `mac` or `aclID`), and the tuple's: `flow_time`, `src_ip`, `dst_ip`, `src_port`, `dst_port`, `protocol`,
    `direction` (I or O), `packets_sent`, `bytes_sent`, `packets_received`, `bytes_received`, and

    - of network security groups `decision` (A or D) and, since version 2, `state` (B, C, E); `flow_time` is
      in seconds (`format: epoch`), `protocol` T or U; version 1 has neither state nor counts;
    - of virtual networks `state` (B, C, E, D) and `encryption`; `flow_time` is in milliseconds
      (`format: epoch_ms`), `protocol` a number such as 6.

    All values of a tuple are strings; counts that are not there are left out. A record without flows is a
    row itself. A tuple of another length is rejected on its own (BadFlowTuple).

    ```yaml
    format: { type: azure }
    columns:
      TimeGenerated: { type: datetime, from: flow_time, format: epoch_ms }
      SourceIP:      { type: string,   from: src_ip }
      TargetPort:    { type: int,      from: dst_port }
      State:         { type: string,   from: state }
      Rule:          { type: string,   from: rule }
      SentBytes:     { type: long,     from: bytes_sent }
    ```
    """

    flows: Annotated[
        Literal["auto", "none"],
        Meta(
            description="auto: a row for each flow tuple of a flow log; none: a row for each record, its "
            "tuples as they are."
        ),
    ] = "auto"


class AzureParser(Exploding):
    """See `Parser`."""

    def __init__(self, options: AzureOptions, start: Position, want: type | None = None) -> None:
        del want  # a record may become many rows
        super().__init__(_Documents, start, partial(_rows, flows=options.flows == "auto"))


class _Documents(JsonParser):
    """Documents with `records`, and records without a document."""

    def __init__(self, start: Position) -> None:
        super().__init__(JsonOptions(path=_RECORDS), start)

    def flush(self) -> Iterator[Block]:
        """Give what is left; a list that is open at the end, with nothing in it cut, is no reject."""
        for block in super().flush():
            if not _is_open_list(block):
                yield block

    def _top(self, ended: bool) -> Block | bool:
        first = self._skip_space()
        if first != b"{":
            return super()._top(ended)
        if len(self._buffer.data) < BLOCK_BYTES and not ended:
            return False
        if _ENVELOPE.match(self._buffer.data):
            return super()._top(ended)
        return self._lines(ended) or self._values("top", b"[]", ended)

    def _lines(self, ended: bool) -> Block | None:
        """The records of a window that has one on each line, in one call."""
        text = self._buffer.peek(BLOCK_BYTES)
        if ended and len(text) < BLOCK_BYTES:
            text = text.rstrip()
        else:
            text = text[: max(text.rfind(b"}\n{"), text.rfind(b"}\r\n{")) + 1]
        if not text or b'"records"' in text:
            return None
        try:
            records = _LINES.decode(b"[%b]" % text.replace(b"}\r\n{", b"},{").replace(b"}\n{", b"},{"))
        except FAILED:
            return None
        if len(records) != text.count(b"\n") + 1 or maybe_twice(text, records):
            return None
        source, base = Lines(self._position(), text), self._ordinal
        block = Block(
            start=source.start,
            records=records,
            ordinals=range(base, base + len(records)),
            end=base + len(records),
            origin=lambda index: Origin(*source.lines[index]),
        )
        return self._given(block, len(text))


def _is_open_list(block: Block) -> bool:
    reasons = [reject.reason for reject in block.rejects if not reject.raw.strip(_NOTHING)]
    return not block.records and reasons == ["TruncatedInput"]


def _rows(record: Record, *, flows: bool) -> Iterator[Rows | Bad] | None:
    """What a record becomes: rows if it is a document after all, or of a flow log."""
    inside = record.get(_RECORDS)
    if isinstance(inside, list) and inside and all(isinstance(item, dict) for item in inside):
        return _document_rows(inside, flows=flows)
    return flow_rows(record) if flows else None


def _document_rows(inside: list[Any], *, flows: bool) -> Iterator[Rows | Bad]:
    for item in inside:
        found = flow_rows(item) if flows else None
        if found is None:
            yield Rows([item])
        else:
            yield from found
