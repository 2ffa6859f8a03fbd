"""MNIST: 70,000 scanned handwritten digits."""

from __future__ import annotations

from labkit.data.spec import TensorSpec
from labkit.datasets.base import DataSet, DataSetInfo, described_by
from labkit.datasets.files import PinnedFile
from labkit.datasets.idx_images import from_idx_files

MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")


def _pinned(name: str, size: int, packed: int, sha256: str) -> PinnedFile:
    return PinnedFile(name, size, sha256, tuple(f"{mirror}{name}.gz" for mirror in MIRRORS), packed=packed)


TRAIN_IMAGES = _pinned(
    "train-images-idx3-ubyte", 47_040_016, 9_912_422, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
)
TRAIN_LABELS = _pinned(
    "train-labels-idx1-ubyte", 60_008, 28_881, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
)
TEST_IMAGES = _pinned(
    "t10k-images-idx3-ubyte", 7_840_016, 1_648_877, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
)
TEST_LABELS = _pinned(
    "t10k-labels-idx1-ubyte", 10_008, 4_542, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
)


@described_by(
    DataSetInfo(
        "mnist",
        "scanned handwritten digits",
        x=TensorSpec((28, 28, 1), "float32"),
        y=TensorSpec((), "int64"),
        class_names=tuple("0123456789"),
        examples={"train": 55_000, "validation": 5_000, "test": 10_000},
        splits="validation: the first 5,000 examples of the training files; train: the other 55,000; test: the test files",
        licence="CC BY-SA 3.0",
        citation=(
            "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Gradient-based learning applied to document recognition, "
            "Proceedings of the IEEE 86(11), 1998"
        ),
        homepage="http://yann.lecun.com/exdb/mnist/",
        files=(TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS),
    )
)
def mnist(*, dtype: str = "float32") -> DataSet:
    """Returns MNIST: grey images of 28x28, float32 [n, 28, 28, 1], 0.0 is paper and 1.0 is ink; labels 0 to 9.

    The splits are those of TensorFlow 1's `input_data.read_data_sets`, in the order of the files:

    * validation: the first 5,000 examples of the training files,
    * train: the remaining 55,000,
    * test: the 10,000 of the test files.

    All four files are read and verified here, about 0.4 s; a split becomes float32 when it is first asked for.

    Args:
        dtype: "uint8" leaves the pixels as they stand in the files, 0 to 255.

    Raises:
        InvalidArgumentError: there is no such dtype.
        MissingDataError: a file is in none of the places that `labkit.datasets.files` names.
        DataError: a file is damaged or another one.
    """
    return from_idx_files(mnist.info, dtype)
