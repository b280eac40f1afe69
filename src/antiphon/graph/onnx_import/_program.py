"""An ONNX model as plain data: what the reader makes and the evaluator runs. Knows nothing of protobuf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class TensorType:
    """What a model declares of one of its inputs or outputs.

    Args:
        name: Its name in the model.
        shape: One entry an axis: an int, the name of a size, or `None` for any size; `None` for any rank.
        dtype: NumPy's. `None` for what is no tensor (a sequence).
    """

    name: str
    shape: tuple[int | str | None, ...] | None
    dtype: Any

    def __str__(self) -> str:
        axes = (
            "any shape" if self.shape is None else ", ".join("?" if s is None else str(s) for s in self.shape)
        )
        return f"{self.name}: {self.dtype}[{axes}]"


@dataclass(frozen=True)
class Reference:
    """An attribute in the body of a function whose value is the attribute `name` of the function's call.

    Args:
        name: Of the attribute of the call.
        default: What the operator takes where the call does not give it.
    """

    name: str
    default: Any = None


@dataclass(frozen=True, eq=False)
class Node:
    """One operation of an ONNX graph.

    Args:
        op: Its type, such as `"Conv"`.
        domain: `""` for the standard operators.
        name: Its name in the model, or its place where it has none.
        inputs: Names of what it reads; `""` for an optional input left out.
        outputs: Names of what it gives; `""` for one that nobody wants.
        attributes: As Python and NumPy values, defaults filled in; graphs are `Body`.
        version: Version of the operator (the opset that last changed it).
        function: What it stands for, if the model defines it itself.
    """

    op: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    version: int = 0
    function: Function | None = None

    def __str__(self) -> str:
        kind = f"{self.domain}.{self.op}" if self.domain else self.op
        return (
            f"node {self.name!r} ({kind}, version {self.version})"
            if self.version
            else f"node {self.name!r} ({kind})"
        )


@dataclass(frozen=True, eq=False)
class Body:
    """A graph or a nested one: nodes in an order in which they can run.

    Args:
        inputs: Names that it is called with.
        nodes: What it does.
        outputs: Names that it gives.
        constants: Its initialisers.
    """

    inputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    constants: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Function:
    """A model-local function: its body, and the defaults of its attributes."""

    body: Body
    defaults: Mapping[str, Any] = field(default_factory=dict)
