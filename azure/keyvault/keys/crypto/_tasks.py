"""The six operations, each with its two ways: in this process, or as a request to the vault and its answer.

A task checks its arguments when it is made, before anything is asked of anyone. It does no I/O: the clients of both
worlds find out where it is to run, and drive it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from azure.core.exceptions import DecodeError

from .._generated import models as wire
from .._generated import operations
from .._generated.operations import Operation
from ._enums import EncryptionAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm
from ._local import LocalKey
from ._local._algorithms import Algorithm, encryption, key_wrap
from ._local._algorithms import signature as signature_row
from ._local._checks import Buffer, check_decrypt, check_encrypt, check_sign, check_unwrap, check_verify, check_wrap
from ._results import DecryptResult, EncryptResult, SignResult, UnwrapResult, VerifyResult, WrapResult
from ._signatures import Encoding, raw_signature
from ._state import KeyState

if TYPE_CHECKING:
    from enum import Enum

R = TypeVar("R")
E = TypeVar("E", bound="Enum")


def _member(kind: type[E], row: Algorithm) -> E:
    """Return an algorithm as its enumeration's member; one that this library does not know stays text."""
    return kind._value2member_map_.get(row.name, row.name)  # type: ignore[return-value,arg-type]  # text for the unknown


class Task(ABC, Generic[R]):
    """One operation with its arguments.

    :ivar operation: its name in a JWK's ``key_ops``.
    :ivar method: the client's method for it.
    :ivar row: the row of its algorithm.
    """

    __slots__ = ("row",)

    operation: ClassVar[str]
    method: ClassVar[str]
    row: Algorithm

    @abstractmethod
    def run(self, key: LocalKey, state: KeyState) -> R:
        """Do it in this process."""

    @abstractmethod
    def request(self, state: KeyState) -> Operation[Any]:
        """Return the request that has the vault do it."""

    @abstractmethod
    def answered(self, answer: Any, state: KeyState) -> R:
        """Return the result in the vault's answer."""


class Encrypt(Task[EncryptResult]):
    """Encrypt ``plaintext``."""

    __slots__ = ("_aad", "_iv", "_plaintext")
    operation = "encrypt"
    method = "encrypt"

    def __init__(
        self, algorithm: EncryptionAlgorithm | str, plaintext: Buffer, iv: Buffer | None, aad: Buffer | None
    ) -> None:
        self.row = encryption(algorithm)
        self._plaintext, self._iv, self._aad = check_encrypt(self.row, plaintext, iv, aad)

    def run(self, key: LocalKey, state: KeyState) -> EncryptResult:
        ciphertext, iv, tag = key.encrypt(self.row, self._plaintext, self._iv, self._aad)
        return EncryptResult(
            state.key_id,
            _member(EncryptionAlgorithm, self.row),
            ciphertext,
            iv=iv,
            authentication_tag=tag,
            additional_authenticated_data=self._aad,
            performed="local",
        )

    def request(self, state: KeyState) -> Operation[wire.KeyOperationResult]:
        body = wire.KeyOperationsParameters(
            alg=self.row.name, value=self._plaintext, iv=self._iv, additional_authenticated_data=self._aad
        )
        return operations.encrypt(state.name, body, state.version)

    def answered(self, answer: wire.KeyOperationResult, state: KeyState) -> EncryptResult:
        # Old API versions, and vaults, leave out what was given to them.
        aad = answer.additional_authenticated_data
        return EncryptResult(
            answer.kid or state.key_id,
            _member(EncryptionAlgorithm, self.row),
            _result(answer),
            iv=self._iv if answer.iv is None else answer.iv,
            authentication_tag=answer.authentication_tag,
            additional_authenticated_data=self._aad if aad is None else aad,
        )


class Decrypt(Task[DecryptResult]):
    """Decrypt ``ciphertext``."""

    __slots__ = ("_aad", "_ciphertext", "_iv", "_tag")
    operation = "decrypt"
    method = "decrypt"

    def __init__(
        self,
        algorithm: EncryptionAlgorithm | str | EncryptResult,
        ciphertext: Buffer | None,
        iv: Buffer | None,
        tag: Buffer | None,
        aad: Buffer | None,
    ) -> None:
        if isinstance(algorithm, EncryptResult):
            if any(given is not None for given in (ciphertext, iv, tag, aad)):
                raise TypeError("the result of an encryption says all that decrypt needs: give nothing else with it")
            found = algorithm
            algorithm, ciphertext, iv, tag, aad = found.algorithm, found.ciphertext, found.iv, found.tag, found.aad
        self.row = encryption(algorithm)
        self._ciphertext, self._iv, self._tag, self._aad = check_decrypt(
            self.row,
            ciphertext,  # type: ignore[arg-type]  # None is refused there, with a text that names the argument
            iv,
            tag,
            aad,
        )

    def run(self, key: LocalKey, state: KeyState) -> DecryptResult:
        plaintext = key.decrypt(self.row, self._ciphertext, self._iv, self._tag, self._aad)
        return DecryptResult(state.key_id, _member(EncryptionAlgorithm, self.row), plaintext, performed="local")

    def request(self, state: KeyState) -> Operation[wire.KeyOperationResult]:
        body = wire.KeyOperationsParameters(
            alg=self.row.name,
            value=self._ciphertext,
            iv=self._iv,
            authentication_tag=self._tag,
            additional_authenticated_data=self._aad,
        )
        return operations.decrypt(state.name, body, state.version)

    def answered(self, answer: wire.KeyOperationResult, state: KeyState) -> DecryptResult:
        return DecryptResult(answer.kid or state.key_id, _member(EncryptionAlgorithm, self.row), _result(answer))


class Wrap(Task[WrapResult]):
    """Wrap ``key``."""

    __slots__ = ("_key",)
    operation = "wrapKey"
    method = "wrap_key"

    def __init__(self, algorithm: KeyWrapAlgorithm | str, key: Buffer) -> None:
        self.row = key_wrap(algorithm)
        self._key = check_wrap(self.row, key)

    def run(self, key: LocalKey, state: KeyState) -> WrapResult:
        wrapped = key.wrap(self.row, self._key)
        return WrapResult(state.key_id, _member(KeyWrapAlgorithm, self.row), wrapped, performed="local")

    def request(self, state: KeyState) -> Operation[wire.KeyOperationResult]:
        body = wire.KeyOperationsParameters(alg=self.row.name, value=self._key)
        return operations.wrap_key(state.name, body, state.version)

    def answered(self, answer: wire.KeyOperationResult, state: KeyState) -> WrapResult:
        return WrapResult(answer.kid or state.key_id, _member(KeyWrapAlgorithm, self.row), _result(answer))


class Unwrap(Task[UnwrapResult]):
    """Unwrap ``encrypted_key``."""

    __slots__ = ("_encrypted_key",)
    operation = "unwrapKey"
    method = "unwrap_key"

    def __init__(self, algorithm: KeyWrapAlgorithm | str, encrypted_key: Buffer) -> None:
        self.row = key_wrap(algorithm)
        self._encrypted_key = check_unwrap(self.row, encrypted_key)

    def run(self, key: LocalKey, state: KeyState) -> UnwrapResult:
        unwrapped = key.unwrap(self.row, self._encrypted_key)
        return UnwrapResult(state.key_id, _member(KeyWrapAlgorithm, self.row), unwrapped, performed="local")

    def request(self, state: KeyState) -> Operation[wire.KeyOperationResult]:
        body = wire.KeyOperationsParameters(alg=self.row.name, value=self._encrypted_key)
        return operations.unwrap_key(state.name, body, state.version)

    def answered(self, answer: wire.KeyOperationResult, state: KeyState) -> UnwrapResult:
        return UnwrapResult(answer.kid or state.key_id, _member(KeyWrapAlgorithm, self.row), _result(answer))


class Sign(Task[SignResult]):
    """Sign ``digest``."""

    __slots__ = ("_digest",)
    operation = "sign"
    method = "sign"

    def __init__(self, algorithm: SignatureAlgorithm | str, digest: Buffer) -> None:
        self.row = signature_row(algorithm)
        self._digest = check_sign(self.row, digest)

    def run(self, key: LocalKey, state: KeyState) -> SignResult:
        signature = key.sign(self.row, self._digest)
        return SignResult(state.key_id, _member(SignatureAlgorithm, self.row), signature, performed="local")

    def request(self, state: KeyState) -> Operation[wire.KeyOperationResult]:
        body = wire.KeySignParameters(alg=self.row.name, value=self._digest)
        return operations.sign(state.name, body, state.version)

    def answered(self, answer: wire.KeyOperationResult, state: KeyState) -> SignResult:
        signature = _result(answer)
        expected = self.row.signature_size or (state.modulus_size if self.row.family == "RSA" else None)
        if not signature or (expected is not None and len(signature) != expected):
            raise DecodeError(f"The vault returned a signature of {len(signature)} bytes for {self.row.name}")
        return SignResult(answer.kid or state.key_id, _member(SignatureAlgorithm, self.row), signature)


class Verify(Task[VerifyResult]):
    """Verify ``signature`` of ``digest``."""

    __slots__ = ("_digest", "_signature")
    operation = "verify"
    method = "verify"

    def __init__(
        self, algorithm: SignatureAlgorithm | str, digest: Buffer, signature: Buffer, encoding: Encoding
    ) -> None:
        self.row = signature_row(algorithm)
        self._digest, given = check_verify(self.row, digest, signature)
        self._signature = given if encoding == "jose" else raw_signature(self.row, given, encoding)

    def run(self, key: LocalKey, state: KeyState) -> VerifyResult:
        valid = key.verify(self.row, self._digest, self._signature)
        return VerifyResult(state.key_id, valid, _member(SignatureAlgorithm, self.row), performed="local")

    def request(self, state: KeyState) -> Operation[wire.KeyVerifyResult]:
        body = wire.KeyVerifyParameters(alg=self.row.name, digest=self._digest, signature=self._signature)
        return operations.verify(state.name, body, state.version)

    def answered(self, answer: wire.KeyVerifyResult, state: KeyState) -> VerifyResult:
        return VerifyResult(state.key_id, answer.value is True, _member(SignatureAlgorithm, self.row))


def _result(answer: wire.KeyOperationResult) -> bytes:
    """Return what the operation made; the wire layer refuses answers without it."""
    return answer.result or b""


METHODS = tuple(task.method for task in (Encrypt, Decrypt, Wrap, Unwrap, Sign, Verify))
