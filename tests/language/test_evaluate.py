"""Primitives against plain NumPy, windows at both ends, padding that changes nothing."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from reference import REACH, value
from strategies import BOUND, TIME, cases, padded, programs_of

from antiphon.language import (
    Output,
    Program,
    Real,
    check,
    data_arrays,
    evaluate,
    parameters,
    parse_term,
)

GROUPS = {"where": np.array([0.0, 1.0, 1.0]), "nose": np.array([0.0, 1.0, 0.0])}


def run(term, values, mask, temperature=0.0, expected=None):
    typing = check(term, BOUND, expected)
    data = data_arrays(term, BOUND, typing)
    inputs = {"x": (jnp.asarray(values), jnp.asarray(mask))}
    return evaluate(term, BOUND, inputs, parameters(term), data, temperature)


def close(got, wanted):
    scale = max(1.0, float(np.abs(wanted).max(initial=0)))
    np.testing.assert_allclose(np.asarray(got), wanted, rtol=2e-4, atol=2e-4 * scale)


@pytest.fixture(scope="module")
def frames():
    return np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)


SUMMARIES = [
    "mean",
    "deviation",
    "max",
    "min",
    "first",
    "last",
    "middle",
    *(f"at[frame={f}]" for f in (0, 3, 99, -1, -2, -99)),
]
FOLDS = [
    "fold_tanh[hidden=2, bias=[0.1, 0.2], kernel=[[1, 0.5, 0], [0, 1, -1]], recurrent=[[0.5, 0], [0, -0.3]]]",
    "fold_gated[hidden=1, bias=[0.1], gate_bias=[-0.2], gate_kernel=[[0.3, -1, 1]], kernel=[[1, 0.5, 0]]]",
]


@pytest.mark.parametrize("length", [1, 2, 6])
@pytest.mark.parametrize("word", [*SUMMARIES, *FOLDS])
def test_summaries_and_folds(word, length, frames):
    for inner in ("x", "part[part=2, of=3](x)"):
        term = parse_term(f"{word}({inner})", BOUND)
        close(run(term, *padded(frames[:length], rubbish=77.0)), value(term, frames[:length], GROUPS))


STREAMS = [
    *(f"window_{kind}[width={w}, look={look}]" for kind in ("mean", "max", "min", "difference")
      for look in REACH for w in (1, 4, 5)),
    *(f"prefix_{kind}" for kind in ("mean", "max", "min", "difference")),
    "delta",
    *(f"prefix_{fold}" for fold in FOLDS),
]  # fmt: skip


@pytest.mark.parametrize("word", STREAMS)
def test_streams(word, frames):
    for inner in ("x", "part[part=2, of=2](x)"):
        for length in (1, 6):
            term = parse_term(f"{word}({inner})", BOUND)
            got, mask = run(term, *padded(frames[:length], rubbish=-55.0))
            wanted, there = value(term, frames[:length], GROUPS)
            np.testing.assert_array_equal(np.asarray(mask)[:length], there)
            assert not np.asarray(mask)[length:].any()
            close(np.asarray(got)[:length][there], wanted[there])
            assert np.all(np.asarray(got)[~np.asarray(mask)] == 0)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 20])
@pytest.mark.parametrize("look", REACH)
def test_windows_look_where_they_say(look, width):
    """Frame t of a window's output depends on exactly the frames that the documentation names."""
    time = 9
    ramp = np.arange(time, dtype=np.float32)[:, None]
    for kind, push in (("mean", 1.0), ("max", 100.0), ("min", -100.0)):
        term = parse_term(f"window_{kind}[width={width}, look={look}](x)", BOUND)

        def frames_of(pushed, term=term):
            return evaluate(term, BOUND, {"x": (pushed, jnp.ones(time, bool))}, {}, {})[0]

        pushed = jnp.asarray(ramp[None] + push * np.eye(time, dtype=np.float32)[:, :, None])
        changed = np.asarray(jax.vmap(frames_of)(pushed) - frames_of(jnp.asarray(ramp))[None])[..., 0]
        for t in range(time):
            low, high = REACH[look](t, width)
            seen = set(range(max(low, 0), min(high, time - 1) + 1))
            assert {i for i in range(time) if abs(changed[i, t]) > 1e-4} == seen, (kind, t)


def test_part_with_fewer_frames_than_parts(frames):
    for length in (1, 2, 3, 5):
        parts = [
            run(parse_term(f"mean(part[part={k}, of=4](x))", BOUND), *padded(frames[:length]))
            for k in (1, 2, 3, 4)
        ]
        assert np.isfinite(np.array(parts)).all()
        close(parts[0], frames[: max(1, length // 4)].mean(0))


def test_an_empty_sequence_is_zero():
    for word in SUMMARIES[:4]:
        found = run(parse_term(f"{word}(x)", BOUND), np.ones((TIME, 3), np.float32), np.zeros(TIME, bool))
        assert np.all(np.asarray(found) == 0)


def test_conditions_are_soft_while_fitting_and_hard_after(frames):
    term = parse_term(
        "if affine[speed + 0.5](last(x)) > 0 then affine[2](mean(x)) else affine[-1](mean(x))", BOUND
    )
    values, mask = padded(frames[:4])
    score = frames[3, 0] + 0.5
    assert run(term, values, mask) == (2.0 if score > 0 else -1.0)
    soft = 1 / (1 + np.exp(-score / 0.7))
    close(run(term, values, mask, np.float32(0.7)), [2 * soft - (1 - soft)])
    steps = run(parse_term("step(last(x))", BOUND), values, mask)
    np.testing.assert_array_equal(np.asarray(steps), (frames[3] > 0).astype(np.float32))
    slope = jax.grad(lambda t: run(term, values, mask, t)[0])(jnp.float32(0.7))
    assert np.isfinite(slope)


@settings(max_examples=30, deadline=None)
@given(term=programs_of(1, depth=3), case=cases)
def test_terms_agree_with_the_reference_and_padding_changes_nothing(term, case):
    term = Program(term, BOUND, Output("regression", targets=("y",))).term
    got = run(term, *padded(case), expected=Real(1))
    longer = run(term, *padded(case, TIME + 3, rubbish=3.0), expected=Real(1))
    close(longer, np.asarray(got))
    wanted = value(term, case, GROUPS)
    if _steady(term, case, wanted):
        close(got, wanted)


def _steady(term, case, wanted):
    """Whether no condition hangs on the last bit: a slightly pushed input gives a slightly pushed result."""
    pushed = value(term, case * (1 + 1e-6) + 1e-6, GROUPS)
    return np.abs(pushed - wanted).max() <= 1e-3 * max(1.0, np.abs(wanted).max())
