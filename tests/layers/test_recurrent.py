"""Recurrent layers by themselves: what they learn, how they run, what they refuse, states and dropout."""

import re

import numpy as np
import pytest

import labkit as lk
from labkit.errors import InvalidArgumentError, LabkitError, ShapeError
from labkit.layers.masking import mask_of

RANDOM = np.random.default_rng(21)
LAYERS = ["LSTM", "GRU", "SimpleRNN"]


def layer_of(kind, *arguments, **settings):
    return getattr(lk.layers, kind)(*arguments, **settings)


def adding(count, steps):
    """Numbers of which two are marked, and the sum of these two."""
    x = np.stack([RANDOM.random((count, steps)), np.zeros((count, steps))], 2).astype(np.float32)
    halves = RANDOM.integers(0, steps // 2, (count, 2)) + np.array([0, steps // 2])
    np.put_along_axis(x[:, :, 1], halves, 1.0, axis=1)
    return x, (x[:, :, 0] * x[:, :, 1]).sum(1, keepdims=True)


def error_of(*layers):
    """The mean squared error on examples that the model has not seen."""
    model = lk.Sequential([lk.layers.Input((10, 2)), *layers, lk.layers.Dense(1)], seed=1)
    model.compile(lk.optimizers.Adam(0.01), "mse")
    model.fit(*adding(2000, 10), epochs=20, batch_size=50, verbose=0)
    x, y = adding(500, 10)
    return float(np.mean((model.predict(x) - y) ** 2))


def test_a_state_solves_what_a_dense_layer_does_not():
    """The adding problem (Hochreiter and Schmidhuber 1997, experiment 4): which numbers to add is told beside them. To say the
    mean, 1, always has the error 1/6; a layer that weighs each number by its place does not do much better."""
    dense = error_of(lk.layers.Flatten())
    assert 0.1 < dense < 0.25
    for layer in (lk.layers.LSTM(16), lk.layers.GRU(16)):
        assert error_of(layer) < 0.01


@pytest.mark.parametrize("name", LAYERS)
def test_all_steps_are_one_operation(name):
    with lk.Graph().as_default() as graph, lk.Session(graph) as session:
        x = lk.placeholder(lk.float32, [None, 9, 3])
        layer = layer_of(name, 4)
        loss = lk.reduce_sum(layer(x))
        train = lk.optimizers.SGD(0.1).minimize(loss)
        session.run(lk.global_variables_initializer())
        plan = lk.explain_plan([train, loss], {x: np.zeros((2, 9, 3), np.float32)}, session=session)
        kernel = {"LSTM": "lstm", "GRU": "gru", "SimpleRNN": "simple_rnn"}[name]
        assert len(re.findall(rf"\b{kernel}\.f32", plan)) == len(re.findall(rf"\b{kernel}_grad\.f32", plan)) == 1
        assert "scan" not in plan.lower()
        other = layer_of(name, 4, activation="softsign")(x)
        session.run(lk.global_variables_initializer())
        assert "scan" in lk.explain_plan(other, {x: np.zeros((2, 9, 3), np.float32)}, session=session).lower()


@pytest.mark.parametrize("settings", [{}, {"go_backwards": True}, {"reset_after": False}])
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("masked", [False, True])
def test_the_loop_gives_what_the_operation_gives(name, settings, masked):
    if "reset_after" in settings and name != "GRU":
        settings = {"use_bias": False}
    own = {"activation": lambda x: lk.tanh(x)}  # which no kernel can know
    x = RANDOM.normal(size=(3, 6, 2))
    mask = RANDOM.random((3, 6)) < 0.7 if masked else None
    found = []
    for more in ({}, own):
        with lk.Graph().as_default() as graph, lk.Session(graph) as session:
            given = lk.constant(x)
            layer = layer_of(name, 5, return_sequences=True, return_state=True, name="layer", **settings, **more)
            outputs = layer(given, mask=None if mask is None else lk.constant(mask))
            total = sum(lk.reduce_sum(lk.sin(y)) for y in outputs)
            session.run(lk.global_variables_initializer())
            for i, weight in enumerate(layer.weights):
                session.load(weight, np.random.default_rng(i).normal(size=weight.shape.as_list()))
            gradients = [lk.convert_to_tensor(g) for g in lk.gradients(total, [given, *layer.weights])]
            found.append(session.run([*outputs, *gradients]))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("name", LAYERS)
def test_dropout_of_inputs_and_states(name):
    """Features fall for a whole sequence, units of the state too; at inference nothing does, and a seed repeats itself."""
    x = np.ones((200, 3, 4), np.float32)
    patterns = 2 ** (3 * {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}[name])
    for settings, most in (({"dropout": 0.5}, 2**4), ({"recurrent_dropout": 0.5}, patterns)):
        with lk.Graph().as_default() as graph, lk.Session(graph) as session:
            layers = [layer_of(name, 3, seed=seed, **settings) for seed in (7, 7, 8)]
            outputs = [layer(lk.constant(x), training=True) for layer in layers]
            still = layers[0](lk.constant(x))
            session.run(lk.global_variables_initializer())
            for weight in [weight for layer in layers for weight in layer.weights]:
                session.load(weight, np.random.default_rng(3).normal(size=weight.shape.as_list()).astype(np.float32))
            a, b, c, rest = session.run([*outputs, still])
        assert np.array_equal(a, b)
        assert not np.array_equal(a, c)
        assert 4 < len(np.unique(a[:, 0])) <= most  # were it dropped anew at each step, there would be more
        assert len(np.unique(rest[:, 0])) == 1


def test_first_biases():
    with lk.Graph().as_default() as graph, lk.Session(graph) as session:
        x = lk.zeros([1, 2, 3])
        layers = [lk.layers.LSTM(2), lk.layers.LSTM(2, unit_forget_bias=False), lk.layers.GRU(2)]
        layers += [
            lk.layers.GRU(2, reset_after=False),
            lk.layers.LSTM(2, bias_initializer={"name": "constant", "value": 3}),
        ]
        for layer in layers:
            layer(x)
        session.run(lk.global_variables_initializer())
        biases = [session.read(layer.bias).tolist() for layer in layers]
    assert biases == [[0, 0, 1, 1, 0, 0, 0, 0], [0] * 8, [[0] * 6] * 2, [0] * 6, [3, 3, 1, 1, 3, 3, 3, 3]]


def test_sequences_of_any_length_and_models():
    """One model for batches of different lengths; states of an encoder start a decoder, and the whole is trained."""
    source, target = lk.Input((None, 2)), lk.Input((None, 3))
    _, h, c = lk.layers.LSTM(4, return_state=True)(source)
    decoded = lk.layers.LSTM(4, return_sequences=True)(target, initial_state=[h, c])
    model = lk.Model([source, target], lk.layers.TimeDistributed(lk.layers.Dense(1))(decoded))
    model.compile("adam", "mse")
    x, y = RANDOM.normal(size=(8, 5, 2)), RANDOM.normal(size=(8, 7, 3))
    before = model.predict([x[:, :2], y[:, :4]])
    assert before.shape == (8, 4, 1)
    losses = model.fit([x, y], y[:, :, :1] * 0.5, epochs=8, batch_size=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert model.predict([x, y]).shape == (8, 7, 1)


def test_masks_of_outputs():
    with lk.Graph().as_default():
        x, mask = lk.placeholder(lk.float32, [None, 4, 2]), lk.placeholder(lk.bool, [None, 4])
        assert mask_of(lk.layers.LSTM(2)(x, mask=mask)) is None
        assert mask_of(lk.layers.LSTM(2, return_sequences=True)(x, mask=mask)) is mask
        y, h, c = lk.layers.LSTM(2, return_sequences=True, return_state=True)(x, mask=mask)
        assert (mask_of(y), mask_of(h), mask_of(c)) == (mask, None, None)
        backwards = mask_of(lk.layers.GRU(2, return_sequences=True, go_backwards=True)(x, mask=mask))
        session, given = lk.Session(), np.array([[True, False, True, True]])
        assert session.run(backwards, {mask: given}).tolist() == [[True, True, False, True]]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda x: lk.layers.LSTM(0), InvalidArgumentError, "LSTM needs a positive whole number of units. Received: 0"),
        (lambda x: lk.layers.GRU(2, dropout=1.0), InvalidArgumentError, "GRU's dropout.*below 1"),
        (lambda x: lk.layers.SimpleRNN(2, recurrent_dropout=-1), InvalidArgumentError, "recurrent_dropout"),
        (lambda x: lk.layers.LSTM(2)(x[0]), ShapeError, r"3 dimensions: \[batch, steps, features\]"),
        (lambda x: lk.layers.LSTM(2)(x, initial_state=x[:, 0]), InvalidArgumentError, r"a list \[h, c\].*1 tensor"),
        (lambda x: lk.layers.GRU(2)(x, initial_state=x[:, 0]), ShapeError, r"with 2 units.*shape \(\?, 3\)"),
        (lambda x: lk.layers.LSTM(2, activation="tahn"), LabkitError, "tanh"),
        (lambda x: lk.layers.Bidirectional(lk.layers.Dense(2)), InvalidArgumentError, "an LSTM, a GRU or a SimpleRNN"),
        (lambda x: lk.layers.Bidirectional(lk.layers.GRU(2), "max"), InvalidArgumentError, "merge_mode.*'concat'"),
        (lambda x: lk.layers.Bidirectional(lk.layers.GRU(2, go_backwards=True)), InvalidArgumentError, "each way"),
        (
            lambda x: lk.layers.Bidirectional(
                lk.layers.GRU(2), backward_layer=lk.layers.GRU(2, return_sequences=True, go_backwards=True)
            ),
            InvalidArgumentError,
            "differ in return_sequences",
        ),
        (
            lambda x: lk.layers.Bidirectional(lk.layers.GRU(3))(x, initial_state=[x[:, 0]]),
            InvalidArgumentError,
            "as many for the backward layer",
        ),
        (lambda x: lk.layers.TimeDistributed(lk.layers.Dense(2))(x[0]), ShapeError, "at least 3 dimensions"),
        (lambda x: lk.layers.TimeDistributed(3), LabkitError, "layer"),
        (lambda x: lk.layers.Masking("no"), InvalidArgumentError, "Masking's mask_value is a finite number"),
        (lambda x: lk.layers.Masking()(x[0]), ShapeError, "3 dimensions"),
    ],
)
def test_refusals(make, error, message):
    with lk.Graph().as_default(), pytest.raises(error, match=message):
        make(lk.placeholder(lk.float32, [None, 4, 3]))


def test_saved_models_and_wrapped_layers(tmp_path):
    def made():
        model = lk.Sequential(
            [
                lk.layers.Input((5,), dtype="int32"),
                lk.layers.Embedding(9, 4, mask_zero=True),
                lk.layers.Bidirectional(lk.layers.LSTM(3, return_sequences=True)),
                lk.layers.TimeDistributed(lk.layers.Dense(2)),
                lk.layers.GRU(3),
            ]
        )
        model.compile("adam", "mse")
        return model

    x = RANDOM.integers(0, 9, (6, 5)).astype(np.int32)
    model, other = made(), made()
    model.fit(x, np.zeros((6, 3)), epochs=2, verbose=0)
    model.save_weights(str(tmp_path / "weights"))
    other.load_weights(str(tmp_path / "weights"))
    model.save(str(tmp_path / "model"))
    for each in (other, lk.load_model(str(tmp_path / "model"))):
        assert each.predict(x).tobytes() == model.predict(x).tobytes()
