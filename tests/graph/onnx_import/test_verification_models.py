"""The networks of the verification benchmarks agree with onnxruntime on a thousand inputs each."""

from pathlib import Path

import jax
import numpy as np
import pytest
from onnx_models import session

from antiphon.graph.onnx_import import from_onnx

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "data" / "verification"
PATHS = sorted(FOLDER.glob("*/*.onnx"))


@pytest.mark.skipif(not PATHS, reason="the verification networks are not beside the project")
def test_networks_are_there():
    assert len(PATHS) == 19


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_agrees_with_onnxruntime(path):
    net = from_onnx(path)
    (declared,) = net.inputs
    x = np.random.default_rng(0).uniform(-1, 1, (1000, *declared.shape)).astype(np.float32)
    run = session(path.read_bytes()).run
    want = np.stack([run(None, {declared.name: case})[0] for case in x])
    # Beyond 64 one unit in the last place of 32 bits is 8e-6: there the tolerance is two of them.
    np.testing.assert_allclose(jax.jit(jax.vmap(net))(x), want, rtol=2**-22, atol=1e-5)
    graph = net.graph()
    np.testing.assert_allclose(graph(x[0]), want[0], rtol=2**-22, atol=1e-5)
