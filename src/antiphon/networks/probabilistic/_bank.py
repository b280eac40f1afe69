"""A classifier of one hidden Markov model a class."""

from __future__ import annotations

from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_count, check_frames
from antiphon.networks._scaling import Scaling
from antiphon.networks.probabilistic._chain import floored
from antiphon.networks.probabilistic._hmm import HMM


class HMMBank(eqx.Module):
    """One hidden Markov model a class, and Bayes' rule: a sequence to the log-probability of each class.

    Args:
        in_size: Features of a frame; 1 for symbols.
        out_size: Classes; with 1 the answer is the log odds of the second one of two.
        states: Hidden states of each model.
        emission: As `HMM` takes it; so are the settings after it.
        components: Gaussians in the mixture of each state.
        symbols: How many symbols there are, for categorical emissions.
        topology: `"ergodic"` or `"left-right"`.
        parallel: Whether to go through time as a tree of matrix products.
        key: Randomness of the initial parameters.

    Attributes:
        hmms: The models, stacked: each of their arrays has an axis of classes in front.
        prior: Unnormalised log-probability of each class.

    Example:
        >>> bank = HMMBank(2, 3, key=jax.random.key(0))
        >>> float(jnp.exp(bank(jnp.ones((5, 2)), jnp.ones(5, bool))).sum().round(5))
        1.0
    """

    scaling: Scaling
    hmms: HMM
    prior: Float[Array, " class"]
    in_size: int = eqx.field(static=True)
    out_size: int = eqx.field(static=True)

    def __init__(
        self,
        in_size: int,
        out_size: int,
        *,
        states: int = 3,
        emission: str = "diagonal",
        components: int = 1,
        symbols: int | None = None,
        topology: str = "ergodic",
        parallel: bool = False,
        key: PRNGKeyArray,
    ) -> None:
        self.in_size = check_count("in_size", in_size)
        self.out_size = check_count("out_size", out_size)
        classes = max(2, out_size)
        settings = {"emission": emission, "components": components, "symbols": symbols}
        made = [
            HMM(in_size, states, **settings, topology=topology, parallel=parallel, key=one)
            for one in jax.random.split(key, classes)
        ]
        self.hmms = jax.tree.map(lambda *leaves: jnp.stack(leaves), *made)
        self.prior = jnp.zeros((classes,), jnp.float32)
        self.scaling = Scaling(in_size)

    @classmethod
    def of(cls, models: list[HMM], prior: Any) -> Self:
        """From fitted models of the same make, and the probability of each class.

        Args:
            models: One a class; two of them make a bank of `out_size` 1.
            prior: Probability of each class.

        Raises:
            InputError: If models differ in their make, or the prior is none.
        """
        chances = np.asarray(prior, np.float64)
        if chances.shape != (len(models),) or not (chances > 0).all() or not np.isfinite(chances).all():
            raise InputError(
                f"The prior {chances.tolist()} for {len(models)} classes.",
                "A positive number for each class.",
                "Use the shares of the classes, or equal ones.",
            )
        if len(models) < 2 or len({tuple(sorted(model.config.items())) for model in models}) > 1:
            raise InputError(
                f"{len(models)} models of different make." if len(models) > 1 else "A single model.",
                "At least two models with the same config.",
                "Make all of them with the same settings.",
            )
        settings = dict(models[0].config)
        in_size, states = settings.pop("in_size"), settings.pop("out_size")
        del settings["kind"]
        out_size = 1 if len(models) == 2 else len(models)
        bank = cls(in_size, out_size, states=states, **settings, key=jax.random.key(0))
        stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *models)
        logs = jnp.asarray(np.log(chances / chances.sum()), bank.prior.dtype)
        return eqx.tree_at(lambda b: (b.hmms, b.prior), bank, (stacked, logs))

    @property
    def config(self) -> dict[str, Any]:
        """What `build` needs to make a network like this one, as JSON can keep it."""
        # One model of the stack has the shapes that its config is read from.
        one = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), self.hmms).config
        return {**one, "kind": type(self).__name__, "out_size": self.out_size, "states": one["out_size"]}

    def log_likelihoods(
        self, frames: Float[Array, "time feature"], mask: Bool[Array, " time"]
    ) -> Float[Array, " class"]:
        """Log density (or probability) of one sequence under the model of each class."""
        check_frames(frames, mask, self.in_size)
        if self.hmms.emission.discrete:
            return jax.vmap(lambda hmm: hmm.log_likelihood(frames, mask))(self.hmms)
        scaled = self.scaling(jnp.where(mask[:, None], frames, jnp.zeros_like(frames)))
        found = jax.vmap(lambda hmm: hmm.log_likelihood(scaled, mask))(self.hmms)
        volume = jax.lax.stop_gradient(jnp.log(self.scaling.scale).sum())
        return found - volume * mask.sum(dtype=jnp.int32).astype(volume.dtype)

    @eqx.filter_jit
    def __call__(
        self,
        frames: Float[Array, "time feature"],
        mask: Bool[Array, " time"],
        *,
        key: PRNGKeyArray | None = None,
    ) -> Float[Array, " out"]:
        """Log-probability of each class (or the log odds) given one sequence; `key` changes nothing.

        A sequence that no class can give leaves the prior as it is.
        """
        found = floored(self.log_likelihoods(frames, mask))
        found = found - jax.lax.stop_gradient(found.max()) + self.prior
        if self.out_size == 1:
            return found[1:] - found[:1]
        return jax.nn.log_softmax(found)
