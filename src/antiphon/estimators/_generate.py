"""Networks that make sound, sample by sample."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Int
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from antiphon.audio import mu_law_decode, mu_law_encode
from antiphon.data import Features, Sounds, bucket_length
from antiphon.errors import InputError
from antiphon.estimators._base import SequenceEstimator, is_paths, seed_of
from antiphon.language import Output
from antiphon.networks import build
from antiphon.networks.probabilistic import fit_by_gradient

_log = logging.getLogger("antiphon.estimators")
NETWORKS = ("gru", "lstm", "rnn", "wavenet")
TOGETHER = 1 << 15  # Samples, padding included, whose likelihood is computed at once.
LONGEST_SECONDS = 600.0


class SoundGenerator(BaseEstimator):
    """An autoregressive network over samples: it says how likely a sound is, and makes new ones.

    Samples become whole numbers by mu-law; the network gives the probability of each, given those before it
    (a recurrent one, or WaveNet, van den Oord et al. 2016).

    Args:
        network: `"gru"`, `"lstm"`, `"rnn"` or `"wavenet"`.
        settings: Arguments of the network that are not to have their default: `{"hidden": 64}` for a
            recurrent one (`networks.generative.CategoricalRNN`), `{"channels": 32, "layers": 8}` for WaveNet
            (`networks.generative.CategoricalWaveNet`).
        levels: How many numbers samples become.
        piece_seconds: Recordings are cut into pieces of this length to learn from.
        context_seconds: What is read before each piece, and not learned from.
        epochs: How often each piece is seen.
        batch_size: Pieces an optimiser step.
        learning_rate: The highest one, after a warm-up; it falls to 0 along a cosine.
        random_state: Seed of initial weights and batches.

    Attributes:
        network_: The fitted network.
        rate_hz_: Samples a second.
        curve_: Training losses, an entry an epoch: nats a sample.

    Example:
        >>> SoundGenerator("wavenet", {"layers": 6})
        SoundGenerator(network='wavenet', settings={'layers': 6})
    """

    task = "generation"
    sound_ = None
    network_: Any
    rate_hz_: float

    def __init__(
        self,
        network: str = "gru",
        settings: Mapping[str, Any] | None = None,
        levels: int = 256,
        piece_seconds: float = 0.064,
        context_seconds: float = 0.016,
        epochs: int = 5,
        batch_size: int = 16,
        learning_rate: float = 5e-3,
        random_state: Any = None,
    ) -> None:
        self.network = network
        self.settings = settings
        self.levels = levels
        self.piece_seconds = piece_seconds
        self.context_seconds = context_seconds
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit the network to recordings.

        Args:
            X: `Sounds`, or paths of recordings.
            y: Not used.

        Raises:
            InputError: If these are no recordings, or a setting cannot be used.
        """
        seed = seed_of(self.random_state)
        sounds = _as_sounds(X)
        codes = self._codes(sounds)
        spans = np.array([self.piece_seconds, self.context_seconds], np.float64) * sounds.rate_hz
        piece, context = np.round(np.nan_to_num(spans, nan=-1.0, posinf=-1.0)).astype(int).tolist()
        if piece < 1 or context < 0:
            raise InputError(
                f"piece_seconds={self.piece_seconds} and context_seconds={self.context_seconds}.",
                "Pieces of a sample or more, and a context from 0 s up.",
                "Correct them.",
            )
        init_key, fit_key = jax.random.split(jax.random.key(seed % 2**32))
        network = build(self._config(), key=init_key)
        fit = fit_by_gradient(
            network,
            _loss,
            _pieces(codes, piece, context),
            key=fit_key,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
        )
        self.network_, self.n_iter_ = fit.model, fit.best_epoch
        self.curve_ = {"train_loss": fit.losses}
        self.rate_hz_, self.is_table_ = sounds.rate_hz, False
        self.features_, self.n_features_in_ = Features(("sample",)), 1
        self.output_, self.metric_ = Output("tagging", tuple(range(self.levels))), "log-likelihood"
        _log.info("generator: %.3f nats a sample at the end", fit.losses[-1])
        return self

    def log_likelihood(self, X: Any) -> Float[np.ndarray, " case"]:
        """How likely each recording is: the mean natural logarithm of the probability of a sample, in nats.

        Divided by -ln 2 it is the bits a sample that a code needs.

        Args:
            X: Recordings, as for `fit`, of the same rate.

        Raises:
            InputError: If the rate is another one.
        """
        check_is_fitted(self)
        sounds = self._same_rate(_as_sounds(X))
        codes = self._codes(sounds)
        sizes = np.array([bucket_length(len(one)) for one in codes])
        found = np.zeros(len(codes))
        for size in np.unique(sizes):
            members = np.flatnonzero(sizes == size)
            together = max(1, TOGETHER // int(size))
            for first in range(0, len(members), together):
                few = members[first : first + together]
                padded = np.zeros((together, size), np.int32)
                real = np.zeros((together, size), bool)
                for row, case in enumerate(few):
                    padded[row, : len(codes[case])] = codes[case]
                    real[row, : len(codes[case])] = True
                totals = np.asarray(_log_likelihoods(self.network_, padded, real))
                found[few] = totals[: len(few)] / real[: len(few)].sum(1)
        return found

    def score(self, X: Any, y: Any = None) -> float:
        """The mean log-likelihood of a sample over all recordings, in nats; higher is better.

        Args:
            X: Recordings, as for `fit`.
            y: Not used.
        """
        sounds = _as_sounds(X)
        return float(np.average(self.log_likelihood(sounds), weights=sounds.lengths))

    def sample(
        self, seconds: float, *, temperature: float = 1.0, random_state: Any = None
    ) -> Float32[np.ndarray, " sample"]:
        """A new sound. Each sample takes the same time, however long the sound is.

        Args:
            seconds: How long.
            temperature: Below 1 for what is more likely, above 1 for what is less.
            random_state: Seed; None for chance.

        Raises:
            InputError: If there would be no sample or more than ten minutes, or the temperature is not above
                0.
        """
        check_is_fitted(self)
        if not 0 < seconds <= LONGEST_SECONDS or round(seconds * self.rate_hz_) < 1:
            raise InputError(
                f"A sound of {seconds!r} s.", f"A sample at least, and at most {LONGEST_SECONDS:g} s.",
                "Correct it.",
            )  # fmt: skip
        key = jax.random.key(seed_of(random_state) % 2**32)
        codes = _sample(self.network_, temperature, key, length=round(seconds * self.rate_hz_))
        return mu_law_decode(np.asarray(codes), levels=self.levels)

    save = SequenceEstimator.save

    def _config(self) -> dict[str, Any]:
        if self.network not in NETWORKS:
            raise InputError(f"network={self.network!r}.", f"One of {', '.join(NETWORKS)}.", "Use 'gru'.")
        kind = {"kind": "CategoricalWaveNet"}
        if self.network != "wavenet":
            kind = {"kind": "CategoricalRNN", "cell": self.network}
        return {**kind, **(self.settings or {}), "symbols": int(self.levels)}

    def _codes(self, sounds: Sounds) -> list[Int[np.ndarray, " sample"]]:
        return [mu_law_encode(wave, levels=self.levels) for wave in sounds]

    def _same_rate(self, sounds: Sounds) -> Sounds:
        if sounds.rate_hz != self.rate_hz_:
            raise InputError(
                f"Recordings of {sounds.rate_hz:g} Hz, and the model was fitted on {self.rate_hz_:g} Hz.",
                "The same rate.",
                f"Resample them: Sounds.read(..., rate_hz={self.rate_hz_:g}).",
            )
        return sounds


def _as_sounds(X: Any) -> Sounds:
    if is_paths(X):
        return Sounds.read(X)
    if not isinstance(X, Sounds):
        raise InputError(
            f"{type(X).__name__} as recordings.",
            "Sounds, or paths of recordings.",
            "Put waveforms together: Sounds(waveforms, rate_hz).",
        )
    return X


def _pieces(codes: list[np.ndarray], piece: int, context: int) -> tuple[np.ndarray, ...]:
    """All recordings cut into pieces: samples with what is before them, which are real, which are learned."""
    cut = [(one, start) for one in codes for start in range(0, len(one), piece)]
    samples = np.zeros((len(cut), context + piece), np.int32)
    real, learned = np.zeros(samples.shape, bool), np.zeros(samples.shape, bool)
    for row, (one, start) in enumerate(cut):
        begin, stop = max(0, start - context), min(len(one), start + piece)
        samples[row, : stop - begin] = one[begin:stop]
        real[row, : stop - begin] = True
        learned[row, start - begin : stop - begin] = True
    return samples, real, learned


def _loss(network: Any, samples: Array, real: Array, learned: Array, *, key: Any) -> Array:
    """Nats a sample."""
    found = jnp.where(learned, network.log_likelihoods(samples, real), 0.0)
    return -found.sum() / jnp.maximum(learned.sum(dtype=jnp.int32), 1).astype(found.dtype)


@jax.jit
def _log_likelihoods(network: Any, samples: Array, real: Array) -> Array:
    return jax.vmap(lambda one, there: network.log_likelihood(one, there))(samples, real)


@partial(jax.jit, static_argnames=("length", "temperature"))
def _sample(network: Any, temperature: float, key: Any, *, length: int) -> Array:
    return network.sample(length, temperature=temperature, key=key)
