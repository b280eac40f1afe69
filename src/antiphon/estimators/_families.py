"""Any network of the catalogue that reads sequences, as an estimator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.base import ClassifierMixin, RegressorMixin

from antiphon.errors import InputError
from antiphon.estimators._base import Classes, Tags
from antiphon.estimators._network import NetworkEstimator, NetworkOptions
from antiphon.networks import family


class _Family(NetworkEstimator):
    network: str
    settings: Mapping[str, Any] | None

    def __init__(
        self,
        network: str = "transformer",
        settings: Mapping[str, Any] | None = None,
        epochs: int = 200,
        learning_rate: float = 3e-3,
        metric: str = "auto",
        layout: str | None = None,
        class_weight: Any = None,
        random_state: Any = None,
        options: NetworkOptions | None = None,
    ) -> None:
        self.network = network
        self.settings = settings
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.metric = metric
        self.layout = layout
        self.class_weight = class_weight
        self.random_state = random_state
        self.options = options

    def _config(self, in_size: int, out_size: int) -> dict[str, Any]:
        found = family(self.network)
        kind = found.frames if self.task == "tagging" else found.vector
        if not kind:
            raise InputError(
                f"network={self.network!r}.",
                f"A network that answers {'at every frame' if self.task == 'tagging' else 'once'}.",
                "Choose another: `antiphon.networks.catalogue()` lists them with their types.",
            )
        sizes = {"in_size": in_size, "out_size": out_size}
        return {"kind": kind, **found.settings, **(self.settings or {}), **sizes}


class NetworkClassifier(ClassifierMixin, Classes, _Family):
    """A network that reads a sequence and says its class.

    Args:
        network: Which: `"cnn"`, `"wavenet"`, `"transformer"`, `"rnn"`, `"gru"`, `"lstm"`, `"mingru"`,
            `"minlstm"`, `"bigru"`, ...: the names in `antiphon.networks.FAMILIES`.
        settings: Arguments of the network that are not to have their default, such as `{"hidden": 32}`.
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

    Raises:
        InputError: If there is no such network, it has no such argument, or data and labels do not fit.

    Example:
        >>> import numpy as np
        >>> X = [np.full((3, 1), number, np.float32) for number in range(8)]
        >>> model = NetworkClassifier("gru", {"hidden": 2}, epochs=2, random_state=0).fit(X, ["a", "b"] * 4)
        >>> model.predict_proba(X).shape
        (8, 2)
    """

    task = "classification"


class NetworkTagger(Tags, _Family):
    """A network that says a class at every frame.

    The parameters and attributes are those of `NetworkClassifier`; `y` is a list of one `(time,)` array of
    classes a case, and so is what `predict` gives.

    Example:
        >>> import numpy as np
        >>> X = [np.linspace(-1, 1, 4)] * 4
        >>> model = NetworkTagger("gru", {"hidden": 2}, epochs=2).fit(X, [["low", "low", "up", "up"]] * 4)
        >>> [tags.shape for tags in model.predict(X[:2])]
        [(4,), (4,)]
    """

    task = "tagging"


class NetworkRegressor(RegressorMixin, _Family):
    """A network that reads a sequence and says a number.

    The parameters and attributes are those of `NetworkClassifier`, but for the classes: `class_weight` is
    not there, and the metric is `"r2"`.

    Example:
        >>> import numpy as np
        >>> X = [np.full((3, 1), number, np.float32) for number in range(8)]
        >>> model = NetworkRegressor("gru", {"hidden": 2}, epochs=2, random_state=0).fit(X, range(8))
        >>> model.predict(X).shape
        (8,)
    """

    task = "regression"
    class_weight = None

    def __init__(
        self,
        network: str = "transformer",
        settings: Mapping[str, Any] | None = None,
        epochs: int = 200,
        learning_rate: float = 3e-3,
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
