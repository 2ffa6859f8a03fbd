"""Tensors made of counting: ranges, grids, identity matrices, masks."""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import as_array, to_tensor, to_tensors
from labkit.core.opdef import NotDifferentiable, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, compatible, show
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, InvalidArgumentError, ShapeError
from labkit.ops.broadcast import broadcast_to
from labkit.ops.build import apply, scoped
from labkit.ops.compare import cast, equal, less
from labkit.ops.concat import concat
from labkit.ops.elementwise import maximum
from labkit.ops.reduce import reduce_max
from labkit.ops.rules import same_dtype
from labkit.ops.shape import expand_dims, reshape, shape_tensor, size


def _count(start: Any, limit: Any, delta: Any) -> int:
    """How many numbers start, start + delta, ... lie before limit.

    Raises:
        InvalidArgumentError: delta is 0, or a number is not finite.
    """
    numbers = [np.asarray(v).item() for v in (start, limit, delta)]
    first, last, step = numbers
    if step == 0 or not all(math.isfinite(v) for v in numbers):
        raise InvalidArgumentError(
            "", rule="A range has finite ends and a delta that is not 0", received=f"({first}, {last}, {step})"
        )
    if all(isinstance(v, int) for v in numbers):
        return max(0, -((first - last) // step))
    steps = (last - first) / step
    if not math.isfinite(steps):
        raise InvalidArgumentError("", rule="A range has finitely many numbers", received=f"({first}, {last}, {step})")
    return max(0, math.ceil(steps))


def _range_shape(c: OpContext) -> list[Dims]:
    if not all(compatible(dims, ()) for dims in c.dims):
        received = ", ".join(show(dims) for dims in c.dims)
        raise ShapeError("", rule="start, limit and delta are one number each", received=received)
    if any(value is None for value in c.values):
        return [(None,)]
    return [(_count(*c.values),)]


def _lower_range(c: OpContext) -> Any:
    start, _, delta = (np.asarray(v).item() for v in c.values)
    return ((), [start, delta]) if c.dtypes[0].is_floating else ([start, delta], ())


def _reference_range(start: Any, limit: Any, delta: Any) -> np.ndarray:
    try:
        count = _count(start, limit, delta)
    except InvalidArgumentError as error:
        raise ValueError(str(error)) from error
    if count > 1 << 20:
        raise ValueError("too large for a test")
    return start + np.arange(count) * delta


_RANGES: tuple[Any, ...] = (
    (np.int32, (0, 7, 1)),
    (np.int64, (5, -4, -3)),
    (np.int32, (3, 3, 1)),
    (np.int32, (0, 17, 2)),
    (np.float64, (0.0, 1.0, 0.125)),
    (np.float64, (2.0, -1.0, -0.5)),
    (np.float64, (1.0, 0.0, 0.5)),
)

register(
    OpDef(
        name="Range",
        inputs=("start", "limit", "delta"),
        value_inputs=(0, 1, 2),
        real_values=True,
        kernel="range",
        kernel_dtype="output",
        dtypes=same_dtype(dt.NUMERIC),
        shapes=_range_shape,
        lower=_lower_range,
        gradient=NotDifferentiable("the number of elements depends on the ends"),
        reference=_reference_range,
        samples=lambda rng: [Sample([np.asarray(v, dtype) for v in ends]) for dtype, ends in _RANGES],
        formula="y[i] = start + i delta for i from 0 to ⌈(limit - start) / delta⌉ - 1",
        doc="The numbers from start on, delta apart, that lie before limit; none when limit lies the other way.",
    )
)

_WIDER = (dt.uint8, dt.int32, dt.int64, dt.float32, dt.float64)


def _ends(values: Sequence[Any], dtype: Any) -> list[Tensor]:
    """Numbers in one dtype: the given one, that of the tensors among them, or the widest."""
    tensors = [to_tensor(v) for v in values if isinstance(v, Tensor) or hasattr(v, "as_tensor")]
    if dtype is not None:
        wanted = dt.as_dtype(dtype)
    elif tensors:
        wanted = tensors[0].dtype
    else:
        found = [as_array(v).dtype for v in values]
        wanted = max((dt.as_dtype(d) for d in found), key=lambda d: _WIDER.index(d) if d in _WIDER else -1)
    return [to_tensor(v, wanted) for v in values]


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = None) -> Tensor:
    """The numbers start, start + delta, ... that lie before limit, as np.arange; `range(n)` begins at 0.

    Args:
        start, limit, delta: numbers, or tensors without dimensions, which may be fed or computed.
        dtype: int32, int64, float32 or float64; default: that of the arguments.

    Raises:
        InvalidArgumentError: delta is 0, or a number is not finite.
        DTypeError: the arguments have different dtypes.
    """
    if limit is None:
        start, limit = 0, start
    return apply("Range", _ends([start, limit, delta], dtype), name=name or "range")


def linspace(start: Any, stop: Any, num: Any, name: str | None = None) -> Tensor:
    """`num` numbers from start to stop, both included, equally far apart; of one number, start.

    Differentiable in start and stop. Calculated in float64: start (1 - t) + stop t with t = i / (num - 1).

    Args:
        start, stop: floating numbers, or tensors without dimensions.
        num: a whole number, or an integer tensor without dimensions; from 0 down there are none.

    Raises:
        DTypeError: the ends are no floating numbers.
    """
    ends = _ends([start, stop], None)
    if not ends[0].dtype.is_floating:
        raise DTypeError(
            "lk.linspace got ends that are no floating numbers", received=ends[0].dtype.name, fix="Write 0.0 for 0."
        )
    with ends[0].graph.name_scope(name or "linspace"):
        count = to_tensor(num)
        steps = cast(maximum(count - 1, 1), dt.float64)
        t = cast(range(count), dt.float64) / steps
        first, last = (cast(x, dt.float64) for x in ends)
        return cast(first * (1 - t) + last * t, ends[0].dtype)


@scoped("eye")
def eye(
    num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = dt.float32, name: str | None = None
) -> Tensor:
    """An identity matrix: ones on the diagonal, zeros elsewhere.

    Args:
        num_rows, num_columns: whole numbers, or integer tensors without dimensions; default: a square.
        batch_shape: dimensions put in front, along which the matrix is repeated.
        dtype: any.

    Raises:
        DTypeError: the numbers are no integers.
    """
    rows = range(num_rows)
    columns = rows if num_columns is None else range(0, num_columns, dtype=rows.dtype)
    result = cast(equal(expand_dims(rows, 1), columns), dtype, name if batch_shape is None else None)
    if batch_shape is None:
        return result
    batch = cast(shape_tensor(batch_shape), dt.int64)
    ends = [reshape(size(x, out_type=dt.int64), [1]) for x in (rows, columns)]
    return broadcast_to(result, concat([batch, *ends], 0), name)


def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = dt.bool_, name: str | None = None) -> Tensor:
    """For each length a row of `maxlen` truth values, as many true ones as the length says.

    Args:
        lengths: int32 or int64, any shape.
        maxlen: a whole number or an integer tensor without dimensions; default: the largest length.

    Raises:
        DTypeError: the lengths are no integers.
    """
    counts = to_tensor(lengths)
    with counts.graph.name_scope(name or "SequenceMask"):
        most = reduce_max(counts) if maxlen is None else to_tensor(maxlen)
        return cast(less(range(cast(most, counts.dtype)), expand_dims(counts, -1)), dtype)


def meshgrid(*values: Any, indexing: str = "xy", name: str | None = None) -> list[Tensor]:
    """The coordinates of a grid, as np.meshgrid: for each vector a tensor in which it runs along its own axis.

    Args:
        values: vectors of one dtype; a number counts as a vector of one.
        indexing: "xy": the first runs along axis 1 and the second along axis 0; "ij": each along the axis of its place.

    Raises:
        InvalidArgumentError: the indexing is unknown.
    """
    if indexing not in ("xy", "ij"):
        raise InvalidArgumentError(
            "lk.meshgrid got an unknown indexing", rule="It is 'xy' or 'ij'", received=repr(indexing)
        )
    if not values:
        return []
    tensors = to_tensors(*values)
    rank = len(tensors)
    axes = list(builtins.range(rank))
    if indexing == "xy":
        axes[:2] = axes[:2][::-1]
    with tensors[0].graph.name_scope(name or "meshgrid"):
        dims = concat([reshape(size(tensors[axis], out_type=dt.int64), [1]) for axis in axes], 0)
        along = [
            reshape(x, [-1 if i == axis else 1 for i in builtins.range(rank)])
            for x, axis in zip(tensors, axes, strict=True)
        ]
        return [broadcast_to(x, dims) for x in along]
