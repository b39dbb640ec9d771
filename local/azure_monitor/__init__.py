"""Stands in for Azure Monitor: ingestion, managed identity, and the workspace's query API.

Rule: it answers as the real service does, byte for byte where that is known, and is
stricter in one way only: what Azure would lose or change in silence is reported.
Invariant: a row that was answered with 204 is either in a table, dropped by the
route's transform and counted, or in the list of losses with its reason. It shares
no code with shared/shape or shared/encode, so that it can find them wrong.

    config.py     what a server is told: streams, rules, switches
    ingestion.py  checks of the request as such: sizes, encodings, the service's words
    checks.py     fast check of a good post, in C
    careful.py    record by record, when the fast check refuses
    losses.py     what is lost, by kind
    identity.py   tokens: handed out and recognised
    throttle.py   the limits per minute of a rule
    faults.py     scripted answers, for tests
    schema.py     a stream's columns, and its transform as SQL
    tables.py     the tables, and the one thread that writes them
    query.py      KQL in, the query API's JSON out; query_*.py its parts: values, errors, spans, HTTP
    state.py      metrics, recent posts, losses
    app.py, control.py, page.py   HTTP
    server.py     a running server, for tests and for __main__.py
"""

from __future__ import annotations

from .config import Config, StreamSpec, specs_from_routes
from .server import Running, serve

__all__ = ["Config", "Running", "StreamSpec", "serve", "specs_from_routes"]
