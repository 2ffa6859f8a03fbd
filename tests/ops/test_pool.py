"""Poolings: padding, derivatives, indices from outside."""

from __future__ import annotations

import numpy as np
import pytest

import labkit as lk
from labkit.errors import DTypeError, InvalidArgumentError, ShapeError
from tests.ops.test_conv import draw, value


def test_padding_is_left_out_of_the_mean() -> None:
    x = np.ones((1, 3, 3, 2), np.float32)
    same, explicit = value(lambda x: [lk.nn.avg_pool(x, 2, 2, "SAME"), lk.nn.avg_pool(x, 3, 1, [[2, 2], [2, 2]])], x)
    assert (same == 1).all()
    assert explicit.shape == (1, 5, 5, 2)
    assert (explicit == 1).all()


def test_padding_never_is_the_maximum() -> None:
    x = -np.ones((1, 3, 3, 2), np.float32)
    for padding in ("SAME", [[1, 1], [0, 1]]):
        assert (value(lambda x, p=padding: lk.nn.max_pool(x, 2, 2, p), x) == -1).all()


def test_explicit_padding_is_smaller_than_the_window() -> None:
    for pool in (lk.nn.max_pool, lk.nn.avg_pool):
        with pytest.raises(ShapeError, match="smaller than the window"):
            value(lambda x, pool=pool: pool(x, (2, 3), 1, [[2, 0], [0, 0]]), draw(1, 4, 4, 1))
        with pytest.raises(ShapeError, match="meets the image"):
            value(lambda x, pool=pool: pool(x, 2, 1, [[1, 1], [1, 1]]), draw(1, 0, 4, 1))


def test_argmax_counts_row_by_row_in_each_image() -> None:
    x = draw(2, 5, 7, 3)
    y, argmax = value(lambda x: list(lk.nn.max_pool_with_argmax(x, 2, 2, "SAME")), x)
    assert argmax.dtype == np.int64
    np.testing.assert_array_equal(np.take_along_axis(x.reshape(2, -1), argmax.reshape(2, -1), 1), y.reshape(2, -1))


def test_max_pool_has_second_derivatives() -> None:
    x = draw(1, 4, 4, 2)
    with lk.Graph().as_default() as graph, lk.Session(graph) as session:
        t = lk.constant(x)
        y = lk.reduce_sum(lk.nn.max_pool(t, 3, 1) ** 3)
        (first,) = lk.gradients(y, [t])
        (second,) = lk.gradients(lk.reduce_sum(first), [t])
        got, dx = session.run([second, first])
    # y = sum of (how often x is a maximum) * x^3
    np.testing.assert_allclose(got * x, 2 * dx, rtol=1e-5, atol=1e-6)
    assert np.any(got)


@pytest.mark.parametrize("index", [4, 255, 3])
def test_an_index_that_is_fed_is_checked(index: int) -> None:
    """With SAME the last windows stick out of a 3x3 image: place 3 of a window lies outside there."""
    with lk.Graph().as_default() as graph, lk.Session(graph) as session:
        x = lk.constant(draw(1, 3, 3, 1))
        op = lk.nn.max_pool(x, 2, 2, "SAME").op
        (dx,) = lk.gradients(op.outputs[0], [x])
        fed = np.zeros((1, 2, 2, 1), np.uint8)
        assert session.run(dx, {op.outputs[1]: fed}).sum() == 4
        fed[0, 1, 1, 0] = index
        with pytest.raises(InvalidArgumentError, match=f"Received: {index}"):
            session.run(dx, {op.outputs[1]: fed})


def test_a_window_with_nan_gives_nan_and_infinity_passes() -> None:
    x = draw(1, 4, 4, 1)
    x[0, 0, 0], x[0, 3, 3] = np.nan, np.inf
    largest, mean = value(lambda x: [lk.nn.max_pool(x, 2, 2), lk.nn.avg_pool(x, 2, 2)], x)
    for y in (largest, mean):
        assert np.isnan(y[0, 0, 0])
        assert y[0, 1, 1] == np.inf
        assert np.isfinite(y[0, 0, 1])


def test_along_one_dimension() -> None:
    x = draw(2, 9, 3)
    largest, mean, padded = value(
        lambda x: [
            lk.nn.max_pool1d(x, 3, 3),
            lk.nn.avg_pool1d(x, [3], [1, 3, 1]),
            lk.nn.max_pool1d(x, 3, 2, [[0, 0], [2, 1], [0, 0]]),
        ],
        x,
    )
    np.testing.assert_array_equal(largest, x.reshape(2, 3, 3, 3).max(2))
    np.testing.assert_allclose(mean, x.reshape(2, 3, 3, 3).mean(2), rtol=1e-6, atol=1e-6)
    assert padded.shape == (2, 5, 3)


def test_without_strides_window_follows_window() -> None:
    x, line = draw(2, 6, 9, 3), draw(2, 9, 3)
    for pool in (lk.nn.max_pool, lk.nn.avg_pool, lambda *window: lk.nn.max_pool_with_argmax(*window)[0]):
        alone, told = value(lambda x, pool=pool: [pool(x, (2, 3)), pool(x, (2, 3), (2, 3))], x)
        np.testing.assert_array_equal(alone, told)
        assert alone.shape == (2, 3, 3, 3)
    for pool in (lk.nn.max_pool1d, lk.nn.avg_pool1d):
        alone, told = value(lambda x, pool=pool: [pool(x, 4), pool(x, 4, 4)], line)
        np.testing.assert_array_equal(alone, told)


def test_what_is_no_whole_number_is_a_typed_error() -> None:
    with pytest.raises(DTypeError, match=r"A whole number is needed.*Received: 1\.5"):
        lk.image.rot90(draw(2, 2, 3), 1.5)  # type: ignore[arg-type]
    with pytest.raises(DTypeError, match=r"A whole number is needed.*Received: None"):
        lk.unstack(draw(2, 2), axis=None)  # type: ignore[arg-type]


def test_dilations_of_none_are_those_by_default() -> None:
    x, filters = draw(1, 4, 4, 2), draw(3, 3, 5, 2)
    none, one = value(
        lambda x: [lk.nn.conv2d_transpose(x, filters, strides=2, padding="VALID", dilations=d) for d in (None, 1)], x
    )
    np.testing.assert_array_equal(none, one)
