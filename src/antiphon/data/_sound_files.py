"""Recordings on disk: what a file holds, its samples as one channel, in one piece or block by block."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float32

from antiphon.errors import DatasetError, InputError

SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au")
FOREIGN = (".m4a", ".aac", ".wma", ".amr", ".webm")  # Sound, but of kinds that libsndfile does not read.
QUALITY = "HQ"
_CUT_OFF = re.compile(r"^data\s*: (\d+) \(should be (\d+)\)", re.MULTILINE)
_ENDLESS = 0x7FFF0000  # Sizes from here on are written by programs that do not know the size yet.


@dataclass(frozen=True)
class SoundInfo:
    """What a sound file says of itself.

    Args:
        path: The file.
        rate_hz: Samples a second.
        channels: Channels.
        samples: Samples of each channel.
        encoding: How they are stored: `"PCM_16"`, `"PCM_24"`, `"FLOAT"`, `"VORBIS"`, ...
        cut_off: Whether the file ends before the samples that it announces.
    """

    path: Path
    rate_hz: float
    channels: int
    samples: int
    encoding: str
    cut_off: bool = False

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.samples / self.rate_hz


def sound_info(path: str | PathLike[str]) -> SoundInfo:
    """What a sound file says of itself; its samples are not read.

    Args:
        path: WAV, FLAC, OGG, MP3 or another kind that libsndfile reads.

    Raises:
        DatasetError: There is no such file, it is empty, or it is no sound.

    Example:
        >>> import tempfile
        >>> import soundfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     soundfile.write(f"{folder}/a.wav", np.zeros((80, 2)), 8000)
        ...     info = sound_info(f"{folder}/a.wav")
        >>> info.samples, info.channels, info.encoding, info.seconds
        (80, 2, 'PCM_16', 0.01)
    """
    with _opened(Path(path)) as file:
        said = _CUT_OFF.search(file.extra_info)
        cut_off = said is not None and int(said[2]) < int(said[1]) < _ENDLESS
        return SoundInfo(
            Path(path), float(file.samplerate), file.channels, file.frames, file.subtype, cut_off
        )


def read_sound(
    path: str | PathLike[str], *, start: float = 0.0, end: float | None = None
) -> tuple[Float32[np.ndarray, " sample"], float]:
    """Read a recording, or only the part of it between two moments.

    Several channels are mixed down to their mean; nothing is resampled.

    Args:
        path: The file.
        start: Where to begin, in seconds.
        end: Where to end, in seconds; its end by default.

    Returns:
        The samples `(sample,)`, from -1 to 1 where the file holds whole numbers, and the samples a second.

    Raises:
        DatasetError: There is no such file, it is no sound, or it breaks off.
        InputError: The part is not inside the recording.
    """
    with _opened(Path(path)) as file:
        rate = float(file.samplerate)
        first, last = part(path, start, end, rate, file.frames)
        return _mono(path, file, first, last - first), rate


def read_blocks(
    path: str | PathLike[str],
    seconds: float = 10.0,
    *,
    rate_hz: float | None = None,
    start: float = 0.0,
    end: float | None = None,
) -> Iterator[Float32[np.ndarray, " sample"]]:
    """Read a long recording block by block: no more than one block is ever in memory.

    Args:
        path: The file.
        seconds: Length of a block; the last one may be shorter.
        rate_hz: Samples a second that are wanted; by default those of the file (`sound_info`). Resampling
            goes on from block to block, so that the blocks joined are the whole resampled.
        start: Where to begin, in seconds.
        end: Where to end, in seconds; its end by default.

    Yields:
        Samples `(sample,)` of one channel, the mean of all.

    Raises:
        DatasetError: There is no such file, it is no sound, or it breaks off.
        InputError: The part is not inside the recording, or a block has no length.

    Example:
        >>> import tempfile
        >>> import soundfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     soundfile.write(f"{folder}/a.wav", np.zeros(2000), 8000)
        ...     [len(block) for block in read_blocks(f"{folder}/a.wav", 0.1)]
        [800, 800, 400]
    """
    if not seconds > 0:
        raise InputError(f"Blocks of {seconds!r} s.", "A positive length.", "Leave seconds out for 10 s.")
    with _opened(Path(path)) as file:
        own = float(file.samplerate)
        first, last = part(path, start, end, own, file.frames)
        size = max(1, round(seconds * own))
        stream = None
        if rate_hz is not None and rate_hz != own:
            stream = _soxr().ResampleStream(own, rate_hz, 1, dtype="float32", quality=QUALITY)
        for place in range(first, last, size):
            block = _mono(path, file, place, min(size, last - place))
            if stream is not None:
                block = stream.resample_chunk(block, last=place + size >= last)
            if len(block):
                yield block


def resample(
    samples: Float[np.ndarray, " sample"], from_hz: float, to_hz: float
) -> Float32[np.ndarray, " sample"]:
    """Samples of a waveform at another rate, by soxr (band-limited, high quality).

    Args:
        samples: `(sample,)`.
        from_hz: Samples a second that they are.
        to_hz: Samples a second that are wanted.

    Example:
        >>> resample(np.zeros(8000, np.float32), 8000, 16000).shape
        (16000,)
    """
    if from_hz == to_hz:
        return np.asarray(samples, np.float32)
    return _soxr().resample(np.asarray(samples, np.float32), from_hz, to_hz, quality=QUALITY)


def part(path: Any, start: float, end: float | None, rate_hz: float, samples: int) -> tuple[int, int]:
    """The first sample of a part of a file, and the one after its last."""
    first, last = round(start * rate_hz), samples if end is None else round(end * rate_hz)
    # An end that was rounded to a hundredth of a second is still the end.
    if samples < last <= samples + 0.01 * rate_hz:
        last = samples
    if not 0 <= first < last <= samples and not (start == 0 and end is None):
        until = "its end" if end is None else f"{end:g} s"
        raise InputError(
            f"{path}: the part from {start:g} s to {until} of a recording of {samples / rate_hz:g} s.",
            "A start before an end, both inside the recording.",
            "Correct start and end, which are in seconds.",
        )
    return first, last


def _opened(path: Path) -> Any:
    """The file, open; or why it cannot be."""
    soundfile = _soundfile()
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise DatasetError(f"The recording {path} {what}.", "A sound file.", "Check the path.")
    if path.stat().st_size == 0:
        raise DatasetError(
            f"The recording {path} is empty: a file of 0 bytes.", "A sound file.", "Copy it again."
        )
    try:
        return soundfile.SoundFile(path)
    except soundfile.SoundFileError as error:
        text = str(error).rpartition(": ")[2].rstrip(".")
        raise DatasetError(
            f"The recording {path} is no sound that can be read: {text}.",
            "A whole WAV, FLAC, OGG or MP3 file.",
            "Convert it, or copy it again.",
        ) from error


def _mono(path: Any, file: Any, first: int, count: int) -> Float32[np.ndarray, " sample"]:
    """So many samples from a place on, the channels mixed to their mean."""
    try:
        if file.tell() != first:
            file.seek(first)
        found = file.read(count, dtype="float32", always_2d=True)
    except _soundfile().SoundFileError as error:
        raise _breaks_off(path) from error
    # An MP3 file may be without its exact length: libsndfile then guesses, within two of its frames.
    if len(found) < count - (2 * 1152 if file.format == "MP3" else 0):
        raise _breaks_off(path)
    # A mean over one channel would copy; one over two must not lose bits to their order.
    return np.ascontiguousarray(found[:, 0]) if found.shape[1] == 1 else found.mean(axis=1, dtype=np.float32)


def _breaks_off(path: Any) -> DatasetError:
    return DatasetError(f"The recording {path} breaks off before its end.", "A whole file.", "Copy it again.")


def _soundfile() -> Any:
    try:
        import soundfile
    except (ModuleNotFoundError, OSError) as error:  # OSError: the package without its library
        raise DatasetError(
            "Reading recordings needs the package soundfile, which is not installed.",
            "",
            "Run: pip install 'antiphon[audio]'.",
        ) from error
    return soundfile


def _soxr() -> Any:
    try:
        import soxr
    except ModuleNotFoundError as error:
        raise DatasetError(
            "Resampling needs the package soxr, which is not installed.",
            "",
            "Run: pip install 'antiphon[audio]'.",
        ) from error
    return soxr
