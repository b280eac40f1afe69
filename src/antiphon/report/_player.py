"""Waveforms as WAV files inside the page, so that the one file stays whole."""

from __future__ import annotations

import base64
import io
import wave
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float

from antiphon.report._sound_result import Recording

MOST_BYTES = 2_000_000  # of all players together, as they stand in the page


def wav_bytes(samples: Float[np.ndarray, " sample"], rate_hz: float) -> bytes:
    """A waveform as a WAV file of 16 bits.

    Args:
        samples: `(sample,)`; what is beyond -1 and 1 is cut off.
        rate_hz: Samples a second.

    Example:
        >>> len(wav_bytes(np.zeros(80), 8000.0))
        204
    """
    whole = np.round(np.clip(np.nan_to_num(np.asarray(samples, float)), -1, 1) * 32767).astype("<i2")
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(round(rate_hz))
        file.writeframes(whole.tobytes())
    return stream.getvalue()


def wav_uris(recordings: Iterable[Recording], most: int = MOST_BYTES) -> list[str]:
    """Recordings as `data:` URIs, in order, as long as there is room for them; `""` for the others.

    Args:
        recordings: What is to be heard, the most important first.
        most: Characters that there is room for.

    Example:
        >>> short, long = (Recording(name, np.zeros(n), 8000.0) for name, n in (("a", 80), ("b", 8000)))
        >>> [uri[:15] for uri in wav_uris([short, long], 1000)]
        ['data:audio/wav;', '']
    """
    found = []
    for recording in recordings:
        # A WAV file has a head of 44 bytes; base64 makes four characters of three bytes.
        size = 22 + 4 * ((44 + 2 * len(recording.samples) + 2) // 3)
        if size > most:
            found.append("")
            continue
        most -= size
        data = base64.b64encode(wav_bytes(recording.samples, recording.rate_hz)).decode("ascii")
        found.append(f"data:audio/wav;base64,{data}")
    return found
