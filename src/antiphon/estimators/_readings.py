"""What a program reads: the summaries of its streams, what each takes from a case, and how much that counts.

Where frames become one vector, or (tagging) where a map reads a stream, a program has a *reading*. The rest
of the program sees the frames through its readings alone, so a decision can be told in terms of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from antiphon.data import Sequences, bucket_length
from antiphon.language import (
    Apply,
    Lam,
    Path,
    Program,
    Real,
    Seq,
    Term,
    Var,
    check,
    children,
    data_arrays,
    entry_names,
    evaluate,
    parameters,
    replace_at,
    walk,
)

MOST_BLOCKS = 128  # stretches of a long sequence that are changed one at a time
MOST_NUMBERS = 1 << 25  # in all the changed copies of it


@dataclass(frozen=True)
class Reading:
    """A place where a program reads a stream: its path, and the term there."""

    path: Path
    term: Apply

    @property
    def stream(self) -> tuple[Path, Term] | None:
        """The first stream below it; None where it has none of its own."""
        return ((*self.path, 0), self.term.args[0]) if self.term.args else None


class Readings:
    """The readings of a program, each different one once, outermost first.

    Args:
        program: A program on sequences.

    Example:
        >>> from antiphon.language import Program
        >>> program = Program.parse('''language sequence
        ... input x: Seq[Real[2]] of speed, nose
        ... output numbers y
        ... program
        ...   affine[2*speed](mean(x)) + affine[1*nose](last(x))
        ... ''')
        >>> readings = Readings(program)
        >>> [one.term.name for one in readings]
        ['mean', 'last']
        >>> readings.values(np.float32([[[1, 2], [3, 4]]]), np.ones((1, 2), bool))[1].tolist()
        [[3.0, 4.0]]
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.tagging = program.output.task == "tagging"
        places: dict[Apply, list[Path]] = {}
        for path, node in _summaries(program):
            places.setdefault(node, []).append(path)
        self._places = places
        self.all = [Reading(paths[0], node) for node, paths in places.items()]

    def __iter__(self) -> Iterator[Reading]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    def entries(self, reading: Reading) -> tuple[str, ...]:
        """The names of the numbers that a reading gives."""
        return entry_names(self.program.typing[reading.path])

    def number_at(self, path: Path) -> int | None:
        """Which reading stands at a path of the program; for tagging, which one its map reads."""
        node: Term = self.program.term
        for i in path:
            node = children(node)[i]
        if isinstance(node, Var) and node.name != "x":  # that of the map
            path = (1,)
        for number, paths in enumerate(self._places.values()):
            if path in paths:
                return number
        return None

    def values(
        self, values: Float[np.ndarray, "case time feature"], mask: Bool[np.ndarray, "case time"]
    ) -> list[np.ndarray]:
        """What each reading takes from each case: `(case, entry)`, or (tagging) `(case, time, entry)`."""
        return [np.asarray(one) for one in self._together(values, mask)]

    def of(self, term: Term, values: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """The value of a part of the program on each case; of a stream its frames."""
        if term == Var("x"):
            return values
        if term not in self._functions:
            self._functions[term] = jax.jit(jax.vmap(self._function(term)))
        return np.asarray(self._functions[term](values, mask))

    @cached_property
    def _functions(self) -> dict[Term, Any]:
        return {}

    @cached_property
    def _together(self) -> Any:
        """All readings as one function, which is compiled faster than each by itself."""
        functions = [self._function(reading.term) for reading in self]
        return jax.jit(jax.vmap(lambda frames, there: [one(frames, there) for one in functions]))

    def _function(self, term: Term) -> Any:
        language = self.program.language
        data = data_arrays(term, language, check(term, language))

        def one(frames: jax.Array, there: jax.Array) -> jax.Array:
            result = evaluate(term, language, {"x": (frames, there)}, parameters(term), data)
            return result[0] if isinstance(result, tuple) else result

        return one

    def slopes(
        self,
        values: Float[np.ndarray, "case time feature"],
        mask: Bool[np.ndarray, "case time"],
        lead: Callable[[Any, jax.Array], jax.Array],
        winners: np.ndarray,
    ) -> list[np.ndarray]:
        """How fast the lead of the decision rises with each number that is read; shapes as of `values`.

        Args:
            values: Frames.
            mask: Which of them are real.
            lead: A function of scores and the winning class to a number.
            winners: The winning class of each case (or frame).
        """
        program = self.program
        term: Term = program.term
        for number, paths in enumerate(self._places.values()):
            for path in paths:
                term = replace_at(term, path, Var(f"reading {number}"))
        data = data_arrays(program.term, program.language, program.typing)
        arrays = parameters(program.term)

        def margin(read: Any, frames: jax.Array, there: jax.Array, winner: jax.Array) -> jax.Array:
            scope = {
                f"reading {number}": (value, there) if self.tagging else value
                for number, value in enumerate(read)
            }
            scores = evaluate(term, program.language, {"x": (frames, there), **scope}, arrays, data)
            return lead(scores, winner)

        read = [jnp.asarray(value) for value in self.values(values, mask)]
        found = jax.jit(jax.vmap(jax.grad(margin)))(read, values, mask, winners)
        return [np.asarray(one) for one in found]

    def seen(self, frames: Float[np.ndarray, "time feature"]) -> list[tuple[int, int] | None]:
        """Which frames of one case each reading sees: the first, and the one after the last.

        One stretch of frames after another is changed, and what changes the reading is what it sees. For
        tagging it is what the stream shows of the middle frame.
        """
        time = len(frames)
        length = bucket_length(time)
        most = int(np.clip(MOST_NUMBERS // (2 * length * frames.shape[1]), 1, MOST_BLOCKS))
        blocks = np.array_split(np.arange(time), min(time, most))
        padded = np.zeros((length, frames.shape[1]), np.float32)
        padded[:time] = frames
        there = np.arange(length) < time
        # Far out of what is usual, up and down, so that a maximum and a minimum notice too; and different
        # from block to block, so that no difference cancels.
        jump = (10 * frames.std(0) + 1).astype(np.float32)
        # As many copies for every case of this bucket, so that they share one compiled function; the last
        # is as it was.
        changed = np.repeat(padded[None], 2 * min(length, most) + 1, axis=0)
        for i, block in enumerate(blocks):
            changed[2 * i, block] += jump
            changed[2 * i + 1, block] -= jump
        found: list[tuple[int, int] | None] = []
        for moved in self.values(changed, np.broadcast_to(there, changed.shape[:2])):
            moved = moved[:, time // 2] if self.tagging else moved
            base = moved[-1]
            noise = 1e-6 * (1 + np.abs(base))
            differs = (np.abs(moved[: 2 * len(blocks)] - base) > noise).any(-1).reshape(-1, 2).any(1)
            places = np.flatnonzero(np.repeat(differs, [len(block) for block in blocks]))
            found.append((int(places[0]), int(places[-1]) + 1) if len(places) else None)
        return found


def _summaries(program: Program) -> list[tuple[Path, Apply]]:
    """The places where frames become one vector or (tagging) where a map reads a stream; outermost first."""
    typing = program.typing
    tagging = program.output.task == "tagging"
    found: list[tuple[Path, Apply]] = []

    def visit(node: Term, path: Path) -> None:
        below = node.args if isinstance(node, Apply) else (node.body,) if isinstance(node, Lam) else ()
        if isinstance(node, Apply) and _is_closed(node):
            streams = any(isinstance(typing[(*path, i)], Seq) for i in range(len(below)))
            if streams and isinstance(typing[path], Seq if tagging else Real):
                found.append((path, node))
                return
        for i, child in enumerate(below):
            visit(child, (*path, i))

    visit(program.term, ())
    return found


def _is_closed(node: Term) -> bool:
    """Whether a sub-term has no variable but the input and no choice or map of its own to explain."""
    return all(
        (isinstance(n, Var) and n.name == "x")
        or (isinstance(n, Apply) and n.name not in ("add", "mul", "if", "affine", "step", "tanh"))
        for _, n in walk(node)
    )


def average_readings(readings: Readings, X: Sequences, *, most: int = 500) -> list[np.ndarray]:
    """What each reading takes from a case on average.

    Args:
        readings: Those of a program.
        X: The training part.
        most: So many cases, evenly spread, are enough.
    """
    some = np.unique(np.linspace(0, len(X) - 1, min(len(X), most)).astype(int))
    values, mask = X.take(some).pad()
    return [
        read[mask].mean(0) if readings.tagging else read.mean(0) for read in readings.values(values, mask)
    ]
