"""Checks of arguments against the row of their algorithm, the same for local and remote operations.

Each function returns the arguments as ``bytes``, whatever buffers they came in, or raises an error that names the
argument. None of them looks at a key: the key itself checks what depends on it.
"""

from __future__ import annotations

import os

from .algorithms import Algorithm

Buffer = bytes | bytearray | memoryview

_IV_SIZE = 16
_MU_SIZE = 64
_CONTEXT_SIZE = 255

# What is signed: the digest or the message, its context, and the message representative (mu) of both.
Signed = tuple[bytes, bytes | None, bytes | None]


def as_bytes(name: str, value: object) -> bytes:
    """Copy any buffer to ``bytes``; ``bytes`` are returned as they are.

    :param name: the name of the argument, for the message.
    :param value: a ``bytes``-like object.
    :raises TypeError: when the value is not a buffer, such as a string or an integer.
    """
    if type(value) is bytes:
        return value
    try:
        return bytes(memoryview(value))  # type: ignore[arg-type]  # a TypeError here is the check
    except TypeError:
        raise TypeError(f"'{name}' must be bytes, not {type(value).__name__}") from None


def check_encrypt(
    row: Algorithm, plaintext: Buffer, iv: Buffer | None = None, aad: Buffer | None = None
) -> tuple[bytes, bytes | None, bytes | None]:
    """Check the arguments of an encryption. If the algorithm takes an IV and none is given, make one.

    :returns: plaintext, IV and additional authenticated data.
    :raises ValueError: when the IV is not 16 bytes long, when an IV is given that only the service may choose, or when
        an argument does not fit the algorithm. The key checks whether the plaintext fills whole blocks, because a
        Managed HSM pads it.
    """
    if type(plaintext) is not bytes:
        plaintext = as_bytes("plaintext", plaintext)
    if row.family is None:
        return plaintext, _optional("iv", iv), _optional("additional_authenticated_data", aad)
    if row.iv == "caller":
        iv = os.urandom(_IV_SIZE) if iv is None else _check_iv(row, iv)
    elif iv is not None:
        reason = "the service chooses it" if row.iv else "it has none"
        raise ValueError(f"'iv' can't be given for {row.name}: {reason}")
    return plaintext, iv, None if aad is None else _check_aad(row, aad)


def check_decrypt(
    row: Algorithm,
    ciphertext: Buffer,
    iv: Buffer | None = None,
    tag: Buffer | None = None,
    aad: Buffer | None = None,
) -> tuple[bytes, bytes | None, bytes | None, bytes | None]:
    """Check the arguments of a decryption.

    :returns: ciphertext, IV, authentication tag and additional authenticated data.
    :raises ValueError: when an argument is missing, has a wrong length or does not fit the algorithm. A ciphertext of
        a wrong length does not count: it fails like any other bad ciphertext.
    """
    ciphertext = as_bytes("ciphertext", ciphertext)
    if row.family is None:
        return (
            ciphertext,
            _optional("iv", iv),
            _optional("authentication_tag", tag),
            _optional("additional_authenticated_data", aad),
        )
    if row.iv is None:
        if iv is not None:
            raise ValueError(f"'iv' can't be given for {row.name}: it has none")
    elif iv is None:
        raise ValueError(f"'iv' is required to decrypt with {row.name}: pass the one that encrypt returned")
    else:
        iv = _check_iv(row, iv)
    return ciphertext, iv, _check_tag(row, tag), None if aad is None else _check_aad(row, aad)


def check_wrap(row: Algorithm, key: Buffer) -> bytes:
    """Check the key that is to be wrapped.

    :raises ValueError: when its length does not fit the algorithm.
    """
    key = as_bytes("key", key)
    if len(key) % row.block or len(key) < row.minimum:
        raise _unfit_size(row, "key", len(key))
    return key


def check_unwrap(row: Algorithm, encrypted_key: Buffer) -> bytes:
    """Check the wrapped key. A wrong length is not an error here: it fails later, like any other bad data."""
    return as_bytes("encrypted_key", encrypted_key)


def check_token(token: str) -> str:
    """Check the token of an attested environment. Only the service can read it.

    :raises ValueError: when it is empty.
    """
    if not isinstance(token, str):
        raise TypeError(f"'target_attestation_token' must be text, not {type(token).__name__}")
    if not token:
        raise ValueError("'target_attestation_token' must be the token of an attested environment, and is empty")
    return str.__str__(token)


def check_sign(
    row: Algorithm, digest: Buffer | None, context: Buffer | None = None, external_mu: Buffer | None = None
) -> Signed:
    """Check what is to be signed.

    :returns: the digest, or the message for an algorithm that signs messages; the context; and mu, in which case the
        message is empty.
    :raises ValueError: when the digest is not as long as the algorithm's hash, context or mu have a wrong length or are
        given to an algorithm that has none, or mu is given along with what it is computed from.
    """
    if row.message or context is not None or external_mu is not None:
        return _check_message(row, digest, context, external_mu)
    digest = as_bytes("digest", digest)
    if row.digest_size is not None and len(digest) != row.digest_size:
        raise ValueError(
            f"'digest' must be the {row.digest_size} bytes of a {row.hash_name} digest for {row.name}, "
            f"not {len(digest)} bytes; sign_data and verify_data hash a message themselves"
        )
    return digest, None, None


def _check_message(
    row: Algorithm, message: Buffer | None, context: Buffer | None, external_mu: Buffer | None
) -> Signed:
    if not row.message and row.family is not None:
        name = "external_mu" if context is None else "context"
        raise ValueError(f"'{name}' can't be given for {row.name}: only ML-DSA has it")
    if external_mu is None:
        if message is None:
            raise ValueError(f"{row.name} needs the message to sign or verify, or its 'external_mu'")
        context = _optional("context", context)
        if context is not None and len(context) > _CONTEXT_SIZE:
            raise ValueError(f"'context' must have at most {_CONTEXT_SIZE} bytes, not {len(context)}")
        return as_bytes("digest", message), context, None
    if message is not None:
        raise ValueError("'external_mu' stands for the message: pass None in its place")
    if context is not None:
        raise ValueError("'external_mu' was computed with a context or without: 'context' can't be given with it")
    external_mu = as_bytes("external_mu", external_mu)
    if len(external_mu) != _MU_SIZE:
        raise ValueError(f"'external_mu' must have {_MU_SIZE} bytes, not {len(external_mu)}")
    return b"", None, external_mu


def _optional(name: str, value: Buffer | None) -> bytes | None:
    return None if value is None else as_bytes(name, value)


def _unfit_size(row: Algorithm, name: str, size: int) -> ValueError:
    if size % row.block:
        return ValueError(f"'{name}' must be a multiple of {row.block} bytes for {row.name}, not {size} bytes")
    return ValueError(f"'{name}' must have at least {row.minimum} bytes for {row.name}, not {size}")


def _check_iv(row: Algorithm, iv: Buffer) -> bytes:
    iv = as_bytes("iv", iv)
    # The service decides how long an IV is that it has chosen itself.
    if len(iv) != _IV_SIZE and (row.iv == "caller" or not iv):
        raise ValueError(f"'iv' must have {_IV_SIZE} bytes for {row.name}, not {len(iv)}")
    return iv


def _check_tag(row: Algorithm, tag: Buffer | None) -> bytes | None:
    if tag is None:
        if row.tag_size:
            raise ValueError(f"'authentication_tag' is required to decrypt with {row.name}")
        return None
    if not row.tag_size:
        raise ValueError(f"'authentication_tag' can't be given for {row.name}: it authenticates nothing")
    tag = as_bytes("authentication_tag", tag)
    if len(tag) != row.tag_size:
        raise ValueError(f"'authentication_tag' must have {row.tag_size} bytes for {row.name}, not {len(tag)}")
    return tag


def _check_aad(row: Algorithm, aad: Buffer) -> bytes:
    if not row.aad and row.iv is None:
        raise ValueError(f"'additional_authenticated_data' can't be given for {row.name}: it authenticates nothing")
    # The service accepts it for AES-CBC, where it has no effect; local keys refuse it.
    return as_bytes("additional_authenticated_data", aad)
