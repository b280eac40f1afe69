"""Alternation: logits and the arrays they choose between take turns, each on cases of its own."""

from dataclasses import replace

import numpy as np
import pytest

from antiphon.fitting import Evaluator, Folds, Schedule, cases_of_choices, choice_turns
from antiphon.language import Real
from antiphon.search import Grammar

STEPS = 20


@pytest.fixture(scope="module")
def fitted(problem):
    """A function that fits the superposition of every program: arrays of all leaves, with rates and targets
    as given."""
    given = problem()
    language = given.language.bind(given.language.features)
    language.rules[:] = []
    for template in ("affine(?summary)", "affine(?summary) + ?output"):
        language.rule("output", template)
    for summary in ("mean(x)", "last(x)", "max(x)"):
        language.rule("summary", summary)
    given = replace(given, language=language)
    grammar = Grammar(language, Real(1), relaxation="superposition")
    term = grammar.relax(grammar.root)

    def fit(targets=given.targets, **rates):
        work = replace(given, language=grammar.language, targets=targets)
        even = (np.arange(40) % 2 == 0).astype(np.float32)[None, :]
        folds = Folds(1 - even, even)
        evaluator = Evaluator(
            work, folds, Schedule(steps=STEPS, keep_best=False, evaluations=1, **rates), seed=0
        )
        if "choice_2" not in grammar.language.primitives:
            grammar.prepare(evaluator.slots)
        leaves = evaluator.fit([term])[0].parameters
        logits = {p: leaf for p, leaf in leaves.items() if "logits" in leaf}
        return logits, {p: leaf for p, leaf in leaves.items() if p not in logits}

    return fit


def equal(one, two):
    return all(np.array_equal(one[p][n], two[p][n]) for p in one for n in one[p])


def test_without_a_rate_of_their_own_logits_stay(fitted):
    logits, arrays = fitted(choice_rate=0.0)
    assert logits
    assert all(not leaf["logits"].any() for leaf in logits.values())
    assert any(np.abs(leaf["weight"]).max() > 0.3 for leaf in arrays.values())


def test_arrays_never_see_the_cases_of_logits_nor_these_those_of_arrays(fitted, problem):
    targets = problem().targets
    apart = cases_of_choices(40, seed=0) > 0
    for_logits, for_arrays = np.where(apart, 1 - targets, targets), np.where(apart, targets, 1 - targets)
    usual, frozen = fitted(choice_rate=0.0), {"learning_rate": 0.0, "neural_rate": 0.0}
    assert equal(usual[1], fitted(for_logits.astype(np.int32), choice_rate=0.0)[1])
    assert not equal(usual[1], fitted(for_arrays.astype(np.int32), choice_rate=0.0)[1])
    usual = fitted(**frozen)
    assert equal(usual[0], fitted(for_arrays.astype(np.int32), **frozen)[0])
    assert not equal(usual[0], fitted(for_logits.astype(np.int32), **frozen)[0])


def test_arrays_settle_before_logits_move():
    turns = choice_turns(100)
    assert not turns[:10].any()
    assert turns[10:14].tolist() == [0, 1, 0, 1]


def test_both_have_cases():
    for count in (5, 40, 101):
        apart = cases_of_choices(count, seed=3)
        assert 0 < apart.sum() < count / 2
        assert np.array_equal(apart, cases_of_choices(count, seed=3))
