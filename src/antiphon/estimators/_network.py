"""What all estimators that are one network share: how they are fitted, judged and read."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any, Self

import jax
import numpy as np

from antiphon.data import holdout
from antiphon.errors import InputError
from antiphon.estimators._base import SequenceEstimator, seed_of
from antiphon.estimators._targets import Target, read_target
from antiphon.fitting import NetworkFit, best_threshold, fit_network, network_scores
from antiphon.networks import build, with_output_units

_log = logging.getLogger("antiphon.estimators")


@dataclass(frozen=True)
class NetworkOptions:
    """How a network is fitted, beyond the parameters of its estimator.

    Args:
        batch_size: Cases an optimiser step; None for an eighth of them, from 4 to 32.
        weight_decay: Pull of the weights towards 0.
        patience: Epochs without a better validation loss after which to stop.
        validation: Share of the cases held out to find the best epoch and the decision threshold.

    Example:
        >>> NetworkOptions(batch_size=16).patience
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


class NetworkEstimator(SequenceEstimator):
    """An estimator that is one network, made by `networks.build` and fitted by gradient."""

    network_: Any
    metric: str
    class_weight: Any
    random_state: Any
    options: NetworkOptions | None
    epochs: int
    learning_rate: float

    def _config(self, in_size: int, out_size: int) -> dict[str, Any]:
        """What `networks.build` makes the network of."""
        raise NotImplementedError

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
        options = self.options or NetworkOptions()
        if not isinstance(self.epochs, (int, np.integer)) or self.epochs < 1 or not self.learning_rate > 0:
            raise InputError(
                f"epochs={self.epochs!r} and learning_rate={self.learning_rate!r}.",
                "A whole number from 1 up, and a positive number.",
                "Correct them.",
            )
        numbers, location, spread = _standardised(target.numbers, self.task)
        init_key, fit_key = jax.random.split(jax.random.key(seed % 2**32))
        network = build(self._config(values.shape[2], target.output.scores), key=init_key)
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
        self.network_ = with_output_units(fit.network, location, spread)
        self.n_iter_ = fit.best_epoch
        _log.info(
            "%s: best after epoch %d of %d", type(network).__name__, fit.best_epoch, len(fit.train_loss)
        )
        return fit

    def _scores(self, values: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return network_scores(self.network_, values, mask)


def _standardised(numbers: np.ndarray, task: str) -> tuple[np.ndarray, float, float]:
    if task != "regression":
        return numbers, 0.0, 1.0
    wide = numbers.astype(np.float64)
    location, spread = float(wide.mean()), float(wide.std()) or 1.0
    return ((wide - location) / spread).astype(np.float32), location, spread


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
