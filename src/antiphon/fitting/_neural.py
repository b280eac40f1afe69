"""Neural modules as words of a language: what fills a hole, and what stands in for one during search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, cached_property
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array

from antiphon.language import Apply, Fn, Hole, Language, Primitive, Real, Seq, Term, Type, Var, parse_type
from antiphon.networks import FAMILIES, build, from_arrays, named_leaves, to_arrays

HIDDEN = 16

# How program text calls the arrays of a network, by their dotted names; others keep theirs, with `_` for `.`.
_NAMES = {
    "scaling.shift": "shift",
    "scaling.scale": "scale",
    "recurrent.layers.0.forward.weight_ih": "kernel",
    "recurrent.layers.0.forward.weight_hh": "recurrent",
    "recurrent.layers.0.forward.bias": "bias",
    "recurrent.layers.0.forward.bias_n": "candidate_bias",
    "recurrent.layers.0.backward.weight_ih": "back_kernel",
    "recurrent.layers.0.backward.weight_hh": "back_recurrent",
    "recurrent.layers.0.backward.bias": "back_bias",
    "recurrent.layers.0.backward.bias_n": "back_candidate_bias",
    "linear.weight": "readout",
    "linear.bias": "readout_bias",
}
_PERCEPTRON_NAMES = {
    **_NAMES,
    "layers.0.weight": "kernel",
    "layers.0.bias": "bias",
    "layers.1.weight": "readout",
    "layers.1.bias": "readout_bias",
}
# Sizes that no other number of a network is: an axis that is as long as one of them is one of them.
_PROBE = {"n": 1009, "m": 2003, "hidden": 3968}


class _Arrays(Mapping[str, str]):
    """The arrays of a network: name in program text -> shape in size names, as `Primitive.parameters`.

    The network is probed when they are first asked for: of all modules a search uses one or two.

    Args:
        kind: Of the network.
        settings: Of its config, besides sizes.
        width: What the config calls the number of hidden units.
        output: What the program calls the number of outputs.
    """

    def __init__(self, kind: str, settings: Mapping[str, Any], width: str, output: str) -> None:
        self.kind, self.settings, self.width, self.output = kind, settings, width, output

    @cached_property
    def known(self) -> dict[str, tuple[str, str]]:
        """Name in program text -> its dotted name, and its shape."""
        config = self.config(*_PROBE.values())
        made = eqx.filter_eval_shape(lambda: build(config, key=jax.random.key(0)))
        names = _PERCEPTRON_NAMES if self.kind == "VectorToVector" else _NAMES
        shapes = {name: " ".join(map(_size, leaf.shape)) for name, leaf in named_leaves(made).items()}
        return {
            names.get(name, name.replace(".", "_")): (name, shape.replace("m", self.output))
            for name, shape in shapes.items()
        }

    def config(self, n: int, m: int, hidden: int) -> dict[str, Any]:
        """The config of a network of these sizes."""
        return {"kind": self.kind, "in_size": n, "out_size": m, self.width: hidden, **self.settings}

    def __getitem__(self, name: str) -> str:
        return self.known[name][1]

    def __iter__(self) -> Iterator[str]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)


def _size(length: int) -> str:
    """A length of a probed network, in the names of its sizes."""
    for name, probe in _PROBE.items():
        times, rest = divmod(length, probe)
        if times and not rest:
            return name if times == 1 else f"{times}*{name}"
    return str(length)


def with_modules(language: Language) -> Language:
    """A copy of a language that also has neural modules as primitives.

    `mlp : Real[n] -> Real[m]`, and for each name in `networks.FAMILIES`, such as `gru`, `bilstm` or `cnn`,
    those of `NAME : Seq[Real[n]] -> Real[m]` and `NAME_frames : Seq[Real[n]] -> Seq[Real[m]]` that it has.
    None of them is used by a search unless asked for.

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
    made: dict[str, Primitive] = {}
    _register(made, "mlp", "Real[n] -> Real[m]", "VectorToVector", {})
    for name, family in FAMILIES.items():
        if family.vector:
            _register(made, name, "Seq[Real[n]] -> Real[m]", family.vector, family.settings, family.width)
        if family.frames:
            signature = "Seq[Real[n]] -> Seq[Real[m]]"
            _register(made, f"{name}_frames", signature, family.frames, family.settings, family.width)
    # Where nothing around a module says how many numbers it gives, `entries` does.
    _register(made, "mlp_to", "Real[n] -> Real[entries]", "VectorToVector", {})
    _register(made, "gru_to", "Seq[Real[n]] -> Real[entries]", "SequenceToVector", {"cell": "gru"})
    return made


def _register(
    words: dict[str, Primitive],
    name: str,
    signature: str,
    kind: str,
    settings: Mapping[str, Any],
    width: str = "hidden",
) -> None:
    sized = "entries" in signature
    arrays = _Arrays(kind, settings, width, "entries" if sized else "m")

    def run(*inputs: Array, hidden: int, entries: int = 0, **given: Array) -> Array:
        n, m = given["shift"].shape[0], given["readout"].shape[0]
        named: Any = {arrays.known[k][0]: v for k, v in given.items()}
        network: Any = from_arrays(arrays.config(n, m, hidden), named)
        return network(*inputs)

    def initialise(
        shapes: dict[str, tuple[int, ...]], constants: dict[str, Any], key: Array
    ) -> dict[str, np.ndarray]:
        sizes = shapes["shift"][0], shapes["readout"][0], int(constants["hidden"])
        made = to_arrays(build(arrays.config(*sizes), key=key))
        return {short: made[long] for short, (long, _) in arrays.known.items()}

    run.__name__ = name
    type_ = parse_type(signature)
    assert isinstance(type_, Fn)
    words[name] = Primitive(
        name,
        type_,
        run,
        prints=f"{name} network ({{hidden}} units) of {{0}}",
        config={"hidden": (HIDDEN,), **({"entries": (1,)} if sized else {})},
        parameters=arrays,
        unitless=True,
        initialise=initialise,
    )


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
