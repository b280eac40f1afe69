"""Resizing: along each axis a product with a matrix of weights, known when tracing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from antiphon.errors import ImportedModelError
from antiphon.graph.onnx_import._array import axes_of, claim
from antiphon.graph.onnx_import._rule import Call, rule


def _places(how: str, length: int, out: int, scale: float, roi: tuple[float, float]) -> np.ndarray:
    """For each output element its place on the axis of the input."""
    x = np.arange(out, dtype=np.float64)
    if how == "half_pixel":
        return (x + 0.5) / scale - 0.5
    if how == "half_pixel_symmetric":
        adjustment = out / (scale * length)
        centre = length / 2
        return centre * (1 - adjustment) + (x + 0.5) / scale - 0.5
    if how == "pytorch_half_pixel":
        return (x + 0.5) / scale - 0.5 if out > 1 else np.zeros(out)
    if how == "align_corners":
        return x * (length - 1) / (out - 1) if out > 1 else np.zeros(out)
    if how == "asymmetric":
        return x / scale
    if how == "tf_half_pixel_for_nn":
        return (x + 0.5) / scale
    if how == "tf_crop_and_resize":
        begin, end = roi
        if out > 1:
            return begin * (length - 1) + x * (end - begin) * (length - 1) / (out - 1)
        return np.full(out, 0.5 * (begin + end) * (length - 1))
    raise ImportedModelError(f"coordinate_transformation_mode {how!r}.", "one that ONNX lists.")


def _triangle(distance: np.ndarray) -> np.ndarray:
    return np.maximum(1 - np.abs(distance), 0)


def _cubic(a: float) -> Callable[[np.ndarray], np.ndarray]:
    def weigh(distance: np.ndarray) -> np.ndarray:
        d = np.abs(distance)
        near = ((a + 2) * d - (a + 3)) * d * d + 1
        far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
        return np.where(d <= 1, near, np.where(d < 2, far, 0))

    return weigh


def _nearest(places: np.ndarray, how: str, length: int) -> np.ndarray:
    ways: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "round_prefer_floor": lambda x: np.ceil(x - 0.5),
        "round_prefer_ceil": lambda x: np.floor(x + 0.5),
        "floor": np.floor,
        "ceil": np.ceil,
    }
    if how not in ways:
        raise ImportedModelError(f"nearest_mode {how!r}.", ", ".join(ways))
    return np.clip(ways[how](places), 0, length - 1).astype(np.int64)


def _weights(call: Call, places: np.ndarray, length: int, scale: float, dtype: Any) -> np.ndarray:
    """The matrix `(out, in)` of linear or cubic interpolation."""
    mode = call["mode"]
    shape = _cubic(call.get("cubic_coeff_a", -0.75)) if mode == "cubic" else _triangle
    squeeze = min(scale, 1.0) if call.get("antialias", 0) else 1.0
    reach = int(np.ceil((2 if mode == "cubic" else 1) / squeeze))
    matrix = np.zeros((len(places), length))
    claim(matrix.shape)
    for row, place in enumerate(places):
        taken = np.arange(int(np.floor(place)) - reach + 1, int(np.floor(place)) + reach + 1)
        weight = shape((taken - place) * squeeze)
        if call.get("exclude_outside", 0) or call.get("antialias", 0):
            outside = (taken < 0) | (taken >= length)
            if call.get("exclude_outside", 0):
                weight = np.where(outside, 0, weight)
            weight = weight / weight.sum()
        np.add.at(matrix[row], np.clip(taken, 0, length - 1), weight)
    return matrix.astype(dtype)


def _along(call: Call, x: Any, axis: int, out: int, scale: float, roi: tuple[float, float]) -> Any:
    length = x.shape[axis]
    how = call.get("coordinate_transformation_mode", "asymmetric")
    places = _places(how, length, out, scale, roi)
    if call["mode"] == "nearest":
        y = jnp.take(x, _nearest(places, call.get("nearest_mode", "floor"), length), axis=axis)
    else:
        wide = x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else jnp.float32
        matrix = jnp.asarray(_weights(call, places, length, scale, wide))
        y = jnp.moveaxis(jnp.tensordot(matrix, x.astype(wide), axes=((1,), (axis,))), 0, axis).astype(x.dtype)
    return y


def _resize(call: Call, x: Any, axes: tuple[int, ...], scales: Any, sizes: Any, roi: Any) -> Any:
    if call["mode"] not in ("nearest", "linear", "cubic"):
        raise ImportedModelError(f"mode {call['mode']!r}.", "nearest, linear or cubic.")
    lengths = [x.shape[a] for a in axes]
    if any(not isinstance(length, int) for length in lengths):
        raise ImportedModelError(
            "resizing of a symbolic size.", "fixed sizes.", "Trace the model on examples."
        )
    if sizes is not None and np.size(sizes):
        out = [int(s) for s in np.asarray(sizes).reshape(-1)]
        factors = [o / s for o, s in zip(out, lengths, strict=True)]
        policy = call.get("keep_aspect_ratio_policy", "stretch")
        if policy != "stretch":
            factor = min(factors) if policy == "not_larger" else max(factors)
            factors = [factor] * len(out)
            out = [int(np.floor(factor * s + 0.5)) for s in lengths]
    else:
        factors = [float(s) for s in np.asarray(scales).reshape(-1)]
        if len(factors) != len(axes) or min(factors, default=1) <= 0:
            raise ImportedModelError(f"scales {factors} for {len(axes)} axes.", "a number above 0 an axis.")
        out = [int(np.floor(s * f)) for s, f in zip(lengths, factors, strict=True)]
    shape = list(x.shape)
    for axis, size in zip(axes, out, strict=True):
        shape[axis] = size
    claim(shape)
    begin, end = (0.0,) * len(axes), (1.0,) * len(axes)
    crops = call.get("coordinate_transformation_mode") == "tf_crop_and_resize"
    if crops:
        begin, end = np.asarray(roi, float).reshape(2, -1)
    outside = []
    for n, axis in enumerate(axes):
        bounds = (float(begin[n]), float(end[n]))
        if crops:
            places = _places("tf_crop_and_resize", lengths[n], out[n], factors[n], bounds)
            outside.append((axis, (places < 0) | (places > lengths[n] - 1)))
        if crops or out[n] != lengths[n] or factors[n] != 1:
            x = _along(call, x, axis, out[n], factors[n], bounds)
    fill = np.asarray(call.get("extrapolation_value", 0.0), x.dtype)
    for axis, beyond in outside:
        if beyond.any():
            x = jnp.where(beyond.reshape([-1 if a == axis else 1 for a in range(x.ndim)]), fill, x)
    return x


@rule("Resize", 10, 19, static=(1, 2, 3))
def _resize_rule(call: Call, x: Any, roi: Any = None, scales: Any = None, sizes: Any = None) -> Any:
    if call.version < 11:  # X, scales; places as `asymmetric`, nearest by `floor`
        roi, scales = None, roi
    axes = tuple(range(x.ndim)) if call.get("axes") is None else axes_of(call["axes"], x.ndim)
    if (scales is None or not np.size(scales)) and (sizes is None or not np.size(sizes)):
        raise ImportedModelError("neither scales nor sizes.", "one of them.")
    return _resize(call, x, axes, scales, sizes, roi)


@rule("Upsample", 7, 10, static=(1,))
def _upsample(call: Call, x: Any, scales: Any = None) -> Any:
    scales = call["scales"] if call.version < 9 else scales
    return _resize(call, x, tuple(range(x.ndim)), scales, None, None)
