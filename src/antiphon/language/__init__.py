"""Types, primitives, terms, text syntax, grammars and the ready-made languages."""

from antiphon.language import _productions as _productions  # gives `sequence` its rules
from antiphon.language import _sequence_equations as _sequence_equations  # what is equal in `sequence`
from antiphon.language import _sound_rules as _sound_rules  # gives `sound` its rules
from antiphon.language import _tree_rules as _tree_rules  # gives `tree` its rules
from antiphon.language._architecture import architecture
from antiphon.language._architecture_rules import nas_bench_201
from antiphon.language._arithmetic import arithmetic
from antiphon.language._canonical import canonical
from antiphon.language._definitions import define, free_variables, inline, put_in
from antiphon.language._evaluate import data_arrays, evaluate
from antiphon.language._forms import FORMS, show, to_dot, to_latex, to_math, to_text, to_words
from antiphon.language._language import LANGUAGES, Language
from antiphon.language._laws import LAWS, Equation
from antiphon.language._output import Output
from antiphon.language._parse import parse_term
from antiphon.language._primitive import Definition, Primitive
from antiphon.language._print import affine_rows, as_column, entry_names, format_number, print_term
from antiphon.language._program import Program, with_language
from antiphon.language._reference import primitive_table
from antiphon.language._roles import Rule
from antiphon.language._sequence import sequence
from antiphon.language._sound import sound
from antiphon.language._stream import Stream, to_stream
from antiphon.language._sympy import to_sympy
from antiphon.language._terms import (
    Apply,
    Hole,
    Lam,
    Parameters,
    Path,
    Term,
    Var,
    children,
    holes,
    parameters,
    path_name,
    replace_at,
    size,
    sketch,
    walk,
    with_children,
    with_parameters,
)
from antiphon.language._tree import tree
from antiphon.language._types import Fn, Real, Seq, Tree, Type, TypeVariable, parse_type
from antiphon.language._typing import Typing, check, check_in, parameter_shapes

__all__ = [
    "FORMS",
    "LANGUAGES",
    "LAWS",
    "Apply",
    "Definition",
    "Equation",
    "Fn",
    "Hole",
    "Lam",
    "Language",
    "Output",
    "Parameters",
    "Path",
    "Primitive",
    "Program",
    "Real",
    "Rule",
    "Seq",
    "Stream",
    "Term",
    "Tree",
    "Type",
    "TypeVariable",
    "Typing",
    "Var",
    "affine_rows",
    "architecture",
    "arithmetic",
    "as_column",
    "canonical",
    "check",
    "check_in",
    "children",
    "data_arrays",
    "define",
    "entry_names",
    "evaluate",
    "format_number",
    "free_variables",
    "holes",
    "inline",
    "nas_bench_201",
    "parameter_shapes",
    "parameters",
    "parse_term",
    "parse_type",
    "path_name",
    "primitive_table",
    "print_term",
    "put_in",
    "replace_at",
    "sequence",
    "show",
    "size",
    "sketch",
    "sound",
    "to_dot",
    "to_latex",
    "to_math",
    "to_stream",
    "to_sympy",
    "to_text",
    "to_words",
    "tree",
    "walk",
    "with_children",
    "with_language",
    "with_parameters",
]
