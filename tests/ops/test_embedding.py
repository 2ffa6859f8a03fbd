"""Embeddings: lookups, bags, and gradients that have the form of rows."""

from __future__ import annotations

import numpy as np
import pytest

import labkit as lk
from labkit.errors import InvalidArgumentError, ShapeError

rng = np.random.default_rng(0)


def test_the_gradient_of_a_lookup_has_the_form_of_rows() -> None:
    with lk.Graph().as_default(), lk.Session() as session:
        table = lk.Variable(rng.normal(size=(5, 3)))
        ids = lk.constant([[4, 0], [4, 1]])
        (grad,) = lk.gradients(lk.reduce_sum(lk.square(lk.nn.embedding_lookup(table, ids))), table)
        assert isinstance(grad, lk.IndexedSlices)
        session.run(lk.global_variables_initializer())
        values, indices, dense, value = session.run([grad.values, grad.indices, lk.convert_to_tensor(grad), table])
    np.testing.assert_array_equal(indices, [4, 0, 4, 1])
    np.testing.assert_allclose(values, 2 * value[indices])
    expected = np.zeros((5, 3))
    np.add.at(expected, indices, values)
    np.testing.assert_allclose(dense, expected)


def test_two_lookups_of_one_table_give_rows_one_after_the_other() -> None:
    with lk.Graph().as_default(), lk.Session() as session:
        table = lk.Variable(rng.normal(size=(5, 3)))
        a, b = lk.gather(table, [1, 2]), lk.gather(table, np.array([2], np.int64))
        (grad,) = lk.gradients(lk.reduce_sum(a) + lk.reduce_sum(3.0 * b), table)
        assert isinstance(grad, lk.IndexedSlices)
        session.run(lk.global_variables_initializer())
        np.testing.assert_array_equal(session.run(lk.convert_to_tensor(grad))[:, 0], [0, 1, 4, 0, 0])


def test_rows_are_an_operand_like_a_tensor() -> None:
    with lk.Graph().as_default(), lk.Session() as session:
        x = lk.constant(np.ones((3, 2)))
        (grad,) = lk.gradients(lk.gather(x, [0, 0]), x)
        assert grad.shape == (3, 2)
        results = session.run([grad * 2.0, np.ones((3, 2)) - grad, lk.square(grad), -grad])
    for result, expected in zip(results, (4.0, -1.0, 4.0, -2.0), strict=True):
        assert result[0, 0] == expected


def test_rows_longer_than_max_norm_are_scaled_down() -> None:
    with lk.Graph().as_default(), lk.Session() as session:
        table = lk.constant(np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]]))
        rows = lk.nn.embedding_lookup(table, [0, 1, 2], max_norm=1.0)
        (grad,) = lk.gradients(rows, table)
        value, dense = session.run([rows, lk.convert_to_tensor(grad)])
    np.testing.assert_allclose(value, [[0.6, 0.8], [0.3, 0.4], [0, 0]])
    assert np.isfinite(dense).all()


@pytest.mark.parametrize("combiner", ["sum", "mean", "sqrtn"])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_bag_combines_rows(combiner: str, weighted: bool) -> None:
    x, ids, offsets = rng.normal(size=(9, 5)), np.array([3, 3, 0, 8, 1], np.int32), np.array([0, 2, 2], np.int64)
    weights = rng.uniform(0.5, 2, size=5) if weighted else np.ones(5)
    expected = np.zeros((3, 5))
    for b, positions in enumerate(([0, 1], [], [2, 3, 4])):
        total = (weights[positions, None] * x[ids[positions]]).sum(axis=0)
        divisor = {"sum": 1, "mean": weights[positions].sum(), "sqrtn": np.sqrt((weights[positions] ** 2).sum())}
        expected[b] = total / (divisor[combiner] or 1)
    with lk.Graph().as_default(), lk.Session() as session:
        bags = lk.nn.embedding_bag(x, ids, offsets, weights if weighted else None, combiner)
        np.testing.assert_allclose(session.run(bags), expected, rtol=1e-12)


def test_rows_of_two_dimensions_are_bags() -> None:
    x, ids = rng.normal(size=(9, 40)).astype(np.float32), rng.integers(0, 9, size=(4, 6))
    with lk.Graph().as_default(), lk.Session() as session:
        fed = lk.placeholder(lk.int64, [None, None])
        bags = lk.nn.embedding_bag(x, fed, combiner="mean")
        np.testing.assert_allclose(session.run(bags, {fed: ids}), x[ids].mean(axis=1), rtol=1e-5, atol=1e-6)


def test_bags_that_cannot_be_are_errors() -> None:
    x = np.ones((4, 2), np.float32)
    with lk.Graph().as_default(), lk.Session() as session:
        ids, offsets = lk.placeholder(lk.int32, [None]), lk.placeholder(lk.int32, [None])
        bags = lk.nn.embedding_bag(x, ids, offsets, combiner="sum")
        for given, starts in (([4], [0]), ([-1], [0]), ([1, 1], [1]), ([1, 1], [0, 3]), ([1, 1, 1], [0, 2, 1])):
            with pytest.raises(InvalidArgumentError, match="out of range"):
                session.run(bags, {ids: given, offsets: starts})
        with pytest.raises(ShapeError):
            lk.nn.embedding_bag(x, ids)
        with pytest.raises(InvalidArgumentError):
            lk.nn.embedding_bag(x, ids, offsets, combiner="max")


def trained(dense: bool, ids: np.ndarray, optimizer: lk.optimizers.Optimizer) -> np.ndarray:
    with lk.Graph().as_default(), lk.Session() as session:
        table = lk.Variable(np.random.default_rng(1).normal(size=(50, 8)).astype(np.float32))
        fed = lk.placeholder(lk.int32, [None])
        loss = lk.reduce_mean(lk.square(lk.nn.embedding_lookup(table, fed) - 1.0))
        pairs = optimizer.compute_gradients(loss)
        if dense:
            pairs = [(lk.convert_to_tensor(grad), variable) for grad, variable in pairs]
        step = optimizer.apply_gradients(pairs)
        session.run(lk.global_variables_initializer())
        for row in ids:
            session.run(step, {fed: row})
        return session.run(table)


def test_training_by_rows_is_training_by_the_dense_gradient() -> None:
    unique = np.stack([np.random.default_rng(i).permutation(50)[:20] for i in range(10)])
    rows, dense = (trained(d, unique, lk.optimizers.SGD(0.5)) for d in (False, True))
    assert rows.tobytes() == dense.tobytes()
    repeated = np.random.default_rng(0).integers(0, 50, size=(10, 200))
    rows, dense = (trained(d, repeated, lk.optimizers.SGD(0.5)) for d in (False, True))
    np.testing.assert_allclose(rows, dense, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("optimizer", [lk.optimizers.Adam(0.1), lk.optimizers.Adagrad(0.1)])
def test_an_optimizer_that_leaves_no_row_behind_gives_what_the_dense_gradient_gives(
    optimizer: lk.optimizers.Optimizer,
) -> None:
    ids = np.random.default_rng(0).integers(0, 50, size=(5, 30))
    rows, dense = (trained(d, ids, optimizer) for d in (False, True))
    assert rows.tobytes() == dense.tobytes()


def test_descent_by_rows_makes_no_dense_gradient() -> None:
    with lk.Graph().as_default() as graph:
        table = lk.Variable(np.zeros((50, 8), np.float32))
        lk.optimizers.SGD(0.1).minimize(lk.reduce_sum(lk.nn.embedding_lookup(table, [1, 2])))
        types = {op.type for op in graph.get_operations()}
    assert "ScatterSub" in types
    assert "UnsortedSegmentSum" not in types
