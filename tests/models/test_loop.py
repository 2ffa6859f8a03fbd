"""The training loop's promises about bits, order and state."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import CheckpointError, FeedError, InvalidArgumentError, SessionError
from labkit.models import TrainingLoop, example_order


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


def test_order_is_a_permutation_of_seed_and_epoch():
    orders = {(seed, epoch): example_order(seed, epoch, 50) for seed in (0, 1) for epoch in (0, 1)}
    assert all(sorted(order) == list(range(50)) for order in orders.values())
    assert len({tuple(order) for order in orders.values()}) == 4
    assert np.array_equal(orders[1, 1], example_order(1, 1, 50))


def test_a_batch_crosses_the_border_of_an_epoch(network, digits):
    loop = TrainingLoop(network(), *digits, batch_size=16, seed=4)
    sequence = np.concatenate([example_order(4, epoch, 40) for epoch in range(3)])
    assert np.array_equal(loop.feed.indices(0, 7).ravel(), sequence[: 7 * 16])
    assert np.array_equal(loop.feed.indices(2, 1).ravel(), sequence[32:48])
    assert [loop.epoch_end(epoch) for epoch in range(3)] == [3, 5, 8]


def test_a_batch_holds_at_most_all_examples(network, digits):
    loop = TrainingLoop(network(), *digits, batch_size=1000)
    assert loop.batch_size == 40
    assert sorted(loop.feed.indices(3, 1)[0]) == list(range(40))


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_how_steps_are_cut_changes_no_bit(network, digits, optimizer):
    whole, cut = (TrainingLoop(network(optimizer), *digits, batch_size=16, seed=1) for _ in range(2))
    series = whole.run(9)
    parts = [cut.run(n) for n in (1, 5, 3)]
    assert all(np.array_equal(series[name], np.concatenate([part[name] for part in parts])) for name in series)
    assert series["loss"].shape == (9,)
    assert same(whole.state(), cut.state())


def test_the_number_of_threads_changes_no_bit(network, digits):
    before, states = lk.get_num_threads(), []
    try:
        for threads in (1, 2, 4):
            lk.set_num_threads(threads)
            loop = TrainingLoop(network("adam"), *digits, batch_size=16)
            loop.run(3)
            states.append(loop.state())
    finally:
        lk.set_num_threads(before)
    assert same(states[0], states[1])
    assert same(states[0], states[2])


def test_looking_changes_no_bit(network, digits):
    plain, watched = (TrainingLoop(network("adam"), *digits, batch_size=16, seed=1) for _ in range(2))
    watched.model.evaluate(*digits)
    plain.run(6)
    for _ in range(6):
        watched.run(1)
        watched.model.evaluate(*digits, batch_size=7)
        watched.model.predict(digits[0])
        watched.model.session.run(watched.model.taps(), {watched.model.x: digits[0]})
        watched.model.get_weights()
        watched.state()
    assert same(plain.state(), watched.state())


def test_a_restored_loop_continues_with_the_same_bits(network, digits):
    loop = TrainingLoop(network("adam"), *digits, batch_size=16, seed=2)
    loop.run(4)
    saved = {key: value.copy() for key, value in loop.state().items()}
    expected = loop.run(5)
    other = TrainingLoop(network("adam"), *digits, batch_size=16, seed=2)
    other.run(1)
    other.restore(saved)
    assert other.step == 4
    assert same(other.run(5), expected)
    assert same(other.state(), loop.state())


def test_the_state_names_variables_slots_counters_and_position(network, digits):
    loop = TrainingLoop(network("adam"), *digits)
    loop.run(2)
    state = loop.state()
    assert {
        "conv2d/kernel",
        "conv2d/kernel/Adam",
        "conv2d/kernel/Adam_1",
        "dense_1/bias",
        "loop/step",
        "loop/seed",
    } <= set(state)
    assert any(key.startswith("random:") and "dropout" in key for key in state)
    assert state["loop/step"] == 2


@pytest.mark.parametrize("change", [{"batch_size": 8}, {"seed": 3}, {"shuffle": False}])
def test_a_state_of_another_loop_is_refused(network, digits, change):
    settings = {"batch_size": 16, "seed": 2}
    state = TrainingLoop(network(), *digits, **settings).state()
    loop = TrainingLoop(network(), *digits, **{**settings, **change})
    with pytest.raises(CheckpointError, match=r"another training loop.*here"):
        loop.restore(state)


@pytest.mark.parametrize(
    ("key", "value"),
    [("loop/step", value) for value in ("x", -1, 1.5, np.nan, [1, 2], None)]
    + [("loop/seed", "x"), ("loop/metrics/accuracy/examples", "x"), ("loop/metrics/accuracy/examples", [1, 2])],
)
def test_a_damaged_position_is_refused(network, digits, key, value):
    loop = TrainingLoop(network(), *digits)
    state = loop.state()
    assert key in state
    with pytest.raises(CheckpointError):
        loop.restore({**state, key: value if value is None else np.array(value)})
    assert same(loop.state(), state)


def test_a_damaged_state_changes_nothing(network, digits):
    loop = TrainingLoop(network("adam"), *digits)
    loop.run(2)
    state, before = loop.state(), loop.state()
    state["dense/kernel"] = np.zeros(3)
    with pytest.raises(Exception, match=r"dense/kernel"):
        loop.restore(state)
    assert same(loop.state(), before)
    assert loop.step == 2


def test_the_order_follows_the_seed(network, digits):
    losses = [TrainingLoop(network(), *digits, batch_size=16, seed=seed).run(3)["loss"] for seed in (0, 0, 1)]
    assert np.array_equal(losses[0], losses[1])
    assert not np.array_equal(losses[0], losses[2])


def test_stretches_reach_the_step_and_change_no_bit(network, digits):
    loop, reference = (TrainingLoop(network(), *digits, batch_size=16) for _ in range(2))
    losses = np.concatenate([values["loss"] for values in loop.stretches(50)])
    assert loop.step == 50
    assert np.array_equal(losses, reference.run(50)["loss"])


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"batch_size": 0}, InvalidArgumentError, "batch_size must be a whole number above 0. Received: 0"),
        ({"seed": -1}, InvalidArgumentError, "seed must be .* Received: -1"),
        ({"y": [1, 2]}, FeedError, "40 examples in x, 2 in y"),
    ],
)
def test_bad_arguments(network, digits, settings, error, message):
    with pytest.raises(error, match=message):
        TrainingLoop(network(), **{"x": digits[0], "y": digits[1], **settings})


def test_a_model_that_is_not_compiled(digits):
    with pytest.raises(SessionError, match=r"is not compiled.*Call compile first"):
        TrainingLoop(lk.Sequential([lk.layers.Flatten(), lk.layers.Dense(4)]), *digits)
