"""Exponential moving averages of variables and tensors."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import DTypeError, InvalidArgumentError
from labkit.optimizers import ExponentialMovingAverage

VALUES = np.random.default_rng(2).normal(size=(20, 3, 2))


def follow(decay, values, start, count=None):
    shadow = start
    for step, value in enumerate(values):
        rate = decay if count is None else min(decay, (1 + step) / (10 + step))
        shadow = shadow - (1 - rate) * (shadow - value)
    return shadow


@pytest.mark.parametrize(("dtype", "rtol"), [(lk.float32, 1e-5), (lk.float64, 1e-12)])
@pytest.mark.parametrize("counted", [False, True])
def test_a_shadow_follows_its_variable_after_each_update(dtype, rtol, counted):
    with lk.Graph().as_default(), lk.Session() as session:
        w, given = lk.Variable(np.ones((3, 2)), dtype=dtype, name="w"), lk.placeholder(dtype, [3, 2])
        count = lk.get_or_create_global_step()
        average = ExponentialMovingAverage(0.75, num_updates=count if counted else None)
        with lk.control_dependencies([w.assign(given)]):
            step = average.apply([w])
        counting = count.assign_add(1)
        session.run(lk.global_variables_initializer())
        assert (session.run(average.average(w)) == 1).all()
        for value in VALUES:
            assert session.run(step, {given: value}) is None
            session.run(counting)
        expected = follow(0.75, VALUES, np.ones((3, 2)), count if counted else None)
        np.testing.assert_allclose(session.run(average.average(w)), expected, rtol, rtol)


@pytest.mark.parametrize("debias", [False, True])
def test_a_tensors_average_starts_at_zero(debias):
    with lk.Graph().as_default(), lk.Session() as session:
        given = lk.placeholder(lk.float64, [3, 2])
        tensor = lk.multiply(given, 2.0, name="twice")
        average = ExponentialMovingAverage(0.9, zero_debias=debias)
        step = average.apply([tensor])
        names = ["twice/ExponentialMovingAverage"]
        more = [f"{names[0]}/biased", f"{names[0]}/local_step"] if debias else []
        assert [v.op.name for v in lk.global_variables()] == names + more
        session.run(lk.global_variables_initializer())
        for value in VALUES:
            session.run(step, {given: value})
        expected = follow(0.9, 2 * VALUES, 0.0) / (1 - 0.9 ** len(VALUES) if debias else 1)
        np.testing.assert_allclose(session.run(average.average(tensor)), expected, rtol=1e-12)


def test_names_and_collections():
    with lk.Graph().as_default() as graph:
        with lk.name_scope("layer"):
            w, fixed = lk.Variable([1.0], name="w"), lk.Variable([1.0], trainable=False, name="fixed")
        average = ExponentialMovingAverage(0.9)
        assert average.average(w) is None
        assert average.average_name(w) == "layer/w/ExponentialMovingAverage"
        with lk.name_scope("train"):
            step = average.apply()
        shadow = average.average(w)
        assert step.name == "train/ExponentialMovingAverage"
        assert (shadow.op.name, shadow.trainable) == ("layer/w/ExponentialMovingAverage", False)
        assert graph.get_collection("moving_average_variables") == [w]
        assert lk.trainable_variables() == [w]
        assert average.average(fixed) is None
        assert average.variables_to_restore() == {shadow.op.name: w, "layer/fixed": fixed}
        assert average.variables_to_restore([]) == {v.op.name: v for v in (w, fixed, shadow)}
        again = ExponentialMovingAverage(0.9)
        assert again.average_name(w) == "layer/w/ExponentialMovingAverage_1"
        assert again.apply([w]).name == "ExponentialMovingAverage"
        assert again.average(w).op.name == "layer/w/ExponentialMovingAverage_1"
        assert graph.get_collection("moving_average_variables") == [w]


def test_a_random_start_is_the_variables_own():
    with lk.Graph().as_default(), lk.Session() as session:
        w = lk.Variable(lambda: lk.random.normal([5]), name="w")
        average = ExponentialMovingAverage(0.9)
        average.apply([w])
        session.run(lk.global_variables_initializer())
        assert np.array_equal(*session.run([w, average.average(w)]))


def test_what_has_no_average():
    with lk.Graph().as_default():
        with pytest.raises(DTypeError, match="of floats"):
            ExponentialMovingAverage(0.9).apply([lk.Variable(1)])
        for decay in (1.5, -0.1, float("nan")):
            with pytest.raises(InvalidArgumentError, match="from 0 to 1"):
                ExponentialMovingAverage(decay)
