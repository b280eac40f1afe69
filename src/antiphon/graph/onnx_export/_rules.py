"""Tables from JAX's primitives to ONNX nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from antiphon.graph._graph import Equation
from antiphon.graph.onnx_export._scope import Scope

Rule = Callable[..., "str | Sequence[str]"]
"""`(scope, equation, *names of the inputs) -> name of the output`, or names of the outputs."""


class Rules(dict[str, Rule]):
    """Primitive -> rule."""

    def __call__(self, *primitives: str) -> Callable[[Rule], Rule]:
        """Decorator: this function is the rule of these primitives."""

        def put(rule: Rule) -> Rule:
            assert not set(primitives) & set(self), "one rule a primitive"
            self.update(dict.fromkeys(primitives, rule))
            return rule

        return put


__all__ = ["Equation", "Rule", "Rules", "Scope"]
