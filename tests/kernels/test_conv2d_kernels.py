"""conv2d and its gradients, on every target, against sums over image patches in float64."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from labkit import _native

TARGETS = _native.targets()
DTYPES = {"f32": np.float32, "f64": np.float64}


class Case:
    """x [n, h, w, c], filter [kh, kw, c / groups, k], y [n, oh, ow, k], strides, pads at top and left, dilations."""

    def __init__(
        self, n, h, w, c, k, kernel, stride=(1, 1), pad=(0, 0), out=None, dilation=(1, 1), groups=1, dtype="f32"
    ):
        self.dtype, self.kernel, self.stride, self.pad = dtype, kernel, stride, pad
        self.dilation, self.groups = dilation, groups
        oh, ow = out or (-(-h // stride[0]), -(-w // stride[1]))
        rng = np.random.default_rng([n, h, w, c, k, *kernel])
        draw = lambda *shape: rng.standard_normal(shape).astype(DTYPES[dtype])  # noqa: E731
        self.x, self.w, self.dy = draw(n, h, w, c), draw(*kernel, c // groups, k), draw(n, oh, ow, k)
        self.ints = [*stride, *pad, *dilation, groups]

    def call(self, target, name, inputs, shape):
        results = []
        for threads in (1, 3):
            out = np.full(int(np.prod(shape)) + 17, np.nan, DTYPES[self.dtype])
            view = out[1:-16].reshape(shape)  # aligned to an element only
            _native.call_kernel(target, f"{name}.{self.dtype}", inputs, [view], self.ints, [], threads)
            assert np.isnan([out[0], *out[-16:]]).all(), f"{name} wrote outside its result"
            results.append(view)
        assert results[0].tobytes() == results[1].tobytes(), f"{name} depends on the number of threads"
        return results[0]

    def forward(self, target):
        return self.call(target, "conv2d", [self.x, self.w], self.dy.shape)

    def backprop_input(self, target):
        return self.call(target, "conv2d_backprop_input", [self.w, self.dy], self.x.shape)

    def backprop_filter(self, target):
        return self.call(target, "conv2d_backprop_filter", [self.x, self.dy], self.w.shape)

    def windows(self):
        """For each tap (i, j) of the filter: the pixels of a padded image that it meets."""
        (sh, sw), (dh, dw), (_, oh, ow, _) = self.stride, self.dilation, self.dy.shape
        for i in range(self.kernel[0]):
            for j in range(self.kernel[1]):
                yield i, j, np.s_[:, i * dh : i * dh + sh * (oh - 1) + 1 : sh, j * dw : j * dw + sw * (ow - 1) + 1 : sw]

    def padded(self):
        (n, h, w, c), (top, left) = self.x.shape, self.pad
        spans = [
            (k - 1) * d + 1 + s * (out - 1)
            for k, d, s, out in zip(self.kernel, self.dilation, self.stride, self.dy.shape[1:3], strict=True)
        ]
        height, width = max(top + h, spans[0]), max(left + w, spans[1])
        return np.zeros((n, height, width, c)), np.s_[:, top : top + h, left : left + w]

    def expected(self, absolute=False):
        """y, dx, dw in float64; of absolute values: what rounding errors are measured by."""
        x, w, dy = (a.astype(np.float64) for a in (self.x, self.w, self.dy))
        if absolute:
            x, w, dy = np.abs(x), np.abs(w), np.abs(dy)
        image, inside = self.padded()
        image[inside] = x
        gradient = np.zeros_like(image)
        y, dw = np.zeros(dy.shape), np.zeros(w.shape)
        c, k = x.shape[3] // self.groups, w.shape[3] // self.groups
        for g in range(self.groups):
            cs, ks = np.s_[g * c : (g + 1) * c], np.s_[g * k : (g + 1) * k]
            for i, j, window in self.windows():
                patch, filters = image[window][..., cs], w[i, j][:, ks]
                y[..., ks] += patch @ filters
                gradient[window][..., cs] += dy[..., ks] @ filters.T
                dw[i, j][:, ks] = np.tensordot(patch, dy[..., ks], ([0, 1, 2], [0, 1, 2]))
        return y, gradient[inside], dw


def assert_all_three(target: str, case: Case) -> None:
    taps = case.kernel[0] * case.kernel[1]
    pairs = zip(case.expected(), case.expected(absolute=True), strict=True)
    for name, length, got, (want, scale) in (
        ("forward", taps * case.w.shape[2], case.forward(target), next(pairs)),
        ("backprop_input", taps * case.dy.shape[3], case.backprop_input(target), next(pairs)),
        ("backprop_filter", case.dy[..., 0].size, case.backprop_filter(target), next(pairs)),
    ):
        # The second term: Winograd's transforms spread the rounding errors of large elements over their whole tile.
        bound = (2 * length * scale + 16 * scale.max()) * np.finfo(got.dtype).eps
        error = np.abs(got - want)
        assert (error <= bound).all(), f"{name} {case.x.shape} {case.w.shape} {case.ints}: error {np.nanmax(error)}"


def same(h: int, kernel: int, stride: int) -> int:
    """TensorFlow's SAME padding before the first element."""
    return max((-(-h // stride) - 1) * stride + kernel - h, 0) // 2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("target", TARGETS)
def test_same_and_valid_strides_and_kernel_sizes(target: str, dtype: str) -> None:
    for kernel in (1, 2, 3, 5):
        for stride in (1, 2, 3):
            h, w = 9, 8
            pad = same(h, kernel, stride), same(w, kernel, stride)
            assert_all_three(target, Case(2, h, w, 5, 7, (kernel, kernel), (stride, stride), pad, dtype=dtype))
            valid = (h - kernel) // stride + 1, (w - kernel) // stride + 1
            assert_all_three(target, Case(2, h, w, 3, 4, (kernel, kernel), (stride, stride), out=valid, dtype=dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("target", TARGETS)
def test_channel_counts_around_vectors_and_tiles(target: str, dtype: str) -> None:
    for c, k in [(1, 64), (3, 16), (16, 16), (16, 32), (17, 33), (64, 10), (64, 64), (130, 48)]:
        for size in (3, 5):
            assert_all_three(target, Case(2, 6, 7, c, k, (size, size), pad=(size // 2, size // 2), dtype=dtype))


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("target", TARGETS)
def test_winograds_filters_at_every_image_size(target: str, size: int) -> None:
    for h, w in [(1, 1), (1, 4), (2, 3), (3, 3), (4, 4), (5, 8), (7, 7), (9, 12), (14, 14), (16, 17)]:
        pad = (size // 2, size // 2)
        assert_all_three(target, Case(3, h, w, 16, 32, (size, size), pad=pad))
        if min(h, w) >= size:
            assert_all_three(target, Case(3, h, w, 32, 16, (size, size), out=(h - size + 1, w - size + 1)))


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("target", TARGETS)
def test_the_error_of_winograds_passes_is_small_beside_the_result(target: str, size: int) -> None:
    """As a share of the result's norm, with 128 channels and 49 tiles or more of each image."""
    case = Case(4, 14, 14, 128, 128, (size, size), pad=(size // 2, size // 2))
    for got, want, bound in zip(
        (case.forward(target), case.backprop_input(target), case.backprop_filter(target)),
        case.expected(),
        (5e-6, 5e-6, 1e-5),
        strict=True,
    ):
        assert np.linalg.norm(got - want) <= bound * np.linalg.norm(want)


# images, filters, strides, dilations, groups, algorithm: sizes at, below and above vectors, tiles and blocks of channels
ACCURACY = [
    ((4, 7, 9, 15), (3, 3, 15, 33), 1, 1, 1, 2),
    ((3, 14, 14, 65), (3, 3, 65, 31), 1, 1, 1, 2),
    ((9, 4, 4, 192), (3, 3, 192, 257), 1, 1, 1, 0),  # few tiles of many channels: all are transformed first
    ((300, 3, 4, 127), (3, 3, 127, 200), 1, 1, 1, 0),  # ... and so many that their sum is cut
    ((5, 28, 27, 16), (3, 3, 16, 17), 1, 1, 1, 0),
    ((2, 13, 12, 63), (5, 5, 63, 34), 1, 1, 1, 2),
    ((3, 7, 7, 1), (5, 5, 1, 32), 1, 1, 1, 0),
    ((2, 9, 9, 1), (3, 3, 1, 7), 1, 1, 1, 2),
    ((3, 14, 14, 65), (3, 3, 65, 31), 1, 1, 1, 1),
    ((2, 15, 17, 3), (7, 7, 3, 64), 2, 1, 1, 0),
    ((2, 9, 8, 129), (1, 1, 129, 40), 1, 1, 1, 0),
    ((2, 15, 14, 20), (3, 3, 20, 24), 2, 1, 1, 0),
    ((2, 15, 14, 20), (3, 3, 20, 24), 1, 2, 1, 0),
    ((2, 15, 14, 33), (3, 3, 1, 33), 1, 1, 33, 0),
]


@functools.cache
def accuracy_cases():
    """Each case of ACCURACY and what it gives in float64."""
    cases = []
    for image, filters, stride, dilation, groups, algorithm in ACCURACY:
        kernel = filters[:2]
        pad = tuple((k - 1) * dilation // 2 for k in kernel)
        strides, dilations = (stride, stride), (dilation, dilation)
        case = Case(*image, filters[3], kernel, strides, pad, dilation=dilations, groups=groups)
        case.ints.append(algorithm)
        cases.append((case, case.expected()))
    return cases


@pytest.mark.parametrize("target", TARGETS)
def test_relative_errors_of_every_algorithm(target: str) -> None:
    """One after the other in one process, twice: nothing that a shape leaves behind reaches the next one."""
    for case, expected in accuracy_cases() * 2:
        for name, got, want, bound in zip(
            ("forward", "backprop_input", "backprop_filter"),
            (case.forward(target), case.backprop_input(target), case.backprop_filter(target)),
            expected,
            (5e-6, 5e-6, 1e-5),
            strict=True,
        ):
            error = np.linalg.norm(got - want) / np.linalg.norm(want)
            assert error <= bound, (name, case.x.shape, case.w.shape, case.ints, error)


@pytest.mark.parametrize("target", TARGETS)
def test_every_number_of_channels_through_winograds_algorithm(target: str) -> None:
    for c, k in [(1, 1), (2, 17), (15, 31), (16, 33), (17, 15), (63, 65), (65, 63), (129, 16)]:
        for size in (3, 5):
            case = Case(2, 6, 7, c, k, (size, size), pad=(size // 2, size // 2))
            case.ints.append(2)
            assert_all_three(target, case)


@pytest.mark.parametrize("target", TARGETS)
def test_asymmetric_pads_kernels_and_strides(target: str) -> None:
    assert_all_three(target, Case(2, 7, 6, 4, 6, (3, 2), (1, 2), (2, 0), out=(8, 3)))
    assert_all_three(target, Case(2, 6, 9, 16, 16, (3, 3), (1, 1), (0, 2), out=(6, 9)))
    assert_all_three(target, Case(2, 5, 5, 2, 3, (5, 1), (3, 1), (4, 0), out=(3, 5)))
    assert_all_three(target, Case(1, 3, 3, 2, 2, (5, 5), (1, 1), (2, 2)))  # a filter larger than the image
    assert_all_three(target, Case(2, 8, 8, 2, 3, (1, 1), (3, 3), (0, 0), out=(3, 3)))  # pixels that no tap meets


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("target", TARGETS)
def test_strides_longer_than_the_image_or_the_filter(target: str, dtype: str) -> None:
    for h, w in [(1, 1), (2, 3), (4, 1), (5, 9)]:
        for kernel in (1, 3):
            for strides in [(2, 2), (5, 1), (1, 5), (3, 4), (65536, 65536), (65536, 2)]:
                pad = same(h, kernel, strides[0]), same(w, kernel, strides[1])
                assert_all_three(target, Case(2, h, w, 3, 5, (kernel, kernel), strides, pad, dtype=dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("target", TARGETS)
def test_dilations_with_and_without_a_divisor_in_common_with_the_strides(target: str, dtype: str) -> None:
    for stride, dilation in [(1, 2), (2, 1), (2, 2), (2, 3), (3, 2), (4, 6), (6, 4), (5, 65536), (65536, 3)]:
        for kernel in ((3, 3), (2, 4), (1, 3)):
            h, w = 11, 10
            pad = tuple((k - 1) * dilation // 2 for k in kernel)
            out = -(-h // stride), -(-w // stride)
            strides, dilations = (stride, stride), (dilation, dilation)
            if dilation < 100:
                assert_all_three(target, Case(2, h, w, 3, 5, kernel, strides, pad, out, dilations, dtype=dtype))
            else:  # only the tap in the middle meets the image
                assert_middle_tap(target, Case(2, h, w, 3, 5, kernel, strides, pad, out, dilations, dtype=dtype))
            assert_all_three(
                target, Case(2, h, w, 3, 5, kernel, strides, (2, 1), out, (min(dilation, 9), 1), dtype=dtype)
            )


def assert_middle_tap(target: str, case: Case) -> None:
    y, middle = case.forward(target), [k // 2 for k in case.kernel]
    if any(k % 2 == 0 for k in case.kernel):
        return
    small = case.x[:, :: case.stride[0], :: case.stride[1]] @ case.w[middle[0], middle[1]]
    np.testing.assert_allclose(y, small, rtol=1e-4, atol=1e-5)
    assert np.count_nonzero(np.abs(case.backprop_filter(target)).sum((2, 3))) == 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("target", TARGETS)
def test_groups_are_convolutions_side_by_side(target: str, dtype: str) -> None:
    for c, k, groups in [(4, 6, 2), (6, 3, 3), (32, 64, 2), (34, 18, 2), (7, 14, 7), (16, 16, 16)]:
        for stride, dilation in [((1, 1), (1, 1)), ((2, 1), (1, 2))]:
            case = Case(2, 7, 6, c, k, (3, 3), stride, (1, 1), dilation=dilation, groups=groups, dtype=dtype)
            assert_all_three(target, case)
    assert_all_three(target, Case(9, 33, 32, 4, 6, (3, 3), pad=(1, 1), groups=2, dtype=dtype))  # several chunks


@pytest.mark.parametrize("target", TARGETS)
def test_many_pixels_are_summed_in_chunks(target: str) -> None:
    assert_all_three(target, Case(9, 33, 32, 3, 5, (3, 3), pad=(1, 1)))
    assert_all_three(target, Case(12, 28, 28, 16, 16, (3, 3), pad=(1, 1)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("target", TARGETS)
def test_images_large_enough_for_bands(target: str, dtype: str) -> None:
    """Several bands and blocks of an image, channels in groups, rows of pixels that are no multiple of a tile."""
    for case in (
        Case(2, 29, 31, 1, 19, (5, 5), pad=(2, 2), dtype=dtype),
        Case(3, 40, 23, 3, 33, (7, 7), (2, 2), (3, 3), dtype=dtype),
        Case(1, 33, 30, 10, 6, (3, 4), (1, 1), (2, 3), dilation=(2, 3), groups=2, dtype=dtype),
        Case(1, 60, 70, 64, 20, (3, 3), (1, 2), (1, 0), dtype=dtype),
    ):
        assert_all_three(target, case)


@pytest.mark.parametrize("target", TARGETS)
def test_windows_too_large_for_a_band(target: str) -> None:
    assert_all_three(target, Case(1, 40, 40, 96, 5, (7, 7), pad=(60, 60), dilation=(20, 20)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("target", TARGETS)
def test_an_image_has_the_same_bits_in_any_batch(target: str, dtype: str) -> None:
    for c, k, kernel, stride, dilation, groups in [
        (1, 20, 3, 1, 1, 1),
        (16, 32, 3, 1, 1, 1),
        (64, 64, 3, 1, 1, 1),
        (24, 10, 5, 1, 1, 1),
        (32, 16, 5, 1, 1, 1),
        (16, 16, 3, 2, 1, 1),
        (16, 16, 3, 1, 2, 1),
        (16, 16, 3, 1, 1, 2),
        (16, 32, 3, 1, 1, 16),
        (16, 32, 1, 1, 1, 1),
    ]:
        case = Case(
            *(21, 7, 6, c, k, (kernel, kernel), (stride, stride), (kernel // 2, kernel // 2)),
            dilation=(dilation, dilation),
            groups=groups,
            dtype=dtype,
        )
        y, dx = case.forward(target), case.backprop_input(target)
        x, dy = case.x, case.dy
        for part in (slice(0, 1), slice(5, 8), slice(20, 21)):
            case.x, case.dy = np.ascontiguousarray(x[part]), np.ascontiguousarray(dy[part])
            assert np.array_equal(case.forward(target), y[part]), (c, k, kernel, stride, part)
            assert np.array_equal(case.backprop_input(target), dx[part]), (c, k, kernel, stride, part)
        case.x, case.dy = x, dy


@pytest.mark.parametrize("target", TARGETS)
def test_a_long_filter_has_few_errors(target: str) -> None:
    """512 channels: the length that the rounding of a fast algorithm must survive."""
    case = Case(1, 4, 4, 512, 64, (3, 3), pad=(1, 1))
    want, dx, _ = case.expected()
    np.testing.assert_allclose(case.forward(target), want, rtol=1e-4, atol=1e-4 * np.abs(want).max())
    np.testing.assert_allclose(case.backprop_input(target), dx, rtol=1e-4, atol=1e-4 * np.abs(dx).max())


@pytest.mark.parametrize("target", TARGETS)
def test_nan_reaches_only_the_pixels_that_see_it(target: str) -> None:
    case = Case(2, 12, 12, 4, 6, (5, 5), pad=(2, 2))
    case.x[1, 6, 6, 2] = np.nan
    seen = np.isnan(case.forward(target)).all(-1)
    expected = np.zeros((2, 12, 12), bool)
    expected[1, 4:9, 4:9] = True
    assert np.array_equal(seen, expected)


@pytest.mark.parametrize("target", TARGETS)
def test_an_empty_batch_has_a_zero_filter_gradient(target: str) -> None:
    for c, k in [(2, 3), (16, 16)]:
        assert (Case(0, 6, 6, c, k, (3, 3), pad=(1, 1)).backprop_filter(target) == 0).all()
