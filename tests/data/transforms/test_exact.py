"""Each transform against NumPy in float64, given what it drew."""

from __future__ import annotations

import colorsys
import math
import tracemalloc
from typing import Any

import numpy as np
import pytest

from labkit.data import Dataset, transforms as t
from tests.data.transforms.images import BYTES, FLOATS

N = len(BYTES)
INDICES = np.arange(N)


def require_close(made: np.ndarray, exact: np.ndarray, tolerance: float = 1e-5) -> None:
    if made.dtype == np.uint8:
        assert np.abs(made - np.clip(exact, 0, 255)).max() < 0.5 + 1e-3
    else:
        np.testing.assert_allclose(made, exact, rtol=tolerance, atol=tolerance)


@pytest.fixture(params=[BYTES, FLOATS], ids=["uint8", "float32"])
def images(request: pytest.FixtureRequest) -> np.ndarray:
    return request.param


def taps(before: int, after: int) -> np.ndarray:
    at = np.clip((np.arange(after) + 0.5) * before / after - 0.5, 0, before - 1)
    return np.maximum(1 - np.abs(at[:, None] - np.arange(before)), 0)


@pytest.mark.parametrize("size", [(12, 10), (5, 23), (30, 4), (1, 1)])
def test_resize(images: np.ndarray, size: tuple[int, int]) -> None:
    exact = np.einsum("ih,nhwc,jw->nijc", taps(12, size[0]), images.astype(float), taps(10, size[1]))
    made = t.Resize(size)(images)
    assert made.dtype == images.dtype
    require_close(made, exact)
    rows, columns = ((np.arange(m) * 2 + 1) * n // (2 * m) for n, m in zip((12, 10), size, strict=True))
    np.testing.assert_array_equal(t.Resize(size, "nearest")(images), images[:, rows][:, :, columns])


@pytest.mark.parametrize("size", [(12, 10), (5, 23), (17, 3), (7, 7), (13, 11)])
def test_resize_with_crop_or_pad(images: np.ndarray, size: tuple[int, int]) -> None:
    made = t.ResizeWithCropOrPad(size)(images)
    expected = images
    for axis, n in ((1, size[0]), (2, size[1])):
        less = images.shape[axis] - n
        if less >= 0:
            expected = expected.take(np.arange(less // 2, less // 2 + n), axis)
        else:
            border = [(0, 0)] * 4
            border[axis] = (-less // 2, -less - -less // 2)
            expected = np.pad(expected, border)
    np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize("padding", [0, 3, (0, 2)])
def test_crops_are_parts_of_the_image_with_its_border(images: np.ndarray, padding: Any) -> None:
    crop = t.RandomCrop((9, 10), padding=padding, fill=4, seed=3)
    rows, columns = padding if isinstance(padding, tuple) else (padding, padding)
    wide = np.pad(images, [(0, 0), (rows, rows), (columns, columns), (0, 0)], constant_values=4)
    drawn = crop.draw(INDICES, 6)
    places = [math.floor(d[0] * (4 + 2 * rows)) * 100 + math.floor(d[1] * (1 + 2 * columns)) for d in drawn]
    for i, (y, place) in enumerate(zip(crop(images, epoch=6), places, strict=True)):
        top, left = divmod(place, 100)
        np.testing.assert_array_equal(y, wide[i, top : top + 9, left : left + 10])


def test_flips(images: np.ndarray) -> None:
    for mode in ("horizontal", "vertical", "horizontal_and_vertical"):
        flip = t.RandomFlip(mode, seed=5)
        drawn = flip.draw(INDICES, 0)
        for x, y, share in zip(images, flip(images), drawn, strict=True):
            x = x[::-1] if share[2] >= 0.5 and "vertical" in mode else x
            np.testing.assert_array_equal(y, x[:, ::-1] if share[3] >= 0.5 and "horizontal" in mode else x)


def test_a_quarter_of_a_turn_is_one() -> None:
    square = BYTES[:, :10]
    for images in (square, FLOATS[:, :10]):
        for interpolation in ("bilinear", "nearest"):
            for turns, expected in ((0.25, 1), (-0.25, 3), (0.5, 2), (1.0, 4)):
                made = t.RandomRotation((turns, turns), interpolation=interpolation)(images)
                require_close(made, np.rot90(images, expected, (1, 2)).astype(float), 1e-4)


def test_rotation_is_the_layers(images: np.ndarray) -> None:
    """`lk.image.rotate` by the angles that were drawn."""
    import labkit as lk
    from labkit.data.transforms import rotation as module
    from labkit.ops.image import warp

    assert module.FILL_MODES == warp.FILL_MODES
    rotation = t.RandomRotation(0.2, "constant", seed=2)
    angles = 2 * np.pi * (0.4 * rotation.draw(INDICES, 0)[:, 0] - 0.2)
    with lk.Graph().as_default(), lk.Session() as session:
        exact = session.run(lk.image.rotate(images.astype(np.float64), angles, "bilinear"))
    require_close(rotation(images), exact, 1e-4)


def test_brightness_and_contrast(images: np.ndarray) -> None:
    white = 255 if images.dtype == np.uint8 else 1
    brightness, contrast = t.RandomBrightness((-0.2, 0.6), seed=1), t.RandomContrast((0.5, 1), seed=1)
    delta = -0.2 + 0.8 * brightness.draw(INDICES, 0)[:, 0]
    require_close(brightness(images), images + delta[:, None, None, None] * white)
    factor = 0.5 + 1.5 * contrast.draw(INDICES, 0)[:, 0]
    mean = images.mean(axis=(1, 2), keepdims=True, dtype=float)
    require_close(contrast(images), (images - mean) * factor[:, None, None, None] + mean)


def test_saturation_and_hue(images: np.ndarray) -> None:
    white = 255 if images.dtype == np.uint8 else 1
    saturation, hue = t.RandomSaturation(0.7, seed=1), t.RandomHue(0.4, seed=1)
    factor = 0.3 + 1.4 * saturation.draw(INDICES, 0)[:, 0]
    turn = -0.4 + 0.8 * hue.draw(INDICES, 0)[:, 0]
    more, turned = np.empty((2, *images.shape))
    for place in np.ndindex(*images.shape[:3]):
        h, s, v = colorsys.rgb_to_hsv(*(images[place] / white).tolist())
        more[place] = np.array(colorsys.hsv_to_rgb(h, min(s * factor[place[0]], 1), v)) * white
        turned[place] = np.array(colorsys.hsv_to_rgb((h + turn[place[0]]) % 1, s, v)) * white
    require_close(saturation(images), more)
    require_close(hue(images), turned)


def test_standardization(images: np.ndarray) -> None:
    exact = images.astype(float)
    mean, std = (f(exact, axis=(1, 2, 3), keepdims=True) for f in (np.mean, np.std))
    require_close(t.PerImageStandardization()(images), (exact - mean) / std)
    one, each, picture = 0.3, [0.1, 0.2, 0.3], FLOATS[0]
    for mean in (one, each, picture):
        for std in (0.5, [1, 2, 3], picture + 1):
            require_close(t.Standardization(mean, std)(images), (exact - np.asarray(mean)) / std)
    require_close(t.Standardization(picture)(images), exact - picture)
    np.testing.assert_array_equal(t.ToFloat()(images), FLOATS)


def test_cutout(images: np.ndarray) -> None:
    cutout = t.Cutout((5, 4), fill=3, seed=2)
    drawn = cutout.draw(INDICES, 1)
    for x, y, share in zip(images, cutout(images, epoch=1), drawn, strict=True):
        row, column = int(share[0] * 12), int(share[1] * 10)
        expected = x.copy()
        expected[max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 2] = 3
        np.testing.assert_array_equal(y, expected)


def test_mixup() -> None:
    classes = np.arange(N) % 4
    mixup = t.MixUp(0.7, num_classes=4, seed=3)
    dataset = Dataset.from_tensor_slices((BYTES, classes)).shuffle(seed=1)
    sources, labels = dataset.arrays(2)
    partners, weights = mixup.partners(INDICES, 2, N), mixup.weights(INDICES, 2)
    x, y = dataset.map(mixup).arrays(2)
    share = weights[:, None, None, None]
    require_close(x, share * sources + (1 - share) * sources[partners])
    both = weights[:, None] * np.eye(4)[labels] + (1 - weights[:, None]) * np.eye(4)[labels[partners]]
    require_close(y, both)
    assert (x.dtype, y.dtype) == (np.float32, np.float32)
    spec = dataset.map(mixup).element_spec
    assert [(s.dims, s.dtype.name) for s in spec] == [((12, 10, 3), "float32"), ((4,), "float32")]
    some = dataset.map(mixup).skip(5).take(3)
    np.testing.assert_array_equal(some.arrays(2)[0], x[5:8])
    again = mixup((sources, labels), epoch=2)
    np.testing.assert_array_equal(again[0], x)


def statistics(images: np.ndarray) -> tuple[np.ndarray, ...]:
    exact = images.astype(np.longdouble)
    mean = exact.mean(axis=(0, 1, 2))
    return exact.mean(axis=0), mean, np.sqrt(((exact - mean) ** 2).mean(axis=(0, 1, 2)))


def test_statistics(images: np.ndarray) -> None:
    expected = statistics(images)
    dataset = Dataset.from_tensor_slices({"label": INDICES, "image": images})
    ways = [
        t.image_statistics(images),
        t.image_statistics(dataset, on="image"),
        t.image_statistics(dataset.batch(5), on="image"),
        t.image_statistics(dataset.filter(lambda x: True).batch(3).prefetch(2), on="image"),
    ]
    for found in ways:
        assert found.count == N
        for name, exact in zip(("mean_image", "mean", "std"), expected, strict=True):
            value = getattr(found, name)
            assert value.dtype == np.float64
            np.testing.assert_allclose(value, exact.astype(float), rtol=1e-14)
            np.testing.assert_array_equal(value, getattr(ways[0], name))  # to the bit, whatever the batches
    standard = statistics(t.Standardization(ways[0].mean, ways[0].std)(images))
    np.testing.assert_allclose(np.stack(standard[1:]).astype(float), [[0] * 3, [1] * 3], atol=1e-6)
    assert repr(ways[0]).startswith("ImageStatistics(count=37, images (12, 10, 3), mean=[")


def test_statistics_of_floats_far_from_zero() -> None:
    images = (1000 + np.random.default_rng(0).random((500, 6, 5, 2))).astype(np.float32)
    found, (image, mean, std) = t.image_statistics(images), statistics(images)
    np.testing.assert_allclose(found.mean_image, image.astype(float), rtol=1e-15)
    np.testing.assert_allclose(found.mean, mean.astype(float), rtol=1e-15)
    np.testing.assert_allclose(found.std, std.astype(float), rtol=1e-8)
    images[3, 2, 1, 1] = np.nan
    assert np.isnan(t.image_statistics(images).mean).tolist() == [False, True]


def test_deviations_far_below_the_mean() -> None:
    images = (1000 + 0.01 * np.random.default_rng(0).normal(size=(50, 4, 4, 3))).astype(np.float32)
    found = t.image_statistics(images)
    np.testing.assert_allclose(
        found.std, images.astype(np.longdouble).std(axis=(0, 1, 2)).astype(np.float64), rtol=1e-12
    )
    assert t.image_statistics(np.full((7, 3, 3, 1), 0.1, np.float32)).std == [0.0]


def test_few_are_made_at_once_where_they_become_large() -> None:
    dataset = Dataset.from_tensor_slices(np.zeros((2000, 8, 8, 1), np.uint8)).map(t.Resize(512)).map(t.ToFloat())
    tracemalloc.start()
    try:
        with dataset.iterate() as iterator:
            next(iterator)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
