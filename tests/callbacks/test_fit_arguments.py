"""fit's own arguments: parts of a training, validation, data and verbosity; the history it returns."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import FeedError, InvalidArgumentError


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize("batch_size", [8, 16])
def test_a_fit_in_two_parts_has_the_bits_of_one(make, data, batch_size):
    whole, parts = make(), make()
    a = whole.fit(*data, batch_size=batch_size, epochs=5, verbose=0)
    b = parts.fit(*data, batch_size=batch_size, epochs=2, verbose=0)
    c = parts.fit(*data, batch_size=batch_size, epochs=5, initial_epoch=2, verbose=0)
    assert a.history["loss"] == b.history["loss"] + c.history["loss"]
    assert c.epoch == [2, 3, 4]
    assert same(whole.session.state(), parts.session.state())


@pytest.mark.parametrize("epoch", [-1, 5, 1.0, True])
def test_an_initial_epoch_that_makes_no_sense(make, data, epoch):
    with pytest.raises(InvalidArgumentError, match="initial_epoch is a whole number"):
        make().fit(*data, epochs=5, initial_epoch=epoch, verbose=0)


@pytest.mark.parametrize(("freq", "validated"), [(2, [1, 3]), (1, [0, 1, 2, 3, 4]), ([1, 5], [0, 4])])
def test_validation_of_some_epochs(make, data, freq, validated):
    history = make().fit(*data, epochs=5, validation_data=data, validation_freq=freq, verbose=0)
    assert len(history.history["val_loss"]) == len(validated)
    frame = history.frame()
    assert list(frame.index[frame["val_loss"].notna()]) == validated
    assert list(frame["val_loss"].dropna()) == history.history["val_loss"]
    assert len(frame) == 5


def test_validation_data_with_weights(make, data):
    weights = np.linspace(0, 2, 40)
    model = make()
    history = model.fit(*data, verbose=0, validation_data=(*data, weights))
    assert history.history["val_loss"][0] == model.evaluate(*data, sample_weight=weights)[0]
    assert history.history["val_loss"][0] != model.evaluate(*data)[0]


@pytest.mark.parametrize("freq", [0, [0], 1.5, "x", True])
def test_a_validation_freq_that_makes_no_sense(make, data, freq):
    with pytest.raises(InvalidArgumentError, match=r"validation_freq must be a whole number above 0"):
        make().fit(*data, validation_data=data, validation_freq=freq, verbose=0)


@pytest.mark.parametrize("where", ["x", "y", "validation"])
def test_nan_in_data_is_refused(make, data, where):
    x, y = (array.copy() for array in data)
    (y if where == "y" else x)[7] = np.nan
    model = make()
    fits = {"validation_data": (x, y)} if where == "validation" else {}
    given = data if fits else (x, y)
    with pytest.raises(FeedError, match=rf"{where}.* holds NaN.*example 7 of 40.*nan_to_num"):
        model.fit(*given, verbose=0, **fits)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), make().get_weights(), strict=True))


def test_nan_in_data_too_large_to_look_at_first(make, data, monkeypatch):
    monkeypatch.setattr("labkit.models.arrays.LARGE", 10)
    x = data[0].copy()
    x[39, 1] = np.nan
    with pytest.raises(FeedError, match=r"x holds NaN.*example 39 of 40"):
        make().fit(x, data[1], batch_size=8, epochs=3, verbose=0)


@pytest.mark.parametrize("verbose", [3, -1, "loud", None])
def test_a_verbosity_that_makes_no_sense(make, data, verbose):
    with pytest.raises(InvalidArgumentError, match="verbose is 0 for nothing"):
        make().fit(*data, verbose=verbose)


def test_history_holds_what_callbacks_add_and_the_params(make, data):
    def add(epoch, logs):
        logs["twice"] = 2 * logs["loss"]

    model = make()
    history = model.fit(*data, epochs=3, verbose=0, callbacks=[lk.callbacks.LambdaCallback(on_epoch_end=add)])
    assert history.history["twice"] == [2 * loss for loss in history.history["loss"]]
    assert history.params["epochs"] == 3
    assert model.history is history
    assert "3 epochs" in repr(history)


def test_a_history_of_the_users_is_the_one_returned(make, data):
    mine = lk.callbacks.History()
    assert make().fit(*data, epochs=2, verbose=0, callbacks=[mine]) is mine
    assert mine.epoch == [0, 1]


def test_values_that_are_arrays(data, tmp_path):
    x, y = data[0], (data[1][:, 0] > 0).astype(int)
    model = lk.Sequential([lk.layers.Dense(2, "softmax", input_shape=(3,))])
    matrix = {"name": "ConfusionMatrix", "num_classes": 2}
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy", matrix])
    table, stop = lk.callbacks.CSVLogger(tmp_path / "x.csv"), lk.callbacks.EarlyStopping("val_accuracy", patience=9)
    board = lk.callbacks.TensorBoard(tmp_path)
    history = model.fit(x, y, epochs=2, validation_data=(x, y), verbose=2, callbacks=[table, stop, board])
    assert history.history["confusion_matrix"][0].sum() == 64  # a second batch goes on with the next epoch's order
    assert history.history["val_confusion_matrix"][-1].sum() == 40
    assert list(history.frame()["accuracy"]) == history.history["accuracy"]
    assert (tmp_path / "x.csv").read_text().count("]]") == 4
    watch = lk.callbacks.EarlyStopping("confusion_matrix", mode="max")
    with pytest.raises(InvalidArgumentError, match=r"What is watched is one number.*shape \(2, 2\)"):
        model.fit(x, y, verbose=0, callbacks=[watch])


def test_a_metric_of_all_examples_can_be_watched(data):
    x, y = data[0], (data[1][:, 0] > 0).astype(int)
    model = lk.Sequential([lk.layers.Dense(1, "sigmoid", input_shape=(3,))])
    model.compile(lk.optimizers.SGD(0.0), "binary_crossentropy", metrics=["auc"])
    stop = lk.callbacks.EarlyStopping("val_auc", patience=2)
    history = model.fit(x, y, epochs=9, validation_data=(x, y), verbose=0, callbacks=[stop])
    assert history.epoch == [0, 1, 2]
    assert stop.best == history.history["val_auc"][0]
