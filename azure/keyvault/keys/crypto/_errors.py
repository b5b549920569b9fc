"""What operations raise beside azure-core's errors: a caller's mistake raises the same type here and in the vault."""

from __future__ import annotations

from azure.core.exceptions import AzureError, HttpResponseError

from .._shared.wire.refusals import inner_code

_MISTAKES = frozenset(("KeyOperationForbidden", "KeyDisabled"))


class OperationNotAllowed(AzureError, ValueError):
    """The key does not allow the operation. It is also a ``ValueError``, as the other mistakes of a caller are."""


class InputRefused(HttpResponseError, ValueError):
    """The vault refused what this process would have refused, had the operation run here: with a ``ValueError``."""

    @classmethod
    def of(cls, error: HttpResponseError) -> InputRefused:
        """Make one that tells all that another error does."""
        refused = cls.__new__(cls)
        refused.__dict__.update(vars(error))
        refused.args = error.args
        return refused


def of_operation(error: HttpResponseError) -> HttpResponseError:
    """Return the error of a cryptographic operation for the vault's.

    Bad data and unfit arguments (400), and a key that is disabled or not for the operation (403), are a ``ValueError``
    too: where an operation runs does not change which ``except`` catches its failure.
    """
    # A Managed HSM has as the outer code what a vault has as the inner one.
    codes = {inner_code(error), error.error.code if error.error is not None else None}
    if error.status_code == 400 or (error.status_code == 403 and not _MISTAKES.isdisjoint(codes)):
        return InputRefused.of(error)
    return error
