"""Words or characters of recordings, without being told when each is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import jax
import numpy as np
from jaxtyping import Array
from sklearn.utils.validation import check_is_fitted

from antiphon.errors import InputError
from antiphon.estimators._base import SequenceEstimator, seed_of
from antiphon.estimators._network import NetworkOptions
from antiphon.estimators._sequence_loss import fit_to_loss
from antiphon.fitting import network_scores
from antiphon.language import Output
from antiphon.networks import build, family
from antiphon.networks.probabilistic import (
    character_error_rate,
    check_ctc,
    ctc_beam,
    ctc_greedy,
    ctc_loss,
    word_error_rate,
)

UNITS = ("word", "character")


class CTCRecogniser(SequenceEstimator):
    """A network that reads a recording and says a text: connectionist temporal classification.

    It is fitted to texts alone: the loss sums over all the ways in which the words of a text may lie over the
    frames (Graves et al. 2006). It knows the words, or the characters, of the texts that it was fitted to.

    Args:
        unit: `"word"`: texts are cut at blanks; or `"character"`.
        network: What answers at each frame: one of the names in `antiphon.networks.FAMILIES` that can, such
            as `"bigru"`, `"gru"` or `"bilstm"`.
        settings: Arguments of the network that are not to have their default, such as `{"hidden": 64}`.
        epochs: How often each case is seen, at most.
        learning_rate: The highest one, after a warm-up; it falls to 0 along a cosine.
        beam: Texts that are kept at each frame when decoding; 1 takes the best symbol of each frame.
        layout: Axes of a 3-D array: `"case-time-feature"` or `"case-feature-time"`.
        random_state: Seed of initial weights, batches and the held-out cases.
        options: More of how it is fitted.

    Attributes:
        network_: The fitted network: at each frame a score for the blank, and one for each class.
        classes_: The words or characters, in rising order.
        curve_: Training and validation losses, an entry an epoch: nats a word or character.
        n_iter_: The number of epochs that was best.
        n_features_in_: Features of a frame.

    Example:
        >>> CTCRecogniser(beam=8, random_state=0)
        CTCRecogniser(beam=8, random_state=0)
    """

    task = "recognition"
    network_: Any

    def __init__(
        self,
        unit: str = "word",
        network: str = "bigru",
        settings: Mapping[str, Any] | None = None,
        epochs: int = 60,
        learning_rate: float = 5e-3,
        beam: int = 1,
        layout: str | None = None,
        random_state: Any = None,
        options: NetworkOptions | None = None,
    ) -> None:
        self.unit = unit
        self.network = network
        self.settings = settings
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.beam = beam
        self.layout = layout
        self.random_state = random_state
        self.options = options

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Fit the network to texts.

        Args:
            X: Recordings or frames, as `antiphon.data.as_sequences` takes them.
            y: One text a case: a string, or a sequence of words or characters.
            groups: Who or what each case comes from; cases of one of them are held out together.

        Raises:
            InputError: If cases, texts or a setting cannot be used; among them a text that has more words or
                characters than its case has frames.
        """
        self._check_settings()
        seed = seed_of(self.random_state)
        cases = self._read(X, reset=True)
        values, mask = cases.pad()
        texts = [self._units(text) for text in self._texts(y, len(cases))]
        self.classes_ = np.array(sorted({one for text in texts for one in text}))
        if len(self.classes_) < 2:
            raise InputError(
                f"Texts of {len(self.classes_)} {self.unit}s: {', '.join(self.classes_)}.",
                f"At least two different {self.unit}s.",
                "Bring texts with more in them, or tell recordings apart with a classifier.",
            )
        labels, there = self._numbered(texts)
        symbols = len(self.classes_) + 1
        check_ctc(mask, labels, there, symbols=symbols)
        self.output_ = Output("tagging", tuple(self.classes_.tolist()))
        self.metric_ = "word accuracy" if self.unit == "word" else "character accuracy"
        init_key, fit_key = jax.random.split(jax.random.key(seed % 2**32))
        network = build(self._config(values.shape[2], symbols), key=init_key)
        fit_to_loss(
            self,
            network,
            _loss,
            (values, mask, labels, there),
            mask=mask,
            strata=there.sum(1),
            groups=groups,
            seed=seed,
            key=fit_key,
        )
        return self

    def predict(self, X: Any) -> Any:
        """The text of each case, `(case,)` strings; words have a blank between them.

        Args:
            X: Cases, as for `fit`.
        """
        check_is_fitted(self)
        self._check_settings()
        cases = self._read(X, reset=False)
        values, mask = cases.pad()
        scores = network_scores(self.network_, values, mask)
        found = [self._decode(logits, real) for logits, real in zip(scores, mask, strict=True)]
        between = " " if self.unit == "word" else ""
        return np.array([between.join(self.classes_[number - 1] for number in row) for row in found])

    def wer(self, X: Any, y: Any) -> float:
        """Word error rate: edits from what is said to the right texts, over the words of these.

        Args:
            X: Cases, as for `fit`.
            y: Their texts.
        """
        return word_error_rate(self._texts(y, None), self.predict(X).tolist())

    def cer(self, X: Any, y: Any) -> float:
        """Character error rate: the same of characters, blanks included.

        Args:
            X: Cases, as for `fit`.
            y: Their texts.
        """
        return character_error_rate(self._texts(y, None), self.predict(X).tolist())

    def score(self, X: Any, y: Any) -> float:
        """1 minus the error rate of words or of characters, whichever is recognised; below 0 where much is
        made up.

        Args:
            X: Cases, as for `fit`.
            y: Their texts.
        """
        return 1.0 - (self.wer(X, y) if self.unit == "word" else self.cer(X, y))

    def metric_score(self, X: Any, y: Any) -> float:
        """The same as `score`."""
        return self.score(X, y)

    def _check_settings(self) -> None:
        if self.unit not in UNITS:
            raise InputError(f"unit={self.unit!r}.", f"One of {', '.join(UNITS)}.", "Correct it.")
        if isinstance(self.beam, bool) or not isinstance(self.beam, (int, np.integer)) or self.beam < 1:
            raise InputError(f"beam={self.beam!r}.", "A whole number from 1 up.", "Try 1, or 16.")

    def _texts(self, y: Any, cases: int | None) -> list[str]:
        """Each text as one string."""
        if isinstance(y, str) or not hasattr(y, "__len__"):
            raise InputError(f"{y!r} as texts.", "A list with one text a case.", "Put a text into a list.")
        if cases is not None and len(y) != cases:
            raise InputError(
                f"{len(y)} texts for {cases} cases.",
                "One text a case.",
                "Check that both come from the same place and in the same order.",
            )
        between = " " if self.unit == "word" else ""
        found = []
        for case, text in enumerate(y):
            if not isinstance(text, str):
                if not isinstance(text, (Sequence, np.ndarray)) or not all(isinstance(o, str) for o in text):
                    raise InputError(
                        f"The text {text!r} of case {case}.",
                        f"A string, or a sequence of {self.unit}s.",
                        "Convert it with str.",
                    )
                text = between.join(text)
            found.append(str(text))
        return found

    def _units(self, text: str) -> list[str]:
        return text.split() if self.unit == "word" else list(text)

    def _numbered(self, texts: Sequence[Sequence[str]]) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of the words, from 1 on (0 is the blank), padded; and which of them are real."""
        numbers = {name: number for number, name in enumerate(self.classes_.tolist(), 1)}
        lengths = np.array([len(text) for text in texts])
        there = np.arange(lengths.max())[None, :] < lengths[:, None]
        labels = np.zeros(there.shape, np.int32)
        labels[there] = [numbers[one] for text in texts for one in text]
        return labels, there

    def _config(self, in_size: int, out_size: int) -> dict[str, Any]:
        found = family(self.network)
        if not found.frames:
            raise InputError(
                f"network={self.network!r}.",
                "A network that answers at every frame.",
                "Choose another: `antiphon.networks.catalogue()` lists them with their types.",
            )
        sizes = {"in_size": in_size, "out_size": out_size}
        return {"kind": found.frames, **found.settings, **(self.settings or {}), **sizes}

    def _decode(self, logits: np.ndarray, mask: np.ndarray) -> Sequence[int]:
        if self.beam == 1:
            return ctc_greedy(logits, mask)
        return ctc_beam(logits, mask, width=int(self.beam))[0][0]


def _loss(network: Any, frames: Array, mask: Array, labels: Array, there: Array, *, key: Any) -> Array:
    """Nats a label, so that long texts weigh no more than short ones."""
    count = jax.numpy.maximum(there.sum(dtype=jax.numpy.int32), 1).astype(frames.dtype)
    return ctc_loss(network(frames, mask, key=key), mask, labels, there) / count
