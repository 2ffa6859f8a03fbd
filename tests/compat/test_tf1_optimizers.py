"""Optimizers: ten steps of each against its formula in float64, slots, minimize and what it refuses, decays, averages."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

START = np.array([1.0, -2.0, 3.0])
SLOPE, TARGET = np.array([1.0, 0.5, 2.0]), np.array([0.5, 0.5, 0.5])


def gradient(v: np.ndarray) -> np.ndarray:
    return SLOPE * (v - TARGET)


def descent(lr: float) -> Iterator[np.ndarray]:
    v = START.copy()
    while True:
        v = v - lr * gradient(v)
        yield v


def momentum(lr: float, m: float, nesterov: bool = False) -> Iterator[np.ndarray]:
    v, a = START.copy(), np.zeros(3)
    while True:
        g = gradient(v)
        a = m * a + g
        v = v - lr * (g + m * a if nesterov else a)
        yield v


def adam(lr: float = 0.001, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> Iterator[np.ndarray]:
    v, m, s, t = START.copy(), np.zeros(3), np.zeros(3), 0
    while True:
        g, t = gradient(v), t + 1
        m, s = b1 * m + (1 - b1) * g, b2 * s + (1 - b2) * g * g
        v = v - lr * math.sqrt(1 - b2**t) / (1 - b1**t) * m / (np.sqrt(s) + eps)
        yield v


def rmsprop(
    lr: float, decay: float = 0.9, m: float = 0.0, eps: float = 1e-10, centered: bool = False
) -> Iterator[np.ndarray]:
    v, square, mean, a = START.copy(), np.ones(3), np.zeros(3), np.zeros(3)
    while True:
        g = gradient(v)
        square = decay * square + (1 - decay) * g * g
        mean = decay * mean + (1 - decay) * g
        a = m * a + lr * g / np.sqrt(square - (mean**2 if centered else 0.0) + eps)
        v = v - a
        yield v


def adagrad(lr: float, start: float = 0.1) -> Iterator[np.ndarray]:
    v, a = START.copy(), np.full(3, start)
    while True:
        g = gradient(v)
        a = a + g * g
        v = v - lr * g / np.sqrt(a)
        yield v


def adadelta(lr: float, rho: float = 0.95, eps: float = 1e-8) -> Iterator[np.ndarray]:
    v, a, d = START.copy(), np.zeros(3), np.zeros(3)
    while True:
        g = gradient(v)
        a = rho * a + (1 - rho) * g * g
        step = np.sqrt(d + eps) / np.sqrt(a + eps) * g
        d = rho * d + (1 - rho) * step**2
        v = v - lr * step
        yield v


def ftrl(lr: float, l1: float = 0.0, l2: float = 0.0, power: float = -0.5, start: float = 0.1) -> Iterator[np.ndarray]:
    v, n, z = START.copy(), np.full(3, start), np.zeros(3)
    while True:
        g = gradient(v)
        new = n + g * g
        z = z + g - (new**-power - n**-power) / lr * v
        n = new
        v = np.where(np.abs(z) > l1, -(z - np.sign(z) * l1) / (n**-power / lr + 2 * l2), 0.0)
        yield v


OPTIMIZERS: dict[str, tuple[Callable[[Any], Any], Iterator[np.ndarray]]] = {
    "GradientDescent": (lambda t: t.GradientDescentOptimizer(0.1), descent(0.1)),
    "Momentum": (lambda t: t.MomentumOptimizer(0.1, 0.9), momentum(0.1, 0.9)),
    "Momentum, Nesterov": (lambda t: t.MomentumOptimizer(0.1, 0.9, use_nesterov=True), momentum(0.1, 0.9, True)),
    "Adam": (lambda t: t.AdamOptimizer(), adam()),
    "Adam, learning_rate": (lambda t: t.AdamOptimizer(learning_rate=0.1), adam(0.1)),
    "Adam, all arguments": (lambda t: t.AdamOptimizer(0.1, 0.5, 0.9, 0.1), adam(0.1, 0.5, 0.9, 0.1)),
    "RMSProp": (lambda t: t.RMSPropOptimizer(0.1), rmsprop(0.1)),
    "RMSProp, momentum": (lambda t: t.RMSPropOptimizer(0.1, 0.8, 0.5, 0.01), rmsprop(0.1, 0.8, 0.5, 0.01)),
    "RMSProp, centered": (lambda t: t.RMSPropOptimizer(0.1, centered=True), rmsprop(0.1, centered=True)),
    "Adagrad": (lambda t: t.AdagradOptimizer(0.1), adagrad(0.1)),
    "Adagrad, start": (lambda t: t.AdagradOptimizer(0.1, initial_accumulator_value=1.0), adagrad(0.1, 1.0)),
    "Adadelta": (lambda t: t.AdadeltaOptimizer(1.0), adadelta(1.0)),
    "Ftrl": (lambda t: t.FtrlOptimizer(0.1), ftrl(0.1)),
    "Ftrl, regularized": (
        lambda t: t.FtrlOptimizer(0.1, l1_regularization_strength=0.2, l2_regularization_strength=0.1),
        ftrl(0.1, 0.2, 0.1),
    ),
}


@pytest.fixture
def session(tf: Any) -> Any:
    with tf.Session() as session:
        yield session


def problem(tf: Any) -> tuple[Any, Any]:
    """Returns a variable and a loss whose gradient is `gradient`."""
    v = tf.Variable(START.astype(np.float32), name="v")
    return v, tf.reduce_sum(SLOPE.astype(np.float32) * tf.square(v - TARGET)) / 2.0


@pytest.mark.parametrize("case", OPTIMIZERS)
def test_ten_steps(tf: Any, session: Any, case: str) -> None:
    make, expected = OPTIMIZERS[case]
    v, loss = problem(tf)
    step = make(tf.train).minimize(loss)
    session.run(tf.global_variables_initializer())
    for _, value in zip(range(10), expected, strict=False):
        assert session.run(step) is None
        np.testing.assert_allclose(session.run(v), value, rtol=2e-5, atol=2e-6)


def test_rmsprop_starts_its_mean_square_at_one(tf: Any, session: Any) -> None:
    v = tf.Variable(1.0)
    step = tf.train.RMSPropOptimizer(0.1).minimize(tf.square(v))
    session.run(tf.global_variables_initializer())
    session.run(step)
    np.testing.assert_allclose(session.run(v), 1.0 - 0.1 * 2.0 / math.sqrt(0.9 * 1.0 + 0.1 * 4.0 + 1e-10), rtol=1e-6)


SLOTS = {
    "GradientDescentOptimizer": ["v:0"],
    "MomentumOptimizer": ["v:0", "v/Momentum:0"],
    "AdamOptimizer": ["v:0", "beta1_power:0", "beta2_power:0", "v/Adam:0", "v/Adam_1:0"],
    "RMSPropOptimizer": ["v:0", "v/RMSProp:0", "v/RMSProp_1:0"],
    "AdagradOptimizer": ["v:0", "v/Adagrad:0"],
    "FtrlOptimizer": ["v:0", "v/Ftrl:0", "v/Ftrl_1:0"],
    "AdadeltaOptimizer": ["v:0", "v/Adadelta:0", "v/Adadelta_1:0"],
}


@pytest.mark.parametrize("name", SLOTS)
def test_slots_and_default_name(tf: Any, name: str) -> None:
    arguments = (0.1, 0.9) if name == "MomentumOptimizer" else (0.1,)
    step = getattr(tf.train, name)(*arguments).minimize(problem(tf)[1])
    assert step.name == name.removesuffix("Optimizer")
    assert [v.name for v in tf.global_variables()] == SLOTS[name]
    assert [v.name for v in tf.trainable_variables()] == ["v:0"]


def test_slots_can_be_asked_for(tf: Any) -> None:
    v, loss = problem(tf)
    optimizer = tf.train.AdamOptimizer()
    optimizer.minimize(loss)
    assert optimizer.get_slot_names() == ["m", "v"]
    assert [optimizer.get_slot(v, name).name for name in ("m", "v")] == ["v/Adam:0", "v/Adam_1:0"]
    assert [slot.name for slot in optimizer.variables()] == SLOTS["AdamOptimizer"][1:]


def test_slots_follow_the_variable_scope_of_minimize(tf: Any) -> None:
    with tf.variable_scope("a"):
        w = tf.get_variable("w", [1])
    with tf.variable_scope("train"):
        tf.train.AdamOptimizer().minimize(tf.reduce_sum(w * w))
    names = ["a/w:0", "train/beta1_power:0", "train/beta2_power:0", "train/a/w/Adam:0", "train/a/w/Adam_1:0"]
    assert [v.name for v in tf.global_variables()] == names


def test_slots_need_initialization(tf: Any, session: Any) -> None:
    _, loss = problem(tf)
    init = tf.global_variables_initializer()  # too early: the slots come with minimize
    step = tf.train.AdamOptimizer().minimize(loss)
    session.run(init)
    with pytest.raises(tf.errors.FailedPreconditionError):
        session.run(step)


def test_two_optimizers_of_one_variable(tf: Any, session: Any) -> None:
    _, loss = problem(tf)
    first, second = tf.train.AdamOptimizer(0.1).minimize(loss), tf.train.AdamOptimizer(0.1).minimize(loss)
    assert [first.name, second.name] == ["Adam", "Adam_1"]
    names = [v.name for v in tf.global_variables()]
    assert names == [*SLOTS["AdamOptimizer"], "beta1_power_1:0", "beta2_power_1:0", "v/Adam_2:0", "v/Adam_3:0"]


def test_minimize_counts_the_global_step(tf: Any, session: Any) -> None:
    _, loss = problem(tf)
    count = tf.Variable(0, name="global_step", trainable=False)
    step = tf.train.GradientDescentOptimizer(0.1).minimize(loss, global_step=count)
    session.run(tf.global_variables_initializer())
    for _ in range(3):
        session.run(step)
    assert session.run(count) == 3
    assert tf.train.global_step(session, count) == 3


def test_minimize_by_name(tf: Any) -> None:
    step = tf.train.GradientDescentOptimizer(0.1).minimize(problem(tf)[1], name="mine")
    assert step.name == "mine"
    assert tf.train.AdamOptimizer(name="Other").minimize(problem(tf)[1]).name == "Other"


@pytest.mark.parametrize("kind", ["list", "dict values"])
def test_var_list(tf: Any, session: Any, kind: str) -> None:
    a, b = tf.Variable(1.0), tf.Variable(1.0)
    chosen = [a] if kind == "list" else {"a": a}.values()
    step = tf.train.GradientDescentOptimizer(0.1).minimize(tf.square(a) + tf.square(b), var_list=chosen)
    session.run(tf.global_variables_initializer())
    session.run(step)
    np.testing.assert_allclose(session.run([a, b]), [0.8, 1.0], rtol=1e-6)


def test_variables_that_are_not_trainable_stay(tf: Any, session: Any) -> None:
    a, b = tf.Variable(1.0), tf.Variable(1.0, trainable=False)
    step = tf.train.GradientDescentOptimizer(0.1).minimize(tf.square(a) + tf.square(b))
    session.run(tf.global_variables_initializer())
    session.run(step)
    np.testing.assert_allclose(session.run([a, b]), [0.8, 1.0], rtol=1e-6)


def test_compute_and_apply_gradients(tf: Any, session: Any) -> None:
    v, loss = problem(tf)
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    pairs = optimizer.compute_gradients(loss)
    assert isinstance(pairs, list)
    assert pairs[0][1] is v
    clipped = [(tf.clip_by_value(g, -0.5, 0.5), v) for g, v in pairs]
    step = optimizer.apply_gradients(clipped)
    session.run(tf.global_variables_initializer())
    session.run(step)
    np.testing.assert_allclose(session.run(v), START - 0.1 * np.clip(gradient(START), -0.5, 0.5), rtol=1e-6)


def test_apply_gradients_of_a_zip(tf: Any, session: Any) -> None:
    v, loss = problem(tf)
    variables = tf.trainable_variables()
    gradients, norm = tf.clip_by_global_norm(tf.gradients(loss, variables), 1.0)
    count = tf.train.get_or_create_global_step()
    step = tf.train.GradientDescentOptimizer(0.1).apply_gradients(zip(gradients, variables, strict=True), count)
    session.run(tf.global_variables_initializer())
    size = session.run(norm)
    session.run(step)
    np.testing.assert_allclose(size, np.linalg.norm(gradient(START)), rtol=1e-6)
    np.testing.assert_allclose(session.run(v), START - 0.1 * gradient(START) / size, rtol=1e-6)
    assert session.run(count) == 1


def test_compute_gradients_gives_none_where_nothing_is_connected(tf: Any) -> None:
    v, loss = problem(tf)
    w = tf.Variable(1.0)
    pairs = tf.train.GradientDescentOptimizer(0.1).compute_gradients(loss, [v, w])
    assert pairs[1] == (None, w)


def test_no_path_to_any_variable_is_a_value_error(tf: Any) -> None:
    tf.Variable(1.0)
    with pytest.raises(ValueError, match="No gradients provided for any variable"):
        tf.train.GradientDescentOptimizer(0.1).minimize(tf.constant(1.0))


def test_no_variables_at_all_is_a_value_error(tf: Any) -> None:
    with pytest.raises(ValueError, match="No variables to optimize"):
        tf.train.GradientDescentOptimizer(0.1).minimize(tf.constant(1.0))


def test_apply_gradients_of_nothing_is_a_value_error(tf: Any) -> None:
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    with pytest.raises(ValueError):
        optimizer.apply_gradients([])
    with pytest.raises(ValueError, match="No gradients provided"):
        optimizer.apply_gradients([(None, tf.Variable(1.0))])


def test_a_loss_of_many_values_is_summed(tf: Any, session: Any) -> None:
    v = tf.Variable([1.0, 2.0])
    step = tf.train.GradientDescentOptimizer(0.1).minimize(tf.square(v))
    session.run(tf.global_variables_initializer())
    session.run(step)
    np.testing.assert_allclose(session.run(v), [0.8, 1.6], rtol=1e-6)


@pytest.mark.parametrize("name", ["GradientDescentOptimizer", "AdamOptimizer", "RMSPropOptimizer", "AdagradOptimizer"])
def test_the_learning_rate_may_be_a_placeholder(tf: Any, session: Any, name: str) -> None:
    v, loss = problem(tf)
    rate = tf.placeholder(tf.float32, [])
    step = getattr(tf.train, name)(rate).minimize(loss)
    session.run(tf.global_variables_initializer())
    session.run(step, {rate: 0.0})
    np.testing.assert_array_equal(session.run(v), START.astype(np.float32))
    session.run(step, {rate: 0.1})
    assert (session.run(v) != START).all()


def test_the_gradient_is_taken_before_the_step(tf: Any, session: Any) -> None:
    v = tf.Variable(1.0)
    loss = tf.square(v)
    step = tf.train.GradientDescentOptimizer(0.25).minimize(loss)
    session.run(tf.global_variables_initializer())
    losses = []
    for _ in range(3):
        losses.append(session.run(loss))
        session.run(step)
    assert losses == [1.0, 0.25, 0.0625]


def test_maximizing_by_a_negative_loss(tf: Any, session: Any) -> None:
    v = tf.Variable(1.0)
    step = tf.train.GradientDescentOptimizer(0.1).minimize(-v)
    session.run(tf.global_variables_initializer())
    session.run(step)
    np.testing.assert_allclose(session.run(v), 1.1, rtol=1e-6)


def test_sparse_gradients_touch_only_their_rows(tf: Any, session: Any) -> None:
    table = tf.Variable(np.ones((4, 2), np.float32))
    rows = tf.nn.embedding_lookup(table, [1, 3, 1])
    step = tf.train.GradientDescentOptimizer(0.5).minimize(tf.reduce_sum(rows))
    session.run(tf.global_variables_initializer())
    session.run(step)
    assert session.run(table)[:, 0].tolist() == [1.0, 0.0, 1.0, 0.5]


def test_get_or_create_global_step(tf: Any) -> None:
    assert tf.train.get_global_step() is None
    step = tf.train.get_or_create_global_step()
    assert tf.train.get_or_create_global_step() is step
    assert tf.train.get_global_step() is step
    assert (step.name, step.dtype.base_dtype) == ("global_step:0", tf.int64)
    assert step not in tf.trainable_variables()


DECAYS = {
    "exponential_decay": (lambda t, s: t.exponential_decay(0.1, s, 10, 0.5), lambda s: 0.1 * 0.5 ** (s / 10)),
    "exponential_decay in stairs": (
        lambda t, s: t.exponential_decay(0.1, s, 10, 0.5, staircase=True),
        lambda s: 0.1 * 0.5 ** (s // 10),
    ),
    "polynomial_decay": (
        lambda t, s: t.polynomial_decay(0.1, s, 20, 0.01, power=2.0),
        lambda s: 0.09 * (1 - min(s, 20) / 20) ** 2 + 0.01,
    ),
    "inverse_time_decay": (lambda t, s: t.inverse_time_decay(0.1, s, 10, 0.5), lambda s: 0.1 / (1 + 0.5 * s / 10)),
    "natural_exp_decay": (lambda t, s: t.natural_exp_decay(0.1, s, 10, 0.5), lambda s: 0.1 * math.exp(-0.5 * s / 10)),
    "piecewise_constant": (
        lambda t, s: t.piecewise_constant(s, [3, 13], [1.0, 0.5, 0.25]),
        lambda s: 1.0 if s <= 3 else 0.5 if s <= 13 else 0.25,
    ),
    "cosine_decay": (
        lambda t, s: t.cosine_decay(0.1, s, 20, alpha=0.1),
        lambda s: 0.1 * (0.9 * 0.5 * (1 + math.cos(math.pi * min(s, 20) / 20)) + 0.1),
    ),
}


@pytest.mark.parametrize("case", DECAYS)
def test_decay(tf: Any, session: Any, case: str) -> None:
    make, expected = DECAYS[case]
    step = tf.Variable(0, trainable=False)
    rate = make(tf.train, step)
    session.run(step.initializer)
    for value in (0, 3, 7, 13, 25):
        session.run(step.assign(value))
        np.testing.assert_allclose(session.run(rate), expected(value), rtol=1e-5)


def test_a_decay_drives_an_optimizer(tf: Any, session: Any) -> None:
    v = tf.Variable(0.0)
    step = tf.train.get_or_create_global_step()
    rate = tf.train.exponential_decay(1.0, step, 1, 0.5)
    train = tf.train.GradientDescentOptimizer(rate).minimize(-v, global_step=step)
    session.run(tf.global_variables_initializer())
    for _ in range(3):
        session.run(train)
    assert session.run(v) == 1.75


def test_moving_average_of_a_variable_starts_at_its_initial_value(tf: Any, session: Any) -> None:
    v = tf.Variable(1.0, name="v")
    ema = tf.train.ExponentialMovingAverage(0.9)
    update = ema.apply([v])
    average = ema.average(v)
    session.run(tf.global_variables_initializer())
    session.run(v.assign(2.0))
    session.run(update)
    np.testing.assert_allclose(session.run(average), 1.1, rtol=1e-6)
    assert average.name == "v/ExponentialMovingAverage:0"
    assert ema.average_name(v) == "v/ExponentialMovingAverage"
    assert average not in tf.trainable_variables()
    assert list(ema.variables_to_restore()) == ["v/ExponentialMovingAverage"]


def test_moving_average_with_a_count_of_updates(tf: Any, session: Any) -> None:
    count, v = tf.Variable(0, trainable=False), tf.Variable(1.0, name="v")
    ema = tf.train.ExponentialMovingAverage(0.99, num_updates=count)
    update = ema.apply([v])
    session.run(tf.global_variables_initializer())
    session.run(v.assign(2.0))
    session.run(update)  # decay is min(0.99, (1 + 0) / (10 + 0))
    np.testing.assert_allclose(session.run(ema.average(v)), 1.9, rtol=1e-6)


def test_moving_average_of_all_trainable_variables(tf: Any, session: Any) -> None:
    a, b = tf.Variable(1.0), tf.Variable(1.0, trainable=False)
    ema = tf.train.ExponentialMovingAverage(0.5)
    ema.apply()
    assert ema.average(a) is not None
    assert ema.average(b) is None
