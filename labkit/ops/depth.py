"""Space and channels of images exchanged."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, show
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.build import apply
from labkit.ops.rules import need_rank, same_dtype

_BLOCK = {"block_size": Attr("int", low=1, high=1 << 16)}


def _divided(c: OpContext, n: int | None, by: int, what: str) -> int | None:
    if n is not None and n % by:
        raise ShapeError("", rule=f"{what} is a multiple of {by}", received=show(c.dims[0]))
    return None if n is None else n // by


def _deeper(c: OpContext) -> list[Dims]:
    n, height, width, channels = need_rank(c, 0, 4, "x (N, H, W, C)")
    block = c.attrs["block_size"]
    deep = None if channels is None else channels * block * block
    return [(n, _divided(c, height, block, "The height"), _divided(c, width, block, "The width"), deep)]


def _wider(c: OpContext) -> list[Dims]:
    n, height, width, channels = need_rank(c, 0, 4, "x (N, H, W, C)")
    block = c.attrs["block_size"]
    rest = _divided(c, channels, block * block, "The number of channels")
    return [(n, None if height is None else height * block, None if width is None else width * block, rest)]


def _reference_deeper(x: np.ndarray, block_size: int) -> np.ndarray:
    n, height, width, channels = x.shape
    height, width = height // block_size, width // block_size
    split = x.reshape(n, height, block_size, width, block_size, channels)
    return split.transpose(0, 1, 3, 2, 4, 5).reshape(n, height, width, channels * block_size**2)


def _reference_wider(x: np.ndarray, block_size: int) -> np.ndarray:
    n, height, width, channels = x.shape
    channels //= block_size**2
    split = x.reshape(n, height, width, block_size, block_size, channels)
    return split.transpose(0, 1, 3, 2, 4, 5).reshape(n, height * block_size, width * block_size, channels)


register(
    OpDef(
        name="SpaceToDepth",
        inputs=("x",),
        attrs=_BLOCK,
        kernel="space_to_depth",
        dtypes=same_dtype(dt.ALL),
        shapes=_deeper,
        gradient=lambda op, g: [apply("DepthToSpace", [g], op.attrs)],
        reference=_reference_deeper,
        samples=lambda rng: [
            Sample([rng.normal(size=dims)], {"block_size": block})
            for dims, block in (((2, 4, 6, 3), 2), ((1, 3, 3, 17), 3), ((2, 2, 1, 2), 1), ((1, 4, 4, 1), 2))
        ],
        formula="y[n, i, j, (a b + c) C + k] = x[n, i b + a, j b + c, k]",
        doc="Squares of b × b pixels of images (N, H, W, C) as the channels of images (N, H / b, W / b, b² C).",
    )
)
register(
    OpDef(
        name="DepthToSpace",
        inputs=("x",),
        attrs=_BLOCK,
        kernel="depth_to_space",
        dtypes=same_dtype(dt.ALL),
        shapes=_wider,
        gradient=lambda op, g: [apply("SpaceToDepth", [g], op.attrs)],
        reference=_reference_wider,
        samples=lambda rng: [
            Sample([rng.normal(size=dims)], {"block_size": block})
            for dims, block in (((2, 2, 3, 12), 2), ((1, 1, 1, 18), 3), ((2, 2, 1, 2), 1), ((1, 2, 2, 4), 2))
        ],
        formula="y[n, i b + a, j b + c, k] = x[n, i, j, (a b + c) C + k]",
        doc="Channels of images (N, H, W, b² C) as squares of b × b pixels of images (N, b H, b W, C).",
    )
)


def space_to_depth(x: Any, block_size: int, name: str | None = None) -> Tensor:
    """Squares of block_size × block_size pixels of images (N, H, W, C) as channels: (N, H / b, W / b, b² C).

    Raises:
        ShapeError: height or width is no multiple of block_size, or x has not 4 dimensions.
    """
    return apply("SpaceToDepth", [to_tensor(x)], {"block_size": block_size}, name)


def depth_to_space(x: Any, block_size: int, name: str | None = None) -> Tensor:
    """Channels of images (N, H, W, b² C) as squares of b × b pixels: (N, b H, b W, C).

    Raises:
        ShapeError: the number of channels is no multiple of block_size², or x has not 4 dimensions.
    """
    return apply("DepthToSpace", [to_tensor(x)], {"block_size": block_size}, name)
