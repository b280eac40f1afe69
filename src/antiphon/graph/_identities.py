"""Operations that change nothing: one rule for each primitive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from antiphon.graph._graph import Atom, Equation
from antiphon.graph._rewrite import Change, Scope


def identity_rule(equation: Equation, scope: Scope) -> Change | None:
    """What stands in place of an equation that changes nothing, or that one simpler equation replaces."""
    rule = IDENTITIES.get(equation.primitive)
    return rule(equation, scope) if rule is not None else None


def _are_all(atom: Atom, number: float, scope: Scope) -> bool:
    """Whether every number of an array is known to be one."""
    made = scope.maker(atom, "broadcast_in_dim")
    if made is not None:
        return _are_all(made.inputs[0], number, scope)
    array = scope.array(atom)
    if array is None or not isinstance(array.dtype, np.dtype):
        return False
    return bool(np.all(np.asarray(array) == number))


def _neutral(number: float, what: str, *, right_only: bool = False) -> Rule:
    def rule(equation: Equation, scope: Scope) -> Change | None:
        left, right = equation.inputs
        if _are_all(right, number, scope):
            return Change(what, (left,))
        if not right_only and _are_all(left, number, scope):
            return Change(what, (right,))
        return None

    return rule


def _extreme(name: str, number: float) -> Rule:
    """`max(x, x)`, and `max(x, -inf)`; a NaN stays one."""

    def rule(equation: Equation, scope: Scope) -> Change | None:
        left, right = equation.inputs
        if left is right:
            return Change(f"{name}(x, x)", (left,))
        return _neutral(number, f"{name}(x, {number})")(equation, scope)

    return rule


def _twice(primitive: str, what: str) -> Rule:
    def rule(equation: Equation, scope: Scope) -> Change | None:
        inner = scope.maker(equation.inputs[0], primitive)
        return (
            Change(what, (inner.inputs[0],))
            if inner is not None and inner.params == equation.params
            else None
        )

    return rule


def _same_pair(equation: Equation, scope: Scope) -> Change | None:
    left, right = equation.inputs
    if left is right:
        return Change(f"x {equation.primitive} x", (left,))
    if equation.outputs[0].dtype == bool:
        return _neutral(equation.primitive == "and", f"x {equation.primitive} a constant")(equation, scope)
    return None


def _power(equation: Equation, scope: Scope) -> Change | None:
    if "y" in equation.params:
        return Change("x ** 1", (equation.inputs[0],)) if equation.params["y"] == 1 else None
    return Change("x ** 1", (equation.inputs[0],)) if _are_all(equation.inputs[1], 1, scope) else None


def _select(equation: Equation, scope: Scope) -> Change | None:
    which, *cases = equation.inputs
    if all(case is cases[0] for case in cases):
        return Change("choice between equals", (cases[0],))
    for k, case in enumerate(cases):
        if _are_all(which, k, scope):
            return Change("choice that is always the same", (case,))
    return None


def _convert(equation: Equation, scope: Scope) -> Change | None:
    (x,) = equation.inputs
    target = equation.outputs[0].dtype
    if x.dtype == target:
        return Change("conversion to the same dtype", (x,))
    inner = scope.maker(x, "convert_element_type")
    if inner is None:
        return None
    source, between = inner.inputs[0].dtype, x.dtype
    plain = all(isinstance(d, np.dtype) and d.kind in "biuf" for d in (source, between, target))
    if plain and np.can_cast(source, between, "safe"):
        return _through(equation, inner, "conversion by way of a wider dtype")
    return None


def _through(equation: Equation, inner: Equation, what: str, **params: Any) -> Change:
    """The equation on what its input was made from."""
    new = replace(equation, inputs=(inner.inputs[0],), params={**equation.params, **params})
    return Change(what, None, (new,))


def _transpose(equation: Equation, scope: Scope) -> Change | None:
    order = tuple(equation.params["permutation"])
    if order == tuple(range(len(order))):
        return Change("transpose that changes nothing", (equation.inputs[0],))
    inner = scope.maker(equation.inputs[0], "transpose")
    if inner is None:
        return None
    whole = tuple(inner.params["permutation"][k] for k in order)
    if whole == tuple(range(len(whole))):
        return Change("transpose of a transpose", (inner.inputs[0],))
    return _through(equation, inner, "transpose of a transpose", permutation=whole)


def _reshape(equation: Equation, scope: Scope) -> Change | None:
    if equation.params.get("dimensions") is not None:
        return None
    inner = scope.maker(equation.inputs[0], "reshape")
    if inner is not None and inner.params.get("dimensions") is None:
        return _through(equation, inner, "reshape of a reshape")
    return _unless_changed("reshape that changes nothing")(equation, scope)


def _unless_changed(what: str) -> Rule:
    """For what only moves numbers in order: nothing is done if the shape is the same."""

    def rule(equation: Equation, scope: Scope) -> Change | None:
        (x, *_), (value,) = equation.inputs, equation.outputs
        return Change(what, (x,)) if tuple(x.shape) == tuple(value.shape) else None

    return rule


def _broadcast(equation: Equation, scope: Scope) -> Change | None:
    axes = tuple(equation.params["broadcast_dimensions"])
    inner = scope.maker(equation.inputs[0], "broadcast_in_dim")
    if inner is not None:
        whole = tuple(axes[k] for k in inner.params["broadcast_dimensions"])
        return _through(equation, inner, "broadcast of a broadcast", broadcast_dimensions=whole)
    if axes == tuple(range(len(equation.params["shape"]))):
        return _unless_changed("broadcast that changes nothing")(equation, scope)
    return None


def _squeeze(equation: Equation, scope: Scope) -> Change | None:
    if not equation.params["dimensions"]:
        return Change("squeeze of no axis", (equation.inputs[0],))
    inner = scope.maker(equation.inputs[0], "broadcast_in_dim") or scope.maker(equation.inputs[0], "reshape")
    if inner is None or tuple(inner.inputs[0].shape) != tuple(equation.outputs[0].shape):
        return None
    axes = inner.params.get("broadcast_dimensions")
    if axes is None or tuple(axes) == tuple(
        k for k in range(len(inner.outputs[0].shape)) if k not in equation.params["dimensions"]
    ):
        return Change("squeeze of an added axis", (inner.inputs[0],))
    return None


def _slice(equation: Equation, scope: Scope) -> Change | None:
    strides = equation.params["strides"] or ()
    return _unless_changed("slice of everything")(equation, scope) if all(s == 1 for s in strides) else None


def _concatenate(equation: Equation, scope: Scope) -> Change | None:
    return Change("concatenation of one", equation.inputs) if len(equation.inputs) == 1 else None


def _pad(equation: Equation, scope: Scope) -> Change | None:
    nothing = all(tuple(edge) == (0, 0, 0) for edge in equation.params["padding_config"])
    return Change("padding of nothing", (equation.inputs[0],)) if nothing else None


def _reduce(equation: Equation, scope: Scope) -> Change | None:
    return Change("reduction of no axis", (equation.inputs[0],)) if not equation.params["axes"] else None


def _copy(equation: Equation, scope: Scope) -> Change | None:
    return Change("copy", (equation.inputs[0],))


Rule = Callable[[Equation, Scope], Change | None]

IDENTITIES: dict[str, Rule] = {
    "add": _neutral(0, "x + 0"),
    "add_any": _neutral(0, "x + 0"),
    "sub": _neutral(0, "x - 0", right_only=True),
    "mul": _neutral(1, "x * 1"),
    "div": _neutral(1, "x / 1", right_only=True),
    "max": _extreme("max", -np.inf),
    "min": _extreme("min", np.inf),
    "neg": _twice("neg", "-(-x)"),
    "not": _twice("not", "not not x"),
    "rev": _twice("rev", "flip of a flip"),
    "and": _same_pair,
    "or": _same_pair,
    "integer_pow": _power,
    "pow": _power,
    "select_n": _select,
    "convert_element_type": _convert,
    "transpose": _transpose,
    "reshape": _reshape,
    "broadcast_in_dim": _broadcast,
    "squeeze": _squeeze,
    "slice": _slice,
    "dynamic_slice": _unless_changed("slice of everything"),
    "concatenate": _concatenate,
    "pad": _pad,
    "copy": _copy,
    "copy_p": _copy,
    **{f"reduce_{name}": _reduce for name in ("sum", "max", "min", "prod", "and", "or")},
}
