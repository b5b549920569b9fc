"""Change the modules that decide, one place at a time, and see whether their tests notice.

``python tests/mutation.py [MODULE ...] [--sample N] [--seed S]``: a module by its name (``challenge``), or all. Every
change that no test notices is printed; the end has a line for each module. With ``--sample`` a random choice is tried,
the same for the same seed; with ``--again FILE`` only what an earlier run printed as not noticed. Changes are made in
forked processes (so this needs Linux or macOS), and the sources stay as they are. Changes that make no difference are
listed, with a reason, in ``mutants/equivalent.py``.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import re
import sys
from collections import Counter
from pathlib import Path

import hypothesis

sys.path.insert(0, str(Path(__file__).parents[1]))

from mutants.changes import Mutant, mutants
from mutants.equivalent import EQUIVALENT
from mutants.trial import PACKAGE, ROOT, Verdict, try_all

#: Where tests of what is decided are.
TESTS = ("unit",)
#: The modules that decide. A change within a function is for every test that runs it, wherever the test is. Any other
#: change, such as that of a constant, takes a new import for each trial, and is for the module's own tests only.
MODULES: dict[str, list[str]] = {
    "_shared/auth/challenge.py": ["unit/test_challenge.py", "unit/test_auth_flow.py"],
    "_shared/auth/flow.py": ["unit/test_auth_flow.py", "unit/test_auth_policies.py", "unit/test_trusting_vaults.py"],
    "_shared/pipeline/call.py": ["unit/test_call.py", "unit/test_retry.py"],
    "_shared/pipeline/redirects.py": ["unit/test_redirects.py"],
    "_shared/pipeline/retry.py": ["unit/test_retry.py"],
    "_shared/wire/identifiers.py": ["unit/test_identifiers.py", "unit/test_foreign_answers.py"],
    "_shared/wire/reading.py": ["unit/test_wire.py", "unit/test_serialization.py", "unit/test_foreign_answers.py"],
    "_shared/wire/subject.py": ["unit/test_foreign_answers.py"],
    "_shared/wire/members.py": ["unit/test_wire.py", "unit/test_serialization.py", "unit/test_foreign_answers.py"],
    "_shared/wire/writing.py": ["unit/test_wire.py", "unit/test_serialization.py"],
    "_shared/wire/translation.py": ["unit/test_wire.py", "unit/test_serialization.py"],
    "_polling.py": ["unit/test_polling.py", "contract/test_deletion.py"],
    "_jwk/rsa.py": ["unit/test_jwk.py", "unit/test_local_keys.py", "unit/test_foreign_answers.py"],
    "crypto/_decision.py": ["unit/test_decision.py"],
    "crypto/_local/checks.py": ["unit/test_local_algorithms.py", "unit/test_ml_dsa.py"],
    "crypto/_local/der.py": ["unit/test_local_signature_forms.py"],
    "crypto/_local/ec.py": ["unit/test_local_keys.py", "unit/test_local_interop.py"],
    "crypto/_local/oct.py": ["unit/test_local_keys.py", "unit/test_local_algorithms.py", "unit/test_local_interop.py"],
    "crypto/_local/rsa.py": ["unit/test_local_keys.py", "unit/test_local_interop.py", "unit/test_foreign_answers.py"],
    "crypto/_local/secp256k1.py": ["unit/test_local_signature_forms.py"],
}


#: What the tests need of others. It is imported once, so that no trial has to.
_OTHERS = (
    "aiohttp",
    "azure.core.pipeline.policies",
    "azure.core.pipeline.transport",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "cryptography.x509",
    "msrest.serialization",
    "requests",
)


def main() -> int:
    """Try changes, and return whether every one that makes a difference was noticed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", help="names of modules; all when none is given")
    parser.add_argument("--sample", type=int, help="try so many changes, chosen at random")
    parser.add_argument("--seed", default="1", help="of the choice")
    parser.add_argument("--again", type=Path, help="try only what an earlier run printed in this file")
    parser.add_argument("--verbose", action="store_true", help="print what became of every change")
    options = parser.parse_args()
    chosen = {
        module: tests
        for module, tests in MODULES.items()
        if not options.modules or Path(module).stem in options.modules or module in options.modules
    }
    every = [change for module in chosen for change in mutants(module, (ROOT / PACKAGE / module).read_text("utf-8"))]
    if options.again:
        # Lines may have moved since then.
        printed = re.sub(r":\d+ ", " ", options.again.read_text("utf-8"))
        every = [
            change
            for change in every
            if any(f"{word} {change.module} {change.what}" in printed for word in ("SURVIVED", "NOT REACHED"))
        ]
    if options.sample and options.sample < len(every):
        every = random.Random(options.seed).sample(every, options.sample)
    hypothesis.settings.register_profile("mutation", derandomize=True, database=None)
    hypothesis.settings.load_profile("mutation")
    os.environ["PYTHONPATH"] = str(ROOT)
    for name in _OTHERS:
        importlib.import_module(name)
    counts: dict[str, Counter[str]] = {}

    def report(change: Mutant, verdict: Verdict) -> None:
        reason = EQUIVALENT.get((change.module, change.statement, change.what))
        outcome = "equivalent" if reason and not verdict.noticed else verdict.outcome
        counts.setdefault(change.module, Counter())[outcome] += 1
        if options.verbose or outcome in ("survived", "not reached", "broken"):
            print(f"{outcome.upper()} {change} {verdict.detail}".rstrip(), flush=True)
        if reason and verdict.noticed:
            print(f"NOT EQUIVALENT {change} {verdict.detail}", flush=True)

    try_all(every, TESTS, chosen, report)
    for module, found in sorted(counts.items()):
        print(_line(module, found))
    total: Counter[str] = sum(counts.values(), Counter())
    print(_line("all", total))
    return 1 if _missed(total) else 0


def _missed(counts: Counter[str]) -> int:
    return counts["survived"] + counts["not reached"] + counts["broken"]


def _line(name: str, counts: Counter[str]) -> str:
    different = counts.total() - counts["equivalent"]
    noticed = different - _missed(counts)
    return (
        f"{name}: {counts.total()} changes, {counts['equivalent']} equivalent, {noticed} of {different} noticed "
        f"({100 * noticed / max(1, different):.1f} %): {counts['failed']} by a test, {counts['no import']} on import, "
        f"{counts['ran on']} by time; {_missed(counts)} not"
    )


if __name__ == "__main__":
    sys.exit(main())
