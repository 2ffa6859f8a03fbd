"""Data sets that are made by a program: the same numbers for the same options, whoever makes them.

Example i of a split is the same however many are made, and the splits do not depend on each other. The random words are
Philox's, which NumPy keeps the same in all versions; numbers are computed from them in float64 and then rounded to float32,
so that the last bit of a machine's sine does not show.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from labkit.data.draws import key_of, philox
from labkit.datasets.base import DataSet, DataSetInfo, Split, identity
from labkit.errors import InvalidArgumentError, ResourceExhaustedError


class Draws:
    """Random numbers for the examples of one split. Each call is a stream of its own.

    Args:
        key: of the split's streams.
        count: how many examples.
    """

    def __init__(self, key: np.ndarray, count: int) -> None:
        self.count, self._key, self._streams = count, key, 0

    def uniform(self, low: float = 0.0, high: float = 1.0, size: int = 1) -> np.ndarray:
        """float64 [count, size], equally likely in [low, high)."""
        words = philox(self._key, 0, self._streams).random_raw(self.count * size)
        self._streams += 1
        return low + (high - low) * ((words >> np.uint64(11)) * 2.0**-53).reshape(self.count, size)

    def normal(self, scale: float = 1.0, size: int = 1) -> np.ndarray:
        """float64 [count, size], normal with mean 0 (Box and Muller 1958)."""
        radius, angle = self.uniform(size=size), self.uniform(high=2 * np.pi, size=size)
        return scale * np.sqrt(-2 * np.log1p(-radius)) * np.cos(angle)

    def classes(self, number: int) -> np.ndarray:
        """int64 [count]: the classes 0, 1, ... in turn, so that they are equally frequent."""
        return np.arange(self.count, dtype=np.int64) % number


def generated(
    info: DataSetInfo,
    draw: Callable[[Draws], tuple[Any, np.ndarray]],
    counts: Mapping[str, int],
    seed: int,
    stream: str = "",
    **options: Any,
) -> DataSet:
    """A data set whose splits are drawn when they are first asked for.

    Args:
        info: its record; `examples` in it are replaced by `counts`.
        draw: gives x and y of a `Split` for as many examples as `Draws.count` says.
        counts: how many examples of "train", "validation" and "test".
        seed: chooses the examples.
        stream: where the random numbers are to be others for an option, its value.
        options: all else that the examples follow from. They and the record's citation, which names the version, make the
            checksum.

    Raises:
        InvalidArgumentError: a count or the seed is no whole number of at least 0.
        ResourceExhaustedError: (at the first use of a split) it does not fit into memory.
    """
    require_whole(info.name, **counts, seed=seed)
    info = replace(info, examples=dict(counts))

    def make(split: str) -> Split:
        with in_memory(info, split):
            return Split(*draw(Draws(key_of(seed, f"{info.name} {stream}/{split}"), counts[split])))

    return DataSet(
        info=info,
        splits={split: functools.partial(make, split) for split in counts},
        checksum=identity(
            info.citation, stream, f"seed={seed}", *(f"{k}={v!r}" for k, v in sorted({**counts, **options}.items()))
        ),
        source=f"made by labkit with seed {seed}",
    )


def require_whole(name: str, least: int = 0, **options: Any) -> None:
    """Raises InvalidArgumentError unless the options of a data set are whole numbers of at least `least`."""
    for option, number in options.items():
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise InvalidArgumentError(
                f"{name} cannot be made with {option}={number!r}",
                rule=f"{option} is an integer of at least {least}",
                fix=f"Pass a number such as {option}={max(least, 1) * 2}",
            )


def require_amount(name: str, **options: Any) -> None:
    """Raises InvalidArgumentError unless the options of a data set are finite numbers of at least 0."""
    for option, number in options.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < math.inf:
            raise InvalidArgumentError(
                f"{name} cannot be made with {option}={number!r}",
                rule=f"{option} is a finite number of at least 0",
                fix=f"Pass a number such as {option}=0.1",
            )


@contextmanager
def in_memory(info: DataSetInfo, split: str) -> Iterator[None]:
    """Turns what NumPy raises for too many examples into a ResourceExhaustedError that says so."""
    try:
        yield
    except (MemoryError, ValueError, OverflowError) as error:
        count = info.examples[split]
        each = info.memory_bytes // max(sum(info.examples.values()), 1)
        if not isinstance(error, MemoryError) and count * each < 1 << 40:  # the others mean more than NumPy can count
            raise
        raise ResourceExhaustedError(
            f"The {split} split of {info.name} does not fit into memory",
            rule=f"An example takes {each:,} bytes",
            received=f"{split}={count:,}",
            fix="Ask for fewer examples",
        ) from error
