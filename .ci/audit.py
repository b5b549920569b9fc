"""Whether a dependency has known vulnerabilities: ``python .ci/audit.py``.

It asks a service that not every network reaches. So there are three ends: vulnerabilities were found, or pip-audit did
not work, which fails; everything that was looked up is free of known ones; or nothing was looked up, which it says.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys

_COMMAND = ("pip_audit", "--progress-spinner", "off", "--skip-editable", "--format", "json")
# What requests and urllib3 say of a service that they cannot reach.
_UNREACHED = re.compile(r"ConnectionError|ProxyError|SSLError|ConnectTimeout|ReadTimeout|Max retries exceeded")


def verdict(output: str, errors: str) -> tuple[int, str]:
    """Return the exit status and what to say.

    :param output: the JSON of pip-audit; empty when it has ended with an error.
    :param errors: what it has printed besides.
    """
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        if _UNREACHED.search(errors):
            return 0, "SKIPPED: pip-audit did not reach the service that knows vulnerabilities; nothing was checked"
        return 1, f"pip-audit did not work:\n{errors[-2000:]}"
    found = [
        f"{package['name']} {package['version']}: {bug['id']}"
        for package in packages
        for bug in package.get("vulns", ())
    ]
    checked = [package for package in packages if "vulns" in package]
    unknown = [package["name"] for package in packages if "vulns" not in package]
    if found:
        return 1, f"VULNERABLE: {', '.join(found)}"
    if not checked:
        return 0, f"SKIPPED: the service knew none of {len(packages)} packages; nothing was checked"
    text = f"{len(checked)} packages have no known vulnerabilities"
    return 0, text + (f"; not checked, as the service does not know them: {', '.join(unknown)}" if unknown else "")


def main() -> int:
    """Run pip-audit and say what came of it."""
    command = [sys.executable, "-m", *_COMMAND]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # a fixed command
    status, text = verdict(ended.stdout, ended.stderr)
    print(text)
    return status


if __name__ == "__main__":
    sys.exit(main())
