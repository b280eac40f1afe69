"""The forms in which a learned program is read."""

from __future__ import annotations

from collections.abc import Mapping

from antiphon.data import Sequences
from antiphon.estimators._export import model_graph
from antiphon.graph import optimise
from antiphon.language import (
    Apply,
    Output,
    Program,
    Real,
    Var,
    entry_names,
    print_term,
    show,
    sketch,
    to_words,
    walk,
)
from antiphon.report import ProgramText

MOST_SENTENCES = 100
WIDEST_SENTENCE = 160


def program_text(program: Program, *, spreads: Mapping[str, float] | None = None) -> ProgramText:
    """A program in all forms in which it is read.

    Example:
        >>> from antiphon.language import Program
        >>> program_text(Program.parse('''language sequence
        ... input x: Seq[Real[1]] of speed
        ... output numbers y
        ... program
        ...   affine[2*speed](mean(x))
        ... ''')).sentences
        ('y = 2 × mean of speed',)
    """
    words = to_words(program, spreads=spreads).splitlines()
    if len(words) > MOST_SENTENCES or max(map(len, words)) > WIDEST_SENTENCE:
        words = []  # nobody reads that; the mathematics are short
    return ProgramText(
        text=show(program, "text"),
        size=program.size,
        math=show(program, "math"),
        latex=show(program, "latex"),
        sentences=tuple(words),
        sketch=sketch_text(program),
    )


def sketch_text(program: Program) -> str:
    """A program without its numbers, on one line.

    Example:
        >>> sketch_text(Program.parse('''language sequence
        ... input x: Seq[Real[1]] of speed
        ... output numbers y
        ... program
        ...   affine[2*speed](mean(x)) + affine[speed - 1](last(x))
        ... '''))
        'affine(mean(x)) + affine(last(x))'
    """
    return " ".join(print_term(sketch(program.term), program.language, program.typing).split())


def show_program(program: Program, form: str) -> str:
    """A program in one of the forms of `antiphon.language.show`, or as the `"graph"` that runs.

    The graph reads like a program: one equation a line, from one case of T frames to its scores.

    Example:
        >>> program = Program.parse('''language sequence
        ... input x: Seq[Real[1]] of speed
        ... output numbers y
        ... program
        ...   last(x)
        ... ''')
        >>> print(show_program(program, "graph").splitlines()[0])
        def scores(frames: f32[T, 1]) -> f32[1]:
    """
    if form != "graph":
        return show(program, form)
    return str(optimise(model_graph(program))[0])


def spreads(program: Program, X: Sequences) -> dict[str, float]:
    """How far each feature, and each thing that a map of the program reads, spreads over some cases.

    Example:
        >>> import numpy as np
        >>> from antiphon.data import as_sequences
        >>> program = Program.parse('''language sequence
        ... input x: Seq[Real[1]] of speed
        ... output numbers y
        ... program
        ...   affine[2*speed](last(x))
        ... ''')
        >>> spreads(program, as_sequences([np.float32([[0], [1]]), np.float32([[0], [3]])]))["last speed"]
        1.0
    """
    language = program.language
    found = dict(zip(language.features, X.frames.std(0).astype(float).tolist(), strict=True))
    for path, node in walk(program.term):
        if not isinstance(node, Apply) or node.name != "affine":
            continue
        read, type_ = node.args[0], program.typing[(*path, 0)]
        bound = any(isinstance(part, Var) and part.name != "x" for _, part in walk(read))
        if bound or isinstance(read, Var) or not isinstance(type_, Real):
            continue
        # As a program of its own it says what it reads, entry by entry, and gives the values.
        names = entry_names(type_)
        alone = Program(read, language, Output("regression", targets=names))
        deviation = alone.scores(*X.pad()).std(0).astype(float).tolist()
        lines = to_words(alone).splitlines()
        if len(lines) == len(names):
            found |= {
                line.removeprefix(f"{name} = ").removeprefix(f"{name}:").strip(): value
                for line, name, value in zip(lines, names, deviation, strict=True)
            }
    return found
