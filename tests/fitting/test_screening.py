"""Terms whose structure is data: the same fits as compiled ones, and nothing compiled anew."""

import numpy as np
import pytest

from antiphon.fitting import Screener, compiled_count, forget_compiled
from antiphon.language import parse_term

TEXTS = (
    "affine(mean(x))",
    "affine[turning](last(x))",
    "affine(mean(x)) + affine(last(x))",
    "affine(mean(x)) * affine(max(x))",
    "affine(mean(x)) * affine(max(x)) + affine(first(x))",
    "affine(tanh(affine(mean(x)))) + affine(min(x))",
)
CONDITION = "if affine(last(x)) > 0 then affine(mean(x)) else affine(first(x)) + affine(max(x))"


@pytest.mark.slow
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_same_fits_as_by_functions_of_their_own(problem, terms, evaluator, task):
    work = evaluator(problem(task), learning_rate=0.05)
    batch = terms(work.problem, *TEXTS[:5], CONDITION)
    assert all(Screener(work).takes(t) for t in batch)
    found = {}
    for group in Screener(work).group(batch):
        for i, fit in zip(group, Screener(work).fit([batch[j] for j in group]), strict=True):
            found[i] = fit
    for i, term in enumerate(batch):
        own = work.fit([term])[0]
        assert found[i].text == own.text
        assert found[i].loss == pytest.approx(own.loss, rel=2e-3, abs=1e-5)
        assert found[i].parameters.keys() == own.parameters.keys()
        for path, leaf in own.parameters.items():
            assert leaf.keys() == found[i].parameters[path].keys()
            for name, array in leaf.items():
                np.testing.assert_allclose(found[i].parameters[path][name], array, atol=0.02, rtol=0.02)


def test_mini_batches_and_warm_starts(problem, terms, evaluator):
    work = evaluator(problem(), batch_size=8, learning_rate=0.05)
    batch = terms(work.problem, *TEXTS[:2])
    alone = [work.fit([t])[0] for t in batch]
    for one, own in zip(Screener(work).fit(batch), alone, strict=True):
        assert one.loss == pytest.approx(own.loss, rel=2e-3, abs=1e-5)
    start = [fit.parameters for fit in alone]
    for one, own in zip(Screener(work).fit(batch, start=start), work.fit(batch, start=start), strict=True):
        assert one.loss == pytest.approx(own.loss, rel=2e-3, abs=1e-5)
        assert one.loss < alone[0].loss + alone[1].loss


def test_one_function_serves_new_structures_of_the_same_words(problem, terms, evaluator):
    work = evaluator(problem())
    forget_compiled()
    Screener(work).fit(terms(work.problem, *TEXTS[2:5]))
    assert compiled_count() == 1
    more = terms(
        work.problem,
        "affine(first(x)) + affine(last(x)) * affine(deviation(x))",
        "(affine(first(x)) + affine(max(x))) * affine(min(x))",
        "(affine(first(x)) + affine(max(x))) * (affine(min(x)) + affine(last(x)))",
    )
    assert len({work.split(t).skeleton for t in (*more, *terms(work.problem, *TEXTS[2:5]))}) > 3
    Screener(work).fit(more)
    assert compiled_count() == 1


def test_what_runs_over_frames_is_not_screened(problem, evaluator):
    work = evaluator(problem())
    term = parse_term("mean(map(v -> affine(v), x))", work.problem.language, work.problem.output_type)
    assert not Screener(work).takes(term)
    tagging = evaluator(problem("tagging"))
    term = parse_term("map(v -> affine(v), x)", tagging.problem.language, tagging.problem.output_type)
    assert not Screener(tagging).takes(term)


def test_a_deep_term_is_not_screened(problem, terms, evaluator):
    work = evaluator(problem())
    names = ("mean", "max", "min", "first", "last", "middle", "deviation")
    (deep,) = terms(work.problem, " + ".join(f"affine({name}(x))" for name in names))
    assert not Screener(work).takes(deep)
