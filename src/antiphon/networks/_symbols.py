"""Sequences of symbols: whole numbers from 0, and a mask."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from antiphon.errors import InputError

Symbols = Int[Array, " symbol"]
SymbolMask = Bool[Array, " symbol"]


def check_symbols(symbols: Array, mask: Array) -> None:
    """Refuse anything but one unbatched sequence of whole numbers and its mask."""
    if symbols.ndim != 1 or not jnp.issubdtype(symbols.dtype, jnp.integer):
        raise InputError(
            f"Symbols of shape {tuple(symbols.shape)} and type {symbols.dtype}.",
            "Whole numbers of shape (time,).",
            "Number the symbols from 0, and use jax.vmap for a batch of sequences.",
        )
    if mask.shape != symbols.shape or mask.dtype != jnp.bool_:
        raise InputError(
            f"A mask of shape {tuple(mask.shape)} and type {mask.dtype}.",
            f"A bool for each symbol: shape ({symbols.shape[0]},), True where it is real.",
            "Pass the mask that belongs to these symbols.",
        )
