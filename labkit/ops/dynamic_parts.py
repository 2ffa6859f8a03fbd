"""Dealing rows to parts by a computed number, and putting parts together again; both of other operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labkit.core.convert import to_tensor, to_tensors
from labkit.core.scopes import name_scope
from labkit.core.tensor import Tensor
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.ops.boolean_mask import boolean_mask
from labkit.ops.broadcast import zeros
from labkit.ops.compare import equal
from labkit.ops.concat import concat
from labkit.ops.gather import gather
from labkit.ops.ranges import range as number_range
from labkit.ops.reduce import reduce_max
from labkit.ops.scatter import tensor_scatter_update
from labkit.ops.shape import reshape, shape


def dynamic_partition(data: Any, partitions: Any, num_partitions: int, name: str | None = None) -> list[Tensor]:
    """Deals the elements of `data` to `num_partitions` tensors: part i has those whose entry in `partitions` is i, in order.

    Args:
        data: any dtype, shape (*partitions.shape, *rest).
        partitions: int32 or int64; each from 0 to num_partitions - 1, else InvalidArgumentError in the run.
        num_partitions: a Python int from 1 on.

    Returns:
        Tensors of shape (number of elements, *rest), the first of which is known in the run.

    Raises:
        ShapeError: `data` does not begin with the shape of `partitions`.
        InvalidArgumentError: `num_partitions` is no whole number from 1 on.
    """
    if isinstance(num_partitions, bool) or not isinstance(num_partitions, int) or num_partitions < 1:
        raise InvalidArgumentError("num_partitions is a whole number from 1 on", received=repr(num_partitions))
    with name_scope(name or "DynamicPartition"):
        x, numbers = to_tensor(data), to_tensor(partitions)
        numbers = gather(number_range(num_partitions), numbers)  # the same; one that is out of range is an error
        if numbers.dims == ():  # one number deals the whole tensor
            x, numbers = reshape(x, concat([[1], shape(x)], 0)), reshape(numbers, [1])
        return [boolean_mask(x, equal(numbers, i)) for i in range(num_partitions)]


def dynamic_stitch(indices: Sequence[Any], data: Sequence[Any], name: str | None = None) -> Tensor:
    """Puts tensors together: row indices[m][i] of the result is data[m][i]. The opposite of `dynamic_partition`.

    Of several elements for one row the last stands, and has the gradient; rows that no index names are zero.

    Args:
        indices: int32 or int64 tensors, each from 0 on.
        data: tensors of one dtype, data[m] of shape (*indices[m].shape, *rest).

    Returns:
        Shape (largest index + 1, *rest), the first of which is known in the run.

    Raises:
        ShapeError: the lists have not the same length, or are empty; the ranks do not fit.
    """
    if len(indices) != len(data) or not indices:
        raise ShapeError(
            "dynamic_stitch takes as many data as indices, one at least", received=f"{len(indices)} and {len(data)}"
        )
    with name_scope(name or "DynamicStitch"):
        numbers, values = [to_tensor(i) for i in indices], to_tensors(*data)
        rows = [_flat(x, number) for x, number in zip(values, numbers, strict=True)]
        places, updates = concat([reshape(i, [-1]) for i in numbers], 0), concat(rows, 0)
        count = reduce_max(concat([places, [-1]], 0)) + 1
        whole = zeros(concat([reshape(count, [1]), shape(updates)[1:]], 0), updates.dtype)
        return tensor_scatter_update(whole, reshape(places, [-1, 1]), updates)


def _flat(x: Tensor, numbers: Tensor) -> Tensor:
    """The elements that belong to each number, one after the other."""
    if x.dims is None or numbers.dims is None:
        raise ShapeError("dynamic_stitch needs known ranks", received=f"{x!r} for {numbers!r}")
    if len(x.dims) < len(numbers.dims):
        raise ShapeError("data begins with the shape of its indices", received=f"{x!r} for {numbers!r}")
    return reshape(x, concat([[-1], shape(x)[len(numbers.dims) :]], 0))
