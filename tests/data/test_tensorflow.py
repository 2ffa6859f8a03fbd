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


WORDS = {
    "tags": np.array([["a", "b", "a"], ["c", "", "z"], ["", "", ""], ["b", "b", "c"]]),
    "last": np.array([["c", "a", ""], ["b", "b", "b"], ["a", "", ""], ["", "", ""]]),
    "times": np.array([[1.0, 2.5, 3.0], [4.0, 9.0, 9.0], [1.0, 1.0, 1.0], [0.5, 0.25, 2.0]], np.float32),
}
WEIGHED = {**WORDS, "tags": np.where(WORDS["tags"] == "", "z", WORDS["tags"])}
"""TensorFlow counts no weights for empty texts, and so refuses them beside an array of weights."""
ROWS = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)


@pytest.mark.parametrize("combiner", ["mean", "sum", "sqrtn"])
@pytest.mark.parametrize("kind", ["plain", "weighted", "shared"])
def test_embeddings(combiner, kind, tmp_path):
    table = WEIGHED if kind == "weighted" else WORDS
    path = tmp_path / "words.txt"
    path.write_text("a\nb\nc\n")

    def columns(fc, initializer, shared, weighted):
        words = [fc.categorical_column_with_vocabulary_file(key, str(path), 3) for key in ("tags", "last")]
        if kind == "shared":
            return shared(words, 2, combiner=combiner, initializer=initializer)
        return fc.embedding_column(
            weighted(words[0], "times") if kind == "weighted" else words[0], 2, combiner, initializer
        )

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        fc = tf.feature_column
        theirs = columns(
            fc,
            tf.compat.v1.constant_initializer(ROWS),
            lambda *args, **options: tf.compat.v1.feature_column.shared_embedding_columns(*args, **options),
            fc.weighted_categorical_column,
        )
        layer = tf.compat.v1.feature_column.input_layer(table, theirs)
        session.run([tf.compat.v1.global_variables_initializer(), tf.compat.v1.tables_initializer()])
        expected = session.run(layer)
    fc = lk.feature_column
    ours = columns(fc, {"name": "constant", "value": ROWS}, fc.shared_embeddings, fc.weighted_categorical_column)
    found = lk.Sequential([lk.layers.DenseFeatures(ours)]).predict(table)
    if kind == "shared":  # TensorFlow puts columns in the order of their names
        found = np.concatenate([found[:, 2:], found[:, :2]], 1)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


def test_weighted_zeros_and_ones():
    def column(fc):
        words = fc.categorical_column_with_vocabulary_list("tags", ["a", "b", "c"])
        return fc.indicator_column(fc.weighted_categorical_column(words, "times"))

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        layer = tf.compat.v1.feature_column.input_layer(WEIGHED, [column(tf.feature_column)])
        session.run(tf.compat.v1.tables_initializer())
        expected = session.run(layer)
    ours = column(lk.feature_column)
    np.testing.assert_array_equal(lk.feature_column.input_layer(WEIGHED, ours), expected)
    np.testing.assert_array_equal(lk.Sequential([lk.layers.DenseFeatures(ours)]).predict(WEIGHED), expected)
