"""What transforms refuse, and how they say so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from labkit.data import Dataset, transforms as t
from labkit.errors import (
    DTypeError,
    ElementError,
    InvalidArgumentError,
    LabkitError,
    PipelineError,
    ShapeError,
    UnknownLengthError,
)
from tests.data.transforms.images import ALL, ALONE, BYTES, FLOATS

NAN = float("nan")
SETTINGS: list[tuple[Callable[[], Any], str]] = [
    (lambda: t.Resize(0), "Resize's size"),
    (lambda: t.Resize((2, 3, 4)), "Resize's size"),
    (lambda: t.Resize(2.5), "Resize's size"),
    (lambda: t.Resize(True), "Resize's size"),
    (lambda: t.Resize(4, "cubic"), 'one of "bilinear", "nearest"'),
    (lambda: t.ResizeWithCropOrPad(-1), "ResizeWithCropOrPad's size"),
    (lambda: t.CenterCrop("a"), "CenterCrop's size"),
    (lambda: t.RandomCrop(NAN), "RandomCrop's size"),
    (lambda: t.RandomCrop(4, padding=-1), "RandomCrop's padding"),
    (lambda: t.RandomCrop(4, padding=1, fill=NAN), "RandomCrop's fill"),
    (lambda: t.RandomCrop(4, seed=1.5), "A seed is a whole number"),
    (lambda: t.RandomFlip("diagonal"), "RandomFlip's mode"),
    (lambda: t.RandomRotation(NAN), "RandomRotation's factor"),
    (lambda: t.RandomRotation(1.5), "RandomRotation's factor"),
    (lambda: t.RandomRotation(0.1, "mirror"), "RandomRotation's fill_mode"),
    (lambda: t.RandomRotation(0.1, fill_value=float("inf")), "RandomRotation's fill_value"),
    (lambda: t.RandomBrightness((0, NAN)), "RandomBrightness's factor"),
    (lambda: t.RandomContrast(2), "RandomContrast's lower factor"),
    (lambda: t.RandomContrast((1, -1)), "RandomContrast's upper factor"),
    (lambda: t.RandomSaturation((1, 2, 3)), "RandomSaturation's factor"),
    (lambda: t.RandomHue(0.6), "RandomHue's factor"),
    (lambda: t.Standardization(NAN), "Standardization's mean"),
    (lambda: t.Standardization("a"), "Standardization's mean"),
    (lambda: t.Standardization(0, 0), "above 0"),
    (lambda: t.Standardization(0, [1, -1]), "above 0"),
    (lambda: t.Standardization(np.ones((2, 2))), "Standardization's mean"),
    (lambda: t.Cutout(0), "Cutout's size"),
    (lambda: t.Cutout(3, fill=None), "Cutout's fill"),
    (lambda: t.MixUp(0), "MixUp's alpha"),
    (lambda: t.MixUp(NAN), "MixUp's alpha"),
    (lambda: t.MixUp(num_classes=0), "MixUp's num_classes"),
    (lambda: t.ToFloat(on=1.5), "on= names"),
    (lambda: t.ToFloat(on=()), "on= names"),
    (lambda: t.ToFloat()(BYTES, indices=[1, 2]), "indices are the images' numbers"),
    (lambda: t.ToFloat()(BYTES[:2], indices=[1.5, 2]), "indices are the images' numbers"),
    (lambda: t.MixUp()(FLOATS, indices=[1, 2]), "indices are the images' numbers"),
    (lambda: t.image_statistics(BYTES[:0]), "needs images"),
    (lambda: t.RandomCrop(10, padding=2, fill=0.5)(BYTES), "whole number from 0 to 255"),
    (lambda: t.Cutout(2, fill=256)(BYTES), "whole number from 0 to 255"),
    (lambda: t.MixUp(num_classes=2)((FLOATS, np.arange(len(FLOATS)))), "from 0 to 1"),
]


@pytest.mark.parametrize(("make", "message"), SETTINGS, ids=[message for _, message in SETTINGS])
def test_settings(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        make()


@pytest.mark.parametrize("name", ALONE)
def test_what_is_no_image(name: str) -> None:
    transform = ALL[name]()
    for wrong in (BYTES.astype(np.float64), BYTES.astype(np.int32), BYTES > 3, np.array(["a"])):
        with pytest.raises(DTypeError, match="takes images"):
            transform(wrong)
    for wrong in (BYTES[0], BYTES[..., 0], BYTES[:, :0], BYTES[..., :0], np.uint8(3)):
        with pytest.raises(ShapeError, match="takes images"):
            transform(wrong)


SHAPES: list[tuple[Callable[[], Any], str]] = [
    (lambda: t.CenterCrop(13)(BYTES), "cuts 13 x 13 out of a smaller image"),
    (lambda: t.RandomCrop((12, 11))(BYTES), "cuts 12 x 11"),
    (lambda: t.RandomCrop(17, padding=(3, 3))(BYTES), "border of 3 and 3"),
    (lambda: t.RandomHue(0.1)(BYTES[..., :1]), "red, green and blue"),
    (lambda: t.Standardization(np.ones((2, 2, 3)))(BYTES), "not for these images"),
    (lambda: t.Standardization([1, 2])(BYTES), "not for these images"),
    (lambda: t.ToFloat()(BYTES[..., 0]), r"array\[..., None\]"),
    (lambda: t.image_statistics(BYTES[0]), "batches"),
    (lambda: t.MixUp()((FLOATS, np.ones(3))), "as many examples"),
    (lambda: t.MixUp()([np.ones(2), np.ones(3)]), "one shape"),
]


@pytest.mark.parametrize(("make", "message"), SHAPES, ids=[message for _, message in SHAPES])
def test_shapes(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        make()


def test_dtypes() -> None:
    with pytest.raises(DTypeError, match="num_classes"):
        t.MixUp()((FLOATS, np.arange(len(FLOATS))))
    with pytest.raises(DTypeError, match="image_statistics"):
        t.image_statistics(BYTES.astype(float))


def test_pipelines_name_step_and_element() -> None:
    sizes = [8, 8, 8, 3, 8]
    dataset = Dataset.range(5).map(lambda i: np.zeros((sizes[i], 8, 1), np.uint8)).map(t.RandomCrop(5))
    iterator = iter(dataset)
    for _ in range(3):
        next(iterator)
    with pytest.raises(PipelineError, match="map #3 'RandomCrop' failed at element 3: ShapeError") as error:
        next(iterator)
    assert isinstance(error.value.__cause__, ShapeError)


def test_tensors_that_are_not_there() -> None:
    with pytest.raises(ElementError, match="no such tensor"):
        t.ToFloat(on=2)((BYTES, BYTES))
    with pytest.raises(ElementError, match="'y' where there are 'x'"):
        t.ToFloat(on="y")({"x": BYTES})
    with pytest.raises(ElementError, match="a nest of 0, 1"):
        t.ToFloat(on=0)(((BYTES, BYTES), BYTES))
    with pytest.raises(PipelineError, match="no such tensor"):
        next(iter(Dataset.from_tensor_slices(BYTES).map(t.ToFloat(on="x"))))


def test_statistics_of_different_sizes() -> None:
    images = [np.zeros((n, 4, 1), np.uint8) for n in (3, 4)]
    dataset = Dataset.range(2).map(lambda i: images[i])
    with pytest.raises(LabkitError, match="shapes"):
        t.image_statistics(dataset)
    with pytest.raises(ShapeError, match="one size"):
        t.image_statistics(dataset.batch(1))


def test_statistics_of_what_has_no_end() -> None:
    with pytest.raises(UnknownLengthError, match="no end"):
        t.image_statistics(Dataset.from_tensor_slices(BYTES).repeat())
