"""CIFAR-10: 60,000 small photographs of ten kinds of things, from the official archive or from one of JPEG files."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from labkit.data.formats.cifar import parse_cifar10
from labkit.data.images import decode_image
from labkit.data.spec import TensorSpec
from labkit.datasets.base import DataSet, DataSetInfo, described_by
from labkit.datasets.files import PinnedFile, locate
from labkit.datasets.pixels import Part, image_data_set, images_of
from labkit.errors import DataError
from labkit.io.archives import Archive, Limits

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CITATION = "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, technical report, 2009"
LICENCE = "none stated; its page asks to cite the report above"
HOMEPAGE = "https://www.cs.toronto.edu/~kriz/cifar.html"
NEAR = "some photographs to test with are nearly ones to train with (Barz and Denzler 2020, ciFAIR)"
EXAMPLES = {"train": 45_000, "validation": 5_000, "test": 10_000}
SHAPE = (32, 32, 3)


@described_by(
    DataSetInfo(
        "cifar10",
        "small colour photographs of animals and vehicles",
        x=TensorSpec(SHAPE, "float32"),
        y=TensorSpec((), "int64"),
        class_names=CLASS_NAMES,
        examples=EXAMPLES,
        splits="validation: the first 5,000 examples of data_batch_1 to 5; train: the other 45,000; test: test_batch; "
        f"{NEAR}",
        licence=LICENCE,
        citation=CITATION,
        homepage=HOMEPAGE,
        files=(  # pinned by the MD5 sum that the home page tells, as this is what the publisher vouches for
            PinnedFile(
                "cifar-10-binary.tar.gz",
                170_052_171,
                urls=("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
                md5="c32a1d4ab5d03f1284b67883e8d87530",
            ),
        ),
    )
)
def cifar10(*, dtype: str = "float32") -> DataSet:
    """Returns CIFAR-10: photographs of 32x32, float32 [n, 32, 32, 3], red, green and blue from 0 to 1; labels 0 to 9.

    The archive is read once, here, without being unpacked to the disk. The examples stand in the order of its files:

    * validation: the first 5,000 examples of data_batch_1.bin,
    * train: the remaining 45,000 of data_batch_1.bin to data_batch_5.bin,
    * test: the 10,000 of test_batch.bin.

    Args:
        dtype: "uint8" leaves the pixels as they stand in the files, 0 to 255.

    Raises:
        InvalidArgumentError: there is no such dtype.
        MissingDataError: the archive is in none of the places that `labkit.datasets.files` names.
        DataError: it is damaged or another one.
    """
    info = images_of(cifar10.info, dtype)
    path = locate(info.name, info.files[0])
    parts = _Parts(info)
    size = sum(info.examples[name] for name in ("train", "validation")) // 5
    with Archive(path, Limits(members=100)) as archive:
        for member, data in archive.each(lambda member: member.name.endswith(".bin")):
            images, labels = parse_cifar10(data, f"{path}, {member.name}")
            found = re.search(r"(?:data_batch_([1-5])|test_batch)\.bin$", member.name)
            if found is not None:
                parts.put(found[1] is None, (int(found[1] or 1) - 1) * size, images, labels)
    return image_data_set(info, parts.filled(str(path)), str(path))


JPEG = "pixels differ slightly from the official ones, as JPEG is lossy: say CIFAR-10 (JPEG) beside figures"


@described_by(
    DataSetInfo(
        "cifar10_jpeg",
        "CIFAR-10 (JPEG): its photographs as JPEG files",
        x=TensorSpec(SHAPE, "float32"),
        y=TensorSpec((), "int64"),
        class_names=CLASS_NAMES,
        examples=EXAMPLES,
        splits="the classes in turn, in each by file name; validation: the first 5,000 of train/; train: the other 45,000; "
        f"test: test/; {NEAR}; {JPEG}",
        licence=LICENCE,
        citation=f"{CITATION}; here as JPEG files",
        homepage=HOMEPAGE,
        files=(
            PinnedFile(
                "cifar10-jpeg.tar.xz",
                18_840_500,
                "c512b2309c2e3ee0d8abc54754cdadcdce415de147d891fc73d155c31c466e4d",
            ),
        ),
    )
)
def cifar10_jpeg(*, dtype: str = "float32") -> DataSet:
    """Returns CIFAR-10 from an archive of JPEG files, train/<class>/NNNN.jpg and test/<class>/NNNN.jpg.

    Its form is that of `cifar10`: float32 [n, 32, 32, 3], labels 0 to 9. JPEG is lossy, so that pixels differ slightly from the
    official arrays, and figures that are measured on it are labelled "CIFAR-10 (JPEG)". The archive is read and decoded once,
    here. The examples stand in the order of the file names in each class, and the classes take turns: the first is
    train/airplane/0000.jpg, the second train/automobile/0000.jpg. The first 5,000 for training are for validation.

    Nobody offers the archive for download: it is looked for in LABKIT_DATA and in the cache.

    Args:
        dtype: "uint8" leaves the pixels as they are decoded, 0 to 255.

    Raises:
        InvalidArgumentError: there is no such dtype.
        MissingDataError: the archive is in none of the places that `labkit.datasets.files` names.
        DataError: it is damaged or another one.
    """
    info = images_of(cifar10_jpeg.info, dtype)
    path = locate(info.name, info.files[0])
    parts = _Parts(info)
    with Archive(path) as archive:
        encoded = {member.name: data for member, data in archive.each(lambda member: member.name.endswith(".jpg"))}
    for folder in ("train", "test"):
        for i, (label, name) in enumerate(_in_turn(folder, encoded)):
            image = decode_image(encoded.pop(name), name=f"{path}, {name}")
            parts.put(folder == "test", i, image[np.newaxis], np.array([label]))
    return image_data_set(info, parts.filled(str(path)), str(path))


def _in_turn(folder: str, names: Iterator[str] | dict[str, bytes]) -> Iterator[tuple[int, str]]:
    """The label and name of each image in a folder of the archive: the first of each class, the second of each, and so on."""
    classes = [sorted(name for name in names if name.startswith(f"{folder}/{each}/")) for each in CLASS_NAMES]
    for row in zip(*classes, strict=False):
        yield from enumerate(row)


class _Parts:
    """The splits' arrays, of the sizes that the record says, so that nothing stands in memory twice while they are filled."""

    def __init__(self, info: DataSetInfo) -> None:
        self._info, self._seen = info, dict.fromkeys(info.examples, 0)
        self._arrays: dict[str, Part] = {
            name: (np.empty((count, *SHAPE), np.uint8), np.empty(count, np.int64))
            for name, count in info.examples.items()
        }

    def put(self, test: bool, start: int, images: np.ndarray, labels: np.ndarray) -> None:
        """Takes examples that stand from `start` on among those to test with, or among those to train with.

        Raises:
            DataError: an image has another size.
        """
        if images.shape[1:] != SHAPE:
            raise DataError(f"An image of {self._info.name} has another size", received=f"{images.shape[1:]}")
        kept = self._info.examples["validation"]
        for name, first in (("test", 0),) if test else (("validation", 0), ("train", kept)):
            x, y = self._arrays[name]
            low, high = max(start, first), min(start + len(images), first + len(x))
            if low < high:
                x[low - first : high - first] = images[low - start : high - start]
                y[low - first : high - first] = labels[low - start : high - start]
                self._seen[name] += high - low

    def filled(self, path: str) -> dict[str, Part]:
        """The arrays.

        Raises:
            DataError: some examples were missing.
        """
        if self._seen != dict(self._info.examples):
            raise DataError(
                f"{path} does not hold all of {self._info.name}",
                rule=", ".join(f"{name} {count:,}" for name, count in self._info.examples.items()),
                received=", ".join(f"{name} {count:,}" for name, count in self._seen.items()),
                fix="Fetch it again",
            )
        return self._arrays
