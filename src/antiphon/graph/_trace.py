"""From a Python function, a module or a method to its graph."""

from __future__ import annotations

import contextlib
import functools
import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import numpy as np

from antiphon.errors import GraphError
from antiphon.graph._graph import Graph, Trees
from antiphon.graph._inline import inlined
from antiphon.graph._jax import from_function
from antiphon.graph._names import named
from antiphon.graph._targets import assigned_names


def trace(f: Callable[..., Any], *examples: Any, name: str | None = None) -> Graph:
    """The graph of a function, an Equinox module or a bound method.

    Calls of other compiled functions are inlined; what carries a gradient of its own (`jax.custom_jvp`,
    `jax.custom_vjp`) stays one equation with a nested body. Arrays that a module holds become constants,
    named by their place in it.

    Args:
        f: What JAX can trace.
        examples: One for each argument: an array, a tree of arrays, or `jax.ShapeDtypeStruct` in place of an
            array, whose shape may have named sizes (`jax.export.symbolic_shape`). What is no array (a string,
            a function) is fixed in the graph.
        name: What the graph is called; the function's own name if it is left out.

    Returns:
        The graph. Called, it takes and gives what `f` does.

    Raises:
        GraphError: If `f` cannot be traced; names the line.

    Example:
        >>> import jax.numpy as jnp
        >>> graph = trace(lambda x, y: {"sum": x + y}, jnp.ones(3), jnp.ones(3))
        >>> [value.name for value in graph.inputs], [e.primitive for e in graph.equations]
        (['x', 'y'], ['add'])
        >>> graph(jnp.ones(3), jnp.ones(3))
        {'sum': Array([2., 2., 2.], dtype=float32)}
    """
    parameters, still = eqx.partition(f, _is_array) if _is_tree(f) else ((), None)
    data, fixed = eqx.partition(examples, is_data)
    leaves, inputs = jax.tree.flatten(data)
    held: dict[str, Any] = {}

    def flat(parameters: Any, *leaves: Any) -> Any:
        function = f if still is None else eqx.combine(parameters, still)
        result = function(*eqx.combine(jax.tree.unflatten(inputs, leaves), fixed))
        arrays, held["still"] = eqx.partition(result, is_data)
        return arrays

    try:
        graph, outputs = from_function(flat, parameters, *leaves)
    except jax.errors.ConcretizationTypeError as error:
        raise GraphError(
            f"Python asked for the value of a traced array in {_title(f)}: {str(error).splitlines()[0]}",
            "Control flow that does not depend on values of arrays.",
            "Decorate the function with antiphon.hybridize, or use jnp.where, jax.lax.cond or jax.lax.scan.",
        ) from error
    arrays = jax.tree.leaves(parameters)
    inner, outer = graph.inputs[: len(arrays)], graph.inputs[len(arrays) :]
    graph = replace(
        graph,
        inputs=outer,
        constants={**dict(zip(inner, arrays, strict=True)), **graph.constants},
        name=name or _title(f),
        trees=Trees(inputs, outputs, held["still"]),
    )
    names = dict(zip(inner, _held(f, parameters), strict=True)) | dict(
        zip(outer, _arguments(f, data), strict=True)
    )
    graph = inlined(graph)
    return named(graph, assigned_names(graph) | names | _closed_over(f, graph.constants))


def is_data(leaf: Any) -> bool:
    """Whether a leaf of a tree is an array, or stands for one."""
    return isinstance(leaf, jax.ShapeDtypeStruct) or eqx.is_array_like(leaf)


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, np.ndarray) or eqx.is_array(leaf)


def _is_tree(f: Any) -> bool:
    """Whether something callable holds arrays as a tree does: a module, a method, a `Partial`."""
    return any(_is_array(leaf) for leaf in jax.tree.leaves(f))


def _title(f: Any) -> str:
    while isinstance(f, functools.partial):
        f = f.func
    title = getattr(f, "__name__", None) or type(f).__name__
    return "f" if title == "<lambda>" else title


def _arguments(f: Any, data: Any) -> list[str]:
    """A name for each leaf of the arguments: `x`, `state.h`, `pair.0`."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    single = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "x")
    heads = [
        single[k]
        if k < len(single)
        else (rest if len(data) == len(single) + 1 else f"{rest}{k - len(single)}")
        for k in range(len(data))
    ]
    return [
        ".".join((head, path)) if path else head
        for head, tree in zip(heads, data, strict=True)
        for path in _paths(tree)
    ]


def _held(f: Any, parameters: Any) -> list[str]:
    """A name for each array that something callable holds: where it stands, or which argument it fills."""
    if isinstance(f, jax.tree_util.Partial):
        return _arguments(f.func, parameters.args) + _paths(parameters.keywords)
    return _paths(parameters)


def _paths(tree: Any) -> list[str]:
    """Where each leaf of a tree stands in it, such as `layers.0.weight`."""
    paths = [path for path, _ in jax.tree_util.tree_leaves_with_path(tree)]
    words = [[str(_word(key)) for key in path] for path in paths]
    return [".".join(w for w in line if w not in ("__self__", "__func__")) for line in words]


def _word(key: Any) -> Any:
    for field in ("name", "idx", "key"):
        if hasattr(key, field):
            return getattr(key, field)
    return key


def _closed_over(f: Any, constants: Mapping[Any, Any]) -> dict[Any, str]:
    """Names for the constants that a function finds around itself, by the variables that hold them."""
    names: dict[Any, str] = {}
    for variable, held in _around(inspect.unwrap(f)).items():
        for path, leaf in jax.tree_util.tree_leaves_with_path(held):
            if _is_array(leaf):
                names[_identity(leaf)] = ".".join([variable, *(str(_word(key)) for key in path)])
    return {v: names[_identity(array)] for v, array in constants.items() if _identity(array) in names}


def _identity(array: Any) -> Any:
    """What tells an array from others: NumPy's, which JAX may copy, by their content."""
    if isinstance(array, np.ndarray) and array.nbytes <= 1 << 20:
        return array.shape, array.astype(jax.dtypes.canonicalize_dtype(array.dtype)).tobytes()
    return id(array)


def _around(f: Any) -> dict[str, Any]:
    """The variables that a function and the functions inside it read from around it."""
    code = getattr(f, "__code__", None)
    if code is None:
        return {}
    found: dict[str, Any] = {}
    inside = [code]
    while inside:
        part = inside.pop()
        found |= {name: f.__globals__[name] for name in part.co_names if name in f.__globals__}
        inside += [c for c in part.co_consts if isinstance(c, types.CodeType)]
    for name, cell in zip(code.co_freevars, f.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # a variable that has no value yet
            found[name] = cell.cell_contents
    return found
