"""Languages: primitives, what may stand where, and the features that programs speak of."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from antiphon.errors import LanguageError
from antiphon.language._laws import Equation, check_laws, read_equation
from antiphon.language._primitive import Primitive
from antiphon.language._roles import Rule, for_columns, role_of, role_of_argument
from antiphon.language._terms import Value
from antiphon.language._types import Fn, Real, Seq, Type, parse_type

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Every language made in this process, so that a program's text finds its own.
LANGUAGES: dict[str, Language] = {}


class Language:
    """A set of primitives and rules, bound to the features of one kind of data.

    Args:
        name: What it is called in programs and model files.
        features: Names of the columns of a frame -> units ("" for none).
        groups: Named groups of features.
        rate_hz: Frames per second, where time has a meaning.
        extends: A language whose primitives and rules this one starts from; the ready `sequence` by default.
        is_table: Whether a case is one row of numbers, not frames over time.

    Raises:
        LanguageError: If a name cannot be written in a program, or a group names an unknown feature.

    Example:
        >>> mouse = Language("mouse", features={"speed": "cm/s", "angle": "rad"}, rate_hz=30)
        >>> @mouse.primitive("Seq[Real[n]] -> Real[n]", prints="slowest {0}")
        ... def slowest(frames, mask):
        ...     import jax.numpy as jnp
        ...     return jnp.where(mask[:, None], frames, jnp.inf).min(0)
        >>> mouse["slowest"].signature
        Seq[Real[n]] -> Real[n]
    """

    def __init__(
        self,
        name: str,
        features: Mapping[str, str] | None = None,
        *,
        groups: Mapping[str, tuple[str, ...]] | None = None,
        rate_hz: float | None = None,
        extends: Language | None = None,
        is_table: bool = False,
    ) -> None:
        if extends is None:
            # Here and not above: the ready language is itself made of this class.
            from antiphon.language._sequence import sequence as extends
        if name in LANGUAGES and LANGUAGES[name].is_ready:
            raise LanguageError(
                f"The name {name!r} belongs to a ready language.", advice="choose another name."
            )
        self._set_up(name, extends.primitives, extends.rules, extends.equations)
        for habit in ("strategy", "number_roles", "size_limit", "no_difference"):
            setattr(self, habit, getattr(extends, habit))
        self._put(features or {}, groups or {}, rate_hz, is_table)
        LANGUAGES[name] = self

    def _set_up(
        self,
        name: str,
        primitives: Mapping[str, Primitive],
        rules: Sequence[Rule],
        equations: tuple[Equation, ...],
    ) -> None:
        if not re.fullmatch(r"[A-Za-z_][\w.-]*", name):
            raise LanguageError(f"The language name {name!r}.", "A word: letters, digits, '_', '-' or '.'.")
        self.name = name
        self.is_ready = False
        self.kept_names: frozenset[str] = frozenset(n for rule in rules for n, _ in rule.variables)
        self.primitives: dict[str, Primitive] = dict(primitives)
        self.rules: list[Rule] = list(rules)
        self.equations: tuple[Equation, ...] = equations
        self.words_version = 0  # Grows with every word, so that what was known of the words is known as old.
        # How programs are searched for where nobody says; where a new word of numbers stands, and what in it.
        self.strategy = "beam"
        self.number_roles: tuple[str, str] = ("condition", "condition")
        self.size_limit, self.no_difference = 20, 0.001  # Most nodes; scores this near are the same.

    @classmethod
    def bare(cls, name: str, *, is_ready: bool = False) -> Language:
        """A language without any primitive, to build from nothing.

        Args:
            name: What it is called.
            is_ready: Whether it comes with Antiphon, so that nothing else may take its name.

        Example:
            >>> Language.bare("empty")
            Language('empty', 0 primitives, 0 features)
        """
        language = cls.__new__(cls)
        language._set_up(name, {}, [], ())
        language._put({}, {}, None, False)
        language.is_ready = is_ready
        LANGUAGES[name] = language
        return language

    def _put(
        self,
        features: Mapping[str, str],
        groups: Mapping[str, tuple[str, ...]],
        rate_hz: float | None,
        is_table: bool,
    ) -> None:
        self.features: dict[str, str] = dict(features)
        self.groups: dict[str, tuple[str, ...]] = {k: tuple(v) for k, v in groups.items()}
        self.rate_hz = rate_hz
        self.is_table = is_table
        for feature in self.features:
            if not WORD.fullmatch(feature):
                raise LanguageError(
                    f"The feature name {feature!r} cannot be written in a program.",
                    "Letters, digits and '_', no digit first.",
                )
        for group, members in self.groups.items():
            if group == "all":
                raise LanguageError(
                    "A group called 'all'.", "Another name: 'all' always means every feature."
                )
            for member in members:
                if member not in self.features:
                    raise LanguageError(
                        f"Group {group!r} names {member!r}, which is no feature of language {self.name!r}.",
                        f"Names among {', '.join(self.features) or 'none'}.",
                    )

    def __repr__(self) -> str:
        return f"Language({self.name!r}, {len(self.primitives)} primitives, {len(self.features)} features)"

    def __getitem__(self, name: str) -> Primitive:
        return self.primitives[name]

    def bind(
        self,
        features: Mapping[str, str],
        *,
        groups: Mapping[str, tuple[str, ...]] | None = None,
        rate_hz: float | None = None,
        is_table: bool = False,
    ) -> Language:
        """The same primitives and rules over these features.

        Args:
            features: Names -> units; where a unit is "" and the language itself knows one, that one.
            groups: Named groups; by default those of the language whose features are all here.
            rate_hz: Frames per second; by default the language's.
            is_table: Whether a case is one row of numbers.

        Raises:
            LanguageError: As when a language is made.

        Example:
            >>> from antiphon.language import sequence
            >>> sequence.bind({"speed": "cm/s", "angle": "rad"}, rate_hz=30).input_type
            Seq[Real[2]]
        """
        if groups is None:
            groups = {k: v for k, v in self.groups.items() if set(v) <= set(features)}
        bound = copy.copy(self)
        bound.primitives, bound.rules = dict(self.primitives), for_columns(self.rules, features)
        units = {name: unit or self.features.get(name, "") for name, unit in features.items()}
        bound._put(units, groups, rate_hz or self.rate_hz, is_table)
        return bound

    @property
    def frame_type(self) -> Real:
        """The type of one frame: a vector with the names and units of the features."""
        return Real(len(self.features), tuple(self.features), tuple(self.features.values()))

    @property
    def input_type(self) -> Type:
        """The type of the program's input `x`."""
        return self.frame_type if self.is_table else Seq(self.frame_type)

    def has_column(self, name: str) -> bool:
        """Whether a name alone means that column of a row: features do, where there is the word `column`.

        Only column `x` of a table that has no other is the input itself.
        """
        return "column" in self.primitives and name in self.features and [*self.features] != ["x"]

    def group_members(self, group: str, vector: Real) -> np.ndarray:
        """Which entries of a vector belong to a group: a mask `(n,)` of 0 and 1.

        Args:
            group: `"all"`, the name of a group, or of one entry.
            vector: The type of the vector; without names it has only `"all"`.

        Raises:
            LanguageError: If there is no such group.
        """
        size = vector.size
        assert isinstance(size, int)
        if group == "all":
            return np.ones(size, np.float32)
        members = self.groups.get(group, (group,))
        if not set(members) <= set(vector.names):
            raise LanguageError(
                f"There is no feature or feature group {group!r} here.",
                f"'all', or one of {', '.join([*self.groups, *vector.names]) or 'none (no names)'}.",
            )
        return np.array([float(n in members) for n in vector.names], np.float32)

    def rule(
        self,
        role: str,
        template: str,
        type: str | None = None,
        *,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Let a search put `template` where a hole of `role` is; with a `type`, only where it has that.

        Roles: `output` (the whole program and its summands), `condition`, `summary` (a vector with the
        features' names), `stream` (frames with the features' names). Others are free; inside a lambda their
        `variables` are said: name -> `"hole"` (of the hole's own type) or `"frame"` (a frame of the input).
        """
        bound = tuple((variables or {}).items())
        self.kept_names |= frozenset(variables or {})
        self.rules.append(Rule(role, template, None if type is None else parse_type(type), variables=bound))

    def equal(self, one: str, other: str) -> None:
        """Declare that two templates are equal whatever stands in their holes: `canonical` keeps the simpler.

        That is the one with fewer nodes; of as many, the one whose words the language had earlier. A constant
        that is left out may have any value. A hole that stands twice stands for equal values, not for two
        maps that are still to be fitted. In a word that is commutative and associative, the operands may
        stand among others.

        Raises:
            LanguageError: If the templates cannot be read or have no common type, or neither is simpler.

        Example:
            >>> from antiphon.language import Language, canonical, parse_term, print_term
            >>> tides = Language("tides", features={"level": "m"})
            >>> @tides.primitive("Seq[Real[n]] -> Seq[Real[n]]")
            ... def backwards(frames, mask):
            ...     return frames[::-1], mask[::-1]
            >>> tides.equal("first(backwards(?stream))", "last(?stream)")
            >>> print_term(canonical(parse_term("first(backwards(x))", tides), tides), tides)
            'last(x)'
        """
        self.equations = (*self.equations, read_equation(one, other, self))

    def primitive(
        self,
        signature: str,
        *,
        name: str | None = None,
        prints: str = "",
        config: Mapping[str, tuple[Value, ...]] | None = None,
        parameters: Mapping[str, str] | None = None,
        data: Mapping[str, Callable[..., np.ndarray]] | None = None,
        soft: bool = False,
        unitless: bool = False,
        initialise: Callable[..., dict[str, np.ndarray]] | None = None,
        searched: bool = True,
        laws: tuple[str, ...] = (),
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a JAX function as a primitive (a decorator).

        Args:
            signature: Its type, such as `"Seq[Real[n]] -> Real[n]"`.
            name: Its name; the function's by default.
            prints: Words for people; `{0}` is the first argument.
            config: Constants and the values that a search tries.
            parameters: Trainable arrays: name -> shape in size names, such as `"m n"`.
            data: Constants that arrive as arrays.
            soft: Whether `run` takes `temperature`.
            unitless: Whether units end here, as in a product.
            initialise: Starting values of the arrays, from (shapes, constants, key).
            searched: Whether a search may use it where its type fits.
            laws: Its algebra, such as `("commutative", "associative")`: see `antiphon.language.LAWS`.

        Raises:
            LanguageError: If the signature is no function type, the name cannot be written, a law cannot
                hold, or the function takes no argument for a constant or a parameter.

        Example:
            >>> from antiphon.language import Language
            >>> voice = Language("voice")
            >>> @voice.primitive("Seq[Real[n]] -> Real[n]", prints="range of {0}")
            ... def spread(frames, mask):
            ...     import jax.numpy as jnp
            ...     low = jnp.where(mask[:, None], frames, jnp.inf).min(0)
            ...     return jnp.where(mask[:, None], frames, -jnp.inf).max(0) - low
            >>> voice.rules[-1]
            Rule(role='summary', template='spread(?stream)', type=None)
        """
        type_ = parse_type(signature)
        if not isinstance(type_, Fn):
            raise LanguageError(f"The signature {signature!r} is no function.", "A type with '->'.")

        def register(run: Callable[..., Any]) -> Callable[..., Any]:
            word = Primitive(
                name or run.__name__,
                type_,
                run,
                prints or f"{name or run.__name__} of {{0}}",
                dict(config or {}),
                dict(parameters or {}),
                dict(data or {}),
                soft,
                unitless,
                initialise,
                tuple(laws),
            )
            wanted = {*word.config, *word.parameters, *(("temperature",) if soft else ())}
            taken = inspect.signature(run).parameters
            missing = sorted(w for w in wanted if w not in taken)
            if missing and not any(p.kind is p.VAR_KEYWORD for p in taken.values()):
                raise LanguageError(
                    f"The function of primitive {word.name!r} does not take {', '.join(missing)}.",
                    "A keyword argument for every constant and parameter.",
                )
            if not WORD.fullmatch(word.name):
                raise LanguageError(
                    f"The primitive name {word.name!r} cannot be written in a program.",
                    "A word.",
                    "give name=...",
                )
            _check_prints(word)
            check_laws(word)
            # What was equal by a word of this name is not so by another.
            self.equations = tuple(e for e in self.equations if word.name not in e.words())
            self.primitives[word.name] = word
            self.words_version += 1
            role = role_of(type_, self.number_roles[0]) if searched else None
            if role:
                holes = ", ".join(f"?{role_of_argument(a, self.number_roles[1])}" for a in type_.arguments)
                self.rule(role, f"{word.name}({holes})")
            return run

        return register


def _check_prints(word: Primitive) -> None:
    try:
        word.prints.format(*["x"] * len(word.signature.arguments), **dict.fromkeys(word.config, "x"))
    except (IndexError, KeyError, ValueError) as error:
        raise LanguageError(
            f"prints={word.prints!r} of primitive {word.name!r} names what is not there: {error}.",
            f"{{0}} to {{{len(word.signature.arguments) - 1}}}, {', '.join(word.config) or 'no constant'}.",
        ) from None
