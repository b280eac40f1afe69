"""Draw `docs/images/strategies.svg` from what `benchmarks/quality.py` measured; run it as
`python docs/make_strategies_picture.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

HERE = Path(__file__).parent
MEASURED = HERE.parent / "benchmarks" / "results" / "quality.json"
BLUE, GREY, INK = "#2a78d6", "#8a93a0", "#1c222b"
LEFT_OUT = "majority"
rcParams.update({"font.family": "DejaVu Sans", "font.size": 8, "text.color": INK, "svg.hashsalt": "antiphon"})


def main() -> None:
    """Draw both labels side by side."""
    summary = json.loads(MEASURED.read_text(encoding="utf-8"))["figures"]["summary"]
    most = max(len(found["scores"]) for found in summary.values())
    figure = Figure(figsize=(8.4, 0.6 + 0.19 * (most - 1)), facecolor="white")
    for place, (target, found) in enumerate(summary.items(), 1):
        panel(figure.add_subplot(1, len(summary), place), found, target)
    figure.tight_layout()
    out = HERE / "images" / "strategies.svg"
    figure.savefig(out, metadata={"Date": None})
    print(f"wrote {out}")


def panel(axes: Axes, found: dict[str, Any], target: str) -> None:
    """A line for each model, the best median at the top: a dot for each seed, a bar for the median."""
    ordered = sorted(found["scores"].keys() - {LEFT_OUT}, key=lambda name: (found["median"][name], name))
    programs = found["holds"]
    for height, name in enumerate(ordered):
        values, colour = found["scores"][name], BLUE if name in programs else GREY
        axes.scatter(values, [height] * len(values), s=10, color=colour, alpha=0.45, linewidths=0)
        axes.scatter([found["median"][name]], [height], s=60, marker="|", color=colour, linewidths=2)
    axes.set_yticks(range(len(ordered)), ordered)
    for label, name in zip(axes.get_yticklabels(), ordered, strict=True):
        label.set_color(INK if name in programs else GREY)
    axes.set_title(target, loc="left", fontsize=9)
    axes.set_xlabel("F1 on the test part")
    axes.grid(axis="x", color="#e3e6ea", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


if __name__ == "__main__":
    main()
