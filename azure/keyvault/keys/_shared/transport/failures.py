"""What a failure of an HTTP library means: was the request sent, and which error is raised? One table for sync and
async.

+-----------------------------------+---------------------------------+-----------------------------------+
| what failed                       | before the request was sent     | afterwards, or nobody knows       |
+===================================+=================================+===================================+
| something took too long           | ``ServiceRequestTimeoutError``  | ``ServiceResponseTimeoutError``   |
| the body ended too early          |                                 | ``IncompleteReadError``           |
| the answer is too long, encoded   |                                 | ``DecodeError``                   |
| anything else                     | ``ServiceRequestError``         | ``ServiceResponseError``          |
+-----------------------------------+---------------------------------+-----------------------------------+

The synchronous transport knows itself whether the request was sent; ``aiohttp`` says so by the classes of its errors.
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

from .tls import explained

# Some errors quote what the server has said.
_LONGEST_TEXT = 500

E = TypeVar("E", bound=AzureError)


class Meaning(Enum):
    """What an exception says about a request."""

    UNSENT = auto()
    UNSENT_IN_TIME = auto()
    LOST = auto()
    LATE = auto()
    CUT_SHORT = auto()


#: By the names of classes, so that no library has to be loaded to compare. The first base that is here counts.
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
    # urllib3 and http.client, which are used for what comes after the connection was made
    "ReadTimeoutError": Meaning.LATE,
    "NewConnectionError": Meaning.UNSENT,
    "ProxyError": Meaning.UNSENT,
    "ConnectTimeoutError": Meaning.UNSENT_IN_TIME,
    "IncompleteRead": Meaning.CUT_SHORT,
    "ProtocolError": Meaning.CUT_SHORT,  # of urllib3, while it reads a body
    "HTTPError": Meaning.LOST,
    "HTTPException": Meaning.LOST,
    # Python itself: sockets, TLS, numbers in heads that are none
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
    """Return what an exception says about a request; None when it does not come from an HTTP library or the network.

    :param connected: whether the connection was made: otherwise nothing was sent.
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
    """Return azure-core's error for an exception; None when it does not come from an HTTP library or the network.

    :param what: what was tried, as "Cannot connect to vault.example:443".
    :param connected: whether the connection was made: otherwise nothing was sent.
    """
    meaning = meaning_of(error, connected=connected)
    if meaning is None:
        return None
    text = str(error) or type(error).__name__
    found = _KINDS[meaning](f"{what}: {text[:_LONGEST_TEXT]}", error=error)
    return stripped(explained(found) if isinstance(found, ServiceRequestError) else found)


def stripped(error: E) -> E:
    """Return an error of a transport without the frames of its HTTP library, and without what that has caught itself.

    Bodies are locals of those frames: tools that print locals would show a private key, or a plaintext.
    """
    error.exc_traceback = None
    cause = error.inner_exception
    if cause is not None:
        cause.__cause__ = cause.__context__ = None
        cause.__traceback__ = None
    return error.with_traceback(None)
