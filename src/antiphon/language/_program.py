"""Programs: a term with its arrays, the language it is written in, and what its output means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from antiphon.errors import InputError, LanguageError
from antiphon.language._evaluate import data_arrays
from antiphon.language._language import Language
from antiphon.language._output import Output
from antiphon.language._program_text import parse_program_text, program_text
from antiphon.language._scoring import run_cases
from antiphon.language._terms import (
    Apply,
    Hole,
    Parameters,
    Term,
    parameters,
    path_name,
    size,
    walk,
    with_parameters,
)
from antiphon.language._types import Real, Type
from antiphon.language._typing import Typing, check


@dataclass(frozen=True, eq=False)
class Program:
    """What was learned: readable, runnable, and the same after its text is read back.

    Its arrays are kept in the form that the text shows: a weight outside the feature group of its map
    is 0, and so is the centre of an entry that nothing weighs.

    Args:
        term: Without holes, every leaf with its arrays.
        language: Bound to the features of the data.
        output: What the numbers mean.

    Raises:
        LanguageError: If the term has a hole, lacks arrays, or has another type than the output.

    Example:
        >>> from antiphon.language import parse_term, sequence
        >>> mice = sequence.bind({"speed": "cm/s", "angle": "rad"}, rate_hz=30)
        >>> term = parse_term("affine[2*speed - 3](mean(x))", mice)
        >>> program = Program(term, mice, Output("classification", ("rest", "walk")))
        >>> print(program)
        language sequence
        input x: Seq[Real[2]] of speed [cm/s], angle [rad]
        rate 30 Hz
        output classes ["rest", "walk"]
        program
          affine[2*speed - 3](mean(x))
        >>> program.predict([[[1.0, 0.5], [3.0, 0.2]]]).tolist(), Program.parse(str(program)) == program
        (['walk'], True)
    """

    term: Term
    language: Language
    output: Output

    def __post_init__(self) -> None:
        if not self.language.features:
            raise LanguageError(
                f"Language {self.language.name!r} has no features, so a program in it has no input.",
                advice="bind it: language.bind({'speed': 'cm/s'}).",
            )
        for _, node in walk(self.term):
            if isinstance(node, Hole):
                raise LanguageError(f"The hole ?{node.role} is not filled.", "A term without holes.")
        typing = check(self.term, self.language, self.output_type)
        object.__setattr__(self, "term", _as_printed(self.term, self.language, typing))

    @property
    def output_type(self) -> Type:
        """The type of the term."""
        return self.output.type

    @cached_property
    def typing(self) -> Typing:
        """The type of every node, by path."""
        return check(self.term, self.language, self.output_type)

    @property
    def size(self) -> int:
        """How many nodes the term has."""
        return size(self.term)

    def _identity(self) -> tuple:
        known = self.language
        bound = (
            known.name,
            tuple(known.features.items()),
            tuple(sorted(known.groups.items())),
            known.rate_hz,
        )
        return self.term, self.output, *bound, known.is_table

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Program) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __str__(self) -> str:
        return program_text(self.term, self.language, self.output, self.typing)

    def __reduce__(self) -> tuple:
        """Pickled as text: functions of a language do not travel, its name does."""
        return Program.parse, (str(self),)

    @classmethod
    def parse(cls, text: str, languages: Mapping[str, Language] | None = None) -> Program:
        """Read the text of a program.

        Args:
            text: What `str(program)` gives.
            languages: Name -> language; by default all that were defined in this process.

        Raises:
            LanguageError: With line and column of what is wrong.

        Example:
            >>> text = '''language sequence
            ... input x: Seq[Real[1]] of speed
            ... output numbers distance
            ... program
            ...   affine[1.5*speed + 2](maen(x))
            ... '''
            >>> Program.parse(text)  # doctest: +ELLIPSIS
            Traceback (most recent call last):
            ...
            antiphon.errors.LanguageError: Language 'sequence' has no primitive 'maen'. At line 5, ...
        """
        return cls(*parse_program_text(text, languages))

    def to_sympy(self) -> Any:
        """The program as a SymPy expression (see `antiphon.language.to_sympy`)."""
        from antiphon.language._sympy import to_sympy

        return to_sympy(self)

    @cached_property
    def _arrays(self) -> tuple[Any, Any]:
        return parameters(self.term), data_arrays(self.term, self.language, self.typing)

    def scores(
        self, values: Float[np.ndarray, "case time feature"], mask: Bool[np.ndarray, "case time"]
    ) -> np.ndarray:
        """The program's numbers; each case gets the same, to the last bit, whatever batch it is in.

        Args:
            values: Frames, padded to one length (tables: one frame a case).
            mask: Which frames are real.

        Returns:
            `(case, scores)`, or for tagging `(case, time, scores)` with 0 where there is no frame.

        Raises:
            InputError: If the shapes do not fit the program.
        """
        values, mask = np.asarray(values, np.float32), np.asarray(mask, bool)
        wanted = len(self.language.features)
        if values.ndim != 3 or values.shape[2] != wanted or mask.shape != values.shape[:2]:
            raise InputError(
                f"Frames of shape {values.shape} with a mask of shape {mask.shape}.",
                f"(case, time, {wanted}) and (case, time), for {', '.join(self.language.features)}.",
            )
        if self.language.is_table and values.shape[1] != 1:
            raise InputError(f"{values.shape[1]} frames a case for a program on tables.", "One.")
        if self.output.task == "tagging" and not len(values):
            return np.zeros((*values.shape[:2], self.output.scores), np.float32)
        return run_cases(self.term, self.language, *self._arrays, values, mask, self.output.scores)

    def probabilities(
        self, values: Float[np.ndarray, "case time feature"], mask: Bool[np.ndarray, "case time"]
    ) -> np.ndarray:
        """Probability of each class: `(case, classes)`, or for tagging `(case, time, classes)`."""
        return self.output.probabilities(self.scores(values, mask))

    def decide(self, scores: np.ndarray) -> np.ndarray:
        """The labels (or for regression the numbers) that scores mean."""
        return self.output.decide(scores)

    def predict(self, X: Iterable[Any]) -> Any:
        """Labels or numbers for sequences of any length.

        Args:
            X: `(time, feature)` arrays; for a program on tables, rows.

        Returns:
            An array `(case,)`; for tagging a list of arrays `(time,)`.

        Raises:
            InputError: If a case has another number of features, no frame, or a value that is not finite.
        """
        values, mask = _padded(X, self.language)
        labels = self.decide(self.scores(values, mask))
        if self.output.task != "tagging":
            return labels
        return [row[there] for row, there in zip(labels, mask, strict=True)]


def _padded(X: Iterable[Any], language: Language) -> tuple[np.ndarray, np.ndarray]:
    width = len(language.features)
    cases: list[np.ndarray] = []
    for i, item in enumerate(X):
        case = np.asarray(item, np.float32)
        case = case[None, :] if language.is_table and case.ndim == 1 else case
        if case.ndim != 2 or not len(case) or case.shape[1] != width:
            raise InputError(f"Case {i} has shape {case.shape}.", f"(time, {width}), at least one frame.")
        if not np.isfinite(case).all():
            raise InputError(f"Case {i} has a value that is NaN or infinite.", "Numbers.")
        cases.append(case)
    time = max((len(c) for c in cases), default=1)
    values = np.zeros((len(cases), time, width), np.float32)
    mask = np.zeros((len(cases), time), bool)
    for i, case in enumerate(cases):
        values[i, : len(case)] = case
        mask[i, : len(case)] = True
    return values, mask


def _as_printed(term: Term, language: Language, typing: Typing) -> Term:
    """The term with its arrays as the text can say them: float32, no negative zero, nothing unseen."""
    kept: dict[str, Mapping[str, np.ndarray]] = {}
    for path, node in walk(term):
        if not isinstance(node, Apply) or not language[node.name].parameters:
            continue
        if node.parameters is None:
            raise LanguageError(
                f"{node.name} has no arrays: this is a sketch.",
                "A program.",
                "fit it, or write its numbers, such as affine[1*speed] (affine[speed] names a group).",
            )
        # Adding 0 turns -0 to 0, which prints alike.
        arrays = {
            name: np.asarray(array, np.float32) + np.float32(0) for name, array in node.parameters.items()
        }
        if not all(np.isfinite(a).all() for a in arrays.values()):
            raise LanguageError(f"{node.name} has a number that is NaN or infinite.", "Finite numbers.")
        if node.name == "affine":
            argument = typing[(*path, 0)]
            assert isinstance(argument, Real)
            seen = language.group_members(str(node.setting("group")), argument)
            arrays["weight"] = np.where(seen[None, :] > 0, arrays["weight"], np.float32(0))
            arrays["centre"] = np.where((arrays["weight"] != 0).any(0), arrays["centre"], np.float32(0))
        kept[path_name(path)] = Parameters(**arrays)
    return with_parameters(term, kept)


def with_language(program: Program, language: Language) -> Program:
    """The same program over another binding, such as other names for the same features.

    Example:
        >>> from antiphon.language import sequence
        >>> text = "language sequence\\ninput x: Seq[Real[1]] of f0\\noutput numbers y\\nprogram\\n  mean(x)"
        >>> print(with_language(Program.parse(text), sequence.bind({"speed": "cm/s"})))
        language sequence
        input x: Seq[Real[1]] of speed [cm/s]
        output numbers y
        program
          mean(x)
    """
    return replace(program, language=language)
