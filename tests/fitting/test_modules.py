"""Neural modules as words of a language: typed, fitted, and the same function as the network itself."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from antiphon.fitting import fill_hole, with_modules
from antiphon.language import Hole, Real, Seq, check, evaluate, parse_term
from antiphon.networks import build, from_arrays, to_arrays

SUMMARIES = ["rnn", "gru", "lstm", "bigru", "bilstm"]


@pytest.mark.parametrize("name", SUMMARIES)
def test_types(problem, name):
    language = with_modules(problem().language)
    term = parse_term(f"{name}[hidden=4](x)", language, Real(3))
    assert check(term, language, Real(3))[()] == Real(3)
    frames = parse_term(f"{name}_frames[hidden=4](delta(x))", language, Seq(Real(1)))
    assert check(frames, language, Seq(Real(1)))[()] == Seq(Real(1))
    assert name not in problem().language.primitives  # the language itself is left as it was


@pytest.mark.parametrize(
    ("task", "text", "kind", "settings"),
    [
        pytest.param(
            "classification",
            "gru[hidden=4](x)",
            "SequenceToVector",
            {"cell": "gru", "bidirectional": False},
            marks=pytest.mark.slow,
        ),
        (
            "tagging",
            "bilstm_frames[hidden=4](x)",
            "SequenceToSequence",
            {"cell": "lstm", "bidirectional": True},
        ),
        ("classification", "mlp[hidden=4](mean(x))", "VectorToVector", {}),
    ],
)
def test_they_are_fitted_and_equal_the_network(problem, evaluator, task, text, kind, settings):
    given = problem(task)
    given = replace(given, language=with_modules(given.language))
    term = parse_term(text, given.language, given.output_type)
    fit = evaluator(given, learning_rate=0.3, neural_rate=0.1).fit([term], with_scores=True)[0]
    assert fit.score > 0.8
    [leaf] = fit.parameters.values()
    path = next(iter(fit.parameters))
    own = {path: {name: array[0] for name, array in leaf.items()}}
    network = _network(kind, settings, own[path])

    def word(frames, mask):
        value = evaluate(term, given.language, {"x": (frames, mask)}, own, {})
        return value[0] if isinstance(value, tuple) else value

    def alone(frames, mask):
        if kind != "VectorToVector":
            return network(frames, mask)
        mean = parse_term("mean(x)", given.language, given.language.frame_type)
        return network(evaluate(mean, given.language, {"x": (frames, mask)}, {}, {}))

    said = jax.vmap(word)(given.values, given.mask)
    there = given.mask if task == "tagging" else np.ones(40, bool)
    np.testing.assert_allclose(
        np.asarray(said)[there],
        np.asarray(jax.vmap(alone)(given.values, given.mask))[there],
        rtol=1e-5,
        atol=1e-5,
    )


def _network(kind, settings, leaf):
    """The network with the arrays of a leaf, matched by their shapes and order."""
    config = {"kind": kind, "in_size": 2, "out_size": 1, "hidden": 4, **settings}
    side = {"": "forward", "back_": "backward"}
    names = {"shift": "scaling.shift", "scale": "scaling.scale"}
    if kind == "VectorToVector":
        names |= {"kernel": "layers.0.weight", "bias": "layers.0.bias"}
        names |= {"readout": "layers.1.weight", "readout_bias": "layers.1.bias"}
    else:
        for short, long in side.items():
            place = f"recurrent.layers.0.{long}"
            names |= {f"{short}kernel": f"{place}.weight_ih", f"{short}recurrent": f"{place}.weight_hh"}
            names |= {f"{short}bias": f"{place}.bias", f"{short}candidate_bias": f"{place}.bias_n"}
        names |= {"readout": "linear.weight", "readout_bias": "linear.bias"}
    arrays = {names[name]: array for name, array in leaf.items()}
    assert arrays.keys() == to_arrays(build(config, key=jax.random.key(0))).keys()
    return from_arrays(config, arrays)


@pytest.mark.parametrize(
    ("scope", "hole", "name"),
    [
        (Seq(Real(2)), Real(1), "gru"),
        (Seq(Real(2)), Seq(Real(1)), "bigru_frames"),
        (Real(2), Real(1), "mlp"),
    ],
)
def test_a_hole_is_filled_by_a_module_of_its_type(problem, scope, hole, name):
    filled = fill_hole(Hole("output", hole), {"x": problem().language.input_type, "v": scope})
    assert filled.name == name
    assert filled.args[0].name == "v"
