"""A generative adversarial network for sequences."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_count
from antiphon.networks._initial import blank_linear, drawn
from antiphon.networks._maps import SequenceToVector
from antiphon.networks._scaling import Scaling, trainable, with_scaling
from antiphon.networks.generative._cell_stack import CellStack
from antiphon.networks.generative._gaussian import Frames
from antiphon.networks.generative._minimise import check_learning_rate, count_cases
from antiphon.networks.generative._temperature import check_temperature

Cases = Float[Array, "case time feature"]
CaseMasks = Bool[Array, "case time"]


class SequenceGAN(eqx.Module):
    """A generative adversarial network for sequences (Goodfellow et al., 2014; Esteban et al., 2017).

    The generator, a recurrent network, reads normal noise at every frame; the discriminator, a
    `SequenceToVector` with both directions, tells how real a sequence looks, as a logit. `set_scaling` sets
    the units of the frames for both.

    Args:
        in_size: Features of a frame.
        noise: Entries of the noise at each frame.
        cell: `"rnn"`, `"lstm"` or `"gru"`.
        hidden: Size of the state of each cell.
        key: Randomness of the initial weights.

    Raises:
        InputError: If a setting is none of these.

    Example:
        >>> gan = SequenceGAN(2, 3, cell="rnn", hidden=4, key=jax.random.key(0))
        >>> jax.eval_shape(lambda: gan.sample(5, key=jax.random.key(1))).shape
        (5, 2)
    """

    generator: Generator
    discriminator: SequenceToVector

    def __init__(
        self,
        in_size: int,
        noise: int = 4,
        *,
        cell: str = "gru",
        hidden: int = 32,
        key: PRNGKeyArray,
    ) -> None:
        generator, discriminator = jax.random.split(key)
        self.generator = Generator(in_size, noise, cell=cell, hidden=hidden, key=generator)
        kind: Any = SequenceToVector  # a type checker does not see that it inherits its constructor
        self.discriminator = kind(in_size, 1, cell=cell, hidden=hidden, bidirectional=True, key=discriminator)

    @property
    def config(self) -> dict[str, Any]:
        """The arguments that make one like this, as JSON can keep them."""
        stack = self.generator.stack
        return {
            "kind": type(self).__name__,
            "in_size": self.generator.in_size,
            "noise": stack.in_size,
            "cell": stack.cell,
            "hidden": stack.hidden,
        }

    def sample(self, length: int, *, temperature: float = 1.0, key: PRNGKeyArray) -> Frames:
        """A sequence from the generator, in the units of the frames.

        Args:
            length: Frames.
            temperature: The variance of the noise.
            key: Randomness.

        Raises:
            InputError: If the length is no whole number from 1 up, or the temperature not above 0.
        """
        return self.generator.sample(length, temperature=temperature, key=key)

    def set_scaling(self, shift: Any, scale: Any) -> SequenceGAN:
        """A copy for frames `shift + scale * standardised`: what its halves write and read.

        Args:
            shift: One number a feature, for example the means of the training frames.
            scale: One positive number a feature, for example their deviations.

        Raises:
            InputError: If they are none of these.
        """
        parts = (with_scaling(part, shift, scale) for part in (self.generator, self.discriminator))
        return eqx.tree_at(lambda gan: (gan.generator, gan.discriminator), self, tuple(parts))


class Generator(eqx.Module):
    """From noise at every frame to frames."""

    scaling: Scaling
    stack: CellStack
    linear: eqx.nn.Linear
    in_size: int = eqx.field(static=True)

    def __init__(self, in_size: int, noise: int, *, cell: str, hidden: int, key: PRNGKeyArray) -> None:
        stack, own = jax.random.split(key)
        self.in_size = check_count("in_size", in_size)
        self.stack = CellStack(cell, check_count("noise", noise), hidden, 1, key=stack)
        self.linear = drawn(blank_linear(hidden, in_size), own)
        self.scaling = Scaling(in_size)

    def __call__(self, noise: Float[Array, "time noise"]) -> Frames:
        """The frames of this noise, in their units."""

        def advance(states: Any, values: Array) -> tuple[Any, Array]:
            states, out = self.stack.step(states, values)
            return states, self.linear(out)

        frames = jax.lax.scan(advance, self.stack.initial_state(), noise)[1]
        shift, scale = jax.lax.stop_gradient((self.scaling.shift, self.scaling.scale))
        return frames * scale[None, :] + shift[None, :]

    def sample(self, length: int, *, temperature: float = 1.0, key: PRNGKeyArray) -> Frames:
        """Frames of noise of this variance."""
        width = check_temperature(temperature) ** 0.5
        shape = (check_count("length", length), self.stack.in_size)
        return self(width * jax.random.normal(key, shape, jnp.float32))


class GANState(eqx.Module):
    """Where the training of a `SequenceGAN` stands: one state of Adam for each half."""

    generator: Any
    discriminator: Any


class GANLosses(eqx.Module):
    """Mean losses of a batch.

    Attributes:
        generator: `-log D(fake)`, the form that does not saturate.
        discriminator: `-log D(real) - log (1 - D(fake))`: `2 log 2` where it cannot tell them apart.
    """

    generator: Float[Array, "*step"]
    discriminator: Float[Array, "*step"]


def start_gan(gan: SequenceGAN) -> GANState:
    """The state of a training that begins.

    Example:
        >>> gan = SequenceGAN(1, 1, cell="rnn", hidden=2, key=jax.random.key(0))
        >>> type(start_gan(gan)).__name__
        'GANState'
    """
    return GANState(
        _ADAM.init(eqx.filter(gan.generator, trainable(gan.generator))),
        _ADAM.init(eqx.filter(gan.discriminator, trainable(gan.discriminator))),
    )


def gan_step(
    gan: SequenceGAN,
    state: GANState,
    frames: Cases,
    mask: CaseMasks,
    *,
    learning_rate: float | Float[Array, ""] = 1e-3,
    key: PRNGKeyArray,
) -> tuple[SequenceGAN, GANState, GANLosses]:
    """One step of training: the discriminator on real and made sequences, then the generator.

    Both by Adam with `b1 = 0.5` (Radford et al., 2016). Made sequences have the masks of the real ones.

    Args:
        gan: What is trained.
        state: `start_gan(gan)`, or what the last step gave.
        frames: Real sequences.
        mask: Which of their frames are real.
        learning_rate: Of both halves.
        key: Randomness of the noise.

    Returns:
        The trained network, the new state, and the losses before the step.
    """
    noise_key, again_key = jax.random.split(key)

    def made(generator: Generator, key: PRNGKeyArray) -> Cases:
        noise = jax.random.normal(key, (*mask.shape, generator.stack.in_size), jnp.float32)
        return jax.vmap(generator)(noise)

    def judge(discriminator: SequenceToVector, cases: Cases) -> Float[Array, " case"]:
        return jax.vmap(discriminator)(cases, mask)[:, 0]

    def discriminator_loss(parameters: Any, rest: Any) -> Array:
        whole = eqx.combine(parameters, rest)
        real, fake = judge(whole, frames), judge(whole, made(gan.generator, noise_key))
        return (jax.nn.softplus(-real) + jax.nn.softplus(fake)).mean()

    def generator_loss(parameters: Any, rest: Any, discriminator: SequenceToVector) -> Array:
        return jax.nn.softplus(-judge(discriminator, made(eqx.combine(parameters, rest), again_key))).mean()

    parameters, rest = eqx.partition(gan.discriminator, trainable(gan.discriminator))
    told, gradient = jax.value_and_grad(discriminator_loss)(parameters, rest)
    parameters, judged = _moved(parameters, gradient, state.discriminator, learning_rate)
    discriminator = eqx.combine(parameters, rest)

    parameters, rest = eqx.partition(gan.generator, trainable(gan.generator))
    fooled, gradient = jax.value_and_grad(generator_loss)(parameters, rest, discriminator)
    parameters, wrote = _moved(parameters, gradient, state.generator, learning_rate)
    halves = (eqx.combine(parameters, rest), discriminator)
    gan = eqx.tree_at(lambda one: (one.generator, one.discriminator), gan, halves)
    return gan, GANState(wrote, judged), GANLosses(fooled, told)


def fit_gan(
    gan: SequenceGAN,
    frames: Cases,
    mask: CaseMasks,
    *,
    steps: int,
    batch_size: int = 32,
    learning_rate: float = 1e-3,
    key: PRNGKeyArray,
) -> tuple[SequenceGAN, GANLosses]:
    """Train a GAN on random batches, in one compiled loop.

    Args:
        gan: What is trained.
        frames: Real sequences.
        mask: Which of their frames are real.
        steps: How many batches.
        batch_size: Cases a batch, drawn with repeats.
        learning_rate: Of both halves.
        key: Randomness of batches and noise.

    Returns:
        The trained network, and the losses at every step.

    Raises:
        InputError: If a setting is none of these, or frames and masks do not go together.

    Example:
        >>> gan = SequenceGAN(1, 1, cell="rnn", hidden=2, key=jax.random.key(0))
        >>> frames, mask = jnp.ones((4, 5, 1)), jnp.ones((4, 5), bool)
        >>> gan, losses = eqx.filter_eval_shape(
        ...     lambda gan: fit_gan(gan, frames, mask, steps=3, key=jax.random.key(1)), gan
        ... )
        >>> losses.generator.shape
        (3,)
    """
    check_count("steps", steps)
    check_count("batch_size", batch_size)
    cases = count_cases((frames, mask))
    rate = check_learning_rate(learning_rate)
    if frames.ndim != 3 or frames.shape[:2] != mask.shape or frames.shape[2] != gan.generator.in_size:
        raise InputError(
            f"Frames of shape {tuple(frames.shape)} with masks of shape {tuple(mask.shape)}.",
            f"Shapes (case, time, {gan.generator.in_size}) and (case, time).",
            "Pad and stack the sequences, with a mask for each.",
        )
    rows_key, noise_key = jax.random.split(key)
    rows = jax.random.randint(rows_key, (steps, batch_size), 0, cases)
    keys = jax.random.split(noise_key, steps)
    return _fit(gan, (jnp.asarray(frames), jnp.asarray(mask)), rows, keys, rate)


@jax.jit
def _fit(gan: SequenceGAN, data: Any, rows: Array, keys: Array, rate: Array) -> Any:
    def advance(carry: Any, now: Any) -> tuple[Any, GANLosses]:
        batch, key = now
        frames, mask = (part[batch] for part in data)
        gan, state, losses = gan_step(*carry, frames=frames, mask=mask, learning_rate=rate, key=key)
        return (gan, state), losses

    (gan, _), losses = jax.lax.scan(advance, (gan, start_gan(gan)), (rows, keys))
    return gan, losses


_ADAM = optax.scale_by_adam(b1=0.5)


def _moved(parameters: Any, gradient: Any, state: Any, rate: Any) -> tuple[Any, Any]:
    with jax.numpy_dtype_promotion("standard"):  # Optax raises a float to an integer count
        change, state = _ADAM.update(gradient, state)
    return jax.tree.map(lambda old, new: old - rate * new, parameters, change), state
