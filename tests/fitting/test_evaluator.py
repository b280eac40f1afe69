"""Fitting candidates: shared skeletons, batches, folds, masks, weights, early stopping, failures."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from antiphon.fitting import Folds, compiled_count, forget_compiled, measure
from antiphon.fitting._evaluator import BATCHES

MEAN, LAST = "affine(mean(x))", "affine(last(x))"


def same(one, two, tolerance=1e-4):
    """Whether two fits have the same parameters, scores and curve."""
    assert one.text == two.text
    close = jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=tolerance, rtol=tolerance),
        one.parameters,
        two.parameters,
    )
    assert close is not None
    np.testing.assert_allclose(one.scores, two.scores, atol=tolerance, rtol=tolerance)
    np.testing.assert_allclose(one.curve[2], two.curve[2], atol=tolerance, rtol=tolerance)


def test_terms_that_differ_in_summaries_or_groups_are_compiled_once(problem, terms, evaluator):
    forget_compiled()
    work = evaluator(problem())
    batch = terms(work.problem, MEAN, LAST, "affine[turning](mean(x))", "affine(deviation(delta(x)))")
    assert work.group(batch) == [[0, 1, 2, 3]]
    fits = work.fit(batch)
    first = work.compile_seconds
    assert first > 0.05
    work.fit(terms(work.problem, "affine(max(x))", "affine[speed](min(x))", "affine(first(x))", MEAN))
    assert work.compile_seconds - first < 0.01
    other = terms(work.problem, f"{MEAN} + {LAST}")
    assert work.group([*batch, *other]) == [[0, 1, 2, 3], [4]]
    assert fits[0].score > 0.9 > fits[2].score  # the class is in speed, the third sees angle only


def test_a_batch_gives_what_each_gives_alone(problem, terms, evaluator):
    work = evaluator(problem())
    batch = terms(work.problem, MEAN, LAST, "affine[turning](mean(x))", "affine(max(x))")
    together = work.fit(batch, with_scores=True)
    for i, term in enumerate(batch):
        same(together[i], work.fit([term], with_scores=True)[0])
    again = evaluator(work.problem).fit(batch, with_scores=True)
    for one, two in zip(together, again, strict=True):
        assert np.array_equal(one.scores, two.scores)


def test_another_seed_starts_elsewhere(problem, terms, evaluator):
    term = terms(problem(), MEAN)
    one, two = (evaluator(problem(), seed=s).fit(term, with_scores=True)[0] for s in (0, 1))
    assert not np.array_equal(one.scores, two.scores)


@pytest.mark.parametrize(
    ("task", "text"),
    [
        ("classification", "affine(mean(x)) + affine(last(x))"),
        ("classification", "mean(map(v -> if affine(v) > 0 then affine(v) else affine(v), delta(x)))"),
        ("tagging", "map(v -> affine(v), window_mean[width=3, look=centred](x))"),
    ],
)
def test_padding_changes_nothing(problem, terms, evaluator, task, text):
    short, long = problem(task), problem(task, time=13)
    fits = []
    for padded in (short, long):
        values = np.where(padded.mask[..., None], padded.values, np.float32(99))
        rubbish = replace(padded, values=values) if padded is long else padded
        fits += evaluator(rubbish).fit(terms(rubbish, text), with_scores=True)
    same(*fits, tolerance=1e-5)


@pytest.mark.parametrize("task", ["classification", "regression", "tagging"])
def test_held_out_targets_do_not_move_a_parameter(problem, terms, evaluator, task):
    given = problem(task)
    text = MEAN if task != "tagging" else "map(v -> affine(v), x)"
    held = np.arange(len(given)) % 2 == 1
    even = (~held).astype(np.float32)[None, :]
    folds = Folds(even, 1 - even)
    turned = given.targets.copy()
    turned[held] = 1 - turned[held]
    fits = []
    for targets in (given.targets, turned):
        work = evaluator(replace(given, targets=targets), train=folds, keep_best=False)
        fits += work.fit(terms(given, text))
    for path, leaf in fits[0].parameters.items():
        for name, array in leaf.items():
            assert np.array_equal(array, fits[1].parameters[path][name])
    assert fits[0].score != fits[1].score


def test_a_case_without_weight_has_no_say(problem, terms, evaluator):
    given = problem()
    weights = np.ones(len(given), np.float32)
    weights[4] = 0
    wrong = given.targets.copy()
    wrong[4] = 1 - wrong[4]
    fits = [
        evaluator(replace(given, weights=weights, targets=t), keep_best=False).fit(terms(given, MEAN))[0]
        for t in (given.targets, wrong)
    ]
    for path, leaf in fits[0].parameters.items():
        assert np.array_equal(leaf["weight"][0], fits[1].parameters[path]["weight"][0])


def test_heavier_cases_pull_more(problem, terms, evaluator):
    given = problem(weights=np.float32(np.where(problem().targets == 1, 20, 1)))
    plain, heavy = (
        evaluator(p, keep_best=False).fit(terms(p, "affine[turning](mean(x))"), with_scores=True)[0]
        for p in (problem(), given)
    )
    assert heavy.scores.mean() > plain.scores.mean() + 1


def test_the_best_parameters_are_kept_or_the_last(problem, terms, evaluator):
    rng = np.random.default_rng(0)
    noise = replace(
        problem(), targets=rng.integers(0, 2, 40).astype(np.int32)
    )  # can only be learned by heart
    even = (np.arange(40) % 2 == 0).astype(np.float32)[None, :]
    text = "affine(mean(x)) + affine(last(x))"
    for keep_best in (True, False):
        work = evaluator(noise, train=Folds(even, 1 - even), keep_best=keep_best)
        fit = work.fit(terms(noise, text), l2=[0.0])[0]
        held = fit.curve[2]
        assert len(fit.curve[0]) == len(fit.curve[1]) == len(held) == 10
        assert min(held) < held[-1] - 0.01
        assert fit.loss == pytest.approx(min(held) if keep_best else held[-1], rel=1e-4)


def test_a_candidate_whose_data_overflow_loses_and_its_neighbours_do_not(problem, terms, evaluator):
    given = problem()
    wild = given.values.copy()
    wild[:, :, 1] *= 1e25
    given = replace(given, values=wild)
    work = evaluator(given)
    batch = terms(given, MEAN, "affine(deviation(x))", LAST)
    fits = work.fit(batch)
    assert [f.failed for f in fits] == [False, True, False]
    assert np.isnan(fits[1].score)
    assert fits[0].score > 0.9
    assert fits[2].score > 0.8


def test_it_says_when_a_program_gives_one_answer(problem, terms, evaluator):
    given = problem()
    few = replace(given, targets=np.where(np.arange(40) < 2, 1, 0).astype(np.int32))
    fit = evaluator(few).fit(terms(few, "affine[turning](mean(x))"))[0]
    assert fit.constant
    assert not evaluator(given).fit(terms(given, MEAN))[0].constant


def test_a_threshold_is_fitted_for_f1_only(problem, terms, evaluator):
    given = problem(metric="f1")
    fit = evaluator(given).fit(terms(given, MEAN), with_scores=True)[0]
    assert fit.threshold is not None
    said = fit.scores[:, 0] > np.log(fit.threshold / (1 - fit.threshold))
    order = np.concatenate([np.arange(1, 40, 2), np.arange(0, 40, 2)])
    assert measure(said, given.targets[order], "f1") == fit.score
    assert evaluator(problem()).fit(terms(given, MEAN))[0].threshold == 0.5


def test_more_classes_and_regression(problem, terms, evaluator):
    three = problem(classes=3)
    assert evaluator(three, steps=40).fit(terms(three, MEAN))[0].score > 0.8
    numbers = problem("regression")
    fit = evaluator(numbers, steps=40).fit(terms(numbers, MEAN))[0]
    assert fit.score > 0.8
    assert fit.threshold is None


def test_a_relative_is_a_warm_start(problem, terms, evaluator):
    given = problem()
    term = terms(given, MEAN)
    first = evaluator(given).fit(term)[0]
    again = evaluator(given, learning_rate=0.01).fit(term, start=[first.parameters])[0]
    cold = evaluator(given, learning_rate=0.01).fit(term)[0]
    assert again.curve[1][0] < cold.curve[1][0] - 0.1


def test_a_weight_that_may_not_be_used_is_not(problem, terms, evaluator):
    given = problem()
    term = terms(given, MEAN)
    path = next(iter(evaluator(given).fit(term)[0].parameters))
    keep = [{path: np.tile(np.float32([[[0, 1]]]), (2, 1, 1))}]
    blind = evaluator(given).fit(term, keep=keep, with_scores=True)[0]
    shown = evaluator(given).fit(terms(given, "affine[turning](mean(x))"), with_scores=True)[0]
    assert abs(blind.score - shown.score) < 0.1


def test_mini_batches_learn_the_same_thing(problem, terms, evaluator):
    given = problem()
    fits = [evaluator(given, batch_size=16).fit(terms(given, MEAN))[0] for _ in range(2)]
    assert fits[0].score > 0.9
    assert fits[0].loss == fits[1].loss


def test_groups_of_any_size_take_few_functions(problem, terms, evaluator):
    work = evaluator(problem(), steps=10)
    forget_compiled()
    names = ("mean", "max", "min", "first", "last", "middle", "deviation")
    texts = [f"affine{g}({a}({s}))" for g in ("", "[turning]") for a in names for s in ("x", "delta(x)")]
    batch = terms(work.problem, *texts)
    for count in (1, 2, 3, 5, 9, 16, 23, 28):
        groups = work.group(batch[:count])
        assert sorted(i for g in groups for i in g) == list(range(count))
        for group in groups:
            work.fit([batch[i] for i in group])
    assert compiled_count() <= len(BATCHES)


def test_each_batch_of_a_shared_function_has_some_of_each_kind(problem, terms, evaluator):
    work = evaluator(problem(), steps=20)
    names = ("mean", "last", "max", "first", "min", "middle")
    pairs = [(a, b) for i, a in enumerate(names) for b in names[:i]]
    texts = [f"affine({a}(x)) * affine({b}(x))" for a, b in pairs]
    batch = terms(work.problem, *texts, *(text.replace("*", "+") for text in texts[:3]))
    for cut in work.group(batch):
        assert len({work.split(batch[i]).skeleton for i in cut}) == 2


def test_few_sums_and_few_products_share_a_function_and_many_do_not(problem, terms, evaluator, monkeypatch):
    work = evaluator(problem(), steps=20)
    forget_compiled()
    pairs = [("mean", "last"), ("max", "first"), ("min", "middle"), ("last", "max")]
    batch = terms(work.problem, *(f"affine({a}(x)) {op} affine({b}(x))" for op in "+*" for a, b in pairs))
    assert [sorted(g) for g in work.group(batch)] == [list(range(8))]
    together = work.fit(batch)
    assert compiled_count() == 1
    monkeypatch.setattr("antiphon.fitting._evaluator.FEW", 4)
    assert [sorted(g) for g in work.group(batch)] == [list(range(8))]
    monkeypatch.setattr("antiphon.fitting._evaluator.MANY", 7)
    assert [sorted(g) for g in work.group(batch)] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    alone = [*work.fit(batch[:4]), *work.fit(batch[4:])]
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one.loss, other.loss, rtol=1e-4)
        assert one.parameters.keys() == other.parameters.keys()
