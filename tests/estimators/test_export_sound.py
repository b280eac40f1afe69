"""Models of sound as files that take waveforms: the same scores as from recordings."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import jax
import numpy as np
import pytest

from antiphon.audio import SoundFeatures
from antiphon.data import Features, Sounds
from antiphon.errors import ExportError
from antiphon.estimators import ProgramTagger, RecurrentClassifier, export_model, model_graph
from antiphon.language import Output, Program
from antiphon.networks import build, with_scaling

DIGITS = Path(__file__).parents[3] / "shared" / "data" / "spoken_digits"
TAGS = """language sequence
input x: Seq[Real[2]] of level [dB], centroid [Hz]
output tags ["quiet", "loud"] threshold 0.4
program
  map(v -> affine[0.2*level - 0.001*centroid + 6](v), window_max[width=3, look=centred](x))
"""


def fitted(model, sound):
    model.sound_, model.features_ = sound, Features(sound.names, sound.units, sound.groups)
    model.n_features_in_, model.metric_ = len(sound.names), "accuracy"
    model.rate_hz_, model.is_table_ = sound.frames_hz, False
    model.classes_ = np.array(model.output_.classes)
    return model


def tagger():
    """A program as an estimator, as if it had been learned."""
    model = ProgramTagger()
    model.program_ = Program.parse(TAGS)
    model.output_ = model.program_.output
    return fitted(model, SoundFeatures(8000, ("level", "centroid"), n_mels=8))


def network(sound):
    """A network as an estimator, as it is before it is fitted."""
    model = RecurrentClassifier(hidden=4)
    model.output_ = Output("classification", ("one", "three", "two"))
    net = build(model._config(len(sound.names), 3), key=jax.random.key(0))
    count = len(sound.names)
    model.network_ = with_scaling(
        net, np.zeros(count), np.full(count, 20.0 if "mfcc" in sound.kinds else 1.0)
    )
    return fitted(model, sound)


def waves():
    moment = np.arange(4000) / 8000
    rng = np.random.default_rng(0)
    tone = 0.4 * np.sin(2 * np.pi * (300 + 900 * moment) * moment) + rng.normal(0, 0.01, 4000)
    return Sounds([tone[:2500].astype(np.float32), tone.astype(np.float32)], 8000)


def recordings():
    if not DIGITS.is_dir():
        pytest.skip("the spoken digits are not here")
    return Sounds.read(sorted(map(str, DIGITS.glob("[012]_*_17.wav"))))


def from_numpy(code):
    scope = {}
    exec(compile(code, "exported.py", "exec"), scope)
    return scope["scores"]


def from_c(code, folder, size):
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    (folder / "m.c").write_text(code)
    flags = ["-std=c99", "-Wall", "-Werror", "-pedantic", "-O1", "-shared", "-fPIC"]
    subprocess.run(["gcc", *flags, folder / "m.c", "-o", folder / "m.so", "-lm"], check=True)
    library = ctypes.CDLL(str(folder / "m.so"))
    library.scores_workspace.restype = ctypes.c_size_t

    def run(wave):
        given = np.ascontiguousarray(wave, np.float32)
        room = np.zeros(library.scores_workspace(len(wave)) // 4 + 16, np.float32)
        out = np.zeros(size, np.float32)
        place = [array.ctypes.data_as(ctypes.c_void_p) for array in (given, out, room)]
        library.scores(place[0], ctypes.c_int(len(wave)), place[1], place[2])
        return out

    return run


def from_onnx(model):
    ort = pytest.importorskip("onnxruntime")
    session = ort.InferenceSession(model)
    assert session.get_modelmeta().custom_metadata_map["rate_hz"] == "8000"
    return lambda wave: session.run(None, {session.get_inputs()[0].name: wave})[0]


def from_stablehlo(model):
    run = jax.jit(jax.export.deserialize(bytearray(model)).call)
    return lambda wave: run(wave)[0]


def test_a_python_file_takes_samples_and_says_the_class():
    model = tagger()
    code = export_model(model, "numpy")
    assert "Takes samples from -1 to 1, 8000 a second" in code
    scope = {}
    exec(compile(code, "exported.py", "exec"), scope)
    for wave, labels, scores in zip(
        waves(), model.predict(waves()), model.decision_function(waves()), strict=True
    ):
        np.testing.assert_array_equal(scope["predict"](wave), labels)
        found = scope["scores"](wave)[:, 0] - np.log(0.4 / 0.6)
        np.testing.assert_allclose(found, scores, atol=1e-4)


@pytest.mark.slow
def test_an_onnx_model_takes_samples():
    model = tagger()
    run = from_onnx(export_model(model, "onnx"))
    for wave, scores in zip(waves(), model.decision_function(waves()), strict=True):
        np.testing.assert_allclose(run(wave)[:, 0] - np.log(0.4 / 0.6), scores, atol=1e-4)


KINDS = {
    "cepstra": ("mfcc", "delta", "delta2"),
    "shape": ("centroid", "bandwidth", "rolloff", "flatness", "zero_crossings", "level"),
    "chroma and mel": ("chroma", "mel"),
    "contrast": ("contrast",),
    "pitch": ("pitch",),
}
CANNOT = {("c", "contrast"), ("c", "pitch"), ("numpy", "pitch"), ("onnx", "pitch")}


@pytest.mark.slow
@pytest.mark.parametrize("cmvn", [False, True])
@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("form", ["numpy", "c", "onnx", "stablehlo"])
def test_every_form_says_of_real_recordings_what_predict_says(form, kinds, cmvn, tmp_path):
    if cmvn and kinds != "cepstra":
        pytest.skip("once is enough")
    sounds = recordings()
    model = network(SoundFeatures(8000, KINDS[kinds], cmvn=cmvn))
    if (form, kinds) in CANNOT:
        with pytest.raises(ExportError, match=rf"features of sound {kinds}.*--frames"):
            export_model(model, form)
        assert export_model(model, form, waveform=False)
        return
    made = export_model(model, form)
    read = {"numpy": from_numpy, "onnx": from_onnx, "stablehlo": from_stablehlo}
    run = from_c(made, tmp_path, 3) if form == "c" else read[form](made)
    if form == "stablehlo":
        sounds = sounds[:3]  # Each length is compiled.
    wanted = model.decision_function(sounds)
    found = np.array([run(np.asarray(wave)) for wave in sounds])
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    np.testing.assert_array_equal(found.argmax(1), wanted.argmax(1))


def test_what_takes_no_waveform():
    deaf = tagger()
    deaf.sound_ = None
    for form in ("numpy", "onnx"):
        with pytest.raises(ExportError, match="does not know how its frames are made of sound"):
            export_model(deaf, form, waveform=True)
    with pytest.raises(ExportError, match="A padded batch of waveforms"):
        model_graph(tagger(), padded=True, waveform=True)
    assert "def scores(frames):" in export_model(tagger(), "numpy", waveform=False)
