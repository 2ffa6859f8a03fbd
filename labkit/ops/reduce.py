"""Sums, means, products and extremes over axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import ALIAS, Attr, NotDifferentiable, OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, count, is_known, normal_axes, show
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.broadcast import broadcast_to
from labkit.ops.build import apply
from labkit.ops.compare import cast, equal
from labkit.ops.rules import same_dtype
from labkit.ops.shape import reshape, shape


def reduced_axes(c: OpContext) -> list[int] | None:
    """The axes that an operation with the attribute `axes` reduces, in rising order; None where x's rank is unknown."""
    dims, axes = c.dims[0], c.attrs["axes"]
    if dims is None:
        return None
    if axes is None:
        return list(range(len(dims)))
    return sorted(normal_axes(axes, len(dims)))


def reduced_shape(c: OpContext) -> list[Dims]:
    """Shape rule of reductions."""
    axes, dims = reduced_axes(c), c.dims[0]
    if axes is None or dims is None:
        return [() if c.attrs["axes"] is None and not c.attrs["keepdims"] else None]
    if c.attrs["keepdims"]:
        return [tuple(1 if i in axes else n for i, n in enumerate(dims))]
    return [tuple(n for i, n in enumerate(dims) if i not in axes)]


def kept(op: Operation, x: Tensor) -> Tensor:
    """x, of the shape of a reduction's result, with the reduced dimensions put back as 1."""
    return apply("KeepDims", [x, op.inputs[0]], {"axes": op.attrs["axes"]})


def _kept_dims(c: OpContext) -> list[Dims]:
    dims = c.dims[1]
    axes = reduced_axes(OpContext([dims], [c.dtypes[1]], c.attrs))
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
    return [broadcast_to(kept(op, g), shape(op.inputs[0]))]


def _mean_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    x = op.inputs[0]
    share = g * apply("InverseCount", [x], {"axes": op.attrs["axes"]})
    return [broadcast_to(kept(op, share), shape(x))]


def _inverse_count(c: OpContext) -> np.ndarray:
    dims = c.dims[0] or ()
    return np.asarray(1.0 / max(count([dims[i] for i in reduced_axes(c) or []]), 1), c.dtypes[0].numpy)  # type: ignore[misc]


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
    winners = cast(equal(x, kept(op, op.outputs[0])), x.dtype)
    share = winners / reduce_sum(winners, op.attrs["axes"], keepdims=True)
    return [share * kept(op, g)]


def _product_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    # The product of the others is what lies before times what lies after: right beside zeros too, without a division.
    x, axes = op.inputs[0], op.attrs["axes"]
    before, arriving = x, kept(op, g)
    if axes is None:
        before, arriving, axes = reshape(x, [-1]), reshape(g, [1]), (0,)
    steps = []
    for axis in axes:
        steps.append((before, axis))
        before = reduce_prod(before, axis, keepdims=True)
    for factor, axis in reversed(steps):
        sides = [
            apply("Cumprod", [factor], {"axis": axis, "exclusive": True, "reverse": reverse})
            for reverse in (False, True)
        ]
        arriving = arriving * (sides[0] * sides[1])
    return [reshape(arriving, shape(x))]


def reduction_samples(rng: np.random.Generator) -> list[Sample]:
    """Samples of reductions: different numbers, one of them 0."""
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


def _factors(rng: np.random.Generator) -> list[Sample]:
    """Samples of products, with no, one and two zeros."""
    cases = [
        Sample([np.sign(s.inputs[0] + 0.1) * (0.5 + np.abs(s.inputs[0]) / 4)], s.attrs) for s in reduction_samples(rng)
    ]
    for zeros in (1, 2):
        x = rng.uniform(0.5, 1.5, size=(3, 5))
        x[0, :zeros] = x[1, -zeros:] = 0
        cases += [Sample([x], {"axes": axes, "keepdims": False}) for axes in (None, (0,), (1,), (1, 0))]
    return cases


def _truths(rng: np.random.Generator) -> list[Sample]:
    return [Sample([s.inputs[0] > limit], s.attrs) for limit in (-1, 1) for s in reduction_samples(rng)]


def reduction_record(
    name: str,
    kernel: str,
    reference: Callable[..., Any],
    gradient: Callable[..., Any] | NotDifferentiable,
    formula: str,
    doc: str,
    allowed: Sequence[dt.DType],
    samples: Callable[[np.random.Generator], list[Sample]] = reduction_samples,
) -> OpDef:
    """Registers an operation that makes one number of many; `reference` takes axis= and keepdims= as NumPy's do."""
    return register(
        OpDef(
            name=name,
            inputs=("x",),
            attrs={"axes": Attr("axes", None), "keepdims": Attr("bool", False)},
            kernel=kernel,
            dtypes=same_dtype(allowed),
            shapes=reduced_shape,
            gradient=gradient,
            samples=samples,
            lower=lambda c: (reduced_axes(c) or [], ()),
            formula=formula,
            doc=doc,
            reference=lambda x, axes, keepdims: reference(x, axis=axes, keepdims=keepdims),
        )
    )


reduction_record(
    "Sum",
    "reduce_sum",
    np.sum,
    _sum_gradient,
    "y = Σ x",
    "The sum of x over the given axes, or over all; integers wrap around.",
    dt.NUMBERS,
)


def _reference_mean(x: np.ndarray, axis: Any, keepdims: bool) -> Any:
    if x.dtype.kind == "f":
        return np.mean(x, axis=axis, keepdims=keepdims)
    total = np.sum(x, axis=axis, keepdims=keepdims, dtype=np.int64)
    return np.sign(total) * (np.abs(total) // max(x.size // max(total.size, 1), 1))


reduction_record(
    "Mean",
    "reduce_mean",
    _reference_mean,
    _mean_gradient,
    "y = Σ x / n",
    "The mean of x over the given axes, or over all. The mean of integers is an integer, without what comes after the point; "
    "of none it is 0.",
    dt.NUMBERS,
)
reduction_record(
    "Prod",
    "reduce_prod",
    np.prod,
    _product_gradient,
    "y = Π x",
    "The product of x over the given axes, or over all; integers wrap around.",
    dt.NUMBERS,
    _factors,
)
reduction_record(
    "Max",
    "reduce_max",
    np.max,
    _extreme_gradient,
    "y = max x",
    "The largest of x over the given axes, or over all; several largest share the gradient.",
    dt.NUMBERS,
)
reduction_record(
    "Min",
    "reduce_min",
    np.min,
    _extreme_gradient,
    "y = min x",
    "The smallest of x over the given axes, or over all; several smallest share the gradient.",
    dt.NUMBERS,
)
_STEP = NotDifferentiable("a truth value does not change smoothly")
reduction_record(
    "All", "reduce_all", np.all, _STEP, "y = all x", "Whether all of x over the axes are true.", (dt.bool_,), _truths
)
reduction_record(
    "Any", "reduce_any", np.any, _STEP, "y = any x", "Whether any of x over the axes is true.", (dt.bool_,), _truths
)


def reducer(type_name: str, what: str, more: str = "") -> Callable[..., Tensor]:
    """The function that builds a reduction."""

    def build(x: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
        return apply(type_name, [to_tensor(x)], {"axes": axis, "keepdims": keepdims}, name)

    build.__name__ = build.__qualname__ = f"reduce_{type_name.lower()}"
    build.__doc__ = f"""{what}.{more}

    Args:
        axis: the dimension or dimensions to reduce, negative ones counted from the end; default: all.
        keepdims: whether reduced dimensions stay, with size 1.

    Raises:
        ShapeError: an axis names no dimension of x.
        DTypeError: the reduction is not defined for x's dtype.
    """
    return build


reduce_sum = reducer("Sum", "The sum of numbers")
reduce_mean = reducer("Mean", "The mean of numbers", " Integers give an integer, without what comes after the point.")
reduce_prod = reducer("Prod", "The product of numbers")
reduce_max = reducer("Max", "The largest of numbers; a NaN wins")
reduce_min = reducer("Min", "The smallest of numbers; a NaN wins")
reduce_all = reducer("All", "Whether all truth values hold; of none they do")
reduce_any = reducer("Any", "Whether any truth value holds; of none it does not")
