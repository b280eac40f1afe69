"""The words of superpositions: weighted sums of alternatives, and values that several of them share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from scipy.special import softmax

from antiphon.errors import SearchError
from antiphon.fitting import SlotValues
from antiphon.language import Language, Term, evaluate

COLDEST = 0.2  # Temperature of the weights at the end, and whenever a superposition is judged.
FAR = 10.0  # Spreads at which values in a mixture are clipped, so that a wild one drowns no other.
MOST_BYTES = 4_000_000_000  # Values of all alternatives of one kind of hole over the data.


def weigh(logits: Float[Array, " alternatives"], temperature: Array | float) -> Float[Array, " alternatives"]:
    """Weights of alternatives, which sum to 1.

    Args:
        logits: Trained.
        temperature: 1 spreads them as the logits say; below `COLDEST` they get no sharper.

    Example:
        >>> weigh(jnp.float32([0, 0]), 1.0).tolist()
        [0.5, 0.5]
    """
    return jax.nn.softmax(logits / jnp.maximum(jnp.asarray(temperature, jnp.float32), jnp.float32(COLDEST)))


def mean_weights(logits: Float[np.ndarray, "fold alternatives"]) -> list[float]:
    """The weights that alternatives end with, averaged over folds.

    Example:
        >>> mean_weights(np.float32([[0, 9], [9, 0]]))
        [0.5, 0.5]
    """
    return softmax(logits.astype(np.float64) / COLDEST, axis=-1).mean(0).tolist()


def every_word(number: int) -> str:
    """The word that gives the values of all terms that a kind of hole may become."""
    return f"every_{number}"


def mixture(
    every: Float[Array, " wide"],
    like: Float[Array, " n"],
    *,
    alternatives: int,
    logits: Float[Array, " alternatives"],
    temperature: Array | float,
) -> Float[Array, " n"]:
    """The weighted sum of alternatives that lie side by side; `like` only says what they are."""
    return weigh(logits, temperature) @ every.reshape(alternatives, -1)


def mixture_frames(
    every: Float[Array, "time wide"],
    mask: Bool[Array, " time"],
    like: Float[Array, "time n"],
    like_mask: Bool[Array, " time"],
    *,
    alternatives: int,
    logits: Float[Array, " alternatives"],
    temperature: Array | float,
) -> Float[Array, "time n"]:
    """The same, frame by frame."""
    rows = every.reshape(len(every), alternatives, -1)
    return jnp.einsum("k,tkn->tn", weigh(logits, temperature), rows)


def choice(*alternatives: Any, logits: Float[Array, " alternatives"], temperature: Array | float) -> Any:
    """The weighted sum of alternatives: vectors, or pairs of frames and mask."""
    weights = weigh(logits, temperature)
    if isinstance(alternatives[0], tuple):
        frames = jnp.stack([a[0] for a in alternatives])
        return jnp.einsum("k,ktn->tn", weights, frames), alternatives[0][1]
    return weights @ jnp.stack(alternatives)


def share(value: Array, body: Callable[[Array], Any], *, entries: int) -> Any:
    """The body over a value of `entries` numbers that is computed once."""
    return body(value)


def share_frames(
    frames: Array, mask: Array, body: Callable[[tuple[Array, Array]], Any], *, entries: int
) -> Any:
    """The same for frames."""
    return body((frames, mask))


def register_words(
    language: Language, mixed: Mapping[str, tuple[tuple[Term, ...], bool]], slots: SlotValues, most: int
) -> None:
    """Add the words to a language that belongs to one search.

    Args:
        language: To be extended.
        mixed: Word -> the terms whose values it gives, and whether these are brought to one scale.
        slots: Values over the training data, in the language as it was.
        most: Alternatives that a choice may have.

    Raises:
        SearchError: If the values of all terms are too much to hold.
    """
    pick = {"config": {"alternatives": (2,)}, "parameters": {"logits": "alternatives"}}
    for run, signature in (
        (mixture, "Real[wide] -> Real[n] -> Real[n]"),
        (mixture_frames, "Seq[Real[wide]] -> Seq[Real[n]] -> Seq[Real[n]]"),
    ):
        language.primitive(signature, **pick, soft=True, unitless=True, searched=False)(run)
    for count in range(2, most + 1):
        language.primitive(
            " -> ".join(["t"] * (count + 1)),
            name=f"choice_{count}",
            parameters={"logits": str(count)},
            soft=True,
            searched=False,
        )(choice)
    for name in ("mixture", "mixture_frames", *(f"choice_{count}" for count in range(2, most + 1))):
        language.primitives[name] = replace(language.primitives[name], chooses=True)
    for run, kind in ((share, "Real[entries]"), (share_frames, "Seq[Real[entries]]")):
        language.primitive(f"{kind} -> ({kind} -> r) -> r", config={"entries": (1,)}, searched=False)(run)
    for word, (terms, scaled) in mixed.items():
        signature, run = _every(terms, slots, scaled=scaled)
        language.primitive(signature, name=word, searched=False)(run)


def _every(terms: tuple[Term, ...], slots: SlotValues, *, scaled: bool) -> tuple[str, Callable[..., Any]]:
    """A primitive that gives the values of terms side by side: its signature and implementation."""
    language = slots.language
    example = slots[terms[0]]
    each = example[0] if isinstance(example, tuple) else example
    wide = len(terms) * each.shape[-1]
    numbers = 4 * len(terms) * each.size
    if numbers > MOST_BYTES:
        raise SearchError(
            f"A superposition of the {len(terms)} terms that may stand in one place takes "
            f"{numbers / 1e9:.0f} GB over these data.",
            f"At most {MOST_BYTES / 1e9:.0f} GB.",
            "take another strategy, or fewer cases, frames or rules.",
        )
    if scaled:
        statistics = [slots.location_and_scale(t) for t in terms]
        location = np.concatenate([s[0] for s in statistics])
        scale = np.concatenate([s[1] for s in statistics])
    else:
        location, scale = np.zeros(wide, np.float32), np.ones(wide, np.float32)
    limit = FAR if scaled else np.inf

    def brought(values: Array, by: tuple[np.ndarray, np.ndarray]) -> Array:
        # What overflows spoils its own alternative only.
        return jnp.clip((jnp.nan_to_num(values) - by[0]) / by[1], -limit, limit)

    def run(values: Array, mask: Array | None = None) -> Array:
        given = values if mask is None else (values, mask)
        found = [evaluate(t, language, {"x": given}, {}, {}) for t in terms]
        if isinstance(found[0], tuple):
            beside = jnp.concatenate([f[0] for f in found], axis=1)
            return brought(beside, (location[None, :], scale[None, :]))
        return brought(jnp.concatenate(found), (location, scale))

    source = "Real[n]" if language.is_table else "Seq[Real[n]]"
    return f"{source} -> {f'Seq[Real[{wide}]]' if isinstance(example, tuple) else f'Real[{wide}]'}", run
