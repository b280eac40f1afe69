"""What all estimators share: reading cases, checking them against those fitted on, saving."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from jaxtyping import Bool, Float
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from antiphon.data import SOUND_SUFFIXES, Sequences, Sounds, as_sequences, is_sound
from antiphon.errors import InputError
from antiphon.estimators._targets import Target, class_numbers
from antiphon.fitting import measure
from antiphon.language import Output

MOST_NAMED = 10  # recordings that an error names


class SequenceEstimator(BaseEstimator):
    """An estimator of labelled sequences. What is fitted ends in an underscore, as scikit-learn has it."""

    task: ClassVar[str] = ""
    layout: Any
    output_: Output
    metric_: str
    # How frames are made of waveforms; None where the model was not fitted on sound.
    sound_: Any = None

    def _scores(
        self, values: Float[np.ndarray, "case time feature"], mask: Bool[np.ndarray, "case time"]
    ) -> np.ndarray:
        raise NotImplementedError

    def _read(self, X: Any, *, reset: bool) -> Sequences:
        """Check cases; with `reset` remember what they are made of, else compare with that."""
        X = self._heard(X, reset=reset)
        cases = as_sequences(X, layout=self.layout, features=getattr(self, "features", None))
        # A data frame has names that scikit-learn wants to see; of all else only the columns count.
        columns: Any = X if hasattr(X, "columns") else cases.frames
        validate_data(self, columns, reset=reset, skip_check_array=True)
        if reset:
            self.features_, self.rate_hz_, self.is_table_ = cases.features, cases.rate_hz, cases.is_table
            self.sound_ = cases.sound
        else:
            self._compare(cases)
        return cases

    def _heard(self, X: Any, *, reset: bool) -> Any:
        """The frames of waveforms, or of recordings that are named by their paths; all else as it is."""
        if is_paths(X):
            X = Sounds.read(X)
            lost = [problem.what for problem in X.problems if problem.left_out]
            if lost:
                more = f"; and {len(lost) - MOST_NAMED} more" if len(lost) > MOST_NAMED else ""
                raise InputError(
                    f"Recordings that cannot be used: {'; '.join(lost[:MOST_NAMED])}{more}.",
                    "Recordings that can all be read.",
                    "Leave them out, or read with Sounds.read, which leaves them out and says so.",
                )
        if not isinstance(X, Sounds):
            if not reset and self.sound_ is not None and _are_bare(X):
                raise InputError(
                    f"Arrays without frames, and {type(self).__name__} was fitted on recordings of "
                    f"{self.sound_.rate_hz:g} Hz.",
                    "Recordings (Sounds, or paths), or frames of shape (time, feature).",
                    f"Say how many samples a second waveforms are: Sounds(X, {self.sound_.rate_hz:g}).",
                )
            return X
        return X.frames() if reset else self.hear(X)

    def hear(self, sounds: Sounds) -> Sequences:
        """The frames of recordings, made as those that the model was fitted on.

        Args:
            sounds: Recordings of the same rate.

        Raises:
            InputError: The model was not fitted on sound, the rate is another one, or a recording is shorter
                than a frame.
        """
        if self.sound_ is None:
            raise InputError(
                f"Waveforms, and {type(self).__name__} was fitted on frames of "
                f"{', '.join(self.features_.names[:5])}{', ...' if len(self.features_) > 5 else ''}.",
                "Frames of these features.",
                "Fit on what Sounds.frames gives, so that the model knows how frames are made of sound.",
            )
        if sounds.rate_hz != self.sound_.rate_hz:
            raise InputError(
                f"Recordings of {sounds.rate_hz:g} Hz, and {type(self).__name__} was fitted on recordings of "
                f"{self.sound_.rate_hz:g} Hz.",
                "The same rate.",
                f"Resample them: Sounds.read(..., rate_hz={self.sound_.rate_hz:g}), or on the command line "
                f"--resample {self.sound_.rate_hz:g}.",
            )
        return sounds.frames(self.sound_)

    def _compare(self, cases: Sequences) -> None:
        name = type(self).__name__
        kinds = ("sequences", "rows of a table")
        if cases.is_table != self.is_table_:
            raise InputError(
                f"{kinds[cases.is_table].capitalize()}, and {name} was fitted on {kinds[self.is_table_]}.",
                f"{kinds[self.is_table_].capitalize()}.",
                "Bring the cases as they were for fit: for sequences a list of (time, feature) arrays.",
            )
        known, got = self.features_.names, cases.features.names
        if known != got and not _numbered(known) and not _numbered(got):
            raise InputError(
                f"The features {', '.join(got)}, and {name} was fitted on {', '.join(known)}.",
                "The same features in the same order.",
                "Bring the columns into that order.",
            )
        if cases.sound is not None and self.sound_ is not None and cases.sound != self.sound_:
            own, got = self.sound_.config, cases.sound.config
            differ = [key for key in own if own[key] != got[key]]
            raise InputError(
                f"Features of sound with {', '.join(f'{key} {got[key]}' for key in differ)}, and {name} was "
                f"fitted on features with {', '.join(f'{key} {own[key]}' for key in differ)}.",
                "Features made in the same way.",
                "Compute them with the settings in sound_, or pass the recordings themselves.",
            )
        if None not in (cases.rate_hz, self.rate_hz_) and cases.rate_hz != self.rate_hz_:
            raise InputError(
                f"Cases of {cases.rate_hz:g} frames a second, and {name} was fitted on {self.rate_hz_:g}.",
                "The same rate.",
                "Resample the cases.",
            )

    def _remember(self, target: Target) -> None:
        self.metric_ = target.metric
        if self.task != "regression":
            self.classes_ = target.classes

    def _case_scores(self, X: Any) -> tuple[np.ndarray, Sequences]:
        check_is_fitted(self)
        cases = self._read(X, reset=False)
        return self._scores(*cases.pad()), cases

    def predict(self, X: Any) -> Any:
        """Predict a class or a number for each case; for tagging a list of one `(time,)` array a case.

        Args:
            X: Cases, as for `fit`.
        """
        scores, cases = self._case_scores(X)
        decided = self.output_.decide(scores)
        if self.task == "regression":
            return np.asarray(decided, np.float64)
        decided = decided.astype(self.classes_.dtype)
        return _unpad(decided, cases) if self.task == "tagging" else decided

    def metric_score(self, X: Any, y: Any) -> float:
        """The metric that the model was fitted for (`metric_`), on labelled cases.

        Args:
            X: Cases, as for `fit`.
            y: Their labels.
        """
        predicted = self.predict(X)
        if self.task == "regression":
            return measure(np.asarray(predicted), np.asarray(y, np.float64).reshape(-1), self.metric_)
        _check_counts(predicted, y, self.task)
        said, true = (class_numbers(labels, self.classes_, self.task) for labels in (predicted, y))
        return measure(said, true, self.metric_)

    def save(self, path: str | PathLike[str], *, details: Mapping[str, Any] | None = None) -> Self:
        """Write the fitted model to one file; `antiphon.load_model` reads it.

        Args:
            path: The file; its folder must exist.
            details: More to keep, as JSON can: the data set, test scores, the command line.

        Raises:
            OutputError: If the file cannot be written.
        """
        from antiphon._model_file import save_model

        check_is_fitted(self)
        save_model(path, self, details=details)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.target_tags.required = True
        return tags


class Classes:
    """What estimators of classes can do besides: probabilities and raw scores."""

    def predict_proba(self: Any, X: Any) -> Any:
        """Probability of each class, in the order of `classes_`: `(case, class)`.

        For tagging a list of one `(time, class)` array a case.

        Args:
            X: Cases, as for `fit`.
        """
        scores, cases = self._case_scores(X)
        found = self.output_.probabilities(scores)
        return _unpad(found, cases) if self.task == "tagging" else found

    def decision_function(self: Any, X: Any) -> Any:
        """The score of each class; for two classes one number, above 0 where the second one is chosen.

        Args:
            X: Cases, as for `fit`.
        """
        scores, cases = self._case_scores(X)
        scores = scores.astype(np.float64)
        if self.output_.scores == 1:
            threshold = 0.5 if self.output_.threshold is None else self.output_.threshold
            scores = scores[..., 0] - np.log(threshold / (1 - threshold))
        return _unpad(scores, cases) if self.task == "tagging" else scores


class Tags(Classes):
    """What an estimator of one class a frame can do besides."""

    def score(self: Any, X: Any, y: Any) -> float:
        """Share of all frames whose class is right.

        Args:
            X: Cases, as for `fit`.
            y: One `(time,)` array of classes a case.
        """
        predicted = self.predict(X)
        _check_counts(predicted, y, "tagging")
        said, true = (class_numbers(labels, self.classes_, "tagging") for labels in (predicted, y))
        return measure(said, true, "accuracy")


def seed_of(random_state: Any) -> int:
    """A seed from what scikit-learn takes as `random_state`: an integer as it is, None for chance.

    Example:
        >>> seed_of(7), seed_of(np.random.RandomState(0)) == seed_of(np.random.RandomState(0))
        (7, True)
    """
    if isinstance(random_state, (int, np.integer)) and not isinstance(random_state, bool):
        check_random_state(int(random_state))  # which refuses negative seeds
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def is_paths(X: Any) -> bool:
    """Whether cases are given as the path of recordings, or as a list of such paths.

    Example:
        >>> is_paths("a.wav"), is_paths(["a.wav"]), is_paths([[0.0]]), is_paths(["one", "two"])
        (True, True, False, False)
    """
    if isinstance(X, PathLike):
        return True
    if isinstance(X, str):
        return is_sound(X) or Path(X).suffix.lower() in SOUND_SUFFIXES or (X != "" and Path(X).is_dir())
    return (
        isinstance(X, (list, tuple))
        and len(X) > 0
        and all(
            isinstance(one, PathLike) or (isinstance(one, str) and Path(one).suffix.lower() in SOUND_SUFFIXES)
            for one in X
        )
    )


def _are_bare(X: Any) -> bool:
    """Whether cases are arrays of one axis: samples, of which nothing says the rate."""
    if isinstance(X, np.ndarray) and X.dtype != object:
        return X.ndim < 3
    return isinstance(X, (list, tuple)) and any(isinstance(one, np.ndarray) and one.ndim == 1 for one in X)


def _unpad(padded: np.ndarray, cases: Sequences) -> list[np.ndarray]:
    return [row[:length] for row, length in zip(padded, cases.lengths, strict=True)]


def _numbered(names: tuple[str, ...]) -> bool:
    return names == tuple(f"f{i}" for i in range(len(names)))


def _check_counts(predicted: Any, y: Any, task: str) -> None:
    got, wanted = (
        ([len(part) for part in parts] if task == "tagging" else [len(parts)]) for parts in (y, predicted)
    )
    if got != wanted:
        raise InputError(
            f"{sum(got)} labels for {sum(wanted)} {'frames' if task == 'tagging' else 'cases'}.",
            "One label each.",
            "Check that data and labels come from the same place and in the same order.",
        )
