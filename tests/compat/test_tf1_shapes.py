"""Static shapes: how they print, what can be asked of them, and what is inferred."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def test_str_of_a_tensor(tf: Any) -> None:
    x = tf.matmul(tf.constant([[1]]), tf.constant([[2]]))
    assert str(x) == 'Tensor("MatMul:0", shape=(1, 1), dtype=int32)'


def test_str_of_an_unknown_dimension(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 784], name="x")
    assert str(x) == 'Tensor("x:0", shape=(?, 784), dtype=float32)'


def test_str_of_an_unknown_rank(tf: Any) -> None:
    assert str(tf.placeholder(tf.float32, name="x")) == 'Tensor("x:0", dtype=float32)'


def test_str_of_a_scalar_and_a_vector(tf: Any) -> None:
    assert str(tf.constant(1.0, name="a")) == 'Tensor("a:0", shape=(), dtype=float32)'
    assert str(tf.constant([1.0], name="b")) == 'Tensor("b:0", shape=(1,), dtype=float32)'


def test_str_of_shapes(tf: Any) -> None:
    assert str(tf.placeholder(tf.float32, [None, 2]).shape) == "(?, 2)"
    assert str(tf.placeholder(tf.float32).shape) == "<unknown>"
    assert str(tf.placeholder(tf.float32, [3]).shape) == "(3,)"


def test_as_list(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 2, 3])
    assert x.shape.as_list() == [None, 2, 3]
    assert x.get_shape().as_list() == [None, 2, 3]


def test_as_list_of_an_unknown_rank_is_a_value_error(tf: Any) -> None:
    with pytest.raises(ValueError, match="as_list"):
        tf.placeholder(tf.float32).shape.as_list()


def test_ndims_and_len(tf: Any) -> None:
    assert tf.placeholder(tf.float32, [None, 2]).shape.ndims == 2
    assert len(tf.placeholder(tf.float32, [None, 2]).shape) == 2
    assert tf.placeholder(tf.float32).shape.ndims is None
    with pytest.raises(ValueError):
        len(tf.placeholder(tf.float32).shape)


def test_iteration_and_unpacking(tf: Any) -> None:
    batch, height, width = tf.placeholder(tf.float32, [None, 4, 5]).shape
    assert (batch.value, int(height), width.value) == (None, 4, 5)


def test_indexing_and_slicing(tf: Any) -> None:
    shape = tf.placeholder(tf.float32, [None, 4, 5]).shape
    assert shape[1] == 4
    assert shape[-1].value == 5
    assert shape[1:].as_list() == [4, 5]


def test_int_of_an_unknown_dimension_is_an_error(tf: Any) -> None:
    with pytest.raises(TypeError):
        int(tf.placeholder(tf.float32, [None]).shape[0])


def test_products_of_dimensions_stay_usable(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 4, 5])
    flat = tf.reshape(x, [-1, x.shape[1] * x.shape[2]])
    assert flat.shape.as_list() == [None, 20]
    assert (x.shape[0] * x.shape[1]).value is None


def test_dimension_arithmetic(tf: Any) -> None:
    dim = tf.placeholder(tf.float32, [12]).shape[0]
    assert [int(dim + 1), int(dim - 2), int(dim * 2), int(2 * dim), int(dim // 5), int(dim % 5)] == [
        13,
        10,
        24,
        24,
        2,
        2,
    ]


def test_num_elements(tf: Any) -> None:
    assert tf.zeros([3, 4]).shape.num_elements() == 12
    assert tf.placeholder(tf.float32, [None, 4]).shape.num_elements() is None
    assert int(np.prod(tf.zeros([3, 4]).get_shape().as_list())) == 12


def test_shapes_compare_with_lists(tf: Any) -> None:
    assert tf.zeros([3, 4]).shape == [3, 4]
    assert tf.zeros([3, 4]).shape == (3, 4)
    assert tf.zeros([3, 4]).shape != [3, 5]


def test_is_compatible_with_and_fully_defined(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 4])
    assert x.shape.is_compatible_with([7, 4])
    assert not x.shape.is_compatible_with([7, 5])
    assert not x.shape.is_fully_defined()
    assert tf.zeros([2]).shape.is_fully_defined()


def test_set_shape_adds_what_is_known(tf: Any) -> None:
    x = tf.placeholder(tf.float32)
    x.set_shape([None, 3])
    assert x.shape.as_list() == [None, 3]
    with pytest.raises(ValueError):
        x.set_shape([None, 4])


def test_a_shape_given_by_ndarray_shape(tf: Any) -> None:
    assert tf.placeholder(tf.float32, np.zeros((2, 3)).shape).shape.as_list() == [2, 3]


def test_shape_none_is_an_unknown_rank(tf: Any) -> None:
    assert tf.placeholder(tf.float32, shape=(None)).shape.ndims is None


def test_conv2d_shapes_are_inferred(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 28, 27, 1])
    f = tf.zeros([5, 5, 1, 8])
    same = tf.nn.conv2d(x, f, strides=[1, 2, 2, 1], padding="SAME")
    valid = tf.nn.conv2d(x, f, strides=[1, 2, 2, 1], padding="VALID")
    assert same.shape.as_list() == [None, 14, 14, 8]
    assert valid.shape.as_list() == [None, 12, 12, 8]


def test_pool_shapes_are_inferred(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 7, 8, 3])
    pool = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1]}
    assert tf.nn.max_pool(x, padding="SAME", **pool).shape.as_list() == [None, 4, 4, 3]
    assert tf.nn.max_pool(x, padding="VALID", **pool).shape.as_list() == [None, 3, 4, 3]


def test_unknown_height_and_width_stay_unknown(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, None, None, 3])
    y = tf.nn.conv2d(x, tf.zeros([3, 3, 3, 4]), strides=[1, 1, 1, 1], padding="SAME")
    assert y.shape.as_list() == [None, None, None, 4]


def test_reshape_shapes_are_inferred(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 784])
    assert tf.reshape(x, [-1, 28, 28, 1]).shape.as_list() == [None, 28, 28, 1]
    assert tf.reshape(tf.zeros([2, 6]), [3, -1]).shape.as_list() == [3, 4]


def test_reshape_by_a_computed_shape(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 4, 5])
    flat = tf.reshape(x, tf.stack([tf.shape(x)[0], 20]))
    assert flat.shape.as_list() == [None, 20]


def test_concat_slice_and_stack_shapes_are_inferred(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 4])
    assert tf.concat([x, x], 1).shape.as_list() == [None, 8]
    assert tf.concat([x, x], 0).shape.as_list() == [None, 4]
    assert x[:, 1:3].shape.as_list() == [None, 2]
    assert x[:, -1].shape.as_list() == [None]
    assert x[0].shape.as_list() == [4]
    assert x[:, tf.newaxis].shape.as_list() == [None, 1, 4]
    assert tf.stack([x, x], 1).shape.as_list() == [None, 2, 4]
    assert tf.slice(tf.zeros([4, 5]), [1, 2], [2, -1]).shape.as_list() == [2, 3]


def test_cond_keeps_the_shape_its_branches_share(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 4])
    net = tf.cond(tf.placeholder(tf.bool, []), lambda: x * 2.0, lambda: x + 1.0)
    assert net.shape.as_list() == [None, 4]


def test_cond_forgets_where_its_branches_differ(tf: Any) -> None:
    net = tf.cond(tf.placeholder(tf.bool, []), lambda: tf.zeros([2, 4]), lambda: tf.zeros([3, 4]))
    assert net.shape.as_list() == [None, 4]


def test_broadcast_shapes_are_inferred(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 1])
    assert (x + tf.zeros([1, 7])).shape.as_list() == [None, 7]
    assert (x + tf.placeholder(tf.float32)).shape.ndims is None


def test_shapes_that_do_not_fit_are_a_value_error(tf: Any) -> None:
    with pytest.raises(ValueError):
        tf.matmul(tf.zeros([2, 3]), tf.zeros([4, 5]))
    with pytest.raises(ValueError):
        tf.zeros([2, 3]) + tf.zeros([4, 5])
    with pytest.raises(ValueError):
        tf.reshape(tf.zeros([2, 3]), [4])


def test_tf_shape_of_an_unknown_batch(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 2])
    with tf.Session() as session:
        assert session.run(tf.shape(x), {x: np.zeros((5, 2))}).tolist() == [5, 2]
    assert tf.shape(x).dtype == tf.int32


def test_shapes_made_by_a_placeholder(tf: Any) -> None:
    n = tf.placeholder(tf.int32, [])
    with tf.Session() as session:
        for size in (1, 3):
            assert session.run(tf.zeros([n, 2]), {n: size}).shape == (size, 2)
            assert session.run(tf.fill([2, n], 1.0), {n: size}).shape == (2, size)


def test_tensorshape_objects(tf: Any) -> None:
    shape = tf.TensorShape([None, 3])
    assert shape.as_list() == [None, 3]
    assert shape.concatenate([4]).as_list() == [None, 3, 4]
    assert shape.merge_with([2, None]).as_list() == [2, 3]
    assert tf.TensorShape(None).ndims is None
    assert tf.Dimension(3).value == 3


def test_tile_keeps_the_dimensions_whose_multiples_are_known(tf: Any) -> None:
    w = tf.placeholder(tf.float32, [1, 6, None, 4])
    batch = tf.shape(tf.placeholder(tf.float32, [None, 2]))[0]
    assert tf.tile(w, [batch, 1, 3, 2]).shape.as_list() == [None, 6, None, 8]
    assert tf.tile(w, [2, batch, 1, 1]).shape.as_list() == [2, None, None, 4]
