"""Reductions, arrays, sequences and images: arguments by their old names, and values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

X = np.arange(1.0, 7.0, dtype=np.float32).reshape(2, 3)

REDUCTIONS = {
    "reduce_sum": np.sum,
    "reduce_mean": np.mean,
    "reduce_max": np.max,
    "reduce_min": np.min,
    "reduce_prod": np.prod,
}


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("axis", [None, 0, 1, -1, [0, 1], [1]], ids=str)
def test_reduction_axis_and_reduction_indices(tf: Any, evaluate: Any, name: str, axis: Any) -> None:
    function = getattr(tf, name)
    expected = REDUCTIONS[name](X, axis=tuple(axis) if isinstance(axis, list) else axis)
    np.testing.assert_allclose(evaluate(function(X, axis=axis)), expected, rtol=1e-6)
    np.testing.assert_allclose(evaluate(function(X, reduction_indices=axis)), expected, rtol=1e-6)
    np.testing.assert_allclose(evaluate(function(X, axis)), expected, rtol=1e-6)


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("keyword", ["keep_dims", "keepdims"])
def test_reduction_keeps_dimensions(tf: Any, evaluate: Any, name: str, keyword: str) -> None:
    y = getattr(tf, name)(X, 1, **{keyword: True})
    assert y.shape.as_list() == [2, 1]
    np.testing.assert_allclose(evaluate(y), REDUCTIONS[name](X, axis=1, keepdims=True), rtol=1e-6)


def test_axis_and_reduction_indices_together_are_a_value_error(tf: Any) -> None:
    with pytest.raises(ValueError):
        tf.reduce_sum(X, axis=0, reduction_indices=1)


def test_an_axis_that_is_not_there_is_a_value_error(tf: Any) -> None:
    with pytest.raises(ValueError):
        tf.reduce_sum(X, 5)


def test_reductions_of_bools(tf: Any, evaluate: Any) -> None:
    assert evaluate([tf.reduce_all([True, False]), tf.reduce_any([True, False])]) == [False, True]


def test_matmul(tf: Any, evaluate: Any) -> None:
    np.testing.assert_array_equal(evaluate(tf.matmul(X, X, transpose_b=True)), X @ X.T)
    np.testing.assert_array_equal(evaluate(tf.matmul(X, X, transpose_a=True)), X.T @ X)
    with pytest.raises(ValueError):
        tf.matmul(tf.zeros([2]), tf.zeros([2, 3]))


def test_linspace_and_range(tf: Any, evaluate: Any) -> None:
    np.testing.assert_allclose(evaluate(tf.linspace(0.0, 1.0, 5)), [0.0, 0.25, 0.5, 0.75, 1.0])
    assert evaluate(tf.range(0, tf.constant(4))).tolist() == [0, 1, 2, 3]
    assert evaluate(tf.range(3)).tolist() == [0, 1, 2]
    assert evaluate(tf.range(10, 4, -2)).tolist() == [10, 8, 6]
    np.testing.assert_allclose(evaluate(tf.range(1.0, 2.0, 0.3)), [1.0, 1.3, 1.6, 1.9], rtol=1e-6)


def test_stack_and_unstack(tf: Any, evaluate: Any) -> None:
    assert evaluate(tf.stack([[1, 2], [3, 4]], axis=1)).tolist() == [[1, 3], [2, 4]]
    parts = tf.unstack(tf.constant(X), 3, 1)
    assert [part.tolist() for part in evaluate(parts)] == X.T.tolist()
    assert len(tf.unstack(tf.constant(X))) == 2
    with pytest.raises(ValueError):
        tf.unstack(tf.placeholder(tf.float32, [None, 2]))


def test_split(tf: Any, evaluate: Any) -> None:
    assert [part.tolist() for part in evaluate(tf.split(X, 3, 1))] == [[[1], [4]], [[2], [5]], [[3], [6]]]
    assert [part.tolist() for part in evaluate(tf.split(X, [1, 2], 1))] == [[[1], [4]], [[2, 3], [5, 6]]]
    assert len(tf.split(value=tf.zeros([4]), num_or_size_splits=2)) == 2
    with pytest.raises(ValueError):
        tf.split(X, 2, 1)


def test_concat(tf: Any, evaluate: Any) -> None:
    assert evaluate(tf.concat([X, X], 1)).shape == (2, 6)
    assert evaluate(tf.concat(values=[X, X], axis=0)).shape == (4, 3)
    with pytest.raises(ValueError):
        tf.concat([tf.zeros([2, 3]), tf.zeros([2, 4])], 0)


def test_gather_and_gather_nd(tf: Any, evaluate: Any) -> None:
    assert evaluate(tf.gather(X, [1, 0])).tolist() == X[[1, 0]].tolist()
    assert evaluate(tf.gather(X, [2, 0], axis=1)).tolist() == X[:, [2, 0]].tolist()
    assert evaluate(tf.gather_nd(X, [[1, 2], [0, 0]])).tolist() == [6.0, 1.0]
    with pytest.raises(tf.errors.InvalidArgumentError):
        evaluate(tf.gather([1, 2], [5]))


def test_one_hot(tf: Any, evaluate: Any) -> None:
    y = tf.one_hot([1, 3, -1], 3)
    assert y.dtype == tf.float32
    assert evaluate(y).tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert evaluate(tf.one_hot(indices=[0], depth=2, on_value=5, off_value=-5)).tolist() == [[5, -5]]


def test_where_of_a_condition_gives_indices(tf: Any, evaluate: Any) -> None:
    y = tf.where(tf.constant([[True, False], [False, True]]))
    assert y.dtype == tf.int64
    assert evaluate(y).tolist() == [[0, 0], [1, 1]]


def test_where_chooses(tf: Any, evaluate: Any) -> None:
    assert evaluate(tf.where([True, False], [1, 2], [3, 4])).tolist() == [1, 4]
    assert evaluate(tf.where([True, False], X[:, :1], -X[:, :1])).tolist() == [[1.0], [-4.0]]


def test_a_vector_in_where_chooses_rows(tf: Any, evaluate: Any) -> None:
    assert evaluate(tf.where([True, False], X, -X)).tolist() == [[1, 2, 3], [-4, -5, -6]]


def test_boolean_mask(tf: Any, evaluate: Any) -> None:
    assert evaluate(tf.boolean_mask(X, [False, True])).tolist() == [[4.0, 5.0, 6.0]]


def test_unique(tf: Any, evaluate: Any) -> None:
    y, index = tf.unique([3, 1, 3, 2])
    assert [value.tolist() for value in evaluate([y, index])] == [[3, 1, 2], [0, 1, 0, 2]]
    assert index.dtype == tf.int32


def test_diag_and_determinant(tf: Any, evaluate: Any) -> None:
    assert evaluate(tf.diag([1.0, 2.0])).tolist() == [[1, 0], [0, 2]]
    assert evaluate(tf.diag_part([[1.0, 5.0], [6.0, 2.0]])).tolist() == [1, 2]
    np.testing.assert_allclose(evaluate(tf.matrix_determinant([[1.0, 2.0], [3.0, 4.0]])), -2.0, rtol=1e-6)
    np.testing.assert_allclose(evaluate(tf.matrix_inverse([[2.0, 0.0], [0.0, 4.0]])), [[0.5, 0], [0, 0.25]])
    assert evaluate(tf.eye(2)).tolist() == [[1, 0], [0, 1]]


def test_tensordot(tf: Any, evaluate: Any) -> None:
    a, b = np.arange(24.0).reshape(2, 3, 4), np.arange(20.0).reshape(4, 5)
    np.testing.assert_allclose(evaluate(tf.tensordot(a, b, 1)), np.tensordot(a, b, 1))
    np.testing.assert_allclose(evaluate(tf.tensordot(a, a, [[0, 1], [0, 1]])), np.tensordot(a, a, [[0, 1], [0, 1]]))


def test_transpose_squeeze_and_expand_dims(tf: Any, evaluate: Any) -> None:
    x = tf.zeros([1, 2, 1, 3])
    assert tf.transpose(x, [0, 3, 1, 2]).shape.as_list() == [1, 3, 2, 1]
    assert tf.transpose(x, perm=[3, 2, 1, 0]).shape.as_list() == [3, 1, 2, 1]
    assert tf.squeeze(x).shape.as_list() == [2, 3]
    assert tf.squeeze(x, [0]).shape.as_list() == [2, 1, 3]
    assert tf.squeeze(x, squeeze_dims=[2]).shape.as_list() == [1, 2, 3]
    assert tf.expand_dims(x, -1).shape.as_list() == [1, 2, 1, 3, 1]
    assert tf.expand_dims(x, dim=0).shape.as_list() == [1, 1, 2, 1, 3]


def test_pad_and_tile(tf: Any, evaluate: Any) -> None:
    assert evaluate(tf.pad([1, 2], [[1, 2]])).tolist() == [0, 1, 2, 0, 0]
    assert evaluate(tf.pad([1, 2, 3], [[2, 2]], "REFLECT")).tolist() == [3, 2, 1, 2, 3, 2, 1]
    assert evaluate(tf.pad([1, 2, 3], [[2, 2]], mode="SYMMETRIC")).tolist() == [2, 1, 1, 2, 3, 3, 2]
    assert evaluate(tf.tile([[1, 2]], [2, 2])).tolist() == [[1, 2, 1, 2]] * 2


def test_top_k_and_sequence_mask(tf: Any, evaluate: Any) -> None:
    values, indices = evaluate(tf.nn.top_k([1.0, 3.0, 2.0], 2))
    assert (values.tolist(), indices.tolist()) == ([3.0, 2.0], [1, 2])
    assert evaluate(tf.sequence_mask([1, 3], 4)).astype(int).tolist() == [[1, 0, 0, 0], [1, 1, 1, 0]]


def test_cumsum_and_add_n(tf: Any, evaluate: Any) -> None:
    assert evaluate(tf.cumsum([1, 2, 3])).tolist() == [1, 3, 6]
    assert evaluate(tf.cumsum([1, 2, 3], exclusive=True, reverse=True)).tolist() == [5, 3, 0]
    assert evaluate(tf.add_n([[1, 2], [3, 4]])).tolist() == [4, 6]


def test_clip_by_value_and_norm(tf: Any, evaluate: Any) -> None:
    assert evaluate(tf.clip_by_value([-2.0, 0.5, 2.0], -1.0, 1.0)).tolist() == [-1.0, 0.5, 1.0]
    np.testing.assert_allclose(evaluate(tf.clip_by_norm([3.0, 4.0], 1.0)), [0.6, 0.8], rtol=1e-6)
    clipped, norm = tf.clip_by_global_norm([tf.constant([3.0]), tf.constant([4.0])], 2.5)
    assert evaluate([*clipped, norm]) == [[1.5], [2.0], 5.0]


def test_segment_sums(tf: Any, evaluate: Any) -> None:
    assert evaluate(tf.segment_sum([1, 2, 3], [0, 0, 1])).tolist() == [3, 3]
    assert evaluate(tf.unsorted_segment_sum([1, 2, 3], [1, 0, 1], 3)).tolist() == [2, 4, 0]


def test_reverse_and_meshgrid(tf: Any, evaluate: Any) -> None:
    assert evaluate(tf.reverse(X, [1])).tolist() == X[:, ::-1].tolist()
    a, b = evaluate(tf.meshgrid([1, 2], [3, 4, 5]))
    assert (a.tolist(), b.tolist()) == ([[1, 2]] * 3, [[3, 3], [4, 4], [5, 5]])


UNARY = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "negative": np.negative,
    "abs": np.abs,
    "square": np.square,
    "floor": np.floor,
    "ceil": np.ceil,
    "sign": np.sign,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "reciprocal": lambda x: 1 / x,
    "log1p": np.log1p,
    "expm1": np.expm1,
}


@pytest.mark.parametrize("name", UNARY)
def test_elementwise_function(tf: Any, evaluate: Any, name: str) -> None:
    x = np.linspace(0.1, 7.3, 33).astype(np.float32)
    np.testing.assert_allclose(evaluate(getattr(tf, name)(x)), UNARY[name](x.astype(float)), rtol=2e-5, atol=1e-7)


def test_round_goes_to_even(tf: Any, evaluate: Any) -> None:
    assert evaluate(tf.round([0.5, 1.5, 2.5, -0.5])).tolist() == [0.0, 2.0, 2.0, -0.0]


def test_resize_image_with_crop_or_pad_pads_and_crops(tf: Any, evaluate: Any) -> None:
    image = np.arange(20.0, dtype=np.float32).reshape(4, 5, 1)
    y = evaluate(tf.image.resize_image_with_crop_or_pad(image, 3, 8))
    assert y[..., 0].tolist() == [[0, *row, 0, 0] for row in image[:3, :, 0].tolist()]  # one row less: offset 0
    y = evaluate(tf.image.resize_image_with_crop_or_pad(image, 7, 2))
    assert y[..., 0].tolist() == [[0, 0], [1, 2], [6, 7], [11, 12], [16, 17], [0, 0], [0, 0]]


def test_resize_image_with_crop_or_pad_of_a_batch(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 28, 28, 1])
    y = tf.image.resize_image_with_crop_or_pad(x, target_height=36, target_width=36)
    assert y.shape.as_list() == [None, 36, 36, 1]
    with tf.Session() as session:
        value = session.run(y, {x: np.ones((2, 28, 28, 1))})
    assert value.sum() == 2 * 28 * 28
    assert (value[:, 4:32, 4:32] == 1).all()


def test_resize_image_with_crop_or_pad_to_nothing_is_a_value_error(tf: Any) -> None:
    with pytest.raises(ValueError):
        tf.image.resize_image_with_crop_or_pad(np.zeros((4, 5, 1)), 0, 2)


def test_random_crop_crops_the_whole_batch_alike(tf: Any, evaluate: Any) -> None:
    image = np.arange(100.0, dtype=np.float32).reshape(1, 10, 10, 1)
    y = evaluate(tf.random_crop(np.concatenate([image, image]), tf.constant([2, 4, 5, 1])))
    assert y.shape == (2, 4, 5, 1)
    assert y[0].tolist() == y[1].tolist()
    corner = int(y[0, 0, 0, 0])
    assert y[0, :, :, 0].tolist() == image[0, corner // 10 :, corner % 10 :, 0][:4, :5].tolist()


def test_random_crop_larger_than_the_image_is_refused(tf: Any, evaluate: Any) -> None:
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        evaluate(tf.random_crop(np.zeros((2, 3, 4, 1), np.float32), [2, 4, 2, 1]))


def test_image_standardization_and_flips(tf: Any, evaluate: Any) -> None:
    image = np.arange(12.0, dtype=np.float32).reshape(2, 2, 3)
    y = evaluate(tf.image.per_image_standardization(image))
    np.testing.assert_allclose(y, (image - image.mean()) / image.std(), rtol=1e-5)
    assert evaluate(tf.image.flip_left_right(image)).tolist() == image[:, ::-1].tolist()


def test_multinomial(tf: Any, evaluate: Any) -> None:
    y = tf.multinomial([[0.0, -100.0], [-100.0, 0.0]], 5)
    assert y.dtype == tf.int64
    assert evaluate(y).tolist() == [[0] * 5, [1] * 5]


def test_confusion_matrix(tf: Any, evaluate: Any) -> None:
    assert evaluate(tf.confusion_matrix([0, 1, 1], [0, 0, 1])).tolist() == [[1, 0], [1, 1]]
