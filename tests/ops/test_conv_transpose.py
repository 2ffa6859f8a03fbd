"""Transposed convolutions: shapes, and that they are the adjoints of convolutions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.errors import ShapeError
from tests.ops.test_conv import draw, value

B, FILTERS = draw(2, 4, 3, 5), draw(3, 2, 6, 5)


@pytest.mark.parametrize("padding", ["SAME", "VALID", [[1, 0], [2, 1]]])
@pytest.mark.parametrize(("strides", "dilations"), [(1, 1), ((2, 3), 1), (1, (2, 1)), ((3, 2), (2, 4)), ((5, 5), 1)])
def test_it_is_the_adjoint_of_the_convolution(padding: Any, strides: Any, dilations: Any) -> None:
    """<conv(a), b> == <a, transposed(b)>, where the convolution takes a to b's shape."""
    transposed = value(lambda b: lk.nn.conv2d_transpose(b, FILTERS, None, strides, padding, dilations), B)
    a = draw(*transposed.shape)
    convolved = value(lambda a: lk.nn.conv2d(a, FILTERS, strides, padding, dilations), a)
    assert convolved.shape == B.shape
    np.testing.assert_allclose(np.sum(convolved * B), np.sum(a * transposed), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "shape", [[2, 8, 6, 6], [2, 7, 5, 6], [None, 7, None, 6], "tensor"], ids=["even", "odd", "partly", "tensor"]
)
def test_the_output_shape_may_be_given(shape: Any) -> None:
    """A convolution with stride 2 shrinks both 7 and 8 pixels to 4."""
    with lk.Graph().as_default() as graph, lk.Session(graph) as session:
        x = lk.placeholder(lk.float32, [None, 4, 3, 5])
        size = lk.placeholder(lk.int32, [4])
        y = lk.nn.conv2d_transpose(x, FILTERS, size if shape == "tensor" else shape, 2)
        feed = {x: B, size: [2, 7, 6, 6]} if shape == "tensor" else {x: B}
        wanted = [2, 7, 6, 6] if shape in ("tensor", [None, 7, None, 6]) else shape
        assert list(session.run(y, feed).shape) == wanted
        assert y.shape.as_list()[3] == 6


def test_sizes_that_follow_are_known_while_the_graph_is_built() -> None:
    with lk.Graph().as_default():
        x = lk.placeholder(lk.float32, [None, 4, 3, 5])
        assert lk.nn.conv2d_transpose(x, FILTERS, strides=2).shape.as_list() == [None, 8, 6, 6]
        assert lk.nn.conv2d_transpose(x, FILTERS, strides=2, padding="VALID").shape.as_list() == [None, 9, 6, 6]


@pytest.mark.parametrize(
    "shape", [[2, 9, 6, 6], [2, 8, 6, 5], [3, 8, 6, 6], [2, 8, 6], [2, -8, 6, 6], [2, 2**40, 6, 6]]
)
def test_a_shape_that_no_convolution_shrinks_to_the_input_is_refused(shape: Any) -> None:
    with pytest.raises(ShapeError):
        value(lambda b: lk.nn.conv2d_transpose(b, FILTERS, shape, 2), B)


def test_filters_of_unknown_shape_need_an_output_shape() -> None:
    with pytest.raises(ShapeError, match="Give output_shape"):
        value(lambda b, f: lk.nn.conv2d_transpose(b, f, strides=2), B, FILTERS)
    assert value(lambda b, f: lk.nn.conv2d_transpose(b, f, [2, 8, 6, 6], 2), B, FILTERS).shape == (2, 8, 6, 6)


def test_along_one_dimension() -> None:
    b, filters = draw(2, 7, 3), draw(4, 2, 3)
    y, padded, given = value(
        lambda b: [
            lk.nn.conv1d_transpose(b, filters, strides=2),
            lk.nn.conv1d_transpose(b, filters, strides=[3], padding=(1, 2), dilations=2),
            lk.nn.conv1d_transpose(b, filters, lk.constant([2, 13, 2]), 2),
        ],
        b,
    )
    assert y.shape == (2, 14, 2)
    assert padded.shape == (2, 22, 2)
    assert given.shape == (2, 13, 2)
    a = draw(*padded.shape)
    convolved = value(lambda a: lk.nn.conv1d(a, filters, 3, (1, 2), 2), a)
    np.testing.assert_allclose(np.sum(convolved * b), np.sum(a * padded), rtol=1e-3, atol=1e-3)


def test_second_derivatives() -> None:
    """y is linear in x and in the filters: the mixed derivative is the same for all of them, the others are zero."""
    with lk.Graph().as_default() as graph, lk.Session(graph) as session:
        x, f = lk.constant(B), lk.constant(FILTERS)
        y = lk.reduce_sum(lk.square(lk.nn.conv2d_transpose(x, f, strides=2)))
        (dx,) = lk.gradients(y, [x])
        (along,) = lk.gradients(lk.reduce_sum(dx * B), [x])
        got, twice = session.run([along, dx])
    np.testing.assert_allclose(got, twice, rtol=1e-4, atol=1e-4)  # Hessian times x is the gradient of a quadratic form
