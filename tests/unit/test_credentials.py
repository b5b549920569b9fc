"""Asking credentials of every age for a token."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from azure.keyvault.keys._shared.auth.credentials import check_credential
from azure.keyvault.keys._shared.auth.flow import GetToken

PLAIN = GetToken("scope", "tenant", None)
WITH_CLAIMS = GetToken("scope", "tenant", "{}")


class OnlyScopes:
    def get_token(self, *scopes: str) -> Any:
        return scopes, {}


class Tenant:
    def get_token(self, *scopes: str, tenant_id: str | None = None) -> Any:
        return scopes, {"tenant_id": tenant_id}


class Anything:
    def get_token(self, *scopes: str, **options: Any) -> Any:
        return scopes, options


@pytest.mark.case("A21")
@pytest.mark.parametrize(
    ("credential", "options"),
    [
        (OnlyScopes(), {}),
        (Tenant(), {"tenant_id": "tenant"}),
        (Anything(), {"tenant_id": "tenant", "enable_cae": True}),
    ],
    ids=["only-scopes", "tenant", "anything"],
)
def test_credential_is_told_what_it_can_be_told(credential: Any, options: dict[str, Any]) -> None:
    assert check_credential(credential).request(PLAIN) == (("scope",), options)


@pytest.mark.case("A20")
def test_credential_is_told_no_tenant_where_there_is_none() -> None:
    assert check_credential(Anything()).request(GetToken("scope", None, None)) == (("scope",), {"enable_cae": True})


@pytest.mark.case("A11")
def test_credential_gets_the_claims() -> None:
    _, options = check_credential(Anything()).request(WITH_CLAIMS)
    assert options["claims"] == "{}"


@pytest.mark.case("A21")
@pytest.mark.parametrize("credential", [OnlyScopes(), Tenant()], ids=["only-scopes", "tenant"])
def test_credential_that_cannot_be_told_of_claims_is_named(credential: Any) -> None:
    with pytest.raises(ClientAuthenticationError, match=f"{type(credential).__name__} takes no keyword 'claims'"):
        check_credential(credential).request(WITH_CLAIMS)


@pytest.mark.parametrize("credential", [None, "", 0], ids=repr)
def test_no_credential_is_a_value_error_that_names_the_argument(credential: Any) -> None:
    with pytest.raises(ValueError, match="credential must be"):
        check_credential(credential)


@pytest.mark.parametrize("credential", ["secret-of-the-caller", object(), 1], ids=["text", "object", "number"])
def test_what_gives_no_tokens_is_a_type_error_that_does_not_quote_it(credential: Any) -> None:
    with pytest.raises(TypeError, match="credential must be") as caught:
        check_credential(credential)
    assert "secret-of-the-caller" not in str(caught.value)


def test_credential_without_a_readable_signature_is_told_everything() -> None:
    class Callable:
        __signature__ = "unreadable"

        def __call__(self, *scopes: str, **options: Any) -> Any:
            return scopes, options

    class Credential:
        get_token = Callable()

    assert check_credential(Credential()).request(PLAIN)[1] == {"tenant_id": "tenant", "enable_cae": True}
