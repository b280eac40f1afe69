"""Strings of spoken digits by CTC: word error rates on recordings, and on a speaker, that were not heard."""

from __future__ import annotations

from typing import Any

from antiphon.audio import SoundFeatures
from antiphon.data import Sounds, add_background, join_sounds
from antiphon.estimators import CTCRecogniser, NetworkOptions

LISTEN = SoundFeatures(8000, ("mel",), hop_seconds=0.02, n_mels=24)


def figures(options: Any) -> dict[str, Any]:
    """Word error rates, in percent."""
    sounds = Sounds.read(options.digits, pattern="{label}_{speaker}_{index}")
    index = sounds.fields["index"].astype(int)
    quick = bool(getattr(options, "quick", False))
    # Of each digit and speaker: 0-4 are the test part, the rest is to learn from and to choose by.
    held = index < 5 if getattr(options, "test", False) else (index >= 5) & (index < 10)
    learned = index >= 10
    speakers = sorted(set(sounds.speakers.tolist()))
    left = speakers[-1]
    count = 60 if quick else 300
    known = fitted(sounds[learned], count)
    others = fitted(sounds[learned & (sounds.speakers != left)], count)
    new, new_speaker = strings(sounds[held], 100, 7), strings(sounds[held & (sounds.speakers == left)], 60, 8)
    found: dict[str, Any] = {"ctc_part": "test" if getattr(options, "test", False) else "validation"}
    for beam in (1, 8):
        for name, model, text in (("known", known, new), ("new", others, new_speaker)):
            model.set_params(beam=beam)
            found[f"ctc_wer_{name}_speaker_beam_{beam}"] = model.wer(text, text.labels)
    said = known.predict(new[:5]).tolist()
    return {
        **found,
        "ctc_left_out": left,
        "ctc_examples": list(zip(new.labels[:5].tolist(), said, strict=True)),
    }


def strings(sounds: Sounds, count: int, seed: int) -> Sounds:
    """Strings of one to five digits, with pauses, in faint noise."""
    made, events = join_sounds(sounds, count, words=(1, 5), gap_seconds=(0.05, 0.4), seed=seed)
    return add_background(made, events, kinds=("white", "pink"), snr_db=(20.0, 30.0), seed=seed)


def fitted(sounds: Sounds, count: int) -> CTCRecogniser:
    """A recogniser of such strings."""
    X = strings(sounds, count, 0)
    model = CTCRecogniser(
        settings={"hidden": 48, "dropout": 0.3},
        epochs=40,
        learning_rate=0.01,
        random_state=0,
        options=NetworkOptions(batch_size=16, validation=0.1, patience=10),
    )
    return model.fit(X.frames(LISTEN), X.labels)
