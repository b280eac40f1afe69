"""What a report shows of recordings must be what they are, and what the program does with them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.data import Dataset, Sounds, Split, synthetic_sounds
from antiphon.estimators import _sound_looks
from antiphon.estimators._judge import Judge
from antiphon.estimators._listening_choice import MOST_LOOKS, MOST_MORE, choose
from antiphon.estimators._sound_looks import listening
from antiphon.estimators._subjects import subject_scores
from antiphon.language import Program
from antiphon.report._sound_plot import sound_plot

HEAD = "language sequence\ninput x: Seq[Real[2]] of centroid [Hz], level [dB]\nrate 100 Hz\n"
PROGRAM = (
    HEAD + 'output classes ["noise", "tone"]\nprogram\n'
    "  if affine[1*centroid - 1700](mean(part[part=2, of=3](x))) > 0 "
    "then affine[-3](mean(part[part=2, of=3](x))) "
    "else affine[0.5*level + 10](max(window_mean[width=5, look=trailing](x)))"
)
TAGGER = (
    HEAD + 'output tags ["none", "tone"]\nprogram\n  map(v -> affine[1*level + 25](v), '
    "window_mean[width=3, look=centred](x))"
)


def dataset(sounds, X, y, train, task="classification", classes=None, notes=()):
    def part(mask):
        cases = np.flatnonzero(mask)
        labels = [y[i] for i in cases] if isinstance(y, list) else np.asarray(y)[cases]
        return Split(X[cases], labels, sounds.speakers[cases], sounds[cases])

    return Dataset("demo", "", part(train), part(~train), "label", "", task, classes, notes)


@pytest.fixture(scope="module")
def tones():
    sounds = synthetic_sounds(["tone", "noise"], each=3, rooms=3)  # the last room is the test part
    return dataset(
        sounds, sounds.frames("centroid,level"), sounds.labels, sounds.parts == 0, classes=("noise", "tone")
    )


@pytest.fixture(scope="module")
def predicted(tones):
    return Program.parse(PROGRAM).predict(list(tones.test.X))


@pytest.fixture(scope="module")
def looks(tones, predicted):
    return listening(Program.parse(PROGRAM), tones, predicted).looks


def test_each_look_shows_its_recording(looks, tones):
    test = tones.test
    assert {look.recording.true_label for look in looks} == {"noise", "tone"}
    for look in looks:
        case = test.sounds.names.index(look.recording.name)
        np.testing.assert_array_equal(look.recording.samples, test.sounds[case])
        assert look.recording.speaker == test.subjects[case]
        assert (look.recording.start, look.recording.whole) == (0, None)
        assert look.hop_seconds == 0.01
        frames = test.X[case]
        assert len(look.spectrogram) == len(frames)
        # Every stream is the feature that it says, or what is made of it.
        for stream in look.streams:
            column = {"centroid": 0, "level": 1}[stream.name]
            wanted = frames[:, column].astype(float)
            if stream.words:
                assert stream.words == "mean of level over the last 0.05 s"
                wanted = np.array([wanted[max(0, t - 4) : t + 1].mean() for t in range(len(wanted))])
            np.testing.assert_allclose(stream.values, wanted, rtol=1e-4)


def test_what_is_taken_is_what_the_program_takes(looks):
    seen = set()
    for look in looks:
        time = len(look.spectrogram)
        for stream in look.streams:
            for taken in stream.taken:
                first, stop = taken.window
                if stream.name == "centroid":
                    assert taken.words == "mean of centroid in the middle third"
                    assert taken.thresholds == ((1700.0, ">"),)
                    assert taken.value == pytest.approx(stream.values[first:stop].mean(), rel=1e-5)
                    assert abs(first - time / 3) <= 1
                else:
                    assert taken.words == "maximum of (mean of level over the last 0.05 s)"
                    assert taken.value == pytest.approx(stream.values.max(), rel=1e-5)
                    # It is half of what the number is above the average.
                    assert taken.contribution != 0
                assert taken.to_scale
                seen.add(stream.name)
    assert seen == {"centroid", "level"}


def test_the_spectrogram_is_brightest_where_the_tone_is(looks):
    (look,) = [one for one in looks if one.recording.true_label == "tone"][:1]
    samples = look.recording.samples
    peak = np.abs(np.fft.rfft(samples)).argmax() * 8000 / len(samples)
    band = look.spectrogram.mean(0).argmax()
    assert look.band_hz[band] - 40 <= peak <= look.band_hz[band + 1] + 40
    assert (np.diff(look.band_hz) > 0).all()


def test_the_course_is_what_the_program_says_of_the_beginning(looks, tones):
    program, test = Program.parse(PROGRAM), tones.test
    for look in looks:
        case = test.sounds.names.index(look.recording.name)
        course, frames = look.course, test.X[case]
        for point in (0, len(course.seconds) // 2, -1):
            count = round(course.seconds[point] / 0.01) + 1
            found = program.probabilities(frames[None, :count], np.ones((1, count), bool))[0]
            np.testing.assert_allclose(course.values[point], found, rtol=1e-5)
        assert course.said[-1] == look.recording.predicted_label
        assert course.values[-1].max() == pytest.approx(look.recording.probability, rel=1e-5)


def test_speakers_add_up_to_the_whole(tones, predicted):
    judge = Judge("classification", ("noise", "tone"), "accuracy")
    subjects = subject_scores(tones, predicted, judge)
    assert subjects.noun == "speaker"
    order = [(one.score, one.name) for one in subjects.scores]
    assert order == sorted(order)
    assert {one.name for one in subjects.scores} == set(tones.test.subjects)
    whole = judge.confusion(predicted, tones.test.y)
    np.testing.assert_array_equal(sum(one.matrix for one in subjects.scores), whole)
    for one in subjects.scores:
        cases = tones.test.subjects == one.name
        assert (one.cases, one.in_training) == (cases.sum(), False)
        assert one.score == pytest.approx((predicted == tones.test.y)[cases].mean())


def test_speakers_who_were_heard_are_said_to_be(tones, predicted):
    who = tones.test.subjects
    leaky = replace(tones, train=replace(tones.train, subjects=np.full(len(tones.train), who[0])))
    judge = Judge("classification", ("noise", "tone"), "accuracy")
    assert {one.name: one.in_training for one in subject_scores(leaky, predicted, judge).scores} == {
        name: name == who[0] for name in set(who)
    }
    nobody = replace(tones, test=replace(tones.test, subjects=None))
    assert subject_scores(nobody, predicted, judge).scores == ()


def test_numbers_of_speakers_have_scores_where_there_can_be_any():
    sounds = synthetic_sounds(["tone"], each=2, rooms=3)
    X = sounds.frames("level")
    data = dataset(sounds, X, np.arange(6.0), sounds.parts == 0, "regression")
    judge = Judge("regression", (), "r2")
    (room,) = subject_scores(data, np.array([4.0, 5.0]), judge).scores
    assert (room.score, room.matrix) == (1.0, None)
    one = replace(data, test=data.test.take([0]))
    assert np.isnan(subject_scores(one, np.array([4.0]), judge).scores[0].score)


def test_data_without_recordings_have_none(tones):
    plain = replace(tones, test=replace(tones.test, sounds=None))
    assert listening(Program.parse(PROGRAM), plain, tones.test.y).looks == ()


@pytest.fixture(scope="module")
def tagged():
    rng = np.random.default_rng(0)
    waves, tags = [], []
    for seconds in (2, 2, 4):
        time = np.arange(seconds * 8000) / 8000
        on = (time % 1.0 > 0.3) & (time % 1.0 < 0.6)
        waves.append(0.01 * rng.normal(size=len(time)) + 0.4 * on * np.sin(2 * np.pi * 900 * time))
        frames = np.arange(1 + len(time) // 80) / 100
        tags.append(np.where((frames % 1.0 > 0.3) & (frames % 1.0 < 0.6), "tone", "none"))
    sounds = Sounds(waves, 8000, speakers=["a", "a", "b"], names=["x", "y", "long"])
    X = sounds.frames("centroid,level")
    return dataset(sounds, X, tags, np.array([True, False, False]), "tagging", ("none", "tone"))


@pytest.mark.slow
def test_tags_are_events_and_long_recordings_are_excerpts(tagged, monkeypatch):
    monkeypatch.setattr(_sound_looks, "MOST_SECONDS", 2.5)
    program = Program.parse(TAGGER)
    said = program.predict(list(tagged.test.X))
    found = listening(program, tagged, said)
    whole, part = sorted(found.looks, key=lambda look: len(look.recording.samples))
    assert (whole.recording.name, whole.recording.whole) == ("y", None)
    assert [label for label, _, _ in whole.true_events] == ["tone", "tone"]
    for (_, onset, offset), start in zip(whole.true_events, (0.3, 1.3), strict=True):
        assert (onset, offset) == (pytest.approx(start, abs=0.02), pytest.approx(start + 0.3, abs=0.02))
    assert [one[0] for one in whole.predicted_events] == ["tone", "tone"]
    assert whole.course.by_frame
    assert list(whole.course.said) == said[0].tolist()
    (stream,) = whole.streams
    assert (stream.name, stream.words) == ("level", "mean of level over the surrounding 0.03 s")
    assert stream.taken[0].thresholds == ((-25.0, ">"),)
    assert "frames right" in whole.recording.remark
    # The excerpt begins where it says, and so do its events.
    recording = part.recording
    assert (recording.name, recording.whole) == ("long", 4.0)
    first = round(recording.start * 8000)
    samples = tagged.test.sounds[1][first : first + len(recording.samples)]
    np.testing.assert_array_equal(recording.samples, samples)
    assert recording.seconds == pytest.approx(2.5, abs=0.02)
    assert len(part.spectrogram) == 250
    for _, onset, offset in part.true_events:
        assert recording.start - 0.01 <= onset < offset <= recording.start + 2.51
    assert part.course.seconds[0] == pytest.approx(recording.start)


@pytest.mark.slow
def test_a_program_that_reads_frames_themselves_shows_features(tagged):
    program = Program.parse(
        HEAD + 'output tags ["none", "tone"]\nprogram\n  map(v -> affine[1*level + 25](v), x)'
    )
    found = listening(program, tagged, program.predict(list(tagged.test.X)))
    stream = found.looks[0].streams[0]
    assert (stream.name, stream.words) == ("level", "")
    assert stream.taken[0].thresholds == ((-25.0, ">"),)
    np.testing.assert_array_equal(stream.values, tagged.test.X[0][:, 1])


@pytest.mark.slow
def test_a_summary_of_its_own_kind_is_shown_so_far(tones):
    program = Program.parse(
        "language sound\n" + HEAD.split("\n", 1)[1] + 'output classes ["noise", "tone"]\nprogram\n'
        "  affine[2*v0 - 0.8](duration[unit=s](x))"
    )
    found = listening(program, tones, program.predict(list(tones.test.X)))
    stream = found.looks[0].streams[0]
    (taken,) = stream.taken
    assert stream.words == "duration in s so far"
    assert taken.thresholds == ((0.4, ">"),)
    assert (stream.unit, taken.unit) == ("", "")
    time = len(stream.values)
    assert taken.value == pytest.approx(0.01 * time, rel=1e-5)
    np.testing.assert_allclose(stream.values, 0.01 * np.arange(1, time + 1), rtol=1e-4)


labels = st.sampled_from(["a", "b", "c", "d"])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(labels, labels, st.floats(0.01, 1)), min_size=1, max_size=60))
def test_of_each_class_the_surest(cases):
    y, said, sure = (np.array(column) for column in zip(*cases, strict=True))
    drawn, more, mistakes = choose(y, said, sure, "classification")
    wrong = np.flatnonzero(y != said).tolist()
    assert mistakes == len(wrong)
    assert len(drawn) == len(set(drawn)) <= MOST_LOOKS
    assert not set(drawn) & set(more)
    assert set(more) <= set(wrong)
    assert len(more) <= MOST_MORE
    for label in set(y):
        for kind in (y == said, y != said):
            of = np.flatnonzero((y == label) & kind)
            here = [case for case in drawn if case in of]
            # Four classes leave room for all: one each, and none is surer.
            assert len(here) == (len(of) > 0)
            assert all(sure[case] == sure[of].max() for case in here)


def test_many_classes_leave_room_for_mistakes():
    y = np.arange(40) % 20
    said = np.where(np.arange(40) < 20, y, (y + 1) % 20)
    drawn, more, mistakes = choose(y, said, np.linspace(0, 1, 40), "classification")
    assert (len(drawn), mistakes, len(more)) == (MOST_LOOKS, 20, 12)
    assert sum(y[case] != said[case] for case in drawn) == MOST_LOOKS // 2


def test_numbers_are_shown_where_they_are_best_and_worst():
    y = np.arange(10.0)
    drawn, more, _ = choose(y, y + np.arange(10) / 10, None, "regression")
    assert drawn == [0, 1, 9, 8, 7, 6]
    assert more == []


@pytest.mark.slow
def test_what_is_read_beyond_an_excerpt_is_not_drawn_in_it(tones, monkeypatch):
    monkeypatch.setattr(_sound_looks, "MOST_SECONDS", 0.1)
    program = Program.parse(
        HEAD + 'output classes ["noise", "tone"]\nprogram\n  affine[0.1*level](first(x)) + '
        "affine[-0.001*centroid](last(x))"
    )
    found = listening(program, tones, program.predict(list(tones.test.X)))
    for look in found.looks:
        assert len(look.spectrogram) == 10
        windows = {taken.words: taken.window for stream in look.streams for taken in stream.taken}
        # One end or the other is shown, and never both.
        assert sorted(windows.values()) in ([(0, 0), (0, 1)], [(0, 0), (9, 10)])
        assert len(look.windows) == 1
        assert sound_plot(look).startswith("<svg")
