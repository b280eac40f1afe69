"""An imported model as a function of JAX."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from antiphon.errors import ImportedModelError, InputError
from antiphon.graph.onnx_import._array import array, canonical
from antiphon.graph.onnx_import._program import Body, TensorType
from antiphon.graph.onnx_import._rule import RULES

if TYPE_CHECKING:
    from antiphon.graph import Graph


class OnnxModel:
    """A model read from ONNX: a pure function that `jax.jit`, `jax.vmap` and `jax.grad` take.

    Inputs are given in order or by name, with the shapes the model declares (`jax.vmap` maps it over one
    more axis). One output is given as an array, several as a tuple in the order of `outputs`. Whole numbers
    and floats of 64 bits are held in 32, as JAX does unless `jax_enable_x64` is set. A call runs operation by
    operation: wrap the model in `jax.jit` for speed.

    Args:
        body: The graph.
        inputs: What it must be given.
        outputs: What it gives.
        optional: Inputs with a default, which may be given by name.

    Attributes:
        inputs: Names, shapes and dtypes of what it must be given.
        outputs: Names, shapes and dtypes of what it gives.
        parameters: Its floating-point initialisers by name, for `apply`: weights and biases, but also the
            scalars that its author wrote as initialisers. What sets a shape is none of them.
    """

    def __init__(
        self,
        body: Body,
        inputs: Sequence[TensorType],
        outputs: Sequence[TensorType],
        optional: Sequence[TensorType],
    ) -> None:
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)
        self._body, self._optional = body, {t.name: t for t in optional}
        fixed = _fixed(body)
        self.parameters: dict[str, np.ndarray] = {
            name: value
            for name, value in body.constants.items()
            if jnp.issubdtype(value.dtype, jnp.floating) and name not in fixed
        }

    def __repr__(self) -> str:
        given, made = (", ".join(map(str, types)) for types in (self.inputs, self.outputs))
        return f"OnnxModel({given} -> {made})"

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """What the model gives for these inputs.

        Args:
            inputs: Arrays in the order of `inputs`.
            named: Arrays by name, for those not given in order (`model(**{"x:0": x})` for any name).

        Returns:
            Its output as an array, or a tuple of several.

        Raises:
            InputError: Too few or unknown inputs, or one of another shape or kind than declared.
            ImportedModelError: A node that cannot be run, by name.
        """
        return self.apply({}, *inputs, **named)

    def apply(self, parameters: Mapping[str, Any], /, *inputs: Any, **named: Any) -> Any:
        """What the model gives with other parameters: a function that can be trained.

        Args:
            parameters: By name, all or some of `parameters`, each of its own shape.
            inputs: As in a call.
            named: As in a call.

        Returns:
            Its output as an array, or a tuple of several.

        Raises:
            InputError: As in a call, or a parameter that is unknown or of another shape.
            ImportedModelError: A node that cannot be run, by name.
        """
        from antiphon.graph.onnx_import._run import evaluate

        given = self._bound(inputs, named)
        replaced: dict[str, Any] = {}
        for name, value in parameters.items():
            if name not in self.parameters:
                raise InputError(f"a parameter {name!r}.", f"one of {', '.join(self.parameters) or 'none'}.")
            own = self.parameters[name]
            if np.shape(value) != own.shape:
                raise InputError(f"parameter {name!r} of shape {np.shape(value)}.", f"shape {own.shape}.")
            replaced[name] = jnp.asarray(value, canonical(own.dtype))
        replaced |= {name: value for name, value in given.items() if name in self._optional}
        found = evaluate(self._body, [given[t.name] for t in self.inputs], replaced=replaced)
        found = [array(v) for v in found]
        return found[0] if len(found) == 1 else tuple(found)

    def graph(self, *examples: Any) -> Graph:
        """The model as a `Graph`.

        Args:
            examples: Arrays or `jax.ShapeDtypeStruct`, one an input. Without them the declared shapes are
                used, in which a size without a number is symbolic: the graph holds for any.

        Raises:
            InputError: Examples of another shape than declared, or a declared shape of unknown rank.
            ImportedModelError: A node that cannot be traced; with symbolic sizes, one that needs a number.

        Example:
            >>> import onnx.helper as oh
            >>> from antiphon.graph.onnx_import import from_onnx
            >>> x, y = (oh.make_tensor_value_info(n, 1, ["batch", 2]) for n in "xy")
            >>> body = oh.make_graph([oh.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
            >>> graph = from_onnx(oh.make_model(body, opset_imports=[oh.make_opsetid("", 21)])).graph()
            >>> [str(v.shape) for v in graph.outputs]
            ['(batch, 2)']
        """
        from antiphon.graph._names import named
        from antiphon.graph._trace import trace

        graph = trace(self, *(examples or self._declared()))
        names = {value: _readable(t.name) for value, t in zip(graph.inputs, self.inputs, strict=False)}
        # A weight that is used as it is keeps its name; one that was folded into another has none.
        for value, held in graph.constants.items():
            for name, own in self._body.constants.items():
                if own.shape == held.shape and np.array_equal(own.astype(held.dtype), held):
                    names[value] = _readable(name)
        return named(graph, names)

    def _declared(self) -> list[jax.ShapeDtypeStruct]:
        """The declared shapes, each size without a number as a symbol."""
        symbols: dict[str, str] = {}
        shapes = []
        for t in self.inputs:
            if t.shape is None:
                raise InputError(
                    f"input {t.name!r} of unknown rank.", "", "Give examples to trace the model on."
                )
            shapes.append([_symbol(s, f"{t.name}_{axis}", symbols) for axis, s in enumerate(t.shape)])
        text = ", ".join(dict.fromkeys(symbols.values()))
        sizes = (
            dict(zip(dict.fromkeys(symbols.values()), jax.export.symbolic_shape(text), strict=True))
            if text
            else {}
        )
        return [
            jax.ShapeDtypeStruct(tuple(sizes.get(s, s) for s in shape), canonical(t.dtype))
            for t, shape in zip(self.inputs, shapes, strict=True)
        ]

    def _bound(self, inputs: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs by name, checked."""
        names = [t.name for t in self.inputs]
        if len(inputs) > len(names):
            raise InputError(f"{len(inputs)} inputs.", f"{len(names)}: {', '.join(names)}.")
        given = dict(zip(names, inputs, strict=False))
        for name, value in named.items():
            if name in given or (name not in names and name not in self._optional):
                free = [n for n in (*names, *self._optional) if n not in given]
                raise InputError(f"an input {name!r}.", f"one of {', '.join(free) or 'none'}, once.")
            given[name] = value
        missing = [n for n in names if n not in given]
        if missing:
            raise InputError(f"no input {missing[0]!r}.", f"all of {', '.join(names)}.")
        sizes: dict[str, Any] = {}
        for t in (*self.inputs, *self._optional.values()):
            if t.name in given:
                given[t.name] = _checked(t, given[t.name], sizes)
        return given


def _fixed(body: Body) -> set[str]:
    """The names that some node needs to know when tracing: shapes, axes, counts."""
    found: set[str] = set()
    for node in body.nodes:
        rule = RULES.get(node.op) if node.function is None else None
        if rule is not None:
            found |= {name for place, name in enumerate(node.inputs) if place in rule.static}
        for value in node.attributes.values():
            if isinstance(value, Body):
                found |= _fixed(value)
    return found


def _readable(name: str) -> str:
    """A name from the model as one that can stand in a printed graph."""
    name = re.sub(r"[^0-9a-zA-Z_.]", "_", name)
    return name if name[:1].isalpha() else f"_{name}"


def _symbol(size: int | str | None, place: str, symbols: dict[str, str]) -> int | str:
    """A name for a size that JAX takes: letters, digits and underscores, each size its own."""
    if isinstance(size, int):
        return size
    told = size or place
    if told not in symbols:
        name = re.sub(r"[^0-9a-zA-Z_]", "_", told)
        name = name if name[:1].isalpha() else f"s_{name}"
        while name in symbols.values():
            name += "_"
        symbols[told] = name
    return symbols[told]


def _checked(declared: TensorType, value: Any, sizes: dict[str, Any]) -> Any:
    """The input as JAX's array, of the declared kind and shape."""
    name = declared.name
    if declared.dtype is None:
        return [jnp.asarray(v) for v in value] if isinstance(value, list | tuple) else value
    try:
        found = value if isinstance(value, jax.Array) else np.asarray(value)
        kind = found.dtype
        number = jnp.issubdtype(kind, jnp.number) or jnp.issubdtype(kind, jnp.bool_)
    except (TypeError, ValueError) as error:
        raise InputError(f"input {name!r} that is no array: {error}.", str(declared)) from error
    if not number or _family(kind) != _family(declared.dtype):
        raise InputError(f"input {name!r} of dtype {kind}.", f"{declared}.")
    if declared.shape is not None:
        fits = len(found.shape) == len(declared.shape)
        for got, want in zip(found.shape, declared.shape, strict=False):
            if isinstance(want, str):
                want = sizes.setdefault(want, got)
            fits = fits and (
                want is None or not isinstance(got, int) or not isinstance(want, int) or got == want
            )
        if not fits:
            raise InputError(
                f"input {name!r} of shape {found.shape}.",
                f"{declared}.",
                "Use jax.vmap for one more axis of cases.",
            )
    return jnp.asarray(found).astype(canonical(declared.dtype))


def _family(dtype: Any) -> str:
    for family in (jnp.bool_, jnp.floating, jnp.integer):
        if jnp.issubdtype(dtype, family):
            return family.__name__
    return str(dtype)


def check_declared(types: Sequence[TensorType]) -> None:
    """Every size that a model declares is one.

    Raises:
        ImportedModelError: A negative size.
    """
    for t in types:
        if any(isinstance(s, int) and s < 0 for s in t.shape or ()):
            raise ImportedModelError(f"{t.name!r} declared with shape {t.shape}.", "sizes of 0 or more.")
