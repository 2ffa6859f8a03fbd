"""TF1's functions that take other things than labkit's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def test_constants_fill_their_shape(tf: Any, evaluate: Any) -> None:
    assert evaluate(tf.constant([1, 2], shape=[2, 2])).tolist() == [[1, 2], [2, 2]]
    assert evaluate(tf.constant(7, shape=[2])).tolist() == [7, 7]
    assert evaluate(tf.constant([1.5, 2], tf.float32, [3])).tolist() == [1.5, 2, 2]
    with pytest.raises((TypeError, ValueError)):
        tf.constant([1, 2, 3], shape=[2])
    with pytest.raises(TypeError if hasattr(tf, "keras") else ValueError):
        tf.constant([1, 2], shape=[3], verify_shape=True)


def test_integers_beyond_int32_are_int64(tf: Any) -> None:
    assert tf.constant(2**40).dtype == tf.int64
    assert tf.constant([1, -(2**31)]).dtype == tf.int32
    assert tf.constant(2**31).dtype == tf.int64


def test_a_condition_of_one_dimension_chooses_rows(tf: Any, evaluate: Any) -> None:
    rows = tf.where([True, False], [[1], [4]], [[-1], [-4]])
    assert evaluate(rows).tolist() == [[1], [-4]]
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    assert evaluate(tf.where([False, True], x, tf.zeros_like(x))).tolist() == [[0, 0], [3, 4]]


def test_labels_take_the_dtype_of_logits_and_no_gradient(tf: Any, evaluate: Any) -> None:
    logits = tf.constant([[1.0, 2.0, 3.0]])
    labels = tf.constant([[0, 0, 1]])
    loss = tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    np.testing.assert_allclose(evaluate(loss), [0.40760595], rtol=1e-6)
    soft = tf.constant([[0.2, 0.3, 0.5]])
    first = tf.nn.softmax_cross_entropy_with_logits(labels=soft, logits=logits)
    second = tf.nn.softmax_cross_entropy_with_logits_v2(labels=soft, logits=logits)
    assert tf.gradients(first, soft) == [None]
    assert tf.gradients(second, soft)[0] is not None


def test_a_table_may_be_a_list_of_one(tf: Any, evaluate: Any) -> None:
    table = np.eye(3, dtype=np.float32)
    assert evaluate(tf.nn.embedding_lookup([table], [2])).tolist() == [[0, 0, 1]]
    assert evaluate(tf.nn.embedding_lookup([tf.Variable(table)], [0])).tolist() == [[1, 0, 0]]


def test_gradients_of_what_is_not_connected(tf: Any, evaluate: Any) -> None:
    x, y = tf.constant([1.0, 2.0]), tf.constant(3.0)
    assert tf.gradients(y * 2.0, [x]) == [None]
    zeros = tf.gradients(y * 2.0, [x, y], unconnected_gradients=tf.UnconnectedGradients.ZERO)
    assert [value.tolist() for value in evaluate(zeros)] == [[0, 0], 2]


def test_checks_pass_or_fail_the_run(tf: Any, evaluate: Any) -> None:
    x = tf.placeholder(tf.float32, [None])
    with tf.control_dependencies([tf.assert_positive(x, message="rates"), tf.assert_less(x, 10.0)]):
        y = x * 2.0
    assert evaluate(y, {x: [1.0, 2.0]}).tolist() == [2, 4]
    with pytest.raises(tf.errors.InvalidArgumentError, match="rates"):
        evaluate(y, {x: [1.0, -2.0]})
    checked = tf.check_numerics(x, "the loss")
    assert evaluate(checked, {x: [1.0]}).tolist() == [1]
    with pytest.raises(tf.errors.InvalidArgumentError, match="the loss : Tensor had NaN"):
        evaluate(checked, {x: [float("nan")]})
    with pytest.raises(ValueError, match="must have rank 2"):
        tf.assert_rank(x, 2)
    evaluate([tf.assert_rank(x, 1), tf.assert_rank_at_least(tf.placeholder_with_default([[1.0]], None), 2)])


def test_small_functions(tf: Any, evaluate: Any) -> None:
    cases = [
        (tf.saturate_cast([300.0, -3.0], tf.uint8), [255, 0]),
        (tf.cross([1.0, 2.0, 3.0], [4.0, 5.0, 7.0]), [-1, 5, -3]),
        (tf.invert_permutation([2, 0, 1]), [1, 2, 0]),
        (tf.histogram_fixed_width([-1.0, 0.0, 1.5, 2.0, 5.0, 15.0], [0.0, 5.0], nbins=5), [2, 1, 1, 0, 2]),
        (tf.zeros_like([1.5, 2.5], dtype=tf.int32), [0, 0]),
        (tf.scalar_mul(2.0, tf.constant([1.0, 2.0])), [2, 4]),
        (tf.nn.xw_plus_b(tf.constant([[1.0, 2.0]]), [[1.0], [1.0]], [0.5]), [[3.5]]),
        (tf.to_int32([1.7, -1.7]), [1, -1]),
    ]
    for tensor, expected in cases:
        assert evaluate(tensor).tolist() == expected
    assert tf.broadcast_static_shape(tf.TensorShape([3, 1]), tf.TensorShape([4])).as_list() == [3, 4]


def test_methods_of_resizing(tf: Any, evaluate: Any) -> None:
    image = np.arange(16.0, dtype=np.float32).reshape(1, 4, 4, 1)
    for method in (tf.image.ResizeMethod.NEAREST_NEIGHBOR, 1):
        small = evaluate(tf.image.resize_images(image, [2, 2], method=method))
        assert small.reshape(-1).tolist() == [0, 2, 8, 10]
    with pytest.raises(ValueError):
        tf.image.resize_images(image, [2, 2], method=9)
    with pytest.raises(ValueError):
        tf.image.resize_image_with_crop_or_pad(image, 0, 2)


def test_write_graph(tf: Any, tmp_path: Any) -> None:
    tf.constant(1.0, name="my_const")
    path = tf.train.write_graph(tf.get_default_graph(), str(tmp_path / "made"), "graph.pbtxt")
    assert path == str(tmp_path / "made" / "graph.pbtxt")
    with open(path) as file:
        assert 'name: "my_const"' in file.read()
    path = tf.train.write_graph(tf.get_default_graph().as_graph_def(), str(tmp_path), "graph.pb", as_text=False)
    with open(path, "rb") as file:
        assert b"my_const" in file.read()


def test_total_variation(tf: Any, evaluate: Any) -> None:
    images = np.arange(24.0, dtype=np.float32).reshape(2, 3, 2, 2) ** 2
    expected = np.abs(np.diff(images, axis=1)).sum((1, 2, 3)) + np.abs(np.diff(images, axis=2)).sum((1, 2, 3))
    assert np.allclose(evaluate(tf.image.total_variation(tf.constant(images))), expected)
    assert np.allclose(evaluate(tf.image.total_variation(tf.constant(images[0]))), expected[0])


def test_images_of_unknown_rank_are_resized_as_a_batch(tf: Any) -> None:
    images = tf.expand_dims(tf.placeholder(tf.float32), 0)
    small = tf.image.resize_bilinear(images, tf.placeholder(tf.int32, [2]))
    assert small.shape.ndims == 4
    near = tf.image.resize_nearest_neighbor(images, [2, 3], align_corners=True, name="near")
    assert near.shape.as_list()[:3] == [None, 2, 3]
    with tf.Session() as session:
        assert session.run(near, {images: np.ones((1, 4, 4, 1))}).shape == (1, 2, 3, 1)


def test_compute_gradient(tf: Any) -> None:
    x = tf.constant([[0.5, -1.0, 2.0]])
    y = tf.nn.softmax(x * tf.tanh(x))
    with tf.Session():
        said, differences = tf.test.compute_gradient(
            x, [1, 3], y, [1, 3], x_init_value=np.array([[0.5, -1.0, 2.0]], "f")
        )
        assert said.shape == (3, 3)
        assert np.allclose(said, differences, atol=1e-3)
        assert tf.test.compute_gradient_error(x, [1, 3], y, [1, 3]) < 1e-3
        (a, _), (b, _) = tf.test.compute_gradient([x, y], [[1, 3], [1, 3]], x * 2.0 + y, [1, 3])
        assert np.allclose(b, np.eye(3))
        assert a.shape == (3, 3)
