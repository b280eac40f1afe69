"""The page about programs of sound says what is so."""

import re
from pathlib import Path

import pytest

from antiphon.language import Program, parse_term, primitive_table, sequence, sound, to_words

PAGE = Path(__file__).parents[2] / "docs" / "sound_programs.md"
pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason="the documentation is not here")


def blocks(kind):
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)


def test_the_table_of_words_is_complete():
    own = set(sound.primitives) - set(sequence.primitives)
    rows = [
        row for row in primitive_table(sound).splitlines() if row.split("`")[1:2] and row.split("`")[1] in own
    ]
    assert len(rows) == len(own)
    assert "\n".join(rows) in PAGE.read_text("utf-8")


def test_its_program_parses_and_reads_as_it_says():
    program = Program.parse(blocks("antiphon")[0])
    assert Program.parse(str(program)) == program
    assert to_words(program) + "\n" == blocks("words")[0]


def test_what_is_written_is_read_so():
    bound = sound.bind({"centroid": "Hz"}, rate_hz=100)
    rows = re.findall(r"^\| `(.*?\(x\)+)`.* \| (.*?) \|$", PAGE.read_text("utf-8"), re.M)
    assert len(rows) == 4
    for text, said in rows:
        term = parse_term(text, bound)
        program = Program.parse(
            "language sound\ninput x: Seq[Real[1]] of centroid [Hz]\nrate 100 Hz\noutput numbers y\n"
            f"program\n  {text}"
        )
        assert program.term == term
        assert to_words(program) == f"y = {said}"


@pytest.mark.slow
def test_its_python_runs(capsys):
    exec(blocks("python")[0], {})
    assert re.fullmatch(r"\['\w+' '\w+'\]\n", capsys.readouterr().out)
