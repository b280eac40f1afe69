"""Networks with attention, as rows of the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from antiphon.networks._entry import Entry
from antiphon.networks.attention._additive import AdditiveAttention
from antiphon.networks.attention._encoder_decoder import EncoderDecoder
from antiphon.networks.attention._multi_head import MultiHeadAttention
from antiphon.networks.attention._pointer import PointerNetwork
from antiphon.networks.attention._transformer import TransformerToSequence, TransformerToVector

Run = tuple[Callable[..., Any], tuple[Any, ...]]
TIME = 6


def _of_frames(make: Callable[..., Any], features: int = 2) -> Callable[[], Run]:
    def run() -> Run:
        network = make(key=jax.random.key(0))
        return (lambda frames, mask: network(frames, mask)), (_frames(features), jnp.ones(TIME, bool))

    return run


def _frames(features: int) -> Any:
    return jnp.ones((TIME, features))


def _attend() -> Run:
    attention = MultiHeadAttention(4, 2, key=jax.random.key(0))
    return (lambda frames, mask: attention(frames, mask, frames, mask)), (_frames(4), jnp.ones(TIME, bool))


def _attend_additively() -> Run:
    attention = AdditiveAttention(3, 2, 4, key=jax.random.key(0))
    return (lambda query, frames, mask: attention(query, frames, mask)), (
        jnp.ones(3),
        _frames(2),
        jnp.ones(TIME, bool),
    )


def _write() -> Run:
    network = EncoderDecoder(2, 3, hidden=4, embedding=3, key=jax.random.key(0))
    return (lambda frames, mask: network.decode(frames, mask, length=4)), (_frames(2), jnp.ones(TIME, bool))


def _point() -> Run:
    network = PointerNetwork(2, hidden=4, key=jax.random.key(0))
    return (lambda frames, mask: network.decode(frames, mask, length=TIME)), (
        _frames(2),
        jnp.ones(TIME, bool),
    )


ENTRIES = (
    Entry(
        name="Transformer encoder",
        kind="attention",
        input="Seq[Real[n]]",
        output="Real[m]",
        reference="Vaswani et al., 2017, Attention is all you need; normalised first by default: Xiong et "
        "al., 2020, On layer normalization in the Transformer architecture",
        example="""\
import equinox as eqx, jax, jax.numpy as jnp
from antiphon.networks.attention import TransformerToVector
network = TransformerToVector(12, 9, size=16, heads=4, key=jax.random.key(0))
frames, mask = jnp.ones((20, 12)), jnp.arange(20) < 15
result = eqx.filter_jit(network)(frames, mask)
""",
        run=_of_frames(lambda key: TransformerToVector(2, 3, size=4, heads=2, hidden=8, layers=1, key=key)),
        masked=True,
        hole="transformer",
    ),
    Entry(
        name="Transformer encoder, an answer a frame",
        kind="attention",
        input="Seq[Real[n]]",
        output="Seq[Real[m]]",
        reference="Vaswani et al., 2017, Attention is all you need; causal or not",
        example="""\
import equinox as eqx, jax, jax.numpy as jnp
from antiphon.networks.attention import TransformerToSequence
network = TransformerToSequence(2, 3, size=16, heads=4, causal=True, key=jax.random.key(0))
frames, mask = jnp.ones((20, 2)), jnp.arange(20) < 15
result = eqx.filter_jit(network)(frames, mask)
""",
        run=_of_frames(
            lambda key: TransformerToSequence(2, 3, size=4, heads=2, hidden=8, layers=1, causal=True, key=key)
        ),
        masked=True,
        hole="transformer_frames",
    ),
    Entry(
        name="Multi-head attention",
        kind="attention",
        input="Seq[Real[n]]",
        output="Seq[Real[n]]",
        reference="Vaswani et al., 2017, Attention is all you need, section 3.2",
        example="""\
import jax, jax.numpy as jnp
from antiphon.networks.attention import MultiHeadAttention
attention = MultiHeadAttention(8, 2, key=jax.random.key(0))
frames, mask = jnp.ones((5, 8)), jnp.arange(5) < 3
weights = attention.weights(frames, mask, frames, mask, causal=True)
result = weights, attention(frames, mask, frames, mask, causal=True)
""",
        run=_attend,
        masked=True,
        no_hole="a part of a network: the Transformer encoder fills the hole",
    ),
    Entry(
        name="Additive attention",
        kind="attention",
        input="Real[k], Seq[Real[n]]",
        output="Real[n]",
        reference="Bahdanau, Cho & Bengio, 2015, Neural machine translation by jointly learning to align and "
        "translate, appendix A.1.2",
        example="""\
import jax, jax.numpy as jnp
from antiphon.networks.attention import AdditiveAttention
attention = AdditiveAttention(4, 3, 8, key=jax.random.key(0))
context, weights = attention(jnp.ones(4), jnp.ones((5, 3)), jnp.arange(5) < 4)
result = context, weights
""",
        run=_attend_additively,
        no_hole="it takes a query besides the sequence, and no word of the language has these two",
    ),
    Entry(
        name="Encoder-decoder with attention",
        kind="attention",
        input="Seq[Real[n]]",
        output="Seq[symbol]",
        reference="Sutskever, Vinyals & Le, 2014, Sequence to sequence learning with neural networks; "
        "Bahdanau, Cho & Bengio, 2015; length penalty of the beam: Wu et al., 2016, equation 14",
        example="""\
import jax, jax.numpy as jnp
from antiphon.networks.attention import EncoderDecoder
network = EncoderDecoder(2, 5, hidden=8, embedding=4, key=jax.random.key(0))
frames, mask = jnp.ones((6, 2)), jnp.ones(6, bool)
loss = network.loss(frames, mask, jnp.array([3, 1]), jnp.ones(2, bool))
result = loss, network.decode(frames, mask, length=4), network.decode(frames, mask, length=4, width=3)
""",
        run=_write,
        masked=True,
        no_hole="it gives a sequence of another length than it takes, of symbols, for which the language has "
        "no type",
    ),
    Entry(
        name="Pointer network",
        kind="attention",
        input="Seq[Real[n]]",
        output="Seq[place]",
        reference="Vinyals, Fortunato & Jaitly, 2015, Pointer networks, equation 3",
        example="""\
import jax, jax.numpy as jnp
from antiphon.networks.attention import PointerNetwork
network = PointerNetwork(1, hidden=8, key=jax.random.key(0))
frames, mask = jnp.array([[0.3], [0.1], [0.2]]), jnp.ones(3, bool)
loss = network.loss(frames, mask, jnp.array([1, 2, 0]), mask)
result = loss, network.decode(frames, mask, length=3)
""",
        run=_point,
        masked=True,
        no_hole="it gives places in a sequence, for which the language has no type",
    ),
)
