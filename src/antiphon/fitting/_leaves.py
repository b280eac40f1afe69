"""The trainable leaves of a skeleton: how they start, and in which coordinates they are trained.

An affine map is trained on standardised input and kept in the input's own units: with location `m` and
spread `s` of what it reads, training moves `W', b'` and the map is `W = W'/s`, `b = b' - W (m - centre)`.
So every feature is equally easy to move whatever its unit, and what is printed needs no scaling step.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import jax
import numpy as np

from antiphon.fitting._skeleton import SlotValues, Split, leaf_inputs
from antiphon.language import Apply, Language, Term, path_name, print_term, sketch, walk

FAR = 5.0  # A feature further than this many spreads from 0 is written as `feature - centre`.


def standardisation(
    parts: Split,
    slots: SlotValues,
    *,
    folds: int,
    keep: Mapping[str, np.ndarray] | None = None,
    limits: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
) -> dict[str, dict[str, np.ndarray]]:
    """Location, spread and centre of what each affine map of a skeleton reads, and which weights it may use.

    Args:
        parts: A split term.
        slots: The values of its slots.
        folds: How many folds there are.
        keep: Path -> 0 or 1 for each weight, `(fold, m, n)`; by default all may be used.
        limits: Path -> least and largest value of each weight, `(m, n)`: 0 or infinite, so that they are the
            same in all coordinates; by default there are none.

    Returns:
        Path -> `shift`, `scale`, `centre` of shape `(n,)` and `keep` of shape `(fold, m, n)`; where limits
        are given, `low` and `high` of shape `(m, n)`.
    """
    reads = leaf_inputs(parts.skeleton)
    found: dict[str, dict[str, np.ndarray]] = {}
    for path, node in walk(parts.skeleton.term):
        if not (isinstance(node, Apply) and node.name == "affine"):
            continue
        name = path_name(path)
        rows, entries = parts.shapes[name]["weight"]
        shift, scale = np.zeros(entries, np.float32), np.ones(entries, np.float32)
        if name in reads:
            shift, scale = slots.location_and_scale(parts.slots[reads[name]])
        found[name] = {
            "shift": shift,
            "scale": scale,
            "centre": np.where(np.abs(shift) > FAR * scale, _short(shift, scale), 0).astype(np.float32),
            "keep": (keep or {}).get(name, np.ones((folds, rows, entries), np.float32)),
        }
        if limits is not None:
            anything = np.full((rows, entries), np.inf, np.float32)
            found[name]["low"], found[name]["high"] = limits.get(name, (-anything, anything))
    return found


def _short(shift: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """A location rounded to the last digit that the spread makes meaningful."""
    step = 10.0 ** np.floor(np.log10(scale))
    return np.round(shift / step) * step


def initial_parameters(
    parts: Split, language: Language, slots: SlotValues, *, seed: Sequence[int]
) -> dict[str, dict[str, np.ndarray]]:
    """Starting values, in training coordinates; they depend on the seed and the term alone.

    Affine maps start near zero, so that a program starts as a constant; other kernels by Glorot and Bengio
    (2010).

    Args:
        parts: A split term.
        language: Of the term.
        slots: The values of its slots.
        seed: Numbers from 0, such as the search's seed, the term's and the fold's.
    """
    found: dict[str, dict[str, np.ndarray]] = {}
    reads = leaf_inputs(parts.skeleton)
    nodes = {path_name(p): n for p, n in walk(parts.skeleton.term) if isinstance(n, Apply)}
    for path, shapes in parts.shapes.items():
        node = nodes[path]
        own = np.random.SeedSequence([*seed, zlib.crc32(f"{path} {node.name}".encode())])
        make = language[node.name].initialise
        if make is not None:
            key = jax.random.key(int(own.generate_state(1)[0]))
            found[path] = make(shapes, dict(node.config), key)
            if path in reads and {"shift", "scale"} <= shapes.keys():  # a module that standardises its input
                found[path]["shift"], found[path]["scale"] = slots.location_and_scale(
                    parts.slots[reads[path]]
                )
            continue
        rng = np.random.default_rng(own)
        leaf = {}
        for name, shape in shapes.items():
            if (node.name, name) == ("affine", "centre"):
                continue  # It follows from the data (`standardisation`), and is not trained.
            if len(shape) < 2:
                leaf[name] = np.zeros(shape, np.float32)
            elif node.name == "affine":
                leaf[name] = 0.1 * rng.standard_normal(shape, np.float32) / np.float32(np.sqrt(shape[-1]))
            else:
                limit = np.sqrt(6.0 / (shape[0] + shape[1]))
                leaf[name] = rng.uniform(-limit, limit, shape).astype(np.float32)
        found[path] = leaf
    return found


def term_seed(text: str) -> int:
    """A number that belongs to one term, whatever batch it is trained in."""
    return zlib.crc32(text.encode())


def to_own_units(parameters: Any, standard: Any) -> Any:
    """Parameters of one fold in the units of the data, from training coordinates; traceable by JAX."""
    found = {}
    for path, leaf in parameters.items():
        by = standard.get(path)
        if by is None:
            found[path] = leaf
            continue
        weight = leaf["weight"] * by["keep"] / by["scale"][None, :]
        bias = leaf["bias"] - weight @ (by["shift"] - by["centre"])
        found[path] = {"weight": weight, "bias": bias, "centre": by["centre"]}
    return found


def condition_paths(term: Term) -> list[str]:
    """What conditions read, of which only the sign counts: the first argument of `if`, and that of `step`."""
    return [
        path_name((*path, 0))
        for path, node in walk(term)
        if isinstance(node, Apply) and node.name in ("if", "step")
    ]


def penalties(parts: Split) -> dict[str, dict[str, float]]:
    """How strongly each array is drawn to zero, as a factor of the penalty: 1 for weights, 0 for the rest.

    Conditions are left free: only the sign of their score counts, so shrinking it would only blur it.
    """
    conditions = set(condition_paths(parts.skeleton.term))
    return {
        path: {
            name: 1.0 if len(shape) > 1 and path not in conditions else 0.0 for name, shape in shapes.items()
        }
        for path, shapes in parts.shapes.items()
    }


@lru_cache(maxsize=100_000)
def text_of(term: Term, language: Language) -> str:
    """The sketch of a term as one line: its name in journals, and the seed of its initial weights."""
    return " ".join(print_term(sketch(term), language, {}).split())


def leaf_keys(term: Term, language: Language) -> dict[str, str]:
    """Path of each parametric leaf -> its text, by which relatives know it; the first of equals only."""
    found: dict[str, str] = {}
    for path, node in walk(term):
        if isinstance(node, Apply) and language[node.name].parameters:
            text = text_of(node, language)
            if text not in found.values():
                found[path_name(path)] = text
    return found
