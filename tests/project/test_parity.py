"""The two worlds have the same names, in the same order, with the same signatures and the same words."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from typing import Any

import pytest

from azure.keyvault.keys import KeyClient, aio
from azure.keyvault.keys._paging import AsyncKeyPageIterator, KeyPageIterator
from azure.keyvault.keys._polling import AsyncKeyVaultPoller, KeyVaultPoller
from azure.keyvault.keys.crypto import CryptographyClient
from azure.keyvault.keys.crypto import aio as crypto_aio
from azure.keyvault.keys.jose import aio as jose_aio

TWINS = [
    pytest.param(KeyClient, aio.KeyClient, id="KeyClient"),
    pytest.param(CryptographyClient, crypto_aio.CryptographyClient, id="CryptographyClient"),
    pytest.param(KeyVaultPoller, AsyncKeyVaultPoller, id="poller"),
    pytest.param(KeyPageIterator, AsyncKeyPageIterator, id="pages"),
]
twins = pytest.mark.parametrize(("here", "there"), TWINS)

#: How the types of the synchronous world are called in asyncio's.
RENAMED = {
    "TokenCredential": "AsyncTokenCredential | TokenCredential",  # A synchronous credential works in both.
    "KeyPager": "AsyncKeyPager",
    "LROPoller": "AsyncLROPoller",
    "HttpResponse": "Awaitable[AsyncHttpResponse]",
    "VaultConnection": "AsyncVaultConnection",
    "source: 'BinaryIO": "source: 'AnySource",
    "target: 'BinaryIO": "target: 'AnyTarget",
}
#: Names that one of the worlds has alone, and why.
ALONE: dict[str, str] = {
    "create_rsa_private_key": "cryptography's interfaces cannot be awaited",
    "create_rsa_public_key": "cryptography's interfaces cannot be awaited",
    "create_ec_private_key": "cryptography's interfaces cannot be awaited",
    "create_ec_public_key": "cryptography's interfaces cannot be awaited",
    "add_done_callback": "azure-core's asyncio pollers have no callbacks",
    "remove_done_callback": "azure-core's asyncio pollers have no callbacks",
    "__enter__": "asyncio's is __aenter__",
    "__exit__": "asyncio's is __aexit__",
    "__aenter__": "the synchronous one is __enter__",
    "__aexit__": "the synchronous one is __exit__",
    "__next__": "asyncio's is __anext__",
    "__anext__": "the synchronous one is __next__",
}
#: Docstrings that differ on purpose, and why.
OTHER_WORDS: dict[str, str] = {}
#: Methods that are awaited in asyncio, and those that are not because they send nothing by themselves.
NOT_AWAITED = {
    "create_config": "it makes policies",
    "from_jwk": "it makes a client",
    "get_cryptography_client": "it makes a client",
    "list_deleted_keys": "its pages are awaited",
    "list_key_versions": "its pages are awaited",
    "list_keys": "its pages are awaited",
    "list_properties_of_key_versions": "its pages are awaited",
    "list_properties_of_keys": "its pages are awaited",
    "send_request": "it returns an awaitable, as azure-core's clients do",
    "status": "it tells what is known",
    "done": "it tells what is known",
    "continuation_token": "it tells what is known",
}


def _names(kind: type) -> list[str]:
    """Return the public names in the order of their definition, those of a base class first."""
    bases = [base for base in reversed(kind.__mro__) if base.__module__.startswith("azure.keyvault.")]
    names = [name for base in bases for name in vars(base) if not name.startswith("_")]
    return [name for name in dict.fromkeys(names) if name not in ALONE]


def _function(kind: type, name: str) -> Any:
    member = inspect.getattr_static(kind, name)
    if isinstance(member, property):
        return member.fget
    return getattr(member, "__func__", member)


def _translated(text: str) -> str:
    for ours, theirs in RENAMED.items():
        text = re.sub(rf"(?<![\w|]){ours}\b", theirs, text)
    return text


@twins
def test_names_and_their_order_are_the_same(here: type, there: type) -> None:
    assert _names(here) == _names(there)


@twins
def test_signatures_are_the_same(here: type, there: type) -> None:
    for name in ["__init__", *_names(here)]:
        ours, theirs = inspect.signature(_function(here, name)), inspect.signature(_function(there, name))
        assert _translated(str(ours)) == str(theirs), name


def _without_example(kind: type) -> str:
    return re.sub(r"    Example[^\n]*::\n\n(?:        [^\n]*\n|\n)+", "", kind.__doc__ or "")


@twins
def test_docstrings_are_the_same(here: type, there: type) -> None:
    # Their examples differ, as programs in the two worlds do.
    assert _without_example(here) == _without_example(there)
    for name in _names(here):
        if name not in OTHER_WORDS:
            assert inspect.getdoc(_function(here, name)) == inspect.getdoc(_function(there, name)), name


@twins
def test_kinds_of_members_are_the_same(here: type, there: type) -> None:
    for name in _names(here):
        ours, theirs = inspect.getattr_static(here, name), inspect.getattr_static(there, name)
        assert type(ours) is type(theirs), name


@twins
def test_methods_are_awaited_unless_they_send_nothing(here: type, there: type) -> None:
    for name in _names(there):
        member = inspect.getattr_static(there, name)
        if not isinstance(member, property):
            assert inspect.iscoroutinefunction(_function(there, name)) == (name not in NOT_AWAITED), name
            assert not inspect.iscoroutinefunction(_function(here, name)), name


@pytest.mark.parametrize(
    ("package", "name"),
    [*(("jose", name) for name in jose_aio.__all__), ("tink", "encrypt_stream"), ("tink", "decrypt_stream")],
)
def test_functions_of_both_worlds_are_the_same(package: str, name: str) -> None:
    if package == "tink":
        pytest.importorskip("tink", reason="Tink is not installed (extra tink)")
    modules = (import_module(f"azure.keyvault.keys.{package}{world}") for world in ("", ".aio"))
    here, there = (getattr(module, name) for module in modules)
    assert _translated(str(inspect.signature(here))) == str(inspect.signature(there))
    assert inspect.getdoc(here) == inspect.getdoc(there)
    assert inspect.iscoroutinefunction(there)
    assert not inspect.iscoroutinefunction(here)


def test_data_keys_of_both_worlds_are_the_same() -> None:
    pytest.importorskip("tink", reason="Tink is not installed (extra tink)")
    here, there = (import_module(f"azure.keyvault.keys.tink{world}").DataKeys for world in ("", ".aio"))
    assert _names(here) == _names(there)
    for name in ("__init__", *_names(here)):
        assert str(inspect.signature(getattr(here, name))) == str(inspect.signature(getattr(there, name)))
        assert inspect.getdoc(getattr(here, name)) == inspect.getdoc(getattr(there, name))
    assert here.__doc__ == there.__doc__


@pytest.mark.parametrize("exceptions", [ALONE, OTHER_WORDS, NOT_AWAITED], ids=["alone", "words", "awaited"])
def test_every_exception_has_a_reason(exceptions: dict[str, str]) -> None:
    assert all(exceptions.values())
