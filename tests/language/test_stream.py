"""Programs frame by frame: after each, the answer of the program on the frames so far."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import reference
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import BOUND, cases, programs_of, streams

from antiphon.errors import ExportError, InputError
from antiphon.language import (
    Apply,
    Lam,
    Output,
    Program,
    check,
    children,
    define,
    free_variables,
    parse_term,
    parse_type,
    sequence,
    to_stream,
    with_children,
)

HEALTHY = [HealthCheck.too_slow, HealthCheck.filter_too_much]  # on a busy machine too
GROUPS = {"where": np.array([0, 1, 1]), "nose": np.array([0, 1, 0])}
SUMMARIES = {"mean", "deviation", "max", "min", "middle", "last", "at", "fold_tanh", "fold_gated"}


def causal(term, inside=False):
    """The nearest term that looks at the past only, and in functions at `first` only."""
    if isinstance(term, Lam):
        return Lam(term.name, causal(term.body, True))
    if not isinstance(term, Apply):
        return term
    below = with_children(term, tuple(causal(c, inside) for c in children(term)))
    if below.name == "part":
        return below.args[0]
    if below.name == "middle":
        below = Apply("last", below.args)
    if inside and below.name in SUMMARIES:
        assume(not below.name.startswith("fold"))
        below = Apply("first", below.args)
    if inside and below.name == "first":
        assume(set(free_variables(below)) <= {"x"})
    config = dict(below.config)
    if "look" in config:
        config["look"] = "trailing"
    return Apply(below.name, below.args, tuple(config.items()), below.parameters)


def program_of(term, seq=False):
    type_ = check(term, BOUND)[()]
    size = (type_.element if seq else type_).size
    if seq:
        return Program(term, BOUND, Output("tagging", ("a", "b") if size == 1 else tuple(range(size))))
    return Program(term, BOUND, Output("regression", targets=tuple(f"y{k}" for k in range(size))))


def run(stream, frames):
    state, found = stream.initial, []
    shapes = jax.tree.map(lambda a: (a.shape, a.dtype), state)
    for frame in frames:
        state, scores = stream.step(state, jnp.asarray(frame))
        assert jax.tree.map(lambda a: (a.shape, a.dtype), state) == shapes
        found.append(np.asarray(scores))
    return np.array(found)


def near(found, wanted, tolerance=1e-4):
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * max(1, np.abs(wanted).max()))


def reference_of(term, frames, nudge=0.0):
    """The value of the term on each prefix."""
    values = [reference.value(term, frames[: t + 1] + np.float64(nudge), GROUPS) for t in range(len(frames))]
    return np.array([v[0][-1] if isinstance(v, tuple) else v for v in values])


def sure_reference_of(term, frames):
    """The same, but of nothing that stands on the edge of a threshold, or is huge."""
    wanted = reference_of(term, frames)
    for nudge in (-1e-3, 1e-3):
        change = np.abs(reference_of(term, frames, nudge) - wanted).max()
        assume(change < 0.1 * max(1, np.abs(wanted).max()))
    assume(np.abs(wanted).max() < 1e6)
    return wanted


@settings(deadline=None, max_examples=20, suppress_health_check=HEALTHY)
@given(st.integers(1, 3).flatmap(programs_of), cases)
@np.errstate(over="ignore")  # in the reference
def test_each_step_is_the_program_on_the_frames_so_far(term, frames):
    term = causal(term)
    near(run(to_stream(program_of(term)), frames), sure_reference_of(term, frames))


@settings(deadline=None, max_examples=15, suppress_health_check=HEALTHY)
@given(streams(2), cases)
@np.errstate(over="ignore")  # in the reference
def test_a_tagger_tags_each_frame_as_it_comes(drawn, frames):
    term = causal(drawn[0])
    assume(check(term, BOUND)[()].element.size != 2)
    wanted = sure_reference_of(term, frames)
    whole = reference.value(term, frames, GROUPS)[0]
    found = run(to_stream(program_of(term, seq=True)), frames)
    near(found, wanted)
    near(found, whole)  # What comes later changes nothing.


WORDS = [
    "mean(x)",
    "deviation(x)",
    "max(x) + min(x)",
    "first(delta(x)) + last(x)",
    "at[frame=3](x) + at[frame=-3](x) + at[frame=0](x) + at[frame=-1](x)",
    "mean(window_mean[width=3, look=trailing](x))",
    "last(window_max[width=4, look=trailing](x)) + last(window_min[width=1, look=leading](x))",
    "max(window_difference[width=3, look=trailing](x)) + last(window_mean[width=2, look=centred](x))",
    "last(prefix_mean(x)) + mean(prefix_max(x)) + max(prefix_min(x)) + min(prefix_difference(x))",
    "mean(part[part=1, of=1](x))",
    "mean(map(v -> mul(v, first(x)), x)) + tanh(step(mean(x)))",
    "fold_tanh[hidden=3, bias=[0.1, 0, -0.5], kernel=[[1, 0.5, 0], [0, 1, 1], [2, 0, 0]], "
    "recurrent=[[0.5, 0, 1], [0, -1, 0], [0, 0, 0.25]]](x)",
    "max(prefix_fold_gated[hidden=3, bias=[0.1, 0, -0.5], gate_bias=[1, 0, -1], gate_kernel=[[1, 0.5, 0], "
    "[0, 1, 1], [2, 0, 0]], kernel=[[1, 0.5, 0], [0, 1, 1], [2, 0, 0]]](x))",
]


@pytest.mark.parametrize("text", WORDS)
def test_words(text):
    term = parse_term(text, BOUND)
    frames = np.random.default_rng(0).normal(1, 2, (9, 3)).astype(np.float32)
    near(run(to_stream(program_of(term)), frames), reference_of(term, frames), 1e-5)


def test_a_network_as_a_program():
    program = Program.parse("""language architecture
input x: Seq[Real[2]] of speed, angle
output numbers y
program
  linear[bias=[0.5], weight=[[1, -1]]](last(fold[hidden=2](h -> v -> gate(v, tanh(
    mix[bias=[0, 0.25], kernel=[[1, 0.5], [2, -1]], recurrent=[[0, 1], [1, 0]]](v, h)), relu(h)),
    skip(standard[scale=[2, 1], shift=[1, 0]](x)))))
""")
    frames = np.random.default_rng(0).normal(0, 1, (7, 2)).astype(np.float32)
    wanted = [program.scores(frames[None, : t + 1], np.ones((1, t + 1), bool))[0] for t in range(7)]
    near(run(to_stream(program), frames), np.array(wanted), 1e-5)


def test_means_keep_their_worth_over_many_frames():
    program = program_of(parse_term("mean(x) + deviation(x)", BOUND))
    frames = np.random.default_rng(0).normal(1000, 1, (20_000, 3)).astype(np.float32)
    step = to_stream(program).step
    last, _ = jax.lax.scan(step, to_stream(program).initial, jnp.asarray(frames))
    _, scores = step(last, jnp.asarray(frames[0]))
    wanted = frames.astype(np.float64).mean(0) + frames.astype(np.float64).std(0)
    np.testing.assert_allclose(scores, wanted, rtol=1e-5)


def test_a_word_of_ones_own_is_what_it_stands_for():
    bound = sequence.bind({"speed": "cm/s"})
    body = parse_term("mean(delta(x))", bound)
    define(bound, "trend", {"x": bound.input_type}, body, parse_type("Real[1]"))
    program = Program(parse_term("trend(x)", bound), bound, Output("regression", targets=("y",)))
    near(run(to_stream(program), np.float32([[1], [4], [4]])), np.float32([[0], [1.5], [1]]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("last(window_mean[width=3, look=centred](x))", r"width=3, look=centred\]' looks 1 frames ahead"),
        ("mean(window_max[width=3, look=leading](x))", "use look=trailing"),
        ("mean(part[part=1, of=2](x))", r"'part\[part=1, of=2\]' moves as the sequence grows"),
        ("middle(x)", "use last, first"),
        ("mean(map(v -> mul(v, mean(x)), x))", "'mean' stands in a function of each frame, where"),
        ("mean(map(v -> first(map(w -> mul(w, v), x)), x))", "'first' .* speaks of its variable"),
    ],
)
def test_what_sees_the_future_is_refused(text, message):
    with pytest.raises(ExportError, match=message):
        to_stream(program_of(parse_term(text, BOUND)))


def test_an_unknown_word_of_sequences_is_refused():
    own = sequence.bind({"speed": "cm/s"})

    @own.primitive("Seq[Real[n]] -> Real[n]", name="late")
    def late(frames, mask):
        """The frame before the last."""
        return frames[-2]

    program = Program(parse_term("late(x)", own), own, Output("regression", targets=("y",)))
    with pytest.raises(ExportError, match="The word 'late' has no step of its own"):
        to_stream(program)


def test_an_own_word_of_a_known_name_is_not_taken_for_it():
    from antiphon.language import Language

    own = Language("one-more", features={"speed": "cm/s"})

    @own.primitive("Seq[Real[n]] -> Real[n]", name="mean")
    def mean(frames, mask):
        """No mean."""
        return frames[0]

    program = Program(parse_term("mean(x)", own), own, Output("regression", targets=("y",)))
    with pytest.raises(ExportError, match="The word 'mean' has no step"):
        to_stream(program)


def test_tables_and_wrong_frames():
    table = Program.parse("language sequence\ninput x: Real[1] of speed\noutput numbers y\nprogram\n  x")
    with pytest.raises(ExportError, match="A program on tables"):
        to_stream(table)
    stream = to_stream(program_of(parse_term("mean(x)", BOUND)))
    with pytest.raises(InputError, match="speed, nose, angle"):
        stream.step(stream.initial, jnp.ones((2, 3)))


def test_means_and_deviations_keep_their_worth_over_an_hour():
    """360,000 frames, whose sum would lose what a frame adds to it."""
    rising = np.linspace(0.5, 1.5, 360_000)[:, None]
    frames = (np.random.default_rng(0).normal(1500, 400, rising.shape) * rising).astype(np.float32)
    program = Program.parse(
        "language sequence\ninput x: Seq[Real[1]] of pitch\noutput numbers a, b\nprogram\n"
        "  affine[pitch; 0](mean(x)) + affine[0; pitch](deviation(x))\n"
    )
    stream = to_stream(program)
    go = jax.jit(lambda state, frames: jax.lax.scan(stream.step, state, frames))
    _, scores = go(stream.initial, frames)
    wide = frames.astype(np.float64)
    np.testing.assert_allclose(scores[-1], [wide.mean(), wide.std()], rtol=1e-6)
