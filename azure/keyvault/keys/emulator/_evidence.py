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
    OWN = "nothing seen: the emulator's own"


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
    ("members and their order, of keys, versions, lists, deleted keys and policies, by API version", Basis.RECORDED),
    ("defaults: sizes, curves, operations, exponents, of a vault and of a Managed HSM", Basis.RECORDED),
    ("get, update, rotate, back up and restore; texts for keys that are not there", Basis.RECORDED),
    ("deletion, recovery and purge, with the conflicts of what has not finished", Basis.RECORDED),
    ("pages, links to the next one, and the order of lists", Basis.RECORDED),
    ("answers of cryptographic operations; the filling of AES-CBC with zeros", Basis.RECORDED),
    ("release: the signed answer, the refusal, and how policies are rewritten", Basis.RECORDED),
    ("rotation policies that are set, and that never were", Basis.RECORDED),
    ("symmetric keys in a vault, attestation in a vault, operations that `key_ops` leave out in a Managed HSM",
     Basis.RECORDED),
    ("challenges (401), and headers of all answers", Basis.RECORDED),
    ("expiry of new versions by a rotation policy", Basis.RECORDED),
    ("operations that `key_ops` leave out in a vault; disabled keys", Basis.DOCUMENTED),
    ("keys that have expired or are not yet valid: what they still do", Basis.DOCUMENTED),
    ("limits on calls, and 429", Basis.DOCUMENTED),
    ("which rotation policies are refused; when they are carried out", Basis.DOCUMENTED),
    ("page sizes out of range, API versions that are not known", Basis.DOCUMENTED),
    ("permissions that are denied, by access policy, role or network", Basis.DOCUMENTED),
    ("keys wrapped for import (bring your own key); ML-DSA", Basis.DOCUMENTED),
    ("purge protection; vaults without soft delete", Basis.DOCUMENTED),
    ("claims challenges (continuous access evaluation)", Basis.DOCUMENTED),
    ("texts of 405, of expired keys, of refused rotation policies, of members of the wrong type", Basis.OWN),
    ("the type of a key outside a Managed HSM: `rsa` or `ec` as a word of its id, or symmetric", Basis.OWN),
    ("the value of secure unwrap, and the evidence in a key attestation", Basis.OWN),
)  # fmt: skip


def describe() -> str:
    """Write the behaviours in Markdown, for the documentation."""
    lines = ["| behaviour | rests on |", "|---|---|"]
    lines += [f"| {what} | {basis.value} |" for what, basis in BEHAVIOURS]
    return "\n".join(lines)
