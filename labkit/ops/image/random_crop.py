"""Windows at random places."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, show
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.build import apply
from labkit.ops.rules import same_dtype
from labkit.ops.shape import full_dims, int_array, shape, shape_tensor
from labkit.ops.streams import stream_attrs

_ATTRS = {"key": Attr("int"), "counter": Attr("str")}


def _check(large: Dims, small: Dims) -> None:
    if large is None or small is None:
        return
    pairs = zip(large, small, strict=False)
    if len(large) != len(small) or any(m is not None and n is not None and n > m for m, n in pairs):
        raise ShapeError(
            "",
            rule="The crop has a length for each dimension, at most its own",
            received=f"{show(small)} of {show(large)}",
        )


def _crop_shape(c: OpContext) -> list[Dims]:
    size = full_dims(c, 1)
    _check(c.dims[0], size)
    return [(None,) * len(c.dims[0]) if size is None and c.dims[0] is not None else size]


def _gradient_shape(c: OpContext) -> list[Dims]:
    _check(c.dims[1], c.dims[0])
    return [c.dims[1]]


_CASES = (((5, 7), (3, 7)), ((2, 6, 6, 3), (2, 4, 5, 3)), ((17,), (1,)), ((3, 4), (0, 2)), ((4, 4, 1), (4, 4, 1)))

register(
    OpDef(
        name="RandomCrop",
        inputs=("value", "size"),
        value_inputs=(1,),
        attrs=_ATTRS,
        kernel="random_crop",
        random=True,
        dtypes=lambda inputs, attrs: [inputs[0]],
        shapes=_crop_shape,
        lower=lambda c: ([c.attrs["key"]], ()),
        gradient=lambda op, g: [apply("RandomCropGrad", [g, op.inputs[0]], op.attrs), None],
        reference=lambda x, size, key, counter: np.zeros(np.asarray(size, int), np.asarray(x).dtype),
        samples=lambda rng: [
            Sample([rng.normal(size=dims), int_array(size)], {"key": 5, "counter": f"crop{i}"})
            for i, (dims, size) in enumerate(_CASES)
        ],
        formula="y[i] = x[i + begin], begin drawn evenly where the crop lies inside x",
        doc="A part of x of the given size, at a place that is drawn anew every run.",
    )
)
register(
    OpDef(
        name="RandomCropGrad",
        inputs=("gradient", "value"),
        outputs=("dvalue",),
        shape_inputs=(1,),
        attrs=_ATTRS,
        kernel="random_crop_grad",
        random=True,
        dtypes=same_dtype(dt.FLOATS),
        shapes=_gradient_shape,
        lower=lambda c: ([c.attrs["key"]], ()),
        gradient=lambda op, g: [apply("RandomCrop", [g, shape(op.inputs[0])], op.attrs), None],
        reference=lambda g, x, key, counter: np.zeros(np.shape(x), g.dtype),
        samples=lambda rng: [
            Sample([rng.normal(size=size), np.zeros(dims)], {"key": 5, "counter": f"crop{i}"})
            for i, (dims, size) in enumerate(_CASES)
        ],
        doc="The gradient of RandomCrop: what arrives goes back to the place that was drawn, zeros around it.",
    )
)


def random_crop(value: Any, size: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """A part of `value` at a random place, a new one every run; a batch is cropped at one place for all.

    Args:
        value: any shape and dtype.
        size: a length for each dimension of `value`, at most its own: a list or an integer tensor.
        seed: makes two operations of the same seed draw the same places.

    Raises:
        ShapeError: the size does not fit.
    """
    tensor = to_tensor(value)
    attrs = stream_attrs(tensor.graph, "random_crop", name, seed)
    return apply("RandomCrop", [tensor, shape_tensor(size)], attrs, name or "random_crop")
