"""Where values come from: constants and placeholders."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import as_array, to_tensor
from labkit.core.graph import get_default_graph
from labkit.core.opdef import ALIAS, Attr, NotDifferentiable, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, as_dims, compatible, count, is_known, show
from labkit.core.tensor import Tensor
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.ops.rules import same_dtype

_SOURCE = NotDifferentiable("it has no input")

register(
    OpDef(
        name="Const",
        inputs=(),
        attrs={"value": Attr("array")},
        gradient=_SOURCE,
        dtypes=lambda inputs, attrs: [dt.as_dtype(attrs["value"].dtype)],
        shapes=lambda c: [c.attrs["value"].shape],
        reference=lambda value: value,
        text=True,
        unfailing=True,
        doc="An array that is part of the graph.",
    )
)
register(
    OpDef(
        name="Placeholder",
        inputs=(),
        attrs={"dtype": Attr("dtype"), "shape": Attr("array")},
        gradient=_SOURCE,
        dtypes=lambda inputs, attrs: [attrs["dtype"]],
        shapes=lambda c: [_placeholder_dims(c.attrs["shape"])],
        pure=False,
        text=True,
        doc="A value that every run is fed.",
    )
)


def _placeholder_dims(shape: np.ndarray) -> Dims:
    if shape.ndim > 1 or shape.dtype.kind not in "iu":
        rule = "shape is a list of whole numbers, -1 where one is not known, or a number for an unknown rank"
        raise InvalidArgumentError("", rule=rule, received=repr(shape))
    return None if shape.ndim == 0 else tuple(None if n < 0 else int(n) for n in shape)


def _default_dims(c: OpContext) -> list[Dims]:
    declared = _placeholder_dims(c.attrs["shape"])
    if not compatible(c.dims[0], declared):
        raise ShapeError("", rule=f"The default value has the shape {show(declared)}", received=show(c.dims[0]))
    return [c.dims[0]]


register(
    OpDef(
        name="PlaceholderWithDefault",
        inputs=("input",),
        attrs={"shape": Attr("array")},
        kernel="copy",
        lower=lambda c: ALIAS,
        dtypes=same_dtype(dt.ANY),
        shapes=_default_dims,
        gradient=lambda op, g: [g],
        reference=lambda x, shape: x,
        samples=lambda rng: [Sample([rng.normal(size=(2, 3))], {"shape": shape}) for shape in (0, (-1, 3), (2, 3))],
        formula="y = what is fed, else x",
        text=True,
        doc="A value that a run may be fed, and that is the input otherwise.",
        pure=False,  # equal ones are fed apart
    )
)


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


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Tensor:
    """A value that every run is fed.

    Args:
        dtype: what fed values are converted to: floats are rounded to it, whole numbers too; fractions do not become ints, and
            nothing may overflow.
        shape: what is known of fed shapes: None for any, dimensions None where any size fits.
    """
    return (
        get_default_graph().apply("Placeholder", [], {"dtype": dtype, "shape": _coded(as_dims(shape))}, name).outputs[0]
    )


def placeholder_with_default(input: Any, shape: Any = None, name: str | None = None) -> Tensor:
    """A value that a run may be fed, and that is `input` otherwise.

    Args:
        input: a tensor, array or number; gradients flow to it.
        shape: what is known of fed shapes, as for a placeholder; input's shape fits it.

    Raises:
        ShapeError: input has another shape.
    """
    tensor, dims = to_tensor(input), as_dims(shape)
    result = tensor.graph.apply("PlaceholderWithDefault", [tensor], {"shape": _coded(dims)}, name).outputs[0]
    result.dims = dims  # what is fed may differ from input where the shape allows it
    return result


def _coded(dims: Dims) -> np.ndarray:
    return np.asarray(0 if dims is None else [-1 if n is None else n for n in dims], np.int64)
