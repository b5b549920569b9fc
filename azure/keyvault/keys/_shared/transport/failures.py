"""Maps exceptions of the HTTP libraries to errors of azure-core, depending on whether the request was sent. One table
for sync and async.

+-----------------------------------+---------------------------------+-----------------------------------+
| failure                           | before the request was sent     | later, or when that is unknown    |
+===================================+=================================+===================================+
| a timeout                         | ``ServiceRequestTimeoutError``  | ``ServiceResponseTimeoutError``   |
| the body is incomplete            |                                 | ``IncompleteReadError``           |
| the body is too long, compressed  |                                 | ``DecodeError``                   |
| anything else                     | ``ServiceRequestError``         | ``ServiceResponseError``          |
+-----------------------------------+---------------------------------+-----------------------------------+

The sync transport knows whether the request was sent. For aiohttp, the class of the exception tells.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Any, TypeVar

from azure.core.exceptions import (
    AzureError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)

from ..sockets.tls import explained

#: What failed when a connection broke after the request was sent.
LOST = "The connection was lost before the response was complete"

# Some errors quote what the server sent.
_LONGEST_TEXT = 500

E = TypeVar("E", bound=AzureError)


class Meaning(Enum):
    """What an exception means for a request."""

    UNSENT = auto()
    UNSENT_IN_TIME = auto()
    LOST = auto()
    LATE = auto()
    CUT_SHORT = auto()


#: By class name, so that no library has to be imported. The first class in the MRO that is listed here decides.
_MEANINGS = {
    # aiohttp, before it has sent anything
    "ConnectionTimeoutError": Meaning.UNSENT_IN_TIME,
    "ClientConnectorError": Meaning.UNSENT,
    "ClientProxyConnectionError": Meaning.UNSENT,
    "ClientHttpProxyError": Meaning.UNSENT,
    "InvalidURL": Meaning.UNSENT,
    # aiohttp, later
    "ClientPayloadError": Meaning.CUT_SHORT,
    "ServerTimeoutError": Meaning.LATE,
    "ClientError": Meaning.LOST,
    # urllib3 and http.client, which are used once the connection is open
    "ReadTimeoutError": Meaning.LATE,
    "NewConnectionError": Meaning.UNSENT,
    "ProxyError": Meaning.UNSENT,
    "ConnectTimeoutError": Meaning.UNSENT_IN_TIME,
    "IncompleteRead": Meaning.CUT_SHORT,
    "ProtocolError": Meaning.CUT_SHORT,  # raised by urllib3 while it reads a body
    "HTTPError": Meaning.LOST,
    "HTTPException": Meaning.LOST,
    # Python itself: sockets, TLS, invalid numbers in a response
    "TimeoutError": Meaning.LATE,
    "OSError": Meaning.LOST,
    "ValueError": Meaning.LOST,
    "OverflowError": Meaning.LOST,
    "MemoryError": Meaning.LOST,
}

_KINDS: dict[Meaning, type[AzureError]] = {
    Meaning.UNSENT: ServiceRequestError,
    Meaning.UNSENT_IN_TIME: ServiceRequestTimeoutError,
    Meaning.LOST: ServiceResponseError,
    Meaning.LATE: ServiceResponseTimeoutError,
    Meaning.CUT_SHORT: IncompleteReadError,
}


def meaning_of(error: BaseException, *, connected: bool = True) -> Meaning | None:
    """Return what an exception means for a request; None when it is not from an HTTP library or the network.

    :param connected: whether the connection was open. If not, nothing was sent.
    """
    meaning = next((_MEANINGS[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in _MEANINGS), None)
    if meaning is None or connected:
        return meaning
    return Meaning.UNSENT_IN_TIME if meaning in (Meaning.LATE, Meaning.UNSENT_IN_TIME) else Meaning.UNSENT


def is_unsent(error: ServiceRequestError) -> bool:
    """Whether the request was certainly not sent: azure-core's transports raise this error for lost connections too."""
    cause: Any = error.inner_exception
    library = type(cause).__module__.partition(".")[0]
    if library == "requests":  # it has put the error of urllib3, which may have put another one, into one of its own
        cause = next(iter(cause.args), None)
        cause = getattr(cause, "reason", cause)
    elif library != "aiohttp":
        return True
    return isinstance(cause, Exception) and meaning_of(cause) in (Meaning.UNSENT, Meaning.UNSENT_IN_TIME)


def failure(error: Exception, what: str, *, connected: bool = True) -> AzureError | None:
    """Return azure-core's error for an exception; None when it is not from an HTTP library or the network.

    :param what: what failed, such as "Cannot connect to vault.example:443".
    :param connected: whether the connection was open. If not, nothing was sent.
    """
    meaning = meaning_of(error, connected=connected)
    if meaning is None:
        return None
    text = str(error) or type(error).__name__
    refused: Any = error if isinstance(getattr(error, "os_error", None), OSError) else None
    if refused:  # aiohttp's own text repeats the host, and shows the address of an object in memory
        text = str(refused.os_error)
        if type(refused).__name__ == "ClientProxyConnectionError":
            what += f" through the proxy at {refused.host}:{refused.port}"
    found = _KINDS[meaning](f"{what}: {text[:_LONGEST_TEXT]}", error=error)
    return stripped(explained(found) if isinstance(found, ServiceRequestError) else found)


def stripped(error: E) -> E:
    """Remove the HTTP library's frames, and the exceptions that it caught itself, from a transport's error.

    The local variables of those frames include bodies. Tools that print them would reveal private keys or plaintext.
    """
    error.exc_traceback = None
    cause = error.inner_exception
    if cause is not None:
        cause.__cause__ = cause.__context__ = None
        cause.__traceback__ = None
    return error.with_traceback(None)
