"""Constants, placeholders, shapes, and operations that move numbers without computing."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import as_array, to_tensor
from labkit.core.graph import get_default_graph
from labkit.core.opdef import ALIAS, Attr, NotDifferentiable, OpContext, OpDef, Sample, register, same_dtype
from labkit.core.shapes import Dims, as_dims, count, is_known, show
from labkit.core.tensor import OPERATORS, Tensor
from labkit.errors import DTypeError, InvalidArgumentError, OutOfRangeError, ShapeError
from labkit.ops.build import apply, same_shape

_SOURCE = NotDifferentiable("it has no input")
_SHAPE = NotDifferentiable("a shape does not depend on values")


def _alias(context: OpContext) -> Any:
    return ALIAS


# --- sources ---

register(
    OpDef(
        name="Const", inputs=(), attrs={"value": Attr("array")}, gradient=_SOURCE,
        dtypes=lambda inputs, attrs: [dt.as_dtype(attrs["value"].dtype)], shapes=lambda c: [c.attrs["value"].shape],
        reference=lambda value: value, doc="An array that is part of the graph.",
    )  # fmt: skip
)
register(
    OpDef(
        name="Placeholder", inputs=(), attrs={"dtype": Attr("dtype"), "shape": Attr("array")}, gradient=_SOURCE,
        dtypes=lambda inputs, attrs: [attrs["dtype"]], shapes=lambda c: [_placeholder_dims(c.attrs["shape"])], pure=False,
        doc="A value that every run is fed.",
    )  # fmt: skip
)


def _placeholder_dims(shape: np.ndarray) -> Dims:
    return None if shape.ndim == 0 else tuple(None if n < 0 else int(n) for n in shape)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Tensor:
    """An array that is part of the graph.

    Args:
        value: a number, array, or list; Python floats become float32, ints int32, NumPy arrays keep their dtype.
        dtype: another dtype, when every value survives the conversion.
        shape: a shape that a single value is repeated to, or that as many values are arranged in.

    Raises:
        DTypeError: a value does not survive.
        ShapeError: the values do not fill the shape.
    """
    array = as_array(value, None if dtype is None else dt.as_dtype(dtype))
    if shape is not None:
        dims = as_dims(shape)
        if not is_known(dims) or (array.size != 1 and array.size != count(dims)):  # type: ignore[arg-type]
            raise ShapeError("A constant's values do not fill its shape", received=f"{array.size} for {show(dims)}")
        array = np.broadcast_to(array.reshape(()), dims) if array.size == 1 else array.reshape(dims)  # type: ignore[arg-type]
    return get_default_graph().apply("Const", [], {"value": np.array(array)}, name or "Const").outputs[0]


def zeros(shape: Any, dtype: Any = dt.float32, name: str | None = None) -> Tensor:
    """Zeros of a known shape."""
    return fill(shape, as_array(0, dt.as_dtype(dtype)), name or "zeros")


def ones(shape: Any, dtype: Any = dt.float32, name: str | None = None) -> Tensor:
    """Ones of a known shape."""
    return fill(shape, as_array(1, dt.as_dtype(dtype)), name or "ones")


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Tensor:
    """A value that every run is fed.

    Args:
        dtype: what fed values are converted to, when every value survives.
        shape: what is known of fed shapes: None for any, dimensions None where any size fits.
    """
    dims = as_dims(shape)
    coded = np.asarray(0 if dims is None else [-1 if n is None else n for n in dims], np.int64)
    return get_default_graph().apply("Placeholder", [], {"dtype": dtype, "shape": coded}, name).outputs[0]


# --- shapes ---

register(
    OpDef(
        name="Shape", inputs=("x",), outputs=("shape",), shape_inputs=(0,), dtypes=lambda inputs, attrs: [dt.int32],
        shapes=lambda c: [None if c.dims[0] is None else (len(c.dims[0]),)], gradient=_SHAPE,
        from_shapes=lambda c: np.asarray(c.dims[0], np.int32), reference=lambda x: np.asarray(np.shape(x), np.int32),
        samples=lambda rng: [Sample([rng.normal(size=dims)]) for dims in ((), (3,), (2, 5))],
        doc="The shape of x as int32.",
    )  # fmt: skip
)


def shape(x: Any, name: str | None = None) -> Tensor:
    """The shape of x at run time: int32, one dimension."""
    return apply("Shape", [to_tensor(x)], name=name)


def _requested(values: np.ndarray | None, what: str) -> Dims:
    if values is None:
        return None
    if values.ndim > 1 or values.dtype.kind not in "iu" or (values < -1).any():
        raise ShapeError("", rule=f"{what} is a list of whole numbers", received=str(values.tolist()))
    return tuple(None if n < 0 else int(n) for n in values.reshape(-1))


def _reshape_shape(c: OpContext) -> list[Dims]:
    wanted, dims = _requested(c.values[1], "The new shape"), c.dims[0]
    if wanted is None:
        return [None]
    unknown = [i for i, n in enumerate(wanted) if n is None]
    rule = "The new shape has as many elements as the old one; at most one dimension is -1 and follows from the others"
    if len(unknown) > 1:
        raise ShapeError("", rule=rule, received=str([-1 if n is None else n for n in wanted]))
    if not is_known(dims):
        return [wanted]
    total, rest = count(dims), count([n for n in wanted if n is not None])  # type: ignore[arg-type]
    if unknown and rest and total % rest == 0:
        return [tuple(total // rest if n is None else n for n in wanted)]
    if unknown or total != rest:
        received = f"{show(dims)} to {[-1 if n is None else n for n in wanted]}"
        raise ShapeError("", rule=rule, received=received)
    return [wanted]


def _like(values: Any) -> np.ndarray:
    return np.asarray(values, np.int32)


register(
    OpDef(
        name="Reshape", inputs=("x", "shape"), value_inputs=(1,), dtypes=lambda inputs, attrs: [inputs[0]],
        shapes=_reshape_shape, kernel="copy", lower=_alias,
        gradient=lambda op, g: [reshape(g, shape(op.inputs[0])), None],
        reference=lambda x, shape: np.reshape(x, np.asarray(shape, int)),
        samples=lambda rng: [Sample([rng.normal(size=(2, 3, 4)), _like(s)]) for s in ((6, 4), (-1,), (2, -1, 2))],
        doc="The numbers of x in the same order under another shape; one dimension may be -1 and follows from the others.",
    )  # fmt: skip
)


def reshape(x: Any, shape: Any, name: str | None = None) -> Tensor:
    """The numbers of x in the same order under another shape.

    Args:
        shape: int32 or int64, one dimension; one entry may be -1 and follows from the others. A list, a TensorShape
            or a tensor whose value is known before the run (made of constants, shapes and fed values).

    Raises:
        ShapeError: the numbers do not fill the shape.
    """
    return apply("Reshape", [to_tensor(x), shape_tensor(shape)], name=name)


def shape_tensor(shape: Any) -> Tensor:
    """A shape argument as an integer tensor: from a list that may hold -1 or Dimensions, a TensorShape, or a tensor.

    Raises:
        DTypeError: a tensor of another dtype.
    """
    if isinstance(shape, Tensor):
        if not shape.dtype.is_integer:
            raise DTypeError("A shape is a tensor of integers", received=repr(shape), fix="Use lk.cast(shape, lk.int32).")
        return shape
    items = [shape] if isinstance(shape, int | np.integer) else list(shape)
    numbers = [int(item) for item in items]
    small = all(-(2**31) <= n < 2**31 for n in numbers)
    return constant(np.asarray(numbers, np.int32 if small else np.int64), name="shape")


def _ranked(change: Any) -> Any:
    def rule(c: OpContext) -> list[Dims]:
        return [None] if c.dims[0] is None else [change(c.dims[0], c.attrs["axes"])]

    return rule


def _squeezed(dims: Any, axes: Any) -> Any:
    if axes is None and None in dims:
        return None
    drop = [i for i, n in enumerate(dims) if n == 1] if axes is None else [_axis(a, len(dims)) for a in axes]
    if any(dims[i] not in (1, None) for i in drop):
        raise ShapeError("", rule="Only dimensions of size 1 can be squeezed", received=f"axes {axes} of {show(dims)}")
    return tuple(n for i, n in enumerate(dims) if i not in drop)


def _expanded(dims: Any, axes: Any) -> Any:
    rank = len(dims) + len(axes)
    places, rest = {_axis(a, rank) for a in axes}, iter(dims)
    return tuple(1 if i in places else next(rest) for i in range(rank))


def _axis(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise ShapeError("", rule=f"An axis of {rank} dimensions is from {-rank} to {rank - 1}", received=str(axis))
    return axis % rank


register(
    OpDef(
        name="Squeeze", inputs=("x",), attrs={"axes": Attr("axes", None)}, dtypes=lambda inputs, attrs: [inputs[0]],
        shapes=_ranked(_squeezed), kernel="copy", lower=_alias,
        gradient=lambda op, g: [reshape(g, shape(op.inputs[0]))],
        reference=lambda x, axes: np.squeeze(x, axes),
        samples=lambda rng: [Sample([rng.normal(size=(1, 3, 1))], {"axes": axes}) for axes in (None, (0,), (-1,))],
        doc="x without dimensions of size 1: the given ones, or all.",
    )  # fmt: skip
)
register(
    OpDef(
        name="ExpandDims", inputs=("x",), attrs={"axes": Attr("axes")}, dtypes=lambda inputs, attrs: [inputs[0]],
        shapes=_ranked(_expanded), kernel="copy", lower=_alias,
        gradient=lambda op, g: [reshape(g, shape(op.inputs[0]))],
        reference=lambda x, axes: np.expand_dims(x, axes),
        samples=lambda rng: [Sample([rng.normal(size=(2, 3))], {"axes": axes}) for axes in ((0,), (-1,), (1, 3))],
        doc="x with dimensions of size 1 put in at the given axes of the result.",
    )  # fmt: skip
)


def squeeze(x: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """x without dimensions of size 1: those of `axis` (an int or several), or all."""
    return apply("Squeeze", [to_tensor(x)], {"axes": axis}, name)


def expand_dims(x: Any, axis: Any, name: str | None = None) -> Tensor:
    """x with a dimension of size 1 at `axis` of the result (or at several)."""
    return apply("ExpandDims", [to_tensor(x)], {"axes": axis}, name)


# --- broadcasting ---


def _broadcast_to_shape(c: OpContext) -> list[Dims]:
    wanted, dims = _requested(c.values[1], "The shape"), c.dims[0]
    if wanted is None or dims is None:
        return [wanted]
    fits = len(dims) <= len(wanted) and all(
        m in (1, None, n) or n is None for m, n in zip(reversed(dims), reversed(wanted), strict=False)
    )
    if not fits:
        raise ShapeError(
            "", rule="Aligned at the last dimensions, each dimension is the wanted one or 1",
            received=f"{show(dims)} to {show(wanted)}",
        )  # fmt: skip
    return [wanted]


register(
    OpDef(
        name="BroadcastTo", inputs=("x", "shape"), value_inputs=(1,), kernel="broadcast_to", lower=lambda c: ((), ()),
        dtypes=lambda inputs, attrs: [inputs[0]], shapes=_broadcast_to_shape, gradient=lambda op, g: [g, None],
        reference=lambda x, shape: np.broadcast_to(x, tuple(np.asarray(shape, int))),
        samples=lambda rng: [
            Sample([rng.normal(size=a), _like(b)]) for a, b in (((), (2, 3)), ((3,), (2, 3)), ((2, 1, 17), (2, 5, 17)))
        ],
        doc="x repeated to a larger shape, as broadcasting in arithmetic does.",
    )  # fmt: skip
)


def _sum_to_shape(c: OpContext) -> Any:
    grad, target = c.dims[0] or (), c.dims[1] or ()
    if grad == target:
        return ALIAS
    lead = len(grad) - len(target)
    return [i for i, n in enumerate(grad) if i < lead or target[i - lead] == 1], ()


register(
    OpDef(
        name="SumToShape", inputs=("gradient", "x"), shape_inputs=(1,), kernel="reduce_sum", lower=_sum_to_shape,
        dtypes=same_dtype(dt.FLOATS, 1), shapes=lambda c: [c.dims[1]],
        gradient=lambda op, g: [broadcast_to(g, shape(op.inputs[0])), None],
        reference=lambda g, x: _reference_sum_to(g, np.shape(x)),
        samples=lambda rng: [
            Sample([rng.normal(size=a), np.zeros(b)]) for a, b in (((2, 3), (2, 3)), ((4, 3), (3,)), ((2, 5, 3), (5, 1)), ((7,), ()))
        ],
        doc="A gradient summed over the dimensions that broadcasting stretched x along: the reverse of broadcasting.",
    )  # fmt: skip
)


def _reference_sum_to(g: np.ndarray, dims: tuple[int, ...]) -> np.ndarray:
    lead = g.ndim - len(dims)
    axes = tuple(i for i in range(g.ndim) if i < lead or (dims[i - lead] == 1 and g.shape[i] != 1))
    return g.sum(axis=axes).reshape(dims)


def broadcast_to(x: Any, shape: Any, name: str | None = None) -> Tensor:
    """x repeated to a larger shape as broadcasting does; `shape` as in reshape, without -1."""
    return apply("BroadcastTo", [to_tensor(x), shape_tensor(shape)], name=name)


def fill(shape: Any, value: Any, name: str | None = None) -> Tensor:
    """A tensor of `shape` (as in reshape, without -1) with one value everywhere."""
    return broadcast_to(to_tensor(value), shape, name or "Fill")


def zeros_like(x: Any, name: str | None = None) -> Tensor:
    """Zeros of x's shape and dtype."""
    return _filled_like(x, 0, name or "zeros_like")


def ones_like(x: Any, name: str | None = None) -> Tensor:
    """Ones of x's shape and dtype."""
    return _filled_like(x, 1, name or "ones_like")


def _filled_like(x: Any, value: int, name: str) -> Tensor:
    tensor = to_tensor(x)
    filling = to_tensor(as_array(value, tensor.dtype))
    result = apply("BroadcastTo", [filling, shape(tensor)], name=name)
    result.set_shape(tensor.dims)
    return result


# --- passing on ---

register(
    OpDef(
        name="Identity", inputs=("x",), dtypes=same_dtype(dt.ALL), shapes=same_shape, kernel="copy", lower=_alias,
        gradient=lambda op, g: [g], reference=lambda x: x, samples=lambda rng: [Sample([rng.normal(size=(3, 4))])],
        doc="x itself.",
    )  # fmt: skip
)
register(
    OpDef(
        name="StopGradient", inputs=("x",), dtypes=same_dtype(dt.ALL), shapes=same_shape, kernel="copy", lower=_alias,
        gradient=NotDifferentiable("it is there to stop gradients"), reference=lambda x: x,
        samples=lambda rng: [Sample([rng.normal(size=(3, 4))])], doc="x itself, through which no gradient flows.",
    )  # fmt: skip
)


def identity(x: Any, name: str | None = None) -> Tensor:
    """x itself, under a name or after control dependencies."""
    return apply("Identity", [to_tensor(x)], name=name)


def stop_gradient(x: Any, name: str | None = None) -> Tensor:
    """x itself, through which no gradient flows."""
    return apply("StopGradient", [to_tensor(x)], name=name)


# --- moving ---


def _pad_shape(c: OpContext) -> list[Dims]:
    paddings, dims = c.attrs["paddings"], c.dims[0]
    if any(before < 0 or after < 0 for before, after in paddings):
        raise ShapeError("", rule="Paddings are not negative", received=str(paddings))
    if dims is None:
        return [(None,) * len(paddings)]
    if len(dims) != len(paddings):
        raise ShapeError("", rule="paddings has a pair for each dimension", received=f"{paddings} for {show(dims)}")
    return [tuple(None if n is None else n + a + b for n, (a, b) in zip(dims, paddings, strict=True))]


register(
    OpDef(
        name="Pad", inputs=("x",), attrs={"paddings": Attr("pairs"), "value": Attr("float", 0.0)}, kernel="pad",
        dtypes=same_dtype((*dt.NUMERIC, dt.uint8)), shapes=_pad_shape,
        lower=lambda c: ([before for before, _ in c.attrs["paddings"]], [c.attrs["value"]]),
        gradient=lambda op, g: [
            apply("Slice", [g], {"begin": [a for a, _ in op.attrs["paddings"]], "size": [-1 - b for _, b in op.attrs["paddings"]]})
        ],
        reference=lambda x, paddings, value: np.pad(x, paddings, constant_values=value),
        samples=lambda rng: [
            Sample([rng.normal(size=(2, 3))], {"paddings": ((1, 2), (0, 3))}),
            Sample([rng.normal(size=(2, 5, 5, 3))], {"paddings": ((0, 0), (2, 2), (1, 2), (0, 0)), "value": 0.5}),
        ],
        doc="x with a border of `value`: paddings holds for each dimension how many elements come before and after.",
    )  # fmt: skip
)


def _slice_shape(c: OpContext) -> list[Dims]:
    begin, size, dims = c.attrs["begin"], c.attrs["size"], c.dims[0]
    if dims is None:
        return [tuple(None if n < 0 else n for n in size)]
    received = f"begin {begin}, size {size} of {show(dims)}"
    if not len(begin) == len(size) == len(dims):
        raise ShapeError("", rule="begin and size have an entry for each dimension", received=received)
    result = []
    for b, n, total in zip(begin, size, dims, strict=True):
        if total is not None:
            n = total - b + n + 1 if n < 0 else n
            if not 0 <= b <= b + n <= total:
                raise ShapeError("", rule="The slice lies inside x", received=received)
        result.append(None if n < 0 else n)
    return [tuple(result)]


_SLICE_ATTRS = {"begin": Attr("ints", low=0), "size": Attr("ints")}


def _block(x: np.ndarray, begin: Any, size: Any) -> Any:
    """The index of a slice in NumPy's terms."""
    return tuple(np.s_[b : b + n if n >= 0 else total + n + 1] for b, n, total in zip(begin, size, x.shape, strict=True))


def _reference_slice_gradient(g: np.ndarray, x: np.ndarray, begin: Any, size: Any) -> np.ndarray:
    result = np.zeros(np.shape(x))
    result[_block(result, begin, size)] = g
    return result


register(
    OpDef(
        name="Slice", inputs=("x",), attrs=_SLICE_ATTRS, kernel="slice", dtypes=lambda inputs, attrs: [inputs[0]],
        shapes=_slice_shape, lower=lambda c: (c.attrs["begin"], ()),
        gradient=lambda op, g: [apply("SliceGrad", [g, op.inputs[0]], op.attrs)],
        reference=lambda x, begin, size: x[_block(x, begin, size)],
        samples=lambda rng: [
            Sample([rng.normal(size=(4, 5))], {"begin": (1, 0), "size": (2, -1)}),
            Sample([rng.normal(size=(2, 7, 3))], {"begin": (1, 2, 1), "size": (1, 4, -2)}),
        ],
        doc="The block of x that begins at `begin` and has `size`; a negative size -1 - k reaches to k before the end.",
    )  # fmt: skip
)
register(
    OpDef(
        name="SliceGrad", inputs=("gradient", "x"), shape_inputs=(1,), attrs=_SLICE_ATTRS, kernel="pad",
        dtypes=same_dtype(dt.FLOATS), shapes=lambda c: [c.dims[1]], lower=lambda c: (c.attrs["begin"], [0.0]),
        gradient=lambda op, g: [apply("Slice", [g], op.attrs), None], reference=_reference_slice_gradient,
        samples=lambda rng: [
            Sample([rng.normal(size=(2, 5)), np.zeros((4, 5))], {"begin": (1, 0), "size": (2, -1)}),
        ],
        doc="The gradient of Slice: the arriving gradient in its place, zeros around it.",
    )  # fmt: skip
)


def pad(x: Any, paddings: Any, constant_values: float = 0.0, name: str | None = None) -> Tensor:
    """x with a border.

    Args:
        paddings: for each dimension a pair: how many elements before and after.
        constant_values: the border's value.

    Raises:
        ShapeError: the pairs do not match x's dimensions, or are negative.
    """
    return apply("Pad", [to_tensor(x)], {"paddings": paddings, "value": constant_values}, name)


def slice(x: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """The block of x that begins at `begin` (whole numbers) and has `size`; a size of -1 reaches to the end.

    Raises:
        ShapeError: the block does not lie inside x.
    """
    return apply("Slice", [to_tensor(x)], {"begin": begin, "size": size}, name)


def _transpose_shape(c: OpContext) -> list[Dims]:
    perm, dims = c.attrs["perm"], c.dims[0]
    if sorted(perm) != list(range(len(perm))) or (dims is not None and len(dims) != len(perm)):
        raise ShapeError("", rule="perm names each dimension of x once", received=f"perm {perm} of {show(dims)}")
    return [(None,) * len(perm) if dims is None else tuple(dims[i] for i in perm)]


register(
    OpDef(
        name="Transpose", inputs=("x",), attrs={"perm": Attr("ints")}, kernel="transpose", dtypes=same_dtype(dt.ALL),
        shapes=_transpose_shape,
        gradient=lambda op, g: [transpose(g, [int(i) for i in np.argsort(op.attrs["perm"])])],
        reference=lambda x, perm: np.transpose(x, perm),
        samples=lambda rng: [
            Sample([rng.normal(size=(3, 17))], {"perm": (1, 0)}), Sample([rng.normal(size=(2, 3, 4))], {"perm": (2, 0, 1)}),
        ],
        doc="x with its dimensions in the order `perm`.",
    )  # fmt: skip
)


def transpose(x: Any, perm: Any = None, name: str | None = None) -> Tensor:
    """x with its dimensions in the order `perm`; default: reversed.

    Raises:
        ShapeError: perm is no permutation of x's dimensions, or is missing while x's rank is unknown.
    """
    tensor = to_tensor(x)
    order = range(len(tensor.shape))[::-1] if perm is None else perm
    return apply("Transpose", [tensor], {"perm": tuple(order)}, name)


# --- indexing ---


def _getitem(x: Tensor, key: Any) -> Tensor:
    """x[key] with whole numbers, slices of step 1, `...` and None, as in NumPy."""
    items = list(key) if isinstance(key, tuple) else [key]
    rank = len(x.shape)
    used = sum(1 for item in items if item is not None and item is not Ellipsis)
    if Ellipsis not in [item for item in items if not isinstance(item, Tensor)]:
        items.append(Ellipsis)
    begin: list[int] = []
    size: list[int] = []
    drop: list[int] = []
    insert: list[int] = []
    for item in items:
        out = len(begin) - len(drop) + len(insert)
        if item is None:
            insert.append(out)
        elif item is Ellipsis:
            begin += [0] * (rank - used)
            size += [-1] * (rank - used)
        else:
            b, n, single = _one_index(item, x, len(begin))
            if single:
                drop.append(len(begin))
            begin.append(b)
            size.append(n)
    if len(begin) != rank:
        raise ShapeError(f"{x.name} has {rank} dimensions", rule="At most one index for each", received=repr(key))
    if any(begin) or any(n >= 0 for n in size):
        x = slice(x, begin, size, "strided_slice")
    if drop:
        x = squeeze(x, drop)
    return expand_dims(x, insert) if insert else x


def _one_index(item: Any, x: Tensor, axis: int) -> tuple[int, int, bool]:
    dims = x.dims
    total = dims[axis] if dims is not None and axis < len(dims) else None
    bounds = (item.start, item.stop) if hasattr(item, "indices") else (item,)
    step = getattr(item, "step", None)
    if step not in (None, 1) or any(not (b is None or hasattr(b, "__index__")) for b in bounds):
        raise InvalidArgumentError(
            f"{x.name} cannot be indexed with that", rule="Indices are whole numbers, slices of step 1, `...` and None",
            received=repr(item), fix="Use lk.transpose, lk.reshape or lk.slice for anything else.",
        )  # fmt: skip
    numbers = [None if b is None else int(b.__index__()) for b in bounds]
    if total is None and any(b is not None and b < 0 for b in numbers):
        raise ShapeError(f"{x.name}: an index from the end needs a known dimension", received=f"{item!r} of {x.shape}")
    numbers = [b + total if b is not None and b < 0 and total is not None else b for b in numbers]
    if not hasattr(item, "indices"):
        if total is not None and not 0 <= numbers[0] < total:  # type: ignore[operator]
            raise OutOfRangeError(f"{x.name}: index {item} is out of range", rule=f"From {-total} to {total - 1}")
        return numbers[0], 1, True  # type: ignore[return-value]
    first = max(numbers[0] or 0, 0)
    if numbers[1] is None:
        return (first if total is None else min(first, total)), -1, False
    stop = numbers[1] if total is None else min(numbers[1], total)
    first = first if total is None else min(first, total)
    return first, max(stop - first, 0), False


OPERATORS.update(getitem=_getitem, ones_like=ones_like)
