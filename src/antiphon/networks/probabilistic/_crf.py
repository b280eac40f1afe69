"""The linear-chain conditional random field over a network's scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_flag
from antiphon.networks._scaling import Scaling
from antiphon.networks.probabilistic import _chain as chain

Frames = Float[Array, "time feature"]
Mask = Bool[Array, " time"]
Tags = Int[Array, " time"]


class CRF(eqx.Module):
    """A linear-chain conditional random field (Lafferty, McCallum & Pereira, 2001) with neural potentials.

    A network scores each tag at each frame; `transition` scores each pair of neighbours, `first` and `last`
    the tags at the ends. The probability of a whole row of tags is the softmax of its total score over all
    rows. Called as a network it answers with the marginal probability of each tag at each frame, 0 at masked
    frames.

    Args:
        network: Takes `(frames, mask, key=None)` and answers `(time, tag)`, such as
            `antiphon.networks.SequenceToSequence`; or the config of one of this package.
        parallel: Whether to go through time as a tree of matrix products, of depth log(time).
        key: Randomness of the initial weights, where `network` is a config. All other scores start at 0.

    Example:
        >>> import jax
        >>> from antiphon.networks import SequenceToSequence
        >>> crf = CRF(SequenceToSequence(2, 3, key=jax.random.key(0)), key=jax.random.key(1))
        >>> score, tags = crf.viterbi(jnp.ones((5, 2)), jnp.ones(5, bool))
        >>> tags.shape
        (5,)
    """

    network: Any
    transition: Float[Array, "tag tag"]
    first: Float[Array, " tag"]
    last: Float[Array, " tag"]
    parallel: bool = eqx.field(static=True)

    def __init__(self, network: Any, *, parallel: bool = False, key: PRNGKeyArray) -> None:
        if isinstance(network, Mapping):
            from antiphon.networks._named import build  # which knows this class, too

            network = build(network, key=key)
        tags = getattr(network, "out_size", None)
        if (
            not callable(network)
            or not isinstance(tags, int)
            or not isinstance(getattr(network, "scaling", None), Scaling)
        ):
            raise InputError(
                f"A {type(network).__name__} in a CRF.",
                "A network that answers at every frame, with `scaling` and `out_size`.",
                "Use a SequenceToSequence, or a module with the same attributes.",
            )
        self.network = network
        self.transition = jnp.zeros((tags, tags), jnp.float32)
        self.first = jnp.zeros((tags,), jnp.float32)
        self.last = jnp.zeros((tags,), jnp.float32)
        self.parallel = check_flag("parallel", parallel)

    @property
    def scaling(self) -> Scaling:
        """The input scaling of the network."""
        return self.network.scaling

    @property
    def in_size(self) -> int:
        """Features of a frame."""
        return self.scaling.shift.shape[0]

    @property
    def out_size(self) -> int:
        """How many tags there are."""
        return self.first.shape[0]

    @property
    def config(self) -> dict[str, Any]:
        """What `build` needs to make a network like this one, as JSON can keep it."""
        return {"kind": type(self).__name__, "network": self.network.config, "parallel": self.parallel}

    def potentials(
        self, frames: Frames, mask: Mask, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "time tag"]:
        """The score of each tag at each frame, that of the last one included; with a key, dropout is on."""
        scores = self.network(frames, mask, key=key)
        if scores.ndim != 2 or scores.shape != (mask.shape[0], self.out_size):
            raise InputError(
                f"Scores of shape {tuple(scores.shape)} from {type(self.network).__name__}.",
                f"A score for each tag at each frame: shape ({mask.shape[0]}, {self.out_size}).",
                "Use a network that answers at every frame.",
            )
        time = mask.shape[0]
        end = (jnp.arange(time) == time - 1 - jnp.argmax(mask[::-1]))[:, None]
        scores = scores + jnp.where(end, self.last[None], jnp.zeros_like(self.last)[None])
        return jnp.where(mask[:, None], scores, jnp.zeros_like(scores))

    @eqx.filter_jit
    def __call__(
        self, frames: Frames, mask: Mask, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "time tag"]:
        """Marginal probability of each tag at each frame of one sequence; with a key, dropout is on."""
        potentials = self.potentials(frames, mask, key=key)
        return chain.expected_counts(
            self.first, self.transition, potentials, mask, parallel=self.parallel
        ).marginals

    @eqx.filter_jit
    def log_partition(self, frames: Frames, mask: Mask) -> Float[Array, ""]:
        """Log of the sum of exp(score) over all rows of tags."""
        potentials = self.potentials(frames, mask)
        return chain.log_partition(self.first, self.transition, potentials, mask, parallel=self.parallel)

    def log_probability(
        self, frames: Frames, tags: Tags, mask: Mask, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, ""]:
        """Log-probability of one row of tags; its entries at masked frames are not looked at.

        Raises:
            InputError: If a tag is no whole number from 0 to `out_size - 1`. Under a JAX transformation,
                where numbers cannot be seen, the answer is then NaN.
        """
        self._check_tags(tags, mask)
        return self._log_probability(frames, tags, mask, key)

    @eqx.filter_jit
    def _log_probability(self, frames: Frames, tags: Tags, mask: Mask, key: Any) -> Float[Array, ""]:
        potentials = self.potentials(frames, mask, key=key)
        score = chain.path_weight(self.first, self.transition, potentials, tags, mask)
        whole = chain.log_partition(self.first, self.transition, potentials, mask, parallel=self.parallel)
        wrong = (mask & ((tags < 0) | (tags >= self.out_size))).any()
        return jnp.where(wrong, jnp.nan, score - whole)

    @eqx.filter_jit
    def viterbi(self, frames: Frames, mask: Mask) -> tuple[Float[Array, ""], Tags]:
        """The score of the most probable row of tags, and these; -1 at masked frames."""
        return chain.best_path(self.first, self.transition, self.potentials(frames, mask), mask)

    def _check_tags(self, tags: Tags, mask: Mask) -> None:
        if tags.shape != mask.shape:
            raise InputError(
                f"Tags of shape {tuple(tags.shape)}.",
                f"One a frame: shape {tuple(mask.shape)}.",
                "Pad the tags.",
            )
        if isinstance(tags, Tracer) or isinstance(mask, Tracer):
            return
        wrong = tags[mask & ((tags < 0) | (tags >= self.out_size))]
        if wrong.size:
            raise InputError(
                f"The tag {int(wrong[0])}.",
                f"Whole numbers from 0 to {self.out_size - 1}.",
                "Number the tags.",
            )
