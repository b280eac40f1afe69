"""Rules: what may stand where in a program, and where a primitive may by its type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from antiphon.language._types import Fn, Real, Seq, Type, TypeVariable, match_type

_N, _SEQ_N = Real("n"), Seq(Real("n"))


@dataclass(frozen=True)
class Rule:
    """A production: a hole of `role` may become `template`, text with holes such as `affine(?summary)`.

    With a `type`, such as `Real[1]`, only a hole of this type may. A template with `{column}` in it stands
    for one rule a feature; those made of it say of which `column`. `variables` are those that lambdas around
    such a hole bind: name -> `"hole"` (of the hole's own type) or `"frame"` (a frame of the input).
    """

    role: str
    template: str
    type: Type | None = None
    column: str | None = field(default=None, repr=False)
    variables: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def scope(self, hole: Type, frame: Type) -> dict[str, Type]:
        """The variables that the template may speak of, by the types of the hole and of a frame."""
        return {name: hole if kind == "hole" else frame for name, kind in self.variables}


def for_columns(rules: list[Rule], features: Mapping[str, str]) -> list[Rule]:
    """The rules, those with a place for a column once more for each feature."""
    made = []
    for rule in rules:
        if rule.column is None:
            made.append(rule)
            if "{column}" in rule.template:
                names = [name for name in features if len(features) > 1 or name != "x"]
                made += [
                    replace(rule, template=rule.template.replace("{column}", name), column=name)
                    for name in names
                ]
    return made


def role_of_argument(type_: Type, number: str) -> str:
    """The role of a hole where an argument of this type belongs; `number` is that of one number."""
    if match_type(_SEQ_N, type_, {}):
        return "stream"
    return number if type_ == Real(1) else "summary"


def role_of(type_: Fn, number: str) -> str | None:
    """Where a primitive of this type naturally stands, one of a number as `number`; `None` if nowhere."""
    if any(isinstance(a, Fn | TypeVariable) for a in type_.arguments):
        return None
    match type_.result:
        case Seq():
            return "stream"
        case Real(size=1):
            return number
        case Real(size=size):
            sizes = {s for a in type_.arguments for s in _sizes(a)}
            return "summary" if size in sizes else "output"
    return None


def _sizes(type_: Type) -> set[int | str]:
    match type_:
        case Real(size=size):
            return {size}
        case Seq(element=element):
            return _sizes(element)
    return set()
