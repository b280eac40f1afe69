"""MFCC of 2,000 clips against librosa: clips a CPU-second, after compilation."""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

ROUNDS = 5
CLIPS = 2000


def figures(options: argparse.Namespace) -> dict[str, Any]:
    """How many times faster, and how far the two are apart with the same conventions.

    The clips are the spoken digits where they are, else tones in noise of the same lengths. Both sides run
    in one process, on one thread, and take turns; the median of five rounds counts. Only the features are
    computed: no labels are used, so that the test part may be among the clips.
    """
    import librosa

    from antiphon.audio import SoundFeatures
    from antiphon.data import Sounds

    clips = _clips(options)
    sounds = Sounds(clips, 8000)
    listen = SoundFeatures(8000, ("mfcc",))
    size = {"n_fft": listen.frame_length, "hop_length": listen.hop_length, "n_mels": listen.n_mels}

    def ours() -> Any:
        return sounds.frames(listen)

    def theirs() -> list[np.ndarray]:
        own = {"n_mfcc": listen.n_mfcc, **size}
        return [librosa.feature.mfcc(y=clip, sr=8000, **own) for clip in clips]

    def matched(clip: np.ndarray) -> np.ndarray:
        mel = librosa.feature.melspectrogram(y=clip, sr=8000, **size)
        return librosa.feature.mfcc(S=librosa.power_to_db(mel, top_db=None), n_mfcc=listen.n_mfcc).T

    found = ours()  # Which compiles; so do parts of librosa.
    theirs()
    apart = [np.abs(a - b).max() / np.abs(b).max() for a, b in zip(found, map(matched, clips), strict=True)]
    seconds: dict[str, list[float]] = {"ours": [], "librosa": []}
    for _ in range(1 if options.quick else ROUNDS):
        for name, run in (("ours", ours), ("librosa", theirs)):
            begun = time.process_time()
            run()
            seconds[name].append(time.process_time() - begun)
    median = {name: float(np.median(taken)) for name, taken in seconds.items()}
    return {
        "mfcc_speedup": median["librosa"] / median["ours"],
        "mfcc": {
            "clips": len(clips),
            "cpu_seconds": seconds,
            "clips_per_cpu_second": {name: len(clips) / taken for name, taken in median.items()},
            "largest_relative_difference": float(max(apart)),
            "librosa": librosa.__version__,
        },
    }


def _clips(options: argparse.Namespace) -> list[np.ndarray]:
    from antiphon.data import Sounds

    count = 200 if options.quick else CLIPS
    if options.digits.is_dir():
        return list(Sounds.read(options.digits, pattern="{label}_{speaker}_{index}")[:count])
    rng = np.random.default_rng(0)
    lengths = rng.integers(1200, 6000, size=count)
    tones = [np.sin(2 * np.pi * rng.uniform(100, 2000) * np.arange(n) / 8000) for n in lengths]
    return [(0.3 * t + 0.05 * rng.standard_normal(len(t))).astype(np.float32) for t in tones]
