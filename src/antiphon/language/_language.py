"""Languages: primitives, what may stand where, and the features that programs speak of."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from antiphon.errors import LanguageError
from antiphon.language._terms import Value
from antiphon.language._types import Fn, Real, Seq, Type, TypeVariable, match_type, parse_type

ShapeOf = Callable[[Mapping[str, int], Mapping[str, Value]], dict[str, tuple[int, ...]]]


@dataclass(frozen=True)
class Primitive:
    """One word of a language.

    Attributes:
        name: As it is written in programs.
        signature: Its type.
        run: The JAX implementation. A vector arrives as one array `(n,)`; a sequence as two, frames
            `(time, n)` and mask `(time,)`; a function as a callable. Constants, parameters and, for a soft
            primitive, `temperature` (0 = hard) come by keyword.
        prints: Words for people, with `{0}` for the first argument and `{width}` for a constant.
        config: Its constants, each with the values that a search tries.
        parameters: Its trainable arrays: name -> shape as size names, such as `"m n"`.
        data: Constants that reach `run` as an array: name -> function of (value, argument types, language).
        soft: Whether it takes a temperature.
        rule: Where a search may use it, as `(role, template)`; `None` for nowhere.
    """

    name: str
    signature: Fn
    run: Callable[..., Any]
    prints: str = ""
    config: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Callable[..., np.ndarray]] = field(default_factory=dict)
    soft: bool = False


@dataclass(frozen=True)
class Rule:
    """A production: a hole of `role` may become `template`, text with holes such as `affine(?summary)`."""

    role: str
    template: str


class Language:
    """A set of primitives and rules, bound to the features of one kind of data.

    Args:
        name: What it is called in programs and model files.
        features: Names of the columns of a frame -> units ("" for none).
        groups: Named groups of features.
        rate_hz: Frames per second, where time has a meaning.
        extends: A language whose primitives and rules this one starts from.

    Example:
        >>> from antiphon.language import sequence
        >>> mouse = Language("mouse", features={"speed": "cm/s", "angle": "rad"}, rate_hz=30, extends=sequence)
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
        self.name = name
        self.features: dict[str, str] = dict(features or {})
        self.groups: dict[str, tuple[str, ...]] = {k: tuple(v) for k, v in (groups or {}).items()}
        self.rate_hz = rate_hz
        self.is_table = is_table
        self.primitives: dict[str, Primitive] = dict(extends.primitives) if extends else {}
        self.rules: list[Rule] = list(extends.rules) if extends else []
        for group, members in self.groups.items():
            for member in members:
                if member not in self.features:
                    raise LanguageError(
                        f"Group {group!r} names the feature {member!r}, which language {name!r} does not have.",
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
        """The same primitives and rules over these features."""
        bound = Language(
            self.name, features, groups=groups, rate_hz=rate_hz or self.rate_hz, extends=self, is_table=is_table
        )
        return bound

    @property
    def frame_type(self) -> Real:
        """The type of one frame: a vector with the names and units of the features."""
        return Real(len(self.features), tuple(self.features), tuple(self.features.values()))

    @property
    def input_type(self) -> Type:
        """The type of the program's input `x`."""
        return self.frame_type if self.is_table else Seq(self.frame_type)

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

    def rule(self, role: str, template: str) -> None:
        """Let a search put `template` where a hole of `role` is.

        Roles: `output` (the whole program and its summands), `condition`, `summary` (a vector with the
        features' names), `stream` (frames with the features' names).
        """
        self.rules.append(Rule(role, template))

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
        searched: bool = True,
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
            searched: Whether a search may use it where its type fits.

        Raises:
            LanguageError: If the signature is no function type or a parameter speaks of an unknown size.
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
            )
            wanted = {*word.config, *word.parameters, *(("temperature",) if soft else ())}
            taken = inspect.signature(run).parameters
            missing = sorted(w for w in wanted if w not in taken)
            if missing and not any(p.kind is p.VAR_KEYWORD for p in taken.values()):
                raise LanguageError(
                    f"Primitive {word.name!r} is registered with {', '.join(missing)}, which its function does not take.",
                    "A keyword argument for every constant and parameter.",
                )
            self.primitives[word.name] = word
            role = _role_of(type_) if searched else None
            if role:
                holes = ", ".join(f"?{_role_of_argument(a)}" for a in type_.arguments)
                self.rule(role, f"{word.name}({holes})")
            return run

        return register


_N, _SEQ_N = Real("n"), Seq(Real("n"))


def _role_of_argument(type_: Type) -> str:
    if match_type(_SEQ_N, type_, {}):
        return "stream"
    return "condition" if type_ == Real(1) else "summary"


def _role_of(type_: Fn) -> str | None:
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
