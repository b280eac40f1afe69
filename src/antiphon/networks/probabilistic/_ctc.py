"""Connectionist temporal classification: the loss of labels without an alignment, and its decoders."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.core import Tracer
from jaxtyping import Array, Bool, Float, Int
from scipy.special import log_softmax

from antiphon.errors import InputError
from antiphon.networks._checks import check_count

Labels = Int[Array, " label"]


def ctc_loss(
    logits: Float[Array, "time symbol"],
    mask: Bool[Array, " time"],
    labels: Labels,
    label_mask: Bool[Array, " label"],
    *,
    blank: int = 0,
) -> Float[Array, ""]:
    """Negative log-probability of a row of labels under all its alignments (Graves et al., 2006).

    The sum is Optax's. A row of labels that does not fit (it needs a frame for each label, and one more
    between equal neighbours) has probability 0: outside of JAX transformations that is an error, inside of
    them, where numbers cannot be seen, the loss is infinite, with gradient 0. `check_ctc` checks a data set
    beforehand.

    Args:
        logits: Unnormalised log-probabilities of one sequence, one symbol being the blank.
        mask: Which frames are real.
        labels: Symbols, none of them the blank.
        label_mask: Which labels are real.
        blank: The number of the blank.

    Raises:
        InputError: If shapes do not fit, a label is no symbol or the blank, or there are too few frames.

    Example:
        Three of the four alignments of two frames give the label once; log(4 / 3) is

        >>> float(ctc_loss(jnp.zeros((2, 2)), jnp.ones(2, bool), jnp.array([1]), jnp.ones(1, bool)))
        0.2876...
    """
    if (
        logits.ndim != 2
        or mask.shape != logits.shape[:1]
        or labels.ndim != 1
        or label_mask.shape != labels.shape
    ):
        raise InputError(
            f"Logits {tuple(logits.shape)}, a mask {tuple(mask.shape)}, labels {tuple(labels.shape)} and "
            f"their mask {tuple(label_mask.shape)}.",
            "Shapes (time, symbol), (time,), (label,) and (label,).",
            "Use jax.vmap for a batch.",
        )
    if not any(isinstance(part, Tracer) for part in (logits, mask, labels, label_mask)):
        check_ctc(mask[None], labels[None], label_mask[None], symbols=logits.shape[1], blank=blank)
    return _loss(logits, mask, labels, label_mask, blank)


@partial(jax.jit, static_argnames="blank")
def _loss(logits: Array, mask: Array, labels: Array, label_mask: Array, blank: int) -> Float[Array, ""]:
    # Optax wants padding at the end.
    order = jnp.argsort(~label_mask, stable=True)
    labels, there = jnp.where(label_mask, labels, 0)[order], label_mask[order]
    wrong = (there & ((labels < 0) | (labels >= logits.shape[1]) | (labels == blank))).any()
    repeats = ((labels[1:] == labels[:-1]) & there[1:]).sum(dtype=jnp.int32)
    needed = there.sum(dtype=jnp.int32) + repeats
    logits = jnp.where(mask[:, None], logits, jnp.zeros_like(logits))
    with jax.numpy_dtype_promotion("standard"):
        loss = optax.ctc_loss(
            logits[None],
            (~mask)[None].astype(logits.dtype),
            labels[None],
            (~there)[None].astype(logits.dtype),
            blank_id=blank,
        )[0].astype(logits.dtype)
    return jnp.where(wrong | (needed > mask.sum(dtype=jnp.int32)), jnp.inf, loss)


def check_ctc(mask: Any, labels: Any, label_mask: Any, *, symbols: int, blank: int = 0) -> None:
    """Refuse labels that no alignment can give.

    Args:
        mask: Which frames are real, `(case, time)`.
        labels: `(case, label)`.
        label_mask: Which labels are real, `(case, label)`.
        symbols: How many symbols there are, the blank included.
        blank: The number of the blank.

    Raises:
        InputError: Names the first case with too few frames, or with a label that is no symbol or the blank.

    Example:
        >>> check_ctc(np.ones((1, 2), bool), np.array([[1, 1]]), np.ones((1, 2), bool), symbols=2)
        Traceback (most recent call last):
        antiphon.errors.InputError: 2 frames for the 2 labels of case 0. Expected: at least 3 frames...
    """
    if isinstance(blank, bool) or not isinstance(blank, int) or not 0 <= blank < symbols:
        raise InputError(f"blank={blank!r}.", f"A whole number from 0 to {symbols - 1}.", "Correct it.")
    for case, (frames, row, there) in enumerate(
        zip(*map(np.asarray, (mask, labels, label_mask)), strict=True)
    ):
        real = row[there]
        wrong = real[(real < 0) | (real >= symbols) | (real == blank)]
        if wrong.size:
            raise InputError(
                f"The label {int(wrong[0])} in case {case}.",
                f"Whole numbers from 0 to {symbols - 1}, and not the blank {blank}.",
                "Number the labels so that none has the number of the blank.",
            )
        repeats = int((real[1:] == real[:-1]).sum())
        if len(real) + repeats > frames.sum():
            raise InputError(
                f"{int(frames.sum())} frames for the {len(real)} labels of case {case}.",
                f"At least {len(real) + repeats} frames: one a label, and one between each two equal ones.",
                "Shorten the labels, or let the network keep more frames.",
            )


def ctc_greedy(logits: Float[Any, "time symbol"], mask: Bool[Any, " time"], *, blank: int = 0) -> list[int]:
    """The labels of the most probable alignment: repeats joined, blanks left out.

    Args:
        logits: Unnormalised log-probabilities of one sequence.
        mask: Which frames are real.
        blank: The number of the blank.

    Example:
        >>> logits = np.log([[0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.8, 0.1, 0.1], [0.1, 0.8, 0.1]])
        >>> ctc_greedy(logits, np.ones(4, bool))
        [1, 1]
    """
    best = _log_probabilities(logits, mask).argmax(1)
    opening = np.diff(best, prepend=-1) != 0
    return best[opening & (best != blank)].tolist()


def ctc_beam(
    logits: Float[Any, "time symbol"], mask: Bool[Any, " time"], *, width: int = 16, blank: int = 0
) -> list[tuple[tuple[int, ...], float]]:
    """Prefix beam search (Graves, 2012; Hannun et al., 2014): labels by the sum over their alignments.

    Args:
        logits: Unnormalised log-probabilities of one sequence.
        mask: Which frames are real.
        width: Prefixes kept at each frame. With as many as there are, the sums are exact; with fewer they are
            lower bounds.
        blank: The number of the blank.

    Returns:
        Up to `width` rows of labels, each with its log-probability, the most probable one first.

    Raises:
        InputError: If shapes do not fit, or the width is no positive whole number.

    Example:
        Two blanks are the best alignment here, and not the best labels:

        >>> logits = np.log([[0.6, 0.4], [0.6, 0.4]])
        >>> ctc_greedy(logits, np.ones(2, bool)), ctc_beam(logits, np.ones(2, bool))[0][0]
        ([], (1,))
    """
    check_count("width", width)
    # For each prefix the log-probability of its alignments that end in a blank, and of those that do not.
    beam: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -np.inf)}
    for frame in _log_probabilities(logits, mask):
        grown: dict[tuple[int, ...], list[float]] = defaultdict(lambda: [-np.inf, -np.inf])
        for prefix, (blanked, labelled) in beam.items():
            either = np.logaddexp(blanked, labelled)
            grown[prefix][0] = np.logaddexp(grown[prefix][0], either + frame[blank])
            for symbol, weight in enumerate(frame):
                if symbol == blank:
                    continue
                longer = grown[(*prefix, symbol)]
                if prefix and symbol == prefix[-1]:
                    grown[prefix][1] = np.logaddexp(grown[prefix][1], labelled + weight)
                    longer[1] = np.logaddexp(longer[1], blanked + weight)
                else:
                    longer[1] = np.logaddexp(longer[1], either + weight)
        ranked = sorted(grown.items(), key=lambda item: (-np.logaddexp(item[1][0], item[1][1]), item[0]))
        beam = {prefix: (a, b) for prefix, (a, b) in ranked[:width]}
    return [(prefix, float(np.logaddexp(ends[0], ends[1]))) for prefix, ends in beam.items()]


def _log_probabilities(logits: Any, mask: Any) -> Float[np.ndarray, "frame symbol"]:
    scores, there = np.asarray(logits, np.float64), np.asarray(mask)
    if scores.ndim != 2 or there.shape != scores.shape[:1] or there.dtype != bool:
        raise InputError(
            f"Logits of shape {scores.shape} and a mask of shape {there.shape} and type {there.dtype}.",
            "Shapes (time, symbol) and (time,), the mask of bools.",
            "Decode one sequence after the other.",
        )
    return log_softmax(scores[there], axis=1)
