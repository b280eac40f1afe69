"""Attention: Transformer encoders, additive attention, sequence to symbols, pointers; decoding with a beam.

Each takes one unbatched sequence, `frames (time, feature)` with `mask (time,)`. Masked frames get no weight,
whatever they hold, so padding changes no result, wherever it stands.
"""

from antiphon.networks.attention._additive import AdditiveAttention
from antiphon.networks.attention._encoder_decoder import EncoderDecoder
from antiphon.networks.attention._multi_head import MultiHeadAttention, sinusoidal_positions
from antiphon.networks.attention._pointer import PointerNetwork, PointerReadOut
from antiphon.networks.attention._search import Decoded, beam_search, greedy_search
from antiphon.networks.attention._transformer import (
    TransformerEncoder,
    TransformerEncoderLayer,
    TransformerToSequence,
    TransformerToVector,
)

__all__ = [
    "AdditiveAttention",
    "Decoded",
    "EncoderDecoder",
    "MultiHeadAttention",
    "PointerNetwork",
    "PointerReadOut",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "TransformerToSequence",
    "TransformerToVector",
    "beam_search",
    "greedy_search",
    "sinusoidal_positions",
]
