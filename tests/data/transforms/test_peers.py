"""Pillow and TensorFlow make of images what these transforms make of them, where they are installed."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from labkit.data import transforms as t
from tests.data.transforms.images import BYTES, FLOATS

INDICES = np.arange(len(BYTES))
SMOOTH = np.rint(
    127 + 60 * np.sin(np.arange(40)[:, None, None] / 5 + np.arange(3)) + 60 * np.cos(np.arange(30)[:, None] / 7)
).astype(np.uint8)
"""An image without edges, so that half a pixel matters little."""


@pytest.fixture(scope="module")
def tf() -> ModuleType:
    return pytest.importorskip("tensorflow")


@pytest.mark.parametrize("size", [(24, 20), (40, 33), (13, 10)])
def test_pillow_enlarges_alike(size: tuple[int, int]) -> None:
    image = pytest.importorskip("PIL.Image")
    for x, y in zip(BYTES, t.Resize(size)(BYTES), strict=True):
        pillow = np.asarray(image.fromarray(x).resize(size[::-1], image.Resampling.BILINEAR))
        assert np.abs(pillow.astype(int) - y).max() <= 1  # it calculates in whole numbers
    for x, y in zip(BYTES, t.Resize((5, 7), "nearest")(BYTES), strict=True):
        np.testing.assert_array_equal(np.asarray(image.fromarray(x).resize((7, 5), image.Resampling.NEAREST)), y)


@pytest.mark.parametrize("degrees", [-90, 7, 30, 90, 123, 180])
def test_pillow_turns_alike(degrees: int) -> None:
    image = pytest.importorskip("PIL.Image")
    pillow = np.asarray(image.fromarray(SMOOTH).rotate(degrees, image.Resampling.BILINEAR)).astype(int)
    (made,) = t.RandomRotation((degrees / 360, degrees / 360), "constant")(SMOOTH[None])
    rows, columns = np.meshgrid(np.arange(40) - 19.5, np.arange(30) - 14.5, indexing="ij")
    inner = rows**2 + columns**2 < 12**2  # what lies in the image at any angle
    assert np.abs(pillow - made)[inner].max() <= 1


def test_tensorflow_standardizes_alike(tf: Any) -> None:
    flat = np.full((2, 4, 5, 3), 77, np.uint8)
    for images in (BYTES, FLOATS, flat, (flat / np.float32(255)).astype(np.float32)):
        expected = tf.image.per_image_standardization(images).numpy()
        np.testing.assert_allclose(t.PerImageStandardization()(images), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [(12, 10), (5, 23), (30, 4), (1, 1)])
def test_tensorflow_resizes_alike(tf: Any, size: tuple[int, int]) -> None:
    for images in (BYTES, FLOATS):
        expected = tf.image.resize(images, size).numpy()  # float32, of bytes too
        made = t.Resize(size)(images)
        assert np.abs(made - expected).max() < (0.501 if images is BYTES else 1e-5)
        np.testing.assert_array_equal(
            t.Resize(size, "nearest")(images), tf.image.resize(images, size, method="nearest").numpy()
        )


@pytest.mark.parametrize("size", [(12, 10), (5, 23), (17, 3), (7, 7), (13, 11)])
def test_tensorflow_crops_and_pads_alike(tf: Any, size: tuple[int, int]) -> None:
    expected = tf.image.resize_with_crop_or_pad(BYTES, *size).numpy()
    np.testing.assert_array_equal(t.ResizeWithCropOrPad(size)(BYTES), expected)


@pytest.mark.parametrize(
    ("make", "function"),
    [
        (lambda: t.RandomBrightness(0.5, seed=1), "adjust_brightness"),
        (lambda: t.RandomContrast((0.9, 2), seed=2), "adjust_contrast"),
        (lambda: t.RandomSaturation((0.9, 2), seed=3), "adjust_saturation"),
        (lambda: t.RandomHue(0.5, seed=4), "adjust_hue"),
    ],
)
def test_tensorflow_changes_colors_alike(tf: Any, make: Any, function: str) -> None:
    transform = make()
    amounts = transform.between(*transform.amounts, transform.draw(INDICES, 0)[:, 0])
    for images in (BYTES, FLOATS):
        made = transform(images)
        for x, y, amount in zip(images, made, amounts.tolist(), strict=True):
            expected = getattr(tf.image, function)(x, amount).numpy()
            # TensorFlow rounds bytes in its own way, one off at most
            assert np.abs(y.astype(float) - expected).max() <= (1 if images is BYTES else 2e-5), amount
