"""What a program reads, and how much each number of it counts, must be true of the program."""

import numpy as np
import pytest

from antiphon.data import as_sequences
from antiphon.estimators._looks import comparisons, lead, winners
from antiphon.estimators._readings import Readings, average_readings
from antiphon.language import Program

HEAD = "language sequence\ninput x: Seq[Real[2]] of speed [cm/s], angle [rad]\nrate 10 Hz\n"
CLASSES = HEAD + 'output classes ["a", "b", "c"]\nprogram\n  '
TAGS = HEAD + 'output tags ["no", "yes"]\nprogram\n  '


def cases(lengths=(5, 9, 3), seed=0):
    rng = np.random.default_rng(seed)
    frames = [rng.normal(0, 2, (n, 2)).astype(np.float32) for n in lengths]
    return as_sequences(frames, features=["speed", "angle"], rate_hz=10)


def counted(program, X):
    """How much each number that is read speaks for the prediction, and what is read on average."""
    values, mask = X.pad()
    readings = Readings(program)
    slopes = readings.slopes(
        values, mask, lambda scores, winner: lead(program, scores, winner), winners(program, values, mask)
    )
    averages = average_readings(readings, X)
    read = readings.values(values, mask)
    return [slope * (one - mean) for slope, one, mean in zip(slopes, read, averages, strict=True)], averages


def test_in_a_linear_program_they_add_up_to_the_margin():
    program = Program.parse(
        CLASSES + "affine[speed - 2*angle; 3*speed + 1; angle - 1](mean(x)) "
        "+ affine[0.5*angle; speed; 2*speed](max(x))"
    )
    X = cases()
    parts, (mean, most) = counted(program, X)
    scores = program.scores(*X.pad())
    level = (
        np.array([[1, -2], [3, 0], [0, 1]]) @ mean + [0, 1, -1] + np.array([[0, 0.5], [1, 0], [2, 0]]) @ most
    )
    for case, row in enumerate(scores):
        winner, rival = np.argsort(row)[::-1][:2]
        np.testing.assert_allclose(
            sum(part[case].sum() for part in parts),
            (row[winner] - row[rival]) - (level[winner] - level[rival]),
            rtol=1e-4,
            atol=1e-5,
        )


def test_what_is_read_is_what_the_words_say():
    program = Program.parse(CLASSES + "affine(mean(part[part=2, of=2](x))) + affine(last(x))".replace(
        "affine(", "affine[speed; angle; 1]("))  # fmt: skip
    X = cases()
    readings = Readings(program)
    middle, last = readings.values(*X.pad())
    for case, frames in enumerate(X):
        np.testing.assert_allclose(last[case], frames[-1])
        first, stop = readings.seen(frames)[0]
        np.testing.assert_allclose(middle[case], frames[first:stop].mean(0), rtol=1e-5)
        assert readings.seen(frames)[1] == (len(frames) - 1, len(frames))
    assert [reading.term.name for reading in readings] == ["mean", "last"]
    assert readings.entries(readings.all[0]) == ("speed", "angle")


@pytest.mark.slow
def test_the_same_reading_twice_is_one():
    program = Program.parse(
        HEAD + "output numbers y\nprogram\n  if affine[1*speed - 1](mean(x)) > 0 "
        "then affine[2*angle](mean(x)) else affine[3*speed](mean(x))"
    )
    readings = Readings(program)
    assert len(readings) == 1
    parts, _ = counted(program, cases())
    assert parts[0].shape == (3, 2)
    ((path, column, value, direction),) = comparisons(program)
    assert (readings.number_at(path), column, value, direction) == (0, 0, 1.0, ">")


@pytest.mark.slow
def test_a_tagger_reads_streams():
    program = Program.parse(
        TAGS + "map(v -> if affine[1*angle + 1](v) > 0 then affine[1*speed](v) else affine[-1](v), "
        "window_mean[width=3, look=trailing](x))"
    )
    readings = Readings(program)
    X = cases()
    values, mask = X.pad()
    (stream,) = readings.values(values, mask)
    np.testing.assert_allclose(stream[0, 4], X[0][2:5].mean(0), rtol=1e-5)
    (path, column, value, direction), *more = comparisons(program)
    assert (readings.number_at(path), column, value, direction) == (0, 1, -1.0, ">")
    assert not more
    np.testing.assert_allclose(
        average_readings(readings, X)[0], stream[mask].mean(0), rtol=1e-5
    )  # padding does not count
    parts, _ = counted(program, X)
    assert parts[0].shape == (*mask.shape, 2)
    assert not parts[0][~mask].any()


def test_a_long_case_is_changed_in_stretches(monkeypatch):
    from antiphon.estimators import _readings

    time = 300
    monkeypatch.setattr(_readings, "MOST_NUMBERS", 2 * 2 * 512 * 16)
    program = Program.parse(CLASSES + "affine[speed; angle; 1](mean(part[part=1, of=2](x)))")
    (window,) = Readings(program).seen(cases((time,))[0])
    block = -(-time // 16)
    assert window[0] == 0
    assert time / 2 - 1 <= window[1] <= time / 2 + block
