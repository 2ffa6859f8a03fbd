"""The Celsius example of the Intro to TensorFlow for Deep Learning (Udacity), as the course writes it."""

import numpy as np
import pytest

import labkit as lk

CELSIUS = np.array([-40, -10, 0, 8, 15, 22, 38], dtype=float)
FAHRENHEIT = np.array([-40, 14, 32, 46, 59, 72, 100], dtype=float)


def trained(targets, epochs, seed):
    l0 = lk.layers.Dense(units=1, input_shape=[1])
    model = lk.Sequential([l0], seed=seed)
    model.compile(loss="mean_squared_error", optimizer=lk.optimizers.Adam(0.1))
    history = model.fit(CELSIUS, targets, epochs=epochs, verbose=False)
    assert len(history.history["loss"]) == epochs
    weight, bias = model.get_weights()
    return model, weight.item(), bias.item()


@pytest.mark.parametrize("seed", range(3))
def test_the_courses_figures(seed):
    model, weight, bias = trained(FAHRENHEIT, epochs=500, seed=seed)
    assert model.predict([100.0]).shape == (1, 1)
    assert model.predict([100.0]).item() == pytest.approx(211.3, abs=0.2)
    assert weight == pytest.approx(1.83, abs=0.02)
    assert bias == pytest.approx(29, abs=0.5)


def test_on_exact_data_the_formula_is_found():
    _, weight, bias = trained(1.8 * CELSIUS + 32, epochs=5000, seed=0)
    assert weight == pytest.approx(1.8, abs=0.01)
    assert bias == pytest.approx(32, abs=0.01)
