"""Named sizes at run time: `T + 2` becomes nodes that read T off the shape of an input."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from antiphon.errors import ExportError
from antiphon.graph._graph import Value

if TYPE_CHECKING:
    from antiphon.graph.onnx_export._scope import Scope


class Sizes:
    """Sizes as one-element int64 vectors, each computed once, in the main graph.

    JAX's sizes are read through their text, whose grammar is public (`jax.export.symbolic_shape`).

    Args:
        scope: Of the main graph.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._known: dict[str, str] = {}

    def read_off(self, values: Sequence[Value]) -> None:
        """Take the named sizes from the shapes of the graph's inputs."""
        for value in values:
            for axis, size in enumerate(value.shape):
                if not isinstance(size, int | np.integer) and str(size) not in self._known:
                    self._known[str(size)] = self._scope.op(
                        "Shape", self._scope.names[value], start=axis, end=axis + 1
                    )

    def one(self, size: Any) -> str:
        """A size as a vector of one number."""
        if isinstance(size, int | np.integer):
            return self._scope.ints(int(size))
        text = str(size)
        if text not in self._known:
            self._known[text] = self._node(ast.parse(text.replace("^", "**"), mode="eval").body, text)
        return self._known[text]

    def scalar(self, size: Any) -> str:
        """A size as a number without axes."""
        if isinstance(size, int | np.integer):
            return self._scope.constant(int(size), np.int64)
        key = f"scalar of {size}"
        if key not in self._known:
            self._known[key] = self._scope.op("Squeeze", self.one(size), self._scope.ints(0))
        return self._known[key]

    def shape(self, sizes: Sequence[Any]) -> str:
        """Several sizes as one vector."""
        if all(isinstance(s, int | np.integer) for s in sizes):
            return self._scope.ints(*sizes)
        if len(sizes) == 1:
            return self.one(sizes[0])
        key = "shape " + ", ".join(map(str, sizes))
        if key not in self._known:
            self._known[key] = self._scope.op("Concat", *map(self.one, sizes), axis=0)
        return self._known[key]

    def _node(self, node: ast.expr, text: str) -> str:
        op = self._scope.op
        match node:
            case ast.Constant(value=int(number)):
                return self._scope.ints(number)
            case ast.Name(id=name) if name in self._known:
                return self._known[name]
            case ast.Name(id=name):
                raise ExportError(
                    f"The size {name} in {text}, which is the size of no axis of an input.",
                    "Inputs some axis of which has exactly that size.",
                    f"Give an input with {name} alone as the size of an axis.",
                )
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return op("Neg", self._node(operand, text))
            case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(power))):
                base = result = self._node(left, text)
                for _ in range(power - 1):
                    result = op("Mul", result, base)
                return result
            case ast.BinOp(left=left, op=kind, right=right) if type(kind) in _OPERATORS:
                return op(_OPERATORS[type(kind)], self._node(left, text), self._node(right, text))
            case ast.Call(func=ast.Name(id="mod"), args=[left, right]):
                return op("Mod", self._node(left, text), self._node(right, text))
            case ast.Call(func=ast.Name(id="floordiv"), args=[left, right]):
                # Mod has the sign of the divisor, so the quotient is whole and rounded down.
                top, below = self._node(left, text), self._node(right, text)
                return op("Div", op("Sub", top, op("Mod", top, below)), below)
            case ast.Call(func=ast.Name(id="max" | "min" as name), args=args):
                return op(name.capitalize(), *(self._node(a, text) for a in args))
            case ast.Call(func=ast.Name(id="non_negative"), args=[inner]):
                return op("Max", self._node(inner, text), self._scope.ints(0))
        raise AssertionError(f"a size that reads {text}")


_OPERATORS: dict[type[ast.operator], str] = {ast.Add: "Add", ast.Sub: "Sub", ast.Mult: "Mul"}
