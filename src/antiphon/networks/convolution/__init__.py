"""Convolutional networks over sequences: pooled, over spectrograms, and dilated as in WaveNet.

Each takes one unbatched sequence, `frames (time, feature)` with `mask (time,)`. A masked frame counts as
zeros at every layer, whatever it holds: padding after the last real frame changes no result.
"""

from antiphon.networks.convolution._dilated import DilatedConvolution
from antiphon.networks.convolution._pooled import ConvolutionToVector
from antiphon.networks.convolution._spectrogram import SpectrogramToVector
from antiphon.networks.convolution._wavenet import ConvolutionToSequence, WaveNetBlock

__all__ = [
    "ConvolutionToSequence",
    "ConvolutionToVector",
    "DilatedConvolution",
    "SpectrogramToVector",
    "WaveNetBlock",
]
