"""Sound made sample by sample: nats a sample on recordings that were not learned from.

A recurrent network and WaveNet against a 5-gram over the same mu-law samples (Witten-Bell, the best of the
orders from 1 to 5 is told, too). `--quick` for a small version. Writes a WAV and a picture of its
spectrogram, beside those of a real recording, into `benchmarks/results/`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from antiphon.audio import mu_law_decode, mu_law_encode
from antiphon.data import Sounds
from antiphon.estimators import SoundGenerator
from antiphon.networks.generative import NGram

LEVELS = 64
RESULTS = Path(__file__).resolve().parent / "results"
SETTINGS: dict[str, dict[str, Any]] = {
    "gru": {"settings": {"hidden": 64}, "context_seconds": 0.008, "epochs": 12},
    "wavenet": {
        "settings": {"channels": 24, "skip_channels": 32, "layers": 7},
        "context_seconds": 0.016,
        "epochs": 5,
    },
}


def figures(options: Any) -> dict[str, Any]:
    """Nats a sample; lower is better. All give a probability to the same whole numbers from 0 to 63."""
    sounds = Sounds.read(options.digits, pattern="{label}_{speaker}_{index}")
    index = sounds.fields["index"].astype(int)
    quick, test = bool(getattr(options, "quick", False)), bool(getattr(options, "test", False))
    learned = sounds[(index >= 10) & (index < (11 if quick else 14))]
    judged = sounds[index == (0 if test else 5)]
    found: dict[str, Any] = {
        "generation_part": "test" if test else "validation",
        "generation_levels": LEVELS,
        "generation_seconds_learned": float(learned.lengths.sum() / learned.rate_hz),
    }
    codes, wanted = ([mu_law_encode(wave, levels=LEVELS) for wave in some] for some in (learned, judged))
    samples = sum(map(len, wanted))
    for n in range(1, 6):
        chain = NGram(LEVELS, n).fit(codes)
        found[f"generation_{n}_gram"] = -sum(map(chain.log_likelihood, wanted)) / samples
    for name, settings in SETTINGS.items():
        start = time.process_time()
        epochs = 1 if quick else settings["epochs"]
        model = SoundGenerator(
            name, **{**settings, "epochs": epochs}, levels=LEVELS, piece_seconds=0.032, random_state=0
        ).fit(learned)
        found[f"generation_{name}"] = -model.score(judged)
        found[f"generation_{name}_cpu_seconds"] = time.process_time() - start
        sys.stderr.write(f"generation: {name} {found[f'generation_{name}']:.4f} nats a sample\n")
        if not quick:
            write(RESULTS / f"generated_{name}", model.sample(3.0, random_state=0), judged)
    return found


def write(stem: Path, wave: np.ndarray, real: Sounds) -> None:
    """A recording of what was made, and its spectrogram over that of real recordings."""
    import matplotlib.pyplot as plt
    import soundfile

    from antiphon.audio import decibels, power_spectrum

    rate = int(real.rate_hz)
    soundfile.write(stem.with_suffix(".wav"), wave, rate, subtype="PCM_16")
    cases = np.linspace(0, len(real) - 1, 6).astype(int)
    heard = np.concatenate([real[int(case)] for case in cases])[: len(wave)]
    heard = mu_law_decode(mu_law_encode(heard, levels=LEVELS), levels=LEVELS)
    figure, axes = plt.subplots(2, 1, figsize=(8, 5), sharex=True, constrained_layout=True)
    for axis, samples, title in zip(axes, (wave, heard), ("made by the network", "recordings"), strict=True):
        power = decibels(power_spectrum(np.asarray(samples, np.float32), n_fft=256, hop_length=64))
        extent = (0.0, len(samples) / rate, 0.0, rate / 2000)
        axis.imshow(np.asarray(power).T, origin="lower", aspect="auto", extent=extent, vmin=-50, vmax=20)
        axis.set(title=title, ylabel="kHz")
    axes[1].set_xlabel("seconds")
    figure.savefig(stem.with_suffix(".png"), dpi=60)
    plt.close(figure)
