"""Recorded answers with values in place of their words, to be served to a client."""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from .scenarios import VERSION, WORD, Exchange, Scenario, b64, size_of

TIME = 1780000000
HEX = "00112233445566778899aabbccddeeff"
_CURVES: dict[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
    "P-256K": ec.SECP256K1(),
}


def url_of(scenario: Scenario) -> str:
    """Return the URL of the service that has answered."""
    return f"https://demo.{'managedhsm' if scenario.is_hsm else 'vault'}.azure.net"


def served(scenario: Scenario, exchange: Exchange) -> Any:
    """Return the body of an answer; text stands for itself, and None for no body."""
    if not isinstance(exchange.response, dict):
        return exchange.response
    return _filled(exchange.response, "", url_of(scenario))


def headers_of(exchange: Exchange) -> dict[str, str]:
    """Return the headers of an answer that matter to a client."""
    return {name: value for name, value in exchange.headers.items() if not WORD.search(value)}


def body_of(value: Any) -> bytes | None:
    """Return the bytes of a body."""
    if value is None:
        return None
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


def _filled(value: Any, member: str, url: str) -> Any:
    if isinstance(value, dict):
        point = _point(value) if value.get("x") and value.get("crv") in _CURVES else {}
        return {name: point.get(name) or _filled(part, name, url) for name, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, member, url) for part in value if not WORD.fullmatch(str(part))]
    if not isinstance(value, str):
        return value
    size = size_of(value)
    if size is not None:
        return b64(_modulus(size) if member == "n" else b"\xff" * size)
    if value == "<time>":
        return TIME
    if WORD.fullmatch(value):
        return "e30.e30.AAAA" if value.lower() == "<jws>" else b64(value.encode())
    text = VERSION.sub(HEX, value.replace("https://HOST", url))
    return text.replace("<token>", "eyJOZXh0TWFya2VyIjoiMiJ9")


def _point(jwk: dict[str, Any]) -> dict[str, str]:
    numbers = ec.derive_private_key(5, _CURVES[jwk["crv"]]).public_key().public_numbers()
    size = size_of(jwk["x"]) or 32
    return {name: b64(number.to_bytes(size, "big")) for name, number in (("x", numbers.x), ("y", numbers.y))}


def _modulus(size: int) -> bytes:
    """Return the modulus of an RSA key; one of an odd size has a leading zero."""
    return bytes(size % 2) + b"\xff" * (size - size % 2)
