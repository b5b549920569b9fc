"""What a CryptographyClient knows about its key, and what follows from it. No I/O: sync and async clients drive it."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, get_args

from azure.core.exceptions import DecodeError, HttpResponseError

from .._generated import models as wire
from .._jwk import JsonWebKey
from .._key_references import KeyReference, identifier_of
from .._models import KeyProperties, KeyVaultKey, KeyVaultKeyIdentifier
from .._shared import KeyVaultResourceId, parse_key_vault_id
from .._shared.recipe import unpicklable
from .._shared.wire.identifiers import origin_of
from .._shared.wire.refusals import is_of_the_network
from ._decision import Decision, Execution, KeyFacts, check_window, decide
from ._local import MIN_RSA_BITS, LocalKey, load

if TYPE_CHECKING:
    from ._local.algorithms import Algorithm

_LOGGER = logging.getLogger("azure.keyvault.keys.crypto")
#: What a vault keeps besides keys. azure-storage's client-side encryption has symmetric keys in secrets.
_ELSEWHERE = ("secrets", "certificates")


class KeyState:
    """One key: where it is, what is known of it, and where its operations run.

    :param identifier: the parts of its identifier; None for a key that is in no vault.
    :param facts: what is known of it; None when it has to be fetched first.
    :param material: its JSON Web Key, when that is known.
    :param execution: where its operations may run.
    """

    def __init__(
        self,
        identifier: KeyVaultResourceId | None,
        key_id: str | None,
        execution: Execution,
        facts: KeyFacts | None = None,
        material: JsonWebKey | None = None,
    ) -> None:
        self.identifier = identifier
        self.key_id = key_id
        self.execution: Execution = execution
        self.facts = facts
        self.material = material
        self.unreadable = False
        self.given: KeyVaultKey | JsonWebKey | None = None
        self._asked = identifier
        self._decisions: dict[tuple[str, str], Decision] = {}

    @classmethod
    def of(cls, key: KeyVaultKey | KeyVaultKeyIdentifier | str, execution: Execution) -> KeyState:
        """Return the state of a client for a key or a key's identifier.

        :raises ValueError: when the key is neither, the identifier is malformed, or there is no material although the
            key may be used only here.
        """
        if execution not in get_args(Execution):
            raise ValueError(f"execution must be 'auto', 'local' or 'remote', not {execution!r}")
        if isinstance(key, KeyVaultKey):
            return cls._of_key(key, execution)
        if isinstance(key, KeyVaultKeyIdentifier):
            key = key.source_id
        if not isinstance(key, str):
            # 4.x raised a ValueError with this text.
            raise ValueError("'key' must be a KeyVaultKey instance or a key ID string")
        identifier = parse_key_vault_id(key)
        _check_collection(identifier)
        if execution == "local":
            raise ValueError("execution 'local' needs the key material: pass a KeyVaultKey, or use from_jwk")
        facts = KeyFacts() if execution == "remote" else None
        return cls(identifier, key, execution, facts)

    @classmethod
    def _of_key(cls, key: KeyVaultKey, execution: Execution) -> KeyState:
        identifier = parse_key_vault_id(key.id)
        if identifier.collection.lower() in _ELSEWHERE:
            return cls._of_object(key, identifier, execution)
        _check_collection(identifier)
        if key._vault_url is not None:  # what an answer says of the vault's address is not used
            identifier = identifier._replace(vault_url=key._vault_url)
        state = cls(identifier, key.id, execution, _facts(key), key.key)
        state.given = key
        return state

    @classmethod
    def _of_object(cls, key: KeyVaultKey, identifier: KeyVaultResourceId, execution: Execution) -> KeyState:
        """Return the state for a key that a secret or a certificate holds: it is here, and nowhere else.

        :raises ValueError: when its material is not here, or the key is to be used in the vault.
        """
        facts = _facts(key)
        if facts.local is None or execution == "remote":
            raise ValueError(
                f"'{identifier.source_id}' is not the ID of a key: it is one of {identifier.collection}. Such a key "
                "needs its material, and is used in this process only"
            )
        return cls(identifier, key.id, "local", facts, key.key)

    @classmethod
    def of_jwk(cls, jwk: Any, min_rsa_bits: int = MIN_RSA_BITS) -> KeyState:
        """Return the state of a client that works without a vault.

        :raises ValueError: when the JWK has no material that can be used here.
        """
        opened = _open(jwk, min_rsa_bits)
        if isinstance(opened, str):
            raise ValueError(f"The provided jwk is not valid for local cryptography: {opened}")
        key, local = opened
        key_ops = None if key.key_ops is None else frozenset(key.key_ops)
        state = cls(None, key.kid, "local", KeyFacts(key.kty, local, key_ops), key)
        state.given = key
        return state

    @classmethod
    def within(cls, vault_url: str, key: KeyReference, version: str | None, execution: Execution) -> KeyState:
        """Return the state of a client for a key of a KeyClient's vault: a key, an identifier or a name.

        Requests go to that vault. A key may name another address of it, for a vault may have several; its version sees
        to it that no other key is used.

        :raises ValueError: when an identifier, or a key without a version, belongs to a different vault, or the version
            does not match the key's.
        """
        if isinstance(key, (KeyProperties, KeyVaultKeyIdentifier)):
            key = identifier_of(key)
        if isinstance(key, str) and "/" not in key:
            if not key:
                raise ValueError("key_name must be the name of a key, its identifier or a KeyVaultKey")
            key = f"{vault_url}/keys/{key}" + (f"/{version}" if version else "")
        state = cls.of(key, execution)
        if version and state.version.lower() != version.lower():
            if state.version or isinstance(key, KeyVaultKey):
                raise ValueError(f"key_version {version!r} does not match the version of the key, {state.key_id}")
            return cls.within(vault_url, f"{state.key_id}/{version}", None, execution)
        if state.identifier is not None:
            pinned = isinstance(key, KeyVaultKey) and state.identifier.version
            if not pinned and origin_of(state.identifier.vault_url) != origin_of(vault_url):
                raise ValueError(f"'{state.identifier.source_id}' is the ID of a key in another vault than {vault_url}")
            state.identifier = state._asked = state.identifier._replace(vault_url=vault_url)
        return state

    def renewed(self) -> KeyState:
        """Return the state of a key of which nothing is known but what was asked for: the newest version."""
        return KeyState(self._asked, self._asked.source_id if self._asked else None, self.execution)

    def of_version(self, version: str) -> KeyState:
        """Return the state of another version of the key.

        :raises NotImplementedError: when the key may be used only here, where the other version is not.
        """
        assert self.identifier is not None  # noqa: S101  # a key without a vault has one version
        if self.execution == "local":
            raise NotImplementedError(
                f"The data was made with version {version} of the key {self.name}, which is not here, and execution is "
                "'local': use a client that may ask the vault"
            )
        identifier = self.identifier._replace(version=version)
        # Who may not read one version may read none.
        facts = KeyFacts() if self.execution == "remote" or self.unreadable else None
        key_id = f"{identifier.vault_url}/keys/{identifier.name}/{version}"
        return KeyState(identifier._replace(source_id=key_id), key_id, self.execution, facts)

    def key_elsewhere(self, *, pinned: bool) -> KeyVaultKey | JsonWebKey | str | None:
        """Return the key as another process is told of it: what the caller gave, or its identifier.

        :param pinned: whether the version that is known now is to be used there, too.
        :raises TypeError: when the caller gave the private part of the key.
        """
        if self.material is not None and self.material._has_private():
            raise unpicklable("this CryptographyClient", "the private part of its key", "it stays in this process")
        asked = self._asked.source_id if self._asked is not None else None
        return self.given if self.given is not None else self.key_id if pinned else asked

    def addresses(self) -> list[str]:
        """Return the addresses of the vault: the one to which requests go, and those in the identifiers of the key."""
        if self.identifier is None or self.key_id is None:
            return []
        named = (self.identifier.source_id, self.key_id)
        return [self.identifier.vault_url, *(parse_key_vault_id(key_id).vault_url for key_id in named)]

    @property
    def is_pinned(self) -> bool:
        """Whether the client was made for one version, or for a key that has none."""
        return self._asked is None or self._asked.version is not None or self.material is not None

    @property
    def vault_url(self) -> str | None:
        """The URL of the vault; None for a key that is in none."""
        return self.identifier.vault_url if self.identifier is not None else None

    @property
    def name(self) -> str:
        """The name of the key in its vault."""
        assert self.identifier is not None  # noqa: S101  # a key without a vault is used locally only
        return self.identifier.name

    @property
    def version(self) -> str:
        """The version of the key; empty for the latest."""
        assert self.identifier is not None  # noqa: S101  # as above
        return self.identifier.version or ""

    @property
    def modulus_size(self) -> int | None:
        """The size of an RSA key's modulus in bytes; None when it is not known."""
        modulus = self.material.n if self.material is not None else None
        return len(modulus.lstrip(b"\0")) if modulus else None

    def learn(self, bundle: wire.KeyBundle) -> None:
        """Record the key that the vault returned.

        :raises ~azure.core.exceptions.DecodeError: when it is broken.
        """
        assert self.identifier is not None  # noqa: S101  # as above
        key = KeyVaultKey._from_bundle(bundle)
        asked, got = self.identifier, parse_key_vault_id(key.id)
        try:
            facts = _facts(key)
        except ValueError as error:
            raise DecodeError(f"The vault answered with a broken key {key.id}: {error}") from None
        self.identifier = asked._replace(version=got.version or asked.version)
        self.key_id = self.key_id_in(key.id)
        self.material = key.key
        self.facts = facts

    def key_id_in(self, answered: str | None) -> str | None:
        """Return the identifier that an answer names, in the vault that was asked.

        What the answer says of the vault's address is not used: requests go where the caller has pointed them.
        """
        own = self.identifier
        if answered is None or own is None:
            return self.key_id
        named = parse_key_vault_id(answered)
        version = named.version or own.version
        if named.version and own.vault_url.lower() == named.vault_url.lower():
            return answered
        return f"{own.vault_url}/keys/{named.name}" + (f"/{version}" if version else "")

    def learn_refusal(self, error: HttpResponseError) -> None:
        """Record that the key could not be fetched: without the permission, all operations run in the vault.

        :raises ~azure.core.exceptions.HttpResponseError: the error itself, when it has any other cause.
        """
        if error.status_code != 403 or is_of_the_network(error):
            raise error
        _LOGGER.debug("The key %s may not be read: its operations run in the vault", self.key_id)
        self.facts = KeyFacts()
        self.unreadable = True

    def local_for(self, operation: str, row: Algorithm) -> LocalKey | None:
        """Return the local key to run an operation with; None when the key must be fetched first or the vault runs it.

        The decision for an operation and an algorithm is made and logged once for each client.

        :param operation: as a JWK's ``key_ops`` names it.
        :param row: the row of the algorithm.

        :raises ValueError: when the key does not allow the operation, or not now.
        :raises NotImplementedError: when it may run only here, and cannot.
        """
        decision = self._decisions.get((operation, row.name)) or self._decide(operation, row)
        if decision is None:
            return None
        if decision.outcome == "refuse":
            raise decision.error()
        if decision.dated:
            check_window(decision.case.facts, time.time())
        return decision.local

    def _decide(self, operation: str, row: Algorithm) -> Decision | None:
        if self.facts is None:
            return None
        decision = decide(self.execution, self.facts, operation, row)
        _LOGGER.debug(
            "%s with %s and the key %s: %s (%s)",
            operation,
            row.name,
            self.key_id,
            decision.outcome,
            decision.rule.when,
        )
        if row.family is not None:  # the library knows only so many algorithms; other names would fill the memory
            self._decisions[operation, row.name] = decision
        return decision


def _open(jwk: Any, min_rsa_bits: int) -> tuple[JsonWebKey, LocalKey] | str:
    """Return a JWK and the local key of its material, or what is wrong with it.

    It does not raise an exception, whose traceback would contain the numbers of the key.
    """
    try:
        key = jwk if isinstance(jwk, JsonWebKey) else JsonWebKey.from_json(jwk)
        local = load(key, min_rsa_bits=min_rsa_bits)
    except (ValueError, TypeError, AttributeError) as error:
        return str(error)
    return f"it holds no key material of a known type (kty {key.kty!r})" if local is None else (key, local)


def _facts(key: KeyVaultKey) -> KeyFacts:
    properties = key.properties
    return KeyFacts.of(
        key.key, enabled=properties.enabled, not_before=properties.not_before, expires_on=properties.expires_on
    )


def _check_collection(identifier: KeyVaultResourceId) -> None:
    if identifier.collection.lower() != "keys":
        raise ValueError(f"'{identifier.source_id}' is not a valid ID of a key: it is one of {identifier.collection}")
