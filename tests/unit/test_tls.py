"""TLS and proxy settings, without any connection."""

from __future__ import annotations

import ssl
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import trustme
from azure.core.exceptions import ServiceRequestError

from azure.keyvault.keys._shared.sockets.proxies import environment_proxies
from azure.keyvault.keys._shared.sockets.tls import (
    AS_CLIENT,
    TlsSettings,
    explained,
    is_certificate_error,
    tls_context,
)

VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def bundle(tmp_path: Path) -> str:
    path = tmp_path / "bundle.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    return str(path)


def authorities(context: ssl.SSLContext) -> int:
    return context.cert_store_stats()["x509_ca"]


@pytest.mark.case("B13")
@pytest.mark.parametrize("variable", VARIABLES[:3])
def test_first_variable_that_is_set_names_the_authorities(
    monkeypatch: pytest.MonkeyPatch, bundle: str, variable: str
) -> None:
    for later in VARIABLES[VARIABLES.index(variable) + 1 :]:
        monkeypatch.setenv(later, "/no/such/place")
    monkeypatch.setenv(variable, bundle)
    assert authorities(tls_context(True, None, use_env_settings=True)) == 1
    assert authorities(tls_context(True, None, use_env_settings=False)) > 1


@pytest.mark.case("B13")
def test_no_variable_means_the_usual_authorities() -> None:
    context = tls_context(True, None, use_env_settings=True)
    assert authorities(context) > 50
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.case("P5")
def test_clients_with_the_same_settings_share_a_context_until_the_file_changes(bundle: str) -> None:
    import os

    one = tls_context(bundle, None, use_env_settings=True)
    assert tls_context(Path(bundle), None, use_env_settings=True) is one
    os.utime(bundle, (1, 1))
    assert tls_context(bundle, None, use_env_settings=True) is not one


@pytest.mark.case("B14")
@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_context_that_trusts_everyone_is_not_the_one_that_does_not() -> None:
    strict = tls_context(True, None, use_env_settings=False)
    for lenient in (
        tls_context(False, None, use_env_settings=False),
        TlsSettings(True, None, use_env_settings=False).for_call(False, None),
    ):
        assert lenient is not strict
        assert (lenient.verify_mode, lenient.check_hostname) == (ssl.CERT_NONE, False)
    assert (strict.verify_mode, strict.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_context_of_the_caller_is_used_as_it_is() -> None:
    own = ssl.create_default_context()
    assert tls_context(own, None, use_env_settings=True) is own


def test_context_with_a_certificate_of_the_client_is_that_clients_alone(bundle: str, tmp_path: Path) -> None:
    certificate = tmp_path / "client.pem"
    trustme.CA().issue_cert("client").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    shared = tls_context(bundle, None, use_env_settings=True)
    assert tls_context(bundle, str(certificate), use_env_settings=True) is not shared


def chain(*errors: BaseException) -> BaseException:
    for outer, inner in pairwise(errors):
        outer.__cause__ = inner
    return errors[0]


@pytest.mark.case("B17")
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ServiceRequestError("refused"), False),
        (ServiceRequestError("[SSL: CERTIFICATE_VERIFY_FAILED] expired"), True),
        (chain(ServiceRequestError("x"), OSError("y"), ssl.SSLError("CERTIFICATE_VERIFY_FAILED")), True),
        (None, False),
    ],
    ids=["other", "text", "cause", "none"],
)
def test_failure_of_a_certificate_is_recognised(error: Any, expected: bool) -> None:
    assert is_certificate_error(error) is expected


@pytest.mark.case("B17")
def test_circle_of_causes_ends() -> None:
    one, other = ValueError("a"), ValueError("b")
    one.__cause__, other.__cause__ = other, one
    assert not is_certificate_error(one)


@pytest.mark.case("B17")
def test_advice_is_added_to_failures_of_certificates_only() -> None:
    other = ServiceRequestError("refused")
    assert explained(other) is other
    advised = explained(ServiceRequestError("CERTIFICATE_VERIFY_FAILED", error=ssl.SSLError("x")))
    assert "connection_verify=" in str(advised)
    assert isinstance(advised.inner_exception, ssl.SSLError)


@pytest.mark.case("B13")
@pytest.mark.parametrize(
    ("no_proxy", "url", "found"),
    [
        ("", "https://demo.vault.azure.net", True),
        ("vault.azure.net", "https://demo.vault.azure.net", False),
        (".vault.azure.net", "https://demo.vault.azure.net", False),
        ("*", "https://demo.vault.azure.net", False),
        ("other.example", "https://demo.vault.azure.net", True),
    ],
)
def test_proxies_of_the_environment_leave_out_its_exceptions(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str, url: str, found: bool
) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "http_proxy", "all_proxy", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://proxy.example:8080")
    monkeypatch.setenv("no_proxy", no_proxy)
    assert (environment_proxies(url).get("https") == "http://proxy.example:8080") is found


def test_certificate_of_a_call_keeps_the_authorities_of_its_client(bundle: str, tmp_path: Path) -> None:
    own = trustme.CA().issue_cert("client.example")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    own.cert_chain_pems[0].write_to_path(certificate)
    own.private_key_pem.write_to_path(key)
    settings = TlsSettings(bundle, None, use_env_settings=False)
    context = settings.for_call(AS_CLIENT, [str(certificate), str(key)])
    assert context is not settings.context
    assert authorities(context) == authorities(settings.context) == 1
    assert context is settings.for_call(AS_CLIENT, (str(certificate), str(key)))
    with pytest.raises(ValueError, match="load the certificate into the SSLContext"):
        TlsSettings(ssl.create_default_context(), None, use_env_settings=False).for_call(AS_CLIENT, str(certificate))


@pytest.mark.case("B14")
@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_call_may_verify_though_its_client_does_not() -> None:
    settings = TlsSettings(False, None, use_env_settings=False)
    assert settings.for_call(AS_CLIENT, None).verify_mode is ssl.CERT_NONE
    assert settings.for_call(True, None).verify_mode is ssl.CERT_REQUIRED


def test_call_that_verifies_as_its_client_does_shares_its_connections(bundle: str) -> None:
    settings = TlsSettings(True, None, use_env_settings=False)
    assert settings.for_call(True, None) is settings.for_call(AS_CLIENT, None) is settings.context
