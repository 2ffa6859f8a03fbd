"""Crops and borders of images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dim, Dims, compatible, show
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.build import apply, scoped
from labkit.ops.image.common import image_tensor
from labkit.ops.rules import same_dtype
from labkit.ops.slicing import slice

Place = Callable[[Dim, Mapping[str, Any], str], tuple[int, Dim]]
"""(height or width, attributes, which of them) -> (where the window begins, below 0 for a border; its length)."""

_SIDES = ("height", "width")


def _windows(dims: Dims, attrs: Mapping[str, Any], place: Place) -> list[tuple[int, Dim]]:
    """For each dimension of images where the window begins, and how long it is."""
    assert dims is not None
    windows: list[tuple[int, Dim]] = [(0, n) for n in dims]
    for axis, side in zip((-3, -2), _SIDES, strict=True):
        windows[axis] = place(dims[axis], attrs, side)
    return windows


def _window(name: str, attrs: Mapping[str, Attr], place: Place, cases: Any, formula: str, words: str) -> None:
    def shapes(c: OpContext) -> list[Dims]:
        dims = c.dims[0]
        if dims is None:
            return [None]
        if len(dims) not in (3, 4):
            rule = "Images are (height, width, channels) or (batch, height, width, channels)"
            raise ShapeError("", rule=rule, received=show(dims))
        return [tuple(n for _, n in _windows(dims, c.attrs, place))]

    def gradient_shapes(c: OpContext) -> list[Dims]:
        (window,) = shapes(OpContext(c.dims[1:], c.dtypes[1:], c.attrs))
        if not compatible(window, c.dims[0]):
            raise ShapeError("", rule=f"The gradient has the window's shape, {show(window)}", received=show(c.dims[0]))
        return [c.dims[1]]

    def reference(x: np.ndarray, **given: Any) -> np.ndarray:
        window = [n or 0 for _, n in _windows(x.shape, given, place)]
        if 0 in window:  # the other sides may be of any length
            return np.zeros(window, x.dtype)
        for axis, (begin, n) in enumerate(_windows(x.shape, given, place)):
            at = begin + np.arange(n or 0)
            inside = (at >= 0) & (at < x.shape[axis])
            shape = [-1 if i == axis else 1 for i in range(x.ndim)]
            source = np.concatenate(
                [x, np.zeros([1 if i == axis else n for i, n in enumerate(x.shape)], x.dtype)], axis
            )
            x = np.take(source, np.where(inside, at, -1), axis) * inside.reshape(shape)
        return x

    def reference_gradient(g: np.ndarray, x: np.ndarray, **given: Any) -> np.ndarray:
        result = np.zeros(np.shape(x))
        spans = [
            (begin + np.arange(n or 0), total)
            for (begin, n), total in zip(_windows(np.shape(x), given, place), np.shape(x), strict=True)
        ]
        inside = [np.flatnonzero((at >= 0) & (at < total)) for at, total in spans]
        result[np.ix_(*[at[i] for (at, _), i in zip(spans, inside, strict=True)])] = g[np.ix_(*inside)]
        return result

    def gradient_samples(rng: np.random.Generator) -> list[Sample]:
        found = []
        for dims, given in cases:
            window = [n or 0 for _, n in _windows(dims, given, place)]
            found.append(Sample([rng.normal(size=window), np.zeros(dims)], given))
        return found

    register(
        OpDef(
            name=name,
            inputs=("images",),
            attrs=attrs,
            kernel="window",
            dtypes=lambda inputs, attrs: [inputs[0]],
            shapes=shapes,
            lower=lambda c: ([begin for begin, _ in _windows(c.dims[0], c.attrs, place)], ()),
            gradient=lambda op, g: [apply(f"{name}Grad", [g, op.inputs[0]], op.attrs)],
            reference=reference,
            samples=lambda rng: [Sample([rng.normal(size=dims)], given) for dims, given in cases],
            formula=formula,
            doc=words,
        )
    )
    register(
        OpDef(
            name=f"{name}Grad",
            inputs=("gradient", "images"),
            outputs=("dimages",),
            shape_inputs=(1,),
            attrs=attrs,
            kernel="window",
            dtypes=same_dtype(dt.FLOATS),
            shapes=gradient_shapes,
            lower=lambda c: ([-begin for begin, _ in _windows(c.dims[1], c.attrs, place)], ()),
            gradient=lambda op, g: [apply(name, [g], op.attrs), None],
            reference=reference_gradient,
            samples=gradient_samples,
            doc=f"The gradient of {name}: what arrives goes back to its place, zeros where the window was not.",
        )
    )


def _centered(n: Dim, attrs: Mapping[str, Any], side: str) -> tuple[int, Dim]:
    wanted = attrs[side]
    spare = 0 if n is None else n - wanted
    return (spare // 2 if spare >= 0 else -(-spare // 2)), wanted


def _central(n: Dim, attrs: Mapping[str, Any], side: str) -> tuple[int, Dim]:
    if n is None:
        return 0, None
    begin = int((n - n * attrs["fraction"]) / 2)
    return begin, n - 2 * begin


def _bordered(n: Dim, attrs: Mapping[str, Any], side: str) -> tuple[int, Dim]:
    before, wanted = attrs[f"offset_{side}"], attrs[side]
    if before + (n or 0) > wanted:
        raise ShapeError(
            "",
            rule="The images fit into the result, the offset included",
            received=f"{before} + {n} of {wanted} ({side})",
        )
    return -before, wanted


_LENGTH = Attr("int", low=0, high=2**31)
_window(
    "CropOrPad",
    {"height": _LENGTH, "width": _LENGTH},
    _centered,
    (
        ((2, 5, 4, 3), {"height": 3, "width": 7}),
        ((4, 4, 1), {"height": 9, "width": 1}),
        ((1, 3, 3, 17), {"height": 3, "width": 3}),
        ((2, 2, 0, 2), {"height": 1, "width": 2}),
        ((2, 3, 2, 1), {"height": 0, "width": 2}),
    ),
    "y[i] = x[i + begin], begin = floor((in - out) / 2) or -floor((out - in) / 2)",
    "Images cropped or bordered with zeros to a size, about their center: of an odd number of pixels to crop or to add the "
    "last one goes at the end.",
)
_window(
    "CentralCrop",
    {"fraction": Attr("float", low=0.0, high=1.0)},
    _central,
    (((2, 5, 8, 3), {"fraction": 0.5}), ((7, 3, 1), {"fraction": 0.3}), ((1, 4, 4, 2), {"fraction": 1.0})),
    "y[i] = x[i + begin], begin = floor(in (1 - fraction) / 2)",
    "The central part of images, so that both sides have about a fraction of their length.",
)
_window(
    "PadToBoundingBox",
    {f"{before}{side}": _LENGTH for before in ("offset_", "") for side in _SIDES},
    _bordered,
    (
        ((2, 2, 3, 3), {"offset_height": 1, "offset_width": 0, "height": 4, "width": 5}),
        ((2, 2, 1), {"offset_height": 0, "offset_width": 2, "height": 2, "width": 4}),
    ),
    "y[i] = x[i - offset]",
    "Images with a border of zeros: offset_height rows above and offset_width columns to the left, and as many at the "
    "other ends as the size asks for.",
)


def resize_with_crop_or_pad(image: Any, target_height: int, target_width: int, name: str | None = None) -> Tensor:
    """Images cropped, or bordered with zeros, to a size about their center.

    Of an odd number of pixels to add or to crop the last one goes at the end.

    Args:
        image: shape (height, width, channels) or (batch, height, width, channels), any dtype; sizes may be unknown.

    Raises:
        InvalidArgumentError: a size is negative or no whole number.
    """
    return apply(
        "CropOrPad",
        [image_tensor(image)],
        {"height": target_height, "width": target_width},
        name or "resize_image_with_crop_or_pad",
    )


resize_image_with_crop_or_pad = resize_with_crop_or_pad


def central_crop(image: Any, central_fraction: float, name: str | None = None) -> Tensor:
    """The central part of images: floor(n (1 - central_fraction) / 2) pixels fall away at each end of both sides.

    Raises:
        InvalidArgumentError: the fraction is not from 0 to 1.
    """
    return apply("CentralCrop", [image_tensor(image)], {"fraction": central_fraction}, name or "central_crop")


@scoped("crop_to_bounding_box")
def crop_to_bounding_box(
    image: Any, offset_height: int, offset_width: int, target_height: int, target_width: int, name: str | None = None
) -> Tensor:
    """The part of images of the given size that begins at the given row and column.

    Raises:
        ShapeError: the box does not lie inside the images.
    """
    tensor = image_tensor(image)
    batch = len(tensor.shape) - 3
    begin = [0] * batch + [offset_height, offset_width, 0]
    return slice(tensor, begin, [-1] * batch + [target_height, target_width, -1], name)


def pad_to_bounding_box(
    image: Any, offset_height: int, offset_width: int, target_height: int, target_width: int, name: str | None = None
) -> Tensor:
    """Images with a border of zeros: as many rows above and columns to the left as the offsets say, up to the given size.

    Raises:
        ShapeError: the images do not fit into the size.
    """
    attrs = {
        "offset_height": offset_height,
        "offset_width": offset_width,
        "height": target_height,
        "width": target_width,
    }
    return apply("PadToBoundingBox", [image_tensor(image)], attrs, name or "pad_to_bounding_box")
