"""Neural modules as words of a language: what fills a hole, and what stands in for one during search."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Array

from antiphon.language import Apply, Hole, Language, Primitive, Real, Seq, Term, Type, Var, sequence
from antiphon.networks import build, from_arrays, to_arrays

HIDDEN = 16

# Names of a module's arrays in program text -> its names in `networks`, with their shapes in size names.
_GATES = {"rnn": 1, "gru": 3, "lstm": 4}


def _recurrent_arrays(cell: str, *, bidirectional: bool) -> dict[str, tuple[str, str]]:
    gates = f"{_GATES[cell]}*hidden"
    arrays = {"shift": ("scaling.shift", "n"), "scale": ("scaling.scale", "n")}
    for side in ("forward", "backward") if bidirectional else ("forward",):
        place, short = f"recurrent.layers.0.{side}", "" if side == "forward" else "back_"
        arrays[f"{short}kernel"] = (f"{place}.weight_ih", f"{gates} n")
        arrays[f"{short}recurrent"] = (f"{place}.weight_hh", f"{gates} hidden")
        arrays[f"{short}bias"] = (f"{place}.bias", gates)
        if cell == "gru":
            arrays[f"{short}candidate_bias"] = (f"{place}.bias_n", "hidden")
    width = "2*hidden" if bidirectional else "hidden"
    return arrays | {"readout": ("linear.weight", f"m {width}"), "readout_bias": ("linear.bias", "m")}


_PERCEPTRON = {
    "shift": ("scaling.shift", "n"),
    "scale": ("scaling.scale", "n"),
    "kernel": ("layers.0.weight", "hidden n"),
    "bias": ("layers.0.bias", "hidden"),
    "readout": ("layers.1.weight", "m hidden"),
    "readout_bias": ("layers.1.bias", "m"),
}


def with_modules(language: Language) -> Language:
    """A copy of a language that also has neural modules as primitives.

    `mlp : Real[n] -> Real[m]`, and for each of `gru`, `lstm`, `rnn` (one direction) and `bigru`, `bilstm`
    (both): `NAME : Seq[Real[n]] -> Real[m]`, `NAME_frames : Seq[Real[n]] -> Seq[Real[m]]`. None of them is
    used by a search unless asked for.

    Example:
        >>> from antiphon.language import sequence
        >>> with_modules(sequence)["gru"].signature
        Seq[Real[n]] -> Real[m]
    """
    extended = language.bind(
        language.features, groups=language.groups, rate_hz=language.rate_hz, is_table=language.is_table
    )
    extended.primitives.update(_modules())
    return extended


@cache
def _modules() -> dict[str, Primitive]:
    """The modules, made once: what compiles for one search then serves the next."""
    made = sequence.bind({})
    _register(made, "mlp", "Real[n] -> Real[m]", "VectorToVector", {}, _PERCEPTRON)
    for cell in _GATES:
        for both in (False, True):
            arrays = _recurrent_arrays(cell, bidirectional=both)
            settings = {"cell": cell, "bidirectional": both}
            name = f"bi{cell}" if both else cell
            _register(made, name, "Seq[Real[n]] -> Real[m]", "SequenceToVector", settings, arrays)
            _register(
                made,
                f"{name}_frames",
                "Seq[Real[n]] -> Seq[Real[m]]",
                "SequenceToSequence",
                settings,
                arrays,
            )
    # Where nothing around a module says how many numbers it gives, `entries` does.
    _register(made, "mlp_to", "Real[n] -> Real[entries]", "VectorToVector", {}, _PERCEPTRON)
    recurrent = _recurrent_arrays("gru", bidirectional=False)
    _register(made, "gru_to", "Seq[Real[n]] -> Real[entries]", "SequenceToVector", {"cell": "gru"}, recurrent)
    return {name: word for name, word in made.primitives.items() if name not in sequence.primitives}


def _register(
    language: Language,
    name: str,
    signature: str,
    kind: str,
    settings: dict[str, Any],
    arrays: dict[str, tuple[str, str]],
) -> None:
    def config(n: int, m: int, hidden: int) -> dict[str, Any]:
        return {"kind": kind, "in_size": n, "out_size": m, "hidden": hidden, **settings}

    sized = "entries" in signature

    def run(*inputs: Array, hidden: int, entries: int = 0, **given: Array) -> Array:
        n, m = given["shift"].shape[0], given["readout"].shape[0]
        named: Any = {arrays[k][0]: v for k, v in given.items()}
        network: Any = from_arrays(config(n, m, hidden), named)
        return network(*inputs)

    def initialise(
        shapes: dict[str, tuple[int, ...]], constants: dict[str, Any], key: Array
    ) -> dict[str, np.ndarray]:
        network = build(config(shapes["shift"][0], shapes["readout"][0], int(constants["hidden"])), key=key)
        made = to_arrays(network)
        return {short: made[long] for short, (long, _) in arrays.items()}

    run.__name__ = name
    language.primitive(
        signature,
        name=name,
        prints=f"{name} network ({{hidden}} units) of {{0}}",
        config={"hidden": (HIDDEN,), **({"entries": (1,)} if sized else {})},
        parameters={
            short: shape.replace("m", "entries") if sized else shape for short, (_, shape) in arrays.items()
        },
        initialise=initialise,
        unitless=True,
        searched=False,
    )(run)


def fill_hole(hole: Hole, variables: dict[str, Type], *, hidden: int = HIDDEN) -> Term:
    """The neural module that stands in for a hole: its relaxation.

    Args:
        hole: With a known type.
        variables: What is in scope: the module reads the innermost variable that it can.
        hidden: Units of the module.

    Returns:
        `mlp(v)`, `gru(x)` or `bigru_frames(x)`, by the types.
    """
    name, type_ = list(variables.items())[-1]
    if hole.role.startswith("summary"):
        assert isinstance(hole.type, Real)
        assert isinstance(hole.type.size, int)
        word = "gru_to" if isinstance(type_, Seq) else "mlp_to"
        return Apply(word, (Var(name),), (("hidden", hidden), ("entries", hole.type.size)))
    match type_, hole.type:
        case Seq(), Real():
            word = "gru"
        case Seq(), Seq():
            word = "bigru_frames"
        case Real(), Real():
            word = "mlp"
        case _:
            raise AssertionError(f"no module turns {type_} into {hole.type}")
    return Apply(word, (Var(name),), (("hidden", hidden),))


Filler = Callable[[Hole, dict[str, Type]], Term]
