"""How much a graph holds and does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from antiphon.graph._graph import Equation, Graph
from antiphon.graph._jax import larger

# What moves numbers about without computing any.
_MOVES = frozenset(
    {
        "bitcast_convert_type", "broadcast_in_dim", "concatenate", "convert_element_type", "copy", "copy_p",
        "dim_as_value", "dynamic_slice", "dynamic_update_slice", "gather", "iota", "pad", "random_unwrap",
        "random_wrap", "reshape", "rev", "scatter", "select_n", "slice", "split", "squeeze", "stop_gradient",
        "transpose",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Count:
    """What is in a graph. Where sizes have names, numbers are expressions of them.

    Args:
        operations: How many primitives one run executes: those in a scan once a step, of two branches the
            more, those in a `while` once.
        by_primitive: The same for each primitive.
        equations: How many equations are written, bodies included.
        flops: Additions, multiplications, comparisons and calls of functions on single numbers in one run,
            each counted 1; an estimate, since compilers merge and reorder.
        parameters: How many numbers the constants hold.
        bytes: How many bytes the constants take.
        bounded: False if there is a `while`, whose number of steps is not known, so that figures of one run
            are lower bounds.
    """

    operations: Any
    by_primitive: Mapping[str, Any]
    equations: int
    flops: Any
    parameters: int
    bytes: int
    bounded: bool

    def __str__(self) -> str:
        """On a few lines, the most frequent primitive first."""
        often = ", ".join(f"{name} {n}" for name, n in self.by_primitive.items())
        least = "" if self.bounded else "at least "
        return (
            f"{least}{self.operations} operations: {often}\n{least}{self.flops} flops\n"
            f"{self.parameters} parameters in {self.bytes} bytes, {self.equations} equations"
        )


def counted(graph: Graph) -> Count:
    """See `Graph.count`."""
    by_primitive, flops, equations, bounded = _run(graph)
    numbers = [(prod(value.shape), getattr(value.dtype, "itemsize", 0)) for value in graph.constants]
    order = sorted(by_primitive, key=lambda name: (-_rough(by_primitive[name]), name))
    return Count(
        operations=sum(by_primitive.values()),
        by_primitive={name: by_primitive[name] for name in order},
        equations=equations,
        flops=flops,
        parameters=sum(n for n, _ in numbers),
        bytes=sum(n * size for n, size in numbers),
        bounded=bounded,
    )


def _run(graph: Graph) -> tuple[dict[str, Any], Any, int, bool]:
    """Operations by primitive, flops, equations, and whether all loops are bounded."""
    total: dict[str, Any] = {}
    flops, equations, bounded = 0, 0, True
    for equation in graph.equations:
        equations += 1
        parts = [_run(body) for body in _run_bodies(equation)]
        equations += sum(part[2] for part in parts)
        bounded = bounded and equation.primitive != "while" and all(part[3] for part in parts)
        if not parts:
            _add(total, {equation.primitive: 1})
            flops = flops + _flops(equation)
        elif equation.primitive == "cond":
            most: dict[str, Any] = {}
            for part in parts:
                most = {k: larger(most.get(k, 0), part[0].get(k, 0)) for k in {**most, **part[0]}}
            _add(total, most)
            flops = flops + _largest([part[1] for part in parts])
        else:
            times = equation.params["length"] if equation.primitive == "scan" else 1
            for part in parts:
                _add(total, {k: n * times for k, n in part[0].items()})
                flops = flops + part[1] * times
    return total, flops, equations, bounded


def _run_bodies(equation: Equation) -> list[Graph]:
    """The bodies that a run goes through; what merges two numbers in a scatter is counted with it."""
    if equation.primitive.startswith("scatter") or equation.primitive.startswith("reduce"):
        return []
    return list(equation.bodies)


def _add(total: dict[str, Any], more: Mapping[str, Any]) -> None:
    for name, n in more.items():
        total[name] = total.get(name, 0) + n


def _largest(numbers: list[Any]) -> Any:
    most = 0
    for number in numbers:
        most = larger(most, number)
    return most


def _flops(equation: Equation) -> Any:
    if equation.primitive in _MOVES or not equation.outputs:
        return 0
    size = prod(equation.outputs[0].shape)
    if equation.primitive == "dot_general":
        (contract, _), _ = equation.params["dimension_numbers"]
        return 2 * size * prod(equation.inputs[0].shape[k] for k in contract)
    if equation.primitive == "conv_general_dilated":
        kernel = equation.inputs[1].shape
        outward = equation.params["dimension_numbers"].rhs_spec[0]
        return 2 * size * prod(n for k, n in enumerate(kernel) if k != outward)
    if equation.primitive.startswith(("reduce", "arg", "cum")) and equation.inputs:
        return prod(equation.inputs[0].shape)
    return size


def _rough(number: Any) -> int:
    """For sorting: a number, or a large one in place of an expression."""
    return number if isinstance(number, int) else 10**9
