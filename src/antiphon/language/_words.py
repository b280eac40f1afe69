"""A program in sentences that somebody who knows the data, but not programs, can argue with."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING

from antiphon.language._architecture_words import is_network, network_words
from antiphon.language._expressions import (
    block,
    constants,
    number,
    read_at_end,
    source_of,
    terms_of,
    unit_of,
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
from antiphon.language._print import fill_sum

if TYPE_CHECKING:
    from antiphon.language._program import Program

WIDTH = 100
MANY = 6  # terms in a row above which many rows are a table
STRONGEST = 4
WEAK = 0.3  # of the strongest contribution of a class; below this it is not worth a word


def to_words(program: Program, *, spreads: Mapping[str, float] | None = None) -> str:
    """A program in indented sentences; a network with a line for each of its layers.

    Args:
        program: The program.
        spreads: Feature, or a phrase such as "mean of speed" -> its usual deviation, where known: what is
            said first of many weights is then what moves the score most, and not what has the largest number.

    Returns:
        Lines of text. Numbers have at most four significant digits here; the program's own text is exact.

    Example:
        >>> from antiphon.language import Program
        >>> print(to_words(Program.parse('''language sequence
        ... input x: Seq[Real[2]] of speed [cm/s], nose [cm]
        ... rate 30 Hz
        ... output numbers interest
        ... program
        ...   if affine[-1*nose + 2.1](last(window_mean[width=0.5 s, look=trailing](x))) > 0
        ...   then affine[1.8*speed - 0.4](mean(x)) else affine[-3.2](mean(x))
        ... ''')))
        interest =
          if  mean of nose over the last 0.5 s < 2.1 cm
          then  1.8 × mean of speed - 0.4
          else  -3.2
    """
    if is_network(program):
        return network_words(program)
    return _Words(program, spreads or {}).text()


class _Words:
    def __init__(self, program: Program, spreads: Mapping[str, float]) -> None:
        self.program, self.output, self.spreads = program, program.output, spreads
        self.rate_hz = program.language.rate_hz
        self.names = tuple(str(c) for c in self.output.classes) or self.output.targets

    def text(self) -> str:
        whole = block(self.program)
        if isinstance(whole, EachFrame):
            return "for each frame:\n" + _indent(self.decision(whole.body))
        return self.decision(whole)

    def decision(self, whole: Block) -> str:
        """What is decided, and below it the numbers that decide."""
        if self.output.task == "regression":
            if len(self.names) == 1:
                return self._under(f"{self.names[0]} =", whole)
            return self.block(whole)
        if self.output.scores > 1:
            return self._under("the class with the largest score:", whole)
        no, yes = self.names
        probability = 0.5 if self.output.threshold is None else self.output.threshold
        limit = math.log(probability / (1 - probability))
        if isinstance(whole, Rows):
            return f"{yes}  if  {self.condition(whole.rows[0], limit)}\n{no}  otherwise"
        return self._under(f"{yes} if this number is above {number(limit)}, otherwise {no}:", whole)

    def _under(self, head: str, whole: Block) -> str:
        text = self.block(whole)
        if "\n" not in text and len(head) + len(text) < WIDTH:
            return f"{head} {text}"
        return f"{head}\n{_indent(text)}"

    def block(self, whole: Block) -> str:
        match whole:
            case EachFrame(body=body):
                return "for each frame:\n" + _indent(self.block(body))
            case Branch(condition=condition, yes=yes, no=no):
                parts = [f"if  {self.condition(condition)}"]
                for word, branch in (("then", yes), ("else", no)):
                    text = self.block(branch)
                    parts.append(f"{word}\n{_indent(text)}" if "\n" in text else f"{word}  {text}")
                return "\n".join(parts)
            case Rows(rows=(row,)):
                return _wrap(self.say(row))
            case Rows(rows=rows):
                return self.rows(rows)

    def rows(self, rows: tuple[Expression, ...]) -> str:
        if not all(isinstance(r, Sum) for r in rows) or max(len(terms_of(r)) for r in rows) <= MANY:
            return "\n".join(
                f"{name}:  {_wrap(self.say(row))}" for name, row in zip(self.names, rows, strict=True)
            )
        return self._strongest(rows) + "\n\n" + self._table(rows)

    def _strongest(self, rows: tuple[Expression, ...]) -> str:
        """For each class, the few contributions that set it apart from the average class."""
        columns = self._columns(rows)
        lines = []
        for i, name in enumerate(self.names):
            pull = {e: (w[i] - sum(w) / len(w)) * self._spread(e) for e, w in columns.items()}
            ranked = sorted(pull, key=lambda e: -abs(pull[e]))[:STRONGEST]
            said = [
                f"{'high' if pull[e] > 0 else 'low'} {self.say(e, tight=True)}"
                for e in ranked
                if abs(pull[e]) > WEAK * abs(pull[ranked[0]])
            ]
            lines.append(f"{name}:  for " + (", ".join(said) or "no reason of its own"))
        return "\n".join(lines)

    def _table(self, rows: tuple[Expression, ...]) -> str:
        """All weights: a line for each thing that is read, a column for each class."""
        cells = [["each score is the sum of", *self.names]]
        for expression, weights in self._columns(rows).items():
            cells.append([self.say(expression, tight=True), *(number(w, 3) if w else "." for w in weights)])
        fixed = [row.constant if isinstance(row, Sum) else 0.0 for row in rows]
        cells.append(["a constant", *(number(c, 3) for c in fixed)])
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return "\n".join(
            (
                line[0].ljust(widths[0])
                + "".join(f"  {c:>{w}}" for c, w in zip(line[1:], widths[1:], strict=True))
            )
            for line in cells
        )

    def _columns(self, rows: tuple[Expression, ...]) -> dict[Expression, list[float]]:
        """What is read -> its weight in each row; first all means, then all last frames, and so on."""
        columns: dict[Expression, list[float]] = {}
        for i, row in enumerate(rows):
            for weight, expression in terms_of(row):
                columns.setdefault(expression, [0.0] * len(rows))[i] = weight
        features = list(self.program.language.features)
        split = {e: source_of(e) or (e, "") for e in columns}
        sources = list(dict.fromkeys(source for source, _ in split.values()))

        def place(expression: Expression) -> tuple[int, int]:
            source, name = split[expression]
            return sources.index(source), features.index(name) if name in features else -1

        return {e: columns[e] for e in sorted(columns, key=place)}

    def _spread(self, expression: Expression) -> float:
        if self.spreads and (known := self.spreads.get(self.say(expression, tight=True))) is not None:
            return known
        match expression:
            case Entry(name=name):
                return self.spreads.get(name, 1.0)
            case Call(args=(argument, *_)):
                return self._spread(argument)
        return 1.0

    def condition(self, expression: Expression, limit: float = 0.0) -> str:
        """`expression > limit`, with the constants on the right."""
        terms, constant = terms_of(expression), expression.constant if isinstance(expression, Sum) else 0.0
        right = limit - constant
        if not terms:
            return "always" if constant > limit else "never"
        if len(terms) == 1:
            weight, only = terms[0]
            unit = unit_of(only)
            sign = ">" if weight > 0 else "<"
            return f"{self.say(only)} {sign} {number(right / weight)} {unit}".rstrip()
        if all(w < 0 for w, _ in terms):
            return f"{self._sum(tuple((-w, e) for w, e in terms), 0.0)} < {number(-right)}"
        # The first term stands without a minus wherever another can stand before it.
        ordered = tuple(sorted(terms, key=lambda term: term[0] < 0))
        if len(terms) == 2 and right == 0:
            (w, above), (v, below) = ordered
            return (
                f"{self._times(w, above)} > {self._times(-v, below)}" if v < 0 else self._more(ordered, right)
            )
        return self._more(ordered, right)

    def _more(self, terms: tuple[tuple[float, Expression], ...], right: float) -> str:
        return f"{self._sum(terms, 0.0)} > {number(right)}"

    def say(self, expression: Expression, *, tight: bool = False) -> str:
        """An expression as a phrase; `tight` puts what could be misread in brackets."""
        match expression:
            case Entry(name=name, whole=whole):
                return "all features" if whole else name
            case Cell(of=of, index=index):
                return f"cell {index + 1} of the {self.say(of, tight=True)}"
            case Call():
                return self._call(expression, tight=tight)
            case Product(left=left, right=right):
                text = f"{self.say(left, tight=True)} × {self.say(right, tight=True)}"
            case Quotient(top=top, bottom=bottom):
                text = f"{self.say(top, tight=True)} / {self.say(bottom, tight=True)}"
            case Power(base=base, exponent=exponent):
                text = self._power(base, exponent)
            case Choice(condition=condition, yes=yes, no=no):
                text = f"{self.say(yes)} if {self.condition(condition)} else {self.say(no)}"
                return f"({text})"
            case Sum(terms=terms, constant=constant):
                text = self._sum(terms, constant)
                if not terms:
                    return text
        return f"({text})" if tight else text

    def _power(self, base: Expression, exponent: Expression) -> str:
        known = {2.0: "squared", 3.0: "cubed"}
        whole = exponent.constant if isinstance(exponent, Sum) and not exponent.terms else None
        said = known.get(whole or 0.0) or f"to the power of {self.say(exponent, tight=True)}"
        return f"{self.say(base, tight=True)} {said}"

    def _call(self, call: Call, *, tight: bool) -> str:
        end = read_at_end(call)
        call, look = end or (call, "")
        args = [self.say(a, tight=True) for a in call.args]
        # Only a window inside something else can be misread.
        args = [f"({a})" if " over " in a and not a.startswith("(") else a for a in args]
        return call.prints.format(*args, **constants(call, self.rate_hz, look))

    def _times(self, weight: float, expression: Expression) -> str:
        said = self.say(expression, tight=True)
        return said if weight == 1 else f"{number(weight)} × {said}"

    def _sum(self, terms: tuple[tuple[float, Expression], ...], constant: float) -> str:
        text = ""
        for weight, expression in terms:
            sign = ("-" if weight < 0 else "") if not text else (" - " if weight < 0 else " + ")
            text += sign + self._times(abs(weight), expression)
        if not text:
            return number(constant)
        if constant == 0:
            return text
        return f"{text} {'-' if constant < 0 else '+'} {number(abs(constant))}"


def _indent(text: str) -> str:
    return textwrap.indent(text, "  ", lambda line: bool(line.strip()))


def _wrap(text: str) -> str:
    """Long sums go on in further lines, each of which starts with its sign."""
    return text if len(text) <= WIDTH else fill_sum(text, WIDTH, "    ")
