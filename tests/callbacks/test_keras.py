"""The decisions of callbacks are Keras's, where it is installed (with TensorFlow), on scripted values."""

from types import SimpleNamespace

import numpy as np
import pytest

import labkit as lk

keras = pytest.importorskip("keras")


class Stage:
    """What callbacks of both libraries need of a model."""

    def __init__(self, optimizer):
        self.stop_training, self.optimizer, self.weights, self.saved = False, optimizer, None, []

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights

    def save_weights(self, path, overwrite=True):
        self.saved.append(self.weights)


def values(random, epochs=25):
    """A curve that falls, with noise and plateaus of equal values. Keras compares float32: differences of values are no
    min_delta of the tests below, to a rounding."""
    curve = np.exp(-np.arange(epochs) / random.uniform(2, 20)) + random.normal(scale=0.05, size=epochs)
    return [float(v) for v in np.round(curve, random.integers(1, 4))]


def play(callback, stage, curve):
    """The course of a training: (epochs run, learning rate after each, weights at the end)."""
    callback.set_params({"metrics": ["val_loss"]})
    callback.set_model(stage)
    if isinstance(callback, lk.callbacks.Callback):
        callback.reset()
    callback.on_train_begin({})
    rates = []
    for epoch, value in enumerate(curve):
        stage.weights = epoch
        callback.on_epoch_begin(epoch, {})
        callback.on_epoch_end(epoch, {"val_loss": value})
        rates.append(stage.optimizer.learning_rate)
        if stage.stop_training:
            break
    callback.on_train_end({})
    return len(rates), rates, stage.weights, stage.saved


def both(name, settings, curve, ours=None):
    rate = 0.5
    theirs = play(getattr(keras.callbacks, name)(**settings), Stage(SimpleNamespace(learning_rate=rate)), curve)
    found = play(getattr(lk.callbacks, name)(**(ours or settings)), Stage(lk.optimizers.SGD(rate)), curve)
    return found, theirs


def some(random, **choices):
    return {name: choice[random.integers(len(choice))] for name, choice in choices.items()}


@pytest.fixture
def random(request):
    """Numbers of this case's own."""
    return np.random.default_rng(list(request.node.name.encode()))


@pytest.mark.parametrize("case", range(60))
def test_early_stopping(case, random):
    settings = some(
        random, patience=[0, 1, 2, 3, 5], min_delta=[0.0, 0.01234, 0.1234, -0.1234], baseline=[None, None, 0.5, 0.1],
        mode=["auto", "min", "max"], restore_best_weights=[True, False], start_from_epoch=[0, 0, 3],
    )  # fmt: skip
    found, theirs = both("EarlyStopping", settings, values(random))
    assert found == theirs, settings


@pytest.mark.parametrize("case", range(60))
def test_reduce_lr_on_plateau(case, random):
    settings = some(
        random, patience=[1, 2, 3], min_delta=[1.234e-4, 0.0, 0.05678], mode=["auto", "min", "max"], cooldown=[0, 1, 2, 4],
        factor=[0.1, 0.5, 0.3], min_lr=[0.0, 0.01, 0.2],
    )  # fmt: skip
    found, theirs = both("ReduceLROnPlateau", settings, values(random))
    np.testing.assert_allclose(found[1], theirs[1], rtol=1e-12, err_msg=str(settings))


@pytest.mark.parametrize("case", range(20))
def test_model_checkpoint(case, random, tmp_path):
    settings = some(
        random, mode=["auto", "min", "max"], save_best_only=[True, False], initial_value_threshold=[None, 0.5]
    )
    settings |= {"filepath": str(tmp_path / "x.weights.h5"), "save_weights_only": True}
    found, theirs = both("ModelCheckpoint", settings, values(random))
    assert found == theirs, settings


def test_learning_rate_scheduler():
    def schedule(epoch, rate):
        return rate * 0.9 if epoch else 0.3

    found, theirs = both("LearningRateScheduler", {"schedule": schedule}, [0.5] * 6)
    assert found[1] == theirs[1]


@pytest.mark.parametrize(
    "name",
    ["CSVLogger", "EarlyStopping", "LambdaCallback", "LearningRateScheduler", "ModelCheckpoint", "ReduceLROnPlateau",
     "TerminateOnNaN"],
)  # fmt: skip
def test_the_arguments_are_keras_s_in_its_order(name):
    import inspect

    theirs = [p for p in inspect.signature(getattr(keras.callbacks, name)).parameters if p != "kwargs"]
    ours = list(inspect.signature(getattr(lk.callbacks, name)).parameters)
    assert ours[: len(theirs)] == theirs
