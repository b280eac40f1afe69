"""Learned models as graphs, and as files that run without Antiphon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from antiphon.errors import ExportError
from antiphon.graph import Graph, trace
from antiphon.graph.onnx_export import to_onnx
from antiphon.graph.source import to_c, to_numpy, to_stablehlo
from antiphon.language import Program, data_arrays, evaluate, parameters, show

FORMATS: Mapping[str, str] = {
    "numpy": "a Python file that needs NumPy only",
    "c": "a C99 file that needs nothing",
    "onnx": "an ONNX model for onnxruntime and others",
    "stablehlo": "what jax.export reads",
}


def model_graph(model: Any, *, padded: bool = False, waveform: bool = False) -> Graph:
    """A program, or a fitted estimator, as a graph from frames, or from a waveform, to scores.

    Args:
        model: A `Program`, an estimator of programs, or a recurrent one.
        padded: Whether the graph takes a batch, `(batch, time, feature)`, with a mask `(batch, time)` of the
            frames that are real; else one sequence `(time, feature)`, all of whose frames are. A program on
            tables takes a row `(feature,)`, or a batch of rows.
        waveform: Whether the graph begins with the sound: it takes one waveform `(sample,)` of the model's
            rate, from -1 to 1, and makes the frames itself. The Fourier transform is then a product with a
            matrix, which every form of export has. Not together with `padded`.

    Raises:
        ExportError: If the model is neither, or takes no waveform.

    Example:
        >>> program = Program.parse('''language sequence
        ... input x: Seq[Real[1]] of speed
        ... output numbers y
        ... program
        ...   affine[2*speed](mean(x))
        ... ''')
        >>> model_graph(program)(np.ones((5, 1), np.float32)).tolist()
        [2.0]
    """
    run, width, is_table = model_function(model)
    if waveform:
        return _from_waveform(model, run, padded)
    batch, time = jax.export.symbolic_shape("B, T")
    if is_table:
        row = jax.ShapeDtypeStruct((batch, width) if padded else (width,), jnp.float32)
        rows = jax.vmap(lambda row: run(row, None)) if padded else lambda row: run(row, None)
        return trace(rows, row, name="scores")
    if padded:
        frames = jax.ShapeDtypeStruct((batch, time, width), jnp.float32)
        return trace(jax.vmap(run), frames, jax.ShapeDtypeStruct((batch, time), jnp.bool_), name="scores")

    def scores(frames: Any) -> Any:
        return run(frames, jnp.ones(frames.shape[0], bool))

    return trace(scores, jax.ShapeDtypeStruct((time, width), jnp.float32), name="scores")


def _from_waveform(model: Any, run: Callable[[Any, Any], Any], padded: bool) -> Graph:
    """The graph of frames and scores in one."""
    sound = getattr(model, "sound_", None)
    if sound is None:
        raise ExportError(
            f"A waveform for a {type(model).__name__} that does not know how its frames are made of sound.",
            "An estimator that was fitted on sound (`sound_`).",
            "Export it without the waveform, or learn it on recordings.",
        )
    if padded:
        raise ExportError(
            "A padded batch of waveforms.", "One waveform (sample,).", "Leave out padded, or waveform."
        )
    features = replace(sound, transform="matrix")
    (samples,) = jax.export.symbolic_shape("S")

    def scores(samples: Any) -> Any:
        frames, _ = features(samples)
        return run(frames, jnp.ones(frames.shape[0], bool))

    return trace(scores, jax.ShapeDtypeStruct((samples,), jnp.float32), name="scores")


def model_function(model: Any) -> tuple[Callable[[Any, Any], Any], int, bool]:
    """Scores from frames and mask, how many features a frame has, and whether there are frames at all."""
    program = model if isinstance(model, Program) else getattr(model, "program_", None)
    if isinstance(program, Program):
        arrays = parameters(program.term)
        data = data_arrays(program.term, program.language, program.typing)

        def run(frames: Any, mask: Any) -> Any:
            x = frames if mask is None else (frames, mask)
            found = evaluate(program.term, program.language, {"x": x}, arrays, data)
            return found[0] if isinstance(found, tuple) else found

        return run, len(program.language.features), program.language.is_table
    estimator: Any = model
    if getattr(estimator, "task", "") == "generation":
        raise ExportError(
            f"A {type(model).__name__}, which makes sound and reads no frames.",
            "A program, or an estimator that predicts.",
            "Let it make sound where Antiphon is: antiphon.load_model(FILE).sample(seconds).",
        )
    network = getattr(estimator, "network_", None)
    if network is None:
        raise ExportError(
            f"A {type(model).__name__}, which holds no program and no network.",
            "A program, or an estimator that was fitted.",
            "Fit it first, or load it with antiphon.load_model.",
        )
    return network, estimator.n_features_in_, False


def export_model(model: Any, form: str, *, waveform: bool | None = None) -> str | bytes:
    """What a file holds that runs a model without Antiphon.

    Args:
        model: A `Program` or a fitted estimator.
        form: `"numpy"`, `"c"`, `"onnx"` or `"stablehlo"`.
        waveform: Whether the file makes the frames of sound itself, and takes one waveform `(sample,)` of the
            model's rate, from -1 to 1. By default so where the model was fitted on sound. A file that takes
            frames takes one sequence of real ones (NumPy, C), or a batch with its mask (ONNX, StableHLO).

    Returns:
        Text, or the bytes of an ONNX model or of what `jax.export.deserialize` reads.

    Raises:
        ExportError: If there is no such form, or something in the model or in its features of sound cannot be
            said in it.

    Example:
        >>> program = Program.parse('''language sequence
        ... input x: Seq[Real[1]] of speed
        ... output numbers y
        ... program
        ...   affine[2*speed](mean(x))
        ... ''')
        >>> "def scores(frames):" in export_model(program, "numpy")
        True
    """
    if form not in FORMATS:
        raise ExportError(f"There is no form {form!r}.", f"One of {', '.join(FORMATS)}.")
    sound = getattr(model, "sound_", None)
    waveform = sound is not None if waveform is None else waveform
    try:
        return _exported(model, form, waveform=waveform)
    except ExportError as error:
        if not waveform or sound is None:
            raise
        raise ExportError(
            f"{error.got.rstrip('.')} (in the features of sound {', '.join(sound.kinds)}, or in what reads "
            "them).",
            error.expected,
            "Choose another form, learn on features that it can say, or export what takes frames: "
            "waveform=False, on the command line --frames.",
        ) from error


def _exported(model: Any, form: str, *, waveform: bool) -> str | bytes:
    program = model if isinstance(model, Program) else getattr(model, "program_", None)
    text = "" if program is None else _told(program)
    names = {} if program is None else _named(program)
    # Runtimes of ONNX and StableHLO batch what they get; a waveform is long enough by itself.
    graph = model_graph(model, padded=form in ("onnx", "stablehlo") and not waveform, waveform=waveform)
    sound = getattr(model, "sound_", None) if waveform else None
    if sound is not None:
        text = f"{_heard(sound)}\n\n{text}".rstrip()
    match form:
        case "numpy":
            code = to_numpy(graph, name="scores", doc=text, constants=names)
            output = getattr(model, "output_", None) if program is None else program.output
            if _is_recogniser(model):
                return (
                    f"{code}\n\n# Of the best at each frame repeats are joined, then blanks left out.\n"
                    + (f"CLASSES = np.array({_classes(model)!r})\n")
                )
            return code + _predict(output, graph.inputs[0].name)
        case "c":
            return to_c(graph, name="scores", doc=text, constants=names)
        case "onnx":
            features = "" if program is None else ", ".join(program.language.features)
            told = {"features": features, "classes": ", ".join(map(str, _classes(model)))}
            if sound is not None:
                told["rate_hz"] = f"{sound.rate_hz:g}"
            made = to_onnx(graph, output_names=["scores"], text=text, metadata=told)
            return made.SerializeToString(deterministic=True)
    return to_stablehlo(graph).serialized


def _heard(sound: Any) -> str:
    return (
        f"Takes samples from -1 to 1, {sound.rate_hz:g} a second, of one channel; at least "
        f"{sound.frame_length} of them.\n"
        f"Frames of {sound.frame_seconds:g} s every {sound.hop_seconds:g} s: {', '.join(sound.kinds)}."
    )


def _told(program: Program) -> str:
    return f"{show(program, 'words')}\n\n{show(program, 'math')}\n\n{program}"


def _named(program: Program) -> dict[str, np.ndarray]:
    """The arrays of a program by their names in the language; equal names are numbered."""
    found: dict[str, np.ndarray] = {}
    times: Counter[str] = Counter()
    for leaf in parameters(program.term).values():
        for name, array in leaf.items():
            times[name] += 1
            found[name if times[name] == 1 else f"{name}_{times[name]}"] = array
    return found


def _classes(model: Any) -> list[Any]:
    """What each score is of, where it is of a class."""
    output = model.output if isinstance(model, Program) else getattr(model, "output_", None)
    classes = [] if output is None else list(output.classes)
    return ["<blank>", *classes] if _is_recogniser(model) else classes


def _is_recogniser(model: Any) -> bool:
    return getattr(model, "task", "") == "recognition"


def _predict(output: Any, given: str) -> str:
    """A function that says the class, where scores stand for classes."""
    if output is None or output.task == "regression":
        return ""
    last = "[..., 0]" if output.scores == 1 else ".argmax(-1)"
    threshold = 0.5 if output.threshold is None else float(output.threshold)
    chosen = f"(1 / (1 + np.exp(-scores({given}){last})) > {threshold!r}).astype(int)"
    if output.scores > 1:
        chosen = f"scores({given}){last}"
    what = "The class of each frame" if output.task == "tagging" else "The class of one case"
    return (
        f"\n\nCLASSES = np.array({list(output.classes)!r})\n\n\n"
        f'def predict({given}):\n    """{what}."""\n    return CLASSES[{chosen}]\n'
    )
