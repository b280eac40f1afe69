"""A graph as one Python file that needs NumPy only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from antiphon.errors import ExportError
from antiphon.graph._graph import Atom, Equation, Graph, Literal, Value
from antiphon.graph.source._arrays import rows
from antiphon.graph.source._expressions import ATOM, Expression, number, number_text, size
from antiphon.graph.source._liveness import reads, uses
from antiphon.graph.source._naming import Names, constant_names, identifier
from antiphon.graph.source._numpy_parts import whole
from antiphon.graph.source._numpy_rules import HELPERS, RULES
from antiphon.graph.source._refusals import described, number_kind
from antiphon.graph.source._rewrites import plain_graph
from antiphon.graph.source._sizes import names_in

LONGEST = 56  # characters of an expression that may stand inside another
WIDTH = 96  # characters of a line, if it can be helped
SIZES = "(sizes)"


def to_numpy(
    graph: Graph, *, name: str | None = None, doc: str = "", constants: Mapping[str, Any] | None = None
) -> str:
    """A graph as the text of a Python module that needs NumPy only.

    It computes in float64 from inputs rounded to float32, so that it differs from the graph by no more than
    the graph's own rounding. What a program mixes as `g a + (1 - g) b` with g either 0 or 1 is written as a
    choice, so that an infinite value that is not chosen stays out. Whole numbers do not wrap around.

    Args:
        graph: What `antiphon.graph.trace` gives. Traced with named sizes, the function takes inputs of any
            such size; traced without a mask (as all frames real), it has no trace of one.
        name: The function's name; the graph's own if it is left out.
        doc: The text at the head of the file.
        constants: Names for arrays that the graph holds, where it has none for them.

    Returns:
        The text. The function in it takes the graph's inputs in order, and gives its output, or a tuple.

    Raises:
        ExportError: If something in the graph has no rule: names the primitive and its source line.

    Example:
        >>> import jax.numpy as jnp
        >>> from antiphon.graph import trace
        >>> (T,) = jax.export.symbolic_shape("T")
        >>> def rise(x):
        ...     return 2 * x.max(0) - x[-1]
        >>> print(to_numpy(trace(rise, jax.ShapeDtypeStruct((T, 3), jnp.float32))))
        import numpy as np
        <BLANKLINE>
        <BLANKLINE>
        def rise(x):
            x = np.asarray(x, np.float32).astype(float)
            if x.ndim != 2 or x.shape[0] < 1 or x.shape[1] != 3:
                raise ValueError(f"x has shape {x.shape}, not (T, 3)")
            return 2.0 * x.max(axis=0) - x[-1]
        <BLANKLINE>
    """
    return _Module(plain_graph(graph), name or graph.name or "f", doc, constants or {}).text()


class _Module:
    def __init__(self, graph: Graph, name: str, doc: str, constants: Mapping[str, Any]) -> None:
        self.graph, self.name, self.doc = graph, identifier(name), doc
        sizes = {name for v in graph.inputs for n in v.shape for name in names_in(n)}
        self.names = Names({"np", "math", "sliding_window_view", self.name, *HELPERS, *sizes})
        self.said: dict[Value, Expression] = {}
        self.makers: dict[Value, Equation] = {}
        self.lines: list[str] = []
        self.arrays: list[str] = []
        for value in graph.inputs:
            self.said[value] = Expression(self.names.free(identifier(value.name)), ATOM, tuple(value.shape))
        for value, wanted in constant_names(graph, constants).items():
            said = self.names.free(wanted.upper())
            self.said[value] = Expression(said, ATOM, tuple(value.shape))
            self.arrays.append(f"{said} = {_array(graph.constants[value])}")

    def text(self) -> str:
        head = self.start()
        results = self.body(self.graph.equations, self.graph.outputs, 1)
        shown = [whole(r, o.shape).text for r, o in zip(results, self.graph.outputs, strict=True)]
        self.lines.append(f"    return {', '.join(shown)}")
        code = "\n".join(self.lines)
        sizes = [f"    {n} = {said}" for n, said in self.sizes.items() if re.search(rf"(?<!\.)\b{n}\b", code)]
        code = "\n".join(
            [*head, code.replace(SIZES, "\n".join(sizes)) if sizes else code.replace(SIZES + "\n", "")]
        )
        inputs = ", ".join(self.said[v].text for v in self.graph.inputs)
        parts = [f"def {self.name}({inputs}):\n{code}"]
        helpers = [text for word, text in HELPERS.items() if re.search(rf"\b{word}\(", code)]
        imports = "import numpy as np"
        if any("math." in h for h in helpers):
            imports = "import math\n\n" + imports
        if "sliding_window_view(" in code:
            imports += "\nfrom numpy.lib.stride_tricks import sliding_window_view"
        top = [_docstring(self.doc)] if self.doc else []
        top.append(imports)
        if self.arrays:
            top.append("\n".join(self.arrays))
        return "\n\n\n".join(["\n\n".join(top), *helpers, *parts]) + "\n"

    def start(self) -> list[str]:
        """Inputs as arrays, checked, and the sizes that they give."""
        self.sizes = self.places()
        lines, known = [], set()
        for value in self.graph.inputs:
            said = self.said[value].text
            kind = number_kind(value, f"The input {value.name}")
            cast = {"b": ", bool)", "f": ", np.float32).astype(float)"}.get(kind, ", int)")
            lines.append(f"    {said} = np.asarray({said}{cast}")
            tests, shape = [f"{said}.ndim != {len(value.shape)}"], []
            for axis, n in enumerate(value.shape):
                length = f"{said}.shape[{axis}]"
                shape.append(str(n))
                if isinstance(n, int):
                    tests.append(f"{length} != {n}")
                elif str(n) in known:
                    tests.append(f"{length} != {self.sizes[str(n)]}")
                    shape[-1] = f"{{{self.sizes[str(n)]}}}"
                elif str(n) in self.sizes:
                    known.add(str(n))
                    tests.append(f"{length} < 1")  # What is known of the sizes is known from 1 up.
            text = "(" + ", ".join(shape) + ("," if len(shape) == 1 else "") + ")"
            lines.append(f"    if {' or '.join(tests)}:")
            lines.append(f'        raise ValueError(f"{said} has shape {{{said}.shape}}, not {text}")')
        return lines

    def places(self) -> dict[str, str]:
        """How each named size is read off the inputs."""
        found: dict[str, str] = {}
        for value in self.graph.inputs:
            for axis, n in enumerate(value.shape):
                if not isinstance(n, int) and str(n).isidentifier() and str(n) not in found:
                    said = self.said[value].text
                    found[str(n)] = f"len({said})" if axis == 0 else f"{said}.shape[{axis}]"
        return found

    # --- statements --------------------------------------------------------------------------------------

    def body(self, equations: Sequence[Equation], outputs: Sequence[Atom], depth: int) -> list[Expression]:
        """Write equations; the expressions of the outputs."""
        if depth == 1:
            for wanted in sorted(_sizes_used(equations)):
                if wanted not in self.sizes:
                    raise ExportError(
                        f"The size {wanted} is no axis of an input.",
                        "Named sizes that are the length of an axis of some input.",
                        f"Trace the function with an input of length {wanted}.",
                    )
            self.lines.append(SIZES)
        counts = uses(equations, outputs)
        functions = _functions_that_use(equations)
        for equation in equations:
            if equation.primitive == "scan":
                self.scan(equation, depth)
            elif equation.primitive == "cond":
                self.cond(equation, depth)
            elif equation.primitive == "while":
                self.loop(equation, depth)
            else:
                expression = self.expression(equation, functions, depth)
                (output,) = equation.outputs
                simple = expression.text.isidentifier() or equation.primitive == "size"
                once = counts.get(output, 0) <= 1 and len(expression.text) <= LONGEST
                last = any(o is output for o in outputs) and counts.get(output, 0) == 1
                if not (simple or once or (last and len(set(outputs)) <= 2)):
                    expression = self.assign(expression, output, equation, functions, depth)
                self.said[output], self.makers[output] = expression, equation
        return [self.read(o) for o in outputs]

    def expression(self, equation: Equation, functions: Mapping[Value, set[str]], depth: int) -> Expression:
        """What an equation gives; operands get a line of their own where it would be too long."""
        rule = RULES.get(equation.primitive)
        if rule is None or len(equation.outputs) != 1:
            raise ExportError(
                f"The equation {described(equation)} has no rule in NumPy source.",
                "Operations that `antiphon.graph.source` has rules for.",
                "Write this step with other operations, or export to ONNX.",
            )
        number_kind(equation.outputs[0], f"The result of {described(equation)}")
        while True:
            found = rule(equation, [self.read(a) for a in equation.inputs])
            inner = [a for a in equation.inputs if isinstance(a, Value) and a in self.makers]
            inner = [a for a in inner if not self.said[a].text.replace("_", "").isalnum()]
            if not inner or len(found.text) + 4 * depth + 16 <= WIDTH:
                return found
            longest = max(inner, key=lambda a: len(self.said[a].text))
            self.said[longest] = self.assign(
                self.said[longest], longest, self.makers[longest], functions, depth
            )

    def read(self, atom: Atom) -> Expression:
        if isinstance(atom, Literal):
            if not atom.shape:
                return number(atom.value)
            return Expression(f"np.array({rows(atom.value, '[', ']', number_text)})", ATOM, atom.shape)
        return self.said[atom]

    def assign(
        self,
        expression: Expression,
        value: Value,
        equation: Equation,
        functions: Mapping[Value, set[str]],
        depth: int,
    ) -> Expression:
        name = self.names.of(value, equation, functions.get(value, set()))
        self.lines.append(f"{'    ' * depth}{name} = {expression.text}")
        return Expression(name, ATOM, expression.shape)

    # --- loops and choices -------------------------------------------------------------------------------

    def scan(self, equation: Equation, depth: int) -> None:
        pad, body = "    " * depth, equation.params["jaxpr"]
        carried, reverse = equation.params["num_carry"], equation.params["reverse"]
        states = self.states(body.inputs[:carried], equation.inputs[:carried], depth)
        through = [whole(self.read(a), a.shape) for a in equation.inputs[carried:]]
        taken = set(self.names.taken)
        items = [self.names.free(_stem(v, "item")) for v in body.inputs[carried:]]
        for value, item in zip(body.inputs[carried:], items, strict=True):
            self.said[value] = Expression(item, ATOM, tuple(value.shape))
        outer = equation.outputs[carried:]
        lists = [self.names.free(_plural(self.names.hint(v, equation))) for v in outer]
        taken.update(lists)
        self.lines.extend(f"{pad}{one} = []" for one in lists)
        turn = "[::-1]" if reverse else ""
        if not items:
            head = f"for _ in range({size(equation.params['length']).text}):"
        elif len(items) == 1:
            head = (
                f"for {items[0]} in {through[0].tight}{turn}:"
                if turn
                else f"for {items[0]} in {through[0].text}:"
            )
        else:
            joined = ", ".join(t.tight + turn if turn else t.text for t in through)
            head = f"for {', '.join(items)} in zip({joined}):"
        self.lines.append(pad + head)
        outputs = [*body.outputs[:carried]]
        results = self.body(body.equations, body.outputs, depth + 1)
        stacked = []
        for atom, result in zip(body.outputs[carried:], results[carried:], strict=True):
            same = [k for k, o in enumerate(outputs) if o is atom and isinstance(atom, Value)]
            stacked.append(states[same[0]] if same else whole(result, atom.shape).text)
            if not same and states:
                # What is kept is computed before the states change.
                name = self.names.free("kept")
                self.lines.append(f"{pad}    {name} = {stacked[-1]}")
                stacked[-1] = name
        self.update(states, outputs, results[:carried], depth + 1)
        self.lines.extend(f"{pad}    {one}.append({item})" for one, item in zip(lists, stacked, strict=True))
        self.lines.extend(f"{pad}{one} = np.array({one}{turn})" for one in lists)
        self.names.taken = taken  # What is the loop's own may be called the same in the next.
        for value, said in zip(equation.outputs, [*states, *lists], strict=True):
            self.said[value] = Expression(said, ATOM, tuple(value.shape))

    def states(self, values: Sequence[Value], starts: Sequence[Atom], depth: int) -> list[str]:
        names = []
        for value, start in zip(values, starts, strict=True):
            first = whole(self.read(start), start.shape).text
            names.append(self.names.free(_stem(value, "state")))
            self.said[value] = Expression(names[-1], ATOM, tuple(value.shape))
            self.lines.append(f"{'    ' * depth}{names[-1]} = {first}")
        return names

    def update(
        self, states: Sequence[str], atoms: Sequence[Atom], results: Sequence[Expression], depth: int
    ) -> None:
        """Give the states their next values, all at once."""
        changed = [
            (state, whole(r, a.shape).text)
            for state, a, r in zip(states, atoms, results, strict=True)
            if r.text != state
        ]
        if changed:
            left, right = zip(*changed, strict=True)
            self.lines.append(f"{'    ' * depth}{', '.join(left)} = {', '.join(right)}")

    def cond(self, equation: Equation, depth: int) -> None:
        pad, branches = "    " * depth, equation.params["branches"]
        which = self.read(equation.inputs[0])
        names = [self.names.of(v, equation, set()) for v in equation.outputs]
        order = list(range(len(branches)))
        if equation.inputs[0].dtype == np.bool_:
            tests, order = [which.text, ""], [1, 0]
        else:
            tests = [f"{which.within(1)} <= 0", *(f"{which.within(1)} == {k}" for k in order[1:-1]), ""]
        for position, (test, k) in enumerate(zip(tests, order, strict=True)):
            word = "if" if position == 0 else "elif"
            self.lines.append(f"{pad}{word} {test}:" if test else f"{pad}else:")
            results = self.body(branches[k].equations, branches[k].outputs, depth + 1)
            for name, result, output in zip(names, results, equation.outputs, strict=True):
                self.lines.append(f"{pad}    {name} = {whole(result, output.shape).text}")
        for value, name in zip(equation.outputs, names, strict=True):
            self.said[value] = Expression(name, ATOM, tuple(value.shape))

    def loop(self, equation: Equation, depth: int) -> None:
        pad = "    " * depth
        cond, body = equation.params["cond_jaxpr"], equation.params["body_jaxpr"]
        states = self.states(body.inputs, equation.inputs, depth)
        for value, state in zip(cond.inputs, states, strict=True):
            self.said[value] = Expression(state, ATOM, tuple(value.shape))
        self.lines.append(f"{pad}while True:")
        (test,) = self.body(cond.equations, cond.outputs, depth + 1)
        self.lines.append(f"{pad}    if not {test.within(ATOM)}:")
        self.lines.append(f"{pad}        break")
        results = self.body(body.equations, body.outputs, depth + 1)
        self.update(states, body.outputs, results, depth + 1)
        for value, state in zip(equation.outputs, states, strict=True):
            self.said[value] = Expression(state, ATOM, tuple(value.shape))


def _functions_that_use(equations: Sequence[Equation]) -> dict[Value, set[str]]:
    found: dict[Value, set[str]] = {}
    for equation in equations:
        for value in reads(equation):
            found.setdefault(value, set()).add(equation.source.function if equation.source else "")
    return found


def _sizes_used(equations: Sequence[Equation]) -> set[str]:
    """The named sizes that the text will speak of."""
    found: set[str] = set()

    def add(value: Any) -> None:
        if isinstance(value, tuple | list):
            for item in value:
                add(item)
        elif jax.export.is_symbolic_dim(value):
            found.update(names_in(value))

    for equation in equations:
        add(list(equation.params.values()))
        add([v.shape for v in equation.outputs])
        add([a.shape for a in equation.inputs])
        for body in equation.bodies:
            found |= _sizes_used(body.equations)
    return found


def _stem(value: Value, otherwise: str) -> str:
    """The name of a state or item: `now.0` is one of several that are called `now`."""
    name = re.sub(r"(\.\d+|_\d+)+$", "", value.name)
    return identifier(name if len(name) > 2 else otherwise)


def _plural(name: str) -> str:
    return name if name.endswith("s") else f"{name}s"


def _array(array: Any) -> str:
    array = np.asarray(array)
    if not array.ndim:
        return number_text(array)
    if not array.size:
        return f"np.zeros({array.shape})"
    return f"np.array({rows(array, '[', ']', number_text)})"


def _docstring(doc: str) -> str:
    safe = doc.strip().replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'"""{safe}\n"""' if "\n" in safe or safe.endswith('"') else f'"""{safe}"""'
