"""Columns of combinations of categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from labkit.data.columns import MOST_BUCKETS, CategoricalColumn, whole_number
from labkit.data.tables import require_one_length
from labkit.data.words import bucket_of, words_of
from labkit.errors import InvalidArgumentError


@dataclass(frozen=True, repr=False)
class CrossedColumn(CategoricalColumn):
    """See `crossed_column`."""

    made_by: ClassVar[str] = "crossed_column"
    keys: tuple[str | CategoricalColumn, ...]
    hash_bucket_size: int

    @property
    def name(self) -> str:
        return "_X_".join(sorted(key if isinstance(key, str) else key.name for key in self.keys))

    @property
    def num_buckets(self) -> int:  # type: ignore[override]
        return self.hash_bucket_size

    def ids(self, features: Any) -> np.ndarray:
        coded = {key if isinstance(key, str) else key.name: _coded(features, key) for key in self.keys}
        require_one_length({name: ids for name, (ids, _) in coded.items()})
        (codes, words), *others = coded.values()
        for own, names in others:
            # Each of an example's values so far with each of this column's; then the pairs that occur are numbered anew.
            pairs = codes[:, :, None] * len(names) + own[:, None, :]
            pairs = np.where((codes < 0)[:, :, None] | (own < 0)[:, None, :], -1, pairs)
            found, codes = np.unique(pairs, return_inverse=True)
            codes = np.where(found[codes] < 0, -1, codes).reshape(len(pairs), pairs.shape[1] * pairs.shape[2])
            words = [
                f"{words[pair // len(names)]}\x1f{names[pair % len(names)]}" if pair >= 0 else "" for pair in found
            ]
        buckets = np.array([bucket_of(word, self.num_buckets) for word in words], np.int64)
        return np.where(codes < 0, -1, buckets[codes])


def crossed_column(keys: Sequence[Any], hash_bucket_size: int) -> CrossedColumn:
    """Combinations of categories as categories: each combination that occurs is put into one of so many buckets by a hash.

    The hash is the same in every process, but not TensorFlow's. Two combinations may share a bucket; several times as many
    buckets as combinations make this rare. An example that has no category in one of the columns has no combination.

    Args:
        keys: at least two: names of columns of texts or whole numbers, or columns of categories, such as bucketized ones.
        hash_bucket_size: the number of buckets.

    Raises:
        InvalidArgumentError: there are fewer keys, one comes twice or is something else.
    """
    given = tuple(keys) if isinstance(keys, list | tuple) else ()
    names = {key if isinstance(key, str) else key.name for key in given if isinstance(key, str | CategoricalColumn)}
    if len(names) < 2 or len(names) < len(given):
        raise InvalidArgumentError(
            "crossed_column combines at least two different columns",
            rule="Each is a column's name, or a column of categories; numbers become one with bucketized_column",
            received=repr(keys),
        )
    return CrossedColumn(given, whole_number("hash_bucket_size", hash_bucket_size, 1, MOST_BUCKETS))


def _coded(features: Any, key: str | CategoricalColumn) -> tuple[np.ndarray, list[str]]:
    """The categories of a column as numbers, [examples, n], -1 for none; and what each number stands for."""
    if isinstance(key, str):
        codes, words = words_of(features, key, text=None)
        return codes, [str(word) for word in words]
    ids = key.ids(features)
    found, codes = np.unique(ids, return_inverse=True)
    return np.where(ids < 0, -1, codes.reshape(ids.shape)), [str(i) for i in found]
