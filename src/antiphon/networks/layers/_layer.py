"""What a layer is before it has parameters, and how layers are put together on symbolic tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_choice

Shape = tuple[Any, ...]  # ints, or an expression of the number of frames T
Mask = Array | None  # (time,), True where the frame is real; None where all are
Built = Callable[..., tuple[Any, Any]]  # (value, mask, key=...) -> (value, mask)

# An output that ends in one of these is trained on what stands before it, which loses no digits.
HEADS = ("softmax", "sigmoid")


@cache
def frames_size() -> Any:
    """The symbol `T`: any number of frames."""
    return jax.export.symbolic_shape("T")[0]


def is_fixed(size: Any) -> bool:
    """Whether a size is a plain number."""
    return isinstance(size, int)


def show(shape: Shape) -> str:
    """A shape as people write it, `(T, 12)`."""
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


@dataclass(frozen=True, eq=False)
class SymbolicTensor:
    """What a layer will give, before there is data: a shape, and where it comes from.

    Attributes:
        shape: Of one case. `T` stands for the number of frames.
        dtype: `float32` or `int32`.
        layer: Which layer gives it; None for an input.
        inputs: What that layer reads.
        mask: Shape of the mask that goes with it, if a layer made one.
        name: Of an input.

    Example:
        >>> Input((None, 12)).shape
        (T, 12)
    """

    shape: Shape
    dtype: Any = jnp.float32
    layer: Layer | None = None
    inputs: tuple[SymbolicTensor, ...] = ()
    mask: jax.ShapeDtypeStruct | None = None
    name: str | None = None

    @property
    def struct(self) -> jax.ShapeDtypeStruct:
        """Shape and dtype as JAX takes them in place of an array."""
        return jax.ShapeDtypeStruct(self.shape, self.dtype)


def Input(  # noqa: N802
    shape: Sequence[int | None], *, dtype: str = "float32", name: str | None = None
) -> SymbolicTensor:
    """An input of a model: one case, without the axis of cases.

    Args:
        shape: `(None, feature)` for sequences of any length, `(time, feature)` for one length, `(feature,)`
            for vectors, `(height, width, channel)` for images, `(None,)` for sequences of whole numbers.
        dtype: `"float32"`, or `"int32"` in front of an `Embedding`.
        name: How the input is called where there are several.

    Raises:
        InputError: If a size is no number from 1 up, or None stands elsewhere than first.

    Example:
        >>> from antiphon.networks.layers import LSTM
        >>> LSTM(8)(Input((None, 12))).shape
        (8,)
    """
    sizes = tuple(shape) if isinstance(shape, Sequence) and not isinstance(shape, str) else ()
    fine = [isinstance(s, int) and not isinstance(s, bool) and s > 0 for s in sizes]
    if not sizes or not all(fine[1:]) or not (fine[0] or sizes[0] is None):
        raise InputError(
            f"An input of shape {shape!r}.",
            "Whole numbers from 1 up, of which the first may be None: any number of frames.",
            "Give the shape of one case, such as (None, 12) or (28, 28, 1), without the axis of cases.",
        )
    check_choice("dtype", dtype, ("float32", "int32"))
    first = frames_size() if sizes[0] is None else sizes[0]
    return SymbolicTensor((first, *sizes[1:]), jnp.dtype(dtype), name=name)


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer that has no parameters yet: it gets them once the shape of its input is known.

    Called on a symbolic tensor, it gives another. To write one, give `build`.

    Args:
        name: How it is called in the model; by default its kind and a number.

    Example:
        >>> from antiphon.networks.layers import Dense
        >>> Dense(3)(Input((5,))).shape
        (3,)
    """

    name: str | None = field(default=None, kw_only=True)

    @property
    def kind(self) -> str:
        """The name of its class."""
        return type(self).__name__

    def build(self, *inputs: jax.ShapeDtypeStruct, key: PRNGKeyArray) -> Built:
        """The layer with initial parameters, an Equinox module.

        Args:
            inputs: Shape and dtype of what it will read, for one case.
            key: Randomness of the initial parameters.

        Returns:
            A module that is called as `(value, mask, key=...)` and gives `(value, mask)`. A layer of several
            inputs gets a tuple of values and a tuple of masks. The key is None outside of training.
        """
        raise NotImplementedError(f"{self.kind} has no build.")

    def split_head(self) -> tuple[Layer, str]:
        """The layer without a final softmax or sigmoid, and the name of what was taken off, or `"linear"`."""
        activation = getattr(self, "activation", None)
        if activation in HEADS:
            return replace(self, **{"activation": None}), activation
        return self, "linear"

    def __call__(self, inputs: SymbolicTensor | Sequence[SymbolicTensor]) -> SymbolicTensor:
        """What the layer gives for this input, or for these inputs.

        Raises:
            InputError: If the shapes do not fit the layer.
        """
        tensors = (inputs,) if isinstance(inputs, SymbolicTensor) else tuple(inputs)
        if not tensors or not all(isinstance(tensor, SymbolicTensor) for tensor in tensors):
            raise InputError(
                f"{self.kind} called on {type(inputs).__name__}.",
                "What Input or another layer gave.",
                "Put arrays into a model: Model(inputs, outputs).predict(X).",
            )
        value, mask = eqx.filter_eval_shape(
            lambda: run(
                self.build(*(tensor.struct for tensor in tensors), key=jax.random.key(0)),
                [jnp.zeros(tensor.shape, tensor.dtype) for tensor in tensors],
                [None if tensor.mask is None else jnp.ones(tensor.mask.shape, bool) for tensor in tensors],
            )
        )
        return SymbolicTensor(value.shape, value.dtype, self, tensors, mask)


def run(
    layer: Built, values: Sequence[Array], masks: Sequence[Mask], key: PRNGKeyArray | None = None
) -> tuple[Array, Mask]:
    """Call a built layer: alone with one value, with tuples of several."""
    if len(values) == 1:
        return layer(values[0], masks[0], key=key)
    return layer(tuple(values), tuple(masks), key=key)


def check_rank(kind: str, shape: Shape, axes: str) -> None:
    """Refuse a shape that does not have these axes."""
    if len(shape) != len(axes.split(", ")):
        raise InputError(
            f"{kind} got a value of shape {show(shape)}.",
            f"A shape ({axes}).",
            advice_of_rank(kind, len(shape)),
        )


def advice_of_rank(kind: str, rank: int) -> str:
    """What mostly is wrong."""
    if rank == 1:
        return f"Set return_sequences=True in the recurrent layer before {kind}, or leave {kind} out."
    return f"Look at model.summary() for what comes before {kind}, and give data with these axes."
