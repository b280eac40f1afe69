"""The names that users gave to values in their own code, read off the assignments there."""

from __future__ import annotations

import ast
import linecache
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from antiphon.graph._graph import Equation, Graph, Source, Value
from antiphon.graph._jax import frames
from antiphon.graph._walk import all_graphs


class _Statement(NamedTuple):
    """A statement of some file: where it starts, and the names that it assigns to."""

    file: str
    line: int
    targets: tuple[str, ...] = ()


Path = tuple[_Statement, ...]


def assigned_names(graph: Graph) -> dict[Value, str]:
    """For values of a graph and its bodies the variable that the code they come from assigns them to.

    Args:
        graph: As it was traced.

    Returns:
        Names, not yet unique. A value inside an expression has none, nor has one whose code cannot be read.

    Example:
        >>> from antiphon.graph import trace
        >>> assigned_names(trace(abs, -1.0))
        {}
    """
    found: dict[Value, str] = {}
    for part in all_graphs(graph):
        paths = {e: tuple(reversed([_statement(s) for s in frames(e.origin)])) for e in part.equations}
        users: dict[Value, list[Equation]] = defaultdict(list)
        for equation in part.equations:
            for atom in equation.inputs:
                if isinstance(atom, Value):
                    users[atom].append(equation)
        leaving = {id(atom) for atom in part.outputs}
        for equation in part.equations:
            for k, value in enumerate(equation.outputs):
                if users[value] or id(value) in leaving:
                    name = _name(paths[equation], [paths[e] for e in users[value]], equation, k)
                    if name:
                        found[value] = name
    return found


def _name(path: Path, users: list[Path], equation: Equation, k: int) -> str:
    """From the innermost statement outwards: the first that assigns it, unless it is used inside it."""
    for depth in range(len(path), 0, -1):
        if any(user[:depth] == path[:depth] for user in users):
            return ""
        targets = path[depth - 1].targets
        if targets:
            return _target(targets, equation, k)
    return ""


def _target(targets: tuple[str, ...], equation: Equation, k: int) -> str:
    """Which of the names that a statement assigns belongs to an output of its last equation."""
    outputs = len(equation.outputs)
    if (
        equation.primitive == "scan" and len(targets) == 2
    ):  # `state, outputs = scan(...)`, each perhaps a tree
        carry = equation.params["num_carry"]
        side, alone = (0, carry == 1) if k < carry else (1, outputs - carry == 1)
        return targets[side] if alone or not targets[side] else f"{targets[side]}.{k - side * carry}"
    if len(targets) == outputs:
        return targets[k]
    return ""


def _statement(source: Source) -> _Statement:
    here = _Statement(source.file, source.line)
    if source.function.endswith("<lambda>"):  # it stands inside a statement of the function around it
        return here
    return _statements(source.file).get(source.line, here)


@lru_cache(maxsize=256)
def _statements(file: str) -> dict[int, _Statement]:
    """For each line of a file the simple statement that it belongs to."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return {}
    found: dict[int, _Statement] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Return | ast.Expr):
            statement = _Statement(file, node.lineno, _targets(node))
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                # Two statements on one line cannot be told apart.
                found[line] = statement if line not in found else _Statement(file, node.lineno)
    return found


def _targets(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
    elif isinstance(node, ast.AnnAssign | ast.AugAssign):
        target = node.target
    else:
        return ()
    return tuple(_flat(target))


def _flat(target: ast.expr) -> Iterator[str]:
    """The variables in the target of an assignment, in order; an empty name for what is no variable."""
    if isinstance(target, ast.Tuple | ast.List):
        for part in target.elts:
            yield from _flat(part)
    else:
        known = isinstance(target, ast.Name) and not target.id.startswith("_")
        yield target.id if isinstance(target, ast.Name) and known else ""
