"""Azure's own tables: events land in them as Microsoft's agents put them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.formats import FORMATS
from shared.model import SourceFacts
from shared.routes import loads
from shared.routes.builtin import columns_for, tables
from shared.routes.names import is_legal, is_reserved
from shared.shape.facts import Context
from shared.shape.shaper import Shaper
from shared.shape.window import window
from tests.build import NOW
from tests.unit.formats.reading import blocks, parser

BLOB = SourceFacts("blob", "drop/a.log", "0x1", NOW - 60, NOW)
ROUTE = "routes: {a: {from: {messages: true}, format: %s, table: %s}}"


def landed(kind: str, table: str, line: str) -> dict[str, Any]:
    """The row of a line, through a route that says no more than its table."""
    made = loads(ROUTE % (kind, table)).by_name["a"]
    options = {"element": "Event"} if "xml" in kind else {}
    (block,) = blocks(parser("xml" if options else kind, **options), [line.encode()])
    (row,) = Shaper(made, window(NOW, NOW), Context(BLOB)).shape(block).text.splitlines()
    return dict(json.loads(row))


@pytest.mark.parametrize("table", ["CommonSecurityLog", "Syslog", "WindowsEvent"])
def test_columns_are_the_same_for_every_format(table: str) -> None:
    """Names and types of a table do not depend on the format, and Azure takes all of them."""
    first = columns_for(table, "cef") or {}
    assert all(is_legal(name) and not is_reserved(name) for name in first)
    for kind in FORMATS:
        found = columns_for(table, kind) or {}
        assert {name: column["type"] for name, column in found.items()} == {
            name: column["type"] for name, column in first.items()
        }
        assert [name for name, column in found.items() if column.get("from") == "*"] == [list(found)[-1]]


def test_a_table_that_is_not_known_has_no_columns() -> None:
    """Of other tables the route has to say the columns."""
    assert columns_for("SecurityEvent", "xml") is None
    assert tables() == ["CommonSecurityLog", "Syslog", "WindowsEvent"]


def test_a_change_to_the_columns_stays_with_its_caller() -> None:
    """Declarations are handed out as copies."""
    (columns_for("Syslog", "syslog") or {})["Computer"]["type"] = "int"
    assert (columns_for("Syslog", "syslog") or {})["Computer"]["type"] == "string"


def test_an_event_of_cef() -> None:
    """Keys of CEF go where Microsoft's mapping says, what it does not name to AdditionalExtensions."""
    event = (
        "<134>Nov 24 05:00:00 fw01 CEF:0|Example|Gateway|2.1|100|Connection denied|7|rt=1795500000123 "
        "act=blocked src=192.0.2.7 spt=4711 dst=198.51.100.9 dpt=443 proto=TCP in=12 out=5000000000 cn1=5000000000 "
        "cn1Label=Flow cs1=default deny cs1Label=Rule cfp1=0.5 externalId=77 outcome=failure reason=policy "
        "cat=traffic deviceDirection=0 start=Nov 24 2026 04:59:00 dvcpid=none vendorField=a b"
    )
    assert landed("cef", "CommonSecurityLog", event) == {
        "TimeGenerated": "2026-11-24T06:00:00.123Z",
        "Computer": "fw01",
        "DeviceVendor": "Example",
        "DeviceProduct": "Gateway",
        "DeviceVersion": "2.1",
        "DeviceEventClassID": "100",
        "Activity": "Connection denied",
        "LogSeverity": "7",
        "DeviceAction": "blocked",
        "DeviceEventCategory": "traffic",
        "CommunicationDirection": "0",
        "DestinationPort": 443,
        "DestinationIP": "198.51.100.9",
        "ExtID": "77",
        "ReceivedBytes": 12,
        "SentBytes": 5_000_000_000,
        "EventOutcome": "failure",
        "Protocol": "TCP",
        "Reason": "policy",
        "ReceiptTime": "1795500000123",
        "SourcePort": 4711,
        "SourceIP": "192.0.2.7",
        "StartTime": "2026-11-24T04:59:00Z",
        "DeviceCustomFloatingPoint1": 0.5,
        "FieldDeviceCustomNumber1": 5_000_000_000,
        "DeviceCustomNumber1Label": "Flow",
        "DeviceCustomString1": "default deny",
        "DeviceCustomString1Label": "Rule",
        "AdditionalExtensions": "syslog_timestamp=Nov 24 05:00:00;syslog_facility=local0;syslog_severity=info;vendorField=a b;dvcpid=none",
    }


def test_the_time_of_an_event_without_a_receipt_time() -> None:
    """TimeGenerated is the receipt time, else the syslog header's, else the end, else the start."""
    event = "CEF:0|V|P|1|7|name|5|start=Nov 24 2026 05:00:00"
    times = {"Nov 24 05:10:00 fw01 ": "2026-11-24T05:10:00Z", "": "2026-11-24T05:00:00Z"}
    for header, expected in times.items():
        assert landed("cef", "CommonSecurityLog", header + event)["TimeGenerated"] == expected


def test_an_event_of_leef() -> None:
    """Attributes of LEEF go where their counterparts in CEF go."""
    event = (
        "LEEF:1.0|Example|Proxy|7|41|devTime=1795500000\tsrc=192.0.2.7\tsrcPort=4711\tsev=5\tusrName=ana\trole=admin"
        "\tpolicy=strict"
    )
    assert landed("leef", "CommonSecurityLog", event) == {
        "TimeGenerated": "2026-11-24T06:00:00Z",
        "DeviceVendor": "Example",
        "DeviceProduct": "Proxy",
        "DeviceVersion": "7",
        "DeviceEventClassID": "41",
        "LogSeverity": "5",
        "ReceiptTime": "1795500000",
        "SourceUserPrivileges": "admin",
        "SourcePort": 4711,
        "SourceIP": "192.0.2.7",
        "SourceUserName": "ana",
        "AdditionalExtensions": "policy=strict",
    }


def test_a_syslog_message() -> None:
    """A message has the columns that the agent gives it, and what the agent would drop is kept."""
    line = '<38>1 2026-11-24T05:00:00.25Z web-01 sshd 77 ID1 [a b="c"] Accepted publickey'
    assert landed("syslog", "Syslog", line) == {
        "TimeGenerated": "2026-11-24T05:00:00.25Z",
        "EventTime": "2026-11-24T05:00:00.25Z",
        "Computer": "web-01",
        "HostName": "web-01",
        "Facility": "auth",
        "SeverityLevel": "info",
        "ProcessName": "sshd",
        "ProcessID": 77,
        "SyslogMessage": "Accepted publickey",
        "Extra_CF": {"msg_id": "ID1", "structured_data": {"a": {"b": "c"}}},
    }


def test_a_windows_event() -> None:
    """An event has the columns that the agent gives it; the data of the event is an object."""
    xml = (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Test-Provider'/>"
        "<EventID>4625</EventID><Version>2</Version><Level>0</Level><Task>12544</Task><Opcode>0</Opcode>"
        "<Keywords>0x8010000000000000</Keywords><TimeCreated SystemTime='2026-11-24T05:00:00.1234567Z'/>"
        "<EventRecordID>99</EventRecordID><Execution ProcessID='716' ThreadID='760'/><Channel>Security</Channel>"
        "<Computer>dc-01.example.com</Computer></System><EventData><Data Name='IpAddress'>192.0.2.7</Data></EventData>"
        "</Event>"
    )
    assert landed("{type: xml, element: Event}", "WindowsEvent", xml) == {
        "TimeGenerated": "2026-11-24T05:00:00.1234567Z",
        "Computer": "dc-01.example.com",
        "Channel": "Security",
        "Provider": "Test-Provider",
        "EventID": 4625,
        "Version": 2,
        "EventLevel": 0,
        "Task": 12544,
        "Opcode": "0",
        "Keywords": "0x8010000000000000",
        "EventRecordId": "99",
        "SystemProcessId": 716,
        "SystemThreadId": 760,
        "EventData": {"IpAddress": "192.0.2.7"},
    }


def test_records_of_another_format_have_the_columns_own_names() -> None:
    """JSON that was made for the table lands as it is; what is no column is kept."""
    record = {
        "TimeGenerated": "2026-11-24T05:00:00Z",
        "SourceIP": "192.0.2.7",
        "SourcePort": 4711,
        "odd": True,
    }
    row = landed("ndjson", "CommonSecurityLog", json.dumps(record))
    assert row == {**{k: v for k, v in record.items() if k != "odd"}, "AdditionalExtensions": "odd=true"}
