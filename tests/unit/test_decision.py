"""The decision between local and remote, without a client."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any

import pytest
from azure.core.exceptions import AzureError
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from azure.keyvault.keys._enums import KeyOperation
from azure.keyvault.keys._jwk import JsonWebKey
from azure.keyvault.keys.crypto import _decision
from azure.keyvault.keys.crypto._decision import KeyFacts, check_window, decide
from azure.keyvault.keys.crypto._local import algorithms, load

LOOKUP = {
    "encrypt": algorithms.encryption,
    "decrypt": algorithms.encryption,
    "wrapKey": algorithms.key_wrap,
    "unwrapKey": algorithms.key_wrap,
    "sign": algorithms.signature,
    "verify": algorithms.signature,
    "secureWrapKey": algorithms.secure_wrap,
    "secureUnwrapKey": algorithms.secure_wrap,
}


@cache
def material(kind: str) -> JsonWebKey:
    if kind == "rsa":
        return JsonWebKey.from_cryptography(rsa.generate_private_key(65537, 2048))
    if kind == "ec":
        return JsonWebKey.from_cryptography(ec.generate_private_key(ec.SECP256R1()))
    if kind == "oct":
        return JsonWebKey(kty="oct", k=os.urandom(32))
    if kind == "oct without k":
        return JsonWebKey(kty="oct-HSM")
    if kind == "akp public":
        return JsonWebKey(kty="AKP", alg="ML-DSA-44", pub=bytes(1312))
    return JsonWebKey.from_der(material(kind.removesuffix(" public")).to_der())


def key(kind: str, **changes: Any) -> JsonWebKey:
    jwk = JsonWebKey(**vars(material(kind)))
    vars(jwk).update(changes)
    return jwk


def outcome(execution: Any, kind: str, operation: str, algorithm: str, **facts: Any) -> str:
    decision = decide(execution, KeyFacts.of(material(kind), **facts), operation, LOOKUP[operation](algorithm))
    return decision.outcome if decision.outcome != "refuse" else type(decision.error()).__name__


# kind of key, operation, algorithm: outcome with auto, local, remote
TABLE = [
    ("rsa", "encrypt", "RSA-OAEP", "local", "local", "remote"),
    ("rsa", "decrypt", "RSA-OAEP-256", "local", "local", "remote"),
    ("rsa", "wrapKey", "RSA1_5", "local", "local", "remote"),
    ("rsa", "unwrapKey", "RSA1_5", "local", "local", "remote"),
    ("rsa", "sign", "PS512", "local", "local", "remote"),
    ("rsa", "verify", "RS256", "local", "local", "remote"),
    ("rsa public", "encrypt", "RSA-OAEP", "local", "local", "remote"),
    ("rsa public", "wrapKey", "RSA-OAEP", "local", "local", "remote"),
    ("rsa public", "verify", "PS256", "local", "local", "remote"),
    ("rsa public", "decrypt", "RSA-OAEP", "remote", "NotImplementedError", "remote"),
    ("rsa public", "unwrapKey", "RSA-OAEP", "remote", "NotImplementedError", "remote"),
    ("rsa public", "sign", "RS256", "remote", "NotImplementedError", "remote"),
    ("ec", "sign", "ES256", "local", "local", "remote"),
    ("ec public", "verify", "ES256", "local", "local", "remote"),
    ("ec public", "sign", "ES256", "remote", "NotImplementedError", "remote"),
    ("ec", "sign", "ES384", "ValueError", "ValueError", "ValueError"),
    ("ec", "verify", "ES256K", "ValueError", "ValueError", "ValueError"),
    ("ec", "encrypt", "RSA-OAEP", "ValueError", "NotImplementedError", "ValueError"),
    ("rsa", "sign", "ES256", "ValueError", "NotImplementedError", "ValueError"),
    ("oct", "encrypt", "A256CBCPAD", "local", "local", "remote"),
    ("oct", "decrypt", "A256CBC", "local", "local", "remote"),
    ("oct", "wrapKey", "A256KW", "local", "local", "remote"),
    ("oct", "unwrapKey", "A256KW", "local", "local", "remote"),
    ("oct", "wrapKey", "A128KW", "ValueError", "ValueError", "ValueError"),
    ("oct", "encrypt", "A256GCM", "remote", "NotImplementedError", "remote"),
    ("oct", "sign", "HS256", "remote", "NotImplementedError", "remote"),
    ("oct", "wrapKey", "CKM_AES_KEY_WRAP", "remote", "NotImplementedError", "remote"),
    ("oct", "encrypt", "A128CBC-HS256", "local", "local", "NotImplementedError"),
    ("oct without k", "encrypt", "A256CBCPAD", "remote", "NotImplementedError", "remote"),
    ("oct without k", "wrapKey", "A256KW", "remote", "NotImplementedError", "remote"),
    ("oct without k", "encrypt", "A128CBC-HS256", "NotImplementedError", "NotImplementedError", "NotImplementedError"),
    ("oct without k", "sign", "RS256", "ValueError", "NotImplementedError", "ValueError"),
    ("akp public", "sign", "ML-DSA-44", "remote", "NotImplementedError", "remote"),
    ("akp public", "sign", "ML-DSA-65", "ValueError", "ValueError", "ValueError"),
    ("akp public", "verify", "ES256", "ValueError", "NotImplementedError", "ValueError"),
    ("ec", "verify", "ML-DSA-44", "ValueError", "NotImplementedError", "ValueError"),
    ("rsa", "sign", "RS9000", "remote", "NotImplementedError", "remote"),
    ("rsa", "secureWrapKey", "RSA-OAEP-256", "remote", "NotImplementedError", "remote"),
    ("rsa", "secureUnwrapKey", "RSA-OAEP-256", "remote", "NotImplementedError", "remote"),
    ("rsa", "secureWrapKey", "A256KW", "ValueError", "NotImplementedError", "ValueError"),
    ("oct", "secureWrapKey", "A256KW", "remote", "NotImplementedError", "remote"),
    ("oct", "secureUnwrapKey", "A128KWPAD", "ValueError", "ValueError", "ValueError"),
    ("oct without k", "secureUnwrapKey", "A128KWPAD", "remote", "NotImplementedError", "remote"),
]


@pytest.mark.case("M8", "L12")
@pytest.mark.parametrize(("kind", "operation", "algorithm", "auto", "local", "remote"), TABLE)
def test_decision_is_that_of_the_table(
    kind: str, operation: str, algorithm: str, auto: str, local: str, remote: str
) -> None:
    executions = ("auto", "local", "remote")
    assert tuple(outcome(execution, kind, operation, algorithm) for execution in executions) == (auto, local, remote)


@pytest.mark.case("M6")
@pytest.mark.parametrize("operation", list(LOOKUP))
def test_nothing_known_about_the_key_goes_remote(operation: str) -> None:
    row = LOOKUP[operation]("RS256" if operation in ("sign", "verify") else "RSA-OAEP-256")
    assert decide("auto", KeyFacts(), operation, row).outcome == "remote"
    assert decide("remote", KeyFacts(), operation, row).outcome == "remote"


@pytest.mark.case("M4")
@pytest.mark.parametrize("execution", ["auto", "local", "remote"])
@pytest.mark.parametrize("allowed", [[], ["sign", "verify"], [KeyOperation.sign]])
def test_operation_outside_key_ops_is_refused(execution: Any, allowed: list[str]) -> None:
    facts = KeyFacts.of(key("rsa", key_ops=allowed))
    decision = decide(execution, facts, "encrypt", algorithms.encryption("RSA-OAEP"))
    error = decision.error()
    assert isinstance(error, ValueError)
    assert isinstance(error, AzureError)
    assert 'does not allow the "encrypt" operation' in str(error)
    assert "KeyOperation" not in str(error)


@pytest.mark.case("M11")
@pytest.mark.parametrize("key_ops", [None, ["encrypt"], [KeyOperation.encrypt, "sign"]])
def test_operation_in_key_ops_or_without_them_is_allowed(key_ops: Any) -> None:
    facts = KeyFacts.of(key("rsa", key_ops=key_ops))
    assert decide("auto", facts, "encrypt", algorithms.encryption("RSA-OAEP")).outcome == "local"


@pytest.mark.case("M3")
@pytest.mark.parametrize("operation", [operation for operation in LOOKUP if not operation.startswith("secure")])
def test_disabled_key_does_nothing_locally(operation: str) -> None:
    algorithm = "RS256" if operation in ("sign", "verify") else "RSA-OAEP"
    assert outcome("auto", "rsa", operation, algorithm, enabled=False) == "OperationNotAllowed"
    assert outcome("local", "rsa", operation, algorithm, enabled=False) == "OperationNotAllowed"
    assert outcome("auto", "rsa", operation, algorithm, enabled=True) == "local"


def test_disabled_key_is_left_to_the_service_where_it_runs_there() -> None:
    assert outcome("auto", "rsa public", "sign", "RS256", enabled=False) == "remote"
    assert outcome("remote", "rsa", "sign", "RS256", enabled=False) == "remote"
    assert outcome("auto", "rsa", "secureWrapKey", "RSA-OAEP-256", enabled=False) == "remote"


MOMENT = datetime(2030, 6, 1, 12, tzinfo=timezone.utc)


@pytest.mark.case("H6")
@pytest.mark.parametrize(
    ("operation", "algorithm", "dated"),
    [
        ("encrypt", "RSA-OAEP", True),
        ("wrapKey", "RSA-OAEP", True),
        ("sign", "RS256", True),
        ("decrypt", "RSA-OAEP", False),
        ("unwrapKey", "RSA-OAEP", False),
        ("verify", "RS256", False),
    ],
)
def test_dates_matter_only_to_what_protects(operation: str, algorithm: str, dated: bool) -> None:
    row = LOOKUP[operation](algorithm)
    facts = KeyFacts.of(material("rsa"), expires_on=MOMENT)
    assert decide("auto", facts, operation, row).dated is dated
    assert decide("remote", facts, operation, row).dated is False
    assert decide("auto", KeyFacts.of(material("rsa")), operation, row).dated is False


NOW = MOMENT.timestamp()


@pytest.mark.case("H3", "M1")
@pytest.mark.parametrize(
    ("starts", "ends", "message"),
    [
        (None, None, None),
        (0, None, None),
        (1, None, "not useable until 2030-06-01 12:00:01"),
        (None, 1, None),
        (None, 0, "expired at 2030-06-01 12:00:00"),
        (0, 1, None),
        (0, 0, "only between"),
        (1, 2, "only between 2030-06-01 12:00:01 and 2030-06-01 12:00:02"),
        (-2, -1, "only between"),
    ],
)
def test_window_begins_with_nbf_and_ends_before_exp(starts: int | None, ends: int | None, message: str | None) -> None:
    facts = KeyFacts(
        not_before=None if starts is None else NOW + starts, expires_on=None if ends is None else NOW + ends
    )
    if message is None:
        check_window(facts, NOW)
    else:
        with pytest.raises(ValueError, match=message):
            check_window(facts, NOW)


@pytest.mark.case("H1")
def test_naive_date_is_utc() -> None:
    facts = KeyFacts.of(material("ec"), not_before=MOMENT.replace(tzinfo=None))
    assert facts.not_before == NOW


def test_text_of_what_is_not_implemented_names_operation_and_algorithm() -> None:
    decision = decide("local", KeyFacts.of(material("rsa public")), "decrypt", algorithms.encryption("RSA-OAEP"))
    with pytest.raises(NotImplementedError, match='"decrypt" operation with algorithm "RSA-OAEP"'):
        raise decision.error()


@pytest.mark.case("J8")
def test_broken_material_is_refused() -> None:
    with pytest.raises(ValueError, match="not a point"):
        KeyFacts.of(key("ec", x=bytes(32)))


def test_error_is_new_each_time() -> None:
    decision = decide("local", KeyFacts(), "sign", algorithms.signature("RS256"))
    assert decision.error() is not decision.error()


def test_every_rule_can_decide_and_is_documented() -> None:
    table = _decision.describe()
    for number, rule in enumerate(_decision.RULES, 1):
        assert f"| {number} | {rule.when} |" in table
    assert _decision.RULES[-1].outcome == "remote"


def test_unknown_algorithm_that_may_run_only_here_is_told_with_the_known_ones() -> None:
    decision = decide("local", KeyFacts("EC"), "sign", algorithms.signature("FOO"))
    with pytest.raises(
        NotImplementedError, match=r"algorithm 'FOO' is unknown. The known algorithms of sign and verify"
    ):
        raise decision.error()


def test_documentation_has_the_outcome_of_every_rule() -> None:
    outcomes = [line.rpartition(" | ")[2].rstrip(" |") for line in _decision.describe().splitlines()[2:]]
    refused = ["`ValueError`"] * 3
    assert outcomes == [*refused, "remote", "`ValueError`", "local", "`NotImplementedError`", "remote"]


@pytest.mark.parametrize(
    ("execution", "facts", "operation", "algorithm", "reason"),
    [
        (
            "auto",
            KeyFacts("oct"),
            "encrypt",
            "A128CBC-HS256",
            ": the service does not have it, and it can't run locally",
        ),
        ("local", KeyFacts("RSA"), "encrypt", "RSA-OAEP", " locally"),
        ("local", KeyFacts("oct", load(material("oct"))), "encrypt", "A256GCM", " locally"),
        (
            "local",
            KeyFacts("RSA", load(material("rsa public"))),
            "decrypt",
            "RSA-OAEP",
            " locally: the private part of the key is not here",
        ),
    ],
    ids=["unknown to the service", "no material", "not made here", "public key"],
)
def test_reason_why_nothing_can_run_it_is_told(
    execution: Any, facts: KeyFacts, operation: str, algorithm: str, reason: str
) -> None:
    error = decide(execution, facts, operation, LOOKUP[operation](algorithm)).error()
    assert isinstance(error, NotImplementedError)
    assert str(error) == f'This key does not support the "{operation}" operation with algorithm "{algorithm}"{reason}'


def test_date_of_another_zone_is_that_moment() -> None:
    east = datetime(2030, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    facts = KeyFacts.of(material("oct"), not_before=east)
    assert facts.not_before == datetime(2030, 1, 1, tzinfo=timezone.utc).timestamp()
