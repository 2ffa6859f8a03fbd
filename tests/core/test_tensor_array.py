"""TensorArray: values, loops, gradients, and what it refuses."""

from __future__ import annotations

import time

import numpy as np
import pytest

import labkit as lk
from labkit.errors import DTypeError, InvalidArgumentError, ShapeError
from tests.core.derivatives import assert_derivatives, scalar

pytestmark = pytest.mark.usefixtures("graph")


def test_elements_outside_of_loops(session):
    a = lk.TensorArray(lk.float32, size=3)
    a = a.write(0, [1.0, 2.0]).write(2, [5.0, 6.0])
    b = lk.TensorArray(lk.float32, size=3).unstack([[1.0], [2.0], [3.0]])
    c = lk.TensorArray(lk.int32, 4).scatter([3, 0], [7, 8])
    d = lk.TensorArray(lk.float32, 2).split(lk.range(6.0), [3, 3])
    assert a.stack().shape.as_list() == [3, 2]
    got = session.run([a.read(2), a.stack(), a.size(), b.gather([2, 0]), b.concat(), c.stack(), d.read(1), d.concat()])
    expected = [[5, 6], [[1, 2], [0, 0], [5, 6]], 3, [[3], [1]], [1, 2, 3], [8, 0, 0, 7], [3, 4, 5], range(6)]
    for x, y in zip(got, expected, strict=True):
        np.testing.assert_array_equal(x, y)


def test_as_a_loop_variable(session):
    n = lk.placeholder(lk.int32, [])

    def body(i, a):
        return i + 1, a.write(i, lk.cond(i < 2, lambda: 1.0, lambda: a.read(i - 1) + a.read(i - 2)))

    with pytest.raises(ShapeError, match="element_shape"):
        lk.while_loop(lambda i, a: i < n, body, [0, lk.TensorArray(lk.float32, n)])
    _, a = lk.while_loop(lambda i, a: i < n, body, [0, lk.TensorArray(lk.float32, n, element_shape=[])])
    np.testing.assert_array_equal(session.run(a.stack(), {n: 8}), [1, 1, 2, 3, 5, 8, 13, 21])
    assert session.run(a.stack(), {n: 0}).shape == (0,)


def test_the_shape_of_elements_is_that_of_what_the_body_writes(session):
    x = lk.placeholder(lk.float32, [None, 3])
    y = lk.while_loop(
        lambda i, a: i < 4,
        lambda i, a: (i + 1, a.write(i, x * lk.cast(i, lk.float32))),
        [0, lk.TensorArray(lk.float32, 4)],
    )[1].stack()
    assert y.shape.as_list() == [4, None, 3]
    for rows in (2, 5):
        np.testing.assert_array_equal(session.run(y, {x: np.ones((rows, 3))})[:, 0, 0], [0, 1, 2, 3])


def test_many_writes_take_no_copies(session):
    n, width = 4000, 1000
    _, a = lk.while_loop(
        lambda i, a: i < n,
        lambda i, a: (i + 1, a.write(i, lk.fill([width], lk.cast(i, lk.float32)))),
        [0, lk.TensorArray(lk.float32, n)],
    )
    y = a.stack()
    session.run(y)
    start = time.monotonic()
    got = session.run(y)
    assert time.monotonic() - start < 2  # copies of the whole would be 64 GB
    np.testing.assert_array_equal(got, np.arange(n)[:, None] + np.zeros(width))


def test_derivatives(session):
    x = lk.placeholder(lk.float64, [4])

    def body(i, s, a, b):
        s = lk.sin(s * a.read(i)) + s
        return i + 1, s, a, b.write(i, s * s * x[0])

    first = lk.TensorArray(lk.float64, 4).unstack(x)
    _, s, _, b = lk.while_loop(
        lambda i, *_: i < 4, body, [0, lk.constant(0.7, lk.float64), first, lk.TensorArray(lk.float64, 4)]
    )
    assert_derivatives(session, lk.reduce_sum(b.stack() * [1.0, 2.0, 3.0, 4.0]) * s, x, [0.3, -0.4, 0.9, 1.2])


def test_derivatives_of_what_is_read_in_the_same_loop(session):
    x = scalar()

    def body(i, a):
        return i + 1, a.write(i, lk.sin(a.read(i - 1)) * x + a.read(i - 2))

    start = lk.TensorArray(lk.float64, 6).write(0, x).write(1, x * x)
    _, a = lk.while_loop(lambda i, a: i < 6, body, [2, start])
    assert_derivatives(session, lk.reduce_sum(a.stack()), x, 0.6)


def test_derivatives_of_the_whole_array_in_every_iteration(session):
    x = scalar()

    def body(i, s, a):
        a = a.write(i, s * x)
        return i + 1, lk.sin(s) + lk.reduce_sum(a.stack() ** 2), a

    _, s, _ = lk.while_loop(
        lambda i, *_: i < 3, body, [0, lk.constant(0.5, lk.float64), lk.TensorArray(lk.float64, 3, element_shape=[])]
    )
    assert_derivatives(session, s, x, 0.6)


def test_a_gradient_keeps_the_array_once(session):
    n = 3000
    x = lk.placeholder(lk.float32, [])
    _, _, a = lk.while_loop(
        lambda i, *_: i < n, lambda i, s, a: (i + 1, s * x, a.write(i, s * x)), [0, 1.0, lk.TensorArray(lk.float32, n)]
    )
    (slope,) = lk.gradients(lk.reduce_sum(a.stack()), x)
    metadata = lk.RunMetadata()
    start = time.monotonic()
    got = session.run(slope, {x: 0.5}, run_metadata=metadata)
    assert time.monotonic() - start < 2
    np.testing.assert_allclose(got, 4, rtol=1e-4)


def test_dynamic_size(session):
    n = lk.placeholder(lk.int32, [])
    a = lk.TensorArray(lk.int32, 0, dynamic_size=True).write(0, 5).write(3, 7)
    _, b = lk.while_loop(
        lambda i, b: i < n, lambda i, b: (i + 1, b.write(i, i * i)), [0, lk.TensorArray(lk.int32, 0, dynamic_size=True)]
    )
    np.testing.assert_array_equal(session.run(a.stack()), [5, 0, 0, 7])
    assert session.run(a.size()) == 4
    got, size = session.run([b.stack(), b.size()], {n: 300})
    np.testing.assert_array_equal(got, np.arange(300) ** 2)
    assert size == 300


def test_branches_return_arrays(session):
    p = lk.placeholder(lk.bool, [])
    empty = lk.TensorArray(lk.float32, 2)
    a = lk.cond(p, lambda: empty, lambda: empty.write(1, [3.0, 4.0]))
    np.testing.assert_array_equal(session.run(a.stack(), {p: False}), [[0, 0], [3, 4]])
    np.testing.assert_array_equal(session.run(a.stack(), {p: True}), [[0, 0], [0, 0]])


def test_arrays_in_nested_loops(session):
    def outer(i, a):
        return i + 1, lk.while_loop(lambda j, a: j < 3, lambda j, a: (j + 1, a.write(i * 3 + j, [i, j])), [0, a])[1]

    _, a = lk.while_loop(lambda i, a: i < 2, outer, [0, lk.TensorArray(lk.int32, 6)])
    np.testing.assert_array_equal(session.run(a.stack()), [[i, j] for i in range(2) for j in range(3)])


def test_refusals(session):
    i = lk.placeholder(lk.int32, [])
    a = lk.TensorArray(lk.float32, 3, name="numbers").write(1, 2.0)
    assert session.run(a.read(i), {i: 1}) == 2
    for index, read in ((0, True), (3, True), (-1, True), (1, False), (5, False), (-1, False)):
        y = a.read(i) if read else a.write(i, 4.0).stack()
        with pytest.raises(InvalidArgumentError, match=rf"test_tensor_array.*Received: {index}"):
            session.run(y, {i: index})
    with pytest.raises(DTypeError, match="float32"):
        a.write(0, lk.constant(1))
    with pytest.raises(ShapeError, match="Inconsistent shapes"):
        a.write(0, [1.0, 2.0])
    with pytest.raises(ShapeError, match="number of elements"):
        a.unstack([1.0, 2.0])
    with pytest.raises(ShapeError, match="one length"):
        lk.TensorArray(lk.float32, 2).split(lk.range(5.0), [2, 3])
    with pytest.raises(InvalidArgumentError, match="Size must be provided"):
        lk.TensorArray(lk.float32)
    with pytest.raises(ShapeError, match="element_shape"):
        lk.TensorArray(lk.float32, 3).read(0)
    with pytest.raises(InvalidArgumentError, match="whole number"):
        a.read(0.5)


def test_bits_depend_on_neither_threads_nor_plans(graph):
    x = lk.placeholder(lk.float32, [50, 300])
    w = lk.random.normal([300, 300], stddev=0.05)

    def body(i, a):
        return i + 1, a.write(i, lk.tanh(lk.matmul(a.read(i - 1), w) + x))

    _, a = lk.while_loop(lambda i, a: i < 6, body, [1, lk.TensorArray(lk.float32, 6).write(0, x)])
    grads = lk.gradients(a.stack(), x)
    values = np.random.default_rng(0).normal(size=(50, 300)).astype(np.float32)
    threads, bits = lk.get_num_threads(), set()
    try:
        for count in (1, 2, 4):
            lk.set_num_threads(count)
            for optimize in (True, False):
                with lk.Session(graph, optimize=optimize) as session:
                    bits.add(b"".join(y.tobytes() for y in session.run([a.stack(), *grads], {x: values})))
    finally:
        lk.set_num_threads(threads)
    assert len(bits) == 1
