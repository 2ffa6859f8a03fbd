"""tf.train's optimizers, decays and averages as TensorFlow 1 has them: names, defaults, order, errors."""

import re

import numpy as np
import pytest

import labkit as lk
import labkit.compat.v1 as tf
from labkit.errors import InvalidArgumentError

MADE = {
    "GradientDescent": (lambda: tf.train.GradientDescentOptimizer(0.1), {}),
    "Momentum": (lambda: tf.train.MomentumOptimizer(0.1, 0.9), {"momentum": ""}),
    "Adam": (lambda: tf.train.AdamOptimizer(), {"m": "", "v": "_1"}),
    "RMSProp": (lambda: tf.train.RMSPropOptimizer(0.1), {"momentum": "_1", "rms": ""}),
    "Adagrad": (lambda: tf.train.AdagradOptimizer(0.1), {"accumulator": ""}),
    "Adadelta": (lambda: tf.train.AdadeltaOptimizer(), {"accum": "", "accum_update": "_1"}),
    "Ftrl": (lambda: tf.train.FtrlOptimizer(0.1), {"accum": "", "linear": "_1"}),
}


@pytest.fixture(autouse=True)
def graph():
    with lk.Graph().as_default() as graph:
        yield graph


def layer():
    with lk.name_scope("layer"):
        return lk.Variable([1.0, 2.0], name="w"), lk.Variable(0.5, name="b")


def loss_of(w, b):
    return lk.reduce_sum(lk.square(w)) + b * b


@pytest.mark.parametrize("name", MADE)
def test_names_of_operation_and_slots(graph, name):
    make, slots = MADE[name]
    w, b = layer()
    optimizer = make()
    assert optimizer.get_slot_names() == []
    step = optimizer.minimize(loss_of(w, b))
    assert (step.name, step.type, optimizer.get_name()) == (name, "NoOp", name)
    assert optimizer.get_slot_names() == list(slots)
    assert {key: optimizer.get_slot(w, key).op.name for key in slots} == {
        key: f"layer/w/{name}{suffix}" for key, suffix in slots.items()
    }
    assert optimizer.get_slot(w, "nope") is None
    powers = ["beta1_power", "beta2_power"] if name == "Adam" else []
    order = [f"layer/{v}/{name}{suffix}" for v in "wb" for suffix in sorted(slots.values())]
    assert [v.op.name for v in lk.global_variables()] == ["layer/w", "layer/b", *powers, *order]
    assert lk.trainable_variables() == [w, b]
    # slots first, then what all variables share, then the updates; the operation itself is the last
    names = [op.name for op in graph.get_operations() if op.name.startswith(name)]
    assert names[-1] == name == graph.get_operations()[-1].name
    assert f"{name}/learning_rate" in names[0] or name == "Adadelta"
    updates = [op for op in names if "/update_layer/w/Apply" in op or "/update_layer/b/Apply" in op]
    assert len(updates) == 2


def test_an_own_name_is_that_of_the_slots(graph):
    w, b = layer()
    optimizer = tf.train.AdamOptimizer(name="mine")
    assert optimizer.minimize(loss_of(w, b), name="step").name == "step"
    assert optimizer.get_slot(w, "v").op.name == "layer/w/mine_1"
    with pytest.raises(ValueError, match="Must specify the optimizer name"):
        tf.train.AdamOptimizer(name="")


def test_defaults_are_tensorflow_1s():
    assert tf.train.AdamOptimizer().epsilon == 1e-8
    rmsprop = tf.train.RMSPropOptimizer(0.1)
    assert (rmsprop.rho, rmsprop.momentum, rmsprop.epsilon, rmsprop.initial_mean_square) == (0.9, 0.0, 1e-10, 1.0)
    adagrad = tf.train.AdagradOptimizer(0.1)
    assert (adagrad.initial_accumulator_value, adagrad.epsilon) == (0.1, 0.0)
    adadelta = tf.train.AdadeltaOptimizer()
    assert (adadelta.learning_rate, adadelta.rho, adadelta.epsilon) == (0.001, 0.95, 1e-8)
    with pytest.raises(ValueError, match=r"initial_accumulator_value must be positive: 0\.0"):
        tf.train.AdagradOptimizer(0.1, initial_accumulator_value=0.0)


def test_the_first_step_of_rmsprop_divides_by_a_mean_square_that_began_at_one():
    w = lk.Variable(1.0, dtype=lk.float64)
    step = tf.train.RMSPropOptimizer(0.1).minimize(lk.square(w))
    with lk.Session() as session:
        session.run(lk.global_variables_initializer())
        session.run(step)
        assert session.read(w) == pytest.approx(1 - 0.1 * 2 / np.sqrt(0.9 * 1 + 0.1 * 4), rel=1e-9)


def test_all_arguments_of_minimize(graph):
    w, b = layer()
    named = {"w": w, "b": b}
    optimizer = tf.train.GradientDescentOptimizer(0.5, use_locking=True)
    step = optimizer.minimize(
        loss_of(w, b),
        tf.train.get_or_create_global_step(),
        named.values(),
        optimizer.GATE_GRAPH,
        None,
        True,
        "step",
        lk.constant(0.5),
    )
    with lk.Session() as session:
        session.run(lk.global_variables_initializer())
        assert session.run(step) is None
        assert session.run([w, b])[0].tolist() == [0.5, 1.0]
        assert tf.train.global_step(session, tf.train.get_global_step()) == 1
    with pytest.raises(ValueError, match="gate_gradients must be one of"):
        optimizer.compute_gradients(loss_of(w, b), gate_gradients=7)


def test_gradients_are_clipped_between_compute_and_apply():
    w, b = layer()
    idle = lk.Variable(1.0, name="idle")
    optimizer = tf.train.MomentumOptimizer(1.0, 0.0, use_nesterov=True)
    grads, variables = zip(*optimizer.compute_gradients(loss_of(w, b)), strict=True)
    assert variables == (w, b, idle)
    assert grads[2] is None
    clipped, norm = lk.clip_by_global_norm(grads, 1.0)
    step = optimizer.apply_gradients(zip(clipped, variables, strict=True))
    with lk.Session() as session:
        session.run(lk.global_variables_initializer())
        size = session.run(norm)
        session.run(step)
        np.testing.assert_allclose(session.run(w), np.array([1, 2]) * (1 - 2 / size), rtol=1e-6)
        assert session.run(idle) == 1


@pytest.mark.parametrize("rate", ["placeholder", "decay", "variable", "function", "numpy"])
def test_a_learning_rate_that_is_no_number(rate):
    w, step_number = lk.Variable(1.0), tf.train.get_or_create_global_step()
    given = lk.placeholder(lk.float32, [])
    value = {
        "placeholder": given,
        "decay": tf.train.exponential_decay(0.1, step_number, 1, 0.5),
        "variable": lk.Variable(0.1, trainable=False),
        "function": lambda: 0.1,
        "numpy": np.float64(0.1),
    }[rate]
    step = tf.train.GradientDescentOptimizer(value).minimize(lk.square(w), step_number, [w])
    with lk.Session() as session:
        session.run(lk.global_variables_initializer())
        expected = 1.0
        for number in range(3):
            session.run(step, {given: 0.1} if rate == "placeholder" else {})
            expected *= 1 - 2 * 0.1 * (0.5**number if rate == "decay" else 1)
        assert session.run(w) == pytest.approx(expected, rel=1e-6)


def test_momentum_may_be_fed():
    w, momentum = lk.Variable(0.0), lk.placeholder(lk.float32, [])
    step = tf.train.MomentumOptimizer(1.0, momentum).apply_gradients([(lk.constant(1.0), w)])
    with lk.Session() as session:
        session.run(lk.global_variables_initializer())
        for value in (0.0, 0.5, 0.25):
            session.run(step, {momentum: value})
        assert session.run(w) == -(1 + 1.5 + 1.375)


def test_what_cannot_be_minimized():
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    with pytest.raises(ValueError, match="No variables to optimize"):
        optimizer.minimize(lk.constant(1.0))
    w = lk.Variable([1.0, 2.0], name="w")
    with pytest.raises(ValueError, match="No gradients provided for any variable, check your graph"):
        optimizer.minimize(lk.constant(1.0))
    with pytest.raises(ValueError, match=r"No gradients provided for any variable: \['w:0'\]"):
        optimizer.apply_gradients([(None, w)])
    with pytest.raises(ValueError, match="No variables provided"):
        optimizer.apply_gradients([])


STEP = 250
DECAYS = [
    (lambda s: tf.train.exponential_decay(0.1, s, 100, 0.5), 0.1 * 0.5**2.5),
    (lambda s: tf.train.exponential_decay(0.1, s, 100, 0.5, staircase=True), 0.1 * 0.5**2),
    (lambda s: tf.train.natural_exp_decay(0.1, s, 100, 0.5), 0.1 * np.exp(-1.25)),
    (lambda s: tf.train.natural_exp_decay(0.1, s, 100, 0.5, True), 0.1 * np.exp(-1.0)),
    (lambda s: tf.train.inverse_time_decay(0.1, s, 100, 0.5), 0.1 / 2.25),
    (lambda s: tf.train.polynomial_decay(0.1, s, 1000), (0.1 - 1e-4) * 0.75 + 1e-4),
    (lambda s: tf.train.polynomial_decay(0.1, s, 100, 0.0, 2.0, cycle=True), 0.1 * (50 / 300) ** 2),
    (lambda s: tf.train.cosine_decay(0.1, s, 1000, alpha=0.5), 0.1 * (0.5 * 0.5 * (1 + np.cos(np.pi / 4)) + 0.5)),
    (lambda s: tf.train.cosine_decay_restarts(0.1, s, 100), 0.1 * 0.5 * (1 + np.cos(np.pi * 150 / 200))),
    (lambda s: tf.train.piecewise_constant(s, [100, 250], [0.3, 0.2, 0.1]), 0.2),
]


@pytest.mark.parametrize(("decay", "expected"), DECAYS)
def test_decays(decay, expected):
    with lk.name_scope("train"):
        rate = decay(lk.constant(STEP, lk.int64))
    assert rate.dtype is lk.float32
    assert re.fullmatch(r"train/[A-Z][A-Za-z]+:0", rate.name)
    with lk.Session() as session:
        assert session.run(rate) == pytest.approx(expected, rel=1e-5)


def test_a_decay_of_a_double_is_a_double_and_a_step_is_needed():
    assert tf.train.exponential_decay(np.float64(0.1), 3, 100, 0.5).dtype is lk.float64
    with pytest.raises(ValueError, match="global_step is required for exponential_decay"):
        tf.train.exponential_decay(0.1, None, 100, 0.5)


def test_rows_of_a_table_take_the_steps():
    table = lk.Variable(np.ones((5, 2)), name="table", dtype=lk.float64)
    optimizer = tf.train.MomentumOptimizer(0.1, 0.5)
    step = optimizer.minimize(lk.reduce_sum(lk.gather(table, [1, 3, 1])))
    assert any(op.type == "SparseApplyMomentum" for op in lk.get_default_graph().operations)
    with lk.Session() as session:
        session.run(lk.global_variables_initializer())
        session.run(step)
        assert session.run(table)[:, 0] == pytest.approx([1, 0.8, 1, 0.9, 1])
        assert session.run(optimizer.get_slot(table, "momentum"))[:, 0].tolist() == [0, 2, 0, 1, 0]


def test_a_global_step_is_an_integer():
    tf.train.assert_global_step(tf.train.create_global_step())
    with pytest.raises(TypeError, match="does not have integer type"):
        tf.train.assert_global_step(lk.Variable(1.0))


def test_names_of_single_slots_are_refused():
    with pytest.raises(InvalidArgumentError, match="accum_name='a'"):
        tf.train.FtrlOptimizer(0.1, accum_name="a")
