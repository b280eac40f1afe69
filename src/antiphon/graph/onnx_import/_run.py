"""The evaluator: one loop over nodes, and the table of rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from antiphon.errors import ImportedModelError
from antiphon.graph.onnx_import import (  # noqa: F401 (they fill the table)
    _control,
    _convolution,
    _dtype,
    _elementwise,
    _indexing,
    _layout,
    _linear,
    _normalisation,
    _pooling,
    _recurrent,
    _reductions,
    _resize,
    _sequence,
)
from antiphon.graph.onnx_import._array import NodeError, UnknownWhileTracingError, array, is_known, known
from antiphon.graph.onnx_import._host import on_host
from antiphon.graph.onnx_import._program import Body, Node, Reference
from antiphon.graph.onnx_import._rule import RULES, Call, Rule


def evaluate(
    body: Body,
    inputs: Sequence[Any],
    around: Mapping[str, Any] | None = None,
    attributes: Mapping[str, Any] | None = None,
    replaced: Mapping[str, Any] | None = None,
) -> list[Any]:
    """Run a graph.

    Args:
        body: The graph.
        inputs: What it is called with, in order.
        around: Names that it sees besides its own: those of the graphs around it.
        attributes: Of the function whose body it is.
        replaced: Values instead of its initialisers, by name.

    Returns:
        Its outputs: NumPy arrays where they are known, else JAX's.

    Raises:
        ImportedModelError: A node that cannot be run, with its name and why.
    """
    values: dict[str, Any] = {**(around or {}), **body.constants, **(replaced or {})}
    values.update(zip(body.inputs, inputs, strict=True))
    for node in body.nodes:
        given = [values[name] if name else None for name in node.inputs]
        found = _outputs(node, given, values, attributes or {})
        values.update((name, value) for name, value in zip(node.outputs, found, strict=False) if name)
    return [values[name] for name in body.outputs]


def _outputs(
    node: Node, given: list[Any], values: Mapping[str, Any], attributes: Mapping[str, Any]
) -> list[Any]:
    resolved = {
        name: attributes.get(value.name, value.default) if isinstance(value, Reference) else value
        for name, value in node.attributes.items()
    }
    resolved = {name: value for name, value in resolved.items() if value is not None}
    if node.function is not None:
        function = node.function
        missing = len(function.body.inputs) - len(given)
        return evaluate(function.body, [*given, *[None] * missing], None, {**function.defaults, **resolved})
    call = Call(node, resolved, lambda body, inputs: evaluate(body, inputs, values, attributes))
    try:
        found = _apply(RULES[node.op], call, given)
    except NodeError:
        raise
    except ImportedModelError as error:
        raise _located(node, error) from error
    except Exception as error:
        # Whatever NumPy or JAX has against the shapes and types of a foreign model is an error of that model.
        shapes = ", ".join("none" if v is None else _kind(v) for v in given)
        told = str(error).strip().split("\n")[0] or type(error).__name__
        raise NodeError(
            f"{node} on {shapes or 'no inputs'}: {told}",
            "shapes and types that this operator takes.",
            "Compare with the operator's page at onnx.ai/onnx/operators.",
        ) from error
    outputs = [*found] if isinstance(found, tuple) else [found]  # a list is one sequence
    unmet = [name for name in node.outputs[len(outputs) :] if name]
    if unmet:
        raise NodeError(
            f"{node} is asked for output {unmet[0]!r}, one of {len(node.outputs)}; {len(outputs)} exist."
        )
    return outputs


def _kind(value: Any) -> str:
    return (
        f"a sequence of {len(value)}" if isinstance(value, list) else f"{value.dtype}{list(np.shape(value))}"
    )


def _located(node: Node, error: ImportedModelError) -> NodeError:
    located = NodeError(f"{node}: {error.got}", error.expected, error.advice)
    located.unknown = isinstance(error, UnknownWhileTracingError)
    return located


def _apply(rule: Rule, call: Call, given: list[Any]) -> Any:
    if rule.flexible:
        return rule.apply(call, *given)
    found = on_host(call, given)
    if found is not NotImplemented:
        return found
    if all(map(is_known, given)) and not any(isinstance(v, np.ndarray) and v.dtype == object for v in given):
        # Known values stay known: a weight that is transposed, a scale that is computed.
        with jax.ensure_compile_time_eval():
            return rule.apply(call, *_converted(rule, call, given))
    return rule.apply(call, *_converted(rule, call, given))


def _converted(rule: Rule, call: Call, given: list[Any]) -> list[Any]:
    found = []
    for place, value in enumerate(given):
        if value is None:
            found.append(None)
        elif place in rule.static:
            found.append(known(value, f"input {place} ({call.node.inputs[place]!r})"))
        elif isinstance(value, np.ndarray) and value.dtype != object:
            with jax.ensure_compile_time_eval():
                found.append(array(value))
        else:
            found.append(array(value))
    return found
