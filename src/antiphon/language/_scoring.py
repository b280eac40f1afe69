"""Running a program on many cases: compiled once for a sketch, in chunks of one shape.

A case is padded to a length that follows from its own length alone, and run in a chunk of a size that
follows from that: so it gets the same numbers to the last bit, whatever else is in the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Float

from antiphon.language._evaluate import Arrays, evaluate
from antiphon.language._language import Language
from antiphon.language._terms import Apply, Term, children, walk, with_children

SHORTEST = 32  # frames; below this another shape costs more to compile than padding costs to run
LARGEST_CHUNK = 64
CHUNK_NUMBERS = 1 << 22  # about 16 MB of frames at once


def bucket(length: int) -> int:
    """The length that a sequence is padded to: the next power of two, at least 32.

    Example:
        >>> bucket(7), bucket(32), bucket(100)
        (32, 32, 128)
    """
    return max(SHORTEST, 1 << (length - 1).bit_length())


def _without_data(term: Term, language: Language) -> Term:
    """The term with only what shapes the computation: no arrays, nor constants that arrive as arrays."""
    term = with_children(term, tuple(_without_data(c, language) for c in children(term)))
    if not isinstance(term, Apply):
        return term
    config = tuple((k, "" if k in language[term.name].data else v) for k, v in term.config)
    return replace(term, config=config, parameters=None)


@dataclass(frozen=True, eq=False)
class _Skeleton:
    """A key for compiled functions: equal where the same primitives are put together in the same way."""

    term: Term
    language: Language

    def key(self) -> tuple:
        words = sorted({node.name for _, node in walk(self.term) if isinstance(node, Apply)})
        return self.term, self.language.is_table, tuple(self.language[w].run for w in words)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Skeleton) and self.key() == other.key()

    def __hash__(self) -> int:
        return hash(self.key())


@lru_cache(maxsize=256)
def _compiled(skeleton: _Skeleton) -> Callable[..., Any]:
    def one(parameters: Arrays, data: Arrays, frames: jax.Array, mask: jax.Array) -> Any:
        x = frames[0] if skeleton.language.is_table else (frames, mask)
        return evaluate(skeleton.term, skeleton.language, {"x": x}, parameters, data)

    return jax.jit(jax.vmap(one, in_axes=(None, None, 0, 0)))


def _chunks(
    mask: Bool[np.ndarray, "case time"], features: int, is_table: bool
) -> Iterator[tuple[np.ndarray, int, int]]:
    """Which cases run together: their indices, the length they are padded to, the size of the chunk."""
    lengths = np.where(mask.any(1), mask.shape[1] - mask[:, ::-1].argmax(1), 1)
    buckets = np.array([1 if is_table else bucket(int(n)) for n in lengths])
    for time in np.unique(buckets).tolist():
        room = max(1, CHUNK_NUMBERS // (time * features))
        size = min(LARGEST_CHUNK, 1 << (room.bit_length() - 1))
        cases = np.flatnonzero(buckets == time)
        for start in range(0, len(cases), size):
            yield cases[start : start + size], time, size


def run_cases(
    term: Term,
    language: Language,
    parameters: Arrays,
    data: Arrays,
    values: Float[np.ndarray, "case time feature"],
    mask: Bool[np.ndarray, "case time"],
    width: int,
) -> np.ndarray:
    """A term's value on each case, hard (temperature 0).

    Args:
        term: A term without holes, of type `Real[width]` or `Seq[Real[width]]`.
        language: Bound to the features.
        parameters: As `parameters(term)` gives.
        data: As `data_arrays` gives.
        values: Frames, padded.
        mask: Which of them are real.
        width: Numbers in an output vector.

    Returns:
        `(case, width)`, or `(case, time, width)` with 0 where no frame is.
    """
    run = _compiled(_Skeleton(_without_data(term, language), language))
    cases, time, features = values.shape
    found = np.zeros((cases, width), np.float32)
    for which, length, size in _chunks(mask, features, language.is_table):
        kept = min(length, time)
        frames = np.zeros((size, length, features), np.float32)
        there = np.zeros((size, length), bool)
        there[:, 0] = True  # what fills up the chunk is a sequence too
        there[: len(which), :kept] = mask[which, :kept]
        frames[: len(which), :kept] = np.where(mask[which, :kept, None], values[which, :kept], 0)
        result = run(parameters, data, frames, there)
        if isinstance(result, tuple):
            if found.ndim == 2:
                found = np.zeros((cases, time, width), np.float32)
            per_frame = np.where(np.asarray(result[1])[..., None], np.asarray(result[0]), 0)
            found[which, :kept] = per_frame[: len(which), :kept]
        else:
            found[which] = np.asarray(result)[: len(which)]
    return found
