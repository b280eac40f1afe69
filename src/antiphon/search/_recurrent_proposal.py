"""A recurrent network over the derivation so far, as a distribution over productions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from antiphon.networks import make_cell
from antiphon.search._derivation import Derivation, Derivations, Place, Production
from antiphon.search._proposal import tempered

INDICES = 8  # Holes of a production that are told apart.


class _Reader(eqx.Module):
    """Reads a derivation; after each production it says which comes next."""

    before: Float[Array, "production hidden"]
    above: Float[Array, "production hidden"]
    index: Float[Array, "index hidden"]
    cell: eqx.nn.GRUCell
    readout: Float[Array, "production hidden"]

    def __init__(self, productions: int, hidden: int, *, key: PRNGKeyArray) -> None:
        one, two, three, four = jax.random.split(key, 4)
        scale = jnp.float32(hidden**-0.5)
        # The last row stands for what is before, or above, the first production.
        self.before = scale * jax.random.normal(one, (productions + 1, hidden), jnp.float32)
        self.above = scale * jax.random.normal(two, (productions + 1, hidden), jnp.float32)
        self.index = scale * jax.random.normal(three, (INDICES, hidden), jnp.float32)
        cell = make_cell("gru", hidden, hidden, key=four)
        assert isinstance(cell, eqx.nn.GRUCell)
        self.cell = cell
        self.readout = jnp.zeros((productions, hidden), jnp.float32)

    def __call__(
        self, state: Float[Array, " hidden"], token: Int[Array, " 3"]
    ) -> tuple[Float[Array, " hidden"], Float[Array, " production"]]:
        """The next state and the scores of all productions; a token is (before, above, index)."""
        state = self.cell(self.before[token[0]] + self.above[token[1]] + self.index[token[2]], state)
        return state, self.readout @ state


class RecurrentProposal:
    """A GRU over the productions chosen so far, trained by maximum likelihood; a `ProposalModel`.

    Unlike a `Bigram` it knows what stands elsewhere in the program, such as which summary a sum has already.

    Args:
        space: Of derivations.
        seed: Of its initial weights.
        hidden: Units.
        steps: Of Adam, each time it is fitted; it goes on from where it was.
        uniform: Share of equal chances that is mixed in.
        temperature: As in `Bigram`.
    """

    def __init__(
        self,
        space: Derivations,
        *,
        seed: int = 0,
        hidden: int = 24,
        steps: int = 80,
        uniform: float = 0.1,
        temperature: float = 1.0,
    ) -> None:
        self.space, self.steps, self.uniform, self.temperature = space, steps, uniform, temperature
        self.count = len(space.productions)
        self.hidden = hidden
        self.reader = _Reader(self.count, hidden, key=jax.random.key(seed))
        self.states: dict[Derivation, tuple[Any, np.ndarray]] = {}

    def fit(self, programs: Sequence[Derivation], weights: Float[np.ndarray, " program"]) -> None:
        """Train on programs, each counted by its weight."""
        self.states = {}
        longest = self.space.grammar.size_limit
        rows = 1 << max(4, (len(programs) - 1).bit_length())  # Few shapes, so that little is compiled.
        tokens = np.zeros((rows, longest, 3), np.int32)
        targets = np.zeros((rows, longest), np.int32)
        allowed = np.zeros((rows, longest, self.count), bool)
        strength = np.zeros((rows, longest), np.float32)
        for row, (derivation, weight) in enumerate(zip(programs, weights, strict=True)):
            for i, place in enumerate(self.space.places(derivation)[:longest]):
                tokens[row, i] = self._token(place, derivation[:i])
                targets[row, i] = derivation[i].number
                allowed[row, i, [p.number for p in self.space.by_hole[derivation[i].hole]]] = True
                strength[row, i] = weight
        self.reader = _train(self.reader, self.steps, *map(jnp.asarray, (tokens, targets, allowed, strength)))

    def _token(self, place: Place, prefix: Derivation) -> tuple[int, int, int]:
        above = self.count if place[0] < 0 else place[0]
        return prefix[-1].number if prefix else self.count, above, min(place[1], INDICES - 1)

    def chances(
        self, place: Place, options: Sequence[Production], prefix: Derivation
    ) -> Float[np.ndarray, " option"]:
        """The probabilities of `options` after a prefix."""
        scores = self._after(prefix)[1][[p.number for p in options]].astype(np.float64)
        learned = tempered(np.exp(scores - scores.max()), self.temperature)
        return (1 - self.uniform) * learned + self.uniform / len(options)

    def _after(self, prefix: Derivation) -> tuple[Any, np.ndarray]:
        """State and scores once a prefix was read."""
        if prefix not in self.states:
            state = self._after(prefix[:-1])[0] if prefix else jnp.zeros(self.hidden, jnp.float32)
            token = jnp.asarray(self._token(self.space.open(prefix)[-1][0], prefix), jnp.int32)
            state, scores = _read(self.reader, state, token)
            self.states[prefix] = state, np.asarray(scores)
        return self.states[prefix]


@jax.jit
def _read(reader: _Reader, state: Array, token: Array) -> tuple[Array, Array]:
    return reader(state, token)


def _loss(reader: _Reader, tokens: Array, targets: Array, allowed: Array, strength: Array) -> Array:
    start = jnp.zeros(reader.readout.shape[1], jnp.float32)
    scores = jax.vmap(lambda row: jax.lax.scan(lambda s, t: reader(s, t), start, row)[1])(tokens)
    scores = jnp.where(allowed, scores, -jnp.inf)
    # Where nothing is allowed the program has ended, and nothing counts.
    ended = ~allowed.any(-1, keepdims=True)
    logs = jax.nn.log_softmax(jnp.where(ended, jnp.float32(0.0), scores))
    said = jnp.take_along_axis(logs, targets[..., None], axis=-1)[..., 0]
    return -jnp.sum(jnp.where(strength > 0, said * strength, 0.0)) / jnp.sum(strength)


@partial(jax.jit, static_argnums=1)
def _train(
    reader: _Reader, steps: int, tokens: Array, targets: Array, allowed: Array, strength: Array
) -> _Reader:
    optimiser = optax.adam(0.01)

    def step(carry: Any, _: None) -> tuple[Any, None]:
        reader, state = carry
        slope = jax.grad(_loss)(reader, tokens, targets, allowed, strength)
        with jax.numpy_dtype_promotion("standard"):  # Adam raises a float to an integer count.
            change, state = optimiser.update(slope, state)
        return (optax.apply_updates(reader, change), state), None

    (reader, _), _ = jax.lax.scan(step, (reader, optimiser.init(reader)), None, length=steps)  # type: ignore[arg-type]
    return reader
