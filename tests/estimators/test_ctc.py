"""The recogniser of texts: how it reads them, what it says, what it refuses, and that it learns."""

import jax
import numpy as np
import pytest
import soundfile
from sklearn.base import clone

from antiphon import load_model
from antiphon.audio import SoundFeatures
from antiphon.data import Sounds
from antiphon.errors import InputError
from antiphon.estimators import CTCRecogniser, NetworkOptions, export_model, predict_events
from antiphon.language import Output
from antiphon.networks import build

SMALL = {"network": "rnn", "settings": {"hidden": 3}, "epochs": 2, "random_state": 0}
TEXTS = ["low high", "high low high", "low", "high high"]


def case(text, rng, frames=4):
    """One-hot frames of each word, with frames of a pause between them."""
    rows = {"low": 0, "high": 1, "pause": 2}
    order = [name for word in text.split() for name in ("pause", word)] + ["pause"]
    numbers = np.concatenate([[rows[name]] * int(rng.integers(2, frames + 1)) for name in order])
    return np.float32(np.eye(3)[numbers] + 0.1 * rng.normal(size=(len(numbers), 3)))


def cases(count, seed=0):
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(["low", "high"], int(rng.integers(1, 5)))) for _ in range(count)]
    return [case(text, rng) for text in texts], texts


@pytest.fixture(scope="module")
def model():
    """A model as after a fit, which the slow tests do."""
    model = CTCRecogniser(**SMALL)
    model._read(cases(8)[0], reset=True)
    config = {"kind": "SequenceToSequence", "in_size": 3, "out_size": 3, "cell": "rnn", "hidden": 3}
    model.network_ = build(config, key=jax.random.key(0))
    model.classes_ = np.array(["high", "low"])
    model.output_, model.metric_ = Output("tagging", ("high", "low")), "word accuracy"
    model.curve_, model.n_iter_ = {"train_loss": (2.0, 1.0), "validation_loss": ()}, 2
    return model


def fixed(model, monkeypatch, rows):
    """The network says these symbols, one a frame, whatever it hears."""
    logits = [np.float32(np.eye(3)[row] * 9) for row in rows]
    time = max(map(len, rows))
    padded = np.stack([np.pad(one, ((0, time - len(one)), (0, 0))) for one in logits])
    monkeypatch.setattr("antiphon.estimators._ctc.network_scores", lambda *a: padded)
    return [np.zeros((len(row), 3), np.float32) for row in rows]


def test_repeats_are_joined_and_blanks_left_out(model, monkeypatch):
    assert model.classes_.tolist() == ["high", "low"]
    X = fixed(model, monkeypatch, [[0, 1, 1, 0, 1, 2, 2, 0], [0, 0, 0], [2, 2, 0, 0, 2]])
    for beam in (1, 4):
        monkeypatch.setattr(model, "beam", beam)
        assert model.predict(X).tolist() == ["high high low", "", "low low"]
    assert model.wer(X, ["high high low", "low", "low low"]) == pytest.approx(1 / 6)
    assert model.score(X, ["high low", "low", ["low", "low"]]) == pytest.approx(1 - 2 / 5)
    assert model.metric_score(X, ["high high low", "", "low low"]) == 1.0
    assert model.cer(X, ["high high low", "", "low"]) == pytest.approx(4 / 16)


def test_an_exported_one_says_what_its_scores_are_of(model):
    X, _ = cases(1, seed=1)
    scope = {}
    exec(compile(export_model(model, "numpy"), "exported.py", "exec"), scope)
    assert scope["CLASSES"].tolist() == ["<blank>", "high", "low"]
    assert scope["scores"](X[0]).shape == (len(X[0]), 3)
    assert "predict" not in scope  # The class of a frame is no text.


def test_the_command_judges_texts(model, tmp_path, monkeypatch, capsys):
    from antiphon.cli import _use

    monkeypatch.setattr(_use, "configure", lambda: None)
    again = clone(model)
    sound = SoundFeatures(8000, ("level", "centroid", "flatness"))
    again._read(Sounds([np.sin(np.arange(800))], 8000).frames(sound), reset=True)
    for name in ("network_", "output_", "metric_", "curve_", "n_iter_"):
        setattr(again, name, getattr(model, name))
    again.classes_, again.output_ = np.array(["1", "2"]), Output("tagging", ("1", "2"))
    again.save(tmp_path / "m.antiphon")
    lines = ["path,label,split"]
    texts = ["1 2", "2 1 2", "1", "1 1"]
    for number, text in enumerate(texts):  # Each text once, and one that is a number.
        soundfile.write(tmp_path / f"{number}.wav", np.sin(np.arange(800 + 400 * number)) / 2, 8000)
        lines.append(f"{number}.wav,{text},{'test' if number > 1 else 'train'}")
    (tmp_path / "texts.csv").write_text("\n".join(lines) + "\n")
    plain = {"pattern": None, "strict": False, "resample_hz": None}
    _use.evaluate(tmp_path / "m.antiphon", str(tmp_path / "texts.csv"), **plain)
    wanted = again.score([tmp_path / "2.wav", tmp_path / "3.wav"], texts[2:])
    assert f"word accuracy     {wanted:.4f} on 2 recordings" in capsys.readouterr().out
    with pytest.raises(InputError, match="test_size for a recogniser of texts"):
        _use.evaluate(tmp_path / "m.antiphon", str(tmp_path / "texts.csv"), test_size=2, **plain)
    with pytest.raises(InputError, match="have no texts"):
        _use.evaluate(tmp_path / "m.antiphon", str(tmp_path / "0.wav"), **plain)


def test_it_comes_back_from_a_file(model, tmp_path):
    X, texts = cases(5, seed=1)
    again = load_model(model.save(tmp_path / "m.antiphon") and tmp_path / "m.antiphon")
    assert type(again) is CTCRecogniser
    assert again.predict(X).tolist() == model.predict(X).tolist()
    assert again.wer(X, texts) == model.wer(X, texts)
    assert again.get_params() == clone(model).get_params()
    assert again.classes_.tolist() == model.classes_.tolist()
    assert again.metric_ == "word accuracy"
    assert len(again.curve_["train_loss"]) == 2


@pytest.mark.parametrize(
    ("change", "y", "message"),
    [
        ({"unit": "phoneme"}, TEXTS, "unit='phoneme'"),
        ({"beam": 0}, TEXTS, "beam=0"),
        ({"beam": True}, TEXTS, "beam=True"),
        ({"network": "cnn"}, TEXTS, "network='cnn'"),
        ({"network": "ear"}, TEXTS, "network='ear'"),
        ({}, "low high", "'low high' as texts"),
        ({}, None, "None as texts"),
        ({}, TEXTS[:3], "3 texts for 4 cases"),
        ({}, [*TEXTS[:3], 7], "The text 7 of case 3"),
        ({}, [*TEXTS[:3], [7]], "The text \\[7\\] of case 3"),
        ({}, ["low"] * 4, "Texts of 1 words: low"),
        ({}, [""] * 4, "Texts of 0 words"),
        ({}, [*TEXTS[:3], "low " * 9], "7 frames for the 9 labels of case 3.*at least 17 frames"),
        ({"unit": "character"}, ["ab", "b", "a", "aaaab"], "7 frames for the 5 labels of case 3"),
    ],
)
def test_what_cannot_be_fitted(change, y, message):
    X = [np.zeros((7, 3), np.float32)] * 4
    with pytest.raises(InputError, match=message):
        CTCRecogniser(**{**SMALL, **change}).fit(X, y)


def test_what_cannot_be_judged(model):
    X, texts = cases(2)
    with pytest.raises(InputError, match="1 texts as references and 2 texts"):
        model.wer(X, texts[:1])
    with pytest.raises(InputError, match="without any word"):
        model.wer(X, ["", ""])
    with pytest.raises(InputError, match="Events of a CTCRecogniser"):
        predict_events(model, X)


@pytest.mark.slow
def test_it_learns_texts_without_being_told_where_the_words_are():
    X, texts = cases(120)
    options = NetworkOptions(batch_size=16, validation=0.0)
    model = CTCRecogniser(settings={"hidden": 12}, epochs=40, learning_rate=0.02, options=options,
                          random_state=0).fit(X, texts)  # fmt: skip
    new, right = cases(40, seed=5)
    assert model.wer(new, right) < 0.05
    assert model.set_params(beam=8).wer(new, right) < 0.05
    assert model.metric_ == "word accuracy"
    assert len(model.curve_["train_loss"]) == model.n_iter_ == 40


@pytest.mark.slow
def test_it_learns_characters():
    X, texts = cases(120)
    new, right = cases(40, seed=5)
    short, wanted = (
        [text.replace("low", "a").replace("high", "b") for text in some] for some in (texts, right)
    )
    letters = CTCRecogniser("character", settings={"hidden": 12}, learning_rate=0.02, random_state=0)
    assert letters.fit(X, short).classes_.tolist() == [" ", "a", "b"]
    assert letters.score(new, wanted) > 0.9
    assert letters.cer(new, wanted) == 1 - letters.score(new, wanted)


@pytest.mark.slow
def test_it_listens():
    rng = np.random.default_rng(0)
    time = np.arange(1200) / 8000
    words = {"low": np.sin(2 * np.pi * 300 * time), "high": np.sin(2 * np.pi * 2000 * time)}
    waves, texts = [], []
    for _ in range(40):
        chosen = rng.choice(["low", "high"], int(rng.integers(1, 4)))
        pieces = [np.concatenate([np.zeros(800), 0.5 * words[word]]) for word in chosen]
        waves.append(np.float32(np.concatenate([*pieces, np.zeros(800)])))
        texts.append(" ".join(chosen))
    sounds = Sounds(waves, 8000)
    frames = sounds.frames(SoundFeatures(8000, ("centroid", "level"), hop_seconds=0.02))
    model = CTCRecogniser(settings={"hidden": 12}, epochs=60, learning_rate=0.02, random_state=0)
    model.fit(frames, texts)
    assert model.wer(sounds, texts) < 0.1
