"""Random numbers of pipelines: a function of (seed, epoch, index), so that it does not matter who draws them, or when.

Philox4x64-10 (Salmon et al. 2011): the key follows from seed and purpose, the counter holds draw, index and epoch. NumPy keeps
the words of its bit generators the same in all versions. Where many elements draw a few numbers each it is labkit's own
Philox4x32-10, with half of the key, and a counter of index and epoch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit import native
from labkit.core.graph import get_default_graph
from labkit.errors import InvalidArgumentError

_WORD = 2**64


def key_of(seed: int, purpose: str) -> np.ndarray:
    """The key of a stream, uint64 [2]."""
    return np.frombuffer(hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=16).digest(), "<u8").astype(
        np.uint64
    )


def philox(key: np.ndarray, epoch: int, index: int = 0) -> np.random.Philox:
    """The bit generator of an element."""
    epoch %= _WORD * _WORD
    return np.random.Philox(key=key, counter=np.array([0, index, epoch % _WORD, epoch // _WORD], np.uint64))


def generator(key: np.ndarray, epoch: int, index: int) -> np.random.Generator:
    """NumPy's generator for an element."""
    return np.random.Generator(philox(key, epoch, index))


def draws_at(key: np.ndarray, epoch: int, indices: np.ndarray) -> np.ndarray:
    """Four uniform numbers in [0, 1), multiples of 2**-32, for each of the indices, int64 [k]: float64 [k, 4]."""
    return _drawn("draws_at.i64", np.empty((len(indices), 4)), key, epoch, indices, [])


def integers_at(key: np.ndarray, epoch: int, indices: np.ndarray, ranges: Sequence[tuple[int, int]]) -> np.ndarray:
    """Four whole numbers for each of the indices, int64 [k, 4], those of `draws_at` put into four ranges (low, count): from
    low on and below low + count, which has at most 2**32."""
    limits = [n for pair in ranges for n in pair]
    return _drawn("integers_at.i64", np.empty((len(indices), 4), np.int64), key, epoch, indices, limits)


def _drawn(
    kernel: str, out: np.ndarray, key: np.ndarray, epoch: int, indices: np.ndarray, limits: list[int]
) -> np.ndarray:
    words = np.array([key[0], epoch % _WORD], np.uint64).view(np.int64).tolist()
    native.call_kernel(native.active_target(), kernel, [np.ascontiguousarray(indices)], [out], words + limits)
    return out


def chosen_seed(seed: Any) -> int:
    """The seed; where it is None the one of `lk.set_random_seed`, or 0.

    Raises:
        InvalidArgumentError: it is no whole number.
    """
    if seed is None:
        return get_default_graph().seed or 0
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise InvalidArgumentError("A seed is a whole number", received=repr(seed))
    return int(seed)
