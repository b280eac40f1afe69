"""Which way a program's output goes when one feature rises, and which weights may be what for it to go so.

A sequence rises in a feature when it rises in some frames and falls in none, all else staying the same. Each
entry of each node then is constant, never falls, never rises, or nothing is known of it. From the leaves up
this is an abstract interpretation over signs; from the root down a wanted direction becomes signs that the
weights of the affine maps must have. A word that is not in the tables here is never trusted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from antiphon.language import (
    Apply,
    Lam,
    Language,
    Path,
    Real,
    Seq,
    Term,
    Type,
    Var,
    check,
    parameter_shapes,
    path_name,
    sequence,
    walk,
)

CONSTANT, RISES, FALLS, UNKNOWN = 0, 1, -1, 2
FREE = UNKNOWN  # As a goal: any direction will do.

# Entry by entry, a larger input never gives a smaller output.
RISING = (
    "mean", "max", "min", "first", "last", "middle", "at", "part", "window_mean", "window_max", "window_min",
    "prefix_mean", "prefix_max", "prefix_min", "tanh", "step",
)  # fmt: skip
# Entry by entry, but either way.
EITHER_WAY = ("deviation", "delta", "window_difference", "prefix_difference")

Direction = Int[np.ndarray, " n"]
Limits = dict[str, tuple[Float[np.ndarray, "m n"], Float[np.ndarray, "m n"]]]


def is_ready(name: str, language: Language) -> bool:
    """Whether a word is the one that comes with Antiphon, and not another of its name."""
    known = sequence.primitives.get(name)
    return known is not None and language[name].run is known.run


class Directions:
    """The directions of a term's nodes when one feature rises.

    Args:
        term: Without holes; with arrays or without.
        language: Bound to features.
        output_type: The type of the term.
        feature: The feature that rises.
        limits: Path of an affine map -> least and largest weights; its arrays, or else anything, by default.
    """

    def __init__(
        self,
        term: Term,
        language: Language,
        output_type: Type,
        feature: str,
        limits: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
    ) -> None:
        self.term, self.language, self.feature = term, language, feature
        self.typing = check(term, language, output_type)
        self.culprit = ""
        self.limits: Limits = {}
        for path, node in walk(term):
            if isinstance(node, Apply) and node.name == "affine" and is_ready("affine", language):
                self.limits[path_name(path)] = self._start(node, path, limits or {})

    def _start(
        self, node: Apply, path: Path, limits: Mapping[str, tuple[np.ndarray, np.ndarray]]
    ) -> tuple[np.ndarray, np.ndarray]:
        if node.parameters is not None:
            weight = np.asarray(node.parameters["weight"], np.float32)
            return weight, weight
        if path_name(path) in limits:
            low, high = limits[path_name(path)]
            return low.copy(), high.copy()
        shape = parameter_shapes(node, self.typing, path, self.language)["weight"]
        low, high = (np.full(shape, edge, np.float32) for edge in (-np.inf, np.inf))
        outside = self._group(node, path) == 0
        low[:, outside] = high[:, outside] = 0.0
        return low, high

    def _group(self, node: Apply, path: Path) -> np.ndarray:
        vector = self.typing[(*path, 0)]
        assert isinstance(vector, Real)
        return self.language.group_members(str(node.setting("group")), vector)

    # --- from the leaves up ------------------------------------------------------------------------------

    def find(self) -> Direction:
        """The direction of each entry of the output; `culprit` then says why one is unknown."""
        self.culprit = ""
        return self._of(self.term, (), {})

    def _of(self, node: Term, path: Path, scope: Mapping[str, Direction]) -> Direction:
        match node:
            case Var(name=name):
                return scope[name] if name in scope else self._input()
            case Apply(name=name) if not is_ready(name, self.language):
                return self._mixed(node, path, scope, f"what {name} does when {self.feature} rises")
            case Apply(name="affine", args=(read,)):
                low, high = self.limits[path_name(path)]
                return _rows(self._of(read, (*path, 0), scope), low, high)
            case Apply(name="map", args=(Lam(name=bound, body=body), frames)):
                inner = {**scope, bound: self._of(frames, (*path, 1), scope)}
                return self._of(body, (*path, 0, 0), inner)
            case Apply(name="if", args=(condition, yes, no)):
                both = [self._of(a, (*path, i), scope) for i, a in enumerate((yes, no), 1)]
                found = _joined(*both)
                if self._of(condition, (*path, 0), scope).any():
                    self._blame(f"a condition reads {self.feature}")
                    found = np.full_like(found, UNKNOWN)
                return found
            case Apply(name="add", args=(left, right)):
                return _joined(self._of(left, (*path, 0), scope), self._of(right, (*path, 1), scope))
            case Apply(name="mul", args=(left, right)):
                both = [self._of(a, (*path, i), scope) for i, a in enumerate((left, right))]
                if any(d.any() for d in both):
                    self._blame(f"a product reads {self.feature}, and its sign is not known")
                return np.where((both[0] == 0) & (both[1] == 0), CONSTANT, UNKNOWN)
            case Apply(name=name, args=(read,)) if name in RISING:
                return self._of(read, (*path, 0), scope)
            case Apply(name=name, args=(read,)) if name in EITHER_WAY:
                found = self._of(read, (*path, 0), scope)
                if found.any():
                    self._blame(f"{name} of {self.feature} may rise or fall when {self.feature} rises")
                return np.where(found == 0, CONSTANT, UNKNOWN)
            case Apply(name=name):
                return self._mixed(node, path, scope, f"what {name} does when {self.feature} rises")
            case _:
                raise AssertionError(f"{node} has no direction")

    def _input(self) -> Direction:
        return np.array([RISES if n == self.feature else CONSTANT for n in self.language.features])

    def _mixed(self, node: Apply, path: Path, scope: Mapping[str, Direction], what: str) -> Direction:
        """Of a word that nothing is known of: it may mix all that it reads."""
        width = _width(self.typing[path])
        reads = [
            isinstance(a, Lam) or bool(self._of(a, (*path, i), scope).any()) for i, a in enumerate(node.args)
        ]
        if not any(reads):
            return np.zeros(width, int)
        self._blame(f"{what} cannot be shown")
        return np.full(width, UNKNOWN)

    def _blame(self, why: str) -> None:
        self.culprit = self.culprit or why

    # --- from the root down ------------------------------------------------------------------------------

    def aim(self, goals: Sequence[int]) -> None:
        """Narrow the limits, so that the entries of the output go where they should as far as weights can.

        Args:
            goals: One an entry: `CONSTANT`, `RISES`, `FALLS` or `FREE`.
        """
        self._aim(self.term, (), np.asarray(goals), {})

    def _aim(self, node: Term, path: Path, goals: Direction, scope: Mapping[str, Direction]) -> None:
        if not isinstance(node, Apply) or (goals == FREE).all():
            return
        asked = np.where(goals == FREE, FREE, CONSTANT)
        ready = is_ready(node.name, self.language)
        match node if ready else None:
            case Apply(name="affine", args=(read,)):
                self._aim_affine(read, path, goals, scope)
            case Apply(name="map", args=(Lam(name=bound, body=body), frames)):
                below = RISES if np.isin(goals, (RISES, FALLS)).any() else CONSTANT
                self._aim(frames, (*path, 1), np.full(_width(self.typing[(*path, 1)]), below), scope)
                inner = {**scope, bound: self._of(frames, (*path, 1), scope)}
                self._aim(body, (*path, 0, 0), goals, inner)
            case Apply(name="if", args=(condition, *branches)):
                self._aim(condition, (*path, 0), np.zeros(1, int), scope)
                for i, branch in enumerate(branches, 1):
                    self._aim(branch, (*path, i), goals, scope)
            case Apply(name=name, args=args) if name == "add" or name in RISING:
                for i, part in enumerate(args):
                    self._aim(part, (*path, i), goals, scope)
            case Apply(name=name, args=args) if name == "mul" or name in EITHER_WAY:
                for i, part in enumerate(args):
                    self._aim(part, (*path, i), asked, scope)
            case _:
                for i, part in enumerate(node.args):
                    if not isinstance(part, Lam):
                        width = _width(self.typing[(*path, i)])
                        self._aim(part, (*path, i), np.zeros(width, int), scope)

    def _aim_affine(self, read: Term, path: Path, goals: Direction, scope: Mapping[str, Direction]) -> None:
        moving = bool(np.isin(goals, (RISES, FALLS)).any())
        width = _width(self.typing[(*path, 0)])
        # Maps below are made to rise; the weights here say the rest.
        self._aim(read, (*path, 0), np.full(width, RISES if moving else CONSTANT), scope)
        low, high = self.limits[path_name(path)]
        way = self._of(read, (*path, 0), scope)[None, :]
        goal = goals[:, None]
        asked = (goal != FREE) & (way != CONSTANT)
        closed = asked & ((goal == CONSTANT) | (way == UNKNOWN))
        self.limits[path_name(path)] = (
            np.where(closed | (asked & (goal * way == RISES)), np.maximum(low, 0), low),
            np.where(closed | (asked & (goal * way == FALLS)), np.minimum(high, 0), high),
        )


def narrow(
    term: Term,
    language: Language,
    output_type: Type,
    feature: str,
    goals: Sequence[int],
    limits: Mapping[str, tuple[np.ndarray, np.ndarray]],
) -> tuple[Limits, str]:
    """Limits of the weights under which a sketch goes where it should when a feature rises.

    Args:
        term: A sketch without holes.
        language: Bound to features.
        output_type: Of the term.
        feature: The feature.
        goals: One an entry of the output.
        limits: Those that hold already.

    Returns:
        The narrower limits, and why they do not suffice; `""` if they do.
    """
    found = Directions(term, language, output_type, feature, limits)
    found.aim(goals)
    return found.limits, missed(found, goals)


def missed(found: Directions, goals: Sequence[int]) -> str:
    """Why a term does not go where it should; `""` if it does.

    Args:
        found: The analysis of the term.
        goals: One an entry of the output.
    """
    for way, goal in zip(found.find().tolist(), goals, strict=True):
        if goal != FREE and way not in (CONSTANT, goal):
            if way == UNKNOWN:
                return found.culprit or f"{found.feature} has a weight of either sign"
            if goal == CONSTANT:
                return f"its output moves with {found.feature}"
            return f"its output {'rises' if way == RISES else 'falls'} when {found.feature} rises"
    return ""


def _rows(way: Direction, low: np.ndarray, high: np.ndarray) -> Direction:
    """The direction of each row of an affine map, from that of its entries and the signs of its weights."""
    sign = np.where(low >= 0, np.where(high <= 0, 0, 1), np.where(high <= 0, -1, UNKNOWN))
    each = np.where((sign == 0) | (way == 0)[None, :], CONSTANT, sign * way[None, :])
    each = np.where(np.abs(each) > 1, UNKNOWN, each)
    up, down = (each == RISES).any(1), (each == FALLS).any(1)
    lost = (each == UNKNOWN).any(1) | (up & down)
    return np.where(lost, UNKNOWN, np.where(up, RISES, np.where(down, FALLS, CONSTANT)))


def _joined(one: Direction, other: Direction) -> Direction:
    """The direction of what moves with both."""
    return np.where(one == 0, other, np.where((other == 0) | (one == other), one, UNKNOWN))


def _width(type_: Type) -> int:
    vector = type_.element if isinstance(type_, Seq) else type_
    assert isinstance(vector, Real)
    assert isinstance(vector.size, int)
    return vector.size
