"""Networks by the short name that estimators and holes know them by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from antiphon.networks._cells import CELLS
from antiphon.networks._checks import check_choice


@dataclass(frozen=True)
class Family:
    """One kind of network, as a map to a vector and as a map to frames.

    Attributes:
        vector: What `build` makes of it for one answer a sequence; "" where it has none.
        frames: What `build` makes of it for an answer a frame; "" where it has none.
        settings: Its arguments where they are not the defaults.
        width: The argument that says how wide it is.
    """

    vector: str
    frames: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    width: str = "hidden"


FAMILIES: dict[str, Family] = {
    f"{'bi' if both else ''}{cell}": Family(
        "SequenceToVector", "SequenceToSequence", {"cell": cell, "bidirectional": both}
    )
    for cell in CELLS
    for both in (False, True)
} | {
    "cnn": Family("ConvolutionToVector", width="channels"),
    "wavenet": Family("", "ConvolutionToSequence", width="channels"),
    "transformer": Family("TransformerToVector", "TransformerToSequence", width="size"),
    "spiking": Family("SpikingToVector"),
}


def family(name: str) -> Family:
    """The family of a name, such as `"lstm"`.

    Raises:
        InputError: If there is none of that name.
    """
    return FAMILIES[check_choice("network", name, FAMILIES)]
