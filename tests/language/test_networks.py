"""Networks as terms: every operation against JAX or Equinox, padding that changes nothing, forms, types."""

from __future__ import annotations

import re
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from antiphon.errors import LanguageError
from antiphon.language import (
    LANGUAGES,
    Apply,
    Output,
    Parameters,
    Program,
    Real,
    Seq,
    architecture,
    check,
    evaluate,
    parameter_shapes,
    parameters,
    parse_term,
    path_name,
    print_term,
    show,
    walk,
    with_parameters,
)

BOUND = architecture.bind({"speed": "cm/s", "nose": "cm", "angle": "rad"})
N, HIDDEN, TIME = 3, 8, 7
PAGE = Path(__file__).parents[2] / "docs" / "architecture_search.md"
CELLS = {
    "elman": "tanh(mix(v, h))",
    "minimal": "gate(mix(v, h), h, tanh(mix(v, h)))",
    "cho": "gate(mix(v, h), h, tanh(mix(v, sigmoid(mix(v, h)) * h)))",
    "gru": "gate(mix(v, h), h, tanh(linear(v) + sigmoid(mix(v, h)) * linear(h)))",
    "residual": "h + relu(linear(v))",
}
FOLDS = [f"linear(last(fold[hidden=8](h -> v -> {body}, standard(delta(x)))))" for body in CELLS.values()]
GRAPHS = [
    f"linear(mean(graph[gather={kind}, reach={reach}]("
    "u -> relu(linear(u)), u -> a -> u + relu(mix(u, a)), x)))"
    for kind, reach in (("sum", 1), ("mean", 2), ("max", 1))
]
CONVOLUTIONS = [
    "linear(mean(cell(a -> conv[width=1](a), a -> b -> none(a) + pool(b),"
    " a -> b -> c -> skip(a) + conv[width=3](b) + pool(c), embed[width=4](standard(x)))))"
]


def filled(text, type_=None, seed=0):
    """A sketch with random arrays."""
    term = parse_term(text, BOUND, type_)
    typing = check(term, BOUND, type_)
    rng = np.random.default_rng(seed)
    arrays = {}
    for path, node in walk(term):
        if isinstance(node, Apply) and BOUND[node.name].parameters:
            shapes = parameter_shapes(node, typing, path, BOUND)
            leaf = {n: rng.normal(size=s).astype(np.float32) for n, s in shapes.items()}
            if "scale" in leaf:
                leaf["scale"] = np.abs(leaf["scale"]) + 1
            arrays[path_name(path)] = leaf
    return with_parameters(term, arrays)


def run(term, frames, mask=None, scope=None):
    mask = np.ones(len(frames), bool) if mask is None else mask
    inputs = {"x": (jnp.asarray(frames), jnp.asarray(mask)), **(scope or {})}
    return evaluate(term, BOUND, inputs, parameters(term), {})


def leaves(term, name):
    """The arrays of all leaves of a name, in the order of the text."""
    return [n.parameters for _, n in walk(term) if isinstance(n, Apply) and n.name == name]


@pytest.fixture(scope="module")
def frames():
    return np.random.default_rng(1).normal(size=(TIME, N)).astype(np.float32)


def test_a_gru_is_a_point_of_the_space(frames):
    """With its weights copied, the term is Equinox's cell at every frame."""
    term = filled(f"fold[hidden=8](h -> v -> {CELLS['gru']}, x)")
    update, reset = leaves(term, "mix")
    new_in, new_state = leaves(term, "linear")
    gru = eqx.nn.GRUCell(N, HIDDEN, key=jax.random.key(0))
    gru = eqx.tree_at(
        lambda c: (c.weight_ih, c.weight_hh, c.bias, c.bias_n),
        gru,
        (
            jnp.concatenate([reset["kernel"], update["kernel"], new_in["weight"]]),
            jnp.concatenate([reset["recurrent"], update["recurrent"], new_state["weight"]]),
            jnp.concatenate([reset["bias"], update["bias"], new_in["bias"]]),
            jnp.asarray(new_state["bias"]),
        ),
    )
    state, wanted = jnp.zeros(HIDDEN), []
    for frame in frames:
        state = gru(jnp.asarray(frame), state)
        wanted.append(state)
    states, mask = run(term, frames)
    np.testing.assert_allclose(np.asarray(states), np.stack(wanted), rtol=1e-4, atol=1e-5)
    assert mask.all()


def test_an_elman_network_is_a_point_of_the_space(frames):
    from antiphon.networks import RNNCell

    term = filled(f"fold[hidden=8](h -> v -> {CELLS['elman']}, x)")
    [arrays] = leaves(term, "mix")
    cell = RNNCell(N, HIDDEN, key=jax.random.key(0))
    given = tuple(map(jnp.asarray, (arrays["kernel"], arrays["recurrent"], arrays["bias"])))
    cell = eqx.tree_at(lambda c: (c.weight_ih, c.weight_hh, c.bias), cell, given)
    state = jnp.zeros(HIDDEN)
    for frame in frames:
        state = cell(jnp.asarray(frame), state)
    np.testing.assert_allclose(np.asarray(run(term, frames)[0])[-1], np.asarray(state), rtol=1e-4, atol=1e-5)


def test_vector_operations(frames):
    v, h, g = (jnp.asarray(f) for f in frames[:3])
    scope = {"v": v, "h": h, "g": g}
    types = dict.fromkeys(scope, Real(N))
    for text, wanted in (
        ("sigmoid(v)", jax.nn.sigmoid(v)),
        ("relu(v)", jax.nn.relu(v)),
        ("gate(g, v, h)", jax.nn.sigmoid(g) * v + (1 - jax.nn.sigmoid(g)) * h),
    ):
        term = parse_term(text, BOUND, Real(N), scope=types)
        np.testing.assert_allclose(np.asarray(run(term, frames, scope=scope)), np.asarray(wanted), rtol=1e-6)
    term = filled("linear(last(x))", Real(2))
    [arrays] = leaves(term, "linear")
    layer = eqx.nn.Linear(N, 2, key=jax.random.key(0))
    given = (jnp.asarray(arrays["weight"]), jnp.asarray(arrays["bias"]))
    layer = eqx.tree_at(lambda c: (c.weight, c.bias), layer, given)
    np.testing.assert_allclose(run(term, frames), layer(jnp.asarray(frames[-1])), rtol=1e-5)


def test_operations_of_nas_bench_201(frames):
    np.testing.assert_array_equal(run(parse_term("skip(x)", BOUND), frames)[0], frames)
    np.testing.assert_array_equal(run(parse_term("none(x)", BOUND), frames)[0], 0 * frames)
    # Equinox counts padding in a mean: divide by how many frames are there.
    sums = eqx.nn.AvgPool1d(3, padding=1)
    there = sums(jnp.ones((1, TIME)))
    wanted = (sums(jnp.asarray(frames.T)) / there).T
    np.testing.assert_allclose(run(parse_term("pool(x)", BOUND), frames)[0], wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("width", [1, 3])
def test_a_convolution_is_that_of_equinox(frames, width):
    term = filled(f"conv[width={width}](x)")
    [arrays] = leaves(term, "conv")
    conv = eqx.nn.Conv1d(N, N, width, padding=width // 2, use_bias=False, key=jax.random.key(0))
    conv = eqx.tree_at(lambda c: c.weight, conv, jnp.asarray(arrays["kernel"].transpose(2, 1, 0)))
    norm = eqx.nn.LayerNorm(N)
    given = (jnp.asarray(arrays["gain"]), jnp.asarray(arrays["offset"]))
    norm = eqx.tree_at(lambda c: (c.weight, c.bias), norm, given)
    with jax.numpy_rank_promotion("allow"):
        wanted = jax.vmap(norm)(conv(jax.nn.relu(jnp.asarray(frames.T))).T)
    np.testing.assert_allclose(run(term, frames)[0], wanted, rtol=1e-3, atol=1e-4)


def test_embed_and_standard(frames):
    term = filled("embed[width=4](standard(x))")
    [stem], [by] = leaves(term, "embed"), leaves(term, "standard")
    wanted = (frames - by["shift"]) / by["scale"] @ stem["weight"].T + stem["bias"]
    np.testing.assert_allclose(run(term, frames)[0], wanted, rtol=1e-4, atol=1e-5)

    def total(shift):
        arrays = {**parameters(term), "0": {**by, "shift": shift}}
        return evaluate(term, BOUND, {"x": (jnp.asarray(frames), jnp.ones(TIME, bool))}, arrays, {})[0].sum()

    assert not np.asarray(jax.grad(total)(jnp.asarray(by["shift"]))).any(), "never trained"


@pytest.mark.parametrize("reach", [1, 2])
@pytest.mark.parametrize("kind", ["sum", "mean", "max"])
def test_messages_are_those_of_an_adjacency_matrix(frames, kind, reach):
    mask = np.array([1, 1, 0, 1, 1, 1, 0], bool)
    text = f"graph[gather={kind}, reach={reach}](u -> tanh(u), u -> a -> a, x)"
    got, _ = run(parse_term(text, BOUND), frames, mask)
    distance = np.abs(np.arange(TIME)[:, None] - np.arange(TIME)[None, :])
    edges = (distance <= reach) & (distance > 0) & mask[None, :]
    for i in np.flatnonzero(mask):
        sent = np.tanh(frames[edges[i]])
        wanted = getattr(sent, kind)(0) if len(sent) else np.zeros(N)
        np.testing.assert_allclose(np.asarray(got)[i], wanted, rtol=1e-5, atol=1e-6)
    assert not np.asarray(got)[~mask].any()


def test_a_cell_has_four_nodes(frames):
    text = "cell(a -> tanh(a), a -> b -> a + b, a -> b -> c -> a + b + c + c, x)"
    tanh = "map(v -> tanh(v), a)"
    got, _ = run(parse_term(text.replace("tanh(a)", tanh), BOUND), frames)
    b = np.tanh(frames)
    np.testing.assert_allclose(got, frames + b + 2 * (frames + b), rtol=1e-5)


@pytest.mark.parametrize("text", [FOLDS[3], FOLDS[4], GRAPHS[1], GRAPHS[2], *CONVOLUTIONS])
def test_padding_changes_nothing(text):
    term, compiled = filled(text, Real(2)), jax.jit(lambda frames, mask: run(term, frames, mask))
    for length in (1, 4):
        case = np.random.default_rng(length).normal(size=(length, N)).astype(np.float32)
        wanted = compiled(case, np.ones(length, bool))
        for rubbish in (0.0, 1e6, np.nan):
            padded = np.full((TIME + 2, N), rubbish, np.float32)
            padded[:length] = case
            got = compiled(padded, np.arange(TIME + 2) < length)
            np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("text", [*FOLDS, *GRAPHS, *CONVOLUTIONS])
def test_networks_print_and_parse(text):
    sketch = parse_term(text, BOUND, Real(2))
    assert parse_term(print_term(sketch, BOUND, {}), BOUND, Real(2)) == sketch
    program = Program(filled(text, Real(3)), BOUND, Output("classification", ("a", "b", "c")))
    assert Program.parse(str(program)) == program
    for form in ("words", "math", "latex", "dot"):
        shown = show(program, form)
        assert "a function" not in shown
        assert max(map(len, shown.splitlines())) < 200


def test_words_say_what_a_cell_computes():
    program = Program(filled(FOLDS[1], Real(3)), BOUND, Output("classification", ("a", "b", "c")))
    said = show(program, "words").splitlines()
    assert said[0] == "the class with the largest of the 3 scores W1 l1 + b1"
    assert "h ← g1·h + (1 - g1)·tanh(K4 v + R4 h + b4)" in " ".join(" ".join(said).split())
    numbers = sum(a.size for leaf in parameters(program.term).values() for a in leaf.values())
    assert said[-1].endswith(f": {numbers} numbers")
    two = Program(filled(GRAPHS[2], Real(1)), BOUND, Output("classification", ("a", "b"), threshold=0.25))
    assert show(two, "words").startswith("b if sigmoid(W1 l1 + b1) > 0.25, otherwise a")
    tags = Program(
        filled("map(s -> linear(s), fold[hidden=8](h -> v -> tanh(mix(v, h)), x))", Seq(Real(1))),
        BOUND,
        Output("tagging", ("a", "b")),
    )
    assert "for each frame s of l1" in show(tags, "words")
    one = np.ones(1, np.float32)
    scaled = Parameters(weight=one[None], bias=one, centre=0 * one)
    whole = Apply("affine", (filled(CONVOLUTIONS[0], Real(1)),), (("group", "all"),), scaled)
    number = Program(whole, BOUND, Output("regression", targets=("y",)))
    assert show(number, "words").startswith("y = W1 (l1 - c1) + b1")


def test_the_page_is_true(capsys):
    for block in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.M | re.S):
        exec(block, {})
    assert "h ← tanh(K2 v + R2 h + b2), from h = 0" in capsys.readouterr().out
    own = LANGUAGES["cells_of_mine"]
    assert (own.size_limit, own.rules[-1].variables) == (30, (("h", "hole"), ("v", "frame")))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("fold[hidden=8](h -> tanh(h), x)", "has type|stands where none belongs|Real"),
        ("fold[hidden=8](h -> v -> v, x)", "Variable 'v' has type Real"),
        ("fold[hidden=8](h -> v -> w, x)", "Unknown variable 'w'"),
        ("graph[gather=sum, reach=1](u -> u, u -> a -> mean(a), x)", "Seq|mean"),
        ("cell(a -> a, a -> b -> mean(b), a -> b -> c -> c, x)", "Seq"),
        ("fold(h -> v -> h, x)", "lacks the constant 'hidden'"),
    ],
)
def test_what_does_not_fit(text, says):
    with pytest.raises(LanguageError, match=says):
        parse_term(text, BOUND)
