"""Poolings: what all of them are told, and how windows and padding fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labkit.core.opdef import Attr, OpContext
from labkit.core.shapes import Dims
from labkit.errors import ShapeError
from labkit.ops.rules import need_rank
from labkit.ops.window import LONGEST, WINDOW_ATTRS, Side, channels_last, sides, spatial_pair, window_attrs

POOL_ATTRS: Mapping[str, Attr] = {"window": Attr("ints", low=1, high=LONGEST), **WINDOW_ATTRS}


def pool_attrs(ksize: Any, strides: Any, padding: Any, data_format: Any) -> dict[str, Any]:
    """A pooling's attributes, as users write them; without strides window follows window.

    Raises:
        ShapeError: an argument does not fit images.
        InvalidArgumentError: the channels are not the last dimension.
    """
    channels_last(data_format)
    window = spatial_pair(ksize, "ksize")
    return {"window": window, **window_attrs(window if strides is None else strides, padding)}


def pool_sides(dims: tuple[Any, ...], attrs: Mapping[str, Any]) -> tuple[Side, Side]:
    """Height and width of images under a pooling's window.

    Raises:
        ShapeError: a window does not fit, or lies in the padding alone.
    """
    window = attrs["window"]
    if len(window) != 2:
        raise ShapeError("", rule="window has two entries: for the height and for the width", received=str(window))
    if window[0] * window[1] >= 2**31:
        raise ShapeError("", rule="A pooling window has fewer than 2**31 pixels", received=f"{window[0]} x {window[1]}")
    found = sides(attrs, dims[1:3], window)
    for side, size in zip(found, window, strict=True):
        if side.padding == "EXPLICIT" and (max(side.explicit) >= size or side.size == 0):
            raise ShapeError(
                "",
                rule="Every pooling window meets the image: explicit padding is smaller than the window",
                received=f"padding {side.explicit}, window {size}, image {side.size}",
            )
    return found


def pooled_dims(c: OpContext, image: int) -> Dims:
    """The shape that pooling gives input `image`."""
    dims = need_rank(c, image, 4, "A batch of images (batch, height, width, channels)")
    height, width = pool_sides(dims, c.attrs)
    return (dims[0], height.out, width.out, dims[3])


def lower_pool(image: int) -> Any:
    """The lowering of a pooling, or its gradient, of input `image`."""

    def rule(c: OpContext) -> Any:
        height, width = pool_sides(c.dims[image], c.attrs)  # type: ignore[arg-type]
        return [*c.attrs["window"], *c.attrs["strides"], height.before, width.before], ()

    return rule


CASES: tuple[tuple[tuple[int, ...], dict[str, Any]], ...] = tuple(
    (
        x,
        {"window": window, "strides": strides, "padding": padding}
        if isinstance(padding, str)
        else {"window": window, "strides": strides, "padding": "EXPLICIT", "explicit_paddings": padding},
    )
    for x, window, strides, padding in (
        ((2, 4, 4, 3), (2, 2), (2, 2), "SAME"),
        ((1, 5, 5, 17), (2, 2), (2, 2), "VALID"),
        ((2, 5, 7, 2), (3, 3), (2, 2), "SAME"),
        ((1, 6, 6, 1), (3, 2), (1, 1), "VALID"),
        # strides longer than the image or the window, windows larger than the image, no image at all
        ((1, 1, 1, 3), (3, 3), (2, 2), "SAME"),
        ((1, 1, 1, 3), (1, 1), (2, 2), "VALID"),
        ((2, 2, 3, 1), (3, 3), (4, 4), "SAME"),
        ((1, 7, 2, 2), (2, 2), (3, 65536), "VALID"),
        ((1, 2, 3, 2), (5, 7), (1, 2), "SAME"),
        ((0, 4, 4, 3), (3, 3), (1, 2), "SAME"),
        ((0, 4, 4, 3), (3, 3), (2, 1), "VALID"),
        # explicit padding; a window with more pixels than a byte counts
        ((2, 5, 4, 3), (3, 3), (2, 1), ((1, 2), (0, 2))),
        ((1, 3, 2, 2), (4, 3), (1, 2), ((3, 0), (2, 2))),
        ((1, 17, 18, 1), (17, 16), (1, 2), "VALID"),
    )
)
"""Shapes of images and attributes for samples."""
