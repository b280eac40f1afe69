"""Voice activity: readable programs of 15 nodes against a recurrent network.

Strings of spoken digits with pauses, in noise at 0, 5 and 10 dB. Four times a speaker is left out, and with
him a colour of noise: what is judged on is a voice, a colour of noise, and babble of voices, none of which
was learned from. All read the same frames. One program sees each frame relative to the mean of its whole
recording (`vad_program`, `vad_gap`); the other looks back alone, as the GRU does (`vad_streaming`). True
labels are the loud parts of the clean recordings. Recordings 0-4 of each digit and speaker are judged on with
`--test` alone; else recordings 5-49 of the speaker that was left out are.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np

from antiphon.audio import Event, SoundFeatures, event_scores, frame_f1, tags_to_events
from antiphon.data import Sequences, Sounds, add_background, frame_labels, join_sounds
from antiphon.estimators import NetworkTagger, ProgramTagger, show_program
from antiphon.language import Language, sound
from antiphon.search import Settings

LISTEN = SoundFeatures(8000, ("mel", "level", "flatness"), hop_seconds=0.03, n_mels=8)
COLOURS = ("white", "pink", "brown", "pink")  # The one that is left out with each speaker.
NODES = 15
NETWORKS = ("gru", "bigru", "gru_cmvn")  # The last reads frames normalised over the whole recording.


def figures(options: Any) -> dict[str, Any]:
    """F1 of frames and of events, of both models and their difference, over the speakers left out."""
    sounds = Sounds.read(options.digits, pattern="{label}_{speaker}_{index}")
    index = sounds.fields["index"].astype(int)
    quick, test = bool(getattr(options, "quick", False)), bool(getattr(options, "test", False))
    who = sorted(set(sounds.speakers.tolist()))
    folds = []
    for fold, speaker in enumerate(who[: 1 if quick else None]):
        colour = COLOURS[fold % len(COLOURS)]
        kinds = [kind for kind in ("white", "pink", "brown") if kind != colour]
        own = sounds.speakers == speaker
        learned = Mixtures(sounds[~own & (index >= 5)], [*kinds, "babble"], 18 if quick else 60, 1)
        judged = Mixtures(sounds[own & ((index < 5) if test else (index >= 5))], [colour, "babble"], 24, 2)
        row = {"speaker": speaker, "colour": colour, **compared(learned, judged, quick=quick)}
        sys.stderr.write(f"vad: {row}\n")
        folds.append(row)
    names = (*NETWORKS, "program", "streaming")
    means = {
        f"vad_{name}{what}": float(np.mean([row[f"{name}{what}"] for row in folds]))
        for name in names
        for what in ("", "_events")
    }
    return {
        # The program that has heard the end is compared with the best network, also of those that may have.
        "vad_gap": max(means[f"vad_{name}"] for name in NETWORKS) - means["vad_program"],
        "vad_gap_streaming": means["vad_gru"] - means["vad_streaming"],
        **means,
        "vad_part": "test" if test else "validation",
        "vad_nodes": max(row[f"{name}_nodes"] for row in folds for name in ("program", "streaming")),
        "vad_folds": folds,
    }


class Mixtures:
    """Strings of digits in noise, their frames, and when somebody speaks."""

    def __init__(self, sounds: Sounds, kinds: list[str], count: int, seed: int) -> None:
        strings, words = join_sounds(sounds, count, words=(2, 5), gap_seconds=(0.2, 0.8), seed=seed)
        self.events = [[Event(one.onset, one.offset, "speech") for one in some] for some in words]
        self.sounds = add_background(strings, self.events, kinds=kinds, talkers=sounds, seed=seed)
        self.X: Sequences = self.sounds.frames(LISTEN)
        self.normalised: Sequences = self.sounds.frames(replace(LISTEN, cmvn=True))
        self.y = frame_labels(self.X, self.events)

    def scores(self, model: Any, X: Sequences) -> tuple[float, float, dict[str, float]]:
        """F1 of frames, of events, and of the frames of each noise."""
        said = model.predict(X)
        found = [tags_to_events(tags, LISTEN.frames_hz) for tags in said]
        of = {}
        for field in ("noise", "snr_db"):
            for value in np.unique(self.sounds.fields[field]):
                some = np.flatnonzero(self.sounds.fields[field] == value)
                of[str(value)] = frame_f1([self.y[i] for i in some], [said[i] for i in some])
        return frame_f1(self.y, said), event_scores(self.events, found).f1, of


def compared(learned: Mixtures, judged: Mixtures, *, quick: bool) -> dict[str, Any]:
    """All models, fitted to the same mixtures."""
    voices = learned.sounds.speakers
    models: dict[str, Any] = {
        name: NetworkTagger(
            name.removesuffix("_cmvn"),
            {"hidden": 32, "dropout": 0.3},
            epochs=5 if quick else 40,
            metric="f1",
            random_state=0,
        )
        for name in NETWORKS
    }
    for name, language in (("program", voice(whole=True)), ("streaming", voice(whole=False))):
        options = Settings(candidates=6 if quick else 28, size_limit=NODES, halving=True)
        models[name] = ProgramTagger(language=language, metric="f1", random_state=0, options=options)
    found: dict[str, Any] = {}
    for name, model in models.items():
        start = time.process_time()
        fit_on, judge_on = (part.normalised if "cmvn" in name else part.X for part in (learned, judged))
        model.fit(fit_on, learned.y, groups=voices)
        found[name], found[f"{name}_events"], found[f"{name}_of"] = judged.scores(model, judge_on)
        found[f"{name}_cpu_seconds"] = time.process_time() - start
        if name not in NETWORKS:
            found[f"{name}_nodes"] = model.program_.size
            found[f"{name}_text"] = str(model.program_)
            found[f"{name}_words"] = show_program(model.program_, "words")
    return found


def voice(*, whole: bool) -> Language:
    """A small language for this: what is near a moment, against what is usual.

    Args:
        whole: Whether usual is the mean of the whole recording, which takes a recording that has ended; else
            it is the mean or the smallest value so far, and windows look back.
    """
    language = Language("voice" if whole else "voice_streaming", extends=sound)
    language.rules.clear()
    language.rule("output", "map(v -> affine(v), ?stream_frames)")
    language.rule("output", "map(v -> affine(v), ?stream_frames) + ?output")
    near = "relative(x)" if whole else "x"
    for word in ("mean", "max"):
        for width in (5, 9, 15):
            for look in ("centred", "trailing") if whole else ("trailing",):
                language.rule("stream_frames", f"window_{word}[width={width}, look={look}]({near})")
    for usual in () if whole else ("prefix_mean(x)", "prefix_min(x)", "prefix_max(x)"):
        language.rule("stream_frames", usual)
    return language
