"""Max pooling."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import NotDifferentiable, OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dims
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, ShapeError
from labkit.ops.build import apply
from labkit.ops.pool import CASES, POOL_ATTRS, lower_pool, pool_attrs, pool_sides, pooled_dims
from labkit.ops.window import SOURCE, check_gradient, outputs

_LARGEST_BYTE_INDEX = 256


def _index_dtype(attrs: Any) -> dt.DType:
    window = attrs["window"]
    if len(window) != 2:
        raise ShapeError("", rule="window has two entries: for the height and for the width", received=str(window))
    return dt.uint8 if window[0] * window[1] <= _LARGEST_BYTE_INDEX else dt.int32


def _dtypes(inputs: Any, attrs: Any) -> list[dt.DType]:
    if inputs[0] not in dt.FLOATS:
        raise DTypeError("", rule="Images are float32 or float64", received=inputs[0].name, fix="Use lk.cast.")
    return [inputs[0], _index_dtype(attrs)]


def _check_index(index: dt.DType, attrs: Any) -> None:
    if index is not _index_dtype(attrs):
        raise DTypeError("", rule=f"With this window the index is {_index_dtype(attrs).name}", received=index.name)


def _gradient_dtypes(inputs: Any, attrs: Any) -> list[dt.DType]:
    dtype = _dtypes(inputs, attrs)[0]
    _check_index(inputs[1], attrs)
    return [dtype]


def _argmax_dtypes(inputs: Any, attrs: Any) -> list[dt.DType]:
    _check_index(inputs[0], attrs)
    return [dt.int64]


def _pooled(image: int, *arriving: int, back: bool = False) -> Any:
    """The shape rule for image input `image`, where inputs `arriving` have the pooled shape; `back`: the image's."""

    def rule(c: OpContext) -> list[Dims]:
        dims = pooled_dims(c, image)
        for i in arriving:
            check_gradient(c, i, dims)
        return [c.dims[image] if back else dims]

    return rule


def _gradient(op: Operation, g: Tensor | None, g_index: Tensor | None) -> list[Tensor | None]:
    return [None if g is None else apply("MaxPoolGrad", [g, op.outputs[1], op.inputs[0]], op.attrs)]


def _lower_argmax(c: OpContext) -> Any:
    ints, _ = lower_pool(1)(c)
    assert c.dims[1] is not None
    return [*ints, *c.dims[1][1:3]], ()


def _reference(x: np.ndarray, **attrs: Any) -> tuple[np.ndarray, np.ndarray]:
    height, width = pool_sides(x.shape, attrs)
    y = np.full((len(x), *outputs(height, width), x.shape[3]), -np.inf)
    index = np.full(y.shape, -1)
    for i, oh, ih in height.taps():
        for j, ow, iw in width.taps():
            best, at, found = y[:, oh, ow], index[:, oh, ow], x[:, ih, iw]
            better = (found > best) | (np.isnan(found) & ~np.isnan(best)) | (at < 0)
            best[better], at[better] = found[better], i * attrs["window"][1] + j
    return y, index


def _places(index: np.ndarray, x_dims: tuple[int, ...], attrs: Any) -> tuple[Any, ...]:
    """Where in x the pixels are that `index` names."""
    height, width = pool_sides(x_dims, attrs)
    rows, columns = np.divmod(index.astype(np.int64), attrs["window"][1])
    n, i, j, c = np.indices(index.shape)
    rows, columns = i * height.stride - height.before + rows, j * width.stride - width.before + columns
    if rows.size and (rows.min() < 0 or columns.min() < 0):
        raise IndexError("outside the image")
    return n, rows, columns, c


def _reference_gradient(g: np.ndarray, index: np.ndarray, x: np.ndarray, **attrs: Any) -> np.ndarray:
    result = np.zeros(x.shape)
    np.add.at(result, _places(index, x.shape, attrs), g)
    return result


def _reference_argmax(index: np.ndarray, x: np.ndarray, **attrs: Any) -> np.ndarray:
    _, rows, columns, c = _places(index, x.shape, attrs)
    return (rows * x.shape[2] + columns) * x.shape[3] + c


def _samples(rng: np.random.Generator) -> list[Sample]:
    # A permutation: the largest of a window is far from the second, so that finite differences hold.
    return [Sample([rng.permutation(int(np.prod(x))).reshape(x) * 0.1], attrs) for x, attrs in CASES]


def _index_samples(arrange: Any) -> Any:
    def samples(rng: np.random.Generator) -> list[Sample]:
        cases = []
        for sample in _samples(rng):
            full = {"padding": "SAME", "explicit_paddings": ((0, 0), (0, 0)), **sample.attrs}
            y, index = _reference(sample.inputs[0], **full)
            index = index.astype(_index_dtype(sample.attrs).numpy)
            cases.append(
                Sample(arrange(rng.normal(size=y.shape), index, rng.normal(size=sample.inputs[0].shape)), sample.attrs)
            )
        return cases

    return samples


register(
    OpDef(
        name="MaxPool",
        inputs=("x",),
        outputs=("y", "index"),
        attrs=POOL_ATTRS,
        kernel="max_pool",
        dtypes=_dtypes,
        shapes=lambda c: [pooled_dims(c, 0)] * 2,
        gradient=_gradient,
        lower=lower_pool(0),
        reference=_reference,
        samples=_samples,
        formula="y[n, i, j, c] = max over u, v of x[n, i sh + u - top, j sw + v - left, c]",
        source=SOURCE + "3",
        doc="The largest number of each window of each image and channel, and its place in the window, row by row. Padding "
        "counts as minus infinity. Of several largest the first one counts, for the gradient too; NaN counts as largest.",
    )
)
register(
    OpDef(
        name="MaxPoolGrad",
        inputs=("gradient", "index", "x"),
        outputs=("dx",),
        shape_inputs=(2,),
        attrs=POOL_ATTRS,
        kernel="max_pool_grad",
        dtypes=_gradient_dtypes,
        shapes=_pooled(2, 0, 1, back=True),
        lower=lower_pool(2),
        gradient=lambda op, g: [apply("MaxPoolGradGrad", [g, op.inputs[1]], op.attrs), None, None],
        reference=_reference_gradient,
        samples=_index_samples(lambda dy, index, x: [dy, index, x]),
        formula="dx[n, a, b, c] = sum of gradient[n, i, j, c] over the windows (i, j) whose maximum came from (a, b)",
        doc="The gradient of MaxPool: each arriving number goes to the place its maximum came from; of x only the shape "
        "matters. An index that names no pixel of the image is refused.",
    )
)
register(
    OpDef(
        name="MaxPoolGradGrad",
        inputs=("gradient", "index"),
        attrs=POOL_ATTRS,
        kernel="max_pool_grad_grad",
        dtypes=_gradient_dtypes,
        shapes=_pooled(0, 1),
        lower=lower_pool(0),
        gradient=lambda op, g: [apply("MaxPoolGrad", [g, op.inputs[1], op.inputs[0]], op.attrs), None],
        reference=lambda g, index, **attrs: g[_places(index, g.shape, attrs)],
        samples=_index_samples(lambda dy, index, x: [x, index]),
        formula="y[n, i, j, c] = gradient[n, a, b, c] for the place (a, b) that the maximum of window (i, j) came from",
        doc="The gradient of MaxPoolGrad: from an array of x's shape the numbers where the maxima came from. An index that "
        "names no pixel of the image is refused.",
    )
)
register(
    OpDef(
        name="MaxPoolArgmax",
        inputs=("index", "x"),
        outputs=("argmax",),
        shape_inputs=(1,),
        attrs=POOL_ATTRS,
        kernel="max_pool_argmax",
        dtypes=_argmax_dtypes,
        shapes=_pooled(1, 0),
        lower=_lower_argmax,
        gradient=NotDifferentiable("a place does not change with small changes of x"),
        reference=_reference_argmax,
        samples=_index_samples(lambda dy, index, x: [index, x]),
        formula="argmax = (a width + b) channels + c for the place (a, b) that a window's maximum came from",
        doc="From MaxPool's index where in its image each maximum came from, counted row by row; of x only the shape matters.",
    )
)


def max_pool(
    input: Any,
    ksize: Any,
    strides: Any = None,
    padding: Any = "VALID",
    data_format: str = "NHWC",
    name: str | None = None,
) -> Tensor:
    """The largest number of each window; for all pixels at once use lk.reduce_max.

    Args:
        input: shape (batch, height, width, channels); float32 or float64.
        ksize: the window: an int, a pair, or [1, h, w, 1].
        strides: likewise; None is as far as the window is long, so that windows do not overlap.
        padding: as for conv2d; padding counts as minus infinity, and explicit padding is smaller than the window.
        data_format: "NHWC" only.

    Raises:
        ShapeError: the input is no batch of images, or a window is larger than the padded image.
        InvalidArgumentError: another data format, or an attribute out of its range.
    """
    return _apply(input, ksize, strides, padding, data_format, name).outputs[0]


def max_pool_with_argmax(
    input: Any,
    ksize: Any,
    strides: Any = None,
    padding: Any = "VALID",
    data_format: str = "NHWC",
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """max_pool, and where in its image each maximum came from: (y * width + x) * channels + c, as int64.

    Args, errors: as max_pool's.
    """
    op = _apply(input, ksize, strides, padding, data_format, name)
    return op.outputs[0], apply("MaxPoolArgmax", [op.outputs[1], op.inputs[0]], op.attrs)


def _apply(input: Any, ksize: Any, strides: Any, padding: Any, data_format: str, name: str | None) -> Operation:
    return apply("MaxPool", [to_tensor(input)], pool_attrs(ksize, strides, padding, data_format), name).op
