"""tf.examples.tutorials.mnist.input_data: MNIST in batches, as the tutorials of that time read it.

The examples come from the four IDX files of MNIST (or of a data set in the same form, such as Fashion-MNIST), plain or as
.gz, in the folder that the program names; when it holds none of them, MNIST itself is looked for where labkit keeps data
sets, and downloaded only when it is nowhere.
"""

from __future__ import annotations

import math
import operator
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from labkit.core.dtypes import as_dtype, float32, uint8
from labkit.core.graph import get_default_graph
from labkit.data.formats.idx import parse_idx
from labkit.data.formats.payload import read_payload
from labkit.datasets.files import MissingDataError, PinnedFile, fetch
from labkit.datasets.mnist_digits import MIRRORS, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS
from labkit.errors import DataError, DTypeError, FailedPreconditionError, InvalidArgumentError

DEFAULT_SOURCE_URL = MIRRORS[-1]
MNIST_URLS = (*MIRRORS, "http://yann.lecun.com/exdb/mnist/")
FILES = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)
CLASSES = 10
FAKE_EXAMPLES, FAKE_PIXELS = 10_000, 784
MAX_BYTES = 1 << 30  # of one file's payload; all of MNIST has 55 million


class DataSet:
    """Images and labels that are given out in batches.

    Args:
        images: uint8 [n, rows, columns, 1], grey values from 0 to 255.
        labels: [n] or, one-hot, [n, 10].
        fake_data: hold no examples; `next_batch` makes ones up.
        one_hot: whether fake labels are one-hot.
        dtype: float32 scales the images to [0, 1]; uint8 leaves them.
        reshape: make each image a row: [n, rows * columns].
        seed: of the shuffling; None is the default graph's seed. Without either, NumPy's global generator shuffles, so
            that `np.random.seed` makes it repeat.

    Raises:
        DTypeError: dtype is neither uint8 nor float32.
        InvalidArgumentError: images and labels do not fit each other, or images have several channels and are reshaped.
    """

    def __init__(
        self,
        images: Any,
        labels: Any,
        fake_data: bool = False,
        one_hot: bool = False,
        dtype: Any = float32,
        reshape: bool = True,
        seed: int | None = None,
    ) -> None:
        if as_dtype(dtype) not in (uint8, float32):
            raise DTypeError("Invalid image dtype", rule="It is uint8 or float32", received=str(as_dtype(dtype).name))
        images, labels = np.asarray(images), np.asarray(labels)
        if not fake_data:
            _check(images, labels, reshape)
            if reshape:
                images = images.reshape(len(images), math.prod(images.shape[1:]))
            if as_dtype(dtype) is float32:
                images = np.multiply(images, np.float32(1 / 255), dtype=np.float32)
        seed = get_default_graph().seed if seed is None else seed
        self._shuffle = (np.random if seed is None else np.random.RandomState(seed)).shuffle
        self._fake, self._one_hot = fake_data, one_hot
        self._images, self._labels = images, labels
        self._num_examples = FAKE_EXAMPLES if fake_data else len(images)
        self._order = np.arange(self._num_examples)
        self._shuffled = False  # whether `_order` is another one than that of the arrays
        self._epochs_completed = self._index_in_epoch = 0

    @property
    def images(self) -> np.ndarray:
        """The images, in the order of the current epoch."""
        self._settle()
        return self._images

    @property
    def labels(self) -> np.ndarray:
        """The labels, in the order of the current epoch."""
        self._settle()
        return self._labels

    @property
    def num_examples(self) -> int:
        return self._num_examples

    @property
    def epochs_completed(self) -> int:
        return self._epochs_completed

    def next_batch(self, batch_size: int, fake_data: bool = False, shuffle: bool = True) -> tuple[Any, Any]:
        """Returns the next images and labels.

        All are shuffled before the first batch and at every epoch's end. The batch across that border is the rest of the
        old epoch and the beginning of the new one; the epoch counts as completed with the batch that crosses it.

        Args:
            batch_size: how many.
            fake_data: make up images of ones and labels of class 0.
            shuffle: False keeps the order.

        Raises:
            InvalidArgumentError: batch_size is not a whole number of at least 0.
            FailedPreconditionError: there are no examples.
        """
        count = _whole(batch_size)
        if fake_data or self._fake:
            label = [1] + [0] * (CLASSES - 1) if self._one_hot else 0
            return [[1] * FAKE_PIXELS for _ in range(count)], [label for _ in range(count)]
        if count and not self._num_examples:
            raise FailedPreconditionError(
                "There is nothing to take a batch from",
                received="a data set of no examples",
                fix="Give read_data_sets a validation_size that leaves examples for each part",
            )
        if shuffle and self._epochs_completed == 0 and self._index_in_epoch == 0:
            self._reorder()
        parts = []
        while (left := self._num_examples - self._index_in_epoch) < count:
            parts.append(self._order[self._index_in_epoch :])
            count -= left
            self._epochs_completed += 1
            self._index_in_epoch = 0
            if shuffle:
                self._reorder()
        parts.append(self._order[self._index_in_epoch : self._index_in_epoch + count])
        self._index_in_epoch += count
        rows = np.concatenate(parts)
        return self._images[rows], self._labels[rows]

    def _reorder(self) -> None:
        """Draws a new order; the arrays stay as they are until somebody asks for them."""
        moves = np.arange(self._num_examples)
        self._shuffle(moves)
        self._order, self._shuffled = self._order[moves], True

    def _settle(self) -> None:
        if self._shuffled:
            self._images, self._labels = self._images[self._order], self._labels[self._order]
            self._order, self._shuffled = np.arange(self._num_examples), False


class Datasets(NamedTuple):
    """The three parts: `.train` to learn from, `.validation` to choose by, `.test` to report once."""

    train: DataSet
    validation: DataSet
    test: DataSet


def read_data_sets(
    train_dir: str | os.PathLike[str],
    fake_data: bool = False,
    one_hot: bool = False,
    dtype: Any = float32,
    reshape: bool = True,
    validation_size: int = 5000,
    seed: int | None = None,
    source_url: str = DEFAULT_SOURCE_URL,
) -> Datasets:
    """Returns MNIST's examples: `.validation` the first ones of the training files, `.train` the rest, `.test`.

    Args:
        train_dir: a folder with the four files, plain or as .gz. When it holds none of them, MNIST comes from
            $LABKIT_DATA, the user's cache or a download (see `labkit.datasets.files`); the folder is then not used.
        fake_data: make up examples of ones; no file is read.
        one_hot: labels are float64 [n, 10] instead of uint8 [n].
        dtype: of the images: float32 in [0, 1], or uint8 from 0 to 255.
        reshape: images are [n, 784] instead of [n, 28, 28, 1].
        validation_size: the number of examples kept apart for validation.
        seed: of the shuffling, see `DataSet`.
        source_url: where the program would download from. Only MNIST is downloaded, from labkit's own mirrors.

    Raises:
        DataError: a file is damaged, of another kind, or misses its companions.
        MissingDataError: the files are nowhere and cannot be downloaded.
        InvalidArgumentError: validation_size is not from 0 to the number of training examples.
        DTypeError: dtype is neither uint8 nor float32.
    """
    if fake_data:
        parts = [DataSet([], [], fake_data=True, one_hot=one_hot, dtype=dtype, seed=seed) for _ in range(3)]
        return Datasets(*parts)
    images, labels, test_images, test_labels = _read(Path(train_dir), source_url)
    size = _whole(validation_size, "validation_size")
    if size > len(images):
        raise InvalidArgumentError(
            f"Validation size should be between 0 and {len(images)}",
            rule="The validation examples are taken from the training files",
            received=str(size),
        )
    if one_hot:
        labels, test_labels = _one_hot(labels), _one_hot(test_labels)
    pairs = [(images[size:], labels[size:]), (images[:size], labels[:size]), (test_images, test_labels)]
    return Datasets(*(DataSet(*pair, dtype=dtype, reshape=reshape, seed=seed) for pair in pairs))


def _read(folder: Path, source_url: str) -> list[np.ndarray]:
    """The four arrays: images uint8 [n, rows, columns, 1], labels uint8 [n]."""
    found = {pinned: _find(folder, pinned.name) for pinned in FILES}
    missing = [pinned.name for pinned, path in found.items() if path is None]
    if 0 < len(missing) < len(FILES):  # others from elsewhere might belong to another data set
        raise DataError(
            f"{folder} holds a part of a data set only",
            rule="The four files belong together",
            received=f"all but {', '.join(missing)}",
            fix="Put the missing files there, or name a folder without any of them, to use MNIST",
        )
    if missing and source_url.rstrip("/") not in {url.rstrip("/") for url in MNIST_URLS}:
        raise MissingDataError(
            f"{folder} does not hold {', '.join(missing)}",
            rule="Only MNIST itself is downloaded, whose content is known; not what another address gives",
            received=f"source_url={source_url!r}",
            fix="Download the four files by hand and put them into the folder",
        )
    arrays = []
    for pinned, path in found.items():
        payload, path = (read_payload(path, MAX_BYTES), path) if path else _fetch(pinned, folder)
        images = pinned in (TRAIN_IMAGES, TEST_IMAGES)
        array = parse_idx(payload, str(path), dtype="uint8", rank=3 if images else 1)
        arrays.append(array[..., np.newaxis] if images else array)
        if not images and len(arrays[-2]) != len(array):
            raise DataError(
                f"{path} does not fit its images",
                rule="There is one label for each image",
                received=f"{len(arrays[-2])} images and {len(array)} labels",
                fix="Replace the files by the official ones",
            )
    return arrays


def _find(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def _fetch(pinned: PinnedFile, folder: Path) -> tuple[bytearray, Path]:
    try:
        return fetch("mnist", pinned)
    except MissingDataError as error:
        fix = f"Put the four files of MNIST into {folder}, or set LABKIT_DATA to a folder with a folder 'mnist'"
        raise MissingDataError(f"{pinned.name} is not in {folder}", rule=error.rule, fix=fix) from error


def _one_hot(labels: np.ndarray) -> np.ndarray:
    if labels.size and labels.max() >= CLASSES:
        raise DataError(
            "The labels cannot be one-hot",
            rule=f"They are from 0 to {CLASSES - 1}",
            received=str(labels.max()),
            fix="Pass one_hot=False and encode them in the program",
        )
    return np.eye(CLASSES)[labels]


def _check(images: np.ndarray, labels: np.ndarray, reshape: bool) -> None:
    if images.shape[:1] != labels.shape[:1]:
        received = f"images {list(images.shape)}, labels {list(labels.shape)}"
        raise InvalidArgumentError("There is one label for each image", received=received)
    if images.ndim != 4 or (reshape and images.shape[3] != 1):
        raise InvalidArgumentError(
            "The images cannot be used",
            rule="They are [n, rows, columns, channels], with one channel where reshape makes rows of them",
            received=str(list(images.shape)),
        )


def _whole(value: Any, name: str = "batch_size") -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if number < 0:
        raise InvalidArgumentError(f"{name} is a whole number of at least 0", received=repr(value))
    return number
