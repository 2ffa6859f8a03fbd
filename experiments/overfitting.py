"""Overfitting and four cures, on few digits, one label in five of which is wrong.

A dense network of 270,000 weights learns a thousand images by heart, wrong labels included: no errors in training, many on
other images. What makes this harder for it makes it read better. The gap between the errors is the table's column
`variance` (as in Learn TensorFlow Now, part 12, by J. Varty):

    labkit run experiments/overfitting.py --seeds 5 --sweep cure=none,l2,dropout,early_stopping,augmentation

Labels of the validation and test images are right. A network that ignores the wrong ones therefore has an error of a fifth in
training, and less on other images.
"""

import dataclasses
from types import SimpleNamespace
from typing import Literal

import numpy as np

import labkit as lk
from labkit.layers import Dense, Dropout, Flatten, Input, RandomRotation, RandomTranslation


@dataclasses.dataclass
class Config:
    cure: Literal["none", "l2", "dropout", "early_stopping", "augmentation"] = "none"
    examples: int = 1000
    mislabelled: float = 0.2  # the share of them whose label is wrong
    epochs: int = 50
    batch_size: int = 50
    units: int = 256  # in each of two hidden layers
    strength: float = 0.01  # of L2
    rate: float = 0.5  # of Dropout


def few(data, config: Config, seed: int) -> SimpleNamespace:
    """The data with so many training examples only, of which some have a wrong label."""
    random = np.random.default_rng(seed)
    chosen = random.permutation(len(data.train))[: config.examples]
    labels = data.train.labels[chosen]
    wrong = slice(round(config.mislabelled * len(labels)))
    labels[wrong] = (labels[wrong] + random.integers(1, 10, len(labels[wrong]))) % 10
    train = SimpleNamespace(images=data.train.images[chosen], labels=labels)
    return SimpleNamespace(train=train, validation=data.validation, test=data.test)


def network(config: Config) -> lk.Sequential:
    """Two hidden layers; the outputs are logits."""
    l2 = lk.regularizers.L2(config.strength) if config.cure == "l2" else None
    layers = [Input((28, 28, 1))]
    if config.cure == "augmentation":  # turned by up to 15 degrees and moved by up to 2 pixels, anew in each step
        layers += [
            RandomRotation(15 / 360, fill_mode="constant"),
            RandomTranslation(2 / 28, 2 / 28, fill_mode="constant"),
        ]
    layers += [Flatten()]
    for _ in range(2):
        layers += [Dense(config.units, activation="relu", kernel_initializer="he_normal", kernel_regularizer=l2)]
        if config.cure == "dropout":
            layers += [Dropout(config.rate)]
    return lk.Sequential([*layers, Dense(10, kernel_regularizer=l2)])


@lk.experiment(metric="validation/error", quick={"examples": 500, "epochs": 30})
def overfitting(config: Config, trial: lk.Trial):
    """How much do L2, dropout, early stopping and augmentation narrow the gap between training and validation error?"""
    data = few(trial.data("mnist", fallback="synthetic_digits"), config, trial.seed)
    model = network(config)
    model.compile("adam", lk.losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"])
    epoch = -(-config.examples // config.batch_size)
    trial.fit(
        model,
        data,
        steps=config.epochs * epoch,
        batch_size=config.batch_size,
        validation_every=epoch,
        restore_best_weights=config.cure == "early_stopping",  # those of the epoch that validation found best
    )
    trial.evaluate(model, data)
