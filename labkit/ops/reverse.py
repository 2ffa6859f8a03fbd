"""The elements of a tensor in another order along its axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, compatible, merge, normal_axes, show
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, ShapeError
from labkit.ops.build import apply
from labkit.ops.compare import cast
from labkit.ops.rules import same_dtype, same_shape
from labkit.ops.shape import reshape


def _axes_of(c: OpContext) -> list[int]:
    """The axes from the front; an empty list while x's rank is unknown."""
    return [] if c.dims[0] is None else normal_axes(c.attrs["axes"], len(c.dims[0]))


def _reverse_shape(c: OpContext) -> list[Dims]:
    _axes_of(c)
    return same_shape(c)


def _lower_reverse(c: OpContext) -> Any:
    axes, numbers = _axes_of(c), []
    for i, n in enumerate(c.dims[0] or ()):
        numbers += [(n or 0) - 1, -1, n] if i in axes else [0, 1, n]
    return numbers, ()


register(
    OpDef(
        name="Reverse",
        inputs=("x",),
        attrs={"axes": Attr("ints")},
        kernel="strided_slice",
        dtypes=same_dtype(dt.ALL),
        shapes=_reverse_shape,
        lower=_lower_reverse,
        gradient=lambda op, g: [apply("Reverse", [g], op.attrs)],
        reference=lambda x, axes: np.flip(x, axes),
        samples=lambda rng: [
            Sample([rng.normal(size=dims)], {"axes": axes})
            for dims, axes in (((7,), (0,)), ((3, 17), (-1,)), ((2, 3, 4), (0, 2)), ((2, 3), ()), ((4, 1, 3), (0,)))
        ],
        formula="y[i] = x[n - 1 - i]",
        doc="x with the elements of the given axes in reverse order.",
    )
)


def reverse(x: Any, axis: Any, name: str | None = None) -> Tensor:
    """x with the elements of the given axes (a whole number or a list of them) in reverse order.

    Raises:
        ShapeError: there is no such axis, or one is named twice.
    """
    return apply(
        "Reverse", [to_tensor(x)], {"axes": axis if hasattr(axis, "__iter__") else [axis]}, name or "ReverseV2"
    )


# --- roll ---


def _second_int64(what: str) -> Any:
    def rule(inputs: Sequence[dt.DType], attrs: Any) -> Sequence[dt.DType]:
        if inputs[1] is not dt.int64:
            raise DTypeError("", rule=f"{what} is int64", received=inputs[1].name, fix="Use lk.cast(..., lk.int64).")
        return same_dtype(dt.ALL, 1)(inputs, attrs)

    return rule


def _roll_shape(c: OpContext) -> list[Dims]:
    axes, dims = c.attrs["axes"], c.dims[0]
    for axis in axes if dims is not None else ():
        normal_axes([axis], len(dims))  # type: ignore[arg-type]  # one may come several times
    if not compatible(c.dims[1], (len(axes),)):
        received = f"shift of shape {show(c.dims[1])} for axes {axes}"
        raise ShapeError("", rule="shift has a number for each axis", received=received)
    return same_shape(c)


register(
    OpDef(
        name="Roll",
        inputs=("x", "shift"),
        attrs={"axes": Attr("ints")},
        kernel="roll",
        dtypes=_second_int64("shift"),
        shapes=_roll_shape,
        lower=lambda c: ([axis % len(c.dims[0] or (1,)) for axis in c.attrs["axes"]], ()),
        gradient=lambda op, g: [apply("Roll", [g, -op.inputs[1]], op.attrs), None],
        reference=lambda x, shift, axes: np.roll(x, tuple(shift), axes),
        samples=lambda rng: [
            Sample([rng.normal(size=dims), np.asarray(shift, np.int64)], {"axes": axes})
            for dims, shift, axes in (
                ((7,), (2,), (0,)),
                ((3, 17), (-1, 20), (0, 1)),
                ((2, 5, 3), (1, 2), (1, 1)),
                ((4, 3), (0,), (-2,)),
                ((4, 2, 3), (-5,), (0,)),
            )
        ],
        formula="y[(i + shift) mod n] = x[i]",
        doc="x with its elements moved by `shift` along axes; what leaves at one end comes back at the other.",
    )
)


def roll(x: Any, shift: Any, axis: Any, name: str | None = None) -> Tensor:
    """x with its elements moved along axes, round and round, as np.roll.

    Args:
        shift: by how much: a whole number or a list of them, or an integer tensor; negative towards the front.
        axis: a whole number or a list of as many as `shift` has; the shifts of one that comes several times add up.

    Raises:
        ShapeError: there is no such axis, or not as many shifts as axes.
    """
    axes = list(axis) if hasattr(axis, "__iter__") else [axis]
    return apply("Roll", [to_tensor(x), reshape(_int64(shift, "shift"), [-1])], {"axes": axes}, name)


def _int64(value: Any, what: str) -> Tensor:
    tensor = to_tensor(value)
    if not tensor.dtype.is_integer:
        raise DTypeError(f"{what} holds whole numbers", received=repr(tensor), fix="Use lk.cast(..., lk.int64).")
    return cast(tensor, dt.int64)


# --- reverse_sequence ---


def _sequence_axes(c: OpContext) -> list[int]:
    rank = len(c.dims[0] or ())
    return normal_axes([c.attrs["seq_axis"], c.attrs["batch_axis"]], rank)


def _sequence_shape(c: OpContext) -> list[Dims]:
    dims = c.dims[0]
    if dims is None:
        return [None]
    _, batch = _sequence_axes(c)
    if not compatible(c.dims[1], (dims[batch],)):
        received = f"seq_lengths of shape {show(c.dims[1])} for {show(dims)}"
        raise ShapeError("", rule=f"seq_lengths has a number for each element of axis {batch}", received=received)
    size = merge((dims[batch],), c.dims[1])
    return [(*dims[:batch], *(size or (None,)), *dims[batch + 1 :])]


def _reference_sequence(x: np.ndarray, lengths: Any, seq_axis: int, batch_axis: int) -> np.ndarray:
    y = np.moveaxis(np.array(x), (batch_axis, seq_axis), (0, 1))
    for row, length in zip(y, lengths, strict=True):
        if not 0 <= length <= y.shape[1]:
            raise ValueError("a length lies outside")
        row[:length] = row[:length][::-1].copy()
    return np.moveaxis(y, (0, 1), (batch_axis, seq_axis))


def _sequence_gradient(op: Operation, g: Tensor) -> list[Tensor | None]:
    return [apply("ReverseSequence", [g, op.inputs[1]], op.attrs), None]


register(
    OpDef(
        name="ReverseSequence",
        inputs=("x", "seq_lengths"),
        attrs={"seq_axis": Attr("int"), "batch_axis": Attr("int", 0)},
        kernel="reverse_sequence",
        dtypes=_second_int64("seq_lengths"),
        shapes=_sequence_shape,
        lower=lambda c: (_sequence_axes(c), ()),
        gradient=_sequence_gradient,
        reference=_reference_sequence,
        samples=lambda rng: [
            Sample([rng.normal(size=dims), np.asarray(lengths, np.int64)], {"seq_axis": seq, "batch_axis": batch})
            for dims, lengths, seq, batch in (
                ((3, 5), (0, 5, 2), 1, 0),
                ((4, 3), (1, 4, 3), 0, 1),
                ((2, 3, 4, 2), (3, 2, 0, 1), 1, 2),
                ((2, 2, 17), (16, 9), -1, -2),
                ((1, 3, 2), (3,), 1, 0),
            )
        ],
        formula="y[b, i] = x[b, length[b] - 1 - i] for i < length[b], x[b, i] behind",
        doc="x with the first `seq_lengths[b]` elements of each sequence b in reverse order, and the others in their places.",
    )
)


def reverse_sequence(x: Any, seq_lengths: Any, seq_axis: int, batch_axis: int = 0, name: str | None = None) -> Tensor:
    """x with the first elements of each sequence in reverse order, and the others in their places.

    Args:
        seq_lengths: for each element of `batch_axis` how many of `seq_axis` are reversed: integers from 0 to its length.

    Raises:
        ShapeError: the axes do not exist or are the same, or there is not one length for each sequence.
        InvalidArgumentError: when run: a length is negative or longer than the axis.
    """
    attrs = {"seq_axis": seq_axis, "batch_axis": batch_axis}
    return apply("ReverseSequence", [to_tensor(x), _int64(seq_lengths, "seq_lengths")], attrs, name)
