"""Strings of words and recordings in noise: what is said of them is so."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sound_files import tone

from antiphon.audio import Event
from antiphon.data import NOISES, Sounds, active_parts, add_background, join_sounds
from antiphon.errors import InputError

RATE = 8000


def word(pad=400, samples=1600, hz=300.0):
    silence = np.zeros(pad, np.float32)
    return np.concatenate([silence, tone(samples, hz), silence])


@pytest.fixture(scope="module")
def words():
    return Sounds(
        [word(hz=300), word(hz=500), word(hz=900), word(hz=700)],
        RATE,
        labels=["a", "b", "c", "a"],
        speakers=["x", "x", "y", "y"],
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2000), st.integers(400, 3000), st.floats(0.01, 1.0))
def test_the_loud_part_is_found_whatever_its_level(pad, samples, peak):
    (first, stop), *others = active_parts(np.float32(peak) * word(pad, samples), RATE)
    assert not others
    assert abs(first - pad) <= 60
    assert abs(stop - pad - samples) <= 60


def test_short_pauses_belong_to_a_word_and_long_ones_do_not():
    for pause, parts in ((400, 1), (1600, 2)):
        wave = np.concatenate([word(0), np.zeros(pause, np.float32), word(0)])
        assert len(active_parts(wave, RATE)) == parts
    # 40 dB below the rest is no speech, 20 dB below is.
    for gain, parts in ((0.01, 1), (0.1, 2)):
        wave = np.concatenate([word(0), np.zeros(1600, np.float32), np.float32(gain) * word(0)])
        assert len(active_parts(wave, RATE)) == parts


def test_strings_are_of_one_speaker_and_events_are_where_the_words_are(words):
    strings, events = join_sounds(words, 12, words=(2, 3), gap_seconds=(0.2, 0.3), seed=4)
    of = {"x": {"a", "b"}, "y": {"a", "c"}}
    assert set(strings.speakers) == {"x", "y"}
    for wave, text, speaker, own in zip(strings, strings.labels, strings.speakers, events, strict=True):
        assert set(text.split()) <= of[speaker]
        assert [event.label for event in own] == text.split()
        loud = np.zeros(len(wave), bool)
        for event in own:
            assert event.seconds == pytest.approx(0.2, abs=0.015)
            loud[round(event.onset * RATE) : round(event.offset * RATE)] = True
        assert (np.asarray(wave)[~loud] ** 2).sum() < 1e-3 * (np.asarray(wave)[loud] ** 2).sum()
        gaps = np.diff([0.0, *(moment for event in own for moment in (event.onset, event.offset))])[::2]
        assert (gaps > 0.19).all()


def test_the_same_seed_gives_the_same(words):
    one, other, third = (join_sounds(words, 3, seed=seed)[0] for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(one, other, strict=True))
    assert list(one.lengths) != list(third.lengths)
    events = [[Event(0.1, 0.2, "x")]] * 4
    noisy = [add_background(words, events, kinds=["pink"], seed=seed) for seed in (1, 1, 2)]
    assert (noisy[0][0] == noisy[1][0]).all()
    assert (noisy[0][0] != noisy[2][0]).any()


def test_the_ratio_of_powers_is_the_one_asked_for(words):
    clean = words[[0] * 8]._with(fields={"take": np.arange(8).astype(str)})
    events = [[Event(0.05, 0.25, "x")]] * 8
    noisy = add_background(clean, events, snr_db=(0.0, 10.0), talkers=words, seed=0)
    assert noisy.fields["take"].tolist() == list("01234567")
    assert noisy.fields["noise"].tolist() == [*NOISES, *NOISES]
    assert noisy.fields["snr_db"].tolist() == ["0"] * 4 + ["10"] * 4
    assert noisy.labels.tolist() == clean.labels.tolist()
    for wave, ratio in zip(noisy, noisy.fields["snr_db"], strict=True):
        heard, signal = np.float64(wave), np.float64(clean[0])
        assert 0.1 <= np.abs(heard).max() <= 10 ** (-1 / 20) + 1e-6
        # Outside of the word there is noise alone, and the gain is what explains the rest.
        gain, noise = _separated(heard, signal)
        power = (signal[400:2000] ** 2).mean() * gain**2
        assert 10 * np.log10(power / (noise**2).mean()) == pytest.approx(float(ratio), abs=1.0)


def _separated(heard, signal):
    gain = (heard @ signal) / (signal @ signal)
    return gain, heard - gain * signal


@pytest.mark.parametrize(("kind", "falls"), [("white", 0.0), ("pink", 3.0), ("brown", 6.0)])
def test_the_power_of_coloured_noise_falls_by_octaves(kind, falls):
    silent = Sounds([np.full(1 << 16, 1e-4, np.float32)], RATE)
    noise = np.float64(add_background(silent, [[]], kinds=[kind], snr_db=[0.0])[0])
    power, hz = np.abs(np.fft.rfft(noise)) ** 2, np.fft.rfftfreq(len(noise), 1 / RATE)
    level = [10 * np.log10(power[(hz >= low) & (hz < 2 * low)].mean()) for low in (250, 500, 1000, 2000)]
    np.testing.assert_allclose(-np.diff(level), falls, atol=0.6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda words: join_sounds(Sounds([tone()], RATE), 1), "without labels"),
        (lambda words: join_sounds(words, 0), "count=0"),
        (lambda words: join_sounds(words, 1, words=(3, 2)), "words=\\(3, 2\\)"),
        (lambda words: join_sounds(words, 1, gap_seconds=(0.5, 0.1)), "gap_seconds=\\(0.5, 0.1\\)"),
        (lambda words: add_background(words, [[]] * 4, kinds=["blue"]), "noise 'blue'"),
        (lambda words: add_background(words, [[]] * 4, kinds=[]), "No kinds of noise"),
        (lambda words: add_background(words, [[]] * 4), "Babble without talkers"),
        (
            lambda words: add_background(words, [[]] * 4, talkers=Sounds([tone()], 16000)),
            "Talkers of 16000 Hz, and recordings of 8000 Hz",
        ),
        (lambda words: add_background(words, [[]], kinds=["white"]), "Events of 1 of 4 recordings"),
        (lambda words: add_background(words, [[]] * 4, kinds=["white"], snr_db=[]), "0 ratios"),
        (lambda words: add_background(words, [[]] * 4, kinds=["pink"], peak_db=(0, 3)), "peak_db=\\(0, 3\\)"),
    ],
)
def test_bad_input(words, call, message):
    with pytest.raises(InputError, match=message):
        call(words)
