"""RSA keys and algorithms: RSA-OAEP, RSA-OAEP-256, RSA1_5, RS256 to RS512 and PS256 to PS512 (RFC 8017, RFC 7518)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from .._errors import bad_parameter, invalid_property, malformed_jwk, undecryptable, unsound_rsa_key
from . import jose
from .material import (
    CipherAlgorithm,
    CipherInput,
    CipherOutput,
    SignatureAlgorithm,
    integer,
    required_members,
    unsupported_size,
)

SIZES = (2048, 3072, 4096)
_PRIVATE_MEMBERS = ("n", "e", "d", "p", "q", "dp", "dq", "qi")
_MAX_MEMBER_BYTES = 1024
_USUAL_EXPONENT = 65537


class RsaMaterial:
    """An RSA key. ``n`` and ``e`` are kept as given because the service echoes an imported modulus."""

    family = "RSA"

    def __init__(self, n: str, e: str, private: rsa.RSAPrivateKey | bytes, curve: str | None = None) -> None:
        self._n = n
        self._e = e
        self._private = private
        self._curve = curve

    @classmethod
    def generate(cls, size: int | None = None, exponent: int | None = None) -> RsaMaterial:
        """Generate a key, by default with 2048 bits and the exponent 65537."""
        if size is not None and size not in SIZES:
            raise unsupported_size(size, SIZES)
        if exponent is not None and (exponent < 3 or exponent % 2 == 0):
            raise invalid_property("public_exponent")
        return cls.from_key(_generated(exponent or _USUAL_EXPONENT, size or 2048))

    @classmethod
    def from_key(cls, key: rsa.RSAPrivateKey) -> RsaMaterial:
        """Wrap a key object of ``cryptography``.

        :raises ServiceError: 400 for a size that is not supported.
        """
        if key.key_size not in SIZES:
            raise unsupported_size(key.key_size, SIZES)
        public = key.public_key().public_numbers()
        n = public.n.to_bytes((key.key_size + 7) // 8, "big")
        e = public.e.to_bytes((public.e.bit_length() + 7) // 8, "big")
        return cls(jose.encode(n), jose.encode(e), key)

    @classmethod
    def from_jwk(
        cls, jwk: Mapping[str, bytes], *, keeps_leading_zeros: bool = True, curve: str | None = None
    ) -> RsaMaterial:
        """Import a private JWK, given as decoded members.

        :param keeps_leading_zeros: keep the modulus as it was given.
        :param curve: a ``crv`` to echo; it has no effect.
        :raises ServiceError: 400 for missing members, an unsupported size, or inconsistent numbers.
        """
        required_members(jwk, _PRIVATE_MEMBERS, malformed_jwk)
        if any(len(jwk[name]) > _MAX_MEMBER_BYTES for name in _PRIVATE_MEMBERS):
            raise unsound_rsa_key()
        n, e, d, p, q, dp, dq, qi = (integer(jwk[name]) for name in _PRIVATE_MEMBERS)
        if n.bit_length() not in SIZES:
            raise unsupported_size(n.bit_length(), SIZES)
        try:
            key = rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi, rsa.RSAPublicNumbers(e, n)).private_key()
        except (ValueError, OverflowError) as error:
            raise unsound_rsa_key() from error
        modulus = jwk["n"] if keeps_leading_zeros else jwk["n"].lstrip(b"\0")
        return cls(jose.encode(modulus), jose.encode(jwk["e"]), key, curve)

    @classmethod
    def load(cls, members: Mapping[str, str], private: bytes) -> RsaMaterial:
        """Restore a key from its public members and its PKCS #8 form."""
        return cls(members["n"], members["e"], private, members.get("crv"))

    @cached_property
    def key(self) -> rsa.RSAPrivateKey:
        """The private key. A stored key is parsed at first use."""
        if not isinstance(self._private, bytes):
            return self._private
        key = serialization.load_der_private_key(self._private, None, unsafe_skip_rsa_key_validation=True)
        return cast(rsa.RSAPrivateKey, key)

    @cached_property
    def public_key(self) -> rsa.RSAPublicKey:
        """The public key."""
        return self.key.public_key()

    @property
    def size(self) -> int:
        """The modulus size in bits."""
        return integer(jose.decode(self._n)).bit_length()

    def public_members(self) -> dict[str, str]:
        """Return ``n`` and ``e``, and the curve if an import named one."""
        members = {"n": self._n, "e": self._e}
        return members if self._curve is None else {**members, "crv": self._curve}

    def private_bytes(self) -> bytes:
        """Return the key as PKCS #8."""
        if isinstance(self._private, bytes):
            return self._private
        return self._private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def renewed(self) -> RsaMaterial:
        """Generate a new key of the same size and exponent."""
        return self.generate(self.size, integer(jose.decode(self._e)))


def _generated(exponent: int, size: int) -> rsa.RSAPrivateKey:
    """Return a new key. ``cryptography`` supports only two exponents; for others, reuse the primes of such a key."""
    while True:
        key = rsa.generate_private_key(exponent if exponent == 3 else _USUAL_EXPONENT, size)
        if exponent in (3, _USUAL_EXPONENT):
            return key
        numbers = key.private_numbers()
        p, q = numbers.p, numbers.q
        if math.gcd(exponent, (p - 1) * (q - 1)) == 1:
            break
    d = pow(exponent, -1, math.lcm(p - 1, q - 1))
    public = rsa.RSAPublicNumbers(exponent, p * q)
    dmp1, dmq1, iqmp = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    return rsa.RSAPrivateNumbers(p, q, d, dmp1, dmq1, iqmp, public).private_key()


def _encrypt(
    scheme: padding.AsymmetricPadding, overhead: int, material: RsaMaterial, given: CipherInput
) -> CipherOutput:
    room = material.public_key.key_size // 8 - overhead
    if len(given.value) > room:
        raise bad_parameter(
            f"Invalid length of 'value': {len(given.value)} bytes. At most {room} bytes can be encrypted."
        )
    return CipherOutput(material.public_key.encrypt(given.value, scheme))


def _decrypt(scheme: padding.AsymmetricPadding, material: RsaMaterial, given: CipherInput) -> bytes:
    try:
        return material.key.decrypt(given.value, scheme)
    except ValueError as error:
        raise undecryptable() from error


def _decrypt_pkcs1(material: RsaMaterial, given: CipherInput) -> bytes:
    """Undo EME-PKCS1-v1_5 (RFC 8017, 7.2.2). OpenSSL cannot do this: it returns random bytes for damaged data."""
    width, value = material.key.key_size // 8, integer(given.value)
    numbers = material.key.private_numbers()
    if len(given.value) != width or value >= numbers.public_numbers.n:
        raise undecryptable()
    by_p, by_q = pow(value, numbers.dmp1, numbers.p), pow(value, numbers.dmq1, numbers.q)
    padded = by_q + numbers.q * ((by_p - by_q) * numbers.iqmp % numbers.p)
    filler, separator, message = padded.to_bytes(width, "big")[2:].partition(b"\0")
    if padded >> 8 * (width - 2) != 2 or len(filler) < 8 or not separator:
        raise undecryptable()
    return message


def _cipher(
    name: str,
    scheme: padding.AsymmetricPadding,
    overhead: int,
    decrypt: Callable[[RsaMaterial, CipherInput], bytes] | None = None,
) -> CipherAlgorithm:
    return CipherAlgorithm(
        name=name,
        family="RSA",
        since="2016-10-01",
        uses=frozenset({"encrypt", "wrapKey"}),
        encrypt=partial(_encrypt, scheme, overhead),
        decrypt=decrypt or partial(_decrypt, scheme),
    )


def oaep(digest: hashes.HashAlgorithm) -> padding.OAEP:
    """Return OAEP with the same hash for label and mask, as Key Vault uses it."""
    return padding.OAEP(padding.MGF1(digest), digest, None)


def _sign(
    scheme: padding.AsymmetricPadding, digest: hashes.HashAlgorithm, material: RsaMaterial, value: bytes
) -> bytes:
    return material.key.sign(value, scheme, utils.Prehashed(digest))


def _verify(
    scheme: padding.AsymmetricPadding,
    digest: hashes.HashAlgorithm,
    material: RsaMaterial,
    value: bytes,
    signature: bytes,
) -> bool:
    try:
        material.public_key.verify(signature, value, scheme, utils.Prehashed(digest))
    except InvalidSignature:
        return False
    return True


def _signature(name: str, scheme: padding.AsymmetricPadding, digest: hashes.HashAlgorithm) -> SignatureAlgorithm:
    return SignatureAlgorithm(
        name=name,
        family="RSA",
        since="2016-10-01",
        digest_size=digest.digest_size,
        sign=partial(_sign, scheme, digest),
        verify=partial(_verify, scheme, digest),
    )


def _pss(digest: hashes.HashAlgorithm) -> padding.PSS:
    """Return PSS padding. The salt is as long as the hash, as in every signature of the service."""
    return padding.PSS(padding.MGF1(digest), digest.digest_size)


CIPHERS = (
    _cipher("RSA-OAEP", oaep(hashes.SHA1()), 42),  # noqa: S303 - RSA-OAEP is defined with SHA-1  # nosec B303
    _cipher("RSA-OAEP-256", oaep(hashes.SHA256()), 66),
    _cipher("RSA1_5", padding.PKCS1v15(), 11, _decrypt_pkcs1),
)

_HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}

SIGNATURES = tuple(
    row
    for bits, digest in _HASHES.items()
    for row in (_signature(f"RS{bits}", padding.PKCS1v15(), digest), _signature(f"PS{bits}", _pss(digest), digest))
)
