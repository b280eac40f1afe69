"""What a report shows of recordings, and of who they are of: plain frozen data, as all of a report."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from antiphon.errors import InputError

Interval = tuple[str, float, float]


@dataclass(frozen=True)
class Taken:
    """A number that a program takes from a stream, or (with no value) what it compares every frame with.

    Args:
        words: What is taken: `"maximum of centroid"`.
        unit: Its unit, `""` where it has none.
        value: The number that was taken here; None where every frame is.
        contribution: How much this number speaks for (positive) or against the prediction.
        window: What it is taken from: the first frame and the frame after the last; both the same where it
            is elsewhere than in the excerpt that is shown.
        thresholds: What it is compared with: (value, `">"` or `"<"` for where the condition holds).
        to_scale: Whether the number is on the scale of the stream, as a mean is.

    Example:
        >>> Taken("maximum of level", "dB", -10.0, thresholds=((-12.0, ">"),)).to_scale
        True
    """

    words: str
    unit: str = ""
    value: float | None = None
    contribution: float | None = None
    window: tuple[int, int] | None = None
    thresholds: tuple[tuple[float, str], ...] = ()
    to_scale: bool = True


@dataclass(frozen=True, eq=False)
class Stream:
    """Something that a program follows over time in a recording, and what it takes from it.

    Args:
        name: The feature that it is, or is made of: `"centroid"`.
        values: One value a frame `(time,)`.
        unit: Its unit, `""` where it has none.
        words: What is made of the feature: `"mean of centroid over the last 0.05 s"`; `""` for the feature.
        taken: What is taken from it, the most important first.

    Example:
        >>> most = Taken("maximum of level", "dB", -10.0)
        >>> level = Stream("level", np.array([-20.0, -10.0]), "dB", taken=(most,))
        >>> level.taken[0].value
        -10.0
    """

    name: str
    values: Float[np.ndarray, " time"]
    unit: str = ""
    words: str = ""
    taken: tuple[Taken, ...] = ()


@dataclass(frozen=True, eq=False)
class Course:
    """What a program says after so much of a recording, or of each frame of it.

    Args:
        seconds: The moments `(point,)`.
        values: Probability of each class (for a regression the number) at each moment `(point, line)`.
        names: What each line is.
        said: The decision at each moment; left empty for a regression.
        by_frame: Whether it is said of each frame; else of all that was heard up to the moment.
        true: For a regression, what is true.

    Example:
        >>> Course(np.array([0.1, 0.2]), np.array([[0.6, 0.4], [0.2, 0.8]]), ("a", "b"), ("a", "b")).said
        ('a', 'b')
    """

    seconds: Float[np.ndarray, " point"]
    values: Float[np.ndarray, "point line"]
    names: tuple[str, ...]
    said: tuple[str, ...] = ()
    by_frame: bool = False
    true: float | None = None

    def __post_init__(self) -> None:
        wanted = (len(self.seconds), len(self.names))
        if np.shape(self.values) != wanted or (self.said and len(self.said) != wanted[0]):
            raise InputError(
                f"Values of shape {np.shape(self.values)} and {len(self.said)} decisions for {wanted[0]} "
                f"moments and {wanted[1]} names.",
                "One row a moment and one column a name; one decision a moment, or none.",
                "Give all of one course.",
            )


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording to listen to, with what it is and what it was taken for.

    Args:
        name: What it is called.
        samples: The waveform `(sample,)`, from -1 to 1.
        rate_hz: Samples a second.
        true_label: The label it has, as text.
        predicted_label: The label the program gives, as text.
        probability: What the program gives its prediction; None where there is no such thing.
        speaker: Who speaks, `""` where not known.
        start: Where an excerpt begins, in seconds.
        whole: Seconds of the recording that it is an excerpt of; None where it is all of it.
        remark: What else is said of it.

    Example:
        >>> Recording("7_theo_3.wav", np.zeros(800, np.float32), 8000.0, "7", "7").seconds
        0.1
    """

    name: str
    samples: Float[np.ndarray, " sample"]
    rate_hz: float
    true_label: str = ""
    predicted_label: str = ""
    probability: float | None = None
    speaker: str = ""
    start: float = 0.0
    whole: float | None = None
    remark: str = ""

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / self.rate_hz


@dataclass(frozen=True, eq=False)
class SoundLook:
    """One recording as a spectrogram, with what the program does drawn over and under it.

    Args:
        recording: What is heard.
        spectrogram: Level of each band, in dB: `(time, band)`.
        band_hz: Edges of the bands, rising: one more than there are bands.
        hop_seconds: From one frame to the next, in seconds; the first is about the recording's `start`.
        streams: What the program follows, the most important first.
        course: The decision over time.
        weight: How much each frame speaks for (positive) or against the prediction `(time,)`.
        windows: Stretches that the program reads: (label, first frame, frame after the last).
        true_events: For tagging: (label, onset, offset) in seconds.
        predicted_events: The same as the program has it.

    Example:
        >>> heard = Recording("a.wav", np.zeros(800, np.float32), 8000.0)
        >>> look = SoundLook(heard, np.zeros((11, 2)), np.array([0.0, 1000.0, 4000.0]), 0.01)
        >>> look.spectrogram.shape
        (11, 2)
    """

    recording: Recording
    spectrogram: Float[np.ndarray, "time band"]
    band_hz: Float[np.ndarray, " edge"]
    hop_seconds: float
    streams: tuple[Stream, ...] = ()
    course: Course | None = None
    weight: Float[np.ndarray, " time"] | None = None
    windows: tuple[Interval, ...] = ()
    true_events: tuple[Interval, ...] = ()
    predicted_events: tuple[Interval, ...] = ()

    def __post_init__(self) -> None:
        shape = np.shape(self.spectrogram)
        lengths = {
            len(one) for one in (*(stream.values for stream in self.streams), self.weight) if one is not None
        }
        if len(shape) != 2 or len(self.band_hz) != shape[1] + 1 or lengths - {shape[0]}:
            raise InputError(
                f"A spectrogram of shape {shape} with {len(self.band_hz)} edges of bands, and streams of "
                f"{', '.join(map(str, sorted(lengths))) or 'no'} frames.",
                "Shape (time, band), one edge more than bands, and streams of as many frames.",
                "Give all of one recording.",
            )


@dataclass(frozen=True, eq=False)
class Listening:
    """The recordings that a report lets one hear.

    Args:
        looks: Those that are drawn.
        more: Further mistakes, to listen to only.
        mistakes: How many mistakes there are in all.
        tested: How many recordings the test part has.
        note: What one should know of the drawings.

    Example:
        >>> Listening(mistakes=3, tested=40).mistakes
        3
    """

    looks: tuple[SoundLook, ...] = ()
    more: tuple[Recording, ...] = ()
    mistakes: int = 0
    tested: int = 0
    note: str = ""


@dataclass(frozen=True, eq=False)
class SubjectScore:
    """How well the program does on the test cases of one speaker or subject.

    Args:
        name: Who it is.
        cases: How many test cases are of them.
        score: The score on these, in the metric of the run.
        in_training: Whether others of their cases were learned from.
        matrix: How often each true class (row) was predicted as each class (column); None for a regression.

    Example:
        >>> SubjectScore("theo", 50, 0.94).in_training
        False
    """

    name: str
    cases: int
    score: float
    in_training: bool = False
    matrix: Int[np.ndarray, "true predicted"] | None = None


@dataclass(frozen=True)
class Subjects:
    """The scores of each speaker or subject of the test part, the lowest first.

    Args:
        scores: One each.
        noun: What they are called: `"speaker"`, `"subject"`.

    Example:
        >>> Subjects((SubjectScore("theo", 50, 0.94),), "speaker").noun
        'speaker'
    """

    scores: tuple[SubjectScore, ...] = field(default_factory=tuple)
    noun: str = "subject"
