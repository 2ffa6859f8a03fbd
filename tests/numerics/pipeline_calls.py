"""Calls of the kernels that pipelines use, and no graph."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.native.plans import Builder
from tests.numerics.calls import DTYPES, KernelCall, fresh

CODES = {np.dtype(dtype): code for code, dtype in DTYPES.items()}
UPDATED = ("erase", "image_sums")
"""They change what their output holds."""


def pipeline_calls(images: int, side: int) -> Iterator[KernelCall]:
    """A call of each, for so many images of side x side pixels; of sums of pieces also one for images of several."""
    random = np.random.default_rng(0)
    places, amounts = random.integers(-4, 5, (images, 4)), random.random(images, np.float32)
    for dtype in (np.uint8, np.float32):
        code = CODES[np.dtype(dtype)]
        x = (random.random((images, side, side, 3)) * 255).astype(dtype)
        wide = (random.random((2, 4 * side, 4 * side, 3)) * 255).astype(dtype)
        mean, floats = random.random((side, side, 3), np.float32), fresh(x.shape, np.float32)
        small = fresh((images, side, side + 3, 3), dtype)
        sums = np.zeros((2, side, side, 3), np.int64) if dtype == np.uint8 else np.zeros((4, side, side, 3))
        boxes = np.concatenate([places[:, :2], places[:, :2] + 9], axis=1)
        for name, inputs, output, reals in (
            ("windows", [x, places], small, [3.0]),
            ("erase", [boxes], x, [3.0]),
            ("standardize_images", [x], floats, []),
            ("standardize_images", [wide], fresh(wide.shape, np.float32), []),
            ("normalize_images", [x, mean, mean + 1], floats, []),
            ("image_sums", [x], sums, []),
            ("adjust_contrast", [wide, amounts[:2]], fresh(wide.shape, dtype), []),
            *((f"adjust_{what}", [x, amounts], fresh(x.shape, dtype), []) for what in COLORS),
        ):
            yield KernelCall(f"{name}.{code}", inputs, [output], [], reals, "pipelines")
    yield KernelCall(
        "resize_bilinear.u8", [x.astype(np.uint8)], [fresh((images, 9, 70, 3), np.uint8)], [0, 1], [], "pipelines"
    )
    turned = np.tile(np.float32([0.8, -0.6, 3, 0.6, 0.8, -2, 0, 0]), (images, 1))
    yield KernelCall("warp.u8", [x.astype(np.uint8), turned], [fresh(x.shape, np.uint8)], [1, 2], [0.0], "pipelines")
    count = images * side * 10
    yield KernelCall(
        "draws_at.i64", [np.arange(count)[::-1].copy()], [fresh((count, 4), np.float64)], [5, 7], [], "pipelines"
    )
    limits = [5, 7, -1, 9, 0, 2, 0, 1, 0, 2**32]
    yield KernelCall("integers_at.i64", [np.arange(count)], [fresh((count, 4), np.int64)], limits, [], "pipelines")
    picks = np.zeros(count, np.int64)
    yield KernelCall("shuffle_order.i64", [picks], [fresh((count,), np.int64)], [count // 2], [], "pipelines")


COLORS = ("brightness", "contrast", "saturation", "hue")


def pipeline_plans() -> Iterator[str]:
    """Plans of such calls, as text for core_ext/tests/plan_run."""
    for call in pipeline_calls(3, 40):
        build, (output,) = Builder(), call.outputs
        inputs = [build.constant(x) for x in call.inputs if x is not None]
        updated = call.kernel.partition(".")[0] in UPDATED
        code = CODES[output.dtype]
        to = build.variable(output.shape, code, output) if updated else build.slot("fetch", output.shape, code)
        build.do(call.kernel, inputs, to, ints=list(call.ints), reals=list(call.reals), writes=updated)
        yield build.plan().describe()
