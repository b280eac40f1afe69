"""Recordings and speakers on the page: whole without a network, readable without eyes or ears."""

import base64
import dataclasses
import io
import re

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.image import imread

from antiphon.errors import InputError
from antiphon.report import (
    Course,
    Listening,
    Recording,
    RunResult,
    SoundLook,
    Stream,
    Subjects,
    SubjectScore,
    Taken,
    render_html,
)
from antiphon.report._figure import thinned
from antiphon.report._player import wav_bytes, wav_uris
from antiphon.report._sound_plot import sound_plot

HOSTILE = "<script>alert('x')</script>$a_{\"&"


def tone(seconds=0.3, rate=8000):
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)


def heard(name="a.wav", true="run", predicted="run", **more):
    return Recording(name, tone(), 8000.0, true, predicted, 0.75, "ann", **more)


def look(recording=None, **more):
    recording = recording or heard()
    time = 31
    spectrogram = np.full((time, 8), -60.0)
    spectrogram[:, 2] = -10
    whole = {
        "streams": (
            Stream(
                "centroid", np.linspace(300, 900, time), "Hz", taken=(
                    Taken("mean of centroid", "Hz", 600.0, 1.5, (10, 20), ((500.0, ">"),)),
                    Taken("deviation of centroid", "Hz", 90.0, -0.5, (0, time), to_scale=False),
                ),
            ),
            Stream("level", np.linspace(-30, -10, time), "dB", "mean of level over the last 0.05 s"),
        ),
        "course": Course(
            np.arange(time) * 0.01, np.stack([np.linspace(0.8, 0.25, time), np.linspace(0.2, 0.75, time)], 1),
            ("rest", "run"), ("rest",) * 17 + ("run",) * 14,
        ),
        "weight": np.linspace(-1, 2, time),
        "windows": (("mean of x in the middle third", 10, 20), ("deviation of x", 0, time)),
    }  # fmt: skip
    edges = np.linspace(0, 4000, 9)
    fixed = {"recording": recording, "spectrogram": spectrogram, "band_hz": edges, "hop_seconds": 0.01}
    return SoundLook(**{**fixed, **whole, **more})


@pytest.fixture
def bare(result):
    """A run of which little else is drawn."""
    return RunResult(result.data, result.program, "accuracy", 0.9)


def with_sounds(result, **more):
    subjects = Subjects(
        (
            SubjectScore("bob", 12, 0.75, True, np.array([[5, 3], [0, 4]])),
            SubjectScore("ann", 8, 1.0, False, np.array([[4, 0], [0, 4]])),
        ),
        "speaker",
    )
    listening = Listening(
        (look(), look(heard("b.wav", "run", "rest"))), (heard("c.wav", "rest", "run"),), 4, 20
    )
    warnings = ("1 speakers are on both sides (bob).",)
    data = dataclasses.replace(result.data, warnings=warnings, problems=("d.wav is empty (left out)",))
    return dataclasses.replace(result, **{"listening": listening, "subjects": subjects, "data": data, **more})


def test_everything_is_on_the_page_and_in_it(bare):
    page = render_html(with_sounds(bare))
    text = re.sub(r"<[^>]*>", " ", page)
    for said in (
        "2 of 20 recordings", "4 mistakes: 1 drawn, 1 more to listen to below, 2 left out", "a.wav · ann",
        "✗ predicted rest (probability 0.750), true run", "mean of centroid: 600 Hz (&gt; 500 holds)",
        "mean of level over the last 0.05 s", "mean of x in the middle third", "rest taken for run (3 of 8)",
        "d.wav is empty (left out)", "Speaker by speaker",
    ):  # fmt: skip
        assert said in text, said
    sources = re.findall(r'src="([^"]*)"', page)
    assert len(sources) == 3
    assert all(source.startswith("data:audio/wav;base64,") for source in sources)
    targets = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert all(target.startswith(("#", "data:")) for target in targets)
    assert "<script" not in page


def test_the_warning_comes_before_the_score(bare):
    page = render_html(with_sounds(bare))
    assert page.index("1 speakers are on both sides (bob).") < page.index("<h1>")
    assert "Some speakers were heard in training" in page
    clean = dataclasses.replace(bare.data, warnings=())
    unheard = Subjects((SubjectScore("ann", 8, 1.0),), "speaker")
    page = render_html(with_sounds(bare, data=clean, subjects=unheard))
    assert 'class="warning"' not in page
    assert "None of them was in the training split" in page


def test_each_drawing_and_player_is_told_in_words(bare):
    page = render_html(with_sounds(bare))
    words = re.findall(r'role="img" aria-label="(Spectrogram[^"]*)"', page)
    assert len(words) == 2
    assert words[0].startswith("Spectrogram of a.wav, 0.30 s. mean of centroid: 600 Hz")
    assert "decision: rest from 0.00 s on, run from 0.17 s on." in words[0]
    assert all(label for label in re.findall(r'aria-label="([^"]*)"', page))
    assert page.count("<audio controls") == page.count(' aria-label="a.wav, 0.30 seconds"') + 2


def test_a_run_without_recordings_says_nothing_of_them(bare):
    page = render_html(bare)
    assert "<audio" not in page
    assert 'id="sounds"' not in page
    assert 'id="subjects"' not in page


def test_hostile_names_are_text(bare):
    looks = (look(heard(HOSTILE, HOSTILE, "run"), windows=((HOSTILE, 2, 5),)),)
    subjects = Subjects((SubjectScore(HOSTILE, 3, 0.5),), "subject")
    page = render_html(with_sounds(bare, listening=Listening(looks, (), 1, 2), subjects=subjects))
    assert "<script" not in page
    assert "&lt;script&gt;" in page


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(-1.5, 1.5), min_size=1, max_size=300), st.sampled_from([8000, 22050, 44100]))
def test_a_player_plays_the_samples(values, rate):
    samples = np.array(values)
    found, its_rate = soundfile.read(io.BytesIO(wav_bytes(samples, rate)))
    assert its_rate == rate
    np.testing.assert_allclose(found, np.clip(samples, -1, 1), atol=2 / 32768)


def test_players_have_only_so_much_room():
    recordings = [dataclasses.replace(heard(), samples=np.zeros(n)) for n in (4000, 4000, 400)]
    uris = wav_uris(recordings, 13_000)
    assert [bool(uri) for uri in uris] == [True, False, True]
    assert sum(map(len, uris)) <= 13_000
    assert len(base64.b64decode(uris[0].partition(",")[2])) == 44 + 2 * 4000


def test_a_page_of_long_recordings_stays_small(bare):
    long = dataclasses.replace(heard(), samples=np.tile(tone(1.0, 44100), 8), rate_hz=44100.0)
    looks = tuple(look(long, streams=(), course=None) for _ in range(4))
    page = render_html(with_sounds(bare, listening=Listening(looks, (long,) * 20, 24, 30)))
    assert len(page) < 3_000_000
    assert page.count("<audio") == 2
    assert "2 drawings without a player" in page
    assert "22 left out" not in page
    assert "24 mistakes: 0 drawn, 24 left out" in page


def test_events_and_numbers_are_drawn_too(bare):
    tagged = look(
        heard(true="", predicted="", remark="93% of frames right"),
        true_events=(("bark", 0.05, 0.15),),
        predicted_events=(("bark", 0.06, 0.2),),
        course=dataclasses.replace(look().course, by_frame=True),
        windows=(),
    )
    data = dataclasses.replace(bare.data, task="tagging")
    page = render_html(with_sounds(bare, data=data, listening=Listening((tagged,), (), 1, 3)))
    assert "93% of frames right" in page
    assert "true events: bark 0.05-0.15 s. predicted events: bark 0.06-0.20 s." in page
    number = Course(np.array([0.0, 0.1]), np.array([[1.0], [2.0]]), ("y",), true=2.5)
    data = dataclasses.replace(bare.data, task="regression", class_names=(), train_counts=(), test_counts=())
    shown = Listening((look(heard(true="2.5", predicted="2"), course=number),), (), 0, 3)
    page = render_html(with_sounds(bare, data=data, listening=shown, subjects=Subjects()))
    assert "predicted 2, true 2.5" in page
    assert "mean of centroid: 600 Hz (&gt; 500 holds), raises it: +1.5" in page


def test_an_excerpt_says_where_it_is(bare):
    part = heard(start=4.0, whole=60.0)
    page = render_html(with_sounds(bare, listening=Listening((look(part),), (), 0, 1)))
    assert "4.0–4.3 s of 60.0 s" in page
    assert "0.30 s from 4.00 s on, of 60.00 s in all" in page


def test_silence_and_a_single_frame_can_be_drawn():
    nothing = SoundLook(heard(), np.full((1, 2), -np.inf), np.array([0.0, 50.0, 90.0]), 0.01)
    quiet = dataclasses.replace(nothing, spectrogram=np.full((1, 2), -100.0))
    images = [re.search(r"data:image/png;base64,([^\"]*)", sound_plot(one))[1] for one in (nothing, quiet)]
    assert images[0] == images[1]
    assert imread(io.BytesIO(base64.b64decode(images[0])))[..., :3].max() < 0.05  # dark
    drawn = sound_plot(look(spectrogram=np.zeros((31, 8)), streams=(
        Stream("centroid", np.full(31, np.nan), "Hz"),)))  # fmt: skip
    assert drawn.startswith("<svg")


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(
        InputError, match=r"A spectrogram of shape \(31, 8\) with 9 edges of bands, and streams"
    ):
        look(weight=np.zeros(5))
    with pytest.raises(InputError, match=r"with 3 edges of bands"):
        dataclasses.replace(look(), band_hz=np.array([0.0, 1.0, 2.0]))
    with pytest.raises(
        InputError, match=r"Values of shape \(2, 1\) and 1 decisions for 2 moments and 1 names"
    ):
        Course(np.arange(2.0), np.zeros((2, 1)), ("a",), ("a",))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=200), st.integers(2, 50))
def test_a_thinned_line_keeps_its_extremes(values, most):
    line = np.array(values)
    places, kept = thinned(np.arange(len(line)), line, most)
    assert len(kept) <= max(most, len(line) if len(line) <= most else 0)
    assert (kept.min(), kept.max()) == (line.min(), line.max())
    assert (np.diff(places) > 0).all()
    np.testing.assert_array_equal(line[places], kept)
