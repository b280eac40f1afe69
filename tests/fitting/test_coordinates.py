"""Slots and training coordinates: what is computed once, standardised, and brought back."""

import jax
import numpy as np
import pytest

from antiphon.fitting import SlotValues, leaf_keys, split, standardisation, text_of, to_own_units
from antiphon.language import check, data_arrays, evaluate, parse_term, sequence


def scores_of(work, fit, term, fold):
    """A fit evaluated like any program, on raw data and with parameters in the data's units."""
    problem = work.problem
    standard = standardisation(work.split(term), work.slots, folds=2)
    for leaf in standard.values():
        leaf["keep"] = leaf["keep"][fold]
    own = to_own_units(
        {p: {n: a[fold] for n, a in leaf.items()} for p, leaf in fit.parameters.items()}, standard
    )
    data = data_arrays(term, problem.language, check(term, problem.language, problem.output_type))

    def one(frames, mask):
        value = evaluate(term, problem.language, {"x": (frames, mask)}, own, data)
        return value[0] if isinstance(value, tuple) else value

    return np.asarray(jax.vmap(one)(problem.values, problem.mask))


@pytest.mark.parametrize(
    ("task", "text"),
    [
        ("classification", "affine[turning](mean(x)) + affine(last(delta(x)))"),
        ("tagging", "map(v -> affine(v), delta(x))"),
    ],
)
def test_parameters_in_own_units_are_the_same_function(problem, terms, evaluator, task, text):
    given = problem(task)
    given.values[...] = np.where(given.mask[..., None], given.values * [1e-3, 50] + [7, -900], 0)
    work = evaluator(given)
    [term] = terms(given, text)
    fit = work.fit([term], with_scores=True)[0]
    judged = []
    for fold, rows in ((0, np.arange(1, 40, 2)), (1, np.arange(0, 40, 2))):
        scores = scores_of(work, fit, term, fold)[rows]
        judged.append(scores[given.mask[rows]] if task == "tagging" else scores)
    np.testing.assert_allclose(np.concatenate(judged), fit.scores, rtol=2e-3, atol=2e-3)


def test_a_feature_far_from_zero_is_centred_at_a_short_number(problem):
    given = problem()
    given.values[..., 1] += 7654.321
    term = parse_term("affine(first(x))", given.language, given.output_type)
    slots = SlotValues(given.language, given.values, given.mask)
    [leaf] = standardisation(split(term, given.language, given.output_type), slots, folds=1).values()
    assert leaf["centre"][0] == 0
    assert leaf["centre"][1] == pytest.approx(7654 + 2, abs=3)
    assert leaf["centre"][1] == round(float(leaf["centre"][1]))
    assert leaf["keep"].shape == (1, 1, 2)


def test_a_few_wild_values_do_not_move_location_and_scale():
    rng = np.random.default_rng(0)
    language = sequence.bind({"a": "", "b": "", "c": ""})
    values = rng.normal(3, 2, (1000, 1, 3)).astype(np.float32)
    values[:, 0, 1] = 4.0
    values[:, 0, 2] = np.arange(1000) < 2  # an indicator
    term = parse_term("mean(x)", language, language.frame_type)

    def measured(data):
        return SlotValues(language, data, np.ones((1000, 1), bool)).location_and_scale(term)

    location, scale = measured(values)
    np.testing.assert_allclose(location[:2], [3, 4], atol=0.2)
    np.testing.assert_allclose(scale[:2], [2, 1], atol=0.2)
    assert scale[2] == pytest.approx(np.sqrt(0.002 * 0.998), rel=1e-3)
    wild = values.copy()
    wild[:3, 0, 0] = 1e9
    again = measured(wild)
    np.testing.assert_allclose(again[0][0], location[0], atol=0.1)
    np.testing.assert_allclose(again[1][0], scale[0], rtol=0.1)


def test_slots_are_what_the_language_says_and_are_kept_within_their_limit(problem):
    given = problem()
    slots = SlotValues(given.language, given.values, given.mask, limit_bytes=4 * 40 * 8 * 2)
    term = parse_term("max(delta(x))", given.language, given.language.frame_type)
    wanted = [
        np.diff(case[mask], axis=0, prepend=case[:1]).max(0)
        for case, mask in zip(given.values, given.mask, strict=True)
    ]
    np.testing.assert_allclose(slots[term], wanted, rtol=1e-6)
    assert slots[term] is slots[term]
    slots[parse_term("mean(delta(x))", given.language, given.language.frame_type)]
    assert slots.bytes <= slots.limit_bytes or len(slots.kept) == 1


def test_a_skeleton_is_what_training_needs(problem, terms):
    given = problem()
    one, two = terms(
        given,
        "affine[turning](mean(delta(x))) + affine(last(x))",
        "affine(max(x)) + affine[speed](min(x))",
    )
    parts = [split(t, given.language, given.output_type) for t in (one, two)]
    assert parts[0].skeleton == parts[1].skeleton
    assert [text_of(s, given.language) for s in parts[0].slots] == ["mean(delta(x))", "last(x)"]
    groups = [[d["group"].tolist() for d in p.data.values()] for p in parts]
    assert groups == [[[0, 1], [1, 1]], [[1, 1], [1, 0]]]
    keys = sorted(leaf_keys(one, given.language).values())
    assert keys == ["affine(last(x))", "affine[turning](mean(delta(x)))"]
