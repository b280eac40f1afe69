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
from jaxtyping import Bool, Float

from antiphon.data import Sequences, bucket_length
from antiphon.errors import LanguageError
from antiphon.language import (
    Apply,
    Lam,
    Language,
    Output,
    Program,
    Real,
    Seq,
    Term,
    Var,
    check,
    data_arrays,
    entry_names,
    evaluate,
    parameters,
    print_term,
    to_words,
    walk,
)

MOST_BLOCKS = 128  # stretches of a long sequence that are changed one at a time
SHOWN_WINDOWS = 8
# What these give of a feature can be drawn on the same scale as the feature.
SAME_SCALE = {
    "mean", "max", "min", "first", "last", "middle", "at", "part",
    "window_mean", "window_max", "window_min", "prefix_mean", "prefix_max", "prefix_min",
}  # fmt: skip

Threshold = tuple[str, float, str]
Window = tuple[str, float, float]


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
    winners = _winners(program, values, mask)

    def margin(frames: jax.Array, there: jax.Array, winner: jax.Array) -> jax.Array:
        scores = _scores(program, frames, there)
        rows = scores if isinstance(scores, tuple) else (scores[None, :], jnp.ones((1,), bool))
        gaps = jax.vmap(lambda s, w: _gap(program, s, w))(rows[0], jnp.broadcast_to(winner, (len(rows[0]),)))
        return jnp.where(rows[1], gaps, 0.0).sum() / jnp.maximum(rows[1].sum().astype(jnp.float32), 1.0)

    slopes = np.asarray(jax.jit(jax.vmap(jax.grad(margin)))(values, mask, winners))
    weights = slopes * (values - average.astype(np.float32)[None, None, :])
    return [weight[there] for weight, there in zip(weights, mask, strict=True)]


def _scores(program: Program, frames: jax.Array, there: jax.Array) -> Any:
    term, language = program.term, program.language
    x = frames[0] if language.is_table else (frames, there)
    data = data_arrays(term, language, program.typing)
    return evaluate(term, language, {"x": x}, parameters(term), data)


def _winners(program: Program, values: np.ndarray, mask: np.ndarray) -> np.ndarray:
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

    One stretch of frames after another is changed, and what changes the summary is what it sees. For
    tagging it is what the stream shows of the middle frame.

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
    time = len(frames)
    found: dict[Term, Window] = {}
    for node in _summaries(program):
        if node in found:
            continue
        seen = np.flatnonzero(_seen(node, program.language, frames))
        if len(seen):
            label = phrase(node, program.language)
            if program.output.task == "tagging":
                label += f", at frame {time // 2}"
            found[node] = (label, int(seen[0]), int(seen[-1]) + 1)
    return tuple(sorted(found.values(), key=lambda w: (w[1] - w[2], w[1])))[:SHOWN_WINDOWS]


def phrase(node: Term, language: Language) -> str:
    """What a sub-term reads, in words that speak of `x` as a whole; its text where it cannot be said so.

    Example:
        >>> from antiphon.language import parse_term, sequence
        >>> phrase(parse_term("mean(delta(x))", sequence.bind({"speed": "", "angle": ""})), sequence)
        'mean of change of x'
    """
    try:
        alone = language.bind({"x": ""}, groups={}, rate_hz=language.rate_hz)
        if isinstance(check(node, alone)[()], Seq):
            return print_term(node, language)
        words = to_words(Program(node, alone, Output("regression", targets=("y",))))
    except LanguageError:  # it is made for so many features
        return print_term(node, language)
    return " ".join(words.removeprefix("y =").split())


def _summaries(program: Program) -> list[Apply]:
    """The places where frames become one vector or (tagging) where a map reads a stream; outermost first."""
    typing, language = program.typing, program.language
    tagging = program.output.task == "tagging"
    found: list[Apply] = []

    def visit(node: Term, path: tuple[int, ...]) -> None:
        below = node.args if isinstance(node, Apply) else (node.body,) if isinstance(node, Lam) else ()
        if isinstance(node, Apply) and _is_closed(node, language):
            streams = any(isinstance(typing[(*path, i)], Seq) for i in range(len(below)))
            if streams and isinstance(typing[path], Seq if tagging else Real):
                found.append(node)
                return
        for i, child in enumerate(below):
            visit(child, (*path, i))

    visit(program.term, ())
    return found


def _is_closed(node: Term, language: Language) -> bool:
    """Whether a sub-term has no variable but the input and no choice or map of its own to explain."""
    return all(
        (isinstance(n, Var) and n.name == "x")
        or (isinstance(n, Apply) and n.name not in ("add", "mul", "if", "affine", "step", "tanh"))
        for _, n in walk(node)
    )


def _seen(node: Term, language: Language, frames: np.ndarray) -> Bool[np.ndarray, " time"]:
    time = len(frames)
    blocks = np.array_split(np.arange(time), min(time, MOST_BLOCKS))
    padded = np.zeros((bucket_length(time), frames.shape[1]), np.float32)
    padded[:time] = frames
    there = np.arange(len(padded)) < time
    # Far out of what is usual, up and down, so that a maximum and a minimum notice too; and different from
    # block to block, so that no difference cancels.
    jump = (10 * frames.std(0) + 1).astype(np.float32)
    changed = np.repeat(padded[None], 2 * len(blocks), axis=0)
    for i, block in enumerate(blocks):
        changed[2 * i, block] += jump
        changed[2 * i + 1, block] -= jump

    data = data_arrays(node, language, check(node, language))

    def one(values: jax.Array) -> jax.Array:
        result = evaluate(node, language, {"x": (values, jnp.asarray(there))}, parameters(node), data)
        return result[0][time // 2] if isinstance(result, tuple) else result

    base = np.asarray(jax.jit(one)(padded))
    moved = np.asarray(jax.jit(jax.vmap(one))(changed))
    noise = 1e-6 * (1 + np.abs(base))
    differs = (np.abs(moved - base) > noise).any(-1).reshape(len(blocks), 2).any(1)
    return np.repeat(differs, [len(block) for block in blocks])


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
    found: list[Threshold] = []
    for path, node in walk(program.term):
        if isinstance(node, Apply) and node.name in ("if", "step"):
            found += _threshold(program, node.args[0], (*path, 0), 0.0)
    output = program.output
    if len(output.classes) == 2:
        probability = 0.5 if output.threshold is None else output.threshold
        term, path = program.term, ()
        if isinstance(term, Apply) and term.name == "map" and isinstance(term.args[0], Lam):
            term, path = term.args[0].body, (0, 0)
        found += _threshold(program, term, path, math.log(probability / (1 - probability)))
    return tuple(dict.fromkeys(found))


def _threshold(program: Program, term: Term, path: tuple[int, ...], limit: float) -> list[Threshold]:
    """`term > limit` as conditions on single features, where it is an affine map of one each."""
    if not isinstance(term, Apply) or term.name != "affine" or term.parameters is None:
        return []
    inner = (n for _, n in walk(term.args[0]))
    if any(isinstance(n, Apply) and n.name not in SAME_SCALE for n in inner):
        return []
    arrays = term.parameters
    found: list[Threshold] = []
    for weight, bias in zip(arrays["weight"], arrays["bias"], strict=True):
        used = np.flatnonzero(weight)
        names = entry_names(program.typing[(*path, 0)])
        if len(used) == 1 and names[used[0]] in program.language.features:
            i = int(used[0])
            value = float(arrays["centre"][i]) + (limit - float(bias)) / float(weight[i])
            found.append((names[i], float(f"{value:.6g}"), ">" if weight[i] > 0 else "<"))
    return found
