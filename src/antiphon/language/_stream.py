"""A program that reads one frame at a time, in memory that does not grow.

This is an interpretation of the term, not of its graph: in the graph of a window's mean the mean of the whole
sequence is taken off first and added again, which looks into the future although the window does not. Of a
word it is known that it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from antiphon.errors import ExportError, InputError
from antiphon.language._architecture import architecture
from antiphon.language._definitions import free_variables, inline
from antiphon.language._evaluate import data_arrays
from antiphon.language._output import Output
from antiphon.language._primitive import Primitive
from antiphon.language._program import Program
from antiphon.language._sequence import sequence
from antiphon.language._sound import sound
from antiphon.language._sound_stream import SOUND
from antiphon.language._stream_rules import ARCHITECTURE, SEQUENCE, Count, Frame, Rule, refusal
from antiphon.language._terms import Apply, Lam, Path, Term, Var, parameters, path_name
from antiphon.language._types import Fn, Real, Seq, TypeVariable
from antiphon.language._typing import check


@dataclass(frozen=True)
class Stream:
    """A program as a state and a step.

    Attributes:
        initial: The state before the first frame, a tree of arrays.
        step: From a state and a frame `(feature,)` to the next state and the scores `(scores,)`: those of the
            program on all frames so far or, for tagging, of this frame. Compiled.
        output: What the scores mean.
    """

    initial: Any
    step: Callable[[Any, Float[Array, " feature"]], tuple[Any, Float[Array, " scores"]]]
    output: Output


def to_stream(program: Program) -> Stream:
    """A causal program as a step from frame to frame.

    After each frame the scores are those of the program on the frames so far, but for rounding: means and
    deviations run. The state keeps its size; it counts frames up to 2^31.

    Args:
        program: One that looks at the past only: no centred or leading window, no part or middle of the
            whole, and within a function for each frame no summary but `first`.

    Raises:
        ExportError: Names the word that cannot go frame by frame, and what to use instead.

    Example:
        >>> program = Program.parse('''language sequence
        ... input x: Seq[Real[1]] of speed
        ... output numbers y
        ... program
        ...   mean(x) + last(delta(x))
        ... ''')
        >>> stream = to_stream(program)
        >>> state = stream.initial
        >>> for speed in (1.0, 4.0, 4.0):
        ...     state, scores = stream.step(state, jnp.array([speed]))
        ...     print(scores)
        [1.]
        [5.5]
        [3.]
    """
    language = program.language
    if language.is_table:
        raise ExportError(
            "A program on tables.", "A program on sequences.", "Call the program: each row stands alone."
        )
    term = inline(program.term, language)
    build = _Builder(program, term)
    whole = build.part(term, (), inside=False)

    def step(state: tuple[Count, Any], frame: Frame) -> tuple[tuple[Count, Any], Array]:
        if frame.shape != (len(language.features),):
            raise InputError(
                f"A frame of shape {frame.shape}.",
                f"({len(language.features)},), for {', '.join(language.features)}.",
                "Give one frame at a time.",
            )
        count, inner = state
        count = count + 1
        inner, value = whole.step(inner, _Now(count, {"x": frame}))
        return (count, inner), value

    return Stream((jnp.zeros((), jnp.int32), whole.start), jax.jit(step), program.output)


@dataclass(frozen=True)
class _Now:
    """What a step sees: how many frames there are, and the values of variables, sequences by this frame."""

    count: Count
    scope: Mapping[str, Any]


@dataclass(frozen=True)
class _Part:
    """A term as a state and a step."""

    start: Any
    step: Callable[[Any, _Now], tuple[Any, Any]]


class _Builder:
    def __init__(self, program: Program, term: Term) -> None:
        self.language = program.language
        self.typing = check(term, self.language, program.output_type)
        self.arrays: dict[str, dict[str, Any]] = {}
        for source in (data_arrays(term, self.language, self.typing), parameters(term)):
            for name, arrays in source.items():
                known = self.arrays.setdefault(name, {})
                known.update({key: jnp.asarray(array) for key, array in arrays.items()})

    def part(self, term: Term, path: Path, inside: bool) -> _Part:
        """A term as a state and a step.

        Args:
            term: Any without holes.
            path: Where it stands.
            inside: Whether it is in a function of each frame, where a summary of all frames would be another
                at the end than it is now.
        """
        if isinstance(term, Var):
            return _Part((), lambda state, now: (state, now.scope[term.name]))
        assert isinstance(term, Apply)
        word = self.language[term.name]
        if term.name == "map" and word.run is sequence["map"].run:
            return self.mapped(term, path)
        if term.name == "fold" and word.run is architecture["fold"].run:
            return self.folded(term, path)
        rule = _rule(term.name, word)
        if rule is not None:
            return self.remembered(term, path, rule, inside)
        types = (*word.signature.arguments, word.signature.result)
        # A word of any type runs on vectors as on sequences; of those on sequences we know our own.
        open_ = any(isinstance(t, TypeVariable) for t in types) and isinstance(self.typing[path], Seq)
        ours = word.run in (sequence["add"].run, sequence["mul"].run)
        if any(isinstance(t, Seq | Fn) for t in types) or (open_ and not ours):
            raise refusal(
                term,
                "has no step of its own",
                "Say it with words that have: windows that trail, prefix_mean, fold_gated, map.",
            )
        return self.plain(term, path, word, inside)

    def plain(self, term: Apply, path: Path, word: Primitive, inside: bool) -> _Part:
        """A word of vectors: it runs on what its arguments are now."""
        below = [self.part(a, (*path, i), inside) for i, a in enumerate(term.args)]
        keywords = {**dict(term.config), **self.arrays.get(path_name(path), {})}
        if word.soft:
            keywords["temperature"] = 0.0

        def step(state: Any, now: _Now) -> tuple[Any, Any]:
            results = [p.step(s, now) for p, s in zip(below, state, strict=True)]
            return tuple(s for s, _ in results), word.run(*(v for _, v in results), **keywords)

        return _Part(tuple(p.start for p in below), step)

    def remembered(self, term: Apply, path: Path, rule: Rule, inside: bool) -> _Part:
        """A word of a sequence: it keeps what it needs of it."""
        if inside and isinstance(self.typing[path], Real) and not _is_first(term):
            raise refusal(
                term,
                "stands in a function of each frame, where it would speak of frames yet to come",
                "Use prefix_mean, prefix_max and the like before the map, or first.",
            )
        if inside and set(free_variables(term)) - {"x"}:
            raise refusal(
                term,
                "stands in a function of each frame and speaks of its variable",
                "Compute it outside of the function.",
            )
        below = self.part(term.args[0], (*path, 0), inside)
        memory = rule(term, self.width((*path, 0)), self.arrays.get(path_name(path), {}))

        def step(state: Any, now: _Now) -> tuple[Any, Any]:
            inner, kept = state
            inner, frame = below.step(inner, now)
            kept, value = memory.step(kept, frame, now.count)
            return (inner, kept), value

        return _Part((below.start, memory.start), step)

    def mapped(self, term: Apply, path: Path) -> _Part:
        function, stream = term.args
        assert isinstance(function, Lam)
        below = self.part(stream, (*path, 1), inside=False)
        body = self.part(function.body, (*path, 0, 0), inside=True)

        def step(state: Any, now: _Now) -> tuple[Any, Any]:
            outer, inner = state
            outer, frame = below.step(outer, now)
            inner, value = body.step(inner, _Now(now.count, {**now.scope, function.name: frame}))
            return (outer, inner), value

        return _Part((below.start, body.start), step)

    def folded(self, term: Apply, path: Path) -> _Part:
        function, stream = term.args
        assert isinstance(function, Lam)
        second = function.body
        assert isinstance(second, Lam)
        below = self.part(stream, (*path, 1), inside=False)
        body = self.part(second.body, (*path, 0, 0, 0), inside=True)

        def step(state: Any, now: _Now) -> tuple[Any, Any]:
            outer, inner, h = state
            outer, frame = below.step(outer, now)
            scope = {**now.scope, function.name: h, second.name: frame}
            inner, h = body.step(inner, _Now(now.count, scope))
            return (outer, inner, h), h

        hidden = term.setting("hidden")
        assert isinstance(hidden, int)
        return _Part((below.start, body.start, jnp.zeros(hidden, jnp.float32)), step)

    def width(self, path: Path) -> int:
        """Numbers in a frame of the sequence at a path."""
        type_ = self.typing[path]
        assert isinstance(type_, Seq)
        assert isinstance(type_.element, Real)
        assert isinstance(type_.element.size, int)
        return type_.element.size


def _rule(name: str, word: Primitive) -> Rule | None:
    """The rule of a word, if it is one of ours and no other of the same name."""
    for rules, language in ((SEQUENCE, sequence), (SOUND, sound), (ARCHITECTURE, architecture)):
        if name in rules and word.run is language[name].run:
            return rules[name]
    return None


def _is_first(term: Apply) -> bool:
    return term.name == "first" or (term.name == "at" and term.setting("frame") == 0)
