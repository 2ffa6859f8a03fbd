"""BatchNormalization in training and at inference, its averages, masks, bits and refusals."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import InvalidArgumentError, ShapeError

RANDOM = np.random.default_rng(5)
SHAPES = [((9, 4), -1), ((9, 4), 1), ((5, 6, 3), 2), ((5, 6, 3), 1), ((4, 5, 3, 6), -1), ((4, 5, 3, 6), 1)]
SHAPES += [((3, 2, 3, 4, 5), -1), ((3, 2, 3, 4, 5), -3)]


def moments(x, axis):
    axes = tuple(i for i in range(x.ndim) if i != axis % x.ndim)
    return axes, x.mean(axes, keepdims=True), x.var(axes, keepdims=True)


class Program:
    """A layer traced for training and for inference in a graph of its own."""

    def __init__(self, layer, x, mask=None):
        self.layer, self.graph = layer, lk.Graph()
        with self.graph.as_default():
            self.x = lk.placeholder(x.dtype, [None, *x.shape[1:]])
            keep = {} if mask is None else {"mask": lk.constant(mask)}
            self.training = layer(self.x, training=True, **keep)
            self.updates = lk.get_collection(lk.GraphKeys.UPDATE_OPS)
            self.inference = layer(self.x)
            assert lk.get_collection(lk.GraphKeys.UPDATE_OPS) == self.updates
            self.session = lk.Session()
            self.session.run(lk.global_variables_initializer())

    def load(self, name, value):
        self.session.load(getattr(self.layer, name), value)

    def read(self, name):
        return self.session.read(getattr(self.layer, name))

    def step(self, x):
        return self.session.run([self.training, *self.updates], {self.x: x})[0]


@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_training_and_inference(shape, axis):
    batches = [RANDOM.normal(size=shape) * 3 + 2 for _ in range(3)]
    program = Program(lk.layers.BatchNormalization(axis=axis, momentum=0.7, epsilon=0.01), batches[0])
    features = shape[axis]
    wide = [features if i == axis % len(shape) else 1 for i in range(len(shape))]
    gamma, beta = RANDOM.normal(size=features), RANDOM.normal(size=features)
    program.load("gamma", gamma)
    program.load("beta", beta)
    moving_mean, moving_variance = np.zeros(features), np.ones(features)
    for x in batches:
        _, mean, variance = moments(x, axis)
        expected = (x - mean) / np.sqrt(variance + 0.01) * gamma.reshape(wide) + beta.reshape(wide)
        np.testing.assert_allclose(program.step(x), expected, rtol=1e-9, atol=1e-11)
        moving_mean = 0.7 * moving_mean + 0.3 * mean.ravel()
        moving_variance = 0.7 * moving_variance + 0.3 * variance.ravel()
    np.testing.assert_allclose(program.read("moving_mean"), moving_mean, rtol=1e-12)
    np.testing.assert_allclose(program.read("moving_variance"), moving_variance, rtol=1e-12)
    x = RANDOM.normal(size=shape)
    scale = gamma / np.sqrt(moving_variance + 0.01)
    expected = (x - moving_mean.reshape(wide)) * scale.reshape(wide) + beta.reshape(wide)
    found = program.session.run(program.inference, {program.x: x})
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)
    assert [weight.op.name.split("/")[1] for weight in program.layer.weights] == [
        "gamma",
        "beta",
        "moving_mean",
        "moving_variance",
    ]
    assert len(program.layer.trainable_weights) == 2


@pytest.mark.parametrize(("center", "scale"), [(False, False), (True, False), (False, True)])
def test_without_center_or_scale(center, scale):
    x = RANDOM.normal(size=(7, 3)) + 1
    program = Program(lk.layers.BatchNormalization(center=center, scale=scale), x)
    assert (program.layer.beta is not None, program.layer.gamma is not None) == (center, scale)
    _, mean, variance = moments(x, -1)
    np.testing.assert_allclose(program.step(x), (x - mean) / np.sqrt(variance + 1e-3), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("axis", [-1, 1])
def test_gradients_in_training_go_through_mean_and_variance(axis):
    x = RANDOM.normal(size=(4, 3, 5))
    weights = RANDOM.normal(size=x.shape)

    def total(values, gamma, beta):
        _, mean, variance = moments(values, axis)
        wide = [1, 3, 1] if axis == 1 else [1, 1, 5]
        y = (values - mean) / np.sqrt(variance + 1e-3) * gamma.reshape(wide) + beta.reshape(wide)
        return (np.sin(y) * weights).sum()

    program = Program(lk.layers.BatchNormalization(axis=axis), x)
    gamma, beta = RANDOM.normal(size=(2, x.shape[axis]))
    program.load("gamma", gamma)
    program.load("beta", beta)
    with program.graph.as_default():
        loss = lk.reduce_sum(lk.sin(program.training) * lk.constant(weights))
        slopes = lk.gradients(loss, [program.x, program.layer.gamma, program.layer.beta])
    found = program.session.run(slopes, {program.x: x})
    for i, slope in enumerate(found):
        for place in list(np.ndindex(*slope.shape))[::3]:
            sides = []
            for sign in (1, -1):
                moved = [x.copy(), gamma.copy(), beta.copy()]
                moved[i][place] += sign * 1e-6
                sides.append(total(*moved))
            assert slope[place] == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-6, abs=1e-7)


def test_a_frozen_layer_is_as_at_inference():
    x = RANDOM.normal(size=(6, 4)) + 3
    program = Program(lk.layers.BatchNormalization(trainable=False), x)
    assert not program.updates
    assert not program.layer.trainable_weights
    np.testing.assert_allclose(program.step(x), x / np.sqrt(1 + 1e-3), rtol=1e-12)
    layer = lk.layers.BatchNormalization()
    with lk.Graph().as_default() as graph:
        layer(lk.constant(x), training=True)
        assert len(graph.get_collection(lk.GraphKeys.UPDATE_OPS)) == 2
        layer.trainable = False
        layer(lk.constant(x), training=True)
        assert len(graph.get_collection(lk.GraphKeys.UPDATE_OPS)) == 2


def test_a_layer_used_twice_counts_both_batches():
    x = RANDOM.normal(size=(6, 2))
    layer = lk.layers.BatchNormalization(momentum=0.9)
    with lk.Graph().as_default(), lk.Session() as session:
        layer(lk.constant(x), training=True)
        layer(lk.constant(x + 10), training=True)
        session.run(lk.global_variables_initializer())
        session.run(lk.get_collection(lk.GraphKeys.UPDATE_OPS))
        np.testing.assert_allclose(session.read(layer.moving_mean), 0.1 * (x + x + 10).mean(0), rtol=1e-12)


@pytest.mark.parametrize(("shape", "axis"), [((4, 5, 3), -1), ((4, 5, 2, 3), -1), ((4, 5, 2, 3), 2)])
def test_masked_steps_have_no_part(shape, axis):
    x = RANDOM.normal(size=shape)
    mask = RANDOM.random(size=shape[:2]) < 0.6
    program = Program(lk.layers.BatchNormalization(axis=axis, momentum=0.5), x, mask)
    y = program.step(x)
    rows = np.moveaxis(x, axis, -1)
    rows = rows[mask].reshape(-1, shape[axis])
    wide = [shape[axis] if i == axis % len(shape) else 1 for i in range(len(shape))]
    mean, variance = rows.mean(0), rows.var(0)
    expected = (x - mean.reshape(wide)) / np.sqrt(variance.reshape(wide) + 1e-3)
    np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(program.read("moving_mean"), 0.5 * mean, rtol=1e-12)
    np.testing.assert_allclose(program.read("moving_variance"), 0.5 + 0.5 * variance, rtol=1e-12)


def test_the_same_bits_for_any_threads():
    x = RANDOM.normal(size=(64, 9, 9, 17)).astype(np.float32)
    program = Program(lk.layers.BatchNormalization(), x)
    with program.graph.as_default():
        (slope,) = lk.gradients(lk.reduce_sum(lk.sin(program.training)), [program.x])
    before, found = lk.get_num_threads(), []
    try:
        for threads in (1, 3):
            lk.set_num_threads(threads)
            program.load("moving_variance", np.ones(17, np.float32))
            results = program.session.run([program.training, slope, *program.updates], {program.x: x})[:2]
            found.append([*results, program.read("moving_variance")])
    finally:
        lk.set_num_threads(before)
    for one, many in zip(*found, strict=True):
        np.testing.assert_array_equal(one, many)


def test_whole_numbers_become_floats():
    x = RANDOM.integers(0, 9, size=(5, 3)).astype(np.int32)
    program = Program(lk.layers.BatchNormalization(), x)
    y = program.step(x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"axis": 0}, "axis.*not the batch"),
        ({"axis": [1, 2]}, "axis.*one whole number"),
        ({"axis": 1.5}, "axis"),
        ({"momentum": 1.5}, "momentum"),
        ({"momentum": -0.1}, "momentum"),
        ({"epsilon": 0}, "epsilon is positive"),
    ],
)
def test_settings_that_are_refused(settings, message):
    with pytest.raises(InvalidArgumentError, match=message):
        lk.layers.BatchNormalization(**settings)


@pytest.mark.parametrize(("axis", "shape"), [(3, (4, 5)), (-2, (4, 5)), (-1, (4,)), (1, (None, None))])
def test_inputs_that_are_refused(axis, shape):
    with lk.Graph().as_default(), pytest.raises(ShapeError, match=r"BatchNormalization.*features"):
        lk.layers.BatchNormalization(axis)(lk.placeholder(lk.float32, shape))


def test_keras_agrees_in_training():
    keras = pytest.importorskip("keras")
    tf = pytest.importorskip("tensorflow")
    for shape, axis in SHAPES[:6]:
        x, weights = RANDOM.normal(size=(2, *shape))
        gamma, beta, mean = RANDOM.normal(size=(3, shape[axis]))
        variance = RANDOM.uniform(0.5, 2, size=shape[axis])
        theirs = keras.layers.BatchNormalization(axis=axis, momentum=0.8, dtype="float64")
        theirs.build(shape)
        theirs.set_weights([gamma, beta, mean, variance])
        given = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(given)
            total = tf.reduce_sum(tf.sin(theirs(given, training=True)) * weights)
        expected = tape.gradient(total, [given, theirs.gamma.value, theirs.beta.value])
        program = Program(lk.layers.BatchNormalization(axis=axis, momentum=0.8), x)
        layer = program.layer
        for variable, value in zip(layer.weights, (gamma, beta, mean, variance), strict=True):
            program.session.load(variable, value)
        with program.graph.as_default():
            loss = lk.reduce_sum(lk.sin(program.training) * lk.constant(weights))
            slopes = lk.gradients(loss, [program.x, layer.gamma, layer.beta])
        *found, _, _ = program.session.run([*slopes, *program.updates], {program.x: x})
        for ours, slope in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, slope, rtol=1e-8, atol=1e-10)
        for variable, value in zip(layer.weights, theirs.get_weights(), strict=True):
            np.testing.assert_allclose(program.session.read(variable), value, rtol=1e-9, atol=1e-11)
        now = program.session.run(program.inference, {program.x: x})
        np.testing.assert_allclose(now, theirs(given), rtol=1e-8, atol=1e-10)


def test_a_model_trains_with_it_and_predicts_by_the_averages(tmp_path):
    x = (RANDOM.normal(size=(96, 3)) * [1, 5, 20] + [0, 10, -50]).astype(np.float32)
    y = (x[:, 2:] > -50).astype(np.float32)

    def make():
        layers = [lk.layers.Dense(4), lk.layers.BatchNormalization(momentum=0.8), lk.layers.Dense(1, "sigmoid")]
        model = lk.Sequential(layers, seed=1)
        model.compile(lk.optimizers.SGD(0.1), loss="binary_crossentropy")
        return model

    model = make()
    model.fit(x, y, epochs=1, batch_size=96, shuffle=False)  # one step from known weights
    untrained = make()
    untrained.build(x.shape)
    kernel, bias, *_, mean, variance, _, _ = untrained.get_weights()
    hidden = x @ kernel + bias
    _, moving_mean, moving_variance = model.layers[1].weights[1:]
    np.testing.assert_allclose(model.session.read(moving_mean), 0.2 * hidden.mean(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.session.read(moving_variance), 0.8 + 0.2 * hidden.var(0), rtol=1e-4)
    assert not mean.any()
    assert (variance == 1).all()
    model.fit(x, y, epochs=30, batch_size=16)
    before = model.get_weights()
    together = model.predict(x)
    np.testing.assert_array_equal(model.predict(x[:1]), together[:1])
    model.evaluate(x, y)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    model.save_weights(str(tmp_path / "weights"))
    untrained.load_weights(str(tmp_path / "weights"))
    np.testing.assert_array_equal(untrained.predict(x), together)
    assert ((together > 0.5) == y).mean() > 0.95


def test_a_frozen_model_keeps_its_averages():
    x, y = RANDOM.normal(size=(32, 3)).astype(np.float32), np.zeros((32, 1), np.float32)
    model = lk.Sequential([lk.layers.BatchNormalization(), lk.layers.Dense(1)])
    model.layers[0].trainable = False
    model.compile("sgd", loss="mean_squared_error")
    model.fit(x, y, epochs=2)
    gamma, beta, mean, variance, *_ = model.get_weights()
    assert (gamma == 1).all()
    assert (variance == 1).all()
    assert not beta.any()
    assert not mean.any()
