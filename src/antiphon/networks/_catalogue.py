"""Every network of the project, in one list."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from antiphon.errors import InputError
from antiphon.networks._entry import KINDS, Entry

_PARTS = (
    "_recurrent_catalogue",
    "convolution._catalogue",
    "attention._catalogue",
    "trees._catalogue",
    "generative._catalogue",
    "probabilistic._catalogue",
    "energy._catalogue",
    "spiking._catalogue",
    "reservoir._catalogue",
)


def catalogue(kind: str | None = None) -> tuple[Entry, ...]:
    """Every network: its name, kind, input and output type, reference, and an example.

    Args:
        kind: One of `"feed-forward"`, `"convolution"`, `"recurrent"`, `"attention"`, `"recursive"`,
            `"generative"`, `"probabilistic"`, `"energy"`, `"spiking"`, `"reservoir"`; all by default.

    Returns:
        One entry a network, those of a kind together.

    Raises:
        InputError: If there is no such kind.

    Example:
        >>> [entry.name for entry in catalogue("feed-forward")]
        ['MLP']
    """
    if kind is not None and kind not in KINDS:
        raise InputError(f"kind={kind!r}.", f"One of {', '.join(KINDS)}.", "Leave it out to see all.")
    found = sorted(_entries(), key=lambda entry: KINDS.index(entry.kind))
    return tuple(entry for entry in found if kind in (None, entry.kind))


def _entries() -> Iterator[Entry]:
    # Imported when asked for: some of the parts need heavy packages.
    for part in _PARTS:
        yield from importlib.import_module(f"antiphon.networks.{part}").ENTRIES
