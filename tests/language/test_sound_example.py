"""The example of spoken digits runs, on tones in the place of digits."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "spoken_digits.py"


@pytest.mark.slow
def test_the_example_learns_a_program_and_a_network(tmp_path, capsys):
    soundfile = pytest.importorskip("soundfile")
    rng = np.random.default_rng(0)
    for digit in (0, 1):
        for index in range(12):
            time = np.arange(2400 + 40 * index) / 8000
            wave = 0.3 * np.sin(2 * np.pi * (300 + 900 * digit) * time) + 0.01 * rng.normal(size=len(time))
            soundfile.write(tmp_path / f"{digit}_ann_{index}.wav", wave, 8000)
    spec = importlib.util.spec_from_file_location("spoken_digits", EXAMPLE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(str(tmp_path), candidates=6, epochs=2)
    printed = capsys.readouterr().out
    assert "program: 1.000" in printed
    assert "LSTM: " in printed
