"""Programs of the languages: one file gives for any number of frames what the program says."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from jax import export
from onnx_agreement import run, same, session
from strategies import BOUND, cases, padded, programs_of

from antiphon.data import load
from antiphon.graph import trace
from antiphon.graph.onnx_export import to_onnx
from antiphon.language import (
    Apply,
    Output,
    Parameters,
    Program,
    Real,
    Seq,
    architecture,
    arithmetic,
    as_column,
    check,
    data_arrays,
    evaluate,
    nas_bench_201,
    parameter_shapes,
    parameters,
    parse_term,
    path_name,
    sequence,
    walk,
    with_parameters,
)

(T, N) = export.symbolic_shape("time, batch")


def function_of(program):
    """`(frames, mask) -> scores`, or for a table `row -> scores`; frames and mask for tagging."""
    arrays, data = parameters(program.term), data_arrays(program.term, program.language, program.typing)

    def run(*x):
        given = x[0] if program.language.is_table else x
        return evaluate(program.term, program.language, {"x": given}, arrays, data)

    return run


def exported(program):
    """A model for one case, and one for a batch."""
    f, width = function_of(program), len(program.language.features)
    if program.language.is_table:
        shapes = [((width,), np.float32)]
    else:
        shapes = [((T, width), np.float32), ((T,), np.bool_)]
    one = [jax.ShapeDtypeStruct(shape, dtype) for shape, dtype in shapes]
    many = [jax.ShapeDtypeStruct((N, *shape), dtype) for shape, dtype in shapes]
    return to_onnx(trace(f, *one)), to_onnx(trace(jax.vmap(f), *many))


def agrees(program, lengths, alone=False):
    """A batch in one file agrees with the program; on request a single case in another, too."""
    models = exported(program)
    one, many = session(models[0]) if alone else None, session(models[1])
    rng = np.random.default_rng(sum(lengths))
    for time in lengths:
        values = rng.normal(size=(3, time, len(program.language.features))).astype(np.float32)
        mask = rng.random((3, time)) < 0.7
        mask[:, 0] |= ~mask.any(1)
        expected = program.scores(values, mask)
        pairs = [(run(many, values, mask), expected)]
        if one is not None:
            pairs.append((run(one, values[0], mask[0]), expected[0]))
        for found, wanted in pairs:
            if program.output.task == "tagging":
                found = [np.where(found[1][..., None], found[0], np.float32(0))]
            same(found, wanted)


FEATURES = {"speed": "cm/s", "nose": "cm", "angle": "rad"}


def filled(text, language, *, scores=2, tags=False, seed=0):
    """A program from a sketch, with random arrays."""
    type_ = Seq(Real(scores)) if tags else Real(scores)
    term = parse_term(text, language, type_)
    typing, rng, arrays = check(term, language, type_), np.random.default_rng(seed), {}
    for path, node in walk(term):
        if isinstance(node, Apply) and language[node.name].parameters:
            shapes = parameter_shapes(node, typing, path, language)
            leaf = {n: rng.normal(size=s).astype(np.float32) for n, s in shapes.items()}
            arrays[path_name(path)] = leaf | ({"scale": np.abs(leaf["scale"]) + 1} if "scale" in leaf else {})
    output = (
        Output("tagging", ("a", "b", "c")[: scores or 2])
        if tags
        else Output("regression", targets=tuple(f"y{i}" for i in range(scores)))
    )
    return Program(with_parameters(term, arrays), language, output)


OVER_TIME = sequence.bind(FEATURES, groups={"where": ("nose", "angle")}, rate_hz=30)
STREAMS = [
    "window_mean[width=5, look=trailing](x)",
    "window_max[width=4, look=centred](delta(x))",
    "window_min[width=7, look=leading](x)",
    "window_difference[width=6, look=centred](x)",
    "prefix_mean(x)",
    "prefix_max(prefix_difference(x))",
    "prefix_min(part[part=2, of=3](x))",
    "prefix_fold_tanh[hidden=3](x)",
    "prefix_fold_gated[hidden=3](x)",
    "map(v -> step(v) * tanh(v + v), x)",
    "delta(delta(x)) * x",
]
SUMMARIES = ["mean", "deviation", "max", "min", "first", "last", "middle", "at[frame=1]", "at[frame=-2]"]


def test_summaries_of_sequences():
    text = " + ".join(f"affine({name}(x))" for name in SUMMARIES)
    agrees(filled(text, OVER_TIME), (1, 2, 17), alone=True)


@pytest.mark.parametrize("stream", STREAMS)
def test_streams_read_at_their_end_and_at_each_frame(stream):
    agrees(filled(f"map(s -> affine(s), {stream})", OVER_TIME, scores=3, tags=True), (1, 33))


def test_a_choice_and_folds():
    agrees(
        filled(
            "if affine(mean(x)) > 0 then affine(fold_tanh[hidden=3](x)) else affine(fold_gated[hidden=2](x))",
            OVER_TIME,
        ),
        (1, 21),
        alone=True,
    )


NETWORK = architecture.bind(FEATURES)
GRU = "gate(mix(v, h), h, tanh(linear(v) + sigmoid(mix(v, h)) * linear(h)))"
NETWORKS = [
    f"linear(last(fold[hidden=5](h -> v -> {GRU}, standard(delta(x)))))",
    "linear(mean(fold[hidden=5](h -> v -> h + relu(linear(v)), standard(x))))",
    "linear(mean(graph[gather=sum, reach=1](u -> relu(linear(u)), u -> a -> u + relu(mix(u, a)), x)))",
    "linear(mean(graph[gather=max, reach=2](u -> u, u -> a -> relu(mix(u, a)), embed[width=4](x))))",
    "linear(mean(graph[gather=mean, reach=1](u -> u, u -> a -> gate(mix(u, a), u, tanh(linear(a))), x)))",
]
CELL = (
    "linear(mean(cell(a -> conv[width=1](a), a -> b -> none(a) + pool(b),"
    " a -> b -> c -> skip(a) + conv[width=3](b) + pool(c), embed[width=4](standard(x)))))"
)


@pytest.mark.parametrize("text", NETWORKS, ids=range(len(NETWORKS)))
def test_programs_that_are_networks(text):
    agrees(filled(text, NETWORK), (1, 20))


def test_a_cell_of_convolutions():
    agrees(filled(CELL, nas_bench_201.bind(FEATURES)), (1, 3, 20))


TABLE = arithmetic.bind({"a": "cm", "b": "", "x": "s"}, is_table=True)
UNARY = ("neg", "square", "sqrt", "exp", "log", "sin", "cos", "tan", "tanh", "abs")
BINARY = ("add", "sub", "mul", "div", "power")


def on_rows(term, rows):
    program = Program(term, TABLE, Output("regression", targets=("y",)))
    _, many = exported(program)
    same(run(session(many), rows), program.scores(rows[:, None], np.ones((len(rows), 1), bool)))


def test_every_word_of_formulas():
    a, x = as_column("a"), as_column("x")
    words = [Apply(w, (a,)) for w in UNARY] + [Apply(w, (a, x)) for w in BINARY]
    term = Apply("constant", (), (), Parameters(value=np.float32([0.25])))
    for word in words:
        term = Apply("add", (term, Apply("mul", (Apply("number", (), (("value", 2),)), word))))
    on_rows(term, np.random.default_rng(0).uniform(0.2, 1.4, (20, 3)).astype(np.float32))
    odd = np.float32([[0, 1, 0], [-1, 1, 0.5], [np.inf, 0, 1]])
    for word in words:  # one by one, so that NaN of one hides no other
        if word.name not in ("sin", "cos", "tan"):  # of infinity
            on_rows(word, odd)


def test_a_program_over_the_vowels():
    """Nine scores of the last frames and the means of twelve features, on all test cases."""
    train, test = load("japanese-vowels")
    language = sequence.bind(dict.fromkeys(train.X.features.names, ""))
    text = "affine(last(window_mean[width=5, look=trailing](x))) + affine(mean(delta(x)))"
    program = filled(text, language, scores=9)
    ready = session(exported(program)[1])
    values, mask = test.X.pad()
    same(run(ready, values, mask), program.scores(values, mask))


def check_drawn(term, frames):
    f = function_of(Program(term, BOUND, Output("regression", targets=("y0", "y1"))))
    values, mask = padded(frames)
    shapes = jax.ShapeDtypeStruct((T, 3), np.float32), jax.ShapeDtypeStruct((T,), np.bool_)
    ready = session(to_onnx(trace(f, *shapes)))
    expected = np.asarray(jax.jit(f)(values, mask))
    # How far the answer moves when its input moves by rounding: thresholds and differences of large numbers
    # say nothing about the export.
    rng = np.random.default_rng(0)
    noise = rng.uniform(-1, 1, (6, *values.shape)).astype(np.float32)
    near = np.asarray(jax.jit(jax.vmap(f, (0, None)))(values * (1 + np.float32(3e-7) * noise), mask))
    spread = np.abs(near - expected).max(0)
    (found,) = run(ready, values, mask)
    scale = np.maximum(1, np.abs(expected))
    assert (np.abs(found - expected) <= 1e-5 * scale + 4 * spread).all()


@settings(deadline=None, max_examples=3)
@given(programs_of(2), cases)
def test_programs_that_hypothesis_makes(term, frames):
    check_drawn(term, frames)


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(programs_of(2), cases)
def test_many_programs_that_hypothesis_makes(term, frames):
    check_drawn(term, frames)
