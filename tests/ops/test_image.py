"""Images as programs use them: places, colors, chance."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

import labkit as lk
from labkit.errors import InvalidArgumentError, ShapeError


@pytest.fixture
def session():
    with lk.Graph().as_default(), lk.Session() as session:
        yield session


def picture(*dims: int, dtype: type = np.float32) -> np.ndarray:
    x = np.random.default_rng(dims).random(dims)
    return (x * 256).astype(dtype) if dtype is np.uint8 else x.astype(dtype)


def test_resizing_places_centers_of_pixels(session):
    x = np.array([0.0, 1, 2, 3], np.float32).reshape(1, 4, 1)
    assert session.run(lk.image.resize(x, [1, 2])).ravel().tolist() == [0.5, 2.5]
    assert session.run(lk.image.resize_images(x, [1, 2])).ravel().tolist() == [0, 2]
    assert session.run(lk.image.resize(x, [1, 7], align_corners=True)).ravel().tolist() == [0, 0.5, 1, 1.5, 2, 2.5, 3]
    assert session.run(lk.image.resize(x, [1, 2], "nearest")).ravel().tolist() == [1, 3]
    assert session.run(lk.image.resize_nearest_neighbor(x, [1, 2])).ravel().tolist() == [0, 2]
    assert session.run(lk.image.resize_nearest_neighbor(x, [1, 3], align_corners=True)).ravel().tolist() == [0, 2, 3]


def test_resizing_keeps_a_dtype_by_the_nearest_pixel_and_gives_floats_otherwise(session):
    x = picture(2, 3, 3, dtype=np.uint8)
    assert lk.image.resize(x, [4, 6], "nearest").dtype is lk.uint8
    assert lk.image.resize(x, [4, 6]).dtype is lk.float32
    np.testing.assert_array_equal(session.run(lk.image.resize(x, [4, 6], "nearest")), x.repeat(2, 0).repeat(2, 1))


def test_the_size_may_be_computed(session):
    x = lk.placeholder(lk.float32, [None, None, None, 3])
    half = lk.image.resize(x, lk.shape(x)[1:3] * 2)
    assert half.shape.as_list() == [None, None, None, 3]
    assert session.run(half, {x: picture(2, 3, 5, 3)}).shape == (2, 6, 10, 3)


def test_resizing_refuses_what_does_not_fit(session):
    with pytest.raises(InvalidArgumentError, match="bicubic"):
        lk.image.resize(picture(2, 2, 1), [2, 2], "bicubic")
    with pytest.raises(ShapeError):
        lk.image.resize(picture(2, 2, 1), [2, 0])
    with pytest.raises(ShapeError):
        lk.image.resize(np.ones((2, 2)), [2, 2])


def test_crop_or_pad_is_centered_with_the_odd_pixel_at_the_end(session):
    x = np.arange(1.0, 6).reshape(1, 5, 1)
    crop = lambda n: session.run(lk.image.resize_with_crop_or_pad(x, 1, n)).ravel().tolist()  # noqa: E731
    assert crop(2) == [2, 3]
    assert crop(8) == [0, 1, 2, 3, 4, 5, 0, 0]
    unknown = lk.placeholder(lk.uint8, [None, None, None, 1])
    y = lk.image.resize_image_with_crop_or_pad(unknown, 4, 3)
    assert y.shape.as_list() == [None, 4, 3, 1]
    assert session.run(y, {unknown: np.ones((2, 2, 9, 1))}).sum() == 2 * 2 * 3


def test_boxes(session):
    x = picture(5, 6, 3)
    np.testing.assert_array_equal(session.run(lk.image.crop_to_bounding_box(x, 1, 2, 3, 4)), x[1:4, 2:6])
    padded = session.run(lk.image.pad_to_bounding_box(x, 1, 2, 7, 9))
    np.testing.assert_array_equal(padded, np.pad(x, ((1, 1), (2, 1), (0, 0))))
    np.testing.assert_array_equal(session.run(lk.image.central_crop(x, 0.5)), x[1:4, 1:5])
    for wrong in (
        lambda: lk.image.crop_to_bounding_box(x, 3, 0, 3, 4),
        lambda: lk.image.pad_to_bounding_box(x, 3, 0, 7, 9),
        lambda: lk.image.central_crop(x, 1.5),
    ):
        with pytest.raises((ShapeError, InvalidArgumentError)):
            wrong()


def test_a_random_crop_lies_inside_and_moves(session):
    x = np.arange(20 * 30).reshape(20, 30, 1)
    crop = lk.image.random_crop(x, [5, 6, 1], seed=3)
    corners = set()
    for _ in range(40):
        y = session.run(crop)
        row, column = divmod(int(y[0, 0, 0]), 30)
        np.testing.assert_array_equal(y, x[row : row + 5, column : column + 6])
        corners.add((row, column))
    assert len(corners) > 25
    assert {row for row, _ in corners} > {0} or len({row for row, _ in corners}) > 8


def test_the_gradient_of_a_random_crop_is_of_the_same_place(session):
    x = lk.constant(picture(9, 9, 2))
    crop = lk.image.random_crop(x, [3, 4, 2])
    (grad,) = lk.gradients(crop, [x])
    for _ in range(5):
        y, g = session.run([crop, grad])
        assert g.sum() == y.size
        np.testing.assert_array_equal(session.run(x)[g.astype(bool)], y.ravel())


def test_flips_and_right_angles_are_numpys(session):
    for x in (picture(3, 4, 2), picture(2, 3, 4, 2)):
        axes = (x.ndim - 3, x.ndim - 2)
        np.testing.assert_array_equal(session.run(lk.image.flip_left_right(x)), np.flip(x, axes[1]))
        np.testing.assert_array_equal(session.run(lk.image.flip_up_down(x)), np.flip(x, axes[0]))
        np.testing.assert_array_equal(session.run(lk.image.transpose_image(x)), np.swapaxes(x, *axes))
        for k in (-1, 0, 1, 2, 3, 6):
            np.testing.assert_array_equal(session.run(lk.image.rot90(x, k)), np.rot90(x, k, axes))


def test_random_flips_flip_each_image_by_itself(session):
    x = picture(64, 2, 3, 1)
    flipped = session.run(lk.image.random_flip_left_right(x, seed=1))
    same = (flipped == x).all(axis=(1, 2, 3))
    mirrored = (flipped == x[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (same ^ mirrored).all()
    assert 15 < same.sum() < 49
    one = lk.image.random_flip_up_down(x[0], seed=1)
    assert len({session.run(one).tobytes() for _ in range(20)}) == 2


def test_rotation_by_right_angles_is_rot90(session):
    x = picture(2, 5, 5, 3, dtype=np.float64)
    for k in (1, 2, 3):
        np.testing.assert_array_equal(session.run(lk.image.rotate(x, k * np.pi / 2)), np.rot90(x, k, (1, 2)))
    turned = session.run(lk.image.rotate(x, lk.constant(np.array([0, np.pi / 2])), "bilinear"))
    np.testing.assert_allclose(turned[0], x[0], atol=1e-12)
    np.testing.assert_allclose(turned[1], np.rot90(x[1]), atol=1e-12)
    assert (session.run(lk.image.rotate(x, np.nan, fill_value=7.0)) == 7).all()


def test_projections_move_each_image_by_itself(session):
    x = picture(2, 4, 5, 3, dtype=np.float64)
    moves = np.array([[1, 0, -1, 0, 1, 2, 0, 0], [-1, 0, 4, 0, 1, 0, 0, 0]], float)
    moved = session.run(lk.image.projective_transform(x, moves, fill_value=9.0))
    np.testing.assert_array_equal(moved[0, :2, 1:], x[0, 2:, :-1])
    assert (moved[0, 2:] == 9).all()
    assert (moved[0, :, 0] == 9).all()
    np.testing.assert_array_equal(moved[1], x[1, :, ::-1])
    around = lk.image.projective_transform(x[0], [1.0, 0, 2, 0, 1, -1, 0, 0], fill_mode="wrap")
    np.testing.assert_array_equal(session.run(around), np.roll(x[0], (1, -2), (0, 1)))
    smaller = lk.image.projective_transform(x, [1.0, 0, 1, 0, 1, 2, 0, 0], [2, 3])
    assert smaller.shape.as_list() == [2, 2, 3, 3]
    np.testing.assert_array_equal(session.run(smaller), x[:, 2:4, 1:4])
    with pytest.raises(ShapeError, match="eight numbers"):
        lk.image.projective_transform(x, np.zeros((3, 8)))
    with pytest.raises(InvalidArgumentError, match="fill_mode"):
        lk.image.projective_transform(x, moves, fill_mode="mirror")


def test_a_projection_in_perspective_has_the_inverse_of_a_gradient(session):
    x = lk.constant(picture(1, 6, 6, 1, dtype=np.float64))
    lean = lk.constant(np.array([[1.1, 0.2, -0.3, 0.1, 0.9, 0.2, 0.03, 0.02]]))
    y = lk.image.projective_transform(x, lean, [5, 4], "bilinear", "reflect")
    (slope,) = lk.gradients(lk.reduce_sum(y * y) / 2, [x])
    np.testing.assert_allclose(*session.run([lk.reduce_sum(slope * x), lk.reduce_sum(y * y)]), rtol=1e-12)


def test_colors_are_those_of_colorsys(session):
    x = picture(4, 5, 3, dtype=np.float64)
    expected = np.array([colorsys.rgb_to_hsv(*c) for c in x.reshape(-1, 3)]).reshape(x.shape)
    hsv = lk.image.rgb_to_hsv(x)
    np.testing.assert_allclose(session.run(hsv), expected, rtol=1e-12)
    np.testing.assert_allclose(session.run(lk.image.hsv_to_rgb(hsv)), x, rtol=1e-12)


def test_saturation_and_hue(session):
    red = np.array([[[0.8, 0.2, 0.2]]])
    np.testing.assert_allclose(session.run(lk.image.adjust_hue(red, 1 / 3)), [[[0.2, 0.8, 0.2]]], rtol=1e-6)
    np.testing.assert_allclose(session.run(lk.image.adjust_saturation(red, 0.0)), [[[0.8, 0.8, 0.8]]], rtol=1e-12)
    np.testing.assert_allclose(session.run(lk.image.adjust_saturation(red, 9.0)), [[[0.8, 0, 0]]], atol=1e-12)


def test_brightness_and_contrast_saturate_whole_numbers(session):
    x = np.array([0, 100, 250], np.uint8).reshape(1, 3, 1)
    assert session.run(lk.image.adjust_brightness(x, 0.1)).ravel().tolist() == [25, 125, 255]
    assert session.run(lk.image.adjust_brightness(x, -0.1)).ravel().tolist() == [0, 74, 224]
    contrasted = session.run(lk.image.adjust_contrast(x.astype(np.float64), 2.0)).ravel()
    np.testing.assert_allclose(contrasted, 2.0 * x.ravel() - x.mean(), rtol=1e-12)
    assert lk.image.adjust_contrast(x, 2.0).dtype is lk.uint8


def test_drawn_changes_differ_from_run_to_run(session):
    x = picture(2, 3, 3)
    for changed in (
        lk.image.random_brightness(x, 0.2),
        lk.image.random_contrast(x, 0.5, 1.5),
        lk.image.random_saturation(x, 0.5, 1.5),
        lk.image.random_hue(x, 0.2),
    ):
        assert session.run(changed).tobytes() != session.run(changed).tobytes()
    with pytest.raises(InvalidArgumentError):
        lk.image.random_contrast(x, 0.5, 0.5)
    with pytest.raises(InvalidArgumentError):
        lk.image.random_hue(x, 0.7)


def test_gray(session):
    x = picture(2, 2, 3, dtype=np.uint8)
    gray = session.run(lk.image.rgb_to_grayscale(x))
    assert gray.dtype == np.uint8
    assert np.abs(gray[..., 0] - (x @ [0.2989, 0.587, 0.114])).max() <= 1
    np.testing.assert_array_equal(session.run(lk.image.grayscale_to_rgb(gray)), gray.repeat(3, -1))
    with pytest.raises(ShapeError):
        lk.image.grayscale_to_rgb(x)


def test_dtypes_are_scaled(session):
    convert = lambda x, d: session.run(lk.image.convert_image_dtype(x, d))  # noqa: E731
    levels = np.arange(256, dtype=np.uint8)
    np.testing.assert_allclose(convert(levels, lk.float32), levels / 255, rtol=1e-7)
    np.testing.assert_array_equal(convert(convert(levels, lk.float32), lk.uint8), levels)
    np.testing.assert_array_equal(convert(np.array([-0.5, 1.5]), lk.uint8), [0, 255])
    np.testing.assert_array_equal(convert(convert(levels, lk.int32), lk.uint8), levels)
    assert convert(levels, lk.int64)[-1] == 255 << 55
    assert convert(np.array([1.0]), lk.int32)[0] == 2**31 - 1


def test_standardization_is_of_each_image(session):
    x = picture(3, 4, 5, 3)
    expected = (x - x.mean((1, 2, 3), keepdims=True)) / x.std((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(session.run(lk.image.per_image_standardization(x)), expected, rtol=1e-4, atol=1e-6)
    assert (session.run(lk.image.per_image_standardization(np.full((4, 4, 1), 7, np.uint8))) == 0).all()
