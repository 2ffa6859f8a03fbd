"""Counting: how often numbers occur, and how labels and predictions meet."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, NotDifferentiable, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims
from labkit.core.tensor import Tensor
from labkit.errors import InvalidArgumentError
from labkit.ops.broadcast import ones_like
from labkit.ops.build import apply, scoped
from labkit.ops.compare import cast
from labkit.ops.concat import stack
from labkit.ops.elementwise import maximum, minimum
from labkit.ops.indices import addressed, index_tensor, need_indices, need_same, whole_number
from labkit.ops.rules import need_rank
from labkit.ops.shape import reshape

_COUNT = NotDifferentiable("a count does not change smoothly")


def _same_as_input(inputs: Any, attrs: Any) -> list[dt.DType]:
    need_indices(inputs, (0,))
    return [inputs[0]]


def _reference_size(values: np.ndarray) -> np.ndarray:
    if (values < 0).any():
        raise InvalidArgumentError("", rule="What is counted is not negative", received=str(values.min()))
    return np.max(values, initial=-1) + 1


register(
    OpDef(
        name="BincountSize",
        inputs=("values",),
        outputs=("size",),
        kernel="bincount_size",
        dtypes=_same_as_input,
        shapes=lambda c: [()],
        gradient=_COUNT,
        refuses="What is counted is not negative",
        formula="size = max(values) + 1",
        reference=_reference_size,
        samples=lambda rng: [
            Sample([np.asarray(v, d)])
            for v, d in (([3, 0, 7], np.int32), ([[5], [1]], np.int64), ([], np.int32), (4, np.int32))
        ],
        doc="One more than the largest of whole numbers, 0 where there is none. A negative one is an error when run.",
    )
)


def _counts_shape(c: OpContext) -> list[Dims]:
    return [(whole_number(c.values[-1], "The number of counts"),)]


def _bincount_dtypes(inputs: Any, attrs: Any) -> list[dt.DType]:
    need_indices(inputs, (0, 1))
    return [attrs["dtype"]]


def _reference_bincount(values: np.ndarray, size: Any, dtype: dt.DType) -> np.ndarray:
    if (values < 0).any():
        raise IndexError("negative")
    return np.bincount(values[values < size].reshape(-1), minlength=int(size))


register(
    OpDef(
        name="Bincount",
        inputs=("values", "size"),
        outputs=("counts",),
        value_inputs=(1,),
        attrs={"dtype": Attr("dtype", dt.int32, choices=dt.INTS)},
        kernel="bincount",
        kernel_dtype="output",
        lower=lambda c: ((), ()),
        dtypes=_bincount_dtypes,
        shapes=_counts_shape,
        gradient=_COUNT,
        formula="counts[i] = how many of values are i, for i < size",
        reference=_reference_bincount,
        samples=lambda rng: [
            Sample([rng.integers(0, 9, size=dims).astype(d), np.asarray(size, d)], {"dtype": dtype})
            for dims, d, size, dtype in (
                ((17,), np.int32, 9, dt.int32),
                ((3, 7), np.int64, 5, dt.int64),
                ((0,), np.int32, 3, dt.int32),
            )
        ],
        doc="How often each whole number from 0 on occurs; larger ones than are counted are left out. A negative one is an "
        "error when run.",
    )
)


def _weighted_shape(c: OpContext) -> list[Dims]:
    need_same(c.dims[0], c.dims[1], "There is one weight for each number: the weights have the shape")
    return _counts_shape(c)


def _reference_weighted(weights: np.ndarray, values: np.ndarray, size: Any) -> np.ndarray:
    if (values < 0).any():
        raise IndexError("negative")
    sums = np.zeros(int(size), weights.dtype)
    np.add.at(sums, values[values < size], weights[values < size])
    return sums


register(
    OpDef(
        name="WeightedBincount",
        inputs=("weights", "values", "size"),
        outputs=("sums",),
        value_inputs=(2,),
        kernel="weighted_bincount",
        dtypes=addressed(0, (1, 2), dt.NUMERIC),
        shapes=_weighted_shape,
        # What is left out has no row to take a gradient from: one of zeros is put there.
        gradient=lambda op, g: [apply("GatherOrZeros", [g, _kept(op.inputs[1], op.inputs[2])]), None, None],
        formula="sums[i] = sum over k with values[k] = i of weights[k], for i < size",
        reference=_reference_weighted,
        samples=lambda rng: [
            Sample([rng.normal(size=dims) * 9, rng.integers(0, 9, size=dims).astype(d), np.asarray(size, d)])
            for dims, d, size in (((17,), np.int32, 9), ((3, 7), np.int64, 5), ((0,), np.int32, 3))
        ],
        doc="The sum of the weights of each whole number from 0 on, added in order of position; larger numbers than are "
        "counted are left out. A negative one is an error when run.",
    )
)


def _kept(values: Tensor, size: Tensor) -> Tensor:
    """The numbers below `size`; -1 for the others."""
    below = cast(apply("Less", [values, cast(size, values.dtype)]), values.dtype)
    return (values + 1) * below - 1


@scoped("bincount")
def bincount(
    arr: Any,
    weights: Any = None,
    minlength: Any = None,
    maxlength: Any = None,
    dtype: Any = dt.int32,
    name: str | None = None,
) -> Tensor:
    """How often each whole number from 0 on occurs, or the sum of its weights.

    Args:
        arr: int32 or int64, any shape, not negative.
        weights: of arr's shape; float32, float64, int32 or int64; the result has their dtype.
        minlength, maxlength: bounds of the result's length, which is otherwise max(arr) + 1; an int or an integer scalar.
            Numbers from maxlength on are left out.
        dtype: int32 or int64, of the counts.

    Raises:
        DTypeError, ShapeError: the operands do not fit.
        InvalidArgumentError: when run, a number is negative.
    """
    values = index_tensor(arr)
    size = apply("BincountSize", [cast(values, dt.int64)])  # one more than the largest int32 is none
    if minlength is not None:
        size = maximum(size, cast(index_tensor(minlength), dt.int64))
    if maxlength is not None:
        size = minimum(size, cast(index_tensor(maxlength), dt.int64))
    if weights is None:
        return apply("Bincount", [values, size], {"dtype": dtype}, name)
    return apply("WeightedBincount", [to_tensor(weights), values, size], name=name)


@scoped("confusion_matrix")
def confusion_matrix(
    labels: Any,
    predictions: Any,
    num_classes: Any = None,
    weights: Any = None,
    dtype: Any = dt.int32,
    name: str | None = None,
) -> Tensor:
    """How often each pair of label (row) and prediction (column) occurs.

    Args:
        labels, predictions: int32 or int64, shape (n,), each from 0 to num_classes - 1.
        num_classes: an int or an integer scalar; default: one more than the largest of both.
        weights: shape (n,): what each pair counts; the result has their dtype.
        dtype: float32, float64, int32 or int64, of the counts where there are no weights.

    Raises:
        DTypeError, ShapeError: the operands do not fit.
        InvalidArgumentError: when run, a label or prediction is out of range.
    """
    rows, columns = cast(index_tensor(labels), dt.int64), cast(index_tensor(predictions), dt.int64)
    if num_classes is None:
        size = maximum(apply("BincountSize", [rows]), apply("BincountSize", [columns]))
    else:
        size = cast(index_tensor(num_classes), dt.int64)
    counted = cast(ones_like(rows), dtype) if weights is None else to_tensor(weights)
    shape = stack([reshape(size, ()), reshape(size, ())])
    return apply("ScatterNd", [stack([rows, columns], -1), counted, shape], name=name)


def _in_top_k_shape(c: OpContext) -> list[Dims]:
    rows, _ = need_rank(c, 0, 2, "predictions")
    (count,) = need_rank(c, 1, 1, "targets")
    return [need_same((count,), (rows,), "There is a target for each row of predictions: targets have the shape")]


def _in_top_k_dtypes(inputs: Any, attrs: Any) -> list[dt.DType]:
    addressed(0, 1, dt.FLOATS)(inputs, attrs)
    return [dt.bool_]


def _reference_in_top_k(x: np.ndarray, targets: np.ndarray, k: int) -> np.ndarray:
    if (targets < 0).any():
        raise IndexError("negative")
    target = x[np.arange(len(x)), targets]
    return ((x > target[:, None]).sum(axis=1) < k) & np.isfinite(x).all(axis=1)


register(
    OpDef(
        name="InTopK",
        inputs=("predictions", "targets"),
        outputs=("precision",),
        attrs={"k": Attr("int", 1, low=0)},
        kernel="in_top_k",
        dtypes=_in_top_k_dtypes,
        shapes=_in_top_k_shape,
        gradient=NotDifferentiable("a truth value does not change smoothly"),
        formula="fewer than k of predictions[i, :] are > predictions[i, targets[i]]",
        reference=_reference_in_top_k,
        samples=lambda rng: [
            Sample([rng.normal(size=dims), rng.integers(0, dims[1], size=dims[0]).astype(d)], {"k": k})
            for dims, d, k in (((7, 3), np.int32, 1), ((5, 17), np.int64, 4), ((4, 33), np.int32, 40))
        ],
        doc="Whether each target is among the k classes with the largest predictions; classes that tie with it count for it. A "
        "row that holds a NaN or an infinity gives false. A target out of range is an error when run.",
    )
)


@scoped("in_top_k")
def in_top_k(predictions: Any, targets: Any, k: int = 1, name: str | None = None) -> Tensor:
    """Whether each target is among the k classes with the largest predictions; bool.

    Args:
        predictions: float32 or float64, shape (n, classes).
        targets: int32 or int64, shape (n,).
        k: how many classes count. Classes that tie with the target count for it.

    Raises:
        DTypeError, ShapeError: the operands do not fit.
        InvalidArgumentError: when run, a target is out of range.
    """
    return apply("InTopK", [to_tensor(predictions), index_tensor(targets)], {"k": k}, "InTopKV2")
