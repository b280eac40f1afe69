"""Which equations a result needs, within loops too: nothing else is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from antiphon.graph._graph import Atom, Equation, Graph, Value


def reads(equation: Equation) -> set[Value]:
    """All values that an equation reads, those that its bodies read from around them included."""
    found = {a for a in equation.inputs if isinstance(a, Value)}
    for body in equation.bodies:
        found |= free(body)
    return found


def free(body: Graph) -> set[Value]:
    """The values that a body reads from around it."""
    found = {a for a in body.outputs if isinstance(a, Value)}
    own = set(body.inputs)
    for equation in body.equations:
        found |= reads(equation)
        own |= set(equation.outputs)
    return found - own


def live(equations: Sequence[Equation], outputs: Sequence[Atom]) -> tuple[tuple[Equation, ...], set[Value]]:
    """The equations that some outputs need, in their order, and all that those read.

    A loop keeps only the states that matter, and goes only through what it reads.
    """
    needed = {a for a in outputs if isinstance(a, Value)}
    kept: list[Equation] = []
    for equation in reversed(equations):
        if not needed.intersection(equation.outputs):
            continue
        if equation.primitive == "scan":
            equation = _scan(equation, needed)
        elif equation.primitive in ("while", "cond"):
            params = {k: _pruned(v) for k, v in equation.params.items()}
            equation = replace(equation, params=params)
        kept.append(equation)
        needed |= reads(equation)
    return tuple(reversed(kept)), needed


def _pruned(value: object) -> object:
    if isinstance(value, tuple):
        return tuple(map(_pruned, value))
    if isinstance(value, Graph):
        return replace(value, equations=live(value.equations, value.outputs)[0])
    return value


def _scan(equation: Equation, needed: set[Value]) -> Equation:
    body, carried = equation.params["jaxpr"], equation.params["num_carry"]
    stacked = [k for k in range(carried, len(equation.outputs)) if equation.outputs[k] in needed]
    states = {k for k in range(carried) if equation.outputs[k] in needed}
    while True:
        wanted = [body.outputs[k] for k in [*sorted(states), *stacked]]
        inner, read = live(body.equations, wanted)
        more = states | {k for k in range(carried) if body.inputs[k] in read}
        if more == states:
            break
        states = more
    kept = sorted(states)
    through = [k for k in range(carried, len(body.inputs)) if body.inputs[k] in read]
    body = replace(
        body,
        inputs=tuple(body.inputs[k] for k in [*kept, *through]),
        equations=inner,
        outputs=tuple(body.outputs[k] for k in [*kept, *stacked]),
    )
    return replace(
        equation,
        inputs=tuple(equation.inputs[k] for k in [*kept, *through]),
        outputs=tuple(equation.outputs[k] for k in [*kept, *stacked]),
        params={**equation.params, "jaxpr": body, "num_carry": len(kept)},
    )


def uses(equations: Sequence[Equation], outputs: Sequence[Atom]) -> dict[Value, int]:
    """How often each value is read here; what a body reads counts as often."""
    found: dict[Value, int] = {}
    for equation in equations:
        for atom in equation.inputs:
            if isinstance(atom, Value):
                found[atom] = found.get(atom, 0) + 1
        for body in equation.bodies:
            for value in free(body):
                found[value] = found.get(value, 0) + 2
    for atom in {o for o in outputs if isinstance(o, Value)}:
        found[atom] = found.get(atom, 0) + 1
    return found
