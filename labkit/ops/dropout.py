"""Dropout (Srivastava et al. 2014)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, show
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, InvalidArgumentError, ShapeError
from labkit.ops.broadcast import ones
from labkit.ops.build import apply, scoped
from labkit.ops.compare import cast
from labkit.ops.source import constant
from labkit.ops.streams import stream_attrs


def _dtypes(inputs: Sequence[dt.DType], attrs: Mapping[str, Any]) -> list[dt.DType]:
    if any(dtype not in dt.FLOATS for dtype in inputs):
        raise DTypeError("", rule="x and the rate are floats", received=", ".join(d.name for d in inputs))
    return [inputs[0]]


def _shapes(c: OpContext) -> list[Dims]:
    if c.dims[1] is not None and len(c.dims[1]):
        raise ShapeError("", rule="The rate is one number, of shape ()", received=show(c.dims[1]))
    return [c.dims[0]]


register(
    OpDef(
        name="Dropout",
        inputs=("x", "rate"),
        kernel="dropout",
        random=True,
        dtypes=_dtypes,
        shapes=_shapes,
        attrs={"key": Attr("int"), "counter": Attr("str")},
        lower=lambda c: ([c.attrs["key"]], ()),
        gradient=lambda op, g: [apply("Dropout", [g, op.inputs[1]], op.attrs), None],
        held=(1,),
        reference=lambda x, rate, key, counter: x,
        samples=lambda rng: [
            Sample([rng.normal(size=dims), np.asarray(rate)], {"key": 7, "counter": f"dropout{i}"})
            for i, (dims, rate) in enumerate((((3,), 0.0), ((5, 17), 0.4), ((130,), 0.9), ((0, 2), 0.5), ((), 0.5)))
        ],
        refuses="The rate is from 0 on and below 1 (keep_prob above 0 and at most 1)",
        formula="y = x / (1 - rate) with probability 1 - rate, 0 else",
        source="Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting, 2014",
        doc="x with a share `rate` of its numbers set to 0 and the others divided by 1 - rate. The mask follows from key, "
        "counter and place alone, so the gradient draws the same mask again; none flows to the rate.",
    )
)


@scoped("dropout")
def dropout(
    x: Any,
    *,
    rate: Any = None,
    keep_prob: Any = None,
    noise_shape: Any = None,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """x with a share of its numbers set to 0 and the others scaled so that the mean stays; a new mask every run.

    What is dropped or kept is named, as older programs mean the share that stays where newer ones mean the one that falls.

    Args:
        rate: the share that is dropped, from 0 on and below 1: a number, or a tensor of shape (), e.g. a placeholder.
            0 gives x itself.
        seed: makes two operations of the same seed draw the same masks.
        keep_prob: the share that stays, above 0 and at most 1, instead of the rate.
        noise_shape: the mask's shape, which broadcasts to x's: where it has 1, numbers fall together. None inside it is
            x's own dimension.

    Raises:
        InvalidArgumentError: not exactly one of rate and keep_prob is given, or it is out of range (a tensor's value: when
            run).
    """
    tensor = to_tensor(x)
    if (rate is None) == (keep_prob is None):
        raise InvalidArgumentError("dropout needs one of rate and keep_prob", received=f"{rate!r} and {keep_prob!r}")
    share = _rate(rate, keep_prob)
    if isinstance(share, float):
        if share == 0:
            return tensor
        share = constant(np.float64(share), name="rate")
    attrs = stream_attrs(tensor.graph, "mul", None, seed)
    if noise_shape is None:
        return apply("Dropout", [tensor, share], attrs, "mul")
    dims = [tensor.shape[i] if n is None else n for i, n in enumerate(noise_shape)]
    return tensor * apply("Dropout", [ones(dims, tensor.dtype), share], attrs, "mul")


def _rate(rate: Any, keep_prob: Any) -> float | Tensor:
    """The rate, as a checked number or a float64 tensor."""
    given = keep_prob if rate is None else rate
    if isinstance(given, int | float | np.number) and not isinstance(given, bool):
        number = float(given) if keep_prob is None else 1 - float(given)
        if 0 <= number < 1:
            return number
    elif isinstance(given, Tensor) or hasattr(given, "as_tensor"):
        wide = cast(to_tensor(given), dt.float64)
        return wide if keep_prob is None else 1 - wide
    what, rule = ("rate", "From 0 on and below 1") if keep_prob is None else ("keep_prob", "Above 0 and at most 1")
    raise InvalidArgumentError(f"dropout's {what} is not allowed", rule=rule, received=repr(given))
