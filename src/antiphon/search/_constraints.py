"""What a user demands of a program, beyond that it be right.

Each constraint has a text, which is how it stands on the command line, in journals and in model files:
`parse_constraint(str(c)) == c`. What can be seen in a sketch rejects it before it is fitted; a demand on
weights (no weight on a feature, only weights of one sign) is a limit while it is fitted; and all of them are
checked again on the finished program, pruned and rounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from antiphon.errors import InputError
from antiphon.fitting import Problem
from antiphon.language import Apply, Output, Program, Term, size, walk
from antiphon.search._directions import (
    CONSTANT,
    FALLS,
    FREE,
    RISES,
)
from antiphon.search._intervals import FRAMES, checked_box, output_bounds
from antiphon.search._rescale import rescale

SPARE = 0.01  # Of the room that a bound leaves, kept for the rounding of coefficients.
Demand = tuple[str, tuple[int, ...]]
"""A feature, and for each score which way it may go when the feature rises."""


class Constraint:
    """Base of all constraints. One that says nothing new about a step lets it pass."""

    kind: ClassVar[str] = ""

    def bind(self, problem: Problem, output: Output) -> Constraint:
        """The constraint made ready for a problem.

        Raises:
            InputError: If it names what the problem has not.
        """
        return self

    def demands(self, features: Sequence[str], output: Output) -> list[Demand]:
        """What it asks of directions, and so of the signs of weights."""
        return []

    def before(self, term: Term) -> str:
        """Why a term, perhaps with holes, can never keep to it; `""` if it may."""
        return ""

    def after(self, program: Program) -> str:
        """Why a finished program breaks it; `""` if it keeps to it."""
        return ""

    def mended(self, program: Program, digits: int | None) -> Program:
        """The program, changed to keep to it where that changes no decision.

        Args:
            program: Finished.
            digits: Significant digits of its numbers.
        """
        return program


@dataclass(frozen=True)
class WithoutFeature(Constraint):
    """A feature that has no influence: no affine map has a weight on it, or on what is made from it.

    Args:
        feature: Its name.

    Example:
        >>> print(WithoutFeature("age"))
        without-feature age
    """

    feature: str
    kind: ClassVar[str] = "without-feature"

    def __str__(self) -> str:
        return f"{self.kind} {self.feature}"

    def bind(self, problem: Problem, output: Output) -> Constraint:
        _known(self.feature, problem.language.features)
        return self

    def demands(self, features: Sequence[str], output: Output) -> list[Demand]:
        return [(self.feature, (CONSTANT,) * output.scores)]


@dataclass(frozen=True)
class OnlyFeatures(Constraint):
    """No feature but these has influence.

    Args:
        features: Their names.

    Example:
        >>> print(OnlyFeatures(("speed", "angle")))
        only-features speed angle
    """

    features: tuple[str, ...]
    kind: ClassVar[str] = "only-features"

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", tuple(self.features))
        if not self.features:
            raise InputError("No feature may be used.", "At least one name.", "Name those that may.")

    def __str__(self) -> str:
        return " ".join([self.kind, *self.features])

    def bind(self, problem: Problem, output: Output) -> Constraint:
        for feature in self.features:
            _known(feature, problem.language.features)
        return self

    def demands(self, features: Sequence[str], output: Output) -> list[Demand]:
        return [(f, (CONSTANT,) * output.scores) for f in features if f not in self.features]


@dataclass(frozen=True)
class Monotone(Constraint):
    """A score never goes down (`"+"`) or never up (`"-"`) when a feature goes up.

    Up means: in some frames up and in none down, all else the same. Of two classes the score is that of the
    second, if none is named. The proof is by signs of weights, so it holds in exact arithmetic.

    Args:
        feature: Its name.
        direction: `"+"` or `"-"`.
        output: The class or target whose score is meant; needed where there are several scores.

    Example:
        >>> print(Monotone("pressure", "-"))
        monotone pressure-
    """

    feature: str
    direction: str
    output: str | None = None
    kind: ClassVar[str] = "monotone"

    def __post_init__(self) -> None:
        if self.direction not in ("+", "-"):
            raise InputError(f"The direction {self.direction!r}.", "'+' or '-'.", "Correct it.")

    def __str__(self) -> str:
        of = "" if self.output is None else f" of {self.output}"
        return f"{self.kind} {self.feature}{self.direction}{of}"

    def bind(self, problem: Problem, output: Output) -> Constraint:
        _known(self.feature, problem.language.features)
        names = [str(n) for n in output.classes or output.targets]
        if self.output is None and output.scores > 1:
            raise InputError(
                f"{self}, and a program has {output.scores} scores.",
                f"The class or target that is meant: {', '.join(names)}.",
                f"Write '{self} of {names[0]}'.",
            )
        if self.output is not None and self.output not in names:
            raise InputError(
                f"{self}: there is no {self.output!r}.", f"One of {', '.join(names)}.", "Check the spelling."
            )
        return self

    def demands(self, features: Sequence[str], output: Output) -> list[Demand]:
        way = RISES if self.direction == "+" else FALLS
        names = [str(n) for n in output.classes or output.targets]
        place = output.scores - 1 if self.output is None else names.index(self.output)
        if output.scores == 1 and output.classes:  # One score, which is the second class's.
            if self.output == names[0]:
                way = -way
            place = 0
        return [(self.feature, tuple(way if i == place else FREE for i in range(output.scores)))]


@dataclass(frozen=True)
class SizeLimit(Constraint):
    """A program has at most so many nodes, once it is finished.

    Args:
        nodes: At least 1.

    Example:
        >>> print(SizeLimit(9))
        size-limit 9
    """

    nodes: int
    kind: ClassVar[str] = "size-limit"

    def __post_init__(self) -> None:
        if isinstance(self.nodes, bool) or not isinstance(self.nodes, int) or self.nodes < 1:
            raise InputError(f"A size limit of {self.nodes!r}.", "A whole number from 1 up.", "Correct it.")

    def __str__(self) -> str:
        return f"{self.kind} {self.nodes}"

    def before(self, term: Term) -> str:
        return f"{size(term)} nodes" if size(term) > self.nodes else ""


@dataclass(frozen=True)
class Without(Constraint):
    """A word that no program uses.

    Args:
        word: The name of a primitive.

    Example:
        >>> print(Without("deviation"))
        without deviation
    """

    word: str
    kind: ClassVar[str] = "without"

    def __str__(self) -> str:
        return f"{self.kind} {self.word}"

    def bind(self, problem: Problem, output: Output) -> Constraint:
        if self.word not in problem.language.primitives:
            raise InputError(
                f"{self}: language {problem.language.name!r} has no word {self.word!r}.",
                f"One of {', '.join(sorted(problem.language.primitives))}.",
                "Check the spelling.",
            )
        return self

    def before(self, term: Term) -> str:
        used = any(isinstance(n, Apply) and n.name == self.word for _, n in walk(term))
        return f"it uses {self.word}" if used else ""


@dataclass(frozen=True)
class OutputBound(Constraint):
    """Every score lies between two numbers, for every input in a box and not only for those seen.

    Args:
        low: The least that a score may be.
        high: The largest.
        inputs: Feature -> its least and largest value; one that is not named may be anything. None: as in
            the training data.
        frames: The longest sequence for which it must hold; None: the longest of the training data.

    Example:
        >>> print(OutputBound(-1, 1, {"speed": (0, 5)}))
        output-bound -1.0 1.0 for speed 0.0 5.0
    """

    low: float
    high: float
    inputs: Mapping[str, tuple[float, float]] | None = None
    frames: int | None = None
    kind: ClassVar[str] = "output-bound"

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", float(self.low))
        object.__setattr__(self, "high", float(self.high))
        if not self.low <= self.high:
            raise InputError(
                f"An output between {self.low:g} and {self.high:g}.", "The lower number first.", "Swap them."
            )
        if self.inputs is not None:
            plain = {k: (float(a), float(b)) for k, (a, b) in self.inputs.items()}
            object.__setattr__(self, "inputs", plain)

    def __str__(self) -> str:
        text = f"{self.kind} {self.low!r} {self.high!r}"
        if self.inputs is not None:
            text += " for " + ", ".join(f"{k} {a!r} {b!r}" for k, (a, b) in self.inputs.items())
        return text if self.frames is None else f"{text} frames {self.frames}"

    def bind(self, problem: Problem, output: Output) -> Constraint:
        features = problem.language.features
        inputs = self.inputs
        if inputs is None:
            real = problem.values[problem.mask]
            edges = zip(real.min(0).tolist(), real.max(0).tolist(), strict=True)
            inputs = dict(zip(features, edges, strict=True))
        checked_box(inputs, features)
        frames = self.frames or max(1, int(problem.mask.sum(1).max()))
        return replace(self, inputs=inputs, frames=frames)

    def after(self, program: Program) -> str:
        if self.inputs is None:
            raise InputError(
                f"'{self}' of a program by itself.",
                "The range of each feature, as there are no training data.",
                f"Write '{self} for {next(iter(program.language.features))} 0 1', or give inputs.",
            )
        try:
            low, high = output_bounds(program, self.inputs, frames=self.frames or FRAMES)
        except InputError as error:
            return error.got
        if low.min() >= self.low and high.max() <= self.high:
            return ""
        open_ends = [f for f in program.language.features if f not in self.inputs]
        anything = f", as {', '.join(open_ends)} may be anything" if open_ends else ""
        return f"its output may be from {low.min():g} to {high.max():g}{anything}"

    def mended(self, program: Program, digits: int | None) -> Program:
        # Scores drawn towards the threshold decide as before; numbers of a regression would be others.
        output = program.output
        threshold = 0.5 if output.threshold is None else output.threshold
        middle = float(np.log(threshold / (1 - threshold)))
        if output.task == "regression" or not self.low < middle < self.high or not self.after(program):
            return program
        try:
            low, high = output_bounds(program, self.inputs or {}, frames=self.frames or FRAMES)
        except InputError:
            return program
        room = [(self.low - middle) / (low.min() - middle), (self.high - middle) / (high.max() - middle)]
        factor = min([r for r in room if r > 0], default=0.0)
        if factor <= 0:
            return program
        factor *= 1 - SPARE
        scores = np.ones(output.scores)
        drawn = rescale(program.term, (1 - factor) * middle * scores, factor * scores, digits=digits)
        return replace(program, term=drawn)


def _known(feature: str, features: Iterable[str]) -> None:
    if feature not in features:
        raise InputError(
            f"A constraint on {feature!r}, which is no feature.",
            f"One of {', '.join(features)}.",
            "Check the spelling.",
        )


_NUMBER = r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|inf)"
_RANGE = rf"\w+ {_NUMBER} {_NUMBER}"
_FORMS = (
    (r"without-feature (?P<feature>\w+)", lambda m: WithoutFeature(m["feature"])),
    (r"only-features (?P<features>\w+(?: \w+)*)", lambda m: OnlyFeatures(tuple(m["features"].split()))),
    (
        r"monotone (?P<feature>\w+)(?P<way>[+-])(?: of (?P<output>.+))?",
        lambda m: Monotone(m["feature"], m["way"], m["output"]),
    ),
    (r"size-limit (?P<nodes>\d+)", lambda m: SizeLimit(int(m["nodes"]))),
    (r"without (?P<word>\w+)", lambda m: Without(m["word"])),
    (
        rf"output-bound (?P<low>{_NUMBER}) (?P<high>{_NUMBER})(?: for (?P<box>{_RANGE}(?:, {_RANGE})*))?"
        r"(?: frames (?P<frames>\d+))?",
        lambda m: OutputBound(
            float(m["low"]), float(m["high"]), _box(m["box"]), int(m["frames"]) if m["frames"] else None
        ),
    ),
)  # fmt: skip


def _box(text: str | None) -> dict[str, tuple[float, float]] | None:
    if text is None:
        return None
    parts = [part.split() for part in text.split(", ")]
    return {name: (float(low), float(high)) for name, low, high in parts}


def parse_constraint(text: str | Constraint) -> Constraint:
    """A constraint from its text; one that is none already stays as it is.

    Args:
        text: What `str(constraint)` gives.

    Raises:
        InputError: If it is no constraint.

    Example:
        >>> parse_constraint("monotone speed+")
        Monotone(feature='speed', direction='+', output=None)
    """
    if isinstance(text, Constraint):
        return text
    for form, make in _FORMS:
        if found := re.fullmatch(form, text.strip() if isinstance(text, str) else ""):
            return make(found)
    raise InputError(
        f"The constraint {text!r}.",
        "Such as 'without-feature age', 'only-features speed angle', 'monotone speed+', 'size-limit 9', "
        "'without deviation' or 'output-bound -1 1 for speed 0 5'.",
        "Write it in one of these forms, or give an object of antiphon.search.",
    )
