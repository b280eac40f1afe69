"""Where a primitive may stand in a program, by its type."""

from __future__ import annotations

from antiphon.language._types import Fn, Real, Seq, Type, TypeVariable, match_type

_N, _SEQ_N = Real("n"), Seq(Real("n"))


def role_of_argument(type_: Type) -> str:
    """The role of a hole where an argument of this type belongs."""
    if match_type(_SEQ_N, type_, {}):
        return "stream"
    return "condition" if type_ == Real(1) else "summary"


def role_of(type_: Fn) -> str | None:
    """Where a primitive of this type naturally stands; `None` if nowhere by itself."""
    if any(isinstance(a, Fn | TypeVariable) for a in type_.arguments):
        return None
    match type_.result:
        case Seq():
            return "stream"
        case Real(size=1):
            return "condition"
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
