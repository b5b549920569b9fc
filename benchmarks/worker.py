"""Measure one scenario with the azure-keyvault-keys that is installed in this interpreter, and print JSON.

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
    """Return the seconds of one call in the fastest round, the one that other processes disturbed least."""
    return best_in_turns([function], number, rounds)[0]


def best_in_turns(functions: list[Any], number: int, rounds: int) -> list[float]:
    """Return the result of :func:`best` for each function, with alternating rounds to make them comparable."""
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
    """Return a class of complete responses. This imports azure-core late because imports are timed."""
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
    """Return the options of a client. The authority comes from the option or, without it, from the environment."""
    options: dict[str, Any] = {"verify_challenge_resource": False}  # 4.11.3 does not know a vault named localhost
    if os.environ.get("BENCH_VERIFY"):
        options["connection_verify"] = CA
    return options


def bare_headers() -> dict[str, str]:
    return {"Authorization": "Bearer token", "Accept": "application/json"}


def bare_url() -> str:
    return f"{VAULT}/keys/bench/?api-version=7.6"


def sync_tls() -> dict[str, float]:
    import requests
    import urllib3

    from azure.keyvault.keys import KeyClient

    client = KeyClient(VAULT, Credential(), **tls_options())
    session, pool = requests.Session(), urllib3.PoolManager(ca_certs=CA)
    calls = [
        lambda: client.get_key("bench"),
        lambda: session.get(bare_url(), headers=bare_headers(), verify=CA).json(),
        lambda: pool.request("GET", bare_url(), headers=bare_headers()).json(),
    ]
    seconds = best_in_turns(calls, 100, 9)
    return {
        "sync get_key, calls a second": 1 / seconds[0],
        "bare requests, calls a second": 1 / seconds[1],
        "bare urllib3, calls a second": 1 / seconds[2],
    }


def threads() -> dict[str, float]:
    from azure.keyvault.keys import KeyClient

    found: dict[str, float] = {}
    for number in (16, 64):
        client = KeyClient(VAULT, Credential(), **tls_options())
        client.get_key("bench")
        errors: list[BaseException] = []
        before = connections()
        seconds = work_of_threads(client, number, 60, errors)
        found[f"{number} threads, calls a second"] = number * 60 / seconds
        found[f"{number} threads, errors"] = float(len(errors))
        found[f"{number} threads, handshakes"] = float(connections() - before - 1)
        client.close()
    return found


def work_of_threads(client: Any, number: int, calls: int, errors: list[BaseException]) -> float:
    """Return the seconds that this many threads take to make this many calls each."""

    def work() -> None:
        try:
            for _ in range(calls):
                client.get_key("bench")
        except BaseException as error:
            errors.append(error)

    workers = [threading.Thread(target=work) for _ in range(number)]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return time.perf_counter() - start


def connections() -> int:
    import ssl
    import urllib.request

    context = ssl.create_default_context(cafile=CA)
    with urllib.request.urlopen(f"{VAULT}/connections", context=context) as answer:
        return int(answer.read())


def async_tls() -> dict[str, float]:
    return asyncio.run(_async_tls())


async def _async_tls() -> dict[str, float]:
    import ssl

    import aiohttp

    from azure.keyvault.keys.aio import KeyClient

    found: dict[str, float] = {}
    context = ssl.create_default_context(cafile=CA)
    async with (
        KeyClient(VAULT, AsyncCredential(), **tls_options()) as client,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
    ):

        async def bare() -> None:
            async with session.get(bare_url(), headers=bare_headers()) as answer:
                await answer.json()

        async def call() -> None:
            await client.get_key("bench")

        await call()
        for tasks in (1, 16, 64, 256):
            calls = max(2, 512 // tasks)
            rates: dict[str, float] = {}
            for _ in range(3):
                for name, one in (("", call), (" (bare aiohttp)", bare)):
                    seconds = await work_of_tasks(one, tasks, calls)
                    rates[name] = max(rates.get(name, 0.0), tasks * calls / seconds)
            for name, rate in rates.items():
                found[f"async, {tasks} tasks, calls a second{name}"] = rate
    return found


async def work_of_tasks(call: Any, tasks: int, calls: int) -> float:
    """Return the seconds that this many tasks take to make this many calls each."""

    async def work() -> None:
        for _ in range(calls):
            await call()

    start = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(tasks)))
    return time.perf_counter() - start


def cold_start() -> dict[str, float]:
    return _cold_start("")


def cold_start_with_identity() -> dict[str, float]:
    from azure.identity import DefaultAzureCredential

    DefaultAzureCredential()  # sends no request yet; the token comes from elsewhere because there is no Azure here
    return _cold_start(" with azure-identity")


def _cold_start(how: str) -> dict[str, float]:
    began = float(os.environ["BENCH_BEGAN"])  # before the process was started
    start = time.perf_counter()
    from azure.keyvault.keys import KeyClient

    imported = time.perf_counter()
    with KeyClient(VAULT, Credential(), **tls_options()) as client:
        client.get_key("bench")
    return {
        f"import{how}": (imported - start) * 1e6,
        f"import to first answer{how}": (time.perf_counter() - start) * 1e6,
        f"process start to first answer{how}": (time.time() - began) * 1e6,
    }


def growth() -> dict[str, float]:
    """Return how much longer ten times the work takes; 10 means linear growth."""
    from azure.keyvault.keys import KeyClient

    found: dict[str, float] = {}
    with KeyClient(VAULT, Credential(), **tls_options()) as client:
        client.get_key("bench")
        errors: list[BaseException] = []
        works: dict[str, Any] = {
            "calls": lambda scale: [client.get_key("bench") for _ in range(20 * scale)],
            "keys of a list": lambda scale: _listed(client, 500 * scale),
            "calls of 16 threads": lambda scale: work_of_threads(client, 16, 3 * scale, errors),
        }
        for name, work in works.items():
            short, long = best_in_turns([lambda work=work: work(1), lambda work=work: work(10)], 1, 5)
            found[f"ten times the {name}, times the time"] = long / short
        found["calls of 16 threads, errors"] = float(len(errors))
    return found


def _listed(client: Any, limit: int) -> None:
    for count, _ in enumerate(client.list_properties_of_keys(raw_request_hook=_many), 1):
        if count == limit:
            break


def memory() -> dict[str, float]:
    from azure.keyvault.keys import KeyClient

    with KeyClient(VAULT, Credential(), **tls_options()) as client:
        for _ in client.list_properties_of_keys(raw_request_hook=_many):
            pass  # fills the caches
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
