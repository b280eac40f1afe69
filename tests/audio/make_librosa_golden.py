"""Write `librosa_golden.npz`: what librosa says of the waveforms in `sound_signals.py`. Needs librosa."""

from pathlib import Path

import numpy as np
from sound_reference import of_librosa
from sound_signals import RATE, waveforms

if __name__ == "__main__":
    found = {
        f"{name}.{feature}": value
        for name, wave in waveforms().items()
        for feature, value in of_librosa(wave, RATE).items()
    }
    np.savez_compressed(Path(__file__).with_name("librosa_golden.npz"), **found)
