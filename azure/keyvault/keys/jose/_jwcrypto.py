"""The key class of jwcrypto, with the private key in a vault. Only imported when jwcrypto is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jwcrypto.jwk import JWK, InvalidJWKValue

if TYPE_CHECKING:
    from ..crypto import KeyVaultECPrivateKey, KeyVaultRSAPrivateKey

_PRIVATE = {"sign": "verify", "decrypt": "encrypt", "unwrapKey": "wrapKey"}


class VaultKey(JWK):  # type: ignore[misc]  # jwcrypto has no type information
    """A JWK whose private key is an object that works in a vault."""

    def __init__(self, private_key: KeyVaultECPrivateKey | KeyVaultRSAPrivateKey, public: dict[str, Any]) -> None:
        super().__init__(**public)
        self._private_key = private_key

    def get_op_key(self, operation: str | None = None, arg: Any = None) -> Any:
        """Return the object with which jwcrypto performs an operation."""
        if operation not in _PRIVATE:
            return super().get_op_key(operation, arg)
        super().get_op_key(_PRIVATE[operation], arg)  # checks the use
        if arg not in (None, self.get("crv")):
            # jwcrypto checks the curve only when it makes its own key object.
            raise InvalidJWKValue(f"The key is on the curve {self.get('crv')}, not on {arg}")
        return self._private_key
