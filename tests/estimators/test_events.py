"""Events that taggers find in recordings, and what the command says of them."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.exceptions import NotFittedError

from antiphon.audio import Event, EventRules, SoundFeatures
from antiphon.data import Sequences, Sounds, frame_labels
from antiphon.errors import InputError
from antiphon.estimators import CRFTagger, NetworkTagger, ProgramTagger, RecurrentClassifier, predict_events
from antiphon.language import Program

LISTEN = SoundFeatures(8000, ("level",))
# Says "call" where the level is above -20 dB.
TEXT = """language sequence
input x: Seq[Real[1]] of level [dB]
rate 100 Hz
output tags ["call", "none"]
program
  map(v -> affine[-0.1*level - 2](v), x)"""


def wave(*parts):
    """Tones of these seconds, with silence of these seconds before each and a tenth at the end."""
    pieces = []
    for silence, seconds in parts:
        tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(8000 * seconds)) / 8000)
        pieces += [np.zeros(round(8000 * silence)), tone]
    return np.float32(np.concatenate([*pieces, np.zeros(800)]))


@pytest.fixture(scope="module")
def sounds():
    return Sounds([wave((0.2, 0.3), (0.1, 0.05)), wave((0.5, 0.2)), np.full(4000, 1e-4, np.float32)], 8000)


@pytest.fixture(scope="module")
def model(sounds):
    """A program as after a fit."""
    model = ProgramTagger()
    model._read(sounds.frames(LISTEN), reset=True)
    model.program_ = Program.parse(TEXT)
    model.output_, model.metric_ = model.program_.output, "macro-f1"
    model.classes_ = np.array(["call", "none"])
    model.programs_ = pd.DataFrame({"size": [5]})
    return model


def test_events_are_where_the_tones_are(model, sounds):
    one, other, nothing = predict_events(model, sounds)
    assert [event.label for event in one] == ["call", "call"]
    wanted = [(0.2, 0.5), (0.6, 0.65)]
    np.testing.assert_allclose([(e.onset, e.offset) for e in one], wanted, atol=0.02)
    np.testing.assert_allclose((other[0].onset, other[0].offset), (0.5, 0.7), atol=0.02)
    assert nothing == ()
    assert predict_events(model, sounds.frames(LISTEN)) == [one, other, nothing]


def test_rules_are_for_probabilities(model, sounds):
    short = EventRules(least_seconds=0.1)
    assert [len(found) for found in predict_events(model, sounds, rules=short)] == [1, 1, 0]
    joined = EventRules(gap_seconds=0.15)
    assert [len(found) for found in predict_events(model, sounds, rules=joined)] == [1, 1, 0]
    assert predict_events(model, sounds, rules=EventRules(threshold=0.99)) == [(), (), ()]
    plain = predict_events(model, sounds)
    assert predict_events(model, sounds, rules=EventRules()) == plain


def test_every_class_may_be_an_event(model, sounds):
    found = predict_events(model, sounds, background=None)[1]
    assert [event.label for event in found] == ["none", "call", "none"]
    back = predict_events(model, sounds, background="call")[1]
    assert [event.label for event in back] == ["none", "none"]


def test_what_has_no_events(model, sounds, monkeypatch):
    with pytest.raises(NotFittedError):
        predict_events(CRFTagger(), sounds)
    classifier = RecurrentClassifier()
    classifier.classes_ = model.classes_
    with pytest.raises(InputError, match="Events of a RecurrentClassifier"):
        predict_events(classifier, sounds)
    with pytest.raises(InputError, match="The background 'rest', and the classes call, none"):
        predict_events(model, sounds, background="rest")
    X = sounds.frames(LISTEN)
    monkeypatch.setattr(model, "rate_hz_", None)
    with pytest.raises(InputError, match="rate is not known"):
        predict_events(model, Sequences(X.frames, X.lengths, X.features))


@pytest.fixture(scope="module")
def folder(sounds, model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("calls")
    for name, one in zip("abc", sounds, strict=True):
        soundfile.write(folder / f"{name}.wav", one, 8000)
    lines = ["path,onset,offset,label", "a.wav,0.2,0.5,call", "a.wav,0.6,0.65,call", "b.wav,0.1,0.3,call"]
    (folder / "events.csv").write_text("\n".join(lines) + "\n")
    model.save(folder / "m.antiphon")
    return folder


def run(monkeypatch, capsys, *arguments):
    from antiphon import cli

    for module in ("_data", "_use"):
        monkeypatch.setattr(f"antiphon.cli.{module}.configure", lambda: None)
    monkeypatch.setattr("sys.argv", ["antiphon", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    return capsys.readouterr().out


def test_the_command_writes_events(folder, monkeypatch, capsys):
    said = run(monkeypatch, capsys, "predict", folder / "m.antiphon", folder, "--events")
    rows = list(csv.DictReader(io.StringIO(said)))
    assert list(rows[0]) == ["recording", "onset", "offset", "label"]
    assert [row["recording"] for row in rows] == ["a.wav", "a.wav", "b.wav"]
    assert [float(row["onset"]) for row in rows] == pytest.approx([0.2, 0.6, 0.5], abs=0.02)


def test_the_command_judges_events(folder, monkeypatch, capsys):
    options = ("--labels", folder / "events.csv", "--test-size", "2")
    said = run(monkeypatch, capsys, "evaluate", folder / "m.antiphon", folder, *options)
    # The last two recordings: in one the event is elsewhere, in the other there is none.
    assert "event f1" in said
    assert "0.0000: 0 right of 1 found, 1 true" in " ".join(said.split())
    told = run(monkeypatch, capsys, "data", "info", folder, "--sound", "level", *options)
    assert "tagging" in told
    assert "call (" in told


@pytest.mark.slow
@pytest.mark.parametrize("kind", [NetworkTagger, CRFTagger])
def test_networks_find_events(kind, sounds):
    true = [[Event(0.2, 0.5, "call"), Event(0.6, 0.65, "call")], [Event(0.5, 0.7, "call")], []]
    some = sounds[[0, 1, 2] * 4]
    X = some.frames(LISTEN)
    model = kind("gru", {"hidden": 8}, epochs=60, learning_rate=0.02, random_state=0)
    model.fit(X, frame_labels(X, true * 4))
    found = predict_events(model, some)
    assert [len(own) for own in found[:3]] == [2, 1, 0]
    np.testing.assert_allclose((found[1][0].onset, found[1][0].offset), (0.5, 0.7), atol=0.05)
