"""Formulas over whole columns of numbers at once, in double precision and without compiling anything.

A search looks at thousands of formulas once each: compiling one takes longer than a thousand evaluations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from antiphon.language import Apply, Language, Path, Term, Var, arithmetic, path_name

NUMPY: dict[str, Any] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "power": np.power,
    "neg": np.negative,
    "square": np.square,
    "abs": np.abs,
    **{name: getattr(np, name) for name in ("sqrt", "exp", "log", "sin", "cos", "tan", "tanh")},
}


def values_of(
    term: Term,
    language: Language,
    inputs: Mapping[str, np.ndarray],
    constants: Mapping[str, Any],
    path: Path = (),
) -> Any:
    """The value of a skeleton whose leaves are slots and constants, entry by entry of arrays.

    The ready words are NumPy's functions; a word of one's own is run as it is, in single precision.

    Args:
        term: The term of a skeleton.
        language: Where its words are.
        inputs: Slot -> numbers.
        constants: Path of a constant -> numbers whose shape fits theirs.
        path: Of the term.
    """
    match term:
        case Var(name=name):
            return inputs[name]
        case Apply(name="constant"):
            return constants[path_name(path)]
        case Apply(name=name, args=args):
            parts = [values_of(a, language, inputs, constants, (*path, i)) for i, a in enumerate(args)]
            run = language[name].run
            ready = arithmetic.primitives.get(name)
            if name in NUMPY and ready is not None and ready.run is run:
                return NUMPY[name](*parts)
            flat = np.broadcast_arrays(*parts)
            found = jax.vmap(run)(*[jnp.asarray(f.reshape(-1, 1), jnp.float32) for f in flat])
            return np.asarray(found, np.float64).reshape(flat[0].shape)
    raise AssertionError(term)
