"""Kernels of pipelines against NumPy in float64: windows, standardization, colors, sums, and what is drawn by number."""

from __future__ import annotations

import colorsys
import itertools

import numpy as np
import pytest

PIXELS = [np.uint8, np.float32]
SHAPES = [(3, 28, 28, 1), (2, 5, 7, 3), (1, 1, 1, 1), (4, 3, 2, 5), (2, 200, 190, 3), (2, 3, 300, 130)]


def picture(shape: tuple[int, ...], dtype: type, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng([*shape, seed])
    return random.integers(0, 256, shape).astype(np.uint8) if dtype == np.uint8 else random.random(shape, np.float32)


def amounts(count: int, low: float, high: float) -> np.ndarray:
    return np.random.default_rng(count).uniform(low, high, count).astype(np.float32)


def as_pixels(exact: np.ndarray, dtype: type) -> np.ndarray:
    return np.rint(np.clip(exact, 0, 255)) if dtype == np.uint8 else exact


def require_close(made: np.ndarray, exact: np.ndarray, tolerance: float) -> None:
    """Bytes may be one off where the exact number lies half between two of them."""
    if made.dtype != np.uint8:
        np.testing.assert_allclose(made, exact, rtol=tolerance, atol=tolerance)
        return
    assert np.abs(made.astype(float) - np.clip(exact, 0, 255)).max() < 0.5 + 1e-3


@pytest.mark.parametrize("dtype", PIXELS)
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("size", [(28, 28), (9, 31), (1, 1), (40, 3), (300, 5), (6, 300)])
def test_windows(kernels, dtype, channels, size):
    random = np.random.default_rng([channels, *size])
    x, rows, columns = picture((8, 28, 26, channels), dtype), *size
    places = np.stack(
        [random.integers(-12, 20, 8), random.integers(-12, 20, 8), np.arange(8) // 2 % 2, np.arange(8) % 2], 1
    )
    places[0, :2], places[1, :2] = [-(2**62), 3], [2, 2**62]  # nothing of the image is seen
    (y,) = kernels("windows", [x, places], [((8, *size, channels), dtype)], reals=[7.0])
    wide = np.full((8, 1000, 1000, channels), 7, dtype)
    wide[:, 400:428, 400:426] = x
    for i, (top, left, down, across) in enumerate(places.tolist()):
        expected = np.full((*size, channels), 7, dtype)
        if i > 1:
            expected = wide[i, 400 + top : 400 + top + rows, 400 + left : 400 + left + columns]
        expected = expected[::-1] if down else expected
        np.testing.assert_array_equal(y[i], expected[:, ::-1] if across else expected)


@pytest.mark.parametrize("dtype", PIXELS)
def test_erase(kernels, dtype):
    x = picture((5, 30, 20, 3), dtype)
    boxes = np.array([[2, 3, 7, 9], [-5, -6, 4, 100], [8, 8, 8, 8], [40, 0, 50, 5], [-(2**60), -(2**60), 2**60, 2**60]])
    (y,) = kernels("erase." + {1: "u8", 4: "f32"}[x.itemsize], [boxes], [x], reals=[3.0])
    expected = x.copy()
    for image, (top, left, bottom, right) in zip(expected, boxes.tolist(), strict=True):
        image[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = 3
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("dtype", PIXELS)
@pytest.mark.parametrize("shape", SHAPES)
def test_standardize(kernels, dtype, shape):
    x = picture(shape, dtype)
    x[0] = 9  # one color
    (y,) = kernels("standardize_images", [x], [(shape, np.float32)])
    exact = x.astype(float)
    mean, deviation = (f(exact, axis=(1, 2, 3), keepdims=True) for f in (np.mean, np.std))
    expected = (exact - mean) / np.maximum(deviation, 1 / np.sqrt(x[0].size))
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
    assert (y[0] == 0).all()
    for i in range(len(x)):  # nothing of the others
        (alone,) = kernels("standardize_images", [x[i : i + 1]], [((1, *shape[1:]), np.float32)])
        np.testing.assert_array_equal(alone[0], y[i])


def test_small_differences_of_large_numbers(kernels):
    x = np.float32(4096) + picture((3, 50, 60, 1), np.float32)
    (y,) = kernels("standardize_images", [x], [(x.shape, np.float32)])
    exact = x.astype(float)
    mean, deviation = (f(exact, axis=(1, 2, 3), keepdims=True) for f in (np.mean, np.std))
    np.testing.assert_allclose(y, (exact - mean) / deviation, atol=2e-3)  # float32 has no more of the mean


def test_what_is_no_number_stays_in_its_image(kernels):
    x = picture((3, 5, 6, 1), np.float32)
    x[1, 2, 3] = np.nan
    (y,) = kernels("standardize_images", [x], [(x.shape, np.float32)])
    assert np.isnan(y[1]).all()
    assert np.isfinite(y[[0, 2]]).all()


@pytest.mark.parametrize("dtype", PIXELS)
@pytest.mark.parametrize("shape", SHAPES)
def test_normalize(kernels, dtype, shape):
    x, mean = picture(shape, dtype), picture(shape[1:], np.float32)
    deviation = mean + np.float32(0.5)
    (y,) = kernels("normalize_images", [x, mean, deviation], [(shape, np.float32)])
    np.testing.assert_array_equal(y, (x.astype(np.float32) - mean) / deviation)


@pytest.mark.parametrize("shape", SHAPES)
def test_sums_of_bytes_are_exact(kernels, shape):
    x = picture(shape, np.uint8)
    before = np.full((2, *shape[1:]), 2**50)
    (sums,) = kernels("image_sums", [x], [before])
    wide = x.astype(np.int64)
    np.testing.assert_array_equal(sums - before, [wide.sum(0), (wide**2).sum(0)])


def test_sums_of_floats_are_compensated_and_do_not_depend_on_calls(kernels):
    x = picture((300, 4, 5, 1), np.float32)
    x[7] = 1e8
    none = np.zeros((4, 4, 5, 1))
    (sums,) = kernels("image_sums", [x], [none])
    (some,) = kernels("image_sums", [x[:7]], [none])
    (more,) = kernels("image_sums", [x[7:]], [some])
    np.testing.assert_array_equal(sums, more)
    exact = x.astype(np.longdouble)
    np.testing.assert_allclose(sums[0] + sums[1], exact.sum(0).astype(float), rtol=1e-15)
    np.testing.assert_allclose(sums[2] + sums[3], (exact**2).sum(0).astype(float), rtol=1e-15)


@pytest.mark.parametrize("dtype", PIXELS)
@pytest.mark.parametrize("shape", SHAPES)
def test_brightness_and_contrast(kernels, dtype, shape):
    x, white = picture(shape, dtype), 255 if dtype == np.uint8 else 1
    exact = x.astype(float)
    delta, factor = amounts(len(x), -0.7, 0.7), amounts(len(x), 0, 2)
    (y,) = kernels("adjust_brightness", [x, delta], [(shape, dtype)])
    require_close(y, exact + delta[:, None, None, None].astype(float) * white, 1e-6)
    (y,) = kernels("adjust_contrast", [x, factor], [(shape, dtype)])
    mean = exact.mean(axis=(1, 2), keepdims=True)
    require_close(y, (exact - mean) * factor[:, None, None, None] + mean, 1e-6)


def test_contrast_of_very_many_channels(kernels):
    x = picture((2, 3, 2, 1000), np.uint8)
    (y,) = kernels("adjust_contrast", [x, np.zeros(2, np.float32)], [(x.shape, np.uint8)])
    mean = np.broadcast_to(x.mean(axis=(1, 2), keepdims=True), x.shape)
    assert np.abs(y - mean).max() <= 0.5


@pytest.mark.parametrize("dtype", PIXELS)
@pytest.mark.parametrize("shape", [(4, 9, 31, 3), (1, 1, 1, 3), (2, 200, 190, 3)])
def test_saturation_and_hue(kernels, dtype, shape):
    x, white = picture(shape, dtype), 255.0 if dtype == np.uint8 else 1.0
    x[0, 0, 0] = 0
    x[-1, -1] = 55
    factor, turn = amounts(len(x), 0, 3), amounts(len(x), -0.5, 0.5)
    (saturated,) = kernels("adjust_saturation", [x, factor], [(shape, dtype)])
    (turned,) = kernels("adjust_hue", [x, turn], [(shape, dtype)])
    places = list(np.ndindex(*shape[:3]))
    some = [*places[:: max(1, x.size // 3000)], (0, 0, 0), (len(x) - 1, -1, -1)]
    for place in some:
        h, s, v = colorsys.rgb_to_hsv(*(x[place] / white).tolist())
        more = np.array(colorsys.hsv_to_rgb(h, min(s * float(factor[place[0]]), 1), v)) * white
        require_close(saturated[place], more, 1e-5)
        require_close(turned[place], np.array(colorsys.hsv_to_rgb((h + float(turn[place[0]])) % 1, s, v)) * white, 1e-5)


@pytest.mark.parametrize("channels", [1, 3, 2])
def test_resized_bytes_are_those_of_floats_rounded(kernels, channels):
    x = picture((3, 13, 17, channels), np.uint8)
    for size in [(13, 17), (5, 40), (60, 3)]:
        shape = (3, *size, channels)
        (y,) = kernels("resize_bilinear", [x], [(shape, np.uint8)], [0, 1])
        (exact,) = kernels("resize_bilinear", [x.astype(np.float32)], [(shape, np.float32)], [0, 1])
        np.testing.assert_array_equal(y, np.rint(exact))


@pytest.mark.parametrize("outside", range(4))
@pytest.mark.parametrize("bilinear", [0, 1])
def test_warped_bytes_are_those_of_floats_rounded(kernels, outside, bilinear):
    random = np.random.default_rng(outside)
    for channels in (1, 3, 2):
        x = picture((4, 13, 17, channels), np.uint8)
        projections = np.zeros((4, 8), np.float32)
        projections[:, :6] = np.eye(2, 3).ravel() + random.normal(size=(4, 6)) / 2
        projections[0, 2] = np.nan
        attributes = [bilinear, outside]
        (y,) = kernels("warp.u8", [x, projections], [(x.shape, np.uint8)], attributes, [7.0])
        (exact,) = kernels("warp.f32", [x.astype(np.float32), projections], [(x.shape, np.float32)], attributes, [7.0])
        np.testing.assert_array_equal(y, np.rint(exact))


def philox(counter: list[int], key: int) -> list[int]:
    """Philox4x32-10 as its paper has it."""
    x, keys = list(counter), [key & 0xFFFFFFFF, key >> 32]
    for _ in range(10):
        p, q = 0xD2511F53 * x[0], 0xCD9E8D57 * x[2]
        x = [q >> 32 ^ x[1] ^ keys[0], q & 0xFFFFFFFF, p >> 32 ^ x[3] ^ keys[1], p & 0xFFFFFFFF]
        keys = [(keys[0] + 0x9E3779B9) & 0xFFFFFFFF, (keys[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return x


def test_draws_by_number(kernels, all_kernels):
    indices = np.array([5, 0, -1, 2**40 + 3, *range(50)])
    key, draw = 0x123456789ABCDEF0, 0x7FEDCBA987654321
    (y,) = kernels("draws_at", [indices], [((len(indices), 4), np.float64)], [key, draw])
    for index, row in zip(indices.tolist(), y, strict=True):
        index %= 2**64
        words = philox([index & 0xFFFFFFFF, index >> 32, draw & 0xFFFFFFFF, draw >> 32], key)
        assert (row * 2**32).tolist() == words
    ranges = [(0, 1), (-7, 9), (2**40, 2**32), (-(2**40), 1000)]
    limits = [n for pair in ranges for n in pair]
    (whole,) = kernels("integers_at", [indices], [((len(indices), 4), np.int64)], [key, draw, *limits])
    expected = [
        [low + int(u * 2**32) * count // 2**32 for u, (low, count) in zip(row, ranges, strict=True)]
        for row in y.tolist()
    ]
    assert whole.tolist() == expected
    (alone,) = kernels("draws_at", [indices[3:4]], [((1, 4), np.float64)], [key, draw])
    np.testing.assert_array_equal(alone[0], y[3])
    many = np.arange(20_000)
    assert len({k("draws_at", [many], [((20_000, 4), np.float64)], [1, 2])[0].tobytes() for k in all_kernels}) == 1


@pytest.mark.parametrize(("count", "size"), [(1, 1), (10, 10), (10, 3), (300_000, 300_000), (300_000, 7)])
def test_orders_of_a_buffer(kernels, count, size):
    room = np.minimum(size, np.arange(count, 0, -1))
    picks = np.random.default_rng(size).integers(0, room)
    (order,) = kernels("shuffle_order", [picks], [((count,), np.int64)], [size])
    buffer, expected, coming = list(range(size)), [], itertools.count(size)
    for pick in picks.tolist():
        expected.append(buffer[pick])
        buffer[pick] = buffer[-1]
        following = next(coming)
        if following < count:
            buffer[-1] = following
        else:
            buffer.pop()
    assert order.tolist() == expected


def test_picks_that_are_not_in_the_buffer_are_refused(kernels):
    for picks in ([0, 3, 0, 0, 0], [0, 0, 0, 0, 1], [-1, 0, 0, 0, 0]):
        with pytest.raises(Exception, match="shuffle_order"):
            kernels("shuffle_order", [np.array(picks)], [((5,), np.int64)], [3])


def test_nothing_is_nothing(kernels):
    x = np.zeros((0, 4, 5, 3), np.uint8)
    assert kernels("standardize_images", [x], [(x.shape, np.float32)])[0].shape == x.shape
    assert kernels("windows", [x, np.zeros((0, 4), np.int64)], [((0, 2, 2, 3), np.uint8)], reals=[0.0])[0].size == 0
    assert kernels("adjust_hue", [x, np.zeros(0, np.float32)], [(x.shape, np.uint8)])[0].shape == x.shape
    assert kernels("draws_at", [np.zeros(0, np.int64)], [((0, 4), np.float64)], [0, 0])[0].shape == (0, 4)


IMAGES, PLACES, ONES = np.ones((2, 4, 4, 3), np.uint8), np.zeros((2, 4), np.int64), np.ones(2, np.float32)


@pytest.mark.parametrize(
    ("name", "inputs", "output", "ints", "match"),
    [
        ("windows", [IMAGES, PLACES[:1]], ((2, 2, 2, 3), np.uint8), [], "four numbers"),
        ("windows", [IMAGES, PLACES.astype(np.int32)], ((2, 2, 2, 3), np.uint8), [], "not i64"),
        ("windows", [IMAGES, PLACES], ((2, 2, 2, 1), np.uint8), [], "images and channels"),
        ("windows", [IMAGES[:, :0], PLACES], ((2, 2, 2, 3), np.uint8), [], "pixels"),
        ("windows", [IMAGES, PLACES], ((2, 2, 2, 3), np.float32), [], "not u8"),
        ("erase.u8", [PLACES[:, :3]], ((2, 4, 4, 3), np.uint8), [], "four numbers"),
        ("standardize_images", [IMAGES], ((2, 4, 4, 3), np.uint8), [], "not f32"),
        ("standardize_images", [IMAGES], ((2, 4, 3, 4), np.float32), [], "one shape"),
        ("normalize_images", [IMAGES, ONES, ONES], ((2, 4, 4, 3), np.float32), [], "one shape"),
        ("image_sums", [IMAGES], ((2, 4, 4, 3), np.float64), [], "not i64"),
        ("image_sums", [IMAGES], ((4, 4, 4, 3), np.int64), [], "two sums"),
        ("adjust_hue", [IMAGES[..., :1].copy(), ONES], ((2, 4, 4, 1), np.uint8), [], "three channels"),
        ("adjust_contrast", [IMAGES, ONES[:1]], ((2, 4, 4, 3), np.uint8), [], "a number for each image"),
        ("warp", [IMAGES, np.zeros((2, 8))], ((2, 4, 4, 3), np.uint8), [0, 0], "not f32"),
        ("draws_at", [np.arange(3)], ((3, 3), np.float64), [0, 0], "four numbers"),
        ("integers_at", [np.arange(3)], ((3, 4), np.int64), [0, 0, 0, 1, 0, 1, 0, 1, 0, 0], "one of 1 to"),
        ("integers_at", [np.arange(3)], ((3, 4), np.int64), [0, 0, 0, 1, 0, 1, 2**60, 1, 0, 1], "away"),
        ("shuffle_order", [np.arange(3)], ((3,), np.int64), [4], "buffer"),
    ],
)
def test_wrong_calls_are_refused(kernels, name, inputs, output, ints, match):
    with pytest.raises(ValueError, match=match):
        kernels(name, inputs, [output], ints, [0.0])
