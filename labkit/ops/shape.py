"""The numbers of a tensor in the same order: under another shape, another name, or without a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import holds_tensors, to_tensor
from labkit.core.opdef import ALIAS, Attr, NotDifferentiable, OpContext, OpDef, Sample, register, whole
from labkit.core.shapes import Dims, count, is_known, normal_axes, show
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, ShapeError
from labkit.ops.build import apply, list_of
from labkit.ops.rules import same_dtype, same_shape

_INT32_MAX = 2**31 - 1


def _alias(context: OpContext) -> Any:
    return ALIAS


def _counted(value: Any, c: OpContext) -> np.ndarray:
    """A number or a list that follows from x's shape, in the dtype asked for."""
    if c.attrs["out_type"] is dt.int32 and np.max(value, initial=0) > _INT32_MAX:
        raise ShapeError(
            "",
            rule="As int32 it is below 2**31",
            received=show(c.dims[0]),
            fix="Ask for int64: out_type=lk.int64.",
        )
    return np.asarray(value, c.attrs["out_type"].numpy)


_COUNTED: dict[str, Any] = {
    "attrs": {"out_type": Attr("dtype", dt.int32, choices=dt.INTS)},
    "shape_inputs": (0,),
    "dtypes": lambda inputs, attrs: [attrs["out_type"]],
    "gradient": NotDifferentiable("a shape does not depend on values"),
    "samples": lambda rng: [
        Sample([rng.normal(size=dims)], {"out_type": dtype}) for dims in ((), (3,), (2, 0), (2, 5)) for dtype in dt.INTS
    ],
}
register(
    OpDef(
        name="Shape",
        inputs=("x",),
        outputs=("shape",),
        shapes=lambda c: [(None if c.dims[0] is None else len(c.dims[0]),)],
        from_shapes=lambda c: _counted(c.dims[0], c),
        reference=lambda x, out_type: np.asarray(np.shape(x)),
        formula="y = (n₀, n₁, ...)",
        text=True,
        doc="The shape of x as int32 or int64; as int32, dimensions of 2**31 and more are refused.",
        **_COUNTED,
    )
)
register(
    OpDef(
        name="Size",
        inputs=("x",),
        shapes=lambda c: [()],
        from_shapes=lambda c: _counted(count(c.dims[0] or ()), c),  # type: ignore[arg-type]
        reference=lambda x, out_type: np.asarray(np.size(x)),
        formula="y = n₀ n₁ ...",
        text=True,
        doc="The number of elements of x as int32 or int64.",
        **_COUNTED,
    )
)
register(
    OpDef(
        name="Rank",
        inputs=("x",),
        shapes=lambda c: [()],
        from_shapes=lambda c: _counted(len(c.dims[0] or ()), c),
        reference=lambda x, out_type: np.asarray(np.ndim(x)),
        text=True,
        doc="The number of dimensions of x as int32.",
        **_COUNTED,
    )
)


def shape(x: Any, name: str | None = None, out_type: Any = dt.int32) -> Tensor:
    """The shape of x at run time: int32 or int64, one dimension."""
    return apply("Shape", [to_tensor(x)], {"out_type": out_type}, name)


def shape_n(values: Any, out_type: Any = dt.int32, name: str | None = None) -> list[Tensor]:
    """The shapes of several tensors at run time."""
    return [shape(x, name, out_type) for x in list_of(values, "lk.shape_n")]


def size(x: Any, name: str | None = None, out_type: Any = dt.int32) -> Tensor:
    """The number of elements of x at run time: int32 or int64."""
    return apply("Size", [to_tensor(x)], {"out_type": out_type}, name)


def rank(x: Any, name: str | None = None) -> Tensor:
    """The number of dimensions of x at run time: int32."""
    return apply("Rank", [to_tensor(x)], name=name)


def requested_dims(c: OpContext, index: int) -> Dims:
    """The dims that a shape argument, input `index`, asks for; None where it is -1 or not known."""
    values = c.values[index]
    if values is None:
        partial = c.partial.get(index)
        return None if partial is None else tuple(None if n is None or n < 0 else n for n in partial)
    if values.ndim > 1 or values.dtype.kind not in "iu" or (values < -1).any():
        rule = "The new shape is a list of whole numbers from 0 on, and -1 for the one that follows from the others"
        raise ShapeError("", rule=rule, received=str(values.tolist()))
    return tuple(None if n < 0 else int(n) for n in values.reshape(-1))


def full_dims(c: OpContext, index: int = 0) -> Dims:
    """The dims that a shape argument, input `index`, asks for where -1 is not allowed."""
    values = c.values[index]
    if values is not None and (values.ndim > 1 or (values < 0).any()):
        raise ShapeError("", rule="A shape is a list of whole numbers from 0 on", received=str(values.tolist()))
    return requested_dims(c, index)


def _reshape_shape(c: OpContext) -> list[Dims]:
    wanted, dims = requested_dims(c, 1), c.dims[0]
    if c.values[1] is None or wanted is None:
        return [wanted]
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


def int_array(values: Any) -> np.ndarray:
    """A shape argument in a sample."""
    return np.asarray(values, np.int32)


register(
    OpDef(
        name="Reshape",
        inputs=("x", "shape"),
        value_inputs=(1,),
        dtypes=lambda inputs, attrs: [inputs[0]],
        shapes=_reshape_shape,
        kernel="copy",
        lower=_alias,
        gradient=lambda op, g: [reshape(g, shape(op.inputs[0])), None],
        reference=lambda x, shape: np.reshape(x, np.asarray(shape, int)),
        samples=lambda rng: [Sample([rng.normal(size=(2, 3, 4)), int_array(s)]) for s in ((6, 4), (-1,), (2, -1, 2))],
        formula="y[k] = x[k], counted along the rows",
        text=True,
        doc="The numbers of x in the same order under another shape; one dimension may be -1 and follows from the others.",
    )
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
        ShapeError: a dimension is no whole number.
    """
    if hasattr(shape, "as_tensor"):
        shape = shape.as_tensor()
    if isinstance(shape, Tensor):
        if not shape.dtype.is_integer:
            raise DTypeError(
                "A shape is a tensor of integers", received=repr(shape), fix="Use lk.cast(shape, lk.int32)."
            )
        return shape
    try:
        items = list(shape) if hasattr(shape, "__iter__") else [shape]
        if holds_tensors(items):
            return shape_tensor(to_tensor([item if holds_tensors([item]) else whole(item) for item in items]))
        numbers = [whole(item) for item in items]
        small = all(-_INT32_MAX <= n <= _INT32_MAX for n in numbers)
        array = np.asarray(numbers, np.int32 if small else np.int64)
    except (TypeError, OverflowError) as error:
        raise ShapeError(
            "A shape holds something that is no dimension",
            rule="Each dimension is a whole number below 2**63, or an integer tensor that holds one",
            received=repr(shape),
            fix="For a dimension that is known only when run, take it from lk.shape(tensor), or write -1 in lk.reshape.",
        ) from error
    return to_tensor(array)


def _ranked(change: Any) -> Any:
    def rule(c: OpContext) -> list[Dims]:
        return [None] if c.dims[0] is None else [change(c.dims[0], c.attrs["axes"])]

    return rule


def _squeezed(dims: Any, axes: Any) -> Any:
    if axes is None and None in dims:
        return None
    drop = [i for i, n in enumerate(dims) if n == 1] if axes is None else normal_axes(axes, len(dims))
    if any(dims[i] not in (1, None) for i in drop):
        raise ShapeError("", rule="Only dimensions of size 1 can be squeezed", received=f"axes {axes} of {show(dims)}")
    return tuple(n for i, n in enumerate(dims) if i not in drop)


def _expanded(dims: Any, axes: Any) -> Any:
    if axes is None:
        raise ShapeError("", rule="axes says where dimensions are put in", received="None")
    rank = len(dims) + len(axes)
    places, rest = normal_axes(axes, rank), iter(dims)
    return tuple(1 if i in places else next(rest) for i in range(rank))


register(
    OpDef(
        name="Squeeze",
        inputs=("x",),
        attrs={"axes": Attr("axes", None)},
        dtypes=lambda inputs, attrs: [inputs[0]],
        shapes=_ranked(_squeezed),
        kernel="copy",
        lower=_alias,
        gradient=lambda op, g: [reshape(g, shape(op.inputs[0]))],
        reference=lambda x, axes: np.squeeze(x, axes),
        samples=lambda rng: [Sample([rng.normal(size=(1, 3, 1))], {"axes": axes}) for axes in (None, (0,), (-1,))],
        formula="y[i, j] = x[i, 0, j]",
        text=True,
        doc="x without dimensions of size 1: the given ones, or all.",
    )
)
register(
    OpDef(
        name="ExpandDims",
        inputs=("x",),
        attrs={"axes": Attr("axes")},
        dtypes=lambda inputs, attrs: [inputs[0]],
        shapes=_ranked(_expanded),
        kernel="copy",
        lower=_alias,
        gradient=lambda op, g: [reshape(g, shape(op.inputs[0]))],
        reference=lambda x, axes: np.expand_dims(x, axes),
        samples=lambda rng: [Sample([rng.normal(size=(2, 3))], {"axes": axes}) for axes in ((0,), (-1,), (1, 3))],
        formula="y[i, 0, j] = x[i, j]",
        text=True,
        doc="x with dimensions of size 1 put in at the given axes of the result.",
    )
)


def squeeze(x: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """x without dimensions of size 1: those of `axis` (an int or several), or all."""
    return apply("Squeeze", [to_tensor(x)], {"axes": axis}, name)


def expand_dims(x: Any, axis: Any, name: str | None = None) -> Tensor:
    """x with a dimension of size 1 at `axis` of the result (or at several)."""
    return apply("ExpandDims", [to_tensor(x)], {"axes": axis}, name)


# --- passing on ---

register(
    OpDef(
        name="Identity",
        inputs=("x",),
        dtypes=same_dtype(dt.ANY),
        shapes=same_shape,
        kernel="copy",
        lower=_alias,
        gradient=lambda op, g: [g],
        reference=lambda x: x,
        samples=lambda rng: [Sample([rng.normal(size=(3, 4))])],
        formula="y = x",
        text=True,
        doc="x itself.",
    )
)
register(
    OpDef(
        name="StopGradient",
        inputs=("x",),
        dtypes=same_dtype(dt.ALL),
        shapes=same_shape,
        kernel="copy",
        lower=_alias,
        gradient=NotDifferentiable("it is there to stop gradients"),
        reference=lambda x: x,
        samples=lambda rng: [Sample([rng.normal(size=(3, 4))])],
        formula="y = x",
        doc="x itself, through which no gradient flows.",
    )
)


def identity(x: Any, name: str | None = None) -> Tensor:
    """x itself, under a name or after control dependencies."""
    return apply("Identity", [to_tensor(x)], name=name)


def identity_n(values: Any, name: str | None = None) -> list[Tensor]:
    """Several tensors, each by itself under a name or after control dependencies."""
    return [identity(x, name) for x in list_of(values, "lk.identity_n")]


def stop_gradient(x: Any, name: str | None = None) -> Tensor:
    """x itself, through which no gradient flows."""
    return apply("StopGradient", [to_tensor(x)], name=name)
