"""Feature columns make of a table what TensorFlow's make of it, where that is installed."""

import numpy as np
import pytest

import labkit as lk

tf = pytest.importorskip("tensorflow")

TABLE = {
    "age": np.array([17, 20, 34, 61], np.float32),
    "point": np.array([[1.0, -2.0], [0.5, 0.0], [3.0, 4.0], [-1.0, 9.0]], np.float32),
    "job": np.array(["clerk", "farmer", "", "pirate"]),
    "size": np.array([2, 0, -1, 1]),
    "large": np.array([0, 9, 2, 7]),
}


def dense(fc):
    age, point = fc.numeric_column("age"), fc.numeric_column("point", shape=(2,))
    return [
        age,
        fc.bucketized_column(age, [20, 34.5, 60]),
        fc.bucketized_column(point, [0.0, 3.0]),
        fc.numeric_column("large", normalizer_fn=lambda x: (x - 3) * 2),
        fc.indicator_column(fc.categorical_column_with_vocabulary_list("job", ["farmer", "clerk"])),
        fc.indicator_column(fc.categorical_column_with_identity("size", 3)),
    ]


def defaults(fc):
    return [
        fc.indicator_column(fc.categorical_column_with_vocabulary_list("job", ["farmer", "clerk"], default_value=0)),
        fc.indicator_column(fc.categorical_column_with_identity("large", 5, default_value=1)),
    ]


@pytest.mark.parametrize("columns", [dense, defaults])
def test_the_input_layer(columns):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        each = [tf.compat.v1.feature_column.input_layer(TABLE, [column]) for column in columns(tf.feature_column)]
        session.run(tf.compat.v1.tables_initializer())
        expected = np.concatenate(session.run(each), 1)
    np.testing.assert_array_equal(lk.feature_column.input_layer(TABLE, columns(lk.feature_column)), expected)
