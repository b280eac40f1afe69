"""Supernets: what they hold, and candidates judged with shared weights."""

from dataclasses import replace

import pytest

from antiphon.fitting import Schedule, SharedEvaluator, superpose, with_picks, within
from antiphon.language import Apply, Real, architecture, check, nas_bench_201, parse_term, walk

FEATURES = {"speed": "cm/s", "angle": "rad"}
BOUND, CELLS = architecture.bind(FEATURES), nas_bench_201.bind(FEATURES)
OPERATIONS = ("none", "skip", "conv[width=1]", "conv[width=3]", "pool")


def cell(*operations):
    """A cell of NAS-Bench-201 by the operations on its edges a-b, a-c, b-c, a-d, b-d, c-d."""
    e = [f"{op}({v})" for op, v in zip(operations, "aababc", strict=True)]
    body = f"a -> {e[0]}, a -> b -> {e[1]} + {e[2]}, a -> b -> c -> {e[3]} + {e[4]} + {e[5]}"
    return parse_term(f"linear(mean(cell({body}, embed[width=16](standard(x)))))", CELLS, Real(1))


def test_a_supernet_holds_all_that_mix_its_terms():
    both = superpose([cell(*[op] * 6) for op in OPERATIONS], CELLS)
    picks = [n for _, n in walk(both) if isinstance(n, Apply) and n.name == "pick_5"]
    assert len(picks) == 6, "an edge each"
    assert check(both, with_picks(CELLS, both), Real(1))
    placed = within(both, cell("none", "pool", "skip", "pool", "conv[width=1]", "none"), CELLS)
    assert placed is not None
    chosen = [n.setting("choice") for _, n in walk(placed) if isinstance(n, Apply) and n.name == "pick_5"]
    names = [[a.body.name for a in n.args] for n in picks]
    said = [(names[i][c], n) for i, (c, n) in enumerate(zip(chosen, picks, strict=True))]
    assert [name for name, _ in said] == ["none", "pool", "skip", "pool", "conv", "none"]
    assert within(both, parse_term("linear(mean(x))", BOUND, Real(1)), BOUND) is None


@pytest.mark.slow
def test_a_supernet_with_one_term_is_that_term(problem, evaluator):
    """Trained with nothing to choose, shared weights are those of the term alone."""
    given = replace(problem(), language=BOUND)
    term = parse_term("linear(last(fold[hidden=8](h -> v -> tanh(mix(v, h)), standard(x))))", BOUND, Real(1))
    work = evaluator(given, steps=40, evaluations=1, keep_best=False)
    [alone] = work.fit([term])
    [shared] = SharedEvaluator(given, work.folds, work.schedule, space=[term], lengthening=1).fit([term])
    assert shared.text == alone.text
    assert shared.loss == pytest.approx(alone.loss, rel=1e-2)


@pytest.mark.slow
def test_candidates_are_judged_with_shared_weights(problem, evaluator):
    given = replace(problem(), language=CELLS)
    space = [
        cell(op, *rest) for op, rest in zip(OPERATIONS, zip(*[OPERATIONS] * 5, strict=True), strict=True)
    ]
    folds = evaluator(given).folds
    work = SharedEvaluator(given, folds, Schedule(steps=30), space=space, lengthening=2)
    inside = cell("conv[width=3]", "pool", "skip", "none", "conv[width=1]", "skip")
    nothing = cell(*["none"] * 6)
    outside = parse_term(
        "linear(last(fold[hidden=8](h -> v -> tanh(mix(v, h)), standard(x))))", BOUND, Real(1)
    )
    assert work.group([inside, outside, nothing]) == [[0, 2], [1]]
    good, empty = work.fit([inside, nothing])
    assert good.loss < empty.loss, "what reads nothing can say nothing"
    assert empty.constant
    assert work.fit([inside])[0] == good
    [alone] = work.fit([outside])
    assert alone.parameters, "what the supernet does not hold is trained by itself"
