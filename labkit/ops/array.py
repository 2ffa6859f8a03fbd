"""Operations that move numbers without computing: borders, blocks, order of dimensions, indexing."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register, same_dtype, whole
from labkit.core.shapes import Dims, compatible, show
from labkit.core.tensor import OPERATORS, Tensor
from labkit.errors import InvalidArgumentError, OutOfRangeError, ShapeError
from labkit.ops.build import apply
from labkit.ops.shape import expand_dims, squeeze


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
        name="Pad",
        inputs=("x",),
        attrs={"paddings": Attr("pairs"), "value": Attr("float", 0.0)},
        kernel="pad",
        dtypes=same_dtype((*dt.NUMERIC, dt.uint8)),
        shapes=_pad_shape,
        lower=lambda c: ([before for before, _ in c.attrs["paddings"]], [c.attrs["value"]]),
        gradient=lambda op, g: [
            apply(
                "Slice",
                [g],
                {"begin": [a for a, _ in op.attrs["paddings"]], "size": [-1 - b for _, b in op.attrs["paddings"]]},
            )
        ],
        reference=lambda x, paddings, value: np.pad(x, paddings, constant_values=value),
        samples=lambda rng: [
            Sample([rng.normal(size=(2, 3))], {"paddings": ((1, 2), (0, 3))}),
            Sample([rng.normal(size=(2, 5, 5, 3))], {"paddings": ((0, 0), (2, 2), (1, 2), (0, 0)), "value": 0.5}),
        ],
        doc="x with a border of `value`: paddings holds for each dimension how many elements come before and after.",
    )
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
    return tuple(
        np.s_[b : b + n if n >= 0 else total + n + 1] for b, n, total in zip(begin, size, x.shape, strict=True)
    )


def _slice_gradient_shape(c: OpContext) -> list[Dims]:
    (block,) = _slice_shape(OpContext([c.dims[1]], [c.dtypes[1]], c.attrs))
    if not compatible(c.dims[0], block):
        raise ShapeError("", rule=f"The gradient has the slice's shape, {show(block)}", received=show(c.dims[0]))
    return [c.dims[1]]


def _reference_slice_gradient(g: np.ndarray, x: np.ndarray, begin: Any, size: Any) -> np.ndarray:
    result = np.zeros(np.shape(x))
    result[_block(result, begin, size)] = g
    return result


register(
    OpDef(
        name="Slice",
        inputs=("x",),
        attrs=_SLICE_ATTRS,
        kernel="slice",
        dtypes=lambda inputs, attrs: [inputs[0]],
        shapes=_slice_shape,
        lower=lambda c: (c.attrs["begin"], ()),
        gradient=lambda op, g: [apply("SliceGrad", [g, op.inputs[0]], op.attrs)],
        reference=lambda x, begin, size: x[_block(x, begin, size)],
        samples=lambda rng: [
            Sample([rng.normal(size=(4, 5))], {"begin": (1, 0), "size": (2, -1)}),
            Sample([rng.normal(size=(2, 7, 3))], {"begin": (1, 2, 1), "size": (1, 4, -2)}),
        ],
        doc="The block of x that begins at `begin` and has `size`; a negative size -1 - k reaches to k before the end.",
    )
)
register(
    OpDef(
        name="SliceGrad",
        inputs=("gradient", "x"),
        shape_inputs=(1,),
        attrs=_SLICE_ATTRS,
        kernel="pad",
        dtypes=same_dtype(dt.FLOATS),
        shapes=_slice_gradient_shape,
        lower=lambda c: (c.attrs["begin"], [0.0]),
        gradient=lambda op, g: [apply("Slice", [g], op.attrs), None],
        reference=_reference_slice_gradient,
        samples=lambda rng: [
            Sample([rng.normal(size=(2, 5)), np.zeros((4, 5))], {"begin": (1, 0), "size": (2, -1)}),
        ],
        doc="The gradient of Slice: the arriving gradient in its place, zeros around it.",
    )
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
        name="Transpose",
        inputs=("x",),
        attrs={"perm": Attr("ints")},
        kernel="transpose",
        dtypes=same_dtype(dt.ALL),
        shapes=_transpose_shape,
        gradient=lambda op, g: [transpose(g, [int(i) for i in np.argsort(op.attrs["perm"])])],
        reference=lambda x, perm: np.transpose(x, perm),
        samples=lambda rng: [
            Sample([rng.normal(size=(3, 17))], {"perm": (1, 0)}),
            Sample([rng.normal(size=(2, 3, 4))], {"perm": (2, 0, 1)}),
        ],
        doc="x with its dimensions in the order `perm`.",
    )
)


def transpose(x: Any, perm: Any = None, name: str | None = None) -> Tensor:
    """x with its dimensions in the order `perm`; default: reversed.

    Raises:
        ShapeError: perm is no permutation of x's dimensions, or is missing while x's rank is unknown.
    """
    tensor = to_tensor(x)
    order = range(len(tensor.shape))[::-1] if perm is None else perm
    return apply("Transpose", [tensor], {"perm": order}, name)


# --- indexing ---


def _getitem(x: Tensor, key: Any) -> Tensor:
    """x[key] with whole numbers, slices of step 1, `...` and None, as in NumPy."""
    items = list(key) if isinstance(key, tuple) else [key]
    rank = len(x.shape)
    used = sum(1 for item in items if item is not None and item is not Ellipsis)
    if not any(item is Ellipsis for item in items):
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
    ranged = isinstance(item, builtins.slice)
    bounds = (item.start, item.stop, item.step) if ranged else (item,)
    try:
        numbers = [None if b is None else whole(b) for b in bounds]
    except TypeError:
        numbers = []
    if not numbers or (ranged and numbers.pop() not in (None, 1)):
        raise InvalidArgumentError(
            f"{x.name} cannot be indexed with that",
            rule="Indices are whole numbers, slices of step 1, `...` and None",
            received=repr(item),
            fix="Use lk.transpose, lk.reshape or lk.slice for anything else.",
        )
    if total is None and any(b is not None and b < 0 for b in numbers):
        raise ShapeError(f"{x.name}: an index from the end needs a known dimension", received=f"{item!r} of {x.shape}")
    numbers = [b + total if b is not None and b < 0 and total is not None else b for b in numbers]
    if not ranged:
        if total is not None and not 0 <= numbers[0] < total:  # type: ignore[operator]
            raise OutOfRangeError(f"{x.name}: index {item} is out of range", rule=f"From {-total} to {total - 1}")
        return numbers[0], 1, True  # type: ignore[return-value]
    first = max(numbers[0] or 0, 0)
    if numbers[1] is None:
        return (first if total is None else min(first, total)), -1, False
    stop = numbers[1] if total is None else min(numbers[1], total)
    first = first if total is None else min(first, total)
    return first, max(stop - first, 0), False


OPERATORS.update(getitem=_getitem)
