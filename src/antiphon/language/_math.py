"""A program as one line of mathematics, and as LaTeX."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from antiphon.language._architecture_words import is_network, network_words
from antiphon.language._expressions import (
    block,
    by_source,
    constants,
    number,
    read_at_end,
    terms_of,
)
from antiphon.language._formula import (
    Block,
    Branch,
    Call,
    Cell,
    Choice,
    EachFrame,
    Entry,
    Expression,
    Power,
    Product,
    Quotient,
    Rows,
    Sum,
)

if TYPE_CHECKING:
    from antiphon.language._program import Program

MANY = 8  # numbers in a formula above which it is written with matrices
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def to_math(program: Program) -> str:
    """A program as one line of mathematics; where matrices have names, a legend says below what they are.

    Example:
        >>> from antiphon.language import Program
        >>> print(to_math(Program.parse('''language sequence
        ... input x: Seq[Real[2]] of speed, angle
        ... output classes ["rest", "walk"]
        ... program
        ...   affine[1.8*speed - 0.3*angle + 0.4](mean(x)) + affine[2*speed](last(x))
        ... ''')))
        1.8·mean(speed) - 0.3·mean(angle) + 2·last(speed) > -0.4
    """
    if is_network(program):
        return network_words(program)
    return _Plain(program).text()


def to_latex(program: Program) -> str:
    r"""A program as LaTeX for a `\[ ... \]`, with amsmath; large matrices show their corners only.

    Example:
        >>> from antiphon.language import Program
        >>> print(to_latex(Program.parse('''language sequence
        ... input x: Seq[Real[1]] of nose_distance
        ... output numbers y
        ... program
        ...   affine[-0.5*nose_distance + 2](mean(x))
        ... ''')))
        y = -0.5 \cdot \operatorname{mean}(\mathrm{nose\_distance}) + 2
    """
    if is_network(program):
        lines = [rf"&\text{{{_escape(line)}}}" for line in network_words(program).splitlines()]
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"
    return _Latex(program).text()


class _Plain:
    """One line of plain text; `_Latex` says the same parts in LaTeX."""

    times = "·"

    def __init__(self, program: Program) -> None:
        self.program, self.output = program, program.output
        self.rate_hz = program.language.rate_hz
        self.is_formula = "column" in program.language.primitives
        self.matrices: list[tuple[str, tuple[str, ...], list[list[float]]]] = []

    def text(self) -> str:
        whole = block(self.program)
        if isinstance(whole, EachFrame):
            whole = whole.body
        if self.output.task == "regression":
            names = self.output.targets
            left = self.name(names[0]) if len(names) == 1 else self.vector([self.name(n) for n in names])
            return self.legend(f"{left} = {self.block(whole)}")
        if self.output.scores > 1:
            return self.legend(self.largest(self.block(whole)))
        probability = 0.5 if self.output.threshold is None else self.output.threshold
        limit = math.log(probability / (1 - probability))
        if isinstance(whole, Rows) and len(terms_of(whole.rows[0])) <= MANY:
            return self.legend(self.above(whole.rows[0], limit))
        return self.legend(f"{self.block(whole)} > {self.number(limit)}")

    def block(self, whole: Block) -> str:
        match whole:
            case EachFrame(body=body):
                return self.block(body)
            case Branch(condition=condition, yes=yes, no=no):
                return self.choice(self.above(condition), self.block(yes), self.block(no))
            case Rows(rows=rows):
                return self.rows(rows)

    def rows(self, rows: tuple[Expression, ...]) -> str:
        count = sum(len(terms_of(r)) for r in rows)
        sources = by_source(rows, tuple(self.program.language.features))
        if count <= MANY or not sources:
            return self.say(rows[0]) if len(rows) == 1 else self.vector([self.say(r) for r in rows])
        parts = []
        for source, columns in sources.items():
            letter = LETTERS[len(self.matrices) % 26] + "'" * (len(self.matrices) // 26)
            weights = [list(row) for row in zip(*columns.values(), strict=True)]
            self.matrices.append((letter, tuple(columns), weights))
            parts.append(f"{self.matrix(letter)}{self.times}{self.say(source)}")
        fixed = [row.constant if isinstance(row, Sum) else 0.0 for row in rows]
        if any(fixed):
            letter = "c" + "'" * sum(m[0].startswith("c") for m in self.matrices)
            self.matrices.append((letter, (), [[c] for c in fixed]))
            parts.append(self.matrix(letter))
        return " + ".join(parts)

    def above(self, expression: Expression, limit: float = 0.0) -> str:
        """`expression > limit`, with the constant on the right."""
        if not isinstance(expression, Sum) or not expression.terms:
            return f"{self.say(expression)} > {self.number(limit)}"
        right = limit - expression.constant
        if len(expression.terms) == 1:
            weight, only = expression.terms[0]
            return f"{self.say(only)} {'>' if weight > 0 else '<'} {self.number(right / weight)}"
        return f"{self.say(Sum(expression.terms, 0.0))} > {self.number(right)}"

    def say(self, expression: Expression, *, tight: bool = False) -> str:
        match expression:
            case Entry(name=name, whole=whole):
                return "x" if whole else self.name(name)
            case Cell(of=of, index=index):
                return self.cell(self.say(of), index + 1)
            case Call():
                return self.call(expression)
            case Product(left=left, right=right):
                return f"{self.say(left, tight=True)}{self.times}{self.say(right, tight=True)}"
            case Quotient(top=top, bottom=bottom):
                return self.fraction(top, bottom)
            case Power(base=base, exponent=exponent):
                return self.power(base, exponent)
            case Choice(condition=condition, yes=yes, no=no):
                return self.choice(self.above(condition), self.say(yes), self.say(no))
            case Sum(terms=terms, constant=constant):
                # `1 - a / b`, as in a textbook, and not `-a / b + 1`.
                first = self.is_formula and constant > 0 and all(w < 0 for w, _ in terms)
                text = self.number(constant) if first and terms else ""
                for weight, term in terms:
                    sign = ("-" if weight < 0 else "") if not text else (" - " if weight < 0 else " + ")
                    factor = "" if abs(weight) == 1 else self.number(abs(weight)) + self.times
                    text += sign + factor + self.say(term, tight=True)
                if not text:
                    return self.number(constant)
                if constant and not first:
                    text += f" {'-' if constant < 0 else '+'} {self.number(abs(constant))}"
                return self.bracket(text) if tight else text

    def call(self, call: Call) -> str:
        end = read_at_end(call)
        call, look = end or (call, "")
        said = constants(call, self.rate_hz, look)
        window = [said.pop(key) for key in ("look", "width", "part") if key in said]
        settings = [" ".join(window).removeprefix("the ")] if window else []
        if said:
            settings.append(" ".join(f"{key} {value}" for key, value in said.items()))
        name = re.sub(r"^window_", "", call.name)
        return self.function(name, settings, [self.say(a) for a in call.args])

    def fraction(self, top: Expression, bottom: Expression) -> str:
        below = self.say(bottom, tight=True)
        return f"{self.say(top, tight=True)}/{self.bracket(below) if isinstance(bottom, Product) else below}"

    def power(self, base: Expression, exponent: Expression) -> str:
        below = self.say(base, tight=True)
        loose = isinstance(base, Product | Quotient | Power) or below.startswith("-")
        inner = self.bracket(below) if loose else below
        above = self.say(exponent, tight=True)
        simple = above.replace(".", "").isalnum() or above.startswith("(")
        return f"{inner}^{above if simple else self.bracket(above)}"

    def number(self, value: float) -> str:
        return number(value)

    def name(self, name: str) -> str:
        return name

    def matrix(self, letter: str) -> str:
        return letter

    def bracket(self, text: str) -> str:
        return f"({text})"

    def cell(self, text: str, index: int) -> str:
        return f"{text}[{index}]"

    def function(self, name: str, settings: list[str], args: list[str]) -> str:
        return f"{name}({', '.join([*args, *settings])})"

    def choice(self, condition: str, yes: str, no: str) -> str:
        return f"({yes} if {condition} else {no})"

    def vector(self, parts: Sequence[str]) -> str:
        return "[" + "; ".join(parts) + "]"

    def largest(self, text: str) -> str:
        return f"argmax {text}"

    def legend(self, text: str) -> str:
        lines = [text]
        for letter, names, weights in self.matrices:
            if not names:
                lines.append(f"  {letter}: [{'; '.join(self.number(w) for (w,) in weights)}]")
                continue
            rows = "; ".join(" ".join(number(w, 3) for w in row) for row in weights)
            shown = f"[{rows}]" if len(rows) <= 60 else f"{len(weights)} × {len(names)}"
            lines.append(f"  {letter}: {shown}, of {_elided(names)}")
        return "\n".join(lines)


def _elided(names: tuple[str, ...]) -> str:
    return ", ".join(names if len(names) <= 4 else [*names[:2], "...", names[-1]])


# What LaTeX has a way of its own for.
_FUNCTIONS = {
    "sqrt": r"\sqrt{{{0}}}",
    "exp": r"e^{{{0}}}",
    "abs": r"\left|{0}\right|",
    **{name: rf"\{name}\left({{0}}\right)" for name in ("log", "sin", "cos", "tan", "tanh")},
}
_SPECIAL = re.compile(r"[\\{}$&#^_%~]")
_ESCAPES = {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}


def _escape(text: str) -> str:
    return _SPECIAL.sub(lambda m: _ESCAPES.get(m[0], "\\" + m[0]), text)


class _Latex(_Plain):
    times = r" \cdot "

    def number(self, value: float) -> str:
        text = number(value)
        mantissa, e, exponent = text.partition("e")
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if e else text

    def name(self, name: str) -> str:
        if re.fullmatch("[A-Za-z]", name):
            return name
        return rf"\mathrm{{{_escape(name)}}}" if name.isidentifier() else rf"\text{{{_escape(name)}}}"

    def fraction(self, top: Expression, bottom: Expression) -> str:
        return rf"\frac{{{self.say(top)}}}{{{self.say(bottom)}}}"

    def power(self, base: Expression, exponent: Expression) -> str:
        below = self.say(base, tight=True)
        plain = isinstance(base, Entry | Sum) and not below.startswith("-")
        inner = below if plain else self.bracket(below)
        return f"{inner}^{{{self.say(exponent)}}}"

    def matrix(self, letter: str) -> str:
        return rf"\mathbf{{{letter[0]}}}" + letter[1:]

    def bracket(self, text: str) -> str:
        return rf"\left({text}\right)"

    def cell(self, text: str, index: int) -> str:
        return f"{{{text}}}_{{{index}}}"

    def function(self, name: str, settings: list[str], args: list[str]) -> str:
        if name in _FUNCTIONS and not settings:
            return _FUNCTIONS[name].format(args[0])
        below = rf"_{{\text{{{_escape(', '.join(settings))}}}}}" if settings else ""
        return rf"\operatorname{{{_escape(name)}}}{below}({', '.join(args)})"

    def choice(self, condition: str, yes: str, no: str) -> str:
        return rf"\begin{{cases}} {yes} & \text{{if }} {condition} \\ {no} & \text{{otherwise}} \end{{cases}}"

    def vector(self, parts: Sequence[str]) -> str:
        return r"\begin{bmatrix} " + r" \\ ".join(parts) + r" \end{bmatrix}"

    def largest(self, text: str) -> str:
        return rf"\operatorname*{{arg\,max}} \; {text}"

    def legend(self, text: str) -> str:
        if not self.matrices:
            return text
        lines = [f"&{text}"]
        for letter, names, weights in self.matrices:
            size = rf" \in \mathbb{{R}}^{{{len(weights)} \times {len(names)}}}" if names else ""
            lines.append(f"&{self.matrix(letter)} = {self._corners(weights)}{size}")
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def _corners(self, weights: list[list[float]]) -> str:
        def ends(items: list[str], dots: str) -> list[str]:
            return items if len(items) <= 4 else [*items[:2], dots, items[-1]]

        rows = [" & ".join(ends([self.number(w) for w in row], r"\cdots")) for row in weights]
        across = min(len(weights[0]), 4)
        return self.vector(ends(rows, " & ".join([r"\vdots"] * across)))
