"""From protobuf to plain data: every name found, every operator known, every node in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.defs

from antiphon.errors import ImportedModelError
from antiphon.graph.onnx_import import _run  # noqa: F401 (the table of rules, filled)
from antiphon.graph.onnx_import._attribute import attributes_of, plain
from antiphon.graph.onnx_import._order import in_order
from antiphon.graph.onnx_import._program import Body, Function, Node
from antiphon.graph.onnx_import._rule import RULES
from antiphon.graph.onnx_import._tensor import sparse, tensor

STANDARD = ("", "ai.onnx")
MOST_NODES = 1_000_000  # with functions written out


class Builder:
    """Reads one model: knows its functions, and gathers the operators that nothing can be done with.

    Args:
        model: The model.
        folder: Where its external data may lie.
    """

    def __init__(self, model: onnx.ModelProto, folder: Path | None) -> None:
        self._model, self._folder = model, folder
        self._protos = {(f.domain, f.name, _overload(f)): f for f in model.functions}
        self._functions: dict[Any, tuple[Function, int]] = {}
        self._open: list[Any] = []
        self._nodes = 0
        self._missing: dict[tuple[str, str, int], str] = {}

    def build(self) -> Body:
        """The model's graph.

        Raises:
            ImportedModelError: What is wrong with it, with the name of the node or tensor.
        """
        graph = self._model.graph
        body = self._graph(graph, _opsets(self._model.opset_import), frozenset(), top=True)
        if self._missing:
            raise _unsupported(self._missing)
        return body

    def _graph(
        self, graph: onnx.GraphProto, opsets: Mapping[str, int], around: frozenset[str], top: bool = False
    ) -> Body:
        constants: dict[str, np.ndarray] = {}
        for proto in graph.initializer:
            _define(constants, proto.name, "initialiser")
            constants[proto.name] = tensor(proto, self._folder)
        for proto in graph.sparse_initializer:
            _define(constants, proto.values.name, "initialiser")
            constants[proto.values.name] = sparse(proto, self._folder)
        every = tuple(value.name for value in graph.input)
        if len(set(every)) != len(every):
            raise ImportedModelError(
                f"graph {graph.name!r} has two inputs of one name.", "one name an input."
            )
        # Before IR version 4 initialisers are inputs, too: those need not be given.
        inputs = tuple(name for name in every if not (top and name in constants))
        outputs = tuple(value.name for value in graph.output)
        return self._body(graph.name, graph.node, inputs, outputs, constants, opsets, around)

    def _body(
        self, name: str, protos: Iterable[onnx.NodeProto], inputs: tuple[str, ...], outputs: tuple[str, ...],
        constants: Mapping[str, np.ndarray], opsets: Mapping[str, int], around: frozenset[str],
    ) -> Body:  # fmt: skip
        protos = list(protos)
        here = {*inputs, *constants}
        for proto in protos:
            for output in filter(None, proto.output):
                if output in here:
                    raise ImportedModelError(
                        f"{output!r} is defined twice in graph {name!r}, once by node {proto.name!r} "
                        f"({proto.op_type}).",
                        "each name defined once.",
                    )
                here.add(output)
        seen = around | here
        nodes = [self._node(proto, number, opsets, seen) for number, proto in enumerate(protos)]
        for output in outputs:
            if output not in seen:
                raise ImportedModelError(f"graph {name!r} gives {output!r}, which nothing in it computes.")
        return Body(inputs, tuple(in_order(nodes, here - {*inputs, *constants}, seen)), outputs, constants)

    def _node(
        self, proto: onnx.NodeProto, number: int, opsets: Mapping[str, int], seen: frozenset[str]
    ) -> Node:
        self._nodes += 1
        name = proto.name or f"{proto.op_type} {number}"
        domain = "" if proto.domain in STANDARD else proto.domain
        key = (proto.domain, proto.op_type, _overload(proto))
        node = Node(proto.op_type, domain, name, tuple(proto.input), tuple(proto.output))

        def value(attribute: onnx.AttributeProto) -> Any:
            return plain(attribute, self._folder, lambda graph: self._graph(graph, opsets, seen))

        if key in self._protos:
            function = self._function(key, node)
            attributes = {a.name: value(a) for a in proto.attribute}
            return self._called(node, function, attributes)
        schema = _schema(node, opsets)
        rule = RULES.get(node.op) if domain == "" else None
        if schema is None or rule is None or not rule.first <= schema.since_version <= rule.last:
            if schema is not None and schema.has_function:  # pyright: ignore[reportAttributeAccessIssue]
                function = self._written(schema, node)
                return self._called(node, function, attributes_of(node, proto, schema, value))
            version = opsets.get(domain, 0)
            self._missing.setdefault((domain, node.op, version), name)
            return node
        attributes = attributes_of(node, proto, schema, value)
        return Node(node.op, domain, name, node.inputs, node.outputs, attributes, schema.since_version)

    def _called(self, node: Node, function: Function, attributes: dict[str, Any]) -> Node:
        body = function.body
        if len(node.inputs) > len(body.inputs) or len(node.outputs) > len(body.outputs):
            raise ImportedModelError(
                f"{node} has {len(node.inputs)} inputs and {len(node.outputs)} outputs.",
                f"at most {len(body.inputs)} and {len(body.outputs)}, as its function has.",
            )
        return Node(node.op, node.domain, node.name, node.inputs, node.outputs, attributes, 0, function)

    def _function(self, key: Any, node: Node) -> Function:
        """A function of the model, read once; its nodes count each time it is called."""
        if key in self._open:
            raise ImportedModelError(
                f"{node} calls a function from within itself.", "functions that end: ONNX has no recursion."
            )
        if key not in self._functions:
            self._open.append(key)
            before = self._nodes
            function = self._read(self._protos[key])
            self._functions[key] = function, self._nodes - before
            self._open.pop()
        else:
            self._nodes += self._functions[key][1]
        if self._nodes > MOST_NODES:
            raise ImportedModelError(
                f"functions that write out to more than {MOST_NODES} nodes.", "a smaller model."
            )
        return self._functions[key][0]

    def _written(self, schema: onnx.defs.OpSchema, node: Node) -> Function:
        """What the standard itself writes out for an operator without a rule here."""
        key = ("standard", schema.name, schema.since_version)
        if key not in self._functions:
            assert key not in self._open
            before = self._nodes
            proto = schema.function_body
            if not proto.opset_import:
                proto.opset_import.append(onnx.helper.make_opsetid("", schema.since_version))
            function = self._read(proto)
            self._functions[key] = function, self._nodes - before
        return self._functions[key][0]

    def _read(self, proto: onnx.FunctionProto) -> Function:
        inputs, outputs = tuple(proto.input), tuple(proto.output)
        if len(set(inputs)) != len(inputs):
            raise ImportedModelError(
                f"function {proto.name!r} has two inputs of one name.", "one name an input."
            )
        body = self._body(
            proto.name, proto.node, inputs, outputs, {}, _opsets(proto.opset_import), frozenset()
        )
        defaults = {a.name: plain(a, self._folder, None) for a in proto.attribute_proto}
        return Function(body, defaults)


def _overload(proto: Any) -> str:
    return getattr(proto, "overload", "")


def _define(known: Mapping[str, Any], name: str, what: str) -> None:
    if not name:
        raise ImportedModelError(f"an {what} without a name.", "a name.")
    if name in known:
        raise ImportedModelError(f"two {what}s of the name {name!r}.", "each name once.")


def _opsets(imports: Iterable[onnx.OperatorSetIdProto]) -> dict[str, int]:
    newest = onnx.defs.onnx_opset_version()
    found = {"" if entry.domain in STANDARD else entry.domain: entry.version for entry in imports}
    version = found.get("", newest)
    if not 1 <= version <= newest:
        raise ImportedModelError(
            f"opset {version}.", f"1 to {newest}, which the installed onnx knows.", "Update the package onnx."
        )
    return found


def _schema(node: Node, opsets: Mapping[str, int]) -> onnx.defs.OpSchema | None:
    """What the standard says of the operator at the model's opset; `None` if it knows none."""
    if node.domain not in opsets:
        known = ", ".join(f"{d or 'ai.onnx'} {v}" for d, v in opsets.items()) or "none"
        raise ImportedModelError(
            f"{node} is of domain {node.domain or 'ai.onnx'!r}, whose opset the model does not import.",
            f"one of its opsets: {known}.",
        )
    if not onnx.defs.has(node.op, node.domain):
        return None
    try:
        return onnx.defs.get_schema(node.op, opsets[node.domain], node.domain)
    except onnx.defs.SchemaError:
        return None


def _unsupported(missing: Mapping[tuple[str, str, int], str]) -> ImportedModelError:
    (domain, op, version), name = next(iter(missing.items()))
    rest = [f"{o} ({d or 'ai.onnx'} {v}, node {n!r})" for (d, o, v), n in list(missing.items())[1:]]
    return ImportedModelError(
        f"operator {op} of {domain or 'ai.onnx'}, opset {version}, at node {name!r}, is not supported."
        + (f" Nor are {', '.join(rest)}." if rest else ""),
        "operators of the table in docs/onnx.md.",
        "Export the model with other operators or another opset.",
    )
