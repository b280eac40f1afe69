"""What people read."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import BOUND, programs_of

from antiphon.errors import InputError
from antiphon.language import FORMS, Output, Program, parse_term, show, to_words

HEAD = """language sequence
input x: Seq[Real[3]] of speed [cm/s], nose [cm], angle [rad]
rate 30 Hz
"""


def words(body: str, output: str = "numbers y") -> str:
    return to_words(Program.parse(f"{HEAD}output {output}\nprogram\n  {body}"))


def test_the_sentence_of_the_design():
    assert words(
        "if affine[-nose + 2.1](last(window_mean[width=0.5 s, look=trailing](x))) > 0 "
        "then affine[1.8*speed - 0.4](mean(x)) else affine[-3.2](mean(x))"
    ).splitlines() == [
        "y =",
        "  if  mean of nose over the last 0.5 s < 2.1 cm",
        "  then  1.8 × mean of speed - 0.4",
        "  else  -3.2",
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("affine[2*speed - 3](mean(x))", "mean of speed > 1.5 cm/s"),
        ("affine[-2*(speed - 3)](mean(x))", "mean of speed < 3 cm/s"),
        ("affine[speed - nose](last(x))", "last speed > last nose"),
        ("affine[-1*speed - 2*nose + 1](max(x))", "maximum of speed + 2 × maximum of nose < 1"),
        ("affine[1*speed](mean(x) * max(x))", "mean of speed × maximum of speed > 0"),
        ("affine[0.5](mean(x))", "always"),
        (
            "affine[1*nose](mean(window_max[width=6, look=centred](x)))",
            "mean of (maximum of nose over the surrounding 0.2 s) > 0 cm",
        ),
        (
            "affine[1*nose](first(window_min[width=6, look=leading](x)))",
            "minimum of nose over the first 0.2 s > 0 cm",
        ),
        ("affine[1*nose](mean(x)) + affine[2*nose - 3](mean(x))", "mean of nose > 1 cm"),
        ("affine[1*nose](mean(part[part=1, of=3](x)))", "mean of nose in the first third > 0 cm"),
    ],
)
def test_conditions_in_words(body, said):
    assert words(body, 'classes ["a", "b"]') == f"b  if  {said}\na  otherwise"


def test_frames_and_thresholds_in_words():
    said = words("map(v -> affine[1*nose](v), x)", "tags [0, 1] threshold 0.8")
    assert said == "for each frame:\n  1  if  nose > 1.386 cm\n  0  otherwise"


def test_many_classes_say_what_sets_each_apart_and_then_everything():
    names = [f"c{i}" for i in range(10)]
    weights = np.eye(5, 10) * 3 + 0.1
    rows = "; ".join(" + ".join(f"{w:g}*{n}" for w, n in zip(row, names, strict=True)) for row in weights)
    head = (
        f"language sequence\ninput x: Seq[Real[10]] of {', '.join(names)}\noutput classes [5, 6, 7, 8, 9]\n"
    )
    program = Program.parse(f"{head}program\n  affine[{rows}](mean(x)) + affine[1;2;3;4;5](last(x))")
    said = to_words(program)
    assert "  7:  for high mean of c2\n" in said
    table = said.split("\n\n")[1].splitlines()
    assert len(table) == 12
    assert table[1].split() == ["mean", "of", "c0", "3.1", "0.1", "0.1", "0.1", "0.1"]
    assert table[-1].split() == ["a", "constant", "1", "2", "3", "4", "5"]
    assert show(program, "math").splitlines() == [
        "argmax A·mean(x) + c",
        "  A: 5 × 10, of c0, c1, ..., c9",
        "  c: [1; 2; 3; 4; 5]",
    ]
    assert r"\vdots" in show(program, "latex")
    weighted = to_words(program, spreads={"c9": 1000.0, "c2": 0.0})
    assert "  7:  for high mean of c2\n" not in weighted


def test_mathematics_in_one_line():
    program = Program.parse(
        f"{HEAD}output numbers y\nprogram\n  if affine[-nose + 2](max(x)) > 0 "
        "then affine[1.5*speed + 1](last(window_mean[width=3, look=trailing](x))) else affine[1e-9](mean(x))"
    )
    assert show(program, "math") == "y = (1.5·mean(speed, last 0.1 s) + 1 if max(nose) < 2 else 1e-09)"
    assert r"\text{if } \operatorname{max}(\mathrm{nose}) < 2" in show(program, "latex")
    assert r"10^{-9}" in show(program, "latex")


@settings(max_examples=40, deadline=None)
@given(term=programs_of(3))
def test_every_program_has_every_form(term):
    program = Program(term, BOUND, Output("classification", ("a_b", "50%", "c")))
    for form in FORMS:
        if form != "sympy":  # For numbers over tables only: see test_arithmetic.py.
            assert show(program, form).strip()
    assert Program.parse(show(program, "text")) == program
    latex = show(program, "latex")
    assert latex.count("{") == latex.count("}")
    assert latex.count(r"\begin{") == latex.count(r"\end{")
    assert latex.count(r"\left(") == latex.count(r"\right)")
    assert "<" not in show(program, "words") or "if" in show(program, "words")


def test_the_tree_for_graphviz():
    program = Program(
        parse_term("affine[1*nose](at[frame=3](x))", BOUND), BOUND, Output("classification", (0, 1))
    )
    dot = show(program, "dot")
    labels = [json.loads(label) for label in re.findall(r"label=(\"[^\n]*\")\]", dot)]
    assert labels == ["affine nose\nReal[1]", "at frame=3\nReal[3]", "x\nSeq[Real[3]]"]
    assert dot.count("->") == 2


def test_a_form_that_is_none():
    with pytest.raises(InputError, match="no form 'poem'"):
        show(Program.parse(f"{HEAD}output numbers a, b, c\nprogram\n  mean(x)"), "poem")
