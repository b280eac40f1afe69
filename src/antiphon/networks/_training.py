"""Training a layer model: one compiled step a shape, Optax inside, history outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, PRNGKeyArray

from antiphon.networks._cases import Batch, Cases
from antiphon.networks._layer_graph import Network
from antiphon.networks._losses import Loss, entries_loss, entries_metric, kind_of, weighted
from antiphon.networks._scaling import Scaling

OutTimes = Callable[[int], tuple[int, ...]]  # frames of each output, for so many frames of input
Totals = dict[str, tuple[Array, Array]]  # sum and weight of each figure


@dataclass(frozen=True)
class Objective:
    """What a compiled model is trained for; hashable, so that steps are compiled once for each.

    Attributes:
        optimizer: Optax's.
        losses: One an output.
        metrics: Those of each output.
        names: What the outputs are called; empty where there is only one.
    """

    optimizer: optax.GradientTransformation
    losses: tuple[Loss, ...]
    metrics: tuple[tuple[str, ...], ...]
    names: tuple[str, ...] = ()

    @property
    def figures(self) -> tuple[str, ...]:
        """What is measured, besides the loss."""
        return tuple(self._title(index, metric) for index, own in enumerate(self.metrics) for metric in own)

    def _title(self, index: int, metric: str) -> str:
        return f"{self.names[index]}_{metric}" if self.names else metric

    def totals(
        self, network: Network, batch: Batch, key: PRNGKeyArray | None
    ) -> tuple[tuple[tuple[Array, Array], ...], Totals]:
        """Sum and weight of each output's loss, and of each metric, over a batch."""
        if key is None:
            answer = jax.vmap(lambda inputs, masks: network.scores(inputs, masks))
            scores, masks = answer(batch.inputs, batch.masks)
        else:
            keys = jax.random.split(key, len(batch.weight))
            scores, masks = jax.vmap(network.scores)(batch.inputs, batch.masks, keys)
        losses, figures = [], {}
        for index, (loss, head) in enumerate(zip(self.losses, network.heads, strict=True)):
            score, mask, target = scores[index], masks[index], batch.targets[index]
            judge = jax.vmap(partial(entries_loss, loss, head))
            losses.append(weighted(judge(score, target), mask, batch.weight))
            for metric in self.metrics[index]:
                measure = jax.vmap(partial(entries_metric, metric, kind_of(loss), head))
                figures[self._title(index, metric)] = weighted(measure(score, target), mask, batch.weight)
        return tuple(losses), figures


def parameters_of(network: Network) -> Any:
    """What is trained of a network, None elsewhere: numbers, but for the scaling of inputs."""
    return eqx.filter(network, _filter(network))


def _filter(network: Network) -> Any:
    return jax.tree.map(
        lambda node: not isinstance(node, Scaling) and eqx.is_inexact_array(node),
        network,
        is_leaf=lambda node: isinstance(node, Scaling),
    )


@partial(jax.jit, static_argnames=("objective",))
def train_step(
    network: Network, state: Any, batch: Batch, key: PRNGKeyArray, *, objective: Objective
) -> tuple[Network, Any, Any]:
    """One step of the optimiser, and what was measured before it."""
    parameters, rest = eqx.partition(network, _filter(network))

    def loss_of(parameters: Any) -> tuple[Array, Any]:
        losses, figures = objective.totals(eqx.combine(parameters, rest), batch, key)
        loss = sum((total / jnp.maximum(weight, 1.0) for total, weight in losses), jnp.zeros(()))
        return loss, (losses, figures)

    slope, found = jax.grad(loss_of, has_aux=True)(parameters)
    with jax.numpy_dtype_promotion("standard"):  # Optax raises a float to an integer count
        updates, state = objective.optimizer.update(slope, state, parameters)
    parameters = optax.apply_updates(parameters, updates)
    return eqx.combine(parameters, rest), state, found  # pyright: ignore[reportReturnType]


@partial(jax.jit, static_argnames=("objective",))
def judge_step(network: Network, batch: Batch, *, objective: Objective) -> Any:
    """What is measured on a batch, without dropout."""
    return objective.totals(network, batch, None)


@jax.jit
def answer_step(network: Network, batch: Batch) -> Any:
    """Outputs and their masks for a batch."""
    return jax.vmap(lambda inputs, masks: network.answers(inputs, masks))(batch.inputs, batch.masks)


def averages(found: list[Any], objective: Objective) -> dict[str, float]:
    """The loss and each metric over all batches, each entry with the same weight."""
    found = jax.device_get(found)

    def mean(pairs: Iterator[tuple[Any, Any]]) -> float:
        sums = np.sum([np.array(pair, np.float64) for pair in pairs], axis=0)
        return float(sums[0] / max(sums[1], 1.0))

    outputs = range(len(objective.losses))
    logs = {"loss": sum(mean(losses[index] for losses, _ in found) for index in outputs)}
    for name in objective.figures:
        logs[name] = mean(figures[name] for _, figures in found)
    return logs


def train_epoch(
    network: Network,
    state: Any,
    cases: Cases,
    size: int,
    objective: Objective,
    out_times: OutTimes,
    *,
    rng: np.random.Generator | None,
    key: PRNGKeyArray,
) -> tuple[Network, Any, dict[str, float]]:
    """See every case once; the network, the state of the optimiser and the figures after it."""
    found = []
    for index, (rows, time) in enumerate(cases.batches(size, rng)):
        batch = cases.collate(rows, time, size, out_times(time))
        own = jax.random.fold_in(key, index)
        network, state, measured = train_step(network, state, batch, own, objective=objective)
        found.append(measured)
    return network, state, averages(found, objective)


def judge(
    network: Network, cases: Cases, size: int, objective: Objective, out_times: OutTimes
) -> dict[str, float]:
    """The loss and the metrics on some cases."""
    found = [
        judge_step(network, cases.collate(rows, time, size, out_times(time)), objective=objective)
        for rows, time in cases.batches(size)
    ]
    return averages(found, objective)


def answer(network: Network, cases: Cases, size: int) -> list[Any]:
    """What each output gives for each case: one array, or a list where cases differ in length."""
    answers: list[list[Any]] = [[None] * len(cases) for _ in network.outputs]
    masked = [False] * len(network.outputs)
    for rows, time in cases.batches(size):
        values, masks = jax.device_get(answer_step(network, cases.collate(rows, time, size, ())))
        for output, (value, mask) in enumerate(zip(values, masks, strict=True)):
            masked[output] = mask is not None
            for place, row in enumerate(rows.tolist()):
                answers[output][row] = value[place] if mask is None else value[place][mask[place]]
    return [one if ragged else np.stack(one) for one, ragged in zip(answers, masked, strict=True)]
