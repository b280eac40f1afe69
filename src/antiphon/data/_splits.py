"""Cutting cases into parts to fit and to judge on: balanced in the labels, never through a subject."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int

from antiphon.errors import InputError

Cases = Int[np.ndarray, " case"]


def holdout(y: Any, subjects: Any = None, *, size: float | int, seed: int = 0) -> tuple[Cases, Cases]:
    """Hold some cases out, balanced in the labels.

    A class of several cases is never held out whole. Cases of one subject stay together; the size
    is then met as nearly as the subjects allow.

    Args:
        y: Labels or targets `(case,)`, or a list of tags.
        subjects: Who or what each case comes from `(case,)`, or None.
        size: The share (a float below 1) or the number (an integer) of cases to hold out.
        seed: Seed of the choice.

    Returns:
        The indices of the cases to fit on and of those held out, each in rising order.

    Example:
        >>> fit, held = holdout(np.array([0, 0, 0, 0, 1, 1, 1, 1]), size=0.25)
        >>> len(fit), len(held)
        (6, 2)
    """
    strata = _strata(y)
    cases = len(strata)
    share = size / cases if isinstance(size, (int, np.integer)) else float(size)
    if not 0 < share < 1 or cases < 2:
        raise InputError(
            f"A part of size {size} of {cases} cases to hold out.",
            "A share between 0 and 1, or fewer cases than there are.",
            "Choose another size.",
        )
    rng = np.random.default_rng(seed)
    if subjects is not None:
        return _subject_holdout(strata, _subjects(subjects, cases), share, seed)
    held = _quotas(strata, min(max(round(share * cases), 1), cases - 1), rng)
    mask = np.zeros(cases, bool)
    for stratum, quota in held.items():
        mask[rng.permutation(np.flatnonzero(strata == stratum))[:quota]] = True
    return np.flatnonzero(~mask), np.flatnonzero(mask)


def folds(y: Any, subjects: Any = None, *, n: int, seed: int = 0) -> list[tuple[Cases, Cases]]:
    """Cut cases into n folds, balanced in the labels.

    Each case is held out once. A class with fewer cases than folds is in as many folds as it can be.

    Args:
        y: Labels or targets `(case,)`, or a list of tags.
        subjects: Who or what each case comes from `(case,)`, or None; no subject is in two folds.
        n: How many folds.
        seed: Seed of the choice.

    Returns:
        For each fold the indices of the cases to fit on and of those held out, in rising order.

    Example:
        >>> [held.size for _, held in folds(np.array([0, 0, 0, 1, 1, 1]), n=3)]
        [2, 2, 2]
    """
    strata = _strata(y)
    units = len(strata) if subjects is None else len(np.unique(_subjects(subjects, len(strata))))
    if not 2 <= n <= units:
        what = "cases" if subjects is None else "subjects"
        raise InputError(
            f"{n} folds of {units} {what}.",
            f"From 2 to {units} folds.",
            f"Ask for fewer folds, or bring more {what}.",
        )
    if subjects is not None:
        part = _subject_folds(strata, np.asarray(subjects), n, seed)
    else:
        # Dealing out cases sorted by stratum is what StratifiedKFold does; it, however, refuses
        # data in which every class is rarer than n, and warns of any such class.
        order = np.random.default_rng(seed).permutation(len(strata))
        order = order[np.argsort(strata[order], kind="stable")]
        part = np.empty(len(strata), np.int64)
        part[order] = np.arange(len(strata)) % n
    return [(np.flatnonzero(part != fold), np.flatnonzero(part == fold)) for fold in range(n)]


def _strata(y: Any) -> Cases:
    """Return a small number for each case: its class, its tenth of the targets, or its main tag."""
    if isinstance(y, Sequence) and len(y) and np.ndim(y[0]) == 1:
        main = []
        for tags in y:
            tag, count = np.unique(tags, return_counts=True)
            main.append(tag[count.argmax()])
        y = main
    values = np.asarray(y)
    distinct, codes = np.unique(values, return_inverse=True)
    if values.dtype.kind == "f" and len(distinct) > 10:
        codes = (
            np.argsort(np.argsort(values, kind="stable"), kind="stable")
            * min(10, len(values) // 2)
            // len(values)
        )
    return codes.reshape(-1)


def _quotas(strata: Cases, total: int, rng: np.random.Generator) -> dict[int, int]:
    """Share `total` held out cases between the strata, leaving at least one of each to fit on."""
    names, counts = np.unique(strata, return_counts=True)
    exact = counts * (total / len(strata))
    quota = np.minimum(np.floor(exact).astype(int), counts - 1)
    rank = rng.permutation(len(names))
    while quota.sum() < total:
        open_ = np.flatnonzero(quota < counts - 1)
        if not len(open_):
            break
        # The stratum that is furthest below its exact share comes next; ties fall by lot.
        quota[max(open_, key=lambda i: (exact[i] - quota[i], rank[i]))] += 1
    if quota.sum() == 0:
        quota[rank[0]] = 1  # every stratum has one case: something must be held out all the same
    return dict(zip(names.tolist(), quota.tolist(), strict=True))


def _subjects(subjects: Any, cases: int) -> np.ndarray:
    who = np.asarray(subjects)
    if who.shape != (cases,):
        raise InputError(
            f"Subjects (groups) of shape {who.shape} for {cases} cases.",
            "One subject a case.",
            "Check that subjects and labels come from the same place.",
        )
    who = np.unique(who.astype(str) if who.dtype == object else who, return_inverse=True)[1]
    if who.max(initial=0) == 0:
        raise InputError(
            "Cases that all come from one subject (group).",
            "At least two subjects.",
            "Leave out the subjects to split between cases.",
        )
    return who


def _subject_folds(strata: Cases, subjects: np.ndarray, n: int, seed: int) -> Cases:
    """Return the fold of each case, with whole subjects in each and no fold empty."""
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    # Strata rarer than n make scikit-learn warn or refuse: they are balanced as one, with the largest.
    counts = np.bincount(strata)
    merged = np.where(counts[strata] < n, counts.argmax(), strata)
    if counts.max() < n:
        merged = np.zeros_like(strata)
    part = np.empty(len(strata), np.int64)
    balanced = StratifiedGroupKFold(n, shuffle=True, random_state=seed)
    for fold, (_, held) in enumerate(balanced.split(strata, merged, subjects)):
        part[held] = fold
    if len(np.unique(part)) < n:  # balance left a fold empty: then whole subjects alone count
        for fold, (_, held) in enumerate(GroupKFold(n).split(strata, None, subjects)):
            part[held] = fold
    return part


def _subject_holdout(strata: Cases, subjects: np.ndarray, share: float, seed: int) -> tuple[Cases, Cases]:
    """Join folds of whole subjects until the share is met as nearly as it can be."""
    groups = int(subjects.max()) + 1
    n = min(groups, 20)
    part = _subject_folds(strata, subjects, n, seed)
    sizes = np.bincount(part, minlength=n)
    chosen: list[int] = []
    for fold in np.random.default_rng(seed).permutation(n):
        now = sizes[chosen].sum()
        if not chosen or abs(now + sizes[fold] - share * len(part)) < abs(now - share * len(part)):
            chosen.append(int(fold))
    chosen = chosen[: n - 1]
    mask = np.isin(part, chosen)
    return np.flatnonzero(~mask), np.flatnonzero(mask)
