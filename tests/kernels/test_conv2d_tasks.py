"""Large convolutions are cut into short tasks, as a run is cancelled between tasks."""

from __future__ import annotations

import numpy as np
import pytest

from labkit import _native

TARGETS = _native.targets()
MOST = 2**29  # multiply-adds of a task

# n, h and w, channels, filters, side of the filter
LARGE = [
    (64, 28, 512, 512, 3),
    (256, 28, 512, 512, 3),
    (16, 28, 1024, 1024, 3),
    (64, 28, 512, 2048, 1),
    (100, 224, 64, 64, 3),
    (64, 224, 128, 128, 3),
    (4, 112, 64, 1024, 7),
]


def tasks(target: str, kernel: str, inputs: list[np.ndarray], output: np.ndarray, side: int) -> list[int]:
    ints = [1, 1, side // 2, side // 2, 1, 1, 1]
    return _native.kernel_tasks(target, f"{kernel}.f32", inputs, [output], ints)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("shape", LARGE, ids=str)
def test_tasks_are_short(target: str, shape: tuple[int, ...]) -> None:
    """Planned, never computed: the pages of these arrays are not even touched."""
    n, h, c, k, side = shape
    x, w, y = (np.empty(s, np.float32) for s in ((n, h, h, c), (side, side, c, k), (n, h, h, k)))
    # A tile of 4x4 pixels is 36 products in Winograd's algorithm, which serves filters of 3x3.
    products = (36 * (-(-h // 4)) ** 2 if side == 3 else h * h * side * side) * n * c * k
    # Large convolutions have a phase before the products, and large gradients of filters one after them.
    for kernel, inputs, output, multiply in [
        ("conv2d", [x, w], y, slice(1, None)),
        ("conv2d_backprop_input", [w, y], x, slice(1, None)),
        ("conv2d_backprop_filter", [x, y], w, slice(0, -1)),
    ]:
        found = tasks(target, kernel, inputs, output, side)
        assert len(found) >= 2
        assert products / sum(found[multiply]) <= MOST, (kernel, found)


@pytest.mark.parametrize("target", TARGETS)
def test_bits_do_not_depend_on_what_is_transformed_first(target: str) -> None:
    """For eleven images that is the filter, for one it is the image."""
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(s, np.float32) for s in ((11, 28, 28, 512), (3, 3, 512, 512)))

    def convolve(images: np.ndarray) -> np.ndarray:
        y = np.empty_like(images)
        _native.call_kernel(target, "conv2d.f32", [images, w], [y], [1, 1, 1, 1, 1, 1, 1], [], 2)
        return y

    many, one = (tasks(target, "conv2d", [images, w], np.empty_like(images), 3) for images in (x, x[:1]))
    assert one[0] % (512 // 64) == 0  # groups of tiles by 64 channels, not blocks of the filter
    assert one[0] < many[0]
    y = convolve(x)
    for image in (0, 5, 10):
        assert np.array_equal(convolve(x[image : image + 1])[0], y[image])
