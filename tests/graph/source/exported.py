"""Programs as functions to trace, and exported text as functions to call."""

from __future__ import annotations

import types

import jax
import jax.numpy as jnp
import numpy as np

from antiphon.graph import trace
from antiphon.graph.source import to_numpy
from antiphon.language import Output, Program, Real, check, data_arrays, evaluate, parameters
from antiphon.language import show as shown

(TIME,) = jax.export.symbolic_shape("T")


def function_of(program: Program):
    """What a program computes for one sequence of real frames, or for one row of a table."""
    arrays = parameters(program.term)
    data = data_arrays(program.term, program.language, program.typing)

    def scores(frames):
        x = frames if program.language.is_table else (frames, jnp.ones(frames.shape[0], bool))
        result = evaluate(program.term, program.language, {"x": x}, arrays, data)
        return result[0] if isinstance(result, tuple) else result

    return scores


def graph_of(program: Program, time=TIME):
    """Its graph, for any number of frames."""
    width = len(program.language.features)
    shape = (width,) if program.language.is_table else (time, width)
    return trace(function_of(program), jax.ShapeDtypeStruct(shape, jnp.float32))


def program_of(term, language) -> Program:
    """A program of a term that gives numbers."""
    typing = check(term, language)
    type_ = typing[()]
    assert isinstance(type_, Real)
    return Program(term, language, Output("regression", targets=tuple(f"y{k}" for k in range(type_.size))))


def named_arrays(program: Program) -> dict[str, np.ndarray]:
    """The arrays of a program by their names in the language."""
    found: dict[str, np.ndarray] = {}
    for leaf in parameters(program.term).values():
        for name, array in leaf.items():
            free = next(n for k in range(1, 99) if (n := name if k == 1 else f"{name}_{k}") not in found)
            found[free] = array
    return found


def program_to_numpy(program: Program) -> str:
    """One file for a program: its scores, and what they mean."""
    doc = f"{shown(program, 'words')}\n\n{shown(program, 'math')}\n\n{program}"
    text = to_numpy(graph_of(program), name="scores", doc=doc, constants=named_arrays(program))
    if program.output.task != "classification":
        return text
    several = "classes[int(scores(frames).argmax())]"
    threshold = 0.5 if program.output.threshold is None else program.output.threshold
    two = f"classes[int(1 / (1 + np.exp(-scores(frames)[0])) > {threshold!r})]"
    return (
        f"{text}\n\nclasses = {list(program.output.classes)!r}\n\n\n"
        f'def predict(frames):\n    """The class of one sequence."""\n'
        f"    return {two if program.output.scores == 1 else several}\n"
    )


def loaded(text: str) -> types.SimpleNamespace:
    """The functions of exported Python text."""
    scope: dict = {}
    exec(compile(text, "exported.py", "exec"), scope)
    return types.SimpleNamespace(**{k: v for k, v in scope.items() if not k.startswith("__")})
