"""Text to a typed term: names become features, rows of numbers become arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from antiphon.errors import LanguageError
from antiphon.language._language import Language
from antiphon.language._print import as_column, entry_names
from antiphon.language._read import Node, Reader, Seconds, pointed
from antiphon.language._terms import Apply, Hole, Lam, Parameters, Path, Term, Value, Var, walk
from antiphon.language._types import Bindings, Fn, Real, Type, TypeVariable, is_known, match_type, substitute
from antiphon.language._typing import TermTypeError, _Checker, check_in


def parse_term(
    text: str,
    language: Language,
    expected: Type | None = None,
    *,
    complete: bool = False,
    scope: Mapping[str, Type] | None = None,
) -> Term:
    """Read a term and check its types.

    Args:
        text: What `print_term` writes: primitives applied to arguments, `+`, `*`, `if a > 0 then b else c`,
            `v -> body`, holes `?role`; `#` starts a comment.
        language: Bound to features, so that their names mean something.
        expected: The type that the whole should have.
        complete: Whether to refuse holes, and parametric primitives without their arrays.
        scope: Free variables and their types; by default `x`, the language's input.

    Returns:
        The term, with its arrays where the text gives them.

    Raises:
        LanguageError: With the line, the place in it, and what was expected there.

    Example:
        >>> from antiphon.language import sequence, size
        >>> bound = sequence.bind({"speed": "cm/s", "angle": "rad"})
        >>> size(parse_term("affine[speed - 2.1](mean(x))", bound))
        3
        >>> parse_term("affine[spede - 2.1](mean(x))", bound)
        Traceback (most recent call last):
        ...
        antiphon.errors.LanguageError: There is no entry 'spede' here. At line 1, column 8:
          affine[spede - 2.1](mean(x))
                 ^
         Expected: one of speed, angle.
    """
    node = Reader(text).read()
    known = {"x": language.input_type} if scope is None else scope
    term = _Builder(text, language).build(node, known)
    if scope is None and term == Var("x") and expected == Real(1) and language.has_column("x"):
        term = as_column("x")
    try:
        check_in(term, language, expected, known)
    except TermTypeError as error:
        raise pointed(text, _at(node, error.path).start, error.got, error.expected, error.advice) from None
    if complete:
        _refuse_gaps(text, node, term, language)
    return term


def _refuse_gaps(text: str, node: Node, term: Term, language: Language) -> None:
    for path, part in walk(term):
        place = _at(node, path).start
        if isinstance(part, Hole):
            raise pointed(text, place, f"The hole ?{part.role} is not filled.", "A program without holes.")
        if isinstance(part, Apply) and part.parameters is None and language[part.name].parameters:
            advice = "write its rows, such as affine[1*speed] (affine[speed] only names a group of features)."
            raise pointed(
                text,
                place,
                f"{part.name} has no numbers.",
                f"Its arrays: {', '.join(language[part.name].parameters)}.",
                advice if part.name == "affine" else "",
            )


def _at(node: Node, path: Path) -> Node:
    for i in path:
        if i >= len(node.args):  # The row that a column's name alone is taken from.
            break
        node = node.args[i]
    return node


class _Builder:
    def __init__(self, text: str, language: Language) -> None:
        self.text, self.language = text, language

    def build(self, node: Node, scope: Mapping[str, Type]) -> Term:
        match node.kind:
            case "var":
                return self._variable(node.name, scope)
            case "number":
                return self._number(node)
            case "hole":
                return Hole(node.name, TypeVariable(node.name))
            case "lam":
                return Lam(node.name, self.build(node.args[0], scope))
        word = self.language.primitives.get(node.name)
        if word is None or len(word.signature.arguments) != len(node.args):
            # The type checker says what is wrong, once everything below is built.
            return Apply(node.name, tuple(self.build(a, scope) for a in node.args))
        args: list[Term | None] = [None] * len(node.args)
        bindings: Bindings = {key: value for key, value, _ in node.settings if type(value) is int}
        types: list[Type | None] = [None] * len(node.args)
        # Functions last: the type of their variable follows from the other arguments.
        patterns = word.signature.arguments
        for i in sorted(range(len(args)), key=lambda i: isinstance(patterns[i], Fn)):
            inner = dict(scope)
            pattern = substitute(patterns[i], bindings)
            below = node.args[i]
            for bound in pattern.arguments if isinstance(pattern, Fn) else ():
                if below.kind != "lam":
                    break
                inner[below.name], below = bound, below.args[0]
            term = self.build(node.args[i], inner)
            if term == Var("x") and pattern == Real(1) and self.language.has_column("x"):
                term = as_column("x")  # Where one number is wanted, it is the column and not the row.
            args[i] = term
            types[i] = None if isinstance(term, Lam) else self._type(term, inner)
            found = types[i]
            if found is not None:
                match_type(patterns[i], found, bindings)
        built = tuple(a for a in args if a is not None)
        if node.name == "affine":
            if types[0] is None and node.rows is not None:
                self._explain(node.args[0], built[0], scope)
            self._check_group(node, types[0])
            arrays = self._rows(node, types[0]) if node.rows is not None else None
            return Apply("affine", built, (("group", node.group),), arrays)
        config, arrays = self._settings(node)
        return Apply(node.name, built, config, arrays)

    def _variable(self, name: str, scope: Mapping[str, Type]) -> Term:
        return as_column(name) if name not in scope and self.language.has_column(name) else Var(name)

    def _number(self, node: Node) -> Term:
        whole = re.fullmatch(r"-?\d+", node.name) is not None
        word = "number" if whole else "constant"
        if word not in self.language.primitives:
            raise pointed(
                self.text,
                node.start,
                f"Unexpected {node.name!r}: language {self.language.name!r} has no numbers.",
                "A term: a variable, a primitive applied to arguments, or '('.",
            )
        if whole:
            return Apply("number", (), (("value", int(node.name)),))
        return Apply("constant", (), (), Parameters(value=np.array([float(node.name)], np.float32)))

    def _check_group(self, node: Node, argument: Type | None) -> None:
        for _, group, place in node.settings:
            if isinstance(argument, Real):
                try:
                    self.language.group_members(group, argument)
                except LanguageError as error:
                    raise pointed(self.text, place, error.got, error.expected) from None

    def _explain(self, node: Node, term: Term, scope: Mapping[str, Type]) -> None:
        """Raise what is wrong with a term whose type is needed now."""
        try:
            _Checker(self.language, {}).check(term, None, scope, ())
        except TermTypeError as error:
            raise pointed(
                self.text, _at(node, error.path).start, error.got, error.expected, error.advice
            ) from None

    def _type(self, term: Term, scope: Mapping[str, Type]) -> Type | None:
        if not all(is_known(t) for t in scope.values()):
            return None
        try:
            return _Checker(self.language, {}).check(term, None, scope, ())
        except LanguageError:
            return None  # Not determined from below; the check of the whole has the last word.

    def _rows(self, node: Node, argument: Type | None) -> Parameters:
        assert node.rows is not None
        if argument is None:
            raise pointed(
                self.text, node.start, "What this affine map reads has no known size.", "A known vector."
            )
        try:
            names = entry_names(argument)
        except AssertionError:
            raise pointed(self.text, node.start, f"affine reads {argument}.", "A vector.") from None
        weight = np.zeros((len(node.rows), len(names)), np.float32)
        bias = np.zeros(len(node.rows), np.float32)
        centre = np.zeros(len(names), np.float32)
        centres: dict[int, float] = {}
        for i, row in enumerate(node.rows):
            bias[i] = row.constant
            for name, middle, factor, place in row.entries:
                if name not in names:
                    raise pointed(
                        self.text, place, f"There is no entry {name!r} here.", f"One of {', '.join(names)}."
                    )
                j = names.index(name)
                if centres.setdefault(j, middle) != middle:
                    raise pointed(
                        self.text,
                        place,
                        f"{name!r} is centred at two values.",
                        "One centre for an entry in one map.",
                    )
                weight[i, j] += factor
                centre[j] = middle
        return Parameters(weight=weight, bias=bias, centre=centre)

    def _settings(self, node: Node) -> tuple[tuple[tuple[str, Value], ...], Parameters | None]:
        word = self.language[node.name]
        config: dict[str, Value] = {}
        arrays: dict[str, np.ndarray] = {}
        for key, value, place in node.settings:
            if key in word.config:
                config[key] = self._constant(value, place)
            elif key in word.parameters:
                try:
                    arrays[key] = np.array(value, np.float32)
                except ValueError:
                    raise pointed(
                        self.text, place, f"The array {key!r} is ragged.", "Rows of one length."
                    ) from None
            else:
                known = ", ".join([*word.config, *word.parameters]) or "none at all"
                raise pointed(self.text, place, f"{node.name} has no setting {key!r}.", f"{known}.")
        missing = [k for k in word.config if k not in config]
        if missing:
            raise pointed(
                self.text,
                node.start,
                f"{node.name} lacks the constant {missing[0]!r}.",
                f"{missing[0]}=... in [ ].",
            )
        return tuple((k, config[k]) for k in word.config), Parameters(**arrays) if arrays else None

    def _constant(self, value: Any, place: int) -> Value:
        if isinstance(value, Seconds):
            if not self.language.rate_hz:
                raise pointed(
                    self.text,
                    place,
                    "A time in seconds, but these frames have no rate.",
                    "A number of frames.",
                )
            return max(1, round(value * self.language.rate_hz))
        if isinstance(value, list):
            raise pointed(self.text, place, "A list stands for a constant.", "A number or a name.")
        return value
