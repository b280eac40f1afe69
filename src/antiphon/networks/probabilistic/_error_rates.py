"""Error rates of recognised text: edits per word and per character."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from antiphon.errors import InputError


def edit_distance(first: Sequence[Any], second: Sequence[Any]) -> int:
    """Fewest insertions, deletions and substitutions from one sequence to the other (Levenshtein, 1966).

    Args:
        first: Text, or any sequence of things that can be compared.
        second: The other one.

    Example:
        >>> edit_distance("kitten", "sitting")
        3
    """
    row = np.arange(len(second) + 1)
    for count, item in enumerate(first, 1):
        differs = np.fromiter((item != other for other in second), np.int64, len(second))
        best = np.concatenate([[count], np.minimum(row[:-1] + differs, row[1:] + 1)])
        # An insertion costs one from the left: a running minimum of what is left after the slope is taken
        # off.
        steps = np.arange(len(best))
        row = np.minimum.accumulate(best - steps) + steps
    return int(row[-1])


def word_error_rate(references: Sequence[Any], hypotheses: Sequence[Any]) -> float:
    """Edits of all texts together, over the words of the references; above 1 where much was made up.

    Args:
        references: Right texts: strings, cut at blanks, or sequences of words.
        hypotheses: Recognised ones, in the same order.

    Raises:
        InputError: If the counts differ, or the references hold no word.

    Example:
        >>> word_error_rate(["the cat sat", "yes"], ["the bat sat down", "yes"])
        0.5
    """
    return _rate([_words(text) for text in references], [_words(text) for text in hypotheses], "word")


def character_error_rate(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """Edits of all texts together, over the characters of the references, blanks included.

    Args:
        references: Right texts.
        hypotheses: Recognised ones, in the same order.

    Raises:
        InputError: If the counts differ, or the references hold no character.

    Example:
        >>> character_error_rate(["kitten"], ["sitting"])
        0.5
    """
    return _rate(references, hypotheses, "character")


def _rate(references: Sequence[Any], hypotheses: Sequence[Any], unit: str) -> float:
    if isinstance(references, str) or isinstance(hypotheses, str) or len(references) != len(hypotheses):
        raise InputError(
            f"{_how_many(references)} as references and {_how_many(hypotheses)} as hypotheses.",
            "Two lists of as many texts.",
            "Put a single text into a list.",
        )
    length = sum(len(text) for text in references)
    if not length:
        raise InputError(f"References without any {unit}.", f"At least one {unit}.", "Check the references.")
    pairs = zip(references, hypotheses, strict=True)
    return sum(edit_distance(right, said) for right, said in pairs) / length


def _words(text: Any) -> Sequence[Any]:
    return text.split() if isinstance(text, str) else text


def _how_many(texts: Any) -> str:
    return "A string" if isinstance(texts, str) else f"{len(texts)} texts"
