"""JsonWebKey: key material and its conversions.

Importing this module does not load ``cryptography``; the conversions load what they need.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, overload

from .._display import Readable
from .._frames import clears_locals

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

    from .._enums import KeyCurveName, KeyOperation, KeyType
    from .shapes import PrivateKey, PublicKey

KeyIdForm = Literal["identifier", "thumbprint", "version"]

_Bytes = bytes | bytearray | memoryview | str | None

_VERSION = re.compile(r"https?://[^/]+/[^/]+/[^/]+/([^/]+)/?", re.IGNORECASE)

_BINARY = frozenset(("n", "e", "d", "dp", "dq", "qi", "p", "q", "k", "t", "x", "y", "pub", "priv"))


@clears_locals
class JsonWebKey(Readable):
    """A JSON Web Key (RFC 7517), as the service accepts and returns it.

    Attributes may be changed. Binary values are ``bytes``; only the methods that read and write JSON use base64url. Two
    keys are equal when all their attributes are equal. The repr shows no private parts, but ``vars(key)`` contains
    them.

    :ivar kid: the identifier of the key.
    :ivar kty: its type, a ``KeyType`` or its value.
    :ivar key_ops: the operations that it allows; ``None`` allows all.
    :ivar n: RSA modulus.
    :ivar e: RSA public exponent.
    :ivar d: RSA private exponent, or EC private value.
    :ivar dp: RSA ``d mod (p - 1)``.
    :ivar dq: RSA ``d mod (q - 1)``.
    :ivar qi: RSA ``1/q mod p``.
    :ivar p: RSA prime.
    :ivar q: RSA prime.
    :ivar k: symmetric key.
    :ivar t: the HSM transfer blob for "bring your own key".
    :ivar crv: EC curve, a ``KeyCurveName`` or its value.
    :ivar x: EC coordinate.
    :ivar y: EC coordinate.
    :ivar alg: algorithm of a key of type AKP, such as ``"ML-DSA-65"``; ``None`` for others.
    :ivar pub: public key of a key of type AKP, ``None`` for others.
    :ivar priv: seed of a key of type AKP, which is its private part; ``None`` for others. The service does not have
        this member.
    """

    _FIELDS = ("kid", "kty", "key_ops", "n", "e", "d", "dp", "dq", "qi", "p", "q", "k", "t", "crv", "x", "y")

    kid: str | None = None
    kty: KeyType | str | None = None
    key_ops: list[str | KeyOperation] | None = None
    n: bytes | None = None
    e: bytes | None = None
    d: bytes | None = None
    dp: bytes | None = None
    dq: bytes | None = None
    qi: bytes | None = None
    p: bytes | None = None
    q: bytes | None = None
    k: bytes | None = None
    t: bytes | None = None
    crv: KeyCurveName | str | None = None
    x: bytes | None = None
    y: bytes | None = None
    # The instance has these only when they are set: azure-cli prints what it finds there.
    alg: str | None = None
    pub: bytes | None = None
    priv: bytes | None = None

    __hash__ = None  # type: ignore[assignment]  # keys are mutable and compare by value

    def __init__(
        self,
        *,
        kid: str | None = None,
        kty: KeyType | str | None = None,
        key_ops: Sequence[str | KeyOperation] | None = None,
        n: _Bytes = None,
        e: _Bytes = None,
        d: _Bytes = None,
        dp: _Bytes = None,
        dq: _Bytes = None,
        qi: _Bytes = None,
        p: _Bytes = None,
        q: _Bytes = None,
        k: _Bytes = None,
        t: _Bytes = None,
        crv: KeyCurveName | str | None = None,
        x: _Bytes = None,
        y: _Bytes = None,
        alg: str | None = None,
        pub: _Bytes = None,
        priv: _Bytes = None,
    ) -> None:
        """Make a key from its members, all optional.

        Binary members may also be given as base64url text.

        :raises TypeError: for a keyword that is not a member, or a value that is neither bytes nor text.
        :raises ValueError: when text is not base64url.
        """
        self.kid = kid
        self.kty = kty
        self.key_ops = None if key_ops is None else list(key_ops)
        self.crv = crv
        binary = {
            "n": n, "e": e, "d": d, "dp": dp, "dq": dq, "qi": qi, "p": p, "q": q, "k": k, "t": t, "x": x, "y": y
        }  # fmt: skip
        for name, value in binary.items():
            setattr(self, name, value if value is None or type(value) is bytes else _to_bytes(name, value))
        if alg is not None:
            self.alg = alg
        if pub is not None:
            self.pub = _to_bytes("pub", pub)
        if priv is not None:
            self.priv = _to_bytes("priv", priv)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, JsonWebKey):
            return NotImplemented
        return self._values() == other._values()

    def __repr__(self) -> str:
        about = [f"kid={self.kid!r}", f"kty={_plain(self.kty)!r}"]
        if self.crv is not None:
            about.append(f"crv={_plain(self.crv)!r}")
        if self.alg is not None:
            about.append(f"alg={_plain(self.alg)!r}")
        if self.n:
            about.append(f"size={int.from_bytes(self.n, 'big').bit_length()}")
        elif self.k:
            about.append(f"size={8 * len(self.k)}")
        if self._has_private():
            about.append("private parts not shown")
        return f"JsonWebKey({', '.join(about)})"

    def _facts(self) -> dict[str, Any]:
        """Return the public members."""
        facts = {name: getattr(self, name) for name in ("kid", "kty", "key_ops", "n", "e", "crv", "x", "y")}
        return {**facts, "alg": self.alg, "pub": self.pub}

    def _kind(self) -> str | None:
        """Return the type and the size or curve in words; None when the numbers are not known."""
        size = int.from_bytes(self.n, "big").bit_length() if self.n else None
        about = size or (self.crv and _plain(self.crv)) or (self.pub and self.alg)
        return f"{_plain(self.kty)} {about}" if about else None

    # From and to other forms

    @classmethod
    def from_pem(cls, data: str | bytes, password: str | bytes | None = None) -> JsonWebKey:
        """Read an RSA, EC or ML-DSA key in PEM.

        PKCS#8 (encrypted or not), PKCS#1, SEC 1 and OpenSSH private keys, public keys, and X.509 certificates (their
        public key) are read. Text around the block is skipped. If there are several blocks, a private key takes
        precedence.

        :param data: the PEM text.
        :param password: the password of an encrypted private key.
        :returns: the key, with private parts if the PEM has them, without identifier and operations.
        :raises ValueError: when there is no key, it can't be read, or the service does not support its kind.
        :raises TypeError: when the data is neither text nor bytes.
        """
        from . import pem

        return cls.from_cryptography(pem.read_pem(data, password))

    @classmethod
    def from_der(cls, data: bytes, password: str | bytes | None = None) -> JsonWebKey:
        """Read an RSA, EC or ML-DSA key in DER: PKCS#8, PKCS#1, SEC 1, SubjectPublicKeyInfo or an X.509 certificate.

        :param data: the DER bytes.
        :param password: the password of an encrypted private key.
        :returns: the key, with private parts if the data has them, without identifier and operations.
        :raises ValueError: when it can't be read, or the service does not support its kind.
        :raises TypeError: when the data is not bytes.
        """
        from . import pem

        return cls.from_cryptography(pem.read_der(data, password))

    @classmethod
    def from_cryptography(cls, key: PublicKeyTypes | PrivateKeyTypes) -> JsonWebKey:
        """Take the members of a key object of ``cryptography``.

        :param key: an RSA, EC or ML-DSA key; the private parts of a private key are included.
        :returns: the key, without identifier and operations.
        :raises ValueError: when the service does not support its curve.
        :raises TypeError: when it is not an RSA, EC or ML-DSA key.
        """
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

        from . import akp, ec, rsa

        jwk = cls()
        if isinstance(key, (RSAPublicKey, RSAPrivateKey)):
            jwk.__dict__.update(kty="RSA", **rsa.members_of(key))
        elif isinstance(key, (EllipticCurvePublicKey, EllipticCurvePrivateKey)):
            jwk.__dict__.update(kty="EC", **ec.members_of(key))
        elif (members := akp.members_of(key)) is not None:
            jwk.__dict__.update(kty="AKP", **members)
        else:
            raise TypeError(f"'key' must be an RSA, EC or ML-DSA key of cryptography, not {type(key).__name__}")
        return jwk

    @classmethod
    def from_json(cls, source: str | bytes | Mapping[str, Any]) -> JsonWebKey:
        """Read a JSON Web Key (RFC 7517).

        Members that this class does not have are ignored.

        :param source: JSON text, or a mapping of members whose values are base64url text or ``bytes``.
        :returns: the key. The curve ``secp256k1`` of RFC 8812 gets the service's name, ``P-256K``.
        :raises ValueError: when it is not a JWK, or has more than two primes.
        :raises TypeError: when it is neither text nor a mapping.
        """
        from .rfc7517 import read_members

        members = read_members(source, _BINARY)
        if members.get("crv") == "secp256k1":
            members["crv"] = "P-256K"
        jwk = cls(**{name: members[name] for name in member_names(members.get("kty")) if name in members})
        jwk._pad()
        return jwk

    def to_pem(self, private: bool = False, password: str | bytes | None = None) -> bytes:
        """Write the key in PEM: SubjectPublicKeyInfo, or PKCS#8.

        :param private: write the private key.
        :param password: encrypt the private key with it.
        :returns: the PEM text.
        :raises ValueError: when the key is symmetric, of an unknown type or broken, or has no private parts to write.
        """
        from cryptography.hazmat.primitives.serialization import Encoding

        from . import pem

        return pem.write(self._to_cryptography(private), private, Encoding.PEM, password)

    def to_der(self, private: bool = False, password: str | bytes | None = None) -> bytes:
        """Write the key in DER: SubjectPublicKeyInfo, or PKCS#8.

        :param private: write the private key.
        :param password: encrypt the private key with it.
        :returns: the DER bytes.
        :raises ValueError: when the key is symmetric, of an unknown type or broken, or has no private parts to write.
        """
        from cryptography.hazmat.primitives.serialization import Encoding

        from . import pem

        return pem.write(self._to_cryptography(private), private, Encoding.DER, password)

    @overload
    def to_cryptography(self, private: Literal[False] = False) -> PublicKey: ...
    @overload
    def to_cryptography(self, private: Literal[True]) -> PrivateKey: ...
    @overload
    def to_cryptography(self, private: bool) -> PublicKey | PrivateKey: ...

    def to_cryptography(self, private: bool = False) -> PublicKey | PrivateKey:
        """Make a key object of ``cryptography``.

        :param private: make the private key.
        :returns: the public or private key object.
        :raises ValueError: when the key is symmetric, of an unknown type or broken, or has no private parts.
        """
        key: PublicKey | PrivateKey = self._to_cryptography(private)
        return key

    def to_json(
        self,
        private: bool = False,
        *,
        kid: KeyIdForm | None = "identifier",
        use: Literal["sig", "enc"] | str | None = None,
        alg: str | None = None,
        key_ops: bool | Sequence[str | KeyOperation] | None = None,
    ) -> str:
        """Write the key as JSON for other JOSE libraries (RFC 7517).

        Types lose their ``-HSM``, and the curve ``P-256K`` is named ``secp256k1`` (RFC 8812). A public key has no
        ``key_ops`` unless you ask for them: a vault's ``key_ops`` are those of the key pair, and libraries reject a
        public key that claims to sign. Operations that RFC 7517 does not define are left out.

        :param private: write the private parts too.
        :param kid: what to use as the key's name: its ``"identifier"``, its ``"thumbprint"`` (RFC 7638) or its
            ``"version"``; None to leave the name out.
        :param use: the intended use of the key, ``"sig"`` or ``"enc"``.
        :param alg: the algorithm that the key is for, such as ``"ES256"``. A key of type AKP has its own.
        :param key_ops: True to write the operations of the key, False to leave them out, or a list of operations to
            write instead. By default, only a private key has them.
        :returns: JSON text. For a symmetric key without ``private``, it contains only the identifier and type.
        :raises ValueError: when the key has an unknown type, is broken, or has no private parts to write; when its
            algorithm is not ``alg``; or when ``kid="version"`` and its identifier has no version.
        """
        from .rfc7517 import to_text

        family = self._family()
        self._require_private(private)
        if family == "AKP" and alg not in (None, self.alg):
            raise ValueError(f"'alg' {_plain(alg)!r} does not fit the key, which is for {_plain(self.alg)!r}")
        attributes = {
            "kid": self._name(kid),
            "use": use,
            "alg": None if family == "AKP" else _plain(alg),
            "key_ops": self._operations(private if key_ops is None else key_ops),
        }
        return to_text(family, attributes, self._complete(family, private), private)

    def thumbprint(self) -> str:
        """Compute the SHA-256 thumbprint of the key (RFC 7638), the same for a key pair and its public key.

        :returns: the thumbprint in base64url. For a symmetric key, it depends only on the secret.
        :raises ValueError: when a member that the thumbprint needs is missing or broken.
        """
        from .rfc7517 import thumbprint

        family = self._family()
        if family == "oct" and not self.k:
            raise ValueError("The thumbprint of a symmetric key is made of 'k', which is missing")
        return thumbprint(family, self._complete(family, False))

    def _name(self, form: KeyIdForm | None) -> str | None:
        """Return the key's ``kid`` in JSON."""
        if form == "thumbprint":
            return self.thumbprint()
        if form == "version":
            found = _VERSION.fullmatch(self.kid or "")
            if found is None:
                raise ValueError(f"The id of the key, {self.kid!r}, has no version to name it by")
            return found[1]
        if form not in ("identifier", None):
            raise ValueError(f"'kid' must be 'identifier', 'thumbprint', 'version' or None, not {form!r}")
        return self.kid if form else None

    def _operations(self, wanted: bool | Sequence[str | KeyOperation]) -> list[str] | None:
        """Return the operations to write in JSON."""
        operations = self.key_ops if wanted is True else wanted or None
        if isinstance(operations, str):
            raise TypeError("'key_ops' must be a list of operations, not one text")
        return None if operations is None else [_plain(operation) for operation in operations]

    # For the clients

    @classmethod
    def _from_wire(cls, wire: Any) -> JsonWebKey:
        """Make a key from a wire model, whose attributes have the same names."""
        jwk = cls.__new__(cls)
        jwk.__dict__.update(zip(_FIELDS, _members(wire), strict=True))
        jwk._pad()
        alg, pub = getattr(wire, "alg", None), getattr(wire, "pub", None)
        if alg is not None:
            jwk.alg = alg
        if pub is not None:
            jwk.pub = pub
        return jwk

    def _pad(self) -> None:
        """Pad the numbers of an EC key to the full length (RFC 7518 section 6.2.1); other libraries drop zeros."""
        size = _COORDINATE_SIZES.get(self.crv) if self.crv is not None and family_of(self.kty) == "EC" else None
        if size is None:
            return
        for name in ("x", "y", "d"):
            value = getattr(self, name)
            if value and len(value) < size:
                setattr(self, name, value.rjust(size, b"\0"))

    def _to_wire_fields(self) -> dict[str, Any]:
        """Return the members that are set, for import: numbers checked, completed and at full length.

        :raises ValueError: when the numbers of an RSA key are inconsistent, those of an EC key do not fit its curve, or
            the service has no member for a private part of the key.
        """
        if self.priv is not None:
            raise ValueError(
                "The service does not accept an ML-DSA private key in the clear: give its transfer blob as 't' instead"
            )
        fields = {name: value for name in (*_FIELDS, "alg", "pub") if (value := getattr(self, name)) is not None}
        for name in ("kty", "crv", "alg"):
            if name in fields:
                fields[name] = _plain(fields[name])
        if "key_ops" in fields:
            fields["key_ops"] = [_plain(operation) for operation in fields["key_ops"]]
        # A transfer blob contains the private key, and its public members are optional.
        family = None if self.t else family_of(self.kty)
        if family in ("RSA", "EC"):
            fields |= self._complete(family, self._has_private())
            fields |= {"crv": "P-256K"} if fields.get("crv") == "secp256k1" else {}
        return fields

    def _complete(self, family: str, private: bool) -> dict[str, Any]:
        from . import akp, ec, rsa

        if family == "RSA":
            return dict(rsa.complete_fields(self, private))
        if family == "EC":
            return {"crv": ec.curve_of(self).jose, **ec.complete_fields(self, private)}
        if family == "AKP":
            return dict(akp.complete_fields(self, private))
        return {"k": self.k}

    def _to_cryptography(self, private: bool) -> Any:
        from . import akp, ec, rsa

        family = self._family()
        if family == "oct":
            raise ValueError("A symmetric key has no key object in cryptography: use the bytes of 'k'")
        self._require_private(private)
        module: Any = {"RSA": rsa, "EC": ec, "AKP": akp}[family]
        return (module.private_numbers(self) if private else module.public_numbers(self)).to_key()

    def _require_private(self, private: bool) -> None:
        if private and not self._has_private():
            raise ValueError("The key has no private parts; the service never returns them")

    def _has_private(self) -> bool:
        return any(getattr(self, name) is not None for name in ("d", "p", "q", "dp", "dq", "qi", "k", "priv"))

    def _family(self) -> str:
        family = family_of(self.kty)
        if family is None:
            raise ValueError(f"'kty' must be RSA, EC, oct or AKP (or one of them in an HSM), not {_plain(self.kty)!r}")
        return family

    def _values(self) -> tuple[Any, ...]:
        return (*_members(self), self.alg, self.pub, self.priv)


# Defined here too, because the module of curves loads cryptography.
_COORDINATE_SIZES: dict[str, int] = {"P-256": 32, "P-384": 48, "P-521": 66, "P-256K": 32, "SECP256K1": 32}
_FIELDS = JsonWebKey._FIELDS
_AKP_FIELDS = ("alg", "pub", "priv")
_members = attrgetter(*_FIELDS)
_FAMILIES = {kty: family for family in ("RSA", "EC", "oct", "AKP") for kty in (family.lower(), f"{family.lower()}-hsm")}


def family_of(kty: KeyType | str | None) -> str | None:
    """Return a key type without its HSM suffix: ``"RSA"`` for ``"RSA-HSM"``.

    :param kty: a key type in any letter case.
    :returns: ``"RSA"``, ``"EC"``, ``"oct"`` or ``"AKP"``; ``None`` for any other type.
    """
    return _FAMILIES.get(kty.lower()) if kty else None


def member_names(kty: KeyType | str | None) -> tuple[str, ...]:
    """Return the names of the members that a key of a type may have.

    Except for type AKP, ``alg`` is the key's intended use (RFC 7517 section 4.4), not part of the key.
    """
    return (*_FIELDS, *_AKP_FIELDS) if family_of(kty) == "AKP" else _FIELDS


def _plain(value: object) -> Any:
    return getattr(value, "value", value)


def _to_bytes(name: str, value: object) -> bytes:
    if isinstance(value, str):
        from .rfc7517 import decode_base64url

        return decode_base64url(name, value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"'{name}' must be bytes or base64url text, not {type(value).__name__}")
