"""The tables of docs/local-and-remote.md. ``python tests/project/decision_tables.py`` writes them from the code."""

from __future__ import annotations

import os
from itertools import groupby
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from azure.keyvault.keys import JsonWebKey
from azure.keyvault.keys.crypto._decision import Execution, KeyFacts, decide, describe
from azure.keyvault.keys.crypto._local.algorithms import ALGORITHMS, Algorithm

#: What each kind of algorithm is for: the name of the method and of the operation, with the public part and without.
OPERATIONS = {
    "encryption": (("encrypt", "encrypt"), ("decrypt", "decrypt")),
    "key wrap": (("wrap_key", "wrapKey"), ("unwrap_key", "unwrapKey")),
    "signature": (("verify", "verify"), ("sign", "sign")),
    "secure wrap": (("secure_wrap_key", "secureWrapKey"), ("secure_unwrap_key", "secureUnwrapKey")),
}
PAGE = Path(__file__).parents[2] / "docs" / "local-and-remote.md"
MARKER = "<!-- made by tests/project/decision_tables.py -->\n\n"
CURVES = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1, "P-256K": ec.SECP256K1}


def own_keys() -> dict[str | None, JsonWebKey]:
    """Return a private key of every kind, by family, curve or parameter set. It takes a cryptography with ML-DSA."""
    from cryptography.hazmat.primitives.asymmetric import mldsa

    keys = {name: JsonWebKey.from_cryptography(ec.generate_private_key(curve())) for name, curve in CURVES.items()}
    for alg, kind in (
        ("ML-DSA-44", mldsa.MLDSA44PrivateKey),
        ("ML-DSA-65", mldsa.MLDSA65PrivateKey),
        ("ML-DSA-87", mldsa.MLDSA87PrivateKey),
    ):
        keys[alg] = JsonWebKey.from_cryptography(kind.generate())
    return {"RSA": JsonWebKey.from_cryptography(rsa.generate_private_key(65537, 2048)), **keys}


def cell(execution: Execution, facts: KeyFacts, row: Algorithm) -> str:
    """Say where the operations of an algorithm run."""
    outcomes = {
        method: decision.outcome if decision.outcome != "refuse" else f"`{decision.rule.error.__name__}`"
        for method, operation in OPERATIONS[row.kind]
        for decision in [decide(execution, facts, operation, row)]
    }
    if len(set(outcomes.values())) == 1:
        return next(iter(outcomes.values()))
    return ", ".join(f"`{method}` {outcome}" for method, outcome in outcomes.items())


def algorithms() -> str:
    """Write the table of algorithms in Markdown."""
    keys = own_keys()
    lines = []
    for row in ALGORITHMS:
        if row.family == "oct":
            own = JsonWebKey(kty="oct", k=os.urandom(row.key_size or 32))
            there = JsonWebKey(kty="oct-HSM")
            kind = f"oct, {8 * row.key_size} bits" if row.key_size else "oct"
        else:
            own = keys[row.name if row.message else row.curve or row.family]
            there = JsonWebKey.from_json(own.to_json())
            kind = f"{row.family}, {row.curve}" if row.curve else str(row.family)
        both = (cell("auto", KeyFacts.of(there), row), cell("local", KeyFacts.of(own), row))
        lines.append((row.kind, str(row.family), both, row.name, kind))
    table = ["| for | algorithm | key | a key of the vault | a key that is here |", "|---|---|---|---|---|"]
    for (kind, family, (remote, local)), group in groupby(lines, key=lambda line: line[:3]):
        members = list(group)
        names = ", ".join(f"`{name}`" for *_, name, _ in members)
        one_kind = {key for *_, key in members}
        shown = one_kind.pop() if len(one_kind) == 1 else family
        methods = " and ".join(f"`{method}`" for method, _ in OPERATIONS[kind])
        table.append(f"| {methods} | {names} | {shown} | {remote} | {local} |")
    return "\n".join(table)


def with_tables(page: str) -> str:
    """Return the page with its tables, each of which follows a marker, made again."""
    start, *parts = page.split(MARKER)
    tables = [algorithms(), describe()]
    rest = [part.partition("\n\n")[2] for part in parts]
    return start + "".join(f"{MARKER}{table}\n\n{text}" for table, text in zip(tables, rest, strict=True))


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text("utf-8")), "utf-8")
