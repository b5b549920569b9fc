"""What printers of the local variables in a traceback see of a secret: nothing, outside the frames of the caller."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fixtures.keyring import private_jwk
from fixtures.printed_locals import printed_locals
from fixtures.stub_vault import (
    URL,
    VERSION,
    Answer,
    AsyncStubCredential,
    AsyncStubTransport,
    Script,
    StubCredential,
    StubTransport,
    Tokens,
)
from fixtures.worlds import World

from azure.keyvault.keys import JsonWebKey, KeyVaultKey
from azure.keyvault.keys._frames import clear_frames, clears_locals

MARK = "canary-of-tracebacks"
SECRET = MARK.encode()


def assert_hidden(error: BaseException, *secrets: Any) -> None:
    shown = printed_locals(error)
    for secret in (SECRET, *secrets):
        text = secret if isinstance(secret, str) else repr(bytes(secret))[2:-1]
        assert text not in shown


PEM = ec.generate_private_key(ec.SECP256R1()).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"right")
)
DER = ec.generate_private_key(ec.SECP256R1()).private_bytes(
    serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"right")
)
KEY = JsonWebKey.from_cryptography(ec.generate_private_key(ec.SECP256R1()))

READING: dict[str, Callable[[], Any]] = {
    "from_pem": lambda: JsonWebKey.from_pem(PEM, password=MARK),
    "from_pem as bytes": lambda: JsonWebKey.from_pem(PEM, password=SECRET),
    "from_pem of no PEM": lambda: JsonWebKey.from_pem(MARK),
    "from_der": lambda: JsonWebKey.from_der(DER, password=MARK),
    "from_der of no DER": lambda: JsonWebKey.from_der(SECRET),
    "from_json of text": lambda: JsonWebKey.from_json(json.dumps({"kty": "RSA", "d": f"!{MARK}"})),
    "from_json of no JSON": lambda: JsonWebKey.from_json(f"{{{MARK}"),
    "from_json of a mapping": lambda: JsonWebKey.from_json({"kty": "oct", "k": f"!{MARK}"}),
    "to_pem": lambda: KEY.to_pem(password=MARK),
    "to_der": lambda: KEY.to_der(password=MARK),
    "members": lambda: JsonWebKey(k=SECRET, n=5),  # type: ignore[arg-type]
    "key": lambda: KeyVaultKey(f"{URL}/keys/orders", {"kty": "oct", "k": SECRET, "n": 5}),
}


@pytest.mark.case("I2", "P15")
@pytest.mark.parametrize("what", READING)
def test_refused_key_leaves_no_local_variables(what: str) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        READING[what]()
    assert_hidden(caught.value, PEM, DER, KEY.d or b"")


def client_of(world: World, script: Script) -> Any:
    tokens = Tokens()
    if world.is_async:
        return world.adapt(world.KeyClient(URL, AsyncStubCredential(tokens), transport=AsyncStubTransport(script)))
    return world.adapt(world.KeyClient(URL, StubCredential(tokens), transport=StubTransport(script)))


def remote(client: Any) -> Any:
    return client.get_cryptography_client("orders", key_version=VERSION, execution="remote")


PRIVATE_PEM = ec.generate_private_key(ec.SECP256R1()).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
ASKING: dict[str, Callable[[Any], Any]] = {
    "import of PEM": lambda client: client.import_key("orders", PRIVATE_PEM),
    "import of broken PEM": lambda client: client.import_key("orders", PRIVATE_PEM.replace(b"\n", SECRET + b"\n", 3)),
    "import of a JWK": lambda client: client.import_key("orders", JsonWebKey(kty="oct", k=SECRET)),
    "restore": lambda client: client.restore_key_backup(SECRET),
    "release": lambda client: client.release_key("orders", MARK),
    "encrypt": lambda client: remote(client).encrypt("RSA-OAEP", SECRET),
    "encrypt with another": lambda client: remote(client).encrypt("A128GCM", SECRET, iv=SECRET),
    "decrypt": lambda client: remote(client).decrypt("RSA-OAEP", SECRET),
    "wrap": lambda client: remote(client).wrap_key("RSA-OAEP", SECRET),
    "unwrap": lambda client: remote(client).unwrap_key("RSA-OAEP", SECRET),
    "sign": lambda client: remote(client).sign("ES256", SECRET),
    "sign_data": lambda client: remote(client).sign_data("HS999", SECRET),
    "verify_data": lambda client: remote(client).verify_data("ES256", SECRET, SECRET, encoding="other"),
}


@pytest.mark.case("I2", "P15")
@pytest.mark.parametrize("status", [400, 403, 404, 500, 200])
@pytest.mark.parametrize("what", ASKING)
async def test_failed_call_leaves_no_local_variables(world: World, what: str, status: int) -> None:
    script = Script([Answer(status, {"error": {"code": "Bad", "message": "No."}})])
    client = client_of(world, script)
    with pytest.raises(Exception, match=r".") as caught:
        await ASKING[what](client)
    assert_hidden(caught.value, PRIVATE_PEM)


@pytest.mark.case("I2", "P15")
async def test_lost_connection_leaves_no_local_variables(world: World) -> None:
    from azure.core.exceptions import ServiceResponseError

    client = client_of(world, Script([ServiceResponseError("lost")]))
    with pytest.raises(ServiceResponseError) as caught:
        await client.import_key("orders", JsonWebKey(kty="oct", k=SECRET), retry_total=0)
    assert_hidden(caught.value)


@pytest.mark.case("I2", "P15")
@pytest.mark.parametrize("kind", ["RSA 2048", "EC P-256", "oct 256"])
async def test_local_failure_leaves_no_local_variables(world: World, kind: str) -> None:
    jwk = private_jwk(kind)
    client = world.from_jwk(jwk)
    secret = SECRET * 100
    calls: dict[str, Callable[[], Any]] = {
        "RSA 2048": lambda: client.encrypt("RSA-OAEP", secret),
        "EC P-256": lambda: client.sign("ES256", secret),
        "oct 256": lambda: client.encrypt("A256CBC", secret[:-1]),
    }
    with pytest.raises(ValueError) as caught:
        await calls[kind]()
    assert_hidden(caught.value, *(value for name in ("d", "p", "q", "k") if (value := getattr(jwk, name))))


@pytest.mark.case("P15")
async def test_error_still_says_where_it_came_from(world: World) -> None:
    with pytest.raises(ValueError) as caught:
        await world.from_jwk(private_jwk("EC P-256")).sign("ES256", SECRET)
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert {"sign", "check_sign"} <= set(names)


@pytest.mark.case("P15")
async def test_coroutine_that_still_waits_is_not_ended() -> None:
    """It has caught an error that somebody else raises as well."""
    kept: list[BaseException] = []
    go_on = asyncio.Event()

    def run(module: str, source: str) -> dict[str, Any]:
        scope: dict[str, Any] = {"__name__": module, "kept": kept, "go_on": go_on}
        exec(source, scope)
        return scope

    waiting = run(
        "azure.keyvault.keys._pretended",
        "async def wait(secret):\n"
        "    try:\n"
        "        raise KeyError\n"
        "    except KeyError as error:\n"
        "        kept.append(error)\n"
        "    await go_on.wait()\n"
        "    return secret\n",
    )["wait"]
    task = asyncio.ensure_future(waiting("alive"))
    await asyncio.sleep(0)
    clear_frames(kept[0])
    go_on.set()
    assert await task == "alive"


@pytest.mark.case("P15")
def test_generator_that_still_waits_is_not_ended() -> None:
    kept: list[BaseException] = []
    scope: dict[str, Any] = {"__name__": "azure.keyvault.keys._pretended", "kept": kept}
    exec(
        "def steps(secret):\n"
        "    try:\n"
        "        raise KeyError\n"
        "    except KeyError as error:\n"
        "        kept.append(error)\n"
        "    yield 1\n"
        "    yield secret\n",
        scope,
    )
    generator: Iterator[Any] = scope["steps"]("alive")
    assert next(generator) == 1
    clear_frames(kept[0])
    assert list(generator) == ["alive"]


PRETENDED = {
    "generator": """
def steps(secret):
    try:
        yield 1
    finally:
        secret
""",
    "generator with an inner one": """
def steps(secret):
    yield from inner(secret)

def inner(secret):
    other = iter([secret])
    yield 1
""",
    "generator with an iterator": """
def steps(secret):
    waiting = iter([secret])
    yield 1
    raise ValueError(*waiting)
""",
}


@pytest.mark.case("P15")
@pytest.mark.parametrize("thrown", [True, False], ids=["thrown into it", "raised in it"])
@pytest.mark.parametrize("what", PRETENDED)
def test_generator_that_an_error_has_ended_leaves_no_local_variables(what: str, thrown: bool) -> None:
    scope: dict[str, Any] = {"__name__": "azure.keyvault.keys._pretended"}
    source = PRETENDED[what].replace("yield 1", "yield 1\n    raise ValueError" if not thrown else "yield 1")
    exec(source if what != "generator" or thrown else source.replace("    raise", "        raise"), scope)
    generator = scope["steps"](MARK)
    next(generator)
    with pytest.raises(ValueError) as caught:
        generator.throw(ValueError()) if thrown else next(generator)
    clear_frames(caught.value)
    del generator
    assert_hidden(caught.value)


@pytest.mark.case("P15")
async def test_coroutine_that_was_cancelled_leaves_no_local_variables() -> None:
    scope: dict[str, Any] = {"__name__": "azure.keyvault.keys._pretended", "event": asyncio.Event()}
    exec(
        "async def wait(secret):\n"
        "    waiting = iter([secret])\n"
        "    await inner(waiting, secret)\n"
        "async def inner(waiting, secret):\n"
        "    await event.wait()\n",
        scope,
    )
    task = asyncio.ensure_future(scope["wait"](MARK))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    clear_frames(caught.value)
    assert_hidden(caught.value)


@pytest.mark.case("P15")
def test_circle_of_errors_ends() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__context__, other.__context__ = other, one
    clear_frames(one)


@pytest.mark.case("P15")
def test_frames_of_others_keep_their_variables() -> None:
    @clears_locals
    class Client:
        def call(self, work: Callable[[], None]) -> None:
            work()

    def credential() -> None:
        reason = "kept"
        raise ValueError(reason)

    with pytest.raises(ValueError, match="kept") as caught:
        Client().call(credential)
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    assert frames[-1].f_locals == {"reason": "kept"}
