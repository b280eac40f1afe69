"""The loop: each equation by the rule of its primitive."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from antiphon.graph._graph import Equation, Graph
from antiphon.graph.onnx_export._scope import Scope, refuse

# What stands for its body: custom derivatives, and calls that a trace has left.
CALLS = {
    "custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr", "jit", "pjit", "closed_call", "core_call",
    "remat", "remat2", "checkpoint", "composite",
}  # fmt: skip

_RANDOM = {
    "random_bits", "random_seed", "random_split", "random_fold_in", "random_wrap", "random_unwrap",
    "random_gamma", "random_clone", "threefry2x32", "rng_bit_generator", "rng_uniform",
}  # fmt: skip
_CALLBACKS = {"pure_callback", "io_callback", "debug_callback", "debug_print"}


def emit(scope: Scope, graph: Graph, inputs: Sequence[str]) -> tuple[str, ...]:
    """Put the nodes of a graph into a scope.

    Args:
        scope: Gets the nodes.
        graph: The main graph, or a nested body.
        inputs: Names of what its inputs are here.

    Returns:
        Names of its outputs. One may be an input, or a constant.

    Raises:
        ExportError: For a primitive without a rule, or one that the rule cannot say.
    """
    for value, array in graph.constants.items():
        if value not in scope.names:
            # An array of more than a few numbers keeps its name, so that one sees what it is.
            name = value.name if np.size(array) > 1 and scope.outer is None else ""
            scope.names[value] = scope.model.constant(as_numpy(array, value), name)
    scope.names.update(zip(graph.inputs, inputs, strict=True))
    for equation in graph.equations:
        names = tuple(map(scope.read, equation.inputs))
        if any(np.dtype(v.dtype).kind == "c" for v in equation.outputs if _is_plain(v.dtype)):
            raise refuse(equation, "Complex numbers, with which ONNX does not calculate")
        if equation.primitive in CALLS:
            (body, *_) = equation.bodies
            results: Sequence[str] = emit(scope, body, names[len(names) - len(body.inputs) :])
        else:
            rule = scope.model.rules.get(equation.primitive)
            if rule is None:
                raise _without_rule(equation)
            found = rule(scope, equation, *names)
            results = (found,) if isinstance(found, str) else found
        scope.names.update(zip(equation.outputs, results, strict=True))
    return tuple(map(scope.read, graph.outputs))


def as_numpy(array: object, value: object) -> np.ndarray:
    """A constant of a graph as plain numbers."""
    try:
        return np.asarray(array)
    except TypeError:  # keys of random numbers
        return np.zeros(0)


def _is_plain(dtype: object) -> bool:
    return isinstance(dtype, np.dtype)


def _without_rule(equation: Equation) -> Exception:
    if equation.primitive in _RANDOM:
        return refuse(
            equation,
            f"{equation.primitive!r} draws random numbers, and ONNX has no such generator",
            "Draw them outside and pass them in; leave dropout out of what is exported.",
        )
    if equation.primitive in _CALLBACKS:
        return refuse(
            equation,
            f"{equation.primitive!r} calls back into Python, which ONNX cannot",
            "Take prints and callbacks out of what is exported.",
        )
    return refuse(equation, f"There is no rule for {equation.primitive!r} in the export to ONNX")
