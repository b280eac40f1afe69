"""Languages of one's own: short to define, clear where they are wrong."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from antiphon.errors import LanguageError
from antiphon.language import Language, sequence

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_language.py"


def test_the_example_defines_a_language_in_fifteen_lines_and_runs(capsys):
    part = EXAMPLE.read_text().split("# --- ")[1]
    code = [line for line in part.splitlines()[1:] if line.strip()]
    assert len(code) <= 15
    spec = importlib.util.spec_from_file_location("own_language", EXAMPLE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main()
    printed = capsys.readouterr().out
    assert "if  mean of nose_distance over the last 0.5 s < 2.1 cm" in printed
    assert "then  1.8 × lower quartile of speed - 0.4" in printed
    assert "['attacks' 'explores']" in printed


def test_a_language_starts_from_the_ready_one():
    own = Language("starts_from_sequence")
    assert set(own.primitives) == set(sequence.primitives)
    assert own.rules == sequence.rules

    @own.primitive("Seq[Real[n]] -> Seq[Real[n]]")
    def same(frames, mask):
        return frames

    @own.primitive("Real[n] -> Real[1]", searched=False)
    def total(v):
        return v.sum(keepdims=True)

    assert "same" not in sequence.primitives
    assert own["same"].prints == "same of {0}"
    assert [r.template for r in own.rules if r not in sequence.rules] == ["same(?stream)"]
    assert Language("from_another", extends=own)["same"] is own["same"]
    assert not Language.bare("from_nothing").primitives


def test_what_a_primitive_may_not_be():
    own = Language("wrong_primitives")
    with pytest.raises(LanguageError, match="is no function"):
        own.primitive("Real[2]")
    with pytest.raises(LanguageError, match="does not take depth, width"):
        own.primitive("Seq[Real[n]] -> Real[n]", config={"width": (1,)}, parameters={"depth": "n"})(
            lambda f, m: f[0]
        )
    with pytest.raises(LanguageError, match="cannot be written in a program"):
        own.primitive("Seq[Real[n]] -> Real[n]")(lambda f, m: f[0])
    with pytest.raises(LanguageError, match="names what is not there"):
        own.primitive("Seq[Real[n]] -> Real[n]", name="odd", prints="{0} and {1}")(lambda f, m: f[0])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"name": "two words"}, "The language name 'two words'"),
        ({"name": "sequence"}, "belongs to a ready language"),
        ({"name": "l", "features": {"two words": ""}}, "The feature name 'two words'"),
        ({"name": "l", "features": {"a": ""}, "groups": {"g": ("b",)}}, "names 'b'"),
        ({"name": "l", "features": {"a": ""}, "groups": {"all": ("a",)}}, "A group called 'all'"),
    ],
)
def test_what_a_language_may_not_be(arguments, says):
    with pytest.raises(LanguageError, match=says):
        Language(**arguments)
