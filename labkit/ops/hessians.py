"""Second derivatives."""

from __future__ import annotations

import math
from typing import Any

from labkit.core.autodiff import gradients
from labkit.core.convert import to_tensor
from labkit.core.shapes import is_known, show
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.broadcast import zeros, zeros_like
from labkit.ops.concat import stack
from labkit.ops.shape import reshape


def hessians(ys: Any, xs: Any, name: str = "hessians") -> list[Tensor]:
    """The second derivatives of the sum of `ys` with respect to each of `xs`: a gradient for each element of the gradient.

    Args:
        ys: a tensor or a list of tensors.
        xs: a tensor or variable, or a list of them; their shapes are known. The graph grows with their numbers of elements.

    Returns:
        For each x a tensor of shape x.shape + x.shape; zeros where the gradient does not depend on x.

    Raises:
        ShapeError: a shape is not known.
    """
    return [_hessian(ys, x, name) for x in (xs if isinstance(xs, list | tuple) else [xs])]


def _hessian(ys: Any, x: Any, name: str) -> Tensor:
    tensor = to_tensor(x)
    dims = tensor.dims
    if dims is None or not is_known(dims):
        raise ShapeError(
            f"hessians() needs the shape of {tensor.name}",
            rule="There is a gradient for each of its elements",
            received=show(dims),
        )
    (slope,) = gradients(ys, x)
    with tensor.graph.name_scope(name):
        size = math.prod(dims)  # type: ignore[arg-type]
        if slope is None or not size:
            return zeros([*dims, *dims], tensor.dtype)
        flat = reshape(slope, [-1])
        rows = [gradients(flat[i], x)[0] for i in range(size)]
        return reshape(stack([zeros_like(tensor) if row is None else to_tensor(row) for row in rows]), [*dims, *dims])
