"""Streaming: what an hour of listening costs, what memory it takes, and how near it comes to `predict`.

An hour of spoken digits is written to a file and heard block by block by a recurrent network of 128 units
that answers at every frame, by a program that answers over all that was heard, and by a network in both
directions that is asked for the last second four times a second. Time is processor time on
one thread, of reading, features, model and decisions; compiling is told apart. Memory is what the process
holds at the end over what it held after the first tenth.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from antiphon.audio import Event, SoundFeatures, SoundStream
from antiphon.data import Sequences, Sounds, frame_labels, join_sounds, read_blocks, sound_info
from antiphon.estimators import Listener, ProgramRegressor, RecurrentClassifier, RecurrentTagger
from antiphon.language import Program

SOUND = SoundFeatures(8000, ("mfcc", "delta", "level"))
PROGRAM = """language sequence
input x: Seq[Real[{count}]] of {features}
rate 100 Hz
output numbers y
program
  affine[0.3*level + 10](mean(window_max[width=9, look=trailing](x))) + affine[0.1*mfcc_1](deviation(x))
      + affine[0.2*delta_0 - 0.02*mfcc_0](last(prefix_mean(x)))
"""
BLOCKS = {"file": 2.5, "live": 0.1}  # Seconds at a time: of a file, and of a microphone.


def figures(options: Any) -> dict[str, Any]:
    """Real-time factors, growth of memory in MB, and the largest differences."""
    sounds = Sounds.read(options.digits, pattern="{label}_{speaker}_{index}")
    sounds = sounds[sounds.fields["index"].astype(int) >= 5]
    minutes = 3 if options.quick else 60
    strings, words = join_sounds(sounds, 60, words=(2, 5), seed=1)
    events = [[Event(one.onset, one.offset, "speech") for one in some] for some in words]
    X = strings.frames(SOUND)
    network = RecurrentTagger(cell="lstm", hidden=128, bidirectional=False, epochs=5, random_state=0)
    both = RecurrentClassifier(hidden=64, bidirectional=True, epochs=2, random_state=0)
    clips = sounds[np.arange(0, len(sounds), 20)]
    models = {
        "network": network.fit(X, frame_labels(X, events)),
        "program": _program(X),
        "windows": both.fit(clips.frames(SOUND), clips.labels),
    }
    rows: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "hour.wav")
        hour = _write(file, sounds, minutes * 60 * 8000)
        for name, model in models.items():
            for way, block in BLOCKS.items():
                rows[f"{name}_{way}"], said = _heard(model, file, block)
                if way == "file" and name != "windows":
                    rows[f"{name}_{way}"]["difference"] = _difference(model, hour, said)
                sys.stderr.write(f"listen: {name}, {way}: {rows[f'{name}_{way}']}\n")
    return {
        "realtime_factor": max(row["realtime_factor"] for row in rows.values()),
        "listen_memory_growth_mb": max(row["memory_growth_mb"] for row in rows.values()),
        "listen_difference": max(row.get("difference", 0.0) for row in rows.values()),
        "listen_feature_difference": _features(hour),
        "listen_latency_seconds": SoundStream(SOUND).latency_seconds,
        "listen_minutes": minutes,
        "listen_runs": rows,
    }


def _program(X: Sequences) -> ProgramRegressor:
    """A program as an estimator, as if it had been learned."""
    features = ", ".join(f"{n} [{u}]" for n, u in zip(X.features.names, X.features.units, strict=True))
    program = Program.parse(PROGRAM.format(count=len(X.features), features=features))
    model: Any = ProgramRegressor()
    model.program_, model.output_, model.metric_ = program, program.output, "r2"
    model.features_, model.n_features_in_ = X.features, len(X.features)
    model.rate_hz_, model.is_table_, model.sound_ = X.rate_hz, False, X.sound
    return model


def _write(file: Path, sounds: Sounds, samples: int) -> Sounds:
    """Recordings one after the other in random order, with a little noise, as one file and as `Sounds`."""
    import soundfile

    rng = np.random.default_rng(0)
    whole = np.empty(samples, np.float32)
    place = 0
    while place < samples:
        wave = sounds[int(rng.integers(len(sounds)))][: samples - place]
        whole[place : place + len(wave)] = wave
        place += len(wave)
    whole += rng.normal(0, 1e-3, samples).astype(np.float32)
    soundfile.write(file, np.clip(whole, -1, 1), 8000)
    return Sounds.read(file)


def _heard(model: Any, file: Path, block: float) -> tuple[dict[str, float], np.ndarray]:
    """What listening to a file costs, and what was said: probabilities of each frame, or the last number."""
    windows = {"every_seconds": 0.25, "window_seconds": 1.0} if model.task == "classification" else {}
    listener = Listener(model, block_seconds=block, **windows)
    samples = round(sound_info(file).seconds * 8000)
    # Filled at once, so that what is kept here to be compared does not look like memory of listening.
    said = np.full((SOUND.frame_count(samples), model.output_.scores + 1), np.nan, np.float32)
    tenth, place, early = samples // 10, 0, None
    start = time.process_time()
    for wave in read_blocks(file, block):
        place = _keep(said, place, listener.feed(wave))
        if early is None and listener.samples >= tenth:
            early = _megabytes()
    place = _keep(said, place, listener.finish())
    took, held = time.process_time() - start, _megabytes()
    return {
        "realtime_factor": took / (samples / 8000),
        "memory_growth_mb": held - (early or held),
        "compile_seconds": listener.compile_seconds,
        "block_seconds": block,
    }, said[:place]


def _keep(said: np.ndarray, place: int, decisions: list[Any]) -> int:
    for one in decisions:
        answer = one.probabilities or (one.label,)
        said[place, : len(answer)] = answer
        place += 1
    return place


def _difference(model: Any, hour: Sounds, said: np.ndarray) -> float:
    """The largest difference to `predict`, relative to the largest entry."""
    wanted = model.predict(hour)[:, None] if model.task == "regression" else model.predict_proba(hour)[0]
    return float(np.abs(said[:, : wanted.shape[1]] - wanted).max() / np.abs(wanted).max())


def _features(hour: Sounds) -> float:
    """The largest difference of a feature that was streamed, relative to its largest value."""
    wanted = hour.frames(SOUND)[0]
    stream = SoundStream(SOUND, block_seconds=2.5)
    wave = hour[0]
    found = [stream.feed(wave[first : first + 20000]) for first in range(0, len(wave), 20000)]
    apart = np.abs(np.concatenate([*found, stream.finish()]) - wanted).max(0)
    return float((apart / np.abs(wanted).max(0)).max())


def _megabytes() -> float:
    """What this process holds in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
