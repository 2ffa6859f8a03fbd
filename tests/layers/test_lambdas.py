"""Lambda: functions as layers, their masks, and what they may not do."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import CheckpointError, DTypeError, GraphError, InvalidArgumentError, ShapeError
from labkit.layers.masking import mask_of, set_mask
from tests.layers.reference import apply

X = np.random.default_rng(0).normal(size=(4, 3))


def test_a_function_with_arguments():
    y, weights = apply(lk.layers.Lambda(lambda x, power: x**power, arguments={"power": 3}), X)
    np.testing.assert_allclose(y, X**3, rtol=1e-12)
    assert not weights


def test_a_function_of_several_tensors_in_a_model():
    a, b = lk.Input((3,)), lk.Input((3,))
    total, difference = lk.layers.Lambda(lambda both: [both[0] + both[1], both[0] - both[1]])([a, b])
    model = lk.Model([a, b], [total, difference])
    x = X.astype(np.float32)
    for found, expected in zip(model.predict([x, 2 * x]), (3 * x, -x), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_shape_that_the_graph_cannot_tell():
    with lk.Graph().as_default():
        hidden = lk.layers.Lambda(lambda x: lk.placeholder_with_default(x, None), output_shape=(3,))(lk.constant(X))
        assert hidden.shape.as_list() == [None, 3]
        with pytest.raises(ShapeError):
            lk.layers.Lambda(lk.square, output_shape=(4,))(lk.constant(X))


def test_masks():
    with lk.Graph().as_default(), lk.Session() as session:
        x = lk.constant(X)
        set_mask(x, x[:, 0] > 0)
        assert mask_of(lk.layers.Lambda(lk.abs)(x)) is mask_of(x)
        other = lk.layers.Lambda(lk.abs, mask=lambda inputs, mask: lk.logical_not(mask))(x)
        np.testing.assert_array_equal(session.run(mask_of(other)), X[:, 0] <= 0)


def test_what_is_refused():
    with pytest.raises(InvalidArgumentError, match="takes a function"):
        lk.layers.Lambda("square")
    with pytest.raises(InvalidArgumentError, match="arguments are a dict"):
        lk.layers.Lambda(lk.square, arguments=[2])
    with lk.Graph().as_default():
        with pytest.raises(GraphError, match=r"makes variables.*Write a Layer"):
            lk.layers.Lambda(lambda x: x * lk.Variable(2.0, name="factor"))(lk.constant(X.astype(np.float32)))
        with pytest.raises(DTypeError, match="returns something else than tensors"):
            lk.layers.Lambda(lambda x: 3)(lk.constant(X))


def test_its_model_cannot_be_saved_as_a_whole(tmp_path):
    def make():
        return lk.Sequential([lk.layers.Input((3,)), lk.layers.Lambda(lk.square), lk.layers.Dense(2)])

    model, prefix = make(), str(tmp_path / "saved")
    with pytest.raises(
        CheckpointError, match=r"layer 'lambda' \(Lambda\) cannot be saved.*Python function.*save_weights"
    ):
        model.save(prefix)
    model.save_weights(prefix)
    again = make()
    again.load_weights(prefix)
    np.testing.assert_array_equal(again.predict(X.astype(np.float32)), model.predict(X.astype(np.float32)))
