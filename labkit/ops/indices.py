"""What operations that are addressed by indices share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import OpContext
from labkit.core.shapes import Dims, compatible, merge, show
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, ShapeError
from labkit.ops.shape import reshape, shape, shape_tensor


def addressed(
    values: int | Sequence[int], indices: int | Sequence[int], allowed: Sequence[dt.DType]
) -> Callable[..., Any]:
    """Dtype rule: the inputs `values` have one dtype out of `allowed`, which is the output's; `indices` are int32 or int64."""
    value_places = [values] if isinstance(values, int) else values
    index_places = [indices] if isinstance(indices, int) else indices

    def rule(inputs: Sequence[dt.DType], attrs: Mapping[str, Any]) -> Sequence[dt.DType]:
        need_indices(inputs, index_places)
        first = inputs[value_places[0]]
        if first not in allowed or any(inputs[i] is not first for i in value_places):
            raise DTypeError(
                "",
                rule="The values have one common dtype out of " + ", ".join(d.name for d in allowed),
                received=", ".join(d.name for d in inputs),
                fix="Convert one of them with lk.cast.",
            )
        return [first]

    return rule


def need_indices(inputs: Sequence[dt.DType], places: Sequence[int]) -> None:
    """Raises DTypeError unless the inputs at `places` are int32 or int64."""
    if any(inputs[i] not in dt.INTS for i in places):
        raise DTypeError(
            "",
            rule="Indices are int32 or int64",
            received=", ".join(d.name for d in inputs),
            fix="Use lk.cast(indices, lk.int32).",
        )


def index_tensor(indices: Any, name: str | None = None) -> Tensor:
    """Indices as a tensor; an empty list, which has no dtype of its own, holds int32."""
    if isinstance(indices, list | tuple) and np.size(np.asarray(indices, object)) == 0:
        indices = np.asarray(indices, np.int32)
    return to_tensor(indices, name=name)


def number_tensor(value: Any) -> Tensor:
    """A count as an integer tensor: from an int, a tensor or a variable."""
    tensor = shape_tensor(value)
    return tensor if isinstance(value, Tensor) else reshape(tensor, ())


def whole_number(value: np.ndarray | None, what: str) -> int | None:
    """The number that an input's value asks for, None where it is not known.

    Raises:
        ShapeError: it is not one whole number from 0 on.
    """
    if value is None:
        return None
    if value.size != 1 or value.dtype.kind not in "iu" or int(value.reshape(())) < 0:
        raise ShapeError("", rule=f"{what} is one whole number from 0 on", received=str(value.tolist()))
    return int(value.reshape(()))


def addressed_rows(c: OpContext, indices: Dims, x: Dims) -> tuple[Dims, Dims]:
    """What an index whose last dimension addresses the first dimensions of x leaves: (dims of the list, dims of a row).

    Raises:
        ShapeError: the indices have no dimension, or more numbers than x has dimensions.
    """
    if indices is None:
        return None, None
    if not indices:
        raise ShapeError(
            "", rule="The last dimension of the indices is one index: there is at least one", received="()"
        )
    depth = indices[-1]
    if depth is None or x is None:
        return indices[:-1], None
    if depth > len(x):
        raise ShapeError(
            "",
            rule=f"An index has at most as many numbers as there are dimensions to address, {len(x)}",
            received=f"indices of shape {show(indices)} into {show(x)}",
        )
    return indices[:-1], x[depth:]


def joined(*parts: Dims) -> Dims:
    """The dims of all parts one after the other; unknown where one of them is."""
    result: tuple[int | None, ...] = ()
    for part in parts:
        if part is None:
            return None
        result += part
    return result


def need_same(actual: Dims, wanted: Dims, rule: str) -> Dims:
    """What is known of a shape that must fit both.

    Raises:
        ShapeError: no shape fits both.
    """
    if not compatible(actual, wanted):
        raise ShapeError("", rule=f"{rule} {show(wanted)}", received=show(actual))
    return merge(actual, wanted)


def first_dim(x: Tensor) -> Tensor:
    """The size of x's first dimension at run time: an int32 scalar, for x of unknown rank too."""
    return shape(x)[0]
