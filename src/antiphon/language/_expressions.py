"""A program as one formula for each number that it gives: what all readable forms are made from.

Terms speak of vectors; people speak of features. Here each entry of a vector is followed back to the
feature it comes from, sums of maps become one sum, and what stays are a few kinds of expression.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from antiphon.language._algebra import divided, multiplied, raised
from antiphon.language._formula import (
    Block,
    Branch,
    Call,
    Cell,
    Choice,
    EachFrame,
    Entry,
    Expression,
    Product,
    Rows,
    Sum,
    add_up,
)
from antiphon.language._print import entry_names
from antiphon.language._terms import Apply, Lam, Path, Term, Var
from antiphon.language._types import Fn, Real, Seq, Type, TypeVariable

if TYPE_CHECKING:
    from antiphon.language._program import Program


Scope = Mapping[str, Callable[[int | None], Expression]]


def unit_of(expression: Expression) -> str:
    """The unit of an expression; "" where it has none or none that means something.

    Example:
        >>> unit_of(Call("mean", "mean of {0}", (), (Entry("speed", "cm/s"),)))
        'cm/s'
    """
    match expression:
        case Entry(unit=unit):
            return unit
        case Call(args=args, unitless=False) if args:
            return unit_of(args[0])
        case Choice(yes=yes, no=no):
            return unit_of(yes) if unit_of(yes) == unit_of(no) else ""
        case Sum(terms=terms, constant=0.0) if all(abs(w) == 1 for w, _ in terms):
            units = {unit_of(e) for _, e in terms}
            return units.pop() if len(units) == 1 else ""
    return ""


def block(program: Program) -> Block:
    """The formulas of a program, with the choices that stand outermost kept as such.

    Example:
        >>> from antiphon.language import Program
        >>> head = "language sequence\\ninput x: Seq[Real[1]] of speed\\noutput numbers y\\n"
        >>> text = head + "program\\n  mean(x)"
        >>> block(Program.parse(text)).rows[0].args
        (Entry(name='speed', unit='', whole=False),)
    """
    return _Expander(program).block(program.term, (), {})


class _Expander:
    def __init__(self, program: Program) -> None:
        self.typing, self.language = program.typing, program.language

    def block(self, term: Term, path: Path, scope: Scope) -> Block:
        match term:
            case Apply(name="if", args=(condition, yes, no)):
                return Branch(
                    self.entry(condition, (*path, 0), 0, scope),
                    self.block(yes, (*path, 1), scope),
                    self.block(no, (*path, 2), scope),
                )
            case Apply(name="map", args=(Lam(name=name, body=body), argument)):
                inner = {**scope, name: self._frame_of(argument, (*path, 1), scope)}
                return EachFrame(self.block(body, (*path, 0, 0), inner))
        rows = Rows(tuple(self.entry(term, path, j, scope) for j in range(_width(self.typing[path]))))
        return EachFrame(rows) if isinstance(self.typing[path], Seq) else rows

    def _frame_of(self, term: Term, path: Path, scope: Scope) -> Callable[[int | None], Expression]:
        return lambda j: self.entry(term, path, j, scope)

    def entry(self, term: Term, path: Path, j: int | None, scope: Scope) -> Expression:
        """Entry `j` of a term's value (for a sequence: of each frame); without `j`, all of it."""
        match term:
            case Var(name=name):
                if name in scope:
                    return scope[name](j)
                return self._feature(name, self.typing[path], j)
            case Apply(name="affine"):
                return self._affine(term, path, j, scope)
            case Apply(name="add", args=(a, b)):
                left, right = self.entry(a, (*path, 0), j, scope), self.entry(b, (*path, 1), j, scope)
                return add_up([(1.0, left), (1.0, right)])
            case Apply(name="mul", args=(a, b)):
                left, right = self.entry(a, (*path, 0), j, scope), self.entry(b, (*path, 1), j, scope)
                for number, other in ((left, right), (right, left)):
                    if isinstance(number, Sum) and not number.terms:
                        return add_up([(number.constant, other)])
                # Formulas of columns are written as in a textbook; of maps, as they were found.
                return (
                    multiplied(left, right) if "column" in self.language.primitives else Product(left, right)
                )
            case Apply(name="if", args=(condition, yes, no)):
                return Choice(
                    self.entry(condition, (*path, 0), 0, scope),
                    self.entry(yes, (*path, 1), j, scope),
                    self.entry(no, (*path, 2), j, scope),
                )
            case Apply(name="map", args=(Lam(name=name, body=body), argument)):
                inner = {**scope, name: self._frame_of(argument, (*path, 1), scope)}
                return self.entry(body, (*path, 0, 0), j, inner)
            case Apply(name="column" | "number" | "constant" | "sub" | "div" | "power" | "neg" | "square"):
                return self._arithmetic(term, path, scope)
            case Apply():
                return self._call(term, path, j, scope)
        return Entry("a function", whole=True)

    def _arithmetic(self, term: Apply, path: Path, scope: Scope) -> Expression:
        parts = [
            self.entry(a, (*path, i), 0, scope) for i, a in enumerate(term.args) if term.name != "column"
        ]
        match term.name:
            case "column":
                features = self.language.features
                return Entry(str(term.setting("name")), features.get(str(term.setting("name")), ""))
            case "number":
                return Sum((), float(term.setting("value")))
            case "constant" if term.parameters is not None:
                return Sum((), _decimal(term.parameters["value"][0]))
            case "sub":
                return add_up([(1.0, parts[0]), (-1.0, parts[1])])
            case "neg":
                return add_up([(-1.0, parts[0])])
            case "div":
                return divided(*parts)
            case "square":
                return raised(parts[0], Sum((), 2.0))
            case "power":
                return raised(*parts)
        return Entry("a constant", whole=True)

    def _feature(self, name: str, type_: Type, j: int | None) -> Entry:
        if j is None:
            return Entry(name, whole=True)
        frame = type_.element if isinstance(type_, Seq) else type_
        assert isinstance(frame, Real)
        return Entry(entry_names(frame)[j], frame.units[j] if frame.units else "")

    def _affine(self, term: Apply, path: Path, j: int | None, scope: Scope) -> Expression:
        arrays = term.parameters
        assert arrays is not None
        if j is None:
            if len(arrays["bias"]) > 1:
                return self._call(term, path, None, scope)
            j = 0
        weights, centre = arrays["weight"][j], arrays["centre"]
        # As printed: the shortest decimal of a float32, not the longer one of the same number as a float64.
        exact = [(_decimal(w), _decimal(c), i) for i, (w, c) in enumerate(zip(weights, centre, strict=True))]
        parts = [(w, self.entry(term.args[0], (*path, 0), i, scope)) for w, _, i in exact if w != 0]
        return add_up(parts, _decimal(arrays["bias"][j]) - sum(w * c for w, c, _ in exact))

    def _call(self, term: Apply, path: Path, j: int | None, scope: Scope) -> Expression:
        word = self.language[term.name]
        shared = _sizes(word.signature.result)
        args: list[Expression] = []
        by_entry = False
        for i, (child, pattern) in enumerate(zip(term.args, word.signature.arguments, strict=True)):
            same = bool(shared & _sizes(pattern))
            by_entry |= same
            args.append(self.entry(child, (*path, i), j if same else None, scope))
        call = Call(term.name, word.prints, term.config, tuple(args), word.unitless)
        if j is None or by_entry or _width(self.typing[path]) == 1:
            return call
        return Cell(call, j)


def _decimal(number: float) -> float:
    return float(str(number))


def _width(type_: Type) -> int:
    frame = type_.element if isinstance(type_, Seq) else type_
    assert isinstance(frame, Real)
    assert isinstance(frame.size, int)
    return frame.size


def _sizes(type_: Type) -> set[str]:
    """The size variables of a type: two types that share one go entry by entry."""
    match type_:
        case Real(size=str(size)):
            return {size}
        case TypeVariable(name=name):
            return {name}
        case Seq(element=element):
            return _sizes(element)
        case Fn():
            return set()
    return set()


def number(value: float, digits: int = 4) -> str:
    """A number for people, of at most so many significant digits.

    Example:
        >>> number(1.8), number(12345.678), number(-1e-9), number(2.0)
        ('1.8', '12350', '-1e-09', '2')
    """
    text = f"{value:.{digits}g}"
    if "e" in text and 1e-4 <= abs(value) < 1e7:
        text = f"{float(text):.0f}"
    return text


LOOKS = {"trailing": "the last", "leading": "the next", "centred": "the surrounding"}
# Read at one end, a window that looks inwards from there is simply the end of the sequence.
ENDS = {
    ("last", "trailing"): "the last",
    ("first", "leading"): "the first",
    ("middle", "centred"): "the middle",
}


def constants(call: Call, rate_hz: float | None, look: str = "") -> dict[str, str]:
    """The constants of a call in words: widths as times, looks as places.

    Example:
        >>> constants(Call("w", "", (("width", 15), ("look", "trailing")), ()), 30.0)
        {'width': '0.5 s', 'look': 'the last'}
    """
    said = {key: str(value) for key, value in call.config}
    if "width" in said and type(dict(call.config)["width"]) is int:
        width = int(said["width"])
        said["width"] = f"{number(width / rate_hz, 3)} s" if rate_hz else f"{width} frame{'s' * (width > 1)}"
    if "part" in said and said.get("of", "").isdigit():
        said["part"] = place(int(said["part"]), int(said.pop("of")))
    if "look" in said:
        said["look"] = look or LOOKS.get(said["look"], said["look"])
    return said


_NAMES = ("first", "second", "third", "fourth", "fifth")
_FRACTIONS = {2: "half", 3: "third", 4: "quarter", 5: "fifth"}


def place(part: int, of: int) -> str:
    """Where a part of a sequence is, in words.

    Example:
        >>> place(1, 3), place(2, 3), place(2, 4), place(4, 4), place(2, 7)
        ('the first third', 'the middle third', 'the second quarter', 'the last quarter', 'part 2 of 7')
    """
    if of not in _FRACTIONS or not 1 <= part <= of:
        return f"part {part} of {of}"
    name = "last" if part == of else "middle" if (part, of) == (2, 3) else _NAMES[part - 1]
    return f"the {name} {_FRACTIONS[of]}"


def read_at_end(call: Call) -> tuple[Call, str] | None:
    """The window that is read where it looks inwards from an end, and the words for that; or `None`."""
    inner = call.args[0] if len(call.args) == 1 else None
    if isinstance(inner, Call):
        look = ENDS.get((call.name, str(dict(inner.config).get("look"))))
        if look:
            return inner, look
    return None


def terms_of(expression: Expression) -> tuple[tuple[float, Expression], ...]:
    """An expression as the terms of a sum; its constant left out."""
    return expression.terms if isinstance(expression, Sum) else ((1.0, expression),)


def by_source(
    rows: tuple[Expression, ...], order: tuple[str, ...]
) -> dict[Expression, dict[str, list[float]]] | None:
    """Sums as matrices: what is read (of all features) -> feature -> its weight in each row.

    Args:
        rows: The sums.
        order: The features, in the order in which the columns should stand.

    Returns:
        `None` if some row is no sum of features.

    Example:
        >>> mean = lambda e: Call("mean", "mean of {0}", (), (e,))
        >>> rows = Sum(((2.0, mean(Entry("speed"))),), 1.0), Sum(((3.0, mean(Entry("angle"))),), 0.0)
        >>> found = by_source(rows, ("angle", "speed"))
        >>> list(found.values())
        [{'angle': [0.0, 3.0], 'speed': [2.0, 0.0]}]
    """
    found: dict[Expression, dict[str, list[float]]] = {}
    for i, row in enumerate(rows):
        for weight, part in terms_of(row):
            split = source_of(part)
            if split is None:
                return None
            source, name = split
            found.setdefault(source, {}).setdefault(name, [0.0] * len(rows))[i] += weight
    return {s: {n: c[n] for n in sorted(c, key=order.index)} for s, c in found.items()}


def source_of(expression: Expression) -> tuple[Expression, str] | None:
    """What is read of all features, and of which feature it is read here; `None` if not of a single one.

    Example:
        >>> source_of(Call("mean", "mean of {0}", (), (Entry("speed"),)))[1]
        'speed'
    """
    match expression:
        case Entry(name=name, whole=False):
            return Entry("x", whole=True), name
        case Call(name=name, prints=prints, config=config, args=(argument,), unitless=unitless):
            below = source_of(argument)
            return below and (Call(name, prints, config, (below[0],), unitless), below[1])
    return None
