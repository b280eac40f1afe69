"""What can be computed before a graph runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from antiphon.graph._graph import Equation, Graph, Literal, Value
from antiphon.graph._indices import index_rule
from antiphon.graph._jax import evaluate, is_size
from antiphon.graph._rewrite import Change, Scope
from antiphon.graph._walk import fresh

# Numbers that are made larger than what they come from are kept as the operation that makes them.
_SPREADING = {"broadcast_in_dim", "iota"}
_MOST_SPREAD = 1 << 16
_ARITHMETIC = {"add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b}
_QUESTIONS = {
    "lt": lambda a, b: a < b, "le": lambda a, b: a <= b, "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b,
}  # fmt: skip


def folding_rule(equation: Equation, scope: Scope) -> Change | None:
    """What stands in place of an equation whose inputs are known."""
    if equation.effects:
        return None
    return (
        _branch(equation, scope)
        or _size(equation, scope)
        or index_rule(equation, scope)
        or _constant(equation, scope)
    )


def _constant(equation: Equation, scope: Scope) -> Change | None:
    arrays = [scope.array(atom) for atom in equation.inputs]
    if any(array is None for array in arrays) or not equation.outputs:
        return None
    sizes = [size for value in equation.outputs for size in value.shape]
    if any(map(is_size, sizes)) or not (equation.inputs or equation.primitive == "iota"):
        return None
    if equation.primitive in _SPREADING:
        (value,) = equation.outputs
        if np.prod(value.shape, dtype=int) <= _MOST_SPREAD and value.shape:
            scope.known[value] = evaluate(equation, arrays)[0]
            return None
    given = sum(np.size(array) for array in arrays)
    if sum(np.prod(v.shape, dtype=int) for v in equation.outputs) > max(2 * given, 1 << 10):
        return None
    try:
        results = evaluate(equation, arrays)
    except NotImplementedError:  # an operation that runs only when compiled for some device
        return None
    atoms = tuple(scope.constant(_plain(r), v.name) for r, v in zip(results, equation.outputs, strict=True))
    return Change(f"{equation.primitive} of constants", atoms)


def _plain(array: Any) -> Any:
    """One number as NumPy's, for a literal; anything else as it is."""
    return np.asarray(array) if np.ndim(array) == 0 and isinstance(array.dtype, np.dtype) else array


def _branch(equation: Equation, scope: Scope) -> Change | None:
    """The branch that is always taken."""
    if equation.primitive != "cond" or scope.array(equation.inputs[0]) is None:
        return None
    branches: tuple[Graph, ...] = equation.params["branches"]
    which = int(np.clip(scope.array(equation.inputs[0]), 0, len(branches) - 1))
    branch = fresh(branches[which])
    scope.constants.update(branch.constants)
    now = dict(zip(branch.inputs, equation.inputs[1:], strict=True))

    def read(atom: Any) -> Any:
        return now.get(atom, atom) if isinstance(atom, Value) else atom

    equations = tuple(replace(e, inputs=tuple(map(read, e.inputs))) for e in branch.equations)
    return Change("branch that is always taken", tuple(map(read, branch.outputs)), equations)


def _size(equation: Equation, scope: Scope) -> Change | None:
    """Arithmetic and questions on sizes of axes that have names."""
    if equation.primitive in ("convert_element_type", "copy"):
        made = scope.maker(equation.inputs[0], "dim_as_value")
        if made is not None and equation.outputs[0].dtype == made.outputs[0].dtype:
            return Change("size of an axis", (equation.inputs[0],))
        return None
    if len(equation.inputs) != 2 or equation.primitive not in {*_ARITHMETIC, *_QUESTIONS}:
        return None
    sizes = [size_of(atom, scope) for atom in equation.inputs]
    if None in sizes or not any(map(is_size, sizes)):
        return None
    try:
        result = {**_ARITHMETIC, **_QUESTIONS}[equation.primitive](*sizes)
    except Exception as error:
        if type(error).__name__ != "InconclusiveDimensionOperation":
            raise
        return None  # it depends on the size
    dtype = equation.outputs[0].dtype
    if not is_size(result):
        return Change("size of an axis", (Literal(np.asarray(result, dtype)),))
    made = next(e for e in (scope.maker(a, "dim_as_value") for a in equation.inputs) if e is not None)
    if made.outputs[0].dtype != dtype:
        return None
    new = Equation(
        "dim_as_value", (), equation.outputs, {"dim": result}, equation.source, made.operation,
        equation.origin,
    )  # fmt: skip
    return Change("size of an axis", None, (new,))


def size_of(atom: Any, scope: Scope) -> Any:
    """The whole number or named size that an atom is, or None."""
    made = scope.maker(atom, "dim_as_value")
    if made is not None:
        return made.params["dim"]
    array = scope.array(atom)
    if (
        array is None
        or np.ndim(array)
        or not isinstance(array.dtype, np.dtype)
        or array.dtype.kind not in "iu"
    ):
        return None
    return int(array)
