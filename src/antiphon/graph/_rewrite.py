"""Going through a graph and replacing equations one at a time: what most passes do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from antiphon.graph._bodies import bodies, lifted, with_graphs
from antiphon.graph._graph import Atom, Equation, Graph, Literal, Value
from antiphon.graph._jax import is_tracer
from antiphon.graph._names import named
from antiphon.graph._walk import all_graphs, with_bodies


@dataclass(frozen=True)
class PassReport:
    """What a pass did.

    Args:
        name: Of the pass.
        before: Equations before it, bodies included.
        after: Equations after it.
        changes: What it changed, in words, each with how often.
    """

    name: str
    before: int
    after: int
    changes: Mapping[str, int]

    @property
    def total(self) -> int:
        """How many changes there were."""
        return sum(self.changes.values())

    def __str__(self) -> str:
        """On one line."""
        told = ", ".join(f"{what} ({n})" if n > 1 else what for what, n in self.changes.items())
        return f"{self.name}: {self.before} -> {self.after} equations" + (f"; {told}" if told else "")


@dataclass(frozen=True)
class Change:
    """What stands in place of an equation.

    Args:
        what: What was done, in words.
        atoms: What stands in place of its outputs; None if `equations` define them.
        equations: What comes before, in order.
    """

    what: str
    atoms: tuple[Atom, ...] | None = None
    equations: tuple[Equation, ...] = ()


@dataclass
class Scope:
    """What is known where an equation stands.

    Args:
        known: Arrays of values that are the same in every run.
        made: The equation that made each value.
        uses: How often each value is read.
        constants: What the graph holds, to which a rule may add.
    """

    known: dict[Value, Any]
    made: dict[Value, Equation]
    uses: Counter[Value]
    constants: dict[Value, Any] = field(default_factory=dict)

    def array(self, atom: Atom) -> Any:
        """The array that an atom always is, or None."""
        return atom.value if isinstance(atom, Literal) else self.known.get(atom)

    def maker(self, atom: Atom, primitive: str = "") -> Equation | None:
        """The equation that made a value, if it is of some primitive."""
        equation = self.made.get(atom) if isinstance(atom, Value) else None
        return equation if equation is not None and primitive in ("", equation.primitive) else None

    def constant(self, array: Any, name: str = "") -> Atom:
        """An array as a literal, if it is one number, or as a new constant of the graph."""
        if np.ndim(array) == 0 and isinstance(array, np.ndarray | np.generic):
            return Literal(np.asarray(array))
        value = Value(name, tuple(array.shape), array.dtype)
        self.constants[value] = self.known[value] = array
        return value


Rule = Callable[[Equation, Scope], Change | None]


def rewritten(
    graph: Graph,
    rule: Rule,
    changes: Counter[str],
    known: Mapping[Value, Any] | None = None,
    *,
    inside: bool = True,
) -> Graph:
    """A graph whose equations, bodies first, are replaced where a rule says so.

    Args:
        graph: Any.
        rule: Gives what stands in place of an equation, or None.
        changes: What was done is counted here.
        known: Arrays that some of the inputs always are.
        inside: Whether to go into bodies.
    """
    constants = dict(graph.constants)
    arrays = {v: a for v, a in constants.items() if not is_tracer(a)}
    scope = Scope({**(known or {}), **arrays}, {}, _uses(graph), constants)
    equations: list[Equation] = []
    now: dict[Value, Atom] = {}

    def read(atom: Atom) -> Atom:
        return now.get(atom, atom) if isinstance(atom, Value) else atom

    for old in graph.equations:
        inputs = tuple(map(read, old.inputs))
        equation = (
            old
            if all(a is b for a, b in zip(inputs, old.inputs, strict=True))
            else replace(old, inputs=inputs)
        )
        if inside:
            equation = _entered(equation, rule, changes, scope)
        change = rule(equation, scope)
        if change is not None and change.atoms is not None and not _fits(equation, change.atoms):
            change = None
        if change is None:
            added, new = (equation,), set()
        else:
            changes[change.what] += 1
            added = change.equations
            new = {value for e in added for value in e.outputs} - {*equation.outputs}
            if change.atoms is not None:
                now.update(zip(equation.outputs, change.atoms, strict=True))
        equations += added
        scope.made.update((value, e) for e in added for value in e.outputs)
        scope.uses.update(
            a for e in added if e is not equation for a in e.inputs if isinstance(a, Value) and a in new
        )
    outputs = tuple(map(read, graph.outputs))
    same = outputs == graph.outputs and len(equations) == len(graph.equations)
    if (
        same
        and constants == graph.constants
        and all(a is b for a, b in zip(equations, graph.equations, strict=True))
    ):
        return graph
    return replace(graph, equations=tuple(equations), outputs=outputs, constants=constants)


def passed(name: str, graph: Graph, made: Graph, changes: Mapping[str, int]) -> tuple[Graph, PassReport]:
    """What a pass gives: its graph, with names for what is new, and its report."""
    return named(made), PassReport(name, size(graph), size(made), dict(changes))


def size(graph: Graph) -> int:
    """How many equations there are, bodies included."""
    return sum(len(part.equations) for part in all_graphs(graph))


def _entered(equation: Equation, rule: Rule, changes: Counter[str], scope: Scope) -> Equation:
    """An equation whose bodies are rewritten; what they come to hold as constants is passed in from here."""
    parts = bodies(equation)
    if not parts:
        return with_bodies(equation, lambda body: _alone(body, rule, changes))
    graphs = []
    for part in parts:
        known = {
            value: scope.array(equation.inputs[operand])
            for value, operand in zip(part.graph.inputs, part.operands, strict=True)
            if operand is not None and scope.array(equation.inputs[operand]) is not None
        }
        graphs.append(rewritten(part.graph, rule, changes, known))
    if all(part.graph is graph for part, graph in zip(parts, graphs, strict=True)):
        return equation
    return lifted(with_graphs(equation, parts, graphs), scope.constants)


def _alone(body: Graph, rule: Rule, changes: Counter[str]) -> Graph:
    """A body that is called in a way of its own; it must not come to hold constants."""
    own: Counter[str] = Counter()
    made = rewritten(body, rule, own)
    if len(made.constants) > len(body.constants):
        return body
    changes.update(own)
    return made


def _fits(equation: Equation, atoms: tuple[Atom, ...]) -> bool:
    return all(
        tuple(atom.shape) == tuple(value.shape) and atom.dtype == value.dtype
        for atom, value in zip(atoms, equation.outputs, strict=True)
    )


def _uses(graph: Graph) -> Counter[Value]:
    atoms = [atom for equation in graph.equations for atom in equation.inputs] + list(graph.outputs)
    return Counter(atom for atom in atoms if isinstance(atom, Value))
