"""A graph as a program that one can read aloud."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import jax

from antiphon.graph._expressions import WRITERS, is_elementwise, write
from antiphon.graph._graph import Atom, Equation, Graph, Literal, Value
from antiphon.graph._lines import Line, Variables, laid_out
from antiphon.graph._loops import LOOPS
from antiphon.graph._names import named
from antiphon.graph._phrases import ATOM, Text, call_text
from antiphon.graph._targets import assigned_names
from antiphon.graph._text import array_text, params_text, type_text
from antiphon.graph._walk import rebuilt

LONGEST_PART = 44
_CUSTOM = {"custom_jvp_call": "call_jaxpr", "custom_vjp_call": "call_jaxpr"}


def program_text(graph: Graph) -> str:
    """A graph as a program: a line for each value, its shape beside it, loops and branches indented.

    Values that are used once and that the user did not name stand inside the line that uses them.

    Example:
        >>> import jax.numpy as jnp
        >>> from antiphon.graph import trace
        >>> print(program_text(trace(lambda x, y: jnp.sum(x * 2 + y), jnp.ones(3), jnp.ones(3), name="f")))
        def f(x: f32[3], y: f32[3]) -> f32[]:
            c = sum(x * 2.0 + y)  # f32[]  ...
            return c
    """
    page = Page(graph)
    page.block(graph, {v: Text(page.variables.text(v)) for v in graph.inputs}, 1, final=True)
    head = _head(graph)
    parts = [head, *laid_out(page.lines, page.variables)]
    for definition in page.functions.values():
        parts += ["", *definition]
    return "\n".join(parts)


class Page:
    """What is written so far."""

    def __init__(self, graph: Graph, functions: dict[str, list[str]] | None = None) -> None:
        self.lines: list[Line] = []
        self.variables = Variables()
        self.assigned = assigned_names(graph)
        self.functions = {} if functions is None else functions

    def line(self, depth: int, code: str, note: str = "", of: Equation | None = None, **more: Any) -> None:
        """Write one line."""
        self.lines.append(Line(depth, code, note, of.source if of else None, **more))

    def block(self, graph: Graph, known: dict[Value, Text], depth: int, *, final: bool = False) -> list[Text]:
        """Write the equations of a graph; give what its outputs are."""
        for value, array in graph.constants.items():
            known[value] = Text(self.variables.text(value))
            text = array_text(array)
            note = type_text(value) + (
                f", {text}" if text.endswith(("numbers", "key")) or " numbers" in text else ""
            )
            code = "constant" if note != type_text(value) else text
            self.line(depth, f"{known[value].text} = {code}", note, defines=(self.variables.token(value),))
        users = _users(graph)
        for equation in graph.equations:
            inputs = [self.read(atom, known) for atom in equation.inputs]
            if equation.primitive in LOOPS:
                LOOPS[equation.primitive](self, equation, inputs, known, users, depth)
                continue
            text = self.expression(equation, inputs)
            if len(equation.outputs) == 1 and self.stays_inside(equation, text, users, final):
                known[equation.outputs[0]] = text
                continue
            self.define(equation, text.text, known, depth)
        outputs = [self.read(atom, known) for atom in graph.outputs]
        if final:
            self.line(depth, f"return {_result(graph, [o.text for o in outputs])}")
        return outputs

    def define(self, equation: Equation, code: str, known: dict[Value, Text], depth: int) -> None:
        """Write a line that gives the outputs of an equation their names."""
        for value in equation.outputs:
            known[value] = Text(self.variables.text(value))
        left = ", ".join(self.variables.text(v) for v in equation.outputs)
        note = ", ".join(type_text(v) for v in equation.outputs)
        tokens = tuple(self.variables.token(v) for v in equation.outputs)
        self.line(depth, f"{left} = {code}" if left else code, note, equation, defines=tokens)

    def read(self, atom: Atom, known: dict[Value, Text]) -> Text:
        """An input of an equation as it is written."""
        if isinstance(atom, Literal):
            text = array_text(atom.value)
            return Text(text, ATOM if not text.startswith("-") else ATOM - 2)
        return known[atom]

    def expression(self, equation: Equation, inputs: list[Text]) -> Text:
        """The right-hand side of an equation; a body of its own is written further down as a function."""
        bodies = [] if equation.primitive in WRITERS else list(equation.bodies)
        if not bodies:
            return write(equation, inputs)
        names = [self.function(body, equation) for body in bodies]
        if equation.primitive in _CUSTOM:
            return call_text(names[0], [i.text for i in inputs])
        return call_text(
            equation.primitive, [*names, *(i.text for i in inputs), *params_text(equation.params)]
        )

    def function(self, body: Graph, equation: Equation) -> str:
        """Write a nested body as a function under the program, once; give its name."""
        name = body.name.rsplit(".", 1)[-1]
        name = name if name.isidentifier() else equation.primitive.removesuffix("_call")
        body = _renamed(body)
        page = Page(body, self.functions)
        page.block(body, {v: Text(page.variables.text(v)) for v in body.inputs}, 1, final=True)
        own = "  # with a derivative of its own" if equation.primitive in _CUSTOM else ""
        lines = laid_out([Line(k.depth, k.code, k.note) for k in page.lines], page.variables)
        for free in (name, *(f"{name}_{k}" for k in range(2, len(self.functions) + 3))):
            text = [_head(body, free) + own, *lines]
            if self.functions.setdefault(free, text) == text:
                return free
        raise AssertionError("more names than functions")

    def stays_inside(
        self, equation: Equation, text: Text, users: dict[Value, list[Any]], final: bool
    ) -> bool:
        """Whether an expression is written where it is used, and not on a line of its own."""
        (value,) = equation.outputs
        readers = users.get(value, [])
        if value in self.assigned or not readers:
            return False
        if not final and readers == [None]:
            return len(self.variables.named(text.text)) <= LONGEST_PART
        if any(
            e is None or (e.primitive in LOOPS and not LOOPS_READ[e.primitive](e, value)) for e in readers
        ):
            return False
        if text.bare is not None and all(_broadcasts(e, value) for e in readers):
            return True
        reader = readers[0].primitive if len(readers) == 1 else ""
        if equation.primitive == "dim_as_value" or (reader == "squeeze" and text.index is not None):
            return True
        if reader == "gather" and equation.primitive == "broadcast_in_dim":
            return True
        if reader == "dynamic_slice" and text.binds < ATOM:
            return self.is_place(readers[0], users)
        return len(readers) == 1 and len(self.variables.named(text.text)) <= LONGEST_PART

    def is_place(self, equation: Equation, users: dict[Value, list[Any]]) -> bool:
        """Whether a part of an array is at once cut to one place, so that its start is written once."""
        after = users.get(equation.outputs[0], [])
        return len(after) == 1 and after[0] is not None and after[0].primitive == "squeeze"


# Inputs of loops and branches that may be expressions: the first states, the question of a branch.
LOOPS_READ = {
    "scan": lambda e, v: v in e.inputs[e.params["num_consts"] :][: e.params["num_carry"]],
    "while": lambda e, v: v in e.inputs[e.params["cond_nconsts"] + e.params["body_nconsts"] :],
    "cond": lambda e, v: v is e.inputs[0] and v not in e.inputs[1:],
}


def _renamed(body: Graph) -> Graph:
    """A body with names as if it stood alone, so that two that are equal read the same."""
    kept = assigned_names(body)
    kept |= {value: re.sub(r"_\d+$", "", value.name) for value in body.inputs}
    return named(rebuilt(body, lambda value: replace(value, name=kept.get(value, ""))))


def _users(graph: Graph) -> dict[Value, list[Equation | None]]:
    """The equations that read each value, one entry each time; None where the graph gives it."""
    users: dict[Value, list[Equation | None]] = {}
    for reader, atoms in [*((e, e.inputs) for e in graph.equations), (None, graph.outputs)]:
        for atom in atoms:
            if isinstance(atom, Value):
                users.setdefault(atom, []).append(reader)
    return users


def _broadcasts(equation: Equation, value: Value) -> bool:
    """Whether NumPy would broadcast a value by itself: another input has the whole shape."""
    return is_elementwise(equation) and any(
        atom is not value and isinstance(atom, Value) and atom.shape == value.shape
        for atom in equation.inputs
    )


def _head(graph: Graph, name: str = "") -> str:
    inputs = [f"{v.name}: {type_text(v)}" for v in graph.inputs]
    outputs = [type_text(v) for v in graph.outputs]
    gives = outputs[0] if len(outputs) == 1 else f"({', '.join(outputs)})"
    line = f"def {name or graph.name or 'f'}({', '.join(inputs)}) -> {gives}:"
    if len(line) <= 100:
        return line
    return "\n".join(
        [f"def {name or graph.name or 'f'}(", *(f"        {i}," for i in inputs), f") -> {gives}:"]
    )


class _Word(str):
    """Text that a container prints without quotation marks."""

    def __repr__(self) -> str:
        return str(self)


def _result(graph: Graph, texts: list[str]) -> str:
    """What is given, in the structure of the function's result if that is made of plain containers."""
    if graph.trees is not None:
        result = jax.tree.unflatten(graph.trees.outputs, [_Word(t) for t in texts])
        if _plain(result):
            return repr(result)
    return ", ".join(texts) or "None"


def _plain(tree: Any) -> bool:
    if isinstance(tree, dict):
        return all(map(_plain, tree.values()))
    if type(tree) in (tuple, list):
        return all(map(_plain, tree))
    return tree is None or isinstance(tree, _Word)
