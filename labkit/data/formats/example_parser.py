"""From the features of a tf.train.Example to tensors of given shapes and dtypes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from labkit.core.convert import as_array
from labkit.core.dtypes import string
from labkit.core.shapes import show
from labkit.data.formats.example import Values, read_example
from labkit.data.spec import TensorSpec
from labkit.errors import DataError, InvalidArgumentError, LabkitError
from labkit.near import quoted_near_names


def parse_example(
    serialized: bytes, features: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The tensors of a serialized tf.train.Example.

        row = lk.data.parse_example(record, {"image": TensorSpec((28, 28), "uint8"), "label": TensorSpec((), "int64")})

    Args:
        serialized: the bytes of one.
        features: by name the TensorSpec of what the feature becomes. One size may be None: it follows from the number of
            values. Numbers are converted where every one survives. A feature that holds one value of bytes becomes numbers
            as tf.io.decode_raw has it, little-endian; text is the bytes.
        defaults: by name what stands for a feature that is missing. Without one that is an error; where a size is None there
            are no values then.

    Returns:
        A dict of arrays, scalars and bytes: an element of a pipeline.

    Raises:
        DataError: the bytes are no Example, a feature is missing, or is none of its spec.
        InvalidArgumentError: `features` is no dict of specs.
    """
    return Parser(features, defaults)(serialized)


class Parser:
    """Makes elements of Examples; see `parse_example`."""

    def __init__(self, features: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> None:
        good = isinstance(features, Mapping) and all(_fits(name, spec) for name, spec in features.items())
        if not good or not features:
            raise InvalidArgumentError(
                "features says what the features of an Example become",
                rule="It is a dict of TensorSpecs by name; the rank is known, and all sizes but one",
                received=repr(features)[:100],
                fix='For example {"image": lk.data.TensorSpec((28, 28), "uint8"), "label": lk.data.TensorSpec((), "int64")}.',
            )
        self.features: dict[str, TensorSpec] = dict(features)
        self.defaults = {name: self._default(name, value) for name, value in (defaults or {}).items()}

    def _default(self, name: str, value: Any) -> Any:
        if name not in self.features:
            raise InvalidArgumentError(f"There is a default for {name!r}, but no such feature")
        spec = self.features[name]
        array, sizes = as_array(value, spec.dtype), [n or 1 for n in spec.dims or ()]
        if array.ndim == len(sizes) and all(m in (None, n) for m, n in zip(spec.dims or (), array.shape, strict=True)):
            return array[()]
        if array.size == 1:
            return np.broadcast_to(array.reshape(()), sizes).copy()[()]
        raise InvalidArgumentError(
            f"The default of {name!r} has another shape", rule=f"It is {spec}", received=show(array.shape)
        )

    def __call__(self, serialized: bytes) -> dict[str, Any]:
        """The element of a serialized Example.

        Raises:
            DataError: it is none, or not as the specs say.
        """
        held = read_example(serialized)
        return {name: self._tensor(name, spec, held) for name, spec in self.features.items()}

    def _tensor(self, name: str, spec: TensorSpec, held: dict[str, Values]) -> Any:
        dims, values = spec.dims or (), held.get(name)
        if values is None:
            if name in self.defaults:
                default = self.defaults[name]
                return default.copy() if isinstance(default, np.ndarray) else default
            if None not in dims:
                near = quoted_near_names(name, list(held))
                raise DataError(
                    f"The Example has no feature {name!r}" + (f"; did you mean {near}?" if near else ""),
                    rule="Without a default every feature of a fixed shape is there",
                    received=f"features {', '.join(map(repr, list(held)[:20]))}"[:200],
                    fix="Say with defaults what stands for a missing one.",
                )
            values = []
        try:
            flat = _converted(values, spec)
        except LabkitError as error:
            raise DataError(
                f"Feature {name!r} is no {spec.dtype.name}", rule=f"It becomes {spec}", received=str(error)
            ) from None
        known = math.prod(n for n in dims if n is not None)
        sizes = [len(flat) // max(known, 1) if n is None else n for n in dims]
        if math.prod(sizes) != len(flat):
            raise DataError(
                f"Feature {name!r} has another number of values",
                rule=f"It becomes {spec}",
                received=f"{len(flat)} values",
            )
        return flat.reshape(sizes)[()]


def _fits(name: Any, spec: Any) -> bool:
    known = isinstance(spec, TensorSpec) and spec.dims is not None and spec.dims.count(None) <= 1
    return isinstance(name, str) and known


def _converted(values: Values, spec: TensorSpec) -> np.ndarray:
    """The values as an array [n] of the spec's dtype.

    Raises:
        LabkitError: one does not survive.
    """
    if isinstance(values, np.ndarray) or (spec.dtype is string and values):
        return as_array(values, spec.dtype)
    if not values:
        return np.empty(0, spec.dtype.numpy)
    size = spec.dtype.size
    if len(values) > 1 or len(values[0]) % size:
        raise DataError(
            f"numbers are made of one value of bytes that holds {size} for each",
            received=f"{len(values)} values, of {len(values[0])} bytes the first",
        )
    if spec.dtype.numpy.kind == "b":
        return np.frombuffer(values[0], np.uint8) != 0
    return np.frombuffer(values[0], spec.dtype.numpy.newbyteorder("<")).astype(spec.dtype.numpy)
