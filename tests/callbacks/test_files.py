"""ModelCheckpoint and CSVLogger: what stands in their files; TerminateOnNaN."""

import csv
import errno
import math
import os
from pathlib import Path

import numpy as np
import pytest

import labkit as lk
from labkit.errors import CheckpointError, DataError, DivergedError, InvalidArgumentError

CSVLogger, ModelCheckpoint = lk.callbacks.CSVLogger, lk.callbacks.ModelCheckpoint


def bits(model):
    return [value.tobytes() for value in model.get_weights()]


def prefixes(folder):
    return sorted(str(path.relative_to(folder))[: -len(".index")] for path in Path(folder).rglob("*.index"))


# ModelCheckpoint


def test_weights_of_every_epoch(make, data, tmp_path):
    kept = []
    keep = lk.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(bits(model)))
    model = make()
    save = ModelCheckpoint(tmp_path / "deep" / "{epoch:02d}-{val_loss:.3f}", save_weights_only=True)
    history = model.fit(*data, epochs=3, validation_data=data, verbose=0, callbacks=[save, keep])
    names = [f"deep/{i + 1:02d}-{loss:.3f}" for i, loss in enumerate(history.history["val_loss"])]
    assert prefixes(tmp_path) == names
    assert save.latest == str(tmp_path / names[-1])
    for name, expected in zip(names, kept, strict=True):
        other = make()
        other.load_weights(str(tmp_path / name))
        assert bits(other) == expected


def test_a_whole_model_goes_on_with_the_same_bits(data, tmp_path):
    def make():
        layers = [lk.layers.Dense(8, "tanh", input_shape=(3,)), lk.layers.Dropout(0.2), lk.layers.Dense(1)]
        model = lk.Sequential(layers)
        model.compile(lk.optimizers.Adam(0.03), "mse")
        return model

    def reduce():
        return lk.callbacks.ReduceLROnPlateau("loss", min_delta=100.0, patience=1, factor=0.7)

    whole, first = make(), make()
    expected = whole.fit(*data, epochs=6, batch_size=16, verbose=0, callbacks=[reduce()])
    before, after = reduce(), reduce()
    first.fit(*data, epochs=3, batch_size=16, verbose=0, callbacks=[before, ModelCheckpoint(tmp_path / "{epoch}")])
    loaded = lk.load_model(str(tmp_path / "3"))
    assert loaded.optimizer.learning_rate == first.optimizer.learning_rate < 0.03
    after.restore(before.state())
    found = loaded.fit(*data, epochs=6, initial_epoch=3, batch_size=16, verbose=0, callbacks=[after])
    assert found.history["loss"] == expected.history["loss"][3:]
    assert found.history["learning_rate"] == expected.history["learning_rate"][3:]
    assert bits(loaded) == bits(whole)


@pytest.mark.parametrize(
    ("settings", "values", "saved"),
    [
        ({}, [3, 2, 2.5, 1, 1], [1, 2, 4]),
        ({"mode": "max"}, [3, 2, 2.5, 4, 4], [1, 4]),
        ({"initial_value_threshold": 2.2}, [3, 2, 2.1, 1], [2, 4]),
        ({}, [3, None, 2, math.nan, 1], [1, 3, 5]),
        ({"save_best_only": False}, [3, None, 2, math.nan], [1, 2, 3, 4]),
    ],
)
def test_which_epochs_are_saved(scripted, tmp_path, settings, values, saved):
    from tests.callbacks.conftest import Scripted

    model, seen = Scripted(), []
    model.save_weights = seen.append
    given = {"save_weights_only": True, "save_best_only": True, **settings}
    scripted(ModelCheckpoint(tmp_path / "{epoch}", **given), values, model=model)
    assert [int(Path(path).name) for path in seen] == saved


def test_saving_every_so_many_steps(make, data, tmp_path):
    save = ModelCheckpoint(tmp_path / "{epoch}-{batch}", save_weights_only=True, save_freq=3)
    make().fit(*data, batch_size=8, epochs=2, verbose=0, callbacks=[save])  # 5 steps an epoch
    assert prefixes(tmp_path) == ["1-3", "2-1", "2-4"]


def test_steps_cannot_be_judged_by_what_an_epoch_gives(make, data, tmp_path):
    save = ModelCheckpoint(tmp_path / "x", save_freq=2, save_best_only=True, save_weights_only=True)
    with pytest.raises(InvalidArgumentError, match=r"best steps by 'val_loss'.*values of a step are loss, mae"):
        make().fit(*data, batch_size=8, validation_data=data, verbose=0, callbacks=[save])


def test_the_best_epoch_replaces_the_one_before(make, data, tmp_path, capsys):
    save = ModelCheckpoint(tmp_path / "best", save_weights_only=True, save_best_only=True, verbose=1)
    stop = lk.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    model = make(lk.optimizers.SGD(0.5))
    model.fit(*data, epochs=40, validation_data=data, verbose=0, callbacks=[save, stop])
    other = make()
    other.load_weights(str(tmp_path / "best"))
    assert bits(other) == bits(model)
    assert prefixes(tmp_path) == ["best"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Epoch 1: val_loss improved to ")
    assert lines[1].startswith("Epoch 2: val_loss improved from ")
    assert lines[1].endswith(f"saved to {tmp_path / 'best'}")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("{val_loss}", r"fields are loss, mae, epoch.*KeyError: 'val_loss'"),
        ("{}", "IndexError"),
        ("{epoch:z}", "ValueError"),
    ],
)
def test_a_path_that_cannot_be_made(make, data, tmp_path, path, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make().fit(*data, verbose=0, callbacks=[ModelCheckpoint(tmp_path / path, save_weights_only=True)])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"save_freq": 0}, "save_freq"),
        ({"save_freq": "batch"}, "save_freq"),
        ({"initial_value_threshold": "x"}, "initial_value_threshold"),
    ],
)
def test_checkpoint_settings_that_make_no_sense(settings, message):
    with pytest.raises(InvalidArgumentError, match=message):
        ModelCheckpoint("x", **settings)


def test_a_failed_save_ends_the_fit_and_keeps_what_was_saved(make, data, tmp_path, monkeypatch):
    model = make()
    save = ModelCheckpoint(tmp_path / "w", save_weights_only=True)
    model.fit(*data, epochs=1, verbose=0, callbacks=[save])
    expected = bits(model)

    def full(*args):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr("labkit.io.files.os.write", full)
    with pytest.raises(CheckpointError, match="no space"):
        model.fit(*data, epochs=2, verbose=0, callbacks=[save])
    monkeypatch.undo()
    other = make()
    other.load_weights(str(tmp_path / "w"))
    assert bits(other) == expected


# CSVLogger


def test_a_table_of_the_epochs(make, data, tmp_path):
    path = tmp_path / "deep" / "log.csv"
    reduce = lk.callbacks.ReduceLROnPlateau("loss")
    history = make().fit(*data, epochs=4, validation_data=data, validation_freq=2, verbose=0,
                         callbacks=[reduce, CSVLogger(path)])  # fmt: skip
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["epoch", "loss", "mae", "val_loss", "val_mae", "learning_rate"]
    for name in ("loss", "mae", "learning_rate"):
        assert [float(row[name]) for row in rows] == history.history[name]  # all digits
    assert [row["val_mae"] for row in rows[::2]] == ["NA", "NA"]
    assert [float(row["val_mae"]) for row in rows[1::2]] == history.history["val_mae"]


def test_going_on_in_a_table(make, data, tmp_path):
    whole, parts = tmp_path / "whole.csv", tmp_path / "parts.csv"
    make().fit(*data, epochs=4, verbose=0, callbacks=[CSVLogger(whole, separator=";")])
    model = make()
    model.fit(*data, epochs=2, verbose=0, callbacks=[CSVLogger(parts, separator=";")])
    with open(parts, "a") as file:
        file.write("2;0.1")  # a writer that was killed
    model.fit(*data, epochs=4, initial_epoch=2, verbose=0, callbacks=[CSVLogger(parts, separator=";", append=True)])
    assert parts.read_text() == whole.read_text()
    assert parts.read_text().startswith("epoch;loss;mae\n0;")


def test_without_append_a_table_begins_afresh(make, data, tmp_path):
    path = tmp_path / "log.csv"
    logger = CSVLogger(path)
    for _ in range(2):
        make().fit(*data, epochs=2, verbose=0, callbacks=[logger])
    assert len(path.read_text().splitlines()) == 3


def test_a_table_with_other_columns_is_not_touched(make, data, tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("epoch,speed\n0,1\n")
    with pytest.raises(DataError, match=r"columns epoch,loss,mae.*Received: epoch,speed.*append=False"):
        make().fit(*data, verbose=0, callbacks=[CSVLogger(path, append=True)])
    assert path.read_text() == "epoch,speed\n0,1\n"


def test_lines_are_whole_at_any_time(make, data, tmp_path):
    path, seen = tmp_path / "log.csv", []
    look = lk.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(path.read_text()))
    make().fit(*data, epochs=3, verbose=0, callbacks=[CSVLogger(path), look])
    assert [text.count("\n") for text in seen] == [2, 3, 4]
    assert all(text.endswith("\n") for text in seen)


def test_a_disk_that_is_full_for_a_while_costs_a_warning(make, data, tmp_path, monkeypatch):
    path = tmp_path / "log.csv"
    write = os.write
    epochs = []

    def sometimes(fd, data):
        if len(epochs) in (1, 2):
            write(fd, bytes(data)[:5])  # a part, then nothing more
            raise OSError(errno.ENOSPC, "no space")
        return write(fd, data)

    monkeypatch.setattr("labkit.io.files.os.write", sometimes)
    count = lk.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(epoch))
    with pytest.warns(RuntimeWarning, match=r"log\.csv is not complete.*no space") as caught:
        make().fit(*data, epochs=5, verbose=0, callbacks=[CSVLogger(path), count])
    assert len(caught) == 1
    with open(path, newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1", "2", "3", "4"]


def test_a_folder_that_cannot_be_written_costs_a_warning(make, data, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.warns(RuntimeWarning, match="is not complete"):
        history = make().fit(*data, epochs=2, verbose=0, callbacks=[CSVLogger(tmp_path / "file" / "log.csv")])
    assert len(history.epoch) == 2


def test_a_column_that_comes_late_is_told(make, data, tmp_path):
    def late(epoch, logs):
        if epoch:
            logs["late"] = 1.0

    with pytest.warns(RuntimeWarning, match="no column for late"):
        make().fit(*data, epochs=2, verbose=0,
                   callbacks=[lk.callbacks.LambdaCallback(on_epoch_end=late), CSVLogger(tmp_path / "x.csv")])  # fmt: skip


@pytest.mark.parametrize("separator", ["", "ab", "\n", 3])
def test_a_separator_is_one_character(separator):
    with pytest.raises(InvalidArgumentError, match="separator"):
        CSVLogger("x", separator=separator)


# TerminateOnNaN


def test_terminate_on_nan(data, capsys):
    model = lk.Sequential([lk.layers.Dense(1, input_shape=(3,))])
    model.compile(lk.optimizers.SGD(1e6), "mse")
    end = lk.callbacks.TerminateOnNaN()
    with pytest.warns(RuntimeWarning, match="training diverged"):
        history = model.fit(*data, batch_size=8, epochs=50, verbose=0, callbacks=[end])
    assert len(history.epoch) < 50
    assert not np.isfinite(history.history["loss"][-1])
    assert capsys.readouterr().out.startswith(f"Batch {end.batch}: the loss is ")
    strict = lk.callbacks.TerminateOnNaN(raise_error=True)
    with (
        pytest.warns(RuntimeWarning),
        pytest.raises(DivergedError, match=r"Batch \d+: the loss is (nan|inf).*Lower the"),
    ):
        model.fit(*data, batch_size=8, epochs=50, verbose=0, callbacks=[strict])
