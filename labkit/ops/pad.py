"""Borders around a tensor: of one value, or of its own numbers mirrored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import as_array, to_tensor
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register, whole
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, show
from labkit.core.tensor import Tensor
from labkit.core.values import constant_value
from labkit.errors import DTypeError, InvalidArgumentError, ShapeError
from labkit.ops.build import apply
from labkit.ops.rules import same_dtype
from labkit.ops.shape import int_array, shape
from labkit.ops.slicing import slice
from labkit.ops.strided import strided_slice


def _dtypes(allowed: Sequence[dt.DType]) -> Any:
    def rule(inputs: Sequence[dt.DType], attrs: Any) -> Sequence[dt.DType]:
        if inputs[1] not in dt.INTS:
            raise DTypeError("", rule="paddings is int32 or int64", received=inputs[1].name)
        return same_dtype(allowed, 1)(inputs, attrs)

    return rule


def _pad_dtypes(inputs: Sequence[dt.DType], attrs: Any) -> Sequence[dt.DType]:
    found = _dtypes(dt.ALL)(inputs, attrs)
    as_array(attrs["value"], inputs[0])  # refuses a value that x's dtype cannot hold
    return found


def _pairs(c: OpContext) -> list[tuple[int, int]] | None:
    """How many elements come before and after in each dimension, None while unknown; checked against x's rank."""
    paddings, x, shape_of = c.values[1], c.dims[0], c.dims[1]
    rule = "paddings has a pair of numbers from 0 on for each dimension"
    if paddings is not None:
        shape_of = paddings.shape
    if shape_of is not None and (
        len(shape_of) != 2
        or shape_of[1] not in (2, None)
        or (x is not None and shape_of[0] is not None and shape_of[0] != len(x))
    ):
        raise ShapeError("", rule=rule, received=f"paddings of shape {show(shape_of)} for {show(x)}")
    if paddings is None:
        return None
    if (paddings < 0).any():
        raise ShapeError("", rule=rule, received=str(paddings.tolist()))
    return [(int(before), int(after)) for before, after in paddings]


def _pad_shape(c: OpContext) -> list[Dims]:
    pairs, dims = _pairs(c), c.dims[0]
    if pairs is None:
        rank = len(dims) if dims is not None else (c.dims[1][0] if c.dims[1] is not None else None)
        return [None if rank is None else (None,) * rank]
    if dims is None:
        return [(None,) * len(pairs)]
    return [tuple(None if n is None else n + a + b for n, (a, b) in zip(dims, pairs, strict=True))]


def _pad_gradient(op: Operation, g: Tensor) -> list[Tensor | None]:
    x, paddings = op.inputs
    known = constant_value(paddings)
    if known is None:
        begin = strided_slice(paddings, [0, 0], [0, 1], end_mask=1, shrink_axis_mask=2)
    else:
        begin = to_tensor(known[:, 0])
    return [slice(g, begin, shape(x, out_type=paddings.dtype)), None]


def _pad_samples(rng: np.random.Generator) -> list[Sample]:
    cases: tuple[Any, ...] = (
        ((2, 3), ((1, 2), (0, 3)), {}),
        ((2, 5, 5, 3), ((0, 0), (2, 2), (1, 2), (0, 0)), {"value": 0.5}),
        ((0, 2), ((1, 0), (0, 1)), {"value": 1.0}),
        ((3, 17), ((0, 0), (0, 0)), {}),
    )
    return [Sample([rng.normal(size=dims), int_array(paddings)], attrs) for dims, paddings, attrs in cases]


register(
    OpDef(
        name="Pad",
        inputs=("x", "paddings"),
        attrs={"value": Attr("float", 0.0)},
        value_inputs=(1,),
        kernel="pad",
        dtypes=_pad_dtypes,
        shapes=_pad_shape,
        lower=lambda c: ([before for before, _ in _pairs(c) or ()], [c.attrs["value"]]),
        gradient=_pad_gradient,
        reference=lambda x, paddings, value: np.pad(x, paddings, constant_values=value) if np.ndim(x) else x,
        samples=_pad_samples,
        formula="y[i + before₀, j + before₁, ...] = x[i, j, ...], value elsewhere",
        doc="x with a border of `value`: paddings holds for each dimension how many elements come before and after.",
    )
)

# --- mirrored borders ---


def _least(mode: str) -> int:
    """How many elements at an end of x a mirrored border cannot use."""
    return 1 if mode == "REFLECT" else 0


def _mirror_shape(c: OpContext) -> list[Dims]:
    pairs, dims = _pairs(c), c.dims[0]
    spare = _least(c.attrs["mode"])
    for n, (before, after) in zip(dims or (), pairs or (), strict=False):
        if n is not None and max(before, after) > max(n - spare, 0):
            raise ShapeError(
                "",
                rule=f"A {c.attrs['mode']} border is at most as long as the dimension{' less 1' if spare else ''}",
                received=f"paddings {pairs} of {show(dims)}",
            )
    return _pad_shape(c)


def _mirror_gradient_shape(c: OpContext) -> list[Dims]:
    pairs, dims = _pairs(c), c.dims[0]
    if dims is None or pairs is None:
        return [None if dims is None and pairs is None else (None,) * len(dims if dims is not None else pairs or ())]
    inner = []
    for n, (before, after) in zip(dims, pairs, strict=True):
        size = None if n is None else n - before - after
        if size is not None and max(before, after) > max(size - _least(c.attrs["mode"]), 0):
            received = f"paddings {pairs}, gradient {show(dims)}"
            raise ShapeError("", rule="The gradient has the padded tensor's shape", received=received)
        if size is not None and size < 0:
            raise ShapeError("", rule="The gradient has the padded tensor's shape", received=show(dims))
        inner.append(size)
    return [tuple(inner)]


def _lower_mirror(c: OpContext) -> Any:
    return [_least(c.attrs["mode"]), *(before for before, _ in _pairs(c) or ())], ()


def _reference_mirror(x: np.ndarray, paddings: Any, mode: str) -> np.ndarray:
    return np.pad(x, paddings, mode=mode.lower()) if np.ndim(x) else x  # type: ignore[call-overload]


def _reference_mirror_gradient(g: np.ndarray, paddings: Any, mode: str) -> np.ndarray:
    dims = tuple(n - a - b for n, (a, b) in zip(g.shape, paddings, strict=True))
    places = _reference_mirror(np.arange(int(np.prod(dims))).reshape(dims), paddings, mode)
    result = np.zeros(dims)
    np.add.at(result.reshape(-1), places, g)
    return result


_MIRROR_CASES: tuple[Any, ...] = (
    ((4,), ((3, 3),), "REFLECT"),
    ((4,), ((4, 4),), "SYMMETRIC"),
    ((3, 5), ((1, 2), (4, 0)), "REFLECT"),
    ((2, 3, 1), ((2, 1), (0, 3), (1, 1)), "SYMMETRIC"),
    ((2, 17), ((0, 0), (2, 9)), "REFLECT"),
)
_MIRROR: dict[str, Any] = {
    "attrs": {"mode": Attr("str", choices=("REFLECT", "SYMMETRIC"))},
    "value_inputs": (1,),
    "lower": _lower_mirror,
}


def _mirror_gradient_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample([rng.normal(size=np.add(dims, np.sum(paddings, 1))), int_array(paddings)], {"mode": mode})
        for dims, paddings, mode in _MIRROR_CASES
    ]


register(
    OpDef(
        name="MirrorPad",
        inputs=("x", "paddings"),
        kernel="mirror_pad",
        dtypes=_dtypes(dt.ALL),
        shapes=_mirror_shape,
        gradient=lambda op, g: [apply("MirrorPadGrad", [g, op.inputs[1]], op.attrs), None],
        reference=_reference_mirror,
        samples=lambda rng: [
            Sample([rng.normal(size=dims), int_array(paddings)], {"mode": mode})
            for dims, paddings, mode in _MIRROR_CASES
        ],
        formula="y[before + i] = x[i]; REFLECT: y[before - i] = x[i], SYMMETRIC: y[before - 1 - i] = x[i], likewise at the end",
        doc="x with a border of its own numbers mirrored: REFLECT leaves out the outermost number, which is the mirror's "
        "axis, SYMMETRIC repeats it.",
        **_MIRROR,
    )
)
register(
    OpDef(
        name="MirrorPadGrad",
        inputs=("gradient", "paddings"),
        kernel="mirror_pad_grad",
        dtypes=_dtypes(dt.FLOATS),
        shapes=_mirror_gradient_shape,
        gradient=lambda op, g: [apply("MirrorPad", [g, op.inputs[1]], op.attrs), None],
        reference=_reference_mirror_gradient,
        samples=_mirror_gradient_samples,
        formula="dx[i] = the sum of dy over all places that MirrorPad copies x[i] to",
        doc="The gradient of MirrorPad: the border folded back onto the numbers it mirrors.",
        **_MIRROR,
    )
)


def pad(x: Any, paddings: Any, mode: str = "CONSTANT", constant_values: float = 0.0, name: str | None = None) -> Tensor:
    """x with a border.

    Args:
        paddings: for each dimension a pair: how many elements before and after. A list, or an int32 or int64 tensor.
        mode: "CONSTANT": all of one value; "REFLECT": x mirrored at its outermost numbers; "SYMMETRIC": mirrored so that
            these come twice.
        constant_values: the value of a CONSTANT border.

    Raises:
        InvalidArgumentError: the mode is unknown.
        ShapeError: the pairs do not match x's dimensions, are negative, or longer than what can be mirrored.
    """
    chosen = mode.upper() if isinstance(mode, str) else mode
    if chosen not in ("CONSTANT", "REFLECT", "SYMMETRIC"):
        rule = "mode is 'CONSTANT', 'REFLECT' or 'SYMMETRIC'"
        raise InvalidArgumentError("lk.pad got an unknown mode", rule=rule, received=repr(mode))
    inputs = [to_tensor(x), _paddings(paddings)]
    if chosen == "CONSTANT":
        return apply("Pad", inputs, {"value": constant_values}, name or ("PadV2" if constant_values else "Pad"))
    return apply("MirrorPad", inputs, {"mode": chosen}, name)


def _paddings(paddings: Any) -> Tensor:
    if isinstance(paddings, Tensor) or hasattr(paddings, "as_tensor"):
        return to_tensor(paddings)
    try:
        pairs = [(whole(before), whole(after)) for before, after in paddings]
        array = np.asarray(pairs, np.int64).reshape(-1, 2)
    except (TypeError, ValueError, OverflowError):
        raise InvalidArgumentError(
            "lk.pad got paddings that are none",
            rule="paddings holds a pair of whole numbers for each dimension",
            received=repr(paddings),
            fix="Write e.g. [[0, 0], [1, 1]].",
        ) from None
    return to_tensor(array)
