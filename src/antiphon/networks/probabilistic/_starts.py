"""Where expectation-maximisation starts: which state each frame may come from."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from antiphon.networks.probabilistic._emissions import Categorical, Emission
from antiphon.networks.probabilistic._hmm import HMM, allowed_steps

STARTS = ("k-means", "random", "given")

Values = Float[np.ndarray, "case time feature"]
Masks = Bool[np.ndarray, "case time"]
Frames = Float[np.ndarray, "frame feature"]
Labels = Int[np.ndarray, " frame"]


def starting_points(
    hmm: HMM, values: Values, mask: Masks, start: str, restarts: int, key: PRNGKeyArray
) -> list[HMM]:
    """Models whose states are clusters of frames, parts of cases, or random shares of symbols."""
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)).tolist())
    frames, states, components = values[mask], hmm.out_size, hmm.emission.components
    spread = frames.std(0)
    even = (frames - frames.mean(0)) / np.where(spread > 0, spread, 1.0)
    found = []
    for _ in range(restarts):
        # What keeps its shape from one class of a data set to the next is compiled once.
        shares = np.zeros((*mask.shape, states, components))
        if isinstance(hmm.emission, Categorical) and hmm.topology == "ergodic":
            table = rng.dirichlet(np.ones(states), hmm.emission.logits.shape[1])
            shares[mask] = table[frames[:, 0].astype(np.int64)][:, :, None]
            initial, steps = rng.dirichlet(np.ones(states)), rng.dirichlet(np.ones(states), states)
        else:
            if hmm.topology == "left-right":
                labels = _parts(mask.sum(1), states, rng, exact=not found)
            else:
                labels = _clusters(even, states, start, rng)
            shares[mask] = _one_hot(even, labels, states, components, start, rng)
            initial, steps = _counts(labels, mask, states, hmm.topology)
        found.append(_with(hmm, initial, steps, values, mask, shares))
    return found


def _clusters(frames: Frames, count: int, start: str, rng: np.random.Generator) -> Labels:
    """A cluster for each frame; fewer clusters where there are fewer distinct frames."""
    distinct = np.unique(frames, axis=0)
    count = min(count, len(distinct))
    if start == "k-means":
        seed = int(rng.integers(2**31))
        # On this little data threads wait for each other longer than they work.
        with threadpool_limits(1):
            return KMeans(count, n_init=1, random_state=seed).fit_predict(frames).astype(np.int64)  # pyright: ignore[reportArgumentType]
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


def _one_hot(
    frames: Frames, labels: Labels, states: int, components: int, start: str, rng: np.random.Generator
) -> Float[np.ndarray, "frame state component"]:
    """Each frame to its state, and there to a component of its mixture: a cluster within the state."""
    shares = np.zeros((len(frames), states, components))
    for state in range(states):
        rows = np.flatnonzero(labels == state)
        if len(rows):
            within = _clusters(frames[rows], components, start, rng) if components > 1 else 0
            shares[rows, state, within] = 1.0
    return shares


def _counts(labels: Labels, mask: Masks, states: int, topology: str) -> tuple[np.ndarray, np.ndarray]:
    """First states and steps; one of each is added, for what no label shows is rare and not impossible."""
    initial, steps = np.ones(states), np.ones((states, states))
    opens = np.diff(np.nonzero(mask)[0], prepend=-1) > 0
    np.add.at(initial, labels[opens], 1.0)
    np.add.at(steps, (labels[:-1][~opens[1:]], labels[1:][~opens[1:]]), 1.0)
    if topology == "left-right":
        first, way = allowed_steps(states)
        initial, steps = initial * first, steps * way
    return initial, steps


def _with(
    hmm: HMM, initial: np.ndarray, steps: np.ndarray, values: Values, mask: Masks, shares: np.ndarray
) -> HMM:
    with np.errstate(divide="ignore"):
        first, onward = np.log(initial / initial.sum()), np.log(steps / steps.sum(1, keepdims=True))
    emission = _fitted_emission(hmm, jnp.asarray(values), jnp.asarray(mask), jnp.asarray(shares))
    new = (jnp.asarray(first), jnp.asarray(onward), emission)
    return eqx.tree_at(lambda m: (m.initial, m.transition, m.emission), hmm, new)


@jax.jit
def _fitted_emission(hmm: HMM, values: Array, mask: Array, shares: Array) -> Emission:
    frames, one = hmm.scaled(values.reshape(-1, values.shape[2])), jnp.ones((), values.dtype)
    shares = shares.reshape(-1, *shares.shape[2:])
    # First as if every state had all frames: so begins a state that gets none.
    everything = jnp.broadcast_to(mask.reshape(-1, 1, 1).astype(values.dtype), shares.shape)
    return hmm.emission.maximised(frames, everything, one).maximised(frames, shares, one)
