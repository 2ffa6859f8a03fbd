"""input_data: splits, dtypes, the order of batches, where files are looked for, and what is refused.

Today's TensorFlow has no `tf.examples` any more: all of this file is asked of labkit alone.
"""

from __future__ import annotations

import gzip
import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.ours_only("tensorflow.examples is gone from today's TensorFlow")
NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
MACHINE_DATA = os.environ.get("LABKIT_DATA", "")


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def write(folder: Path, train: int = 12, test: int = 4, packed: bool = False) -> Path:
    """Writes small files: image i is filled with the grey value i, its label is i modulo 10."""
    folder.mkdir(exist_ok=True)
    for prefix, count in (("train", train), ("t10k", test)):
        numbers = np.arange(count)
        images = np.broadcast_to(numbers[:, np.newaxis, np.newaxis], (count, 28, 28))
        for name, array in ((f"{prefix}-images-idx3-ubyte", images), (f"{prefix}-labels-idx1-ubyte", numbers % 10)):
            payload = idx(array)
            path = folder / (f"{name}.gz" if packed else name)
            path.write_bytes(gzip.compress(payload) if packed else payload)
    return folder


@pytest.fixture
def input_data(tf: Any) -> Any:
    return tf.examples.tutorials.mnist.input_data


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and no other place where data are found."""
    (tmp_path / "data").mkdir()
    monkeypatch.setattr("labkit.datasets.files.cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setenv("LABKIT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LABKIT_OFFLINE", "1")
    return tmp_path / "mnist"


def numbers(images: np.ndarray) -> list[int]:
    """The numbers of images that `write` made."""
    return np.rint(images.reshape(len(images), -1)[:, 0] * 255).astype(int).tolist()


@pytest.mark.parametrize("packed", [False, True])
def test_validation_is_the_beginning_and_train_the_rest(input_data: Any, folder: Path, packed: bool) -> None:
    mnist = input_data.read_data_sets(str(write(folder, packed=packed)), validation_size=5)
    assert numbers(mnist.validation.images) == [0, 1, 2, 3, 4]
    assert numbers(mnist.train.images) == [5, 6, 7, 8, 9, 10, 11]
    assert numbers(mnist.test.images) == [0, 1, 2, 3]
    assert mnist.train.labels.tolist() == [5, 6, 7, 8, 9, 0, 1]
    assert [part.num_examples for part in (mnist.train, mnist.validation, mnist.test)] == [7, 5, 4]
    assert [part.num_examples for part in mnist] == [7, 5, 4]


def test_images_are_float32_rows_from_0_to_1(input_data: Any, folder: Path) -> None:
    images = input_data.read_data_sets(write(folder, train=256), validation_size=0).train.images
    assert (images.dtype, images.shape) == (np.float32, (256, 784))
    assert (images.min(), images.max()) == (0.0, 1.0)


def test_labels_are_uint8(input_data: Any, folder: Path) -> None:
    labels = input_data.read_data_sets(write(folder), validation_size=0).test.labels
    assert (labels.dtype, labels.tolist()) == (np.uint8, [0, 1, 2, 3])


def test_one_hot_labels_are_float64(input_data: Any, folder: Path) -> None:
    mnist = input_data.read_data_sets(write(folder), one_hot=True, validation_size=0)
    assert (mnist.train.labels.dtype, mnist.train.labels.shape) == (np.float64, (12, 10))
    assert mnist.test.labels.tolist() == np.eye(10)[:4].tolist()


def test_without_reshape(input_data: Any, folder: Path) -> None:
    mnist = input_data.read_data_sets(write(folder), reshape=False, validation_size=0)
    assert mnist.train.images.shape == (12, 28, 28, 1)
    assert mnist.train.next_batch(2)[0].shape == (2, 28, 28, 1)


def test_uint8_images_stay_grey_values(tf: Any, input_data: Any, folder: Path) -> None:
    mnist = input_data.read_data_sets(write(folder), dtype=tf.uint8, validation_size=0)
    assert mnist.train.images.dtype == np.uint8
    assert mnist.train.images[:, 0].tolist() == list(range(12))


def test_other_dtypes_are_a_type_error(tf: Any, input_data: Any, folder: Path) -> None:
    with pytest.raises(TypeError, match="Invalid image dtype"):
        input_data.read_data_sets(write(folder), dtype=tf.float64, validation_size=0)


@pytest.mark.parametrize("size", [13, -1, 2.5])
def test_an_impossible_validation_size_is_a_value_error(input_data: Any, folder: Path, size: Any) -> None:
    with pytest.raises(ValueError, match=r"[Vv]alidation.size"):
        input_data.read_data_sets(write(folder), validation_size=size)


def data_set(input_data: Any, count: int = 10, **options: Any) -> Any:
    images = np.broadcast_to(np.arange(count, dtype=np.uint8)[:, np.newaxis, np.newaxis, np.newaxis], (count, 2, 2, 1))
    return input_data.DataSet(images, np.arange(count), **options)


def test_batches_are_shuffled_and_cover_the_epoch(input_data: Any) -> None:
    data = data_set(input_data, 10, seed=1)
    drawn = [label for _ in range(5) for label in data.next_batch(2)[1].tolist()]
    assert sorted(drawn) == list(range(10))
    assert drawn != list(range(10))


def test_images_and_labels_stay_together(input_data: Any) -> None:
    data = data_set(input_data, 10, seed=1)
    for _ in range(7):
        images, labels = data.next_batch(3)
        assert numbers(images) == labels.tolist()
    assert numbers(data.images) == data.labels.tolist()


def test_images_then_give_the_shuffled_order(input_data: Any) -> None:
    data = data_set(input_data, 10, seed=1)
    assert data.labels.tolist() == list(range(10))
    first = data.next_batch(4)[1].tolist()
    assert data.labels.tolist()[:4] == first
    assert data.labels.tolist()[4:8] == data.next_batch(4)[1].tolist()


def test_the_batch_across_the_border_is_the_rest_and_the_new_start(input_data: Any) -> None:
    data = data_set(input_data, 10, seed=1)
    data.next_batch(8)
    rest = data.labels.tolist()[8:]
    labels = data.next_batch(5)[1].tolist()
    assert labels[:2] == rest
    assert labels[2:] == data.labels.tolist()[:3]
    assert data.epochs_completed == 1
    assert data.next_batch(7)[1].tolist() == data.labels.tolist()[3:]


def test_an_epoch_is_complete_when_a_batch_crosses_its_end(input_data: Any) -> None:
    data = data_set(input_data, 10, seed=1)
    epochs = []
    for _ in range(5):
        data.next_batch(5)
        epochs.append(data.epochs_completed)
    assert epochs == [0, 0, 1, 1, 2]


def test_without_shuffling_the_order_is_kept(input_data: Any) -> None:
    data = data_set(input_data, 5)
    drawn = [data.next_batch(3, shuffle=False)[1].tolist() for _ in range(4)]
    assert drawn == [[0, 1, 2], [3, 4, 0], [1, 2, 3], [4, 0, 1]]


def test_the_order_is_that_of_numpy_with_the_same_seed(input_data: Any) -> None:
    orders, reference = data_set(input_data, 10, seed=5), np.random.RandomState(5)
    first, second = np.arange(10), np.arange(10)
    reference.shuffle(first)
    reference.shuffle(second)
    assert orders.next_batch(10)[1].tolist() == first.tolist()
    assert orders.next_batch(10)[1].tolist() == first[second].tolist()


def test_the_graphs_seed_counts_when_there_is_no_other(tf: Any, input_data: Any) -> None:
    tf.set_random_seed(5)
    by_graph = data_set(input_data).next_batch(10)[1].tolist()
    assert by_graph == data_set(input_data, seed=5).next_batch(10)[1].tolist()


def test_numpys_global_generator_shuffles_when_there_is_no_seed(input_data: Any) -> None:
    drawn = []
    for _ in range(2):
        np.random.seed(3)
        drawn.append(data_set(input_data).next_batch(10)[1].tolist())
    assert drawn[0] == drawn[1]


def test_a_batch_may_be_longer_than_an_epoch(input_data: Any) -> None:
    data = data_set(input_data, 4, seed=1)
    labels = data.next_batch(10)[1].tolist()
    assert [sorted(labels[:4]), sorted(labels[4:8])] == [[0, 1, 2, 3]] * 2
    assert data.epochs_completed == 2


def test_the_whole_test_set_at_once(input_data: Any, folder: Path) -> None:
    test = input_data.read_data_sets(write(folder), validation_size=0).test
    assert sorted(test.next_batch(test.num_examples)[1].tolist()) == [0, 1, 2, 3]


@pytest.mark.parametrize("size", [-1, 2.5, "3"])
def test_an_impossible_batch_size_is_a_value_error(input_data: Any, size: Any) -> None:
    with pytest.raises(ValueError, match="batch_size"):
        data_set(input_data).next_batch(size)


def test_a_batch_of_an_empty_part_says_so(tf: Any, input_data: Any, folder: Path) -> None:
    mnist = input_data.read_data_sets(write(folder), validation_size=0)
    with pytest.raises(tf.errors.FailedPreconditionError, match="validation_size"):
        mnist.validation.next_batch(1)


@pytest.mark.parametrize(("one_hot", "label"), [(False, 0), (True, [1] + [0] * 9)])
def test_fake_data_reads_no_file(input_data: Any, folder: Path, one_hot: bool, label: Any) -> None:
    mnist = input_data.read_data_sets(str(folder), fake_data=True, one_hot=one_hot)
    images, labels = mnist.train.next_batch(3)
    assert (np.shape(images), np.min(images), labels) == ((3, 784), 1, [label] * 3)
    assert mnist.test.num_examples == 10_000


def test_images_and_labels_of_different_numbers_are_refused(input_data: Any) -> None:
    with pytest.raises(ValueError):
        input_data.DataSet(np.zeros((3, 2, 2, 1), np.uint8), np.zeros(4))


def test_several_channels_cannot_be_made_rows(input_data: Any) -> None:
    with pytest.raises(ValueError):
        input_data.DataSet(np.zeros((3, 2, 2, 3), np.uint8), np.zeros(3))
    assert input_data.DataSet(np.zeros((3, 2, 2, 3), np.uint8), np.zeros(3), reshape=False).num_examples == 3


def test_files_that_are_nowhere_are_a_clear_error(tf: Any, input_data: Any, folder: Path) -> None:
    with pytest.raises(tf.errors.NotFoundError, match=r"is not in .*mnist.*LABKIT_OFFLINE"):
        input_data.read_data_sets(folder)


def test_another_source_is_not_replaced_by_mnist(tf: Any, input_data: Any, folder: Path) -> None:
    with pytest.raises(tf.errors.NotFoundError, match="Only MNIST itself is downloaded"):
        input_data.read_data_sets(folder, source_url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/")
    write(folder)
    assert input_data.read_data_sets(folder, source_url="http://else/", validation_size=0).test.num_examples == 4


def test_a_part_of_the_files_is_refused(input_data: Any, folder: Path) -> None:
    from labkit.errors import DataError

    (write(folder) / NAMES[1]).unlink()
    with pytest.raises(DataError, match="all but train-labels-idx1-ubyte"):
        input_data.read_data_sets(folder)


@pytest.mark.parametrize("damage", ["cut", "no gzip", "labels of others", "images as labels"])
def test_damaged_files_are_refused(input_data: Any, folder: Path, damage: str) -> None:
    from labkit.errors import DataError

    write(folder)
    images, labels = folder / NAMES[0], folder / NAMES[1]
    if damage == "cut":
        images.write_bytes(images.read_bytes()[:-1])
    elif damage == "no gzip":
        images.write_bytes(b"\x1f\x8b" + images.read_bytes())
    elif damage == "labels of others":
        labels.write_bytes(idx(np.arange(5)))
    else:
        labels.write_bytes(images.read_bytes())
    with pytest.raises(DataError, match="train-"):
        input_data.read_data_sets(folder)


def test_labels_above_nine_cannot_be_one_hot(input_data: Any, folder: Path) -> None:
    from labkit.errors import DataError

    (write(folder) / NAMES[1]).write_bytes(idx(np.arange(12)))
    assert input_data.read_data_sets(folder, validation_size=0).train.labels.max() == 11
    with pytest.raises(DataError, match="one-hot"):
        input_data.read_data_sets(folder, one_hot=True, validation_size=0)


@pytest.fixture
def undone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is installed in this process is gone afterwards: others import what is really called tensorflow."""
    monkeypatch.setattr(sys, "meta_path", sys.meta_path.copy())
    theirs = taken_out()
    yield
    taken_out()
    sys.modules.update(theirs)


def taken_out() -> dict[str, Any]:
    """The modules called tensorflow, which are imported no longer."""
    return {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "tensorflow"}


@pytest.mark.usefixtures("undone")
def test_the_import_of_the_tutorials(tf: Any) -> None:
    tf.install()
    from tensorflow.examples.tutorials.mnist import input_data

    assert input_data is tf.examples.tutorials.mnist.input_data


@pytest.fixture(scope="module")
def real() -> Any:
    """MNIST where LABKIT_DATA holds it; the folder that the program names is empty."""
    folder = Path(MACHINE_DATA, "mnist")
    if not MACHINE_DATA or not all((folder / f"{name}.gz").exists() or (folder / name).exists() for name in NAMES):
        pytest.skip(f"MNIST is not on this machine: LABKIT_DATA is {MACHINE_DATA or 'not set'}")
    from labkit.compat.v1.examples.tutorials.mnist import input_data

    return input_data.read_data_sets("/nowhere/at/all", one_hot=True)


def test_real_mnist(real: Any) -> None:
    assert [part.num_examples for part in real] == [55_000, 5_000, 10_000]
    assert real.test.labels[:5].argmax(1).tolist() == [7, 2, 1, 0, 4]
    assert real.validation.labels[:5].argmax(1).tolist() == [5, 0, 4, 1, 9]
    assert abs(real.train.images.mean() - 0.1307) < 0.001
    assert real.train.images.max() == 1.0


def test_a_batch_of_real_mnist(real: Any) -> None:
    images, labels = real.train.next_batch(100)
    assert (images.shape, images.dtype, labels.shape, labels.dtype) == ((100, 784), np.float32, (100, 10), np.float64)
    assert images.tolist() == real.train.images[:100].tolist()
