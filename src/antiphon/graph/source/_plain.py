"""A graph in the few plain words that sources are written in: what is known is put in, what is left is short.

JAX says `x[-1]` in a dozen equations. Here they become one, `index`. The words that are added to JAX's are

- `index` (x, i; axis): entry i along an axis; `take` (x, i; axis): entries at an array of places,
- `size` (; dim): a size such as the number of frames; `ramp` (; start, step): counting numbers,
- `full` (x; shape): one number everywhere; `reduce_mean` (x; axes).

Element-wise operations take operands of any shape that NumPy would broadcast, and the body of a loop or of a
condition reads the values around it by their names, so that `scan` has only its state and what it goes
through as inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from antiphon.graph._graph import Atom, Equation, Graph, Literal, Value
from antiphon.graph._inline import fresh
from antiphon.graph.source._fact_rules import fact_of
from antiphon.graph.source._facts import Between, Fact, Full, Ramp, Within, bounds, fact_of_array
from antiphon.graph.source._liveness import live

ELEMENTWISE = frozenset(
    """
    abs add and atan atan2 cbrt ceil clamp convert_element_type cos cosh div eq erf erfc exp exp2 expm1
    floor ge gt integer_pow is_finite le log log1p logistic lt max min mul ne neg not or pow rem round
    rsqrt select_n sign sin sinh sqrt square sub tan tanh xor asin acos asinh acosh atanh
    """.split()  # noqa: SIM905
)
PASSES = ("copy", "copy_p", "stop_gradient", "reduce_precision", "optimization_barrier")
BODY = {
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "custom_vjp_call_jaxpr": "fun_jaxpr",
}


class Writer:
    """What a rewriting rule works with: the facts so far, and the equations that are kept.

    Args:
        above: The writer of the graph around, if this is a body.
    """

    def __init__(self, above: Writer | None = None) -> None:
        self.facts: dict[Value, Fact] = above.facts if above else {}
        self.now: dict[Value, Atom] = above.now if above else {}
        self.made: dict[Value, Equation] = above.made if above else {}
        self.meant: dict[Value, Fact] = above.meant if above else {}
        self.equations: list[Equation] = []
        self.known: dict[Any, tuple[Value, ...]] = dict(above.known) if above else {}

    def read(self, atom: Atom) -> Atom:
        """The atom that stands for one of the original graph."""
        while isinstance(atom, Value) and atom in self.now:
            atom = self.now[atom]
        return atom

    def fact(self, atom: Atom) -> Fact:
        """What is known of an atom."""
        if isinstance(atom, Literal):
            return fact_of_array(atom.value)
        return self.facts.get(atom)

    def maker(self, atom: Atom, *primitives: str) -> Equation | None:
        """The equation that gives an atom, if it is one of these."""
        found = self.made.get(atom) if isinstance(atom, Value) else None
        return found if found and found.primitive in primitives else None

    def number(self, atom: Atom) -> Any:
        """The one number that an atom is known to be; None if it is not."""
        fact = self.fact(atom)
        return fact.value if isinstance(fact, Full) else None

    def emit(
        self, like: Equation, primitive: str, inputs: Sequence[Atom], shape: Any, dtype: Any, /, **params: Any
    ) -> Value:
        """A new equation with one output, unless the same is there already."""
        same = len(like.outputs) == 1 and tuple(like.outputs[0].shape) == tuple(shape)
        name = like.outputs[0].name if same else ""
        return self.keep(like, primitive, inputs, (Value(name, tuple(shape), dtype),), params)[0]

    def keep(
        self,
        like: Equation,
        primitive: str,
        inputs: Sequence[Atom],
        outputs: tuple[Value, ...],
        params: Any,
    ) -> tuple[Value, ...]:
        """Add an equation; its outputs, or those of one that says the same."""
        equation = Equation(primitive, tuple(inputs), outputs, dict(params), like.source)
        key = _key(equation)
        if key is not None:
            if key in self.known:
                return self.known[key]
            self.known[key] = outputs
        self.equations.append(equation)
        for value in outputs:
            self.made[value] = equation
        return outputs

    def operand(self, atom: Atom, like: Equation, whole: bool) -> Atom:
        """An atom as an equation can read it: what is known of it is put in its place.

        Args:
            atom: Of the original graph.
            like: The equation that wants it.
            whole: Whether its shape matters; a lone number does in element-wise operations.
        """
        atom = self.read(atom)
        if isinstance(atom, Literal):
            return atom
        match self.facts.get(atom):
            case Full(value=value):
                lone = self.lone(value, atom.dtype, like)
                if whole and atom.shape:
                    return self.emit(like, "full", (lone,), atom.shape, atom.dtype, shape=atom.shape)
                return lone
            case Ramp(axis=axis, start=start, step=step):
                line = self.line(like, atom, axis, start, step)
                return self.along(like, line, atom, axis)
            case Between(axis=axis, low=low, high=high):
                line = self.inside(like, self.line(like, atom, axis, 0, 1), low, high)
                if np.dtype(atom.dtype).kind != "b":
                    line = self.emit(
                        like, "convert_element_type", (line,), line.shape, atom.dtype, new_dtype=atom.dtype
                    )
                found = self.along(like, line, atom, axis)
                self.meant[found] = Between(axis, low, high)
                return found
        return atom

    def line(self, like: Equation, atom: Atom, axis: int, start: Any, step: int) -> Value:
        """Counting numbers as long as an axis."""
        dtype = atom.dtype if np.dtype(atom.dtype).kind in "iu" else np.dtype(np.int32)
        return self.emit(like, "ramp", (), (atom.shape[axis],), dtype, start=start, step=step)

    def inside(self, like: Equation, line: Value, low: Any, high: Any) -> Value:
        """Where `low <= line < high`."""
        boolean, tests = np.dtype(np.bool_), []
        if low != 0:
            tests.append(self.emit(like, "ge", (line, self.lone(low, line.dtype, like)), line.shape, boolean))
        if high != line.shape[0]:
            tests.append(
                self.emit(like, "lt", (line, self.lone(high, line.dtype, like)), line.shape, boolean)
            )
        return tests[0] if len(tests) == 1 else self.emit(like, "and", tests, line.shape, boolean)

    def along(self, like: Equation, line: Value, atom: Atom, axis: int) -> Value:
        """A line as an array that is the same along all other axes."""
        shape = tuple(atom.shape)
        if len(shape) == 1:
            return line
        return self.emit(
            like, "broadcast_in_dim", (line,), shape, atom.dtype, shape=shape, broadcast_dimensions=(axis,)
        )

    def lone(self, value: Any, dtype: Any, like: Equation) -> Atom:
        """One number: written down, or a size."""
        if isinstance(value, bool | int | float):
            return Literal(np.asarray(value, dtype))
        return self.emit(like, "size", (), (), dtype, dim=value)


def _key(equation: Equation) -> Any:
    if any(True for _ in equation.bodies):
        return None
    inputs = tuple(
        (str(a.dtype), a.value.tobytes(), a.shape) if isinstance(a, Literal) else id(a)
        for a in equation.inputs
    )
    outputs = tuple((str(v.dtype), v.shape) for v in equation.outputs)
    return equation.primitive, inputs, outputs, repr(sorted(equation.params.items(), key=lambda p: p[0]))


Found = Sequence[Atom] | None
Rewrite = Callable[[Writer, Equation], Found]


def is_number(writer: Writer, atom: Atom, number: Any) -> bool:
    """Whether an atom is known to be this number everywhere."""
    value = writer.number(atom)
    return isinstance(value, bool | int | float) and value == number


def plain(graph: Graph, rules: dict[str, Rewrite], peepholes: dict[str, Rewrite]) -> Graph:
    """A graph rewritten by rules.

    Args:
        graph: Without calls, as `antiphon.graph.trace` gives it.
        rules: For an equation of the graph as it was, what its outputs are instead; None to leave it.
        peepholes: The same for an equation as it would be kept.
    """
    writer = Writer()
    for value, array in graph.constants.items():
        writer.facts[value] = _constant_fact(array)
    outputs = _rewritten(writer, graph, rules, peepholes)
    equations, _ = live(writer.equations, outputs)
    used = _used_anywhere(equations) | {id(o) for o in outputs}
    constants = {v: a for v, a in graph.constants.items() if id(v) in used}
    return replace(graph, equations=equations, outputs=outputs, constants=constants)


def _constant_fact(array: Any) -> Fact:
    fact = fact_of_array(array)
    return fact if isinstance(fact, Full) or np.asarray(array).dtype.kind in "iu" else None


def _used_anywhere(equations: Iterable[Equation]) -> set[int]:
    found: set[int] = set()
    for equation in equations:
        found.update(id(a) for a in equation.inputs)
        for body in equation.bodies:
            found |= _used_anywhere(body.equations) | {id(o) for o in body.outputs}
    return found


def _rewritten(
    writer: Writer, graph: Graph, rules: dict[str, Rewrite], peepholes: dict[str, Rewrite]
) -> tuple[Atom, ...]:
    for equation in graph.equations:
        results = _one(writer, equation, rules, peepholes)
        for value, result in zip(equation.outputs, results, strict=True):
            if result is not value:
                writer.now[value] = result
    last = Equation("return", (), ())
    return tuple(writer.operand(o, last, whole=True) for o in graph.outputs)


def _one(
    writer: Writer, equation: Equation, rules: dict[str, Rewrite], peepholes: dict[str, Rewrite]
) -> Sequence[Atom]:
    inputs = tuple(map(writer.read, equation.inputs))
    equation = replace(equation, inputs=inputs)
    name = equation.primitive
    if name in BODY:
        return _inline(writer, equation, equation.params[BODY[name]], rules, peepholes)
    if name in ("scan", "while", "cond"):
        return _with_bodies(writer, equation, rules, peepholes)
    facts = [writer.fact(atom) for atom in inputs]
    if len(equation.outputs) == 1:
        (output,) = equation.outputs
        fact = fact_of(equation, facts)
        if isinstance(fact, Within) and fact.low is not None and fact.low == fact.high:
            fact = Full(fact.low)
        writer.facts[output] = fact
        if isinstance(fact, Full | Ramp | Between):
            return (output,)
        if name in PASSES or (name == "select_n" and isinstance(facts[0], Full)):
            kept = inputs[0] if name in PASSES else inputs[1 + int(facts[0].value)]  # type: ignore[union-attr]
            return (kept,)
    if name in rules:
        found = rules[name](writer, equation)
        if found is not None:
            return found
    whole = name not in ELEMENTWISE
    equation = replace(equation, inputs=tuple(writer.operand(a, equation, whole) for a in inputs))
    if name in peepholes:
        found = peepholes[name](writer, equation)
        if found is not None:
            return found
    kept = writer.keep(equation, name, equation.inputs, equation.outputs, equation.params)
    for new, old in zip(kept, equation.outputs, strict=True):
        if new is not old and old in writer.facts:
            writer.facts[new] = writer.facts[old]
    return kept


def _inline(
    writer: Writer,
    equation: Equation,
    body: Graph,
    rules: dict[str, Rewrite],
    peepholes: dict[str, Rewrite],
) -> Sequence[Atom]:
    body = fresh(body)
    for value, array in body.constants.items():
        writer.now[value] = Literal(np.asarray(array))
    writer.now.update(zip(body.inputs, equation.inputs, strict=True))
    for inner in body.equations:
        results = _one(writer, inner, rules, peepholes)
        for value, result in zip(inner.outputs, results, strict=True):
            if result is not value:
                writer.now[value] = result
    return tuple(map(writer.read, body.outputs))


def _with_bodies(
    writer: Writer, equation: Equation, rules: dict[str, Rewrite], peepholes: dict[str, Rewrite]
) -> Sequence[Atom]:
    params = dict(equation.params)
    inputs = equation.inputs
    if equation.primitive == "scan":
        many, carried = params["num_consts"], params["num_carry"]
        body = _body(
            writer, params["jaxpr"], inputs[:many], carried, inputs[many + carried :], rules, peepholes
        )
        kept: Sequence[Atom] = inputs[many:]
        params = {k: params[k] for k in ("length", "reverse")} | {"num_carry": carried, "jaxpr": body}
    elif equation.primitive == "while":
        test, run = params["cond_nconsts"], params["body_nconsts"]
        kept = inputs[test + run :]
        cond = _body(writer, params["cond_jaxpr"], inputs[:test], len(kept), (), rules, peepholes)
        body = _body(writer, params["body_jaxpr"], inputs[test : test + run], len(kept), (), rules, peepholes)
        params = {"cond_jaxpr": cond, "body_jaxpr": body}
    else:
        which = writer.number(inputs[0])
        branches = params["branches"]
        if which is not None:
            return _inline(
                writer, replace(equation, inputs=inputs[1:]), branches[int(which)], rules, peepholes
            )
        asked = writer.maker(inputs[0], "convert_element_type")
        kept = (asked.inputs[0] if asked and asked.inputs[0].dtype == np.bool_ else inputs[0],)
        params = {"branches": tuple(_body(writer, b, inputs[1:], 0, (), rules, peepholes) for b in branches)}
    kept = [writer.operand(a, equation, whole=True) for a in kept]
    return writer.keep(equation, equation.primitive, kept, equation.outputs, params)


def _body(
    above: Writer,
    body: Graph,
    constants: Sequence[Atom],
    carried: int,
    xs: Sequence[Atom],
    rules: dict[str, Rewrite],
    peepholes: dict[str, Rewrite],
) -> Graph:
    body = fresh(body)
    writer = Writer(above)
    for value, array in body.constants.items():
        writer.now[value] = Literal(np.asarray(array))
    writer.now.update(zip(body.inputs, constants, strict=False))
    for value, atom in zip(body.inputs[len(constants) + carried :], xs, strict=True):
        fact = above.fact(atom)
        low, high = bounds(fact, atom.shape)
        if isinstance(fact, Full):
            writer.facts[value] = fact
        elif low is not None or high is not None:
            writer.facts[value] = Within(low, high)
    outputs = _rewritten(writer, body, rules, peepholes)
    return replace(
        body,
        inputs=body.inputs[len(constants) :],
        equations=tuple(writer.equations),
        outputs=outputs,
        constants={},
    )
