"""Schedules against their formulas in NumPy, and what optimizers do with them."""

import numpy as np
import pytest

import labkit as lk
from labkit import testing
from labkit.errors import InvalidArgumentError, ShapeError

STEPS = np.asarray([0, 1, 7, 10, 11, 99, 100, 101, 250, 1000])


def exponential(t, rate, steps, decay, staircase=False):
    return rate * decay ** (t // steps if staircase else t / steps)


def polynomial(t, rate, steps, end=1e-4, power=1.0, cycle=False):
    steps = steps * np.maximum(1, np.ceil(t / steps)) if cycle else steps
    return (rate - end) * (1 - np.minimum(t, steps) / steps) ** power + end


def cosine(t, rate, steps, alpha=0.0):
    return rate * ((1 - alpha) * 0.5 * (1 + np.cos(np.pi * np.minimum(t, steps) / steps)) + alpha)


def warm(t, rate, steps, target, warmup):
    return np.where(t < warmup, rate + (target - rate) * t / warmup, cosine(np.maximum(t - warmup, 0), target, steps))


def restarts(t, rate, first, t_mul, m_mul, alpha):
    values = []
    for step in t:
        length, height = first, 1.0
        while step >= length:
            step, length, height = step - length, length * t_mul, height * m_mul
        values.append(rate * ((1 - alpha) * cosine(step, height, length) + alpha))
    return np.asarray(values)


CASES = [
    (lk.schedules.ExponentialDecay(0.1, 100, 0.5), exponential(STEPS, 0.1, 100, 0.5)),
    (lk.schedules.ExponentialDecay(0.1, 100, 0.5, staircase=True), exponential(STEPS, 0.1, 100, 0.5, True)),
    (lk.schedules.NaturalExponentialDecay(0.1, 100, 0.5), 0.1 * np.exp(-0.5 * STEPS / 100)),
    (lk.schedules.NaturalExponentialDecay(0.1, 100, 0.5, True), 0.1 * np.exp(-0.5 * (STEPS // 100))),
    (lk.schedules.InverseTimeDecay(0.1, 100, 0.5), 0.1 / (1 + 0.5 * STEPS / 100)),
    (lk.schedules.InverseTimeDecay(0.1, 100, 0.5, True), 0.1 / (1 + 0.5 * (STEPS // 100))),
    (lk.schedules.PolynomialDecay(0.1, 100), polynomial(STEPS, 0.1, 100)),
    (lk.schedules.PolynomialDecay(0.1, 100, 0.01, 2.0), polynomial(STEPS, 0.1, 100, 0.01, 2.0)),
    (lk.schedules.PolynomialDecay(0.1, 100, 0.01, 0.5, True), polynomial(STEPS, 0.1, 100, 0.01, 0.5, True)),
    (
        lk.schedules.PiecewiseConstantDecay([10, 100], [0.1, 0.2, 0.3]),
        np.where(STEPS <= 10, 0.1, np.where(STEPS <= 100, 0.2, 0.3)),
    ),
    (lk.schedules.PiecewiseConstantDecay([], [0.1]), np.full(len(STEPS), 0.1)),
    (lk.schedules.CosineDecay(0.1, 100), cosine(STEPS, 0.1, 100)),
    (lk.schedules.CosineDecay(0.1, 100, alpha=0.2), cosine(STEPS, 0.1, 100, 0.2)),
    (lk.schedules.CosineDecay(0.01, 100, 0.0, 0.1, 10), warm(STEPS, 0.01, 100, 0.1, 10)),
    (lk.schedules.Constant(0.1), np.full(len(STEPS), 0.1)),
    (lk.schedules.StepDecay(0.1, 100, 0.5), exponential(STEPS, 0.1, 100, 0.5, True)),
    (lk.schedules.StepDecay(0.1, 10), exponential(STEPS, 0.1, 10, 0.1, True)),
    (lk.schedules.Warmup(0.1, 10), 0.1 * np.minimum(STEPS / 10, 1)),
    (
        lk.schedules.Warmup({"name": "CosineDecay", "initial_learning_rate": 0.1, "decay_steps": 100}, 10, 0.01),
        warm(STEPS, 0.01, 100, 0.1, 10),
    ),
    (
        lk.schedules.Warmup(lambda step: 1 / (2.0 + step), 100, 0.1),
        np.where(STEPS < 100, 0.1 + 0.4 * STEPS / 100, 1 / (2.0 + np.maximum(STEPS - 100, 0))),
    ),
    (lk.schedules.CosineDecayRestarts(0.1, 10, 2.0, 0.5, 0.1), restarts(STEPS, 0.1, 10, 2.0, 0.5, 0.1)),
    (lk.schedules.CosineDecayRestarts(0.1, 30, 1.0, 0.9), restarts(STEPS, 0.1, 30, 1.0, 0.9, 0.0)),
]


@pytest.mark.parametrize(
    ("schedule", "expected"), CASES, ids=[f"{type(schedule).__name__} {i}" for i, (schedule, _) in enumerate(CASES)]
)
def test_rates_follow_the_formulas(schedule, expected):
    np.testing.assert_allclose(testing.check_schedule(schedule, STEPS), expected, rtol=1e-12, atol=1e-15)


def test_the_dtype_of_the_step_is_that_of_the_rate_and_whole_steps_give_float32():
    with lk.Graph().as_default(), lk.Session() as session:
        schedule = lk.schedules.ExponentialDecay(0.1, 100, 0.5)
        for dtype in (lk.int32, lk.int64, lk.float32):
            rate = schedule(lk.constant(100, dtype))
            assert rate.dtype is lk.float32
            assert session.run(rate) == np.float32(0.05)
        assert schedule(lk.constant(100.0, lk.float64)).dtype is lk.float64
        assert session.run(schedule(100)) == np.float32(0.05)


def test_settings_may_be_tensors():
    with lk.Graph().as_default(), lk.Session() as session:
        rate, steps = lk.placeholder(lk.float32, []), lk.constant(10, lk.int32)
        decayed = lk.schedules.ExponentialDecay(rate, steps, 0.5)(20)
        assert session.run(decayed, {rate: 0.4}) == pytest.approx(0.1)


def test_an_optimizer_counts_its_own_steps():
    with lk.Graph().as_default(), lk.Session() as session:
        w = lk.Variable(1.0, dtype=lk.float64)
        loss = lk.square(w)
        optimizer = lk.optimizers.SGD({"name": "ExponentialDecay", "initial_learning_rate": 0.1, "decay_steps": 1,
                                       "decay_rate": 0.5})  # fmt: skip
        step = optimizer.minimize(loss)
        (iterations,) = optimizer.variables()
        assert (iterations.op.name, iterations.dtype, iterations.trainable) == ("iterations", lk.int64, False)
        session.run(lk.global_variables_initializer())
        session.run(step)
        session.run(step, steps=2)
        expected = 1.0
        for t in range(3):
            expected *= 1 - 2 * 0.1 * 0.5**t
        assert session.read(w) == pytest.approx(expected, rel=1e-14)
        assert session.read(iterations) == 3


def test_a_function_is_a_schedule():
    def rate(step):
        return 0.1 / (1.0 + step)

    np.testing.assert_allclose(testing.check_schedule(rate, STEPS), 0.1 / (1 + STEPS), rtol=1e-14)


def test_without_a_schedule_there_is_no_counter():
    with lk.Graph().as_default():
        optimizer = lk.optimizers.SGD(0.1)
        optimizer.minimize(lk.square(lk.Variable(1.0)))
        assert optimizer.variables() == []


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: lk.schedules.ExponentialDecay("fast", 1, 1), "initial_learning_rate='fast'"),
        (lambda: lk.schedules.ExponentialDecay(0.1, 0, 1), "above 0"),
        (lambda: lk.schedules.ExponentialDecay(0.1, 10, -1), "from 0 on"),
        (lambda: lk.schedules.PolynomialDecay(0.1, -5), "decay_steps=-5"),
        (lambda: lk.schedules.PolynomialDecay(0.1, 5, power=float("nan")), "power=nan"),
        (lambda: lk.schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2]), "2 boundaries and 2 values"),
        (lambda: lk.schedules.PiecewiseConstantDecay([2, 1], [0.1, 0.2, 0.3]), "They increase"),
        (lambda: lk.schedules.CosineDecay(0.1, 10, warmup_target=1.0), "warmup_steps"),
        (lambda: lk.schedules.CosineDecayRestarts(0.1, 10, t_mul=0.5), "from 1 on"),
        (lambda: lk.schedules.Constant("fast"), "learning_rate='fast'"),
        (lambda: lk.schedules.StepDecay(0.1, 0), "above 0"),
        (lambda: lk.schedules.Warmup(0.1, 0), "warmup_steps=0"),
        (lambda: lk.schedules.Warmup(None, 10), "learning_rate=None"),
        (lambda: lk.optimizers.SGD({"name": "ExponentialDecay", "rate": 1}), "cannot be made with these settings"),
    ],
)
def test_settings_that_are_refused(make, text):
    with pytest.raises(InvalidArgumentError, match=text):
        make()


def test_a_step_is_one_number():
    with lk.Graph().as_default(), pytest.raises(ShapeError, match="one number"):
        lk.schedules.CosineDecay(0.1, 10)(lk.constant([1.0, 2.0]))


class Twice:
    def __call__(self, step):
        return lk.stack([step, step])


class Remembers:
    def __call__(self, step):
        return step + lk.Variable(0.0, dtype=step.dtype)


@pytest.mark.parametrize(
    ("schedule", "text"), [(Twice(), "no scalar"), (Remembers(), "keeps state"), (lambda step: 1 / step, "not finite")]
)
def test_the_check_finds_what_is_wrong(schedule, text):
    with np.errstate(divide="ignore"), pytest.raises(AssertionError, match=text):
        testing.check_schedule(schedule)
