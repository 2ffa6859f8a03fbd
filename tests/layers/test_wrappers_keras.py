"""Wrappers of layers, and masks on their way from layer to layer, agree with Keras, where it is installed."""

import numpy as np
import pytest

import labkit as lk

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

RANDOM = np.random.default_rng(11)
X = RANDOM.normal(size=(3, 5, 2))
MASK = np.array([[1, 1, 0, 1, 0], [1, 1, 1, 1, 1], [0, 1, 1, 0, 0]], bool)
ROWS = np.array([[1, 4, 0, 2], [3, 0, 0, 0], [5, 5, 1, 2]], np.int32)


def theirs(build, x, mask=None):
    """Outputs, derivatives with respect to the weights, and the weights, of what `build(keras)` makes."""
    keras.backend.set_floatx("float64")
    try:
        layers = build(keras.layers)
        y = keras_outputs(layers, x, mask)
        weights = [weight for layer in layers for weight in layer.trainable_weights]
        for weight in weights:
            weight.assign(np.random.default_rng(len(weight.shape)).normal(size=weight.shape))
        with tf.GradientTape() as tape:
            y = keras_outputs(layers, x, mask)
            total = sum(tf.reduce_sum(tf.sin(each) * (i + 1)) for i, each in enumerate(y))
        slopes = tape.gradient(total, [weight.value for weight in weights])
    finally:
        keras.backend.set_floatx("float32")
    return [each.numpy() for each in y], [tf.convert_to_tensor(slope).numpy() for slope in slopes], weights


def keras_outputs(layers, x, mask):
    y, options = tf.constant(x), {} if mask is None else {"mask": tf.constant(mask)}
    for layer in layers:
        y, options = layer(y, **options), {}
    return list(y) if isinstance(y, list | tuple) else [y]


def compare(build, x, mask=None):
    outputs, slopes, weights = theirs(build, x, mask)
    with lk.Graph().as_default(), lk.Session() as session:
        given = lk.placeholder(x.dtype, [None, None, *x.shape[2:]])
        y, options, layers = given, {} if mask is None else {"mask": lk.constant(mask)}, build(lk.layers)
        for layer in layers:
            y, options = layer(y, **options), {}
        y = list(y) if isinstance(y, list | tuple) else [y]
        session.run(lk.global_variables_initializer())
        own = [weight for layer in layers for weight in layer.trainable_weights]
        for ours, other in zip(own, weights, strict=True):
            assert ours.op.name.rpartition("/")[2] == other.name
            session.load(ours, other.numpy())
        total = sum(lk.reduce_sum(lk.sin(lk.cast(each, lk.float64)) * (i + 1)) for i, each in enumerate(y))
        gradients = [lk.convert_to_tensor(g) for g in lk.gradients(total, own)]
        made, found = session.run([y, gradients], {given: x})
    single = y[0].dtype == lk.float32
    for value, expected in zip([*made, *found], [*outputs, *slopes], strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5 if single else 1e-9, atol=1e-5 if single else 1e-10)


@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("state", [False, True])
@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave", None])
def test_bidirectional(mode, state, sequences, mask):
    settings = {"return_sequences": sequences, "return_state": state}
    compare(lambda k: [k.Bidirectional(k.LSTM(3, **settings), merge_mode=mode)], X, mask)
    compare(lambda k: [k.Bidirectional(k.GRU(3, **settings), merge_mode=mode)], X, mask)


def test_bidirectional_of_two_kinds():
    compare(lambda k: [k.Bidirectional(k.LSTM(3), backward_layer=k.GRU(3, go_backwards=True))], X)


def test_time_distributed():
    compare(lambda k: [k.TimeDistributed(k.Dense(4, activation="tanh"))], X)
    compare(lambda k: [k.TimeDistributed(k.Conv1D(3, 2))], RANDOM.normal(size=(2, 3, 5, 2)))


def test_masks_go_from_layer_to_layer():
    padded = np.where(MASK[..., None], X, 0.0)
    compare(lambda k: [k.Masking(), k.LSTM(3)], padded)
    compare(lambda k: [k.Masking(), k.Dense(4), k.GRU(3, return_sequences=True), k.Dropout(0.5), k.LSTM(3)], padded)
    compare(lambda k: [k.Masking(2.5), k.TimeDistributed(k.Dense(2)), k.GlobalAveragePooling1D()], padded)
    compare(lambda k: [k.Masking(), k.Bidirectional(k.LSTM(2, return_sequences=True)), k.GRU(2)], padded)
    compare(lambda k: [k.Masking(), k.Activation("tanh"), k.GlobalAveragePooling1D()], padded)


def test_embedding_of_zeros():
    compare(lambda k: [k.Embedding(6, 4, mask_zero=True), k.LSTM(3)], ROWS)
    compare(lambda k: [k.Embedding(6, 4, mask_zero=True), k.GlobalAveragePooling1D()], ROWS)
    compare(lambda k: [k.Embedding(6, 4), k.LSTM(3)], ROWS)
