"""A variational autoencoder for sequences."""

from __future__ import annotations

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from antiphon.networks._checks import check_count, check_frames
from antiphon.networks._initial import blank_linear, drawn
from antiphon.networks._recurrent import Recurrent
from antiphon.networks._scaling import Scaling
from antiphon.networks.generative._cell_stack import CellStack
from antiphon.networks.generative._gaussian import SMALLEST_DEVIATION, Frames, Mask, log_density
from antiphon.networks.generative._temperature import check_temperature

Latent = Float[Array, " latent"]


class SequenceVAE(eqx.Module):
    """A variational autoencoder for sequences (Kingma & Welling, 2014; Fabius & van Amersfoort, 2015).

    The encoder, a bidirectional recurrent network, gives mean and log-variance of `q(z | x)`, normal; the
    prior of `z` is standard normal. The decoder, recurrent, starts from `tanh(W z)`, reads `z` at every frame
    and gives the mean of each frame; frames are normal around it, with one learned deviation a feature.
    Padding changes nothing, wherever it stands.

    Args:
        in_size: Features of a frame.
        latent: Entries of `z`.
        cell: `"rnn"`, `"lstm"` or `"gru"`.
        hidden: Size of the state of each cell.
        key: Randomness of the initial weights.

    Raises:
        InputError: If a setting is none of these.

    Example:
        >>> network = SequenceVAE(2, 3, cell="rnn", hidden=4, key=jax.random.key(0))
        >>> frames, mask = jnp.ones((6, 2)), jnp.ones(6, bool)
        >>> eqx.filter_eval_shape(network.elbo, frames, mask, key=jax.random.key(1)).shape
        ()
    """

    scaling: Scaling
    encoder: Recurrent
    posterior: eqx.nn.Linear
    start: eqx.nn.Linear
    stack: CellStack
    linear: eqx.nn.Linear
    raw_deviation: Float[Array, " feature"]
    in_size: int = eqx.field(static=True)
    latent: int = eqx.field(static=True)

    def __init__(
        self, in_size: int, latent: int, *, cell: str = "gru", hidden: int = 32, key: PRNGKeyArray
    ) -> None:
        encoder_key, stack_key, own_key = jax.random.split(key, 3)
        self.in_size = check_count("in_size", in_size)
        self.latent = check_count("latent", latent)
        self.encoder = Recurrent(cell, in_size, hidden, bidirectional=True, key=encoder_key)
        self.stack = CellStack(cell, latent, hidden, 1, key=stack_key)
        maps = (
            blank_linear(2 * hidden, 2 * latent),
            blank_linear(latent, hidden),
            blank_linear(hidden, in_size),
        )
        self.posterior, self.start, self.linear = drawn(maps, own_key)
        self.raw_deviation = jnp.zeros((in_size,), jnp.float32)
        self.scaling = Scaling(in_size)

    @property
    def config(self) -> dict[str, Any]:
        """The arguments that make one like this, as JSON can keep them."""
        return {
            "kind": type(self).__name__,
            "in_size": self.in_size,
            "latent": self.latent,
            "cell": self.stack.cell,
            "hidden": self.stack.hidden,
        }

    def encode(self, frames: Frames, mask: Mask) -> tuple[Latent, Latent]:
        """Mean and log-variance of `q(z | x)`.

        Raises:
            InputError: If frames or mask have another shape or type.
        """
        check_frames(frames, mask, self.in_size)
        mean, log_variance = jnp.split(self.posterior(self.encoder.read_out(self.scaling(frames), mask)), 2)
        return mean, log_variance

    def decode(self, z: Latent, length: int) -> Frames:
        """The mean of each frame given `z`, in the units of the frames."""
        shift, scale = jax.lax.stop_gradient((self.scaling.shift, self.scaling.scale))
        return self._means(z, length) * scale[None, :] + shift[None, :]

    def __call__(self, frames: Frames, mask: Mask, *, key: PRNGKeyArray | None = None) -> Frames:
        """The sequence, encoded and decoded; 0 at masked frames.

        Args:
            frames: The sequence.
            mask: Which frames are real.
            key: Randomness of `z`; without one, `z` is the mean of `q(z | x)`.
        """
        z, log_variance = self.encode(frames, mask)
        if key is not None:
            z = z + jnp.exp(0.5 * log_variance) * jax.random.normal(key, z.shape, z.dtype)
        there, means = self._placed(z, mask)
        shift, scale = jax.lax.stop_gradient((self.scaling.shift, self.scaling.scale))
        return jnp.where(there, means * scale[None, :] + shift[None, :], 0.0)

    def divergence(self, frames: Frames, mask: Mask) -> Float[Array, ""]:
        """Kullback-Leibler divergence of `q(z | x)` from the prior, in nats."""
        mean, log_variance = self.encode(frames, mask)
        return _divergence(mean, log_variance)

    def log_density(self, frames: Frames, mask: Mask, z: Latent) -> Float[Array, ""]:
        """`log p(x | z)` of one sequence, given its length, in nats, in the units of the frames."""
        check_frames(frames, mask, self.in_size)
        there, means = self._placed(z, mask)
        known = jnp.where(there, self.scaling(frames), 0.0)
        deviation = jax.nn.softplus(self.raw_deviation) + SMALLEST_DEVIATION
        found = log_density(known, means, jnp.broadcast_to(deviation, known.shape))
        scale = jax.lax.stop_gradient(self.scaling.scale)
        return jnp.where(there, found - jnp.log(scale)[None, :], 0.0).sum()

    def elbo(self, frames: Frames, mask: Mask, *, weight: float = 1.0, key: PRNGKeyArray) -> Float[Array, ""]:
        """The evidence lower bound of one sequence, by one draw of `z`.

        `log p(x | z) - weight KL(q(z | x) || p(z))` with `z` from `q` by the reparametrisation of Kingma &
        Welling (2014, equation 10, the divergence in closed form); its expectation is at most `log p(x)`.

        Args:
            frames: The sequence.
            mask: Which frames are real.
            weight: 1 for the bound itself; less while training begins, against a `z` that is ignored (Bowman
                et al., 2016), or more (Higgins et al., 2017).
            key: Randomness of `z`.
        """
        mean, log_variance = self.encode(frames, mask)
        z = mean + jnp.exp(0.5 * log_variance) * jax.random.normal(key, mean.shape, mean.dtype)
        return self.log_density(frames, mask, z) - weight * _divergence(mean, log_variance)

    def loss(self, frames: Frames, mask: Mask, *, key: PRNGKeyArray) -> Float[Array, ""]:
        """The negative evidence lower bound a real entry of the frames."""
        count = mask.astype(jnp.float32).sum() * self.in_size
        return -self.elbo(frames, mask, key=key) / jnp.maximum(count, 1.0)

    def sample(self, length: int, *, temperature: float = 1.0, key: PRNGKeyArray) -> Frames:
        """A sequence from the model, in the units of the frames.

        Args:
            length: Frames.
            temperature: `z` and the frames around their means are drawn with variances times this.
            key: Randomness.

        Raises:
            InputError: If the length is no whole number from 1 up, or the temperature not above 0.
        """
        width = math.sqrt(check_temperature(temperature))
        latent_key, noise_key = jax.random.split(key)
        means = self.decode(
            width * jax.random.normal(latent_key, (self.latent,)), check_count("length", length)
        )
        deviation = (jax.nn.softplus(self.raw_deviation) + SMALLEST_DEVIATION) * self.scaling.scale
        return means + width * deviation[None, :] * jax.random.normal(noise_key, means.shape)

    def _means(self, z: Latent, length: int) -> Frames:
        """Means of the first frames, standardised."""
        first = jnp.tanh(self.start(z))
        states = ((first, *self.stack.initial_state()[0][1:]),)

        def advance(states: Any, _: None) -> tuple[Any, Array]:
            states, out = self.stack.step(states, z)
            return states, self.linear(out)

        return jax.lax.scan(advance, states, length=length)[1]

    def _placed(self, z: Latent, mask: Mask) -> tuple[Array, Frames]:
        """The mask as a column, and the mean of each frame: the n-th mean at the n-th real frame."""
        means = self._means(z, mask.shape[0])
        place = jnp.maximum(jnp.cumsum(mask.astype(jnp.int32)) - 1, 0)
        return mask[:, None], means[place]


def _divergence(mean: Latent, log_variance: Latent) -> Float[Array, ""]:
    return 0.5 * (jnp.exp(log_variance) + mean**2 - 1.0 - log_variance).sum()
