"""Metrics over all examples: shown to objects on the host, whatever the batches, and part of a training loop's state."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import CheckpointError, FailedPreconditionError
from labkit.models import TrainingLoop

RANDOM = np.random.default_rng(8)
X, Y = RANDOM.normal(size=(30, 3)).astype("float32"), RANDOM.normal(size=(30, 1)).astype("float32")


class Largest(lk.metrics.Metric):
    """The largest absolute error, and how many examples it saw."""

    def reset_state(self):
        self.value, self.seen = np.float64(0), np.int64(0)

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.value = max(self.value, np.abs(y_true.astype("float64") - y_pred).max())
        self.seen += len(y_true)

    def result(self):
        return self.value

    def state(self):
        return {"value": np.array(self.value), "seen": np.array(self.seen)}

    def restore(self, state):
        self.value, self.seen = np.float64(state["value"]), np.int64(state["seen"])


def within(y_true, y_pred):
    """Whether the error is below a half."""
    return lk.cast(lk.abs(y_true - y_pred) < 0.5, lk.float32)


def model(metrics):
    made = lk.Sequential([lk.Input((3,)), lk.layers.Dense(4, activation="tanh"), lk.layers.Dense(1)])
    made.compile("sgd", "mse", metrics=metrics)
    return made


@pytest.mark.parametrize("batch_size", [1, 7, 30, 100])
def test_evaluation_sees_every_example_once(batch_size):
    judge = model([Largest(), within])
    errors = np.abs(Y - judge.predict(X).astype("float64"))
    report = judge.evaluate(X, Y, batch_size=batch_size, return_dict=True)
    assert report["largest"] == errors.max()
    assert report["within"] == np.mean(errors < 0.5)
    assert judge.metrics["largest"].seen == 0  # the model works with a copy


def test_an_epochs_metrics_are_those_of_its_own_examples():
    metric = Largest()
    history = model([metric, within]).fit(X, Y, epochs=3, batch_size=8, verbose=0).history
    assert all(len(values) == 3 for values in history.values())
    frozen = lk.Sequential([lk.Input((3,)), lk.layers.Dense(4, activation="tanh"), lk.layers.Dense(1)])
    frozen.compile(lk.optimizers.SGD(0.0), "mse", metrics=[Largest(), within])
    still = frozen.fit(X, Y, epochs=2, batch_size=10, verbose=0).history
    errors = np.abs(Y - frozen.predict(X).astype("float64"))
    assert still["largest"] == [errors.max()] * 2
    assert still["within"] == [np.mean(errors < 0.5)] * 2


def test_evaluating_in_between_leaves_them_alone_and_a_restored_loop_goes_on():
    loops = [TrainingLoop(model([Largest(), within]), X, Y, batch_size=8) for _ in range(3)]
    for loop in loops[:2]:
        loop.run(2)
    loops[1].model.evaluate(X, Y)
    loops[2].restore({key: value.copy() for key, value in loops[0].state().items()})
    for loop in loops:
        loop.run(2)
    assert loops[0].results() == loops[1].results() == loops[2].results()
    loops[0].restart_metrics()
    loops[0].run(1)
    assert loops[0].results() != loops[1].results()


def test_a_state_without_the_metrics_is_refused():
    plain, measured = (TrainingLoop(model(metrics), X, Y) for metrics in ([], [Largest()]))
    with pytest.raises(CheckpointError, match=r"does not hold metric 'largest'"):
        measured.restore(plain.state())


def test_a_metric_of_one_output_sees_its_targets():
    x = lk.Input((3,))
    both = lk.Model(x, [lk.layers.Dense(1, name="a")(x), lk.layers.Dense(1, name="b")(x)])
    both.compile("sgd", "mse", metrics={"b": [Largest()]})
    report = both.evaluate(X, [Y, 2 * Y], return_dict=True)
    assert report["b_largest"] == np.abs(2 * Y - both.predict(X)[1].astype("float64")).max()
    assert len(both.fit(X, [Y, 2 * Y], verbose=0).history["b_largest"]) == 1


class WithinReach(lk.metrics.Metric):
    direction = "max"
    counted = ("near", "weight")

    def __init__(self, reach=1.0, name=None):
        self.reach = reach
        super().__init__(name)

    def add(self, y_true, y_pred, weight):
        errors = np.abs(y_true.reshape(len(weight), -1) - y_pred.reshape(len(weight), -1))
        near = errors.max(axis=1) <= self.reach
        self.sum_of("near").add((weight * near)[:, None])
        self.sum_of("weight").add(weight[:, None])

    def value(self):
        return float(self.sums["near"].totals()[0] / self.sums["weight"].totals()[0])


def test_the_example_of_a_metric_of_ones_own():
    metric = WithinReach(0.5)
    assert repr(metric) == "WithinReach(reach=0.5)"
    y, w = Y[::-1], np.arange(30.0)
    for part in (slice(11), slice(11, 30)):
        metric.update_state(Y[part], y[part], w[part])
    assert metric.result() == pytest.approx(np.average(np.abs(Y - y)[:, 0] <= 0.5, weights=w), rel=1e-15)
    judge = model([metric])
    near = np.abs(Y - judge.predict(X)) <= 0.5
    assert judge.evaluate(X, Y, return_dict=True)["within_reach"] == np.mean(near)


def test_a_metric_that_resets_what_it_has_not_set_says_so():
    class Late(lk.metrics.Metric):
        def __init__(self, classes):
            super().__init__()
            self.classes = classes

        def reset_state(self):
            super().reset_state()
            self.counts = np.zeros(self.classes)

    with pytest.raises(FailedPreconditionError, match=r"Late is not ready.*'classes'.*at the end of __init__"):
        Late(3)
