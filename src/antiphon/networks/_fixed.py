"""Parts of a network that are drawn once and never trained."""

from __future__ import annotations

import equinox as eqx


class Fixed(eqx.Module):
    """A part of a network whose arrays are never trained, for example a random reservoir.

    `trainable` leaves it out, and so do gradients and weight decay.
    """
