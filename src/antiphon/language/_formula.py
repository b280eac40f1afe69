"""The parts that formulas for people are made of: what a program says about each number that it gives."""

from __future__ import annotations

from dataclasses import dataclass

from antiphon.language._terms import Value


@dataclass(frozen=True)
class Entry:
    """One entry of a frame (or, without an index, all of them)."""

    name: str
    unit: str = ""
    whole: bool = False


@dataclass(frozen=True)
class Call:
    """A primitive applied; `prints` are its words."""

    name: str
    prints: str
    config: tuple[tuple[str, Value], ...]
    args: tuple[Expression, ...]
    unitless: bool = False


@dataclass(frozen=True)
class Cell:
    """One number of a vector whose entries have no meaning of their own."""

    of: Expression
    index: int


@dataclass(frozen=True)
class Sum:
    """A weighted sum and a constant; no term is a `Sum` itself, and no weight is 0."""

    terms: tuple[tuple[float, Expression], ...]
    constant: float


@dataclass(frozen=True)
class Product:
    """Two expressions multiplied."""

    left: Expression
    right: Expression


@dataclass(frozen=True)
class Quotient:
    """One expression over another."""

    top: Expression
    bottom: Expression


@dataclass(frozen=True)
class Power:
    """One expression to the power of another."""

    base: Expression
    exponent: Expression


@dataclass(frozen=True)
class Choice:
    """`yes` where the condition is above 0, else `no`."""

    condition: Expression
    yes: Expression
    no: Expression


Expression = Entry | Call | Cell | Sum | Product | Quotient | Power | Choice


@dataclass(frozen=True)
class Rows:
    """One expression for each number of the output."""

    rows: tuple[Expression, ...]


@dataclass(frozen=True)
class Branch:
    """A choice between two whole blocks."""

    condition: Expression
    yes: Block
    no: Block


@dataclass(frozen=True)
class EachFrame:
    """A block that holds for every frame."""

    body: Block


Block = Rows | Branch | EachFrame


def add_up(parts: list[tuple[float, Expression]], constant: float = 0.0) -> Expression:
    """The weighted sum of expressions, as flat as it can be.

    Example:
        >>> speed = Entry("speed")
        >>> add_up([(2.0, speed), (1.0, Sum(((3.0, speed),), 0.5))])
        Sum(terms=((5.0, Entry(name='speed', unit='', whole=False)),), constant=0.5)
    """
    weights: dict[Expression, float] = {}
    for weight, part in parts:
        if isinstance(part, Sum):
            constant += weight * part.constant
            for inner, term in part.terms:
                weights[term] = weights.get(term, 0.0) + weight * inner
        else:
            weights[part] = weights.get(part, 0.0) + weight
    terms = tuple((w, e) for e, w in weights.items() if w != 0)
    if len(terms) == 1 and terms[0][0] == 1 and constant == 0:
        return terms[0][1]
    return Sum(terms, constant)
