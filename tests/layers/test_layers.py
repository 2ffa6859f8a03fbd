"""Each layer against NumPy in float64, its shapes, names and refusals."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import GraphError, InvalidArgumentError, ShapeError
from labkit.layers.base import Layer, default_name
from tests.layers.reference import apply

RANDOM = np.random.default_rng(7)


def test_dense():
    x = RANDOM.normal(size=(4, 3))
    y, (kernel, bias) = apply(lk.layers.Dense(5, bias_initializer={"name": "constant", "value": 0.5}), x)
    assert kernel.shape == (3, 5)
    np.testing.assert_array_equal(bias, np.full(5, 0.5))
    np.testing.assert_allclose(y, x @ kernel + bias, rtol=1e-12)


def test_dense_acts_on_the_last_axis():
    x = RANDOM.normal(size=(2, 3, 4))
    y, (kernel,) = apply(lk.layers.Dense(5, use_bias=False), x)
    np.testing.assert_allclose(y, x @ kernel, rtol=1e-12)


def test_max_pool_takes_windows_side_by_side():
    x = RANDOM.normal(size=(2, 5, 4, 3))
    y, _ = apply(lk.layers.MaxPool2D(2), x)
    np.testing.assert_array_equal(y, x[:, :4].reshape(2, 2, 2, 2, 2, 3).max(axis=(2, 4)))


def test_max_pool_same_padding_never_wins():
    x = -1 - RANDOM.random(size=(1, 3, 3, 1))
    y, _ = apply(lk.layers.MaxPooling2D((2, 2), padding="same"), x)
    assert y.shape == (1, 2, 2, 1)
    assert y[0, 1, 1, 0] == x[0, 2, 2, 0]


@pytest.mark.parametrize(("height", "width"), [(32, 32), (29, 31), (28, 28)])
def test_pad_to_size_centres_the_image(height, width):
    x = RANDOM.normal(size=(2, 28, 28, 1))
    y, _ = apply(lk.layers.PadToSize(height, width), x)
    top, left = (height - 28) // 2, (width - 28) // 2
    expected = np.zeros((2, height, width, 1))
    expected[:, top : top + 28, left : left + 28] = x
    np.testing.assert_array_equal(y, expected)


def test_pad_to_size_refuses_to_shrink():
    with pytest.raises(ShapeError, match=r"PadToSize\) cannot make images smaller.*at most 27 high.*28, 28, 1"):
        apply(lk.layers.PadToSize(27, 40), np.zeros((1, 28, 28, 1)))


def test_zero_padding():
    x = RANDOM.normal(size=(2, 3, 3, 1))
    y, _ = apply(lk.layers.ZeroPadding2D(((1, 0), (2, 3))), x)
    np.testing.assert_array_equal(y, np.pad(x, [(0, 0), (1, 0), (2, 3), (0, 0)]))


def test_flatten_keeps_the_order():
    x = RANDOM.normal(size=(2, 3, 4, 5))
    y, _ = apply(lk.layers.Flatten(), x)
    np.testing.assert_array_equal(y, x.reshape(2, 60))


def test_activations():
    x = RANDOM.normal(size=(3, 4))
    np.testing.assert_array_equal(apply(lk.layers.ReLU(), x)[0], np.maximum(x, 0))
    np.testing.assert_array_equal(apply(lk.layers.Activation(lk.square), x)[0], x * x)
    softmax = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(apply(lk.layers.Softmax(), x)[0], softmax, rtol=1e-12)


def test_dropout_only_while_training():
    x = np.ones((100, 100))
    assert np.array_equal(apply(lk.layers.Dropout(0.3), x)[0], x)
    y, _ = apply(lk.layers.Dropout(0.3), x, training=True)
    assert set(np.unique(y).round(12)) == {0, round(1 / 0.7, 12)}
    assert 0.28 < (y == 0).mean() < 0.32  # 4 standard deviations


def test_dropout_draws_a_new_mask_each_run_and_the_same_in_each_session():
    with lk.Graph().as_default():
        y = lk.layers.Dropout(0.5)(lk.ones([64]), training=True)
        runs = []
        for _ in range(2):
            with lk.Session() as session:
                runs.append([session.run(y) for _ in range(3)])
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0][0], runs[0][1])


def test_weights_are_named_after_the_layer():
    with lk.Graph().as_default():
        x = lk.placeholder(lk.float32, [None, 3])
        layers = [lk.layers.Dense(2), lk.layers.Dense(2), lk.layers.Dense(2, name="head")]
        for layer in layers:
            layer(x)
        assert [v.name for layer in layers for v in layer.weights] == [
            "dense/kernel:0", "dense/bias:0", "dense_1/kernel:0", "dense_1/bias:0", "head/kernel:0", "head/bias:0",
        ]  # fmt: skip
        assert lk.global_variables() == [v for layer in layers for v in layer.weights]


def test_two_calls_share_the_weights():
    with lk.Graph().as_default():
        layer = lk.layers.Dense(2)
        a = layer(lk.placeholder(lk.float32, [None, 3]))
        b = layer(lk.placeholder(lk.float32, [None, 3]))
        assert a is not b
        assert len(lk.global_variables()) == 2


def test_pre_activation_is_what_goes_into_the_activation():
    with lk.Graph().as_default(), lk.Session() as session:
        layer = lk.layers.Dense(4, activation="relu")
        y = layer(lk.constant(RANDOM.normal(size=(5, 3)).astype(np.float32)))
        session.run(lk.global_variables_initializer())
        before, after = session.run([layer.pre_activation, y])
    assert layer.output is y
    assert before.min() < 0
    np.testing.assert_array_equal(after, np.maximum(before, 0))


def test_a_layer_not_trained():
    with lk.Graph().as_default():
        layer = lk.layers.Dense(2, trainable=False)
        layer(lk.placeholder(lk.float32, [None, 3]))
        assert layer.trainable_weights == []
        assert lk.trainable_variables() == []
        assert len(layer.weights) == 2


def test_regularization_is_the_regularizers_value():
    with lk.Graph().as_default(), lk.Session() as session:
        layer = lk.layers.Dense(2, kernel_regularizer=lambda w: lk.reduce_sum(lk.abs(w)))
        layer(lk.placeholder(lk.float32, [None, 3]))
        (term,) = layer.regularization()
        session.run(lk.global_variables_initializer())
        kernel = session.read(layer.kernel)
        np.testing.assert_allclose(session.run(term), np.abs(kernel).sum(), rtol=1e-6)


def test_a_layer_of_your_own():
    class Scale(Layer):
        def build(self, input_shape):
            self.factor = self.add_weight("factor", (input_shape[-1],), {"name": "constant", "value": 2.0})

        def call(self, inputs, training=False):
            return inputs * self.factor

    x = RANDOM.normal(size=(2, 3))
    y, (factor,) = apply(Scale(), x)
    np.testing.assert_array_equal(y, 2 * x)
    np.testing.assert_array_equal(factor, [2, 2, 2])


def test_default_names_are_keras_names():
    names = {
        "Dense": "dense",
        "Conv2D": "conv2d",
        "MaxPool2D": "max_pool2d",
        "PadToSize": "pad_to_size",
        "ReLU": "re_lu",
    }
    assert {name: default_name(type(name, (), {})) for name in names} == names


@pytest.mark.parametrize(
    ("make", "shape", "message"),
    [
        (lambda: lk.layers.Conv2D(2, 3), [None, 28, 28], r"'conv2d' \(Conv2D\).*4 dimensions.*\(\?, 28, 28\).*array\["),
        (lambda: lk.layers.MaxPool2D(), [None, 8], r"'max_pool2d' \(MaxPool2D\).*4 dimensions"),
        (lambda: lk.layers.Dense(2), [None, None], r"'dense' \(Dense\) must know the size of its last dimension"),
        (lambda: lk.layers.Dense(2), None, r"'dense' \(Dense\) needs an input of known rank"),
        (lambda: lk.layers.Flatten(), [None, None, 3], r"'flatten' \(Flatten\) must know"),
        (lambda: lk.layers.PadToSize(9, 9), [None, None, 3, 1], r"'pad_to_size' \(PadToSize\) must know"),
    ],
)
def test_wrong_shapes_name_layer_rule_and_shape(make, shape, message):
    with lk.Graph().as_default(), pytest.raises(ShapeError, match=message):
        make()(lk.placeholder(lk.float32, shape))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lk.layers.Dense(0), "positive whole number of units. Received: 0"),
        (lambda: lk.layers.Conv2D(2.5, 3), "positive whole number of filters. Received: 2.5"),
        (lambda: lk.layers.Conv2D(2, 3, padding="full"), 'It is "valid" or "same". Received: \'full\''),
        (lambda: lk.layers.Conv2D(2, (3, 3, 3)), r"kernel_size is one positive int, or two.*\(3, 3, 3\)"),
        (lambda: lk.layers.Input((3,), dtype="bool"), "takes float32 or float64, or int32, int64 or uint8.*dtype=bool"),
        (lambda: lk.layers.Dropout(1.0), "Dropout.s rate.*from 0 on and below 1. Received: 1.0"),
        (lambda: lk.layers.ZeroPadding2D((1, 2, 3)), r"ZeroPadding2D.*\(1, 2, 3\)"),
    ],
)
def test_wrong_settings_are_refused_when_the_layer_is_made(make, message):
    with pytest.raises((InvalidArgumentError, ShapeError), match=message):
        make()


def test_weights_belong_to_one_graph():
    layer = lk.layers.Dense(2)
    with lk.Graph().as_default():
        layer(lk.placeholder(lk.float32, [None, 3]))
    with lk.Graph().as_default(), pytest.raises(GraphError, match=r"'dense' has its weights in another graph"):
        layer(lk.placeholder(lk.float32, [None, 3]))


def test_unknown_activation_lists_near_matches():
    with pytest.raises(lk.errors.UnknownComponentError, match=r"relu"):
        lk.layers.Dense(2, activation="rellu")
