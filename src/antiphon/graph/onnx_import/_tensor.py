"""Tensors from a file: checked against what they declare before anything is made of them."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper

from antiphon.errors import ImportedModelError
from antiphon.graph.onnx_import._array import MOST_ELEMENTS
from antiphon.graph.onnx_import._dtype import dtype_of

BITS = {21: 4, 22: 4}


def tensor(proto: onnx.TensorProto, folder: Path | None) -> np.ndarray:
    """The array of a tensor.

    Args:
        proto: As it stands in the model.
        folder: Where the model's file is, next to which external data may lie.

    Raises:
        ImportedModelError: Data that do not fit the declared shape and type, are missing, or lie elsewhere.
    """
    name = f"tensor {proto.name!r}"
    try:
        dtype = dtype_of(proto.data_type)
    except ImportedModelError as error:
        raise ImportedModelError(f"{name} holds {error.got}", error.expected) from error
    shape = tuple(proto.dims)
    count = math.prod(shape)
    if min(shape, default=0) < 0:
        raise ImportedModelError(f"{name} of shape {shape}.", "sizes of 0 or more.")
    if proto.HasField("segment"):
        raise ImportedModelError(f"{name} is stored in segments.", "one piece.")
    bits: int = BITS.get(proto.data_type) or 8 * dtype.itemsize
    length = (count * bits + 7) // 8
    if proto.data_location == onnx.TensorProto.EXTERNAL:
        data = _external(proto, length, folder)
        whole = onnx.TensorProto(dims=shape, data_type=proto.data_type, raw_data=data)
    elif proto.HasField("raw_data"):
        whole = proto
        if len(proto.raw_data) != length:
            raise ImportedModelError(
                f"{name} of shape {shape} with {len(proto.raw_data)} bytes.", f"{length} bytes."
            )
    else:
        whole = proto
        _check_range(proto, dtype)
        field = onnx.helper.tensor_dtype_to_field(proto.data_type)
        got = len(getattr(proto, field))
        want = 2 * count if dtype.kind == "c" else (length if proto.data_type in BITS else count)
        if got != want:
            raise ImportedModelError(f"{name} of shape {shape} with {got} values.", f"{want} values.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a value that its type cannot hold
            return np.asarray(onnx.numpy_helper.to_array(whole))
    except Exception as error:
        raise ImportedModelError(
            f"{name} cannot be read: {error}.", "values of its declared type."
        ) from error


def _check_range(proto: onnx.TensorProto, dtype: Any) -> None:
    """Whole numbers of few bits stand in 32 of them; onnx would wrap round what does not fit."""
    if dtype.kind in "iu" and dtype.itemsize < 4 and proto.int32_data:
        bounds, low, high = np.iinfo(dtype), min(proto.int32_data), max(proto.int32_data)
        if low < bounds.min or high > bounds.max:
            raise ImportedModelError(f"tensor {proto.name!r} of {dtype} with values from {low} to {high}.")


def _external(proto: onnx.TensorProto, length: int, folder: Path | None) -> bytes:
    """The bytes of a tensor that lie in another file, which must be in or below the model's folder."""
    name = f"tensor {proto.name!r}"
    told = {entry.key: entry.value for entry in proto.external_data}
    location = told.get("location", "")
    if folder is None:
        raise ImportedModelError(
            f"{name} lies in another file, {location!r}.",
            "a whole model.",
            "Give the path of the model's file.",
        )
    home = folder.resolve()
    try:
        place = (home / location).resolve()
        offset, size = int(told.get("offset", 0)), int(told.get("length", length))
    except (ValueError, OSError, RuntimeError) as error:
        raise ImportedModelError(f"{name} has a broken reference to its data: {told}.") from error
    if not location or Path(location).is_absolute() or not place.is_relative_to(home) or place == home:
        raise ImportedModelError(f"{name} lies in {location!r}.", "a file in the folder of the model.")
    if not place.is_file():
        raise ImportedModelError(
            f"{name} lies in {location!r}, which is missing.", "", "Put the file next to the model."
        )
    if size != length or offset < 0 or offset + length > place.stat().st_size:
        raise ImportedModelError(
            f"{name} takes {size} bytes from {offset} of {location!r}, which has {place.stat().st_size}.",
            f"{length} bytes.",
        )
    with place.open("rb") as file:
        file.seek(offset)
        return file.read(length)


def sparse(proto: onnx.SparseTensorProto, folder: Path | None) -> np.ndarray:
    """A sparse tensor, filled up with zeros."""
    values, places = tensor(proto.values, folder), tensor(proto.indices, folder)
    shape = tuple(proto.dims)
    name = f"sparse tensor {proto.values.name!r}"
    if min(shape, default=1) < 1 or math.prod(shape) > MOST_ELEMENTS:
        raise ImportedModelError(f"{name} of shape {shape}.", f"1 to {MOST_ELEMENTS} elements.")
    dense = np.zeros(math.prod(shape), values.dtype)
    fits = places.dtype == np.int64 and values.ndim == 1
    if fits and places.ndim == 2 and places.shape == (len(values), len(shape)):
        limits: Any = np.asarray(shape)
    elif fits and places.shape == values.shape:
        places, limits = places[:, None], np.asarray([dense.size])
    else:
        raise ImportedModelError(f"{name} with values {values.shape} and indices {places.shape}.")
    if places.size and (np.any(places < 0) or np.any(places >= limits)):
        raise ImportedModelError(f"{name} with indices outside its shape {shape}.")
    flat = places[:, 0] if len(limits) == 1 else np.ravel_multi_index(tuple(places.T), shape)
    dense[flat] = values
    return dense.reshape(shape)
