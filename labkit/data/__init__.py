"""Data on their way to a model.

`Dataset`: pipelines of elements; `transforms`: of images, natively. Feature columns (`lk.feature_column`): what becomes of the
columns of a table.
"""

from typing import TYPE_CHECKING

from labkit.data import transforms
from labkit.data.dataset import Dataset
from labkit.data.files import CsvDataset, FixedLengthRecordDataset, NumpyDataset, TextLineDataset, TFRecordDataset
from labkit.data.formats.cifar import read_cifar10, read_cifar100
from labkit.data.formats.example import serialize_example
from labkit.data.formats.example_parser import parse_example
from labkit.data.formats.idx import read_idx
from labkit.data.formats.npy import read_npy
from labkit.data.formats.npz import read_npz
from labkit.data.image_folder import ImageFolder
from labkit.data.images import decode_image
from labkit.data.iterator import Iterator
from labkit.data.leakage import Duplicates, LeakageWarning, duplicates
from labkit.data.missing import DATA, missing_from
from labkit.data.spec import TensorSpec
from labkit.data.splits import fraction, group_split, k_fold, random_split, stratified_split
from labkit.data.sql import SqlDataset
from labkit.data.steps.transform import Transform
from labkit.io.record_writer import TFRecordWriter

__all__ = [
    "CsvDataset",
    "Dataset",
    "Duplicates",
    "FixedLengthRecordDataset",
    "ImageFolder",
    "Iterator",
    "LeakageWarning",
    "NumpyDataset",
    "SqlDataset",
    "TFRecordDataset",
    "TFRecordWriter",
    "TensorSpec",
    "TextLineDataset",
    "Transform",
    "decode_image",
    "duplicates",
    "fraction",
    "group_split",
    "k_fold",
    "parse_example",
    "random_split",
    "read_cifar10",
    "read_cifar100",
    "read_idx",
    "read_npy",
    "read_npz",
    "serialize_example",
    "stratified_split",
    "transforms",
]

if not TYPE_CHECKING:
    __getattr__ = missing_from("data", __all__, DATA)
