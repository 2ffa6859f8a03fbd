"""What operations on images share: one image (height, width, channels) or a batch of them (batch, height, width, channels)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labkit.core.convert import to_tensor
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.shape import expand_dims, squeeze


def image_tensor(images: Any) -> Tensor:
    """Images as a tensor of three or four dimensions.

    Raises:
        ShapeError: it has another number of dimensions, or an unknown one.
    """
    tensor = to_tensor(images)
    if tensor.dims is None or len(tensor.dims) not in (3, 4):
        raise ShapeError(
            f"{tensor.name} is no image",
            rule="Images are (height, width, channels) or (batch, height, width, channels)",
            received=str(tensor.shape),
            fix="Give the placeholder a shape; dimensions may be None.",
        )
    return tensor


def on_batch(images: Any, function: Callable[[Tensor], Tensor]) -> Tensor:
    """`function` of a batch of images; a single image becomes a batch of one for it."""
    tensor = image_tensor(images)
    if len(tensor.shape) == 4:
        return function(tensor)
    return squeeze(function(expand_dims(tensor, [0])), [0])
