"""Show the measurements of compare.py in the docs: ``python benchmarks/figure.py figures.json docs README.md``.

Writes ``speed-light.svg`` and ``speed-dark.svg`` into the folder, and replaces the table of figures in the pages that
are named. Needs matplotlib (benchmarks/requirements.txt).
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt  # after the backend


@dataclass(frozen=True)
class Look:
    """The colours of one picture."""

    text: str
    faint: str
    ours: str
    official: str
    bare: str


LOOKS = {
    "light": Look(text="#1f2328", faint="#8c959f", ours="#0969da", official="#afb8c1", bare="#d8b4fe"),
    "dark": Look(text="#e6edf3", faint="#7d8590", ours="#4493f8", official="#484f58", bare="#8957e5"),
}

Bars = list[tuple[str, float, str]]


def panels(measured: dict[str, Any]) -> list[tuple[str, Bars]]:
    """Return the title and the bars of each panel: label, length and library."""
    official = f"4.x ({measured['official']})"
    pair = pairs_of(measured)
    theirs, ours = pair("sync_tls (option)", "sync get_key, calls a second")
    _, requests = pair("sync_tls (option)", "bare requests, calls a second")
    sync = [("this library", ours, "ours"), ("bare requests", requests, "bare"), (official, theirs, "official")]
    shown = [("get_key in one thread, connection_verify=<path of the authority>: calls a second", sync)]
    for title, scenario, name, unit in (
        (
            "get_key in 64 async tasks, certificate authority from the environment: calls a second",
            "async_tls (env)",
            "async, 64 tasks, calls a second",
            1,
        ),
        (
            "get_key in 64 async tasks, connection_verify=<path of the authority>: calls a second",
            "async_tls (option)",
            "async, 64 tasks, calls a second",
            1,
        ),
        ("get_key, time in the client without the network: µs (less is better)", "client_time (env)", "get_key", 1),
        ("import and first answer: ms (less is better)", "cold_start (env)", "import to first answer", 1000),
    ):
        theirs, ours = pair(scenario, name)
        shown.append((title, [("this library", ours / unit, "ours"), (official, theirs / unit, "official")]))
    return shown


def pairs_of(measured: dict[str, Any]) -> Callable[[str, str], tuple[float, float]]:
    """Return what looks up a figure, by scenario and name: that of the official library, and ours."""
    found = measured["found"]
    return lambda scenario, name: (found[scenario]["official"][name], found[scenario]["ours"][name])


def table(measured: dict[str, Any]) -> str:
    """Return the table of figures for the README."""
    pair = pairs_of(measured)
    bare = pair("local (env)", "encrypt RSA-OAEP-256 (bare cryptography)")
    encrypt = pair("local (env)", "encrypt RSA-OAEP-256")
    above = (encrypt[0] - bare[0], encrypt[1] - bare[1])
    rows = [
        ("`get_key`: time in the client", pair("client_time (env)", "get_key"), "{:,.0f} µs"),
        ("remote `sign`: time in the client", pair("client_time (env)", "remote sign"), "{:,.0f} µs"),
        ("a page of 25 keys: time in the client", pair("client_time (env)", "page of 25"), "{:,.0f} µs"),
        ("local encrypt with RSA-OAEP-256: time on top of `cryptography`", above, "{:.1f} µs"),
        (
            "`get_key` over TLS in one thread, with `connection_verify=` and the path of a CA",
            pair("sync_tls (option)", "sync get_key, calls a second"),
            "{:,.0f} calls a second",
        ),
        (
            "`get_key` over TLS in 64 async tasks, with a CA named by the environment",
            pair("async_tls (env)", "async, 64 tasks, calls a second"),
            "{:,.0f} calls a second",
        ),
        (
            "the same, with `connection_verify=` and the path of a CA",
            pair("async_tls (option)", "async, 64 tasks, calls a second"),
            "{:,.0f} calls a second",
        ),
        (
            "import and first answer",
            tuple(figure / 1000 for figure in pair("cold_start (env)", "import to first answer")),
            "{:,.0f} ms",
        ),
    ]
    lines = [f"| faster | azure-keyvault-keys {measured['official']} | this library |", "|---|---|---|"]
    lines += [f"| {what} | {form.format(theirs)} | {form.format(ours)} |" for what, (theirs, ours), form in rows]
    return "\n".join(lines) + "\n"


def write_table(measured: dict[str, Any], page: Path) -> None:
    """Replace the table of figures in a page."""
    text = page.read_text("utf-8")
    replaced, count = re.subn(r"^\| faster \|.*\n(?:\|.*\n)+", lambda _: table(measured), text, flags=re.MULTILINE)
    if count != 1:
        raise SystemExit(f"{page} has {count} tables that begin with 'faster'")
    page.write_text(replaced, "utf-8")


def draw(measured: dict[str, Any], look: Look, path: Path) -> None:
    """Draw one picture."""
    mpl.rcParams.update({"svg.hashsalt": "speed", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10})
    shown = panels(measured)
    heights = [len(bars) for _, bars in shown]
    figure, axes = plt.subplots(len(shown), 1, figsize=(7.6, 5.4), height_ratios=heights)
    for axis, (title, bars) in zip(axes, shown, strict=True):
        longest = max(length for _, length, _ in bars)
        for at, (label, length, whose) in enumerate(bars):
            axis.barh(at, length, color=getattr(look, whose), height=0.72)
            axis.text(length + longest * 0.01, at, f"{length:,.0f}", va="center", color=look.text)
            axis.text(-longest * 0.01, at, label, va="center", ha="right", color=look.text)
        axis.set_title(title, loc="left", fontsize=10, color=look.text, pad=3)
        axis.set_xlim(0, longest * 1.12)
        axis.invert_yaxis()
        axis.axis("off")
    machine = measured["machine"]
    versions = ", ".join(f"{name} {machine['versions'][name]}" for name in ("azure-core", "urllib3", "aiohttp"))
    figure.text(
        0.99,
        0.01,
        f"{machine['cores']} cores, Python {machine['python']}, {versions}; over TLS to a server on loopback",
        ha="right",
        fontsize=7.5,
        color=look.faint,
    )
    figure.subplots_adjust(left=0.17, right=0.97, top=0.94, bottom=0.06, hspace=0.55)
    figure.savefig(path, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    plt.close(figure)
    # Strip trailing whitespace, which tools in this repository would remove anyway.
    lines = (line.rstrip() for line in path.read_text("utf-8").splitlines())
    path.write_text("\n".join(lines) + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw what compare.py --save has written.")
    parser.add_argument("measured", type=Path)
    parser.add_argument("folder", type=Path, help="where to write the pictures")
    parser.add_argument("pages", type=Path, nargs="*", help="Markdown files whose table of figures to replace")
    arguments = parser.parse_args()
    measured = json.loads(arguments.measured.read_text("utf-8"))
    for name, look in LOOKS.items():
        draw(measured, look, arguments.folder / f"speed-{name}.svg")
    for page in arguments.pages:
        write_table(measured, page)


if __name__ == "__main__":
    main()
