"""Affine maps with constant weights that follow each other, as one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from antiphon.graph._graph import Atom, Equation, Value
from antiphon.graph._jax import arithmetic_params, is_size, operation
from antiphon.graph._rewrite import Change, Scope


@dataclass(frozen=True)
class _Affine:
    """`x @ matrix + shift` over the last axis of `x`, or `x * matrix + shift` if that is a row.

    Args:
        base: What it maps.
        matrix: One number for each pair of entries, or a row of factors.
        shift: A row.
        steps: How many equations it stands for.
        product: The equation that a product is made like, if there is a matrix.
        cost: Multiplications of the products so far, for one vector.
    """

    base: Atom
    matrix: np.ndarray
    shift: np.ndarray
    steps: int
    product: Equation | None = None
    cost: int = 0


def affine_rule(equation: Equation, scope: Scope) -> Change | None:
    """One map in place of an equation and the affine ones that only it reads."""
    if len(equation.outputs) != 1 or not _is_real(equation.outputs[0]):
        return None
    whole = _read(equation, scope)
    if whole is None or not (np.isfinite(whole.matrix).all() and np.isfinite(whole.shift).all()):
        return None
    parts = int(whole.product is not None or bool((whole.matrix != 1).any())) + int(bool(whole.shift.any()))
    if parts == 0 or parts >= whole.steps or (whole.product is not None and whole.matrix.size > whole.cost):
        return None
    return Change(f"{whole.steps} affine steps", None, _written(equation, whole, scope))


def _read(equation: Equation, scope: Scope) -> _Affine | None:
    """An equation as an affine map, taken together with those before it that only it reads."""
    step = _step(equation, scope)
    if step is None:
        return None
    maker = scope.maker(step.base)
    if maker is None or scope.uses[step.base] != 1 or len(maker.outputs) != 1:  # pyright: ignore[reportArgumentType]
        return step
    inner = _read(maker, scope)
    return step if inner is None else _composed(inner, step)


def _composed(first: _Affine, second: _Affine) -> _Affine:
    def through(rows: np.ndarray) -> np.ndarray:
        return rows @ second.matrix if second.matrix.ndim == 2 else rows * second.matrix

    matrix = first.matrix
    if matrix.ndim == 1 and second.matrix.ndim == 2:
        matrix = matrix[:, None] * second.matrix
    else:
        matrix = through(matrix)
    shift = through(first.shift) + second.shift
    product = second.product or first.product
    return _Affine(first.base, matrix, shift, first.steps + second.steps, product, first.cost + second.cost)


def _step(equation: Equation, scope: Scope) -> _Affine | None:
    """One equation as an affine map over the last axis of what is not constant in it."""
    if equation.primitive == "neg":
        return _scaled(equation.inputs[0], -1.0)
    if equation.primitive == "dot_general":
        return _product(equation, scope)
    if equation.primitive not in ("add", "sub", "mul", "div"):
        return None
    left, right = equation.inputs
    row = _row(right, equation.outputs[0], scope)
    if row is not None and isinstance(left, Value) and left.shape:
        if equation.primitive in ("add", "sub"):
            return _scaled(left, 1.0, row if equation.primitive == "add" else -row)
        with np.errstate(divide="ignore"):
            return _scaled(left, row if equation.primitive == "mul" else 1 / row)
    row = _row(left, equation.outputs[0], scope)
    if row is None or not isinstance(right, Value) or not right.shape or equation.primitive == "div":
        return None
    if equation.primitive == "mul":
        return _scaled(right, row)
    return _scaled(right, 1.0 if equation.primitive == "add" else -1.0, row)


def _scaled(base: Atom, factor: Any, shift: Any = 0.0) -> _Affine | None:
    if not isinstance(base, Value) or not base.shape or is_size(base.shape[-1]):
        return None
    n = base.shape[-1]
    return _Affine(base, np.broadcast_to(np.float64(factor), n), np.broadcast_to(np.float64(shift), n), 1)


def _row(atom: Atom, like: Value, scope: Scope) -> np.ndarray | None:
    """A constant that is the same for every position but the last axis: one number for each entry of that."""
    made = scope.maker(atom, "broadcast_in_dim")
    if made is not None and len(like.shape) == len(made.outputs[0].shape):
        array = scope.array(made.inputs[0])
        axes = tuple(made.params["broadcast_dimensions"])
        if array is None or (axes and axes[-1] != len(like.shape) - 1):
            return None
    else:
        array = scope.array(atom)
    if array is None or (np.ndim(array) and made is None and np.ndim(array) != len(like.shape)):
        return None
    if np.ndim(array) and np.size(array) != array.shape[-1]:
        return None  # it differs from position to position
    return np.asarray(array, np.float64).reshape(array.shape[-1:])


def _product(equation: Equation, scope: Scope) -> _Affine | None:
    (contract, batch) = equation.params["dimension_numbers"]
    left, right = equation.inputs
    if (
        batch[0]
        or len(contract[0]) != 1
        or equation.params.get("preferred_element_type")
        not in (
            None,
            equation.outputs[0].dtype,
        )
    ):
        return None
    weights = scope.array(right)
    if isinstance(left, Value) and weights is not None and np.ndim(weights) == 2:
        if contract[0][0] != len(left.shape) - 1:
            return None
        matrix = np.asarray(weights, np.float64)
        matrix = matrix if contract[1][0] == 0 else matrix.T
        return _Affine(left, matrix, np.zeros(matrix.shape[1]), 1, equation, matrix.size)
    weights = scope.array(left)
    if isinstance(right, Value) and weights is not None and np.ndim(weights) == 2 and len(right.shape) == 1:
        matrix = np.asarray(weights, np.float64)
        matrix = matrix.T if contract[0][0] == 1 else matrix
        return _Affine(right, matrix, np.zeros(matrix.shape[1]), 1, equation, matrix.size)
    return None


def _written(equation: Equation, whole: _Affine, scope: Scope) -> tuple[Equation, ...]:
    """The equations of one map."""
    (given,) = equation.outputs
    base = whole.base
    shifted = bool(whole.shift.any())
    between = replace(given, name="") if shifted else given
    made: list[Equation] = []

    def add(primitive: str, inputs: tuple[Atom, ...], output: Value, **params: Any) -> None:
        made.append(
            Equation(
                primitive, inputs, (output,), params, equation.source, operation(primitive), equation.origin
            )
        )

    def spread(row: np.ndarray) -> Atom:
        """A row over all positions."""
        constant = scope.constant(_like(row, given))
        if len(given.shape) == 1:
            return constant
        wide = replace(given, name="")
        axes = (len(given.shape) - 1,)
        add(
            "broadcast_in_dim", (constant,), wide, shape=given.shape, broadcast_dimensions=axes, sharding=None
        )
        return wide

    if whole.product is not None:
        params = dict(whole.product.params)
        if not isinstance(whole.product.inputs[0], Value) or scope.array(whole.product.inputs[0]) is not None:
            params["dimension_numbers"] = (((1,), (0,)), ((), ()))
            inputs = (scope.constant(_like(whole.matrix.T, given)), base)
        else:
            params["dimension_numbers"] = (((len(base.shape) - 1,), (0,)), ((), ()))
            inputs = (base, scope.constant(_like(whole.matrix, given)))
        made.append(
            replace(whole.product, inputs=inputs, outputs=(between,), params=params, source=equation.source)
        )
    elif (whole.matrix != 1).any():
        add("mul", (base, spread(whole.matrix)), between, **arithmetic_params("mul"))
    else:
        between = base
    if shifted:
        add("add", (between, spread(whole.shift)), given, **arithmetic_params("add"))
    return tuple(made)


def _like(array: np.ndarray, value: Value) -> np.ndarray:
    return np.ascontiguousarray(array).astype(value.dtype)


def _is_real(value: Value) -> bool:
    return isinstance(value.dtype, np.dtype) and value.dtype.kind == "f"
