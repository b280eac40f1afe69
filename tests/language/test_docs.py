"""The page on the language says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import antiphon.language
from antiphon.errors import LanguageError
from antiphon.language import LAWS, Program, parse_term, primitive_table, sequence, to_words

PAGE = (Path(__file__).parents[2] / "docs" / "language.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.M | re.S)


def test_the_table_of_primitives_is_complete():
    assert primitive_table(sequence) in PAGE


def test_the_table_of_laws_is_complete():
    assert "\n".join(f"| `{law}` | {meaning} |" for law, meaning in LAWS.items()) + "\n\n" in PAGE


@pytest.mark.parametrize("text", blocks("antiphon"), ids=["head", "crim13", "calms21", "basketball"])
def test_its_programs_parse_and_run(text):
    program = Program.parse(text)
    assert Program.parse(str(program)) == program
    frames = np.random.default_rng(0).normal(size=(2, 13, len(program.language.features)))
    labels = program.predict(frames)
    assert len(labels) == 2
    assert np.isfinite(program.scores(frames, np.ones((2, 13), bool))).all()


def test_its_words_are_those_of_its_program():
    assert to_words(Program.parse(blocks("antiphon")[0])) + "\n" == blocks("words")[0]


def test_its_error_is_the_one_that_is_raised():
    term, message = blocks("error")[0].splitlines()
    with pytest.raises(LanguageError, match=re.escape(message)):
        parse_term(term, sequence.bind({"speed": ""}))


def test_its_python_runs():
    scope: dict = {}
    exec(blocks("python")[0], scope)
    program = scope["program"]
    assert to_words(program) == (
        "trill = 2 × range of pitch 2 frames ago - 0.1 × range of level 2 frames ago"
    )
    assert program.language.frame_type.units == ("kHz", "dB")
    assert np.allclose(program.predict([np.arange(8.0).reshape(4, 2)]), 2 * 2 - 0.1 * 2)


def test_its_equal_terms_are_equal():
    exec(blocks("python")[1], {})


def test_public_names_are_documented():
    for name in antiphon.language.__all__:
        thing = getattr(antiphon.language, name)
        if callable(thing) and not hasattr(thing, "__args__"):
            assert thing.__doc__, name
