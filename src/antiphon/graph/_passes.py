"""Passes: from a graph to an equal graph that is smaller, each with a report of what it did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from antiphon.graph._affine import affine_rule
from antiphon.graph._dead import alive
from antiphon.graph._folding import folding_rule
from antiphon.graph._graph import Atom, Equation, Graph, Literal, Value
from antiphon.graph._identities import identity_rule
from antiphon.graph._inline import CALLS, inlined
from antiphon.graph._jax import is_tracer
from antiphon.graph._rewrite import Change, PassReport, Scope, passed, rewritten
from antiphon.graph._walk import all_equations, fresh, with_bodies

Pass = Callable[[Graph], tuple[Graph, PassReport]]


def inline_calls(graph: Graph) -> tuple[Graph, PassReport]:
    """Put what compiled functions do (`jit`, `remat`) in place of their calls. Values stay exactly the same.

    Example:
        >>> from antiphon.graph import trace
        >>> print(inline_calls(trace(lambda x: x + 1, 2.0))[1])
        inline_calls: 1 -> 1 equations
    """
    calls = Counter(f"call of {e.params.get('name', e.primitive)}" for e in _calls(graph))
    return passed("inline_calls", graph, inlined(graph), calls)


def inline_derivatives(graph: Graph) -> tuple[Graph, PassReport]:
    """Put what functions with a derivative of their own do in place of their calls; the derivative is lost.

    For exports and analyses, which only run forward. Values stay exactly the same; gradients become those of
    the operations.

    Example:
        >>> import jax
        >>> from antiphon.graph import trace
        >>> graph, report = inline_derivatives(trace(jax.nn.relu, 2.0))
        >>> [e.primitive for e in graph.equations], report.changes
        (['max'], {'derivative of relu': 1})
    """
    changes: Counter[str] = Counter()
    return passed("inline_derivatives", graph, _without_derivatives(graph, changes), changes)


def fold_constants(graph: Graph) -> tuple[Graph, PassReport]:
    """Compute what depends on constants alone, and known sizes; take branches that are always taken.

    What a loop computes from constants alone is computed before it. Values and gradients stay the same up to
    the rounding of the compiler.

    Example:
        >>> import jax.numpy as jnp
        >>> from antiphon.graph import trace
        >>> weights = jnp.ones(3)
        >>> print(fold_constants(trace(lambda x: x * jnp.sum(weights), 1.0))[1])
        fold_constants: 3 -> 2 equations; reduce_sum of constants
    """
    changes: Counter[str] = Counter()
    return passed("fold_constants", graph, rewritten(graph, folding_rule, changes), changes)


def apply_identities(graph: Graph) -> tuple[Graph, PassReport]:
    """Leave out operations that change nothing: `x * 1`, a transpose of a transpose, a choice between equals.

    NaN and infinities stay what they are; only `x + 0` may leave a negative zero negative.

    Example:
        >>> from antiphon.graph import trace
        >>> graph, report = apply_identities(trace(lambda x: -(-x) * 1.0, 2.0))
        >>> dict(report.changes)
        {'-(-x)': 1, 'x * 1': 1}
    """
    changes: Counter[str] = Counter()
    return passed("apply_identities", graph, rewritten(graph, identity_rule, changes), changes)


def merge_common(graph: Graph) -> tuple[Graph, PassReport]:
    """Compute once what is written twice. Values stay exactly the same.

    Example:
        >>> import jax.numpy as jnp
        >>> from antiphon.graph import trace
        >>> print(merge_common(trace(lambda x: jnp.sin(x) + jnp.sin(x), 2.0))[1])
        merge_common: 3 -> 2 equations; sin
    """
    changes: Counter[str] = Counter()
    return passed("merge_common", graph, _merged(graph, changes), changes)


def fuse_affine(graph: Graph) -> tuple[Graph, PassReport]:
    """Make one affine map of several that follow each other and whose weights are constants.

    Only where it saves operations. Values and gradients stay the same up to rounding; a sum that overflowed
    midway may no longer do so.

    Example:
        >>> import jax.numpy as jnp
        >>> from antiphon.graph import trace
        >>> W = jnp.ones((3, 3))
        >>> print(fuse_affine(trace(lambda x: (x @ W + 1.0) @ W * 2.0, jnp.ones(3)))[1])
        fuse_affine: 4 -> 2 equations; 3 affine steps (2)
    """
    changes: Counter[str] = Counter()
    made = rewritten(graph, affine_rule, changes)
    made = alive(made, Counter()) if changes else made
    return passed("fuse_affine", graph, made, changes)


def drop_dead(graph: Graph) -> tuple[Graph, PassReport]:
    """Leave out what nothing needs, in bodies too: states of loops, results of branches, unused constants.

    What does more than give values, such as a print, stays. Values stay exactly the same.

    Example:
        >>> import jax.numpy as jnp
        >>> from antiphon.graph import trace
        >>> print(drop_dead(trace(lambda x: [jnp.sin(x), x + 1][1], 2.0))[1])
        drop_dead: 2 -> 1 equations; sin
    """
    changes: Counter[str] = Counter()
    return passed("drop_dead", graph, alive(graph, changes), changes)


def _calls(graph: Graph) -> list[Equation]:
    return [equation for equation in all_equations(graph) if equation.primitive in CALLS]


def _without_derivatives(graph: Graph, changes: Counter[str]) -> Graph:
    constants = dict(graph.constants)
    equations: list[Equation] = []
    now: dict[Value, Atom] = {}

    def read(atom: Atom) -> Atom:
        return now.get(atom, atom) if isinstance(atom, Value) else atom

    def walk(body: Graph) -> None:
        for equation in body.equations:
            inputs = tuple(map(read, equation.inputs))
            if equation.primitive in ("custom_jvp_call", "custom_vjp_call"):
                callee = fresh(equation.params["call_jaxpr"])
                changes[f"derivative of {callee.name.rsplit('.', 1)[-1]}"] += 1
                constants.update(callee.constants)
                now.update(zip(callee.inputs, inputs, strict=True))
                walk(callee)
                now.update(zip(equation.outputs, map(read, callee.outputs), strict=True))
            else:
                inner = with_bodies(equation, lambda part: _without_derivatives(part, changes))
                equations.append(replace(inner, inputs=inputs))

    walk(graph)
    return replace(
        graph, equations=tuple(equations), outputs=tuple(map(read, graph.outputs)), constants=constants
    )


def _merged(graph: Graph, changes: Counter[str]) -> Graph:
    """Each body has a table of its own: what is equal in two branches is still computed in one of them."""
    first: dict[Hashable, tuple[Value, ...]] = {}
    twins: dict[Value, Value] = {}
    kept: dict[Hashable, Value] = {}
    for value, array in graph.constants.items():
        key = _array_key(array)
        if key in kept:
            changes["constant"] += 1
        twins[value] = kept.setdefault(key, value)

    def rule(equation: Equation, scope: Scope) -> Change | None:
        if equation.effects:
            return None
        key = (equation.primitive, *map(_atom_key, equation.inputs), _params_key(equation.params))
        known = first.setdefault(key, equation.outputs)
        return None if known is equation.outputs else Change(equation.primitive, known)

    bodies = tuple(with_bodies(e, lambda body: _merged(body, changes)) for e in graph.equations)
    inputs = [tuple(twins.get(a, a) if isinstance(a, Value) else a for a in e.inputs) for e in bodies]
    equations = tuple(replace(e, inputs=i) for e, i in zip(bodies, inputs, strict=True))
    outputs = tuple(twins.get(a, a) if isinstance(a, Value) else a for a in graph.outputs)
    constants = {v: a for v, a in graph.constants.items() if twins[v] is v}
    plain = replace(graph, equations=equations, outputs=outputs, constants=constants)
    return rewritten(plain, rule, changes, inside=False)


def _atom_key(atom: Atom) -> Hashable:
    return (str(atom.dtype), atom.shape, atom.value.tobytes()) if isinstance(atom, Literal) else id(atom)


def _array_key(array: Any) -> Hashable:
    if is_tracer(array) or not isinstance(getattr(array, "dtype", None), np.dtype):
        return id(array)
    return (str(array.dtype), array.shape, np.asarray(array).tobytes())


def _params_key(params: Any) -> Hashable:
    return tuple((k, _param_key(v)) for k, v in sorted(params.items()))


def _param_key(value: Any) -> Hashable:
    if isinstance(value, Graph):
        return _graph_key(value)
    if isinstance(value, tuple | list):
        return tuple(map(_param_key, value))
    try:
        return (type(value), hash(value), value)
    except TypeError:
        return id(value)


def _graph_key(graph: Graph) -> Hashable:
    """Equal for two graphs that do the same with other names."""
    numbers: dict[Value, int] = {}

    def define(values: Iterable[Value]) -> tuple[Hashable, ...]:
        start = len(numbers)
        numbers.update((value, start + k) for k, value in enumerate(values))
        return tuple((str(value.dtype), value.shape) for value in list(numbers)[start:])

    def read(atom: Atom) -> Hashable:
        return numbers[atom] if isinstance(atom, Value) else _atom_key(atom)

    head = (define(graph.inputs), define(graph.constants), tuple(map(_array_key, graph.constants.values())))
    lines = []
    for equation in graph.equations:
        inputs = tuple(map(read, equation.inputs))
        lines.append((equation.primitive, inputs, _params_key(equation.params), define(equation.outputs)))
    return (head, tuple(lines), tuple(map(read, graph.outputs)))
