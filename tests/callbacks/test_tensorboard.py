"""TensorBoard: what stands in its event files."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import InvalidArgumentError

TensorBoard = lk.callbacks.TensorBoard


def events(folder):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    reader = accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0, "histograms": 0})
    reader.Reload()
    return reader


def scalars(folder, tag):
    return {event.step: event.value for event in events(folder).Scalars(tag)}


def test_what_tensorboard_shows(make, data, tmp_path):
    model = make()
    board = TensorBoard(tmp_path, histogram_freq=2)
    history = model.fit(*data, epochs=4, batch_size=16, validation_data=data, verbose=0, callbacks=[board])
    train, validation = events(tmp_path / "train"), events(tmp_path / "validation")
    assert sorted(train.Tags()["scalars"]) == ["epoch_learning_rate", "epoch_loss", "epoch_mae"]
    assert sorted(validation.Tags()["scalars"]) == ["epoch_loss", "epoch_mae"]
    assert scalars(tmp_path / "train", "epoch_loss") == pytest.approx(
        dict(enumerate(history.history["loss"])), rel=1e-6
    )
    found = scalars(tmp_path / "validation", "epoch_mae")
    assert found == pytest.approx(dict(enumerate(history.history["val_mae"])), rel=1e-6)
    assert set(scalars(tmp_path / "train", "epoch_learning_rate").values()) == {np.float32(0.01)}
    names = [f"weights/{variable.op.name}" for variable in model.weights]
    assert sorted(train.Tags()["histograms"]) == sorted(names)
    assert [event.step for event in train.Histograms(names[0])] == [1, 3]
    assert train.Histograms(names[0])[-1].histogram_value.num == 24
    assert any(node.name == "dense/kernel" for node in train.Graph().node)


@pytest.mark.parametrize(("update", "steps"), [("batch", range(10)), (4, [0, 4, 8])])
def test_scalars_of_steps(make, data, tmp_path, update, steps):
    losses = []
    look = lk.callbacks.LambdaCallback(on_train_stretch_end=lambda batch, logs, series: losses.extend(series["loss"]))
    board = TensorBoard(tmp_path, write_graph=False, update_freq=update)
    make().fit(*data, epochs=2, batch_size=8, verbose=0, callbacks=[look, board])
    found = scalars(tmp_path / "train", "batch_loss")
    assert found == pytest.approx({step: losses[step] for step in steps}, rel=1e-6)
    assert not events(tmp_path / "train").Tags()["graph"]


def test_a_schedules_rate_is_shown(make, data, tmp_path):
    rate = lk.schedules.ExponentialDecay(0.1, 5, 0.5, staircase=True)
    board = TensorBoard(tmp_path, write_graph=False)
    make(lk.optimizers.SGD(rate)).fit(*data, epochs=2, batch_size=8, verbose=0, callbacks=[board])
    assert scalars(tmp_path / "train", "epoch_learning_rate") == pytest.approx({0: 0.05, 1: 0.025})


def test_a_resumed_fit_replaces_what_came_after(make, data, tmp_path):
    model = make()
    model.fit(*data, epochs=4, verbose=0, callbacks=[TensorBoard(tmp_path)])
    again = make()
    again.fit(*data, epochs=2, verbose=0)
    history = again.fit(*data, epochs=3, initial_epoch=2, verbose=0, callbacks=[TensorBoard(tmp_path)])
    found = scalars(tmp_path / "train", "epoch_loss")
    assert sorted(found) == [0, 1, 2]
    assert found[2] == pytest.approx(history.history["loss"][0], rel=1e-6)


@pytest.mark.parametrize("settings", [{"histogram_freq": -1}, {"update_freq": 0}, {"update_freq": "step"}])
def test_board_settings_that_make_no_sense(tmp_path, settings):
    with pytest.raises(InvalidArgumentError, match=next(iter(settings))):
        TensorBoard(tmp_path, **settings)
