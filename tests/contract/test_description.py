"""The emulator keeps to codegen/keyvault-keys.yaml, as schemathesis reads it.

Two passes. One succeeds with every operation, so that every kind of answer is looked at. The other sends what
schemathesis makes up from the document, fitting and unfitting, and wants an answer of the document to all of it.
"""

from __future__ import annotations

import copy
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
import yaml
from azure.core.credentials import AccessToken
from cryptography.hazmat.primitives.asymmetric import rsa
from fixtures.keyring import private_jwk
from fixtures.targets import Target
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from azure.keyvault.keys import JsonWebKey, KeyClient
from azure.keyvault.keys.emulator import KeyVaultEmulator

DOCUMENT = yaml.safe_load((Path(__file__).parents[2] / "codegen" / "keyvault-keys.yaml").read_text("utf-8"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OPERATIONS: dict[str, tuple[str, str]] = {
    operation["operationId"]: (path, method)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
}
HSM_ONLY = {
    operation_id
    for operation_id, (path, method) in OPERATIONS.items()
    if DOCUMENT["paths"][path][method].get("x-platform") == "managed-hsm"
}
LATEST = "2026-07-01-preview"
VERSIONS = ["2016-10-01", "7.2", "7.6", "2026-04-01", LATEST]
#: Keys that stay, and names whose keys come and go.
KEYS = {"rsa": "desk-rsa", "ec": "desk-ec", "oct": "desk-oct"}
SPARE = [f"spare-{number}" for number in range(4)]
MOVING = {
    "create_key",
    "import_key",
    "delete_key",
    "purge_deleted_key",
    "recover_deleted_key",
    "rotate_key",
    "get_key_versions",
}
EXAMPLES = 10
#: Those that take the latest version for want of one in the path do the same as the others.
VERSIONED = [operation_id for operation_id in OPERATIONS if not operation_id.endswith("_latest")]
any_place = pytest.mark.parametrize("place", ["vault", "hsm"])


def _where_it_is(operations: Iterable[str]) -> pytest.MarkDecorator:
    """Parametrise a test with operations, in each place that has them."""
    return pytest.mark.parametrize(
        ("operation_id", "place"),
        [
            pytest.param(which, place, id=f"{which}-{place}")
            for which in operations
            for place in ("vault", "hsm")
            if place == "hsm" or which not in HSM_ONLY
        ],
    )


any_operation = _where_it_is(OPERATIONS)
any_versioned_operation = _where_it_is(VERSIONED)


class Desk:
    """An emulator with keys to try every operation with, and the document aimed at them."""

    def __init__(self, emulator: KeyVaultEmulator, place: str) -> None:
        self.emulator = emulator
        self.place = place
        target = Target.emulated(emulator)
        token: AccessToken = target.credential.get_token(f"{emulator.url}/.default")
        self.headers = {"Authorization": f"Bearer {token.token}"}
        self.client = KeyClient(target.url, target.credential, **target.options)
        self.client.import_key(KEYS["rsa"], private_jwk("RSA 2048"))
        self.client.import_key(KEYS["ec"], private_jwk("EC P-256"))
        if place == "hsm":
            self.client.import_key(KEYS["oct"], private_jwk("oct 256"))
        self.session = requests.Session()
        self._schemas = {mode: self._aimed(mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)}

    def _aimed(self, mode: GenerationMode) -> Any:
        """Return the document, aimed at the keys that are there."""
        document = copy.deepcopy(DOCUMENT)
        # Otherwise half of what does not fit would be requests without a token.
        del document["security"]
        # What a Managed HSM answers is said in words: actions in lower case, and empty text for no expiry.
        schemas = document["components"]["schemas"]
        schemas["RotationAction"]["enum"] += [action.lower() for action in schemas["RotationAction"]["enum"]]
        expiry = {"anyOf": [{"$ref": "#/components/schemas/Duration"}, {"const": ""}]}
        schemas["KeyRotationPolicyAttributes"]["properties"]["expiryTime"] = expiry
        names = [name for name in KEYS.values() if self.place == "hsm" or name != KEYS["oct"]]
        versions = [self.client.get_key(name).properties.version for name in names]
        parameters = document["components"]["parameters"]
        parameters["key-version"]["schema"] = {"type": "string", "enum": [*versions, "0" * 32]}
        parameters["api-version"]["schema"] = {"type": "string", "enum": VERSIONS}
        moving = parameters["key-name"]
        if mode is GenerationMode.POSITIVE:
            moving = {**moving, "schema": {"type": "string", "enum": SPARE}}
        parameters["key-name"] = {**moving, "schema": {"type": "string", "enum": [*names, "no-such-key"]}}
        for path, method in (OPERATIONS[operation_id] for operation_id in MOVING):
            document["paths"][path][method]["parameters"] = [moving]
        return schemathesis.openapi.from_dict(document)

    def operation(self, operation_id: str, mode: GenerationMode = GenerationMode.POSITIVE) -> Any:
        """Return an operation of the document."""
        path, method = OPERATIONS[operation_id]
        return self._schemas[mode][path][method.upper()]

    def check(self, case: Any, *more: Any) -> requests.Response:
        """Send a case, and compare the answer with the document."""
        response: requests.Response = case.call(
            base_url=self.emulator.url, session=self.session, headers=self.headers, verify=self.emulator.ca_bundle
        )
        case.validate_response(response, checks=[*CHECKS, *more])
        return response

    def close(self) -> None:
        """Close the connections."""
        self.client.close()
        self.session.close()


@pytest.fixture(scope="module")
def desks() -> Iterator[Callable[[str], Desk]]:
    """Gives the desk of a vault or a Managed HSM."""
    with (
        KeyVaultEmulator(deletion_delay=0) as vault,
        KeyVaultEmulator(managed_hsm=True) as managed_hsm,
    ):
        made = {"vault": Desk(vault, "vault"), "hsm": Desk(managed_hsm, "hsm")}
        yield made.__getitem__
        for desk in made.values():
            desk.close()


@pytest.fixture
def desk(desks: Callable[[str], Desk], place: str) -> Desk:
    """The desk of a place."""
    return desks(place)


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _jwk(kind: str) -> dict[str, Any]:
    """Return a private key as JSON for an import."""
    jwk = private_jwk(kind)
    parts = {name: getattr(jwk, name) for name in JsonWebKey._FIELDS}
    return {name: _encoded(part) if isinstance(part, bytes) else part for name, part in parts.items() if part}


class Story:
    """A key's life in requests: every operation once, in an order in which each succeeds."""

    def __init__(self, desk: Desk) -> None:
        self.told: set[str] = set()
        self._desk = desk
        self._name = "story"
        self._version = ""
        self._attested = rsa.generate_private_key(65537, 2048).public_key()

    def tell(self, operation_id: str, body: Any = None) -> Any:
        """Send a request that succeeds, and return what the answer holds."""
        self.told.add(operation_id)
        more = {"body": body, "media_type": "application/json"} if body is not None else {}
        case = self._desk.operation(operation_id).Case(
            path_parameters={"key-name": self._name, "key-version": self._version},
            query={"api-version": LATEST},
            **more,
        )
        response = self._desk.check(case)
        assert response.status_code < 300, f"{operation_id}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def management(self) -> None:
        """Create, import, change, list, back up, delete, recover, purge and restore."""
        self.tell("create_key", {"kty": "EC", "tags": {"a": "b"}, "attributes": {"exp": 1900000000}})
        bundle = self.tell("import_key", {"key": _jwk("RSA 2048")})
        self._version = bundle["key"]["kid"].rpartition("/")[2]
        for suffix in ("", "_latest"):
            self.tell(f"get_key{suffix}")
            self.tell(f"update_key{suffix}", {"attributes": {"enabled": True}, "tags": {}})
        self.tell("get_keys")
        self.tell("get_key_versions")
        self.tell("get_key_rotation_policy")
        self.tell(
            "update_key_rotation_policy",
            {
                "lifetimeActions": [{"trigger": {"timeAfterCreate": "P60D"}, "action": {"type": "Rotate"}}],
                "attributes": {"expiryTime": "P120D"},
            },
        )
        self.tell("get_key_rotation_policy")
        self.tell("rotate_key")
        backup = self.tell("backup_key")
        self.tell("delete_key")
        self.tell("get_deleted_key")
        self.tell("get_deleted_keys")
        self.tell("recover_deleted_key")
        self.tell("delete_key")
        self.tell("purge_deleted_key")
        self.tell("restore_key", backup)

    def cryptography(self, kind: str, encryption: dict[str, str], wrapping: str, signing: str) -> None:
        """Encrypt and decrypt, wrap and unwrap, sign and verify."""
        # In a Managed HSM `oct` keys do either of these, and the others do both.
        self._use({"key": _jwk(kind)})
        plaintext, digest = _encoded(b"sixteen bytes..."), _encoded(b"d" * 32)
        for suffix in ("", "_latest"):
            result = self.tell(f"encrypt{suffix}", {"value": plaintext, **encryption})
            members = {name: result[name] for name in ("iv", "tag") if name in result}
            decrypted = self.tell(f"decrypt{suffix}", {"alg": encryption["alg"], "value": result["value"], **members})
            assert decrypted["value"] == plaintext
            wrapped = self.tell(f"wrap_key{suffix}", {"alg": wrapping, "value": plaintext})
            unwrapped = self.tell(f"unwrap_key{suffix}", {"alg": wrapping, "value": wrapped["value"]})
            assert unwrapped["value"] == plaintext
        self._use({"key": {**_jwk(kind), "key_ops": ["sign", "verify"]}})
        for suffix in ("", "_latest"):
            signed = self.tell(f"sign{suffix}", {"alg": signing, "value": digest})
            verified = self.tell(f"verify{suffix}", {"alg": signing, "digest": digest, "value": signed["value"]})
            assert verified["value"] is True

    def hardware(self) -> None:
        """Release, wrap and unwrap for an attested environment, and what only a Managed HSM has."""
        authority = self._desk.emulator.attestation
        policy = {
            "version": "1.0.0",
            "anyOf": [{"authority": authority.url, "allOf": [{"claim": "x", "exists": True}]}],
        }
        target = authority.issue({"x": "y"}, self._attested)
        released = {
            "kty": "RSA-HSM",
            "attributes": {"exportable": True},
            "release_policy": {"data": _encoded(json.dumps(policy).encode())},
        }
        self._use({**released, "key_ops": ["export"]})
        for suffix in ("", "_latest"):
            self.tell(f"release{suffix}", {"target": target, "nonce": "n", "enc": "RSA_AES_KEY_WRAP_256"})
        self._use({**released, "key_ops": ["secureWrapKey", "secureUnwrapKey", "wrapKey", "unwrapKey"]})
        for suffix in ("", "_latest"):
            wrapped = self.tell(f"secure_wrap_key{suffix}", {"alg": "RSA-OAEP-256"})
            self.tell(
                f"secure_unwrap_key{suffix}", {"alg": "RSA-OAEP-256", "value": wrapped["value"], "target": target}
            )
        if self._desk.place == "hsm":
            for suffix in ("", "_latest"):
                self.tell(f"get_key_attestation{suffix}")
            self.tell("get_random_bytes", {"count": 16})

    def _use(self, body: dict[str, Any]) -> None:
        """Go on with a new version."""
        bundle = self.tell("import_key" if "key" in body else "create_key", body)
        self._version = bundle["key"]["kid"].rpartition("/")[2]


@any_place
def test_answers_of_success_conform_to_the_document(desk: Desk) -> None:
    story = Story(desk)
    story.management()
    story.cryptography("RSA 2048", {"alg": "RSA-OAEP-256"}, "RSA1_5", "PS256")
    if desk.place == "hsm":
        story.cryptography("oct 256", {"alg": "A256GCM"}, "A256KW", "HS256")
        story.cryptography("oct 256", {"alg": "A256CBC", "iv": _encoded(b"i" * 16)}, "CKM_AES_KEY_WRAP", "HS256")
    story.hardware()
    assert story.told == {which for which in OPERATIONS if desk.place == "hsm" or which not in HSM_ONLY}


@any_operation
def test_answer_to_a_request_without_a_token_is_the_challenge(desk: Desk, operation_id: str) -> None:
    path, method = OPERATIONS[operation_id]
    url = desk.emulator.url + path.replace("{key-name}", KEYS["rsa"]).replace("{key-version}", "0" * 32)
    response = requests.request(
        method, url, params={"api-version": LATEST}, verify=desk.emulator.ca_bundle, json={}, timeout=10
    )
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith(f'Bearer authorization="{desk.emulator.url}/')
    if desk.place == "hsm":
        assert response.content == (b"OK" if method == "get" else b"")
    else:
        assert response.json()["error"]["code"] == "Unauthorized"


@any_versioned_operation
def test_answers_to_what_fits_the_document_conform_to_it(desk: Desk, operation_id: str) -> None:
    _explore(desk, operation_id, GenerationMode.POSITIVE)


@any_versioned_operation
def test_answers_to_what_does_not_fit_the_document_are_refusals(desk: Desk, operation_id: str) -> None:
    _explore(desk, operation_id, GenerationMode.NEGATIVE, negative_data_rejection)


def _explore(desk: Desk, operation_id: str, mode: GenerationMode, *checks: Any) -> None:
    @hypothesis.settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=desk.operation(operation_id, mode).as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        desk.check(case, *checks)

    check()
