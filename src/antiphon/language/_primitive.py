"""Words of a language: what each computes, and what is known of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from antiphon.language._terms import Term, Value
from antiphon.language._types import Fn


@dataclass(frozen=True)
class Definition:
    """What a word stands for.

    Attributes:
        arguments: The variables of the term, in the order of the word's arguments.
        body: The term.
        is_sketch: Whether it has leaves that are still to be trained, so that it cannot run as it is.
    """

    arguments: tuple[str, ...]
    body: Term
    is_sketch: bool = False


@dataclass(frozen=True)
class Primitive:
    """One word of a language.

    Attributes:
        name: As it is written in programs.
        signature: Its type.
        run: The JAX implementation. A vector arrives as one array `(n,)`; a sequence as two, frames
            `(time, n)` and mask `(time,)`; a function as a callable. Constants, parameters and, for a soft
            primitive, `temperature` (0 = hard) come by keyword.
        prints: Words for people, with `{0}` for the first argument and `{name}` for a constant. A constant
            `width` is said as a time, and `look` as where a window looks.
        config: Its constants, each with the values that a search tries.
        parameters: Its trainable arrays: name -> shape as size names, such as `"m n"`.
        data: Constants that reach `run` as an array: name -> function of (value, argument types, language).
        soft: Whether it takes a temperature.
        unitless: Whether the units of its arguments mean nothing in its result.
        initialise: Starting values of its arrays, a function of (shapes, constants, key).
        laws: What is known of its algebra, of `antiphon.language.LAWS`; `canonical` goes by it.
        definition: What it stands for, if it is a name for a term (see `define`).
        chooses: Whether its arrays weigh alternatives, and so are trained on other cases than the rest.
    """

    name: str
    signature: Fn
    run: Callable[..., Any]
    prints: str = ""
    config: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Callable[..., np.ndarray]] = field(default_factory=dict)
    soft: bool = False
    unitless: bool = False
    initialise: Callable[..., dict[str, np.ndarray]] | None = None
    laws: tuple[str, ...] = ()
    definition: Definition | None = None
    chooses: bool = False
