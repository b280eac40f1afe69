"""Named sizes of axes, and graphs in which they have got a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from antiphon.errors import GraphError
from antiphon.graph._graph import Atom, Equation, Graph, Literal, Value
from antiphon.graph._jax import resized_rules, size_name, size_names, size_value

_resized: WeakKeyDictionary[Graph, dict[tuple[Any, ...], Graph]] = WeakKeyDictionary()


def resize(graph: Graph, sizes: Mapping[str, int]) -> Graph:
    """The same graph where named sizes have values.

    Args:
        graph: Of shapes with named sizes.
        sizes: A value for every name, in frames, cases or whatever the axis counts.

    Raises:
        GraphError: If a name has no value.

    Example:
        >>> import jax
        >>> from antiphon.graph import trace
        >>> frames = jax.ShapeDtypeStruct(jax.export.symbolic_shape("T, 2"), "float32")
        >>> graph = trace(lambda x: x[:-1], frames)
        >>> graph.equations[-1].outputs[0].shape, resize(graph, {"T": 5}).equations[-1].outputs[0].shape
        ((T - 1, 2), (4, 2))
    """
    key = tuple(sorted(sizes.items(), key=lambda item: item[0]))
    made = _resized.setdefault(graph, {})
    if key not in made:
        made[key] = _resize(graph, sizes)
    return made[key]


def fitted(graph: Graph, shapes: Sequence[tuple[Any, ...]]) -> Graph:
    """The same graph for inputs of some shapes, off which the values of named sizes are read.

    Raises:
        GraphError: If the shapes do not fit those of the inputs.
    """
    sizes: dict[str, Any] = {}
    changed = False
    for value, shape in zip(graph.inputs, shapes, strict=True):
        if len(shape) != len(value.shape):
            raise _misfit(graph, value, shape)
        for want, got in zip(value.shape, shape, strict=True):
            name = size_name(want)
            if name is not None:
                sizes.setdefault(name, got)
                changed = changed or got is not want
    for value, shape in zip(graph.inputs, shapes, strict=True):
        for want, got in zip(value.shape, shape, strict=True):
            missing = size_names(want) - sizes.keys()
            if missing:
                raise GraphError(
                    f"The size {min(missing)} cannot be read off the inputs of {graph.name or 'the graph'}.",
                    "An input with an axis of just that size.",
                    "Trace with an example that has one, or give the size with antiphon.graph.resize.",
                )
            if size_value(want, sizes) != got:
                raise _misfit(graph, value, shape)
    return resize(graph, sizes) if changed else graph


def _misfit(graph: Graph, value: Value, shape: tuple[Any, ...]) -> GraphError:
    return GraphError(
        f"Input {value.name} of {graph.name or 'the graph'} has the shape {shape}.",
        f"The shape {value.shape}.",
        "Trace the function with an example of this shape, or with named sizes.",
    )


def _resize(graph: Graph, sizes: Mapping[str, Any]) -> Graph:
    new: dict[Value, Atom] = {}

    def own(value: Value) -> Value:
        sized = replace(value, shape=_param(value.shape, sizes))
        new[value] = sized
        return sized

    def read(atom: Atom) -> Atom:
        return new[atom] if isinstance(atom, Value) else atom

    constants = {own(value): array for value, array in graph.constants.items()}
    inputs = tuple(map(own, graph.inputs))
    equations: list[Equation] = []
    for equation in graph.equations:
        params = {k: _param(v, sizes) for k, v in equation.params.items()}
        if equation.primitive == "dim_as_value" and isinstance(params["dim"], int):
            new[equation.outputs[0]] = Literal(np.asarray(params["dim"], equation.outputs[0].dtype))
            continue
        params = resized_rules(equation, params, lambda inner: _resize(inner, sizes))
        inward = tuple(map(read, equation.inputs))
        equations.append(
            replace(equation, inputs=inward, params=params, outputs=tuple(map(own, equation.outputs)))
        )
    outputs = tuple(map(read, graph.outputs))
    return replace(graph, inputs=inputs, equations=tuple(equations), outputs=outputs, constants=constants)


def _param(value: Any, sizes: Mapping[str, Any]) -> Any:
    if isinstance(value, Graph):
        return _resize(value, sizes)
    if isinstance(value, tuple | list):
        parts = [_param(v, sizes) for v in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    missing = size_names(value) - sizes.keys()
    if missing:
        raise GraphError(
            f"No value for the size {min(missing)}.",
            "A value for every named size.",
            f"Give it, as in resize(graph, {{{min(missing)!r}: 10}}).",
        )
    return size_value(value, sizes) if size_names(value) else value
