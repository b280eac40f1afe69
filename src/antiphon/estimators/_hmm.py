"""Hidden Markov models as a classifier: one a class, and Bayes' rule."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import jax
import numpy as np
from sklearn.base import ClassifierMixin

from antiphon.errors import InputError
from antiphon.estimators._base import Classes, SequenceEstimator, seed_of
from antiphon.estimators._targets import Target, read_target
from antiphon.fitting import network_scores
from antiphon.networks.probabilistic import HMM, HMMBank, fit_hmm, in_double

_log = logging.getLogger("antiphon.estimators")


@dataclass(frozen=True)
class HMMOptions:
    """How hidden Markov models are fitted, beyond the parameters of their estimator.

    Args:
        start: `"k-means"` or `"random"`: how the states of an ergodic model start.
        max_iterations: Iterations of EM from each start, at most.
        tolerance: Gain of log-likelihood per frame, in nats, below which a start is done.
        pseudo_count: Added to each count of a first state, a step, a symbol and a component, so that what the
            training cases do not show is rare and not impossible.

    Example:
        >>> HMMOptions(start="random").max_iterations
        100
    """

    start: str = "k-means"
    max_iterations: int = 100
    tolerance: float = 1e-5
    pseudo_count: float = 0.01

    def __post_init__(self) -> None:
        if self.start not in ("k-means", "random"):
            raise InputError(f"start={self.start!r}.", "'k-means' or 'random'.", "Choose one of them.")


class HMMClassifier(ClassifierMixin, Classes, SequenceEstimator):
    """A hidden Markov model for each class; a sequence is of the class that makes it most probable.

    Probabilities are Bayes' rule: the likelihood of the sequence under each model, times the prior of the
    class. All is computed in 64 bits; the fitted parameters are kept in 32.

    Args:
        states: Hidden states of each model.
        emission: What a state emits: `"diagonal"` or `"full"` (Gaussians with such covariances), or
            `"categorical"` (each frame holds one whole number from 0 up).
        components: Gaussians in the mixture of each state.
        topology: `"ergodic"` (any state may follow any other) or `"left-right"` (states follow each other).
        restarts: Starts of EM for each class, of which the most likely result is kept.
        variance_floor: No variance falls below this share of the variance that the feature has within its
            class (of 1, where it never varies there).
        prior: `"shares"` of the classes in the training cases, `"equal"`, or a list in the order of
            `classes_`.
        metric: `"auto"`, `"accuracy"`, `"f1"` or `"macro-f1"`: what `metric_score` gives.
        layout: Axes of a 3-D array: `"case-time-feature"` or `"case-feature-time"`.
        random_state: Seed of the starts.
        options: More of how it is fitted.

    Attributes:
        network_: The fitted `antiphon.networks.probabilistic.HMMBank`.
        classes_: The classes, in rising order.
        log_likelihoods_: Log-likelihood of the training cases of each class under its model.
        n_iter_: Iterations of EM of the class that needed most.
        curve_: For each class the log-likelihood of its training cases at the start, and after each
            iteration.
        output_: What the scores mean.
        metric_: The metric.
        n_features_in_: Features of a frame.
        feature_names_in_: Their names, where fitted on a data frame.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> X = [rng.normal(kind, size=(6, 1)) for kind in (0, 3) * 4]
        >>> model = HMMClassifier(states=1, random_state=0).fit(X, ["low", "high"] * 4)
        >>> model.predict([[[0.1], [-0.4]], [[2.9], [3.3]]]).tolist()
        ['low', 'high']
    """

    task = "classification"
    options_type: ClassVar[type] = HMMOptions
    network_: HMMBank

    def __init__(
        self,
        states: int = 3,
        emission: str = "diagonal",
        components: int = 1,
        topology: str = "ergodic",
        restarts: int = 3,
        variance_floor: float = 1e-3,
        prior: Any = "shares",
        metric: str = "auto",
        layout: str | None = None,
        random_state: Any = None,
        options: HMMOptions | None = None,
    ) -> None:
        self.states = states
        self.emission = emission
        self.components = components
        self.topology = topology
        self.restarts = restarts
        self.variance_floor = variance_floor
        self.prior = prior
        self.metric = metric
        self.layout = layout
        self.random_state = random_state
        self.options = options

    def fit(self, X: Any, y: Any) -> Self:
        """Fit a model to the cases of each class, by expectation-maximisation.

        Args:
            X: Cases, as `antiphon.data.as_sequences` takes them.
            y: Their classes, as `antiphon.data.as_labels` takes them.

        Raises:
            InputError: If cases, labels or a setting cannot be used.
        """
        options = self.options or HMMOptions()
        seed = seed_of(self.random_state)
        cases = self._read(X, reset=True)
        values, mask = cases.pad()
        target = read_target(y, cases, self.task, metric=self.metric)
        prior = self._prior(target)
        self._remember(target)
        self.output_ = target.output
        symbols = int(max(values.max(), 1)) + 1 if self.emission == "categorical" else None
        key, *keys = jax.random.split(jax.random.key(seed % 2**32), len(target.classes) + 1)
        blank = HMM(
            values.shape[2],
            self.states,
            emission=self.emission,
            components=self.components,
            symbols=symbols,
            topology=self.topology,
            key=key,
        )
        # As many cases for each class, some of them empty: one shape, compiled once.
        room = int(np.bincount(target.numbers).max())
        fits = []
        for number, class_key in enumerate(keys):
            rows = np.flatnonzero(target.numbers == number)
            part, there = (
                np.zeros((room, *values.shape[1:]), np.float32),
                np.zeros((room, mask.shape[1]), bool),
            )
            part[: len(rows)], there[: len(rows)] = values[rows], mask[rows]
            fit = fit_hmm(
                blank,
                part,
                there,
                key=class_key,
                start=options.start,
                restarts=self.restarts,
                max_iterations=options.max_iterations,
                tolerance=options.tolerance,
                variance_floor=self.variance_floor,
                pseudo_count=options.pseudo_count,
            )
            _log.info(
                "class %s: log-likelihood %.1f after %d iterations%s",
                target.classes[number],
                fit.log_likelihood,
                len(fit.curve) - 1,
                "" if fit.converged else ", not converged",
            )
            fits.append(fit)
        self.network_ = HMMBank.of([fit.hmm for fit in fits], prior)
        self.log_likelihoods_ = np.array([fit.log_likelihood for fit in fits])
        self.n_iter_ = max(len(fit.curve) - 1 for fit in fits)
        self.curve_ = {"log_likelihood": [fit.curve for fit in fits]}
        return self

    def _prior(self, target: Target) -> np.ndarray:
        count = len(target.classes)
        if isinstance(self.prior, str):
            if self.prior not in ("shares", "equal"):
                raise InputError(
                    f"prior={self.prior!r}.", "'shares', 'equal' or a list of numbers.", "Choose one of them."
                )
            return np.bincount(target.numbers) if self.prior == "shares" else np.ones(count)
        prior = np.asarray(self.prior, np.float64)
        if prior.shape != (count,):
            raise InputError(
                f"A prior of shape {prior.shape}.", f"A number for each of {count} classes.", "Correct it."
            )
        return prior

    def _scores(self, values: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return in_double(network_scores, self.network_, values, mask)
