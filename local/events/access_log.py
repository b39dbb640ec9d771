"""A line of Azurite's access log -> what was written.

Rule: only what Event Grid raises BlobCreated for: Put Blob (also the creation of an
append blob), Put Block List, Copy Blob. Blocks, pages, appends, metadata, containers
and failed requests are nothing. Source of the list: Azure Blob Storage as an Event
Grid source, "PutBlob, PutBlockList, CopyBlob" (an append raises none).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

# morgan's "common" format: host - user [time] "METHOD target HTTP/1.1" status length
_LINE = re.compile(r'\S+ \S+ \S+ \[[^\]]*\] "PUT (\S+) HTTP/[\d.]+" (\d{3}) ')

_APIS = {(None, 201): "PutBlob", ("blocklist", 201): "PutBlockList", (None, 202): "CopyBlob"}
"""By the comp parameter and the status: a copy is answered 202, and nothing else without comp is."""


@dataclass(frozen=True, slots=True)
class Written:
    """A blob that was written."""

    api: str
    """PutBlob, PutBlockList or CopyBlob."""
    container: str
    blob: str
    """Its name, not percent-encoded."""


def parse(line: str, account_path: str) -> Written | None:
    """What a line tells of, None if it is nothing that raises an event.

    Args:
        line: of the access log, of any kind.
        account_path: path of the account's endpoint, "/devstoreaccount1".
    """
    match = _LINE.match(line)
    if match is None:
        return None
    target = urlsplit("http://host" + match[1])
    query = parse_qs(target.query)
    if "restype" in query or not target.path.startswith(account_path + "/"):
        return None
    api = _APIS.get((query.get("comp", [None])[0], int(match[2])))
    container, _, blob = target.path[len(account_path) + 1 :].partition("/")
    return Written(api, unquote(container), unquote(blob)) if api and container and blob else None
