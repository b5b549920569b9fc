"""The operations, each with its two ways: in this process, or as a request to the vault and its answer.

A task checks its arguments when it is created, before any request. It does no I/O: the sync and async clients find out
where it runs, and drive it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, NoReturn, TypeVar

from azure.core.exceptions import DecodeError

from .._generated import models as wire
from .._generated import operations
from .._generated.operations import Operation
from ._enums import EncryptionAlgorithm, KeySecureWrapAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm
from ._local import LocalKey
from ._local.algorithms import Algorithm, encryption, key_wrap, secure_wrap
from ._local.algorithms import signature as signature_row
from ._local.checks import (
    Buffer,
    as_bytes,
    check_decrypt,
    check_encrypt,
    check_sign,
    check_token,
    check_unwrap,
    check_wrap,
)
from ._results import (
    DecryptResult,
    EncryptResult,
    SecureUnwrapResult,
    SecureWrapResult,
    SignResult,
    UnwrapResult,
    VerifyResult,
    WrapResult,
)
from ._signatures import Encoding, raw_signature
from ._state import KeyState
from ._versions import KeyId, text_of

R = TypeVar("R")


# Names to members, as dictionaries: looking a member up in its enumeration takes as long as checking the arguments. An
# algorithm that this library does not know stays text.
_ENCRYPTION: dict[str, Any] = {member.value: member for member in EncryptionAlgorithm}
_KEY_WRAP: dict[str, Any] = {member.value: member for member in KeyWrapAlgorithm}
_SIGNATURE: dict[str, Any] = {member.value: member for member in SignatureAlgorithm}
_SECURE_WRAP: dict[str, Any] = {member.value: member for member in KeySecureWrapAlgorithm}


class Task(ABC, Generic[R]):
    """One operation with its arguments.

    :ivar operation: its name in a JWK's ``key_ops``.
    :ivar method: the client's method for it.
    :ivar protects: whether it protects new data, which requires the newest version of a key.
    :ivar row: the row of its algorithm.
    :ivar input: what it works on.
    :ivar key_id: the identifier of the key that made what it works on, when that is known.
    """

    __slots__ = ("input", "row")

    operation: ClassVar[str]
    method: ClassVar[str]
    protects: ClassVar[bool] = False
    key_id: str | None = None
    row: Algorithm
    input: bytes

    def takes_long(self, key: LocalKey) -> bool:
        """Return whether running it in this process takes too long for an event loop."""
        return key.takes_long(self.operation, len(self.input))

    @abstractmethod
    def run(self, key: LocalKey, state: KeyState) -> R:
        """Run it in this process."""

    @abstractmethod
    def request(self, state: KeyState) -> Operation[Any]:
        """Return the request for the vault."""

    @abstractmethod
    def answered(self, answer: Any, state: KeyState) -> R:
        """Return the result from the vault's response."""


class _ReadingTask(Task[R]):
    """A task on data that a version of the key has produced."""

    __slots__ = ("key_id",)


class Encrypt(Task[EncryptResult]):
    """Encrypt ``plaintext``."""

    __slots__ = ("_aad", "_iv")
    operation = "encrypt"
    method = "encrypt"
    protects = True

    def __init__(
        self, algorithm: EncryptionAlgorithm | str, plaintext: Buffer, iv: Buffer | None, aad: Buffer | None
    ) -> None:
        row = self.row = encryption(algorithm)
        self.input, self._iv, self._aad = check_encrypt(row, plaintext, iv, aad)

    def run(self, key: LocalKey, state: KeyState) -> EncryptResult:
        row = self.row
        ciphertext, iv, tag = key.encrypt(row, self.input, self._iv, self._aad)
        result = EncryptResult(state.key_id, _ENCRYPTION.get(row.name, row.name), ciphertext, performed="local")
        if row.iv is not None:
            result.iv, result.tag, result.aad = iv, tag, self._aad
        return result

    def request(self, state: KeyState) -> Operation[wire.KeyOperationResult]:
        body = wire.KeyOperationsParameters(
            alg=self.row.name, value=self.input, iv=self._iv, additional_authenticated_data=self._aad
        )
        return operations.encrypt(state.name, body, state.version)

    def answered(self, answer: wire.KeyOperationResult, state: KeyState) -> EncryptResult:
        # Old API versions, and vaults, leave out what was given to them.
        aad = answer.additional_authenticated_data
        # AES-GCM, which has a tag, and AES-CBC without padding encrypt an empty plaintext to nothing.
        may_be_empty = not self.input and (answer.authentication_tag is not None or self.row.block > 1)
        return EncryptResult(
            state.key_id_in(answer.kid),
            _ENCRYPTION.get(self.row.name, self.row.name),
            _result(answer, may_be_empty=may_be_empty),
            iv=self._iv if answer.iv is None else answer.iv,
            authentication_tag=answer.authentication_tag,
            additional_authenticated_data=self._aad if aad is None else aad,
        )


class Decrypt(_ReadingTask[DecryptResult]):
    """Decrypt ``ciphertext``."""

    __slots__ = ("_aad", "_iv", "_tag")
    operation = "decrypt"
    method = "decrypt"

    def __init__(
        self,
        algorithm: EncryptionAlgorithm | str | EncryptResult,
        ciphertext: Buffer | None,
        iv: Buffer | None,
        tag: Buffer | None,
        aad: Buffer | None,
        key_id: KeyId | None = None,
    ) -> None:
        self.key_id = text_of(key_id)
        if isinstance(algorithm, EncryptResult):
            _alone("decrypt", ciphertext, iv, tag, aad)
            found = algorithm
            algorithm, ciphertext, iv, tag, aad = found.algorithm, found.ciphertext, found.iv, found.tag, found.aad
            self.key_id = self.key_id or found.key_id
        self.row = encryption(algorithm)
        self.input, self._iv, self._tag, self._aad = check_decrypt(
            self.row,
            ciphertext,  # type: ignore[arg-type]  # None is refused there, with a text that names the argument
            iv,
            tag,
            aad,
        )

    def run(self, key: LocalKey, state: KeyState) -> DecryptResult:
        plaintext = key.decrypt(self.row, self.input, self._iv, self._tag, self._aad)
        return DecryptResult(state.key_id, _ENCRYPTION.get(self.row.name, self.row.name), plaintext, performed="local")

    def request(self, state: KeyState) -> Operation[wire.KeyOperationResult]:
        body = wire.KeyOperationsParameters(
            alg=self.row.name,
            value=self.input,
            iv=self._iv,
            authentication_tag=self._tag,
            additional_authenticated_data=self._aad,
        )
        return operations.decrypt(state.name, body, state.version)

    def answered(self, answer: wire.KeyOperationResult, state: KeyState) -> DecryptResult:
        plaintext = _result(answer, may_be_empty=True)
        return DecryptResult(state.key_id_in(answer.kid), _ENCRYPTION.get(self.row.name, self.row.name), plaintext)


class Wrap(Task[WrapResult]):
    """Wrap ``key``."""

    __slots__ = ()
    operation = "wrapKey"
    method = "wrap_key"
    protects = True

    def __init__(self, algorithm: KeyWrapAlgorithm | str, key: Buffer) -> None:
        self.row = key_wrap(algorithm)
        self.input = check_wrap(self.row, key)

    def run(self, key: LocalKey, state: KeyState) -> WrapResult:
        wrapped = key.wrap(self.row, self.input)
        return WrapResult(state.key_id, _KEY_WRAP.get(self.row.name, self.row.name), wrapped, performed="local")

    def request(self, state: KeyState) -> Operation[wire.KeyOperationResult]:
        body = wire.KeyOperationsParameters(alg=self.row.name, value=self.input)
        return operations.wrap_key(state.name, body, state.version)

    def answered(self, answer: wire.KeyOperationResult, state: KeyState) -> WrapResult:
        return WrapResult(state.key_id_in(answer.kid), _KEY_WRAP.get(self.row.name, self.row.name), _result(answer))


class Unwrap(_ReadingTask[UnwrapResult]):
    """Unwrap ``encrypted_key``."""

    __slots__ = ()
    operation = "unwrapKey"
    method = "unwrap_key"

    def __init__(
        self,
        algorithm: KeyWrapAlgorithm | str | WrapResult,
        encrypted_key: Buffer | None,
        key_id: KeyId | None = None,
    ) -> None:
        self.key_id = text_of(key_id)
        if isinstance(algorithm, WrapResult):
            _alone("unwrap_key", encrypted_key)
            found = algorithm
            algorithm, encrypted_key = found.algorithm, found.encrypted_key
            self.key_id = self.key_id or found.key_id
        self.row = key_wrap(algorithm)
        self.input = check_unwrap(self.row, encrypted_key)  # type: ignore[arg-type]  # None is refused there, by name

    def run(self, key: LocalKey, state: KeyState) -> UnwrapResult:
        unwrapped = key.unwrap(self.row, self.input)
        return UnwrapResult(state.key_id, _KEY_WRAP.get(self.row.name, self.row.name), unwrapped, performed="local")

    def request(self, state: KeyState) -> Operation[wire.KeyOperationResult]:
        body = wire.KeyOperationsParameters(alg=self.row.name, value=self.input)
        return operations.unwrap_key(state.name, body, state.version)

    def answered(self, answer: wire.KeyOperationResult, state: KeyState) -> UnwrapResult:
        key = _result(answer, may_be_empty=self.row.minimum == 0)
        return UnwrapResult(state.key_id_in(answer.kid), _KEY_WRAP.get(self.row.name, self.row.name), key)


class Sign(Task[SignResult]):
    """Sign ``digest``, or a message in its ``context`` or by its representative ``external_mu``."""

    __slots__ = ("_context", "_mu")
    operation = "sign"
    method = "sign"
    protects = True

    def __init__(
        self,
        algorithm: SignatureAlgorithm | str,
        digest: Buffer | None,
        context: Buffer | None = None,
        external_mu: Buffer | None = None,
    ) -> None:
        row = self.row = signature_row(algorithm)
        self.input, self._context, self._mu = check_sign(row, digest, context, external_mu)

    def run(self, key: LocalKey, state: KeyState) -> SignResult:
        signature = key.sign(self.row, self.input, self._context, self._mu)
        return SignResult(state.key_id, _SIGNATURE.get(self.row.name, self.row.name), signature, performed="local")

    def request(self, state: KeyState) -> Operation[wire.KeyOperationResult]:
        if self._mu is None:
            body = wire.KeySignParameters(alg=self.row.name, value=self.input, context=self._context)
        else:
            body = wire.KeySignParameters(external_mu=self._mu)
        return operations.sign(state.name, body, state.version)

    def answered(self, answer: wire.KeyOperationResult, state: KeyState) -> SignResult:
        signature = answer.result or b""
        expected = self.row.signature_size or (state.modulus_size if self.row.family == "RSA" else None)
        if not signature or (expected is not None and len(signature) != expected):
            raise DecodeError(f"The vault returned a signature of {len(signature)} bytes for {self.row.name}")
        return SignResult(state.key_id_in(answer.kid), _SIGNATURE.get(self.row.name, self.row.name), signature)


class Verify(_ReadingTask[VerifyResult]):
    """Verify ``signature`` of ``digest``, or of a message as :class:`Sign` takes it."""

    __slots__ = ("_context", "_mu", "_signature")
    operation = "verify"
    method = "verify"

    def __init__(
        self,
        algorithm: SignatureAlgorithm | str | SignResult,
        digest: Buffer | None,
        signature: Buffer | None,
        encoding: Encoding,
        context: Buffer | None = None,
        external_mu: Buffer | None = None,
        key_id: KeyId | None = None,
    ) -> None:
        self.key_id = text_of(key_id)
        if isinstance(algorithm, SignResult):
            _alone("verify", signature, None if encoding == "jose" else encoding)
            found = algorithm
            algorithm, signature = found.algorithm, found.signature
            self.key_id = self.key_id or found.key_id
        row = self.row = signature_row(algorithm)
        self.input, self._context, self._mu = check_sign(row, digest, context, external_mu)
        # A signature of the wrong length is not an error, only invalid.
        given = as_bytes("signature", signature)
        self._signature = given if encoding == "jose" else raw_signature(row, given, encoding)

    def run(self, key: LocalKey, state: KeyState) -> VerifyResult:
        valid = key.verify(self.row, self.input, self._signature, self._context, self._mu)
        return VerifyResult(state.key_id, valid, _SIGNATURE.get(self.row.name, self.row.name), performed="local")

    def request(self, state: KeyState) -> Operation[wire.KeyVerifyResult]:
        if self._mu is None:
            body = wire.KeyVerifyParameters(
                alg=self.row.name, digest=self.input, signature=self._signature, context=self._context
            )
        else:
            body = wire.KeyVerifyParameters(external_mu=self._mu, signature=self._signature)
        return operations.verify(state.name, body, state.version)

    def answered(self, answer: wire.KeyVerifyResult, state: KeyState) -> VerifyResult:
        # A key of another algorithm may have made it: with mu the vault is not told which one the caller expects.
        valid = answer.value is True and self.row.signature_size in (None, len(self._signature))
        return VerifyResult(state.key_id, valid, _SIGNATURE.get(self.row.name, self.row.name))


class _RemoteTask(Task[R]):
    """A task that only the service can do: its algorithms are not for this process."""

    __slots__ = ()

    def run(self, key: LocalKey, state: KeyState) -> NoReturn:
        raise NotImplementedError(f"{self.method} runs in the service only")


class SecureWrap(_RemoteTask[SecureWrapResult]):
    """Have the service make a key and wrap it."""

    __slots__ = ()
    operation = "secureWrapKey"
    method = "secure_wrap_key"
    protects = True

    def __init__(self, algorithm: KeySecureWrapAlgorithm | str) -> None:
        self.row = secure_wrap(algorithm)
        self.input = b""

    def request(self, state: KeyState) -> Operation[wire.KeyOperationResult]:
        return operations.secure_wrap_key(state.name, wire.KeySecureWrapParameters(alg=self.row.name), state.version)

    def answered(self, answer: wire.KeyOperationResult, state: KeyState) -> SecureWrapResult:
        algorithm = _SECURE_WRAP.get(self.row.name, self.row.name)
        return SecureWrapResult(state.key_id_in(answer.kid), algorithm, _result(answer))


class SecureUnwrap(_RemoteTask[SecureUnwrapResult]):
    """Unwrap ``encrypted_key`` for the environment of a token."""

    __slots__ = ("_token", "key_id")
    operation = "secureUnwrapKey"
    method = "secure_unwrap_key"

    def __init__(
        self,
        algorithm: KeySecureWrapAlgorithm | str,
        encrypted_key: Buffer,
        target_attestation_token: str,
        key_id: KeyId | None = None,
    ) -> None:
        self.key_id = text_of(key_id)
        self.row = secure_wrap(algorithm)
        self.input = check_unwrap(self.row, encrypted_key)
        self._token = check_token(target_attestation_token)

    def request(self, state: KeyState) -> Operation[wire.KeyOperationResult]:
        body = wire.KeySecureUnwrapParameters(alg=self.row.name, value=self.input, target=self._token)
        return operations.secure_unwrap_key(state.name, body, state.version)

    def answered(self, answer: wire.KeyOperationResult, state: KeyState) -> SecureUnwrapResult:
        algorithm = _SECURE_WRAP.get(self.row.name, self.row.name)
        return SecureUnwrapResult(state.key_id_in(answer.kid), algorithm, _result(answer))


def _alone(method: str, *beside: object) -> None:
    """Refuse what a caller gives beside a whole result.

    :raises TypeError: when there is anything.
    """
    if any(given is not None for given in beside):
        raise TypeError(f"a whole result contains all that {method} needs: pass nothing else with it")


def _result(answer: wire.KeyOperationResult, *, may_be_empty: bool = False) -> bytes:
    """Return what the operation made; the wire layer refuses answers without it.

    :raises ~azure.core.exceptions.DecodeError: when it is empty, and the operation has always something to return.
    """
    if not answer.result and not may_be_empty:
        raise DecodeError("The vault's response cannot be used: its value is empty")
    return answer.result or b""


METHODS = tuple(task.method for task in (Encrypt, Decrypt, Wrap, Unwrap, Sign, Verify, SecureWrap, SecureUnwrap))
