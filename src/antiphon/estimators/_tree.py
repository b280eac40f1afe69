"""Networks over trees as an estimator: a list of labelled trees in, a class for each tree out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, Self

import equinox as eqx
import jax
import numpy as np
import optax
from jaxtyping import Float
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import check_is_fitted

from antiphon.errors import InputError
from antiphon.estimators._base import seed_of
from antiphon.fitting import DivergedError
from antiphon.networks import trainable, with_scaling
from antiphon.networks.trees import Forest, Tree, TreeLSTM, TreeRNN, pack_batches, parse_tree, value_labels

_log = logging.getLogger("antiphon.estimators")

NETWORKS: dict[str, Callable[..., Any]] = {"lstm": TreeLSTM, "rnn": TreeRNN}
AT_ONCE = 256  # Trees in a batch where nothing is trained.


class TreeClassifier(ClassifierMixin, BaseEstimator):
    """A network over trees that says the class of each, fitted by gradient.

    Args:
        network: `"lstm"` for `antiphon.networks.trees.TreeLSTM`, `"rnn"` for `TreeRNN`.
        arity: Most children of a node, each with weights of its own; None for child-sum, where neither their
            number nor their order counts.
        hidden: Size of the state of a node.
        dropout: Share of the root's state dropped before the read-out, while fitting.
        epochs: How often each tree is seen, at most.
        learning_rate: The highest one, after a warm-up; it falls to 0 along a cosine.
        batch_size: Trees an optimiser step.
        weight_decay: Pull of the weights towards 0.
        validation: Share of the trees held out, by class, to find the best epoch; 0 to keep the last one.
        patience: Epochs without a better validation loss after which to stop.
        random_state: Seed of initial weights, batches and the held-out trees.

    Attributes:
        network_: The fitted network.
        classes_: The classes, in rising order.
        labels_: The words that the nodes of the training trees have; None where they have numbers. A word
            that is not among them counts as no value.
        n_iter_: The number of epochs of what is kept.
        curve_: Training and validation losses, an entry an epoch.

    Example:
        >>> X = ["(or 0 1)", "(or 0 0)", "(and 0 1)", "(and 1 1)"] * 4
        >>> model = TreeClassifier(network="rnn", hidden=4, epochs=2, random_state=0).fit(X, [1, 0, 0, 1] * 4)
        >>> model.predict_proba(X).shape
        (16, 2)
    """

    def __init__(
        self,
        network: str = "lstm",
        arity: int | None = None,
        hidden: int = 64,
        dropout: float = 0.0,
        epochs: int = 50,
        learning_rate: float = 1e-2,
        batch_size: int = 32,
        weight_decay: float = 1e-4,
        validation: float = 0.0,
        patience: int = 10,
        random_state: Any = None,
    ) -> None:
        self.network = network
        self.arity = arity
        self.hidden = hidden
        self.dropout = dropout
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.validation = validation
        self.patience = patience
        self.random_state = random_state

    def fit(self, X: Sequence[Any], y: Any) -> Self:
        """Fit the network to labelled trees.

        Args:
            X: Trees: `antiphon.networks.trees.Tree`, bracketed text, or nested lists.
            y: The class of each, `(tree,)`.

        Raises:
            InputError: If a setting is out of range, trees and labels differ in number, there is one class
                only, or trees do not go together (words and numbers, more children than `arity`).
            DivergedError: If the loss becomes NaN or infinite.
        """
        self._check_settings()
        trees, labels = _read(X), np.asarray(y)
        if labels.shape != (len(trees),):
            raise InputError(
                f"{len(trees)} trees, and labels of shape {labels.shape}.",
                "One label a tree.",
                "Check X and y.",
            )
        self.classes_ = np.asarray(unique_labels(labels))
        if len(self.classes_) < 2:
            raise InputError(f"One class: {self.classes_.tolist()}.", "At least two.", "Check y.")
        seed = seed_of(self.random_state)
        numbers = np.searchsorted(self.classes_, labels).astype(np.int32)
        rows, held = np.arange(len(trees)), np.arange(0)
        if self.validation:
            strata = numbers if np.bincount(numbers).min() > 1 else None
            parts = train_test_split(rows, test_size=self.validation, random_state=seed, stratify=strata)
            rows, held = (np.asarray(part) for part in parts)
        self.labels_ = value_labels(trees) or None
        sizes = (len(node.value) for tree in trees for node in tree.postorder() if node.value is not None)
        self._in_size = len(self.labels_) if self.labels_ else next(sizes, 1)
        self._train(trees, numbers, rows, held, seed)
        return self

    def _check_settings(self) -> None:
        if self.network not in NETWORKS:
            raise InputError(
                f"network={self.network!r}.", f"One of {', '.join(NETWORKS)}.", "Choose one of them."
            )
        for name in ("epochs", "batch_size", "patience"):
            value = getattr(self, name)
            if not isinstance(value, (int, np.integer)) or value < 1:
                raise InputError(f"{name}={value!r}.", "A whole number from 1 up.", "Correct it.")
        if not self.learning_rate > 0 or not self.weight_decay >= 0 or not 0 <= self.validation < 1:
            raise InputError(
                f"learning_rate={self.learning_rate!r}, weight_decay={self.weight_decay!r}, "
                f"validation={self.validation!r}.",
                "A positive number, one from 0 up, and a share below 1.",
                "Correct them.",
            )

    def _fresh(self, trees: list[Tree], key: Any) -> Any:
        """A network with its initial weights; numbers in nodes are divided by their root mean square."""
        values = [node.value for tree in trees for node in tree.postorder()]
        in_size = self._in_size
        vectors = [v for v in values if isinstance(v, tuple) and len(v) == in_size]
        network = NETWORKS[self.network](
            in_size,
            len(self.classes_),
            hidden=self.hidden,
            arity=self.arity,
            dropout=self.dropout,
            key=key,
        )
        if self.labels_ or not vectors:
            return network
        scale = np.sqrt(np.mean(np.square(np.array(vectors)), axis=0))
        # Not shifted: a node without a value stays at 0.
        return with_scaling(network, np.zeros(in_size), np.where(scale > 0, scale, 1.0))

    def _batches(self, trees: list[Tree], groups: list[np.ndarray]) -> list[Forest]:
        return pack_batches(
            [[trees[i] for i in group] for group in groups],
            labels=self.labels_,
            in_size=self._in_size,
            arity=self.arity,
        )

    def _train(
        self,
        trees: list[Tree],
        numbers: np.ndarray,
        rows: np.ndarray,
        held: np.ndarray,
        seed: int,
    ) -> None:
        rng = np.random.default_rng(seed)  # of batches
        groups = _groups(rng.permutation(rows), self.batch_size)
        # Every batch is made once: of equal shapes, in another order each epoch.
        forests = self._batches(trees, groups)
        network = self._fresh(trees, jax.random.key(seed % 2**32))
        targets = [_padded(numbers[group], len(forests[0].roots)) for group in groups]
        steps = self.epochs * len(groups)
        rates = iter(_rates(float(self.learning_rate), steps))
        decay = float(self.weight_decay)
        weights, rest = eqx.partition(network, trainable(network))
        state = _optimiser(decay).init(weights)
        keys = iter(jax.random.split(jax.random.key((seed + 1) % 2**32), steps)) if self.dropout else None
        best, self.n_iter_ = np.inf, self.epochs
        kept = weights
        curve: dict[str, list[float]] = {"train_loss": [], "validation_loss": []}
        for epoch in range(1, self.epochs + 1):
            losses = []
            for i in rng.permutation(len(groups)):
                key = next(keys) if keys else None
                weights, state, loss = _step(
                    decay, weights, rest, state, forests[i], *targets[i], next(rates), key
                )
                losses.append(loss)
            curve["train_loss"].append(float(np.mean(losses)))
            if not np.isfinite(curve["train_loss"][-1]):
                raise DivergedError(
                    f"A loss that is NaN or infinite in epoch {epoch}.",
                    "A finite loss.",
                    "Lower the learning rate, and look for extreme numbers in the nodes.",
                )
            if not len(held):
                continue
            scores = self._scores(eqx.combine(weights, rest), [trees[i] for i in held])
            chances = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
            curve["validation_loss"].append(float(-chances[np.arange(len(held)), numbers[held]].mean()))
            if curve["validation_loss"][-1] < best:
                best, kept, self.n_iter_ = curve["validation_loss"][-1], weights, epoch
            elif epoch - self.n_iter_ >= self.patience:
                break
        self.network_ = eqx.combine(kept if len(held) else weights, rest)
        self.curve_ = curve
        _log.info("%s: %d epochs, training loss %.4f", self.network, epoch, curve["train_loss"][-1])

    def _scores(self, network: Any, trees: list[Tree]) -> Float[np.ndarray, "tree class"]:
        groups = _groups(np.arange(len(trees)), AT_ONCE)
        found = [
            np.asarray(_run(network, forest))[: len(group)]
            for forest, group in zip(self._batches(trees, groups), groups, strict=True)
        ]
        return np.concatenate(found).astype(np.float64)

    def _fitted_scores(self, X: Sequence[Any]) -> np.ndarray:
        check_is_fitted(self, "network_")
        return self._scores(self.network_, _read(X))

    def decision_function(self, X: Sequence[Any]) -> Any:
        """The score of each class, `(tree, class)`; for two classes how much the second one's is larger.

        Args:
            X: Trees, as for `fit`.
        """
        scores = self._fitted_scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict_proba(self, X: Sequence[Any]) -> Any:
        """The probability of each class, `(tree, class)`, in the order of `classes_`.

        Args:
            X: Trees, as for `fit`.
        """
        scores = self._fitted_scores(X)
        return np.exp(scores - np.logaddexp.reduce(scores, axis=1, keepdims=True))

    def predict(self, X: Sequence[Any]) -> Any:
        """The class of each tree, `(tree,)`.

        Args:
            X: Trees, as for `fit`.

        Raises:
            InputError: As `fit`, for the trees.
        """
        scores = self._fitted_scores(X)
        return self.classes_[scores.argmax(1)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        return tags


def _read(X: Any) -> list[Tree]:
    if isinstance(X, str | Tree) or not hasattr(X, "__len__") or not len(X):
        raise InputError("No list of trees.", "At least one tree, in a list.", "Pass X=[tree, ...].")
    return [
        item
        if isinstance(item, Tree)
        else parse_tree(item)
        if isinstance(item, str)
        else Tree.from_nested(item)
        for item in X
    ]


def _groups(rows: np.ndarray, size: int) -> list[np.ndarray]:
    """The rows in groups of a size, the last one smaller."""
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _padded(numbers: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Class numbers and weights, 0 for trees that only fill up."""
    extra = length - len(numbers)
    weights = np.concatenate([np.ones(len(numbers), np.float32), np.zeros(extra, np.float32)])
    return np.concatenate([numbers, np.zeros(extra, np.int32)]), weights


def _rates(highest: float, steps: int) -> np.ndarray:
    """The learning rate of each step: up for the first twentieth, then down to 0 along a cosine."""
    done = (np.arange(steps) + 1) / steps
    return (highest * np.minimum(done / 0.05, (1 + np.cos(np.pi * np.arange(steps) / steps)) / 2)).astype(
        np.float32
    )


@lru_cache(maxsize=32)
def _optimiser(weight_decay: float) -> optax.GradientTransformation:
    return optax.chain(
        optax.clip_by_global_norm(1.0), optax.scale_by_adam(), optax.add_decayed_weights(weight_decay)
    )


@partial(jax.jit, static_argnums=0)
def _step(
    weight_decay: float,
    weights: Any,
    rest: Any,
    state: Any,
    forest: Forest,
    numbers: Any,
    counts: Any,
    rate: Any,
    key: Any,
) -> tuple[Any, Any, Any]:
    def loss_of(weights: Any) -> Any:
        scores = eqx.combine(weights, rest)(forest, key=key)
        losses = optax.softmax_cross_entropy_with_integer_labels(scores, numbers)
        return (losses * counts).sum() / counts.sum()

    loss, slopes = jax.value_and_grad(loss_of)(weights)
    with jax.numpy_dtype_promotion("standard"):  # Optax raises a float to an integer count
        updates, state = _optimiser(weight_decay).update(slopes, state, weights)
    return jax.tree.map(lambda w, u: w - rate * u, weights, updates), state, loss


@jax.jit
def _run(network: Any, forest: Forest) -> Any:
    return network(forest)
