"""Fitted models as a state and a step: scores at each frame, from what was before it alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from antiphon.errors import InputError
from antiphon.language import Program, to_stream
from antiphon.networks import SequenceToSequence, SequenceToVector

Frames = Float[Array, "time feature"]
Mask = Bool[Array, " time"]
Scores = Float[Array, "time scores"]


@dataclass(frozen=True)
class ModelStream:
    """A model that reads a few frames at a time.

    Attributes:
        initial: The state before the first frame, a tree of arrays.
        advance: From a state, frames `(time, feature)` and a mask `(time,)` to the next state and the scores
            `(time, scores)` after each frame. Compiled; what it gives at masked frames means nothing.
    """

    initial: Any
    advance: Callable[[Any, Any, Any], tuple[Any, Scores]]


def model_stream(model: Any) -> ModelStream:
    """A fitted estimator as a stream.

    Raises:
        InputError: It also reads backward, or has no form in which it goes frame by frame.
        ExportError: Its program has a word that needs frames that are yet to come.
    """
    program = getattr(model, "program_", None)
    if isinstance(program, Program):
        return _of_program(program)
    network = getattr(model, "network_", None)
    name = type(model).__name__
    if not isinstance(network, (SequenceToVector, SequenceToSequence)):
        raise InputError(
            f"A {name} of a {type(network).__name__}, which does not go frame by frame.",
            "A program that looks at the past only, or a recurrent network that reads forward.",
            "Learn such a program, or a RecurrentClassifier or RecurrentTagger with bidirectional=False.",
        )
    if network.recurrent.bidirectional:
        raise InputError(
            f"A {name} that also reads backward, from an end that a stream does not have yet.",
            "A network that reads forward only.",
            "Learn it again with bidirectional=False (of networks by name: 'gru', not 'bigru').",
        )
    return ModelStream(network.initial_state(), lambda *given: _resumed(network, *given))


@eqx.filter_jit
def _resumed(network: Any, state: Any, frames: Frames, mask: Mask) -> tuple[Any, Scores]:
    scores, state = network.resume(frames, mask, state)
    return state, scores


def _of_program(program: Program) -> ModelStream:
    stream = to_stream(program)

    def one(state: Any, now: tuple[Array, Array]) -> tuple[Any, Array]:
        frame, real = now
        following, scores = stream.step(state, frame)
        return jax.tree.map(lambda new, old: jnp.where(real, new, old), following, state), scores

    @jax.jit
    def advance(state: Any, frames: Frames, mask: Mask) -> tuple[Any, Scores]:
        return jax.lax.scan(one, state, (frames, mask))

    return ModelStream(stream.initial, advance)
