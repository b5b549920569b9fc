"""Measures one scenario with the azure-keyvault-keys that is installed in this interpreter; prints JSON.

``python worker.py SCENARIO VAULT_URL CA_PATH``. The same code runs against either library, so it uses only names that
both have.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
import tracemalloc
from typing import Any

VAULT, CA = (*sys.argv[2:], "", "")[:2]


class Credential:
    def get_token(self, *scopes: str, **kwargs: Any) -> Any:
        from azure.core.credentials import AccessToken

        return AccessToken("token", int(time.time()) + 86400)


class AsyncCredential:
    async def get_token(self, *scopes: str, **kwargs: Any) -> Any:
        return Credential().get_token(*scopes, **kwargs)

    async def close(self) -> None:
        pass


def best(function: Any, number: int, rounds: int = 7) -> float:
    """Return the seconds of one call, of the fastest round: the one that other processes disturbed least."""
    return best_in_turns([function], number, rounds)[0]


def best_in_turns(functions: list[Any], number: int, rounds: int) -> list[float]:
    """Return what :func:`best` does for each of some functions whose rounds take turns, to tell their difference."""
    for function in functions:
        function()
    seconds = [float("inf")] * len(functions)
    for _ in range(rounds):
        for at, function in enumerate(functions):
            start = time.perf_counter()
            for _ in range(number):
                function()
            seconds[at] = min(seconds[at], (time.perf_counter() - start) / number)
    return seconds


def response_class() -> Any:
    """Return a class of responses that are whole from the beginning; loads azure-core here, as imports are timed."""
    from azure.core.rest import HttpResponse

    class Response(HttpResponse):
        reason = encoding = "utf-8"
        content_type = "application/json; charset=utf-8"
        is_closed = is_stream_consumed = True
        request = status_code = headers = url = content = None  # type: ignore[assignment]

        def __init__(self, request: Any, status: int, headers: Any, content: bytes) -> None:
            self.request, self.status_code, self.headers, self.content = request, status, headers, content

        def read(self) -> bytes:
            return self.content

        def text(self, encoding: Any = None) -> str:
            return self.content.decode()

        def json(self) -> Any:
            return json.loads(self.content)

        def iter_bytes(self, **_: Any) -> Any:
            yield self.content

        iter_raw = iter_bytes

        def raise_for_status(self) -> None:
            pass

        def close(self) -> None:
            pass

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: Any) -> None:
            pass

    return Response


def stub_client() -> Any:
    """Return a client whose transport answers at once, so that only the client's own work is measured."""
    from azure.core.pipeline.transport import HttpTransport
    from azure.core.utils import case_insensitive_dict

    from azure.keyvault.keys import KeyClient

    sys.path.insert(0, os.path.dirname(__file__))
    from stub_server import Answers

    vault = "https://localhost"
    answers, Response = Answers(vault), response_class()

    class Transport(HttpTransport):  # type: ignore[type-arg]
        def __init__(self) -> None:
            self.known: dict[bytes, Any] = {}

        def send(self, request: Any, **_: Any) -> Any:
            head = f"{request.method} {request.url[len(vault) :]} HTTP/1.1\r\n".encode()
            if "Authorization" in request.headers:
                head += b"Authorization: Bearer token"
            if head not in self.known:
                start, _, body = answers.to(head).partition(b"\r\n\r\n")
                lines = (line.decode().partition(": ") for line in start.split(b"\r\n")[1:])
                headers = case_insensitive_dict({name: value for name, _, value in lines})
                self.known[head] = (int(start.split(b" ", 2)[1]), headers, body)
            return Response(request, *self.known[head])

        def open(self) -> None:
            pass

        def close(self) -> None:
            pass

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: Any) -> None:
            pass

    return KeyClient(vault, Credential(), transport=Transport(), verify_challenge_resource=False)


def client_time() -> dict[str, float]:
    client = stub_client()
    crypto = client.get_cryptography_client("bench")
    digest = b"d" * 32

    from azure.keyvault.keys.crypto import SignatureAlgorithm

    return {
        "get_key": best(lambda: client.get_key("bench"), 300) * 1e6,
        "create_rsa_key": best(lambda: client.create_rsa_key("bench", size=2048, tags={"a": "b"}), 300) * 1e6,
        "remote sign": best(lambda: crypto.sign(SignatureAlgorithm.rs256, digest), 300) * 1e6,
        "page of 25": best(lambda: list(client.list_properties_of_keys()), 100) * 1e6,
    }


def local() -> dict[str, float]:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
    from cryptography.hazmat.primitives.keywrap import aes_key_wrap

    from azure.keyvault.keys import JsonWebKey, KeyVaultKey
    from azure.keyvault.keys.crypto import CryptographyClient, EncryptionAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm

    private = rsa.generate_private_key(65537, 2048)
    public = private.public_key()
    numbers = public.public_numbers()
    jwk = JsonWebKey(
        kid="https://x.vault.azure.net/keys/a/1",
        kty="RSA",
        key_ops=["encrypt", "verify", "wrapKey"],
        n=numbers.n.to_bytes(256, "big"),
        e=b"\1\0\1",
    )
    client = CryptographyClient.from_jwk(jwk)
    aes = CryptographyClient.from_jwk(JsonWebKey(kty="oct", key_ops=["wrapKey"], k=b"k" * 32))
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    digest, cek = b"d" * 32, b"c" * 32
    pkcs1, prehashed = padding.PKCS1v15(), utils.Prehashed(hashes.SHA256())
    signature = private.sign(digest, pkcs1, prehashed)
    key = KeyVaultKey("https://x.vault.azure.net/keys/a/1", vars(jwk))
    credential = Credential()
    calls = {
        "encrypt RSA-OAEP-256": (
            lambda: client.encrypt(EncryptionAlgorithm.rsa_oaep_256, digest),
            lambda: public.encrypt(digest, oaep),
        ),
        "verify RS256": (
            lambda: client.verify(SignatureAlgorithm.rs256, digest, signature),
            lambda: public.verify(signature, digest, pkcs1, prehashed),
        ),
        "wrap A256KW": (lambda: aes.wrap_key(KeyWrapAlgorithm.aes_256, cek), lambda: aes_key_wrap(b"k" * 32, cek)),
    }
    found = {}
    for name, pair in calls.items():
        ours, bare = best_in_turns(list(pair), 200, 75)
        found[name], found[name + " (bare cryptography)"] = ours * 1e6, bare * 1e6
    found["CryptographyClient(key)"] = best(lambda: CryptographyClient(key, credential), 100) * 1e6
    return found


def tls_options() -> dict[str, Any]:
    """Return the options of a client: the authority is named by the option or, without it, by the environment."""
    options: dict[str, Any] = {"verify_challenge_resource": False}  # 4.11.3 does not know a vault named localhost
    if os.environ.get("BENCH_VERIFY"):
        options["connection_verify"] = CA
    return options


def sync_tls() -> dict[str, float]:
    from azure.keyvault.keys import KeyClient

    client = KeyClient(VAULT, Credential(), **tls_options())
    return {"sync get_key over TLS": best(lambda: client.get_key("bench"), 200) * 1e6}


def threads() -> dict[str, float]:
    from azure.keyvault.keys import KeyClient

    client = KeyClient(VAULT, Credential(), **tls_options())
    client.get_key("bench")
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(40):
                client.get_key("bench")
        except BaseException as error:
            errors.append(error)

    before = connections()
    workers = [threading.Thread(target=work) for _ in range(64)]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    rate = 64 * 40 / (time.perf_counter() - start)
    return {
        "64 threads, calls a second": rate,
        "64 threads, errors": float(len(errors)),
        "64 threads, handshakes": float(connections() - before - 1),
    }


def connections() -> int:
    import ssl
    import urllib.request

    context = ssl.create_default_context(cafile=CA)
    with urllib.request.urlopen(f"{VAULT}/connections", context=context) as answer:
        return int(answer.read())


def async_tls() -> dict[str, float]:
    from azure.keyvault.keys.aio import KeyClient

    async def main() -> dict[str, float]:
        found = {}
        async with KeyClient(VAULT, AsyncCredential(), **tls_options()) as client:
            await client.get_key("bench")
            for tasks in (1, 16, 64):
                rates = []
                for _ in range(3):
                    calls = 150 if tasks == 1 else 25 * tasks // (4 if tasks == 64 else 1)

                    async def work(count: int) -> None:
                        for _ in range(count):
                            await client.get_key("bench")

                    start = time.perf_counter()
                    await asyncio.gather(*(work(max(4, calls // tasks)) for _ in range(tasks)))
                    rates.append(max(4, calls // tasks) * tasks / (time.perf_counter() - start))
                found[f"async, {tasks} tasks, calls a second"] = max(rates)
        return found

    return asyncio.run(main())


def cold_start() -> dict[str, float]:
    start = time.perf_counter()
    from azure.keyvault.keys import KeyClient

    imported = time.perf_counter()
    with KeyClient(VAULT, Credential(), **tls_options()) as client:
        client.get_key("bench")
    end = time.perf_counter()
    return {"import": (imported - start) * 1e6, "import to first answer": (end - start) * 1e6}


def memory() -> dict[str, float]:
    from azure.keyvault.keys import KeyClient

    with KeyClient(VAULT, Credential(), **tls_options()) as client:
        for _ in client.list_properties_of_keys(raw_request_hook=_many):
            pass  # fills what is kept for the next time
        peaks = []
        for limit in (1000, 10_000):
            tracemalloc.start()
            for count, _ in enumerate(client.list_properties_of_keys(raw_request_hook=_many), 1):
                if count == limit:
                    break
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    return {"peak KiB of 1,000 keys": peaks[0] / 1024, "peak KiB of 10,000 keys": peaks[1] / 1024}


def _many(request: Any) -> None:
    if "skiptoken" not in request.http_request.url:
        request.http_request.url += "&many=1"


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]]()))
