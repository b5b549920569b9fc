"""Secrets carry a mark; the mark must be nowhere but in the request that needs it."""

from __future__ import annotations

import base64
import logging
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError
from azure.core.pipeline.policies import SansIOHTTPPolicy
from fixtures.stub_vault import Tokens
from raw_server import Conversation, RawServer, Received

from azure.keyvault import keys
from azure.keyvault.keys import JsonWebKey
from azure.keyvault.keys import _shared as shared

Serve = Callable[..., RawServer]

CANARY = b"canary-5f2e1a7c93"


def marks() -> list[str]:
    """Return every form in which the mark may appear."""
    forms = [CANARY.decode(), CANARY.hex(), repr(list(CANARY))]
    for offset in range(3):
        encoded = base64.b64encode(b"x" * offset + CANARY).decode().rstrip("=")
        forms += [encoded[4:-4], encoded[4:-4].replace("+", "-").replace("/", "_")]
    return forms


def assert_unmarked(text: str) -> None:
    found = [form for form in marks() if form in text]
    assert not found, f"the mark is in: ...{text[max(0, text.find(found[0]) - 200) : text.find(found[0]) + 80]}"


class Everything(logging.Handler):
    """Keeps all records of all loggers, with what they would be shown as."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(f"{record.getMessage()} {record.args!r} {self.format(record)}")


@pytest.fixture
def everything() -> Any:
    handler = Everything()
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


async def import_key(client: Any) -> Any:
    key = JsonWebKey(kty="oct", k=CANARY + b"-" * 15, key_ops=["encrypt"])
    return await client.import_key("orders", key)


async def restore(client: Any) -> Any:
    return await client.restore_key(CANARY)


async def backup(client: Any) -> Any:
    return await client.backup_key("orders")


def crypto(name: str, *arguments: Any) -> Any:
    async def call(client: Any) -> Any:
        cryptography = client.get_cryptography_client("orders", execution="remote")
        return await getattr(cryptography, name)(*arguments)

    return call


CALLS: dict[str, Any] = {
    "import": import_key,
    "restore": restore,
    "backup": backup,
    "encrypt": crypto("encrypt", "RSA-OAEP", CANARY),
    "decrypt": crypto("decrypt", "RSA-OAEP", CANARY),
    "wrap": crypto("wrap_key", "RSA-OAEP", CANARY),
    "unwrap": crypto("unwrap_key", "RSA-OAEP", CANARY),
    "sign-message": crypto("sign", "ML-DSA-65", CANARY),
    "verify-message": crypto("verify", "ML-DSA-65", CANARY, CANARY),
    "secure-wrap": crypto("secure_wrap_key", "A256KW"),
    "secure-unwrap": crypto("secure_unwrap_key", "A256KW", b"wrapped", CANARY.decode()),
}
#: Calls whose secrets are in the answer alone.
ASKING = ("backup", "secure-wrap")


def blob() -> str:
    return base64.urlsafe_b64encode(CANARY).decode().rstrip("=")


ANSWERS: dict[str, Callable[[Received, Conversation], None]] = {
    "success": lambda request, talk: talk.answer(
        b'{"value":"%b","kid":"%b/keys/orders/0","key":{"kid":"%b/keys/orders/0","kty":"RSA"}}'
        % (blob().encode(), talk.server.url.encode(), talk.server.url.encode())
    ),
    "refusal": lambda request, talk: talk.answer(b'{"error":{"code":"Forbidden","message":"No."}}', 403),
    "not-json": lambda request, talk: talk.answer(b'{"value":"%b"' % blob().encode()),
    "wrong-type": lambda request, talk: talk.answer(
        b'{"value":["%b"],"key":"%b"}' % (blob().encode(), blob().encode())
    ),
    "lost": lambda request, talk: talk.finish(reset=True),
    "elsewhere": lambda request, talk: talk.answer(b"", 307, Location="https://evil.example/"),
    "half": lambda request, talk: (  # type: ignore[dict-item]
        talk.say(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"value":"%b"' % blob().encode()),  # type: ignore[func-returns-value]
        talk.finish(),  # type: ignore[func-returns-value]
    ),
    "late": lambda request, talk: talk.hang(),
    "unchallenging": lambda request, talk: talk.answer(
        b"", 401, WWW_Authenticate='Bearer authorization="https://x/t", resource="https://evil.example"'
    ),
}

TESTS, PACKAGE, SHARED = str(Path(__file__).parents[1]), str(keys.__path__[0]), str(shared.__path__[0])


def holds_arguments(filename: str) -> bool:
    """Whether a file's frames are those of the caller, or of a client that the caller has called."""
    return filename.startswith(TESTS) or (filename.startswith(PACKAGE) and not filename.startswith(SHARED))


def told_by(error: BaseException) -> str:
    """Return all that an exception tells, the locals of all frames below the call of a client included."""
    texts: list[str] = []
    chain: list[BaseException | None] = [error]
    while chain:
        current = chain.pop()
        if current is None:
            continue
        texts += [str(current), repr(current), repr(current.args), "".join(traceback.format_exception(current))]
        frames = list(traceback.TracebackException.from_exception(current, capture_locals=True).stack)
        kept = getattr(current, "exc_traceback", None)  # azure-core's errors have it
        frames += traceback.StackSummary.extract(traceback.walk_tb(kept), capture_locals=True)
        texts += [repr(frame.locals) for frame in frames if not holds_arguments(frame.filename)]
        chain += [current.__cause__, current.__context__]
    return "\n".join(texts)


class Impatience(SansIOHTTPPolicy[Any, Any]):
    """Waits only a moment for the answer to the call itself. A probe may take longer on a busy machine."""

    def on_request(self, request: Any) -> None:
        if "Authorization" in request.http_request.headers:
            request.context.options["read_timeout"] = 0.3


@pytest.mark.case("I1", "I2", "I8")
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("answer", ANSWERS)
async def test_no_secret_is_logged_or_told_by_an_error(
    serve: Serve, connect: Any, everything: Everything, call: str, answer: str
) -> None:
    server = serve(ANSWERS[answer])
    tokens = Tokens(fixed=AccessToken(CANARY.decode(), 4102444800))
    options: dict[str, Any] = {"logging_enable": True, "retry_total": 1, "api_version": "2026-05-01-preview"}
    if answer == "late":
        options["per_retry_policies"] = [Impatience()]
    client = connect(server, tokens, **options)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        told = ""
        try:
            result = await CALLS[call](client)
            told = "" if isinstance(result, bytes) else repr(result)
        except (AzureError, ValueError) as error:
            told = told_by(error)
    assert_unmarked(told)
    for text in everything.texts:
        assert_unmarked(text)
    assert_unmarked(" ".join(str(warning.message) for warning in caught))
    # The log is there, and so is the secret where it belongs.
    assert any("body of" in text for text in everything.texts)
    sent = "".join(seen.body.decode() for seen in server.calls)
    assert call in ASKING or any(form in sent for form in marks())


@pytest.mark.case("I5")
async def test_headers_that_help_are_readable_and_the_token_is_not(
    serve: Serve, connect: Any, everything: Everything
) -> None:
    server = serve(
        lambda request, talk: talk.answer(
            talk.server.bundle(), x_ms_keyvault_region="westeurope", x_ms_request_id="r-1", x_secret="s-1"
        )
    )
    await connect(server).get_key("orders")
    log = "\n".join(everything.texts)
    assert "westeurope" in log
    assert "r-1" in log
    assert "api-version=" in log
    assert "s-1" not in log
    assert "token-1" not in log
