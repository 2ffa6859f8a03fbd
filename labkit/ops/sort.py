"""Order: sorting, the largest k, searching in what is sorted."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor, to_tensors
from labkit.core.opdef import Attr, NotDifferentiable, OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, normal_axes, show
from labkit.core.tensor import Tensor
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.ops.build import apply, known_rank
from labkit.ops.indices import joined, need_indices, need_same, number_tensor, whole_number
from labkit.ops.rules import same_dtype
from labkit.ops.transpose import transpose

_NAN = "NaN counts as larger than every other number, and -0 as equal to 0."


class TopK(NamedTuple):
    """What `lk.top_k` gives: the values, and where they were."""

    values: Tensor
    indices: Tensor


def _row_length(dims: Dims) -> int | None:
    """The size of the last dimension.

    Raises:
        ShapeError: there is none, or its places do not fit into int32.
    """
    if dims is None:
        return None
    if not dims:
        raise ShapeError("", rule="There is at least one dimension: what is sorted", received="()")
    if dims[-1] is not None and dims[-1] >= 2**31:
        raise ShapeError("", rule="Places are int32: fewer than 2**31 elements are sorted", received=show(dims))
    return dims[-1]


def _order(x: np.ndarray, descending: bool) -> np.ndarray:
    if not descending:
        return np.argsort(x, axis=-1, kind="stable")
    return x.shape[-1] - 1 - np.argsort(x[..., ::-1], axis=-1, kind="stable")[..., ::-1]


def _with_places(inputs: Any, attrs: Any) -> list[dt.DType]:
    return [*same_dtype(dt.ALL, 1)(inputs, attrs), dt.int32]


def _back_to_places(op: Operation, g: Tensor | None, _: Any = None) -> list[Tensor | None]:
    x, *rest = op.inputs
    places = {"axis": -1, "batch_dims": -1}
    return [None if g is None else apply("GatherGrad", [g, op.outputs[1], x], places), *(None for _ in rest)]


def _sorted_shape(c: OpContext) -> list[Dims]:
    _row_length(c.dims[0])
    return [c.dims[0], c.dims[0]]


def _reference_sort(x: np.ndarray, descending: bool) -> tuple[np.ndarray, np.ndarray]:
    order = _order(x, descending)
    return np.take_along_axis(x, order, -1), order


register(
    OpDef(
        name="Sort",
        inputs=("x",),
        outputs=("values", "indices"),
        attrs={"descending": Attr("bool", False)},
        kernel="sort",
        dtypes=_with_places,
        shapes=_sorted_shape,
        gradient=_back_to_places,
        formula="values[..., i] = x[..., indices[..., i]] <= values[..., i + 1]",
        reference=_reference_sort,
        samples=lambda rng: [
            Sample([rng.permutation(int(np.prod(dims))).reshape(dims) * 0.5 - 3], {"descending": descending})
            for dims, descending in (
                ((7,), False),
                ((3, 17), True),
                ((2, 1, 33), False),
                ((4, 0), True),
                ((2, 70), True),
            )
        ],
        doc="The elements of each row, the last dimension, in order, and where they were; equal ones keep their order. "
        + _NAN,
    )
)


def _top_k_shape(c: OpContext) -> list[Dims]:
    length, k = _row_length(c.dims[0]), whole_number(c.values[1], "k")
    if length is not None and k is not None and k > length:
        raise ShapeError("", rule=f"k is at most the number of elements of a row, {length}", received=str(k))
    dims = None if c.dims[0] is None else (*c.dims[0][:-1], k)
    return [dims, dims]


def _top_k_dtypes(inputs: Any, attrs: Any) -> list[dt.DType]:
    need_indices(inputs, (1,))
    return _with_places(inputs[:1], attrs)


register(
    OpDef(
        name="TopKV2",
        inputs=("x", "k"),
        outputs=("values", "indices"),
        value_inputs=(1,),
        attrs={"sorted": Attr("bool", True)},
        kernel="top_k",
        dtypes=_top_k_dtypes,
        shapes=_top_k_shape,
        lower=lambda c: ((), ()),
        gradient=_back_to_places,
        formula="values, indices = the first k of Sort(x, descending)",
        reference=lambda x, k, sorted: tuple(part[..., : int(k)] for part in _reference_sort(x, True)),
        samples=lambda rng: [
            Sample(
                [rng.permutation(int(np.prod(dims))).reshape(dims) * 0.5 - 3, np.asarray(k, np.int32)], {"sorted": s}
            )
            for dims, k, s in (((7,), 3, True), ((3, 17), 17, True), ((2, 2, 33), 1, False), ((2, 5), 0, True))
        ],
        doc="The k largest elements of each row, the last dimension, the largest first, and where they were; of equal ones the "
        "first. `sorted` says that the order matters; it is the same either way. " + _NAN,
    )
)


def _searched_shape(c: OpContext) -> list[Dims]:
    rows, values = c.dims
    _row_length(rows)
    _row_length(values)
    if rows is None or values is None:
        return [values]
    return [joined(need_same(values[:-1], rows[:-1], "There are as many rows of values as sorted ones,"), values[-1:])]


def _reference_search(rows: np.ndarray, values: np.ndarray, right: bool) -> np.ndarray:
    if (rows[..., 1:] < rows[..., :-1]).any():
        raise IndexError("not sorted")
    before = np.less_equal if right else np.less
    return before(rows[..., None, :], values[..., :, None]).sum(axis=-1)


def _search_dtypes(inputs: Any, attrs: Any) -> list[dt.DType]:
    same_dtype((*dt.NUMERIC, dt.uint8))(inputs, attrs)
    return [dt.int32]


def _search_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample(
            [np.sort(rng.integers(0, 20, size=dims), axis=-1) * 0.5, rng.integers(-1, 22, size=wanted) * 0.5],
            {"right": right},
        )
        for dims, wanted, right in (((17,), (5,), False), ((3, 33), (3, 8), True), ((2, 0), (2, 1), False))
    ]


register(
    OpDef(
        name="SearchSorted",
        inputs=("sorted_sequence", "values"),
        outputs=("indices",),
        attrs={"right": Attr("bool", False)},
        kernel="searchsorted",
        dtypes=_search_dtypes,
        shapes=_searched_shape,
        gradient=NotDifferentiable("an index does not change smoothly"),
        formula="indices[..., i] = how many of sorted_sequence[..., :] are < values[..., i] (right: <=)",
        reference=_reference_search,
        samples=_search_samples,
        doc="Where in a sorted row each value would go so that the row stays sorted: before its equals, or with `right` after "
        "them. " + _NAN,
    )
)


# --- functions --------------------------------------------------------------------------------------------------------


def _sorted(x: Any, axis: int, direction: str, name: str | None) -> tuple[Tensor, ...]:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise InvalidArgumentError(
            "There is no such direction", rule="It is 'ASCENDING' or 'DESCENDING'", received=repr(direction)
        )
    tensor = to_tensor(x)
    attrs = {"descending": direction == "DESCENDING"}
    if axis == -1:
        return tensor.graph.apply("Sort", [tensor], attrs, name).outputs
    rank = known_rank(tensor, "Sorting along another axis than the last")
    (place,) = normal_axes((axis,), rank)
    perm = list(range(rank))
    perm[place], perm[-1] = perm[-1], perm[place]
    results = tensor.graph.apply("Sort", [transpose(tensor, perm)], attrs, name).outputs
    return tuple(transpose(y, perm) for y in results)


def sort(values: Any, axis: int = -1, direction: str = "ASCENDING", name: str | None = None) -> Tensor:
    """The elements along an axis in order; any dtype. NaN counts as larger than every other number.

    Args:
        direction: "ASCENDING" or "DESCENDING".

    Raises:
        ShapeError: there is no such axis.
        InvalidArgumentError: there is no such direction.
    """
    return _sorted(values, axis, direction, name or "sort")[0]


def argsort(
    values: Any, axis: int = -1, direction: str = "ASCENDING", stable: bool = True, name: str | None = None
) -> Tensor:
    """Where along an axis the elements are that `lk.sort` puts in order; int32. Equal ones keep their order, always.

    Args and errors as of `lk.sort`; `stable` is TensorFlow's and changes nothing.
    """
    return _sorted(values, axis, direction, name or "argsort")[1]


def top_k(input: Any, k: Any = 1, sorted: bool = True, name: str | None = None) -> TopK:
    """The k largest elements along the last dimension, the largest first, and their indices.

    Args:
        input: any dtype, at least one dimension.
        k: an int, or an integer scalar; at most the size of the last dimension.
        sorted: TensorFlow's; the result is in order either way.

    Returns:
        (values, indices), of input's shape with k in the last place; indices are int32. Of equal elements the first
        comes first; NaN counts as larger than every other number.

    Raises:
        ShapeError: k is negative or too large.
    """
    tensor = to_tensor(input)
    return TopK(*tensor.graph.apply("TopKV2", [tensor, number_tensor(k)], {"sorted": sorted}, name).outputs)


def searchsorted(sorted_sequence: Any, values: Any, side: str = "left", name: str | None = None) -> Tensor:
    """Where in a sorted row each value would go so that the row stays sorted; int32.

    Args:
        sorted_sequence: shape (..., n), each row in ascending order.
        values: shape (..., m), of the same dtype, with the same first dimensions.
        side: "left": before equal elements; "right": after them.

    Raises:
        ShapeError, DTypeError: the operands do not fit.
        InvalidArgumentError: there is no such side.
    """
    if side not in ("left", "right"):
        raise InvalidArgumentError("searchsorted has no such side", rule="It is 'left' or 'right'", received=repr(side))
    return apply("SearchSorted", to_tensors(sorted_sequence, values), {"right": side == "right"}, name)
