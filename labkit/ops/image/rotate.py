"""Images turned by any angle."""

from __future__ import annotations

from typing import Any

from labkit.core.convert import to_tensor
from labkit.core.tensor import Tensor
from labkit.ops.broadcast import broadcast_to
from labkit.ops.build import scoped
from labkit.ops.image.common import image_tensor, on_batch
from labkit.ops.image.warp import about_centers, projective_transform
from labkit.ops.shape import shape
from labkit.ops.trigonometry import cos, sin


def turned(images: Tensor, angles: Tensor) -> Tensor:
    """The projections (batch, 8) that turn a batch of images by angles (batch,), counter-clockwise as one looks at them."""
    cosine, sine = cos(angles), sin(angles)
    return about_centers(images, cosine, -sine, sine, cosine)


@scoped("rotate")
def rotate(
    images: Any, angle: Any, interpolation: str = "nearest", fill_value: float = 0.0, name: str | None = None
) -> Tensor:
    """Images turned about their centers, counter-clockwise as one looks at them; the size stays.

    Args:
        images: shape (height, width, channels) or (batch, height, width, channels); float32 or float64.
        angle: radians, a number, or a tensor of shape () or (batch,). No gradient flows to it.
        interpolation: "nearest" or "bilinear".
        fill_value: what is seen where no image was.

    Raises:
        ShapeError: there is not one angle, or one for each image.
        InvalidArgumentError: there is no such interpolation.
    """

    def one(x: Tensor) -> Tensor:
        angles = to_tensor(angle, x.dtype)
        if angles.dims is None or not angles.dims:
            angles = broadcast_to(angles, shape(x)[:1])
        return projective_transform(x, turned(x, angles), None, interpolation, "constant", fill_value, name)

    return on_batch(image_tensor(images), one)
