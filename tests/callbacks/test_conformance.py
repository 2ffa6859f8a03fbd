"""Every registered callback keeps the contract of `labkit.testing.check_callback`, which also finds those that do not."""

import math

import numpy as np
import pytest

import labkit as lk
from labkit.callbacks.base import Callback
from labkit.plugins import current_lab
from labkit.testing import check_callback

CASES = {
    "CSVLogger": [({"filename": "table.csv"}, True)],
    "EarlyStopping": [
        ({"patience": 10}, True),
        ({"patience": 2, "min_delta": 0.4, "restore_best_weights": True}, False),
        ({"patience": 3, "baseline": 0.1, "restore_best_weights": True}, False),
    ],
    "History": [({}, True)],
    "LambdaCallback": [({"on_train_batch_end": lambda batch, logs: None, "every": 2}, True)],
    "LearningRateScheduler": [({"schedule": lambda epoch, rate: rate * 0.7}, False)],
    "ModelCheckpoint": [
        ({"filepath": "{epoch}/w", "save_weights_only": True}, True),
        ({"filepath": "w", "save_weights_only": True, "save_best_only": True, "monitor": "loss", "save_freq": 3}, True),
    ],
    "ProgressBar": [({"verbose": 2}, True)],
    "ReduceLROnPlateau": [({"patience": 1, "min_delta": 0.3, "cooldown": 1}, False)],
    "TensorBoard": [({"log_dir": "board", "histogram_freq": 2, "update_freq": 3}, True)],
    "TerminateOnNaN": [({}, True)],
}


@pytest.mark.parametrize("name", current_lab().registry("callbacks").names())
def test_built_ins(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for settings, only_looks in CASES[name]:
        check_callback(lambda settings=settings: getattr(lk.callbacks, name)(**settings), only_looks)


class Forgetful(Callback):
    """Halves the rate after four epochs, and does not remember how many there were."""

    def reset(self):
        self.epochs = 0

    def on_epoch_end(self, epoch, logs):
        self.epochs += 1
        if self.epochs == 4:
            self.model.optimizer.learning_rate /= 2


class NeverReset(Forgetful):
    remembers = ("epochs",)
    epochs = 0

    def reset(self):
        pass


class Meddler(Callback):
    def on_epoch_end(self, epoch, logs):
        self.model.set_weights([w * 0.999 for w in self.model.get_weights()])


@pytest.mark.parametrize(
    ("make", "only_looks", "message"),
    [
        (object, True, "not derived"),
        (Meddler, True, "differs from one without"),
        (NeverReset, False, "second fit"),
        (Forgetful, False, "interrupted"),
    ],
)
def test_the_check_finds(make, only_looks, message):
    with pytest.raises(AssertionError, match=message):
        check_callback(make, only_looks)


def test_a_meddler_that_says_so_passes():
    check_callback(Meddler, only_looks=False)


def test_settings_are_kept_under_their_names():
    stop = lk.callbacks.EarlyStopping("loss", patience=3, min_delta=-0.5)
    assert repr(stop).startswith("EarlyStopping(monitor='loss', min_delta=0.5, patience=3,")
    assert np.isclose(lk.callbacks.ReduceLROnPlateau(factor=0.3).factor, 0.3)
    assert math.isclose(lk.callbacks.ReduceLROnPlateau().min_delta, 1e-4)
