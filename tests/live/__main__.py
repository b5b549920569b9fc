"""Print where the emulator agrees with the live service, and where not: ``python -m tests.live [NAME ...]``."""

from __future__ import annotations

import sys

from .emulated import differences
from .scenarios import scenarios


def main(names: list[str]) -> int:
    """Run the scenarios with these names, or all; return 1 if there is a difference that is not meant."""
    wrong = 0
    chosen = [scenario for scenario in scenarios() if not names or scenario.name in names]
    for scenario in chosen:
        unmeant, meant = differences(scenario)
        wrong += bool(unmeant)
        print("DIFFERS" if unmeant else "agrees ", scenario.name)
        for text in unmeant:
            print("   ", text)
        for text in meant:
            reason = next(reason for path, reason in scenario.meant.items() if f": {path}: " in text)
            print("    meant:", text, "--", reason)
    print(f"{len(chosen)} scenarios, {len(chosen) - wrong} agree")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
