"""Spoken digits: a readable program, and a recurrent network, learned from the same recordings.

`python examples/spoken_digits.py` fetches the Free Spoken Digit Dataset (16 MB) once; a folder of such
recordings may be named behind it.
"""

import sys

from antiphon.audio import SoundFeatures
from antiphon.data import read_sounds
from antiphon.estimators import ProgramClassifier, show_program
from antiphon.networks import Sequential
from antiphon.networks.layers import LSTM, Dense, Dropout


def main(folder: str = "spoken-digits", *, candidates: int = 120, epochs: int = 30) -> None:
    """Learn from recordings 5-49 of each digit and speaker, and judge on 0-4."""
    sounds = read_sounds(folder, pattern=None if folder == "spoken-digits" else "{label}_{speaker}_{index}")
    test = sounds.fields["index"].astype(int) < 5
    X, y = sounds.frames(SoundFeatures(sounds.rate_hz, ("mfcc",))), sounds.labels

    program = ProgramClassifier("sound", candidates=candidates, random_state=0).fit(X[~test], y[~test])
    print(show_program(program.program_, "words"))
    print(f"program: {program.score(X[test], y[test]):.3f}")

    mean, spread = X[~test].frames.mean(0), X[~test].frames.std(0)
    heard, digits = [(frames - mean) / spread for frames in X], y.astype(int)
    network = Sequential(
        [LSTM(128, return_sequences=True), Dropout(0.3), LSTM(64), Dropout(0.3), Dense(10, "softmax")]
    )
    network.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    learned, judged = (~test).nonzero()[0], test.nonzero()[0]
    network.fit([heard[i] for i in learned], digits[learned], epochs=epochs)
    print(f"LSTM: {network.evaluate([heard[i] for i in judged], digits[judged])[1]:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
