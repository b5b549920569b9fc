"""A plain HTTPS client for the emulator, so that these tests share nothing with the library they serve."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import urllib3
from joserfc.jwk import ECKey, RSAKey

from azure.keyvault.keys.emulator import EmulatedVault

NEWEST = "2026-07-01-preview"


def _has_ml_dsa() -> bool:
    """Whether the emulator has ML-DSA keys: it takes a cryptography that signs external mu, 49 or later."""
    try:
        from cryptography.hazmat.primitives.asymmetric import mldsa
    except ImportError:
        return False
    return hasattr(mldsa.MLDSA44PrivateKey, "sign_mu")


needs_ml_dsa = pytest.mark.skipif(not _has_ml_dsa(), reason="this release of cryptography has no ML-DSA with mu")


def b64(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unb64(text: str) -> bytes:
    """Return the bytes of a base64url text without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: urllib3.HTTPHeaderDict
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)

    @property
    def error(self) -> tuple[int, str, str | None]:
        """Return status, code and inner code."""
        error = self.json["error"]
        return self.status, error["code"], error.get("innererror", {}).get("code")

    @property
    def message(self) -> str:
        message: str = self.json["error"]["message"]
        return message


class Api:
    """Calls to one emulator, with its token."""

    def __init__(self, vault: EmulatedVault, version: str = "7.4") -> None:
        self.vault = vault
        self.version = version
        self.http = urllib3.PoolManager(ca_certs=vault.ca_bundle, retries=False, timeout=20)
        self.token = vault.credential.get_token(f"{vault.url}/.default").token

    def at(self, version: str) -> Api:
        """Return the same calls at another API version."""
        other = Api.__new__(Api)
        other.__dict__.update(self.__dict__, version=version)
        return other

    def __call__(self, method: str, path: str, body: Any = None, /, **headers: str) -> Answer:
        separator = "&" if "?" in path else "?"
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        return self.send(
            method,
            f"{path}{separator}api-version={self.version}",
            raw,
            {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **headers},
        )

    def send(
        self, method: str, target: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Send exactly this, without a token of its own."""
        response = self.http.request(method, f"{self.vault.url}{target}", body=body, headers=headers, redirect=False)
        return Answer(response.status, response.headers, response.data)

    def create(self, name: str, **body: Any) -> Any:
        """Create a key, and return its bundle."""
        answer = self("POST", f"/keys/{name}/create", {"kty": "EC", **body})
        assert answer.status == 200, answer.data
        return answer.json

    def close(self) -> None:
        self.http.clear()


EmulatorFactory = Callable[..., Api]


def private_jwk(kind: str) -> dict[str, Any]:
    """Return a private JWK made by joserfc: ``RSA``, or one on the named curve."""
    key = RSAKey.generate_key(2048) if kind == "RSA" else ECKey.generate_key(kind)
    return {**key.as_dict(private=True)}
