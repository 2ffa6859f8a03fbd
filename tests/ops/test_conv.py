"""Convolutions: what their arguments mean, how they relate to each other, and what they refuse."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.errors import InvalidArgumentError, LabkitError, ResourceExhaustedError, ShapeError

RNG = np.random.default_rng(0)


def draw(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape, np.float32)


def value(build: Callable[..., Any], *arrays: np.ndarray) -> Any:
    """The value of what `build` makes of placeholders whose sizes are unknown."""
    with lk.Graph().as_default() as graph:
        inputs = [lk.placeholder(lk.as_dtype(x.dtype), [None] * x.ndim) for x in arrays]
        fetches = build(*inputs)
        with lk.Session(graph) as session:
            return session.run(fetches, dict(zip(inputs, arrays, strict=True)))


X, FILTERS = draw(3, 9, 8, 6), draw(3, 2, 6, 4)


def test_filter_and_filters_are_one_argument() -> None:
    both = value(lambda x, f: [lk.nn.conv2d(x, filter=f), lk.nn.conv2d(x, f)], X, FILTERS)
    np.testing.assert_array_equal(*both)
    for build in (lambda x, f: lk.nn.conv2d(x, f, filter=f), lambda x, f: lk.nn.conv2d(x)):
        with pytest.raises(InvalidArgumentError, match="one tensor of filters"):
            value(build, X, FILTERS)


def test_channels_first_is_refused_with_the_way_out() -> None:
    with pytest.raises(InvalidArgumentError, match=r"lk\.transpose\(x, \[0, 2, 3, 1\]\)"):
        value(lambda x, f: lk.nn.conv2d(x, f, data_format="NCHW"), X, FILTERS)


@pytest.mark.parametrize("padding", [[[2, 1], [0, 3]], [[0, 0], [2, 1], [0, 3], [0, 0]], ((2, 1), (0, 3))])
def test_explicit_padding_surrounds_images_with_zeros(padding: Any) -> None:
    got, wanted = value(
        lambda x, f: [
            lk.nn.conv2d(x, f, 2, padding),
            lk.nn.conv2d(lk.pad(x, [[0, 0], [2, 1], [0, 3], [0, 0]]), f, 2, "VALID"),
        ],
        X,
        FILTERS,
    )
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("padding", [[[1, 2]], [1, 2], 3, None, [[1, 0], [0, 0], [0, 0], [0, 0]], "full"])
def test_other_paddings_are_refused(padding: Any) -> None:
    with pytest.raises((ShapeError, InvalidArgumentError), match="SAME"):
        value(lambda x, f: lk.nn.conv2d(x, f, 1, padding), X, FILTERS)


def test_a_dilated_filter_is_one_with_zeros_between_its_taps() -> None:
    spread = np.zeros((5, 4, 6, 4), np.float32)
    spread[::2, ::3] = FILTERS
    got, atrous, wanted = value(
        lambda x, f, s: [
            lk.nn.conv2d(x, f, (1, 2), "VALID", (2, 3)),
            lk.nn.atrous_conv2d(x, f, 2, "VALID"),
            lk.nn.conv2d(x, s, (1, 2), "VALID"),
        ],
        X,
        FILTERS,
        spread,
    )
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)
    assert atrous.shape == (3, 5, 6, 4)


def test_groups_are_convolutions_side_by_side() -> None:
    filters = draw(3, 3, 2, 9)
    got, *parts = value(
        lambda x, f: [
            lk.nn.conv2d(x, f, groups=3),
            *(lk.nn.conv2d(x[..., 2 * g : 2 * g + 2], f[..., 3 * g : 3 * g + 3]) for g in range(3)),
        ],
        X,
        filters,
    )
    np.testing.assert_array_equal(got, np.concatenate(parts, -1))


def test_depthwise_is_a_convolution_with_as_many_groups_as_channels() -> None:
    filters = draw(3, 3, 6, 2)
    got, wanted = value(
        lambda x, f: [lk.nn.depthwise_conv2d(x, f, 2), lk.nn.conv2d(x, lk.reshape(f, [3, 3, 1, 12]), 2, groups=6)],
        X,
        filters,
    )
    np.testing.assert_array_equal(got, wanted)


def test_separable_is_depthwise_then_pointwise() -> None:
    first, second = draw(3, 3, 6, 2), draw(1, 1, 12, 5)
    got, wanted = value(
        lambda x, f, g: [
            lk.nn.separable_conv2d(x, f, g, (2, 1), "VALID"),
            lk.nn.conv2d(lk.nn.depthwise_conv2d(x, f, (2, 1), "VALID"), g),
        ],
        X,
        first,
        second,
    )
    np.testing.assert_array_equal(got, wanted)
    with pytest.raises(ShapeError, match=r"\(1, 1, channels \* multiplier, out\)"):
        value(lambda x: lk.nn.separable_conv2d(x, first, draw(3, 3, 12, 5)), X)


def test_conv1d_is_correlation() -> None:
    x, f = draw(1, 20, 1), draw(5, 1, 1)
    for mode, padding in (("valid", "VALID"), ("same", "SAME"), ("full", (4, 4)), ("full", [[0, 0], [4, 4], [0, 0]])):
        got = value(lambda x, f, p=padding: lk.nn.conv1d(x, f, 1, p), x, f)
        np.testing.assert_allclose(got[0, :, 0], np.correlate(x[0, :, 0], f[:, 0, 0], mode), rtol=1e-5, atol=1e-5)
    strided = value(lambda x, f: lk.nn.conv1d(x, f, stride=[1, 2, 1], dilations=3), x, f)
    assert strided.shape == (1, 10, 1)


# --- the algorithm ------------------------------------------------------------------------------------------------------


def planned(shape: tuple[int, ...], filters: tuple[int, ...], **arguments: Any) -> list[str]:
    """The algorithms of a convolution and of its gradients, as explain_plan shows them."""
    with lk.Graph().as_default() as graph, lk.Session(graph):
        x, f = lk.placeholder(lk.float32, [None, *shape[1:]]), lk.placeholder(lk.float32, filters)
        y = lk.nn.conv2d(x, f, **arguments)
        fetches = [y, *lk.gradients(lk.reduce_sum(lk.square(y)), [x, f])]
        lines = lk.explain_plan(fetches, shapes={x: shape, f: filters}).splitlines()
        return [re.split("  +", line)[-1] for line in lines if re.search(r" conv2d\S*\.f32 ", line)]


@pytest.mark.parametrize("batch", [1, 2, 300])
def test_explain_plan_shows_the_algorithm_which_does_not_depend_on_the_batch(batch: int) -> None:
    for shape, filters, arguments, names in [
        ((8, 8, 32), (3, 3, 32, 16), {}, ["winograd F(4x4, 3x3)"] * 3),
        ((8, 8, 32), (5, 5, 32, 16), {}, ["winograd F(2x2, 5x5)"] * 3),
        ((8, 8, 2), (3, 3, 2, 3), {"algorithm": "winograd"}, ["winograd F(4x4, 3x3)"] * 3),
        ((16, 16, 32), (3, 3, 32, 16), {"algorithm": "direct"}, ["direct"] * 3),
        ((16, 16, 32), (3, 3, 32, 16), {"strides": 2}, ["direct", "direct", "patches"]),
        ((16, 16, 4), (3, 3, 1, 4), {"groups": 4}, ["depthwise"] * 3),
    ]:
        assert planned((batch, *shape), filters, **arguments) == names, (shape, filters, arguments)


def test_algorithms_agree() -> None:
    x, f = draw(2, 7, 6, 5), draw(3, 3, 5, 4)
    results = []
    for algorithm in ("direct", "winograd"):

        def build(x: Any, f: Any, algorithm: str = algorithm) -> Any:
            y = lk.nn.conv2d(x, f, algorithm=algorithm)
            return [y, *lk.gradients(lk.reduce_sum(lk.sin(y)), [x, f])]

        results.append(value(build, x, f))
    for direct, winograd in zip(*results, strict=True):
        np.testing.assert_allclose(winograd, direct, rtol=1e-4, atol=1e-4)
        assert winograd.tobytes() != direct.tobytes()


@pytest.mark.parametrize(
    ("filters", "arguments"),
    [
        ((3, 3, 4, 4), {"strides": 2}),
        ((3, 3, 4, 4), {"dilations": (1, 2)}),
        ((3, 3, 2, 4), {"groups": 2}),
        ((3, 5, 4, 4), {}),
        ((1, 1, 4, 4), {}),
        ((7, 7, 4, 4), {}),
    ],
)
def test_winograds_algorithm_is_refused_where_it_cannot_serve(filters: tuple[int, ...], arguments: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="serves filters 3x3 and 5x5 of float32"):
        value(lambda x, f: lk.nn.conv2d(x, f, algorithm="winograd", **arguments), draw(1, 8, 8, 4), draw(*filters))
    with pytest.raises(InvalidArgumentError, match="serves filters 3x3 and 5x5 of float32"):
        value(
            lambda x, f: lk.nn.conv2d(x, f, algorithm="winograd"),
            draw(1, 8, 8, 4).astype(np.float64),
            draw(3, 3, 4, 4).astype(np.float64),
        )
    with pytest.raises(LabkitError, match="auto"):
        value(lambda x, f: lk.nn.conv2d(x, f, algorithm="fft"), draw(1, 8, 8, 4), draw(3, 3, 4, 4))


# --- bits and boundaries ----------------------------------------------------------------------------------------------

K1, K3, K5, KD = draw(1, 1, 6, 8), draw(3, 3, 6, 5), draw(5, 5, 6, 8), draw(3, 3, 6, 2)
BUILDS: dict[str, Callable[[Any], Any]] = {
    "conv2d": lambda x: lk.nn.conv2d(x, K5, 2),
    "conv2d 1x1": lambda x: lk.nn.conv2d(x, K1),
    "conv2d dilated": lambda x: lk.nn.conv2d(x, K3, dilations=2),
    "conv2d winograd": lambda x: lk.nn.conv2d(lk.concat([x] * 8, -1), WIDE),
    "conv2d groups": lambda x: lk.nn.conv2d(x, K3[:, :, :2, :3], groups=3),
    "conv2d groups of one": lambda x: lk.nn.conv2d(x, K5[:, :, :1, :6], groups=6),
    "depthwise": lambda x: lk.nn.depthwise_conv2d(x, KD),
    "separable": lambda x: lk.nn.separable_conv2d(x, KD, POINTS),
    "conv1d": lambda x: lk.nn.conv1d(x[:, 0], K3[0]),
    "conv2d_transpose": lambda x: lk.nn.conv2d_transpose(x, TRANSPOSED, strides=2),
    "max_pool": lambda x: lk.nn.max_pool(x, 3, 2, "SAME"),
    "avg_pool": lambda x: lk.nn.avg_pool(x, 3, 2, "SAME"),
}
WIDE, POINTS, TRANSPOSED = draw(3, 3, 48, 32), draw(1, 1, 12, 5), draw(3, 3, 4, 6)


@pytest.mark.parametrize("name", BUILDS)
def test_an_example_alone_has_the_bits_that_it_has_in_a_batch(name: str) -> None:
    x = draw(13, 9, 8, 6)
    with lk.Graph().as_default() as graph, lk.Session(graph) as session:
        images = lk.placeholder(lk.float32, [None, 9, 8, 6])
        y = BUILDS[name](images)
        (dx,) = lk.gradients(lk.reduce_sum(lk.square(y)), [images])
        whole = session.run([y, dx], {images: x})
        for part in (slice(0, 1), slice(7, 10)):
            for some, all_of_them in zip(session.run([y, dx], {images: x[part]}), whole, strict=True):
                np.testing.assert_array_equal(some, all_of_them[part])


@pytest.mark.parametrize("name", BUILDS)
def test_results_have_the_same_bits_for_any_number_of_threads(name: str) -> None:
    x, before = draw(13, 9, 8, 6), lk.get_num_threads()
    with lk.Graph().as_default() as graph, lk.Session(graph) as session:
        images = lk.constant(x)
        y = BUILDS[name](images)
        fetches = [y, *lk.gradients(lk.reduce_sum(lk.square(y)), [images])]
        results = []
        try:
            for threads in (1, 2, 4):
                lk.set_num_threads(threads)
                results.append([r.tobytes() for r in session.run(fetches)])
        finally:
            lk.set_num_threads(before)
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"padding": "VALID", "dilations": 5}, r"window is not larger than the image. Received: 3 \(over 11 pixels"),
        ({"padding": [[0, 0], [0, 0]], "dilations": 5}, "padded by 0 and 0"),
        ({"groups": 4}, "in each of 4 groups"),
        ({"groups": 0}, "at least 1"),
        ({"strides": 0}, "at least 1"),
        ({"strides": 65537}, "at most 65536"),
        ({"strides": [1, 2, 2, 2]}, "An int, a pair"),
        ({"dilations": -1}, "at least 1"),
        ({"padding": [[-1, 0], [0, 0]]}, "at least 0"),
        ({"padding": [[2**40, 0], [0, 0]]}, "at most 65536"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(LabkitError, match=message):
        value(lambda x, f: lk.nn.conv2d(x, f, **arguments), X, FILTERS)


def test_channels_are_multiples_of_the_groups() -> None:
    with pytest.raises(ShapeError, match="multiples of the 3 groups"):
        value(lambda x, f: lk.nn.conv2d(x, f, groups=3), X, draw(3, 3, 2, 4))


@pytest.mark.parametrize("build", [lk.nn.conv2d, lk.nn.depthwise_conv2d])
def test_far_taps_and_immense_padding(build: Any) -> None:
    """Only the middle tap meets the image; a result that no memory holds is refused."""
    x, f = draw(1, 2, 2, 1), draw(3, 3, 1, 1)
    y = value(lambda x, f: build(x, f, 1, "SAME", 65536), x, f)
    np.testing.assert_allclose(y, x * f[1, 1], rtol=1e-6)
    with pytest.raises((ResourceExhaustedError, ShapeError)):
        value(lambda x, f: build(x, f, 1, [[65536, 65536], [65536, 65536]]), draw(64, 2, 2, 1), f)
    assert value(lambda x, f: build(x, f, 65536, [[65536, 65536], [65536, 65536]]), x, f).shape == (1, 2, 2, 1)


@pytest.mark.parametrize("shape", [(0, 4, 4, 6), (2, 0, 4, 6), (2, 4, 0, 6), (2, 4, 4, 0)])
def test_images_without_examples_pixels_or_channels(shape: tuple[int, ...]) -> None:
    filters = np.ones((3, 3, shape[3], 4), np.float32)
    with lk.Graph().as_default() as graph, lk.Session(graph) as session:
        x, f = lk.placeholder(lk.float32, [None] * 4), lk.placeholder(lk.float32, [None] * 4)
        for build in (lk.nn.conv2d, lk.nn.depthwise_conv2d):
            y = build(x, f)
            fetches = [y, *lk.gradients(lk.reduce_sum(y), [x, f])]
            result, dx, df = session.run(fetches, {x: np.ones(shape, np.float32), f: filters})
            assert result.shape[:3] == shape[:3]
            assert dx.shape == shape
            assert not result.any()
            assert not df.any()
