"""Connections to a service, kept for all threads of this process.

Rule: one pool for each client, as large as the number of threads that use it at once.
The SDKs' own keeps ten: whoever comes as the eleventh would begin with a handshake, and
close the connection afterwards. Invariant: no error that comes from here has a token in
its text; HTTP libraries repeat a header that they cannot send.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from .errors import ServiceUnavailable

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo
    from azure.core.pipeline.transport import RequestsTransport

T = TypeVar("T")


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


def sendable(token: T) -> T:
    """A token that can be a header's value. Raises ServiceUnavailable if it cannot."""
    text = str(getattr(token, "token", ""))
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ServiceUnavailable("the managed identity's endpoint gave a token that is none")
    return token


class Sendable:
    """A credential whose tokens can be sent.

    Args:
        credential: where they come from.
    """

    def __init__(self, credential: Any) -> None:
        self._credential = credential

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """As the credential's own. Raises ServiceUnavailable besides what that raises."""
        token: AccessToken = sendable(self._credential.get_token(*scopes, **options))
        return token

    def get_token_info(self, *scopes: str, **options: Any) -> AccessTokenInfo:
        """As the credential's own. Raises ServiceUnavailable besides what that raises."""
        token: AccessTokenInfo = sendable(self._credential.get_token_info(*scopes, **options))
        return token
