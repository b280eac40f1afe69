"""The language `sound`: each word against NumPy, through masks, text, words and streams."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from antiphon.audio import SoundFeatures, power_spectrum
from antiphon.data import synthetic_sounds
from antiphon.errors import ExportError, LanguageError
from antiphon.estimators import ProgramClassifier
from antiphon.language import (
    Apply,
    Lam,
    Output,
    Program,
    Real,
    canonical,
    check,
    children,
    data_arrays,
    evaluate,
    parameters,
    parse_term,
    print_term,
    sequence,
    sound,
    to_stream,
    to_words,
    walk,
)
from antiphon.search import Settings

FEATURES = {
    "band_0_500": "dB", "band_500_1000": "dB", "band_1000_2000": "dB", "band_2000_4000": "dB",
    "centroid": "Hz",
}  # fmt: skip
BOUND = sound.bind(FEATURES, rate_hz=50)
EDGES = [(0, 500), (500, 1000), (1000, 2000), (2000, 4000)]
TIME = 16


@cache
def compiled(text, language):
    term = parse_term(text, language)
    data = data_arrays(term, language, check(term, language))

    def run(frames, mask, temperature):
        return evaluate(term, language, {"x": (frames, mask)}, parameters(term), data, temperature)

    return jax.jit(run)


def value(text, frames, mask=None, language=BOUND, temperature=0.0):
    """What a term gives, padded to one length so that it is compiled once."""
    mask = np.ones(len(frames), bool) if mask is None else mask
    padded = np.full((TIME, frames.shape[1]), np.nan, np.float32)
    padded[: len(frames)] = frames
    there = np.pad(mask, (0, TIME - len(mask)))
    found = compiled(text, language)(padded, there, jnp.float32(temperature))
    return np.asarray(found[0])[there] if isinstance(found, tuple) else np.asarray(found)


def decibels(levels):
    return 10 * np.log10((10 ** (levels / 10)).sum(1, keepdims=True))


def lagged(frames, places, lag):
    centred = frames - frames.mean(0)
    where = {place: i for i, place in enumerate(places)}
    pairs = [(i, where[place + lag]) for place, i in where.items() if place + lag in where]
    total = sum((centred[a] * centred[b] for a, b in pairs), np.zeros(frames.shape[1]))
    return total / np.where((centred**2).sum(0) > 0, (centred**2).sum(0), 1)


def extreme_of_last(frames, places, width, pick):
    return np.array([pick(frames[(places > p - width) & (places <= p)], 0) for p in places])


# Each word on the frames that are there, `f (count, 5)`, and where these are, `p (count,)`.
REFERENCE = {
    "range(x)": lambda f, p: f.max(0) - f.min(0),
    "slope[per=s](x)": lambda f, p: np.polyfit(p / 50, f, 1)[0] if len(p) > 1 else np.zeros(5),
    "slope[per=frames](x)": lambda f, p: np.polyfit(p, f, 1)[0] if len(p) > 1 else np.zeros(5),
    "when_max[unit=s](x)": lambda f, p: (p[f.argmax(0)] - p[0]) / 50,
    "when_min[unit=frames](x)": lambda f, p: p[f.argmin(0)] - p[0],
    "duration[unit=s](x)": lambda f, p: np.array([len(f) / 50]),
    "duration[unit=frames](x)": lambda f, p: np.array([len(f)]),
    "count(x)": lambda f, p: ((f > 0) & ~np.vstack([np.zeros((1, 5), bool), f[:-1] > 0])).sum(0),
    "periodicity[width=3](x)": lambda f, p: lagged(f, p, 3),
    "relative(x)": lambda f, p: f - f.mean(0),
    "onset[width=4](x)": lambda f, p: f - extreme_of_last(f, p, 4, np.min),
    "offset[width=4](x)": lambda f, p: extreme_of_last(f, p, 4, np.max) - f,
    "band[low=500, high=2000](x)": lambda f, p: decibels(f[:, 1:3]),
    "ratio[cut=1000](x)": lambda f, p: decibels(f[:, 2:4]) - decibels(f[:, :2]),
    "mean(part[part=4, of=4](x))": lambda f, p: f[min(3 * len(f) // 4, len(f) - 1) :].mean(0),
}


@st.composite
def masked(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    there = np.sort(rng.permutation(TIME)[: draw(st.integers(1, TIME))])
    return rng.normal(0, 3, (TIME, 5)).astype(np.float32), np.isin(np.arange(TIME), there)


@pytest.mark.parametrize("text", REFERENCE)
@settings(max_examples=20, deadline=None)
@given(masked())
def test_each_word_is_what_numpy_says_and_sees_no_masked_frame(text, drawn):
    frames, mask = drawn
    wanted = REFERENCE[text](frames[mask].astype(np.float64), np.flatnonzero(mask))
    holed = np.where(mask[:, None], frames, np.nan)
    assert_allclose(value(text, holed, mask), wanted, rtol=2e-4, atol=2e-4)


def test_every_word_of_the_language_is_compared():
    own = set(sound.primitives) - set(sequence.primitives)
    said = {n.name for text in REFERENCE for _, n in walk(parse_term(text, BOUND)) if isinstance(n, Apply)}
    assert own <= said


@pytest.mark.parametrize("text", REFERENCE)
def test_slopes_are_finite_and_masked_frames_have_none(text):
    frames = np.random.default_rng(0).normal(size=(TIME, 5)).astype(np.float32)
    mask = np.arange(TIME) < 11
    frames[11:] = np.nan
    term = parse_term(text, BOUND)
    data = data_arrays(term, BOUND, check(term, BOUND))

    def total(frames):
        found = evaluate(term, BOUND, {"x": (frames, jnp.asarray(mask))}, {}, data, 0.5)
        return jnp.where(mask[:, None], found[0], 0.0).sum() if isinstance(found, tuple) else found.sum()

    slope = jax.jit(jax.grad(total))(jnp.asarray(frames))
    assert np.isfinite(slope).all()
    assert not np.asarray(slope)[11:].any()


def test_a_constant_clip_and_a_clip_of_one_frame_have_numbers():
    for frames in (np.full((6, 5), 7.0), np.full((1, 5), -3.0)):
        for text in REFERENCE:
            assert np.isfinite(value(text, frames)).all(), text


def test_a_count_is_of_events_and_a_constant_of_the_training():
    frames = np.array([[-4.0], [5], [5], [-6], [4], [-5], [-5], [6]])
    one = sound.bind({"level": "dB"}, rate_hz=50)
    assert value("count(x)", frames, language=one) == 3
    assert value("count(x)", frames, language=one, temperature=1.0) == 3
    assert not any(sound[name].soft for name in set(sound.primitives) - set(sequence.primitives))


# --- text, words, mathematics -----------------------------------------------------------------------------

summaries = st.sampled_from(
    [text for text in REFERENCE if BOUND[text.split("[")[0].split("(")[0]].signature.result == Real("n")]
)


@st.composite
def programs(draw):
    """Texts of sums and choices of maps of words, with numbers."""

    def mapped():
        inner = draw(summaries)
        number = draw(st.floats(-100, 100, width=32))
        return f"affine[{number!r}*centroid - 0.5*(band_0_500 + 3); 1](" + inner + ")"

    stream = draw(st.sampled_from(["relative(x)", "onset[width=0.1 s](x)", "part[part=2, of=4](x)"]))
    return (
        f"if affine[1*v0 - {draw(st.integers(1, 9))}](max(ratio[cut=1000](x)))"
        f" > 0 then {mapped()} + {mapped()} else affine[1; centroid](mean({stream}))"
        f" + affine[1*v0; 2](duration[unit=s](x))"
    )


@settings(max_examples=40, deadline=None)
@given(programs())
def test_what_is_printed_is_read_as_the_same(text):
    term = parse_term(text, BOUND, Real(2))
    program = Program(term, BOUND, Output("regression", targets=("a", "b")))
    assert Program.parse(str(program)) == program
    assert parse_term(print_term(term, BOUND), BOUND, Real(2)) == term
    assert "None" not in to_words(program)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "affine[centroid - 1830](mean(part[part=1, of=3](x)))",
            "mean of centroid in the first third > 1830 Hz",
        ),
        (
            "affine[centroid - 3](deviation(part[part=2, of=3](x)))",
            "deviation of centroid in the middle third > 3 Hz",
        ),
        ("affine[centroid - 3](last(part[part=4, of=4](x)))", "last centroid in the last quarter > 3 Hz"),
        ("affine[centroid - 3](max(part[part=3, of=7](x)))", "maximum of centroid in part 3 of 7 > 3 Hz"),
        ("affine[1*v0 - 0.4](duration[unit=s](x))", "duration in s > 0.4"),
        (
            "affine[1*v0 + 6](max(ratio[cut=1000](x)))",
            "maximum of level above 1000 Hz minus level below > -6",
        ),
        ("affine[1*v0 + 6](mean(band[low=0, high=1000](x)))", "mean of level from 0 to 1000 Hz > -6"),
        (
            "affine[centroid - 2](count(relative(x)))",
            "how often centroid relative to its mean rises above 0 > 2",
        ),
        (
            "affine[centroid - 90](max(onset[width=0.1 s](x)))",
            "maximum of onset of centroid within 0.1 s > 90 Hz",
        ),
        (
            "affine[centroid - 0.5](periodicity[width=0.2 s](x))",
            "how far centroid repeats after 0.2 s > 0.5",
        ),
        ("affine[centroid + 2](slope[per=s](x))", "rise of centroid per s > -2"),
        ("affine[centroid - 0.2](when_max[unit=s](x))", "time of the maximum of centroid in s > 0.2"),
    ],
)
def test_conditions_read_as_sentences(text, said):
    program = Program(parse_term(text, BOUND, Real(1)), BOUND, Output("classification", ("no", "yes")))
    assert to_words(program) == f"yes  if  {said}\nno  otherwise"


# --- errors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "language", "says"),
    [
        ("duration[unit=hours](x)", BOUND, "The unit 'hours'"),
        ("duration[unit=s](x)", sound.bind({"level": "dB"}), "these frames have no rate"),
        ("mean(ratio[cut=1000](x))", sound.bind({"level": "dB"}, rate_hz=50), "without bands"),
        ("mean(ratio[cut=1000](x))", sound.bind({"band_0_1000": "", "band_1_x": "dB"}), "without bands"),
        ("mean(ratio[cut=700](x))", BOUND, "No band begins at 700 Hz"),
        ("mean(band[low=0, high=700](x))", BOUND, "No band ends at 700 Hz"),
    ],
)
def test_what_has_no_meaning_for_these_features_says_so(text, language, says):
    term = parse_term(text, language)
    with pytest.raises(LanguageError, match=says):
        data_arrays(term, language, check(term, language))


# --- one frame at a time ----------------------------------------------------------------------------------

STREAMED = [text for text in REFERENCE if not text.startswith(("relative", "mean(part"))]


@pytest.mark.parametrize("text", STREAMED)
def test_a_stream_says_what_the_program_says_of_the_frames_so_far(text):
    type_ = BOUND[text.split("[")[0].split("(")[0]].signature.result
    text = text if isinstance(type_, Real) else f"last({text})"
    term = parse_term(text, BOUND)
    size = check(term, BOUND)[()].size
    program = Program(term, BOUND, Output("regression", targets=tuple(f"y{i}" for i in range(size))))
    stream = to_stream(program)
    frames = np.random.default_rng(3).normal(-40, 3, (12, 5)).astype(np.float32)
    state = stream.initial
    for t, frame in enumerate(frames):
        state, found = stream.step(state, jnp.asarray(frame))
        assert_allclose(found, value(text, frames[: t + 1]), rtol=1e-4, atol=2e-3)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("mean(relative(x))", "needs the mean of the whole clip"),
        ("mean(part[part=1, of=3](x))", "a stream has no thirds before its end"),
    ],
)
def test_what_needs_the_whole_clip_does_not_stream(text, advice):
    program = Program(parse_term(text, BOUND), BOUND, Output("regression", targets=tuple("abcde")))
    with pytest.raises(ExportError, match=advice):
        to_stream(program)


# --- what a search may say --------------------------------------------------------------------------------


def texts(language, role):
    from antiphon.search._grammar import parse_template

    size = Real(2) if role == "output" else Real(1) if role == "condition" else language.frame_type
    return [r.template for r in language.rules if r.role == role and parse_template(r, language, size)]


def test_rules_that_need_bands_or_a_rate_stand_where_these_are():
    plain = sound.bind({"mfcc_0": "dB", "mfcc_1": "dB"}, rate_hz=100)
    assert not [t for t in texts(plain, "output") if "ratio[" in t]
    assert [t for t in texts(BOUND, "output") if "ratio[" in t]
    assert [t for t in texts(plain, "output") if "duration" in t]
    assert not [t for t in texts(sound.bind({"level": "dB", "pitch": "Hz"}), "output") if "duration" in t]
    for role in ("output", "condition", "summary"):
        own = [r.template for r in sound.rules if r.role == role and "map(" not in r.template]
        assert set(texts(BOUND, role)) >= set(own)


@pytest.mark.parametrize(
    ("text", "simpler"),
    [
        ("affine(deviation(relative(x)))", "affine(deviation(x))"),
        ("affine(last(part[part=3, of=3](x)))", "affine(last(x))"),
        ("affine(max(relative(relative(x))))", "affine(max(relative(x)))"),
        ("affine(slope[per=s](x)) + affine(slope[per=s](relative(x)))", "affine(slope[per=s](x))"),
    ],
)
def test_equal_terms_are_one(text, simpler):
    found = canonical(parse_term(text, BOUND, Real(1)), BOUND)
    assert print_term(found, BOUND, {}) == simpler


@settings(max_examples=15, deadline=None)
@given(masked(), st.sampled_from([e for e in sound.equations if e not in sequence.equations]))
def test_equations_hold(drawn, equation):
    frames, mask = drawn

    def filled(term):
        match term:
            case Apply(name=name, args=args, config=config):
                given = {k: v for k, v in sound[name].config.items() if v}
                settings = tuple((k, dict(config).get(k, values[0])) for k, values in given.items())
                return Apply(name, tuple(filled(a) for a in args), settings)
            case Lam():
                raise AssertionError
        return parse_term("x", BOUND)

    assert children(equation.left)
    left, right = (value(print_term(filled(t), BOUND), frames, mask) for t in (equation.left, equation.right))
    assert_allclose(left, right, rtol=1e-3, atol=1e-3)


# --- with features of sound -------------------------------------------------------------------------------


def test_bands_are_octaves_that_add_up_to_the_spectrum():
    listen = SoundFeatures(8000, ("bands",))
    wave = jnp.asarray(np.random.default_rng(0).normal(size=4000), jnp.float32)
    assert listen.names == (
        "band_0_250", "band_250_500", "band_500_1000", "band_1000_2000", "band_2000_4000",
    )  # fmt: skip
    assert set(listen.units) == {"dB"}
    size = {"n_fft": listen.frame_length, "hop_length": listen.hop_length}
    levels, power = jax.jit(lambda w: (listen(w)[0], power_spectrum(w, **size)))(wave)
    assert_allclose((10 ** (np.asarray(levels) / 10)).sum(1), np.asarray(power).sum(1), rtol=1e-4)
    tone = 0.5 * jnp.sin(2 * jnp.pi * 700 * jnp.arange(4000.0) / 8000)
    assert (np.asarray(jax.jit(listen)(tone)[0])[5:-5].argmax(1) == 2).all()


@pytest.mark.slow
def test_a_program_of_sound_is_learned_and_reads_bands():
    sounds = synthetic_sounds(["tone", "noise"], each=6, rooms=2, seed=1)
    model = ProgramClassifier(
        "sound", candidates=12, random_state=0, options=Settings(steps=40, finalists=1)
    ).fit(sounds.frames("bands"), sounds.labels)
    assert model.score(sounds, sounds.labels) == 1.0
    assert Program.parse(str(model.program_)) == model.program_
    assert str(model.program_).startswith("language sound")
