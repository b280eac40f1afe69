"""Where expectation-maximisation starts: which state each frame may come from."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int, PRNGKeyArray
from sklearn.cluster import KMeans

from antiphon.networks.probabilistic._emissions import Categorical
from antiphon.networks.probabilistic._hmm import HMM, allowed_steps

STARTS = ("k-means", "random", "given")

Frames = Float[np.ndarray, "frame feature"]
Labels = Int[np.ndarray, " frame"]


def starting_points(
    hmm: HMM,
    values: Float[np.ndarray, "case time feature"],
    mask: Bool[np.ndarray, "case time"],
    start: str,
    restarts: int,
    key: PRNGKeyArray,
) -> list[HMM]:
    """Models whose states are clusters of frames, parts of cases, or random shares of symbols."""
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)).tolist())
    frames, states = values[mask], hmm.out_size
    case = np.repeat(np.arange(len(mask)), mask.sum(1))
    spread = frames.std(0)
    even = (frames - frames.mean(0)) / np.where(spread > 0, spread, 1.0)
    found = []
    for _ in range(restarts):
        if hmm.topology == "left-right":
            labels = _parts(mask.sum(1), states, rng, exact=not found)
        elif isinstance(hmm.emission, Categorical):
            found.append(_random_shares(hmm, frames, rng))
            continue
        else:
            labels = _clusters(even, states, start, rng)
        found.append(_from_labels(hmm, frames, even, labels, case, start, rng))
    return found


def _clusters(frames: Frames, count: int, start: str, rng: np.random.Generator) -> Labels:
    """A cluster for each frame; fewer clusters where there are fewer distinct frames."""
    distinct = np.unique(frames, axis=0)
    count = min(count, len(distinct))
    if start == "k-means":
        seed = int(rng.integers(2**31))
        return KMeans(count, n_init=1, random_state=seed).fit_predict(frames).astype(np.int64)
    centres = distinct[rng.choice(len(distinct), count, replace=False)]
    distances = ((frames[:, None, :] - centres[None]) ** 2).sum(2)
    return distances.argmin(1)


def _parts(lengths: Int[np.ndarray, " case"], states: int, rng: np.random.Generator, exact: bool) -> Labels:
    """Each case cut into as many parts as there are states: equal ones, or of random lengths."""
    labels = []
    for length in lengths:
        shares = np.ones(states) if exact else rng.dirichlet(np.full(states, 5.0))
        ends = np.cumsum(shares / shares.sum()) * length
        labels.append(np.minimum(np.searchsorted(ends, np.arange(length) + 0.5), states - 1))
    return np.concatenate(labels)


def _from_labels(
    hmm: HMM, frames: Frames, even: Frames, labels: Labels, case: Labels, start: str, rng: np.random.Generator
) -> HMM:
    states, components = hmm.out_size, hmm.emission.components
    shares = np.zeros((len(frames), states, components))
    for state in range(states):
        rows = np.flatnonzero(labels == state)
        if len(rows):
            shares[rows, state, _clusters(even[rows], components, start, rng) if components > 1 else 0] = 1.0
    # One of each is added: what no label shows is rare and not impossible.
    initial, steps = np.ones(states), np.ones((states, states))
    opening = np.diff(case, prepend=-1) > 0
    np.add.at(initial, labels[opening], 1.0)
    np.add.at(steps, (labels[:-1][~opening[1:]], labels[1:][~opening[1:]]), 1.0)
    if hmm.topology == "left-right":
        first, way = allowed_steps(states)
        initial, steps = initial * first, steps * way
    return _with(hmm, initial, steps, frames, shares)


def _random_shares(hmm: HMM, frames: Frames, rng: np.random.Generator) -> HMM:
    assert isinstance(hmm.emission, Categorical)
    states, symbols = hmm.out_size, hmm.emission.logits.shape[1]
    table = rng.dirichlet(np.ones(states), symbols)
    shares = table[frames[:, 0].astype(np.int64)][:, :, None]
    return _with(hmm, rng.dirichlet(np.ones(states)), rng.dirichlet(np.ones(states), states), frames, shares)


def _with(hmm: HMM, initial: np.ndarray, steps: np.ndarray, frames: Frames, shares: np.ndarray) -> HMM:
    wide, one = hmm.scaled(jnp.asarray(frames)), jnp.ones((), jnp.float64)
    # First as if every state had all frames: so begins a state that gets none.
    emission = hmm.emission.maximised(wide, jnp.ones(shares.shape) / shares[0].size, one)
    emission = emission.maximised(wide, jnp.asarray(shares), one)
    with np.errstate(divide="ignore"):
        logs = jnp.asarray(np.log(initial / initial.sum())), jnp.asarray(
            np.log(steps / steps.sum(1, keepdims=True))
        )
    return eqx.tree_at(lambda m: (m.initial, m.transition, m.emission), hmm, (*logs, emission))
