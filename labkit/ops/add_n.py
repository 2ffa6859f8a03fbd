"""The sum of many tensors."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensors
from labkit.core.opdef import OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, compatible, merge, show
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.build import SHAPES, apply, list_of
from labkit.ops.rules import same_dtype


def _one_shape(c: OpContext) -> list[Dims]:
    found = c.dims[0]
    for dims in c.dims[1:]:
        if not compatible(found, dims):
            raise ShapeError("", rule="All values have one shape", received=" and ".join(show(d) for d in c.dims))
        found = merge(found, dims)
    return [found]


register(
    OpDef(
        name="AddN",
        inputs=("*values",),
        kernel="add_n",
        dtypes=same_dtype(dt.NUMBERS),
        shapes=_one_shape,
        gradient=lambda op, g: [g] * len(op.inputs),
        reference=lambda *values: functools.reduce(np.add, values),
        samples=lambda rng: [
            Sample([rng.normal(size=shape) for _ in range(count)])
            for shape, count in zip((*SHAPES, (0, 3)), (2, 1, 3, 5, 2, 4, 2), strict=True)
        ],
        formula="y = values[0] + values[1] + ...",
        doc="The sum of tensors of one shape, added in their order; whole numbers wrap around.",
    )
)


def add_n(inputs: Sequence[Any], name: str | None = None) -> Tensor:
    """The sum of a list of tensors of one shape and dtype (any but bool), added in their order.

    Raises:
        InvalidArgumentError: there is no list, or it is empty.
        ShapeError: the shapes differ; add_n does not broadcast.
        DTypeError: the dtypes differ.
    """
    return apply("AddN", to_tensors(*list_of(inputs, "lk.add_n")), name=name)
