"""Draw `docs/images/program.svg`: a program learned from speech, and where it looks.

Run it as `python docs/make_picture.py [MODEL]`: without a model file it learns one on japanese-vowels, with
default settings and seed 0.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import Any

from antiphon._engine import configure

configure()

import numpy as np  # noqa: E402
from matplotlib import rcParams  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from antiphon import ProgramClassifier, load_model  # noqa: E402
from antiphon.data import load  # noqa: E402
from antiphon.estimators import looks, phrase  # noqa: E402
from antiphon.language import Apply, walk  # noqa: E402

OUT = Path(__file__).parent / "images" / "program.svg"
BLUE, INK, GREY = "#2a78d6", "#1c222b", "#6b7480"
rcParams.update({"font.family": "DejaVu Sans", "font.size": 9, "text.color": INK, "svg.hashsalt": "antiphon"})


def main() -> None:
    """Learn (or load) and draw."""
    dataset = load("japanese-vowels")
    train, test = dataset
    if len(sys.argv) > 1:
        model = load_model(sys.argv[1])
    else:
        model = ProgramClassifier(random_state=0).fit(train.X, train.y)
    program = model.program_
    maps = affine_maps(program)
    predicted = model.predict(test.X)
    look = looks(program, dataset, predicted)[0]

    figure = Figure(figsize=(10.2, 4.6), facecolor="white")
    figure.text(0.015, 0.94, "Who is speaking?  The speaker with the largest score of", fontsize=11)
    read = " + ".join(f"affine({name})" for name, _ in maps)
    figure.text(0.015, 0.875, read, fontsize=10, color=BLUE)
    accuracy = model.score(test.X, test.y)
    note = f"{accuracy:.1%} of {len(test)} utterances that it never saw"
    figure.text(0.985, 0.94, note, fontsize=10, ha="right", color=GREY)
    left = figure.add_gridspec(1, len(maps), left=0.06, right=0.56, bottom=0.16, top=0.76, wspace=0.12)
    for i, (name, weights) in enumerate(maps):
        axes = figure.add_subplot(left[i])
        draw_weights(axes, name, weights, program, named=i == 0)
    right = figure.add_gridspec(
        2, 1, left=0.66, right=0.985, bottom=0.16, top=0.76, hspace=0.12, height_ratios=(len(look.windows), 7)
    )
    draw_windows(figure.add_subplot(right[0]), look)
    draw_look(figure.add_subplot(right[1]), look)
    figure.text(0.06, 0.03, "what each speaker's score adds (blue) and takes away (orange)", color=GREY)
    told = f"one utterance of speaker {look.true_label}, 12 numbers a frame: what speaks for this speaker"
    figure.text(0.985, 0.03, told, color=GREY, ha="right")
    OUT.parent.mkdir(exist_ok=True)
    figure.savefig(OUT, metadata={"Date": None})
    print(f"wrote {OUT}")


def affine_maps(program: Any) -> list[tuple[str, np.ndarray]]:
    """What each map of the program reads, and its weights `(class, feature)`."""
    return [
        (phrase(node.args[0], program.language), node.parameters["weight"])
        for _, node in walk(program.term)
        if isinstance(node, Apply) and node.name == "affine" and node.parameters is not None
    ]


def shades(values: np.ndarray) -> np.ndarray:
    """Blue above zero, orange below, the stronger the larger."""
    colours = np.where((values > 0)[..., None], (0.165, 0.47, 0.84), (0.83, 0.37, 0.06))
    strength = np.sqrt(np.abs(values) / (np.abs(values).max() or 1))[..., None]
    return 1 - strength * (1 - colours)


def draw_weights(axes: Axes, name: str, weights: np.ndarray, program: Any, *, named: bool) -> None:
    """One map as a table of colours."""
    axes.imshow(shades(weights), aspect="auto", interpolation="none")
    axes.set_title("\n".join(textwrap.wrap(name, 18)), fontsize=8.5, color=BLUE)
    axes.set_yticks(range(len(weights)), [str(c) for c in program.output.classes] if named else [])
    axes.set_ylabel("speaker" if named else "")
    axes.set_xticks(
        range(weights.shape[1]),
        [str(i + 1) if i % 2 == 0 else "" for i in range(weights.shape[1])],
        fontsize=7,
    )
    axes.set_xlabel("coefficient", fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_color("#d5d9df")


def draw_windows(axes: Axes, look: Any) -> None:
    """Which frames each part of the program reads."""
    for lane, (label, start, stop) in enumerate(look.windows):
        axes.barh(lane, stop - start, left=start, height=0.8, color=BLUE, alpha=0.25)
        middle = (start + stop) / 2
        third = int(3 * middle / (len(look.frames) + 1e-9))
        side, place = (("left", start), ("center", middle), ("right", stop))[third]
        axes.text(place, lane, label, ha=side, va="center", fontsize=7.5)
    axes.set(xlim=(0, len(look.frames)), ylim=(len(look.windows) - 0.5, -0.5))
    axes.axis("off")


def draw_look(axes: Axes, look: Any) -> None:
    """How much each number of the utterance counts."""
    axes.imshow(
        shades(look.weight.T), aspect="auto", interpolation="none", extent=(0, len(look.frames), 12.5, 0.5)
    )
    axes.set_yticks(range(1, 13), [str(i) for i in range(1, 13)], fontsize=7)
    axes.set_ylabel("coefficient", fontsize=8)
    axes.set_xlabel("frame", fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_color("#d5d9df")


if __name__ == "__main__":
    main()
