"""Recurrent stacks against PyTorch with the same weights, over packed batches: outputs and gradients."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from antiphon.networks import Recurrent, from_arrays, to_arrays

GOLDEN = np.load(Path(__file__).with_name("torch_recurrent_golden.npz"))
IN_SIZE, HIDDEN, LENGTHS = 3, 4, np.array([7, 4, 1])


def merged(part, cell, layers, directions, *, slope):
    """PyTorch's two biases as our one, or our slopes' names for its; a dictionary by our names."""
    found = {}
    for layer in range(layers):
        for index in range(directions):
            theirs = f"_l{layer}" + ("_reverse" if index else "")
            ours = f"layers.{layer}.{('forward', 'backward')[index]}"
            array = {n: part[f"{n}{theirs}"] for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
            found[f"{ours}.weight_ih"], found[f"{ours}.weight_hh"] = array["weight_ih"], array["weight_hh"]
            bias, recurrent = array["bias_ih"], array["bias_hh"]
            if cell == "gru":
                found[f"{ours}.bias_n"] = recurrent[2 * HIDDEN :]
                recurrent = np.concatenate([recurrent[: 2 * HIDDEN], np.zeros(HIDDEN, np.float32)])
            # What depends on a sum of two has the same slope for each.
            found[f"{ours}.bias"] = bias if slope else bias + recurrent
    return found


CASES = [
    (cell, layers, directions)
    for cell in ("rnn", "lstm", "gru")
    for layers in (1, 2)
    for directions in (1, 2)
]
QUICK = {("rnn", 1, 1), ("lstm", 1, 1), ("gru", 1, 1), ("lstm", 1, 2), ("gru", 2, 1)}


@pytest.mark.parametrize(
    ("cell", "layers", "directions"),
    [case if case in QUICK else pytest.param(*case, marks=pytest.mark.slow) for case in CASES],
)
def test_outputs_and_gradients_are_those_of_pytorch(cell, layers, directions):
    place = f"{cell}/{layers}/{directions}/"
    golden = {name.removeprefix(place): GOLDEN[name] for name in GOLDEN.files if name.startswith(place)}
    parts = {
        kind: {n.removeprefix(kind): a for n, a in golden.items() if n.startswith(kind)}
        for kind in ("weight/", "slope/")
    }
    network = Recurrent(
        cell, IN_SIZE, HIDDEN, layers=layers, bidirectional=directions == 2, key=jax.random.key(0)
    )
    network = from_arrays(network, merged(parts["weight/"], cell, layers, directions, slope=False))
    mask = jnp.asarray(np.arange(max(LENGTHS)) < LENGTHS[:, None])

    @jax.jit
    def both(network, frames):
        def run(network, frames):
            return jax.vmap(network)(frames, mask), jax.vmap(network.read_out)(frames, mask)

        found, back = jax.vjp(run, network, frames)
        return found, back((golden["at_frames"], golden["at_end"]))

    # What stands after the end of a sequence must not matter.
    frames = jnp.where(mask[:, :, None], golden["frames"], jnp.nan)
    (outputs, final), (slopes, frames_slope) = both(network, frames)
    np.testing.assert_allclose(outputs, golden["outputs"], atol=1e-5)
    np.testing.assert_allclose(final, golden["final"], atol=1e-5)
    np.testing.assert_allclose(frames_slope, parts["slope/"].pop("frames"), atol=1e-5, rtol=1e-5)
    expected = merged(parts["slope/"], cell, layers, directions, slope=True)
    found = to_arrays(slopes)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, atol=1e-5, rtol=1e-5, err_msg=name)
