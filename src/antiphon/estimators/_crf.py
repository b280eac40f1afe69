"""A network under a conditional random field, as a tagger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from sklearn.utils.validation import check_is_fitted

from antiphon.data import Sequences
from antiphon.errors import InputError
from antiphon.estimators._base import SequenceEstimator, Tags, seed_of
from antiphon.estimators._network import NetworkOptions
from antiphon.estimators._sequence_loss import fit_to_loss
from antiphon.estimators._targets import read_target
from antiphon.fitting import network_scores
from antiphon.networks import family
from antiphon.networks.probabilistic import CRF, crf_loss


class CRFTagger(Tags, SequenceEstimator):
    """A network with a linear-chain conditional random field on top: a class at every frame, chosen together.

    Where a recurrent tagger decides each frame by itself, this one knows which class tends to follow which:
    it is fitted to the probability of the whole row of classes, and predicts the most probable row (Viterbi).

    Args:
        network: What scores the classes at each frame: one of the names in `antiphon.networks.FAMILIES` that
            answers at every frame, such as `"bigru"`, `"bilstm"` or `"wavenet"`.
        settings: Arguments of the network that are not to have their default, such as `{"hidden": 32}`.
        epochs: How often each case is seen, at most.
        learning_rate: The highest one, after a warm-up; it falls to 0 along a cosine.
        metric: `"auto"`, `"accuracy"`, `"f1"` or `"macro-f1"`: what `metric_score` gives.
        layout: Axes of a 3-D array: `"case-time-feature"` or `"case-feature-time"`.
        random_state: Seed of initial weights, batches and the held-out cases.
        options: More of how it is fitted.

    Attributes:
        network_: The fitted `antiphon.networks.probabilistic.CRF`.
        classes_: The classes, in rising order.
        output_: What the scores mean.
        metric_: The metric.
        curve_: Training and validation losses, an entry an epoch: negative log-likelihood a frame, in nats.
        n_iter_: The number of epochs that was best.
        n_features_in_: Features of a frame.
        feature_names_in_: Their names, where fitted on a data frame.

    Example:
        >>> X = [np.linspace(-1, 1, 4)] * 4
        >>> model = CRFTagger("rnn", {"hidden": 2}, epochs=2).fit(X, [["low", "low", "up", "up"]] * 4)
        >>> [tags.shape for tags in model.predict(X[:2])]
        [(4,), (4,)]
    """

    task = "tagging"
    network_: CRF

    def __init__(
        self,
        network: str = "bigru",
        settings: Mapping[str, Any] | None = None,
        epochs: int = 200,
        learning_rate: float = 5e-3,
        metric: str = "auto",
        layout: str | None = None,
        random_state: Any = None,
        options: NetworkOptions | None = None,
    ) -> None:
        self.network = network
        self.settings = settings
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.metric = metric
        self.layout = layout
        self.random_state = random_state
        self.options = options

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Fit network and random field together, by gradient.

        Args:
            X: Cases, as `antiphon.data.as_sequences` takes them.
            y: One `(time,)` array of classes a case, as `antiphon.data.as_labels` takes them.
            groups: Who or what each case comes from; cases of one of them are held out together.

        Raises:
            InputError: If cases, labels or a setting cannot be used.
        """
        seed = seed_of(self.random_state)
        cases = self._read(X, reset=True)
        values, mask = cases.pad()
        target = read_target(y, cases, self.task, metric=self.metric, time=mask.shape[1])
        self._remember(target)
        self.output_ = target.output
        key, fit_key = jax.random.split(jax.random.key(seed % 2**32))
        crf = CRF(self._network_config(values.shape[2], len(target.classes)), key=key)
        fit_to_loss(
            self,
            crf,
            crf_loss,
            (values, target.numbers, mask),
            mask=mask,
            strata=target.strata,
            groups=groups,
            seed=seed,
            key=fit_key,
        )
        return self

    def _network_config(self, in_size: int, out_size: int) -> dict[str, Any]:
        found = family(self.network)
        if not found.frames:
            raise InputError(
                f"network={self.network!r}.",
                "A network that answers at every frame.",
                "Choose another: `antiphon.networks.catalogue()` lists them with their types.",
            )
        sizes = {"in_size": in_size, "out_size": out_size}
        return {"kind": found.frames, **found.settings, **(self.settings or {}), **sizes}

    def predict(self, X: Any) -> Any:
        """The most probable row of classes of each case: a list of one `(time,)` array a case.

        Args:
            X: Cases, as for `fit`.
        """
        values, mask, cases = self._padded(X)
        numbers = network_scores(_BestTags(self.network_), values, mask)
        return [self.classes_[row[:length]] for row, length in zip(numbers, cases.lengths, strict=True)]

    def _padded(self, X: Any) -> tuple[np.ndarray, np.ndarray, Sequences]:
        check_is_fitted(self)
        cases = self._read(X, reset=False)
        return *cases.pad(), cases

    def _scores(self, values: np.ndarray, mask: np.ndarray) -> np.ndarray:
        shares = np.maximum(network_scores(self.network_, values, mask), np.finfo(np.float32).tiny)
        scores = np.log(shares)
        return scores if self.output_.scores > 1 else scores[..., 1:] - scores[..., :1]


class _BestTags(eqx.Module):
    """The most probable tags as a network answers, so that many cases are tagged in chunks."""

    crf: CRF

    def __call__(self, frames: Array, mask: Array) -> Array:
        _, tags = self.crf.viterbi(frames, mask)
        return jnp.where(mask, tags, 0)
