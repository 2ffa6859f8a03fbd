"""The accuracies for graphs: against formulas in NumPy, several rows an example, equal predictions, what they refuse."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.plugins import resolve
from labkit.testing import evaluate

RANDOM = np.random.default_rng(2)
X = RANDOM.normal(size=(5, 4))
LABELS = RANDOM.integers(0, 4, 5)
ONE_HOT = np.eye(4)[LABELS]
P = np.exp(X) / np.exp(X).sum(axis=1, keepdims=True)
RIGHT = (P.argmax(axis=1) == LABELS).astype(float)
STEPS, STEP_LABELS = RANDOM.normal(size=(5, 6, 4)), RANDOM.integers(0, 4, (5, 6))
BITS, SCORES = RANDOM.integers(0, 2, (5, 4)), RANDOM.uniform(size=(5, 4))


@pytest.mark.parametrize("targets", [LABELS, LABELS[:, None], LABELS.astype(np.uint8), ONE_HOT, ONE_HOT > 0], ids=str)
@pytest.mark.parametrize("predictions", [X, P, P.astype(np.float32)], ids=["logits", "float64", "float32"])
def test_accuracy(targets, predictions):
    found = evaluate(lk.metrics.accuracy, targets, predictions)
    assert 0 < RIGHT.mean() < 1
    np.testing.assert_array_equal(found, RIGHT)
    assert found.dtype == predictions.dtype


def test_accuracy_by_its_full_names():
    np.testing.assert_array_equal(evaluate(lk.metrics.sparse_categorical_accuracy, LABELS, X), RIGHT)
    np.testing.assert_array_equal(evaluate(lk.metrics.categorical_accuracy, ONE_HOT, X), RIGHT)


@pytest.mark.parametrize(
    "targets", [STEP_LABELS, STEP_LABELS[..., None], np.eye(4)[STEP_LABELS]], ids=["n", "n1", "1hot"]
)
def test_an_example_of_several_rows_counts_with_its_share(targets):
    shares = (STEPS.argmax(axis=-1) == STEP_LABELS).mean(axis=1)
    np.testing.assert_allclose(evaluate(lk.metrics.accuracy, targets, STEPS), shares, 1e-15)
    whole = np.prod(targets.shape) == STEP_LABELS.size
    top = lk.metrics.sparse_top_k_categorical_accuracy if whole else lk.metrics.top_k_categorical_accuracy
    np.testing.assert_allclose(evaluate(lambda y, p: top(y, p, k=1), targets, STEPS), shares, 1e-15)
    metric = lk.metrics.SparseCategoricalAccuracy() if whole else lk.metrics.CategoricalAccuracy()
    assert metric(targets, STEPS) == shares.mean()


@pytest.mark.parametrize("threshold", [0.5, 0.2])
@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.bool_])
def test_binary_accuracy(threshold, dtype):
    shares = ((threshold < SCORES) == BITS).mean(axis=1)
    binary = resolve("metrics", {"name": "binary_accuracy", "threshold": threshold})
    np.testing.assert_array_equal(evaluate(binary, BITS.astype(dtype), SCORES), shares)
    for targets, scores in ((BITS[:, 0], SCORES[:, :1]), (BITS[:, :1], SCORES[:, 0])):
        found = evaluate(binary, targets.astype(dtype), scores)
        np.testing.assert_array_equal(found, ((threshold < SCORES) == BITS)[:, 0])


def test_accuracy_of_one_prediction_each_is_the_binary_one():
    expected = (SCORES[:, 0] > 0.5) == BITS[:, 0]
    for targets, scores in ((BITS[:, 0], SCORES[:, :1]), (BITS[:, :1], SCORES[:, :1]), (BITS[:, 0], SCORES[:, 0])):
        np.testing.assert_array_equal(evaluate(lk.metrics.accuracy, targets, scores), expected)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 9])
def test_of_equal_predictions_later_classes_are_among_the_largest_first(k):
    scores = RANDOM.integers(0, 3, (40, 4)).astype(np.float32)
    labels = RANDOM.integers(0, 4, 40)
    ranked = np.argsort(scores, axis=1, kind="stable")[:, ::-1]
    expected = (ranked[:, :k] == labels[:, None]).any(axis=1)
    function = resolve("metrics", {"name": "sparse_top_k_categorical_accuracy", "k": k})
    np.testing.assert_array_equal(evaluate(function, labels, scores), expected)
    one_hot = resolve("metrics", {"name": "top_k_categorical_accuracy", "k": k})
    np.testing.assert_array_equal(evaluate(one_hot, np.eye(4, dtype=bool)[labels], scores), expected)
    assert lk.metrics.SparseTopKCategoricalAccuracy(k)(labels, scores) == expected.mean()


def test_no_label_out_of_range_is_right():
    scores = np.full((4, 4), -np.inf)
    for function in (lk.metrics.sparse_categorical_accuracy, lk.metrics.sparse_top_k_categorical_accuracy):
        assert evaluate(function, np.array([-1, 4, 9, -4]), scores).tolist() == [0, 0, 0, 0]
        assert evaluate(function, np.zeros(4, int), scores).tolist() == [1, 1, 1, 1]


def test_a_prediction_that_is_nan_is_not_right_nor_wrong():
    broken = X.copy()
    broken[1, 2] = np.nan
    for function, targets in (
        (lk.metrics.sparse_categorical_accuracy, LABELS),
        (lk.metrics.categorical_accuracy, ONE_HOT),
        (lk.metrics.sparse_top_k_categorical_accuracy, LABELS),
        (lk.metrics.top_k_categorical_accuracy, ONE_HOT),
        (lk.metrics.binary_accuracy, ONE_HOT),
    ):
        assert np.isnan(evaluate(function, targets, broken)).tolist() == [False, True, False, False, False]


def test_what_accuracy_refuses():
    with pytest.raises(ShapeError, match="at least 2 classes"):
        evaluate(lk.metrics.sparse_categorical_accuracy, LABELS, X[:, :1])
    with pytest.raises(ShapeError, match="cannot compare"):
        evaluate(lk.metrics.accuracy, ONE_HOT, X[:, :3])
    for shape in ([None, 2, 2], [], [None, 4]):
        with lk.Graph().as_default():
            labels, predictions = lk.placeholder(lk.int32, shape), lk.placeholder(lk.float32, [None, 4])
            with pytest.raises(ShapeError, match="one label for each row"):
                lk.metrics.sparse_categorical_accuracy(labels, predictions)
    with pytest.raises(ShapeError, match="cannot tell"), lk.Graph().as_default():
        lk.metrics.accuracy(lk.placeholder(lk.int32), lk.placeholder(lk.float32, [None, 4]))


def test_what_the_others_refuse():
    for bad in (0, True, 1.5, "2"):
        with pytest.raises(InvalidArgumentError, match="whole number from 1 on"):
            evaluate(lambda y, p, k=bad: lk.metrics.sparse_top_k_categorical_accuracy(y, p, k), LABELS, X)
    with pytest.raises(InvalidArgumentError, match="cannot use this threshold"):
        evaluate(lambda y, p: lk.metrics.binary_accuracy(y, p, 1.5), BITS, SCORES)
    for targets, scores in ((BITS[:, :3], SCORES), (BITS[:, 0], SCORES), (BITS[:3], SCORES)):
        with pytest.raises(ShapeError):
            evaluate(lk.metrics.binary_accuracy, targets, scores)
