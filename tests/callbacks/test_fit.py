"""Which methods fit calls, when and with what; that looking changes no bit; that errors and Ctrl-C end it cleanly."""

import functools
import os
import signal
import threading

import numpy as np
import pytest

import labkit as lk
from labkit.callbacks.base import Callback
from labkit.errors import CheckpointError, InvalidArgumentError, UnknownComponentError


class Recorder(Callback):
    """Keeps the name and first argument of every call."""

    def __init__(self):
        self.calls = []

    def on_train_begin(self, logs):
        self.calls.append(("train_begin", dict(logs)))

    def on_train_end(self, logs):
        self.calls.append(("train_end", dict(logs)))

    def on_epoch_begin(self, epoch, logs):
        self.calls.append(("epoch_begin", epoch))

    def on_epoch_end(self, epoch, logs):
        self.calls.append(("epoch_end", epoch))

    def on_train_batch_begin(self, batch, logs):
        self.calls.append(("batch_begin", batch))

    def on_train_batch_end(self, batch, logs):
        self.calls.append(("batch_end", batch))

    def on_test_begin(self, logs):
        self.calls.append(("test_begin", dict(logs)))

    def on_test_end(self, logs):
        self.calls.append(("test_end", sorted(logs)))

    def close(self):
        self.calls.append(("close", None))


class Quiet(Recorder):
    """One that asks for no single steps."""

    on_train_batch_begin, on_train_batch_end = Callback.on_train_batch_begin, Callback.on_train_batch_end


def everything(model):
    """Weights, slots, random counters, the learning rate."""
    return model.session.state()


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


def test_the_order_of_calls(make, data):
    recorder = Recorder()
    history = make().fit(*data, batch_size=16, epochs=2, validation_data=data, verbose=0, callbacks=[recorder])
    validation = [("test_begin", {}), ("test_end", ["loss", "mae"])]
    epoch = lambda steps: [(f"batch_{what}", i) for i in range(steps) for what in ("begin", "end")]  # noqa: E731
    assert recorder.calls == [
        ("train_begin", {}),
        ("epoch_begin", 0), *epoch(3), *validation, ("epoch_end", 0),
        ("epoch_begin", 1), *epoch(2), *validation, ("epoch_end", 1),
        ("train_end", {name: values[-1] for name, values in history.history.items()}),
        ("close", None),
    ]  # fmt: skip


def test_a_callback_knows_model_and_params(make, data):
    model, seen = make(), Recorder()
    model.fit(*data, batch_size=16, epochs=3, validation_data=data, verbose=0, callbacks=seen)
    assert seen.model is model
    assert seen.params == {
        "epochs": 3, "initial_epoch": 0, "steps": 8, "examples": 40, "batch_size": 16, "verbose": 0,
        "metrics": ["loss", "mae", "val_loss", "val_mae"],
    }  # fmt: skip


def test_logs_of_batches_are_means_over_the_epoch_so_far(make, data):
    kept, plain = [], []
    keep = lk.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: kept.append(logs["loss"]))
    look = lk.callbacks.LambdaCallback(on_train_stretch_end=lambda batch, logs, series: plain.extend(series["loss"]))
    history = make().fit(*data, batch_size=8, epochs=2, verbose=0, callbacks=[keep, look])
    for epoch in range(2):
        losses = np.array(plain[5 * epoch : 5 * epoch + 5])
        np.testing.assert_allclose(kept[5 * epoch : 5 * epoch + 5], losses.cumsum() / np.arange(1, 6), 1e-14)
        assert history.history["loss"][epoch] == losses.mean()


class Watcher(Callback):
    def on_epoch_end(self, epoch, logs):
        self.model.evaluate(*self.data)
        self.model.predict(self.data[0])


class EveryStep(Watcher):
    def on_train_batch_end(self, batch, logs):
        self.model.get_weights()


class Pieces(EveryStep):
    every = 3


@pytest.mark.parametrize("kind", [Watcher, EveryStep, Pieces])
def test_looking_changes_no_bit(make, data, kind, tmp_path):
    plain, watched = make(), make()
    watcher = kind()
    watcher.data = data
    board = lk.callbacks.TensorBoard(tmp_path / "board", histogram_freq=1, update_freq=2)
    table = lk.callbacks.CSVLogger(tmp_path / "table.csv")
    a = plain.fit(*data, batch_size=8, epochs=4, verbose=0)
    b = watched.fit(*data, batch_size=8, epochs=4, verbose=0, callbacks=[watcher, board, table, "TerminateOnNaN"])
    assert a.history == b.history
    assert same(everything(plain), everything(watched))


def test_pieces_of_steps_are_counted_over_the_whole_training(make, data):
    ends, begins = [], []
    pieces = lk.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: ends.append(batch),
        on_train_batch_begin=lambda batch, logs: begins.append(batch),
        every=3,
    )
    make().fit(*data, batch_size=8, epochs=2, verbose=0, callbacks=[pieces])  # steps 0-4 and 5-9
    assert ends == [2, 0, 3]
    assert begins == [0, 3, 1, 4]


def test_stretches_are_cut_for_those_who_ask_only(make, data):
    model = make()
    calls = []
    loop_run = lk.models.TrainingLoop._run

    def run(self, piece):
        calls.append(piece.steps)
        return loop_run(self, piece)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lk.models.TrainingLoop, "_run", run)
        look = lk.callbacks.LambdaCallback(on_train_stretch_end=lambda batch, logs, series: None)
        model.fit(*data, batch_size=1, epochs=1, verbose=0, callbacks=[look, "TerminateOnNaN"])
        assert sum(calls) == 40
        assert len(calls) <= 8
        calls.clear()
        model.fit(*data, batch_size=1, verbose=0, callbacks=lk.callbacks.LambdaCallback(on_train_batch_end=print))
        assert calls == [1] * 40


def test_the_older_names_of_batch_methods_are_called(make, data):
    class Older(Callback):
        seen = ()

        def on_batch_end(self, batch, logs):
            self.seen += (batch,)

    older = Older()
    make().fit(*data, batch_size=16, verbose=0, callbacks=[older])
    assert older.seen == (0, 1, 2)


def test_stopping_inside_an_epoch_ends_it_after_the_step(make, data):
    def stop(batch, logs):
        model.stop_training = batch == 1

    model = make()
    callback = lk.callbacks.LambdaCallback(on_train_batch_end=stop)
    history = model.fit(*data, batch_size=8, epochs=3, validation_data=data, verbose=0, callbacks=[callback])
    assert history.steps == [2]
    assert list(history.history) == ["loss", "mae", "val_loss", "val_mae"]
    assert model.fit(*data, batch_size=8, verbose=0).steps == [5]  # a later fit begins afresh


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin", "on_train_batch_begin", "on_train_stretch_end"])
def test_stopping_at_any_place(make, data, hook):
    def stop(*args):
        model.stop_training = True

    model, recorder = make(), Recorder()
    callbacks = [lk.callbacks.LambdaCallback(**{hook: stop}), recorder]
    history = model.fit(*data, batch_size=8, epochs=3, verbose=0, callbacks=callbacks)
    assert history.steps == ([1] if hook in ("on_train_batch_begin", "on_train_stretch_end") else [])
    assert [name for name, _ in recorder.calls][-2:] == ["train_end", "close"]


def test_names_and_mappings(make, data, tmp_path):
    specs = ["TerminateOnNaN", {"name": "CSVLogger", "filename": str(tmp_path / "log.csv")}]
    make().fit(*data, epochs=2, verbose=0, callbacks=specs)
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("callbacks", "error", "message"),
    [
        (["EarlyStoping"], UnknownComponentError, "Did you mean 'EarlyStopping'"),
        ([print], InvalidArgumentError, "is no callback"),
        ([{"name": "EarlyStopping", "patiens": 2}], InvalidArgumentError, "Did you mean 'patience'"),
    ],
)
def test_what_is_no_callback(make, data, callbacks, error, message):
    with pytest.raises(error, match=message):
        make().fit(*data, verbose=0, callbacks=callbacks)


def test_an_object_with_the_methods_alone_is_refused(make, data):
    class Duck:
        def on_epoch_end(self, epoch, logs):
            pass

    with pytest.raises(InvalidArgumentError, match=r"derived from lk\.callbacks\.Callback"):
        make().fit(*data, verbose=0, callbacks=[Duck()])


def test_a_misspelt_method_is_refused(make, data):
    class Misspelt(Callback):
        def on_epochs_end(self, epoch, logs):
            pass

    with pytest.raises(
        InvalidArgumentError, match=r"on_epochs_end, which fit never calls.*Did you mean 'on_epoch_end'"
    ):
        make().fit(*data, verbose=0, callbacks=[Misspelt()])


@pytest.mark.parametrize("every", [0, -1, 1.5, True])
def test_an_every_that_is_no_count(make, data, every):
    with pytest.raises(InvalidArgumentError, match="`every` of LambdaCallback"):
        make().fit(*data, verbose=0, callbacks=[lk.callbacks.LambdaCallback(every=every)])


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt()])
def test_an_error_or_ctrl_c_ends_the_fit_after_a_whole_step(make, data, error):
    def fail(batch, logs):
        if batch == 3:
            raise error

    model, reference, recorder = make(), make(), Recorder()
    with pytest.raises(type(error)) as caught:
        model.fit(*data, batch_size=8, epochs=2, verbose=0,
                  callbacks=[lk.callbacks.LambdaCallback(on_train_batch_end=fail), recorder])  # fmt: skip
    assert caught.traceback[-1].name == "fail"
    assert recorder.calls[-1] == ("close", None)
    assert "train_end" not in dict(recorder.calls)
    reference.fit(*data, batch_size=8, steps=4, verbose=0)
    assert same(everything(model), everything(reference))
    assert model.history.epoch == model.history.steps == []


def test_ctrl_c_inside_native_steps(data, request):
    """A signal, as the keyboard sends it, in the middle of a long fit."""
    x, y = np.tile(data[0], (500, 20)), np.tile(data[1], (500, 1))
    model = lk.Sequential([lk.layers.Dense(256, "relu", input_shape=(60,)), lk.layers.Dense(1)])
    model.compile(lk.optimizers.SGD(1e-4), "mse")
    model.fit(x, y, epochs=1, verbose=0)
    recorder = Quiet()
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    request.addfinalizer(functools.partial(signal.signal, signal.SIGINT, signal.getsignal(signal.SIGINT)))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell's children start deaf to it
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, epochs=100_000, verbose=0, callbacks=[recorder])
    timer.join()
    assert recorder.calls[-1] == ("close", None)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    assert len(model.history.epoch) == len(model.history.history["loss"])
    assert np.isfinite(model.fit(x, y, epochs=1, verbose=0).history["loss"][0])  # and training can go on


def test_all_are_closed_even_if_one_cannot_be(make, data):
    class Broken(Callback):
        def close(self):
            raise OSError("no")

    before, after = Recorder(), Recorder()
    with pytest.raises(OSError, match="no"):
        make().fit(*data, verbose=0, callbacks=[before, Broken(), after])
    assert before.calls[-1] == after.calls[-1] == ("close", None)


class Counter(Callback):
    remembers = ("epochs",)

    def reset(self):
        self.epochs = 0

    def on_epoch_end(self, epoch, logs):
        self.epochs += 1


def test_state_is_restored_for_one_fit_and_reset_for_the_next(make, data):
    counter = Counter()
    make().fit(*data, epochs=2, verbose=0, callbacks=[counter])
    state = counter.state()
    assert state == {"epochs": 2}
    other = Counter()
    other.restore(state)
    make().fit(*data, epochs=3, verbose=0, callbacks=[other])
    assert other.epochs == 5
    make().fit(*data, epochs=1, verbose=0, callbacks=[other])
    assert other.epochs == 1
    with pytest.raises(CheckpointError, match="This is no state of Counter"):
        other.restore({"wait": 3})


def test_training_can_be_ended_before_an_epoch(make, data):
    model, seen = make(), Recorder()
    stop = lk.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: setattr(model, "stop_training", epoch == 1))
    history = model.fit(*data, batch_size=20, epochs=4, verbose=0, callbacks=[stop, seen])
    assert history.epoch == [0]
    assert len(history.history["mae"]) == 1
    assert seen.calls[-3:] == [
        ("epoch_begin", 1),
        ("train_end", {name: values[0] for name, values in history.history.items()}),
        ("close", None),
    ]


def test_a_fit_inside_a_fit_is_refused():
    class Again(lk.callbacks.Callback):
        def on_epoch_end(self, epoch, logs):
            self.model.fit(np.zeros((2, 3)), np.zeros((2, 1)), verbose=0)

    model = lk.Sequential([lk.Input((3,)), lk.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(lk.errors.SessionError, match=r"is being fitted already.*train_on_batch"):
        model.fit(np.zeros((4, 3)), np.zeros((4, 1)), callbacks=[Again()], verbose=0)
    model.fit(np.zeros((4, 3)), np.zeros((4, 1)), verbose=0)
