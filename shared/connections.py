"""Connections to a service, kept for all threads of this process.

Rule: one pool for each client, as large as the number of threads that use it at once.
The SDKs' own keeps ten: whoever comes as the eleventh would begin with a handshake, and
close the connection afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.core.pipeline.transport import RequestsTransport


def transport(most: int, *, connect: float, read: float) -> RequestsTransport:
    """An SDK client's way to its service.

    Args:
        most: connections that are kept open.
        connect: seconds within which a connection must stand.
        read: seconds of silence within an answer, or before it.
    """
    import requests  # noqa: PLC0415 - imported with the first client, not at start
    from azure.core.pipeline.transport import RequestsTransport  # noqa: PLC0415

    session = requests.Session()
    adapter = requests.adapters.HTTPAdapter(pool_maxsize=most)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return RequestsTransport(
        session=session, session_owner=False, connection_timeout=connect, read_timeout=read
    )
