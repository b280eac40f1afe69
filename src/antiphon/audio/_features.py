"""From a waveform to frames of named features: the part of a model that listens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from antiphon.audio import _shape as shape
from antiphon.audio._filters import fft_frequencies
from antiphon.audio._framing import Length, Samples, check_waveform, frame, frame_count, frame_mask
from antiphon.audio._pitch import yin
from antiphon.audio._spectrum import decibels, delta, mel_spectrum, mfcc, normalised, power_spectrum
from antiphon.errors import InputError

_PITCHES = ("c", "c_sharp", "d", "d_sharp", "e", "f", "f_sharp", "g", "g_sharp", "a", "a_sharp", "b")
TRANSFORMS = ("fft", "matrix")


@dataclass(frozen=True)
class SoundFeatures:
    """Which features of a sound, and how they are computed: settings alone, so a model file can keep them.

    Called with a waveform it gives frames; it can be differentiated, compiled, batched by `jax.vmap`, traced
    to a graph. Frame `t` is about the moment `t * hop_seconds`.

    Args:
        rate_hz: Samples a second of the waveforms.
        kinds: Any of `"mfcc"`, `"mel"` (log mel bands), `"delta"` and `"delta2"` (slopes and curvatures of
            the MFCC), `"bands"` (levels of octaves from 250 Hz up, such as `band_500_1000`), `"level"`,
            `"centroid"`, `"bandwidth"`, `"rolloff"`, `"flatness"`, `"contrast"`, `"chroma"`,
            `"zero_crossings"`, `"pitch"`.
        frame_seconds: Length of a frame.
        hop_seconds: From one frame to the next.
        n_mels: Mel bands.
        n_mfcc: Cepstral coefficients.
        fmin: Lower end of the mel bands, in Hz.
        fmax: Their upper end, in Hz; None for half the rate.
        window: Name of the window.
        cmvn: Whether each feature of a recording gets mean 0 and deviation 1 over it. Such features have no
            unit, and do not stream.
        transform: `"fft"`, or `"matrix"` where an export needs plain products.

    Raises:
        InputError: If a kind is unknown or a number makes no sense.

    Example:
        >>> listen = SoundFeatures(8000, kinds=("centroid", "level"))
        >>> frames, mask = listen(jnp.sin(jnp.arange(4000.0)))
        >>> frames.shape, listen.names, listen.units
        ((51, 2), ('centroid', 'level'), ('Hz', 'dB'))
    """

    rate_hz: float
    kinds: tuple[str, ...] = ("mfcc",)
    frame_seconds: float = 0.032
    hop_seconds: float = 0.01
    n_mels: int = 40
    n_mfcc: int = 20
    fmin: float = 0.0
    fmax: float | None = None
    window: str = "hann"
    cmvn: bool = False
    transform: str = "fft"

    def __post_init__(self) -> None:
        object.__setattr__(self, "kinds", tuple(self.kinds))
        object.__setattr__(self, "rate_hz", float(self.rate_hz))
        unknown = [kind for kind in self.kinds if kind not in KINDS]
        if unknown or not self.kinds or len(set(self.kinds)) < len(self.kinds):
            raise InputError(
                f"The kinds of features {', '.join(map(str, self.kinds)) or '(none)'}.",
                f"At least one of {', '.join(KINDS)}, each once.",
                f"Correct {unknown[0]!r}." if unknown else "Name each kind once.",
            )
        if self.transform not in TRANSFORMS:
            raise InputError(f"transform={self.transform!r}.", "'fft' or 'matrix'.", "Use 'fft'.")
        if not self.rate_hz > 0 or self.hop_length < 1 or self.frame_length < 2:
            raise InputError(
                f"Frames of {self.frame_seconds:g} s every {self.hop_seconds:g} s at {self.rate_hz:g} Hz.",
                "A positive rate, frames of two samples or more, a hop of one or more.",
                "Give both in seconds, and the rate in samples a second.",
            )
        top = self.rate_hz / 2
        if not 0 <= self.fmin < (self.fmax or top) <= top:
            raise InputError(
                f"Mel bands from {self.fmin:g} to {self.fmax or top:g} Hz at {self.rate_hz:g} Hz.",
                f"0 <= fmin < fmax <= {top:g}.",
                "Leave fmax out for half the rate.",
            )

    @property
    def frame_length(self) -> int:
        """Samples a frame."""
        return round(self.frame_seconds * self.rate_hz)

    @property
    def hop_length(self) -> int:
        """Samples from one frame to the next."""
        return round(self.hop_seconds * self.rate_hz)

    @property
    def frames_hz(self) -> float:
        """Frames a second."""
        return self.rate_hz / self.hop_length

    @property
    def _columns(self) -> list[tuple[str, str]]:
        return [column for kind in self.kinds for column in KINDS[kind].columns(self)]

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each feature."""
        return tuple(name for name, _ in self._columns)

    @property
    def units(self) -> tuple[str, ...]:
        """The unit of each feature; `""` where it has none."""
        return tuple("" if self.cmvn else unit for _, unit in self._columns)

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """The features of each kind that has several."""
        own = {kind: tuple(name for name, _ in KINDS[kind].columns(self)) for kind in self.kinds}
        return {kind: names for kind, names in own.items() if len(names) > 1}

    @property
    def config(self) -> dict[str, Any]:
        """All settings, as JSON can keep them: `SoundFeatures(**config)` is the same."""
        return {**asdict(self), "kinds": list(self.kinds)}

    def frame_count(self, samples: int) -> int:
        """How many frames a waveform of so many samples gives."""
        return frame_count(samples, self.hop_length)

    def __call__(
        self, samples: Array, length: Length | None = None
    ) -> tuple[Float[Array, "time feature"], Bool[Array, " time"]]:
        """The features of a waveform.

        Args:
            samples: `(sample,)`, from -1 to 1, possibly padded at the end.
            length: How many samples are real; all by default. What stands after them changes nothing.

        Returns:
            Frames `(1 + sample // hop, feature)`, 0 where masked, and the mask `(time,)`.

        Raises:
            InputError: If the waveform is not one channel of at least one sample.
        """
        check_waveform(samples)
        real = samples.shape[0] if length is None else length
        view = _View(self, samples, real)
        mask = frame_mask(frame_count(samples.shape[0], self.hop_length), self.hop_length, real)
        frames = jnp.concatenate([KINDS[kind].compute(view) for kind in self.kinds], axis=1)
        if self.cmvn:
            return normalised(frames, mask), mask
        return jnp.where(mask[:, None], frames, 0.0), mask


class _View:
    """One waveform, with what several features are made of computed once."""

    def __init__(self, settings: SoundFeatures, samples: Samples, length: Length) -> None:
        self.settings, self.samples, self.length = settings, samples, length
        self.kept: dict[str, Any] = {}

    def of(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self.kept:
            self.kept[name] = make()
        return self.kept[name]

    @property
    def power(self) -> Float[Array, "time bin"]:
        own = self.settings
        return self.of(
            "power",
            lambda: power_spectrum(
                self.samples,
                n_fft=own.frame_length,
                hop_length=own.hop_length,
                window=own.window,
                length=self.length,
                transform=own.transform,
            ),
        )

    @property
    def magnitude(self) -> Float[Array, "time bin"]:
        def make() -> Array:
            # The slope of a root at 0 is infinite.
            there = self.power > 0
            return jnp.where(there, jnp.sqrt(jnp.where(there, self.power, 1.0)), 0.0)

        return self.of("magnitude", make)

    @property
    def mel(self) -> Float[Array, "time mel"]:
        own = self.settings
        return self.of(
            "mel",
            lambda: decibels(
                mel_spectrum(self.power, own.rate_hz, n_mels=own.n_mels, fmin=own.fmin, fmax=own.fmax)
            ),
        )

    @property
    def mfcc(self) -> Float[Array, "time coefficient"]:
        return self.of("mfcc", lambda: mfcc(self.mel, self.settings.n_mfcc))

    def slope(self, order: int) -> Float[Array, "time coefficient"]:
        count = 1 + jnp.asarray(self.length, jnp.int32) // self.settings.hop_length
        return delta(self.mfcc, order=order, count=count)

    def frames(self, *, edge: bool, length: int) -> Float[Array, "time frame_length"]:
        return frame(
            self.samples,
            frame_length=length,
            hop_length=self.settings.hop_length,
            length=self.length,
            edge=edge,
        )

    def pitch(self) -> Float[Array, " time"]:
        top = min(PITCH[1], self.settings.rate_hz / 2)
        frames = self.frames(edge=False, length=pitch_frame(self.settings))
        return yin(frames, self.settings.rate_hz, fmin=PITCH[0], fmax=top)


PITCH = (60.0, 400.0)  # Hz: from a low voice to a child's.


def pitch_frame(settings: SoundFeatures) -> int:
    """Samples of a frame that two periods of the lowest pitch fit into."""
    return max(settings.frame_length, 2 * int(np.ceil(settings.rate_hz / PITCH[0])) + 2)


@dataclass(frozen=True)
class _Kind:
    columns: Callable[[SoundFeatures], list[tuple[str, str]]]
    compute: Callable[[_View], Float[Array, "time feature"]]


def _one(name: str, unit: str, compute: Callable[[_View], Float[Array, " time"]]) -> _Kind:
    return _Kind(lambda settings: [(name, unit)], lambda view: compute(view)[:, None])


def _numbered(name: str, count: Callable[[SoundFeatures], int], unit: str) -> Callable[..., Any]:
    return lambda settings: [(f"{name}_{i}", unit) for i in range(count(settings))]


def _cepstral(name: str) -> Callable[..., Any]:
    return _numbered(name, lambda settings: settings.n_mfcc, "dB")


BANDS = 4  # Octaves of the spectral contrast, at most: as many as fit below half the rate.


def _bands(settings: SoundFeatures) -> int:
    return int(np.clip(np.ceil(np.log2(settings.rate_hz / 2 / 200.0)) - 1, 1, BANDS))


def _octaves(settings: SoundFeatures) -> list[int]:
    """Ends of octave bands from 0 to half the rate, in Hz."""
    top = settings.rate_hz / 2
    return [0, *(250 * 2**i for i in range(16) if 250 * 2**i < top), int(top)]


def _octave_columns(settings: SoundFeatures) -> list[tuple[str, str]]:
    return [(f"band_{low}_{high}", "dB") for low, high in pairwise(_octaves(settings))]


def _octave_levels(view: _View) -> Float[Array, "time band"]:
    own = view.settings
    hz = fft_frequencies(own.rate_hz, own.frame_length)
    # Which bins are in which band; the highest has the last one, too.
    band = np.minimum(np.searchsorted(_octaves(own), hz, side="right") - 1, len(_octaves(own)) - 2)
    members = (band[:, None] == np.arange(len(_octaves(own)) - 1)[None, :]).astype(np.float32)
    return decibels(view.power @ jnp.asarray(members))


KINDS: Mapping[str, _Kind] = {
    "mfcc": _Kind(_cepstral("mfcc"), lambda view: view.mfcc),
    "mel": _Kind(_numbered("mel", lambda settings: settings.n_mels, "dB"), lambda view: view.mel),
    "delta": _Kind(_cepstral("delta"), lambda view: view.slope(1)),
    "delta2": _Kind(_cepstral("delta2"), lambda view: view.slope(2)),
    "bands": _Kind(_octave_columns, _octave_levels),
    "level": _one(
        "level",
        "dB",
        lambda view: decibels(shape.energy(view.frames(edge=False, length=view.settings.frame_length)) ** 2),
    ),
    "centroid": _one(
        "centroid", "Hz", lambda view: shape.spectral_centroid(view.magnitude, view.settings.rate_hz)
    ),
    "bandwidth": _one(
        "bandwidth", "Hz", lambda view: shape.spectral_bandwidth(view.magnitude, view.settings.rate_hz)
    ),
    "rolloff": _one(
        "rolloff", "Hz", lambda view: shape.spectral_rolloff(view.magnitude, view.settings.rate_hz)
    ),
    "flatness": _one("flatness", "", lambda view: shape.spectral_flatness(view.power)),
    "contrast": _Kind(
        _numbered("contrast", lambda settings: 1 + _bands(settings), "dB"),
        lambda view: shape.spectral_contrast(
            view.magnitude, view.settings.rate_hz, bands=_bands(view.settings)
        ),
    ),
    "chroma": _Kind(
        lambda settings: [(f"chroma_{name}", "") for name in _PITCHES],
        lambda view: shape.chroma(view.power, view.settings.rate_hz),
    ),
    "zero_crossings": _one(
        "zero_crossings",
        "",
        lambda view: shape.zero_crossing_rate(view.frames(edge=True, length=view.settings.frame_length)),
    ),
    "pitch": _one("pitch", "Hz", lambda view: view.pitch()),
}
