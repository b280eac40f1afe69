"""Words that apply a function to every frame: one after the other, and under a mean or at one frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from antiphon.language._functions import fresh, occurrences, substituted
from antiphon.language._matching import Facts
from antiphon.language._terms import Apply, Config, Lam, Term, Var
from antiphon.language._types import Seq

if TYPE_CHECKING:
    from antiphon.language._canonical import Canonicaliser


def framewise(known: Canonicaliser, name: str, config: Config, below: tuple[Facts, ...]) -> Facts | None:
    """A word that does nothing to any frame, or one function after another; `None` where it is neither."""
    function, stream = below
    if not isinstance(function.term, Lam):
        return None
    if function.term.body == Var(function.term.name):
        return stream
    before = stream.term
    if not (isinstance(before, Apply) and (before.name, before.config) == (name, config)):
        return None
    first, source = stream.below
    if not isinstance(first.term, Lam):
        return None
    variable = fresh(function.term.name, first.term.name)
    value = substituted(first.term.body, first.term.name, Var(variable))
    body = _put(known, function, first.below[0], value)
    if body is None or body.size > function.size + first.size:
        return None
    return known.apply(name, config, None, (known.function(variable, body), source))


def averaged(known: Canonicaliser, name: str, config: Config, mapped: Facts) -> Facts | None:
    """A mean of what an affine map makes of the frames is the map of the mean; one frame is so for any
    function. `None` where it is neither."""
    function, stream = mapped.below
    term = mapped.term
    assert isinstance(term, Apply)
    if not isinstance(function.term, Lam):
        return None
    value = known.apply(name, config, None, (stream,))
    if "selection" in known.laws[name]:
        body = _put(known, function, value, value.term)
        return None if body is None or body.size > mapped.size + 1 else body
    body = function.term.body
    if not isinstance(body, Apply) or "affine" not in known.laws.get(body.name, ()):
        return None
    if body.args != (Var(function.term.name),):
        return None
    if isinstance(known.language[name].signature.result, Seq):
        return known.apply(term.name, term.config, None, (function, value))
    return known.apply(body.name, body.config, body.parameters, (value,))


def _put(known: Canonicaliser, function: Facts, value: Facts, term: Term) -> Facts | None:
    """The body of a function with a term in place of its variable; `None` where that is not the same.

    Args:
        known: The language's canonicaliser.
        function: A lambda.
        value: What is known of the term, whatever its variables are called.
        term: What is put in.
    """
    assert isinstance(function.term, Lam)
    name, body = function.term.name, function.term.body
    # What fills a hole may have the variable, and a map still to be fitted is one map only in one place.
    if function.has_holes or (not value.is_settled and occurrences(body, name) > 1):
        return None
    return known.facts(substituted(body, name, term))
