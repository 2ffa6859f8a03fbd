"""A small network on drawn digits that a pipeline moves about, through trial.fit."""

import dataclasses

import numpy as np

import labkit as lk


@dataclasses.dataclass
class Config:
    steps: int = 25
    checkpoint_every: int = 7
    kind: str = "indexed"


def moved(image, label, rng):
    return np.roll(image, rng.integers(-2, 3, 2), (0, 1)), label


@lk.experiment(metric="validation/loss")
def pipeline(config: Config, trial: lk.Trial):
    """Does a small network learn drawn digits out of a pipeline?"""
    data = trial.data("synthetic_digits", train=300, validation=100, test=100)
    train = lk.data.Dataset.from_tensor_slices((data.train.images, data.train.labels))
    if config.kind == "sequential":  # 7 batches, the last of which is smaller
        train = train.filter(lambda image, label: label != 3)
    train = train.shuffle(400, seed=trial.seed).map(moved, num_parallel=2, seed=trial.seed).batch(40)
    model = lk.Sequential([lk.Input((28, 28, 1)), lk.layers.Flatten(), lk.layers.Dropout(0.2), lk.layers.Dense(10)])
    loss = lk.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy", lk.metrics.F1Score(average="macro")])
    trial.fit(
        model, train, steps=config.steps, validation=data.validation, validation_every=9,
        checkpoint_every=config.checkpoint_every, restore_best_weights=True,
    )  # fmt: skip
    trial.evaluate(model, data)
