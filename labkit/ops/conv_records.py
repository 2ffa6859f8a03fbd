"""The three records that every convolution consists of: itself and its two gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dim, Dims, show
from labkit.core.tensor import Tensor
from labkit.errors import InvalidArgumentError
from labkit.ops.build import apply
from labkit.ops.rules import need_rank, same_dtype
from labkit.ops.window import (
    check_gradient,
    outputs,
    sides,
)

ALGORITHMS = ("auto", "direct", "winograd")
"""What may be asked of a convolution, numbered as the kernels do (core_ext/kernels/window.h)."""

Channels = Callable[[Sequence[Dim], Sequence[Dim], Mapping[str, Any]], tuple[Dim, int]]
"""(dimensions of x and of the filters, attributes) -> channels of the result, groups; raises ShapeError."""


def register_convolution(
    name: str,
    kernel: str,
    channels: Channels,
    attrs: Mapping[str, Attr],
    cases: Sequence[tuple[Any, Any, dict[str, Any]]],
    formula: str,
    source: str,
    doc: str,
) -> None:
    """Registers a convolution and its gradients `name`BackpropInput and `name`BackpropFilter.

    A convolution is linear in the images and in the filters; each of the three gives two of them and the gradient of the
    result the third, so each one's gradients are the other two.

    Args:
        kernel: the kernel's name; the gradients' kernels have the suffixes _backprop_input and _backprop_filter.
        channels: how channels and filters fit together.
        cases: shapes of x and of the filters, and attributes.
    """

    def shape(c: OpContext) -> list[Dims]:
        x = need_rank(c, 0, 4, "A batch of images (batch, height, width, channels)")
        filters = need_rank(c, 1, 4, "A filter (height, width, in, out)")
        height, width = sides(c.attrs, x[1:3], filters[:2])
        if c.attrs.get("algorithm") == "winograd":
            _check_winograd(c, filters[:2])
        return [(x[0], height.out, width.out, channels(x, filters, c.attrs)[0])]

    def gradient_shape(which: int) -> Callable[[OpContext], list[Dims]]:
        def rule(c: OpContext) -> list[Dims]:
            check_gradient(c, 2, shape(c)[0])
            return [c.dims[which]]

        return rule

    def lower(c: OpContext) -> tuple[list[int], Sequence[float]]:
        x, filters = c.dims[0], c.dims[1]
        assert x is not None
        assert filters is not None
        height, width = sides(c.attrs, x[1:3], filters[:2])
        _, groups = channels(x, filters, c.attrs)
        choice = ALGORITHMS.index(c.attrs.get("algorithm", "auto"))
        return [*c.attrs["strides"], height.before, width.before, *c.attrs["dilations"], groups, choice], ()

    def known_channels(x: np.ndarray, filters: np.ndarray, attrs: Mapping[str, Any]) -> tuple[int, int]:
        out, groups = channels(x.shape, filters.shape, attrs)
        assert out is not None
        return out, groups

    def taps(x: np.ndarray, filters: np.ndarray, attrs: Mapping[str, Any]) -> Any:
        """For each tap of a filter and each group: its place in the filters, outputs, and the pixels of x they meet."""
        height, width = sides(attrs, x.shape[1:3], filters.shape[:2])
        out, groups = known_channels(x, filters, attrs)
        for i, oh, ih in height.taps():
            for j, ow, iw in width.taps():
                for g in range(groups):
                    c, k = (np.s_[g * n // groups : (g + 1) * n // groups] for n in (x.shape[3], out))
                    yield np.s_[i, j, :, k], np.s_[:, oh, ow, k], np.s_[:, ih, iw, c]

    def forward(x: np.ndarray, filters: np.ndarray, **attrs: Any) -> np.ndarray:
        out, groups = known_channels(x, filters, attrs)
        y = np.zeros((len(x), *outputs(*sides(attrs, x.shape[1:3], filters.shape[:2])), out))
        flat = filters.reshape(*filters.shape[:2], x.shape[3] // groups, out)
        for place, results, pixels in taps(x, filters, attrs):
            y[results] += x[pixels] @ flat[place]
        return y

    def to_input(x: np.ndarray, filters: np.ndarray, g: np.ndarray, **attrs: Any) -> np.ndarray:
        dx = np.zeros(x.shape)
        groups = known_channels(x, filters, attrs)[1]
        flat = filters.reshape(*filters.shape[:2], x.shape[3] // groups, g.shape[3])
        for place, results, pixels in taps(x, filters, attrs):
            dx[pixels] += g[results] @ flat[place].T
        return dx

    def to_filters(x: np.ndarray, filters: np.ndarray, g: np.ndarray, **attrs: Any) -> np.ndarray:
        groups = known_channels(x, filters, attrs)[1]
        dw = np.zeros((*filters.shape[:2], x.shape[3] // groups, g.shape[3]))
        for place, results, pixels in taps(x, filters, attrs):
            dw[place] += np.tensordot(x[pixels], g[results], ([0, 1, 2], [0, 1, 2]))
        return dw.reshape(filters.shape)

    def samples(rng: np.random.Generator) -> list[Sample]:
        return [Sample([rng.normal(size=x), rng.normal(size=f)], a) for x, f, a in cases]

    def gradient_samples(rng: np.random.Generator) -> list[Sample]:
        return [
            Sample([*s.inputs, rng.normal(size=forward(*s.inputs, **_all_attrs(attrs, s.attrs)).shape)], s.attrs)
            for s in samples(rng)
        ]

    def gradient(op: Operation, g: Tensor) -> list[Tensor]:
        return [apply(name + "BackpropInput", [*op.inputs, g], op.attrs), to_filter(op, op.inputs[0], op.inputs[1], g)]

    def to_filter(op: Operation, x: Tensor, filters: Tensor, g: Tensor) -> Tensor:
        return apply(name + "BackpropFilter", [x, filters, g], op.attrs)

    shared: dict[str, Any] = {"attrs": attrs, "dtypes": same_dtype(dt.FLOATS), "lower": lower, "source": source}
    register(
        OpDef(
            name=name,
            inputs=("x", "filters"),
            kernel=kernel,
            shapes=shape,
            gradient=gradient,
            reference=forward,
            samples=samples,
            formula=formula,
            doc=doc,
            **shared,
        )
    )
    register(
        OpDef(
            name=name + "BackpropInput",
            inputs=("x", "filters", "gradient"),
            shape_inputs=(0,),
            kernel=kernel + "_backprop_input",
            shapes=gradient_shape(0),
            gradient=lambda op, g: [None, to_filter(op, g, *op.inputs[1:]), apply(name, [g, op.inputs[1]], op.attrs)],
            reference=to_input,
            samples=gradient_samples,
            formula=f"dx = sum over y of gradient[y] * d y / d x, for y = {name}(x, filters)",
            doc=f"The gradient of {name} with respect to its images, of which only the shape matters; by itself the "
            "transposed convolution.",
            **shared,
        )
    )
    register(
        OpDef(
            name=name + "BackpropFilter",
            inputs=("x", "filters", "gradient"),
            shape_inputs=(1,),
            kernel=kernel + "_backprop_filter",
            shapes=gradient_shape(1),
            gradient=lambda op, g: [
                apply(name + "BackpropInput", [op.inputs[0], g, op.inputs[2]], op.attrs),
                None,
                apply(name, [op.inputs[0], g], op.attrs),
            ],
            reference=to_filters,
            samples=gradient_samples,
            formula=f"dfilters = sum over y of gradient[y] * d y / d filters, for y = {name}(x, filters)",
            doc=f"The gradient of {name} with respect to its filters, of which only the shape matters.",
            **shared,
        )
    )


def _check_winograd(c: OpContext, window: tuple[Dim, ...]) -> None:
    """Raises InvalidArgumentError where Winograd's algorithm cannot serve a convolution."""
    attrs = c.attrs
    steps = {*attrs["strides"], *attrs["dilations"], attrs["groups"]}
    known = {n for n in window if n is not None}
    if steps != {1} or c.dtypes[0] is not dt.float32 or len(known) > 1 or not known <= {3, 5}:
        raise InvalidArgumentError(
            "",
            rule="algorithm='winograd' serves filters 3x3 and 5x5 of float32 with strides, dilations and groups of 1",
            received=f"filters {show(window)} of {c.dtypes[0].name}, strides {attrs['strides']}, "
            f"dilations {attrs['dilations']}, {attrs['groups']} groups",
            fix="Leave algorithm='auto', which takes it where it serves and pays.",
        )


def _all_attrs(attrs: Mapping[str, Attr], given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: given.get(key, attr.default) for key, attr in attrs.items()}
