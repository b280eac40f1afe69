"""Words that stand for a term: what was learned before, said by its name, and put back where it is read.

A word with a definition is used like any other. One whose definition has its arrays (or needs none) runs as
it is; one whose definition is a sketch, with leaves still to be trained, is only ever a short way to say it.
`inline` puts the terms back, so that a finished program needs no dictionary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from antiphon.errors import LanguageError
from antiphon.language._evaluate import data_arrays, evaluate
from antiphon.language._language import WORD, Language
from antiphon.language._primitive import Definition, Primitive
from antiphon.language._terms import (
    Apply,
    Hole,
    Lam,
    Term,
    Var,
    children,
    parameters,
    walk,
    with_children,
    with_parameters,
)
from antiphon.language._types import Bindings, Fn, Real, Seq, Type, substitute
from antiphon.language._typing import check_in

Move = Callable[[np.ndarray], np.ndarray]


def define(
    language: Language,
    name: str,
    arguments: Mapping[str, Type],
    body: Term,
    result: Type,
    *,
    tunable: bool = False,
    prints: str = "",
) -> Primitive:
    """Give a language a word that stands for a term.

    Args:
        language: Bound to features; it gets the word.
        name: The word.
        arguments: Variables of the term -> their types, in the order in which the word takes them. Sizes
            may be variables where the term is a sketch.
        body: A term without holes over these variables. With arrays in all of its parametric leaves they are
            fixed: a search never trains them.
        result: The type of the term.
        tunable: Whether training may move the arrays: it then moves how far they are from what they were,
            in units of each array's root mean square, and the penalty draws it back there (L2-SP, Li et al.
            2018).
        prints: Words for people; by default the name.

    Raises:
        LanguageError: If the name is taken or cannot be written, or the term does not have these types.

    Example:
        >>> from antiphon.language import parse_term, parse_type, print_term, sequence
        >>> bound = sequence.bind({"speed": "cm/s", "angle": "rad"})
        >>> body = parse_term("step(affine[speed - 5](last(x)))", bound)
        >>> word = define(bound, "fast", {"x": bound.input_type}, body, parse_type("Real[1]"))
        >>> print_term(inline(parse_term("fast(x)", bound), bound), bound)
        'step(affine[speed - 5](last(x)))'
    """
    if not WORD.fullmatch(name) or name in language.primitives:
        raise LanguageError(
            f"The name {name!r} is taken or cannot be written.", "A new word.", "choose another name."
        )
    for _, node in walk(body):
        if isinstance(node, Hole):
            raise LanguageError(
                f"The definition of {name!r} has a hole ?{node.role}.", "A term without holes."
            )
    # A size that is open is the same for every use; checked with one of them.
    known: Bindings = {
        size: Real(1) for type_ in (*arguments.values(), result) for size in _size_names(type_)
    }
    scope = {variable: substitute(type_, known) for variable, type_ in arguments.items()}
    typing = check_in(body, language, substitute(result, known), scope)
    leaves = [n for _, n in walk(body) if isinstance(n, Apply) and language[n.name].parameters]
    fitted = [n for n in leaves if n.parameters is not None]
    if leaves and fitted and len(fitted) < len(leaves):
        raise LanguageError(
            f"The definition of {name!r} has arrays in some leaves only.", "In all, or in none."
        )
    is_sketch = bool(leaves) and not fitted
    if is_sketch and tunable:
        raise LanguageError(f"{name!r} is a sketch: it has no arrays that could be tuned.", "A fitted term.")
    signature = Fn(tuple(arguments.values()), result)
    soft = tunable and any(language[n.name].soft for _, n in walk(body) if isinstance(n, Apply))
    word = Primitive(
        name,
        signature,
        _runner(body, language, tuple(scope.items()), data_arrays(body, language, typing)),
        prints or f"{name} of {{0}}",
        parameters=_tuned(body) if tunable else {},
        soft=soft,
        unitless=bool(leaves),
        initialise=_unmoved if tunable else None,
        definition=Definition(tuple(arguments), body, is_sketch),
    )
    language.primitives[name] = word
    return word


def inline(
    term: Term, language: Language, *, sketches_only: bool = False, rounded: Move | None = None
) -> Term:
    """The term with every word that has a definition replaced by what it stands for.

    Args:
        term: Of this language; words may stand for terms that have such words themselves.
        language: Where the words are.
        sketches_only: Leave words that can run as they are.
        rounded: What is done to arrays that training moved.

    Example:
        >>> from antiphon.language import parse_term, parse_type, print_term, sequence
        >>> bound = sequence.bind({"speed": "cm/s"})
        >>> body = parse_term("mean(delta(x))", bound)
        >>> word = define(bound, "trend", {"x": bound.input_type}, body, bound.frame_type)
        >>> print_term(inline(parse_term("affine(trend(x))", bound, Real(1)), bound), bound, {})
        'affine(mean(delta(x)))'
    """
    below = tuple(inline(c, language, sketches_only=sketches_only, rounded=rounded) for c in children(term))
    term = with_children(term, below)
    word = language.primitives.get(term.name) if isinstance(term, Apply) else None
    if word is None or word.definition is None or (sketches_only and not word.definition.is_sketch):
        return term
    assert isinstance(term, Apply)
    body = word.definition.body
    if term.parameters is not None:
        moved = _moved(parameters(body), term.parameters)
        finish = rounded or np.asarray
        arrays = {
            p: {n: a if n in FIXED else finish(a) for n, a in leaf.items()} for p, leaf in moved.items()
        }
        body = with_parameters(body, arrays)
    # First what the body itself says in such words: the arguments are done already.
    body = inline(body, language, sketches_only=sketches_only)
    return put_in(body, dict(zip(word.definition.arguments, term.args, strict=True)))


def put_in(body: Term, values: Mapping[str, Term]) -> Term:
    """The term with its free variables replaced; bound ones are renamed where a value has their name.

    Example:
        >>> put_in(Lam("v", Apply("tanh", (Var("a"),))), {"a": Var("v")}).name
        'v_'
    """
    match body:
        case Var(name=name):
            return values.get(name, body)
        case Lam(name=name, body=inner):
            seen = {v for key, value in values.items() if key != name for v in free_variables(value)}
            fresh = name
            while fresh in seen:
                fresh += "_"
            return Lam(fresh, put_in(inner, {**values, name: Var(fresh)}))
    return with_children(body, tuple(put_in(c, values) for c in children(body)))


def free_variables(term: Term) -> tuple[str, ...]:
    """The variables of a term that nothing in it binds, in the order in which they stand.

    Example:
        >>> free_variables(Lam("v", Apply("add", (Var("v"), Var("x")))))
        ('x',)
    """
    match term:
        case Var(name=name):
            return (name,)
        case Lam(name=name, body=body):
            return tuple(v for v in free_variables(body) if v != name)
    return tuple(dict.fromkeys(v for c in children(term) for v in free_variables(c)))


def _size_names(type_: Type) -> tuple[str, ...]:
    match type_:
        case Real(size=str(size)):
            return (size,)
        case Seq(element=element):
            return _size_names(element)
    return ()


def _runner(
    body: Term, language: Language, scope: tuple[tuple[str, Type], ...], data: Mapping[str, Any]
) -> Callable[..., Any]:
    """The implementation of a word: its definition, run on the values of its arguments."""
    base = parameters(body)
    # As it is now: later words of the language must not change what this one means.
    words = language.bind(
        language.features, groups=language.groups, rate_hz=language.rate_hz, is_table=language.is_table
    )

    def run(*values: Any, temperature: Any = 0.0, **moves: Any) -> Any:
        given = iter(values)
        inputs = {
            name: (next(given), next(given)) if isinstance(type_, Seq) else next(given)
            for name, type_ in scope
        }
        arrays: Any = base
        if moves:
            arrays = _moved(base, moves)
        return evaluate(body, words, inputs, arrays, data, temperature)

    return run


# --- arrays that training may move -----------------------------------------------------------------------

FIXED = ("centre", "shift", "scale")  # How a leaf reads its input, not what it makes of it.


def _move_name(path: str, name: str) -> str:
    return f"at_{path.replace('.', '_')}_{name}"


def _tuned(body: Term) -> dict[str, str]:
    """The arrays that say how far those of a term are moved, with their shapes."""
    return {
        _move_name(path, name): " ".join(map(str, array.shape))
        for path, leaf in parameters(body).items()
        for name, array in leaf.items()
        if name not in FIXED
    }


def _unmoved(shapes: Mapping[str, tuple[int, ...]], constants: Mapping[str, Any], key: Any) -> dict[str, Any]:
    return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}


def _moved(
    base: Mapping[str, Mapping[str, np.ndarray]], moves: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """The arrays of a term after training, traceable by JAX; a weight that is 0 stays so."""
    return {
        path: {
            name: array if name in FIXED else array + _reach(array) * moves[_move_name(path, name)]
            for name, array in leaf.items()
        }
        for path, leaf in base.items()
    }


def _reach(array: np.ndarray) -> np.ndarray:
    """The unit in which training moves an array: its root mean square; 0 for a weight that was left out."""
    size = np.sqrt(np.mean(np.square(array, dtype=np.float64)))
    there = array != 0 if array.ndim > 1 else np.ones(array.shape, bool)
    return np.where(there, size if size > 0 else 1.0, 0.0).astype(np.float32)
