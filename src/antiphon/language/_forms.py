"""The readable forms of a program, by name."""

from __future__ import annotations

import json
from collections.abc import Callable

from antiphon.errors import InputError
from antiphon.language._math import to_latex, to_math
from antiphon.language._print import affine_rows, format_value
from antiphon.language._program import Program
from antiphon.language._sympy import to_sympy
from antiphon.language._terms import Apply, Hole, Lam, Path, Term, Var, children, path_name, walk
from antiphon.language._words import to_words


def to_text(program: Program) -> str:
    """The program's own text: exact, and `Program.parse` reads it back.

    Example:
        >>> to_text(Program.parse(MEAN)).splitlines()[-1]
        '  mean(x)'
    """
    return str(program)


def to_dot(program: Program) -> str:
    """The tree of the term, for Graphviz.

    Example:
        >>> print(to_dot(Program.parse(MEAN)))
        digraph program {
          node [shape=box, style=rounded, fontname="sans-serif"];
          root [label="mean\\nReal[1]"];
          n0 [label="x\\nSeq[Real[1]]"];
          root -> n0;
        }
    """
    lines = ["digraph program {", '  node [shape=box, style=rounded, fontname="sans-serif"];']
    edges = []
    for path, node in walk(program.term):
        label = f"{_label(program, path, node)}\n{program.typing.get(path, '')}"
        # JSON quotes what Graphviz wants quoted.
        lines.append(f"  {_identifier(path)} [label={json.dumps(label, ensure_ascii=False)}];")
        edges += [f"  {_identifier(path)} -> {_identifier((*path, i))};" for i in range(len(children(node)))]
    return "\n".join([*lines, *edges, "}"])


def _identifier(path: Path) -> str:
    return "n" + path_name(path).replace(".", "_") if path else "root"


def _label(program: Program, path: Path, node: Term) -> str:
    match node:
        case Var(name=name):
            return name
        case Lam(name=name):
            return f"{name} ->"
        case Hole(role=role):
            return f"?{role}"
        case Apply(name=name):
            settings = [f"{k}={format_value(v)}" for k, v in node.config if (name, v) != ("affine", "all")]
            if name == "affine" and node.parameters is not None:
                rows = affine_rows(node.parameters, program.typing[(*path, 0)])
                if len(rows) == 1 and len(rows[0]) <= 60:
                    settings = rows
            return f"{name} {', '.join(settings)}".strip()


FORMS: dict[str, Callable[[Program], str]] = {
    "text": to_text,
    "words": to_words,
    "math": to_math,
    "latex": to_latex,
    "dot": to_dot,
    "sympy": lambda program: str(to_sympy(program)),
}

MEAN = """language sequence
input x: Seq[Real[1]] of speed
output numbers y
program
  mean(x)
"""


def show(program: Program, form: str = "text") -> str:
    """A program in one of its readable forms.

    Args:
        program: The program.
        form: `"text"`, `"words"`, `"math"`, `"latex"`, `"dot"` or `"sympy"`.

    Raises:
        InputError: If there is no such form.

    Example:
        >>> show(Program.parse(MEAN), "words")
        'y = mean of speed'
    """
    if form not in FORMS:
        raise InputError(f"There is no form {form!r}.", f"One of {', '.join(FORMS)}.")
    return FORMS[form](program)
