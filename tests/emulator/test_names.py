"""The names under which a vault is reached: what the challenge names, mapped ports, sockets, further vaults."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from azure.keyvault.keys.emulator import KeyVaultEmulator
from azure.keyvault.keys.emulator._http.sockets import listening_sockets

from .client import Answer, Api, EmulatorFactory

_HOSTS = ("my.vault.localhost", "my.vault.azure.net", "my.localhost", "keyvault", "10.1.2.3", "A.Managedhsm.Azure.net")


@pytest.fixture(scope="module")
def named() -> Iterator[Api]:
    with KeyVaultEmulator(hostnames=_HOSTS) as vault:
        api = Api(vault)
        yield api
        api.close()


def _port(api: Api) -> int:
    return int(api.vault.url.rsplit(":", 1)[1])


def _get(api: Api, host: str, token: str | None = None) -> Answer:
    headers = {"Host": host, **({"Authorization": f"Bearer {token}"} if token else {})}
    return api.send("GET", "/keys?api-version=7.4", headers=headers)


@pytest.mark.parametrize(
    ("host", "resource"),
    [
        ("my.vault.localhost:{port}", "https://vault.localhost:{port}"),
        ("my.vault.azure.net:{port}", "https://vault.azure.net:{port}"),
        ("my.vault.azure.net:443", "https://vault.azure.net"),
        ("my.vault.azure.net", "https://vault.azure.net"),
        ("MY.vault.azure.net", "https://vault.azure.net"),
        ("a.managedhsm.azure.net", "https://managedhsm.azure.net"),
        ("my.localhost:{port}", "https://my.localhost:{port}"),
        ("keyvault:{port}", "https://keyvault:{port}"),
        ("keyvault:9000", "https://keyvault:9000"),
        ("10.1.2.3:{port}", "https://10.1.2.3:{port}"),
        ("localhost:9000", "https://localhost:9000"),
        ("[::1]:9000", "https://[::1]:9000"),
        ("stranger.vault.azure.net", "https://localhost:{port}"),
        ("localhost:123456", "https://localhost:{port}"),
    ],
    ids=lambda text: str(text).removeprefix("https://"),
)
def test_challenge_names_the_parent_domain_where_there_is_one(named: Api, host: str, resource: str) -> None:
    """A program of 4.x trusts a resource that its vault's host ends with, and so does this library."""
    host, resource = (text.format(port=_port(named)) for text in (host, resource))
    refused = _get(named, host)
    assert refused.status == 401
    assert refused.headers["WWW-Authenticate"].endswith(f', resource="{resource}"')
    assert _get(named, host, named.vault.credential.get_token(f"{resource}/.default").token).status == 200


def test_token_for_another_parent_domain_is_refused(named: Api) -> None:
    token = named.vault.credential.get_token("https://vault.azure.com/.default").token
    answer = _get(named, "my.vault.azure.net", token)
    expected = "AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://vault.azure.com"
    assert (answer.status, answer.message) == (401, expected)


def test_identifiers_have_the_host_and_the_port_that_was_called(named: Api) -> None:
    named.create("mapped")
    headers = {"Host": "my.vault.localhost:9443", "Authorization": f"Bearer {named.token}"}
    bundle = named.send("GET", "/keys/mapped?api-version=7.4", headers=headers).json
    assert bundle["key"]["kid"].startswith("https://my.vault.localhost:9443/keys/mapped/")


def test_url_of_a_host_has_the_port(named: Api) -> None:
    assert named.vault.url_of("my.vault.localhost") == f"https://my.vault.localhost:{_port(named)}"
    with pytest.raises(ValueError, match="does not answer to 'other'"):
        named.vault.url_of("other")


@pytest.fixture
def foreign() -> Iterator[socket.socket]:
    """A program of somebody else that listens on a port of ::1 alone."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as listening:
            listening.bind(("::1", 0))
            listening.listen()
            yield listening
    except OSError:
        pytest.skip("this machine has no ::1")


def test_port_that_another_program_has_on_ipv6_is_taken(foreign: socket.socket) -> None:
    """A client of ``localhost`` would send its tokens to that program."""
    port = foreign.getsockname()[1]
    with pytest.raises(OSError, match=f"cannot listen on port {port} of ::1"):
        KeyVaultEmulator(port=port).start()


def test_free_port_is_free_on_both_families(foreign: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    from azure.keyvault.keys.emulator._http import sockets

    ports = iter([foreign.getsockname()[1], 0])
    real = sockets._bind

    def bind(listening: socket.socket, address: str, port: int) -> None:
        real(listening, address, next(ports) if port == 0 else port)

    monkeypatch.setattr(sockets, "_bind", bind)
    opened = listening_sockets(0)
    assert len({listening.getsockname()[1] for listening in opened}) == 1
    assert {listening.family for listening in opened} == {socket.AF_INET, socket.AF_INET6}
    for listening in opened:
        listening.close()


def _addresses(address: str | None) -> set[str]:
    opened = listening_sockets(0, address)
    names = {listening.getsockname()[0] for listening in opened}
    for listening in opened:
        listening.close()
    return names - {"::1"}


@pytest.mark.parametrize(
    ("address", "names"),
    [
        (None, {"127.0.0.1"}),
        ("0.0.0.0", {"0.0.0.0"}),
        ("127.0.0.2", {"127.0.0.1", "127.0.0.2"}),
        ("127.0.0.1", {"127.0.0.1"}),
    ],
    ids=["none", "all", "another", "loopback"],
)
def test_other_addresses_are_listened_on_only_when_asked_for(address: str | None, names: set[str]) -> None:
    assert _addresses(address) == names


def test_certificate_covers_the_names_and_addresses_given(start: EmulatorFactory) -> None:
    api = start(listen="127.0.0.2", hostnames=("keyvault",))
    port = _port(api)
    for host, address in (("127.0.0.2", "127.0.0.2"), ("keyvault", "127.0.0.2"), ("localhost", "127.0.0.1")):
        pool = urllib3.HTTPSConnectionPool(
            address, port, ca_certs=api.vault.ca_bundle, server_hostname=host, assert_hostname=host
        )
        assert pool.request("GET", "/keys", headers={"Host": f"{host}:{port}"}).status == 401
        pool.close()
    assert api.vault.url == f"https://keyvault:{port}"
    assert api.vault.environment["IDENTITY_ENDPOINT"] == f"https://keyvault:{port}/msi/token"


@pytest.mark.parametrize("listen", ["eth0", "300.1.1.1", ""])
def test_listen_takes_an_ip_address(listen: str) -> None:
    with pytest.raises(ValueError, match="listen must be an IP address"):
        KeyVaultEmulator(listen=listen)


def test_vaults_of_one_server_have_keys_and_knobs_of_their_own(start: EmulatorFactory) -> None:
    api = start(vaults=("billing", "audit.vault.azure.net"))
    billing, audit = (Api(api.vault.vaults[name]) for name in ("billing", "audit"))
    assert len({api.vault.url, billing.vault.url, audit.vault.url}) == 3
    bundle = billing.create("invoices")
    assert bundle["key"]["kid"].startswith(f"{billing.vault.url}/keys/invoices/")
    assert [one("GET", "/keys/invoices").status for one in (api, billing, audit)] == [404, 200, 404]
    billing.vault.permissions.deny("get")
    audit.vault.faults.status(503)
    assert [one("GET", "/keys/invoices").status for one in (api, billing, audit)] == [404, 403, 503]
    assert [request.status for request in billing.vault.requests] == [200, 200, 403]
    api.vault.reset()
    assert billing("GET", "/keys/invoices").status == 200
    for one in (billing, audit):
        one.close()


def test_vault_is_found_by_its_host_name_on_every_port(start: EmulatorFactory) -> None:
    api = start(vaults=("billing",))
    billing = Api(api.vault.vaults["billing"])
    billing.create("invoices")
    host = f"billing.vault.localhost:{_port(api)}"
    token = api.vault.credential.get_token(f"https://vault.localhost:{_port(api)}").token
    headers = {"Host": host, "Authorization": f"Bearer {token}"}
    bundle = api.send("GET", "/keys/invoices?api-version=7.4", headers=headers).json
    assert bundle["key"]["kid"].startswith(f"https://{host}/keys/invoices/")
    billing.close()


def test_token_of_one_vault_is_not_that_of_another(start: EmulatorFactory) -> None:
    api = start(vaults=("billing",))
    billing = Api(api.vault.vaults["billing"])
    assert billing.send("GET", "/keys?api-version=7.4", headers={"Authorization": f"Bearer {api.token}"}).status == 401
    billing.close()


def test_further_vaults_are_kept_beside_the_first(start: EmulatorFactory, tmp_path: Path) -> None:
    api = start(vaults=("billing",), data_dir=tmp_path)
    billing = Api(api.vault.vaults["billing"])
    billing.create("invoices")
    billing.close()
    api.vault.stop()
    again = start(vaults=("billing",), data_dir=tmp_path)
    billing = Api(again.vault.vaults["billing"])
    assert billing("GET", "/keys/invoices").status == 200
    assert again("GET", "/keys/invoices").status == 404
    billing.close()


@pytest.mark.parametrize("vaults", [("a b",), ("",), ("a/../b",), ("one", "ONE.vault.azure.net")], ids=str)
def test_names_of_vaults_are_checked(vaults: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="vaults must"):
        KeyVaultEmulator(vaults=vaults)


def test_names_of_vaults_are_found_as_they_were_given(start: EmulatorFactory, tmp_path: Path) -> None:
    vault = start(vaults=("Billing", "audit.vault.azure.net"), data_dir=tmp_path).vault
    assert list(vault.vaults) == ["Billing", "audit"]
    assert vault.vaults["Billing"].url_of("billing.vault.localhost")
    assert vault.environment["VAULT_URL_BILLING"] == vault.vaults["Billing"].url
    assert (tmp_path / "billing" / "vault.db").exists()


def test_ports_of_further_vaults_follow_the_first() -> None:
    vault = KeyVaultEmulator(port=8443, vaults=("a", "b"))
    assert [options.port for _, options in vault.options.own_options] == [8444, 8445]


def test_environment_names_every_vault(start: EmulatorFactory) -> None:
    vault = start(vaults=("billing-eu",)).vault
    assert vault.environment["VAULT_URL_BILLING_EU"] == vault.vaults["billing-eu"].url
    assert "billing-eu.vault.localhost" in vault.environment["NO_PROXY"]


def test_run_says_which_names_lead_nowhere() -> None:
    """The command gets the URL that works: that of localhost, unless the name leads to this machine."""
    command = [sys.executable, "-m", "azure.keyvault.keys.emulator", "run", "--host", "nowhere.vault.invalid", "--"]
    script = "import os; print(os.environ['VAULT_URL'])"
    done = subprocess.run([*command, "python", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("https://localhost:")
    assert "nowhere.vault.invalid does not resolve to this machine" in done.stderr


def test_run_hands_out_the_first_name_that_leads_here() -> None:
    name = socket.gethostname()
    try:
        with socket.socket() as probe:
            probe.bind((name, 0))
    except OSError:
        pytest.skip("the name of this machine does not lead to it")
    command = [sys.executable, "-m", "azure.keyvault.keys.emulator", "run", "--host", name, "--"]
    script = "import os; print(os.environ['VAULT_URL'])"
    done = subprocess.run([*command, "python", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"https://{name.lower()}:")
