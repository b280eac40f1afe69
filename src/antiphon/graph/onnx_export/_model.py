"""From a graph to an ONNX model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx
from onnx import helper, numpy_helper

from antiphon._version import __version__
from antiphon.errors import ExportError
from antiphon.graph._graph import Graph
from antiphon.graph.onnx_export import (
    _control,
    _elementwise,
    _indexing,
    _ordering,
    _products,
    _reductions,
    _shapes,
    _windows,
)
from antiphon.graph.onnx_export._emit import emit
from antiphon.graph.onnx_export._rules import Rules
from antiphon.graph.onnx_export._scope import Model, Scope, declared
from antiphon.graph.onnx_export._unused import without_unused

RULES = Rules()
for _module in (_elementwise, _shapes, _reductions, _windows, _products, _indexing, _ordering, _control):
    RULES.update(_module.RULES)

OLDEST, NEWEST = 18, min(23, onnx.defs.onnx_opset_version())
LARGEST = 2**31 - 1  # bytes of one protocol buffer


def build(
    graph: Graph,
    opset: int,
    name: str,
    input_names: Sequence[str] | None,
    output_names: Sequence[str] | None,
    text: str,
    metadata: Mapping[str, str],
) -> onnx.ModelProto:
    """What `antiphon.graph.onnx_export.to_onnx` says."""
    if isinstance(opset, bool) or not isinstance(opset, int) or not OLDEST <= opset <= NEWEST:
        raise ExportError(
            f"opset={opset!r}.", f"A whole number from {OLDEST} to {NEWEST}.", "Leave it out for 18."
        )
    inputs = _names(input_names, [v.name for v in graph.inputs], "input")
    single = ["output"] if len(graph.outputs) == 1 else [f"output_{i}" for i in range(len(graph.outputs))]
    outputs = _names(output_names, single, "output")
    if twice := set(inputs) & set(outputs):
        raise ExportError(
            f"The name {min(twice)!r} for an input and for an output.", "Different names.", "Rename one."
        )
    model = Model(RULES)
    model.names.update(inputs, outputs)
    scope = Scope(model)
    for value, given in zip(graph.inputs, inputs, strict=True):
        scope.names[value] = given
    scope.sizes.read_off(graph.inputs)
    results = emit(scope, graph, inputs)
    nodes = _renamed(scope, results, outputs, set(inputs))
    nodes, used = without_unused(nodes, set(outputs))
    kept = {k: v for k, v in model.constants.items() if k in used}
    if (size := sum(v.nbytes for v in kept.values())) > LARGEST:
        raise ExportError(
            f"Constants of {size} bytes.",
            "At most 2 GiB, which is all one ONNX file can hold.",
            "Export parts.",
        )
    proto = helper.make_graph(
        nodes,
        name or graph.name or "graph",
        [declared(n, v.shape, v.dtype) for n, v in zip(inputs, graph.inputs, strict=True)],
        [declared(n, v.shape, v.dtype) for n, v in zip(outputs, graph.outputs, strict=True)],
        initializer=[numpy_helper.from_array(v, k) for k, v in kept.items()],
    )
    imports = [helper.make_opsetid("", opset)]
    result = helper.make_model(
        proto,
        producer_name="antiphon",
        producer_version=__version__,
        doc_string=text,
        opset_imports=imports,
        ir_version=helper.find_min_ir_version_for(imports),
    )
    helper.set_model_props(result, dict(metadata))
    onnx.checker.check_model(result, full_check=True)
    return result


def _names(given: Sequence[str] | None, own: list[str], what: str) -> list[str]:
    names = own if given is None else list(given)
    if len(names) != len(own):
        raise ExportError(
            f"{len(names)} {what} names for a graph with {len(own)} {what}s.",
            f"One name for each {what}.",
            f"Give {len(own)}, or leave {what}_names out.",
        )
    if not all(isinstance(n, str) and n for n in names) or len(set(names)) != len(names):
        raise ExportError(
            f"The {what} names {names}.", "Different strings, none empty.", "Rename those that are double."
        )
    return names


def _renamed(
    scope: Scope, results: Sequence[str], outputs: Sequence[str], inputs: set[str]
) -> list[onnx.NodeProto]:
    """The nodes, the results among which have the names that were asked for."""
    made = {name for node in scope.nodes for name in node.output} - inputs
    new: dict[str, str] = {}
    for result, output in zip(results, outputs, strict=True):
        if result in made and result not in new:
            new[result] = output
    for result, output in zip(results, outputs, strict=True):
        if new.get(result) != output:
            scope.nodes.append(helper.make_node("Identity", [result], [output], name=output))

    def rename(nodes: Sequence[onnx.NodeProto]) -> None:
        for node in nodes:
            for names in (node.input, node.output):
                for i, name in enumerate(names):
                    if name in new:
                        names[i] = new[name]
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    rename(attribute.g.node)

    rename(scope.nodes)
    return scope.nodes
