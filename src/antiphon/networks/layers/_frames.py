"""Layers that prepare frames: embedding of whole numbers, masking by value, normalisation."""

from __future__ import annotations

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_count, check_flag
from antiphon.networks.layers._dense import over_frames
from antiphon.networks.layers._layer import Built, Layer, Mask, check_rank


class BuiltEmbedding(eqx.Module):
    """A row of a table for each whole number."""

    embedding: eqx.nn.Embedding
    mask_zero: bool = eqx.field(static=True)

    def __call__(self, value: Array, mask: Mask, *, key: PRNGKeyArray | None = None) -> tuple[Array, Mask]:
        """The rows, and the mask without the zeros if they stand for nothing."""
        if self.mask_zero:
            real = value != 0
            mask = real if mask is None else mask & real
        return jax.vmap(self.embedding)(value), mask


@dataclass(frozen=True, eq=False)
class Embedding(Layer):
    """A vector of its own for each whole number: `(time,)` to `(time, output_dim)`.

    Initial vectors are uniform between -0.05 and 0.05. A model refuses numbers outside of the range where the
    layer reads an input.

    Args:
        input_dim: How many numbers there are: 0 to `input_dim - 1`.
        output_dim: Size of each vector.
        mask_zero: Whether 0 stands for no frame.
        name: How it is called in the model.

    Raises:
        InputError: If a setting is none of these; when called, if its input is no sequence of whole numbers.

    Example:
        >>> from antiphon.networks import Input
        >>> Embedding(100, 8)(Input((None,), dtype="int32")).shape
        (T, 8)
    """

    input_dim: int
    output_dim: int
    mask_zero: bool = False

    def __post_init__(self) -> None:
        check_count("input_dim", self.input_dim)
        check_count("output_dim", self.output_dim)
        check_flag("mask_zero", self.mask_zero)

    def build(self, *inputs: jax.ShapeDtypeStruct, key: PRNGKeyArray) -> Built:
        """With initial vectors."""
        if inputs[0].dtype != jnp.int32:
            raise InputError(
                f"Embedding got values of type {inputs[0].dtype}.",
                "Whole numbers.",
                'Put it first, behind Input((None,), dtype="int32").',
            )
        check_rank(self.kind, inputs[0].shape, "time")
        shape = (self.input_dim, self.output_dim)
        weight = jax.random.uniform(key, shape, jnp.float32, -0.05, 0.05)
        return BuiltEmbedding(eqx.nn.Embedding(weight=weight), self.mask_zero)


class BuiltMasking(eqx.Module):
    """Masks frames in which every feature has one value."""

    mask_value: float = eqx.field(static=True)

    def __call__(self, value: Array, mask: Mask, *, key: PRNGKeyArray | None = None) -> tuple[Array, Mask]:
        """The frames, 0 where they are masked, and the mask."""
        real = jnp.any(value != jnp.asarray(self.mask_value, value.dtype), axis=-1)
        real = real if mask is None else mask & real
        return jnp.where(real[:, None], value, 0.0), real


@dataclass(frozen=True, eq=False)
class Masking(Layer):
    """Masks every frame in which all features have one value, for sequences that were padded by hand.

    Not needed for lists of sequences: a model pads and masks these by itself.

    Args:
        mask_value: The value.
        name: How it is called in the model.

    Raises:
        InputError: If the value is no number; when called, if its input is no sequence.

    Example:
        >>> from antiphon.networks import Input
        >>> Masking(-1.0)(Input((29, 12))).shape
        (29, 12)
    """

    mask_value: float = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.mask_value, bool) or not isinstance(self.mask_value, int | float):
            raise InputError(f"mask_value={self.mask_value!r}.", "A number.", "Give it as a float.")

    def build(self, *inputs: jax.ShapeDtypeStruct, key: PRNGKeyArray) -> Built:
        """It has no parameters."""
        check_rank(self.kind, inputs[0].shape, "time, feature")
        return BuiltMasking(float(self.mask_value))


class BuiltLayerNormalization(eqx.Module):
    """Mean 0 and deviation 1 along the last axis, then a scale and a shift for each entry."""

    norm: eqx.nn.LayerNorm

    def __call__(self, value: Array, mask: Mask, *, key: PRNGKeyArray | None = None) -> tuple[Array, Mask]:
        """The value of each frame."""
        return over_frames(self.norm, value), mask


@dataclass(frozen=True, eq=False)
class LayerNormalization(Layer):
    """Mean 0 and deviation 1 along the last axis (Ba et al., 2016), then a learned scale and shift.

    Args:
        epsilon: Added to the variance; > 0.
        name: How it is called in the model.

    Raises:
        InputError: If epsilon is no positive number.

    Example:
        >>> from antiphon.networks import Input
        >>> LayerNormalization()(Input((None, 3))).shape
        (T, 3)
    """

    epsilon: float = 1e-3

    def __post_init__(self) -> None:
        if isinstance(self.epsilon, bool) or not isinstance(self.epsilon, float) or not self.epsilon > 0:
            raise InputError(f"epsilon={self.epsilon!r}.", "A float above 0.", "Leave it out for 0.001.")

    def build(self, *inputs: jax.ShapeDtypeStruct, key: PRNGKeyArray) -> Built:
        """With scale 1 and shift 0."""
        return BuiltLayerNormalization(eqx.nn.LayerNorm(inputs[0].shape[-1:], eps=self.epsilon))
