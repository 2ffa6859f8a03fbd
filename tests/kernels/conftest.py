"""Running a kernel in the way every kernel test wants it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from labkit import _native

NAMES = {"float32": "f32", "float64": "f64", "int32": "i32", "int64": "i64", "uint8": "u8", "bool": "b8"}
GUARD = 16  # bytes before and after an array that a kernel must leave alone


class Kernels:
    """The kernels of one target.

    Every array lies one element after a 64-byte boundary, between guard bytes. Every call is made with one thread and with
    three, and must give the same bits.
    """

    def __init__(self, target: str) -> None:
        self.target = target

    def __call__(
        self,
        name: str,
        inputs: Sequence[np.ndarray],
        outputs: Sequence[tuple[Sequence[int], type] | np.ndarray],
        ints: Sequence[int] = (),
        reals: Sequence[float] = (),
    ) -> list[np.ndarray]:
        """The outputs of kernel `name`, an operation, or an operation with its dtype.

        Args:
            inputs: arrays; the first one's dtype completes a name without dtype (the first output's where there is none).
            outputs: (shape, dtype) of a result, or an array that the kernel updates (a copy of it is).
        """
        if "." not in name:
            first = inputs[0].dtype if inputs else np.dtype(outputs[0][1])
            name += "." + NAMES[first.name]
        once, again = (self._run(name, inputs, outputs, ints, reals, threads) for threads in (1, 3))
        for a, b in zip(once, again, strict=True):
            assert a.tobytes() == b.tobytes(), f"{name} depends on the number of threads"
        return once

    def _run(self, name, inputs, outputs, ints, reals, threads) -> list[np.ndarray]:
        rooms, arrays = [], []
        for output in outputs:
            new = isinstance(output, tuple)
            shape, dtype = output if new else (output.shape, output.dtype)
            room, array = guarded(shape, dtype)
            if not new:
                array[...] = output
            rooms.append(room)
            arrays.append(array)
        sources = [guarded(x.shape, x.dtype)[1] for x in inputs]
        for source, x in zip(sources, inputs, strict=True):
            source[...] = x
        _native.call_kernel(self.target, name, sources, arrays, list(ints), list(reals), threads)
        for room, array in zip(rooms, arrays, strict=True):
            assert (room[:GUARD] == 0xA5).all(), f"{name} wrote before its output"
            assert (room[GUARD + array.nbytes :] == 0xA5).all(), f"{name} wrote after its output"
        for source, x in zip(sources, inputs, strict=True):
            assert source.tobytes() == x.tobytes(), f"{name} changed an input"
        return [array.copy() for array in arrays]


def guarded(shape: Sequence[int], dtype) -> tuple[np.ndarray, np.ndarray]:
    """Bytes of the value 0xA5, and an array inside them that is aligned to its elements and no more."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    raw = np.full(size + 2 * GUARD + 128, 0xA5, np.uint8)
    start = -(raw.ctypes.data + GUARD) % 64 + dtype.itemsize
    room = raw[start : start + GUARD + size + GUARD]
    return room, room[GUARD : GUARD + size].view(dtype).reshape(shape)


@pytest.fixture(params=_native.targets(), scope="session")
def kernels(request: pytest.FixtureRequest) -> Kernels:
    return Kernels(request.param)


@pytest.fixture(scope="session")
def all_kernels() -> list[Kernels]:
    """One `Kernels` for each target, to compare targets."""
    return [Kernels(target) for target in _native.targets()]


def distance(result: np.ndarray, exact: np.ndarray) -> float:
    """The largest error in units of the last place of the rounded exact values; NaN and infinity must agree.

    Exact values below the smallest normal number are left out, as denormals may count as zero.
    """
    with np.errstate(over="ignore", under="ignore"):
        rounded = exact.astype(result.dtype)
    np.testing.assert_array_equal(np.isnan(result), np.isnan(rounded))
    infinite = np.isinf(rounded)
    np.testing.assert_array_equal(result[infinite], rounded[infinite])
    normal = np.isfinite(rounded) & (np.abs(exact) > np.finfo(result.dtype).tiny)
    assert np.isfinite(result[normal]).all()
    if not normal.any():
        return 0.0
    return float(np.max(np.abs(result[normal] - exact[normal]) / np.spacing(np.abs(rounded[normal]))))


@pytest.fixture(scope="session")
def ulps():
    return distance
