"""What the emulator's behaviour is based on: recordings of the live service, its documentation, or inference.

The recordings are those of ``tests/live``. Documentation means the published description of the REST API, the
product's pages, and responses that users quote in reports. Where there is neither, the text is the emulator's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType


class Basis(Enum):
    """What a behaviour is based on."""

    RECORDED = "recordings"
    DOCUMENTED = "documentation"
    OWN = "nothing: the emulator's own choice"


#: The errors of the catalogue, by the name of the function that creates each.
ERRORS: Mapping[str, Basis] = MappingProxyType(
    {
        "bad_parameter": Basis.RECORDED,
        "invalid_property": Basis.OWN,
        "missing_key_type": Basis.RECORDED,
        "invalid_name": Basis.RECORDED,
        "malformed_jwk": Basis.DOCUMENTED,
        "unsound_rsa_key": Basis.DOCUMENTED,
        "undecryptable": Basis.DOCUMENTED,
        "wrong_length": Basis.DOCUMENTED,
        "release_refused": Basis.RECORDED,
        "key_disabled": Basis.DOCUMENTED,
        "key_outside_validity": Basis.OWN,
        "unauthorized": Basis.RECORDED,
        "conflict": Basis.RECORDED,
        "being_deleted": Basis.RECORDED,
        "deletion_unfinished": Basis.RECORDED,
        "deleted_but_recoverable": Basis.RECORDED,
        "being_recovered": Basis.DOCUMENTED,
        "recovery_conflict": Basis.DOCUMENTED,
        "restore_conflict": Basis.DOCUMENTED,
        "purge_protected": Basis.DOCUMENTED,
        "method_not_allowed": Basis.OWN,
        "body_too_large": Basis.OWN,
        "throttled": Basis.DOCUMENTED,
    }
)

#: Behaviours, in the order in which the documentation lists them.
BEHAVIOURS: tuple[tuple[str, Basis], ...] = (
    ("members of keys, versions, lists, deleted keys and policies, and their order, by API version", Basis.RECORDED),
    ("default sizes, curves, operations and exponents of a vault and of a Managed HSM", Basis.RECORDED),
    ("get, update, rotate, back up and restore; error texts for missing keys", Basis.RECORDED),
    ("deletion, recovery and purge, and conflicts while they are pending", Basis.RECORDED),
    ("pages, links to the next page, and the order of lists", Basis.RECORDED),
    ("results of cryptographic operations; zero padding for AES-CBC", Basis.RECORDED),
    ("key release: the signed response, the refusal, and how policies are rewritten", Basis.RECORDED),
    ("rotation policies that are set, and the default policy", Basis.RECORDED),
    ("symmetric keys and attestation in a vault; operations missing from `key_ops` in a Managed HSM", Basis.RECORDED),
    ("challenges (401), and the headers of all responses", Basis.RECORDED),
    ("expiry dates that a rotation policy gives to new versions", Basis.RECORDED),
    ("operations missing from `key_ops` in a vault; disabled keys", Basis.DOCUMENTED),
    ("what expired keys, and keys that are not yet valid, can still be used for", Basis.DOCUMENTED),
    ("throttling limits, and 429", Basis.DOCUMENTED),
    ("which rotation policies are rejected; when policies are carried out", Basis.DOCUMENTED),
    ("page sizes that are out of range, unknown API versions", Basis.DOCUMENTED),
    ("permissions denied by access policy, role or network", Basis.DOCUMENTED),
    ("keys wrapped for import (bring your own key); ML-DSA", Basis.DOCUMENTED),
    ("purge protection; vaults without soft delete", Basis.DOCUMENTED),
    ("claims challenges (continuous access evaluation)", Basis.DOCUMENTED),
    ("error texts for 405, expired keys, rejected rotation policies and members of the wrong type", Basis.OWN),
    ("the type of an external key in a Managed HSM: `rsa` or `ec` if its id has that word, otherwise symmetric",
     Basis.OWN),
    ("the value that secure unwrap returns, and the evidence in a key attestation", Basis.OWN),
)  # fmt: skip


def describe() -> str:
    """Write the behaviours in Markdown, for the documentation."""
    lines = ["| behaviour | based on |", "|---|---|"]
    lines += [f"| {what} | {basis.value} |" for what, basis in BEHAVIOURS]
    return "\n".join(lines)


if __name__ == "__main__":
    print(describe())
