"""Does it help to zero-centre images? The mean image of Learn TensorFlow Now, part 11 (J. Varty), on CIFAR-10.

The blog's network went from 70.9% to 72.5% when the mean image was subtracted, and its author doubted that this was more than
chance. Here each way of preparing the images has several seeds, so that chance can be told:

    labkit run experiments/zero_centering.py --seeds 3

With augmentation, part 12's, a training image is another one each time it is seen: moved by up to 4 pixels, mirrored or not.
Mean and deviation come from the training images alone, in one pass over them. TensorBoard shows the mean image.
"""

import dataclasses
from types import SimpleNamespace
from typing import Literal

import labkit as lk
from labkit.data.transforms import RandomCrop, RandomFlip, Standardization, image_statistics
from labkit.layers import Conv2D, Dense, Dropout, Flatten, Input, MaxPool2D


@dataclasses.dataclass
class Config:
    centring: Literal["none", "mean_image", "mean_and_deviation"] = "none"
    augmentation: bool = False
    learning_rate: float = 0.001
    steps: int = 3000
    batch_size: int = 100
    width: float = 1.0  # multiplies the channels


def centred(data: lk.datasets.DataSet, way: str, trial: lk.Trial) -> SimpleNamespace:
    """The three splits, prepared by what the training images say."""
    statistics = image_statistics(data.train.images)
    trial.image(1, mean_image=statistics.mean_image)
    change = {
        "none": lambda images: images,
        "mean_image": Standardization(statistics.mean_image),
        "mean_and_deviation": Standardization(statistics.mean, statistics.std),
    }[way]
    splits = {name: getattr(data, name) for name in ("train", "validation", "test")}
    return SimpleNamespace(**{n: SimpleNamespace(x=change(s.images), y=s.labels) for n, s in splits.items()})


def network(shape: tuple[int, int, int], width: float) -> lk.Sequential:
    """Three groups of convolutions, as the series has them by then; the outputs are logits."""
    layers = [Input(shape)]
    for channels in (32, 64, 128):
        for _ in range(2):
            layers += [
                Conv2D(round(width * channels), 3, padding="same", activation="relu", kernel_initializer="he_normal")
            ]
        layers += [MaxPool2D(2)]
    return lk.Sequential([*layers, Flatten(), Dropout(0.5), Dense(10)])


@lk.experiment(
    metric="validation/error",
    space={"centring": ["none", "mean_image", "mean_and_deviation"]},
    quick={"steps": 30, "width": 0.25, "centring": "mean_image", "augmentation": True},
)
def zero_centering(config: Config, trial: lk.Trial):
    """Does subtracting the mean image make a network read pictures better? (Learn TensorFlow Now, part 11)"""
    data = centred(trial.data("cifar10_jpeg", fallback="synthetic_digits"), config.centring, trial)
    model = network(data.train.x.shape[1:], config.width)
    model.compile(
        lk.optimizers.Adam(config.learning_rate),
        lk.losses.SparseCategoricalCrossentropy(from_logits=True),
        ["accuracy"],
    )
    examples = lk.data.Dataset.from_tensor_slices((data.train.x, data.train.y)).shuffle(seed=trial.seed)
    if config.augmentation:
        size = data.train.x.shape[1:3]
        examples = examples.map(RandomCrop(size, padding=4, seed=trial.seed)).map(RandomFlip(seed=trial.seed))
    trial.fit(model, examples.batch(config.batch_size), steps=config.steps, validation=data.validation)
    trial.evaluate(model, data)
