"""A search that finds one program at once, so that what stands around a search is tested in little time."""

import jax
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from antiphon import search
from antiphon.fitting import best_threshold
from antiphon.language import Output, Parameters, Program, parse_term, path_name, walk, with_parameters

FORMS = {"tagging": "map(v -> affine(v), x)", "table": "affine(x)", "sequence": "affine(mean(x))"}


def linear_program(problem, output):
    """A linear model of the averages over time (or of single frames) as a program, and its logits."""
    table = problem.language.is_table
    if problem.task == "tagging":
        rows, truth = problem.values[problem.mask], problem.targets[problem.mask]
        weights = np.repeat(problem.case_weights, problem.mask.sum(1))
    else:
        rows = problem.values.sum(1) / problem.mask.sum(1)[:, None]
        truth, weights = problem.targets, problem.case_weights
    shift, scale = rows.mean(0), rows.std(0) + 1e-6
    rows = (rows - shift) / scale
    if problem.task == "regression":
        model = Ridge(1e-3).fit(rows, truth[:, 0], weights)
        weight, bias = model.coef_.reshape(1, -1), np.reshape(model.intercept_, 1)
    else:
        model = LogisticRegression(C=10, max_iter=1000).fit(rows, truth, weights)
        weight, bias = model.coef_, model.intercept_
    scores = rows @ weight.T + bias
    weight = weight / scale
    bias = bias - weight @ shift
    form = "tagging" if problem.task == "tagging" else "table" if table else "sequence"
    term = parse_term(FORMS[form], problem.language, problem.output_type)
    place = next(path_name(path) for path, node in walk(term) if getattr(node, "name", "") == "affine")
    arrays = Parameters(
        weight=np.float32(weight), bias=np.float32(bias), centre=np.zeros(len(shift), np.float32)
    )
    threshold = output.threshold
    if problem.metric in ("f1", "macro-f1") and output.scores == 1:
        threshold = best_threshold(scores[:, 0], truth, problem.metric)
    output = Output(output.task, output.classes, threshold, output.targets)
    return Program(with_parameters(term, {place: arrays}), problem.language, output)


def instant_learn(
    problem,
    output,
    settings=None,
    *,
    split,
    journal=None,
    listeners=(),
    executor=None,
    constraints=(),
    first=(),
):
    assert split(3, settings.seed), "folds can be made"
    program = linear_program(problem, output)
    for listener in listeners:
        listener(search.SearchEnded(1, 0.0, 0.0, False))
    curve = search.Curve("", (1,), (0.5,), (0.5,))
    found = search.Found(program, 0.9, 0.01, 0.3, program.size, 0.1, curve)
    return search.SearchResult(found, (found,), 1, 0, 0.0, 0.0, settings.strategy, (), False)


@pytest.fixture
def searching():
    """Promotion as Optax needs it: its Adam raises a float to an integer count."""
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.fixture
def instant(monkeypatch):
    monkeypatch.setattr(search, "learn", instant_learn)


@pytest.fixture
def walks():
    """Sequences of several lengths, two features, three classes that their means tell apart."""
    return make_walks()


def make_walks(cases=60, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(cases) % classes
    X = [np.float32(rng.normal((2.0 * label, -label), 1.0, (rng.integers(3, 9), 2))) for label in y]
    return X, np.array(["bird", "cat", "dog"])[y]
