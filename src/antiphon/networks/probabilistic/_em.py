"""Fitting hidden Markov models by expectation-maximisation (Baum, Petrie, Soules & Weiss, 1970)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_choice, check_count
from antiphon.networks.probabilistic._emissions import LEAST_COUNT, Categorical, Gaussian
from antiphon.networks.probabilistic._hmm import HMM
from antiphon.networks.probabilistic._precision import cast, double, precision, read_cases
from antiphon.networks.probabilistic._starts import STARTS, starting_points

Values = Float[Array, "case time feature"]
Masks = Bool[Array, "case time"]


@dataclass(frozen=True)
class HMMFit:
    """A fitted hidden Markov model and how its fit went.

    Attributes:
        hmm: The model of the best restart, in the precision of the one that was given.
        log_likelihood: Of all cases together, under this model.
        curve: The log-likelihood at the best start, and after each iteration from there.
        restarts: The final log-likelihood of each restart.
        converged: Whether the best restart stopped by itself.
    """

    hmm: HMM
    log_likelihood: float
    curve: tuple[float, ...]
    restarts: tuple[float, ...]
    converged: bool


def em_step(
    hmm: HMM, values: Values, mask: Masks, pseudo_count: float | Array = 0.0
) -> tuple[HMM, Float[Array, ""]]:
    """One iteration of EM over many cases at once.

    A state that no case visits keeps its parameters. What has probability 0 keeps it, unless a pseudo-count
    says otherwise; a step that the topology forbids stays forbidden.

    Args:
        hmm: The model; its arrays say the precision.
        values: Frames `(case, time, feature)`.
        mask: Which frames are real.
        pseudo_count: Added to each count of a state at the start, a step, a symbol and a component.

    Returns:
        The new model, and the log-likelihood of the old one.
    """
    return _em_step(hmm, values, mask, jnp.asarray(pseudo_count, values.dtype))


@jax.jit
def _em_step(hmm: HMM, values: Values, mask: Masks, pseudo: Array) -> tuple[HMM, Float[Array, ""]]:
    values = jnp.where(mask[:, :, None], values, jnp.zeros_like(values))
    counts = jax.vmap(hmm.expected_counts)(values, mask)
    frames = hmm.scaled(values.reshape(-1, values.shape[2]))
    within = jax.nn.softmax(hmm.emission.log_components(frames), axis=2)
    shares = counts.marginals.reshape(-1, hmm.out_size)[:, :, None] * within
    new = (
        _shared_out(counts.initial.sum(0), hmm.initial, pseudo),
        _shared_out(counts.transition.sum(0), hmm.transition, pseudo),
        hmm.emission.maximised(frames, shares, pseudo),
    )
    return eqx.tree_at(lambda m: (m.initial, m.transition, m.emission), hmm, new), counts.log_partition.sum()


def _shared_out(counts: Float[Array, "*row state"], old: Array, pseudo: Array) -> Array:
    """Log-probabilities from counts, row by row; a row that counts nothing stays as it was."""
    counts = jnp.where(old > -jnp.inf, counts + pseudo, jnp.zeros_like(counts))
    total = counts.sum(-1, keepdims=True)
    known = total > LEAST_COUNT
    return jnp.where(known, jnp.log(counts / jnp.where(known, total, jnp.ones_like(total))), old)


def fit_hmm(
    hmm: HMM,
    values: Float[np.ndarray, "case time feature"],
    mask: Bool[np.ndarray, "case time"],
    *,
    key: PRNGKeyArray,
    start: str = "k-means",
    restarts: int = 3,
    max_iterations: int = 100,
    tolerance: float = 1e-5,
    variance_floor: float = 1e-3,
    pseudo_count: float = 0.0,
) -> HMMFit:
    """Fit a hidden Markov model to many sequences by EM, from several starts at once, in 64 bits.

    Args:
        hmm: What the model is: states, emission, topology. Its parameters are the start if `start="given"`.
        values: Frames of all cases, padded.
        mask: Which frames are real.
        key: Randomness of the starts.
        start: `"k-means"` (states are clusters of frames), `"random"` (clusters around random frames), or
            `"given"`. A left-right model starts from cases cut into equal parts, symbols from random shares.
        restarts: Starts, of which the most likely result is kept; 1 for a given start.
        max_iterations: Iterations of each, at most.
        tolerance: Gain of log-likelihood per frame, in nats, below which a restart is done.
        variance_floor: No variance falls below this share of the variance of its feature over all frames (of
            1 for a feature that never varies). With full covariances: in no direction, after each feature was
            divided by the deviation that is its floor.
        pseudo_count: Added to each count of a first state, step, symbol and component.

    Raises:
        InputError: If the data or a setting cannot be used.

    Example:
        >>> values = np.float32([[[0.0], [0.1], [5.0], [5.1]], [[0.2], [5.2], [5.3], [np.nan]]])
        >>> mask = np.array([[True, True, True, True], [True, True, True, False]])
        >>> fit = fit_hmm(HMM(1, 2, key=jax.random.key(0)), values, mask, key=jax.random.key(1))
        >>> [f"{mean:.2f}" for mean in sorted(fit.hmm.emission.means.ravel().tolist())]
        ['0.10', '5.15']
    """
    frames, there = read_cases(values, mask, hmm.in_size)
    _check_settings(hmm, frames[there], start, restarts, max_iterations)
    for name, number in (
        ("tolerance", tolerance), ("variance_floor", variance_floor), ("pseudo_count", pseudo_count),
    ):  # fmt: skip
        if not 0 <= number < np.inf or (name == "variance_floor" and number == 0):
            raise InputError(
                f"{name}={number!r}.", "A finite number from 0 up; above 0 for the floor.", f"Correct {name}."
            )
    dtype = precision(hmm)
    with double():
        wide = _with_floor(cast(hmm, jnp.float64), frames[there], variance_floor)
        points = [wide] if start == "given" else starting_points(wide, frames, there, start, restarts, key)
        stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *points)
        found, *told = _iterate(
            stacked,
            frames,
            there,
            jnp.asarray(pseudo_count, jnp.float64),
            tolerance * there.sum(),
            max_iterations,
        )
        curves, steps, settled = jax.device_get(told)
        final = curves[np.arange(len(curves)), steps - 1]
        best = int(np.argmax(np.nan_to_num(final, nan=-np.inf)))
        chosen = cast(jax.tree.map(lambda leaf: leaf[best], found), dtype)
    return HMMFit(
        chosen,
        float(final[best]),
        tuple(curves[best, : steps[best]].tolist()),
        tuple(final.tolist()),
        bool(settled[best]),
    )


@partial(jax.jit, static_argnames="max_iterations")
def _iterate(
    hmms: HMM, values: Any, mask: Any, pseudo_count: Any, least_gain: Any, max_iterations: int
) -> tuple[HMM, Array, Array, Array]:
    """EM from each of the stacked models: these, their curves and how long they are, who gained little."""
    restarts = hmms.initial.shape[0]
    improve = jax.vmap(em_step, in_axes=(0, None, None, None))

    def unfinished(carry: tuple) -> Array:
        step, _, _, _, done, _ = carry
        return (step <= max_iterations) & ~done.all()

    def advance(carry: tuple) -> tuple:
        step, hmms, curves, steps, done, settled = carry
        better, value = improve(hmms, values, mask, pseudo_count)
        gain = value - curves[:, step - 1]
        # Not `gain < least`: two impossible models in a row differ by NaN, and that, too, is the end.
        little = (step > 0) & ~(gain >= least_gain)
        settled = settled | (little & ~done)
        # A model that is done stays the one whose likelihood is known.
        stop = done | little | (step == max_iterations)
        curves = curves.at[:, step].set(jnp.where(done, curves[:, step - 1], value))
        hmms = jax.tree.map(
            lambda new, old: jnp.where(stop.reshape(-1, *(1,) * (new.ndim - 1)), old, new), better, hmms
        )
        return step + 1, hmms, curves, steps + (~done).astype(steps.dtype), stop, settled

    start = (
        jnp.zeros((), jnp.int32),
        hmms,
        jnp.full((restarts, max_iterations + 1), -jnp.inf, values.dtype),
        jnp.zeros((restarts,), jnp.int32),
        jnp.zeros((restarts,), bool),
        jnp.zeros((restarts,), bool),
    )
    _, hmms, curves, steps, _, settled = jax.lax.while_loop(unfinished, advance, start)
    return hmms, curves, steps, settled


def _with_floor(hmm: HMM, frames: Float[np.ndarray, "frame feature"], share: float) -> HMM:
    if not isinstance(hmm.emission, Gaussian):
        return hmm
    scaled = (frames - np.asarray(hmm.scaling.shift)) / np.asarray(hmm.scaling.scale)
    variance, size = scaled.var(0), np.abs(scaled).max(0, initial=0.0)
    constant = variance <= 1e-14 * np.maximum(1.0, size**2)
    floor = jnp.asarray(share * np.where(constant, 1.0, variance))
    return eqx.tree_at(lambda m: m.emission.variance_floor, hmm, floor)


def _check_settings(hmm: HMM, frames: np.ndarray, start: str, restarts: int, max_iterations: int) -> None:
    check_choice("start", start, STARTS)
    check_count("restarts", restarts)
    check_count("max_iterations", max_iterations)
    if not len(frames):
        raise InputError("No real frame.", "At least one.", "Check the mask.")
    check_symbols(hmm, frames)


def check_symbols(hmm: HMM, frames: np.ndarray) -> None:
    """Refuse what is no symbol of a categorical model."""
    if not isinstance(hmm.emission, Categorical):
        return
    count = hmm.emission.logits.shape[1]
    wrong = frames[(frames != np.round(frames)) | (frames < 0) | (frames >= count)]
    if wrong.size:
        raise InputError(
            f"The symbol {wrong.flat[0]:g}.",
            f"Whole numbers from 0 to {count - 1}.",
            "Number the symbols from 0, and give the model as many symbols as there are.",
        )
