"""What is done with images on their way to a model, natively and many at once: steps of a pipeline, or functions of arrays.

    train = dataset.shuffle().map(RandomCrop(28, padding=4)).map(RandomFlip()).map(PerImageStandardization()).batch(128)
    images = Resize(32)(images)

What is random follows from seed, epoch and an element's place alone: never from threads, batches or what else is asked for.
"""

from typing import TYPE_CHECKING

from labkit.data.missing import TRANSFORMS, missing_from
from labkit.data.transforms.base import ImageTransform, RandomTransform
from labkit.data.transforms.colors import RandomBrightness, RandomContrast, RandomHue, RandomSaturation
from labkit.data.transforms.cutout import Cutout
from labkit.data.transforms.mixup import MixUp
from labkit.data.transforms.resizing import Resize
from labkit.data.transforms.rotation import RandomRotation
from labkit.data.transforms.standardizing import PerImageStandardization, Standardization, ToFloat
from labkit.data.transforms.statistics import ImageStatistics, image_statistics
from labkit.data.transforms.windows import CenterCrop, RandomCrop, RandomFlip, ResizeWithCropOrPad

__all__ = [
    "CenterCrop",
    "Cutout",
    "ImageStatistics",
    "ImageTransform",
    "MixUp",
    "PerImageStandardization",
    "RandomBrightness",
    "RandomContrast",
    "RandomCrop",
    "RandomFlip",
    "RandomHue",
    "RandomRotation",
    "RandomSaturation",
    "RandomTransform",
    "Resize",
    "ResizeWithCropOrPad",
    "Standardization",
    "ToFloat",
    "image_statistics",
]

if not TYPE_CHECKING:
    __getattr__ = missing_from("data.transforms", __all__, TRANSFORMS)
