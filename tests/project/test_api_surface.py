"""Everything that azure-keyvault-keys 4.x offers (4.11, and what 4.12 adds) is here, with compatible parameters.

``data/api_surface_4x.json`` holds names, parameters and values as facts. A parameter may be wider here: optional where
it was required, positional where it was by name, accompanied by others that are optional. It may not be narrower.
"""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fixtures.cases import Cases

from azure.keyvault.keys import JsonWebKey, KeyRotationLifetimeAction, KeyRotationPolicy, KeyVaultKeyIdentifier

SURFACE: dict[str, Any] = json.loads(Path(__file__).with_name("data").joinpath("api_surface_4x.json").read_text())
KEY_ID = "https://demo.vault.azure.net/keys/orders/00112233445566778899aabbccddeeff"

#: Defaults that are others here, and why that is the same.
DEFAULTS = {
    "hardware_protected": "None is False, when `hsm`, its other name, is not given either",
    "api_version": "None is the newest stable one",
}
#: What takes only the keywords that it knows, where 4.x ignored the others, and why.
STRICT = {"azure.keyvault.keys.JsonWebKey.__init__": "a field that is misspelt is an error, as the key would lack it"}


def _found(path: str) -> Any:
    """Return what a dotted path leads to; None when it is not there."""
    module, _, name = path.rpartition(".")
    try:
        owner: Any = importlib.import_module(module)
    except ModuleNotFoundError:
        owner = _found(module)
    return None if owner is None else getattr(owner, name, None)


def _there(path: str) -> Any:
    found = _found(path)
    assert found is not None, f"{path} is missing"
    return found


def _cases(kind: str) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (owner, name, facts)
        for owner, described in SURFACE["classes"].items()
        for name, facts in (
            described["methods"].items() if kind == "methods" else [(name, {}) for name in described.get(kind, ())]
        )
    ]


@pytest.mark.case("O7")
def test_names_of_4_x_are_exported() -> None:
    cases = Cases()
    for module, names in SURFACE["modules"].items():
        for name in names:
            with cases.of(f"{module}.{name}"):
                _there(f"{module}.{name}")
    cases.check()


@pytest.mark.case("O7")
@pytest.mark.parametrize("path", SURFACE["enums"])
def test_enumeration_of_4_x_has_every_member(path: str) -> None:
    found = _there(path)
    assert SURFACE["enums"][path].items() <= {name: member.value for name, member in found.__members__.items()}.items()


@pytest.mark.case("O7")
def test_methods_of_4_x_have_compatible_parameters() -> None:
    cases = Cases()
    for owner, method, facts in _cases("methods"):
        with cases.of(f"{owner}.{method}"):
            kind = _there(owner)
            function = kind if method == "__init__" else _there(f"{owner}.{method}")
            parameters = dict(inspect.signature(function).parameters)
            if method != "__init__" and not facts.get("classmethod"):
                parameters.pop("self")
            assert _narrower(f"{owner}.{method}", parameters, facts) == []
    cases.check()


@pytest.mark.case("O7")
def test_methods_of_4_x_are_awaited_where_they_were() -> None:
    cases = Cases()
    for owner, method, facts in _cases("methods"):
        with cases.of(f"{owner}.{method}"):
            _there(owner)
            function = _there(f"{owner}.{method}")
            assert inspect.iscoroutinefunction(inspect.unwrap(function)) is facts.get("async", False)
    cases.check()


@pytest.mark.case("O7")
@pytest.mark.parametrize("which", ["properties", "attributes"])
def test_attributes_of_4_x_are_there(which: str) -> None:
    cases = Cases()
    for owner, name, _ in _cases(which):
        with cases.of(f"{owner}.{name}"):
            kind = _there(owner)
            assert hasattr(kind, name) or hasattr(_instance(owner, kind), name)
    cases.check()


@pytest.mark.case("O7")
def test_json_web_key_lists_its_fields_in_order() -> None:
    assert list(_there("azure.keyvault.keys.JsonWebKey")._FIELDS) == SURFACE["JsonWebKey._FIELDS"]


@pytest.mark.case("O7")
def test_json_web_key_is_as_mutable_as_azure_cli_needs() -> None:
    jwk = JsonWebKey(kid="k", kty="RSA", key_ops=["sign"])
    jwk.n, jwk.e, jwk.t = b"n", b"e", b"t"
    set_fields = {name: value for name, value in jwk.__dict__.items() if value is not None}
    assert set_fields == {"kid": "k", "kty": "RSA", "key_ops": ["sign"], "n": b"n", "e": b"e", "t": b"t"}


@pytest.mark.case("O7")
def test_rotation_policy_keeps_what_it_is_given() -> None:
    action = KeyRotationLifetimeAction("Rotate", time_after_create="P60D")
    policy = KeyRotationPolicy(policy_id="id", lifetime_actions=[action], expires_in="P90D")
    assert (policy.id, policy.lifetime_actions, policy.expires_in) == ("id", [action], "P90D")
    assert KeyRotationPolicy().lifetime_actions == []
    assert (policy.created_on, policy.updated_on) == (None, None)


@pytest.mark.case("O7")
def test_identifier_of_azure_cli_has_its_parts() -> None:
    parsed = _there("azure.keyvault.keys._shared.parse_key_vault_id")(KEY_ID)
    known = KeyVaultKeyIdentifier(KEY_ID)
    assert (known.name, known.vault_url) == ("orders", "https://demo.vault.azure.net")
    for part in ("name", "vault_url", "version", "source_id"):
        assert getattr(parsed, part) == getattr(known, part)


def _narrower(path: str, parameters: dict[str, inspect.Parameter], facts: dict[str, Any]) -> list[str]:
    """Return what a call for 4.x could say and cannot say here."""
    kinds = inspect.Parameter
    by_position = [
        name for name, one in parameters.items() if one.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
    ]
    by_name = [
        name for name, one in parameters.items() if one.kind in (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)
    ]
    takes = {one.kind for one in parameters.values()}
    positional, keyword = facts.get("positional", {}), facts.get("keyword", {})
    wrong = []
    for position, name in enumerate(positional):
        if name.startswith("*"):
            # The three of a with-block.
            wrong += [] if kinds.VAR_POSITIONAL in takes or len(by_position) >= 3 else [name]
        elif by_position[position : position + 1] != [name]:
            wrong.append(f"{name} is not positional argument {position + 1}")
    known = {name: fact for name, fact in {**positional, **keyword}.items() if not name.startswith("*")}
    for name, fact in known.items():
        if name not in by_name and kinds.VAR_KEYWORD not in takes:
            wrong.append(f"{name} cannot be given by name")
        elif name in parameters:
            wrong += _other_default(name, parameters[name], fact)
    for name, one in parameters.items():
        if name not in known and one.default is one.empty and one.kind not in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD):
            wrong.append(f"{name} is required here alone")
    if facts.get("options") and kinds.VAR_KEYWORD not in takes and path not in STRICT:
        wrong.append("takes no options")
    return wrong


def _other_default(name: str, parameter: inspect.Parameter, fact: dict[str, Any]) -> list[str]:
    if not fact or parameter.default is parameter.empty:
        return [f"{name} is required"] if fact and parameter.default is parameter.empty else []
    same = fact.get("optional") or parameter.default == fact["default"] or name in DEFAULTS
    return [] if same else [f"{name} is {parameter.default!r} by default"]


def _instance(path: str, kind: Callable[..., Any]) -> Any:
    """Return an instance that was made of nothing but what is required."""
    values: dict[str, Any] = {"key_id": KEY_ID, "source_id": KEY_ID, "encoded_policy": b"{}", "action": "Rotate"}
    if path.endswith("DeletedKey"):
        values["properties"] = _found("azure.keyvault.keys.KeyProperties")(KEY_ID)
    required = [
        name
        for name, one in inspect.signature(kind).parameters.items()
        if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
    ]
    return kind(**{name: values.get(name, "x") for name in required})
