"""Claim: a batch of trees level by level is several times as fast as node by node, and a network that has
seen shallow expressions evaluates deeper ones.

Times, in seconds of processor: loss and gradient of a TreeLSTM over one batch of ListOps expressions; level
by level (as `pack` chooses), node by node in one compiled loop (`width=1`), and node by node in Python with a
compiled cell (forward only). Accuracies: `TreeClassifier` fitted on expressions of height 1 to 3, on held-out
ones of height 3 to 6.

The gradient node by node says more of XLA than of levels: at width 1 it seems to copy a buffer at every step.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _record import arguments, record

from antiphon.estimators import TreeClassifier
from antiphon.networks.trees import TreeLSTM, pack, random_expressions, value_labels

BOOLEAN = ("and", "or", "not")
SELECTING = ("min", "max", "med")


def seconds(run: Callable[[], Any], repeats: int) -> float:
    """The median of the processor time of some runs, after one that compiles."""
    jax.block_until_ready(run())
    taken = []
    for _ in range(repeats):
        begun = time.process_time()
        jax.block_until_ready(run())
        taken.append(time.process_time() - begun)
    return float(np.median(taken))


def times(trees: int, depth: int, hidden: int, repeats: int) -> dict[str, Any]:
    """Level by level against node by node."""
    made, values = random_expressions(trees, kind="list", depth=depth, seed=0)
    labels = value_labels(made)
    network = TreeLSTM(len(labels), 10, hidden=hidden, key=jax.random.key(0))
    forests = {name: pack(made, labels=labels, width=width) for name, width in (("level", None), ("node", 1))}

    def loss(network: Any, forest: Any, wanted: Any) -> Any:
        chances = jax.nn.log_softmax(network(forest))
        return -jnp.take_along_axis(chances, wanted[:, None], axis=1).mean()

    forward, both = jax.jit(loss), jax.jit(jax.value_and_grad(loss))
    figures: dict[str, Any] = {"trees": trees, "nodes": sum(map(len, made)), "hidden": hidden}
    for name, forest in forests.items():
        wanted = jnp.asarray(np.resize(values, len(forest.roots)))
        figures[f"{name}_shape"] = list(forest.children.shape)
        figures[f"{name}_forward_seconds"] = seconds(lambda: forward(network, forest, wanted), repeats)  # noqa: B023
        figures[f"{name}_gradient_seconds"] = seconds(lambda: both(network, forest, wanted), repeats)  # noqa: B023
    figures["python_forward_seconds"] = seconds(lambda: in_python(network, made, labels), 1)
    for what in ("forward", "gradient"):
        figures[f"{what}_speed_up"] = figures[f"node_{what}_seconds"] / figures[f"level_{what}_seconds"]
    figures["python_speed_up"] = figures["python_forward_seconds"] / figures["level_forward_seconds"]
    return figures


def in_python(network: Any, trees: list[Any], labels: tuple[str, ...]) -> list[Any]:
    """A recursion in Python, one compiled call a node: at most five children, as the expressions have."""
    m = network.hidden
    rows = dict(zip(labels, np.eye(len(labels), dtype=np.float32), strict=True))

    def call(value: Any, below: tuple[Any, ...]) -> Any:
        h, c = np.zeros((5, m), np.float32), np.zeros((5, m), np.float32)
        for k, (one, memory) in enumerate(below):
            h[k], c[k] = one, memory
        return jax.device_get(_node(network, rows[value], h, c))

    return [tree.fold(call)[0] for tree in trees]


@jax.jit
def _node(network: Any, x: Any, h: Any, c: Any) -> Any:
    i, f, o, u = jnp.split(network.weight_ih @ x + network.bias, 4)
    a, b, d = jnp.split(network.weight_hh @ h.sum(0), 3)
    forget = jax.nn.sigmoid(f[None, :] + h @ network.weight_f.T)
    memory = jax.nn.sigmoid(i + a) * jnp.tanh(u + d) + (forget * c).sum(0)
    return jax.nn.sigmoid(o + b) * jnp.tanh(memory), memory


def accuracies(
    kind: str, operators: tuple[str, ...], *, trees: int, hidden: int, epochs: int, seeds: int
) -> dict[str, Any]:
    """Fitted on height 1 to 3, a third each; the mean over seeds."""
    parts = [
        random_expressions(trees // 3, kind=kind, depth=depth, operators=operators, seed=depth)
        for depth in (1, 2, 3)
    ]
    X = [tree for some, _ in parts for tree in some]
    y = np.concatenate([values for _, values in parts])
    figures: dict[str, Any] = {"trees": len(X), "operators": operators, "hidden": hidden, "epochs": epochs}
    models = [
        TreeClassifier(hidden=hidden, epochs=epochs, random_state=seed).fit(X, y) for seed in range(seeds)
    ]
    for depth in (3, 4, 5, 6):
        held, answers = random_expressions(400, kind=kind, depth=depth, operators=operators, seed=100 + depth)
        figures[f"height_{depth}"] = {
            "accuracy": [model.score(held, answers) for model in models],
            "majority": float(np.bincount(answers).max() / len(answers)),
        }
    return figures


def main() -> None:
    """Measure and write."""
    options = arguments(__doc__, trees=128, depth=5, hidden=64, repeats=5, seeds=3, only="times,boolean,list")
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "times": lambda: times(options.trees, options.depth, options.hidden, options.repeats),
        "boolean": lambda: accuracies(
            "boolean", BOOLEAN, trees=900, hidden=32, epochs=30, seeds=options.seeds
        ),
        "list": lambda: accuracies("list", SELECTING, trees=1500, hidden=64, epochs=30, seeds=options.seeds),
    }
    record("trees", {name: parts[name]() for name in options.only.split(",")}, options.json)


if __name__ == "__main__":
    main()
