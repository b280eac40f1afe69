"""StableHLO: what comes back from bytes gives the same for any number of frames."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exported import TIME, function_of, graph_of

from antiphon import networks
from antiphon.errors import ExportError
from antiphon.graph import trace
from antiphon.graph.source import to_stablehlo
from antiphon.language import Program


def loaded(found):
    return jax.export.deserialize(bytearray(found.serialized)).call


def test_a_program_for_any_number_of_frames(vowels):
    program = Program.parse(vowels)
    found = to_stablehlo(graph_of(program))
    assert "stablehlo" in found.text
    assert found.platforms == ("cpu", "cuda")
    run, f = loaded(found), jax.jit(function_of(program))
    for time in (1, 7, 30):
        frames = np.random.default_rng(0).normal(size=(time, 12)).astype(np.float32)
        np.testing.assert_allclose(run(frames)[0], f(frames), rtol=1e-5, atol=1e-5)


def test_a_network_with_its_mask():
    network = networks.SequenceToSequence(3, 2, cell="lstm", bidirectional=True, key=jax.random.key(0))
    shapes = jax.ShapeDtypeStruct((TIME, 3), jnp.float32), jax.ShapeDtypeStruct((TIME,), jnp.bool_)
    run = loaded(to_stablehlo(trace(network, *shapes), platforms=("cpu",)))
    frames = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    mask = np.array([1, 1, 0, 1, 1, 0], bool)
    np.testing.assert_allclose(
        run(frames, mask)[0], network(jnp.asarray(frames), jnp.asarray(mask)), atol=1e-6
    )


def test_a_gradient_of_ones_own_survives():
    graph = trace(jax.grad(lambda x: jax.nn.relu(x).sum()), jnp.ones(3))
    np.testing.assert_array_equal(loaded(to_stablehlo(graph))(np.float32([-1, 0, 2]))[0], [0, 0, 1])


@pytest.mark.parametrize("platforms", [("abacus",), ()])
def test_unknown_platforms(platforms):
    with pytest.raises(ExportError, match=r"[Ss]ome of cpu, cuda"):
        to_stablehlo(trace(lambda x: x + 1, jnp.ones(3)), platforms=platforms)


def test_a_call_of_python_is_refused():
    def f(x):
        return jax.pure_callback(np.sin, jax.ShapeDtypeStruct((3,), jnp.float32), x)

    with pytest.raises(ExportError, match="does not export f"):
        to_stablehlo(trace(f, jnp.ones(3)))
