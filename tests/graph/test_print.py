"""How graphs print: as programs with every shape in them, loops and branches as Python writes them."""

from __future__ import annotations

import generated_functions as generated
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from antiphon.graph import optimise, trace

X = np.float32([0.5, -1, 2])


@settings(max_examples=25, deadline=None, derandomize=True)
@given(generated.programs())
def test_a_print_has_all_inputs_and_the_shape_of_every_line(f):
    x, y = generated.arrays()
    graph = trace(f, x, y)
    lines = str(graph).splitlines()
    assert lines[0].startswith(f"def {f.__name__}(") or lines[0] == f"def {f.__name__}("
    assert all(f"{v.name}: f32[4, 3]" in str(graph) for v in graph.inputs)
    for line in lines:
        if " = " in line.split("#")[0] and not line.endswith("= []"):
            assert "[" in line.split("#")[1], line
    assert "⟦" not in str(graph)


def body(f, *examples):
    """A print without its first line and without remarks."""
    lines = str(trace(f, *examples)).splitlines()[1:]
    return "\n".join(line.split("  #")[0].rstrip()[4:] for line in lines)


def test_a_loop_is_a_for_with_its_state_in_one_variable():
    def f(x):
        def step(h, row):
            h = jnp.tanh(h + row)
            return h, h * 2

        h, rows = jax.lax.scan(step, 0.5, x)
        return h, rows

    assert body(f, X) == (
        "h = 0.5\nrows = []\nfor row in x:\n    h = tanh(h + row)\n    rows.append(h * 2.0)\nreturn (h, rows)"
    )


def test_a_loop_backwards_puts_results_in_front():
    def f(x):
        return jax.lax.scan(lambda h, row: (h + row, h), 0.0, x, reverse=True)[1]

    text = body(f, X)
    assert "in reversed(x):" in text
    assert text.index(".insert(0, ") < text.index(" + ")  # the state before this step


def test_the_old_state_is_not_overwritten_while_it_is_still_read():
    def f(x):
        def step(state, row):
            a, b = state
            return (b + row, a * row), a

        (a, b), rows = jax.lax.scan(step, (1.0, 2.0), x)
        return a + b, rows

    lines = body(f, X).splitlines()
    names = lines[0].split(" = ")[0], lines[1].split(" = ")[0]
    (update,) = [line for line in lines if line.strip().startswith(f"{names[0]}, {names[1]} = ")]
    assert update.strip() == f"{names[0]}, {names[1]} = {names[1]} + row, {names[0]} * row"


def test_a_counted_loop_counts():
    text = body(lambda x: jax.lax.fori_loop(2, 5, lambda i, v: v + i, x), X)
    assert text == "v = x\nfor i in range(2, 5):\n    v = v + f32(i)\nreturn v"


def test_a_while_asks_in_its_head():
    text = body(lambda x: jax.lax.while_loop(lambda s: s < 9, lambda s: s * 2, x), 1.0)
    assert text == "s_2 = x\nwhile s_2 < 9.0:\n    s_2 = s_2 * 2.0\nreturn s_2"


def test_a_while_with_a_long_question_breaks():
    def asked(s):
        doubled = jnp.sin(s) * 2
        return jnp.sum(doubled * doubled) < 3

    text = body(lambda x: jax.lax.while_loop(asked, lambda s: s * 2, x), X)
    assert "while True:" in text
    assert "break" in text


def test_branches_are_if_and_match():
    def f(x):
        y = jax.lax.cond(x[0] > 0, lambda v: v * 2, lambda v: v, x)
        return jax.lax.switch(jnp.argmax(x), [jnp.sin, jnp.cos, jnp.tan], y)

    text = body(f, X)
    assert "if x[0] > 0.0:\n    y = x * 2.0\nelse:\n    y = x\n" in text
    assert "match " in text
    assert "case 2:" in text


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (lambda x: (x - (x - 1)) * -(x**2), "(x - (x - 1.0)) * -x ** 2"),
        (lambda x: jnp.where(x > 0, x, 0), "where(x > 0.0, x, 0.0)"),
        (lambda x: x[1:] / x[:2], "x[1:] / x[:2]"),
        (lambda x: x[2] + x[0], "x[2] + x[0]"),
        (lambda x: jnp.clip(x, 0, 1), "min(1.0, max(0.0, x))"),
        (lambda x: x @ np.ones((3, 2), np.float32), "x @ a"),
        (lambda x: jnp.sum(jnp.outer(x, x), axis=0), "sum(x[:, None] * x, axis=0)"),
        (lambda x: jnp.concatenate([x, x]).reshape(2, 3).T, "reshape(concatenate([x, x], axis=0), (2, 3)).T"),
        (lambda x: ~(x > 1) & (x < 3), "~(x > 1.0) & (x < 3.0)"),
        (lambda x: jax.nn.relu(x), "relu(x)"),
        (lambda x: jnp.cumsum(x)[::-1], "flip(cumsum(x, axis=0), axis=0)"),
        (lambda x: jnp.einsum("i,j->ji", x, x), "einsum"),
        (lambda x: x[jnp.array([2, 0])], "x["),
        (lambda x: x.at[1].set(2.0), "x.at["),
        (lambda x: jnp.stack([x, x]) @ x, "@ x"),
    ],
)
def test_expressions_read_as_they_are_written(f, text):
    assert text in str(trace(f, X))


def test_functions_with_a_derivative_of_their_own_are_written_once():
    text = str(trace(lambda x: jax.nn.relu(jax.nn.relu(x) - 1), X))
    assert "relu(relu(x) - 1.0)" in text
    assert text.count("def relu(") == 1
    assert "with a derivative of its own" in text


def test_a_scan_of_a_recurrent_network_reads_like_its_equation():
    W, U, b = (np.float32(np.random.default_rng(k).normal(size=s)) for k, s in enumerate([(2, 3), (3, 3), 3]))

    def rnn(x):
        def step(h, frame):
            h = jnp.tanh(frame @ W + h @ U + b)
            return h, None

        h, _ = jax.lax.scan(step, jnp.zeros(3), x)
        return h

    frames = jax.ShapeDtypeStruct(jax.export.symbolic_shape("T, 2"), np.float32)
    graph, _ = optimise(trace(rnn, frames))
    assert "for frame in x:" in str(graph)
    assert "h = tanh(frame @ W + h @ U + b)" in str(graph)
    assert "# T times" in str(graph)
