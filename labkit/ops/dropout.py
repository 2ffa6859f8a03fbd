"""Dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, OpDef, Sample, register, same_dtype
from labkit.core.tensor import Tensor
from labkit.errors import InvalidArgumentError
from labkit.ops.build import apply, same_shape
from labkit.ops.random import stream_attrs

register(
    OpDef(
        name="Dropout",
        inputs=("x",),
        kernel="dropout",
        random=True,
        dtypes=same_dtype(dt.FLOATS),
        shapes=same_shape,
        attrs={"rate": Attr("float", low=0.0, high=1.0), "key": Attr("int"), "counter": Attr("str")},
        lower=lambda c: ([c.attrs["key"]], [c.attrs["rate"]]),
        gradient=lambda op, g: [apply("Dropout", [g], op.attrs)],
        reference=lambda x, **attrs: x,
        samples=lambda rng: [
            Sample([rng.normal(size=dims)], {"rate": rate, "key": 7, "counter": "dropout"})
            for dims, rate in (((7,), 0.5), ((3, 17), 0.1), ((), 0.0), ((2, 0), 0.5))
        ],
        doc="x with a share `rate` of its numbers set to 0 and the others divided by 1 - rate (Srivastava et al. 2014). The "
        "mask follows from key, counter and place alone, so the gradient draws the same mask again.",
    )
)


def dropout(x: Any, rate: float, seed: int | None = None, name: str | None = None) -> Tensor:
    """x with a share `rate` of its numbers set to 0 and the others divided by 1 - rate; a new mask every run.

    Args:
        rate: the share that is dropped, from 0 on and below 1. 0 gives x itself.
        seed: makes two operations of the same seed draw the same masks.

    Raises:
        InvalidArgumentError: the rate is not in [0, 1).
    """
    tensor = to_tensor(x)
    if not isinstance(rate, int | float | np.number) or not 0 <= rate < 1:
        raise InvalidArgumentError("dropout's rate is not allowed", rule="From 0 on and below 1", received=repr(rate))
    if rate == 0:
        return tensor
    return apply(
        "Dropout", [tensor], {"rate": rate, **stream_attrs(tensor.graph, "dropout", name, seed)}, name or "dropout"
    )
