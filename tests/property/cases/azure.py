"""azure: pieces that inputs are made of."""

from __future__ import annotations

from shared.formats import azureflows, explode
from tests.property.case import Case

_VNET = (
    b'{"t":1,"flowRecords":{"flows":[{"aclID":"a","flowGroups":[{"rule":"r","flowTuples":['
    b'"1,10.0.0.6,192.0.2.1,2,3,6,O,B,NX,0,0,0,0","1,10.0.0.6,192.0.2.1,2,3,6,O,B,NX,,,,"]}]}]}}'
)
_SHORT = b'{"flowRecords":{"flows":[{"flowGroups":[{"flowTuples":["1,2,3,4,5,6,7,8,9,0,1,2,3"%b]}]}]}}'

PIECES = [
    b'{"records":[',
    b'{"records":[',
    b'{ "records" : [\n',
    b'{"records":[]}',
    b'{"records":[{"a":1}]}',
    b'{"records":{"a":1}}',
    b'{"a":0,"records":[{"a":1},{"a":2}]}',
    b"]}",
    b"]}\n",
    b"]",
    b"[",
    b"{",
    b"}",
    b",",
    b",\n",
    b"\n",
    b"\r\n",
    b" ",
    b'{"a":1}',
    b'{"a":1}\n',
    b'{"a":2}\r\n',
    b'{"a":"\xff"}',
    b'{"a":-Infinity}',
    b'{"a":1,"a":2}',
    b'"x"',
    b"tru",
    b'{"a":"' + b"x" * 70 + b'"}',
    b'{"a":"' + b"y" * 450 + b'"}',
    _VNET,
    _SHORT % b"",
    _SHORT % b',"1,2"',
    _SHORT % b',"1,2",7,"\\u00e9","1,2,3,4,5,6,7,8,9,0,1,2,3"',
    _SHORT % (b',"1,2,3,4,5,6,7,8,9,0,1,2,3"' * 9),
    b'{"flowRecords":{"flows":[{"flowGroups":[{"flowTuples":[]},{"rule":1},2]},{"flowGroups":[]}]}}',
    b'{"flowRecords":{"flows":[{}]}}',
    b'{"flowRecords":{"flows":[]}}',
    b'{"properties":{"Version":1,"flows":[{"rule":"r","flows":[{"mac":"m","flowTuples":["1,2,3,4,5,T,I,A"]}]}]}}',
    b'{"properties":{"flows":[{"flows":[{"flowTuples":["1,2,3,4,5,T,I,A,B,1,2,3,4","1,2,3,4,5,T,I,A"]}]}]}}',
    b'{"properties":{"flows":7}}',
    b"\x00",
]

CASES = {
    "azure": Case("azure", {}, PIECES, exact=False),
    "azure-none": Case("azure", {"flows": "none"}, PIECES, exact=False),
}

SMALL = [
    (explode, "ROWS", 4),
    (azureflows, "ROWS", 4),
    (explode, "LARGEST", 2000),
    (explode, "LARGEST_BLOCK", 300),
    (explode, "_SAMPLED", 2),
]
