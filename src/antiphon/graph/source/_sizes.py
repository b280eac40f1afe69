"""Sizes that are known only when a function runs, such as the number of frames `T`: whole-number formulas."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

import jax

Size = Any  # an int, or one of JAX's expressions of named sizes


def is_size(value: Any) -> bool:
    """Whether a value is a whole number, known or named.

    Example:
        >>> is_size(3), is_size(jax.export.symbolic_shape("T")[0]), is_size(0.5)
        (True, True, False)
    """
    return jax.export.is_symbolic_dim(value) or (isinstance(value, int) and not isinstance(value, bool))


def at_least(one: Size, other: Size) -> bool | None:
    """Whether `one >= other` for all named sizes from 1 up; None if that depends on them.

    Example:
        >>> (T,) = jax.export.symbolic_shape("T")
        >>> at_least(T, 1), at_least(0, T), at_least(T, 5)
        (True, False, None)
    """
    try:
        return bool(one >= other)
    except jax.errors.InconclusiveDimensionOperation:
        return None


def largest(one: Size, other: Size) -> Size:
    """The larger of two sizes.

    Example:
        >>> (T,) = jax.export.symbolic_shape("T")
        >>> largest(T, 1), largest(T, 5)
        (T, max(T, 5))
    """
    known = at_least(one, other)
    if known is not None:
        return one if known else other
    return other if at_least(other, one) else _call("max", one, other)


def smallest(one: Size, other: Size) -> Size:
    """The smaller of two sizes."""
    known = at_least(one, other)
    if known is not None:
        return other if known else one
    return one if at_least(other, one) else _call("min", one, other)


def _call(function: str, one: Size, other: Size) -> Size:
    scope = (one if jax.export.is_symbolic_dim(one) else other).scope
    return jax.export.symbolic_shape(f"{function}({one}, {other})", scope=scope)[0]


def product(sizes: Any) -> Size:
    """All sizes multiplied."""
    result = 1
    for size in sizes:
        result = result * size
    return result


def names_in(size: Size) -> list[str]:
    """The named sizes that a formula speaks of, in the order of the alphabet.

    Example:
        >>> names_in(jax.export.symbolic_shape("2*T + S")[0])
        ['S', 'T']
    """
    tree = ast.parse(str(size), mode="eval")
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return sorted({n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called})


Rules = Mapping[str, Callable[..., Any]]


def say(size: Size, name: Callable[[str], Any], number: Callable[[int], Any], rules: Rules) -> Any:
    """A size in another language.

    JAX writes a size as text in a small notation of its own, with `floordiv`, `mod`, `max`, `min` and `^`,
    the same that `jax.export.symbolic_shape` reads.

    Args:
        size: What to say.
        name: What a named size becomes.
        number: What a whole number becomes.
        rules: What each operation becomes, by the names `+ - * neg max min floordiv mod`.
    """

    def visit(node: ast.AST) -> Any:
        match node:
            case ast.Expression(body=body):
                return visit(body)
            case ast.Constant(value=int(value)):
                return number(value)
            case ast.Name(id=text):
                return name(text)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return rules["neg"](visit(operand))
            case ast.BinOp(left=base, op=ast.BitXor(), right=ast.Constant(value=int(power))):
                factors = [visit(base) for _ in range(power)]
                result = factors[0]
                for factor in factors[1:]:
                    result = rules["*"](result, factor)
                return result
            case ast.BinOp(left=left, op=op, right=right):
                sign = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}[type(op)]
                return rules[sign](visit(left), visit(right))
            case ast.Call(func=ast.Name(id=function), args=args):
                return rules[function](*map(visit, args))
        raise AssertionError(f"a size {size}")

    return visit(ast.parse(str(size), mode="eval"))
