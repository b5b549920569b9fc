"""What runs here and what runs in the vault accepts and refuses the same, gives the same, and fails alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fixtures.keyring import Keyring
from fixtures.targets import Target
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azure.keyvault.keys._generated.versions import VERSIONS
from azure.keyvault.keys.crypto import CryptographyClient, EncryptResult
from azure.keyvault.keys.crypto._local.algorithms import ALGORITHMS, Algorithm

few = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

RSA = [("vault", "RSA 2048"), ("vault", "RSA 4096"), ("hsm", "RSA 2048")]


@dataclass(frozen=True)
class Case:
    """An algorithm, and a kind of key that has it, in a place that has those."""

    place: str
    kind: str
    row: Algorithm

    def __str__(self) -> str:
        return f"{self.place}-{self.kind}-{self.row.name}"


def cases(kind: str) -> list[Case]:
    """Return all cases of a kind of algorithm that can run here and in the service, but those of ML-DSA."""
    found = []
    for row in ALGORITHMS:
        if row.kind == kind and row.local and row.remote and not row.message:
            if row.family == "RSA":
                keys = RSA
            elif row.family == "EC":
                keys = [("vault", f"EC {row.curve}"), ("hsm", f"EC {row.curve}")]
            else:
                keys = [("hsm", f"oct {8 * (row.key_size or 0)}")]
            found += [Case(place, key, row) for place, key in keys]
    return found


def each(kind: str) -> Any:
    return pytest.mark.parametrize("case", cases(kind), ids=str)


class Pair:
    """Two clients for one key: one that works here and sends nothing, one that does everything in the vault."""

    def __init__(self, ring: Keyring, target: Target, kind: str) -> None:
        key = ring.with_private_part(kind)
        options = {**target.options, "api_version": VERSIONS[-1].name}  # the newest one has every algorithm
        self.here = CryptographyClient(key, target.credential, execution="local", **options)
        self.there = CryptographyClient(key, target.credential, execution="remote", **options)

    def close(self) -> None:
        self.here.close()
        self.there.close()


@pytest.fixture(scope="module")
def pair_of(keyring_of: Callable[[Target], Keyring], vault: Target, hsm: Target) -> Iterator[Callable[[Case], Pair]]:
    """Gives the clients of a case."""
    targets = {"vault": vault, "hsm": hsm}
    pairs: dict[tuple[str, str], Pair] = {}

    def of(case: Case) -> Pair:
        where = case.place, case.kind
        if where not in pairs:
            pairs[where] = Pair(keyring_of(targets[case.place]), targets[case.place], case.kind)
        return pairs[where]

    yield of
    for pair in pairs.values():
        pair.close()


def outcome(call: Callable[[], Any]) -> tuple[str, Any]:
    """Return what a call returns, or which of the documented errors it raises; any other is a failure of the test."""
    try:
        return "result", call()
    except (ValueError, TypeError, NotImplementedError) as error:
        return "error", next(kind for kind in (ValueError, TypeError, NotImplementedError) if isinstance(error, kind))


def damaged(data: bytes) -> st.SearchStrategy[bytes]:
    """Return what may become of data: other bits, more or fewer bytes, something else."""

    def flip(position: int, bit: int) -> bytes:
        position %= len(data)
        return data[:position] + bytes([data[position] ^ (1 << bit)]) + data[position + 1 :]

    return st.one_of(
        st.builds(flip, st.integers(0, 10_000), st.integers(0, 7)),
        st.integers(0, len(data) - 1).map(lambda size: data[:size]),
        st.binary(min_size=1, max_size=20).map(lambda more: data + more),
        st.binary(max_size=40).map(lambda other: other),
        st.just(b"\0" + data),
        st.just(b"\xff" * len(data)),
    )


@each("encryption")
@few
@given(data=st.data())
def test_encryption_is_the_same_here_and_there(pair_of: Callable[[Case], Pair], case: Case, data: Any) -> None:
    pair, row = pair_of(case), case.row
    longest = int(case.kind.split()[1]) // 8 - row.overhead if row.family == "RSA" else 96
    plaintext = data.draw(st.binary(max_size=48) | st.integers(longest - 2, longest + 2).map(bytes))
    iv = data.draw(st.none() | st.binary(min_size=16, max_size=16) | st.binary(max_size=20)) if row.iv else None
    made = {}
    for name, client in (("here", pair.here), ("there", pair.there)):
        made[name] = outcome(lambda client=client: client.encrypt(row.name, plaintext, iv=iv))  # type: ignore[misc]
    if len(plaintext) % row.block and made["there"][0] == "result":
        # The service fills the last block with zeros, which nobody could tell from data: that is not done here.
        assert made["here"] == ("error", ValueError)
        filled = plaintext.ljust(-(-len(plaintext) // row.block) * row.block, b"\0")
        assert pair.here.decrypt(made["there"][1]).plaintext == filled
        return
    assert made["here"][0] == made["there"][0]
    if made["here"][0] == "error":
        assert made["here"] == made["there"]
        return
    if iv is not None:
        assert made["here"][1].ciphertext == made["there"][1].ciphertext
    for _, result in made.values():
        for client in (pair.here, pair.there):
            assert client.decrypt(result).plaintext == plaintext


def is_made_up(case: Case, here: Any, there: Any) -> bool:
    """Say whether OpenSSL may have made the bytes up: for damaged PKCS#1 v1.5 data it does (implicit rejection)."""
    return case.row.name == "RSA1_5" and (here[0], there[0]) == ("result", "error")


@pytest.mark.case("K3", "L5", "M9")
@each("encryption")
@few
@given(data=st.data())
def test_damaged_ciphertext_has_the_same_fate_here_and_there(
    pair_of: Callable[[Case], Pair], case: Case, data: Any
) -> None:
    pair, row = pair_of(case), case.row
    good: EncryptResult = pair.here.encrypt(row.name, b"a secret of 32 bytes, no less...")
    bad = data.draw(damaged(good.ciphertext))
    iv = data.draw(damaged(good.iv) | st.just(good.iv)) if good.iv else None
    here = outcome(lambda: pair.here.decrypt(row.name, bad, iv=iv).plaintext)
    there = outcome(lambda: pair.there.decrypt(row.name, bad, iv=iv).plaintext)
    assert here == there or is_made_up(case, here, there)


@each("key wrap")
@few
@given(data=st.data())
def test_wrapping_is_the_same_here_and_there(pair_of: Callable[[Case], Pair], case: Case, data: Any) -> None:
    pair, row = pair_of(case), case.row
    key = data.draw(st.sampled_from([bytes(16), bytes(range(24)), bytes(range(32))]) | st.binary(max_size=40))
    here = outcome(lambda: pair.here.wrap_key(row.name, key).encrypted_key)
    there = outcome(lambda: pair.there.wrap_key(row.name, key).encrypted_key)
    assert here[0] == there[0]
    if here[0] == "error" or row.family == "oct":
        assert here == there
        return
    for wrapped in (here[1], there[1]):
        assert pair.here.unwrap_key(row.name, wrapped).key == key
        assert pair.there.unwrap_key(row.name, wrapped).key == key


@each("key wrap")
@few
@given(data=st.data())
def test_damaged_wrapped_key_has_the_same_fate_here_and_there(
    pair_of: Callable[[Case], Pair], case: Case, data: Any
) -> None:
    pair, row = pair_of(case), case.row
    bad = data.draw(damaged(pair.here.wrap_key(row.name, bytes(range(32))).encrypted_key))
    here = outcome(lambda: pair.here.unwrap_key(row.name, bad).key)
    there = outcome(lambda: pair.there.unwrap_key(row.name, bad).key)
    assert here == there or is_made_up(case, here, there)


@pytest.mark.case("J7", "J11")
@each("signature")
@few
@given(data=st.data())
def test_signing_is_the_same_here_and_there(pair_of: Callable[[Case], Pair], case: Case, data: Any) -> None:
    pair, row = pair_of(case), case.row
    size = row.digest_size or 0
    digest = data.draw(st.binary(min_size=size, max_size=size) | st.binary(max_size=70))
    here = outcome(lambda: pair.here.sign(row.name, digest).signature)
    there = outcome(lambda: pair.there.sign(row.name, digest).signature)
    assert here[0] == there[0] == ("result" if len(digest) == size else "error")
    if here[0] == "error" or row.name.startswith("RS"):
        assert here == there
        return
    for signature in (here[1], there[1]):
        assert pair.here.verify(row.name, digest, signature).is_valid
        assert pair.there.verify(row.name, digest, signature).is_valid


@pytest.mark.case("J2", "K10")
@each("signature")
@few
@given(data=st.data())
def test_damaged_signature_is_not_valid_here_and_there(pair_of: Callable[[Case], Pair], case: Case, data: Any) -> None:
    pair, row = pair_of(case), case.row
    digest = data.draw(st.binary(min_size=row.digest_size or 0, max_size=row.digest_size))
    signature = data.draw(damaged(pair.here.sign(row.name, digest).signature))
    assert pair.here.verify(row.name, digest, signature).is_valid is False
    assert pair.there.verify(row.name, digest, signature).is_valid is False


@pytest.mark.case("J7")
@each("signature")
def test_digest_of_another_length_is_an_error_of_the_same_text_here_and_there(
    pair_of: Callable[[Case], Pair], case: Case
) -> None:
    pair, texts = pair_of(case), set()
    for client in (pair.here, pair.there):
        for call in (
            lambda client=client: client.sign(case.row.name, b"short"),
            lambda client=client: client.verify(case.row.name, b"short", b"signature"),
        ):
            with pytest.raises(ValueError, match="'digest' must be") as caught:
                call()
            texts.add(str(caught.value))
    assert len(texts) == 1
