"""What synthetic_digits are worth: a small convolutional network that saw nothing else reads MNIST."""

from __future__ import annotations

import numpy as np
import pytest

import labkit as lk
from labkit.plugins import Lab

FAMILIES = [
    "initializers",
    "regularizers",
    "activations",
    "losses",
    "metrics",
    "optimizers",
    "schedules",
    "layers",
    "datasets",
]


@pytest.mark.campaign
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_network_trained_on_synthetic_digits_reads_mnist(seed: int, real_mnist: None) -> None:
    """Four epochs over 20,000 drawn digits; at least 85% of MNIST's 10,000 test images are read right."""
    with Lab(plugins=[f"labkit.{family}.plugin" for family in FAMILIES]):
        drawn = lk.datasets.load("synthetic_digits", train=20_000, seed=seed)
        real = lk.datasets.load("mnist")
        model = lk.Sequential(
            [
                lk.layers.Input((28, 28, 1)),
                lk.layers.Conv2D(16, 5, padding="same", activation="relu"),
                lk.layers.MaxPool2D(2),
                lk.layers.Conv2D(32, 5, padding="same", activation="relu"),
                lk.layers.MaxPool2D(2),
                lk.layers.Flatten(),
                lk.layers.Dense(128, activation="relu"),
                lk.layers.Dropout(0.3),
                lk.layers.Dense(10),
            ],
            seed=seed,
        )
        loss = lk.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer=lk.optimizers.Adam(0.001), loss=loss, metrics=["accuracy"])
        model.fit(drawn.train.images, drawn.train.labels, batch_size=100, epochs=4)
        logits = np.asarray(model.predict(real.test.images, batch_size=500))
    accuracy = float((logits.argmax(axis=1) == real.test.labels).mean())
    print(f"seed {seed}: {accuracy:.4f} of MNIST's test images after training on synthetic_digits alone")
    assert accuracy >= 0.85
