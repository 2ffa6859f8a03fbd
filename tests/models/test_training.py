"""fit, train_on_batch, evaluate and predict: values against NumPy, and what they refuse."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import FeedError, InvalidArgumentError, SessionError, ShapeError

RANDOM = np.random.default_rng(11)


def line(optimizer=None, **settings):
    """One dense unit on three inputs, mean squared error."""
    model = lk.Sequential([lk.layers.Input((3,), dtype="float64"), lk.layers.Dense(1, **settings)])
    model.compile(optimizer=optimizer or lk.optimizers.SGD(0.1), loss="mse", metrics=["mse"])
    return model


def test_a_step_of_gradient_descent_is_the_formulas():
    x, y = RANDOM.normal(size=(8, 3)), RANDOM.normal(size=(8, 1))
    model = line()
    kernel, bias = model.get_weights()
    error = x @ kernel + bias - y
    loss, metric = model.train_on_batch(x, y)
    np.testing.assert_allclose([loss, metric], np.mean(error**2), rtol=1e-12)
    new_kernel, new_bias = model.get_weights()
    np.testing.assert_allclose(new_kernel, kernel - 0.1 * 2 * x.T @ error / 8, rtol=1e-12)
    np.testing.assert_allclose(new_bias, bias - 0.1 * 2 * error.mean(axis=0), rtol=1e-12)


def test_gradients_of_the_whole_network_match_central_differences(network, digits):
    # tanh, no dropout: a kink of relu would move the gradient by more than the differences can see
    model = network(lk.optimizers.SGD(1.0), dropout=0.0, dtype="float64", activation="tanh")
    x, y = digits
    start = model.get_weights()
    model.train_on_batch(x, y)
    gradients = [a - b for a, b in zip(start, model.get_weights(), strict=True)]

    def loss(weights):
        model.set_weights(weights)
        return model.evaluate(x, y)[0] + 0.01 * np.sum(weights[2] ** 2)

    for k, gradient in enumerate(gradients):
        direction = RANDOM.normal(size=gradient.shape)
        up, down = ([w + sign * 1e-6 * direction if i == k else w for i, w in enumerate(start)] for sign in (1, -1))
        difference = (loss(up) - loss(down)) / 2e-6
        np.testing.assert_allclose(np.sum(gradient * direction), difference, rtol=1e-5, atol=1e-8)


def test_fit_learns_a_line():
    x = RANDOM.normal(size=(64, 3))
    y = x @ [[1.0], [-2.0], [0.5]] + 3
    model = line()
    history = model.fit(x, y, batch_size=16, epochs=60, verbose=0)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(kernel.ravel(), [1, -2, 0.5], atol=1e-3)
    np.testing.assert_allclose(bias, [3], atol=1e-3)
    assert history.history["loss"][-1] < 1e-5 < history.history["loss"][0]
    assert history.epoch == list(range(60))
    assert history.steps == [4] * 60


def test_celsius_to_fahrenheit_as_keras_programs_write_it():
    celsius = np.array([-40, -10, 0, 8, 15, 22, 38], dtype=float)
    fahrenheit = np.array([-40, 14, 32, 46, 59, 72, 100], dtype=float)
    model = lk.Sequential([lk.layers.Dense(units=1, input_shape=[1])])
    model.compile(loss="mean_squared_error", optimizer=lk.optimizers.Adam(0.1))
    history = model.fit(celsius, fahrenheit, epochs=500, verbose=0)
    assert len(history.history["loss"]) == 500
    assert abs(model.predict(np.array([100.0]))[0, 0] - 212) < 15
    assert history.history["loss"][-1] < 30


def test_history_holds_means_and_validation(network, digits):
    model = network()
    history = model.fit(*digits, batch_size=16, epochs=3, validation_data=digits, verbose=0)
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert history.steps == [3, 2, 3]
    loss, accuracy = model.evaluate(*digits)
    assert history.history["val_loss"][-1] == loss
    assert history.history["val_accuracy"][-1] == accuracy
    frame = history.frame()
    assert list(frame.columns) == list(history.history)
    assert frame.index.name == "epoch"


def test_validation_changes_no_bit(network, digits):
    plain, watched = network("adam"), network("adam")
    a = plain.fit(*digits, batch_size=16, epochs=2, verbose=0)
    b = watched.fit(*digits, batch_size=16, epochs=2, validation_data=digits, verbose=0)
    assert a.history["loss"] == b.history["loss"]
    assert all(np.array_equal(v, w) for v, w in zip(plain.get_weights(), watched.get_weights(), strict=True))


def test_validation_split_keeps_the_last_examples(network, digits):
    x, y = digits
    a, b = network(), network()
    first = a.fit(x, y, epochs=1, validation_split=0.25, verbose=0)
    second = b.fit(x[:30], y[:30], epochs=1, validation_data=(x[30:], y[30:]), verbose=0)
    assert first.history == second.history


def test_steps_instead_of_epochs(network, digits):
    history = network().fit(*digits, batch_size=16, steps=4, verbose=0)
    assert history.steps == [3, 1]


def test_the_printed_line(network, digits, capsys):
    network().fit(*digits, batch_size=20, epochs=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("Epoch 2/2 - 2 steps - ")
    assert " - loss: " in lines[1]
    assert " - accuracy: " in lines[1]


def test_the_reported_loss_includes_regularizers_and_evaluates_does_not(network, digits):
    model = network(dropout=0.0)
    penalty = 0.01 * np.sum(model.get_weights()[2].astype(float) ** 2)
    judged = model.evaluate(*digits)[0]
    trained = model.train_on_batch(*digits)[0]
    np.testing.assert_allclose(trained, judged + penalty, rtol=1e-5)


def test_evaluate_is_the_exact_mean_over_all_examples(network, digits):
    model = network()
    x, y = digits
    logits = model.predict(x).astype(np.float64)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    loss, accuracy = model.evaluate(x, y, batch_size=7)
    np.testing.assert_allclose(loss, -log_p[np.arange(40), y].mean(), rtol=1e-6)
    assert accuracy == np.mean(logits.argmax(axis=1) == y)
    assert model.evaluate(x, y, batch_size=40) == [loss, accuracy]
    assert model.evaluate(x, y, batch_size=1000, return_dict=True) == {"loss": loss, "accuracy": accuracy}


def test_evaluate_without_metrics_is_a_number():
    model = line()
    model.compile(optimizer="sgd", loss="mse")
    assert isinstance(model.evaluate(np.zeros((2, 3)), np.zeros((2, 1))), float)


def test_predict_does_not_depend_on_the_batch(network, digits):
    model = network()
    all_at_once = model.predict(digits[0], batch_size=40)
    assert np.array_equal(model.predict(digits[0], batch_size=3), all_at_once)
    assert np.array_equal(model.predict(digits[0][:1]), all_at_once[:1])
    assert model.predict(digits[0][:0]).shape == (0, 4)


def test_whole_numbers_as_targets_of_a_regression():
    model = line()
    x = RANDOM.normal(size=(4, 3))
    integers = model.evaluate(x, np.array([1, 2, 3, 4]))
    assert integers == model.evaluate(x, np.array([1.0, 2.0, 3.0, 4.0]))
    with pytest.raises(FeedError, match=r"y has fractions.*astype"):
        model.evaluate(x, np.array([1.5, 2, 3, 4]))


def test_compiling_again_keeps_the_weights(network, digits):
    model = network("adam")
    model.fit(*digits, verbose=0)
    before = model.get_weights()
    model.compile(optimizer="sgd", loss=lk.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))
    assert isinstance(model.train_on_batch(*digits), float)


def test_a_layer_that_is_not_trained_does_not_change(digits):
    layers = lk.layers
    model = lk.Sequential([layers.Flatten(), layers.Dense(5, trainable=False, activation="relu"), layers.Dense(4)])
    model.compile(optimizer="sgd", loss=lk.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.build((None, 8, 8, 1))
    before = model.get_weights()
    model.fit(*digits, verbose=0)
    after = model.get_weights()
    assert [np.array_equal(a, b) for a, b in zip(before, after, strict=True)] == [True, True, False, False]


def test_a_loss_that_is_no_longer_finite_is_reported():
    model = line(lk.optimizers.SGD(1e200))
    with pytest.warns(RuntimeWarning, match=r"became .* at step .*training diverged"):
        history = model.fit(RANDOM.normal(size=(8, 3)), np.ones((8, 1)), batch_size=2, epochs=3, verbose=0)
    assert not np.isfinite(history.history["loss"][-1])


def test_a_model_that_is_not_compiled(digits):
    model = lk.Sequential([lk.layers.Flatten(), lk.layers.Dense(4)])
    for action in (model.fit, model.evaluate, model.train_on_batch):
        with pytest.raises(SessionError, match=r"'sequential' is not compiled.*Call compile first"):
            action(*digits)
    assert model.predict(digits[0]).shape == (40, 4)


def test_a_class_that_does_not_exist_changes_nothing(network, digits):
    x, y = digits
    model = network()
    model.build()
    before = model.get_weights()
    with pytest.raises(InvalidArgumentError, match=r"Received: 4"):
        model.fit(x, np.where(y == 3, 4, y), batch_size=40, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (np.zeros((2, 8, 8)), [0, 1], ShapeError, r"\(\?, 8, 8, 1\). Received: shape \(2, 8, 8\).*x\[..., None\]"),
        (np.zeros((2, 9, 8, 1)), [0, 1], ShapeError, r"Received: shape \(2, 9, 8, 1\)"),
        (np.zeros((2, 8, 8, 1)), [0, 1, 2], FeedError, "2 examples in x, 3 in y"),
        (np.zeros((0, 8, 8, 1)), np.zeros(0, int), FeedError, "at least one"),
        (["a", "b"], [0, 1], FeedError, "x is no array of numbers"),
        ([[1], [2, 3]], [0, 1], FeedError, "x is no array of numbers"),
    ],
)
def test_data_that_do_not_fit(network, x, y, error, message):
    with pytest.raises(error, match=message):
        network().fit(x, y, verbose=0)


@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": 0},
        {"steps": 0},
        {"batch_size": -1},
        {"validation_split": 1.0},
        {"validation_split": 0},
        {"validation_split": 0.001},
    ],
)
def test_arguments_that_make_no_sense(network, digits, settings):
    with pytest.raises(InvalidArgumentError):
        network().fit(*digits, verbose=0, **settings)


def test_targets_that_the_loss_cannot_take_leave_no_trace(network, digits):
    x, y = digits
    model = network()
    with pytest.raises(ShapeError, match=r"one-hot targets use CategoricalCrossentropy"):
        model.fit(x, np.eye(4)[y], verbose=0)
    assert model.train_on_batch(x, y) == network().train_on_batch(x, y)


def test_validation_data_is_a_pair(network, digits):
    with pytest.raises(InvalidArgumentError, match=r"validation_data is no pair.*ndarray"):
        network().fit(*digits, validation_data=digits[0], verbose=0)


def test_a_loss_of_the_whole_batch_is_refused(digits):
    model = lk.Sequential([lk.layers.Flatten(), lk.layers.Dense(1)])
    model.compile(optimizer="sgd", loss=lambda y_true, y_pred: lk.reduce_mean(y_pred))
    with pytest.raises(ShapeError, match=r"'loss' of model 'sequential' gives one number for the whole batch"):
        model.fit(*digits, verbose=0)


def test_unknown_names_list_near_ones():
    model = lk.Sequential([lk.layers.Dense(1)])
    with pytest.raises(lk.errors.UnknownComponentError, match=r"Did you mean 'Adam'"):
        model.compile(optimizer="adm", loss="mse")


def test_one_metric_needs_no_list():
    model = line()
    model.compile("sgd", "mse", metrics="mae")
    assert list(model.fit(np.ones((4, 3)), np.ones(4), verbose=0).history) == ["loss", "mae"]


def test_targets_of_another_kind_fit_a_model_that_is_compiled_again():
    model = lk.Sequential([lk.Input((3,)), lk.layers.Dense(3, activation="softmax")])
    x, y = np.ones((6, 3)), np.arange(6) % 3
    model.compile("sgd", "sparse_categorical_crossentropy")
    by_class = model.evaluate(x, y)
    model.fit(x, y, verbose=0)
    with pytest.raises(ShapeError, match="Encode all targets alike"):
        model.fit(x, np.eye(3)[y], verbose=0)
    model.compile("sgd", "categorical_crossentropy")
    assert model.evaluate(x, np.eye(3)[y]) != by_class
    model.fit(x, np.eye(3)[y], verbose=0)


def test_a_model_compiled_while_it_trains_says_so():
    model = line()
    again = lk.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: model.compile("adam", "mae"))
    with pytest.raises(SessionError, match="compiled again while it trains"):
        model.fit(np.ones((4, 3)), np.ones(4), epochs=3, verbose=0, callbacks=[again])
    model.fit(np.ones((4, 3)), np.ones(4), verbose=0)


@pytest.mark.parametrize("weight", [-1.0, float("nan"), "x", [1.0, 2.0], None])
def test_class_weights_are_numbers_from_0_on(weight):
    model = lk.Sequential([lk.Input((3,)), lk.layers.Dense(2)])
    model.compile("sgd", lk.losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(FeedError, match="class_weight"):
        model.fit(np.ones((4, 3)), np.arange(4) % 2, verbose=0, class_weight={0: 1.0, 1: weight})


def test_the_number_of_units_may_be_numpys():
    assert lk.Sequential([lk.Input((3,)), lk.layers.Dense(np.arange(5).max() + 1)]).predict(np.ones((2, 3))).shape == (
        2,
        5,
    )
