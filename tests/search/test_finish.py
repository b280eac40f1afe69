"""From sketches to programs: own units, rounding, the front."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedKFold
from strategies import BOUND, cases, padded, programs_of

from antiphon.data import load
from antiphon.fitting import Problem
from antiphon.language import Output, Real, check, data_arrays, evaluate, parameters, sequence
from antiphon.search import Settings, learn, rescale, round_significant, undominated


def value(term, frames, width):
    values, mask = padded(frames)
    data = data_arrays(term, BOUND, check(term, BOUND, Real(width)))
    inputs = {"x": (jnp.asarray(values), jnp.asarray(mask))}
    return np.asarray(evaluate(term, BOUND, inputs, parameters(term), data), np.float64)


@given(programs_of(2, depth=2), cases, st.booleans())
@settings(max_examples=25, deadline=None)
def test_a_program_in_other_units(term, frames, at_zero):
    location = np.zeros(2) if at_zero else np.array([3.0, -1.5])
    scale = np.array([0.5, 20.0])
    before, after = value(term, frames, 2), value(rescale(term, location, scale), frames, 2)
    wanted = location + scale * before
    if np.isfinite(wanted).all():
        # float32 loses digits where large summands cancel.
        np.testing.assert_allclose(after, wanted, rtol=1e-3, atol=1e-3 * (1 + np.abs(wanted).max()))


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=9), st.integers(1, 5))
def test_significant_digits(numbers, digits):
    found = round_significant(np.array(numbers), digits)
    for one, exact in zip(found, numbers, strict=True):
        assert abs(one - exact) <= abs(exact) * 10.0**-digits * 5.01
    assert np.array_equal(round_significant(np.array(numbers), None), np.float32(numbers))


@given(st.lists(st.tuples(st.integers(3, 8), st.integers(0, 5), st.integers(0, 5)), min_size=1))
def test_the_front(drawn):
    found = [SimpleNamespace(size=s, score=a / 5, loss=float(b)) for s, a, b in drawn]
    front = undominated(found)
    sizes, scores = [f.size for f in front], [f.score for f in front]
    assert sizes == sorted(set(sizes))
    assert scores == sorted(set(scores))
    for one in found:
        assert any(f.size <= one.size and f.score >= one.score for f in front)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["beam", "near"])
def test_a_planted_program_is_found(strategy):
    train, test = load("planted-speed")
    known = train.X.features
    bound = sequence.bind(dict(zip(known.names, known.units, strict=True)), groups=known.groups, rate_hz=10)
    values, mask = train.X.pad()
    targets = (train.y == "slow").astype(np.int32)
    problem = Problem(bound, values, mask, targets, "classification", 1, "accuracy")
    found = learn(
        problem,
        Output("classification", ("fast", "slow")),
        Settings(strategy=strategy),
        split=lambda n, seed: list(
            StratifiedKFold(n, shuffle=True, random_state=seed).split(values, targets)
        ),
    ).chosen
    assert (np.asarray(found.program.predict(list(test.X))) == test.y).mean() >= 0.99, str(found.program)
