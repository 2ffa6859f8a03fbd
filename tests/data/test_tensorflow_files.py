"""Files that TensorFlow writes are read, and it reads those written here, where it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.data import FixedLengthRecordDataset, TensorSpec, TFRecordDataset, TFRecordWriter, serialize_example

tf = pytest.importorskip("tensorflow")

COMPRESSIONS = ["", "GZIP", "ZLIB"]
SPECS = {
    "image": TensorSpec((4, 5, 3), "uint8"),
    "jpeg": TensorSpec((), "string"),
    "label": TensorSpec((), "int64"),
    "box": TensorSpec((2, 2), "float32"),
    "words": TensorSpec((None,), "string"),
    "size": TensorSpec((), "float32"),
}


def rows(count: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    made = []
    for i in range(count):
        image = rng.integers(0, 256, (4, 5, 3), np.uint8)
        made.append(
            {
                "image": image.tobytes(),
                "jpeg": tf.io.encode_jpeg(image).numpy(),
                "label": i - 3,
                "box": rng.normal(size=4).astype(np.float32),
                "words": [b"word"] * (i % 3),
            }
        )
    return made


def tensorflow_example(row: dict[str, Any]) -> bytes:
    lists = {
        "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[row["image"]])),
        "jpeg": tf.train.Feature(bytes_list=tf.train.BytesList(value=[row["jpeg"]])),
        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[row["label"]])),
        "box": tf.train.Feature(float_list=tf.train.FloatList(value=row["box"])),
        "words": tf.train.Feature(bytes_list=tf.train.BytesList(value=row["words"])),
    }
    return tf.train.Example(features=tf.train.Features(feature=lists)).SerializeToString()


def require_rows(elements: Any, expected: list[dict[str, Any]]) -> None:
    found = list(elements)
    assert len(found) == len(expected)
    for element, row in zip(found, expected, strict=True):
        assert np.asarray(element["image"]).tobytes() == row["image"]
        assert element["jpeg"] == row["jpeg"]
        assert int(element["label"]) == row["label"]
        np.testing.assert_array_equal(element["box"], row["box"].reshape(2, 2))
        assert list(element["words"]) == row["words"]
        assert float(element["size"]) == 1.5


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_tensorflow_writes_and_labkit_reads(tmp_path: Path, compression: str) -> None:
    expected, path = rows(9), str(tmp_path / "a.tfrecord")
    with tf.io.TFRecordWriter(path, compression) as writer:
        for row in expected:
            writer.write(tensorflow_example(row))
    require_rows(TFRecordDataset(path, compression, features=SPECS, defaults={"size": 1.5}), expected)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_labkit_writes_and_tensorflow_reads(tmp_path: Path, compression: str) -> None:
    expected, path = rows(9), str(tmp_path / "a.tfrecord")
    with TFRecordWriter(path, compression) as writer:
        for row in expected:
            writer.write(
                serialize_example({k: np.empty(0, object) if k == "words" and not v else v for k, v in row.items()})
            )

    def parse(record: Any) -> Any:
        row = tf.io.parse_single_example(
            record,
            {
                "image": tf.io.FixedLenFeature((), tf.string),
                "jpeg": tf.io.FixedLenFeature((), tf.string),
                "label": tf.io.FixedLenFeature((), tf.int64),
                "box": tf.io.FixedLenFeature((2, 2), tf.float32),
                "words": tf.io.FixedLenSequenceFeature((), tf.string, allow_missing=True),
                "size": tf.io.FixedLenFeature((), tf.float32, default_value=1.5),
            },
        )
        return row | {"image": tf.reshape(tf.io.decode_raw(row["image"], tf.uint8), (4, 5, 3))}

    require_rows(tf.data.TFRecordDataset(path, compression).map(parse).as_numpy_iterator(), expected)


def test_images_that_tensorflow_encoded(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    images = np.random.default_rng(1).integers(0, 256, (4, 6, 7, 3), np.uint8)
    with tf.io.TFRecordWriter(str(tmp_path / "a")) as writer:
        for label, image in enumerate(images):
            png = tf.train.Feature(bytes_list=tf.train.BytesList(value=[tf.io.encode_png(image).numpy()]))
            number = tf.train.Feature(int64_list=tf.train.Int64List(value=[label]))
            features = tf.train.Features(feature={"image/encoded": png, "image/class/label": number})
            writer.write(tf.train.Example(features=features).SerializeToString())
    names = {"image/encoded": TensorSpec((), "string"), "image/class/label": TensorSpec((), "int64")}
    rows = TFRecordDataset(tmp_path / "a", features=names)
    found, labels = rows.map(
        lambda row: (lk.data.decode_image(row["image/encoded"]), row["image/class/label"]), num_parallel=2
    ).arrays()
    np.testing.assert_array_equal(found, images)
    assert labels.tolist() == [0, 1, 2, 3]


def test_records_are_the_same_bytes(tmp_path: Path) -> None:
    with tf.io.TFRecordWriter(str(tmp_path / "theirs")) as writer, TFRecordWriter(tmp_path / "ours") as own:
        for row in rows(5):
            writer.write(tensorflow_example(row))
            own.write(tensorflow_example(row))
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


def test_records_of_a_fixed_length(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(b"HH" + bytes(range(60)) + b"F")
    paths = [str(tmp_path / name) for name in "ab"]
    theirs = tf.data.FixedLengthRecordDataset(paths, 12, 2, 1).as_numpy_iterator()
    assert list(FixedLengthRecordDataset(paths, 12, 2, 1)) == list(theirs)


def test_columns_of_a_database(tmp_path: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(tmp_path / "a.sqlite")
    connection.execute("CREATE TABLE t (a INTEGER, b REAL, c TEXT)")
    connection.executemany("INSERT INTO t VALUES (?, ?, ?)", [(i, i / 4, f"ö{i}") for i in range(50)])
    connection.commit()
    connection.close()
    query, path = "SELECT a, b, c FROM t ORDER BY a DESC", str(tmp_path / "a.sqlite")
    theirs = tf.data.experimental.SqlDataset("sqlite", path, query, (tf.int64, tf.float64, tf.string))
    ours = lk.data.SqlDataset(query, path, dtypes={"b": "float64"})
    assert [tuple(row.values()) for row in ours] == list(theirs.as_numpy_iterator())
