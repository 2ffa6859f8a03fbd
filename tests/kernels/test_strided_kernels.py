"""Kernels of slices with any step, and of mirrored borders, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

DTYPES = [np.float32, np.float64, np.int32, np.int64, np.uint8, np.bool_]
CUTS = [
    ((), []),
    ((9,), [(1, 3, 3)]),
    ((9,), [(8, -1, 9)]),
    ((9,), [(7, -3, 3)]),
    ((6, 7), [(5, -2, 3), (0, 1, 7)]),
    ((6, 7), [(0, 1, 6), (6, -1, 7)]),
    ((6, 7), [(1, 2, 2), (2, 1, 3)]),
    ((3, 4, 5), [(2, 1, 1), (0, 1, 4), (4, -4, 2)]),
    ((4, 1, 3), [(0, 3, 2), (0, 1, 1), (0, 1, 3)]),
    ((400, 300), [(399, -1, 400), (1, 2, 149)]),
    ((2, 2, 2, 2, 2, 2, 2, 3), [(1, -1, 2)] * 7 + [(2, -2, 2)]),
    ((70000,), [(69999, -1, 70000)]),
]


def numbered(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    return (np.arange(int(np.prod(shape))) % 251).reshape(shape).astype(dtype)


def places(cuts: list[tuple[int, int, int]]) -> tuple[np.ndarray, ...]:
    return np.ix_(*[begin + step * np.arange(count) for begin, step, count in cuts])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "cuts"), CUTS)
def test_strided_slice_and_its_gradient(kernels, dtype, shape, cuts):
    x, ints = numbered(shape, dtype), [n for cut in cuts for n in cut]
    part = x[places(cuts)]
    np.testing.assert_array_equal(kernels("strided_slice", [x], [(part.shape, dtype)], ints)[0], part)
    placed = np.zeros(shape, dtype)
    placed[places(cuts)] = part
    np.testing.assert_array_equal(kernels("strided_slice_grad", [part], [(shape, dtype)], ints)[0], placed)


def test_the_gradient_of_an_empty_slice_is_zero(kernels):
    (y,) = kernels("strided_slice_grad", [np.zeros((0, 2), np.float32)], [((3, 2), np.float32)], [9, -5, 0, 0, 1, 2])
    np.testing.assert_array_equal(y, np.zeros((3, 2)))


@pytest.mark.parametrize("cut", [(0, 1, 4), (3, 1, 1), (-1, 1, 1), (2, -2, 3), (0, 0, 2), (0, 2**62, 3), (0, 1, -1)])
def test_slices_beyond_their_operand_are_refused(kernels, cut):
    with pytest.raises(Exception, match=r"strided_slice\.f32"):
        kernels("strided_slice", [np.zeros(3, np.float32)], [((max(cut[2], 0),), np.float32)], cut)


BLOCKS = [
    ((), (), ()),
    ((7,), (3,), (2,)),
    ((4, 5), (1, -5), (1, 5)),
    ((200, 300, 2), (-150, 7, 0), (100, 250, 2)),
    ((3, 4), (3, 0), (0, 4)),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "begin", "size"), BLOCKS)
def test_dynamic_slice_and_its_gradient(kernels, dtype, shape, begin, size):
    x, first = numbered(shape, dtype), np.array(begin, np.int64)
    key = tuple(np.s_[b % n : b % n + m] if m else np.s_[:0] for b, n, m in zip(begin, shape, size, strict=True))
    block = x[key]
    if block.size:
        np.testing.assert_array_equal(kernels("dynamic_slice", [x, first], [(size, dtype)], [1])[0], block)
    placed = np.zeros(shape, dtype)
    placed[key] = block
    np.testing.assert_array_equal(kernels("dynamic_slice_grad", [block, first], [(shape, dtype)], [1])[0], placed)


@pytest.mark.parametrize(("begin", "wrap"), [(-1, 0), (3, 0), (3, 1), (-6, 1), (2**63 - 1, 1), (-(2**63), 1)])
def test_a_block_outside_is_an_index_out_of_range(kernels, begin, wrap):
    for name, first, second in (("dynamic_slice", 5, 3), ("dynamic_slice_grad", 3, 5)):
        with pytest.raises(Exception, match=f"{begin}, 3"):
            kernels(name, [np.zeros(first), np.array([begin])], [((second,), np.float64)], [wrap])


BORDERS = [
    ((4,), [(3, 3)]),
    ((5,), [(2, 0)]),
    ((3, 5), [(1, 2), (0, 4)]),
    ((3, 5), [(1, 2), (0, 0)]),
    ((2, 3, 4), [(1, 1), (2, 2), (3, 3)]),
    ((2, 2, 2, 2, 2, 2, 2, 2), [(1, 1)] * 8),
    ((300, 200), [(7, 299), (199, 3)]),
    ((), []),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "border"), BORDERS)
@pytest.mark.parametrize("mode", ["reflect", "symmetric"])
def test_mirror_pad(kernels, dtype, shape, border, mode):
    x = numbered(shape, dtype)
    expected = np.pad(x, border, mode=mode) if shape else x
    ints = [int(mode == "reflect"), *(before for before, _ in border)]
    np.testing.assert_array_equal(kernels("mirror_pad", [x], [(expected.shape, dtype)], ints)[0], expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("shape", "border"), BORDERS[:-1])
@pytest.mark.parametrize("mode", ["reflect", "symmetric"])
def test_mirror_pad_grad(kernels, dtype, shape, border, mode):
    places = np.pad(np.arange(int(np.prod(shape))).reshape(shape), border, mode=mode)
    g = numbered(places.shape, dtype)
    expected = np.bincount(places.reshape(-1), g.reshape(-1), int(np.prod(shape))).reshape(shape)
    ints = [int(mode == "reflect"), *(before for before, _ in border)]
    np.testing.assert_array_equal(kernels("mirror_pad_grad", [g], [(shape, dtype)], ints)[0], expected)


@pytest.mark.parametrize("width", range(1, 11))
def test_short_runs_at_the_borders_of_tasks(kernels, width):
    x = np.arange(4001 * 11, dtype=np.float32).reshape(4001, 11)
    cut = [0, 1, 4001, 1, 1, width]
    part = kernels("strided_slice", [x], [((4001, width), np.float32)], cut)[0]
    np.testing.assert_array_equal(part, x[:, 1 : 1 + width])
    expected = np.zeros_like(x)
    expected[:, 1 : 1 + width] = part
    np.testing.assert_array_equal(kernels("strided_slice_grad", [part], [(x.shape, np.float32)], cut)[0], expected)
