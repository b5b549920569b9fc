"""Continuation tokens: they let another process resume waiting for a deletion or a recovery.

A token is JSON in base64url. It holds the vault, the operation, and the service's answer: the public part and the
properties of the key, nothing secret.
"""

from __future__ import annotations

import base64
import json
from typing import Any, Generic, TypeVar

from ._generated.models import Model
from ._generated.operations import Operation
from ._shared.wire.identifiers import origin_of
from ._shared.wire.reading import read
from ._shared.wire.writing import to_wire

M = TypeVar("M", bound=Model)

_FORMAT = 1


class PendingOperation(Generic[M]):
    """A deletion or recovery that the service has accepted.

    :ivar vault_url: the vault.
    :ivar operation: the operation that was sent.
    :ivar answer: the service's answer.
    :ivar finished: whether the key is known to have reached its new state.
    """

    def __init__(self, vault_url: str, operation: Operation[M], answer: M, *, finished: bool = False) -> None:
        self.vault_url = vault_url
        self.operation = operation
        self.answer = answer
        self.finished = finished

    def token(self, *, finished: bool) -> str:
        """Return the token that :meth:`resumed` reads."""
        state = {
            "format": _FORMAT,
            "vault": self.vault_url,
            "operation": self.operation.name,
            "path": self.operation.path,
            "finished": finished,
            "answer": to_wire(self.answer),
        }
        return base64.urlsafe_b64encode(json.dumps(state, separators=(",", ":")).encode()).rstrip(b"=").decode()

    @classmethod
    def resumed(cls, token: str, vault_url: str, operation: Operation[M]) -> PendingOperation[M]:
        """Restore an operation from its token.

        :param token: what the caller gave as ``continuation_token``.
        :param vault_url: the vault of the client that resumes waiting.
        :param operation: the operation that the call would send without a token.
        :raises TypeError: when the token is not text.
        :raises ValueError: when it is malformed, or belongs to another vault, key or call.
        """
        if not isinstance(token, str):
            raise TypeError(f"continuation_token must be text, not {type(token).__name__}")
        try:
            state = _read(token)
            same_vault = origin_of(state["vault"]) == origin_of(vault_url)
            same_call = state["operation"] == operation.name and state["path"].lower() == operation.path.lower()
            answer = read(operation.returns, state["answer"]) if same_call and operation.returns else None
            finished = state["finished"] is True
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ValueError(
                "continuation_token is malformed: it must be what a poller's continuation_token() returned"
            ) from None
        if not same_vault:
            raise ValueError(f"continuation_token belongs to a vault other than this client's, {vault_url}")
        if answer is None:
            raise ValueError(f"continuation_token belongs to a call other than {operation.name} for {operation.path}")
        return cls(vault_url, operation, answer, finished=finished)


def _read(token: str) -> dict[str, Any]:
    data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    state = json.loads(data)
    if state["format"] != _FORMAT:
        raise ValueError(f"format {_FORMAT} is the only one")
    return state  # type: ignore[no-any-return]  # a dict: subscripting it has worked
