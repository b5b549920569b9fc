"""Parquet files and datasets under keys of the vault, and how many requests they cost. Needs pyarrow."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from fixtures.targets import Target, Traffic

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys._shared.auth.challenge import CHALLENGES
from azure.keyvault.keys.emulator import KeyVaultEmulator

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed (extra parquet)")

import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow.parquet import encryption

from azure.keyvault.keys.parquet import AzureKmsClient, crypto_factory

TABLE = pa.table({"name": [f"tea {number}" for number in range(100)], "crates": list(range(100))})
Factory = Callable[..., encryption.CryptoFactory]


@pytest.fixture(autouse=True)
def _no_known_challenges() -> None:
    CHALLENGES.clear()


@pytest.fixture
def keys(vault: Target) -> Iterator[KeyClient]:
    """A client of the vault."""
    with KeyClient(vault.url, vault.credential, **vault.options) as client:
        yield client


@pytest.fixture
def names(keys: KeyClient, new_name: Callable[[], str]) -> tuple[str, str]:
    """Two RSA keys."""
    both = new_name(), new_name()
    for name in both:
        keys.create_rsa_key(name)
    return both


@pytest.fixture
def factory(vault: Target) -> Factory:
    """Makes factories as processes do that have just started."""
    return lambda **options: crypto_factory(
        vault.credential, **{"allowed_suffixes": ["localhost"], **vault.options, **options}
    )


@pytest.fixture
def connection(vault: Target) -> encryption.KmsConnectionConfig:
    """pyarrow's connection to the vault."""
    return encryption.KmsConnectionConfig(kms_instance_url=vault.url)


def configuration(names: tuple[str, str], **options: Any) -> encryption.EncryptionConfiguration:
    """Return what to encrypt with which key."""
    return encryption.EncryptionConfiguration(
        footer_key=names[0], column_keys={names[1]: ["name", "crates"]}, data_key_length_bits=256, **options
    )


def posts(traffic: Traffic) -> list[str]:
    """Return what was asked of keys."""
    return [request.path.rsplit("/", 1)[1] for request in traffic.calls if request.method == "POST"]


def test_file_is_read_after_rotations(
    keys: KeyClient, names: tuple[str, str], factory: Factory, connection: Any, tmp_path: Path
) -> None:
    path = tmp_path / "tea.parquet"
    pq.write_table(
        TABLE, path, encryption_properties=factory().file_encryption_properties(connection, configuration(names))
    )
    assert b"tea 42" not in path.read_bytes()
    with pytest.raises(OSError, match="decryption"):
        pq.read_table(path)
    for _ in range(3):
        for name in names:
            keys.rotate_key(name)
    properties = factory().file_decryption_properties(connection)
    assert pq.read_table(path, decryption_properties=properties).equals(TABLE)


@pytest.mark.parametrize(("double_wrapping", "unwraps"), [(True, 2), (False, 120)])
def test_requests_of_forty_files(
    names: tuple[str, str],
    factory: Factory,
    connection: Any,
    traffic: Traffic,
    tmp_path: Path,
    double_wrapping: bool,
    unwraps: int,
) -> None:
    """Writing asks for each key once. Reading unwraps once for each key, or three times for each file."""
    writer, config = factory(), configuration(names, double_wrapping=double_wrapping)
    for number in range(40):
        properties = writer.file_encryption_properties(connection, config)
        pq.write_table(TABLE, tmp_path / f"{number}.parquet", encryption_properties=properties)
    assert [request.method for request in traffic.calls] == ["GET", "GET"]
    traffic.restart()
    reader = factory()
    for number in range(40):
        properties = reader.file_decryption_properties(connection)
        assert pq.read_table(tmp_path / f"{number}.parquet", decryption_properties=properties).equals(TABLE)
    assert posts(traffic) == ["unwrapkey"] * unwraps
    assert len(traffic.calls) == unwraps + 2


def test_double_wrapping_is_the_default() -> None:
    assert encryption.EncryptionConfiguration(footer_key="k").double_wrapping


def test_dataset_is_written_and_read(
    keys: KeyClient, names: tuple[str, str], factory: Factory, connection: Any, traffic: Traffic, tmp_path: Path
) -> None:
    written = ds.ParquetEncryptionConfig(factory(), connection, configuration(names))
    options = ds.ParquetFileFormat().make_write_options(encryption_config=written)
    table = pa.table({"name": TABLE["name"], "crates": TABLE["crates"], "part": [n % 5 for n in range(100)]})
    ds.write_dataset(table, tmp_path, format="parquet", file_options=options, partitioning=["part"], max_partitions=10)
    assert len(list(tmp_path.rglob("*.parquet"))) == 5
    keys.rotate_key(names[0])
    traffic.restart()
    reading = ds.ParquetDecryptionConfig(factory(), connection, encryption.DecryptionConfiguration())
    scan = ds.ParquetFragmentScanOptions(decryption_config=reading)
    dataset = ds.dataset(tmp_path, format=ds.ParquetFileFormat(default_fragment_scan_options=scan))
    assert sorted(dataset.to_table(columns=["crates"])["crates"].to_pylist()) == list(range(100))
    assert posts(traffic) == ["unwrapkey"] * 2


def test_master_key_with_a_version_wraps_with_it(
    keys: KeyClient, names: tuple[str, str], factory: Factory, connection: Any, vault: Target
) -> None:
    version = keys.get_key(names[0]).version
    keys.rotate_key(names[0])
    client = AzureKmsClient(connection, vault.credential, allowed_suffixes=["localhost"], **vault.options)
    wrapped = client.wrap_key(b"0123456789abcdef", f"{names[0]}/{version}")
    assert base64.b64decode(wrapped).startswith(f"azure:v1:{version}:".encode())
    for master_key in (names[0], f"{names[0]}/{version}"):
        other = AzureKmsClient(connection, vault.credential, allowed_suffixes=["localhost"], **vault.options)
        assert other.unwrap_key(wrapped, master_key) == b"0123456789abcdef"
        assert other.unwrap_key(wrapped.encode(), master_key) == b"0123456789abcdef"
    with pytest.raises((HttpResponseError, ValueError)):
        client.unwrap_key(wrapped, names[1])


def test_missing_permission_and_missing_key_are_the_vaults_errors(
    names: tuple[str, str], factory: Factory, connection: Any, emulator: KeyVaultEmulator, tmp_path: Path
) -> None:
    path = tmp_path / "tea.parquet"
    pq.write_table(
        TABLE, path, encryption_properties=factory().file_encryption_properties(connection, configuration(names))
    )
    emulator.permissions.deny("unwrapKey")
    with pytest.raises(HttpResponseError, match="unwrapKey permission") as refused:
        pq.read_table(path, decryption_properties=factory().file_decryption_properties(connection))
    assert refused.value.status_code == 403
    with pytest.raises(ResourceNotFoundError):
        factory().file_encryption_properties(connection, configuration((f"{names[0]}-other", names[1])))


def test_damaged_key_material_is_refused(names: tuple[str, str], connection: Any, vault: Target) -> None:
    client = AzureKmsClient(connection, vault.credential, allowed_suffixes=["localhost"], **vault.options)
    wrapped = base64.b64decode(client.wrap_key(b"0123456789abcdef", names[0]))
    for position in range(0, len(wrapped), 5):
        changed = bytearray(wrapped)
        changed[position] ^= 1
        with pytest.raises((ValueError, HttpResponseError)):
            client.unwrap_key(base64.b64encode(changed), names[0])
    for text in ("", "not base64", "QUJD\n"):
        with pytest.raises((ValueError, HttpResponseError)):
            client.unwrap_key(text, names[0])


@pytest.mark.parametrize("master_key", ["", "/", "a/b/c", "../secrets/x", "k?x", "k#x", "k@evil.example/v"])
def test_what_can_be_no_master_key_is_refused(
    connection: Any, vault: Target, traffic: Traffic, master_key: str
) -> None:
    client = AzureKmsClient(connection, vault.credential, allowed_suffixes=["localhost"], **vault.options)
    with pytest.raises((ValueError, HttpResponseError)):
        client.wrap_key(b"0123456789abcdef", master_key)
    assert all(request.path.startswith("/keys/k") for request in traffic.calls)


def test_vault_elsewhere_gets_no_token(
    names: tuple[str, str], vault: Target, traffic: Traffic, factory: Factory
) -> None:
    """Whoever writes a file may name a vault in it, and a reader may be told to ask there."""
    connection = encryption.KmsConnectionConfig(kms_instance_url=vault.url)
    with pytest.raises(ValueError, match="not in one of the allowed domains"):
        factory(allowed_suffixes=["vault.azure.net"]).file_encryption_properties(connection, configuration(names))
    with pytest.raises(ValueError, match="not in one of the allowed domains"):
        crypto_factory(vault.credential, **vault.options).file_encryption_properties(connection, configuration(names))
    assert len(traffic) == 0


@pytest.mark.parametrize("url", ["", "DEFAULT", "http://demo.vault.azure.net", "demo.vault.azure.net", "https://a/b"])
def test_url_that_is_no_vaults_is_refused(vault: Target, url: str) -> None:
    with pytest.raises(ValueError, match="vault"):
        AzureKmsClient(encryption.KmsConnectionConfig(kms_instance_url=url), vault.credential)


def test_synchronous_credential_is_asked_for(vault: Target) -> None:
    with pytest.raises(TypeError):
        crypto_factory(vault.async_credential)
    with pytest.raises(TypeError, match="must be a list of domains, such as"):
        crypto_factory(vault.credential, allowed_suffixes="vault.azure.net")
