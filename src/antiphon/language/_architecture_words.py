"""A network in words: its layers and what its cells compute, with letters for its arrays.

The other readable forms follow each number back to the features it comes from. That says nothing of a
network; here each layer gets a line, and a legend says how large the arrays are.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from antiphon.language._architecture import architecture
from antiphon.language._terms import Apply, Hole, Lam, Term, Var, walk

if TYPE_CHECKING:
    from antiphon.language._program import Program

LAYERS = ("linear", "fold", "graph", "cell", "embed", "standard", "mix", "conv")
WIDTH = 100


def is_network(program: Program) -> bool:
    """Whether a program has layers of `architecture`.

    Example:
        >>> from antiphon.language import Program
        >>> is_network(Program.parse('''language sequence
        ... input x: Seq[Real[1]] of speed
        ... output numbers y
        ... program
        ...   mean(x)
        ... '''))
        False
    """
    words = program.language.primitives
    return any(
        isinstance(node, Apply) and node.name in LAYERS and words[node.name] is architecture[node.name]
        for _, node in walk(program.term)
    )


def network_words(program: Program) -> str:
    """A network, a line for each layer, from the output down.

    Example:
        >>> from antiphon.language import Program
        >>> print(network_words(Program.parse('''language architecture
        ... input x: Seq[Real[1]] of speed
        ... output numbers y
        ... program
        ...   linear[bias=[0.5], weight=[[1, -1]]](last(fold[hidden=2](h -> v -> tanh(
        ...     mix[bias=[0, 0], kernel=[[1], [2]], recurrent=[[0, 1], [1, 0]]](v, h)), x)))
        ... ''')))
        y = W1 l1 + b1
          l1 = last of l2
          l2 = states of a cell of 2 units, for each frame v of x: h ← tanh(K2 v + R2 h + b2), from h = 0
        W1 1 × 2, b1 1, K2 2 × 1, R2 2 × 2, b2 2: 11 numbers
    """
    return _Describer(program).text()


class _Describer:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.layers: list[str] = []
        self.arrays: list[tuple[str, tuple[int, ...]]] = []
        self.leaves = self.gates = 0

    def text(self) -> str:
        output = self.program.output
        whole = self.say(self.program.term)
        if output.task == "regression":
            names = ", ".join(output.targets)
            head = f"{names} = {whole}"
        elif output.scores > 1:
            head = f"the class with the largest of the {output.scores} scores {whole}"
        else:
            chance = 0.5 if output.threshold is None else output.threshold
            no, yes = output.classes
            head = f"{yes} if sigmoid({whole}) > {chance:g}, otherwise {no}"
        numbers = sum(_count(shape) for _, shape in self.arrays)
        sizes = ", ".join(f"{name} {' × '.join(map(str, shape))}" for name, shape in self.arrays)
        lines = [head, *(f"  {line}" for line in self.layers), f"{sizes}: {numbers} numbers"]
        return "\n".join(_wrap(line) for line in lines)

    def array(self, node: Apply, **letters: str) -> list[str]:
        """Names for the arrays of a leaf, such as K2 and b2; they go to the legend."""
        self.leaves += 1
        assert node.parameters is not None
        names = []
        for key, letter in letters.items():
            names.append(f"{letter}{self.leaves}")
            self.arrays.append((names[-1], node.parameters[key].shape))
        return names

    def name(self, term: Term) -> str:
        """A term as a name: of a variable, or of a layer that gets a line."""
        if isinstance(term, Var):
            return term.name
        place = len(self.layers)
        name = f"l{place + 1}"
        self.layers.append("")
        self.layers[place] = f"{name} = {self.say(term)}"
        return name

    def say(self, term: Term) -> str:
        match term:
            case Var(name=name):
                return name
            case Lam(body=body):
                return self.say(body)
            case Apply():
                return self.apply(term)
        assert not isinstance(term, Hole)
        return ""

    def inner(self, node: Apply, i: int) -> str:
        return self.say(node.args[i])

    def apply(self, node: Apply) -> str:
        match node.name:
            case "linear":
                weight, bias = self.array(node, weight="W", bias="b")
                return f"{weight} {self.factor(node.args[0])} + {bias}"
            case "mix":
                kernel, recurrent, bias = self.array(node, kernel="K", recurrent="R", bias="b")
                v, h = (self.factor(a) for a in node.args)
                return f"{kernel} {v} + {recurrent} {h} + {bias}"
            case "gate":
                self.gates += 1
                letter = f"g{self.gates}"
                score = self.inner(node, 0)
                a, b = (self.factor(n) for n in node.args[1:])
                return f"{letter}·{a} + (1 - {letter})·{b} [{letter} = sigmoid({score})]"
            case "tanh" | "sigmoid" | "relu":
                return f"{node.name}({self.inner(node, 0)})"
            case "add":
                return " + ".join(self.inner(node, i) for i in (0, 1))
            case "mul":
                return "·".join(self.factor(a) for a in node.args)
            case "standard":
                shift, scale = self.array(node, shift="m", scale="s")
                read = self.factor(node.args[0])
                return f"({read} - {shift}) / {scale}"
            case "embed":
                weight, bias = self.array(node, weight="W", bias="b")
                read = self.name(node.args[0])
                return f"{node.setting('width')} channels of {read}: {weight} v + {bias} for each frame v"
            case "conv":
                kernel, gain, offset = self.array(node, kernel="C", gain="g", offset="o")
                return f"conv{node.setting('width')}[{kernel}, {gain}, {offset}]({self.inner(node, 0)})"
            case "none" | "skip" | "pool":
                return {"none": "0", "skip": self.inner(node, 0)}.get(
                    node.name, f"pool3({self.inner(node, 0)})"
                )
        return self.structure(node)

    def structure(self, node: Apply) -> str:
        match node.name:
            case "fold":
                read = self.name(node.args[1])
                state = node.args[0]
                h, v = _variable(state), _variable(state.body if isinstance(state, Lam) else state)
                return (
                    f"states of a cell of {node.setting('hidden')} units, for each frame {v} of {read}: "
                    f"{h} ← {self.inner(node, 0)}, from {h} = 0"
                )
            case "graph":
                read = self.name(node.args[2])
                return (
                    f"for each frame u of {read}, with a the {node.setting('gather')} of the messages "
                    f"{self.inner(node, 0)} of its neighbours (reach {node.setting('reach')}): "
                    f"{self.inner(node, 1)}"
                )
            case "cell":
                read = self.name(node.args[3])
                one, two, three = (self.inner(node, i) for i in range(3))
                return f"cell of a = {read}, b = {one}, c = {two}: {three}"
            case "map":
                read = self.name(node.args[1])
                return f"{self.inner(node, 0)} for each frame {_variable(node.args[0])} of {read}"
            case "affine":
                weight, bias, centre = self.array(node, weight="W", bias="b", centre="c")
                return f"{weight} ({self.name(node.args[0])} - {centre}) + {bias}"
        args = [self.name(a) for a in node.args]
        return f"{node.name} of {', '.join(args)}"

    def factor(self, term: Term) -> str:
        """A term as a factor: a layer by its name, a sum in brackets."""
        if isinstance(term, Apply) and _is_layer(term):
            return self.name(term)
        said = self.say(term)
        simple = isinstance(term, Var) or (
            isinstance(term, Apply) and term.name in ("tanh", "sigmoid", "relu")
        )
        return said if simple else f"({said})"


def _wrap(line: str) -> str:
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.fill(
        line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _is_layer(term: Apply) -> bool:
    """Whether a term is no part of a cell's body."""
    return any(isinstance(n, Var) and n.name == "x" for _, n in walk(term))


def _variable(term: Term) -> str:
    return term.name if isinstance(term, Lam) else ""


def _count(shape: tuple[int, ...]) -> int:
    product = 1
    for length in shape:
        product *= length
    return product
