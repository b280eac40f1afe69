"""Networks that are fitted to a loss of whole sequences, such as those of a random field or of CTC."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from antiphon.data import holdout
from antiphon.estimators._network import NetworkOptions
from antiphon.networks import with_scaling
from antiphon.networks.probabilistic import fit_by_gradient

_log = logging.getLogger("antiphon.estimators")


def fit_to_loss(
    model: Any,
    network: Any,
    loss: Callable[..., Float[Array, ""]],
    data: tuple[np.ndarray, ...],
    *,
    mask: Bool[np.ndarray, "case time"],
    strata: Any,
    groups: Any,
    seed: int,
    key: PRNGKeyArray,
) -> None:
    """Fit a network that scales its own input, and give it to an estimator, with its curve.

    Args:
        model: The estimator; its `epochs`, `learning_rate` and `options` are used.
        network: As it was drawn.
        loss: As in `fit_by_gradient`.
        data: Arrays with one entry a case; the first are the frames `(case, time, feature)`.
        mask: Which frames are there.
        strata: What cases are held out in equal shares of.
        groups: Who or what each case comes from; cases of one of them are held out together.
        seed: Of the held-out cases.
        key: Randomness of batches and dropout.

    Raises:
        InputError: If a setting cannot be used, or the loss is not finite.
    """
    options, values = model.options or NetworkOptions(), data[0]
    rows, held = np.arange(len(values)), np.arange(0)
    if options.validation * len(values) >= 1:
        rows, held = holdout(strata, groups, size=options.validation, seed=seed)
    frames = values[rows][mask[rows]].astype(np.float64)
    spread = frames.std(0)
    constant = spread <= 1e-7 * np.maximum(1.0, np.abs(frames).max(0))
    fit = fit_by_gradient(
        with_scaling(network, frames.mean(0), np.where(constant, 1.0, spread)),
        loss,
        data,
        key=key,
        rows=rows,
        validation_rows=held,
        epochs=model.epochs,
        # Few cases need small batches: else an epoch is a step or two, and all epochs are too few.
        batch_size=options.batch_size or int(np.clip(len(rows) // 8, 4, 32)),
        learning_rate=model.learning_rate,
        weight_decay=options.weight_decay,
        patience=options.patience,
    )
    model.network_, model.n_iter_ = fit.model, fit.best_epoch
    model.curve_ = {"train_loss": fit.losses, "validation_loss": fit.validation_losses}
    _log.info("%s: best after epoch %d of %d", type(network).__name__, fit.best_epoch, len(fit.losses))
