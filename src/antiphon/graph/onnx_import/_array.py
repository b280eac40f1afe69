"""Arrays while a model is traced: NumPy where the value is known, JAX's where it is computed.

Shapes and what is computed from them stay NumPy (64-bit integers, or objects that hold symbolic sizes), so
that a `Reshape` to a computed shape works under `jit`, and for any batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from antiphon.errors import ImportedModelError

# No array that a model makes from a shape it states may be larger: 2**28 elements are 1 GiB in float32.
MOST_ELEMENTS = 2**28


class NodeError(ImportedModelError):
    """An error of one node, which its message names."""

    unknown = False  # whether a value is missing that only a run can tell


class UnknownWhileTracingError(ImportedModelError):
    """A shape, axis or number that a model computes from its inputs, where it must be known when tracing."""


def canonical(dtype: Any) -> Any:
    """The dtype that JAX holds such values in: 32 bits for 64, unless `jax_enable_x64` is set."""
    return jax.dtypes.canonicalize_dtype(dtype)


def is_known(value: Any) -> bool:
    """Whether the value is there, and not only traced. Symbolic sizes count as known."""
    if isinstance(value, list | tuple):
        return all(map(is_known, value))
    return not isinstance(value, Tracer)


def array(value: Any) -> Any:
    """The value as JAX's array (lists and absent values as they are)."""
    if isinstance(value, list):
        return [array(v) for v in value]
    if value is None or isinstance(value, jax.Array):
        return value
    value = np.asarray(value)
    if value.dtype == object:
        return _stacked(value)
    want = canonical(value.dtype)
    if want != value.dtype and value.dtype.kind in "iu" and value.size:
        bounds = jnp.iinfo(want)
        if value.min() < bounds.min or value.max() > bounds.max:
            raise ImportedModelError(
                f"a constant from {value.min()} to {value.max()}, which {want} cannot hold.",
                "",
                "Run the model with 64 bits: jax.config.update('jax_enable_x64', True).",
            )
    return jnp.asarray(value.astype(want))


def _stacked(value: np.ndarray) -> jax.Array:
    """Symbolic sizes as an array that is computed when the sizes are known."""
    want = canonical(np.int64)
    flat = [jnp.asarray(v).astype(want) for v in value.reshape(-1)]
    return jnp.stack(flat).reshape(value.shape) if flat else jnp.zeros(value.shape, want)


def known(value: Any, what: str) -> np.ndarray:
    """The value as NumPy's array.

    Raises:
        UnknownWhileTracingError: It is traced: it depends on the inputs of the model.
    """
    if isinstance(value, np.ndarray):
        return value
    if not is_known(value):
        raise UnknownWhileTracingError(
            f"{what} is computed from the values of the model's inputs.",
            "a value that is known when the model is traced.",
            "Call the model outside jit, vmap and grad, or make that input a constant of the model.",
        )
    return np.asarray(value)


def sizes(value: Any) -> tuple[Any, ...]:
    """A vector of whole numbers (or symbolic sizes), as a tuple."""
    return tuple(v if not isinstance(v, int | np.integer) else int(v) for v in np.asarray(value).reshape(-1))


def claim(shape: Sequence[Any]) -> tuple[Any, ...]:
    """The shape, if an array of it may be made.

    Raises:
        ImportedModelError: It has a negative size or is larger than any model needs.
    """
    total = 1
    for size in shape:
        if not isinstance(size, int):
            continue
        if size < 0:
            raise ImportedModelError(f"a shape {tuple(shape)} with a negative size.", "sizes of 0 or more.")
        total *= size
    if total > MOST_ELEMENTS:
        raise ImportedModelError(
            f"an array of shape {tuple(shape)}, {total} elements.", f"at most {MOST_ELEMENTS} elements."
        )
    return tuple(shape)


def aligned(*values: Any) -> list[Any]:
    """The arrays with axes of size 1 put in front, so that all have one rank."""
    rank = max(np.ndim(v) for v in values)
    return [v if np.ndim(v) == rank else v.reshape((1,) * (rank - np.ndim(v)) + np.shape(v)) for v in values]


def broadcast(*shapes: Sequence[Any]) -> tuple[Any, ...]:
    """The shape that arrays of these shapes have together; sizes may be symbolic."""
    rank = max(map(len, shapes))
    together: list[Any] = []
    for axis in range(-rank, 0):
        entries = {s[axis] for s in shapes if len(s) >= -axis}
        different = [e for e in entries if not (isinstance(e, int) and e == 1)]
        if len(different) > 1:
            raise ImportedModelError(f"shapes that do not fit together: {', '.join(map(str, shapes))}.")
        together.append(different[0] if different else 1)
    return tuple(together)


def axis_of(axis: int, rank: int) -> int:
    """The axis counted from the front.

    Raises:
        ImportedModelError: There is no such axis.
    """
    if not -rank <= axis < rank:
        raise ImportedModelError(f"axis {axis} of an array of rank {rank}.", f"from {-rank} to {rank - 1}.")
    return axis % rank


def axes_of(axes: Any, rank: int) -> tuple[int, ...]:
    """Axes counted from the front; each at most once."""
    found = tuple(axis_of(int(a), rank) for a in np.asarray(axes).reshape(-1))
    if len(set(found)) != len(found):
        raise ImportedModelError(f"axes {found} with one that comes twice.")
    return found
