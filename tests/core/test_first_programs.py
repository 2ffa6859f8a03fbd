"""Programs that a course begins with, at the numbers it promises."""

from __future__ import annotations

import numpy as np

import labkit as lk


def test_linear_regression_finds_the_line_in_a_thousand_steps():
    with lk.Graph().as_default():
        W = lk.Variable([0.3], lk.float32)
        b = lk.Variable([-0.3], lk.float32)
        x, y = lk.placeholder(lk.float32), lk.placeholder(lk.float32)
        loss = lk.reduce_sum(lk.square(W * x + b - y))
        train = lk.optimizers.SGD(0.01).minimize(loss)
        with lk.Session() as session:
            session.run(lk.global_variables_initializer())
            for _ in range(1000):
                session.run(train, {x: [1, 2, 3, 4], y: [0, -1, -2, -3]})
            found = session.run([W, b])
    np.testing.assert_allclose(np.ravel(found), [-1, 1], atol=1e-3)
