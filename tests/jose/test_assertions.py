"""Signing in to Entra ID, tried against a token endpoint that verifies everything that is documented."""

from __future__ import annotations

import hashlib
import threading
import time
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlencode

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import AsyncHttpTransport, HttpTransport
from azure.identity import AzureAuthorityHosts, ClientAssertionCredential
from azure.identity.aio import ClientAssertionCredential as AsyncClientAssertionCredential
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from fixtures.stub_vault import Answer

from azure.keyvault.keys import KeyClient, aio, jose
from azure.keyvault.keys.crypto import CryptographyClient
from azure.keyvault.keys.emulator import KeyVaultEmulator

TENANT = "11111111-2222-4333-8444-555555555555"
CLIENT = "66666666-7777-4888-8999-000000000000"
AUDIENCE = f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"


def _certificate(private_key: Any) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "application")])
    now = datetime.now(timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(private_key, hashes.SHA256())
    )


@pytest.fixture(scope="module")
def crypto(client: KeyClient) -> CryptographyClient:
    """The client of the application's key."""
    return client.get_cryptography_client(client.create_rsa_key("application"))


@pytest.fixture(scope="module")
def certificate(crypto: CryptographyClient) -> x509.Certificate:
    """The certificate of the application, which Entra ID knows."""
    return _certificate(crypto.create_rsa_private_key())


@pytest.fixture
def assertion(crypto: CryptographyClient, certificate: x509.Certificate) -> jose.ClientAssertion:
    """What is tried."""
    return jose.ClientAssertion(crypto, client_id=CLIENT, tenant_id=TENANT, certificate=certificate)


class TokenEndpoint:
    """The token endpoint of Entra ID for one application, as its documentation tells what it verifies."""

    def __init__(self, certificate: x509.Certificate) -> None:
        self._certificate = certificate
        self._seen: set[str] = set()
        self.granted = 0
        self.refusals: list[str] = []

    def answer(self, request: Any) -> Answer:
        """Answer a request for a token."""
        if request.method == "GET":  # discovery of the authority
            return Answer(200, self._metadata(request.url))
        body = request.content if request.content is not None else request.data
        form = {name: values[0] for name, values in parse_qs(_text(body)).items()}
        try:
            self.verify(form, request.url)
        except (AssertionError, jwt.InvalidTokenError, KeyError) as error:
            self.refusals.append(repr(error))
            return Answer(401, {"error": "invalid_client", "error_description": f"AADSTS700027: {error!r}"})
        self.granted += 1
        return Answer(200, {"token_type": "Bearer", "expires_in": 3600, "access_token": "granted"})

    def verify(self, form: dict[str, str], url: str) -> None:
        """Verify all of a request."""
        assert url.split("?")[0] == AUDIENCE
        assert form["grant_type"] == "client_credentials"
        assert form["client_id"] == CLIENT
        assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        self.verify_assertion(form["client_assertion"])

    def verify_assertion(self, token: str) -> dict[str, Any]:
        """Verify an assertion."""
        header = jwt.get_unverified_header(token)
        der = self._certificate.public_bytes(Encoding.DER)
        if header["alg"] == "PS256":
            thumbprint, name = hashlib.sha256(der).digest(), "x5t#S256"
        else:
            assert header["alg"] == "RS256"
            thumbprint, name = hashlib.sha1(der).digest(), "x5t"
        named = urlsafe_b64encode(thumbprint).decode().rstrip("=")
        assert header == {"typ": "JWT", "alg": header["alg"], name: named}
        public: Any = self._certificate.public_key()
        needed = {"require": ["aud", "exp", "iss", "jti", "nbf", "sub", "iat"]}
        claims: dict[str, Any] = jwt.decode(
            token, public, [header["alg"]], audience=AUDIENCE, issuer=CLIENT, options=needed
        )
        assert claims["sub"] == CLIENT
        assert claims["exp"] - claims["nbf"] <= 600
        assert len(claims["jti"]) == 36
        return claims

    def _metadata(self, url: str) -> dict[str, Any]:
        origin = "https://login.microsoftonline.com"
        return {
            "tenant_discovery_endpoint": f"{origin}/{TENANT}/v2.0/.well-known/openid-configuration",
            "token_endpoint": AUDIENCE,
            "authorization_endpoint": f"{origin}/{TENANT}/oauth2/v2.0/authorize",
            "issuer": f"{origin}/{TENANT}/v2.0",
            "metadata": [],
        }


def _text(body: Any) -> str:
    if isinstance(body, dict):
        return urlencode(body)
    return body.decode() if isinstance(body, bytes) else str(body)


class Transport(HttpTransport[Any, Any]):
    """Leads to the token endpoint."""

    def __init__(self, endpoint: TokenEndpoint) -> None:
        self._endpoint = endpoint

    def send(self, request: Any, **kwargs: Any) -> Answer:
        """Answer."""
        answer = self._endpoint.answer(request)
        answer.request = request
        return answer

    def open(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def __exit__(self, *args: object) -> None:
        """Do nothing."""


class AsyncTransport(AsyncHttpTransport[Any, Any]):
    """Leads to the token endpoint."""

    def __init__(self, endpoint: TokenEndpoint) -> None:
        self._endpoint = endpoint

    async def send(self, request: Any, **kwargs: Any) -> Answer:
        """Answer."""
        answer = self._endpoint.answer(request)
        answer.request = request
        return answer

    async def open(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""

    async def __aexit__(self, *args: object) -> None:
        """Do nothing."""


@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
def test_credential_of_azure_identity_gets_a_token(
    crypto: CryptographyClient, certificate: x509.Certificate, algorithm: str
) -> None:
    endpoint = TokenEndpoint(certificate)
    assertion = jose.ClientAssertion(
        crypto, client_id=CLIENT, tenant_id=TENANT, certificate=certificate, algorithm=algorithm
    )
    credential = ClientAssertionCredential(TENANT, CLIENT, assertion, transport=Transport(endpoint))
    with credential:
        assert credential.get_token("https://vault.azure.net/.default").token == "granted"
    assert (endpoint.granted, endpoint.refusals) == (1, [])


async def test_asynchronous_credential_of_azure_identity_gets_a_token(
    assertion: jose.ClientAssertion, certificate: x509.Certificate
) -> None:
    endpoint = TokenEndpoint(certificate)
    credential = AsyncClientAssertionCredential(TENANT, CLIENT, assertion, transport=AsyncTransport(endpoint))
    async with credential:
        token = await credential.get_token("https://vault.azure.net/.default")
    assert (token.token, endpoint.granted, endpoint.refusals) == ("granted", 1, [])


def test_endpoint_refuses_what_is_wrong(assertion: jose.ClientAssertion) -> None:
    """The stub does verify: an assertion for another certificate gets nothing."""
    other = _certificate(rsa.generate_private_key(65537, 2048))
    credential = ClientAssertionCredential(TENANT, CLIENT, assertion, transport=Transport(TokenEndpoint(other)))
    with credential, pytest.raises(ClientAuthenticationError):
        credential.get_token("https://vault.azure.net/.default")


def test_assertion_is_kept_until_shortly_before_its_end(
    assertion: jose.ClientAssertion,
    certificate: x509.Certificate,
    vault: KeyVaultEmulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = assertion()
    signed = len(vault.requests.matching("POST", "/sign"))
    begun, endpoint = time.time(), TokenEndpoint(certificate)
    monkeypatch.setattr(time, "time", lambda: begun + 530)
    assert assertion() == first
    assert len(vault.requests.matching("POST", "/sign")) == signed
    monkeypatch.setattr(time, "time", lambda: begun + 545)
    second = assertion()
    monkeypatch.undo()
    assert second != first
    ends = [jwt.decode(token, options={"verify_signature": False})["exp"] for token in (first, second)]
    assert 540 <= ends[1] - ends[0] <= 550
    assert endpoint.verify_assertion(first)["jti"] != jwt.decode(second, options={"verify_signature": False})["jti"]


def test_threads_share_one_assertion(assertion: jose.ClientAssertion, vault: KeyVaultEmulator) -> None:
    before = len(vault.requests.matching("POST", "/sign"))
    seen: set[str] = set()
    threads = [threading.Thread(target=lambda: seen.add(assertion())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 1
    assert len(vault.requests.matching("POST", "/sign")) == before + 1


def test_failure_is_not_kept(assertion: jose.ClientAssertion, vault: KeyVaultEmulator) -> None:
    vault.permissions.deny("sign")
    try:
        with pytest.raises(Exception, match="sign"):
            assertion()
    finally:
        vault.permissions.reset()
    assert assertion()


@pytest.mark.parametrize(
    "form",
    [
        lambda certificate: certificate,
        lambda certificate: certificate.public_bytes(Encoding.PEM),
        lambda certificate: certificate.public_bytes(Encoding.PEM).decode(),
        lambda certificate: b"Bag Attributes\n" + certificate.public_bytes(Encoding.PEM),
        lambda certificate: certificate.public_bytes(Encoding.DER),
    ],
    ids=["object", "PEM", "text", "PEM with a preface", "DER"],
)
def test_certificate_comes_in_every_form(crypto: CryptographyClient, certificate: x509.Certificate, form: Any) -> None:
    made = jose.ClientAssertion(crypto, client_id=CLIENT, tenant_id=TENANT, certificate=form(certificate))
    assert TokenEndpoint(certificate).verify_assertion(made())


@pytest.mark.parametrize(
    ("authority", "origin"),
    [
        (AzureAuthorityHosts.AZURE_GOVERNMENT, "https://login.microsoftonline.us"),
        ("https://login.chinacloudapi.cn/", "https://login.chinacloudapi.cn"),
    ],
)
def test_audience_is_the_token_endpoint_of_the_cloud(
    crypto: CryptographyClient, certificate: x509.Certificate, authority: str, origin: str
) -> None:
    made = jose.ClientAssertion(
        crypto, client_id=CLIENT, tenant_id=TENANT, certificate=certificate, authority=authority
    )
    claims = jwt.decode(made(), options={"verify_signature": False})
    assert claims["aud"] == f"{origin}/{TENANT}/oauth2/v2.0/token"
    assert TENANT in repr(made)
    assert made() not in repr(made)


def test_certificate_of_another_version_is_refused_before_signing(
    client: KeyClient, certificate: x509.Certificate, vault: KeyVaultEmulator
) -> None:
    other = client.get_cryptography_client(client.create_rsa_key("other-application"))
    made = jose.ClientAssertion(other, client_id=CLIENT, tenant_id=TENANT, certificate=certificate)
    before = len(vault.requests.matching("POST", "/sign"))
    with pytest.raises(ValueError, match="The certificate is not for the key"):
        made()
    assert len(vault.requests.matching("POST", "/sign")) == before


async def test_wrong_arguments_are_refused(
    crypto: CryptographyClient, certificate: x509.Certificate, vault: KeyVaultEmulator
) -> None:
    def make(**changed: Any) -> jose.ClientAssertion:
        arguments: dict[str, Any] = {"client_id": CLIENT, "tenant_id": TENANT, "certificate": certificate}
        return jose.ClientAssertion(**{"crypto": crypto, **arguments, **changed})

    with pytest.raises(ValueError, match="must be PS256 or RS256"):
        make(algorithm="ES256")
    with pytest.raises(ValueError, match="at least 60 seconds"):
        make(lifetime=1)
    with pytest.raises(ValueError, match="parsing"):
        make(certificate=b"nothing")
    async with aio.KeyClient(vault.url, vault.async_credential, **vault.client_options) as there:
        with pytest.raises(TypeError, match="must be a synchronous"):
            make(crypto=there.get_cryptography_client("application"))
    assert make(lifetime=60)()
