"""Models that listen: what `predict` says of the whole, said as the sound comes in."""

import os
from dataclasses import replace
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import soundfile

from antiphon.audio import SoundFeatures
from antiphon.data import Features, Sounds, read_blocks
from antiphon.errors import ExportError, InputError
from antiphon.estimators import (
    CTCRecogniser,
    Listener,
    ProgramClassifier,
    ProgramRegressor,
    ProgramTagger,
    RecurrentClassifier,
    RecurrentRegressor,
    RecurrentTagger,
)
from antiphon.language import Output, Program
from antiphon.networks import SequenceToSequence, SequenceToVector, build, with_scaling

SOUND = SoundFeatures(4000, ("level", "centroid"), hop_seconds=0.02)
PROGRAM = """language sequence
input x: Seq[Real[2]] of level [dB], centroid [Hz]
output {output}
program
  {term}
"""
CMVN = replace(SOUND, cmvn=True)
TAGS = 'tags ["a", "b"]'
CLASSES = 'classes ["high", "low"] threshold 0.4'
SCORE = (
    "affine[0.2*level - 0.002*centroid + 5](mean(x))"
    " + affine[0.1*level](max(window_mean[width=9, look=trailing](x)))"
)
FRAMES = "map(v -> affine[0.2*level - 0.001*centroid + 6](v), window_max[width=3, look=trailing](x))"


def wave(seconds, seed=0):
    time = np.arange(round(4000 * seconds)) / 4000
    tone = np.sin(2 * np.pi * (300 + 200 * np.sin(3 * time)) * time) * (0.2 + 0.2 * np.sin(9 * time))
    return (tone + np.random.default_rng(seed).normal(0, 0.01, len(time))).astype(np.float32)


LONG = Sounds([wave(3.3, 9)], 4000)


def program(kind, output, term, sound=SOUND):
    """A program as an estimator, as if it had been learned."""
    model = kind()
    model.program_ = Program.parse(PROGRAM.format(output=output, term=term))
    model.output_, model.metric_ = model.program_.output, "accuracy"
    model.features_, model.n_features_in_ = Features(sound.names, sound.units), len(sound.names)
    model.rate_hz_, model.is_table_, model.sound_ = sound.frames_hz, False, sound
    model.classes_ = np.array(model.output_.classes)
    return model


def network(kind, sound=SOUND, **settings):
    """A network as an estimator, as it is before it is fitted."""
    model = kind(**{"hidden": 4, "bidirectional": False, **settings})
    classes = {"classification": ("high", "low"), "tagging": ("on", "off", "out"), "regression": ()}[
        kind.task
    ]
    model.output_ = Output(kind.task, classes, targets=() if classes else ("y",))
    model.classes_ = np.array(classes)
    config = model._config(len(sound.names), model.output_.scores)
    return known(model, built(**config), sound)


@cache
def built(**config):
    return build(config, key=jax.random.key(1))


def known(model, network, sound):
    model.network_ = with_scaling(network, np.full(len(sound.names), 10.0), np.full(len(sound.names), 300.0))
    model.features_ = Features(sound.names, sound.units)
    model.n_features_in_, model.metric_ = len(sound.names), "accuracy"
    model.rate_hz_, model.is_table_, model.sound_ = sound.frames_hz, False, sound
    return model


MODELS = {
    "program": lambda: program(ProgramClassifier, CLASSES, SCORE),
    "program that tags": lambda: program(ProgramTagger, TAGS, FRAMES),
    "program of numbers": lambda: program(ProgramRegressor, "numbers y", SCORE),
    "gru": lambda: network(RecurrentClassifier, layers=2),
    "lstm that tags": lambda: network(RecurrentTagger, cell="lstm"),
    "minlstm of numbers": lambda: network(RecurrentRegressor, cell="minlstm"),
}


def listened(model, samples, sizes=(700, 1, 0, 3000), **settings):
    listener = Listener(model, **settings)
    found, place = [], 0
    for size in [*sizes, len(samples)]:
        found += listener.feed(samples[place : place + size])
        place += size
    assert listener.samples == len(samples)
    return found + listener.finish()


LONGER = ("program of numbers", "program that tags", "gru", "minlstm of numbers")


@pytest.fixture(
    scope="module", params=[pytest.param(n, marks=[pytest.mark.slow] * (n in LONGER)) for n in MODELS]
)
def model(request):
    return MODELS[request.param]()


def answers(model, X):
    """Of each frame, or of each case: probabilities, or numbers."""
    if model.task == "regression":
        return model.predict(X)[:, None]
    found = model.predict_proba(X)
    return found[0] if model.task == "tagging" else found


def test_it_says_what_predict_says(model):
    found = listened(model, LONG[0])
    wanted = answers(model, LONG)
    assert len(found) == len(wanted)
    said = np.array([one.probabilities or (one.label,) for one in found])
    np.testing.assert_allclose(said, wanted, atol=1e-5, rtol=1e-5)
    if model.task == "regression":
        return
    (labels,) = model.predict(LONG) if model.task == "tagging" else [model.predict(LONG)]
    assert [one.label for one in found] == labels.tolist()
    frames = range(len(found)) if model.task == "tagging" else [LONG.frames(SOUND).lengths[0] - 1]
    assert [one.seconds for one in found] == pytest.approx([0.02 * frame for frame in frames])


def test_every_so_often_it_speaks_of_what_it_has_heard(model):
    found = listened(model, LONG[0], every_seconds=0.5)
    assert [one.seconds for one in found[:6]] == pytest.approx([0.5, 1.0, 1.5, 2.0, 2.5, 3.0])
    X = LONG.frames(SOUND)
    heard = [X[0][: round(one.seconds / 0.02) + 1] for one in found[:6]]
    if model.task == "tagging":
        wanted = answers(model, LONG)[[len(frames) - 1 for frames in heard]]
    else:
        wanted = answers(model, heard)
    said = [one.probabilities or (one.label,) for one in found[:6]]
    np.testing.assert_allclose(said, wanted, atol=1e-5, rtol=1e-5)
    rest = found[6:]
    assert len(rest) == (model.task != "tagging")
    if rest:
        assert rest[0].seconds == pytest.approx(0.02 * (X.lengths[0] - 1))


def test_what_it_says_of_itself():
    listener = Listener(MODELS["lstm that tags"](), block_seconds=0.05)
    assert listener.latency_seconds == 0.016
    assert listener.rate_hz == 4000
    assert listener.compile_seconds > 0
    listener.feed(wave(0.1))
    assert (listener.samples, listener.frames) == (400, 5)


def no_sound():
    model = MODELS["program"]()
    model.sound_ = None
    return model


def text():
    model = CTCRecogniser()
    model.network_, model.sound_ = None, SOUND
    return model


def pooled():
    model = network(RecurrentClassifier)
    return known(model, built(kind="ConvolutionToVector", in_size=2, out_size=1, channels=2), SOUND)


REFUSED = {
    "bidirectional": (lambda: network(RecurrentClassifier, bidirectional=True), "also reads backward"),
    "cnn": (pooled, "ConvolutionToVector, which does not go frame by frame"),
    "cmvn": (lambda: program(ProgramClassifier, CLASSES, SCORE, CMVN), "cmvn=False.*--window 1"),
    "cmvn of a tagger": (lambda: program(ProgramTagger, TAGS, FRAMES, CMVN), "own constants.$"),
    "text": (text, "whose answer is no class and no number"),
    "no sound": (no_sound, "was not fitted on sound, but on frames of level, centroid"),
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (n in ("cnn", "bidirectional"))) for n in REFUSED]
)
def test_models_that_cannot(name):
    make, message = REFUSED[name]
    with pytest.raises(InputError, match=message):
        Listener(make())


def test_a_program_that_needs_what_is_yet_to_come_is_told_by_its_word():
    needs = "affine[0.2*level](mean(part[part=1, of=3](x)))"
    with pytest.raises(ExportError, match=r"'part\[part=1, of=3\]' moves as the sequence grows.*--window 1"):
        Listener(program(ProgramRegressor, "numbers y", needs))


@pytest.mark.parametrize("every", [0, -1.0, float("inf")])
def test_how_often_is_a_positive_number(every):
    with pytest.raises(InputError, match="every_seconds="):
        Listener(MODELS["program"](), every_seconds=every)


@pytest.mark.parametrize("name", ["thirds", pytest.param("bidirectional and cmvn", marks=pytest.mark.slow)])
def test_in_windows_any_model_hears_each_as_a_recording(name):
    if name == "thirds":
        model = program(ProgramClassifier, CLASSES, "affine[0.2*level + 4](mean(part[part=1, of=3](x)))")
    else:
        model = network(RecurrentClassifier, SoundFeatures(4000, ("level",), cmvn=True), bidirectional=True)
    samples = LONG[0]
    found = listened(model, samples, every_seconds=0.3, window_seconds=0.5)
    ends = [*(0.3 * k for k in range(2, 12)), 3.3]
    assert [one.seconds for one in found] == pytest.approx(ends)
    pieces = [samples[max(0, round(4000 * end) - 2000) : round(4000 * end)] for end in ends]
    wanted = model.predict_proba(Sounds(pieces, 4000))
    np.testing.assert_allclose([one.probabilities for one in found], wanted, atol=1e-5)


@pytest.mark.slow
def test_a_window_that_never_was_full():
    model = MODELS["program"]()
    listener = Listener(model, window_seconds=2.0)
    assert listener.feed(wave(1.5)) == []
    (one,) = listener.finish()
    assert one.seconds == 1.5
    np.testing.assert_allclose(
        one.probabilities, model.predict_proba(Sounds([wave(1.5)], 4000))[0], atol=1e-5
    )
    with pytest.raises(InputError, match="has ended"):
        listener.feed(wave(0.1))


def test_windows_that_cannot_be():
    with pytest.raises(InputError, match="A window for a ProgramTagger"):
        Listener(MODELS["program that tags"](), window_seconds=1.0)
    for seconds in (0.01, float("inf")):
        with pytest.raises(InputError, match=f"window_seconds={seconds}"):
            Listener(MODELS["program"](), window_seconds=seconds)


def test_blocks_have_a_length():
    with pytest.raises(InputError, match=r"block_seconds=0.*use 0\.1\.$"):
        Listener(MODELS["program"](), block_seconds=0)


def test_less_than_a_frame_is_no_answer():
    listener = Listener(MODELS["lstm that tags"]())
    listener.feed(wave(0.03))
    with pytest.raises(InputError, match="120 samples, which is shorter than a frame"):
        listener.finish()


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn", "mingru", "minlstm"])
@pytest.mark.parametrize("kind", [SequenceToVector, SequenceToSequence])
def test_a_network_goes_on_where_it_was(kind, cell):
    net = kind(2, 3, cell=cell, hidden=4, layers=2, key=jax.random.key(0))
    frames, mask = jnp.asarray(np.random.default_rng(0).normal(size=(9, 2)), jnp.float32), jnp.ones(9, bool)
    resume = jax.jit(lambda *given: net.resume(*given))
    one, state = resume(frames[:5], mask[:5], net.initial_state())
    rest = jnp.concatenate([frames[5:], jnp.full((1, 2), jnp.nan)])  # What is masked changes nothing.
    two, _ = resume(rest, jnp.arange(5) < 4, state)
    found = jnp.concatenate([one, two[:4]])
    if kind is SequenceToSequence:
        wanted = jax.jit(lambda *given: net(*given))(frames, mask)
    else:
        so_far = jnp.tril(jnp.ones((9, 9), bool))
        wanted = jax.jit(lambda frames, masks: jax.vmap(lambda m: net(frames, m))(masks))(frames, so_far)
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    np.testing.assert_array_equal(two[4], 0)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is asked of Linux")
@pytest.mark.parametrize("name", ["lstm that tags", "program"])
def test_memory_is_flat_over_twenty_minutes(name, tmp_path):
    long = np.tile(wave(60), 20)
    soundfile.write(tmp_path / "long.wav", long, 4000)
    del long
    listener = Listener(MODELS[name](), every_seconds=0.1, block_seconds=1.0)
    held = []
    for number, block in enumerate(read_blocks(tmp_path / "long.wav", 1.0)):
        listener.feed(block)
        if number in (200, 1199):
            held.append(int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
    assert listener.finish() or name != "program"
    assert held[1] - held[0] < 2**20  # A thousand seconds more are 16 MB of samples alone.
