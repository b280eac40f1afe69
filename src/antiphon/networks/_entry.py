"""One row of the catalogue of networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

KINDS = (
    "feed-forward",
    "convolution",
    "recurrent",
    "attention",
    "recursive",
    "generative",
    "probabilistic",
    "energy",
    "spiking",
    "reservoir",
)


@dataclass(frozen=True)
class Entry:
    """What the catalogue says of one network.

    Attributes:
        name: The field's name of it, for example `"LSTM"`.
        kind: One of `KINDS`.
        input: Its input type in the words of the language, for example `"Seq[Real[n]]"`.
        output: Its output type, for example `"Real[m]"`.
        reference: Who published it, when, where (and the equation, where one is meant).
        example: Up to eight lines of Python that need no other line, run as they stand, and end with the name
            `result` bound to what the network gives.
        run: Gives a function and example arguments. `trace(function, *arguments)` is the network's graph.
        masked: Whether the arguments are `frames (time, n)` and `mask (time,)`: a padded frame then changes
            nothing.
        hole: The word of the language that fills a hole with it; "" where there is none.
        no_hole: Why it fills no hole, where it fills none.
    """

    name: str
    kind: str
    input: str
    output: str
    reference: str
    example: str
    run: Callable[[], tuple[Callable[..., Any], tuple[Any, ...]]]
    masked: bool = False
    hole: str = ""
    no_hole: str = ""
