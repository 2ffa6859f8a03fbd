"""Tensors side by side along an axis, and taken apart again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor, to_tensors
from labkit.core.opdef import ALIAS, Attr, OpContext, OpDef, Sample, register, whole
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, compatible, merge, normal_axes, show
from labkit.core.tensor import OPERATORS, Tensor
from labkit.errors import DTypeError, ShapeError
from labkit.ops.broadcast import zeros_like
from labkit.ops.build import apply, list_of, scoped
from labkit.ops.rules import same_dtype
from labkit.ops.shape import expand_dims, reshape, shape, squeeze

_MOST_PARTS = 1 << 16  # each is a tensor of the graph


def _axis(c: OpContext, rank: int) -> int:
    return normal_axes([c.attrs["axis"]], rank)[0]


def _lower_axis(c: OpContext) -> Any:
    return [_axis(c, len(c.dims[0] or ()))], ()


# --- concat ---


def _concat_shape(c: OpContext) -> list[Dims]:
    known = [dims for dims in c.dims if dims is not None]
    if not known:
        return [None]
    rank = len(known[0])
    if not rank:
        raise ShapeError("", rule="Tensors without dimensions have no axis to stand along", fix="Use lk.stack.")
    axis = _axis(c, rank)
    result: Dims = (None,) * rank
    for dims in known:
        others = None if len(dims) != rank else (*dims[:axis], None, *dims[axis + 1 :])
        if others is None or not compatible(result, others):
            raise ShapeError(
                "",
                rule=f"Tensors side by side have the same size in every dimension but axis {axis}",
                received=" and ".join(show(dims) for dims in c.dims),
            )
        result = merge(result, others)
    lengths = [None if dims is None else dims[axis] for dims in c.dims]
    total = None if None in lengths else sum(lengths)  # type: ignore[arg-type]
    return [(*result[:axis], total, *result[axis + 1 :])]  # type: ignore[index]


def _concat_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    axis = op.attrs["axis"]
    lengths = [None if x.dims is None else x.dims[axis] for x in op.inputs]
    if None in lengths:
        sizes = concat([reshape(shape(x)[axis], [1]) for x in op.inputs], 0)
    else:
        sizes = to_tensor(np.asarray(lengths, np.int64))
    return list(g.graph.apply("SplitV", [g, sizes], {"axis": axis, "num": len(op.inputs)}).outputs)


def _concat_samples(rng: np.random.Generator) -> list[Sample]:
    cases = (
        ([(3,), (4,)], 0),
        ([(2, 3), (1, 3), (17, 3)], 0),
        ([(2, 1, 3), (2, 7, 3), (2, 0, 3)], 1),
        ([(2, 3, 1), (2, 3, 1), (2, 3, 1)], -1),
        ([(2, 3)], -2),
    )
    return [Sample([rng.normal(size=dims) for dims in shapes], {"axis": axis}) for shapes, axis in cases]


register(
    OpDef(
        name="Concat",
        inputs=("*values",),
        attrs={"axis": Attr("int")},
        kernel="concat",
        dtypes=same_dtype(dt.ANY),
        shapes=_concat_shape,
        lower=lambda c: ALIAS if len(c.dims) == 1 else _lower_axis(c),
        gradient=_concat_gradient,
        reference=lambda *values, axis: np.concatenate(values, axis),
        samples=_concat_samples,
        formula="y = [x₁ x₂ ... xₙ] along the axis",
        text=True,
        doc="Tensors side by side along an existing axis; all other dimensions are equal.",
    )
)

# --- split ---


def _along(dims: Dims, axis: int, lengths: Sequence[int | None]) -> list[Dims]:
    """The dims of parts of a tensor."""
    return [None if dims is None else (*dims[:axis], n, *dims[axis + 1 :]) for n in lengths]


def _split_axis(c: OpContext) -> tuple[int, int | None]:
    """The axis from the front, and its length; 0 and None while the rank is unknown."""
    dims = c.dims[0]
    if dims is None:
        return 0, None
    if not dims:
        raise ShapeError("", rule="A tensor without dimensions cannot be split", received=show(dims))
    axis = _axis(c, len(dims))
    return axis, dims[axis]


def _split_shape(c: OpContext) -> list[Dims]:
    num, (axis, total) = c.attrs["num"], _split_axis(c)
    if total is not None and total % num:
        raise ShapeError(
            "",
            rule=f"Axis {axis} is cut into {num} equal parts",
            received=show(c.dims[0]),
            fix="Give the parts' sizes: lk.split(value, [size, ...], axis).",
        )
    return _along(c.dims[0], axis, [None if total is None else total // num] * num)


def _split_sizes_shape(c: OpContext) -> list[Dims]:
    num, (axis, total), sizes = c.attrs["num"], _split_axis(c), c.values[1]
    if not compatible(c.dims[1], (num,)):
        raise ShapeError("", rule=f"There is one size for each of the {num} parts", received=show(c.dims[1]))
    if sizes is None:
        return _along(c.dims[0], axis, [None] * num)
    lengths: list[int | None] = [None if n == -1 else int(n) for n in sizes]
    known = sum(n for n in lengths if n is not None)
    rest = None if total is None else total - known
    wrong = any(n is not None and n < 0 for n in lengths) or lengths.count(None) > 1
    if wrong or (rest is not None and (rest < 0 or (rest > 0 and None not in lengths))):
        raise ShapeError(
            "",
            rule=f"The sizes add up to the length of axis {axis}; one of them may be -1 and is the rest",
            received=f"sizes {sizes.tolist()} of {show(c.dims[0])}",
        )
    return _along(c.dims[0], axis, [rest if n is None else n for n in lengths])


def _split_gradient(op: Operation, *grads: Tensor | None) -> list[Tensor | None]:
    parts = [zeros_like(y) if g is None else g for y, g in zip(op.outputs, grads, strict=True)]
    return [concat(parts, op.attrs["axis"]), *[None] * (len(op.inputs) - 1)]


def _reference_split(x: np.ndarray, sizes: Any, num: int, axis: int) -> tuple[np.ndarray, ...]:
    rest = x.shape[axis] - sum(n for n in sizes if n >= 0)
    ends = np.cumsum([rest if n < 0 else n for n in sizes])
    return tuple(np.split(x, ends[:-1], axis))


_SPLIT: dict[str, Any] = {
    "attrs": {"num": Attr("int", low=1, high=_MOST_PARTS), "axis": Attr("int")},
    "kernel": "split",
    "outputs": ("*parts",),
    "lower": _lower_axis,
    "gradient": _split_gradient,
    "formula": "[y₁ y₂ ... yₙ] = x along the axis",
}
register(
    OpDef(
        name="Split",
        inputs=("x",),
        dtypes=lambda inputs, attrs: [inputs[0]] * attrs["num"],
        shapes=_split_shape,
        reference=lambda x, num, axis: tuple(np.split(x, num, axis)),
        samples=lambda rng: [
            Sample([rng.normal(size=dims)], {"num": num, "axis": axis})
            for dims, num, axis in (((6,), 3, 0), ((4, 3), 1, 1), ((2, 34, 3), 2, -2), ((5, 3, 3), 3, 2))
        ],
        doc="x cut along an axis into equal parts.",
        **_SPLIT,
    )
)


def _sizes_dtypes(inputs: Sequence[dt.DType], attrs: Any) -> list[dt.DType]:
    if inputs[1] not in dt.INTS:
        raise DTypeError("", rule="Sizes are int32 or int64", received=inputs[1].name)
    return [inputs[0]] * attrs["num"]


register(
    OpDef(
        name="SplitV",
        inputs=("x", "sizes"),
        value_inputs=(1,),
        dtypes=_sizes_dtypes,
        shapes=_split_sizes_shape,
        reference=_reference_split,
        samples=lambda rng: [
            Sample([rng.normal(size=dims), np.asarray(sizes, np.int32)], {"num": len(sizes), "axis": axis})
            for dims, sizes, axis in (((6,), (1, 5), 0), ((4, 3), (-1, 0, 1), 0), ((2, 17), (16, 1), -1))
        ],
        doc="x cut along an axis into parts of the given sizes; one size may be -1 and is the rest.",
        **_SPLIT,
    )
)

# --- the functions ---


def concat(values: Any, axis: int, name: str | None = None) -> Tensor:
    """Tensors side by side along an existing axis, as np.concatenate.

    Args:
        values: a list of tensors (or arrays, lists) of one dtype, equal in every dimension but `axis`.
        axis: from -rank to rank - 1.

    Raises:
        InvalidArgumentError: there are no values.
        ShapeError: the shapes do not fit, or there is no such axis.
        DTypeError: the dtypes differ.
    """
    return apply("Concat", to_tensors(*list_of(values, "lk.concat")), {"axis": axis}, name or "concat")


@scoped("stack")
def stack(values: Any, axis: int = 0, name: str | None = None) -> Tensor:
    """Tensors of one shape, stacked along a new axis of the result, as np.stack.

    Raises:
        InvalidArgumentError: there are no values.
        ShapeError: the shapes differ, or there is no such axis.
        DTypeError: the dtypes differ.
    """
    tensors = to_tensors(*list_of(values, "lk.stack"))
    merged: Dims = None
    for x in tensors:
        if not compatible(merged, x.dims):
            raise ShapeError(
                "lk.stack got tensors of different shapes", received=" and ".join(show(t.dims) for t in tensors)
            )
        merged = merge(merged, x.dims)
    return concat([expand_dims(x, axis) for x in tensors], axis, name)


def split(value: Any, num_or_size_splits: Any, axis: int = 0, name: str | None = None) -> list[Tensor]:
    """The parts of a tensor along an axis.

    Args:
        num_or_size_splits: how many equal parts, or a list of their sizes (whole numbers, one of which may be -1 for the
            rest; or an int32 or int64 tensor whose length is known).

    Raises:
        ShapeError: the axis cannot be cut like this.
        InvalidArgumentError: the number of parts is below 1.
    """
    x = to_tensor(value)
    if not isinstance(num_or_size_splits, Tensor) and not hasattr(num_or_size_splits, "__iter__"):
        attrs = {"num": num_or_size_splits, "axis": axis}
        return list(x.graph.apply("Split", [x], attrs, name or "split").outputs)
    sizes = to_tensor(num_or_size_splits)
    if sizes.dims is None or len(sizes.dims) != 1 or sizes.dims[0] is None:
        raise ShapeError(
            "lk.split must know how many parts there are",
            rule="Sizes are a list, or a tensor with one dimension of known length",
            received=repr(sizes),
        )
    attrs = {"num": sizes.dims[0], "axis": axis}
    return list(x.graph.apply("SplitV", [x, sizes], attrs, name or "split").outputs)


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str | None = None) -> list[Tensor]:
    """The tensors that stand along an axis, each without it: the reverse of stack.

    Args:
        num: the axis's length where the graph does not know it.

    Raises:
        ShapeError: the length is not known, or is another than `num`.
    """
    x = to_tensor(value)
    if num is None:
        place = None if x.dims is None else normal_axes([whole(axis)], len(x.dims))[0]
        num = None if x.dims is None or place is None else x.dims[place]
        if num is None:
            raise ShapeError(
                "lk.unstack does not know how many tensors there are",
                rule="The axis has a known length, or num says it",
                received=f"axis {axis} of {x.shape}",
            )
    if num == 0:
        return []
    with x.graph.name_scope(name or "unstack"):
        return [squeeze(part, axis) for part in split(x, num, axis)]


OPERATORS.update(concat=concat, stack=stack)
