"""The words of a language as a table: the reference that the documentation shows."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

from antiphon.language._language import Language


def primitive_table(language: Language) -> str:
    """All primitives of a language in Markdown: name, type, constants and arrays, what it does.

    Example:
        >>> from antiphon.language import sequence
        >>> print("\\n".join(primitive_table(sequence).splitlines()[:3]))
        | Primitive | Type | Constants | Arrays | Meaning |
        |---|---|---|---|---|
        | `affine` | `Real[n] -> Real[m]` | `group` | `weight`, `bias`, `centre` | `weight (v - centre) + bias` over the entries of one feature group. |
    """  # noqa: E501 - a row of a table
    lines = ["| Primitive | Type | Constants | Arrays | Meaning |", "|---|---|---|---|---|"]
    for word in language.primitives.values():
        said = (inspect.getdoc(word.run) or "").split("\n\n")[0].replace("\n", " ")
        cells = [f"`{word.name}`", f"`{word.signature}`", _names(word.config), _names(word.parameters), said]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _names(items: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in items)
