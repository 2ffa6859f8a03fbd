"""The modified VGG network of Learn TensorFlow Now, part 8 (J. Varty), on MNIST.

The blog's figure is 97.86% test accuracy; its program also trained on test batches, this one trains on the training
split alone. Its table counts 1,728 weights for the first layer, as for three colours; for one there are 576.
"""

import dataclasses

import labkit as lk
from labkit.layers import Conv2D, Dense, Flatten, Input, MaxPool2D, PadToSize


@dataclasses.dataclass
class Config:
    learning_rate: float = 0.001
    steps: int = 1000
    batch_size: int = 100
    width: float = 1.0  # multiplies the channels of every layer but the last


def vgg(width: float = 1.0) -> lk.Sequential:
    """Ten convolutions 3x3 in four groups, then two dense layers; the outputs are logits."""

    def convolution(channels: int) -> lk.layers.Layer:
        return Conv2D(round(width * channels), 3, padding="same", activation="relu", kernel_initializer="he_normal")

    return lk.Sequential(
        [
            Input((28, 28, 1)),
            PadToSize(32, 32),
            *map(convolution, (64, 64)),
            MaxPool2D(2),
            *map(convolution, (128, 128)),
            MaxPool2D(2),
            *map(convolution, (256, 256, 256)),
            MaxPool2D(2),
            *map(convolution, (512, 512, 512)),
            MaxPool2D(2),
            Flatten(),
            Dense(round(width * 4096), activation="relu", kernel_initializer="he_normal"),
            Dense(10, kernel_initializer="glorot_uniform"),
        ],
        name="vgg",
    )


@lk.experiment(metric="validation/error", quick={"steps": 100, "width": 0.25}, reference_error=0.002)
def vgg_mnist(config: Config, trial: lk.Trial):
    """Does the modified VGG network learn MNIST? (Learn TensorFlow Now, part 8)"""
    data = trial.data("mnist", fallback="synthetic_digits")
    model = vgg(config.width)
    model.compile(
        optimizer=lk.optimizers.Adam(config.learning_rate),
        loss=lk.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    trial.fit(model, data, steps=config.steps, batch_size=config.batch_size, restore_best_weights=True)
    trial.evaluate(model, data)
