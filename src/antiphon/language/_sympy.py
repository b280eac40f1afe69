"""A program as a SymPy expression, for algebra, derivatives and code in other languages."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from antiphon.errors import InputError
from antiphon.language._print import format_number
from antiphon.language._terms import Apply, Parameters, Term, Var

if TYPE_CHECKING:
    from antiphon.language._program import Program

SHORT = 1000  # Decimals that are fractions of so small a denominator are kept as fractions.


def to_sympy(program: Program) -> Any:
    """A regression program over a table as a SymPy expression; each column is a real symbol of its name.

    A decimal such as 0.5 becomes a fraction, so that algebra stays exact; long ones stay decimals. A word of
    your own becomes an undefined function.

    Args:
        program: In `arithmetic`, or a language that extends it.

    Raises:
        InputError: If SymPy is not installed, or the program is none of numbers over a table.

    Example:
        >>> from antiphon.language import Program
        >>> to_sympy(Program.parse('''language arithmetic
        ... input x: Real[2] of m, v
        ... output numbers energy
        ... program
        ...   0.5*m*square(v)
        ... '''))
        m*v**2/2
    """
    try:
        import sympy
    except ImportError as error:
        raise InputError(
            "The form 'sympy' needs SymPy, which is not installed.",
            "SymPy.",
            "pip install 'antiphon[symbolic]'.",
        ) from error
    if not program.language.is_table or program.output.task != "regression" or program.output.scores != 1:
        raise InputError(
            f"A program for {program.output.task} over {program.language.input_type} has no SymPy form.",
            "A program that gives one number for a row of a table.",
            "Use the form 'math' or 'latex'.",
        )
    symbols = {name: sympy.Symbol(name, real=True) for name in program.language.features}
    return _Converter(sympy, symbols).convert(program.term)


class _Converter:
    def __init__(self, sympy: Any, symbols: Mapping[str, Any]) -> None:
        self.sympy, self.symbols = sympy, symbols
        self.words = {
            "add": lambda a, b: a + b,
            "sub": lambda a, b: a - b,
            "mul": lambda a, b: a * b,
            "div": lambda a, b: a / b,
            "power": lambda a, b: a**b,
            "neg": lambda a: -a,
            "square": lambda a: a**2,
            "abs": sympy.Abs,
            **{name: getattr(sympy, name) for name in ("sqrt", "exp", "log", "sin", "cos", "tan", "tanh")},
        }

    def convert(self, term: Term) -> Any:
        match term:
            case Var() if len(self.symbols) == 1:
                return next(iter(self.symbols.values()))
            case Apply(name="column"):
                return self.symbols[str(term.setting("name"))]
            case Apply(name="number"):
                return self.sympy.Integer(term.setting("value"))
            case Apply(name="constant", parameters=Parameters() as arrays):
                return self.decimal(arrays["value"][0])
            case Apply(name="affine", args=(Var(),), parameters=Parameters() as arrays) if not arrays[
                "centre"
            ].any():
                weights = zip(arrays["weight"][0], self.symbols.values(), strict=True)
                return sum((self.decimal(w) * s for w, s in weights), self.decimal(arrays["bias"][0]))
            case Apply(name=name, args=args) if not term.parameters and not term.config:
                word = self.words.get(name) or self.sympy.Function(name)
                return word(*map(self.convert, args))
            case Apply(name=name):
                raise InputError(
                    f"The word {name!r} has no SymPy form.",
                    "Words without constants or arrays of their own.",
                    "Use the form 'math' or 'latex'.",
                )
        raise InputError("A program that reads whole rows has no SymPy form.", "Columns.", "Use 'math'.")

    def decimal(self, value: float) -> Any:
        exact = Fraction(format_number(value))
        if exact.denominator <= SHORT:
            return self.sympy.Rational(exact.numerator, exact.denominator)
        return self.sympy.Float(format_number(value), 9)
