"""Clipping values and norms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.errors import InvalidArgumentError, ShapeError


def value(build: Any) -> Any:
    with lk.Graph().as_default() as graph, lk.Session(graph) as session:
        return session.run(build())


def test_clip_by_value_with_numbers_and_tensors() -> None:
    x = np.array([[-3.0, 0.5, 9.0], [np.nan, -np.inf, np.inf]], np.float32)
    np.testing.assert_array_equal(value(lambda: lk.clip_by_value(lk.constant(x), -1, 2)), np.clip(x, -1, 2))
    low, high = np.array([[0.0], [1.0]], np.float32), np.array([1.0, 2.0, 3.0], np.float32)
    np.testing.assert_array_equal(value(lambda: lk.clip_by_value(x, low, high)), np.clip(x, low, high))


def test_clip_by_value_does_not_grow_its_operand() -> None:
    with lk.Graph().as_default(), pytest.raises(ShapeError, match="broadcast to the shape of x"):
        lk.clip_by_value(lk.constant([1.0, 2.0]), lk.zeros([3, 2]), 1.0)


def test_the_gradient_goes_to_what_was_taken() -> None:
    def build() -> list[Any]:
        x, low, high = lk.constant([-3.0, 0.0, 5.0, np.nan]), lk.constant(-1.0), lk.constant(2.0)
        return lk.gradients(lk.clip_by_value(x, low, high), [x, low, high])

    to_x, to_low, to_high = value(build)
    assert list(to_x) == [0, 1, 0, 1]
    assert (to_low, to_high) == (1, 1)


def test_clip_by_norm() -> None:
    x = np.array([[3.0, 4.0], [0.3, 0.4]])
    all_of_it, by_row = value(lambda: [lk.clip_by_norm(x, 1.0), lk.clip_by_norm(x, 1.0, axes=[1])])
    np.testing.assert_allclose(all_of_it, x / np.sqrt(25.25), rtol=1e-14)
    np.testing.assert_allclose(by_row, [[0.6, 0.8], [0.3, 0.4]], rtol=1e-14)


def test_nothing_has_a_norm_of_zero_and_no_nan_in_its_gradient() -> None:
    def build() -> list[Any]:
        x = lk.constant(np.zeros(3))
        clipped = lk.clip_by_norm(x, 2.0)
        norm = lk.global_norm([x])
        return [clipped, *lk.gradients(clipped, x), norm, *lk.gradients(norm, x)]

    clipped, passed, norm, still = value(build)
    assert list(clipped) == [0, 0, 0]
    assert list(passed) == [1, 1, 1]
    assert norm == 0
    assert list(still) == [0, 0, 0]


def test_clip_by_global_norm() -> None:
    a, b = np.array([3.0, 0.0], np.float32), np.array([[4.0]], np.float32)
    with lk.Graph().as_default() as graph, lk.Session(graph) as session:
        clipped, norm = lk.clip_by_global_norm([lk.constant(a), None, lk.constant(b)], 1.0)
        kept, _ = lk.clip_by_global_norm([lk.constant(a), lk.constant(b)], 10.0)
        given, used = lk.clip_by_global_norm([lk.constant(a)], 1.0, use_norm=lk.constant(5.0))
        assert clipped[1] is None
        assert session.run(norm) == session.run(used) == 5
        for result, expected in zip(
            session.run([clipped[0], clipped[2], *kept, *given]), [a / 5, b / 5, a, b, a / 5], strict=True
        ):
            np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_an_infinite_global_norm_makes_everything_nan() -> None:
    with lk.Graph().as_default() as graph, lk.Session(graph) as session:
        clipped, _ = lk.clip_by_global_norm([lk.constant([1.0]), lk.constant([np.inf])], 1.0)
        assert np.isnan(session.run(clipped)).all()


def test_rows_of_a_lookup_stay_rows() -> None:
    with lk.Graph().as_default() as graph, lk.Session(graph) as session:
        table = lk.constant(np.ones((5, 2), np.float32))
        (rows,) = lk.gradients(lk.gather(table, [1, 3]) * 3.0, table)
        clipped, norm = lk.clip_by_global_norm([rows], 3.0)
        assert isinstance(clipped[0], lk.IndexedSlices)
        assert session.run(norm) == 6
        np.testing.assert_allclose(session.run(clipped[0].values), np.full((2, 2), 1.5))


def test_a_norm_of_nothing_is_refused() -> None:
    with lk.Graph().as_default(), pytest.raises(InvalidArgumentError, match="got no tensor"):
        lk.global_norm([None])
