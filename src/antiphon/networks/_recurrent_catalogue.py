"""Rows of the catalogue: recurrent and feed-forward networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from antiphon.networks._entry import Entry
from antiphon.networks._maps import VectorToVector
from antiphon.networks._recurrent import Recurrent

_SEQUENCE = """import jax, jax.numpy as jnp
from antiphon.networks import Recurrent
network = Recurrent({settings}, key=jax.random.key(0))
result = network(jnp.ones((5, 2)), jnp.ones(5, bool))"""

_VECTOR = """import jax, jax.numpy as jnp
from antiphon.networks import VectorToVector
network = VectorToVector(2, 3, hidden=8, depth=2, key=jax.random.key(0))
result = network(jnp.ones(2))"""


def _read(cell: str, **settings: Any) -> Callable[[], tuple[Callable[..., Any], tuple[Any, ...]]]:
    def run() -> tuple[Callable[..., Any], tuple[Any, ...]]:
        network = Recurrent(cell, 2, 3, **settings, key=jax.random.key(0))
        return network, (jnp.ones((5, 2)), jnp.ones(5, bool))

    return run


def _sequence(name: str, reference: str, cell: str, **settings: Any) -> Entry:
    given = "".join(f", {setting}={value!r}" for setting, value in settings.items())
    return Entry(
        name=name,
        kind="recurrent",
        input="Seq[Real[n]]",
        output="Seq[Real[m]]",
        reference=reference,
        example=_SEQUENCE.format(settings=f'"{cell}", 2, 3{given}'),
        run=_read(cell, **settings),
        masked=True,
        hole=f"{'bi' if settings.get('bidirectional') else ''}{cell}_frames",
    )


def _perceptron() -> tuple[Callable[..., Any], tuple[Any, ...]]:
    return VectorToVector(2, 3, hidden=8, depth=2, key=jax.random.key(0)), (jnp.ones(2),)


_MINIMAL = "Feng, Tung, Ahmed, Bengio & Hajimirsadeghi (2024), Were RNNs all we needed?, arXiv:2410.01201"

ENTRIES: tuple[Entry, ...] = (
    Entry(
        name="MLP",
        kind="feed-forward",
        input="Real[n]",
        output="Real[m]",
        reference="Rumelhart, Hinton & Williams (1986), Learning representations by back-propagating errors, "
        "Nature 323",
        example=_VECTOR,
        run=_perceptron,
        hole="mlp",
    ),
    _sequence("Simple RNN", "Elman (1990), Finding structure in time, Cognitive Science 14", "rnn"),
    _sequence(
        "LSTM", "Hochreiter & Schmidhuber (1997), Long short-term memory, Neural Computation 9", "lstm"
    ),
    _sequence(
        "GRU",
        "Cho et al. (2014), Learning phrase representations using RNN encoder-decoder, EMNLP; reset after "
        "the recurrent product",
        "gru",
    ),
    _sequence("minGRU", f"{_MINIMAL}, section 3.1", "mingru"),
    _sequence("minLSTM", f"{_MINIMAL}, section 3.2", "minlstm"),
    _sequence(
        "Stacked recurrent network",
        "Graves, Mohamed & Hinton (2013), Speech recognition with deep recurrent neural networks, ICASSP; "
        "residual: He et al. (2016), Deep residual learning, CVPR",
        "lstm",
        layers=2,
        residual=True,
    ),
    _sequence(
        "Bidirectional recurrent network",
        "Schuster & Paliwal (1997), Bidirectional recurrent neural networks, IEEE Transactions on Signal "
        "Processing 45",
        "gru",
        bidirectional=True,
    ),
)
