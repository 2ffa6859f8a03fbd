"""Images as floats from 0 to 1 and as whole numbers over their dtype's range."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError
from labkit.ops.build import scoped
from labkit.ops.compare import cast
from labkit.ops.division import floordiv
from labkit.ops.shape import identity


def _largest(dtype: dt.DType) -> int:
    return int(np.iinfo(dtype.numpy).max)


@scoped("convert_image")
def convert_image_dtype(image: Any, dtype: Any, saturate: bool = False, name: str | None = None) -> Tensor:
    """An image in another dtype, scaled: floats are from 0 to 1, whole numbers from 0 to the dtype's largest.

    Args:
        image: float32, float64, uint8, int32 or int64.
        dtype: one of these.
        saturate: taken for TensorFlow's sake: what is out of range always becomes the nearest possible number.

    Raises:
        DTypeError: the image or the dtype is bool.
    """
    tensor, wanted = to_tensor(image), dt.as_dtype(dtype)
    if dt.bool_ in (tensor.dtype, wanted):
        raise DTypeError("Truth values are no image", received=f"{tensor.dtype.name} to {wanted.name}")
    if tensor.dtype is wanted:
        return identity(tensor, name)
    if wanted.is_floating:
        if tensor.dtype.is_floating:
            return cast(tensor, wanted, name)
        wide = wanted if tensor.dtype is dt.uint8 else dt.float64  # the quotient of wide integers rounds once
        return cast(cast(tensor, wide) / _largest(tensor.dtype), wanted, name)
    if tensor.dtype.is_floating:
        return cast(cast(tensor, dt.float64) * (_largest(wanted) + 0.5), wanted, name)
    before, after = _largest(tensor.dtype) + 1, _largest(wanted) + 1
    if before > after:
        return cast(floordiv(tensor, before // after), wanted, name)
    return cast(cast(tensor, dt.int64) * (after // before), wanted, name)


def in_floats(image: Any, function: Callable[[Tensor], Tensor]) -> Tensor:
    """`function` of an image as floats; the result has the image's dtype, out-of-range values the nearest possible."""
    tensor = to_tensor(image)
    if tensor.dtype.is_floating:
        return function(tensor)
    return convert_image_dtype(function(convert_image_dtype(tensor, dt.float32)), tensor.dtype, saturate=True)
