"""What users of activations rely on."""

from __future__ import annotations

import numpy as np
import pytest

import labkit as lk

NAMES = ["relu6", "leaky_relu", "elu", "selu", "gelu", "softplus", "softsign", "silu", "hard_sigmoid", "log_sigmoid"]


@pytest.mark.parametrize("name", NAMES)
def test_gradients_at_large_numbers_are_finite(name):
    with lk.Graph().as_default(), lk.Session() as session:
        x = lk.constant(np.array([-1e30, -1000, -90, -0.5, 0.5, 90, 1000, 1e30], np.float32))
        y = getattr(lk.nn, name)(x)
        (first,) = lk.gradients(y, [x])
        (second,) = lk.gradients(first, [x])
        for value in session.run(
            [t for t in (y, first, second) if t is not None]
        ):  # straight pieces have no second one
            assert np.isfinite(value).all()


def test_softplus_does_not_overflow():
    with lk.Graph().as_default(), lk.Session() as session:
        assert session.run(lk.nn.softplus([-1000.0, 0.0, 1000.0])).tolist() == [0, np.float32(np.log(2)), 1000]


def test_log_sigmoid_keeps_what_the_sigmoid_loses():
    with lk.Graph().as_default(), lk.Session() as session:
        assert session.run(lk.nn.log_sigmoid(-200.0)) == -200


def test_swish_is_silu():
    assert lk.nn.swish is lk.nn.silu


def test_hard_sigmoid():
    with lk.Graph().as_default(), lk.Session() as session:
        np.testing.assert_allclose(session.run(lk.nn.hard_sigmoid([-4.0, -1.5, 0.0, 5.0])), [0, 0.25, 0.5, 1])


def test_crelu_sets_both_parts_side_by_side():
    with lk.Graph().as_default(), lk.Session() as session:
        x = lk.constant([[1.0, -2.0, 0.0]])
        assert session.run(lk.nn.crelu(x)).tolist() == [[1, 0, 0, 0, 2, 0]]
        assert session.run(lk.nn.crelu(x, axis=0)).tolist() == [[1, 0, 0], [0, 2, 0]]
        assert session.run(lk.gradients(lk.nn.crelu(x), x)[0]).tolist() == [[1, -1, 0]]


def test_zero_fraction_counts_what_a_relu_cut_off():
    with lk.Graph().as_default(), lk.Session() as session:
        assert session.run(lk.nn.zero_fraction(lk.nn.relu([1.0, -2.0, 0.0, 3.0]))) == np.float32(0.5)
        assert session.run(lk.nn.zero_fraction([0, 5, 0])) == np.float32(2 / 3)
