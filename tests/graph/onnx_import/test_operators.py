"""Each operator agrees with onnxruntime, in each version from opset 13 to 21."""

import jax
import pytest
from onnx_models import assert_same, one_node, reference
from operator_cases import CASES

from antiphon.graph.onnx_import import from_onnx


def at_length(case):
    """Whether the slow tests alone have it: recurrent layers one way, since both ways are in the others."""
    return case.op in ("RNN", "GRU", "LSTM") and (case.note.isdigit() or "ward with" in case.note)


def pairs(newest):
    """Cases with their newest opset, or with each of the others."""
    return [
        pytest.param(case, opset, id=f"{case}-{opset}")
        for case in CASES
        for opset in range(case.since, case.until + 1)
        if (opset == case.until and not at_length(case)) == newest
    ]


def check(case, opset):
    proto, given = one_node(case.op, case.inputs, case.attributes, case.outputs, opset, case.constant)
    want = reference(proto, given)
    model = from_onnx(proto)
    with jax.enable_x64(True):
        assert_same(jax.jit(model, compiler_options={"xla_backend_optimization_level": 0})(**given), want)


@pytest.mark.parametrize(("case", "opset"), pairs(newest=True))
def test_agrees_with_onnxruntime(case, opset):
    check(case, opset)


@pytest.mark.slow
@pytest.mark.parametrize(("case", "opset"), pairs(newest=False))
def test_agrees_with_onnxruntime_in_older_versions(case, opset):
    check(case, opset)
