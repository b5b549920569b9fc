"""What the packages export, and that all of it is documented."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import yaml
from sphinx.pycode import ModuleAnalyzer

from azure.keyvault.keys import (
    ApiVersion,
    KeyCurveName,
    KeyExportEncryptionAlgorithm,
    KeyOperation,
    KeyRotationPolicyAction,
    KeyType,
    emulator,
)
from azure.keyvault.keys.crypto import EncryptionAlgorithm, KeySecureWrapAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm


def installed(*packages: str) -> list[str]:
    """Return the packages whose extra is installed."""
    brought = {
        "azure.keyvault.keys.parquet": "pyarrow",
        "azure.keyvault.keys.tink": "tink",
        "azure.keyvault.keys.tink.aio": "tink",
    }
    return [package for package in packages if importlib.util.find_spec(brought[package])]


LIBRARY = [
    "azure.keyvault.keys",
    "azure.keyvault.keys.aio",
    "azure.keyvault.keys.crypto",
    "azure.keyvault.keys.crypto.aio",
]
#: Packages that need an extra.
AT_WORK = [
    "azure.keyvault.keys.jose",
    "azure.keyvault.keys.jose.aio",
    "azure.keyvault.keys.ssh_agent",
    *installed("azure.keyvault.keys.parquet", "azure.keyvault.keys.tink", "azure.keyvault.keys.tink.aio"),
]
PACKAGES = [*LIBRARY, *AT_WORK, "azure.keyvault.keys.emulator"]
DOCUMENT = yaml.safe_load((Path(__file__).parents[2] / "codegen" / "keyvault-keys.yaml").read_text("utf-8"))

#: Names that azure-keyvault-keys 4.x exports.
OLDER: dict[str, str] = {
    "azure.keyvault.keys": (
        "ApiVersion KeyClient JsonWebKey KeyAttestation KeyVaultKey KeyVaultKeyIdentifier KeyCurveName "
        "KeyExportEncryptionAlgorithm KeyOperation KeyRotationPolicyAction KeyType DeletedKey KeyProperties "
        "KeyReleasePolicy KeyRotationLifetimeAction KeyRotationPolicy ReleaseKeyResult ExternalKey __version__"
    ),
    "azure.keyvault.keys.aio": "KeyClient",
    "azure.keyvault.keys.crypto": (
        "CryptographyClient DecryptResult EncryptionAlgorithm EncryptResult KeyWrapAlgorithm SignatureAlgorithm "
        "SignResult WrapResult VerifyResult UnwrapResult KeyVaultRSAPrivateKey KeyVaultRSAPublicKey "
        "KeySecureWrapAlgorithm SecureWrapResult SecureUnwrapResult"
    ),
    "azure.keyvault.keys.crypto.aio": (
        "CryptographyClient EncryptionAlgorithm KeyWrapAlgorithm SignatureAlgorithm EncryptResult SignResult WrapResult"
    ),
    "azure.keyvault.keys._client": "KeyClient",
    "azure.keyvault.keys._enums": "KeyType KeyCurveName",
    "azure.keyvault.keys._models": "JsonWebKey KeyReleasePolicy KeyRotationLifetimeAction KeyRotationPolicy",
    "azure.keyvault.keys.crypto._enums": "EncryptionAlgorithm SignatureAlgorithm",
    "azure.keyvault.keys._shared": "parse_key_vault_id",
}

#: The enumerations that carry those of the document.
ENUMERATIONS: dict[str, tuple[type[Enum], ...]] = {
    "ApiVersion": (ApiVersion,),
    "KeyType": (KeyType,),
    "KeyCurveName": (KeyCurveName,),
    "KeyOperation": (KeyOperation,),
    "EncryptionAlgorithm": (EncryptionAlgorithm, KeyWrapAlgorithm),
    "SignatureAlgorithm": (SignatureAlgorithm,),
    "SecureWrapAlgorithm": (KeySecureWrapAlgorithm,),
    "AkpAlgorithm": (SignatureAlgorithm,),
    "ReleaseEncryptionAlgorithm": (KeyExportEncryptionAlgorithm,),
    "RotationAction": (KeyRotationPolicyAction,),
}
#: Values of the document that the library has no member for, and why.
WITHOUT_MEMBER = {
    "SECP256K1": "the name of P-256K until 2016-10-01; the library translates",
    "ECDSA256": "the name of ES256K until 2016-10-01; the library translates",
    "RSNULL": "reserved",
    **{
        version: "a preview"
        for version in DOCUMENT["components"]["schemas"]["ApiVersion"]["enum"]
        if "preview" in version
    },
}


@pytest.mark.parametrize("package", PACKAGES)
def test_all_is_sorted_and_equals_the_packages_content(package: str) -> None:
    module = importlib.import_module(package)
    content = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not inspect.ismodule(value) and name not in ("annotations", "TYPE_CHECKING")
    ]
    assert sorted(module.__all__) == list(module.__all__)
    # Names that are loaded when they are first asked for are no content before.
    assert set(content) <= set(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)


@pytest.mark.case("O7")
@pytest.mark.parametrize("package", OLDER)
def test_names_of_4_x_are_there(package: str) -> None:
    module = importlib.import_module(package)
    missing = {name for name in OLDER[package].split() if not hasattr(module, name)}
    assert missing == set()


@pytest.mark.parametrize("name", ENUMERATIONS)
def test_enumeration_has_every_value_of_the_document(name: str) -> None:
    values = set(DOCUMENT["components"]["schemas"][name]["enum"]) - set(WITHOUT_MEMBER)
    members = {member.value for kind in ENUMERATIONS[name] for member in kind}
    assert values <= members


def _members(kind: type) -> Iterator[tuple[str, Any]]:
    for base in kind.__mro__:
        if base.__module__.startswith("azure.keyvault."):
            for name, value in vars(base).items():
                if not name.startswith("_"):
                    yield name, value


def _classes(packages: list[str]) -> list[Any]:
    return _exported(packages, inspect.isclass)


def _exported(packages: list[str], is_wanted: Callable[[Any], bool]) -> list[Any]:
    found = {getattr(module, name) for module in map(importlib.import_module, packages) for name in module.__all__}
    return [
        pytest.param(thing, id=f"{thing.__module__.removeprefix('azure.keyvault.keys.')}.{thing.__name__}")
        for thing in sorted(filter(is_wanted, found), key=lambda thing: (thing.__module__, thing.__name__))
    ]


@pytest.mark.parametrize("kind", _classes(PACKAGES))
def test_public_class_and_its_members_have_docstrings(kind: type) -> None:
    assert vars(kind).get("__doc__")
    undocumented = [
        name
        for name, value in _members(kind)
        if (isinstance(value, (property, classmethod, staticmethod)) or inspect.isfunction(value))
        and not (value.fget if isinstance(value, property) else getattr(value, "__func__", value)).__doc__
    ]
    assert undocumented == []


@pytest.mark.parametrize("kind", [entry for entry in _classes(PACKAGES) if issubclass(entry.values[0], Enum)])
def test_members_of_enumerations_are_documented(kind: type[Enum]) -> None:
    source = ModuleAnalyzer.for_module(kind.__module__)
    source.analyze()
    assert {name for name in kind.__members__ if not any(source.attr_docs.get((kind.__name__, name), ()))} == set()


OBJECTS = [entry for entry in _classes(PACKAGES) if not issubclass(entry.values[0], Enum)]


#: What the emulator makes itself, and hands out.
HANDED_OUT = {
    getattr(emulator, name) for name in emulator.__all__ if name not in ("EmulatorOptions", "KeyVaultEmulator")
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_docstrings_tell_of_every_parameter_and_result(kind: type) -> None:
    untold = []
    init = None if kind in HANDED_OUT else vars(kind).get("__init__")
    fields = [name for name in getattr(kind, "__dataclass_fields__", ()) if not name.startswith("_")]
    names = [*(parameter.name for parameter in _named(init or object)), *fields]
    text = f"{kind.__doc__}{(init and init.__doc__) or ''}"
    untold += [name for name in names if not re.search(rf":(param|ivar) {name}:|``{name}``", text)]
    for member, function in _methods(kind):
        text = function.__doc__ or ""
        if "; see :meth:" in text:
            continue
        untold += [f"{member}({named.name})" for named in _named(function) if f":param {named.name}:" not in text]
        returns = inspect.signature(function).return_annotation
        if returns not in ("None", None, inspect.Signature.empty) and not re.search(
            r":returns:|^Return|^Whether", text
        ):
            untold.append(f"{member} -> {returns}")
    assert untold == []


@pytest.mark.parametrize("function", _exported(PACKAGES, inspect.isfunction))
def test_docstring_of_function_tells_of_every_parameter_result_and_error(function: Callable[..., Any]) -> None:
    text = function.__doc__ or ""
    assert {named.name for named in _named(function) if f":param {named.name}:" not in text} == set()
    assert ":returns:" in text
    assert ":raises " in text


#: What is said of numbers and times: what they count, or where else that is told.
UNIT = re.compile(
    r"seconds?\b|days?\b|\bbits\b|\bbytes\b|octets|\bUTC\b|ISO 8601|number|\bport\b|page|items|status|HTTP|index|"
    r"exponent|modulus|likewise|alias of|[0-9]+ or",
    re.IGNORECASE,
)


@pytest.mark.parametrize("kind", OBJECTS)
def test_docstrings_tell_the_unit_of_every_number_and_time(kind: type) -> None:
    untold = []
    constructor = [] if kind in HANDED_OUT or "__init__" not in vars(kind) else [("", vars(kind)["__init__"])]
    for member, function in [*constructor, *_methods(kind), *_getters(kind)]:
        text = inspect.cleandoc(function.__doc__ or "") if member else inspect.cleandoc(kind.__doc__ or "")
        for parameter in _named(function):
            told = re.search(rf":(?:param|ivar) {parameter.name}:(.*?)(?=\n:|\Z)", text, re.DOTALL)
            if _is_quantity(parameter.annotation) and not (told and UNIT.search(told[1])):
                untold.append(f"{member}({parameter.name})")
        if member and _is_quantity(inspect.signature(function).return_annotation) and not UNIT.search(text):
            untold.append(member)
    assert untold == []


def _methods(kind: type) -> Iterator[tuple[str, Any]]:
    for member, value in _members(kind):
        function = getattr(value, "__func__", value)
        if inspect.isfunction(function):
            yield member, function


def _getters(kind: type) -> Iterator[tuple[str, Any]]:
    yield from ((member, value.fget) for member, value in _members(kind) if isinstance(value, property))


def _is_quantity(annotation: Any) -> bool:
    return re.search(r"\b(int|float|datetime|timedelta)\b", str(annotation)) is not None


def _named(function: Any) -> list[inspect.Parameter]:
    return [
        parameter
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        and parameter.name not in ("self", "cls")
    ]
