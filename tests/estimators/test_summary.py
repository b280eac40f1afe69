"""A run as plain data: complete, for each kind of task."""

from types import SimpleNamespace

import numpy as np
import pytest

from antiphon.data import load
from antiphon.estimators import program_text, show_program, summarise
from antiphon.language import Program
from antiphon.report import BaselineScore, render_html, to_json

MOTION = """language sequence
input x: Seq[Real[4]] of speed [cm/s], distance [cm], angle [rad], noise
rate 10 Hz
"""
PROGRAMS = {
    "planted-speed": (
        MOTION + 'output classes ["fast", "slow"]\nprogram\n'
        "  affine[-1*speed + 5](last(window_mean[width=5, look=trailing](x)))",
        "accuracy",
    ),
    "planted-tags": (
        MOTION + "output tags [0, 1]\nprogram\n"
        "  map(v -> affine[speed - 5](v), window_mean[width=3, look=trailing](x))",
        "accuracy",
    ),
    "planted-table": (
        "language sequence\ninput x: Real[4] of width [cm], height [cm], depth [cm], colour\n"
        "output numbers y\nprogram\n"
        "  if affine[1*depth](x) > 0 then affine[2*width - 3*height](x) else affine[1](x)",
        "r2",
    ),
}


class Fitted:
    """What `summarise` asks of a fitted estimator, without a search."""

    def __init__(self, program, metric):
        curve = SimpleNamespace(steps=(0, 1), train_loss=(1.0, 0.5), validation_loss=())
        found = SimpleNamespace(program=program, score=0.9, score_std=0.1, size=program.size, curve=curve)
        self.program_, self.metric_ = program, metric
        self.search_ = SimpleNamespace(
            chosen=found, front=(found,), candidates=5, failed=1, seconds=2.0, compile_seconds=1.0,
            strategy="near", trace=((0.5, 1, 0.8), (1.5, 4, 0.9)), interrupted=True,
            rejected=(("monotone speed+", 3),),
        )  # fmt: skip

    def predict(self, X):
        return self.program_.predict([frames[0] if X.is_table else frames for frames in X])


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_the_planted_rule_is_told_whole_and_true(name):
    text, metric = PROGRAMS[name]
    dataset = load(name)
    model = Fitted(Program.parse(text), metric)
    result = summarise(model, dataset, baselines=[BaselineScore("majority", 0.5)], budget="5 candidates")

    assert result.test_score == pytest.approx(1, abs=1e-5)
    assert result.program.text == str(model.program_)
    assert result.program.size == model.program_.size
    assert result.data.n_test == len(dataset.test)
    assert [curve.name for curve in result.curves] == ["program"]
    assert result.search.fitted == 4
    assert result.search.budget.endswith("interrupted")
    assert result.front[0].chosen
    losses = dict(result.importance)
    used = {"planted-table": {"width", "height", "depth"}}.get(name, {"speed"})
    assert {feature for feature, loss in losses.items() if loss > 0.01} == used
    assert len(result.looks) == 4
    assert all(np.isfinite(look.weight).all() for look in result.looks)
    if dataset.task == "regression":
        assert result.confusion is None
        assert result.scatter is not None
    else:
        assert np.trace(result.confusion.matrix) == result.confusion.matrix.sum()
    assert "Where it looks" in render_html(result)
    assert to_json(result)["baselines"] == {"majority": 0.5}


def test_every_form_of_a_program_is_filled():
    text = program_text(Program.parse(PROGRAMS["planted-speed"][0]))
    assert text.sketch == "affine(last(window_mean[width=5, look=trailing](x)))"
    assert all((text.text, text.math, text.latex, text.sentences))


def test_a_form_that_does_not_exist_is_refused():
    from antiphon.errors import InputError

    with pytest.raises(InputError, match="sonnet"):
        show_program(Program.parse(PROGRAMS["planted-speed"][0]), "sonnet")
