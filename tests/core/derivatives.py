"""Derivatives against central differences."""

from __future__ import annotations

import numpy as np

import labkit as lk


def scalar(dtype=lk.float64):
    return lk.placeholder(dtype, [])


def assert_derivatives(session, y, x, at, feeds=None):
    """First and second derivatives of a scalar against central differences in float64."""
    (first,) = lk.gradients(y, x)
    weights = np.linspace(0.5, 1.5, np.size(at)).reshape(np.shape(at))
    along = lk.reduce_sum(first * weights)
    (second,) = lk.gradients(along, x)
    at = np.asarray(at, np.float64)
    for value, derivative in ((y, first), (along, second)):
        expected = np.zeros(at.shape)
        for place in np.ndindex(at.shape):
            shifted = []
            for sign in (1, -1):
                moved = at.copy()
                moved[place] += sign * 1e-6
                shifted.append(session.run(value, {x: moved, **(feeds or {})}))
            expected[place] = (shifted[0] - shifted[1]) / 2e-6
        actual = np.zeros(at.shape) if derivative is None else session.run(derivative, {x: at, **(feeds or {})})
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)
