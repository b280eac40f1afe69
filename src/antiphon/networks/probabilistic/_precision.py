"""Arithmetic in 64 bits where single precision would show: fitting by EM, and answers for whole data sets."""

from __future__ import annotations

import importlib
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from antiphon.errors import InputError

Module = TypeVar("Module")


def double() -> AbstractContextManager:
    """A context in which JAX has 64 bits, in this thread only."""
    switch: Any = getattr(jax, "enable_x64", None)
    if switch is None:  # its name before JAX 0.8
        switch = importlib.import_module("jax.experimental").enable_x64
    return switch(True)


def cast(module: Module, dtype: Any) -> Module:
    """The module with all its real numbers in another precision.

    Example:
        >>> with double():
        ...     print(cast({"weight": jnp.ones(2, jnp.float32)}, jnp.float64)["weight"].dtype)
        float64
    """
    return jax.tree.map(
        lambda leaf: leaf.astype(dtype) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf, module
    )


def precision(module: Any) -> Any:
    """The type of a module's real numbers."""
    return next(leaf.dtype for leaf in jax.tree.leaves(module) if jnp.issubdtype(leaf.dtype, jnp.floating))


def read_cases(
    values: Any, mask: Any, in_size: int
) -> tuple[Float[np.ndarray, "case time feature"], Bool[np.ndarray, "case time"]]:
    """Frames of many cases in 64 bits, 0 where masked, and their mask.

    Raises:
        InputError: If shapes do not fit, or a real frame holds NaN or infinity.
    """
    frames, there = np.asarray(values, np.float64), np.asarray(mask)
    if (
        frames.ndim != 3
        or frames.shape[2] != in_size
        or there.shape != frames.shape[:2]
        or there.dtype != bool
    ):
        raise InputError(
            f"Values of shape {frames.shape} and a mask of shape {there.shape} and type {there.dtype}.",
            f"Values (case, time, {in_size}) and a bool mask (case, time).",
            "Use antiphon.data.as_sequences(X).pad(), which gives both.",
        )
    if not np.isfinite(frames[there]).all():
        case = int(np.flatnonzero((~np.isfinite(frames).all(2) & there).any(1))[0])
        raise InputError(
            f"NaN or infinity in case {case}.",
            "Finite numbers in all real frames.",
            "Fill gaps, or mask the frames that are missing.",
        )
    return np.where(there[:, :, None], frames, 0.0), there


def in_double(answer: Any, module: Any, *arrays: np.ndarray) -> Any:
    """What a function of a module and arrays gives in 64 bits, as NumPy arrays.

    Args:
        answer: Called with the module and the arrays in 64 bits.
        module: A model of this package, in any precision.
        arrays: Its other arguments.

    Example:
        >>> float(in_double(lambda third, one: third + one, jnp.float32(1 / 3), np.ones((), np.float32)))
        1.3333333432674408
    """
    wide = [a.astype(np.float64) if np.issubdtype(a.dtype, np.floating) else a for a in arrays]
    with double():
        return jax.device_get(answer(cast(module, jnp.float64), *map(jnp.asarray, wide)))
