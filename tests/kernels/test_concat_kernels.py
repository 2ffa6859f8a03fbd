"""Kernels that put tensors side by side, and take them apart, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

DTYPES = [np.float32, np.float64, np.int32, np.int64, np.uint8, np.bool_]
PARTS = [
    ([(3,)], 0),
    ([(1,), (0,), (5,)], 0),
    ([(2, 3), (4, 3)], 0),
    ([(4, 1), (4, 2), (4, 9), (4, 33)], 1),
    ([(2, 3, 4), (2, 5, 4)], 1),
    ([(0, 3), (0, 2)], 1),
    ([(700, 1)] * 70, 1),  # more than one task
    ([(2, 40000), (2, 3), (2, 30000)], 1),  # rows that are more than one task
    ([(3, 2, 2, 2, 2, 2, 2, 5), (3, 2, 2, 2, 1, 2, 2, 5)], 4),
]


def parts_of(shapes: list[tuple[int, ...]], dtype: type) -> list[np.ndarray]:
    start, parts = 0, []
    for shape in shapes:
        size = int(np.prod(shape))
        parts.append((np.arange(start, start + size) % 251).reshape(shape).astype(dtype))
        start += size
    return parts


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shapes", "axis"), PARTS)
def test_concat_and_split(kernels, dtype, shapes, axis):
    parts = parts_of(shapes, dtype)
    whole = np.concatenate(parts, axis)
    np.testing.assert_array_equal(kernels("concat", parts, [(whole.shape, dtype)], [axis])[0], whole)
    for got, part in zip(kernels("split", [whole], [(x.shape, dtype) for x in parts], [axis]), parts, strict=True):
        np.testing.assert_array_equal(got, part)


@pytest.mark.parametrize(
    ("shapes", "whole", "axis"),
    [
        ([(2, 3), (2, 3)], (2, 7), 1),
        ([(2, 3), (3, 3)], (2, 6), 1),
        ([(2, 3)], (2, 3), 2),
        ([(2, 3)], (2, 3), -1),
        ([(2,), (2,)], (), 0),
        ([(2, 3), (6,)], (2, 6), 1),
    ],
)
def test_parts_that_do_not_fill_the_whole_are_refused(kernels, shapes, whole, axis):
    parts = [np.zeros(shape, np.float32) for shape in shapes]
    with pytest.raises(Exception, match=r"concat\.f32"):
        kernels("concat", parts, [(whole, np.float32)], [axis])
    with pytest.raises(Exception, match=r"split\.f32"):
        kernels("split", [np.zeros(whole, np.float32)], [(shape, np.float32) for shape in shapes], [axis])
