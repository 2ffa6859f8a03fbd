"""tf.gradients: the list it gives, sums, and broadcasting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def test_gradients_are_a_list(tf: Any, evaluate: Any) -> None:
    x, y = tf.constant(2.0), tf.constant(3.0)
    gradients = tf.gradients(x * x * y, [x, y])
    assert isinstance(gradients, list)
    assert evaluate(gradients) == [12.0, 4.0]


def test_one_x_gives_a_list_of_one(tf: Any, evaluate: Any) -> None:
    x = tf.constant(2.0)
    assert evaluate(tf.gradients(x**3, x)) == [12.0]


def test_unconnected_gives_none(tf: Any) -> None:
    assert tf.gradients(tf.constant(1.0), [tf.constant(2.0)]) == [None]


def test_several_ys_are_summed(tf: Any, evaluate: Any) -> None:
    x = tf.constant(2.0)
    assert evaluate(tf.gradients([x * x, 3.0 * x], x)) == [7.0]


def test_a_y_of_many_values_is_summed(tf: Any, evaluate: Any) -> None:
    x = tf.constant([1.0, 2.0])
    assert evaluate(tf.gradients(x * x, x))[0].tolist() == [2.0, 4.0]


def test_grad_ys(tf: Any, evaluate: Any) -> None:
    x = tf.constant([1.0, 2.0])
    assert evaluate(tf.gradients(x * x, x, grad_ys=[tf.constant([10.0, 100.0])]))[0].tolist() == [20.0, 400.0]


BROADCASTS = [((3,), ()), ((2, 3), (3,)), ((2, 3), (2, 1)), ((2, 1, 3), (4, 1)), ((1, 3), (2, 1))]


@pytest.mark.parametrize("shapes", BROADCASTS, ids=str)
@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "maximum", "pow"])
def test_gradients_of_broadcasting_sum_back(tf: Any, evaluate: Any, name: str, shapes: Any) -> None:
    rng = np.random.RandomState(0)
    a, b = (tf.constant(1.0 + rng.rand(*shape), tf.float32) for shape in shapes)
    by_a, by_b = tf.gradients(getattr(tf, name)(a, b), [a, b])
    assert by_a.shape.as_list() == list(shapes[0])
    assert by_b.shape.as_list() == list(shapes[1])
    expected = np.broadcast(np.empty(shapes[0]), np.empty(shapes[1])).size
    if name == "add":
        assert [evaluate(by_a).sum(), evaluate(by_b).sum()] == [expected, expected]


def test_gradients_of_an_unknown_batch_sum_back(tf: Any) -> None:
    x, b = tf.placeholder(tf.float32, [None, 2]), tf.constant([1.0, 2.0])
    (gradient,) = tf.gradients(x + b, b)
    with tf.Session() as session:
        assert session.run(gradient, {x: np.zeros((5, 2))}).tolist() == [5.0, 5.0]


def test_gradients_by_a_variable(tf: Any, evaluate: Any) -> None:
    v = tf.Variable(3.0)
    assert evaluate(tf.gradients(v * v, [v])) == [6.0]


def test_second_gradients(tf: Any, evaluate: Any) -> None:
    x = tf.constant(2.0)
    (first,) = tf.gradients(x**4, x)
    assert evaluate(tf.gradients(first, x)) == [48.0]


def test_stop_gradient(tf: Any, evaluate: Any) -> None:
    x = tf.constant(2.0)
    assert evaluate(tf.gradients(x * tf.stop_gradient(x), x)) == [2.0]
    assert tf.gradients(tf.stop_gradient(x), x) == [None]


def test_integers_and_comparisons_end_a_path(tf: Any) -> None:
    x = tf.constant([1.0, 2.0])
    assert tf.gradients(tf.cast(tf.argmax(x, 0), tf.float32), x) == [None]
    assert tf.gradients(tf.cast(x > 1.0, tf.float32), x) == [None]


def test_gradient_of_relu_at_zero(tf: Any, evaluate: Any) -> None:
    x = tf.constant([-1.0, 0.0, 1.0])
    assert evaluate(tf.gradients(tf.nn.relu(x), x))[0].tolist() == [0.0, 0.0, 1.0]


def test_gradient_of_reduce_max_is_shared_by_equals(tf: Any, evaluate: Any) -> None:
    x = tf.constant([1.0, 3.0, 3.0])
    assert evaluate(tf.gradients(tf.reduce_max(x), x))[0].tolist() == [0.0, 0.5, 0.5]


def test_gradient_of_gather_is_sparse_and_adds_up(tf: Any, evaluate: Any) -> None:
    table = tf.Variable(np.ones((3, 2), np.float32))
    (gradient,) = tf.gradients(tf.gather(table, [0, 2, 0]), table)
    assert isinstance(gradient, tf.IndexedSlices)
    assert evaluate(tf.convert_to_tensor(gradient)).tolist() == [[2.0, 2.0], [0.0, 0.0], [1.0, 1.0]]


def test_hessians(tf: Any, evaluate: Any) -> None:
    x = tf.constant([1.0, 2.0])
    (hessian,) = tf.hessians(tf.reduce_sum(x**3), x)
    assert evaluate(hessian).tolist() == [[6.0, 0.0], [0.0, 12.0]]


def test_colocate_and_aggregation_arguments_are_accepted(tf: Any, evaluate: Any) -> None:
    x = tf.constant(2.0)
    assert evaluate(tf.gradients(x * x, x, colocate_gradients_with_ops=True, name="g")) == [4.0]
