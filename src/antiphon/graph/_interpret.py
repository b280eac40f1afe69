"""The loop that all interpretations of a graph share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from antiphon.errors import GraphError
from antiphon.graph._graph import Atom, Equation, Graph, Literal, Value

Rule = Callable[[Equation, list[Any]], Sequence[Any]]


def interpret(
    graph: Graph,
    rules: Mapping[str, Rule],
    args: Sequence[Any],
    *,
    interpretation: str,
    lift: Callable[[Any], Any] = lambda array: array,
) -> list[Any]:
    """Give a graph a meaning: go through its equations and ask the rule of each primitive.

    Args:
        graph: What is interpreted.
        rules: For each primitive a function of the equation and the meanings of its inputs, which gives one
            meaning for each output. A rule goes into nested bodies by calling `interpret` again.
        args: The meaning of each input.
        interpretation: What this is called in errors, such as `"interval bounds"`.
        lift: The meaning of a constant or literal array.

    Returns:
        The meaning of each output.

    Raises:
        GraphError: If a primitive has no rule; names the primitive, the interpretation and the line.

    Example:
        >>> from antiphon.graph import trace
        >>> graph = trace(lambda x: x * 2 + 1, 3.0)
        >>> depth = lambda equation, inputs: [1 + max(inputs)]
        >>> interpret(graph, {"mul": depth, "add": depth}, [0], interpretation="depth", lift=lambda _: 0)
        [2]
    """
    if len(args) != len(graph.inputs):
        raise GraphError(
            f"{len(args)} arguments for {graph.name or 'a graph'} under {interpretation}.",
            f"One for each of its {len(graph.inputs)} inputs.",
            "Pass the meanings of all inputs, in order.",
        )
    known: dict[Value, Any] = {value: lift(array) for value, array in graph.constants.items()}
    known.update(zip(graph.inputs, args, strict=True))

    def read(atom: Atom) -> Any:
        return lift(atom.value) if isinstance(atom, Literal) else known[atom]

    for equation in graph.equations:
        result = rule_of(equation, rules, interpretation)(equation, [read(atom) for atom in equation.inputs])
        known.update(zip(equation.outputs, result, strict=True))
    return [read(atom) for atom in graph.outputs]


def rule_of(equation: Equation, rules: Mapping[str, Rule], interpretation: str) -> Rule:
    """The rule of an equation's primitive.

    Raises:
        GraphError: If there is none.

    Example:
        >>> from antiphon.graph import trace
        >>> graph = trace(abs, -1.0)
        >>> rule_of(graph.equations[0], {}, "depth")
        Traceback (most recent call last):
            ...
        antiphon.errors.GraphError: depth has no rule for the primitive abs... Expected: one of ...
    """
    rule = rules.get(equation.primitive)
    if rule is None:
        raise GraphError(
            f"{interpretation} has no rule for the primitive {equation.primitive}{place(equation)}.",
            f"One of {', '.join(sorted(rules)) or 'no primitives at all'}.",
            "Write that line with other operations, or add a rule.",
        )
    return rule


def place(equation: Equation) -> str:
    """` at file:line (function)`, or nothing if it is not known.

    Example:
        >>> from antiphon.graph import Source
        >>> place(Equation("add", (), (), source=Source("model.py", 3, "f")))
        ' at model.py:3 (f)'
    """
    source = equation.source
    return f" at {source.file}:{source.line} ({source.function})" if source else ""
