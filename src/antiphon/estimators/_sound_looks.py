"""Recordings of the test part to see and hear: which ones, and what the program does in each."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from antiphon.data import Dataset, Sequences, Sounds, bucket_length
from antiphon.estimators._listening_choice import choose
from antiphon.estimators._looks import SAME_SCALE, comparisons, contributions, lead, phrase, winners
from antiphon.estimators._readings import Readings, average_readings
from antiphon.language import Apply, Program, Seq, Term, Var, entry_names, walk
from antiphon.report import Course, Listening, Recording, SoundLook, Stream, Taken

MOST_STREAMS, MOST_TAKEN = 4, 6  # that are drawn
MOST_POINTS = 60  # moments at which the decision is asked for
MOST_SECONDS = 15.0  # of a longer recording an excerpt is shown
MOST_NUMBERS = 1 << 24  # of frames that are computed at once for a course
BANDS = 64


def listening(program: Program, dataset: Dataset, predicted: Any) -> Listening:
    """Recordings of the test part with what the program does in them; nothing where data are no sound.

    Args:
        program: The program.
        dataset: The data.
        predicted: Its predictions for the test part.

    Example:
        >>> from antiphon.data import load
        >>> from antiphon.language import Program
        >>> program = Program.parse('''language sequence
        ... input x: Seq[Real[4]] of speed, distance, angle, noise
        ... output classes ["fast", "slow"]
        ... program
        ...   affine[-1*speed + 5](mean(x))
        ... ''')
        >>> dataset = load("planted-speed")  # no recordings
        >>> listening(program, dataset, program.predict(list(dataset.test.X))).looks
        ()
    """
    test = dataset.test
    if test.sounds is None:
        return Listening()
    sure = _sureness(program, test.X)
    shown, more, mistakes = choose(test.y, predicted, sure, dataset.task)
    cases = test.take(shown)
    assert cases.sounds is not None

    def recording(case: int) -> Recording:
        return _recording(dataset, predicted, case, None if sure is None else float(sure[case]))

    drawn = _Drawn.of(program, dataset, cases.X)
    looks = tuple(
        drawn.look(i, recording(case), test.y[case], predicted[case]) for i, case in enumerate(shown)
    )
    rest = tuple(_excerpt(recording(case)) for case in more)
    normalised = test.X.sound is not None and test.X.sound.cmvn
    note = (
        "Features are normalised over each recording: what is said early knows the end." if normalised else ""
    )
    return Listening(looks, rest, mistakes, len(test), note)


def _sureness(program: Program, X: Sequences) -> Float[np.ndarray, " case"] | None:
    """The probability that each prediction has."""
    if program.output.task != "classification":
        return None
    scores = program.scores(*X.pad())
    labels = list(program.output.classes)
    said = np.array([labels.index(label) for label in program.decide(scores).tolist()])
    return program.output.probabilities(scores)[np.arange(len(said)), said]


def _recording(dataset: Dataset, predicted: Any, case: int, sure: float | None) -> Recording:
    test = dataset.test
    assert test.sounds is not None
    tagging = dataset.task == "tagging"
    right = f"{np.mean(np.asarray(predicted[case]) == test.y[case]):.0%} of frames right" if tagging else ""
    return Recording(
        name=short_name(test.sounds.names[case]),
        samples=test.sounds[case],
        rate_hz=test.sounds.rate_hz,
        true_label="" if tagging else _label(test.y[case]),
        predicted_label="" if tagging else _label(predicted[case]),
        probability=sure,
        speaker="" if test.subjects is None else str(test.subjects[case]),
        remark=right,
    )


def short_name(name: str) -> str:
    """The name of a recording as it is shown: of an absolute path its last part.

    Example:
        >>> short_name("dog/1.wav"), short_name("/home/ann/recordings/1.wav")
        ('dog/1.wav', '1.wav')
    """
    return PurePath(name).name if PurePath(name).is_absolute() else name


def _label(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)


def _excerpt(recording: Recording, start: float = 0.0) -> Recording:
    """No more of a recording than is shown."""
    if recording.seconds <= MOST_SECONDS:
        return recording
    first = round(start * recording.rate_hz)
    # A copy: what is only a view would keep the whole recording in memory.
    samples = recording.samples[first : first + round(MOST_SECONDS * recording.rate_hz)].copy()
    return replace(recording, samples=samples, start=start, whole=recording.seconds)


@dataclass(frozen=True, eq=False)
class _Drawn:
    """What is computed for all chosen cases together."""

    program: Program
    readings: Readings
    X: Sequences
    values: Float[np.ndarray, "case time feature"]
    mask: Bool[np.ndarray, "case time"]
    weights: list[Float[np.ndarray, "time feature"]]
    read: list[np.ndarray]  # what each reading takes from each case
    counted: list[np.ndarray]  # and how much that speaks for the prediction
    limits: dict[tuple[int, int], list[tuple[float, str]]]  # of the entries of readings
    named: dict[str, list[tuple[float, str]]]  # of features that no reading stands between

    @classmethod
    def of(cls, program: Program, dataset: Dataset, X: Sequences) -> _Drawn:
        readings = Readings(program)
        values, mask = X.pad()
        weights = contributions(program, X, dataset.train.X.frames.mean(0))
        read = readings.values(values, mask)
        counted: list[np.ndarray] = []
        if len(readings):
            won = winners(program, values, mask)
            slopes = readings.slopes(values, mask, lambda scores, winner: lead(program, scores, winner), won)
            averages = average_readings(readings, dataset.train.X)
            counted = [
                slope * (value - average)
                for slope, value, average in zip(slopes, read, averages, strict=True)
            ]
        limits: dict[tuple[int, int], list[tuple[float, str]]] = {}
        named: dict[str, list[tuple[float, str]]] = {}
        for path, column, value, direction in comparisons(program):
            number = readings.number_at(path)
            if number is not None:
                limits.setdefault((number, column), []).append((value, direction))
            elif entry_names(program.typing[path])[column] in program.language.features:
                name = entry_names(program.typing[path])[column]
                named.setdefault(name, []).append((value, direction))
        return cls(program, readings, X, values, mask, weights, read, counted, limits, named)

    def look(self, case: int, recording: Recording, true: Any, said: Any) -> SoundLook:
        """One case as it is drawn."""
        sound = self.X.sound
        assert sound is not None
        hop = sound.hop_length / sound.rate_hz
        frames = self.X[case]
        first, stop = self._excerpt(case, true, said)
        whole = (first, stop) == (0, len(frames))
        if not whole:
            samples = recording.samples[first * sound.hop_length : stop * sound.hop_length - 1].copy()
            recording = replace(recording, samples=samples, start=first * hop, whole=recording.seconds)
        seen = self.readings.seen(frames)
        spectrogram, edges = _spectrogram(recording, sound)
        streams = [
            replace(
                stream,
                values=stream.values[first:stop],
                taken=tuple(
                    # Of what is taken from elsewhere nothing is drawn here.
                    replace(one, window=one.window and (_moved(one.window, first, stop) or (0, 0)))
                    for one in stream.taken
                ),
            )
            for stream in self._streams(case, seen)
        ]
        words = [phrase(reading.term, self.program.language) for reading in self.readings]
        windows = [
            (word, *moved)
            for word, window in zip(words, seen, strict=True)
            if (moved := _moved(window, first, stop)) is not None
        ]
        tagging = self.readings.tagging
        return SoundLook(
            recording=recording,
            # A file that turned out a little shorter than it says may lack a frame.
            spectrogram=np.pad(spectrogram, ((0, max(0, stop - first - len(spectrogram))), (0, 0)), "edge")[
                : stop - first
            ],
            band_hz=edges,
            hop_seconds=hop,
            streams=tuple(streams),
            course=self._course(case, first, stop, hop, true),
            weight=self.weights[case][first:stop].sum(1),
            windows=() if tagging else tuple(sorted(windows, key=lambda w: (w[1] - w[2], w[1]))),
            true_events=_events(true, first, stop, 1 / hop) if tagging else (),
            predicted_events=_events(said, first, stop, 1 / hop) if tagging else (),
        )

    def _excerpt(self, case: int, true: Any, said: Any) -> tuple[int, int]:
        """Which frames are shown: all, or those around most mistakes, or where most weight is."""
        sound = self.X.sound
        assert sound is not None
        time = len(self.X[case])
        most = max(1, int(MOST_SECONDS * sound.frames_hz))
        if time <= most:
            return 0, time
        wrong = np.asarray(said) != np.asarray(true) if self.readings.tagging else np.zeros(time)
        counts = wrong if wrong.any() else np.abs(self.weights[case]).sum(1)
        total = np.concatenate([[0.0], np.cumsum(counts)])
        first = int(np.argmax(total[most:] - total[:-most]))
        return first, first + most

    def _streams(self, case: int, seen: list[tuple[int, int] | None]) -> list[Stream]:
        """What the program follows: what it compares with a threshold, then what counts most here."""
        tagging = self.readings.tagging
        found: list[tuple[bool, float, int, int, Taken]] = []
        for number, reading in enumerate(self.readings):
            read, counted = self.read[number][case], self.counted[number][case]
            strength = np.abs(counted[self.mask[case]]).sum(0) if tagging else np.abs(counted)
            words = phrase(reading.term, self.program.language)
            for column, name in enumerate(self.readings.entries(reading)):
                limits = tuple(self.limits.get((number, column), ()))
                if strength[column] > 0 or limits:
                    unit = self._unit(reading.term, name)
                    taken = Taken(re.sub(r"\bx\b", name, words), unit, thresholds=limits)
                    if not tagging:
                        value, counts = float(read[column]), float(counted[column])
                        taken = replace(taken, value=value, contribution=counts, window=seen[number])
                    found.append((bool(limits), float(strength[column]), number, column, taken))
        if not found:
            return self._features(case)
        found.sort(key=lambda row: (not row[0], -row[1]))
        streams: dict[tuple[str, str], Stream] = {}
        for _, _, number, column, taken in found[:MOST_TAKEN]:
            stream, is_to_scale = self._stream(case, number, column, taken.words)
            key = (stream.name, stream.words)
            if key not in streams and len(streams) == MOST_STREAMS:
                continue
            before = streams[key].taken if key in streams else ()
            streams[key] = replace(stream, taken=(*before, replace(taken, to_scale=is_to_scale)))
        return list(streams.values())

    def _stream(self, case: int, number: int, column: int, taken: str) -> tuple[Stream, bool]:
        """The stream that a number is taken from, and whether the number is on its scale."""
        program, reading = self.program, self.readings.all[number]
        name = self.readings.entries(reading)[column]
        unit = program.language.features.get(name, "")
        values, below = self._followed(case, number)
        if below is None:
            shown = Stream(
                name, values[:, column].astype(float), self._unit(reading.term, name), f"{taken} so far"
            )
            return shown, True
        words = "" if isinstance(below, Var) else re.sub(r"\bx\b", name, phrase(below, program.language))
        stream = Stream(
            name, values[:, column].astype(float), self._unit(below, name) if words else unit, words
        )
        return stream, self.readings.tagging or reading.term.name in SAME_SCALE

    def _unit(self, term: Term, name: str) -> str:
        """The unit of what is made of a feature."""
        language = self.program.language
        unitless = any(isinstance(node, Apply) and language[node.name].unitless for _, node in walk(term))
        return "" if unitless else language.features.get(name, "")

    def _features(self, case: int) -> list[Stream]:
        """The features themselves, where the program has no readings."""
        strength = np.abs(self.weights[case]).sum(0)
        units = self.program.language.features
        order = sorted(
            (i for i, name in enumerate(units) if strength[i] > 0 or name in self.named),
            key=lambda i: (list(units)[i] not in self.named, -strength[i]),
        )
        return [
            Stream(
                name,
                self.X[case][:, i].astype(float),
                units[name],
                taken=(Taken(name, units[name], thresholds=tuple(self.named.get(name, ()))),),
            )
            for i in order[:MOST_STREAMS]
            for name in (list(units)[i],)
        ]

    def _followed(self, case: int, number: int) -> tuple[Float[np.ndarray, "time entry"], Term | None]:
        """The stream that a reading sums up, and its term; or the reading of so much of the recording."""
        time, reading = len(self.X[case]), self.readings.all[number]
        if self.readings.tagging:
            return self.read[number][case][:time], reading.term
        values, mask = self.values[[case]], self.mask[[case]]
        if reading.stream is not None:
            path, term = reading.stream
            typing, entries = self.program.typing, self.readings.entries(reading)
            if isinstance(typing[path], Seq) and entry_names(typing[path]) == entries:
                found = self.readings.of(term, values, mask)[0][:time]
                # Of a word that only chooses frames what it chooses from says more.
                while isinstance(term, Apply) and isinstance(typing.get((*path, 0)), Seq):
                    below = self.readings.of(term.args[0], values, mask)[0][:time]
                    if not np.array_equal(below, found):
                        break
                    path, term = (*path, 0), term.args[0]
                return found, term
        counts = _points(time, values.shape[2])
        prefixes = np.arange(values.shape[1])[None, :] < counts[:, None]
        so_far = self.readings.of(reading.term, np.repeat(values, len(counts), axis=0), prefixes)
        nearest = np.minimum(np.searchsorted(counts, np.arange(1, time + 1)), len(counts) - 1)
        return so_far[nearest], None

    def _course(self, case: int, first: int, stop: int, hop: float, true: Any) -> Course | None:
        """What the program says of each frame, or of so much of the recording."""
        program, frames = self.program, self.X[case]
        output = program.output
        names = output.targets if output.task == "regression" else tuple(map(str, output.classes))
        values = frames[None]
        if self.readings.tagging:
            scores = program.scores(values, np.ones((1, len(frames)), bool))[0][first:stop]
            moments = np.arange(first, stop)
        else:
            counts = _points(len(frames), frames.shape[1])
            padded = np.zeros((len(counts), bucket_length(len(frames)), frames.shape[1]), np.float32)
            padded[:, : len(frames)] = frames
            scores = program.scores(padded, np.arange(padded.shape[1])[None, :] < counts[:, None])
            moments = counts - 1
            inside = (moments >= first) & (moments < stop)
            scores, moments = scores[inside], moments[inside]
        if not len(moments):
            return None
        if output.task == "regression":
            return Course(moments * hop, np.asarray(scores, float), names, true=float(true))
        said = tuple(map(str, output.decide(scores).tolist()))
        return Course(moments * hop, output.probabilities(scores), names, said, self.readings.tagging)


def _points(time: int, features: int) -> np.ndarray:
    """How many frames are heard at each moment that the program is asked at."""
    room = max(2, MOST_NUMBERS // (bucket_length(time) * features))
    return np.unique(np.linspace(1, time, min(time, MOST_POINTS, room)).round().astype(int))


def _moved(window: tuple[int, int] | None, first: int, stop: int) -> tuple[int, int] | None:
    """A stretch of frames as numbered in an excerpt; None where it is not in it."""
    if window is None or window[1] <= first or window[0] >= stop:
        return None
    return max(window[0], first) - first, min(window[1], stop) - first


def _events(tags: Any, first: int, stop: int, frames_hz: float) -> tuple[tuple[str, float, float], ...]:
    """The events of an excerpt, in seconds of the recording."""
    from antiphon.audio import BACKGROUND, tags_to_events

    values = np.asarray(tags)[first:stop]
    background = BACKGROUND if BACKGROUND in values.tolist() else None
    start = first / frames_hz
    return tuple(
        (str(event.label), start + event.onset, start + event.offset)
        for event in tags_to_events(values, frames_hz, background=background)
    )


def _spectrogram(
    recording: Recording, sound: Any
) -> tuple[Float[np.ndarray, "time band"], Float[np.ndarray, " edge"]]:
    """The level of mel bands over time, and the edges of the bands in Hz."""
    from antiphon.audio import SoundFeatures, hz_to_mel, mel_to_hz

    top = float(hz_to_mel(np.asarray(sound.rate_hz / 2)))
    # A band narrower than the lines of the spectrum would be empty.
    narrowest = float(hz_to_mel(np.asarray(sound.rate_hz / sound.frame_length)))
    bands = int(np.clip(top / narrowest, 8, BANDS))
    own = SoundFeatures(
        sound.rate_hz,
        ("mel",),
        frame_seconds=sound.frame_seconds,
        hop_seconds=sound.hop_seconds,
        n_mels=bands,
        window=sound.window,
    )
    frames = Sounds([recording.samples], recording.rate_hz).frames(own)[0]
    edges = mel_to_hz((np.arange(bands + 1) + 0.5) * top / (bands + 1))
    return frames.astype(float), np.asarray(edges, float)
