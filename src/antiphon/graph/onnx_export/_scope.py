"""One ONNX graph in the making: nodes, constants, and the scopes of nested bodies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
import onnx
from onnx import helper

from antiphon.errors import ExportError
from antiphon.graph._graph import Atom, Equation, Literal, Value
from antiphon.graph.onnx_export._sizes import Sizes

SMALL = 64  # numbers; equal constants of at most this many are kept once


class Model:
    """What all scopes of one model share.

    Args:
        rules: Primitive -> rule.
    """

    def __init__(self, rules: Mapping[str, Any]) -> None:
        self.rules = rules
        self.constants: dict[str, np.ndarray] = {}
        self.titled: set[str] = set()  # constants that have names of their own
        self.unexpanded: dict[str, str] = {}  # what was broadcast -> what it was before
        self.names: set[str] = set()
        self._counts: dict[str, Iterator[int]] = {}
        self._equal: dict[Any, str] = {}

    def fresh(self, stem: str) -> str:
        """A name that nothing in the model has."""
        name = stem
        numbers = self._counts.setdefault(stem, count(1))
        while name in self.names:
            name = f"{stem}_{next(numbers)}"
        self.names.add(name)
        return name

    def constant(self, value: Any, name: str = "") -> str:
        """The name of a constant array; equal small ones have one name."""
        array = np.asarray(value)
        key = None
        if name:
            self.titled.add(name)
        if array.size <= SMALL and not name:
            key = (array.dtype.str, array.dtype.name, array.shape, array.tobytes())
            if key in self._equal:
                return self._equal[key]
        name = self.fresh(name or "constant")
        self.constants[name] = array
        if key is not None:
            self._equal[key] = name
        return name


class Scope:
    """The nodes of one graph of the model: its main graph, or a body that sees all that is around it.

    Args:
        model: What is shared.
        outer: The scope around this one; None for the main graph.
    """

    def __init__(self, model: Model, outer: Scope | None = None) -> None:
        self.model, self.outer = model, outer
        self.root: Scope = self if outer is None else outer.root
        self.nodes: list[onnx.NodeProto] = []
        self.names: dict[Value, str] = {} if outer is None else dict(outer.names)
        self.sizes: Sizes = Sizes(self) if outer is None else outer.sizes

    def nested(self) -> Scope:
        """A scope for a body."""
        return Scope(self.model, self)

    # --- nodes ------------------------------------------------------------------------------------------

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """A node with one output, whose name is given back."""
        return self.ops(kind, *inputs, count=1, **attributes)[0]

    def ops(self, kind: str, *inputs: str, count: int, **attributes: Any) -> tuple[str, ...]:
        """A node with several outputs."""
        outputs = tuple(self.model.fresh(kind.lower()) for _ in range(count))
        self.nodes.append(helper.make_node(kind, list(inputs), list(outputs), name=outputs[0], **attributes))
        return outputs

    def constant(self, value: Any, dtype: Any = None) -> str:
        """A constant array."""
        return self.model.constant(np.asarray(value, dtype))

    def ints(self, *values: int) -> str:
        """A vector of int64, as ONNX wants axes and shapes."""
        return self.constant([int(v) for v in values], np.int64)

    def known(self, name: str) -> np.ndarray | None:
        """The value of a constant; None for what is computed."""
        return self.model.constants.get(name)

    def read(self, atom: Atom) -> str:
        """The name of what an equation reads."""
        return self.constant(atom.value) if isinstance(atom, Literal) else self.names[atom]

    # --- what rules are made of -------------------------------------------------------------------------

    def cast(self, name: str, dtype: Any, was: Any) -> str:
        """The array in another dtype, as NumPy casts it."""
        if np.dtype(dtype) == np.dtype(was):
            return name
        value = self.known(name)
        if value is not None:
            return self.constant(value.astype(dtype))
        return self.op("Cast", name, to=element_type(dtype))

    def reshape(self, name: str, dims: Sequence[Any]) -> str:
        """The array in another shape, whose entries may be named sizes."""
        if (value := self.known(name)) is not None and all(_is_int(d) for d in dims):
            return self.constant(value.reshape([int(d) for d in dims]))
        # One size may be left to ONNX, if no other is 0.
        named = [d for d in dims if not _is_int(d)]
        if len(named) == 1 and all(d > 0 for d in dims if _is_int(d)):
            return self.op("Reshape", name, self.ints(*(d if _is_int(d) else -1 for d in dims)))
        # `allowzero`: a size of 0 is one, and not "as before".
        return self.op("Reshape", name, self.sizes.shape(dims), allowzero=1)

    def transpose(self, name: str, order: Sequence[int]) -> str:
        """The array with its axes in another order."""
        order = [int(axis) for axis in order]
        if order == sorted(order):
            return name
        if (value := self.known(name)) is not None:
            stem = f"{name} transposed" if value.size > SMALL or name in self.model.titled else ""
            return self.model.constant(value.transpose(order), stem)
        return self.op("Transpose", name, perm=order)

    def unsqueeze(self, name: str, axes: Sequence[int]) -> str:
        """The array with axes of size 1 put in at these places of the result."""
        if not axes:
            return name
        if (value := self.known(name)) is not None:
            return self.constant(np.expand_dims(value, tuple(int(a) for a in axes)))
        return self.op("Unsqueeze", name, self.ints(*axes))

    def squeeze(self, name: str, axes: Sequence[int]) -> str:
        """The array without these axes of size 1."""
        return self.op("Squeeze", name, self.ints(*axes)) if axes else name

    def expand(self, name: str, was: Sequence[Any], dims: Sequence[Any]) -> str:
        """The array broadcast to a shape of as many axes."""
        if tuple(was) == tuple(dims):
            return name
        result = self.op("Expand", name, self.sizes.shape(dims))
        self.model.unexpanded[result] = name
        return result

    def slice(self, name: str, axis: int, start: Any, stop: Any = None, step: int = 1) -> str:
        """A stretch of one axis; places may be negative (from the end) or named sizes."""
        end = np.iinfo(np.int64).max if stop is None else stop
        places = [self.sizes.shape([start]), self.sizes.shape([end])]
        return self.op("Slice", name, *places, self.ints(axis), self.ints(step))

    def iota(self, size: Any, dtype: Any = np.int64) -> str:
        """The vector 0, 1, 2, ... of a size."""
        if _is_int(size):
            return self.constant(np.arange(int(size)).astype(dtype))
        zero, one = self.constant(0, np.int64), self.constant(1, np.int64)
        return self.cast(self.op("Range", zero, self.sizes.scalar(size), one), dtype, np.int64)


def element_type(dtype: Any) -> int:
    """ONNX's number of a dtype."""
    try:
        return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
    except (KeyError, TypeError, ValueError) as error:
        raise ExportError(
            f"An array of dtype {dtype}, which ONNX does not have.",
            "Numbers or bools.",
            "Draw random numbers outside, and pass them in as arrays.",
        ) from error


def declared(name: str, shape: Sequence[Any], dtype: Any) -> onnx.ValueInfoProto:
    """The declared type of an array: named sizes stand in it as text."""
    dims = [int(d) if _is_int(d) else str(d) for d in shape]
    return helper.make_tensor_value_info(name, element_type(dtype), dims)


def refuse(equation: Equation, why: str, advice: str = "") -> ExportError:
    """An error about one equation: its primitive, what it reads and gives, and where it comes from."""
    reads = ", ".join(_short(a) for a in equation.inputs)
    gives = ", ".join(_short(v) for v in equation.outputs)
    where = ""
    if equation.source is not None:
        where = f" at {equation.source.file}:{equation.source.line}"
        if equation.source.function:
            where += f" in {equation.source.function}"
    return ExportError(
        f"{why}: {gives} = {equation.primitive}({reads}){where}.",
        "Operations that docs/onnx_export.md lists.",
        advice or "Write this line with other operations, or leave it out of what is exported.",
    )


def _short(atom: Atom) -> str:
    if isinstance(atom, Literal):
        return str(atom.value) if atom.value.size == 1 else f"array{list(atom.shape)}"
    return f"{atom.name}: {atom.dtype}[{', '.join(map(str, atom.shape))}]"


def _is_int(size: Any) -> bool:
    return isinstance(size, int | np.integer)
