"""Recurrent networks as estimators: what a program must be compared with."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any, Self

import equinox as eqx
import jax
import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin

from antiphon.data import holdout
from antiphon.errors import InputError
from antiphon.estimators._base import Classes, SequenceEstimator, Tags, seed_of
from antiphon.estimators._targets import Target, read_target
from antiphon.fitting import NetworkFit, best_threshold, fit_network, network_scores
from antiphon.networks import build

_log = logging.getLogger("antiphon.estimators")


@dataclass(frozen=True)
class RecurrentOptions:
    """How a recurrent network is fitted, beyond the parameters of its estimator.

    Args:
        batch_size: Cases an optimiser step; None for an eighth of them, from 4 to 32.
        weight_decay: Pull of the weights towards 0.
        patience: Epochs without a better validation loss after which to stop.
        validation: Share of the cases held out to find the best epoch and the decision threshold.

    Example:
        >>> RecurrentOptions(batch_size=16).patience
        40
    """

    batch_size: int | None = None
    weight_decay: float = 1e-4
    patience: int = 40
    validation: float = 0.15

    def __post_init__(self) -> None:
        counts = {"batch_size": 1 if self.batch_size is None else self.batch_size, "patience": self.patience}
        if wrong := {k: v for k, v in counts.items() if not isinstance(v, int) or v < 1}:
            raise InputError(f"The options {wrong}.", "Whole numbers from 1 up.", "Correct them.")
        if not 0 <= self.validation < 1 or self.weight_decay < 0:
            raise InputError(
                f"validation={self.validation} and weight_decay={self.weight_decay}.",
                "A share below 1 (0 for none), and a number from 0 up.",
                "Correct them.",
            )


class _Recurrent(SequenceEstimator):
    network_: Any

    def __init__(
        self,
        cell: str = "gru",
        hidden: int = 32,
        layers: int = 1,
        bidirectional: bool = True,
        dropout: float = 0.5,
        epochs: int = 200,
        learning_rate: float = 5e-3,
        metric: str = "auto",
        layout: str | None = None,
        class_weight: Any = None,
        random_state: Any = None,
        options: RecurrentOptions | None = None,
    ) -> None:
        self.cell = cell
        self.hidden = hidden
        self.layers = layers
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.metric = metric
        self.layout = layout
        self.class_weight = class_weight
        self.random_state = random_state
        self.options = options

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Fit the network to labelled cases.

        Args:
            X: Cases, as `antiphon.data.as_sequences` takes them.
            y: Their labels, as `antiphon.data.as_labels` takes them.
            groups: Who or what each case comes from; cases of one of them are held out together.
        """
        seed = seed_of(self.random_state)
        cases = self._read(X, reset=True)
        values, mask = cases.pad()
        target = read_target(
            y, cases, self.task, metric=self.metric, class_weight=self.class_weight, time=mask.shape[1]
        )
        self._remember(target)
        fit = self._fit_network(values, mask, target, groups, seed)
        self.curve_ = {
            "steps": fit.steps,
            "train_loss": fit.train_loss,
            "validation_loss": fit.validation_loss,
        }
        return self

    def _fit_network(
        self, values: np.ndarray, mask: np.ndarray, target: Target, groups: Any, seed: int
    ) -> NetworkFit:
        options = self.options or RecurrentOptions()
        if not isinstance(self.epochs, (int, np.integer)) or self.epochs < 1 or not self.learning_rate > 0:
            raise InputError(
                f"epochs={self.epochs!r} and learning_rate={self.learning_rate!r}.",
                "A whole number from 1 up, and a positive number.",
                "Correct them.",
            )
        numbers, location, spread = _standardised(target.numbers, self.task)
        init_key, fit_key = jax.random.split(jax.random.key(seed % 2**32))
        network = build(
            {
                "kind": "SequenceToSequence" if self.task == "tagging" else "SequenceToVector",
                "in_size": values.shape[2],
                "out_size": target.output.scores,
                "cell": self.cell,
                "hidden": self.hidden,
                "layers": self.layers,
                "bidirectional": self.bidirectional,
                "dropout": self.dropout,
            },
            key=init_key,
        )
        everything = np.arange(len(values))
        rows, held = everything, everything[:0]
        if options.validation * len(values) >= 1:
            rows, held = holdout(target.strata, groups, size=options.validation, seed=seed)
        fit = fit_network(
            network,
            values,
            mask,
            numbers,
            self.task,
            rows=rows,
            validation_rows=held,
            weights=target.weights,
            key=fit_key,
            epochs=int(self.epochs),
            # Few cases need small batches: else an epoch is a step or two, and all epochs are too few.
            batch_size=options.batch_size or int(np.clip(len(rows) // 8, 4, 32)),
            learning_rate=float(self.learning_rate),
            weight_decay=options.weight_decay,
            patience=options.patience,
        )
        self.output_ = _with_threshold(target, fit.network, values, mask, held)
        self.network_ = _in_own_units(fit.network, location, spread)
        self.n_iter_ = fit.best_epoch
        _log.info("%s: best after epoch %d of %d", self.cell, fit.best_epoch, len(fit.train_loss))
        return fit

    def _scores(self, values: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return network_scores(self.network_, values, mask)


class RecurrentClassifier(ClassifierMixin, Classes, _Recurrent):
    """A recurrent network that reads a sequence and says its class.

    Args:
        cell: `"gru"`, `"lstm"` or `"rnn"`.
        hidden: Size of the state of each cell.
        layers: How many recurrent layers stand on each other.
        bidirectional: Whether each layer also reads backward.
        dropout: Share of the entries dropped between layers and before the read-out.
        epochs: How often each case is seen, at most.
        learning_rate: The highest one, after a warm-up; it falls to 0 along a cosine.
        metric: `"auto"`, `"accuracy"`, `"f1"` or `"macro-f1"`: what `metric_score` gives, and what the
            decision threshold is chosen for where there are two classes and it is no accuracy.
        layout: Axes of a 3-D array: `"case-time-feature"` or `"case-feature-time"`.
        class_weight: None, `"balanced"`, or a dictionary from class to weight.
        random_state: Seed of initial weights, batches and the held-out cases.
        options: More of how it is fitted.

    Attributes:
        network_: The fitted network.
        classes_: The classes, in rising order.
        output_: What its scores mean, with the decision threshold.
        metric_: The metric.
        curve_: Steps, training and validation losses, an entry an epoch.
        n_iter_: The number of epochs that was best.
        n_features_in_: Features of a frame.
        feature_names_in_: Their names, where fitted on a data frame.

    Example:
        >>> X = [np.full((3, 1), number, np.float32) for number in range(8)]
        >>> model = RecurrentClassifier(hidden=2, epochs=2, random_state=0).fit(X, ["a", "b"] * 4)
        >>> model.predict_proba(X).shape
        (8, 2)
    """

    task = "classification"


class RecurrentTagger(Tags, _Recurrent):
    """A recurrent network that says a class at every frame.

    The parameters and attributes are those of `RecurrentClassifier`; `y` is a list of one `(time,)` array of
    classes a case, and so is what `predict` gives.

    Example:
        >>> X = [np.linspace(-1, 1, 4)] * 4
        >>> model = RecurrentTagger(hidden=2, epochs=2).fit(X, [["low", "low", "up", "up"]] * 4)
        >>> [tags.shape for tags in model.predict(X[:2])]
        [(4,), (4,)]
    """

    task = "tagging"


class RecurrentRegressor(RegressorMixin, _Recurrent):
    """A recurrent network that reads a sequence and says a number.

    The parameters and attributes are those of `RecurrentClassifier`, but for the classes: `class_weight` is
    not there, and the metric is `"r2"`.

    Example:
        >>> X = [np.full((3, 1), number, np.float32) for number in range(8)]
        >>> model = RecurrentRegressor(hidden=2, epochs=2, random_state=0).fit(X, range(8))
        >>> model.predict(X).shape
        (8,)
    """

    task = "regression"
    class_weight = None

    def __init__(
        self,
        cell: str = "gru",
        hidden: int = 32,
        layers: int = 1,
        bidirectional: bool = True,
        dropout: float = 0.1,
        epochs: int = 200,
        learning_rate: float = 5e-3,
        metric: str = "auto",
        layout: str | None = None,
        random_state: Any = None,
        options: RecurrentOptions | None = None,
    ) -> None:
        self.cell = cell
        self.hidden = hidden
        self.layers = layers
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.metric = metric
        self.layout = layout
        self.random_state = random_state
        self.options = options


def _standardised(numbers: np.ndarray, task: str) -> tuple[np.ndarray, float, float]:
    if task != "regression":
        return numbers, 0.0, 1.0
    wide = numbers.astype(np.float64)
    location, spread = float(wide.mean()), float(wide.std()) or 1.0
    return ((wide - location) / spread).astype(np.float32), location, spread


def _in_own_units(network: Any, location: float, spread: float) -> Any:
    """The scaling of the targets, made part of the read-out."""
    if (location, spread) == (0.0, 1.0):
        return network
    linear = network.linear
    weight = linear.weight * np.float32(spread)
    bias = linear.bias * np.float32(spread) + np.float32(location)
    return eqx.tree_at(lambda n: (n.linear.weight, n.linear.bias), network, (weight, bias))


def _with_threshold(
    target: Target, network: Any, values: np.ndarray, mask: np.ndarray, held: np.ndarray
) -> Any:
    """The output with a threshold chosen on held-out cases, where the metric asks for one."""
    if target.output.scores != 1 or target.metric not in ("f1", "macro-f1") or not len(held):
        return target.output
    scores, numbers = network_scores(network, values[held], mask[held])[..., 0], target.numbers[held]
    if target.output.task == "tagging":
        scores, numbers = scores[mask[held]], numbers[mask[held]]
    return replace(target.output, threshold=best_threshold(scores, numbers, target.metric))
