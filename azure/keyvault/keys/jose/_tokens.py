"""JSON Web Tokens: joserfc writes them, the vault signs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from joserfc import jwt
from joserfc.jwk import OctKey
from joserfc.jws import JWSAlgModel, JWSRegistry  # type: ignore[attr-defined]  # as joserfc's guide imports it

from .._frames import clears_its_locals
from .._jwk import JsonWebKey, family_of
from .._jwk.rfc7517 import encode_base64url
from ..crypto._local.algorithms import signature as signature_row
from ._algorithms import signature_algorithm

if TYPE_CHECKING:
    from ..crypto import CryptographyClient, SignatureAlgorithm


@clears_its_locals
def sign_jwt(
    crypto: CryptographyClient,
    claims: Mapping[str, Any],
    *,
    algorithm: SignatureAlgorithm | str | None = None,
    headers: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> str:
    """Sign a JSON Web Token (RFC 7519) with a key of a vault.

    The header identifies the version that signs: its ``kid`` is the thumbprint of the key (RFC 7638), as in
    :func:`jwk_set`. Tokens therefore stay verifiable when the key is rotated.

    :param crypto: the client of the key. With ``refresh_after`` it follows the rotation of the key.
    :param claims: the claims. None are added; ``iat``, ``nbf`` and ``exp`` may be datetimes.
    :param algorithm: an algorithm that fits the key. Default: RS256 for RSA keys; other keys have only one.
    :param headers: further header members, or replacements for ``typ`` and ``kid``; members that are None are left out.
    :param kwargs: options of the call, such as ``timeout``.
    :returns: the token in its compact form.
    :raises ValueError: when the algorithm does not fit the key, the key does not allow signing (at this time), or no
        algorithm is given and the caller may not read the key.
    :raises TypeError: when the claims cannot be serialized as JSON.
    :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
    """
    version, key = crypto._pinned(kwargs)
    draft = Draft(key, version.key_id, claims, algorithm, headers)
    result = version.sign_data(draft.algorithm, draft.signing_input, **kwargs)
    return draft.signed(result.signature)


class Draft:
    """A token without its signature, for one version of a key.

    :param key: the public part of the version; None when the caller may not read it.
    :param key_id: its identifier.
    """

    def __init__(
        self,
        key: JsonWebKey | None,
        key_id: str | None,
        claims: Mapping[str, Any],
        algorithm: SignatureAlgorithm | str | None,
        headers: Mapping[str, Any] | None,
    ) -> None:
        self.algorithm = _algorithm(key, key_id, algorithm)
        header = {"typ": "JWT", "alg": self.algorithm, "kid": _kid(key), **(headers or {})}
        if header["alg"] != self.algorithm:
            raise ValueError(f"'headers' names the algorithm {header['alg']!r}, but it is {self.algorithm}")
        header = {name: value for name, value in header.items() if value is not None}
        # joserfc writes the whole token, with an empty signature.
        unsigned = jwt.encode(header, dict(claims), _NO_KEY, registry=_UNSIGNED, default_type=None)
        self._text = unsigned.removesuffix(".")

    @property
    def signing_input(self) -> bytes:
        """What is signed (RFC 7515 section 5.1)."""
        return self._text.encode("ascii")

    def signed(self, signature: bytes) -> str:
        """Return the token."""
        return f"{self._text}.{encode_base64url(signature)}"


class _Unsigned(JWSAlgModel):
    """A joserfc algorithm whose signature is added later."""

    key_type = "oct"
    recommended = True

    def __init__(self, name: str) -> None:
        self.name = name
        self.description = f"{name} in a vault"

    def sign(self, msg: bytes, key: Any) -> bytes:
        """Return no signature."""
        return b""

    def verify(self, msg: bytes, sig: bytes, key: Any) -> bool:
        """Reject every signature: this class does not verify."""
        return False


class _UnsignedRegistry(JWSRegistry):
    def get_alg(self, name: str) -> JWSAlgModel:
        """Return a stand-in for any algorithm: the client knows which ones exist."""
        return _Unsigned(name)


_UNSIGNED = _UnsignedRegistry(strict_check_header=False)
_NO_KEY = OctKey.generate_key(256)


def _kid(key: JsonWebKey | None) -> str | None:
    return key.thumbprint() if key is not None and family_of(key.kty) != "oct" else None


def _algorithm(key: JsonWebKey | None, key_id: str | None, algorithm: str | None) -> str:
    name = algorithm or (signature_algorithm(key) if key is not None else None)
    if name is None:
        raise ValueError(
            f"'algorithm' is required: the caller may not read the key {key_id}, or the key has no algorithm of its own"
        )
    return signature_row(name).name
