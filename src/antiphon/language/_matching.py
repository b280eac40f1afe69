"""Where one side of an equation fits a term, and the other side in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from antiphon.language._language import Language
from antiphon.language._terms import Apply, Hole, Term, Value


@dataclass(frozen=True)
class Facts:
    """What is known of a canonical term.

    Attributes:
        term: The term.
        text: Belongs to this term alone; operands are sorted by it.
        below: The facts of its arguments.
        operands: Of a word that is commutative and associative, all that it joins; it has nothing in `below`.
        has_holes: Whether a hole is in it.
        is_settled: Whether two of it are always equal: no hole and no map that is still to be fitted.
        is_constant: Settled, and without variables.
        is_open: Whether nothing in it says its size, as in a map that is still to be fitted.
        size: Its nodes.
    """

    term: Term
    text: str
    below: tuple[Facts, ...]
    operands: tuple[Facts, ...]
    has_holes: bool
    is_settled: bool
    is_constant: bool
    is_open: bool
    size: int


@dataclass(frozen=True)
class Found:
    """What stands in the holes of a template, and the constants that it left out."""

    holes: Mapping[str, Facts]
    constants: Mapping[tuple[str, str], Value]

    def and_hole(self, role: str, facts: Facts) -> Found | None:
        """With one hole more; `None` if something else stands there, or what need not be equal to it."""
        known = self.holes.get(role)
        if known is None:
            return Found({**self.holes, role: facts}, self.constants)
        return self if known.is_settled and known.text == facts.text else None


NOTHING = Found({}, {})


class Matcher:
    """Matches templates, up to the order of operands.

    Args:
        language: Whose words they are.
        unordered: Words whose operands have no order.
        join: Makes one term of several operands of a word.
    """

    def __init__(
        self,
        language: Language,
        unordered: Mapping[str, bool],
        join: Callable[[Apply, tuple[Facts, ...]], Facts],
    ) -> None:
        self.language, self.unordered, self.join = language, unordered, join

    def match(self, template: Term, facts: Facts, found: Found = NOTHING) -> Iterator[Found]:
        """All ways in which a template is a term."""
        if isinstance(template, Hole):
            more = found.and_hole(template.role, facts)
            if more is not None:
                yield more
            return
        assert isinstance(template, Apply)
        term = facts.term
        if not isinstance(term, Apply) or term.name != template.name or term.parameters is not None:
            return
        own = dict(term.config)
        if any(own.get(key) != value for key, value in template.config):
            return
        constants = {(term.name, k): v for k, v in own.items() if (term.name, k) not in found.constants}
        found = Found(found.holes, {**found.constants, **constants}) if constants else found
        if facts.operands:
            parts = operands_of(template)
            yield from self._unordered(template, parts, list(facts.operands), found)
            return
        orders = [facts.below]
        if self.unordered.get(term.name) and facts.below[0].text != facts.below[1].text:
            orders.append(facts.below[::-1])
        for below in orders:
            yield from self._in_order(template.args, below, found)

    def _in_order(
        self, templates: tuple[Term, ...], below: tuple[Facts, ...], found: Found
    ) -> Iterator[Found]:
        if not templates:
            yield found
            return
        for more in self.match(templates[0], below[0], found):
            yield from self._in_order(templates[1:], below[1:], more)

    def among(self, template: Apply, operands: tuple[Facts, ...]) -> Iterator[tuple[Found, list[Facts]]]:
        """All ways in which a template joins some of these operands, with those that are left over."""
        parts = operands_of(template)
        if len(parts) <= len(operands):
            yield from self._choose(parts, list(operands), NOTHING)

    def _choose(
        self, templates: list[Term], operands: list[Facts], found: Found
    ) -> Iterator[tuple[Found, list[Facts]]]:
        if not templates:
            yield found, operands
            return
        for i, operand in enumerate(operands):
            for more in self.match(templates[0], operand, found):
                yield from self._choose(templates[1:], operands[:i] + operands[i + 1 :], more)

    def _unordered(
        self, template: Apply, templates: list[Term], operands: list[Facts], found: Found
    ) -> Iterator[Found]:
        """All operands are used; what is too many goes to the last template, if that is a hole."""
        spare = len(operands) - len(templates)
        if spare < 0 or (spare and not isinstance(templates[-1], Hole)):
            return
        for more, left in self._choose(templates[:-1], operands, found):
            last = left[0] if len(left) == 1 else self.join(template, tuple(left))
            yield from self.match(templates[-1], last, more)


def operands_of(template: Apply) -> list[Term]:
    """What a template joins by its outermost word, its holes last."""
    found: list[Term] = []
    for part in template.args:
        if isinstance(part, Apply) and part.name == template.name:
            found += operands_of(part)
        else:
            found.append(part)
    return sorted(found, key=lambda t: isinstance(t, Hole))
