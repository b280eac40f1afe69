"""Sound from standard input: WAV, or samples without a header, block by block as they arrive."""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterator
from typing import BinaryIO

import numpy as np
from jaxtyping import Float32

from antiphon.errors import DatasetError, InputError

RAW = {"s16le": np.dtype("<i2"), "f32le": np.dtype("<f4")}
WIDTHS = {1: np.dtype("u1"), 2: np.dtype("<i2"), 3: None, 4: np.dtype("<i4")}  # Bytes; NumPy has no 24 bits.
Blocks = Iterator[Float32[np.ndarray, " sample"]]


def open_pipe(
    file: BinaryIO, seconds: float, *, rate_hz: float | None, form: str | None
) -> tuple[float, Blocks]:
    """The samples a second of what a pipe holds, and its samples, one channel, block by block.

    Args:
        file: Standard input; it is read once, from its beginning to its end.
        seconds: Length of a block.
        rate_hz: Samples a second of samples without a header.
        form: What samples without a header are, `"s16le"` or `"f32le"`; None for WAV.

    Raises:
        InputError: A rate is missing or not needed.
        DatasetError: What is there is no WAV that can be read.
    """
    if form is None:
        if rate_hz is not None:
            raise InputError(
                f"--rate {rate_hz:g} without --format.",
                "WAV, which says its own rate, or samples without a header and what they are.",
                "Leave --rate out, or add --format s16le or --format f32le.",
            )
        return _wav(file, seconds)
    if rate_hz is None:
        raise InputError(
            f"--format {form} without --rate.",
            "How many samples a second there are: samples without a header do not say it.",
            "Add for example --rate 8000.",
        )
    kind = RAW[form]
    size = max(1, round(seconds * rate_hz)) * kind.itemsize
    return rate_hz, _mixed(lambda: file.read(size), kind, 1)


def _wav(file: BinaryIO, seconds: float) -> tuple[float, Blocks]:
    try:
        opened = wave.open(file)  # noqa: SIM115  # Standard input is not ours to close.
    except (wave.Error, EOFError) as error:
        raise DatasetError(
            f"Standard input is no WAV of whole numbers ({error or 'it ends within its header'}).",
            "WAV of 8, 16, 24 or 32 bits, or samples without a header.",
            "Convert it on the way (ffmpeg -i FILE -f wav -c:a pcm_s16le - | antiphon listen MODEL -), or "
            "say what its samples are with --format and --rate.",
        ) from error
    rate, width = float(opened.getframerate()), opened.getsampwidth()
    size = max(1, round(seconds * rate))
    if width not in WIDTHS:
        raise DatasetError(
            f"Standard input is WAV of {8 * width} bits.",
            "WAV of 8, 16, 24 or 32 bits.",
            "Convert it on the way.",
        )
    kind = WIDTHS[width]
    return rate, _mixed(lambda: opened.readframes(size), kind, opened.getnchannels())


def _mixed(read: Callable[[], bytes], kind: np.dtype | None, channels: int) -> Blocks:
    """Blocks of samples from -1 to 1, the channels mixed to their mean; `None` is for numbers of 24 bits."""
    width = 3 if kind is None else kind.itemsize
    while data := read():
        whole = len(data) // (width * channels) * width * channels  # A last sample may be cut off.
        yield _numbers(data[:whole], kind).reshape(-1, channels).mean(axis=1, dtype=np.float32)


def _numbers(data: bytes, kind: np.dtype | None) -> Float32[np.ndarray, " number"]:
    if kind is None:
        bytes_ = np.frombuffer(data, "u1").reshape(-1, 3)
        padded = np.zeros((len(bytes_), 4), "u1")
        padded[:, 1:] = bytes_  # As the high bytes of 32 bits.
        return (padded.view("<i4")[:, 0] / 2.0**31).astype(np.float32)
    values = np.frombuffer(data, kind)
    match kind.kind:
        case "f":
            return values.astype(np.float32)
        case "u":
            return ((values.astype(np.float32) - 128.0) / 128.0).astype(np.float32)
    return (values / 2.0 ** (8 * kind.itemsize - 1)).astype(np.float32)
