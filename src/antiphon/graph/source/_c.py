"""A graph as one file of C99: no allocation, no dependencies beyond `math.h`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from antiphon.graph._graph import Atom, Equation, Graph, Literal, Value
from antiphon.graph.source._c_loops import LOOPS
from antiphon.graph.source._c_rules import (
    ENTRIES,
    HELPERS,
    Cell,
    flat_index,
    number,
    size,
    unsupported,
)
from antiphon.graph.source._c_views import VIEWS
from antiphon.graph.source._facts import kind_of
from antiphon.graph.source._liveness import uses
from antiphon.graph.source._naming import Names, constant_names, identifier
from antiphon.graph.source._refusals import described, number_kind
from antiphon.graph.source._rewrites import plain_graph
from antiphon.graph.source._sizes import names_in, product

STACK = 1024  # entries of an array that a function keeps for itself
# What no variable may be called.
WORDS = set(
    """
    auto break case char const continue default do double else enum extern float for goto if inline int
    long register restrict return short signed sizeof static struct switch typedef union unsigned void
    volatile while out workspace entry abs sin cos tan exp log pow sqrt floor ceil
    """.split()  # noqa: SIM905
)


def to_c(
    graph: Graph, *, name: str | None = None, doc: str = "", constants: Mapping[str, Any] | None = None
) -> str:
    """A graph as the text of one C99 file.

    The function takes a pointer for each input (floats, `unsigned char` for booleans, `int` for whole
    numbers; arrays row by row), each named size as an `int`, a pointer for each output, and a workspace of
    `NAME_workspace(sizes)` bytes, aligned as for `float`; it allocates nothing. Numbers are floats; sums are
    gathered in double.

    Args:
        graph: What `antiphon.graph.trace` gives.
        name: The function's name; the graph's own if it is left out.
        doc: A comment at the head of the file.
        constants: Names for arrays that the graph holds, where it has none for them.

    Raises:
        ExportError: If something in the graph has no rule: names the primitive and its source line.

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> from antiphon.graph import trace
        >>> (T,) = jax.export.symbolic_shape("T")
        >>> def rise(x):
        ...     return x[-1] - x[0]
        >>> text = to_c(trace(rise, jax.ShapeDtypeStruct((T, 3), jnp.float32)))
        >>> print(text[text.rindex("void rise") :])
        void rise(const float *x, int T, float *out, void *workspace)
        {
            (void)workspace;
            for (int i = 0; i < 3; i++) {
                out[i] = (x[(T - 1) * 3 + i] - x[i]);
            }
        }
        <BLANKLINE>
    """
    return _File(plain_graph(graph), name or graph.name or "f", doc, constants or {}).text()


def _type(value: Atom) -> str:
    return {"b": "unsigned char", "i": "int", "u": "int", "f": "float"}[kind_of(value.dtype)]


class _File:
    def __init__(self, graph: Graph, name: str, doc: str, constants: Mapping[str, Any]) -> None:
        self.graph, self.doc, self.function = graph, doc, identifier(name)
        self.names = Names({*WORDS, *HELPERS, self.function, f"{self.function}_workspace"})
        self.cells: dict[Value, Cell] = {}
        self.arrays: list[str] = []
        self.needs: list[Any] = []  # entries of each array in the workspace
        self.sizes: list[str] = []
        for value in graph.inputs:
            number_kind(value, f"The input {value.name}")
            for n in value.shape:
                if not isinstance(n, int):
                    self.sizes += [s for s in names_in(n) if s not in self.sizes]
        self.names.taken |= set(self.sizes)
        for value, wanted in constant_names(graph, constants).items():
            self.constant(value, self.names.free(wanted))

    def constant(self, value: Value, said: str) -> None:
        array = np.asarray(self.graph.constants[value])
        width = array.shape[-1] if array.ndim else 1
        flat = [number(v) for v in array.reshape(-1)]
        lines = [", ".join(flat[k : k + width]) for k in range(0, len(flat), max(width, 1))]
        body = ",\n    ".join(lines)
        self.arrays.append(f"static const {_type(value)} {said}[{max(len(flat), 1)}] = {{\n    {body}\n}};")
        self.cells[value] = stored(said, value)

    def text(self) -> str:
        inputs = []
        for value in self.graph.inputs:
            said = self.names.free(identifier(value.name))
            self.cells[value] = stored(said, value)
            inputs.append(f"const {_type(value)} *{said}")
        outputs = (
            ["out"] if len(self.graph.outputs) == 1 else [f"out_{k}" for k in range(len(self.graph.outputs))]
        )
        block = Block(self, self.graph.equations, self.graph.outputs)
        cells = block.run()
        for said, cell, value in zip(outputs, cells, self.graph.outputs, strict=True):
            block.fill(said, cell, value.shape)
        block.lines = _said_unread(block.lines)
        counts = [f"int {n}" for n in self.sizes]
        results = [f"{_type(v)} *{said}" for said, v in zip(outputs, self.graph.outputs, strict=True)]
        head = f"void {self.function}({', '.join([*inputs, *counts, *results, 'void *workspace'])})"
        asks = f"size_t {self.function}_workspace({', '.join(counts) or 'void'})"
        bytes_ = " + ".join(f"(size_t){size(n)}" for n in self.needs) or "0"
        ignored = [f"    (void){n};" for n in self.sizes if not re.search(rf"\b{n}\b", bytes_)]
        helpers = [t for n, t in HELPERS.items() if re.search(rf"\b{n}\(", "\n".join([*block.lines, bytes_]))]
        parts = [f"/*\n{_comment(self.doc)}\n*/"] if self.doc else []
        parts.append("#include <limits.h>\n#include <math.h>\n#include <stddef.h>\n#include <stdlib.h>")
        parts.append(f"{asks};\n{head};")
        parts += self.arrays
        if helpers:
            parts.append("\n".join(helpers))
        parts.append("\n".join([asks, "{", *ignored, f"    return 4 * ({bytes_});", "}"]))
        parts.append("\n".join([head, "{", "    (void)workspace;", *block.lines, "}"]))
        return "\n\n".join(parts) + "\n"

    def array(self, said: str, value: Value) -> str:
        """The declaration of an array: on the stack if it is small and its size known."""
        entries = product(value.shape)
        if isinstance(entries, int) and entries <= STACK:
            return f"{_type(value)} {said}[{max(entries, 1)}];"
        before = " + ".join(size(n) for n in self.needs)
        self.needs.append(entries)
        place = f"((float *)workspace) + {before}" if before else "workspace"
        # What is no float is as wide as one here.
        kind = "int" if _type(value) != "float" else "float"
        return f"{kind} *{said} = ({kind} *)({place});" if before else f"{kind} *{said} = {place};"


def stored(said: str, value: Value) -> Cell:
    """The cell of an array that is stored row by row."""
    shape = tuple(value.shape)
    return Cell(lambda index: f"{said}[{flat_index(index, shape)}]", shape, True, said)


class Block:
    """The statements of one body.

    Args:
        file: Where they go.
        equations: What they compute.
        outputs: What is wanted of it.
        depth: How far they are indented.
    """

    def __init__(
        self, file: _File, equations: Sequence[Equation], outputs: Sequence[Atom], depth: int = 1
    ) -> None:
        self.file, self.equations, self.outputs, self.depth = file, equations, outputs, depth
        self.lines: list[str] = []
        self.uses = uses(equations, outputs)
        self.makers: dict[Value, Equation] = {}

    def line(self, text: str) -> None:
        """One statement."""
        self.lines.append("    " * self.depth + text)

    def name(self, wanted: str) -> str:
        """A name of one's own."""
        return self.file.names.free(wanted)

    @contextmanager
    def loops(self, shape: Sequence[Any]) -> Iterator[list[str]]:
        """Nested loops over all entries of a shape, with their indices."""
        taken = set(self.file.names.taken)
        index = [self.name("i") for _ in shape]
        for i, n in zip(index, shape, strict=True):
            self.line(f"for (int {i} = 0; {i} < {size(n)}; {i}++) {{")
            self.depth += 1
        if not index:
            self.line("{")
            self.depth += 1
        yield index
        for _ in index or "x":
            self.depth -= 1
            self.line("}")
        self.file.names.taken = taken  # What is inside braces may be called the same elsewhere.

    def run(self) -> list[Cell]:
        """Write the statements; the cells of the outputs."""
        for equation in self.equations:
            if equation.primitive in ("scan", "while", "cond"):
                getattr(self, {"scan": "scan", "while": "loop", "cond": "choice"}[equation.primitive])(
                    equation
                )
                continue
            if len(equation.outputs) != 1:
                raise unsupported(equation)
            (value,) = equation.outputs
            number_kind(value, f"The result of {described(equation)}")
            self.makers[value] = equation
            cell = self.compute(equation, value)
            self.file.cells[value] = cell
            if self.uses.get(value, 0) > 1 and not cell.cheap:
                self.file.cells[value] = self.store(cell, value, equation)
        return [self.cell(o) for o in self.outputs]

    def compute(self, equation: Equation, value: Value) -> Cell:
        name = equation.primitive
        if name in ENTRIES:
            args = [self.cell(a) for a in equation.inputs]
            rule = ENTRIES[name]

            def at(index: Sequence[str]) -> str:
                return rule(equation, *(a.at(_aligned(index, a.shape)) for a in args))

            return Cell(at, tuple(value.shape))
        if name in VIEWS:
            return VIEWS[name](equation, self)
        if name not in LOOPS:
            raise unsupported(equation)
        said = self.name(self.file.names.hint(value, equation, set()))
        self.line(self.file.array(said, value))
        LOOPS[name](equation, self, said)
        return stored(said, value)

    def cell(self, atom: Atom) -> Cell:
        """A value, maybe to be computed where it is read."""
        if isinstance(atom, Literal):
            flat = [number(v) for v in atom.value.reshape(-1)]
            if not atom.shape:
                return Cell(lambda index: flat[0], (), cheap=True)
            value = Value("array", atom.shape, atom.dtype)
            said = self.name("array")
            self.line(f"static const {_type(value)} {said}[{len(flat)}] = {{{', '.join(flat)}}};")
            return stored(said, value)
        return self.file.cells[atom]

    def ready(self, atom: Atom, flat: bool = False) -> Cell:
        """A value that is there already, so that it may be read many times."""
        cell = self.cell(atom)
        if cell.cheap and (cell.flat or not flat):
            return cell
        assert isinstance(atom, Value)
        return self.store(cell, atom, self.makers.get(atom))

    def store(self, cell: Cell, value: Value, equation: Equation | None) -> Cell:
        """A copy of a value in an array of its own."""
        hint = self.file.names.hint(value, equation, set()) if equation else "copy"
        said = self.name(hint)
        self.line(self.file.array(said, value))
        self.fill(said, cell, value.shape)
        self.file.cells[value] = stored(said, value)
        return self.file.cells[value]

    def fill(self, said: str, cell: Cell, shape: Sequence[Any], before: Sequence[str] = ()) -> None:
        """Write every entry of a value to an array."""
        if not len(shape):
            self.line(f"{said}[{before[0] if before else 0}] = {cell.at([])};")
            return
        with self.loops(shape) as index:
            place = flat_index([*before, *index], [*(1 for _ in before), *shape])
            self.line(f"{said}[{place}] = {cell.at(_aligned(index, cell.shape))};")

    # --- bodies ------------------------------------------------------------------------------------------

    def inner(self, body: Graph) -> tuple[Block, list[Cell]]:
        """The block of a body, written."""
        block = Block(self.file, body.equations, body.outputs, self.depth + 1)
        return block, block.run()

    def states(self, inner: Sequence[Value], starts: Sequence[Atom]) -> tuple[list[str], list[str]]:
        """Arrays for states and for what they become."""
        now, then = [], []
        for value, start in zip(inner, starts, strict=True):
            hint = re.sub(r"(\.\d+|_\d+)+$", "", value.name)
            now.append(self.name(identifier(hint) if len(hint) > 2 else "state"))
            then.append(self.name(f"next_{now[-1]}"))
            self.line(self.file.array(now[-1], value))
            self.line(self.file.array(then[-1], value))
            self.fill(now[-1], self.cell(start), value.shape)
            self.file.cells[value] = stored(now[-1], value)
        return now, then

    def advance(self, now: Sequence[str], then: Sequence[str], values: Sequence[Value]) -> None:
        for one, other, value in zip(now, then, values, strict=True):
            self.fill(one, stored(other, value), value.shape)

    def scan(self, equation: Equation) -> None:
        body, carried = equation.params["jaxpr"], equation.params["num_carry"]
        through = [self.ready(a) for a in equation.inputs[carried:]]
        now, then = self.states(body.inputs[:carried], equation.inputs[:carried])
        stacks = [self.name(self.file.names.hint(v, equation)) for v in equation.outputs[carried:]]
        for said, value in zip(stacks, equation.outputs[carried:], strict=True):
            self.line(self.file.array(said, value))
        t, length = self.name("t"), equation.params["length"]
        if equation.params["reverse"]:
            self.line(f"for (int {t} = {size(length - 1)}; {t} >= 0; {t}--) {{")
        else:
            self.line(f"for (int {t} = 0; {t} < {size(length)}; {t}++) {{")
        for value, cell in zip(body.inputs[carried:], through, strict=True):
            self.file.cells[value] = Cell(
                lambda index, cell=cell: cell.at([t, *index]), tuple(value.shape), cheap=True
            )
        block, cells = self.inner(body)
        for said, cell, value in zip(then, cells[:carried], body.inputs[:carried], strict=True):
            block.fill(said, cell, value.shape)
        for said, cell, atom in zip(stacks, cells[carried:], body.outputs[carried:], strict=True):
            block.fill(said, cell, atom.shape, [t])
        block.advance(now, then, body.inputs[:carried])
        self.lines += block.lines
        self.line("}")
        for said, value in zip([*now, *stacks], equation.outputs, strict=True):
            self.file.cells[value] = stored(said, value)

    def loop(self, equation: Equation) -> None:
        cond, body = equation.params["cond_jaxpr"], equation.params["body_jaxpr"]
        now, then = self.states(body.inputs, equation.inputs)
        for value, said in zip(cond.inputs, now, strict=True):
            self.file.cells[value] = stored(said, value)
        self.line("for (;;) {")
        block, (test,) = self.inner(cond)
        block.line(f"if (!({test.at([])})) break;")
        self.lines += block.lines
        block, cells = self.inner(body)
        for said, cell, value in zip(then, cells, body.inputs, strict=True):
            block.fill(said, cell, value.shape)
        block.advance(now, then, body.inputs)
        self.lines += block.lines
        self.line("}")
        for said, value in zip(now, equation.outputs, strict=True):
            self.file.cells[value] = stored(said, value)

    def choice(self, equation: Equation) -> None:
        branches = equation.params["branches"]
        which = self.ready(equation.inputs[0]).at([])
        results = []
        for value in equation.outputs:
            results.append(self.name(self.file.names.hint(value, equation)))
            self.line(self.file.array(results[-1], value))
        if equation.inputs[0].dtype == np.bool_:
            tests, order = [which, ""], [1, 0]
        else:
            order = list(range(len(branches)))
            tests = [f"{which} <= 0", *(f"{which} == {k}" for k in order[1:-1]), ""]
        for test, k in zip(tests, order, strict=True):
            self.line(
                f"if ({test}) {{"
                if k == order[0]
                else ("} else {" if not test else f"}} else if ({test}) {{")
            )
            block, cells = self.inner(branches[k])
            for said, cell, value in zip(results, cells, equation.outputs, strict=True):
                block.fill(said, cell, value.shape)
            self.lines += block.lines
        self.line("}")
        for said, value in zip(results, equation.outputs, strict=True):
            self.file.cells[value] = stored(said, value)


def _aligned(index: Sequence[str], shape: Sequence[Any]) -> list[str]:
    """The index of an operand that NumPy would broadcast."""
    last = index[len(index) - len(shape) :]
    return ["0" if isinstance(n, int) and n == 1 else i for i, n in zip(last, shape, strict=True)]


def _said_unread(lines: Sequence[str]) -> list[str]:
    """The lines, with a note after arrays that are written only: an entry of what is the same everywhere."""
    text, found = "\n".join(lines), []
    for line in lines:
        found.append(line)
        declared = re.fullmatch(r"(\s*)(?:float|int|unsigned char) (\w+)\[\d+\];", line)
        if declared:
            name = declared[2]
            written = re.findall(rf"^\s*{name}\[[^=]*\] =", text, re.M)
            if len(re.findall(rf"\b{name}\b", text)) == len(written) + 1:
                found.append(f"{declared[1]}(void){name};")
    return found


def _comment(doc: str) -> str:
    return doc.strip().replace("*/", "* /").replace("/*", "/ *")
