"""Images at another size."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, show
from labkit.core.tensor import Tensor
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.ops.build import apply, scoped
from labkit.ops.compare import cast
from labkit.ops.image.common import on_batch
from labkit.ops.rules import need_rank, same_dtype
from labkit.ops.shape import full_dims, int_array, shape, shape_tensor

_ATTRS = {"align_corners": Attr("bool", False), "half_pixel_centers": Attr("bool", True)}
_IMAGES = "A batch of images (batch, height, width, channels)"


def _resized(c: OpContext) -> list[Dims]:
    n, h, w, channels = need_rank(c, 0, 4, _IMAGES)
    size = full_dims(c, 1)
    if size is not None and (len(size) != 2 or 0 in size):
        raise ShapeError("", rule="The size is a height and a width from 1 on", received=show(size))
    if 0 in (h, w):
        raise ShapeError("", rule="The images have pixels", received=show(c.dims[0]))
    height, width = size or (None, None)
    return [(n, height, width, channels)]


def _gradient_shape(c: OpContext) -> list[Dims]:
    g, x = need_rank(c, 0, 4, _IMAGES), need_rank(c, 1, 4, _IMAGES)
    if any(g[i] is not None and x[i] is not None and g[i] != x[i] for i in (0, 3)) or 0 in x[1:3]:
        received = f"{show(c.dims[0])} for {show(c.dims[1])}"
        raise ShapeError(
            "", rule="The gradient has the images' batch and channels, and they have pixels", received=received
        )
    return [x]


def _side(before: int, after: int, align_corners: bool, half_pixel_centers: bool, method: str) -> np.ndarray:
    """How much of each pixel goes into each pixel of the result, along one side."""
    weights = np.zeros((after, before))
    for i in range(after):
        if align_corners and after > 1:
            at = Fraction(i * (before - 1), after - 1)
        elif half_pixel_centers and not align_corners:
            at = Fraction((2 * i + 1) * before, 2 * after) - Fraction(1, 2)
        else:
            at = Fraction(i * before, after)
        if method == "nearest":
            centered = after > 1 if align_corners else half_pixel_centers
            weights[i, min(int(at + Fraction(1, 2) * centered), before - 1)] = 1
            continue
        at = max(at, Fraction(0))
        low = min(int(at), before - 1)
        weights[i, low] += float(1 - at + low)
        weights[i, min(low + 1, before - 1)] += float(at - low)
    return weights


def _reference(method: str) -> Any:
    def resize(x: np.ndarray, size: np.ndarray, **attrs: bool) -> np.ndarray:
        if 0 in x.shape:  # the result's sides may be of any length
            return np.zeros((x.shape[0], *map(int, size), x.shape[3]), x.dtype)
        rows, columns = (_side(n, int(m), **attrs, method=method) for n, m in zip(x.shape[1:3], size, strict=True))
        if method == "nearest":
            return x[:, rows.argmax(1)][:, :, columns.argmax(1)]
        return np.einsum("ih,nhwc,jw->nijc", rows, x, columns, optimize=True)

    return resize


def _reference_gradient(method: str) -> Any:
    def gradient(g: np.ndarray, x: np.ndarray, **attrs: bool) -> np.ndarray:
        sides = zip(np.shape(x)[1:3], g.shape[1:3], strict=True)
        rows, columns = (_side(n, m, **attrs, method=method) for n, m in sides)
        return np.einsum("ih,nijc,jw->nhwc", rows, g, columns, optimize=True)

    return gradient


_CASES = (
    ((2, 3, 4, 3), (6, 8), False, True),
    ((1, 5, 7, 1), (3, 2), False, True),
    ((1, 4, 4, 2), (7, 5), True, False),
    ((2, 3, 5, 3), (8, 9), False, False),
    ((1, 1, 3, 17), (4, 1), True, True),
    ((0, 3, 3, 1), (2, 2), False, True),
    ((1, 33, 17, 1), (16, 65), False, True),
)


def _method(method: str, allowed: Any, formula: str, words: str) -> None:
    name = {"nearest": "ResizeNearestNeighbor", "bilinear": "ResizeBilinear"}[method]

    def gradient_samples(rng: np.random.Generator) -> list[Sample]:
        return [
            Sample(
                [rng.normal(size=(dims[0], *size, dims[3])), np.zeros(dims)],
                {"align_corners": align, "half_pixel_centers": half},
            )
            for dims, size, align, half in _CASES
        ]

    register(
        OpDef(
            name=name,
            inputs=("images", "size"),
            value_inputs=(1,),
            attrs=_ATTRS,
            kernel=f"resize_{method}",
            dtypes=same_dtype(allowed, 1),
            shapes=_resized,
            gradient=lambda op, g: [apply(f"{name}Grad", [g, op.inputs[0]], op.attrs), None],
            reference=_reference(method),
            samples=lambda rng: [
                Sample(
                    [rng.normal(size=dims) * 5, int_array(size)], {"align_corners": align, "half_pixel_centers": half}
                )
                for dims, size, align, half in _CASES
            ],
            formula=formula,
            doc=f"Images (batch, height, width, channels) at another size (height, width): {words}. Pixel i of the result lies "
            "at i in / out, or with half_pixel_centers at (i + 1/2) in / out - 1/2; align_corners, which goes before, lays the "
            "first and last pixels of both on each other.",
        )
    )
    register(
        OpDef(
            name=f"{name}Grad",
            inputs=("gradient", "images"),
            outputs=("dimages",),
            shape_inputs=(1,),
            attrs=_ATTRS,
            kernel=f"resize_{method}_grad",
            dtypes=same_dtype(dt.FLOATS),
            shapes=_gradient_shape,
            gradient=lambda op, g: [apply(name, [g, shape(op.inputs[0])[1:3]], op.attrs), None],
            reference=_reference_gradient(method),
            samples=gradient_samples,
            doc=f"The gradient of {name}: each pixel of the images gets what arrives at the pixels that it went into.",
        )
    )


_method("nearest", dt.ALL, "y[i] = x[the pixel nearest to i]", "each pixel is the nearest one")
_method(
    "bilinear",
    dt.FLOATS,
    "y[i] = (1 - t) x[low] + t x[low + 1], along both sides",
    "each pixel is a mean of the four around it, weighted by nearness",
)


def resize(
    images: Any,
    size: Any,
    method: str = "bilinear",
    align_corners: bool = False,
    half_pixel_centers: bool = True,
    name: str | None = None,
) -> Tensor:
    """Images at another size.

    The default places centers of pixels at i + 1/2, as TensorFlow 2, PIL and PyTorch (align_corners=False) do. Shrinking
    does not smooth first.

    Args:
        images: shape (height, width, channels) or (batch, height, width, channels). Bilinear gives floats: other dtypes
            become float32 for it.
        size: (height, width), a list or an integer tensor; each from 1 on.
        method: "bilinear" or "nearest".
        align_corners: lays the first and last pixels of the images and of the result on each other.
        half_pixel_centers: False places pixel i at i, as TensorFlow 1 did.

    Raises:
        ShapeError: no images, or another number of dimensions; no two sizes.
        InvalidArgumentError: there is no such method.
    """
    if method not in ("bilinear", "nearest"):
        raise InvalidArgumentError("resize knows no such method", rule='"bilinear" or "nearest"', received=repr(method))
    wanted = shape_tensor(size)
    attrs = {"align_corners": align_corners, "half_pixel_centers": half_pixel_centers}

    def one(x: Tensor) -> Tensor:
        if method == "nearest":
            return apply("ResizeNearestNeighbor", [x, wanted], attrs, name)
        return apply("ResizeBilinear", [x if x.dtype.is_floating else cast(x, dt.float32), wanted], attrs, name)

    return on_batch(images, one)


@scoped("resize")
def resize_images(
    images: Any, size: Any, method: str = "bilinear", align_corners: bool = False, name: str | None = None
) -> Tensor:
    """`resize` with the places of pixels that TensorFlow 1 has: half_pixel_centers is False."""
    return resize(images, size, method, align_corners, False)


def resize_bilinear(
    images: Any, size: Any, align_corners: bool = False, half_pixel_centers: bool = False, name: str | None = None
) -> Tensor:
    """`resize` by the bilinear method, with TensorFlow 1's defaults."""
    return resize(images, size, "bilinear", align_corners, half_pixel_centers, name)


def resize_nearest_neighbor(
    images: Any, size: Any, align_corners: bool = False, half_pixel_centers: bool = False, name: str | None = None
) -> Tensor:
    """`resize` by the nearest pixel, with TensorFlow 1's defaults."""
    return resize(images, size, "nearest", align_corners, half_pixel_centers, name)
