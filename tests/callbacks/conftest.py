"""A small model, and callbacks driven by scripted values."""

import numpy as np
import pytest

import labkit as lk

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(40, 3))
Y = X @ [[1.0], [-2.0], [0.5]] + 0.1 * RANDOM.normal(size=(40, 1))


def network(optimizer=None, dropout=0.3, **settings):
    """Two dense layers with Dropout, mean squared error; the metric "mae" is one."""
    layers = [
        lk.layers.Input((3,), dtype="float64"),
        lk.layers.Dense(8, "tanh"),
        lk.layers.Dropout(dropout),
        lk.layers.Dense(1),
    ]
    model = lk.Sequential(layers, **settings)

    def mae(y_true, y_pred):
        return lk.reduce_mean(lk.abs(y_true - y_pred), axis=-1)

    model.compile(optimizer or lk.optimizers.Adam(0.01), "mse", metrics=[mae])
    return model


class Scripted:
    """What a callback needs of a model, without one."""

    def __init__(self, rate=0.1):
        self.stop_training, self.weights, self.metrics = False, [np.zeros(2)], {}
        self.optimizer = lk.optimizers.SGD(rate)

    def get_weights(self):
        return [w.copy() for w in self.weights]

    def set_weights(self, weights):
        self.weights = weights


def play(callback, values, monitor="val_loss", model=None):
    """Lets a callback see one value after the other, as epochs; the model."""
    model = model or Scripted()
    callback.set_model(model)
    callback.set_params({"metrics": ["loss", monitor], "epochs": len(values)})
    callback.reset()
    callback.on_train_begin({})
    for epoch, value in enumerate(values):
        model.weights = [np.full(2, float(epoch))]
        callback.on_epoch_begin(epoch, {})
        callback.on_epoch_end(epoch, {"loss": 1.0} | ({} if value is None else {monitor: value}))
        if model.stop_training:
            break
    callback.on_train_end({})
    return model


@pytest.fixture
def data():
    return X, Y


@pytest.fixture
def make():
    return network


@pytest.fixture
def scripted():
    return play
