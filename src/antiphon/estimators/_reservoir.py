"""Reservoirs as an estimator: nothing is trained but the read-out, so that fitting takes seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.base import ClassifierMixin
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from antiphon.data import folds
from antiphon.errors import InputError
from antiphon.estimators._base import Classes, SequenceEstimator, seed_of
from antiphon.estimators._targets import Target, read_target
from antiphon.fitting import best_threshold, network_scores
from antiphon.networks import with_scaling
from antiphon.networks.reservoir import (
    EchoStateToVector,
    LiquidToVector,
    reservoir_features,
    with_read_out,
)

RIDGES = tuple(float(penalty) for penalty in np.logspace(-2, 4, 13))
FOLDS = 5


class ReservoirClassifier(ClassifierMixin, Classes, SequenceEstimator):
    """A fixed random recurrent network and a ridge regression on its states: the class of a sequence.

    The read-out sees the mean of the states and the last one. Its penalty is the one with the lowest squared
    error on cases held out in 5 folds; on the same scores the scale that turns them into probabilities is
    found, and the decision threshold where the metric needs one.

    Args:
        reservoir: `"echo-state"` (rate units) or `"liquid"` (spiking neurons).
        units: Size of the reservoir.
        spectral_radius: Below about 1 the past fades, the slower the nearer to 1; echo state only.
        leak: Share of the state that is new at each frame; echo state only.
        density: Share of the couplings that are there; echo state only.
        input_scale: How strongly the standardised features drive the reservoir.
        ridge: The penalty; None to choose it.
        metric: `"auto"`, `"accuracy"`, `"f1"` or `"macro-f1"`: what `metric_score` gives.
        layout: Axes of a 3-D array: `"case-time-feature"` or `"case-feature-time"`.
        class_weight: None, `"balanced"`, or a dictionary from class to weight.
        random_state: Seed of the reservoir and of the folds.

    Attributes:
        network_: The fitted network.
        ridge_: The penalty.
        classes_: The classes, in rising order.
        output_: What its scores mean, with the decision threshold.
        metric_: The metric.
        n_features_in_: Features of a frame.
        feature_names_in_: Their names, where fitted on a data frame.

    Example:
        >>> X = [np.full((3, 1), number, np.float32) for number in range(8)]
        >>> model = ReservoirClassifier(units=10, random_state=0).fit(X, ["a"] * 4 + ["b"] * 4)
        >>> model.predict(X[:2]).tolist()
        ['a', 'a']
    """

    task = "classification"
    network_: Any

    def __init__(
        self,
        reservoir: str = "echo-state",
        units: int = 300,
        spectral_radius: float = 0.9,
        leak: float = 0.3,
        density: float = 0.1,
        input_scale: float = 0.2,
        ridge: float | None = None,
        metric: str = "auto",
        layout: str | None = None,
        class_weight: Any = None,
        random_state: Any = None,
    ) -> None:
        self.reservoir = reservoir
        self.units = units
        self.spectral_radius = spectral_radius
        self.leak = leak
        self.density = density
        self.input_scale = input_scale
        self.ridge = ridge
        self.metric = metric
        self.layout = layout
        self.class_weight = class_weight
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Draw the reservoir and fit its read-out to labelled cases.

        Args:
            X: Cases, as `antiphon.data.as_sequences` takes them.
            y: Their labels, as `antiphon.data.as_labels` takes them.
            groups: Who or what each case comes from; cases of one of them are held out together.
        """
        seed = seed_of(self.random_state)
        cases = self._read(X, reset=True)
        values, mask = cases.pad()
        target = read_target(y, cases, self.task, metric=self.metric, class_weight=self.class_weight)
        self._remember(target)
        real = values[mask].astype(np.float64)
        spread = real.std(0)
        network = with_scaling(
            self._network(values.shape[2], target.output.scores, seed),
            real.mean(0),
            np.where(spread > 0, spread, 1.0),
        )
        read = reservoir_features(network, values, mask)
        wanted = _signs(target)
        # On matrices as small as these, threads mostly wait for each other.
        with threadpool_limits(1):
            held, self.ridge_ = self._hold_out(read, wanted, target, groups, seed)
            fitted = with_read_out(network, read, wanted, ridge=self.ridge_, weights=target.weights)
        scale = _scale(held, target)
        self.network_ = eqx.tree_at(
            lambda n: (n.linear.weight, n.linear.bias), fitted, replace_fn=lambda a: a * np.float32(scale)
        )
        self.output_ = _with_threshold(target, held * scale)
        self.n_iter_, self.curve_ = 1, {}
        return self

    def _network(self, in_size: int, out_size: int, seed: int) -> EchoStateToVector | LiquidToVector:
        key, units = jax.random.key(seed % 2**32), _plain(self.units)
        scale = _plain(self.input_scale)
        if self.reservoir == "liquid":
            return LiquidToVector(in_size, out_size, units=units, input_scale=scale, key=key)
        if self.reservoir != "echo-state":
            raise InputError(
                f"reservoir={self.reservoir!r}.", "'echo-state' or 'liquid'.", "Check the spelling."
            )
        return EchoStateToVector(
            in_size,
            out_size,
            units=units,
            spectral_radius=_plain(self.spectral_radius),
            leak=_plain(self.leak),
            density=_plain(self.density),
            input_scale=scale,
            key=key,
        )

    def _hold_out(
        self,
        read: Float[np.ndarray, "case state"],
        wanted: Float[np.ndarray, "case out"],
        target: Target,
        groups: Any,
        seed: int,
    ) -> tuple[Float[np.ndarray, "case out"], float]:
        """What each case's score is when it is held out, under the best penalty, and that penalty."""
        if self.ridge is not None and not (isinstance(self.ridge, int | float) and self.ridge > 0):
            raise InputError(f"ridge={self.ridge!r}.", "A number above 0, or None.", "Leave it out.")
        ridges = RIDGES if self.ridge is None else (float(self.ridge),)
        units = len(read) if groups is None else len(np.unique(groups))
        if units < 2:
            return wanted, 1.0 if self.ridge is None else ridges[0]
        parts = folds(target.strata, groups, n=min(FOLDS, units), seed=seed)
        found = np.zeros((len(ridges), *wanted.shape))
        for rows, held in parts:
            scaler = StandardScaler().fit(read[rows])
            known, new = scaler.transform(read[rows]), scaler.transform(read[held])
            for i, ridge in enumerate(ridges):
                model = Ridge(alpha=ridge).fit(known, wanted[rows], sample_weight=target.weights[rows])
                found[i, held] = model.predict(new).reshape(len(held), -1)
        errors = ((found - wanted) ** 2).sum(2) @ target.weights
        best = int(errors.argmin())
        return found[best], ridges[best]

    def _scores(self, values: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return network_scores(self.network_, values, mask)


def _plain(value: Any) -> Any:
    """A number of NumPy's as Python's own."""
    return value.item() if isinstance(value, np.generic) else value


def _signs(target: Target) -> Float[np.ndarray, "case out"]:
    """1 at the class of each case, -1 elsewhere; one column where there are two classes."""
    numbers: Int[np.ndarray, " case"] = target.numbers
    if target.output.scores == 1:
        return np.where(numbers == 1, 1.0, -1.0)[:, None]
    return np.where(numbers[:, None] == np.arange(target.output.scores), 1.0, -1.0)


def _scale(held: Float[np.ndarray, "case out"], target: Target) -> float:
    """What to multiply scores by, so that held-out cases are likeliest."""
    scores = np.concatenate([np.zeros_like(held), held], axis=1) if held.shape[1] == 1 else held

    def loss(logarithm: float) -> float:
        likely = log_softmax(scores * np.exp(logarithm), axis=1)[np.arange(len(held)), target.numbers]
        return -float(likely @ target.weights)

    best: Any = minimize_scalar(loss, bounds=(-3, 3), method="bounded")
    return float(np.exp(best.x))


def _with_threshold(target: Target, held: Float[np.ndarray, "case out"]) -> Any:
    """The output with a threshold chosen on held-out scores, where the metric asks for one."""
    if target.output.scores != 1 or target.metric not in ("f1", "macro-f1"):
        return target.output
    return replace(target.output, threshold=best_threshold(held[:, 0], target.numbers, target.metric))
