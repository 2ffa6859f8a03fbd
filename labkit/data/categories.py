"""Columns of categories: of a vocabulary, of whole numbers, and crossed with each other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from labkit.data.columns import CategoricalColumn, FeatureColumn, flat_column, is_missing, require_one_length
from labkit.errors import FeedError


@dataclass(frozen=True)
class VocabularyColumn(CategoricalColumn):
    """See `categorical_column_with_vocabulary_list`."""

    key: str
    vocabulary: tuple[Any, ...]
    default_value: int
    num_oov_buckets: int

    @property
    def name(self) -> str:
        return self.key

    @property
    def num_buckets(self) -> int:  # type: ignore[override]
        return len(self.vocabulary) + self.num_oov_buckets

    def ids(self, features: Any) -> np.ndarray:
        places = {word: place for place, word in enumerate(self.vocabulary)}
        words = words_of(features, self.key, text=isinstance(self.vocabulary[0], str))
        return _each(words, lambda word: places.get(word, self._outside(word)))

    def _outside(self, word: Any) -> int:
        if not self.num_oov_buckets:
            return self.default_value
        return len(self.vocabulary) + bucket_of(str(word), self.num_oov_buckets)


@dataclass(frozen=True)
class IdentityColumn(CategoricalColumn):
    """See `categorical_column_with_identity`."""

    key: str
    num_buckets: int
    default_value: int | None

    @property
    def name(self) -> str:
        return self.key

    def ids(self, features: Any) -> np.ndarray:
        return _each(words_of(features, self.key, text=False), self._place)

    def _place(self, number: int) -> int:
        if 0 <= number < self.num_buckets:
            return number
        if self.default_value is None:
            raise FeedError(
                f"Column {self.key!r} holds a number that is no category",
                rule=f"Its categories are 0 to {self.num_buckets - 1}; -1 says that there is none",
                received=str(number),
                fix="Raise num_buckets, or say with default_value which category such numbers have.",
            )
        return self.default_value


@dataclass(frozen=True)
class CrossedColumn(CategoricalColumn):
    """See `crossed_column`."""

    keys: tuple[str | CategoricalColumn, ...]
    num_buckets: int

    @property
    def name(self) -> str:
        return "_X_".join(sorted(key if isinstance(key, str) else key.name for key in self.keys))

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


@dataclass(frozen=True)
class IndicatorColumn(FeatureColumn):
    """See `indicator_column`."""

    categorical_column: CategoricalColumn

    @property
    def name(self) -> str:
        return f"{self.categorical_column.name}_indicator"

    @property
    def width(self) -> int:
        return self.categorical_column.width

    def encode(self, features: Any) -> np.ndarray:
        return self.categorical_column.encode(features)


def bucket_of(word: str, buckets: int) -> int:
    """One of so many buckets, the same in every process: BLAKE2b of the text. (TensorFlow hashes otherwise.)"""
    digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") % buckets


def words_of(features: Any, key: str, text: bool | None) -> np.ndarray:
    """A column's texts, or whole numbers, as Python objects [examples, n]; None where one is missing: an empty text, -1, NaN.

    Args:
        text: which of the two it must hold; None where both will do, one of them throughout.

    Raises:
        FeedError: it holds something else.
    """
    values = flat_column(features, key)
    words = np.empty(values.shape, object)
    words.ravel()[:] = [_word(value) for value in values.ravel().tolist()]
    kinds = {type(word) for word in words.ravel() if word is not None}
    wanted = {str} if text else {int} if text is False else {str} if str in kinds else {int}
    if strange := [word for word in words.ravel() if word is not None and type(word) not in wanted]:
        raise FeedError(
            f"Column {key!r} holds something that is no category",
            rule=f"Its categories are {'texts' if str in wanted else 'whole numbers'}",
            received=repr(strange[0]),
            fix="Convert the column, or make numbers to categories with lk.feature_column.bucketized_column.",
        )
    return words


def _word(value: Any) -> Any:
    """A text or a whole number; None for what says that there is none; anything else as it is."""
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, bool | np.integer) or (isinstance(value, float) and value.is_integer()):
        value = int(value)
    return None if is_missing(value) or value in ("", -1) else value


def _each(words: np.ndarray, number: Callable[[Any], int]) -> np.ndarray:
    """The number of each word, of each different one asked once; -1 for None."""
    known: dict[Any, int] = {None: -1}
    for word in words.ravel():
        if word not in known:
            known[word] = number(word)
    return np.array([known[word] for word in words.ravel()], np.int64).reshape(words.shape)


def _coded(features: Any, key: str | CategoricalColumn) -> tuple[np.ndarray, list[str]]:
    """The categories of a column as numbers, [examples, n], -1 for none; and what each number stands for."""
    if not isinstance(key, str):
        return key.ids(features), [str(i) for i in range(key.num_buckets)]
    words = words_of(features, key, text=None)
    known: dict[Any, int] = {}
    return _each(words, lambda word: known.setdefault(word, len(known))), [str(word) for word in known]
