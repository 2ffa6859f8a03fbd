"""What convolutions do to their results on the way to memory has the bits of the kernels that would do it afterwards."""

from __future__ import annotations

import numpy as np
import pytest

from labkit import _native

AUTO, DIRECT, WINOGRAD = 0, 1, 2

# images, filters, strides, pads, dilations, groups, algorithm; the results have ceil(size / stride) pixels
CASES = {
    "winograd 3x3": ((3, 9, 14, 32), (3, 3, 32, 48), 1, 1, 1, 1, WINOGRAD),
    "winograd 3x3, parts of vectors": ((2, 5, 4, 5), (3, 3, 5, 37), 1, 1, 1, 1, WINOGRAD),
    "winograd 5x5": ((2, 7, 8, 17), (5, 5, 17, 33), 1, 2, 1, 1, WINOGRAD),
    "winograd, many tiles": ((9, 33, 31, 16), (3, 3, 16, 16), 1, 1, 1, 1, AUTO),
    "direct 3x3": ((3, 9, 14, 32), (3, 3, 32, 48), 1, 1, 1, 1, DIRECT),
    "direct, one channel": ((2, 11, 29, 1), (5, 5, 1, 33), 1, 2, 1, 1, AUTO),
    "direct, stride": ((2, 12, 13, 6), (3, 3, 6, 19), 2, 1, 1, 1, AUTO),
    "direct, groups": ((2, 8, 7, 12), (3, 2, 4, 21), 1, 1, 2, 3, AUTO),
    "1x1": ((2, 6, 7, 300), (1, 1, 300, 65), 1, 0, 1, 1, AUTO),
    "patches": ((1, 40, 40, 96), (7, 7, 96, 5), 1, 60, 20, 1, AUTO),
    "pixels that no tap meets": ((2, 8, 8, 2), (1, 1, 2, 3), 3, 0, 1, 1, AUTO),
    "depthwise": ((2, 9, 8, 35), (3, 3, 1, 35), 1, 1, 1, 35, AUTO),
    "depthwise, two results a channel": ((2, 6, 7, 5), (3, 3, 1, 10), 2, 1, 1, 5, AUTO),
    "no channels in": ((2, 3, 4, 0), (3, 3, 0, 5), 1, 1, 1, 1, AUTO),
}


def draw(shape, dtype, seed, special=()):
    """Normal numbers, some of them exactly zero, and a few `special` ones."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape).astype(dtype)
    x[rng.random(shape) < 0.05] = 0
    for value in special if x.size else ():
        x.flat[rng.integers(x.size)] = value
    return x


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_bias_and_relu(kernels, name, dtype) -> None:
    image, filters, stride, pad, dilation, groups, algorithm = CASES[name]
    if dtype == np.float64 and algorithm == WINOGRAD:
        algorithm = AUTO
    x, w = draw(image, dtype, 0, (np.nan, np.inf)), draw(filters, dtype, 1)
    bias = draw(filters[3:], dtype, 2, (np.inf,))
    shape = (image[0], -(-image[1] // stride), -(-image[2] // stride), filters[3])
    ints = [stride, stride, pad, pad, dilation, dilation, groups, algorithm]
    (plain,) = kernels("conv2d", [x, w], [(shape, dtype)], ints)
    (biased,) = kernels("bias_add", [plain, bias], [(shape, dtype)])
    for got, wanted in (
        (kernels("conv2d", [x, w, bias], [(shape, dtype)], ints), biased),
        (kernels("conv2d", [x, w, bias], [(shape, dtype)], [*ints, 0]), biased),
        (kernels("conv2d", [x, w, bias], [(shape, dtype)], [*ints, 1]), kernels("relu", [biased], [(shape, dtype)])[0]),
        (kernels("conv2d", [x, w], [(shape, dtype)], [*ints, 1]), kernels("relu", [plain], [(shape, dtype)])[0]),
    ):
        assert got[0].tobytes() == wanted.tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_mask_of_the_gradient(kernels, name, dtype) -> None:
    image, filters, stride, pad, dilation, groups, algorithm = CASES[name]
    if dtype == np.float64 and algorithm == WINOGRAD:
        algorithm = AUTO
    shape = (image[0], -(-image[1] // stride), -(-image[2] // stride), filters[3])
    w, dy = draw(filters, dtype, 1), draw(shape, dtype, 3, (np.nan,))
    mask = draw(image, dtype, 4, (np.nan, np.inf, -np.inf, -0.0))
    ints = [stride, stride, pad, pad, dilation, dilation, groups, algorithm]
    (plain,) = kernels("conv2d_backprop_input", [w, dy], [(image, dtype)], ints)
    (wanted,) = kernels("relu_grad", [plain, mask], [(image, dtype)])
    (got,) = kernels("conv2d_backprop_input", [w, dy, mask], [(image, dtype)], ints)
    assert got.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("target", _native.targets())
def test_large_results_have_the_same_bits_wherever_they_lie(target) -> None:
    """Of more than 16 MB; on the boundary of a line of the cache they may be written past it."""
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((66, 32, 31, 16), np.float32), rng.standard_normal((3, 3, 16, 64), np.float32)
    bias, mask = rng.standard_normal(64, np.float32), rng.standard_normal((66, 32, 31, 64), np.float32)
    for kernel, inputs, ints in (
        ("conv2d.f32", [x, w, bias], [1, 1, 1, 1, 1, 1, 1, AUTO, 1]),
        ("conv2d_backprop_input.f32", [w.transpose(0, 1, 3, 2).copy(), x, mask], [1, 1, 1, 1, 1, 1, 1, AUTO]),
    ):
        results = []
        for offset, threads in ((0, 1), (0, 3), (1, 1), (3, 3)):
            room = np.full(mask.size + 64, np.nan, np.float32)
            first = -(room.ctypes.data // 4) % 16 + offset
            y = room[first : first + mask.size].reshape(mask.shape)
            _native.call_kernel(target, kernel, inputs, [y], ints, [], threads)
            assert np.isnan(room[:first]).all()
            assert np.isnan(room[first + mask.size :]).all()
            results.append(y)
        assert all(np.array_equal(y.view(np.int32), results[0].view(np.int32)) for y in results[1:])


@pytest.mark.parametrize("multiplier", [1, 3])
def test_depthwise_kernels_have_them_too(kernels, multiplier) -> None:
    x, w = draw((2, 7, 6, 19), np.float32, 0), draw((3, 3, 19, multiplier), np.float32, 1)
    bias, mask = draw((19 * multiplier,), np.float32, 2), draw(x.shape, np.float32, 3)
    shape, ints = (2, 7, 6, 19 * multiplier), [1, 1, 1, 1, 1, 1, 19, AUTO]
    (plain,) = kernels("depthwise_conv2d", [x, w], [(shape, np.float32)], ints)
    (biased,) = kernels("bias_add", [plain, bias], [(shape, np.float32)])
    (wanted,) = kernels("relu", [biased], [(shape, np.float32)])
    (got,) = kernels("depthwise_conv2d", [x, w, bias], [(shape, np.float32)], [*ints, 1])
    assert got.tobytes() == wanted.tobytes()
    (plain,) = kernels("depthwise_conv2d_backprop_input", [w, got], [(x.shape, np.float32)], ints)
    (wanted,) = kernels("relu_grad", [plain, mask], [(x.shape, np.float32)])
    (got,) = kernels("depthwise_conv2d_backprop_input", [w, got, mask], [(x.shape, np.float32)], ints)
    assert got.tobytes() == wanted.tobytes()


@pytest.mark.parametrize(
    ("kernel", "third", "ints", "message"),
    [
        ("conv2d", (4,), [1, 1, 1, 1, 1, 1, 1, 0], "bias"),
        ("conv2d", (1, 3), [1, 1, 1, 1, 1, 1, 1, 0], "bias"),
        ("conv2d", (3,), [1, 1, 1, 1, 1, 1, 1, 0, 2], "relu as 0 or 1"),
        ("conv2d", (3,), [1, 1, 1, 1, 1, 1, 1, 3], "algorithms from 0 to 2"),
        ("conv2d", (3,), [1, 1, 1, 1, 2, 1, 1, 2], "Winograd"),
        ("conv2d_backprop_input", (2, 5, 5, 3), [1, 1, 1, 1, 1, 1, 1, 0], "one shape"),
        ("conv2d_backprop_filter", (3, 3, 2, 3), [1, 1, 1, 1, 1, 1, 1, 0], "2 inputs"),
    ],
)
def test_operands_that_do_not_fit_are_refused(kernels, kernel, third, ints, message) -> None:
    x, w, y = (np.zeros(shape, np.float32) for shape in ((2, 5, 5, 2), (3, 3, 2, 3), (2, 5, 5, 3)))
    inputs, out = {
        "conv2d": ([x, w], y),
        "conv2d_backprop_input": ([w, y], x),
        "conv2d_backprop_filter": ([x, y], w),
    }[kernel]
    with pytest.raises(ValueError, match=message):
        kernels(kernel, [*inputs, np.zeros(third, np.float32)], [(out.shape, np.float32)], ints)


# images, filters: the results are as large as the images, and even
POOLED = {
    "3x3": ((3, 8, 14, 32), (3, 3, 32, 48)),
    "3x3, parts of vectors and of tiles": ((2, 6, 10, 5), (3, 3, 5, 37)),
    "3x3, many tiles": ((40, 12, 6, 16), (3, 3, 16, 16)),
    "5x5": ((2, 6, 8, 17), (5, 5, 17, 33)),
}


@pytest.mark.parametrize("relu", [0, 1])
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("name", POOLED)
def test_max_pooling(kernels, name, biased, relu) -> None:
    """Equal numbers, which relu makes, and NaN are won by the same places."""
    image, filters = POOLED[name]
    dtype, pad = np.float32, filters[0] // 2
    operands = [draw(image, dtype, 0, (np.nan, np.inf)), draw(filters, dtype, 1)]
    if biased:
        operands.append(draw(filters[3:], dtype, 2))
    shape = (*image[:3], filters[3])
    half = (image[0], image[1] // 2, image[2] // 2, filters[3])
    ints = [1, 1, pad, pad, 1, 1, 1, WINOGRAD, relu]
    (y,) = kernels("conv2d", operands, [(shape, dtype)], ints)
    wanted = kernels("max_pool", [y], [(half, dtype), (half, np.uint8)], [2, 2, 2, 2, 0, 0])
    got = kernels("conv2d", operands, [(half, dtype), (half, np.uint8)], [*ints, 1])
    assert [a.tobytes() for a in got] == [a.tobytes() for a in wanted]


def test_only_winograd_pools() -> None:
    x, w = np.ones((1, 8, 8, 16), np.float32), np.ones((3, 3, 16, 16), np.float32)
    outputs = [np.empty((1, 4, 4, 16), np.float32), np.empty((1, 4, 4, 16), np.uint8)]
    with pytest.raises(ValueError, match="has no way"):
        _native.call_kernel(
            _native.targets()[0], "conv2d.f32", [x, w], outputs, [1, 1, 1, 1, 1, 1, 1, DIRECT, 0, 1], [], 1
        )
