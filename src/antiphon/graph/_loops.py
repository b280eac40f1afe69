"""Loops and branches as they are written in a program: `for`, `while`, `if`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from antiphon.graph._graph import Atom, Equation, Graph, Literal, Value
from antiphon.graph._phrases import COMPARE, Text
from antiphon.graph._text import type_text

if TYPE_CHECKING:
    from antiphon.graph._print import Page


def _for(
    page: Page, equation: Equation, inputs: list[Text], known: dict[Value, Text], users: Any, depth: int
) -> None:
    params = equation.params
    consts, carry = params["num_consts"], params["num_carry"]
    body, counter = _counted(equation, users)
    variables = body.inputs[consts : consts + carry]
    lists = [v for v in equation.outputs[carry:] if v in users]
    _begin(page, equation, inputs[consts : consts + carry], variables, users, depth, skip=counter)
    inner = dict(zip(body.inputs[:consts], inputs[:consts], strict=True))
    inner |= {v: Text(page.variables.text(v)) for v in body.inputs[consts:]}
    elements = [page.variables.text(v) for v in body.inputs[consts + carry :]]
    sources = [text.text for text in inputs[consts + carry :]]
    for value in lists:
        page.line(depth, f"{page.variables.text(value)} = []")
    head = _for_line(elements, sources, params)
    if counter is not None:
        first = equation.inputs[consts + counter].value.item()  # pyright: ignore[reportAttributeAccessIssue]
        ends = f"{first}, {first + params['length']}" if first else str(params["length"])
        head = f"for {page.variables.text(variables[counter])} in range({ends}):"
    page.line(depth, head, f"{params['length']} times", equation)
    start = len(page.lines)
    results = page.block(body, inner, depth + 1)
    stacked = [t.text for v, t in zip(equation.outputs[carry:], results[carry:], strict=True) if v in users]
    now = [page.variables.text(v) for v in lists]
    _update(
        page,
        variables,
        body.outputs[:carry],
        results[:carry],
        start,
        depth + 1,
        stacked,
        [
            (
                f"{name}.{f'insert(0, {text})' if params['reverse'] else f'append({text})'}",
                f"stacked: {type_text(value)}",
            )
            for name, text, value in zip(now, stacked, lists, strict=True)
        ],
    )
    known |= {v: Text(page.variables.text(v)) for v in equation.outputs}


def _for_line(elements: list[str], sources: list[str], params: Any) -> str:
    if not elements:
        return f"for _ in range({params['length']}):"
    which = sources[0] if len(sources) == 1 else f"zip({', '.join(sources)})"
    return f"for {', '.join(elements)} in {f'reversed({which})' if params['reverse'] else which}:"


def _counted(equation: Equation, users: Any) -> tuple[Graph, int | None]:
    """The body of a loop over nothing without the line that counts, and which state counts, if one does."""
    params = equation.params
    body, consts = params["jaxpr"], params["num_consts"]
    if len(body.inputs) > consts + params["num_carry"]:
        return body, None
    for k in range(params["num_carry"]):
        here, gives = body.inputs[consts + k], body.outputs[k]
        adds = [e for e in body.equations if e.primitive == "add" and gives in e.outputs]
        if (
            not adds
            or not isinstance(equation.inputs[consts + k], Literal)
            or equation.outputs[k] in users
            or here.dtype.kind not in "iu"
            or adds[0].inputs[0] is not here
            or not (isinstance(adds[0].inputs[1], Literal) and adds[0].inputs[1].value == 1)
            or body.outputs.count(gives) > 1
            or any(gives in e.inputs for e in body.equations)
        ):
            continue
        outputs = (*body.outputs[:k], here, *body.outputs[k + 1 :])
        rest = tuple(e for e in body.equations if e is not adds[0])
        return replace(body, equations=rest, outputs=outputs), k
    return body, None


def _while(
    page: Page, equation: Equation, inputs: list[Text], known: dict[Value, Text], users: Any, depth: int
) -> None:
    params = equation.params
    asked, body = params["cond_jaxpr"], params["body_jaxpr"]
    first, second = params["cond_nconsts"], params["body_nconsts"]
    states = body.inputs[second:]
    _begin(page, equation, inputs[first + second :], states, users, depth)
    now = [Text(page.variables.text(v)) for v in states]
    start = len(page.lines)
    page.line(depth, "while True:", ", ".join(type_text(v) for v in equation.outputs), equation)
    inside = len(page.lines)
    question = dict(zip(asked.inputs, [*inputs[:first], *now], strict=True))
    (goes_on,) = page.block(asked, question, depth + 1)
    written = page.lines[inside:]
    if not written or (
        len(written) == 1 and written[0].code == f"{goes_on.text} = " + written[0].code.split(" = ", 1)[-1]
    ):
        if written:
            goes_on = Text(page.lines.pop().code.split(" = ", 1)[1])
        page.lines[start].code = f"while {goes_on.text}:"
    else:
        page.line(depth + 1, f"if not {goes_on.within(COMPARE + 1)}: break")
    begin = len(page.lines)
    results = page.block(
        body, dict(zip(body.inputs, [*inputs[first : first + second], *now], strict=True)), depth + 1
    )
    _update(page, states, body.outputs, results, begin, depth + 1, [])
    known |= {v: Text(page.variables.text(v)) for v in equation.outputs}


def _if(
    page: Page, equation: Equation, inputs: list[Text], known: dict[Value, Text], users: Any, depth: int
) -> None:
    branches = equation.params["branches"]
    which, *operands = inputs
    note = ", ".join(type_text(v) for v in equation.outputs)
    if len(branches) == 2:
        plain = which.text.removeprefix("i32(").removesuffix(")") if which.text.startswith("i32(") else None
        order = [(f"if {plain or which.text + ' == 1'}:", branches[1]), ("else:", branches[0])]
    else:
        order = [(f"case {k}:", branch) for k, branch in enumerate(branches)]
        page.line(depth, f"match {which.text}:", note, equation)
        depth, note = depth + 1, ""
    for head, branch in order:
        page.line(depth, head, note, equation if note else None)
        note = ""
        start = len(page.lines)
        results = page.block(branch, dict(zip(branch.inputs, operands, strict=True)), depth + 1)
        _update(page, equation.outputs, branch.outputs, results, start, depth + 1, [])
        if len(page.lines) == start:
            page.line(depth + 1, "pass")
    known |= {v: Text(page.variables.text(v)) for v in equation.outputs}


def _begin(
    page: Page,
    equation: Equation,
    first: list[Text],
    inside: Any,
    users: Any,
    depth: int,
    skip: int | None = None,
) -> None:
    """The states of a loop before it starts; before, in and after it each is one variable."""
    params = equation.params
    at = params["num_consts"] if "num_consts" in params else params["cond_nconsts"] + params["body_nconsts"]
    starts = equation.inputs[at : at + len(first)]
    for k, (atom, text, inner) in enumerate(zip(starts, first, inside, strict=True)):
        outer = equation.outputs[k]
        page.variables.share(*((inner, outer) if outer in page.assigned else (outer, inner)))
        if k == skip:
            continue
        if isinstance(atom, Value) and _is_only_start(page, atom, text, users[atom] == [equation]):
            page.variables.share(atom, inner)
        else:
            page.line(depth, f"{page.variables.text(inner)} = {text.text}", type_text(inner))


def _is_only_start(page: Page, value: Value, text: Text, alone: bool) -> bool:
    """Whether a value that has a line of its own is read by a loop alone, as its first state."""
    token = page.variables.token(value)
    return alone and text.text == page.variables.text(value) and any(token in k.defines for k in page.lines)


def _update(
    page: Page,
    variables: Any,
    atoms: tuple[Atom, ...],
    texts: list[Text],
    start: int,
    depth: int,
    later: list[str],
    before: Sequence[tuple[str, str]] = (),
) -> None:
    """Give variables the values with which a body ends, in place where nothing still reads the old ones."""
    pairs = list(zip(variables, atoms, texts, strict=True))
    left = []
    for k, (variable, atom, text) in enumerate(pairs):
        others = [t.text for j, (_, _, t) in enumerate(pairs) if j != k] + later
        if not _in_place(page, variable, atom, text, start, depth, others, atoms):
            left.append((page.variables.text(variable), text.text, variable))
    for code, note in before:  # lists take the old values
        page.line(depth, code, note)
    left = [
        (name, text, v) for name, text, v in left if page.variables.named(name) != page.variables.named(text)
    ]
    if left:
        note = ", ".join(type_text(v) for _, _, v in left)
        page.line(depth, f"{', '.join(n for n, _, _ in left)} = {', '.join(t for _, t, _ in left)}", note)


def _in_place(
    page: Page, variable: Value, atom: Atom, text: Text, start: int, depth: int, others: list[str], atoms: Any
) -> bool:
    """Let the line that computes the new value write it into the variable at once, if that is right."""
    if not isinstance(atom, Value) or text.text != page.variables.text(atom) or atoms.count(atom) > 1:
        return False
    token = page.variables.token(variable)
    own = page.variables.token(atom)
    at = [
        k
        for k in range(start, len(page.lines))
        if own in page.lines[k].defines and page.lines[k].depth == depth
    ]
    if len(at) != 1:
        return False
    rest = [line.code for line in page.lines[at[0] + 1 :]] + others
    if any(page.variables.reads(code, token) for code in rest):
        return False
    page.variables.share(atom, variable)
    return True


Loop = Callable[..., None]
LOOPS: dict[str, Loop] = {"scan": _for, "while": _while, "cond": _if}
