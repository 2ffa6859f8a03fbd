"""Fashion-MNIST: 70,000 pictures of clothes, in MNIST's form."""

from __future__ import annotations

from labkit.data.spec import TensorSpec
from labkit.datasets.base import DataSet, DataSetInfo, described_by
from labkit.datasets.files import PinnedFile
from labkit.datasets.idx_images import from_idx_files

MIRRORS = (
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)


def _published(name: str, size: int, md5: str) -> PinnedFile:
    return PinnedFile(name, size, urls=tuple(mirror + name for mirror in MIRRORS), md5=md5, ambiguous=True)


@described_by(
    DataSetInfo(
        "fashion_mnist",
        "pictures of clothes, shoes and bags",
        x=TensorSpec((28, 28, 1), "float32"),
        y=TensorSpec((), "int64"),
        class_names=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        examples={"train": 55_000, "validation": 5_000, "test": 10_000},
        splits="validation: the first 5,000 examples of the training files; train: the other 55,000; test: the test files",
        licence="MIT",
        citation=(
            "H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning "
            "Algorithms, arXiv:1708.07747, 2017"
        ),
        homepage="https://github.com/zalandoresearch/fashion-mnist",
        files=(  # pinned by the MD5 sums that the home page tells, as these are what the publisher vouches for
            _published("train-images-idx3-ubyte.gz", 26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            _published("train-labels-idx1-ubyte.gz", 29_515, "25c81989df183df01b3e8a0aad5dffbe"),
            _published("t10k-images-idx3-ubyte.gz", 4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
            _published("t10k-labels-idx1-ubyte.gz", 5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
        ),
        shared="the publisher does not promise that every picture stands once",
    )
)
def fashion_mnist(*, dtype: str = "float32") -> DataSet:
    """Returns Fashion-MNIST: grey images of 28x28, float32 [n, 28, 28, 1], 0.0 is the background; labels 0 to 9.

    The splits are made as those of `mnist`. The files have the names of MNIST's, so they are looked for in a folder
    fashion_mnist of LABKIT_DATA only; and as they were downloaded (.gz), because what is pinned is the MD5 that their
    publisher tells.

    Args:
        dtype: "uint8" leaves the pixels as they stand in the files, 0 to 255.

    Raises:
        InvalidArgumentError: there is no such dtype.
        MissingDataError: a file is in none of the places that `labkit.datasets.files` names.
        DataError: a file is damaged or another one.
    """
    return from_idx_files(fashion_mnist.info, dtype)
