"""How well a model does on each speaker or subject of the test part."""

from __future__ import annotations

from typing import Any

import numpy as np

from antiphon.data import Dataset
from antiphon.estimators._judge import Judge
from antiphon.report import Subjects, SubjectScore


def subject_scores(dataset: Dataset, predicted: Any, judge: Judge) -> Subjects:
    """The score and the confusions of each subject of the test part, the lowest score first.

    Args:
        dataset: The data; nothing is said where subjects are not known.
        predicted: Predictions for the test part.
        judge: The metric.

    Example:
        >>> from antiphon.data import load
        >>> test = load("planted-speed").test
        >>> test.subjects is None
        True
    """
    test = dataset.test
    noun = "speaker" if test.sounds is not None else "subject"
    if test.subjects is None:
        return Subjects(noun=noun)
    learned = dataset.train.subjects
    heard = set() if learned is None else set(learned.tolist())
    scores = []
    for who in np.unique(test.subjects).tolist():
        cases = np.flatnonzero(test.subjects == who)
        true, said = ([labels[case] for case in cases] for labels in (test.y, predicted))
        matrix = None if dataset.task == "regression" else judge.confusion(said, true)
        # A metric over cases that are too few (an r2 of one) is no number: the report shows a dash.
        score = judge(said, true) if len(cases) > 1 or dataset.task != "regression" else float("nan")
        scores.append(SubjectScore(str(who), len(cases), score, who in heard, matrix))
    return Subjects(tuple(sorted(scores, key=lambda one: (one.score, one.name))), noun)
