"""Waveforms that features are compared on."""

import numpy as np

RATE = 8000


def waveforms():
    """Noise, a rising tone in noise, a buzz whose pitch falls, and clicks: name -> `(sample,)`."""
    rng = np.random.default_rng(0)
    t = np.arange(2400) / RATE
    noise = rng.normal(size=2400)
    buzz = sum(np.sin(2 * np.pi * k * (180 * t - 60 * t**2)) / k for k in range(1, 9))
    clicks = np.zeros(2400)
    clicks[::700] = 1.0
    found = {
        "noise": 0.1 * noise,
        "chirp": 0.5 * np.sin(2 * np.pi * (300 * t + 1500 * t**2)) + 0.01 * noise,
        "buzz": 0.3 * buzz + 0.003 * noise,
        "clicks": clicks + 0.001 * noise,
    }
    return {name: wave.astype(np.float32) for name, wave in found.items()}
