"""EarlyStopping and ReduceLROnPlateau: what they decide on scripted values."""

import math

import numpy as np
import pytest

import labkit as lk
from labkit.errors import InvalidArgumentError

EarlyStopping, ReduceLROnPlateau = lk.callbacks.EarlyStopping, lk.callbacks.ReduceLROnPlateau
NAN = math.nan


@pytest.mark.parametrize(
    ("settings", "values", "stopped"),
    [
        ({}, [3, 2, 2, 1], 2),
        ({"patience": 1}, [3, 2, 2, 1], 2),
        ({"patience": 2}, [3, 2, 2, 1, 1, 1, 1], 5),
        ({"patience": 3}, [3, 2, 2, 1, 1], 0),
        ({"patience": 2, "min_delta": 0.5}, [3, 2.6, 2.6, 2.6], 2),
        ({"patience": 2, "min_delta": -0.5}, [3, 2.4, 2.0, 2.4], 3),
        ({"mode": "max"}, [1, 2, 2], 2),
        ({"mode": "max", "patience": 2}, [1, 2, 3, 1, 2, 3], 4),
        ({"patience": 2, "baseline": 1.0}, [3, 2, 1.5, 1.4, 1.4], 4),
        ({"patience": 2, "baseline": 2.5}, [3, 2, 2.2, 2.3], 3),
        ({"patience": 1, "start_from_epoch": 3}, [3, 4, 5, 6, 7], 4),
        ({"patience": 2}, [NAN, NAN, NAN], 1),
        ({"patience": 2}, [NAN, 3, 2, NAN, NAN], 4),
        ({"patience": 2}, [3, None, 4, None, 4], 4),  # epochs without validation do not count
        ({}, [1.0], 0),  # one epoch says nothing
    ],
)
def test_when_training_is_stopped(scripted, settings, values, stopped):
    callback = EarlyStopping(**settings)
    model = scripted(callback, values)
    assert callback.stopped_epoch == stopped
    assert model.stop_training == (stopped > 0)


@pytest.mark.parametrize(
    ("values", "best"), [([3, 1, 2, 2], 1), ([1, 2, 3], 0), ([3, 2, 1], 2), ([NAN, NAN, NAN], 1), ([NAN, 2, 3, 3], 1)]
)
def test_the_best_weights_come_back(scripted, values, best):
    callback = EarlyStopping(patience=2, restore_best_weights=True)
    model = scripted(callback, values)
    assert model.weights[0][0] == callback.best_epoch == best


def test_the_best_weights_are_the_same_bits(make, data):
    class Keep(lk.callbacks.Callback):
        weights = ()

        def on_epoch_end(self, epoch, logs):
            self.weights += (self.model.get_weights(),)

    keep, model = Keep(), make(lk.optimizers.SGD(0.5))
    stop = EarlyStopping(patience=3, restore_best_weights=True)
    history = model.fit(*data, epochs=60, validation_data=data, verbose=0, callbacks=[keep, stop])
    best = int(np.argmin(history.history["val_loss"]))
    assert stop.best == history.history["val_loss"][best]
    assert stop.stopped_epoch == best + 3 == history.epoch[-1] < 59
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), keep.weights[best], strict=True))
    assert model.evaluate(*data)[0] == stop.best


def test_what_early_stopping_prints(scripted, capsys):
    scripted(EarlyStopping(verbose=1, restore_best_weights=True), [1, 2])
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 2: val_loss has not improved since epoch 1",
        "The weights are those of epoch 1, the best one",
    ]


@pytest.mark.parametrize(
    ("settings", "values", "rates"),
    [
        ({"patience": 2}, [3, 3, 3, 3, 3], [1, 1, 0.1, 0.1, 0.01]),
        ({"patience": 2, "factor": 0.5}, [3, 3, 2, 2, 2], [1, 1, 1, 1, 0.5]),
        ({"patience": 1, "min_lr": 0.05}, [3, 3, 3, 3], [1, 0.1, 0.05, 0.05]),
        ({"patience": 1, "cooldown": 2}, [3, 3, 3, 3, 3, 3], [1, 0.1, 0.1, 0.01, 0.01, 0.001]),
        ({"patience": 2, "cooldown": 1}, [3, 3, 3, 3, 3, 3], [1, 1, 0.1, 0.1, 0.01, 0.01]),
        ({"patience": 1}, [3, 2.99995, 2.9], [1, 0.1, 0.1]),
        ({"patience": 1, "min_delta": 0.0}, [3, 2.99995, 2.9], [1, 1, 1]),
        ({"patience": 1, "mode": "max"}, [1, 2, 2], [1, 1, 0.1]),
        ({"patience": 1}, [3, NAN, 2], [1, 0.1, 0.1]),
        ({"patience": 1}, [3, None, 3, None], [1, 1, 0.1, 0.1]),
    ],
)
def test_when_the_learning_rate_falls(scripted, settings, values, rates):
    from tests.callbacks.conftest import Scripted

    seen = []
    model = Scripted(1.0)
    callback = ReduceLROnPlateau(**settings)
    original = callback.on_epoch_end
    callback.on_epoch_end = lambda epoch, logs: (original(epoch, logs), seen.append(model.optimizer.learning_rate))
    scripted(callback, values, model=model)
    np.testing.assert_allclose(seen, rates, rtol=1e-12)


def test_a_reduced_rate_is_the_one_that_trains_and_is_logged(make, data):
    x, y = data
    model, reference = make(lk.optimizers.SGD(0.1)), make(lk.optimizers.SGD(0.1))
    reduce = ReduceLROnPlateau(monitor="loss", min_delta=100.0, patience=2, factor=0.5)
    history = model.fit(x, y, epochs=4, batch_size=40, verbose=0, callbacks=[reduce])
    assert history.history["learning_rate"] == [0.1, 0.1, 0.1, 0.05]
    reference.fit(x, y, epochs=3, batch_size=40, verbose=0)
    reference.optimizer.learning_rate = 0.05
    reference.fit(x, y, epochs=4, initial_epoch=3, batch_size=40, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), reference.get_weights(), strict=True))


def test_an_interrupted_fit_goes_on_to_the_same_bits_and_decisions(make, data):
    def callbacks():
        return [
            ReduceLROnPlateau(monitor="loss", min_delta=0.15, patience=2, factor=0.3, cooldown=1),
            EarlyStopping("loss", min_delta=0.05, patience=9, restore_best_weights=True),
        ]

    def interrupt(epoch, logs):
        if epoch == 8:
            raise KeyboardInterrupt

    whole, first, second = make(), make(), make()
    before, after = callbacks(), callbacks()
    expected = whole.fit(*data, epochs=30, batch_size=16, verbose=0, callbacks=callbacks())
    ending = lk.callbacks.LambdaCallback(on_epoch_begin=interrupt)
    with pytest.raises(KeyboardInterrupt):
        first.fit(*data, epochs=30, batch_size=16, verbose=0, callbacks=[*before, ending])
    second.training_arrays(*data)
    second.training_program()
    second.session.restore_state(first.session.state())
    for callback, other in zip(after, before, strict=True):
        callback.restore(other.state())
    found = second.fit(*data, epochs=30, initial_epoch=8, batch_size=16, verbose=0, callbacks=after)
    assert 10 < len(expected.epoch) < 30
    assert expected.history["loss"][8:] == found.history["loss"]
    assert expected.history["learning_rate"][8:] == found.history["learning_rate"]
    rates = expected.history["learning_rate"]
    assert rates[0] > rates[8] > rates[-1]
    assert all(np.array_equal(u, v) for u, v in zip(whole.get_weights(), second.get_weights(), strict=True))


@pytest.mark.parametrize(
    ("monitor", "message"),
    [
        ("val_loss", r"val_loss.*values of an epoch are loss, mae.*validation_data"),
        ("los", r"'los'.*Did you mean 'loss'"),
        ("speed", r"'speed'.*compile\(metrics="),
    ],
)
@pytest.mark.parametrize("kind", [EarlyStopping, ReduceLROnPlateau])
def test_an_unknown_value_is_refused_at_the_end_of_the_first_epoch(make, data, kind, monitor, message):
    model = make()
    with pytest.raises(InvalidArgumentError, match=message):
        model.fit(*data, epochs=3, verbose=0, callbacks=[kind(monitor=monitor)])
    assert model.history.epoch == []


@pytest.mark.parametrize(
    ("name", "direction"),
    [("loss", "min"), ("val_accuracy", "max"), ("mse", "min"), ("val_top_k_categorical_accuracy", "max"), ("auc", "max"),
     ("mean_absolute_error", "min"), ("f1_score", "max"), ("val_binary_crossentropy", "min"), ("r2_score", "max"),
     ("false_positives", "min"), ("precision", "max")],
)  # fmt: skip
def test_the_direction_goes_by_the_name(scripted, name, direction):
    rising = scripted(EarlyStopping(monitor=name, patience=1), [1, 2, 3], monitor=name)
    falling = scripted(EarlyStopping(monitor=name, patience=1), [3, 2, 1], monitor=name)
    assert (rising.stop_training, falling.stop_training) == ((True, False) if direction == "min" else (False, True))


def test_the_direction_of_the_metric_itself_comes_first(scripted):
    from tests.callbacks.conftest import Scripted

    class Speed:
        direction = "max"

    model = Scripted()
    model.metrics = {"speed_error": Speed()}
    scripted(EarlyStopping(monitor="val_speed_error"), [1, 2, 3], monitor="val_speed_error", model=model)
    assert not model.stop_training


def test_a_name_that_tells_no_direction(scripted):
    with pytest.raises(InvalidArgumentError, match=r"'speed' should rise or fall.*mode='min' or mode='max'"):
        scripted(EarlyStopping(monitor="speed"), [1, 2], monitor="speed")


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (EarlyStopping, {"mode": "up"}),
        (EarlyStopping, {"patience": -1}),
        (EarlyStopping, {"patience": 1.5}),
        (EarlyStopping, {"min_delta": NAN}),
        (EarlyStopping, {"baseline": "x"}),
        (EarlyStopping, {"start_from_epoch": True}),
        (ReduceLROnPlateau, {"factor": 1.0}),
        (ReduceLROnPlateau, {"factor": 0.0}),
        (ReduceLROnPlateau, {"cooldown": -1}),
        (ReduceLROnPlateau, {"min_lr": -0.1}),
    ],
)
def test_settings_that_make_no_sense(kind, settings):
    with pytest.raises(InvalidArgumentError, match=next(iter(settings))):
        kind(**settings)


def test_a_schedule_is_not_overruled(make, data):
    model = make(lk.optimizers.SGD(lk.schedules.ExponentialDecay(0.1, 10, 0.9)))
    with pytest.raises(
        InvalidArgumentError, match=r"ReduceLROnPlateau cannot set the learning rate of SGD.*ExponentialDecay"
    ):
        model.fit(*data, verbose=0, callbacks=[ReduceLROnPlateau("loss")])
