"""New inputs to ask a teacher about: near the data, and where programs are likely to be wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from antiphon.data import Sequences
from antiphon.language import Program

MARGIN = 0.1  # Of the range of a feature: how far beyond the data a query may go.
FEW = 10  # A feature of at most so many whole values only takes these.

Frames = np.ndarray
Change = Callable[[Frames, Frames, np.ndarray, np.random.Generator], Frames]


def _jitter(one: Frames, _: Frames, spread: np.ndarray, rng: np.random.Generator) -> Frames:
    return one + rng.normal(0, 0.3, one.shape) * spread


def _shift(one: Frames, _: Frames, spread: np.ndarray, rng: np.random.Generator) -> Frames:
    return one + rng.normal(0, 0.5, one.shape[1]) * spread


def _scale(one: Frames, _: Frames, __: np.ndarray, rng: np.random.Generator) -> Frames:
    middle = one.mean(0)
    return middle + (one - middle) * rng.uniform(0.6, 1.6, one.shape[1])


def _warp(one: Frames, _: Frames, __: np.ndarray, rng: np.random.Generator) -> Frames:
    """Time runs faster here and slower there; the length changes by up to a fifth."""
    length = max(1, round(len(one) * rng.uniform(0.8, 1.2)))
    speed = np.interp(np.linspace(0, 3, length), np.arange(4), rng.uniform(0.5, 2.0, 4))
    place = np.cumsum(speed) - speed[0]
    place = place / max(place[-1], 1e-9) * (len(one) - 1)
    grid = np.arange(len(one))
    return np.stack([np.interp(place, grid, one[:, i]) for i in range(one.shape[1])], axis=1)


def _crop(one: Frames, _: Frames, __: np.ndarray, rng: np.random.Generator) -> Frames:
    length = max(1, round(len(one) * rng.uniform(0.5, 1.0)))
    start = rng.integers(0, len(one) - length + 1)
    return one[start : start + length]


def _mix(one: Frames, other: Frames, _: np.ndarray, rng: np.random.Generator) -> Frames:
    share, length = rng.uniform(0.2, 0.8), min(len(one), len(other))
    return share * one[:length] + (1 - share) * other[:length]


def _cross(one: Frames, other: Frames, _: np.ndarray, rng: np.random.Generator) -> Frames:
    """The beginning of one case and the end of another."""
    share = rng.uniform(0.2, 0.8)
    head, tail = one[: max(1, round(share * len(one)))], other[round(share * len(other)) :]
    return np.concatenate([head, tail])


def _exchange(one: Frames, other: Frames, _: np.ndarray, rng: np.random.Generator) -> Frames:
    """Some features of one case, the others of another."""
    length = min(len(one), len(other))
    taken = rng.uniform(size=one.shape[1]) < 0.5
    return np.where(taken[None, :], one[:length], other[:length])


CHANGES: tuple[Change, ...] = (_jitter, _shift, _scale, _warp, _crop, _mix, _cross, _exchange)
OF_ROWS: tuple[Change, ...] = (_jitter, _shift, _mix, _exchange)


def perturbed(cases: Sequences, count: int, rng: np.random.Generator) -> Sequences:
    """New cases made from old ones: noise, shifts, scaling, time warps, crops, mixtures, crossings.

    They stay near the data: within a tenth of each feature's range beyond it, and a feature of few whole
    values takes no other.

    Args:
        cases: At least one.
        count: How many to make.
        rng: Of all that is left to chance.

    Example:
        >>> from antiphon.data import as_sequences
        >>> X = as_sequences([[[0.0], [1.0]], [[2.0], [3.0], [5.5]]])
        >>> new = perturbed(X, 5, np.random.default_rng(0))
        >>> len(new), bool(new.frames.max() <= 5.5 + 0.1 * 5.5)
        (5, True)
    """
    spread = cases.frames.std(0)
    low, high = cases.frames.min(0), cases.frames.max(0)
    room = MARGIN * (high - low)
    made = []
    for _ in range(count):
        frames = cases[int(rng.integers(len(cases)))].astype(float)
        for _ in range(int(rng.integers(1, 3))):
            changes = OF_ROWS if cases.is_table else CHANGES
            other = cases[int(rng.integers(len(cases)))].astype(float)
            frames = changes[int(rng.integers(len(changes)))](frames, other, spread, rng)
        made.append(np.clip(frames, low - room, high + room))
    frames = np.concatenate(made)
    for i in range(frames.shape[1]):
        known = np.unique(cases.frames[:, i])
        if len(known) <= FEW and (known == np.round(known)).all():
            nearest = np.abs(frames[:, i, None] - known[None, :]).argmin(1)
            frames[:, i] = known[nearest]
    lengths = np.array([len(m) for m in made])
    return Sequences(frames.astype(np.float32), lengths, cases.features, cases.rate_hz, cases.is_table)


def doubt(programs: Sequence[Program], chosen: Program, cases: Sequences) -> np.ndarray:
    """How likely the chosen program is wrong, without asking: programs disagree, or it is not sure.

    A committee (query by committee, Seung et al. 1992) of the programs of the front; for classes also how
    near the two most probable ones are. Larger is more doubtful, `(case,)`.

    Args:
        programs: All that were found.
        chosen: One of them.
        cases: What might be asked about.
    """
    values, mask = cases.pad()
    if cases.is_table:
        values, mask = values[:, :1], mask[:, :1]
    scores = [program.scores(values, mask) for program in programs]
    own = chosen.scores(values, mask)
    if chosen.output.task == "regression":
        return np.sqrt(np.mean([((s - own) ** 2).mean(-1) for s in scores], axis=0))
    said = chosen.decide(own)
    differ = np.mean([program.decide(s) != said for program, s in zip(programs, scores, strict=True)], axis=0)
    sure = np.sort(chosen.output.probabilities(own), axis=-1)
    each = differ + 1 - (sure[..., -1] - sure[..., -2])
    return np.where(mask, each, 0).sum(1) / mask.sum(1) if chosen.output.task == "tagging" else each


def pick(
    programs: Sequence[Program], chosen: Program, pool: Sequences, count: int, rng: np.random.Generator
) -> Sequences:
    """Half of them the most doubtful of a pool, half at random, in random order.

    Args:
        programs: The front.
        chosen: One of them.
        pool: What might be asked about.
        count: How many to take.
        rng: Of all that is left to chance.
    """
    if len(pool) <= count:
        return pool.take(rng.permutation(len(pool)))
    order = np.argsort(-doubt(programs, chosen, pool), kind="stable")
    worst, rest = order[: count // 2], order[count // 2 :]
    both = np.concatenate([worst, rng.permutation(rest)[: count - len(worst)]])
    return pool.take(rng.permutation(both))
