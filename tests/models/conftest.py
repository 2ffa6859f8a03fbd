"""Small models and data that the tests of this folder share."""

import numpy as np
import pytest

import labkit as lk


@pytest.fixture
def digits():
    """40 random images [40, 8, 8, 1] and their classes 0-3."""
    random = np.random.default_rng(3)
    return random.random((40, 8, 8, 1), dtype=np.float32), random.integers(0, 4, 40)


def small_network(optimizer="sgd", *, dropout=0.25, seed=None, dtype="float32", activation="relu"):
    """Convolution, pooling, two dense layers and Dropout, compiled for four classes."""
    layers = lk.layers
    model = lk.Sequential(
        [
            layers.Input((8, 8, 1), dtype=dtype),
            layers.Conv2D(3, 3, padding="same", activation=activation),
            layers.MaxPool2D(2),
            layers.Flatten(),
            layers.Dense(8, activation=activation, kernel_regularizer={"name": "l2", "strength": 0.01}),
            layers.Dropout(dropout),
            layers.Dense(4),
        ],
        seed=seed,
    )
    loss = lk.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
    return model


@pytest.fixture
def network():
    return small_network
