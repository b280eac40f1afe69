"""Sound as frames of features: framing, spectra, cepstra, pitch, all in JAX.

Every function takes one waveform `(sample,)` or one spectrum `(time, bin)` and can be differentiated,
compiled, and batched by `jax.vmap`. `SoundFeatures` puts them together and is kept in model files.
"""

from antiphon.audio._augmentation import (
    Augmentation,
    add_noise,
    change_gain,
    change_speed,
    mask_frames,
    shift_time,
)
from antiphon.audio._event_scores import EventScores, event_scores, frame_f1
from antiphon.audio._events import (
    BACKGROUND,
    Event,
    EventRules,
    events_to_tags,
    find_events,
    tags_to_events,
)
from antiphon.audio._features import SoundFeatures
from antiphon.audio._filters import chroma_filters, fft_frequencies, hz_to_mel, mel_filters, mel_to_hz
from antiphon.audio._framing import frame, frame_count, frame_mask
from antiphon.audio._mu_law import mu_law_decode, mu_law_encode
from antiphon.audio._pitch import yin
from antiphon.audio._shape import (
    chroma,
    energy,
    spectral_bandwidth,
    spectral_centroid,
    spectral_contrast,
    spectral_flatness,
    spectral_rolloff,
    zero_crossing_rate,
)
from antiphon.audio._spectrum import decibels, delta, mel_spectrum, mfcc, normalised, power_spectrum, stft
from antiphon.audio._stream import SoundStream, check_samples

__all__ = [
    "BACKGROUND",
    "Augmentation",
    "Event",
    "EventRules",
    "EventScores",
    "SoundFeatures",
    "SoundStream",
    "add_noise",
    "change_gain",
    "change_speed",
    "check_samples",
    "chroma",
    "chroma_filters",
    "decibels",
    "delta",
    "energy",
    "event_scores",
    "events_to_tags",
    "fft_frequencies",
    "find_events",
    "frame",
    "frame_count",
    "frame_f1",
    "frame_mask",
    "hz_to_mel",
    "mask_frames",
    "mel_filters",
    "mel_spectrum",
    "mel_to_hz",
    "mfcc",
    "mu_law_decode",
    "mu_law_encode",
    "normalised",
    "power_spectrum",
    "shift_time",
    "spectral_bandwidth",
    "spectral_centroid",
    "spectral_contrast",
    "spectral_flatness",
    "spectral_rolloff",
    "stft",
    "tags_to_events",
    "yin",
    "zero_crossing_rate",
]
