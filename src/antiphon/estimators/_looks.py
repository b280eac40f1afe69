"""Where a program looks: how much each number it reads counts, which frames, and against which thresholds.

Everything is asked of the program itself, by its gradient or by changing what it reads, so that primitives
of any language are told about, those of a user's own included.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from antiphon.data import Sequences
from antiphon.errors import LanguageError
from antiphon.estimators._readings import Readings
from antiphon.language import (
    Apply,
    Lam,
    Language,
    Output,
    Path,
    Program,
    Seq,
    Term,
    check,
    data_arrays,
    entry_names,
    evaluate,
    parameters,
    print_term,
    to_words,
    walk,
)

SHOWN_WINDOWS = 8
# What these give of a feature can be drawn on the same scale as the feature.
SAME_SCALE = {
    "mean", "max", "min", "first", "last", "middle", "at", "part",
    "window_mean", "window_max", "window_min", "prefix_mean", "prefix_max", "prefix_min",
}  # fmt: skip

Threshold = tuple[str, float, str]
Window = tuple[str, float, float]
Comparison = tuple[Path, int, float, str]


def contributions(
    program: Program, X: Sequences, average: Float[np.ndarray, " feature"]
) -> list[Float[np.ndarray, "time feature"]]:
    """How much each number of each case speaks for the prediction.

    The gradient of the margin of the prediction (its score minus the runner-up's; for a regression the
    first number; for tagging the mean margin over frames), times the deviation of the number from the
    average. For a program that is linear in its input these add up to the margin minus that of the average
    input: nothing is approximated. `if` and thresholds are hard, as when the program runs.

    Args:
        program: The program.
        X: A few cases.
        average: What each feature is on average in the training data.

    Returns:
        For each case an array `(time, feature)`.

    Example:
        >>> from antiphon.data import as_sequences
        >>> from antiphon.language import Program
        >>> program = Program.parse('''language sequence
        ... input x: Seq[Real[1]] of speed
        ... output classes ["rest", "walk"]
        ... program
        ...   affine[2*speed - 3](mean(x))
        ... ''')
        >>> X = as_sequences([np.float32([[1], [3]])], features=["speed"])
        >>> contributions(program, X, np.ones(1, np.float32))[0].ravel().tolist()
        [0.0, 2.0]
    """
    values, mask = X.pad()
    won = winners(program, values, mask)

    def margin(frames: jax.Array, there: jax.Array, winner: jax.Array) -> jax.Array:
        return lead(program, _scores(program, frames, there), winner)

    slopes = np.asarray(jax.jit(jax.vmap(jax.grad(margin)))(values, mask, won))
    weights = slopes * (values - average.astype(np.float32)[None, None, :])
    return [weight[there] for weight, there in zip(weights, mask, strict=True)]


def lead(program: Program, scores: Any, winner: jax.Array) -> jax.Array:
    """By how much the winning class leads; for tagging the mean over frames.

    Args:
        program: The program.
        scores: What its term gives: `(scores,)`, or frames of them with their mask.
        winner: The number of the winning class, or one a frame.
    """
    rows = scores if isinstance(scores, tuple) else (scores[None, :], jnp.ones((1,), bool))
    same = jnp.broadcast_to(winner, (len(rows[0]),))
    gaps = jax.vmap(lambda s, w: _gap(program, s, w))(rows[0], same)
    return jnp.where(rows[1], gaps, 0.0).sum() / jnp.maximum(rows[1].sum().astype(jnp.float32), 1.0)


def _scores(program: Program, frames: jax.Array, there: jax.Array) -> Any:
    term, language = program.term, program.language
    x = frames[0] if language.is_table else (frames, there)
    data = data_arrays(term, language, program.typing)
    return evaluate(term, language, {"x": x}, parameters(term), data)


def winners(program: Program, values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Number of the winning class of each case, or (tagging) of each frame."""
    scores = program.scores(values, mask)
    if program.output.task == "regression":
        return np.ones(len(values), np.int32)
    if program.output.scores == 1:
        return (program.decide(scores) == program.output.classes[1]).astype(np.int32)
    return scores.argmax(-1).astype(np.int32)


def _gap(program: Program, scores: jax.Array, winner: jax.Array) -> jax.Array:
    """By how much a class leads: positive where it wins (up to the threshold, which has no gradient)."""
    if len(scores) == 1:
        return jnp.where(winner == 1, scores[0], -scores[0])
    if program.output.task == "regression":
        return scores[0]
    chosen = jnp.arange(len(scores), dtype=jnp.int32) == winner
    return jnp.where(chosen, scores, 0.0).sum() - jnp.where(chosen, -jnp.inf, scores).max()


def windows(program: Program, frames: Float[np.ndarray, "time feature"]) -> tuple[Window, ...]:
    """Which frames each summary in a program sees in one sequence.

    For tagging it is what a stream shows of the middle frame.

    Args:
        program: A program on sequences; one on tables has no windows.
        frames: The sequence.

    Returns:
        For each summary its words, the first frame and the frame after the last, widest first.

    Example:
        >>> from antiphon.language import Program
        >>> program = Program.parse('''language sequence
        ... input x: Seq[Real[1]] of speed
        ... output numbers y
        ... program
        ...   mean(part[part=2, of=2](x)) + last(x)
        ... ''')
        >>> windows(program, np.ones((6, 1), np.float32))
        (('mean of x in the last half', 3, 6), ('last x', 5, 6))
    """
    if program.language.is_table:
        return ()
    return windows_of(Readings(program), frames)


def windows_of(readings: Readings, frames: Float[np.ndarray, "time feature"]) -> tuple[Window, ...]:
    """The same for readings that were found before."""
    found = []
    for reading, seen in zip(readings, readings.seen(frames), strict=True):
        if seen is not None:
            label = phrase(reading.term, readings.program.language)
            found.append((label + f", at frame {len(frames) // 2}" * readings.tagging, *seen))
    return tuple(sorted(found, key=lambda w: (w[1] - w[2], w[1])))[:SHOWN_WINDOWS]


def phrase(node: Term, language: Language) -> str:
    """What a sub-term reads, in words that speak of `x` as a whole; its text where it cannot be said so.

    Example:
        >>> from antiphon.language import parse_term, sequence
        >>> phrase(parse_term("mean(delta(x))", sequence.bind({"speed": "", "angle": ""})), sequence)
        'mean of change of x'
    """
    try:
        alone = language.bind({"x": ""}, groups={}, rate_hz=language.rate_hz)
        streams = isinstance(check(node, alone)[()], Seq)
        whole = Apply("first", (node,)) if streams else node  # words are for what becomes a number
        said = to_words(Program(whole, alone, Output("regression", targets=("y",))))
    except LanguageError:  # it is made for so many features
        return print_term(node, language)
    words = " ".join(said.removeprefix("y =").split())
    if not streams:
        return words
    if not words.startswith("first "):
        return print_term(node, language)
    inner = words.removeprefix("first ")
    return inner[1:-1] if inner.startswith("(") and inner.endswith(")") else inner


def thresholds(program: Program) -> tuple[Threshold, ...]:
    """The values that a program compares a single feature with.

    Returns:
        For each condition on one feature: its name, the value, and `">"` or `"<"` for where it holds.

    Example:
        >>> from antiphon.language import Program
        >>> program = Program.parse('''language sequence
        ... input x: Seq[Real[2]] of speed, nose
        ... output classes ["rest", "walk"]
        ... program
        ...   affine[2*speed - 3](mean(x))
        ... ''')
        >>> thresholds(program)
        (('speed', 1.5, '>'),)
    """
    found = []
    for path, column, value, direction in comparisons(program):
        inner = (node for place, node in walk(program.term) if place[: len(path)] == path)
        if any(isinstance(node, Apply) and node.name not in SAME_SCALE for node in inner):
            continue
        name = entry_names(program.typing[path])[column]
        if name in program.language.features:
            found.append((name, value, direction))
    return tuple(dict.fromkeys(found))


def comparisons(program: Program) -> list[Comparison]:
    """Where a program compares a single number: an affine map of one, that decides an `if` or the class.

    Returns:
        The path of the vector that the number is in, which one it is, the value, and `">"` or `"<"` for
        where the condition holds.
    """
    found: list[Comparison] = []
    for path, node in walk(program.term):
        if isinstance(node, Apply) and node.name in ("if", "step"):
            found += _comparison(program, node.args[0], (*path, 0), 0.0)
    output = program.output
    if len(output.classes) == 2:
        probability = 0.5 if output.threshold is None else output.threshold
        term, path = program.term, ()
        if isinstance(term, Apply) and term.name == "map" and isinstance(term.args[0], Lam):
            term, path = term.args[0].body, (0, 0)
        found += _comparison(program, term, path, math.log(probability / (1 - probability)))
    return found


def _comparison(program: Program, term: Term, path: Path, limit: float) -> list[Comparison]:
    """`term > limit` as conditions on single numbers, where it is an affine map of one each."""
    if not isinstance(term, Apply) or term.name != "affine" or term.parameters is None:
        return []
    arrays = term.parameters
    found: list[Comparison] = []
    for weight, bias in zip(arrays["weight"], arrays["bias"], strict=True):
        used = np.flatnonzero(weight)
        if len(used) == 1:
            i = int(used[0])
            value = float(arrays["centre"][i]) + (limit - float(bias)) / float(weight[i])
            found.append(((*path, 0), i, float(f"{value:.6g}"), ">" if weight[i] > 0 else "<"))
    return found
