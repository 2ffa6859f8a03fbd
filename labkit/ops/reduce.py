"""Sums, means and extremes over axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.graph import Operation
from labkit.core.opdef import ALIAS, Attr, NotDifferentiable, OpContext, OpDef, Sample, register, same_dtype
from labkit.core.shapes import Dims, count, is_known, normal_axes, show
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.broadcast import broadcast_to
from labkit.ops.build import apply
from labkit.ops.compare import cast, equal
from labkit.ops.shape import reshape, shape


def _axes(c: OpContext) -> list[int] | None:
    dims, axes = c.dims[0], c.attrs["axes"]
    if dims is None:
        return None
    if axes is None:
        return list(range(len(dims)))
    return sorted(normal_axes(axes, len(dims)))


def _reduced(c: OpContext) -> list[Dims]:
    axes, dims = _axes(c), c.dims[0]
    if axes is None or dims is None:
        return [() if c.attrs["axes"] is None and not c.attrs["keepdims"] else None]
    if c.attrs["keepdims"]:
        return [tuple(1 if i in axes else n for i, n in enumerate(dims))]
    return [tuple(n for i, n in enumerate(dims) if i not in axes)]


def _kept_shape(op: Operation, x: Tensor) -> Tensor:
    """x, a reduction's result, with the reduced dimensions put back as 1."""
    return apply("KeepDims", [x, op.inputs[0]], {"axes": op.attrs["axes"]})


def _kept_dims(c: OpContext) -> list[Dims]:
    dims = c.dims[1]
    axes = _axes(OpContext([dims], [c.dtypes[1]], c.attrs))
    if dims is None or axes is None:
        return [None]
    kept = tuple(1 if i in axes else n for i, n in enumerate(dims))
    if is_known(kept) and is_known(c.dims[0]) and count(kept) != count(c.dims[0]):  # type: ignore[arg-type]
        raise ShapeError("", rule="y is x reduced over the axes", received=f"{show(c.dims[0])} for {show(dims)}")
    return [kept]


register(
    OpDef(
        name="KeepDims",
        inputs=("y", "x"),
        shape_inputs=(1,),
        attrs={"axes": Attr("axes", None)},
        kernel="copy",
        dtypes=lambda inputs, attrs: [inputs[0]],
        shapes=_kept_dims,
        lower=lambda c: ALIAS,
        gradient=lambda op, g: [reshape(g, shape(op.inputs[0])), None],
        reference=lambda y, x, axes: np.reshape(y, np.sum(x, axis=axes, keepdims=True).shape),
        samples=lambda rng: [Sample([rng.normal(size=(3,)), np.zeros((3, 4))], {"axes": (1,)})],
        doc="The result y of a reduction of x, with the reduced dimensions put back as 1.",
    )
)


def _sum_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    return [broadcast_to(_kept_shape(op, g), shape(op.inputs[0]))]


def _mean_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    x = op.inputs[0]
    share = g * apply("InverseCount", [x], {"axes": op.attrs["axes"]})
    return [broadcast_to(_kept_shape(op, share), shape(x))]


def _inverse_count(c: OpContext) -> np.ndarray:
    dims = c.dims[0] or ()
    return np.asarray(1.0 / max(count([dims[i] for i in _axes(c) or []]), 1), c.dtypes[0].numpy)  # type: ignore[misc]


register(
    OpDef(
        name="InverseCount",
        inputs=("x",),
        shape_inputs=(0,),
        attrs={"axes": Attr("axes", None)},
        shapes=lambda c: [()],
        dtypes=same_dtype(dt.FLOATS),
        from_shapes=_inverse_count,
        gradient=NotDifferentiable("a count follows from shapes"),
        reference=lambda x, axes: (
            1 / max(np.prod([np.shape(x)[a] for a in (range(np.ndim(x)) if axes is None else axes)]), 1)
        ),
        samples=lambda rng: [Sample([np.zeros((3, 4))], {"axes": axes}) for axes in (None, (1,), (0, -1))],
        doc="One divided by the number of elements of x that one result of a reduction over the axes is made of; 1 where "
        "that is none.",
    )
)


def _extreme_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    x = op.inputs[0]
    winners = cast(equal(x, _kept_shape(op, op.outputs[0])), x.dtype)
    share = winners / reduce_sum(winners, op.attrs["axes"], keepdims=True)
    return [share * _kept_shape(op, g)]


def _samples(rng: np.random.Generator) -> list[Sample]:
    cases = []
    for dims, axes in (
        ((7,), None),
        ((3, 17), (1,)),
        ((3, 17), (0,)),
        ((2, 3, 5), (0, 2)),
        ((2, 3, 5), (-2,)),
        ((4, 3), ()),
    ):
        for keepdims in (False, True):
            cases.append(
                Sample([rng.permutation(count(dims)).reshape(dims) * 0.25 - 1], {"axes": axes, "keepdims": keepdims})
            )
    return cases


def _reduction(name: str, kernel: str, reference: Callable[..., Any], gradient: Any, doc: str, allowed: Any) -> None:
    register(
        OpDef(
            name=name,
            inputs=("x",),
            attrs={"axes": Attr("axes", None), "keepdims": Attr("bool", False)},
            kernel=kernel,
            dtypes=same_dtype(allowed),
            shapes=_reduced,
            gradient=gradient,
            samples=_samples,
            lower=lambda c: (_axes(c) or [], ()),
            doc=doc,
            reference=lambda x, axes, keepdims: reference(x, axis=axes, keepdims=keepdims),
        )
    )


_reduction("Sum", "reduce_sum", np.sum, _sum_gradient, "The sum of x over the given axes, or over all.", dt.NUMERIC)
_reduction("Mean", "reduce_mean", np.mean, _mean_gradient, "The mean of x over the given axes, or over all.", dt.FLOATS)
_reduction(
    "Max",
    "reduce_max",
    np.max,
    _extreme_gradient,
    "The largest of x over the given axes, or over all; several largest share the gradient.",
    dt.NUMERIC,
)
_reduction(
    "Min",
    "reduce_min",
    np.min,
    _extreme_gradient,
    "The smallest of x over the given axes, or over all; several smallest share the gradient.",
    dt.NUMERIC,
)


def _reducer(type_name: str, what: str) -> Callable[..., Tensor]:
    def build(x: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
        return apply(type_name, [to_tensor(x)], {"axes": axis, "keepdims": keepdims}, name)

    build.__name__ = build.__qualname__ = f"reduce_{type_name.lower()}"
    build.__doc__ = f"""{what} of x.

    Args:
        axis: the dimension or dimensions to reduce, negative ones counted from the end; default: all.
        keepdims: whether reduced dimensions stay, with size 1.

    Raises:
        ShapeError: an axis names no dimension of x.
    """
    return build


reduce_sum = _reducer("Sum", "The sum")
reduce_mean = _reducer("Mean", "The mean")
reduce_max = _reducer("Max", "The largest")
reduce_min = _reducer("Min", "The smallest")


def _arg(name: str, kernel: str, reference: Callable[..., Any], doc: str) -> None:
    checked = same_dtype((*dt.NUMERIC, dt.uint8))

    def dtypes(inputs: Any, attrs: Any) -> list[dt.DType]:
        checked(inputs, attrs)
        return [dt.int64]

    def axis(c: OpContext) -> int:
        (one,) = _axes(OpContext(c.dims, c.dtypes, {"axes": (c.attrs["axis"],)})) or [0]
        dims = c.dims[0]
        if dims is not None and dims[one] == 0:
            raise ShapeError("", rule="The axis has at least one element", received=f"axis {one} of {show(dims)}")
        return one

    def shapes(c: OpContext) -> list[Dims]:
        dims = c.dims[0]
        if dims is None:
            return [None]
        one = axis(c)
        return [tuple(n for i, n in enumerate(dims) if i != one)]

    register(
        OpDef(
            name=name,
            inputs=("x",),
            attrs={"axis": Attr("int", 0)},
            kernel=kernel,
            dtypes=dtypes,
            shapes=shapes,
            gradient=NotDifferentiable("an index does not change smoothly"),
            lower=lambda c: ([axis(c)], ()),
            reference=lambda x, axis: reference(x, axis=axis),
            doc=doc,
            samples=lambda rng: [
                Sample([rng.integers(0, 9, size=dims).astype(float)], {"axis": a})
                for dims, a in (((7,), 0), ((3, 17), 1), ((3, 17), 0), ((2, 3, 5), -1))
            ],
        )
    )


_arg("ArgMax", "argmax", np.argmax, "The index of the largest element along an axis, the first of several; int64.")
_arg("ArgMin", "argmin", np.argmin, "The index of the smallest element along an axis, the first of several; int64.")


def argmax(x: Any, axis: int = 0, name: str | None = None) -> Tensor:
    """The index of the largest element along `axis`, the first of several; int64."""
    return apply("ArgMax", [to_tensor(x)], {"axis": axis}, name)


def argmin(x: Any, axis: int = 0, name: str | None = None) -> Tensor:
    """The index of the smallest element along `axis`, the first of several; int64."""
    return apply("ArgMin", [to_tensor(x)], {"axis": axis}, name)
