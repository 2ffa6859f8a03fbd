"""Recurrent layers agree with Keras, where it is installed: outputs, states, masks, gradients, names of weights."""

import itertools

import numpy as np
import pytest

import labkit as lk

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(4, 6, 3))
MASK = np.array([[1, 1, 0, 1, 1, 0], [0, 0, 1, 1, 0, 1], [1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0]], bool)

VARIANTS = [
    ("LSTM", {}),
    ("LSTM", {"use_bias": False}),
    ("LSTM", {"activation": "softsign", "recurrent_activation": "hard_sigmoid"}),
    ("GRU", {}),
    ("GRU", {"reset_after": False}),
    ("GRU", {"use_bias": False}),
    ("GRU", {"activation": "relu", "recurrent_activation": "sigmoid"}),
    ("GRU", {"activation": "elu", "reset_after": False}),
    ("SimpleRNN", {}),
    ("SimpleRNN", {"activation": "relu"}),
    ("SimpleRNN", {"activation": "softplus", "use_bias": False}),
]
SHAPES = [
    {},
    {"return_sequences": True},
    {"return_state": True},
    {"return_sequences": True, "return_state": True, "go_backwards": True},
]
CASES = [(name, {**a, **b}) for (name, a), b in itertools.product(VARIANTS, SHAPES)]


def theirs(make, mask, states):
    """Keras's outputs, and derivatives of a function of them with respect to x, first states and weights."""
    layer = make()
    layer.build(X.shape)
    rng = np.random.default_rng(7)
    weights = [rng.normal(size=weight.shape) for weight in layer.trainable_weights]
    layer.set_weights(weights)
    x, first = tf.constant(X), [tf.constant(state) for state in states]
    with tf.GradientTape() as tape:
        tape.watch([x, *first])
        options = {"initial_state": first} if first else {}
        made = layer(x, mask=None if mask is None else tf.constant(mask), **options)
        made = list(made) if isinstance(made, list | tuple) else [made]
        total = sum(tf.reduce_sum(tf.sin(y) * (i + 1)) for i, y in enumerate(made))
        wanted = [weight.value for weight in layer.trainable_weights]
    slopes = tape.gradient(total, [x, *first, *wanted])
    names = [weight.path.split("/")[1:] for weight in layer.trainable_weights]
    return weights, [y.numpy() for y in made], [tf.convert_to_tensor(slope).numpy() for slope in slopes], names


def ours(layer, weights, mask, states):
    with lk.Graph().as_default(), lk.Session() as session:
        x, first = lk.placeholder(lk.float64, [None, *X.shape[1:]]), [lk.constant(state) for state in states]
        options = {"initial_state": first} if first else {}
        made = layer(x, mask=None if mask is None else lk.constant(mask), **options)
        made = list(made) if isinstance(made, list | tuple) else [made]
        session.run(lk.global_variables_initializer())
        for variable, value in zip(layer.weights, weights, strict=True):
            session.load(variable, value)
        total = sum(lk.reduce_sum(lk.sin(y) * (i + 1)) for i, y in enumerate(made))
        gradients = [lk.convert_to_tensor(g) for g in lk.gradients(total, [x, *first, *layer.weights])]
        return session.run([made, gradients], {x: X})


def compare(name, settings, mask, states):
    weights, outputs, slopes, names = theirs(
        lambda: getattr(keras.layers, name)(5, dtype="float64", **settings), mask, states
    )
    layer = getattr(lk.layers, name)(5, **settings)
    made, gradients = ours(layer, weights, mask, states)
    assert [weight.op.name.split("/")[1:] for weight in layer.weights] == [parts[-1:] for parts in names]
    for value, expected in zip([*made, *gradients], [*outputs, *slopes], strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("name", "settings"), CASES, ids=str)
def test_every_variant(name, settings, masked):
    states = [RANDOM.normal(size=(4, 5)) for _ in range(2 if name == "LSTM" else 1)]
    compare(name, settings, MASK if masked else None, [])
    compare(name, settings, MASK if masked and not settings.get("go_backwards") else None, states)


def test_examples_of_which_no_step_counts():
    mask = MASK.copy()
    mask[2] = False
    for name in ("LSTM", "GRU", "SimpleRNN"):
        states = [RANDOM.normal(size=(4, 5)) for _ in range(2 if name == "LSTM" else 1)]
        compare(name, {"return_sequences": True, "return_state": True}, mask, states)
        compare(name, {}, mask, states)
