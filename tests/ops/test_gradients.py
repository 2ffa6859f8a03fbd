"""Gradients beyond the derivative of one operation: constants on the way, second derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.errors import ShapeError


def values(build: Any) -> Any:
    with lk.Graph().as_default(), lk.Session() as session:
        fetches = build()
        session.run(lk.global_variables_initializer())
        return session.run(fetches)


def test_nothing_flows_through_what_counts_as_constant() -> None:
    def build() -> Any:
        x = lk.Variable(3.0)
        y = x * x
        z = y * x
        return [
            lk.gradients(z, x)[0],
            lk.gradients(z, x, stop_gradients=y)[0],
            lk.gradients(z, y, stop_gradients=[x])[0],
        ]

    assert values(build) == [27, 9, 3]


def test_a_constant_that_is_an_x_has_its_partial_derivative() -> None:
    def build() -> Any:
        a = lk.constant(0.0)
        b = 2 * a
        return [lk.gradients(a + b, [a, b]), lk.gradients(a + b, [a, b], stop_gradients=[a, b])]

    assert values(build) == [[3, 1], [1, 1]]


def test_no_path_is_left_when_all_go_through_constants() -> None:
    with lk.Graph().as_default():
        x = lk.constant(1.0)
        y = lk.exp(x)
        before = len(lk.get_default_graph().get_operations())
        assert lk.gradients(lk.sin(y), x, stop_gradients=y) == [None]
        added = [op.type for op in lk.get_default_graph().get_operations()[before:]]
        assert "Cos" not in added  # no gradient is built that nobody gets


def test_hessians() -> None:
    rng = np.random.default_rng(1)
    a = rng.normal(size=(3, 3))
    point, matrix = rng.normal(size=3), rng.normal(size=(2, 2))

    def build() -> Any:
        x, m = lk.Variable(point), lk.constant(matrix)
        quadratic = lk.reduce_sum(x * lk.linalg.matvec(a, x))
        return [*lk.hessians([quadratic, lk.reduce_sum(m**3)], [x, m]), *lk.hessians(lk.reduce_sum(x), x)]

    of_x, of_m, none = values(build)
    np.testing.assert_allclose(of_x, a + a.T)
    assert of_m.shape == (2, 2, 2, 2)
    np.testing.assert_allclose(of_m.reshape(4, 4), np.diag(6 * matrix.reshape(-1)))
    np.testing.assert_array_equal(none, np.zeros((3, 3)))


def test_hessians_need_a_known_shape() -> None:
    with lk.Graph().as_default():
        x = lk.placeholder(lk.float32, [None])
        with pytest.raises(ShapeError, match="There is a gradient for each of its elements"):
            lk.hessians(lk.reduce_sum(x * x), x)
