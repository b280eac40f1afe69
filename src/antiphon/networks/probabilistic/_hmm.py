"""The hidden Markov model."""

from __future__ import annotations

from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_choice, check_count, check_flag, check_frames
from antiphon.networks._scaling import Scaling
from antiphon.networks.probabilistic import _chain as chain
from antiphon.networks.probabilistic._emissions import COVARIANCES, Categorical, Emission, Gaussian

EMISSIONS = ("diagonal", "full", "categorical")
TOPOLOGIES = ("ergodic", "left-right")

Frames = Float[Array, "time feature"]
Mask = Bool[Array, " time"]


class HMM(eqx.Module):
    """A hidden Markov model (Rabiner, 1989, "A Tutorial on Hidden Markov Models").

    A chain of hidden states, each of which emits one frame. Called as a network it answers at every frame
    with the posterior probability of each state given the whole sequence, 0 at masked frames. A frame whose
    mask is False is as if it were not there, wherever it stands.

    Everything is computed in log space and in the precision of the arrays: `fit_hmm` and the functions for
    many cases (`log_likelihoods`, `state_posteriors`, `state_paths`) use 64 bits.

    Args:
        in_size: Features of a frame; 1 for symbols.
        out_size: Hidden states.
        emission: `"diagonal"` or `"full"` (Gaussians with such covariances) or `"categorical"` (frames hold
            one whole number from 0 up).
        components: Gaussians in the mixture of each state.
        symbols: How many symbols there are, for categorical emissions.
        topology: `"ergodic"`, or `"left-right"`: it starts in the first state, and from each state it stays
            or goes to the next.
        parallel: Whether to go through time as a tree of matrix products, of depth log(time).
        key: Randomness of the initial parameters, which suit standardised frames.

    Attributes:
        initial: Unnormalised log-probability of each state at the first frame.
        transition: Unnormalised log-probability of each step, from row to column; minus infinity where there
            is none.
        emission: What the states emit.

    Example:
        >>> hmm = HMM(2, 3, key=jax.random.key(0))
        >>> hmm(jnp.ones((5, 2)), jnp.ones(5, bool)).shape
        (5, 3)
    """

    scaling: Scaling
    initial: Float[Array, " state"]
    transition: Float[Array, "state state"]
    emission: Emission
    in_size: int = eqx.field(static=True)
    out_size: int = eqx.field(static=True)
    topology: str = eqx.field(static=True)
    parallel: bool = eqx.field(static=True)

    def __init__(
        self,
        in_size: int,
        out_size: int,
        *,
        emission: str = "diagonal",
        components: int = 1,
        symbols: int | None = None,
        topology: str = "ergodic",
        parallel: bool = False,
        key: PRNGKeyArray,
    ) -> None:
        self.in_size = check_count("in_size", in_size)
        self.out_size = check_count("out_size", out_size)
        self.topology = check_choice("topology", topology, TOPOLOGIES)
        self.parallel = check_flag("parallel", parallel)
        check_choice("emission", emission, EMISSIONS)
        if (emission == "categorical") != (symbols is not None) or (
            symbols is not None and (in_size != 1 or components != 1)
        ):
            raise InputError(
                f"{emission} emissions with {in_size=}, {components=} and {symbols=}.",
                "For categorical emissions symbols, in_size=1 and one component; for Gaussians no symbols.",
                "Leave out what does not belong to this emission.",
            )
        chain_key, emission_key = jax.random.split(key)
        self.initial, self.transition = _random_chain(out_size, topology, chain_key)
        if symbols is not None:
            self.emission = Categorical.random(out_size, symbols, key=emission_key)
        else:
            self.emission = Gaussian.random(out_size, components, in_size, emission, key=emission_key)
        self.scaling = Scaling(in_size)

    @classmethod
    def of(cls, initial: Any, transition: Any, emission: Emission, *, parallel: bool = False) -> Self:
        """A model with given probabilities, in 64 bits where JAX has them on.

        Args:
            initial: Probability of each state at the first frame, `(state,)`.
            transition: Probability of each step, `(state, state)`, from row to column.
            emission: What the states emit.
            parallel: As `HMM` takes it.

        Raises:
            InputError: If they are no probabilities, or belong to another number of states.

        Example:
            >>> from antiphon.networks.probabilistic import Gaussian
            >>> hmm = HMM.of([1, 0], [[0.9, 0.1], [0, 1]], Gaussian.of([[0.0], [4.0]], [[1.0], [1.0]]))
            >>> score, path = hmm.viterbi(jnp.array([[0.1], [0.2], [4.1]]), jnp.ones(3, bool))
            >>> path.tolist()
            [0, 0, 1]
        """
        first, steps = np.asarray(initial, np.float64), np.asarray(transition, np.float64)
        leaf = emission.logits if isinstance(emission, Categorical) else emission.means
        states = leaf.shape[0]
        if first.shape != (states,) or steps.shape != (states, states):
            raise InputError(
                f"Initial probabilities of shape {first.shape} and transitions of shape {steps.shape}.",
                f"Shapes ({states},) and ({states}, {states}): the emission has {states} states.",
                "Bring all parts to one number of states.",
            )
        rows = np.vstack([first, steps])
        if not (rows >= 0).all() or not np.allclose(rows.sum(1), 1, atol=1e-4):
            raise InputError(
                f"Rows of probabilities that sum to {rows.sum(1).round(4).tolist()}.",
                "Numbers from 0 up, 1 in all in each row.",
                "Divide each row by its sum.",
            )
        settings = (
            {"emission": "categorical", "symbols": leaf.shape[1]}
            if isinstance(emission, Categorical)
            else {"emission": COVARIANCES[emission.lower is not None], "components": emission.components}
        )
        in_size = 1 if isinstance(emission, Categorical) else leaf.shape[2]
        with np.errstate(divide="ignore"):
            logs = (jnp.asarray(np.log(first), leaf.dtype), jnp.asarray(np.log(steps), leaf.dtype))
        made = cls(in_size, states, **settings, parallel=parallel, key=jax.random.key(0))
        made = eqx.tree_at(
            lambda m: (m.scaling.shift, m.scaling.scale),
            made,
            (jnp.zeros((in_size,), leaf.dtype), jnp.ones((in_size,), leaf.dtype)),
        )
        return eqx.tree_at(lambda m: (m.initial, m.transition, m.emission), made, (*logs, emission))

    @property
    def config(self) -> dict[str, Any]:
        """What `build` needs to make a network like this one, as JSON can keep it."""
        shared = {
            "kind": type(self).__name__,
            "in_size": self.in_size,
            "out_size": self.out_size,
            "topology": self.topology,
            "parallel": self.parallel,
        }
        if isinstance(self.emission, Categorical):
            return {**shared, "emission": "categorical", "symbols": self.emission.logits.shape[1]}
        full = self.emission.lower is not None
        return {**shared, "emission": COVARIANCES[full], "components": self.emission.components}

    @property
    def probabilities(self) -> tuple[Float[Array, " state"], Float[Array, "state state"]]:
        """Of each state at the first frame, and of each step from row to column."""
        initial, transition = self.log_probabilities()
        return jnp.exp(initial), jnp.exp(transition)

    def log_probabilities(self) -> tuple[Float[Array, " state"], Float[Array, "state state"]]:
        """The logarithms of `probabilities`, with -1e30 in the place of minus infinity."""
        return (
            jax.nn.log_softmax(chain.floored(self.initial)),
            jax.nn.log_softmax(chain.floored(self.transition), axis=1),
        )

    def scaled(self, frames: Frames) -> Frames:
        """The frames in the units of the emission; symbols as they are."""
        return frames if self.emission.discrete else self.scaling(frames)

    def log_emissions(self, frames: Frames, mask: Mask) -> Float[Array, "time state"]:
        """Log density (or probability) of each real frame in each state."""
        check_frames(frames, mask, self.in_size)
        frames = jnp.where(mask[:, None], frames, jnp.zeros_like(frames))
        found = jax.nn.logsumexp(self.emission.log_components(self.scaled(frames)), axis=2)
        if isinstance(self.emission, Categorical):
            return found
        return found - jax.lax.stop_gradient(jnp.log(self.scaling.scale).sum())

    @eqx.filter_jit
    def __call__(
        self, frames: Frames, mask: Mask, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "time state"]:
        """Posterior probability of each state at each frame of one sequence; `key` changes nothing."""
        return self.expected_counts(frames, mask).marginals

    @eqx.filter_jit
    def expected_counts(self, frames: Frames, mask: Mask) -> chain.Counts:
        """The log-likelihood, and how often each state and step is used on average (forward-backward)."""
        return chain.expected_counts(
            *self.log_probabilities(), self.log_emissions(frames, mask), mask, parallel=self.parallel
        )

    @eqx.filter_jit
    def log_likelihood(self, frames: Frames, mask: Mask) -> Float[Array, ""]:
        """Log density (or probability) of one sequence; minus infinity for one that cannot be."""
        return chain.log_partition(
            *self.log_probabilities(), self.log_emissions(frames, mask), mask, parallel=self.parallel
        )

    @eqx.filter_jit
    def viterbi(self, frames: Frames, mask: Mask) -> tuple[Float[Array, ""], Int[Array, " time"]]:
        """The log density of the sequence with its most probable states, and these; -1 at masked frames."""
        return chain.best_path(*self.log_probabilities(), self.log_emissions(frames, mask), mask)

    @eqx.filter_jit
    def sample(self, time: int, *, key: PRNGKeyArray) -> tuple[Frames, Int[Array, " time"]]:
        """Draw a sequence.

        Args:
            time: Frames.
            key: Randomness.

        Returns:
            The frames `(time, feature)`, and the states `(time,)` they come from.
        """
        check_count("time", time)
        initial, transition = self.log_probabilities()
        first, *keys = jax.random.split(key, 3)

        def advance(state: Array, key: PRNGKeyArray) -> tuple[Array, Array]:
            return jax.random.categorical(key, transition[state]), state

        start = jax.random.categorical(first, initial)
        _, states = jax.lax.scan(advance, start, jax.random.split(keys[0], time))
        frames = jax.vmap(self.emission.sample)(states, jax.random.split(keys[1], time))
        if not isinstance(self.emission, Categorical):
            frames = frames * self.scaling.scale[None] + self.scaling.shift[None]
        return frames, states


def _random_chain(states: int, topology: str, key: PRNGKeyArray) -> tuple[Array, Array]:
    first, steps = jax.random.split(key)
    initial = 0.1 * jax.random.normal(first, (states,), jnp.float32)
    transition = 0.1 * jax.random.normal(steps, (states, states), jnp.float32)
    if topology == "left-right":
        start, way = allowed_steps(states)
        initial = jnp.where(start, initial, -jnp.inf)
        transition = jnp.where(way, transition, -jnp.inf)
    return initial, transition


def allowed_steps(states: int) -> tuple[np.ndarray, np.ndarray]:
    """Where a left-right chain may start, and where it may go from each state."""
    return np.arange(states) == 0, np.eye(states, dtype=bool) | np.eye(states, k=1, dtype=bool)
