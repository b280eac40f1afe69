"""What sums are made of: atoms as columns of numbers, and functions of atoms with guessed constants."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from antiphon.fitting import guesses
from antiphon.language import (
    Apply,
    Language,
    Real,
    Term,
    Var,
    evaluate,
    holes,
    path_name,
    replace_at,
    size,
    walk,
)
from antiphon.search._atoms import WILD, Atoms
from antiphon.search._grammar import Grammar, parse_template

CURVED_ATOMS = 24  # The smallest atoms, which are tried inside functions with constants,
GUESSES = 40  # with so many guesses of these.
FAMILY_WORDS = 2  # Few formulas use more different words in their atoms,
FAMILY = 60  # and of those that use the same few, so many of the smallest are a family.


@dataclass
class Pool:
    """Atoms as columns of unit length, the mean taken off.

    Attributes:
        terms: What stands in a sum for each.
        sizes: Their nodes.
        columns: `(atom, row)`.
        curved: Which have constants of their own.
    """

    terms: list[Term]
    sizes: np.ndarray
    columns: Float[np.ndarray, "atom row"]
    curved: np.ndarray


def families(pool: Pool) -> list[np.ndarray]:
    """The atoms that use no other words than some pair of words, for every pair: their numbers.

    A formula with many summands seldom has many different words: a polynomial has products only. In a family
    its terms do not drown among thousands of others that come near.
    """
    words = [frozenset(n.name for _, n in walk(t) if isinstance(n, Apply)) - {"column"} for t in pool.terms]
    flat = [i for i in range(len(words)) if not pool.curved[i]]
    every = sorted({w for i in flat for w in words[i]})
    found, seen = [], set()
    for pair in itertools.combinations(every, min(FAMILY_WORDS, len(every))):
        # Numbers are free: they are no words of their own.
        chosen = {*pair, "number"}
        members = tuple(itertools.islice((i for i in flat if words[i] <= chosen), FAMILY))
        if len(members) > 2 and members not in seen:
            seen.add(members)
            found.append(np.array(members))
    return found


def build_pool(grammar: Grammar, atoms: Atoms) -> Pool:
    """Everything that may stand in a sum."""
    terms, sizes, values = list(atoms.terms), list(atoms.sizes), [atoms.values]
    curved = [False] * len(terms)
    for term, guessed in curves_of(grammar, atoms):
        terms.append(term)
        sizes.append(size(term))
        values.append(guessed[None])
        curved.append(True)
    columns = np.concatenate(values) if terms else np.zeros((0, len(atoms.rows)))
    columns = columns - columns.mean(1, keepdims=True)
    length = np.sqrt((columns**2).sum(1))
    columns = columns / np.maximum(length, 1e-300)[:, None]
    # Of two that are the same up to a factor and a constant, a sum needs one only.
    kept, seen = [], set()
    generator = np.random.default_rng(0).normal(size=(columns.shape[1], 3))
    keys = np.round(np.abs(columns @ generator), 5)
    for i, key in enumerate(map(tuple, keys.tolist())):
        if key not in seen and length[i] > 0:
            seen.add(key)
            kept.append(i)
    return Pool(
        [terms[i] for i in kept],
        np.array([sizes[i] for i in kept], int),
        columns[kept],
        np.array(curved)[kept],
    )


def curves_of(grammar: Grammar, atoms: Atoms) -> list[tuple[Term, np.ndarray]]:
    """Functions over the smallest atoms, with guesses of their constants: what they may be."""
    made: list[tuple[Term, np.ndarray]] = []
    for number, rule in enumerate(r for r in grammar.plain.rules if r.role == "curve"):
        template = parse_template(rule, grammar.plain, Real(1))
        if template is None or len(holes(template)) != 1:
            continue
        path = holes(template)[0][0]
        shape = replace_at(template, path, Var("h0"))
        paths = tuple(
            path_name(p) for p, n in walk(shape) if isinstance(n, Apply) and grammar.plain[n.name].parameters
        )
        some = atoms.values[:CURVED_ATOMS]
        guessed = np.stack(
            [
                guesses(shape, paths, {"h0": v}, GUESSES, np.random.default_rng([number, i]))
                for i, v in enumerate(some)
            ]
        )
        found = curve_values(shape, grammar.plain, paths, some, guessed)
        for i, of_atom in enumerate(found):
            term = replace_at(template, path, atoms.terms[i])
            made += [(term, v) for v in of_atom if np.isfinite(v).all() and np.abs(v).max() < WILD]
    return [(t, v) for t, v in made if np.ptp(v) > 1e-6 * np.abs(v).max()]


def curve_values(
    shape: Term,
    language: Language,
    paths: tuple[str, ...],
    inner: Float[np.ndarray, "atom row"],
    guessed: Float[np.ndarray, "atom guess constant"],
) -> Float[np.ndarray, "atom guess row"]:
    """The values of a function of an atom, for every guess of its constants."""

    def one(constants: Any, number: Any) -> Any:
        arrays = {p: {"value": constants[j][None]} for j, p in enumerate(paths)}
        return evaluate(shape, language, {"h0": number[None]}, arrays, {})[0]

    over_rows = jax.vmap(one, in_axes=(None, 0))
    over_guesses = jax.vmap(over_rows, in_axes=(0, None))
    run = jax.jit(jax.vmap(over_guesses))
    found = run(jnp.asarray(guessed, jnp.float32), jnp.asarray(inner, jnp.float32))
    return np.asarray(found, np.float64)
