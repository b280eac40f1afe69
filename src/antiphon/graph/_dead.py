"""What nothing needs: equations, states of loops, inputs of bodies, constants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from antiphon.graph._graph import Atom, Equation, Graph, Value
from antiphon.graph._walk import with_bodies


def alive(graph: Graph, changes: Counter[str]) -> Graph:
    """A graph without what its outputs do not need; its inputs stay.

    Args:
        graph: Any.
        changes: What was left out is counted here.
    """
    return _pruned(graph, graph.outputs, changes)


def _pruned(graph: Graph, outputs: Sequence[Atom], changes: Counter[str]) -> Graph:
    needed = {atom for atom in outputs if isinstance(atom, Value)}
    kept: list[Equation] = []
    for equation in reversed(graph.equations):
        if not equation.effects and not any(value in needed for value in equation.outputs):
            changes[equation.primitive] += 1
            continue
        if not equation.effects:
            wanted = [value in needed for value in equation.outputs]
            equation = _PRUNERS.get(equation.primitive, _same)(equation, wanted, changes)
        needed.update(atom for atom in equation.inputs if isinstance(atom, Value))
        kept.append(equation)
    kept.reverse()
    constants = {value: array for value, array in graph.constants.items() if value in needed}
    changes["constant"] += len(graph.constants) - len(constants)
    if not changes["constant"]:
        del changes["constant"]
    same = len(kept) == len(graph.equations) and all(
        a is b for a, b in zip(kept, graph.equations, strict=True)
    )
    if same and len(constants) == len(graph.constants) and tuple(outputs) == graph.outputs:
        return graph
    return replace(graph, equations=tuple(kept), outputs=tuple(outputs), constants=constants)


def _needs(graph: Graph, outputs: Sequence[Atom]) -> set[Value]:
    """The values that some outputs of a graph, and its effects, depend on."""
    needed = {atom for atom in outputs if isinstance(atom, Value)}
    for equation in reversed(graph.equations):
        if equation.effects or any(value in needed for value in equation.outputs):
            needed.update(atom for atom in equation.inputs if isinstance(atom, Value))
    return needed


def _same(equation: Equation, wanted: Sequence[bool], changes: Counter[str]) -> Equation:
    return with_bodies(equation, lambda body: alive(body, changes))


def _states(body: Graph, start: int, wanted: Sequence[bool], asked: set[Value]) -> list[bool]:
    """Which states of a loop are needed: those that are wanted, and those that needed ones are made from."""
    states = body.inputs[start : start + len(wanted)]
    keep = [w or v in asked for w, v in zip(wanted, states, strict=True)]
    while True:
        needed = _needs(body, [o for o, k in zip(body.outputs, keep, strict=False) if k])
        more = [k or v in needed for k, v in zip(keep, states, strict=True)]
        if more == keep:
            return keep
        keep = more


def _scan(equation: Equation, wanted: Sequence[bool], changes: Counter[str]) -> Equation:
    params = equation.params
    body, consts, carry = params["jaxpr"], params["num_consts"], params["num_carry"]
    stacked = [o for o, w in zip(body.outputs[carry:], wanted[carry:], strict=True) if w]
    keep = _states(body, consts, wanted[:carry], _needs(body, stacked))
    outputs = [*keep, *wanted[carry:]]
    body = _pruned(body, _chosen(body.outputs, outputs), changes)
    needed = _needs(body, body.outputs)
    inputs = [v in needed for v in body.inputs]
    inputs[consts : consts + carry] = keep
    if all(outputs) and all(inputs) and body is params["jaxpr"]:
        return equation
    changes["state of a loop"] += carry - sum(keep)
    body = replace(body, inputs=_chosen(body.inputs, inputs))
    params = {**params, "jaxpr": body, "num_consts": sum(inputs[:consts]), "num_carry": sum(keep)}
    if "linear" in params:
        params["linear"] = _chosen(params["linear"], inputs)
    _forget_zeros(changes)
    return replace(
        equation,
        inputs=_chosen(equation.inputs, inputs),
        outputs=_chosen(equation.outputs, outputs),
        params=params,
    )


def _while(equation: Equation, wanted: Sequence[bool], changes: Counter[str]) -> Equation:
    params = equation.params
    asked, body = params["cond_jaxpr"], params["body_jaxpr"]
    first, second = params["cond_nconsts"], params["body_nconsts"]
    question = _needs(asked, asked.outputs)
    wanted = [w or v in question for w, v in zip(wanted, asked.inputs[first:], strict=True)]
    keep = _states(body, second, wanted, set())
    body = _pruned(body, _chosen(body.outputs, keep), changes)
    asked = _pruned(asked, asked.outputs, changes)
    ahead = [v in question for v in asked.inputs[:first]]
    needed = _needs(body, body.outputs)
    inside = [v in needed for v in body.inputs[:second]]
    if all((*keep, *ahead, *inside)) and body is params["body_jaxpr"] and asked is params["cond_jaxpr"]:
        return equation
    changes["state of a loop"] += len(keep) - sum(keep)
    _forget_zeros(changes)
    params = {
        **params,
        "cond_jaxpr": replace(asked, inputs=_chosen(asked.inputs, [*ahead, *keep])),
        "body_jaxpr": replace(body, inputs=_chosen(body.inputs, [*inside, *keep])),
        "cond_nconsts": sum(ahead),
        "body_nconsts": sum(inside),
    }
    return replace(
        equation,
        inputs=_chosen(equation.inputs, [*ahead, *inside, *keep]),
        outputs=_chosen(equation.outputs, keep),
        params=params,
    )


def _cond(equation: Equation, wanted: Sequence[bool], changes: Counter[str]) -> Equation:
    branches = equation.params["branches"]
    made = [_pruned(b, _chosen(b.outputs, wanted), changes) for b in branches]
    needed = [_needs(b, b.outputs) for b in made]
    inputs = [
        any(b.inputs[k] in n for b, n in zip(made, needed, strict=True))
        for k in range(len(equation.inputs) - 1)
    ]
    if all(inputs) and all(wanted) and all(a is b for a, b in zip(made, branches, strict=True)):
        return equation
    made = [replace(b, inputs=_chosen(b.inputs, inputs)) for b in made]
    return replace(
        equation,
        inputs=_chosen(equation.inputs, [True, *inputs]),
        outputs=_chosen(equation.outputs, wanted),
        params={**equation.params, "branches": tuple(made)},
    )


def _chosen(items: Sequence[Any], keep: Sequence[bool]) -> tuple[Any, ...]:
    return tuple(item for item, k in zip(items, keep, strict=True) if k)


def _forget_zeros(changes: Counter[str]) -> None:
    for name in [name for name, n in changes.items() if not n]:
        del changes[name]


_PRUNERS = {"scan": _scan, "while": _while, "cond": _cond}
