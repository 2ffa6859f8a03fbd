"""Gradient clipping, which every optimizer takes, against NumPy."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import InvalidArgumentError
from labkit.plugins import current_lab, resolve, spec_of

RANDOM = np.random.default_rng(3)
GRADIENTS = [RANDOM.normal(size=(4, 3)), 3 * RANDOM.normal(size=5), RANDOM.normal(size=()) * 0.1]
NAMES = current_lab().registry("optimizers").names()


def clipped(gradients, clipvalue=None, clipnorm=None, global_clipnorm=None):
    if clipvalue:
        return [np.clip(g, -clipvalue, clipvalue) for g in gradients]
    if clipnorm:
        return [g * clipnorm / max(np.linalg.norm(g), clipnorm) for g in gradients]
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return [g * global_clipnorm / max(norm, global_clipnorm) for g in gradients]


def moved(optimizer, gradients, dtypes, steps=1):
    """What gradients, one for each variable, make of variables that were 0."""
    with lk.Graph().as_default(), lk.Session() as session:
        variables = [lk.Variable(np.zeros(np.shape(g)), dtype=d) for g, d in zip(gradients, dtypes, strict=True)]
        step = optimizer.apply_gradients(zip(gradients, variables, strict=True))
        session.run(lk.global_variables_initializer())
        session.run(step, steps=steps)
        return [session.read(variable) for variable in variables]


WAYS = [
    {"clipvalue": 0.5},
    {"clipnorm": 1.0},
    {"clipnorm": 100.0},
    {"global_clipnorm": 2.0},
    {"global_clipnorm": 100.0},
]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize(
    "dtypes",
    [[lk.float32] * 3, [lk.float64] * 3, [lk.float32, lk.float64, lk.float32]],
    ids=["float32", "float64", "both"],
)
def test_gradients_are_clipped_as_the_formulas_say(way, dtypes):
    found = moved(lk.optimizers.SGD(1.0, **way), GRADIENTS, dtypes)
    for value, want, dtype in zip(found, clipped(GRADIENTS, **way), dtypes, strict=True):
        np.testing.assert_allclose(value, -want, rtol=1e-13 if dtypes == [lk.float64] * 3 else 5e-7, err_msg=dtype.name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("way", [WAYS[0], WAYS[1], WAYS[3]], ids=str)
def test_every_optimizer_clips_before_its_rule(name, way):
    dtypes = [lk.float64] * 3
    found = moved(resolve("optimizers", {"name": name, **way}), GRADIENTS, dtypes, steps=3)
    wanted = moved(resolve("optimizers", name), clipped(GRADIENTS, **way), dtypes, steps=3)
    for value, want in zip(found, wanted, strict=True):
        np.testing.assert_allclose(value, want, rtol=1e-10)


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("name", ["SGD", "Adagrad", "Adam"])
def test_rows_are_clipped_as_the_whole_gradient(name, way):
    """A row that comes twice is added up before it is clipped."""
    results = []
    for rows in (True, False):
        with lk.Graph().as_default(), lk.Session() as session:
            table, w = lk.Variable(np.ones((5, 3)), dtype=lk.float64), lk.Variable(np.ones(2), dtype=lk.float64)
            values = lk.constant(GRADIENTS[0], lk.float64)
            g = lk.IndexedSlices(values, lk.constant([4, 1, 4, 0]), lk.constant([5, 3]))
            pairs = [(g if rows else g.as_tensor(), table), (lk.constant([3.0, -2.0], lk.float64), w)]
            step = resolve("optimizers", {"name": name, "learning_rate": 0.1, **way}).apply_gradients(pairs)
            session.run(lk.global_variables_initializer())
            session.run(step, steps=3)
            results.append([session.read(table), session.read(w)])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_minimize_clips_and_compute_gradients_gives_them_as_they_are():
    with lk.Graph().as_default(), lk.Session() as session:
        w = lk.Variable([3.0, -4.0], dtype=lk.float64)
        loss = lk.reduce_sum(lk.square(w)) / 2.0
        optimizer = lk.optimizers.SGD(1.0, clipnorm=1.0)
        ((gradient, _),) = optimizer.compute_gradients(loss)
        step = optimizer.minimize(loss)
        session.run(lk.global_variables_initializer())
        assert session.run(gradient).tolist() == [3.0, -4.0]
        session.run(step)
        np.testing.assert_allclose(session.read(w), [2.4, -3.2], rtol=1e-15)


def test_a_compiled_model_clips():
    def weights(optimizer):
        model = lk.models.Sequential([lk.layers.Dense(1, kernel_initializer="zeros", input_shape=(2,))])
        model.compile(optimizer=optimizer, loss="mse")
        model.fit(np.float32([[1, 2], [3, 4]]), np.float32([[10], [20]]), batch_size=2, epochs=1, verbose=0)
        return np.concatenate([np.ravel(x) for x in model.get_weights()])

    free, bounded = weights(lk.optimizers.SGD(1.0)), weights({"name": "sgd", "learning_rate": 1.0, "clipvalue": 0.25})
    assert (np.abs(free) > 1).all()
    assert bounded.tolist() == [0.25, 0.25, 0.25]


def test_the_bound_may_be_a_tensor():
    with lk.Graph().as_default(), lk.Session() as session:
        bound = lk.placeholder(lk.float32, [])
        w = lk.Variable([0.0, 0.0], dtype=lk.float64)
        step = lk.optimizers.SGD(1.0, global_clipnorm=bound).apply_gradients([([3.0, 4.0], w)])
        session.run(lk.global_variables_initializer())
        session.run(step, {bound: 0.5})
        np.testing.assert_allclose(session.read(w), [-0.3, -0.4], rtol=1e-14)


def test_large_gradients_do_not_overflow_and_no_gradient_stays_zero():
    for way in ({"clipnorm": 1.0}, {"global_clipnorm": 1.0}):
        (large,) = moved(lk.optimizers.SGD(1.0, **way), [np.float32([3e30, -4e30])], [lk.float32])
        np.testing.assert_allclose(large, [-0.6, 0.8], rtol=1e-6)
        (none,) = moved(lk.optimizers.SGD(1.0, **way), [np.zeros(2)], [lk.float32])
        assert none.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_seen(bad):
    gradients, dtypes = [np.array([bad, 1.0]), np.ones(2)], [lk.float32] * 2
    apart = moved(lk.optimizers.SGD(1.0, clipnorm=1.0), gradients, dtypes)
    together = moved(lk.optimizers.SGD(1.0, global_clipnorm=1.0), gradients, dtypes)
    assert np.isnan(apart[0]).all()
    assert np.isfinite(apart[1]).all()
    assert np.isnan(together).all()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"clipvalue": 0.5, "clipnorm": 1.0}, "At most one of.*clipvalue=0.5, clipnorm=1.0"),
        ({"clipnorm": 0.5, "global_clipnorm": 1.0}, "At most one of"),
        ({"clipvalue": 0.0}, "above 0"),
        ({"clipnorm": -1.0}, "clipnorm=-1.0"),
        ({"global_clipnorm": float("inf")}, "finite"),
        ({"clipnorm": "large"}, "clipnorm='large'"),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", NAMES)
def test_settings_that_are_refused(name, settings, text):
    with pytest.raises(InvalidArgumentError, match=text):
        resolve("optimizers", {"name": name, **settings})


@pytest.mark.parametrize("name", NAMES)
def test_clipping_is_a_setting_by_name(name):
    made = resolve("optimizers", {"name": name, "clipnorm": 2.0})
    assert spec_of("optimizers", made)["clipnorm"] == 2.0
    assert "clipnorm=2.0" in repr(resolve("optimizers", spec_of("optimizers", made)))
    with pytest.raises(InvalidArgumentError, match="clipnorm"):
        resolve("optimizers", {"name": name, "clipnrm": 2.0})
    with pytest.raises(InvalidArgumentError, match=r"Did you mean .clipnorm"):
        type(made)(clipnrm=2.0)


def test_an_optimizer_of_ones_own_clips_with_a_constructor_or_without():
    class Plain(lk.optimizers.Optimizer):
        def update(self, variable, gradient, learning_rate):
            return variable.assign_sub(learning_rate * gradient)

    class WithoutClipping(Plain):
        def __init__(self, rate=1.0):
            super().__init__(rate)

    assert moved(Plain(1.0, clipvalue=0.5), [np.ones(1)], [lk.float32])[0] == -0.5
    assert moved(WithoutClipping(), [np.ones(1)], [lk.float32])[0] == -1.0
    with pytest.raises(TypeError, match="clipvalue"):
        WithoutClipping(clipvalue=0.5)


@pytest.mark.parametrize("way", [WAYS[0], WAYS[1], WAYS[3]], ids=str)
def test_a_step_in_a_branch_clips_there(way):
    with lk.Graph().as_default(), lk.Session() as session:
        table, w = lk.Variable(np.zeros((4, 2)), dtype=lk.float64), lk.Variable(np.zeros(2), dtype=lk.float64)
        chosen = lk.placeholder(lk.bool, [])
        optimizer = lk.optimizers.SGD(1.0, **way)

        def train():
            loss = 3.0 * lk.reduce_sum(lk.gather(table, [1, 2, 1])) - 4.0 * lk.reduce_sum(w)
            with lk.control_dependencies([optimizer.minimize(loss)]):
                return lk.constant(1.0)

        done = lk.cond(chosen, train, lambda: lk.constant(0.0))
        session.run(lk.global_variables_initializer())
        assert session.run(done, {chosen: False}) == 0.0
        assert not session.read(table).any()
        assert session.run(done, {chosen: True}) == 1.0
        rows = np.array([[0.0, 0.0], [6.0, 6.0], [3.0, 3.0], [0.0, 0.0]])
        for value, want in zip((table, w), clipped([rows, np.full(2, -4.0)], **way), strict=True):
            np.testing.assert_allclose(session.read(value), -want, rtol=1e-13)
