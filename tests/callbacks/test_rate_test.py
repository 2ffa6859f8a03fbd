"""The learning-rate range test: what it tries, what it suggests, and that it leaves no trace."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import FeedError, InvalidArgumentError, SessionError


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("optimizer", ["adam", "momentum"])
def test_it_leaves_no_trace(make, data, optimizer, trained):
    tested, plain = make(optimizer), make(optimizer)
    if trained:
        for model in (tested, plain):
            model.fit(*data, epochs=2, verbose=0)
        before = tested.session.state()
    tested.find_learning_rate(*data, batch_size=8)
    if trained:
        assert same(tested.session.state(), before)
        assert any(key.startswith("random:") for key in before)
    assert tested.optimizer.learning_rate == plain.optimizer.learning_rate
    for model in (tested, plain):
        model.fit(*data, epochs=2, verbose=0)
    assert same(tested.session.state(), plain.session.state())


def test_the_steps_are_those_of_training_at_these_rates(make, data):
    model, reference = make("sgd"), make("sgd")
    test = model.find_learning_rate(*data, batch_size=8, smallest=1e-4, largest=1e-1, steps=7, seed=3)
    np.testing.assert_allclose(test.learning_rates, np.logspace(-4, -1, 7), rtol=1e-12)
    loop = lk.models.TrainingLoop(reference, *data, batch_size=8, seed=3)
    for rate, loss in zip(test.learning_rates, test.losses, strict=True):
        reference.optimizer.learning_rate = float(rate)
        assert loop.run(1)["loss"][0] == loss
    assert not test.diverged


def test_smoothing_is_the_formula(make, data):
    test = make().find_learning_rate(*data, steps=20, largest=0.1, smoothing=0.8)
    mean, expected = 0.0, []
    for i, loss in enumerate(test.losses):
        mean = 0.8 * mean + 0.2 * loss
        expected.append(mean / (1 - 0.8 ** (i + 1)))
    np.testing.assert_allclose(test.smoothed, expected, rtol=1e-12)
    frame = test.frame()
    assert list(frame.columns) == ["learning_rate", "loss", "smoothed_loss"]
    assert list(frame["smoothed_loss"]) == list(test.smoothed)
    plain = make().find_learning_rate(*data, steps=20, largest=0.1, smoothing=0)
    assert np.array_equal(plain.smoothed, plain.losses)


def line(optimizer, inputs=3):
    """Mean squared error of a line: gradient descent converges for rates below 1 / largest eigenvalue of x'x / n."""
    model = lk.Sequential([lk.layers.Dense(1, input_shape=(inputs,), kernel_initializer="zeros")])
    model.compile(optimizer, "mse")
    return model


def test_the_suggestion_trains_and_ten_times_the_divergence_does_not(data):
    x, y = data
    test = line("sgd").find_learning_rate(x, y, batch_size=40, largest=100.0)
    largest = np.linalg.eigvalsh(x.T @ x / len(x))[-1]
    assert test.diverged
    assert len(test.losses) < 100
    assert 0.01 < test.suggestion < 1 / largest
    history = line(lk.optimizers.SGD(test.suggestion)).fit(x, y, epochs=200, batch_size=40, verbose=0)
    assert history.history["loss"][-1] < 0.02 < history.history["loss"][0]
    steps = range(int(np.argmin(test.smoothed)) + 1 - 10)  # the running mean remembers 10 steps, and so 11 are compared
    slopes = [np.polyfit(np.log(test.learning_rates[i : i + 11]), test.losses[i : i + 11], 1)[0] for i in steps]
    assert test.suggestion == test.learning_rates[int(np.argmin(slopes)) + 5]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("seed", range(4))
def test_noise_of_the_first_steps_is_no_fall(optimizer, seed):
    random = np.random.default_rng(seed)
    x = random.normal(size=(200, 4))
    test = line(optimizer, 4).find_learning_rate(x, x.sum(axis=1) + 0.3 * random.normal(size=200), seed=seed)
    assert 0.01 < test.suggestion < 0.3
    assert len(repr(test)) < 150
    assert f"suggestion {test.suggestion}" in repr(test)


def test_few_steps_and_losses_that_are_not_smoothed(data):
    for settings in ({"steps": 3}, {"smoothing": 0.0}, {"smoothing": 0.9999}):
        test = line("sgd").find_learning_rate(*data, batch_size=40, smallest=1e-3, largest=0.1, **settings)
        assert 1e-3 <= test.suggestion <= 0.1 + 1e-9


def test_no_suggestion_where_the_loss_does_not_fall(data):
    x, y = data
    test = line("sgd").find_learning_rate(x, y, batch_size=40, smallest=100.0, largest=1000.0)
    assert test.suggestion is None
    assert test.diverged


def test_an_error_in_the_middle_leaves_no_trace(make, data, monkeypatch):
    model = make()
    model.fit(*data, verbose=0)
    before, run, calls = model.session.state(), lk.models.TrainingLoop.run, []

    def interrupted(self, steps):
        calls.append(steps)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return run(self, steps)

    monkeypatch.setattr(lk.models.TrainingLoop, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.find_learning_rate(*data)
    assert same(model.session.state(), before)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"smallest": 0}, "smallest"),
        ({"smallest": 1.0, "largest": 0.5}, "largest"),
        ({"steps": 2}, "at least 3 steps"),
        ({"steps": 0}, "steps must be"),
        ({"smoothing": 1.0}, "smoothing"),
        ({"smoothing": -0.1}, "smoothing"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_arguments_that_make_no_sense(make, data, settings, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make().find_learning_rate(*data, **settings)


def test_what_cannot_be_tested(make, data):
    with pytest.raises(InvalidArgumentError, match=r"cannot be searched for.*ExponentialDecay"):
        make(lk.optimizers.SGD(lk.schedules.ExponentialDecay(0.1, 10, 0.9))).find_learning_rate(*data)
    with pytest.raises(FeedError, match="at least one"):
        make().find_learning_rate(data[0][:0], data[1][:0])
    with pytest.raises(SessionError, match="not compiled"):
        lk.Sequential([lk.layers.Dense(1)]).find_learning_rate(*data)
