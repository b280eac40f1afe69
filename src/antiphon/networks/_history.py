"""How a fit went, and when it stops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from antiphon.errors import InputError


@dataclass(frozen=True)
class History:
    """How a fit went.

    Attributes:
        history: `loss`, each metric, and both with `val_` in front where there was validation data: one
            number an epoch. The training figures are means over the epoch, with dropout on.
        epoch: The numbers of the epochs, from 0.
        best_epoch: Which of them had the best value of what an `EarlyStopping` watched; None without one.

    Example:
        >>> History({"loss": [2.0, 1.0]}, [0, 1]).history["loss"][-1]
        1.0
    """

    history: dict[str, list[float]] = field(default_factory=dict)
    epoch: list[int] = field(default_factory=list)
    best_epoch: int | None = None


@dataclass(frozen=True)
class EarlyStopping:
    """Stop a fit that does not get better.

    Args:
        monitor: What to watch, such as `"val_loss"` or `"val_accuracy"`; of an accuracy more is better.
        patience: Epochs without a better value after which to stop.
        min_delta: How much better counts.
        restore_best_weights: Whether the model gets back the weights of its best epoch.

    Example:
        >>> EarlyStopping(patience=3).monitor
        'val_loss'
    """

    monitor: str = "val_loss"
    patience: int = 0
    min_delta: float = 0.0
    restore_best_weights: bool = False

    def is_better(self, value: float, best: float | None) -> bool:
        """Whether a value is better than the best so far."""
        if best is None:
            return True
        gain = value - best if self.monitor.endswith("accuracy") else best - value
        return gain > self.min_delta


Callback = EarlyStopping | Callable[[int, dict[str, float]], Any]


def check_callbacks(callbacks: Sequence[Any]) -> tuple[EarlyStopping | None, list[Callable[..., Any]]]:
    """The one `EarlyStopping`, if there is one, and the functions."""
    stopping = [one for one in callbacks if isinstance(one, EarlyStopping)]
    functions = [one for one in callbacks if not isinstance(one, EarlyStopping)]
    if len(stopping) > 1 or not all(map(callable, functions)):
        raise InputError(
            f"callbacks={list(callbacks)!r}.",
            "One EarlyStopping at most, and functions of the epoch's number and its figures.",
            "Write for example callbacks=[EarlyStopping(patience=5)].",
        )
    return (stopping[0] if stopping else None), functions


class Watch:
    """Keeps the best epoch for an `EarlyStopping`.

    Args:
        stopping: What to watch; None watches nothing.
    """

    def __init__(self, stopping: EarlyStopping | None) -> None:
        self.stopping = stopping
        self.best: tuple[float, int, Any] | None = None

    def see(self, number: int, logs: dict[str, float], weights: Any) -> bool:
        """Look at an epoch, and say whether to stop."""
        if self.stopping is None:
            return False
        if self.stopping.monitor not in logs:
            raise InputError(
                f"monitor={self.stopping.monitor!r}.",
                f"One of {', '.join(logs)}.",
                "Give validation_data or validation_split, or watch something else.",
            )
        value = logs[self.stopping.monitor]
        if self.stopping.is_better(value, None if self.best is None else self.best[0]):
            self.best = (value, number, weights)
            return False
        assert self.best is not None
        return number - self.best[1] >= max(self.stopping.patience, 1)
