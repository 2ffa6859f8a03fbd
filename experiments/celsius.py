"""A first model, from the Intro to TensorFlow for Deep Learning (Udacity): one neuron learns to turn Celsius into Fahrenheit.

The formula is F = 1.8 C + 32, which makes 212 °F of 100 °C. After the course's 500 epochs the neuron is still on its way
and says 211.3. `--sweep epochs=500,5000 --sweep exact=false,true` shows where it goes: on the course's seven pairs, which
are rounded to whole degrees, to the line that fits them best (211.7); on exact pairs to 1.8 and 32.
"""

import dataclasses

import numpy as np

import labkit as lk

CELSIUS = np.array([-40, -10, 0, 8, 15, 22, 38], np.float32)
FAHRENHEIT = np.array([-40, 14, 32, 46, 59, 72, 100], np.float32)


@dataclasses.dataclass
class Config:
    learning_rate: float = 0.1
    epochs: int = 500
    exact: bool = False  # train on 1.8 C + 32 instead of the course's rounded values


@lk.experiment(metric="error")
def celsius(config: Config, trial: lk.Trial):
    """Does one neuron find 1.8 and 32, and what does it say at 100 °C?"""
    targets = 1.8 * CELSIUS + 32 if config.exact else FAHRENHEIT
    model = lk.Sequential([lk.layers.Dense(units=1, input_shape=[1])])
    model.compile(loss="mean_squared_error", optimizer=lk.optimizers.Adam(config.learning_rate))
    history = model.fit(CELSIUS, targets, epochs=config.epochs, verbose=0)
    weight, bias = (float(values.item()) for values in model.get_weights())
    boiling = float(model.predict([100.0]).item())
    found = {"w": weight, "b": bias, "boiling": boiling, "error": abs(boiling - 212)}
    for epoch, loss in enumerate(history.history["loss"], 1):
        trial.report(epoch, loss=loss, **(found if epoch == config.epochs else {}))
