"""The border to JAX: the only module that knows how JAX keeps a graph inside."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import jax
import numpy as np
from jax._src import config, linear_util, source_info_util
from jax._src.core import Tracer, is_symbolic_dim, max_dim
from jax.extend import core
from jax.extend.core import primitives

from antiphon.graph._graph import Atom, Equation, Graph, Literal, Source, Value
from antiphon.graph._names import named
from antiphon.graph._walk import changed

# A line in one of these is not the user's, if there is another around it.
_LIBRARIES = tuple(f"{os.sep}{name}{os.sep}" for name in ("equinox", "jaxtyping", "beartype", "optax"))
_MACHINERY = os.path.dirname(__file__) + os.sep


def from_function(f: Callable[..., Any], *examples: Any) -> tuple[Graph, Any]:
    """The graph of a function over the leaves of its arguments, and the tree of what it gives.

    Names are still missing, except those of arguments.

    Args:
        f: What JAX can trace.
        examples: Arrays, or trees of arrays, or `jax.ShapeDtypeStruct` (whose shape may be symbolic).
    """
    closed, shape = jax.make_jaxpr(f, return_shape=True)(*examples)
    return _graph(closed.jaxpr, closed.consts), jax.tree.structure(shape)


def from_jaxpr(closed: core.ClosedJaxpr) -> Graph:
    """A graph from JAX's own."""
    return named(_graph(closed.jaxpr, closed.consts))


def to_jaxpr(graph: Graph) -> core.ClosedJaxpr:
    """JAX's own form of a graph, from flat arrays to flat arrays; made once for each graph."""
    known = _jaxprs.get(graph)
    if known is None:
        examples = [jax.ShapeDtypeStruct(v.shape, v.dtype) for v in graph.inputs]
        known = jax.make_jaxpr(lambda *leaves: bind_all(graph, leaves))(*examples)
        _jaxprs[graph] = known
    return known


_jaxprs: WeakKeyDictionary[Graph, core.ClosedJaxpr] = WeakKeyDictionary()


def bind_all(graph: Graph, leaves: Sequence[Any]) -> list[Any]:
    """Run a graph on flat arrays, one equation after the other; each keeps its rule of derivatives."""
    known: dict[Value, Any] = dict(graph.constants)
    known.update(zip(graph.inputs, leaves, strict=True))

    def read(atom: Atom) -> Any:
        return atom.value if isinstance(atom, Literal) else known[atom]

    for equation in graph.equations:
        result = bind(equation, [read(atom) for atom in equation.inputs])
        known.update(zip(equation.outputs, result, strict=True))
    return [read(atom) for atom in graph.outputs]


def bind(equation: Equation, values: Sequence[Any]) -> Sequence[Any]:
    """What one equation gives for the values of its inputs."""
    params = {k: changed(v, _body) for k, v in equation.params.items()}
    primitive = equation.operation
    with source_info_util.user_context(equation.origin):
        result = primitive.bind(*values, **primitive.get_bind_params(params))
    return result if primitive.multiple_results else [result]


def _body(graph: Graph) -> core.ClosedJaxpr | core.Jaxpr:
    return to_jaxpr(graph) if graph.closed else to_jaxpr(graph).jaxpr


def abstract(equation: Equation) -> list[tuple[tuple[Any, ...], Any]]:
    """Shapes and dtypes that JAX says an equation gives for inputs as its own are declared."""
    places = [k for k, atom in enumerate(equation.inputs) if isinstance(atom, Value)]
    filled = [atom.value if isinstance(atom, Literal) else None for atom in equation.inputs]

    def run(*values: Any) -> Sequence[Any]:
        inputs = list(filled)
        for k, value in zip(places, values, strict=True):
            inputs[k] = value
        return list(bind(equation, inputs))

    declared = [jax.ShapeDtypeStruct(equation.inputs[k].shape, equation.inputs[k].dtype) for k in places]
    return [(tuple(out.shape), out.dtype) for out in jax.eval_shape(run, *declared)]


def operation(primitive: str) -> Any:
    """JAX's own object for a primitive of a name."""
    return getattr(primitives, f"{primitive}_p")


@lru_cache
def arithmetic_params(primitive: str) -> dict[str, Any]:
    """The parameters of `add`, `mul` and the like, in the JAX that is installed."""
    return dict(jax.make_jaxpr(getattr(jax.lax, primitive))(1.0, 1.0).eqns[-1].params)


def evaluate(equation: Equation, arrays: Sequence[Any]) -> list[Any]:
    """What an equation gives for known arrays, even while JAX is tracing."""
    with jax.ensure_compile_time_eval():
        return list(bind(equation, arrays))


def is_tracer(array: Any) -> bool:
    """Whether something stands for an array while JAX is tracing."""
    return isinstance(array, Tracer)


def is_size(size: Any) -> bool:
    """Whether something is a size of an axis that has names in it."""
    return is_symbolic_dim(size)


def size_names(size: Any) -> set[str]:
    """The names in the size of an axis: none in a plain number."""
    return size._get_vars() if is_symbolic_dim(size) else set()


def size_name(size: Any) -> str | None:
    """The name that a size is, or None if it is a number or an expression."""
    return size._to_var() if is_symbolic_dim(size) else None


def size_value(size: Any, sizes: Mapping[str, Any]) -> Any:
    """A size where its names have values."""
    if not is_symbolic_dim(size):
        return size
    value = size._evaluate(sizes)
    return value if is_symbolic_dim(value) else int(value)


def size_scope(size: Any) -> Any:
    """What the names in a size belong to; only sizes of one scope can be compared. None for a number."""
    return size.scope if is_symbolic_dim(size) else None


def larger(a: Any, b: Any) -> Any:
    """The larger of two sizes, or an expression of both if that depends on their names."""
    return max_dim(a, b)


def resized_rules(
    equation: Equation, params: dict[str, Any], resize: Callable[[Graph], Graph]
) -> dict[str, Any]:
    """Parameters where the rules of a custom derivative, traced before, have the new sizes too."""

    def again(jaxpr: Any, consts: Any) -> tuple[Any, Any]:
        closed = to_jaxpr(resize(_graph(jaxpr, consts)))
        return closed.jaxpr, closed.consts

    if equation.primitive == "custom_jvp_call":
        jvp = params["jvp_jaxpr_fun"]

        def sized_jvp(*zeros: bool) -> Any:
            jaxpr, consts, out_zeros = jvp.call_wrapped(*zeros)
            return *again(jaxpr, consts), out_zeros

        return params | {"jvp_jaxpr_fun": linear_util.wrap_init(sized_jvp, debug_info=jvp.debug_info)}
    if equation.primitive == "custom_vjp_call":
        fwd = params["fwd_jaxpr_thunk"]
        sized_fwd = linear_util.wrap_init(
            lambda *zeros: again(*fwd.call_wrapped(*zeros)), debug_info=fwd.debug_info
        )
        bwd = params["bwd"]

        def unchecked_bwd(*arrays: Any) -> Any:
            with config.disable_bwd_checks(True):  # JAX would compare with the shapes that it was traced with
                return bwd.call_wrapped(*arrays)

        sized_bwd = linear_util.wrap_init(unchecked_bwd, debug_info=bwd.debug_info)
        return params | {"fwd_jaxpr_thunk": sized_fwd, "bwd": sized_bwd}
    return params


def _graph(jaxpr: core.Jaxpr, consts: Sequence[Any]) -> Graph:
    known: dict[core.Var, Value] = {}
    info = jaxpr.debug_info
    arguments = (info.arg_names if info else None) or ()

    def define(var: core.Var, name: str | None = "") -> Value:
        aval: Any = var.aval
        known[var] = Value(name or "", tuple(aval.shape), aval.dtype)
        return known[var]

    def read(atom: Any) -> Atom:
        if isinstance(atom, core.Literal):
            aval: Any = atom.aval
            return Literal(np.asarray(atom.val, aval.dtype))
        return known[atom]

    hints = arguments if len(arguments) == len(jaxpr.invars) else [""] * len(jaxpr.invars)
    inputs = tuple(define(v, _dotted(hint)) for v, hint in zip(jaxpr.invars, hints, strict=True))
    constants = {define(v): _plain(array) for v, array in zip(jaxpr.constvars, consts, strict=True)}
    equations = tuple(
        Equation(
            primitive=eqn.primitive.name,
            inputs=tuple(read(v) for v in eqn.invars),
            outputs=tuple(define(v) for v in eqn.outvars),
            params={k: _param(v) for k, v in eqn.params.items()},
            source=_source(eqn),
            operation=eqn.primitive,
            origin=eqn.source_info.traceback,
            effects=bool(eqn.effects),
        )
        for eqn in jaxpr.eqns
    )
    outputs = tuple(read(v) for v in jaxpr.outvars)
    return Graph(inputs, equations, outputs, constants, name=(info.func_name if info else "") or "")


def _plain(constant: Any) -> Any:
    """A constant without the wrapper that JAX puts around arrays of NumPy."""
    return constant if isinstance(constant, Tracer) else getattr(constant, "val", constant)


def _dotted(path: str | None) -> str:
    """`state[0].h` as `state.0.h`."""
    return re.sub(r"\[['\"]?(\w+)['\"]?\]", r".\1", path or "")


def _param(value: Any) -> Any:
    if isinstance(value, core.ClosedJaxpr):
        return _graph(value.jaxpr, value.consts)
    if isinstance(value, core.Jaxpr):
        return replace(_graph(value, ()), closed=False)
    if isinstance(value, tuple | list) and any(isinstance(v, core.ClosedJaxpr | core.Jaxpr) for v in value):
        parts = [_param(v) for v in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def frames(origin: Any) -> Iterator[Source]:
    """The lines that led to an equation, innermost first, up to the call of `trace`; JAX's own left out."""
    for frame in source_info_util.user_frames(origin):
        if frame.file_name.startswith(_MACHINERY):
            if frame.function_name.endswith("flat"):
                return  # what is further out called `trace`
        else:
            yield Source(frame.file_name, frame.start_line, frame.function_name)


def _source(eqn: core.JaxprEqn) -> Source | None:
    """The innermost line of the user's code, or of a library if there is none."""
    lines = list(frames(eqn.source_info.traceback))
    own = (line for line in lines if not any(name in line.file for name in _LIBRARIES))
    return next(own, lines[0] if lines else None)
