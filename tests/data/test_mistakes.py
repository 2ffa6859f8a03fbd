"""Mistakes of those who are new to pipelines: errors say how to mend them."""

from __future__ import annotations

import gzip
import io
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import labkit as lk
from labkit.data import missing
from labkit.errors import DataError, InvalidArgumentError, LabkitError, MissingNameError

Dataset, transforms = lk.data.Dataset, lk.data.transforms
IMAGES = np.arange(4 * 8 * 8 * 3, dtype=np.uint8).reshape(4, 8, 8, 3)
PAIRS = Dataset.from_tensor_slices((IMAGES, np.arange(4)))


def file(name: str, content: bytes) -> str:
    Path(name).write_bytes(content)
    return name


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "operations of the graph": (lambda: PAIRS.map(lambda x, y: (lk.square(x), y)).arrays(), "compute with NumPy"),
    "a function of one for two": (lambda: PAIRS.map(lambda pair: pair).arrays(), "parts of a tuple.*takes 2 here"),
    "a function of two for one": (
        lambda: Dataset.range(3).map(lambda x, y: x).arrays(),
        "An element is one argument here",
    ),
    "a function of two for a dict": (
        lambda: Dataset.from_tensors({"x": 1, "y": 2}).map(lambda x, y: x).arrays(),
        r"lambda row: row\['x'\]",
    ),
    "text as str": (lambda: Dataset.from_tensors("a,b").map(lambda line: line.split(",")).arrays(), "text.decode"),
    "methods of str": (lambda: Dataset.from_tensors("a,b").map(lambda s: s.encode()).arrays(), "text.decode"),
    "a function's own mistakes": (lambda: Dataset.range(3).map(lambda i: i.no).arrays(), r"'no'\.$"),
    "variables": (lambda: Dataset.from_tensors(lk.Variable(1.0)), "compute with NumPy"),
    "transforms after batch": (lambda: PAIRS.batch(2).map(transforms.ToFloat()).arrays(), "before batch"),
    "random transforms after batch": (
        lambda: PAIRS.batch(2).map(transforms.RandomCrop(4)).element_spec,
        "before batch",
    ),
    "a transform of one image": (lambda: transforms.ToFloat()(IMAGES[0]), r"images\[None\]"),
    "grey images without channels": (lambda: transforms.ToFloat()(IMAGES[..., 0]), r"array\[..., None\]"),
    "channels first": (lambda: transforms.CenterCrop(6)(IMAGES.transpose(0, 3, 1, 2)), "channels last"),
    "a transform's class": (lambda: PAIRS.map(transforms.ToFloat), r"Make one: ToFloat\(...\)"),  # type: ignore[arg-type]
    "several transforms": (lambda: PAIRS.map([transforms.ToFloat()]), r"map\(first\).map\(second\)"),  # type: ignore[arg-type]
    "the path of an image": (lambda: lk.data.decode_image("a.png"), "read_bytes"),  # type: ignore[arg-type]
    "patterns": (lambda: next(iter(lk.data.CsvDataset("*.csv"))), "list_files"),
    "another folder": (lambda: lk.data.NumpyDataset("a.npy"), "The current folder is"),
    "a packed file": (
        lambda: next(iter(lk.data.CsvDataset(file("a.csv.gz", gzip.compress(b"a,b\n1,2\n"))))),
        "It is packed",
    ),
    "Latin text": (lambda: next(iter(lk.data.CsvDataset(file("a.csv", b"a\nM\xfc\n")))), "Write it as UTF-8"),
    "semicolons": (
        lambda: next(iter(lk.data.CsvDataset(file("a.csv", b"a;b\n1;2\n"), label="b"))),
        "delimiter=';'",
    ),
    "dtypes in a list": (lambda: lk.data.CsvDataset("a.csv", dtypes=[lk.float32]), "dict by column"),  # type: ignore[arg-type]
    "defaults in a list": (lambda: lk.data.SqlDataset("SELECT 1", "a", defaults=[0]), "dict by column"),  # type: ignore[arg-type]
    "record_defaults": (lambda: lk.data.CsvDataset("a.csv", [lk.float32]), "label is the name of a column"),  # type: ignore[arg-type]
    "a connection first": (lambda: lk.data.SqlDataset(sqlite3.connect(":memory:"), "SELECT 1"), "takes it first"),  # type: ignore[arg-type]
    "a database first": (lambda: next(iter(lk.data.SqlDataset("a.sqlite", "SELECT 1"))), "stands second"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    call, message = MISTAKES[name]
    with lk.Graph().as_default(), pytest.raises(LabkitError, match=message):
        call()


def test_a_file_that_is_elsewhere_names_no_folder_where_the_path_does(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Is the path right\?$"):
        lk.data.NumpyDataset(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("names", "found"),
    [(missing.DATA, lk.data), (missing.TRANSFORMS, transforms), (missing.METHODS, Dataset.range(3))],
    ids=["lk.data", "transforms", "Dataset"],
)
def test_names_of_others_say_what_to_use(names: dict[str, str], found: Any) -> None:
    for name, instead in names.items():
        with pytest.raises(MissingNameError) as error:
            getattr(found, name)
        assert error.value.fix == instead
        assert not hasattr(found, name)


def test_names_that_are_near() -> None:
    with pytest.raises(MissingNameError, match="Did you mean padded_batch"):
        _ = Dataset.range(3).paded_batch  # type: ignore[attr-defined]
    with pytest.raises(MissingNameError, match=r"Did you mean lk.data.TextLineDataset"):
        _ = lk.data.TextlinesDataset  # type: ignore[attr-defined]
    with pytest.raises(MissingNameError, match=r"Did you mean lk.data.transforms.RandomContrast"):
        _ = transforms.RandomContrst  # type: ignore[attr-defined]


def test_lists_of_numpys_values_keep_their_dtype() -> None:
    """A list of decoded images is bytes; Python's own numbers are float32 and int32."""
    assert Dataset.from_tensor_slices(list(IMAGES)).element_spec == lk.data.TensorSpec((8, 8, 3), "uint8")
    assert Dataset.from_tensor_slices([np.float64(1), np.float64(2)]).element_spec == lk.data.TensorSpec((), "float64")
    assert Dataset.from_tensor_slices([1.0, 2.0]).element_spec == lk.data.TensorSpec((), "float32")
    assert Dataset.from_tensor_slices([np.float64(1), 2.0]).element_spec == lk.data.TensorSpec((), "float32")
    np.testing.assert_array_equal(Dataset.from_tensor_slices(list(IMAGES)).arrays(), IMAGES)
    with pytest.raises(LabkitError, match="equal-length lists"):
        Dataset.from_tensor_slices([IMAGES[0], IMAGES[0, :3]])
    with pytest.raises(LabkitError, match="Masked"):
        Dataset.from_tensor_slices([np.ma.masked_array([1.0], [True])])


def test_pillows_images_are_bytes() -> None:
    encoded = io.BytesIO()
    Image.fromarray(IMAGES[0]).save(encoded, "PNG")
    opened = Image.open(io.BytesIO(encoded.getvalue()))
    for dataset in (
        Dataset.from_tensors(opened),
        Dataset.from_tensor_slices([opened]),
        Dataset.from_generator(lambda: iter([opened])),
        Dataset.range(1).map(lambda i: opened),
    ):
        (image,) = dataset
        assert image.dtype == np.uint8
        np.testing.assert_array_equal(image, IMAGES[0])


def test_images_have_one_number_for_both_sides_as_transforms_have(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    Image.fromarray(IMAGES[0]).save(tmp_path / "cat" / "a.png")
    small, square = lk.data.ImageFolder(tmp_path, size=4), lk.data.ImageFolder(tmp_path, size=(4, 4))
    np.testing.assert_array_equal(next(iter(small))[0], next(iter(square))[0])
    assert repr(small) == repr(square)
    data = (tmp_path / "cat" / "a.png").read_bytes()
    np.testing.assert_array_equal(lk.data.decode_image(data, size=4), lk.data.decode_image(data, size=(4, 4)))
    with pytest.raises(InvalidArgumentError, match="one number for both"):
        lk.data.decode_image(data, size=(4, 4, 3))  # type: ignore[arg-type]
