"""Names for what a source file assigns: the user's own where there are any."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from itertools import count
from typing import Any

import numpy as np

from antiphon.graph._graph import Equation, Graph, Value

# What a result is called if nothing better is known.
NOUNS = {
    "reduce_sum": "total",
    "reduce_mean": "mean",
    "reduce_max": "largest",
    "reduce_min": "smallest",
    "argmax": "place",
    "dot_general": "product",
    "concatenate": "joined",
    "select_n": "chosen",
    "scan": "state",
    "cumsum": "sums",
    "exp": "exponential",
    "logistic": "gate",
    "take": "taken",
    "ramp": "index",
    "window": "windowed",
    "slice": "part",
    "full": "zeros",
}
ROLES = {"dot_general": "weight", "add": "bias", "sub": "centre", "mul": "scale", "div": "scale"}
# Functions and variables whose names say nothing of what they give.
EMPTY = {
    "result",
    "value",
    "values",
    "flat",
    "step",
    "body",
    "advance",
    "run",
    "now",
    "fold",
    "out",
    "one",
    "call",
    "scan",
}


class Names:
    """Names that are still free.

    Args:
        taken: Those that are not.
    """

    def __init__(self, taken: set[str]) -> None:
        self.taken = set(taken)

    def free(self, wanted: str) -> str:
        """The name, with a number behind it if it is taken."""
        wanted = re.sub(r"_\d+$", "", wanted) if wanted in self.taken else wanted
        tries = (wanted if k == 1 else f"{wanted}_{k}" for k in count(1))
        name = next(n for n in tries if n not in self.taken)
        self.taken.add(name)
        return name

    def of(self, value: Value, equation: Equation, users: set[str]) -> str:
        """A name for a value."""
        return self.free(self.hint(value, equation, users))

    def hint(self, value: Value, equation: Equation, users: set[str] | None = None) -> str:
        """What a value may be called: its variable in the user's code, the function that gives it, or a noun.

        Args:
            value: What is named.
            equation: Where it comes from.
            users: The functions that read it.
        """
        own = re.sub(r"(_\d+)+$", "", re.sub(r"\W", "_", value.name))
        if len(own) > 2 and own not in EMPTY:
            return own
        function = _word(equation.source.function if equation.source else "")
        leaves = users is not None and (
            not users or equation.source is None or users - {equation.source.function}
        )
        if function and leaves:
            return function
        return NOUNS.get(equation.primitive, function or "value")


def _word(function: str) -> str:
    """The name of a function as that of its result; empty if it says nothing."""
    word = function.rpartition(".")[2].strip("_").removeprefix("masked_")
    return word if re.fullmatch(r"[a-z]\w{2,}", word) and word not in EMPTY else ""


def constant_names(graph: Graph, wanted: Mapping[str, Any]) -> dict[Value, str]:
    """A name for every array that a plain graph holds.

    Args:
        graph: In plain words.
        wanted: Names of arrays, found again by what is in them.
    """
    known = {
        (np.asarray(a).shape, np.asarray(a).tobytes()): name for name, a in reversed(list(wanted.items()))
    }
    names: dict[Value, str] = {}
    uses = _first_uses(graph)
    for value, array in graph.constants.items():
        array = np.asarray(array)
        found = known.get((array.shape, array.tobytes()))
        if found is None and len(value.name) > 2:
            found = value.name
        if found is None:
            equation = uses.get(value)
            function = _word(equation.source.function if equation and equation.source else "")
            role = ROLES.get(equation.primitive if equation else "", "array")
            found = f"{function}_{role}" if function else role
        names[value] = re.sub(r"\W+", "_", found).strip("_")
    return names


def _first_uses(graph: Graph) -> dict[Value, Equation]:
    found: dict[Value, Equation] = {}
    for equation in graph.equations:
        for body in equation.bodies:
            for value, use in _first_uses(body).items():
                found.setdefault(value, use)
        for atom in equation.inputs:
            if isinstance(atom, Value):
                # A broadcast says nothing of what an array is for.
                if equation.primitive == "broadcast_in_dim":
                    inner = next((e for e in graph.equations if equation.outputs[0] in e.inputs), equation)
                    found.setdefault(atom, inner)
                found.setdefault(atom, equation)
    return found


def identifier(name: str) -> str:
    """A name as Python takes it.

    Example:
        >>> identifier("layers.0.weight"), identifier("2nd"), identifier("class")
        ('layers_0_weight', '_2nd', 'class_')
    """
    text = re.sub(r"\W", "_", name) or "x"
    text = f"_{text}" if text[0].isdigit() else text
    return f"{text}_" if keyword.iskeyword(text) else text
