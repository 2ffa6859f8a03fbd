"""Kernels of images: each against a plain NumPy form, gradients as transposes, wrong calls refused."""

from __future__ import annotations

import colorsys
import itertools

import numpy as np
import pytest

REALS = [np.float32, np.float64]
ALL = [np.float32, np.float64, np.int32, np.int64, np.uint8, np.bool_]


def picture(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    return (np.random.default_rng([*shape]).random(shape) * 200).astype(dtype)


def sources(before: int, after: int, align: int, half: int) -> np.ndarray:
    at = np.arange(after)
    if align:
        return at * ((before - 1) / (after - 1) if after > 1 else 0.0)
    return (at + 0.5) * before / after - 0.5 if half else at * before / after


def matrix(before: int, after: int, align: int, half: int) -> np.ndarray:
    at = np.maximum(sources(before, after, align, half), 0)
    return np.maximum(1 - np.abs(np.minimum(at, before - 1)[:, None] - np.arange(before)), 0)


SIZES = [
    ((1, 4), (1, 4)),
    ((5, 7), (3, 2)),
    ((3, 2), (8, 17)),
    ((1, 1), (6, 5)),
    ((33, 16), (1, 70)),
    ((40, 120), (100, 17)),
]
PLACES = [(0, 0), (0, 1), (1, 0)]


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("places", PLACES)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_bilinear_and_its_transpose(kernels, sizes, places, channels):
    (h, w), (oh, ow) = sizes
    rows, columns = matrix(h, oh, *places), matrix(w, ow, *places)
    for dtype in REALS:
        x, g = picture((2, h, w, channels), dtype), picture((2, oh, ow, channels), dtype)
        (y,) = kernels("resize_bilinear", [x], [(g.shape, dtype)], places)
        eps = np.finfo(dtype).eps
        np.testing.assert_allclose(
            y,
            np.einsum("ih,nhwc,jw->nijc", rows, x, columns, optimize=True),
            rtol=20 * eps,
            atol=max(4000 * eps, 1e-10),
        )
        (dx,) = kernels("resize_bilinear_grad", [g], [(x.shape, dtype)], places)
        exact = np.einsum("ih,nijc,jw->nhwc", rows, g, columns, optimize=True)
        np.testing.assert_allclose(dx, exact, rtol=200 * eps, atol=1000 * eps * max(1, np.abs(exact).max()))


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("places", PLACES)
def test_nearest_and_its_transpose(kernels, sizes, places):
    (h, w), (oh, ow) = sizes
    align, half = places

    def chosen(before: int, after: int) -> list[int]:  # in whole numbers
        if align:
            return [(2 * i * (before - 1) + after - 1) // (2 * (after - 1)) if after > 1 else 0 for i in range(after)]
        return [(2 * i + 1) * before // (2 * after) if half else i * before // after for i in range(after)]

    rows, columns = chosen(h, oh), chosen(w, ow)
    for dtype, channels in itertools.product(ALL, (1, 3, 5)):
        x = picture((2, h, w, channels), dtype)
        (y,) = kernels("resize_nearest", [x], [((2, oh, ow, channels), dtype)], places)
        np.testing.assert_array_equal(y, x[:, rows][:, :, columns])
    g = picture((1, oh, ow, 2), np.float64)
    (dx,) = kernels("resize_nearest_grad", [g], [((1, h, w, 2), np.float64)], places)
    np.testing.assert_allclose(dx, np.einsum("ih,nijc,jw->nhwc", np.eye(h)[rows], g, np.eye(w)[columns]))


def test_an_image_without_pixels_is_refused(kernels):
    with pytest.raises(Exception, match="pixels"):
        kernels("resize_bilinear", [np.zeros((1, 0, 3, 1), np.float32)], [((1, 2, 2, 1), np.float32)], [0, 1])


OUTSIDE = ["constant", "edge", "symmetric", "wrap"]
"""What NumPy calls the four kinds of outside, in their order."""


def padded(x: np.ndarray, border: int, outside: int, fill: float) -> np.ndarray:
    settings = {"constant_values": fill} if outside == 0 else {}
    return np.pad(x, [(0, 0), (border, border), (border, border), (0, 0)], OUTSIDE[outside], **settings)


@pytest.mark.parametrize("outside", range(4))
@pytest.mark.parametrize("bilinear", [0, 1])
@pytest.mark.parametrize(("size", "result"), [((1, 1), (4, 3)), ((6, 5), (6, 5)), ((9, 4), (3, 270))])
@pytest.mark.parametrize("channels", [1, 3, 2])
def test_warp_reads_a_padded_image(kernels, outside, bilinear, size, result, channels):
    border = 300
    for dtype in REALS:
        x = picture((3, *size, channels), dtype)
        random = np.random.default_rng([*size, channels])
        projections = np.zeros((3, 8), dtype)
        projections[:, :6] = np.eye(2, 3).ravel() / 2 + random.normal(size=(3, 6)) / [4, 1, 1, 4, 1, 1]
        projections[1, 6:] = random.uniform(0, 0.01, 2)
        projections[2] = [-1, 0, size[1] - 1, 0, -1, size[0] - 1, 0, 0]
        column, row = np.meshgrid(np.arange(result[1]), np.arange(result[0]))
        wide = padded(x, border, outside, 7.0)
        shape = (3, *result, channels)
        (y,) = kernels("warp", [x, projections], [(shape, dtype)], [bilinear, outside], [7.0])
        for i in range(3):
            a0, a1, a2, b0, b1, b2, c0, c1 = projections[i].astype(float)
            k = c0 * column + c1 * row + 1
            across, along = (a0 * column + a1 * row + a2) / k, (b0 * column + b1 * row + b2) / k
            assert max(abs(across).max(), abs(along).max()) < border - 2
            if not bilinear:
                rows, columns = (np.floor(at + 0.5).astype(int) + border for at in (along, across))
                np.testing.assert_array_equal(y[i], wide[i, rows, columns])
                continue
            rows, columns = (np.floor(at).astype(int) + border for at in (along, across))
            down, right = ((at - np.floor(at))[..., None] for at in (along, across))
            above = wide[i, rows, columns] * (1 - right) + wide[i, rows, columns + 1] * right
            below = wide[i, rows + 1, columns] * (1 - right) + wide[i, rows + 1, columns + 1] * right
            eps = np.finfo(dtype).eps
            np.testing.assert_allclose(y[i], above * (1 - down) + below * down, rtol=20 * eps, atol=2000 * eps + 1e-10)


@pytest.mark.parametrize("outside", range(4))
@pytest.mark.parametrize("bilinear", [0, 1])
@pytest.mark.parametrize(("size", "result"), [((1, 1), (5, 5)), ((6, 5), (7, 3)), ((31, 40), (40, 31))])
def test_warp_and_its_transpose(kernels, outside, bilinear, size, result):
    random = np.random.default_rng([*size, outside])
    x, g = random.normal(size=(2, *size, 2)), random.normal(size=(2, *result, 2))
    projections = np.zeros((2, 8))
    projections[:, :6] = np.eye(2, 3).ravel() + random.normal(size=(2, 6)) / 2
    attributes = [bilinear, outside]
    (y,) = kernels("warp", [x, projections], [(g.shape, np.float64)], attributes, [0.0])
    (dx,) = kernels("warp_grad", [g, projections], [(x.shape, np.float64)], attributes)
    np.testing.assert_allclose((y * g).sum((1, 2, 3)), (x * dx).sum((1, 2, 3)), rtol=1e-11, atol=1e-11)


def test_the_gradient_of_a_large_image_comes_in_bands(kernels):
    x = np.zeros((1, 1500, 1500, 1), np.float32)
    g = np.random.default_rng(0).normal(size=x.shape).astype(np.float32)
    shift = np.array([[1, 0, 3, 0, 1, -2, 0, 0]], np.float32)
    (dx,) = kernels("warp_grad", [g, shift], [(x.shape, np.float32)], [1, 0])
    x[0, :-2, 3:] = g[0, 2:, :-3]
    np.testing.assert_array_equal(dx, x)


def test_places_that_are_no_numbers_or_far_away(kernels):
    x, projections = np.ones((3, 4, 4, 1), np.float32), np.eye(3, 8, dtype=np.float32)
    projections[:, 2] = np.nan, 1e30, -1e30
    for bilinear, outside in itertools.product((0, 1), range(4)):
        (y,) = kernels("warp", [x, projections], [(x.shape, np.float32)], [bilinear, outside], [9.0])
        assert (y[0] == 9).all()
        assert (y[1:] == (1 if outside else 9)).all()
        (dx,) = kernels("warp_grad", [x, projections], [(x.shape, np.float32)], [bilinear, outside])
        np.testing.assert_array_equal(dx.sum((1, 2, 3)), [0, 16 * bool(outside), 16 * bool(outside)])


def test_wrong_warps_are_refused(kernels):
    x, one = np.ones((2, 4, 4, 1), np.float32), np.zeros((2, 8), np.float32)
    with pytest.raises(Exception, match="pixels"):
        kernels("warp", [x[:, :0], one], [(x.shape, np.float32)], [0, 0], [0.0])
    with pytest.raises(Exception, match="eight numbers"):
        kernels("warp", [x, one[:, :6]], [(x.shape, np.float32)], [0, 0], [0.0])
    with pytest.raises(Exception, match="images and channels"):
        kernels("warp", [x, one], [((2, 4, 4, 2), np.float32)], [0, 0], [0.0])
    with pytest.raises(Exception, match="outside"):
        kernels("warp", [x, one], [(x.shape, np.float32)], [0, 4], [0.0])


@pytest.mark.parametrize("dtype", REALS)
def test_colors(kernels, dtype):
    x = np.concatenate([picture((5000, 3), dtype) / 200, np.array(list(itertools.product([0, 1], repeat=3)), dtype)])
    (hsv,) = kernels("rgb_to_hsv", [x], [(x.shape, dtype)])
    expected = np.array([colorsys.rgb_to_hsv(*map(float, c)) for c in x])
    np.testing.assert_allclose(hsv, expected, rtol=20 * np.finfo(dtype).eps, atol=20 * np.finfo(dtype).eps)
    (rgb,) = kernels("hsv_to_rgb", [hsv], [(x.shape, dtype)])
    np.testing.assert_allclose(rgb, x, atol=20 * np.finfo(dtype).eps)
    (turned,) = kernels("hsv_to_rgb", [hsv - np.array([3, 0, 0], dtype)], [(x.shape, dtype)])
    np.testing.assert_allclose(turned, x, atol=60 * np.finfo(dtype).eps)


@pytest.mark.parametrize(
    ("before", "after", "begin"),
    [
        ((5, 7), (3, 4), (1, 2)),
        ((5, 7), (9, 7), (-2, 0)),
        ((4, 5, 3), (2, 8, 3), (2, -1, 0)),
        ((2, 6, 4, 3), (2, 3, 9, 3), (0, 2, -4, 0)),
        ((6,), (4,), (5,)),
        ((3, 3), (4, 4), (100, -100)),
        ((0, 3), (2, 3), (0, 0)),
        ((300, 500), (310, 480), (-3, 11)),
        ((2, 2, 2, 2, 2, 2, 2, 2), (2, 1, 2, 2, 3, 2, 2, 1), (0, 1, 0, 0, -1, 0, 0, 1)),
        ((), (), ()),
    ],
)
def test_window(kernels, before, after, begin):
    for dtype in ALL:
        x = picture(before, dtype)
        expected = np.zeros(after, dtype)
        for place in np.ndindex(*after):
            source = tuple(i + b for i, b in zip(place, begin, strict=True))
            if len(place) < 3 and all(0 <= i < n for i, n in zip(source, before, strict=True)):
                expected[place] = x[source]
        if len(after) >= 3:
            spans = [np.arange(n) + b for n, b in zip(after, begin, strict=True)]
            inside = [np.flatnonzero((s >= 0) & (s < n)) for s, n in zip(spans, before, strict=True)]
            expected[np.ix_(*inside)] = x[np.ix_(*[s[i] for s, i in zip(spans, inside, strict=True)])]
        (y,) = kernels("window", [x], [(after, dtype)], begin)
        np.testing.assert_array_equal(y, expected)


def test_random_crop_and_its_gradient_draw_one_place(kernels):
    x = np.arange(1, 40 * 50 + 1, dtype=np.int64).reshape(40, 50)
    corners = set()
    for draw in range(30):
        counter = np.array([draw], np.int64)
        (y,) = kernels("random_crop", [x, counter], [((7, 9), np.int64)], [5])
        row, column = divmod(int(y[0, 0]) - 1, 50)
        np.testing.assert_array_equal(y, x[row : row + 7, column : column + 9])
        (back,) = kernels("random_crop_grad", [y, counter], [(x.shape, np.int64)], [5])
        np.testing.assert_array_equal(back, np.where(np.isin(x, y), x, 0))
        corners.add((row, column))
    assert len(corners) > 25
    (whole,) = kernels("random_crop", [x, np.array([0], np.int64)], [(x.shape, np.int64)], [5])
    np.testing.assert_array_equal(whole, x)


def test_candidates(kernels, all_kernels):
    classes, counter = np.array([[0, 3], [9, 1]]), np.array([4], np.int64)

    def draw(k, name: str, n: int, unique: int, most: int) -> list[np.ndarray]:
        outputs = [((n,), np.int64), (classes.shape, np.float32), ((n,), np.float32)]
        return k(name, [classes, counter], outputs, [n, unique, most, 77])

    for name in ("log_uniform_candidates", "uniform_candidates"):
        ids, true, expected = draw(kernels, name, 100, 1, 100)
        assert sorted(ids.tolist()) == list(range(100))
        assert ((true > 0) & (true <= 1)).all()
        np.testing.assert_array_equal(true.ravel(), [expected[ids == k][0] for k in classes.ravel()])
        repeated = draw(kernels, name, 5000, 0, 10)[0]
        assert set(repeated.tolist()) == set(range(10))
        assert len({draw(k, name, 50, 1, 1000)[0].tobytes() for k in all_kernels}) == 1
        with pytest.raises(Exception, match="101"):
            draw(kernels, name, 101, 1, 100)
        with pytest.raises(Exception, match="9"):
            draw(kernels, name, 3, 1, 9)
