"""Estimators take the steps that TensorFlow's pieces take, where that is installed: feature columns' linear models in a session
with TensorFlow 1's optimizers, and Keras's networks (TensorFlow itself no longer has estimators)."""

import numpy as np
import pytest

import labkit as lk

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

RANDOM = np.random.default_rng(8)
N = 60
TABLE = {
    "size": RANDOM.normal(2.0, 1.0, N).astype(np.float32),
    "kind": RANDOM.choice(["flat", "house", "hut"], N),
}
PRICE = (TABLE["size"] * 2 + (TABLE["kind"] == "house") + RANDOM.normal(0, 0.3, N)).astype(np.float32)
YES = (TABLE["size"] + RANDOM.normal(0, 1.0, N) > 2).astype(int)


def columns(fc):
    size = fc.numeric_column("size")
    kind = fc.categorical_column_with_vocabulary_list("kind", ["flat", "house"])
    return [size, fc.bucketized_column(size, [1.0, 2.5]), kind]


@pytest.mark.filterwarnings("ignore:`layer.add_variable` is deprecated")  # TensorFlow's own
@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_a_linear_model_of_feature_columns(kind):
    v1 = tf.compat.v1
    optimizers = {
        "regression": (lk.optimizers.Ftrl(0.2), v1.train.FtrlOptimizer(0.2)),
        "classification": (lk.optimizers.SGD(0.3), v1.train.GradientDescentOptimizer(0.3)),
    }
    ours, theirs = optimizers[kind]
    with tf.Graph().as_default(), v1.Session() as session:
        outputs = v1.feature_column.linear_model(TABLE, columns(tf.feature_column))
        if kind == "regression":
            loss = tf.reduce_mean(tf.square(outputs[:, 0] - PRICE))
        else:
            labels = tf.constant(YES[:, None], tf.float32)
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=outputs))
        train = theirs.minimize(loss)
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        for _ in range(50):
            session.run(train)
        expected = {variable.op.name: session.run(variable) for variable in v1.trainable_variables()}
        predicted, average = session.run([outputs, loss])

    estimator = lk.LinearRegressor if kind == "regression" else lk.LinearClassifier
    model = estimator(columns(lk.feature_column), optimizer=ours)
    model.train(lambda: (TABLE, PRICE if kind == "regression" else YES), steps=50)
    for name, value in expected.items():
        np.testing.assert_allclose(model.get_variable_value(f"linear/{name}"), value, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(model.outputs(TABLE), predicted, rtol=1e-4, atol=1e-5)
    figures = model.evaluate((TABLE, PRICE if kind == "regression" else YES))
    assert figures["average_loss"] == pytest.approx(average, rel=1e-4)


def test_a_network_takes_kerass_steps():
    fc = lk.feature_column
    model = lk.DNNClassifier([6, 4], columns(fc), n_classes=3)
    ranks = np.digitize(PRICE, np.quantile(PRICE, [0.3, 0.7]))
    model.train(lambda: (TABLE, ranks), steps=1)
    start = model.model.get_weights()
    model.train(lambda: (TABLE, ranks), steps=40)

    x = fc.input_layer(TABLE, columns(fc))
    layers = [keras.layers.Dense(6, "relu"), keras.layers.Dense(4, "relu"), keras.layers.Dense(3)]
    network = keras.Sequential([keras.Input((x.shape[1],)), *layers])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adagrad(0.05), loss)
    fresh = lk.DNNClassifier([6, 4], columns(fc), n_classes=3).train(lambda: (TABLE, ranks), steps=1)
    np.testing.assert_array_equal(start[0], fresh.model.get_weights()[0])  # the same seed, the same start
    hidden = [lk.layers.Dense(n, activation="relu", name=f"hiddenlayer_{i}") for i, n in enumerate([6, 4])]
    first = lk.Sequential([lk.Input((x.shape[1],)), *hidden, lk.layers.Dense(3, name="logits")])
    network.set_weights(first.get_weights())
    network.fit(x, ranks, batch_size=N, epochs=41, shuffle=False, verbose=0)
    for ours, theirs in zip(model.model.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


@pytest.mark.filterwarnings("ignore:`layer.add_variable` is deprecated")  # TensorFlow's own
def test_wide_and_deep_takes_the_steps_of_tensorflows_two_optimizers():
    v1, fc = tf.compat.v1, lk.feature_column
    wide = columns(fc)[1:]
    deep = [fc.numeric_column("size")]
    ours = lk.DNNLinearCombinedRegressor(
        wide, lk.optimizers.Ftrl(0.3), deep, lk.optimizers.Adagrad(0.05, epsilon=0.0), [5], "tanh"
    )
    model = ours.network()
    model.build()
    named = {path: model.session.read(variable) for path, variable in model.named_weights().items()}
    ours.train(lambda: (TABLE, PRICE), steps=30)
    with tf.Graph().as_default(), v1.Session() as session:
        linear = v1.feature_column.linear_model(TABLE, columns(tf.feature_column)[1:])
        w0, b0, w1, b1 = (
            v1.Variable(named[f"{layer}/{kind}"])
            for layer in ("hiddenlayer_0", "logits")
            for kind in ("kernel", "bias")
        )
        hidden = tf.tanh(tf.matmul(TABLE["size"][:, None], w0) + b0)
        loss = tf.reduce_mean(tf.square((linear + tf.matmul(hidden, w1) + b1)[:, 0] - PRICE))
        lists = v1.trainable_variables("linear_model"), [w0, b0, w1, b1]
        makers = v1.train.FtrlOptimizer(0.3), v1.train.AdagradOptimizer(0.05)
        train = tf.group(*(maker.minimize(loss, var_list=own) for maker, own in zip(makers, lists, strict=True)))
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        for _ in range(30):
            session.run(train)
        expected = {variable.op.name: session.run(variable) for variable in lists[0]}
        network = session.run(lists[1])
    for name, value in expected.items():
        np.testing.assert_allclose(ours.get_variable_value(f"linear/{name}"), value, rtol=1e-3, atol=1e-5)
    for name, value in zip(
        ("hiddenlayer_0/kernel", "hiddenlayer_0/bias", "logits/kernel", "logits/bias"), network, strict=True
    ):
        np.testing.assert_allclose(ours.get_variable_value(f"dnn/{name}"), value, rtol=1e-3, atol=1e-5)
