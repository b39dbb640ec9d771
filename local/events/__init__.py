"""Stands in for Event Grid: tells a webhook or a queue of every blob that is written.

Rule: Azurite raises no events, but its access log has a line for every request that
it answered; what Event Grid would raise an event for is read from there. Like Event
Grid it begins with a handshake, delivers at least once and in no order, tries again
while the other side is down, and says nothing of blobs that were there before.
Invariant: a write that the log shows becomes an event, unless the other side refuses
it for good or does not take it in MAX_ATTEMPTS tries, which the log then says.

    access_log.py  a line -> what was written
    tail.py        a growing file -> lines
    event.py       what was written -> BlobCreated
    deliver.py     handshake, delivery, another try
"""

from __future__ import annotations

CONNECTION = "EVENTS_STORAGE"
"""Environment variable with the storage account's connection string."""
