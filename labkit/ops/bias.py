"""The bias of a layer: one number for each channel."""

from __future__ import annotations

from typing import Any

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensors
from labkit.core.opdef import OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, show
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.build import apply
from labkit.ops.rules import need_rank, same_dtype


def _bias_shape(c: OpContext) -> list[Dims]:
    (channels,) = need_rank(c, 1, 1, "A bias")
    dims = c.dims[0]
    if dims is None:
        return [None]
    if not dims or (dims[-1] is not None and channels is not None and dims[-1] != channels):
        raise ShapeError(
            "",
            rule="The bias has one number for each channel, the last dimension of x",
            received=f"{show(dims)} and {show(c.dims[1])}",
        )
    return [(*dims[:-1], channels if dims[-1] is None else dims[-1])]


def _channels(c: OpContext) -> list[Dims]:
    if c.dims[0] == ():
        raise ShapeError("", rule="x has at least one dimension: the channels", received="()")
    return [None if c.dims[0] is None else c.dims[0][-1:]]


register(
    OpDef(
        name="BiasAdd",
        inputs=("x", "bias"),
        kernel="bias_add",
        dtypes=same_dtype(dt.FLOATS),
        shapes=_bias_shape,
        gradient=lambda op, g: [g, apply("BiasAddGrad", [g])],
        reference=lambda x, bias: x + bias,
        samples=lambda rng: [
            Sample([rng.normal(size=dims), rng.normal(size=dims[-1:])]) for dims in ((3,), (5, 17), (2, 3, 4, 16))
        ],
        doc="x with one number added to each channel, the last dimension.",
    )
)
register(
    OpDef(
        name="BiasAddGrad",
        inputs=("gradient",),
        outputs=("dbias",),
        kernel="reduce_sum",
        dtypes=same_dtype(dt.FLOATS),
        shapes=_channels,
        lower=lambda c: (list(range(len(c.dims[0] or ()) - 1)), ()),
        gradient=lambda op, g: [g + 0 * op.inputs[0]],
        reference=lambda g: g.reshape(-1, g.shape[-1]).sum(axis=0),
        samples=lambda rng: [Sample([rng.normal(size=dims)]) for dims in ((5, 17), (2, 3, 4, 16))],
        doc="The gradient of BiasAdd with respect to the bias: the arriving gradient summed over all but the channels.",
    )
)


def bias_add(x: Any, bias: Any, name: str | None = None) -> Tensor:
    """x with one number added to each channel.

    Args:
        x: shape (..., channels); float32 or float64.
        bias: shape (channels,), of x's dtype.

    Raises:
        ShapeError: the bias has another number of channels.
    """
    return apply("BiasAdd", to_tensors(x, bias), name=name)
