"""The learning rate of a model's optimizer: read, set, saved; what follows it."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import GraphError, InvalidArgumentError

OPTIMIZERS = [
    "SGD",
    "Momentum",
    "Adam",
    "AdamW",
    "AMSGrad",
    "Adamax",
    "Nadam",
    "RMSprop",
    "Adagrad",
    "Adadelta",
    "Ftrl",
]


def make_optimizer(name, rate):
    return getattr(lk.optimizers, name)(rate)


def bits(model):
    return [value.tobytes() for value in model.get_weights()]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_rate_that_can_be_set_has_the_bits_of_a_constant(name, dtype):
    x = np.random.default_rng(0).normal(size=(16, 3))
    y = x.sum(axis=1, keepdims=True)
    with lk.Graph().as_default(), lk.Session() as session:
        weights = lk.Variable(np.ones((3, 1)), dtype=dtype)
        loss = lk.reduce_mean(lk.square(lk.matmul(lk.constant(x, dtype), weights) - lk.constant(y, dtype)))
        step = make_optimizer(name, 0.1).minimize(loss)
        session.run(lk.global_variables_initializer())
        session.run(step, steps=4)
        constant = session.read(weights)
    model = lk.Sequential(
        [lk.layers.Input((3,), dtype=dtype), lk.layers.Dense(1, use_bias=False, kernel_initializer="ones")]
    )
    model.compile(make_optimizer(name, 0.1), "mse")
    model.fit(x, y, batch_size=16, epochs=4, shuffle=False, verbose=0)
    assert np.array_equal(model.get_weights()[0], constant)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_rate_that_was_set_is_the_one_that_trains(make, data, name):
    changed, fresh = make(make_optimizer(name, 0.5)), make(make_optimizer(name, 0.03))
    changed.training_arrays(*data)
    changed.training_program()
    changed.optimizer.learning_rate = 0.03
    assert changed.optimizer.learning_rate == 0.03
    for model in (changed, fresh):
        model.fit(*data, epochs=3, verbose=0)
    assert bits(changed) == bits(fresh)


def test_it_can_be_set_before_and_between_steps(make, data):
    model = make(lk.optimizers.SGD(0.5))
    model.optimizer.learning_rate = 0.25
    assert model.optimizer.learning_rate == 0.25
    model.train_on_batch(*data)
    assert model.optimizer.learning_rate == 0.25
    before = model.get_weights()
    model.optimizer.learning_rate = 0
    model.train_on_batch(*data)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))
    model.optimizer.learning_rate *= 2
    assert repr(model.optimizer).startswith("SGD(learning_rate=0.0")


def test_it_is_part_of_the_state(make, data):
    model, other = make(lk.optimizers.SGD(0.5)), make(lk.optimizers.SGD(0.1))
    for each in (model, other):
        each.training_arrays(*data)
        each.training_program()
    model.optimizer.learning_rate = 1 / 3
    assert model.session.state()["learning_rate"] == 1 / 3
    other.session.restore_state(model.session.state())
    assert other.optimizer.learning_rate == 1 / 3


def test_compiling_again_with_the_same_optimizer_keeps_it(make, data):
    model = make(lk.optimizers.SGD(0.5))
    model.fit(*data, verbose=0)
    model.optimizer.learning_rate = 0.125
    model.compile(model.optimizer, "mse")
    model.fit(*data, verbose=0)
    assert model.optimizer.learning_rate == 0.125


def test_one_optimizer_of_two_models_has_one_rate(make, data):
    optimizer = lk.optimizers.SGD(0.1)
    models = [make(optimizer), make(optimizer)]
    for model in models:
        model.fit(*data, verbose=0)
    optimizer.learning_rate = 0.02
    assert [float(model.session.state()["learning_rate"]) for model in models] == [0.02, 0.02]
    assert optimizer.learning_rate == 0.02


@pytest.mark.parametrize("value", [np.nan, np.inf, "fast", None, [1, 2]])
def test_what_is_no_rate(make, value):
    model = make()
    with pytest.raises(InvalidArgumentError, match="Adam cannot use this learning_rate"):
        model.optimizer.learning_rate = value


def test_a_schedule_refuses_to_be_set(make, data):
    model = make(lk.optimizers.Adam(lk.schedules.ExponentialDecay(0.1, 10, 0.9)))
    for _ in range(2):
        with pytest.raises(InvalidArgumentError, match=r"Adam follows a schedule and cannot be set.*ExponentialDecay"):
            model.optimizer.learning_rate = 0.1
        model.fit(*data, verbose=0)
    assert isinstance(model.optimizer.learning_rate, lk.schedules.Schedule)


def test_a_constant_of_a_graph_refuses_to_be_set():
    with lk.Graph().as_default():
        optimizer = lk.optimizers.SGD(0.1)
        optimizer.learning_rate = 0.2
        optimizer.minimize(lk.square(lk.Variable(1.0)))
        assert [v.op.name for v in lk.global_variables()] == ["Variable"]
        assert optimizer.learning_rate == 0.2
        with pytest.raises(GraphError, match=r"constant of a graph.*lk\.Variable\(0\.01, trainable=False\)"):
            optimizer.learning_rate = 0.1


def test_a_tensor_refuses_to_be_set():
    with lk.Graph().as_default():
        optimizer = lk.optimizers.SGD(lk.Variable(0.1, trainable=False))
        with pytest.raises(InvalidArgumentError, match="SGD follows a tensor"):
            optimizer.learning_rate = 0.1


def test_the_rate_of_a_schedule_can_be_seen(make, data):
    model = make(lk.optimizers.Adam(lk.schedules.ExponentialDecay(0.1, 10, 0.9, staircase=True)))
    assert model.optimizer.learning_rate_in(model.session) is None
    model.fit(*data, steps=20, batch_size=8, verbose=0)
    assert model.optimizer.learning_rate_in(model.session) == pytest.approx(0.081)


def test_learning_rate_scheduler(make, data, capsys):
    seen = []

    def schedule(epoch, rate):
        seen.append((epoch, rate))
        return rate * 0.5 if epoch else 0.4

    model, plain = make(lk.optimizers.SGD(0.1)), make(lk.optimizers.SGD(0.4))
    follow = lk.callbacks.LearningRateScheduler(schedule, verbose=1)
    history = model.fit(*data, epochs=3, verbose=0, callbacks=[follow])
    assert seen == [(0, 0.1), (1, 0.4), (2, 0.2)]
    assert history.history["learning_rate"] == [0.4, 0.2, 0.1]
    assert capsys.readouterr().out.splitlines()[1] == "Epoch 2: learning rate 0.2"
    for epoch, rate in enumerate([0.4, 0.2, 0.1]):
        plain.optimizer.learning_rate = rate
        plain.fit(*data, epochs=epoch + 1, initial_epoch=epoch, verbose=0)
    assert bits(model) == bits(plain)


@pytest.mark.parametrize("result", ["fast", None, np.nan, True])
def test_a_scheduler_that_gives_no_rate(make, data, result):
    follow = lk.callbacks.LearningRateScheduler(lambda epoch, rate: result)
    with pytest.raises(InvalidArgumentError, match=r"gave no learning rate.*for epoch 0"):
        make().fit(*data, verbose=0, callbacks=[follow])


def test_a_scheduler_may_take_the_epoch_alone(make, data):
    follow = lk.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))
    history = make().fit(*data, epochs=2, verbose=0, callbacks=[follow])
    assert history.history["learning_rate"] == [0.1, 0.05]


def test_a_scheduler_is_a_function(make, data):
    for wrong in (0.1, lambda: 0.1, lambda epoch, rate, more: 0.1):
        with pytest.raises(InvalidArgumentError, match="got no function of the epoch"):
            lk.callbacks.LearningRateScheduler(wrong)
    follow = lk.callbacks.LearningRateScheduler(lambda epoch, rate: rate)
    with pytest.raises(InvalidArgumentError, match=r"LearningRateScheduler cannot set the learning rate of SGD"):
        make(lk.optimizers.SGD(lk.schedules.Constant(0.1))).fit(*data, verbose=0, callbacks=[follow])
