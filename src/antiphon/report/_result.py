"""What a report is made of: plain frozen data, filled by whoever ran the search.

Only numbers, strings, tuples and numpy arrays: nothing here knows what a program or a network is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from antiphon.errors import InputError
from antiphon.report._sound_result import Listening, Subjects

Task = Literal["classification", "regression", "tagging"]
TASKS: tuple[str, ...] = ("classification", "regression", "tagging")


@dataclass(frozen=True)
class DataSummary:
    """The data a run saw.

    Args:
        name: Name of the data set.
        task: What is predicted: a class a sequence, a number a sequence, or a class a frame.
        n_train: Sequences in the training split.
        n_test: Sequences in the test split.
        length_range: Shortest and longest sequence, in frames.
        feature_names: One name a feature.
        feature_units: One unit a feature, "" where it has none; may be left empty.
        class_names: The classes in order; empty for regression.
        train_counts: How often each class stands in the training split (frames, for tagging).
        test_counts: The same for the test split.
        rate_hz: Frames a second, where the data say so.
        description: What the data are, in a sentence.
        source: Where they come from.
        warnings: What makes a score worth less than it seems; shown at the top.
        problems: What is wrong with cases, by name.

    Example:
        >>> DataSummary("walks", "regression", 80, 20, (5, 30), ("speed",)).unit_of("speed")
        ''
    """

    name: str
    task: Task
    n_train: int
    n_test: int
    length_range: tuple[int, int]
    feature_names: tuple[str, ...]
    feature_units: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    train_counts: tuple[int, ...] = ()
    test_counts: tuple[int, ...] = ()
    rate_hz: float | None = None
    description: str = ""
    source: str = ""
    warnings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise InputError(f"The task {self.task!r}.", f"One of {', '.join(TASKS)}.", "Name the task.")
        for what in ("train_counts", "test_counts"):
            counts = getattr(self, what)
            if counts and len(counts) != len(self.class_names):
                raise InputError(
                    f"{len(counts)} {what} for {len(self.class_names)} classes.",
                    "One count a class.",
                    f"Give {what} in the order of class_names.",
                )

    def unit_of(self, feature: str) -> str:
        """The unit of a feature, "" where it has none or is not known."""
        return dict(zip(self.feature_names, self.feature_units, strict=False)).get(feature, "")


@dataclass(frozen=True)
class ProgramText:
    """The chosen program in the forms in which it is read.

    Args:
        text: The text that parses back to the program.
        size: Its number of nodes.
        math: The program as one line of mathematics.
        latex: The same for LaTeX, without dollar signs.
        sentences: What it does in plain words, line by line; indentation is kept.
        sketch: The program without its numbers.

    Example:
        >>> ProgramText("program\\n  mean(x)", 2, sentences=("The mean over time.",)).size
        2
    """

    text: str
    size: int
    math: str = ""
    latex: str = ""
    sentences: tuple[str, ...] = ()
    sketch: str = ""


@dataclass(frozen=True)
class FrontRow:
    """One program of the front: no other is both smaller and better.

    Args:
        size: Number of nodes.
        score: Score on data that was not fitted (cross-validated), in the metric of the run.
        sketch: The program without its numbers.
        chosen: Whether this is the program that the run kept; at most one row of a front.
        score_std: Spread of the score over the folds, where known.
        text: The program with its numbers.
        note: A remark, for example that it always predicts one class.

    Example:
        >>> FrontRow(3, 0.91, "linear(mean(x))", chosen=True).chosen
        True
    """

    size: int
    score: float
    sketch: str
    chosen: bool = False
    score_std: float | None = None
    text: str = ""
    note: str = ""


@dataclass(frozen=True)
class BaselineScore:
    """What a model that is not ours reaches on the same test split.

    Example:
        >>> BaselineScore("majority", 0.11, seconds=0.0).name
        'majority'
    """

    name: str
    score: float
    seconds: float | None = None
    note: str = ""


@dataclass(frozen=True, eq=False)
class Confusion:
    """How often each true class (row) was predicted as each class (column).

    Example:
        >>> Confusion(np.array([[3, 1], [0, 4]]), ("no", "yes")).matrix.sum()
        np.int64(8)
    """

    matrix: Int[np.ndarray, "true predicted"]
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        n = len(self.labels)
        if np.shape(self.matrix) != (n, n):
            raise InputError(
                f"A confusion matrix of shape {np.shape(self.matrix)} with {n} labels.",
                f"Shape ({n}, {n}).",
                "Give one row and one column a label.",
            )


@dataclass(frozen=True, eq=False)
class Scatter:
    """True and predicted numbers of the test split, for regression.

    Example:
        >>> Scatter(np.array([1.0, 2.0]), np.array([1.1, 1.9])).true.shape
        (2,)
    """

    true: Float[np.ndarray, " case"]
    predicted: Float[np.ndarray, " case"]

    def __post_init__(self) -> None:
        if np.ndim(self.true) != 1 or np.shape(self.true) != np.shape(self.predicted):
            raise InputError(
                f"True values of shape {np.shape(self.true)}, predicted of shape {np.shape(self.predicted)}.",
                "Two vectors of one length.",
                "Give one prediction a case.",
            )


@dataclass(frozen=True, eq=False)
class Curve:
    """Losses while one model was fitted.

    Args:
        name: The model.
        steps: Optimiser step or epoch of each point.
        train_loss: Loss on the data fitted.
        validation_loss: Loss on the data held out, where there was any.

    Example:
        >>> Curve("GRU", np.arange(3), np.array([2.0, 1.0, 0.5])).name
        'GRU'
    """

    name: str
    steps: Int[np.ndarray, " point"]
    train_loss: Float[np.ndarray, " point"]
    validation_loss: Float[np.ndarray, " point"] | None = None


@dataclass(frozen=True, eq=False)
class SearchTrace:
    """How the search went: one point each time something was known anew.

    Args:
        strategy: Name of the strategy.
        budget: The limits it ran under, in words.
        fitted: Candidates fitted.
        failed: Candidates that failed (for example turned to NaN).
        total_seconds: Wall-clock seconds of the search.
        compile_seconds: Seconds of these spent compiling.
        seconds: Seconds since the start, at each point.
        candidates: Candidates done, at each point.
        best: Best score so far, at each point.
        rejected: For each constraint how many candidates broke it.

    Example:
        >>> SearchTrace("near", "5 min", fitted=40, failed=2, total_seconds=12.0).done
        42
    """

    strategy: str = ""
    budget: str = ""
    fitted: int = 0
    failed: int = 0
    total_seconds: float = 0.0
    compile_seconds: float = 0.0
    seconds: Float[np.ndarray, " point"] = field(default_factory=lambda: np.zeros(0))
    candidates: Int[np.ndarray, " point"] = field(default_factory=lambda: np.zeros(0, int))
    best: Float[np.ndarray, " point"] = field(default_factory=lambda: np.zeros(0))
    rejected: tuple[tuple[str, int], ...] = ()

    @property
    def done(self) -> int:
        """Candidates tried: fitted and failed."""
        return self.fitted + self.failed


@dataclass(frozen=True, eq=False)
class Look:
    """Where the program looks in one example sequence.

    Args:
        title: What the example is, for example "test sequence 17".
        frames: The sequence.
        weight: How much each input cell speaks for (positive) or against (negative) the prediction.
        feature_names: One name a feature.
        feature_units: One unit a feature; may be left empty.
        windows: Stretches of time the program reads: (label, first frame, frame after the last).
        thresholds: Values it compares with: (feature, value, ">" or "<").
        true_label: The label it has, as text.
        predicted_label: The label the program gives, as text.
        rate_hz: Frames a second, where known.
        true_tags: For tagging, the label of each frame.
        predicted_tags: For tagging, the prediction for each frame.

    Example:
        >>> look = Look("test sequence 3", np.ones((4, 1)), np.zeros((4, 1)), ("speed",))
        >>> look.frames.shape
        (4, 1)
    """

    title: str
    frames: Float[np.ndarray, "time feature"]
    weight: Float[np.ndarray, "time feature"]
    feature_names: tuple[str, ...]
    feature_units: tuple[str, ...] = ()
    windows: tuple[tuple[str, float, float], ...] = ()
    thresholds: tuple[tuple[str, float, str], ...] = ()
    true_label: str = ""
    predicted_label: str = ""
    rate_hz: float | None = None
    true_tags: tuple[str, ...] = ()
    predicted_tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape = np.shape(self.frames)
        wrong = len(shape) != 2 or np.shape(self.weight) != shape or shape[1] != len(self.feature_names)
        if wrong or 0 in shape:
            raise InputError(
                f"Frames of shape {shape}, weights of shape {np.shape(self.weight)} and "
                f"{len(self.feature_names)} feature names.",
                "Frames and weights of shape (time, feature), not empty, and a name a feature.",
                "Give the weights of this very sequence.",
            )
        if any(tags and len(tags) != shape[0] for tags in (self.true_tags, self.predicted_tags)):
            raise InputError(
                f"{len(self.true_tags)} true and {len(self.predicted_tags)} predicted tags for "
                f"{shape[0]} frames.",
                "One tag a frame, or none.",
                "Leave out the tags of padded frames.",
            )


@dataclass(frozen=True)
class Reproduction:
    """What one needs to run it again.

    Args:
        seed: The random seed; None where there was none.
        versions: Package to version.
        hardware: The machine, in words.
        command: The command line.
        python: Python code that does the same.
        journal: Path of the search journal.

    Example:
        >>> Reproduction(seed=0, command="antiphon learn japanese-vowels --seed 0").seed
        0
    """

    seed: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    hardware: str = ""
    command: str = ""
    python: str = ""
    journal: str = ""


@dataclass(frozen=True, eq=False)
class RunResult:
    """One run, whole: what the report, the summary and the JSON file are made from.

    Args:
        data: The data it saw.
        program: The chosen program.
        metric: Name of the metric, for example "accuracy".
        test_score: The program's score on the test split.
        train_score: Its score on the training split.
        cv_score: Its score on data held out of the training split.
        higher_is_better: Whether a larger score is a better one.
        front: The undominated programs.
        baselines: What other models reach on the same test split.
        confusion: For classification and tagging.
        scatter: For regression.
        importance: Score lost on the test split when a feature is taken from other cases: (feature, loss).
        looks: Examples of where the program looks.
        curves: Learning curves.
        search: How the search went.
        reproduce: What one needs to run it again.
        listening: Recordings to see and hear, where the data are sound.
        subjects: The scores of each speaker or subject, where they are known.

    Example:
        >>> data = DataSummary("walks", "classification", 80, 20, (5, 30), ("speed",), (), ("a", "b"))
        >>> RunResult(data, ProgramText("mean(x)", 2), "accuracy", 0.95).test_score
        0.95
    """

    data: DataSummary
    program: ProgramText
    metric: str
    test_score: float
    train_score: float | None = None
    cv_score: float | None = None
    higher_is_better: bool = True
    front: tuple[FrontRow, ...] = ()
    baselines: tuple[BaselineScore, ...] = ()
    confusion: Confusion | None = None
    scatter: Scatter | None = None
    importance: tuple[tuple[str, float], ...] = ()
    looks: tuple[Look, ...] = ()
    curves: tuple[Curve, ...] = ()
    search: SearchTrace = field(default_factory=SearchTrace)
    reproduce: Reproduction = field(default_factory=Reproduction)
    listening: Listening = field(default_factory=Listening)
    subjects: Subjects = field(default_factory=Subjects)

    def __post_init__(self) -> None:
        if sum(row.chosen for row in self.front) > 1:
            raise InputError(
                "A front with several chosen programs.", "At most one.", "Mark the one that the run kept."
            )
