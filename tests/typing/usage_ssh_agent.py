"""What type checkers know of azure.keyvault.keys.ssh_agent. It is checked, and not run."""

from __future__ import annotations

from typing_extensions import assert_type

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.ssh_agent import VaultAgent


def agent(client: KeyClient) -> None:
    with VaultAgent(client, ["deploy", "other/version"], socket_path="/run/agent", timeout=10) as agent:
        assert_type(agent, VaultAgent)
        assert_type(agent.socket_path, str)
        assert_type(agent.public_keys, list[str])
    agent.load()
    agent.start()
    assert_type(agent.answer(b"request"), bytes)
    agent.close()
    VaultAgent("https://vault", ["deploy"])  # type: ignore[arg-type]
