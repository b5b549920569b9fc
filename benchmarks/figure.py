"""Draw the measurements of compare.py: ``python benchmarks/figure.py figures.json docs``.

Writes ``speed-light.svg`` and ``speed-dark.svg`` into the folder. Needs matplotlib (benchmarks/requirements.txt).
"""

from __future__ import annotations

import argparse
import json
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
    found, official = measured["found"], f"4.x ({measured['official']})"

    def pair(scenario: str, name: str) -> tuple[float, float]:
        return found[scenario]["ours"][name], found[scenario]["official"][name]

    ours, theirs = pair("sync_tls (option)", "sync get_key, calls a second")
    requests, _ = pair("sync_tls (option)", "bare requests, calls a second")
    many, many_theirs = pair("async_tls (option)", "async, 64 tasks, calls a second")
    time_ours, time_theirs = pair("client_time (env)", "get_key")
    start, start_theirs = pair("cold_start (env)", "import to first answer")
    return [
        (
            "get_key over TLS, calls a second",
            [("this library", ours, "ours"), ("bare requests", requests, "bare"), (official, theirs, "official")],
        ),
        (
            "get_key over TLS in 64 asyncio tasks, calls a second",
            [("this library", many, "ours"), (official, many_theirs, "official")],
        ),
        (
            "the client's own time of a get_key, microseconds (less is better)",
            [("this library", time_ours, "ours"), (official, time_theirs, "official")],
        ),
        (
            "import to first answer, milliseconds (less is better)",
            [("this library", start / 1000, "ours"), (official, start_theirs / 1000, "official")],
        ),
    ]


def draw(measured: dict[str, Any], look: Look, path: Path) -> None:
    """Draw one picture."""
    mpl.rcParams.update({"svg.hashsalt": "speed", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10})
    shown = panels(measured)
    heights = [len(bars) for _, bars in shown]
    figure, axes = plt.subplots(len(shown), 1, figsize=(7.6, 4.8), height_ratios=heights)
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
        f"{machine['cores']} cores, Python {machine['python']}, {versions}; a server on loopback",
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
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    measured = json.loads(arguments.measured.read_text("utf-8"))
    for name, look in LOOKS.items():
        draw(measured, look, arguments.folder / f"speed-{name}.svg")


if __name__ == "__main__":
    main()
