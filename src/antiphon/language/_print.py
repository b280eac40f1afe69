"""Terms as text that parses back to the same term."""

from __future__ import annotations

import json
import re
import textwrap

import numpy as np

from antiphon.language._language import Language
from antiphon.language._read import WORDS
from antiphon.language._terms import Apply, Hole, Lam, Parameters, Path, Term, Value, Var
from antiphon.language._types import Real, Seq, Type
from antiphon.language._typing import Typing, check

INFIX = {"add": ("+", 1), "sub": ("-", 1), "mul": ("*", 2), "div": ("/", 2), "power": ("^", 3)}
WIDTH = 100


def as_column(name: str) -> Term:
    """The word that stands for a column of the row, which is written as the column's name alone."""
    return Apply("column", (Var("x"),), (("name", name),))


def format_number(value: float) -> str:
    """The shortest text that reads back as the same float32.

    Example:
        >>> format_number(0.1), format_number(-3.0), format_number(1.5e-9)
        ('0.1', '-3', '1.5e-09')
    """
    number = np.float32(value)
    if number == 0:
        return "0"
    if 1e-4 <= abs(number) < 1e7:
        return np.format_float_positional(number, unique=True, trim="-")
    return np.format_float_scientific(number, unique=True, trim="-", exp_digits=2)


def entry_names(vector: Type) -> tuple[str, ...]:
    """The names of a vector's entries: its own, or v0, v1, ..."""
    vector = vector.element if isinstance(vector, Seq) else vector
    assert isinstance(vector, Real)
    assert isinstance(vector.size, int)
    return vector.names or tuple(f"v{i}" for i in range(vector.size))


def affine_row(weight: np.ndarray, bias: float, centre: np.ndarray, names: tuple[str, ...]) -> str:
    """One row of an affine map, such as `1.8*speed - 0.3*(angle - 12) + 0.4`."""
    text = ""
    for w, c, name in zip(weight, centre, names, strict=True):
        if w == 0:
            continue
        entry = name if c == 0 else f"({name} {'-' if c > 0 else '+'} {format_number(abs(c))})"
        factor = "" if abs(w) == 1 else f"{format_number(abs(w))}*"
        sign = ("-" if w < 0 else "") if not text else (" - " if w < 0 else " + ")
        text += sign + factor + entry
    if not text:
        return format_number(bias)
    if bias == 0:
        return text
    return f"{text} {'-' if bias < 0 else '+'} {format_number(abs(bias))}"


def affine_rows(parameters: Parameters, argument: Type) -> list[str]:
    """The rows of an affine map, one for each output."""
    names = entry_names(argument)
    return [
        affine_row(w, float(b), parameters["centre"], names)
        for w, b in zip(parameters["weight"], parameters["bias"], strict=True)
    ]


def format_decimal(value: float) -> str:
    """A number as `format_number` writes it, but never without a point or an exponent.

    Example:
        >>> format_decimal(2.0), format_decimal(-0.5)
        ('2.0', '-0.5')
    """
    text = format_number(value)
    return text if "." in text or "e" in text else f"{text}.0"


def format_value(value: Value) -> str:
    """A constant as it stands in the settings of a primitive.

    Example:
        >>> format_value(5), format_value("trailing"), format_value("two words")
        ('5', 'trailing', '"two words"')
    """
    if isinstance(value, bool) or not isinstance(value, str):
        return json.dumps(value)
    plain = re.fullmatch(r"[A-Za-z_]\w*", value) and value not in ("true", "false")
    return value if plain else json.dumps(value)


def fill_sum(text: str, width: int, indent: str) -> str:
    """A long sum over several lines, each of which starts with its sign.

    Example:
        >>> print(fill_sum("0.5*speed - 0.25*angle + 1", 16, "  "))
        0.5*speed
          - 0.25*angle
          + 1
    """
    joined = re.sub(r" (?![-+] )", "\0", text)
    lines = textwrap.fill(
        joined, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return lines.replace("\0", " ")


def _format_array(array: np.ndarray) -> str:
    if array.ndim == 0:
        return format_number(float(array))
    return "[" + ", ".join(_format_array(a) for a in array) + "]"


def print_term(
    term: Term, language: Language, typing: Typing | None = None, *, row_names: tuple[str, ...] = ()
) -> str:
    """A term as text; `parse_term` reads it back to an equal term.

    Args:
        term: The term; with its arrays, all of them are written in full.
        language: Gives the names of the features.
        typing: What `check` gave, where the caller has it already.
        row_names: What the entries of the term's value are called: written as comments behind the rows of
            the maps that they come from.

    Returns:
        Text of one or more lines; long maps are broken, a row a line.

    Example:
        >>> from antiphon.language import parse_term, sequence
        >>> bound = sequence.bind({"speed": "cm/s", "angle": "rad"})
        >>> print(print_term(parse_term("affine[2*speed-0.5](mean(x)) + affine(last(x))", bound), bound))
        affine[2*speed - 0.5](mean(x)) + affine(last(x))
    """
    if typing is None:
        typing = check(term, language)
    return _print(term, language, typing, (), 0, row_names)


# Arguments whose value has the same entries as the whole.
_SAME_ENTRIES = {"add": (0, 1), "mul": (0, 1), "if": (1, 2), "map": (0,)}


def _print(
    term: Term, language: Language, typing: Typing, path: Path, outer: int, row_names: tuple[str, ...]
) -> str:
    def below(i: int, precedence: int = 0) -> str:
        names = (
            row_names
            if isinstance(term, Lam) or i in _SAME_ENTRIES.get(getattr(term, "name", ""), ())
            else ()
        )
        child = term.args[i] if isinstance(term, Apply) else term.body  # type: ignore[union-attr]
        # A column that is called like the input: its name alone means it only where one number is wanted.
        if isinstance(term, Apply) and child == as_column("x") and language.has_column("x"):
            return "x" if language[term.name].signature.arguments[i] == Real(1) else "column[name=x](x)"
        return _print(child, language, typing, (*path, i), precedence, names)

    def bracket(text: str, precedence: int) -> str:
        return f"({text})" if precedence < outer else text

    match term:
        case Var(name=name):
            return name
        case Hole(role=role):
            return f"?{role}"
        case Apply(name="column", config=(("name", str(name)),)) if term == as_column(name) and (
            language.has_column(name) and name not in (*WORDS, "x")
        ):
            return name
        case Apply(name="number", config=(("value", int(value)),)):
            return bracket(str(value), 4 if value >= 0 else 2)
        case Apply(name="constant", parameters=Parameters() as arrays):
            return bracket(format_decimal(arrays["value"][0]), 4 if arrays["value"][0] >= 0 else 2)
        case Apply(name="neg", args=(argument,)):
            plain = isinstance(argument, Apply) and argument.name in ("number", "constant")
            return f"neg({below(0)})" if plain else bracket(f"-{below(0, 4)}", 2)
        case Lam(name=name):
            body = below(0)
            return bracket(f"{name} ->\n  {_indent(body)}" if "\n" in body else f"{name} -> {body}", 0)
        case Apply(name="if"):
            condition, yes, no = below(0, 1), below(1), below(2)
            joined = f"if {condition} > 0 then {yes} else {no}"
            if len(joined) > WIDTH or "\n" in joined:
                joined = f"if {condition} > 0\nthen {_indent(yes)}\nelse {_indent(no)}"
            return bracket(joined, 0)
        case Apply(name=name) if name in INFIX:
            sign, precedence = INFIX[name]
            left, right = below(0, precedence), below(1, precedence + 1)
            joined = f"{left} {sign} {right}"
            if len(joined) > WIDTH or "\n" in joined:
                joined = f"{left}\n{sign} {right}"
            return bracket(joined, precedence)
        case Apply(name=name, args=args):
            settings = _settings(term, typing, path, row_names)
            texts = [below(i) for i in range(len(args))]
            if len(args) > 1 and "\n" in "".join(texts):
                return f"{name}{settings}(\n" + ",\n".join("  " + _indent(t) for t in texts) + "\n)"
            return f"{name}{settings}({', '.join(texts)})"


def _indent(text: str) -> str:
    return text.replace("\n", "\n  ")


def _settings(term: Apply, typing: Typing, path: Path, row_names: tuple[str, ...]) -> str:
    config = dict(term.config)
    if term.name == "affine":
        group = config.get("group", "all")
        head = "" if group == "all" else format_value(group)
        if term.parameters is None:
            return f"[{head}]" if head else ""
        rows = affine_rows(term.parameters, typing[(*path, 0)])
        if not head and len(rows) == 1 and re.fullmatch(r"[A-Za-z_]\w*", rows[0]):
            rows = [f"1*{rows[0]}"]  # a lone name would read as a group
        head = f"{head}: " if head else ""
        joined = head + "; ".join(rows)
        named = len(row_names) == len(rows)
        if len(joined) <= WIDTH - 10 and not named:
            return f"[{joined}]"
        ends = [";"] * (len(rows) - 1) + [""]
        notes = [f"  # {name}" for name in row_names] if named else [""] * len(rows)
        # Long rows go on in further lines.
        rows = [fill_sum(r, WIDTH, " " * 8) for r in rows]
        lines = [row + end + note for row, end, note in zip(rows, ends, notes, strict=True)]
        return f"[{head.rstrip()}\n    " + "\n    ".join(lines) + "\n  ]"
    parts = [f"{k}={format_value(v)}" for k, v in term.config]
    if term.parameters is not None:
        parts += [f"{k}={_format_array(v)}" for k, v in term.parameters.items()]
    return f"[{', '.join(parts)}]" if parts else ""
