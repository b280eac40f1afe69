"""Learned models as graphs, and as files that run without Antiphon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
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


def model_graph(model: Any, *, padded: bool = False) -> Graph:
    """A program, or a fitted estimator, as a graph from frames to scores.

    Args:
        model: A `Program`, an estimator of programs, or a recurrent one.
        padded: Whether the graph takes a batch, `(batch, time, feature)`, with a mask `(batch, time)` of the
            frames that are real; else one sequence `(time, feature)`, all of whose frames are. A program on
            tables takes a row `(feature,)`, or a batch of rows.

    Raises:
        ExportError: If the model is neither.

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
    run, width, is_table = _function(model)
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


def _function(model: Any) -> tuple[Callable[[Any, Any], Any], int, bool]:
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
    network = getattr(estimator, "network_", None)
    if network is None:
        raise ExportError(
            f"A {type(model).__name__}, which holds no program and no network.",
            "A program, or an estimator that was fitted.",
            "Fit it first, or load it with antiphon.load_model.",
        )
    return network, estimator.n_features_in_, False


def export_model(model: Any, form: str) -> str | bytes:
    """What a file holds that runs a model without Antiphon.

    Args:
        model: A `Program` or a fitted estimator.
        form: `"numpy"`, `"c"`, `"onnx"` or `"stablehlo"`. The first two take one sequence of real frames; the
            others a batch with its mask.

    Returns:
        Text, or the bytes of an ONNX model or of what `jax.export.deserialize` reads.

    Raises:
        ExportError: If there is no such form, or something in the model cannot be said in it.

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
    program = model if isinstance(model, Program) else getattr(model, "program_", None)
    text = "" if program is None else _told(program)
    names = {} if program is None else _named(program)
    match form:
        case "numpy":
            code = to_numpy(model_graph(model), name="scores", doc=text, constants=names)
            return code + _predict(getattr(model, "output_", None) if program is None else program.output)
        case "c":
            return to_c(model_graph(model), name="scores", doc=text, constants=names)
        case "onnx":
            features = "" if program is None else ", ".join(program.language.features)
            made = to_onnx(
                model_graph(model, padded=True),
                output_names=["scores"],
                text=text,
                metadata={"features": features, "classes": ", ".join(map(str, _classes(model)))},
            )
            return made.SerializeToString(deterministic=True)
    return to_stablehlo(model_graph(model, padded=True)).serialized


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
    output = model.output if isinstance(model, Program) else getattr(model, "output_", None)
    return [] if output is None else list(output.classes)


def _predict(output: Any) -> str:
    """A function that says the class, where scores stand for classes."""
    if output is None or output.task == "regression":
        return ""
    last = "[..., 0]" if output.scores == 1 else ".argmax(-1)"
    threshold = 0.5 if output.threshold is None else float(output.threshold)
    chosen = f"(1 / (1 + np.exp(-scores(frames){last})) > {threshold!r}).astype(int)"
    if output.scores > 1:
        chosen = f"scores(frames){last}"
    what = "The class of each frame" if output.task == "tagging" else "The class of one case"
    return (
        f"\n\nCLASSES = np.array({list(output.classes)!r})\n\n\n"
        f'def predict(frames):\n    """{what}."""\n    return CLASSES[{chosen}]\n'
    )
