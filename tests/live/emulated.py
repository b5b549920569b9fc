"""A scenario, sent to the emulator."""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from functools import cache
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

import jwt
import urllib3
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from azure.keyvault.keys.emulator import KeyVaultEmulator

from .comparison import Comparison
from .scenarios import VERSION, Exchange, Scenario, b64, parts_of, size_of

_CURVES: dict[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
    "P-256K": ec.SECP256K1(),
}
_AUTHORITY = "https://attest.example"
_PATIENCE = 4
_SEALING = ("encrypt", "wrapkey", "securewrapkey")
_OPENING = ("decrypt", "unwrapkey", "secureunwrapkey")


@cache
def _rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


class Conversation:
    """Sends a scenario, and remembers what later requests refer to."""

    def __init__(self, scenario: Scenario, vault: KeyVaultEmulator) -> None:
        self._scenario = scenario
        self._vault = vault
        self._http = urllib3.PoolManager(ca_certs=vault.ca_bundle, retries=False, timeout=20)
        self._token = vault.credential.get_token(f"{vault.url}/.default").token
        self._versions: dict[str, list[str]] = defaultdict(list)
        self._made: dict[tuple[str, str], dict[str, Any]] = {}
        self._backup = ""
        self._link = ""
        vault.attestation.trust(_AUTHORITY, _rsa_key(2048).public_key())

    def differences(self) -> list[str]:
        """Return where the emulator answers something else, without what is meant."""
        found = []
        for number, exchange in enumerate(self._scenario.exchanges):
            where = f"{self._scenario.name} #{number} {exchange.method} {exchange.path}"
            body = self._body(exchange)
            reply = self._reply(exchange, body)
            self._learn(exchange, body, reply)
            if exchange.setup:
                if reply.status != exchange.status:
                    found.append(f"{where}: set-up was answered {reply.status} {reply.data[:200]!r}")
                continue
            comparison = Comparison(exchange, urlsplit(self._vault.url).netloc, is_hsm=self._scenario.is_hsm)
            comparison.answer(reply.status, dict(reply.headers), reply.data)
            found += [f"{where}: {path}: {text}" for path, text in comparison.differences]
        self._http.clear()
        return found

    def _reply(self, exchange: Exchange, body: Any) -> urllib3.BaseHTTPResponse:
        until = time.monotonic() + _PATIENCE
        while True:
            reply = self._send(exchange, body)
            waits = exchange.poll or exchange.setup or (exchange.status < 300 and not self._scenario.is_hsm)
            if reply.status == exchange.status or not waits or time.monotonic() > until:
                return reply
            time.sleep(0.05)

    def _send(self, exchange: Exchange, body: Any) -> urllib3.BaseHTTPResponse:
        query = {"api-version": self._scenario.api_version, **exchange.query}
        if "$skiptoken" in query:
            query["$skiptoken"] = parse_qs(urlsplit(self._link).query)["$skiptoken"][0]
        path = quote(unquote(self._with_versions(exchange.path, exchange.name)), safe="/-._~")
        headers = {"Content-Type": "application/json"}
        if exchange.status != 401:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        target = f"{self._vault.url}{path}?{urlencode(query, safe='$')}"
        return self._http.request(exchange.method, target, body=data, headers=headers, redirect=False)

    # Requests

    def _with_versions(self, text: str, name: str) -> str:
        known = self._versions[name]
        return VERSION.sub(lambda match: known[int(match[1] or 0) - 1] if known else "0" * 32, text)

    def _body(self, exchange: Exchange) -> Any:
        if exchange.request is None:
            return None
        body = self._filled(exchange.request, "")
        if exchange.verb == "restore" and size_of(exchange.request["value"]):
            body["value"] = self._backup
        made = self._made.get((exchange.name, str(body.get("alg")))) if isinstance(body, dict) else None
        if made and exchange.verb in (*_OPENING, "verify"):
            body.update({name: value for name, value in made.items() if name in body})
        return body

    def _filled(self, value: Any, member: str) -> Any:
        if isinstance(value, dict):
            if "kty" in value and any(size_of(part) for part in value.values()):
                return _key_material(value)
            return {name: self._filled(part, name) for name, part in value.items()}
        if isinstance(value, list):
            return [self._filled(part, member) for part in value]
        if member == "target":
            return self._attestation()
        size = size_of(value)
        if size is not None:
            return b64(os.urandom(size))
        return b64(b"not a policy") if member == "data" and value.startswith("<") else value

    def _attestation(self) -> str:
        numbers = _rsa_key(2048).public_key().public_numbers()
        runtime = {
            "kid": "<kid of the environment's key>",
            "kty": "RSA",
            "n": _number(numbers.n),
            "e": _number(numbers.e),
        }
        now = int(time.time())
        claims: dict[str, Any] = {"iss": _AUTHORITY, "iat": now, "exp": now + 600, "trusted": True}
        claims["x-ms-runtime"] = {"keys": [runtime]}
        return jwt.encode(claims, _rsa_key(2048), "RS256")

    # Answers

    def _learn(self, exchange: Exchange, body: Any, reply: urllib3.BaseHTTPResponse) -> None:
        if reply.status >= 300 or not reply.data.startswith(b"{"):
            return
        answer = json.loads(reply.data)
        for part in parts_of(answer.get("key")):
            path = urlsplit(part["kid"]).path.split("/") if isinstance(part, dict) and "kid" in part else []
            if len(path) == 4 and path[3] not in self._versions[path[2].lower()]:
                self._versions[path[2].lower()].append(path[3])
        self._link = answer.get("nextLink") or self._link
        if exchange.verb == "backup":
            self._backup = answer["value"]
        if exchange.verb in _SEALING:
            self._made[exchange.name, body["alg"]] = {**body, **answer}
        if exchange.verb == "sign":
            self._made[exchange.name, body["alg"]] = {"digest": body["value"], "value": answer["value"]}


def _number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _key_material(jwk: dict[str, Any]) -> dict[str, Any]:
    """Return a JWK of a key of our own, with members of the sizes that the recorded ones had."""
    numbers: dict[str, int] = {}
    if "n" in jwk:
        private = _rsa_key((size_of(jwk["n"]) or 256) // 64 * 512).private_numbers()
        public = private.public_numbers
        numbers = {"n": public.n, "d": private.d, "p": private.p, "q": private.q}
        numbers |= {"dp": private.dmp1, "dq": private.dmq1, "qi": private.iqmp}
    elif "x" in jwk:
        key = ec.generate_private_key(_CURVES[jwk["crv"]]).private_numbers()
        numbers = {"x": key.public_numbers.x, "y": key.public_numbers.y, "d": key.private_value}
    filled = dict(jwk)
    for name, value in jwk.items():
        size = size_of(value)
        if size is not None:
            filled[name] = b64(numbers[name].to_bytes(size, "big") if name in numbers else os.urandom(size))
    return filled


def differences(scenario: Scenario) -> tuple[list[str], list[str]]:
    """Return the differences of the emulator from a scenario: those that are not meant, and those that are."""
    with KeyVaultEmulator(**scenario.emulator_options()) as vault:
        found = Conversation(scenario, vault).differences()
    meant = [text for text in found if any(f": {path}: " in text for path in scenario.meant)]
    return [text for text in found if text not in meant], meant
