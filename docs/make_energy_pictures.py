"""Draw `docs/images/energy.svg` and `spiking.svg`; run it as `python docs/make_energy_pictures.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from antiphon._engine import configure

configure()

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from matplotlib import rcParams  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from antiphon.networks import VectorToVector  # noqa: E402
from antiphon.networks.energy import CellularNetwork, Hopfield  # noqa: E402
from antiphon.networks.spiking import SpikingToVector, to_spiking  # noqa: E402

OUT = Path(__file__).parent / "images"
BLUE, INK = "#2a78d6", "#1c222b"
rcParams.update({"font.family": "DejaVu Sans", "font.size": 8, "text.color": INK, "svg.hashsalt": "antiphon"})

LETTERS = {
    "A": "..###.. .#...#. #.....# #.....# ####### #.....# #.....#",
    "H": "#.....# #.....# #.....# ####### #.....# #.....# #.....#",
    "T": "####### ...#... ...#... ...#... ...#... ...#... ...#...",
    "X": "#.....# .#...#. ..#.#.. ...#... ..#.#.. .#...#. #.....#",
}


def main() -> None:
    """Draw both."""
    OUT.mkdir(exist_ok=True)
    for name, figure in (("energy", energy()), ("spiking", spiking())):
        figure.savefig(OUT / f"{name}.svg", metadata={"Date": None})
        print(f"wrote {OUT / name}.svg")


def panel(figure: Figure, place: Any, image: Any, title: str) -> None:
    """A small black and white image."""
    axes = figure.add_subplot(place)
    axes.imshow(np.asarray(image), cmap="Greys", vmin=-1, vmax=1, interpolation="none")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize=8)


def energy() -> Figure:
    """Recall of letters, the energy on the way, and a cellular network's edges."""
    patterns = np.array([[1.0 if c == "#" else -1.0 for c in t.replace(" ", "")] for t in LETTERS.values()])
    memory = Hopfield.store(patterns, "pseudo-inverse")
    rng = np.random.default_rng(4)
    figure = Figure(figsize=(8.4, 3.0), facecolor="white")
    grid = figure.add_gridspec(2, 6, left=0.02, right=0.98, top=0.88, bottom=0.14, wspace=0.3, hspace=0.4)
    axes = figure.add_subplot(grid[:, 2:4])

    @jax.jit
    def walk(state: Any) -> Any:
        def one(now: Any, unit: Any) -> Any:
            now = memory.sweep(now, unit[None])
            return now, memory.energy(now)

        end, energies = jax.lax.scan(one, state, jnp.tile(jnp.arange(49), 2))
        return end, jnp.append(memory.energy(state), energies)

    for row, index in enumerate((0, 3)):
        noisy = patterns[index] * np.where(rng.random(49) < 0.2, -1, 1)
        end, energies = walk(jnp.asarray(noisy, dtype=float))
        panel(figure, grid[row, 0], noisy.reshape(7, 7), "given")
        panel(figure, grid[row, 1], end.reshape(7, 7), "recalled")
        axes.plot(energies, color=(BLUE, INK)[row], lw=1.2, label=list(LETTERS)[index])
    axes.set_title("energy, unit by unit", fontsize=8)
    axes.legend(frameon=False)
    axes.set_xlabel("updates")
    image = -np.ones((24, 24))
    y, x = np.mgrid[:24, :24]
    image[(y - 12) ** 2 + (x - 12) ** 2 < 80] = 1
    image[9:13, 9:13] = -1
    network = CellularNetwork.of_template("edge-detection", image)
    panel(figure, grid[:, 4], image, "image")
    panel(figure, grid[:, 5], network(network.image), "cellular network")
    return figure


def spiking() -> Figure:
    """Spikes of a layer while a wave passes, and the error of a converted network."""
    figure = Figure(figsize=(8.4, 2.6), facecolor="white")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    wave = jnp.stack([jnp.sin(jnp.arange(120) / 8), jnp.cos(jnp.arange(120) / 13)], axis=1)
    network = SpikingToVector(2, 1, hidden=40, substeps=1, key=jax.random.key(0))
    spikes = np.asarray(jax.jit(lambda n, w: n.spikes(w, jnp.ones(120, bool))[0])(network, wave))
    time, unit = np.nonzero(spikes[:, np.argsort(spikes.sum(0))])
    left.scatter(time, unit, s=2, color=BLUE, linewidths=0, rasterized=True)
    left.set(xlabel="frame", ylabel="neuron", title="spikes while two waves pass")
    relu = VectorToVector(6, 4, hidden=32, depth=2, activation="relu", key=jax.random.key(0))
    examples = jax.random.normal(jax.random.key(1), (300, 6))
    converted, wanted = to_spiking(relu, examples), jax.jit(jax.vmap(relu))(examples)
    steps = [8, 16, 32, 64, 128, 256, 512]
    errors = [
        float(jnp.abs(jax.jit(jax.vmap(lambda x, n=n: converted(x, steps=n)))(examples) - wanted).mean())
        for n in steps
    ]
    right.loglog(steps, errors, "o-", color=BLUE, ms=3)
    right.set(xlabel="steps", title="mean error of a converted network")
    for axes in (left, right):
        axes.title.set_fontsize(8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    return figure


if __name__ == "__main__":
    main()
