"""What the agent answers, and to whom."""

from __future__ import annotations

import logging
import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from fixtures.printed_locals import printed_locals

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.emulator import KeyVaultEmulator
from azure.keyvault.keys.ssh_agent import VaultAgent
from azure.keyvault.keys.ssh_agent._protocol import mpint, string

FAILURE = b"\5"
LIST = b"\x0b"


def _sign(blob: bytes, data: bytes = b"data", flags: int = 2) -> bytes:
    return b"\x0d" + string(blob) + string(data) + flags.to_bytes(4, "big")


def _strings(content: bytes) -> Iterator[bytes]:
    while content:
        size = int.from_bytes(content[:4], "big")
        yield content[4 : 4 + size]
        content = content[4 + size :]


@pytest.fixture
def blob(agent: VaultAgent) -> bytes:
    """The public key of the RSA key."""
    return next(_strings(agent.answer(LIST)[5:]))


def _asked(agent: VaultAgent, *messages: bytes) -> list[bytes]:
    """Ask on the socket."""
    with socket.socket(socket.AF_UNIX) as connection, connection.makefile("rb") as answers:
        connection.settimeout(30)
        connection.connect(agent.socket_path)
        connection.sendall(b"".join(map(string, messages)))
        return [answers.read(int.from_bytes(answers.read(4), "big")) for _ in messages]


def test_socket_is_for_its_user_only_and_goes_away(client: KeyClient) -> None:
    with VaultAgent(client, ["p256"]) as agent:
        path = Path(agent.socket_path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.parent.exists()
    with pytest.raises(ValueError, match="not started"):
        _ = agent.socket_path


def test_mode_of_the_socket_does_not_depend_on_the_umask(client: KeyClient, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with VaultAgent(client, ["p256"], socket_path=str(tmp_path / "socket")) as agent:
            assert agent.socket_path == str(tmp_path / "socket")
            assert stat.S_IMODE(Path(agent.socket_path).stat().st_mode) == 0o600
    finally:
        os.umask(before)
    assert list(tmp_path.iterdir()) == []


def test_long_temporary_directory_does_not_matter(
    client: KeyClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with VaultAgent(client, ["p256"]) as agent:
        assert _asked(agent, LIST)[0][0] == 12
    assert list(long.iterdir()) == []


@pytest.mark.parametrize(
    ("flags", "name", "digest"),
    [
        (0, b"rsa-sha2-256", hashes.SHA256()),
        (2, b"rsa-sha2-256", hashes.SHA256()),
        (4, b"rsa-sha2-512", hashes.SHA512()),
        (6, b"rsa-sha2-256", hashes.SHA256()),
    ],
)
def test_rsa_signs_as_the_flags_say(agent: VaultAgent, blob: bytes, flags: int, name: bytes, digest: Any) -> None:
    answer = agent.answer(_sign(blob, flags=flags))
    assert answer[0] == 14
    algorithm, signature = _strings(next(_strings(answer[1:])))
    assert algorithm == name
    public: Any = load_ssh_public_key(agent.public_keys[0].encode())
    public.verify(signature, b"data", padding.PKCS1v15(), digest)


def test_numbers_of_signatures_are_positive_and_short(agent: VaultAgent) -> None:
    assert [mpint(value) for value in (b"\0\0", b"\0\x7f", b"\0\x80", b"\xff\0")] == [
        b"\0\0\0\0",
        b"\0\0\0\1\x7f",
        b"\0\0\0\2\0\x80",
        b"\0\0\0\3\0\xff\0",
    ]


@pytest.mark.parametrize(
    "message",
    [
        b"",
        LIST + b"more",
        b"\x0d",
        b"\x0d\0\0",
        b"\x0d\xff\xff\xff\xff",
        b"\x0d" + string(b"key"),
        b"\x0d" + string(b"key") + string(b"data"),
        b"\x0d" + string(b"key") + string(b"data") + b"\0\0\0\0\0",
        b"\x11" + string(b"ssh-rsa"),
        b"\x1b" + string(b"session-bind@openssh.com"),
        b"\xff",
    ],
    ids=lambda message: message[:6].hex() or "empty",
)
def test_anything_else_is_a_failure(agent: VaultAgent, message: bytes) -> None:
    assert agent.answer(message) == FAILURE


def test_other_keys_and_flags_are_refused(agent: VaultAgent, blob: bytes) -> None:
    assert agent.answer(_sign(b"another")) == FAILURE
    assert agent.answer(_sign(blob, flags=8)) == FAILURE


def test_connection_serves_many_requests_and_connections_are_independent(agent: VaultAgent, blob: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as idle:
        idle.connect(agent.socket_path)  # and says nothing
        answers = _asked(agent, LIST, b"\xff", _sign(blob), LIST)
    assert [answer[0] for answer in answers] == [12, 5, 14, 12]


@pytest.mark.parametrize("head", [b"\0\0\0\0", (256 * 1024 + 1).to_bytes(4, "big")], ids=["empty", "too long"])
def test_message_of_an_impossible_length_ends_the_connection(agent: VaultAgent, head: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        connection.connect(agent.socket_path)
        connection.sendall(head)
        assert connection.recv(1) == b""
    assert _asked(agent, LIST)[0][0] == 12


def test_client_that_goes_away_does_no_harm(agent: VaultAgent, blob: bytes) -> None:
    for message in (b"\0\0\0\5", string(_sign(blob))):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(agent.socket_path)
            connection.sendall(message)
    assert _asked(agent, LIST)[0][0] == 12


@pytest.mark.case("P15", "I2")
def test_broken_connection_is_logged_without_what_was_to_be_signed(
    agent: VaultAgent, blob: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def gone(self: VaultAgent, message: bytes) -> bytes:
        raise BrokenPipeError("gone")

    monkeypatch.setattr(VaultAgent, "answer", gone)
    caplog.set_level("INFO", logger="azure.keyvault.keys.ssh_agent")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        connection.connect(agent.socket_path)
        connection.sendall(string(_sign(blob, b"canary-of-signatures")))
        assert connection.recv(1) == b""
    errors = [error for record in caplog.records if record.exc_info and (error := record.exc_info[1])]
    assert "gone" in map(str, errors)
    assert not any("canary-of-signatures" in printed_locals(error) for error in errors)


@pytest.mark.case("P15", "I2")
def test_interrupted_signature_leaves_no_local_variables(
    agent: VaultAgent, blob: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Any, *args: Any) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr("azure.keyvault.keys.ssh_agent._identities.Identity.signed", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        agent.answer(_sign(blob, b"canary-of-signatures"))
    assert "canary-of-signatures" not in printed_locals(caught.value)


def test_many_sign_at_once(agent: VaultAgent, blob: bytes) -> None:
    answers: list[bytes] = []
    threads = [threading.Thread(target=lambda: answers.extend(_asked(agent, _sign(blob)))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer[0] for answer in answers] == [14] * 16


def test_throttling_is_a_failure_and_a_line_in_the_log(
    client: KeyClient, vault: KeyVaultEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    with VaultAgent(client, ["rsa"], timeout=0.5) as agent:
        blob = next(_strings(agent.answer(LIST)[5:]))
        vault.faults.throttled(method="POST", retry_after=5)
        try:
            with caplog.at_level(logging.WARNING, "azure.keyvault.keys.ssh_agent"):
                assert _asked(agent, _sign(blob)) == [FAILURE]
        finally:
            vault.faults.clear()
        assert caplog.text.count("Could not sign with") == 1
        assert _asked(agent, _sign(blob))[0][0] == 14


@pytest.mark.parametrize("loss", ["permission", "disabled"])
def test_lost_permission_is_a_failure_and_a_line_in_the_log(
    agent: VaultAgent,
    blob: bytes,
    client: KeyClient,
    vault: KeyVaultEmulator,
    caplog: pytest.LogCaptureFixture,
    loss: str,
) -> None:
    if loss == "permission":
        vault.permissions.deny("sign")
    else:
        client.update_key_properties("rsa", enabled=False)
    try:
        with caplog.at_level(logging.WARNING, "azure.keyvault.keys.ssh_agent"):
            assert _asked(agent, _sign(blob)) == [FAILURE]
    finally:
        vault.permissions.reset()
        client.update_key_properties("rsa", enabled=True)
    (record,) = caplog.records
    assert "Could not sign with" in record.getMessage()
    assert "\n" not in record.getMessage()
    assert _asked(agent, _sign(blob))[0][0] == 14


def test_keys_may_be_named_with_a_version_or_by_identifier(client: KeyClient) -> None:
    first = client.create_ec_key("rotated")
    second = client.rotate_key("rotated")
    version = first.id.rpartition("/")[2]
    with VaultAgent(client, ["rotated", f"rotated/{version}", first.id]) as agent:
        assert [line.split()[2] for line in agent.public_keys] == [second.id, first.id, first.id]
        client.rotate_key("rotated")
        # The agent keeps the keys that it has told of.
        assert [line.split()[2] for line in agent.public_keys] == [second.id, first.id, first.id]
        assert {answer[0] for answer in _asked(agent, *(_sign(blob) for blob in _blobs(agent)))} == {14}


def _blobs(agent: VaultAgent) -> list[bytes]:
    return list(_strings(agent.answer(LIST)[5:]))[::2]


def test_key_that_ssh_does_not_have_is_refused_by_name(client: KeyClient) -> None:
    client.create_ec_key("bitcoin", curve="P-256K")
    with pytest.raises(ValueError, match="P-256K: an SSH agent has RSA, P-256, P-384 and P-521 keys"):
        VaultAgent(client, ["bitcoin"]).start()
    client.create_rsa_key("wrapping", key_operations=["wrapKey", "unwrapKey"])
    with pytest.raises(ValueError, match=r'wrapping/.* does not sign: "sign" is not among its key_ops'):
        VaultAgent(client, ["wrapping"]).start()
