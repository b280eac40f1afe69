"""Running a term: one recursion over its nodes, traced by JAX like any function."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

import numpy as np

from antiphon.language._language import Language
from antiphon.language._primitive import Primitive
from antiphon.language._terms import Apply, Hole, Lam, Path, Term, Var, path_name, walk
from antiphon.language._types import Seq, Type
from antiphon.language._typing import Typing

Arrays = Mapping[str, Mapping[str, Any]]


def data_arrays(
    term: Term, language: Language, typing: Typing, *, of: Container[str] | None = None
) -> dict[str, dict[str, np.ndarray]]:
    """The constants of a term that reach its primitives as arrays, such as the mask of a feature group.

    Args:
        term: A sketch or a program.
        language: Of the term.
        typing: The type of each of its nodes.
        of: Names of the paths that are asked for; by default all.
    """
    found: dict[str, dict[str, np.ndarray]] = {}
    for path, node in walk(term):
        wanted = isinstance(node, Apply) and language[node.name].data
        if wanted and (of is None or path_name(path) in of):
            assert isinstance(node, Apply)
            types = tuple(_at_frame(typing[(*path, i)]) for i in range(len(node.args)))
            found[path_name(path)] = {
                key: make(node.setting(key), types, language)
                for key, make in language[node.name].data.items()
            }
    return found


def _at_frame(type_: Type) -> Type:
    return type_.element if isinstance(type_, Seq) else type_


def evaluate(
    term: Term,
    language: Language | Mapping[str, Primitive],
    inputs: Mapping[str, Any],
    parameters: Arrays,
    data: Arrays,
    temperature: Any = 0.0,
) -> Any:
    """The value of a term on one unbatched input.

    Args:
        term: A term without holes.
        language: Where its primitives are, by name.
        inputs: Free variable -> array `(n,)`, or for a sequence the pair frames `(time, n)`, mask `(time,)`.
        parameters: Path of a leaf -> name -> array, as `parameters(term)` gives.
        data: Path of a node -> constant -> array, as `data_arrays` gives.
        temperature: Softness of `if` and thresholds; 0 is hard.

    Returns:
        An array, or the pair frames and mask.
    """
    return _run(term, (), dict(inputs), language, parameters, data, temperature)


def _run(
    term: Term,
    path: Path,
    scope: dict[str, Any],
    language: Language | Mapping[str, Primitive],
    parameters: Arrays,
    data: Arrays,
    temperature: Any,
) -> Any:
    def below(i: int, child: Term, inner: dict[str, Any]) -> Any:
        return _run(child, (*path, i), inner, language, parameters, data, temperature)

    match term:
        case Var(name=name):
            return scope[name]
        case Lam(name=name, body=body):
            return lambda value: below(0, body, {**scope, name: value})
        case Hole(role=role):
            raise AssertionError(f"a hole ?{role} cannot run")
        case Apply(args=args):
            word = language[term.name]
            values: list[Any] = []
            mask = None
            for i, (argument, type_) in enumerate(zip(args, word.signature.arguments, strict=True)):
                value = below(i, argument, scope)
                # A sequence is a pair; a primitive that says Seq sees its two parts by themselves.
                values.extend(value) if isinstance(type_, Seq) else values.append(value)
                if isinstance(value, tuple) and mask is None:
                    mask = value[1]
            name = path_name(path)
            keywords: dict[str, Any] = dict(term.config)
            keywords.update(data.get(name, {}))
            keywords.update(parameters.get(name, {}))
            if word.soft:
                keywords["temperature"] = temperature
            result = word.run(*values, **keywords)
            if isinstance(word.signature.result, Seq) and not isinstance(result, tuple):
                result = (result, mask)
            return result
