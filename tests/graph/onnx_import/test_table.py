"""The table of operators: documented, sound, and each one tested."""

import importlib.util
from pathlib import Path

import onnx.defs
import pytest
from operator_cases import CASES

from antiphon.graph.onnx_import import supported_operators

DOCS = Path(__file__).resolve().parents[3] / "docs"
# Tested in control flow and sequences, by the standard's own cases, or newer than opset 21.
ELSEWHERE = {
    "If",
    "Loop",
    "Scan",
    "SequenceConstruct",
    "SequenceEmpty",
    "SequenceAt",
    "SequenceErase",
    "SequenceInsert",
    "SequenceLength",
    "SequenceMap",
    "ConcatFromSequence",
    "SplitToSequence",
    "Constant",
    "DynamicQuantizeLinear",
    "Scatter",
    "Upsample",
    "BitCast",
    "CumProd",
    "RMSNormalization",
    "Swish",
    "TensorScatter",
}


def test_the_page_has_the_table():
    spec = importlib.util.spec_from_file_location("make_onnx_table", DOCS / "make_onnx_table.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    text = script.PAGE.read_text("utf-8")
    assert script.page(text) == text, "run: python docs/make_onnx_table.py"
    assert "| MatMul" in text.replace(", MatMul", "| MatMul")


@pytest.mark.parametrize("op", supported_operators())
def test_versions_exist(op):
    """A rule begins and ends with a version of its operator, and leaves none of opset 13 to 21 out."""
    first, last = supported_operators()[op]
    since = {
        s.since_version for s in onnx.defs.get_all_schemas_with_history() if (s.domain, s.name) == ("", op)
    }
    assert {first, last} <= since
    at = [onnx.defs.get_schema(op, v).since_version for v in range(13, 22) if min(since) <= v]
    assert all(first <= v <= last for v in at)


def test_each_operator_has_a_case():
    assert set(supported_operators()) - {c.op for c in CASES} == ELSEWHERE
