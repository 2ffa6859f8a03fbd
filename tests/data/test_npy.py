""".npy and .npz files: what NumPy writes comes back, and headers that lie or hold objects are refused."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

import labkit as lk
from labkit.data import NumpyDataset, TensorSpec
from labkit.errors import DataError, InvalidArgumentError, PipelineError

ARRAYS = {
    "float32": np.linspace(-1, 1, 12, dtype="f4").reshape(3, 4),
    "big-endian": np.arange(6, dtype=">i4").reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(24.0).reshape(2, 3, 4)),
    "fortran, big-endian": np.asfortranarray(np.arange(6, dtype=">f8").reshape(2, 3)),
    "half": np.array([1.5, -2], "f2"),
    "uint64": np.array([2**64 - 1], "u8"),
    "bool": np.array([[True], [False]]),
    "scalar": np.array(7, "i2"),
    "empty": np.zeros((0, 3), "u1"),
    "text": np.array(["Aachen", "Köln"]),
    "bytes": np.array([b"ab", b"c"]),
}


def npy(array: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version, allow_pickle=True)
    return file.getvalue()


def headed(descr: str, shape: str = "(2,)", data: bytes = b"", order: str = "False") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + data


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("name", ARRAYS)
def test_what_numpy_saves_comes_back(tmp_path: Path, name: str, mmap: bool) -> None:
    path = tmp_path / "x.npy"
    np.save(path, ARRAYS[name])
    found = lk.data.read_npy(path, mmap=mmap)
    assert found.dtype == ARRAYS[name].dtype if mmap else found.dtype.isnative
    assert found.flags.f_contiguous == ARRAYS[name].flags.f_contiguous
    np.testing.assert_array_equal(found, ARRAYS[name])


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_versions(tmp_path: Path, version: tuple[int, int]) -> None:
    (tmp_path / "x.npy").write_bytes(npy(ARRAYS["float32"], version))
    np.testing.assert_array_equal(lk.data.read_npy(tmp_path / "x.npy"), ARRAYS["float32"])


def test_a_mapped_array_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.npy"
    with path.open("wb") as file:
        file.write(headed("'<f4'", f"({1 << 24}, 64)"))
        file.truncate(file.tell() + (1 << 32))  # a hole of 4 GB
    tracemalloc.start()
    array = lk.data.read_npy(path, mmap=True)
    assert array[12345].tolist() == [0.0] * 64
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()
    assert not array.flags.writeable


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_archives(tmp_path: Path, save) -> None:
    path = tmp_path / "x.npz"
    save(path, **ARRAYS)
    found = lk.data.read_npz(path)
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
    assert list(lk.data.read_npz(path, ["bool", "half"])) == ["bool", "half"]
    with pytest.raises(DataError, match="no array 'bols'; did you mean 'bool'"):
        lk.data.read_npz(path, ["bols"])
    with pytest.raises(DataError, match=r"array 'fortran' is too large.*320 bytes, where 72 are left"):
        lk.data.read_npz(path, ["float32", "big-endian", "fortran"], max_bytes=400)


GOOD = headed("'<i4'", data=struct.pack("<2i", 1, 2))
BAD = {
    "empty": (b"", "no .npy file"),
    "text": (b"<!DOCTYPE html>", "no .npy file"),
    "version": (GOOD.replace(b"Y\1", b"Y\7"), "unknown version.*Received: 7"),
    "cut in the header": (GOOD[:40], "ends within its header"),
    "a header of 4 GB": (b"\x93NUMPY\2\0" + b"\xff" * 4 + b"{}", "4,294,967,295 bytes are announced"),
    "objects": (npy(np.array([{}, None], object)), "not read here.*Python objects are pickles"),
    "structured": (npy(np.zeros(2, [("a", "i4"), ("b", "O")])), "not read here.*fields of a structured array"),
    "dates": (npy(np.zeros(2, "M8[D]")), r"array.astype\('int64'\)"),
    "complex": (npy(np.zeros(2, "c8")), "real and imaginary"),
    "long double": (headed("'<f16'", data=bytes(31)), "not the size"),
    "no such float": (headed("'<f3'", data=bytes(6)), "not read here"),
    "text without size": (headed("'<U0'", f"({1 << 40},)"), "not read here"),
    "elements cut": (GOOD[:-1], "not the size that its header says.*Received: "),
    "elements left": (GOOD + b"\0", "not the size"),
    "a shape that is larger": (headed("'<i4'", f"({1 << 33}, {1 << 20})", bytes(8)), "not the size"),
    "a product that wraps": (headed("'<i4'", f"({1 << 33}, {1 << 31}, 2)", bytes(8)), "larger than any memory"),
    "empty but endless": (headed("'<i4'", f"({1 << 40}, {1 << 40}, 0)"), "larger than any memory"),
    "a negative size": (headed("'<i4'", "(-2,)", bytes(8)), "damaged header"),
    "a size that is true": (headed("'<i4'", "(True,)", bytes(4)), "damaged header"),
    "no tuple": (headed("'<i4'", "[2]", bytes(8)), "damaged header"),
    "order that is none": (headed("'<i4'", data=bytes(8), order="0"), "damaged header"),
    "code": (headed("__import__('os')", data=bytes(8)), "damaged header"),
    "many brackets": (headed("[" * 4000, data=bytes(8)), "damaged header"),
    "many signs": (headed("-" * 9000 + "1", data=bytes(8)), "damaged header"),
    "many digits": (headed("'<i4'", "(" + "9" * 9000 + ",)", bytes(8)), "damaged header"),
    "a letter that there is not": (headed("'<U1'", data=struct.pack("<2I", 65, 0x110000)), "0x110000 at byte"),
    "half a letter": (headed("'>U1'", data=struct.pack(">2I", 65, 0xD800)), "0xD800 at byte"),
    "no dict": (b"\x93NUMPY\1\0\x05\0[1]  ", "damaged header"),
}


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("name", BAD)
def test_files_that_are_none(tmp_path: Path, name: str, mmap: bool) -> None:
    data, message = BAD[name]
    path = tmp_path / "x.npy"
    path.write_bytes(data)
    tracemalloc.start()
    with pytest.raises(DataError, match=message) as caught:
        lk.data.read_npy(path, mmap=mmap)
    assert tracemalloc.get_traced_memory()[1] < 1 << 22
    tracemalloc.stop()
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("name", BAD)
def test_archives_of_them(tmp_path: Path, name: str) -> None:
    data, message = BAD[name]
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", data)
    with pytest.raises(DataError, match=message) as caught:
        lk.data.read_npz(tmp_path / "x.npz")
    assert "x.npz, array 'a'" in str(caught.value)


def written(tmp_path: Path, members: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(tmp_path / "x.npz", "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return tmp_path / "x.npz"


def test_archives_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no archive of arrays.*'notes.txt'"):
        lk.data.read_npz(written(tmp_path, [("notes.txt", b"")]))
    with pytest.warns(UserWarning, match="Duplicate"):
        path = written(tmp_path, [("a.npy", GOOD), ("a.npy", GOOD)])
    with pytest.raises(DataError, match=r"'a.npy' .*is there twice"):
        lk.data.read_npz(path)
    assert lk.data.read_npz(written(tmp_path, [("a.npy", GOOD)], zipfile.ZIP_LZMA))["a"].tolist() == [1, 2]
    (tmp_path / "y.npz").write_bytes(GOOD)
    with pytest.raises(DataError, match=r"y.npz is no archive that can be read"):
        lk.data.read_npz(tmp_path / "y.npz")
    with pytest.raises(DataError, match="cannot be read"):
        lk.data.read_npz(tmp_path / "none.npz")


def test_every_flipped_byte_of_the_numbers_is_found(tmp_path: Path) -> None:
    path = written(tmp_path, [("a.npy", GOOD)])
    whole = path.read_bytes()
    place = whole.index(struct.pack("<2i", 1, 2))
    for i in range(8):
        path.write_bytes(whole[: place + i] + bytes([whole[place + i] ^ 16]) + whole[place + i + 1 :])
        with pytest.raises(DataError, match=r"is damaged.*check sum"):
            lk.data.read_npz(path)


@pytest.mark.parametrize("mmap", [False, True])
def test_bools_are_zeros_and_ones(tmp_path: Path, mmap: bool) -> None:
    """A byte of 7 would count as 7 where bools become numbers."""
    np.save(tmp_path / "x.npy", np.array([True, False, True]))
    raw = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(raw[:-1] + b"\x07")
    assert lk.data.read_npy(tmp_path / "x.npy", mmap=mmap).view(np.uint8).tolist() == [1, 0, 1]


def test_a_bomb_is_given_up(tmp_path: Path) -> None:
    shape = "(200000000,)"
    path = written(tmp_path, [("a.npy", headed("'|u1'", shape) + bytes(200_000_000))], zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1 << 20
    tracemalloc.start()
    with pytest.raises(DataError, match="too large"):
        lk.data.read_npz(path, max_bytes=1 << 26)
    assert tracemalloc.get_traced_memory()[1] < 1 << 22
    tracemalloc.stop()


def test_a_data_set_of_mapped_arrays(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {"images.npy": rng.integers(0, 256, (10, 4, 3), np.uint8), "labels.npy": rng.integers(0, 10, 10)}
    for name, array in arrays.items():
        np.save(tmp_path / name, array)
    dataset = NumpyDataset((tmp_path / "images.npy", tmp_path / "labels.npy"))
    assert dataset.element_spec == (TensorSpec((4, 3), "uint8"), TensorSpec((), "int64"))
    assert len(dataset) == 10
    x, y = dataset.shuffle(seed=1).batch(10).arrays()
    order = np.argsort(rng.permutation(10))  # any order of rows: pairs stay pairs
    assert sorted((int(b), a.tobytes()) for a, b in zip(x[0][order], y[0][order], strict=True)) == sorted(
        (int(b), a.tobytes()) for a, b in zip(*arrays.values(), strict=True)
    )
    assert isinstance(dataset.arrays()[0], np.ndarray)
    assert not isinstance(dataset.arrays()[0], np.memmap)
    assert "images.npy" in repr(dataset)
    single = NumpyDataset(str(tmp_path / "images.npy"))
    np.testing.assert_array_equal(single.arrays(), arrays["images.npy"])
    named = NumpyDataset({"x": tmp_path / "images.npy"})
    np.testing.assert_array_equal(named.arrays()["x"], arrays["images.npy"])


def test_an_epoch_of_a_large_file_needs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.npy"
    with path.open("wb") as file:
        file.write(headed("'>i2'", f"({1 << 20}, 32, 32)"))
        file.truncate(file.tell() + (1 << 31))
    tracemalloc.start()
    dataset = NumpyDataset(path)
    assert dataset.element_spec == TensorSpec((32, 32), "int32")
    assert next(iter(dataset.skip(1_000_000).batch(8))).sum() == 0
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_other_dtypes_become_wider(tmp_path: Path) -> None:
    expected = {
        "i1": "int32", "i2": "int32", "u2": "int32", "u4": "int64", "u8": "int64", "f2": "float32", ">f4": "float32",
        ">i8": "int64", "U3": "string", "S2": "string", "?": "bool",
    }  # fmt: skip
    for descr, name in expected.items():
        np.save(tmp_path / "x.npy", np.array([0, 1, 2]).astype(descr))
        dataset = NumpyDataset(tmp_path / "x.npy")
        assert dataset.element_spec == TensorSpec((), name)
        values = dataset.arrays()
        assert values.dtype == lk.as_dtype(name).numpy
        assert values.tolist() == (
            [b"0", b"1", b"2"] if name == "string" else np.array([0, 1, 2]).astype(descr).tolist()
        )
    np.save(tmp_path / "x.npy", np.array([1, 2**64 - 1], "u8"))
    with pytest.raises(PipelineError, match="cannot become int64"):
        list(NumpyDataset(tmp_path / "x.npy"))


def test_a_data_set_of_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "mnist.npz"
    np.savez(path, x_train=np.zeros((4, 2)), y_train=np.arange(4), x_test=np.zeros((2, 2)), y_test=np.arange(2))
    pairs = NumpyDataset(path, arrays=("x_train", "y_train"))
    assert (len(pairs), pairs.element_spec) == (4, (TensorSpec((2,), "float64"), TensorSpec((), "int64")))
    assert NumpyDataset(path, arrays={"y": "y_test"}).arrays()["y"].tolist() == [0, 1]
    assert NumpyDataset(path, arrays="y_train").arrays().tolist() == [0, 1, 2, 3]
    with pytest.raises(InvalidArgumentError, match="different lengths"):
        NumpyDataset(path)
    with pytest.raises(DataError, match="no array 'x_trian'; did you mean"):
        NumpyDataset(path, arrays="x_trian")
    np.save(tmp_path / "x.npy", np.float32(1))
    with pytest.raises(InvalidArgumentError, match=r"no .npz file, in which arrays have names"):
        NumpyDataset(tmp_path / "x.npy", arrays="x")
    with pytest.raises(InvalidArgumentError, match="NumpyDataset cuts arrays along their first dimension"):
        NumpyDataset(tmp_path / "x.npy")
    with pytest.raises(DataError, match="cannot be read"):
        NumpyDataset(tmp_path / "none.npy")
