"""All constraints of one search together: what they reject, which weights they leave, what breaks them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from antiphon.fitting import Problem, text_of
from antiphon.language import Language, Output, Program, Term, holes, path_name, sketch, walk
from antiphon.search._constraints import Constraint, parse_constraint
from antiphon.search._directions import Directions, Limits, missed, narrow


class Constraints:
    """The constraints of one search.

    Args:
        given: Already bound.
        language: Of the terms.
        output: What scores mean.
        names: What the user calls them.
    """

    def __init__(
        self, given: Sequence[Constraint], language: Language, output: Output, names: Sequence[str]
    ) -> None:
        self.given, self.language, self.output = tuple(given), language, output
        self.names = tuple(names)
        features = tuple(language.features)
        self.demands = [(c, d) for c in given for d in c.demands(features, output)]

    def __bool__(self) -> bool:
        return bool(self.given)

    def name_of(self, constraint: Constraint) -> str:
        """What the user calls a constraint of these."""
        return next(n for n, c in zip(self.names, self.given, strict=True) if c is constraint)

    def limits(self, term: Term) -> Limits:
        """Path of each affine map of a sketch -> its least and largest weights, `(m, n)`: 0 or infinite."""
        return self._narrowed(sketch(term))[0]

    def _narrowed(self, term: Term) -> tuple[Limits, Constraint | None, str]:
        limits = Directions(term, self.language, self.output.type, "").limits
        for constraint, (feature, goals) in self.demands:
            limits, why = narrow(term, self.language, self.output.type, feature, goals, limits)
            shut = why or self._shut(term, limits)
            if shut:
                return limits, constraint, shut
        return limits, None, ""

    def _shut(self, term: Term, limits: Limits) -> str:
        for path, node in walk(term):
            if path_name(path) in limits and not any(edge.any() for edge in limits[path_name(path)]):
                return f"nothing is left to read for {text_of(node, self.language)}"
        return ""

    def rejects(self, term: Term) -> tuple[Constraint, str] | None:
        """Which constraint a sketch, perhaps with holes, can never keep to, and why."""
        for constraint in self.given:
            if why := constraint.before(term):
                return constraint, why
        if self.demands and not holes(term):
            _, constraint, why = self._narrowed(sketch(term))
            if constraint is not None:
                return constraint, why
        return None

    def mended(self, program: Program, digits: int | None) -> Program:
        """A program, changed to keep to its constraints where that changes no decision."""
        for constraint in self.given:
            program = constraint.mended(program, digits)
        return program

    def broken(self, program: Program) -> tuple[Constraint, str] | None:
        """Which constraint a finished program breaks, and why."""
        for constraint in self.given:
            if why := constraint.before(program.term) or constraint.after(program):
                return constraint, why
        for constraint, (feature, goals) in self.demands:
            found = Directions(program.term, program.language, program.output_type, feature)
            if why := missed(found, goals):
                return constraint, why
        return None


def bound_constraints(given: Iterable[str | Constraint], problem: Problem, output: Output) -> Constraints:
    """Constraints made ready for a problem.

    Args:
        given: Constraints or their texts.
        problem: With the language that terms are written in.
        output: What scores mean.

    Raises:
        InputError: If one is no constraint, or names what the problem has not.
    """
    if isinstance(given, str | Constraint):
        given = (given,)
    parsed = [parse_constraint(c) for c in given]
    ready = [c.bind(problem, output) for c in parsed]
    return Constraints(ready, problem.language, output, [str(c) for c in parsed])


def broken_constraints(program: Program, constraints: Iterable[str | Constraint]) -> dict[str, str]:
    """Which constraints a program breaks, and why.

    Args:
        program: Any program, learned or written by hand.
        constraints: Constraints or their texts; an `OutputBound` with the ranges of the features.

    Raises:
        InputError: If one is no constraint, or a bound has no ranges.

    Example:
        >>> program = Program.parse('''language sequence
        ... input x: Seq[Real[2]] of speed, angle
        ... output numbers y
        ... program
        ...   affine[2*speed - 1*angle](mean(x))
        ... ''')
        >>> broken_constraints(program, ["monotone speed+", "monotone angle+"])
        {'monotone angle+': 'its output falls when angle rises'}
    """
    found = {}
    for constraint in map(parse_constraint, constraints):
        alone = Constraints([constraint], program.language, program.output, [str(constraint)])
        if wrong := alone.broken(program):
            found[str(constraint)] = wrong[1]
    return found
