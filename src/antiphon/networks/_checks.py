"""What a setting or an input of a network must be, said before JAX says it less plainly."""

from __future__ import annotations

from collections.abc import Iterable

import jax.numpy as jnp

from antiphon.errors import InputError


def check_count(name: str, value: object) -> int:
    """The value, if it is a whole number from 1 up."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{name}={value!r}.", "A whole number from 1 up.", f"Give {name} as a positive int.")
    return value


def check_flag(name: str, value: object) -> bool:
    """The value, if it is True or False."""
    if not isinstance(value, bool):
        raise InputError(f"{name}={value!r}.", "A bool.", f"Set {name} to True or False.")
    return value


def check_rate(name: str, value: object) -> float:
    """The value as a float, if it is a share from 0 up to but not including 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise InputError(f"{name}={value!r}.", "A number >= 0 and < 1.", "Use 0.0 for no dropout.")
    return float(value)


def check_choice(name: str, value: object, choices: Iterable[str]) -> str:
    """The value, if it is one of the names."""
    names = tuple(choices)
    if not isinstance(value, str) or value not in names:
        raise InputError(
            f"{name}={value!r}.", f"One of {', '.join(names)}.", f"Choose {name} from that list."
        )
    return value


def check_frames(frames, mask, in_size: int) -> None:
    """Refuse anything but one unbatched sequence of `in_size` features and its mask."""
    if frames.ndim != 2 or frames.shape[1] != in_size:
        raise InputError(
            f"Frames of shape {tuple(frames.shape)}.",
            f"One sequence of shape (time, {in_size}).",
            "Use jax.vmap for a batch of sequences, or make the network with another in_size.",
        )
    if mask.shape != frames.shape[:1] or mask.dtype != jnp.bool_:
        raise InputError(
            f"A mask of shape {tuple(mask.shape)} and type {mask.dtype}.",
            f"A bool for each frame: shape ({frames.shape[0]},), True where the frame is real.",
            "Pass the mask that belongs to these frames.",
        )
