"""Data sets of files: lines of text, rows of CSV, records, NumPy's arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labkit.core.dtypes import as_dtype
from labkit.core.nest import flatten, pack
from labkit.data.dataset import Dataset
from labkit.data.formats.example_parser import Parser
from labkit.data.formats.npy import read_npy
from labkit.data.formats.npz import read_npz
from labkit.data.formats.payload import MAX_BYTES
from labkit.data.paths import as_paths, opened
from labkit.data.steps.column_arguments import by_column, require_label
from labkit.data.steps.csv import CsvRows, Layout
from labkit.data.steps.fixed_records import FixedRecords
from labkit.data.steps.numpy_rows import NumpyRows
from labkit.data.steps.text import TextLines
from labkit.data.steps.tfrecords import TFRecords
from labkit.errors import InvalidArgumentError
from labkit.io.records import checked_compression


class TextLineDataset(Dataset):
    """The lines of text files, as bytes without their ends, one file after another.

    Args:
        filenames: one path or several.

    Raises:
        InvalidArgumentError: these are no paths.
        DataError: (while iterating) a file cannot be read, or is no text.
    """

    def __init__(self, filenames: Any) -> None:
        super().__init__(TextLines(as_paths(filenames)))


class CsvDataset(Dataset):
    """The rows of CSV files (RFC 4180, UTF-8), one file after another, each a dict of scalars by column.

    Batches of it are tables, as `lk.feature_column` takes them. Files are read in pieces of 256 KB: going on from a state reads
    the piece that it is in again.

    Args:
        filenames: one path or several; all have the same columns.
        label: a column; an element then is (dict of the others, its value).
        dtypes: by column. Of one that is not named the first rows of the first file decide: int64 where all values are whole
            numbers, else float32, bool (true, false) or text.
        defaults: by column, what stands for a missing value: an empty field, NA, NaN, null, None. Without one it is NaN in a
            column of floats and an error in one of whole numbers or bools; text stays as it is.
        select_columns: the columns to read; None for all.
        column_names: of all columns, where the files do not begin with a record of them.
        delimiter: between fields.

    Raises:
        InvalidArgumentError: an argument is none of these.
        DTypeError: there is no such dtype.
        DataError: (while iterating) a file cannot be read, a row has more or fewer fields, a field is no value of its column.
    """

    def __init__(
        self,
        filenames: Any,
        label: str | None = None,
        dtypes: Mapping[str, Any] | None = None,
        defaults: Mapping[str, Any] | None = None,
        select_columns: Sequence[str] | None = None,
        column_names: Sequence[str] | None = None,
        delimiter: str = ",",
    ) -> None:
        if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
            raise InvalidArgumentError("The delimiter of a CSV file is one character", received=repr(delimiter))
        require_label(label)
        for what, names in (("select_columns", select_columns), ("column_names", column_names)):
            strings = isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
            if names is not None and (not strings or not names or len(set(names)) < len(names)):
                raise InvalidArgumentError(f"{what} are different names of columns", received=repr(names))
        if select_columns is not None and label is not None and label not in select_columns:
            select_columns = [*select_columns, label]
        layout = Layout(
            names=column_names,
            select=select_columns,
            dtypes={name: as_dtype(dtype) for name, dtype in by_column("dtypes", dtypes).items()},
            defaults=by_column("defaults", defaults),
            label=label,
            delimiter=delimiter,
        )
        super().__init__(CsvRows(as_paths(filenames), layout))


class TFRecordDataset(Dataset):
    """The records of TFRecord files, one file after another: bytes, or the tensors of tf.train.Examples.

        features = {"image": lk.data.TensorSpec((28, 28), "uint8"), "label": lk.data.TensorSpec((), "int64")}
        lk.data.TFRecordDataset("train.tfrecord", features=features).map(lambda row: (row["image"], row["label"]))

    Pictures that are JPEG or PNG are text in the specs, and `lk.data.decode_image(row["image/encoded"])` makes arrays of them.

    Checksums are looked at. Going on from a state is immediate in files that are not compressed; of others what is before the
    state is unpacked again.

    Args:
        filenames: one path or several.
        compression_type: of all files: "" (or None), "GZIP" or "ZLIB".
        features: what becomes of the features of an Example, as `parse_example` takes it; elements then are dicts.
        defaults: by name what stands for a feature that is missing.

    Raises:
        InvalidArgumentError: an argument is none of these.
        DataError: (while iterating) a file cannot be read, a record is damaged or cut off, is no Example, or one that has not
            these features. It names file, record and byte.
    """

    def __init__(
        self,
        filenames: Any,
        compression_type: str | None = "",
        features: Mapping[str, Any] | None = None,
        defaults: Mapping[str, Any] | None = None,
    ) -> None:
        if features is None and defaults is not None:
            raise InvalidArgumentError("defaults are those of features", fix="Say with features what is read.")
        parser = None if features is None else Parser(features, defaults)
        super().__init__(TFRecords(as_paths(filenames), checked_compression(compression_type), parser))


class FixedLengthRecordDataset(Dataset):
    """Records of the same number of bytes, one file after another, as bytes.

    They are found by their numbers: shuffling reads each from its place, and going on from a state is immediate.

        def decode(record):  # of CIFAR-10's binary version
            image = np.frombuffer(record, np.uint8, offset=1).reshape(3, 32, 32).transpose(1, 2, 0)
            return image, np.int64(record[0])

        lk.data.FixedLengthRecordDataset(batches, record_bytes=3073).shuffle().map(decode)

    Args:
        filenames: one path or several.
        record_bytes: of a record.
        header_bytes, footer_bytes: at the beginning and the end of each file, which are left out.

    Raises:
        InvalidArgumentError: an argument is none of these.
        DataError: (when its length is asked for) a file cannot be read, or does not consist of whole records.
        PipelineError: (while iterating) a file has become shorter.
    """

    def __init__(self, filenames: Any, record_bytes: int, header_bytes: int = 0, footer_bytes: int = 0) -> None:
        for what, number, least in (
            ("record_bytes", record_bytes, 1),
            ("header_bytes", header_bytes, 0),
            ("footer_bytes", footer_bytes, 0),
        ):
            if isinstance(number, bool) or not isinstance(number, int) or number < least:
                raise InvalidArgumentError(f"{what} is a whole number from {least} on", received=repr(number))
        super().__init__(FixedRecords(as_paths(filenames), record_bytes, header_bytes, footer_bytes))


class NumpyDataset(Dataset):
    """An element for each entry of the first dimension of arrays in NumPy's files; never Python objects.

        lk.data.NumpyDataset(("images.npy", "labels.npy"))
        lk.data.NumpyDataset("mnist.npz", arrays=("x_train", "y_train"))

    A .npy file is mapped: the system brings what is used, and arrays may be larger than the memory. It must not become shorter
    meanwhile. The arrays of a .npz file are read at once. Dtypes that labkit does not compute with become wider ones that hold
    their values: int8, int16 and uint16 int32, uint32 and uint64 int64, float16 float32; text becomes bytes.

    Args:
        files: a nest (tuple, dict) of paths of .npy files, or the path of one; or of one .npz file.
        arrays: a nest of names of arrays of the .npz file; None: a dict of all of them.
        max_bytes: the most bytes that the arrays of a .npz file may have together.

    Raises:
        InvalidArgumentError: these are no paths; an array has no first dimension, or these differ.
        DataError: a file cannot be read, is none of NumPy's, damaged, or holds something else; there is no such array.
        DTypeError: labkit has no such dtype.
        PipelineError: (while iterating) a number does not fit.
    """

    def __init__(self, files: Any, arrays: Any = None, max_bytes: int = MAX_BYTES) -> None:
        files = tuple(files) if isinstance(files, list) else files
        paths = as_paths(flatten(files))
        with opened(paths[0]) as file:
            archive = len(paths) == 1 and file.read(2) == b"PK"
        if archive:
            names = None if arrays is None else flatten(arrays)
            found = read_npz(paths[0], names, max_bytes)
            nest = found if arrays is None else pack(arrays, [found[name] for name in flatten(arrays)])
        elif arrays is not None:
            raise InvalidArgumentError(
                f"{paths[0]} is no .npz file, in which arrays have names", fix="Leave arrays out."
            )
        else:
            nest = pack(files, [read_npy(path, mmap=True) for path in paths])
        super().__init__(NumpyRows(nest, ", ".join(map(str, paths[:3])) + (", ..." if len(paths) > 3 else "")))
