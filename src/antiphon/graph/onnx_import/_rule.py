"""The table of operators: what each means, in which versions, and which inputs must be known when tracing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from antiphon.graph.onnx_import._program import Body, Node


@dataclass(frozen=True, eq=False)
class Call:
    """A node as its rule sees it.

    Args:
        node: The node.
        attributes: Its attributes, references resolved; one that is absent and has no default is missing.
        run: Runs a nested graph, which sees the names around the node.
    """

    node: Node
    attributes: Mapping[str, Any] = field(default_factory=dict)
    run: Callable[[Body, Sequence[Any]], list[Any]] = lambda body, inputs: []

    @property
    def version(self) -> int:
        """Version of the operator."""
        return self.node.version

    @property
    def wanted(self) -> int:
        """How many outputs the model names."""
        return len(self.node.outputs)

    def wants(self, output: int) -> bool:
        """Whether the model names this output."""
        return output < len(self.node.outputs) and bool(self.node.outputs[output])

    def __getitem__(self, name: str) -> Any:
        return self.attributes[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The attribute, or `default` where it is absent."""
        return self.attributes.get(name, default)


@dataclass(frozen=True, eq=False)
class Rule:
    """What an operator means.

    Args:
        op: Its type.
        apply: From a `Call` and the inputs (`None` for an absent one) to the output, or a tuple of outputs.
        first: The first version of the operator that it holds for.
        last: The last one. A later version is refused until someone has read what changed.
        static: Places of inputs that come as NumPy arrays, known when tracing (shapes, axes, counts).
        flexible: Whether inputs come as they are, NumPy where known: for control flow and sequences.
    """

    op: str
    apply: Callable[..., Any]
    first: int
    last: int
    static: frozenset[int] = frozenset()
    flexible: bool = False


RULES: dict[str, Rule] = {}


def rule(
    op: str, first: int, last: int, static: Sequence[int] = (), flexible: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter what follows in the table, under `op`."""

    def enter(apply: Callable[..., Any]) -> Callable[..., Any]:
        assert op not in RULES, op
        RULES[op] = Rule(op, apply, first, last, frozenset(static), flexible)
        return apply

    return enter
